/** Types as a program's source has them, for lists of arguments: `const char*`, `struct Foo*`, `int[3]`. */
import { Tag } from "./constants.ts";
import { decodeType } from "./decode.ts";
import type { Die } from "./die.ts";
import { DwarfError } from "./reader.ts";

/** Pointers, arrays and qualifiers around one type: more than anybody writes. */
const MAX_DEPTH = 64;

const QUALIFIERS: Readonly<Record<number, string>> = {
  [Tag.const_type]: "const",
  [Tag.volatile_type]: "volatile",
  [Tag.restrict_type]: "restrict",
  [Tag.atomic_type]: "_Atomic",
};

/** A declaration of `name` with the type. Undefined is void. */
export function declaration(type: Die | undefined, name: string): string {
  const target = pointedFunction(type);
  if (target) return `${spelling(target.type)} (*${name})(${parametersOf(target)})`;
  return name === "" ? spelling(type) : `${spelling(type)} ${name}`;
}

function spelling(type: Die | undefined, depth = 0): string {
  if (type === undefined) return "void";
  if (depth > MAX_DEPTH) throw new DwarfError(`the type at 0x${type.offset.toString(16)} contains itself`);
  const qualifier = QUALIFIERS[type.tag];
  if (qualifier !== undefined) {
    const inner = spelling(type.type, depth + 1);
    // `const char*` qualifies the char, `char* const` the pointer.
    return inner.endsWith("*") ? `${inner} ${qualifier}` : `${qualifier} ${inner}`;
  }
  const name = type.name ?? "";
  if (type.tag === Tag.typedef || type.tag === Tag.template_alias) return name;
  const decoded = decodeType(type);
  switch (decoded.kind) {
    case "pointer":
      if (decoded.to === undefined && name !== "") return name;
      return `${spelling(decoded.to, depth + 1)}${decoded.reference || "*"}`;
    case "array":
      return spelling(decoded.element, depth + 1) + decoded.counts.map((count) => `[${count ?? ""}]`).join("");
    case "struct":
    case "class":
    case "union":
    case "enum":
      return `${decoded.kind} ${name || "{...}"}`;
    case "function":
      return `${spelling(type.type, depth + 1)} ()`;
    case "void":
      return name || "void";
    default:
      return name || "?";
  }
}

function pointedFunction(type: Die | undefined): Die | undefined {
  if (type?.tag !== Tag.pointer_type) return undefined;
  return type.type?.tag === Tag.subroutine_type ? type.type : undefined;
}

function parametersOf(fn: Die): string {
  const types = [...fn.children()].flatMap((child) => {
    if (child.tag === Tag.formal_parameter) return [spelling(child.type)];
    return child.tag === Tag.unspecified_parameters ? ["..."] : [];
  });
  return types.join(", ");
}
