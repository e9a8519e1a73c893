/**
 * What a script asks about types: `sizeof`, `offsetof`, `typeof`, `typeinfo`, and `comptime`, which asks for a value that is
 * known when the script is compiled. What is asked about is never run.
 */
import { variables } from "../builtins/index.ts";
import { IncompleteType } from "../c/layout.ts";
import { didYouMean } from "../diagnostics.ts";
import type { Span } from "../source.ts";
import type * as ast from "../syntax/ast.ts";
import { walk } from "../syntax/walk.ts";
import type { Checker } from "./check.ts";
import { isConstant } from "./constants.ts";
import { sizeOf } from "./layout.ts";
import type { Names } from "./names.ts";
import { addressSpaceOf } from "./providers/provider.ts";
import {
  isAggregate,
  isNamed,
  literalType,
  NAME_SIZE,
  pointer,
  string,
  type Type,
  typeName,
  uint64,
  unknown,
} from "./types.ts";

export class TypeQueries {
  readonly #c: Checker;
  readonly #names: Names;

  constructor(checker: Checker, names: Names) {
    this.#c = checker;
    this.#names = names;
  }

  // Types

  /** The type that a type in the script stands for. `value` is what an array without a length takes its from. */
  declared(node: ast.TypeName | ast.TypeOf, value: Type = unknown): Type {
    let type = node.kind === "typeof" ? this.of(node.of) : this.#named(node);
    for (const modifier of node.modifiers) {
      if (type.kind === "unknown") return unknown;
      if (modifier === "*") type = pointer(type, this.#defaultSpace());
      else if (type.kind === "string" && typeof modifier === "number") type = string(modifier);
      else if (type.kind === "buffer" && typeof modifier === "number") type = { kind: "buffer", size: modifier };
      else if (typeof modifier === "number") type = { kind: "array", element: type, count: modifier };
      else type = { kind: "array", element: type, count: this.#elementCount(node.span, type, value) };
    }
    return type;
  }

  isUnsizedString(node: ast.TypeName | ast.TypeOf): boolean {
    return node.kind === "type-name" && !node.tag && node.name === "string" && node.modifiers.length === 0;
  }

  /** The type that is asked about: a type, or that of a value. */
  of(node: ast.Expression | ast.TypeName): Type {
    walk(node, (part) => {
      if (part.kind !== "assignment" || (part.target?.kind !== "map" && part.target?.kind !== "map-access")) return;
      const message = "Map assignments not allowed inside of typeof, typeinfo or sizeof";
      this.#c.error("type-as-value", part.span, message, "what is asked about is never run");
    });
    switch (node.kind) {
      case "type-name":
        return this.declared(node);
      case "typeof":
        return this.declared(node);
      case "map": {
        // Of a map with keys it is the type of these, so that a key can be declared: `let $k: typeof(@x)`.
        const info = this.#c.map(node);
        return info.keyed ? info.key : this.#c.type(node);
      }
      case "identifier": {
        const isBuiltin = Object.hasOwn(variables, node.name) || /^s?arg\d+$/.test(node.name);
        const type = isBuiltin ? undefined : this.#find(undefined, node.name, node.span);
        return type ?? this.#c.type(node);
      }
      default:
        return asked(this.#c.type(node));
    }
  }

  #named({ tag, name, span }: ast.TypeName): Type {
    if (!tag && name === "string") return string(this.#c.settings.maxStrlen);
    if (!tag && name === "buffer") return { kind: "buffer", size: this.#c.settings.maxStrlen };
    const found = this.#find(tag, name, span);
    if (found) return found;
    const near = this.#names.similarType(tag, name);
    const noBtf = "the kernel gives no type information (BTF), so its structs are unknown";
    const help = near ? `did you mean \`${near}\`?` : this.#c.facts.btf() ? undefined : noBtf;
    return this.#c.error("unknown-type", span, `unknown type \`${tag ? `${tag} ${name}` : name}\``, help);
  }

  #find(tag: ast.TypeName["tag"], name: string, span: Span): Type | undefined {
    try {
      return this.#names.type(tag, name, this.#defaultSpace());
    } catch (error) {
      if (!(error instanceof IncompleteType)) throw error;
      return this.#c.error("unknown-type", span, `\`${name}\` has no size: ${error.message}`);
    }
  }

  /** Where pointers lead that come from a cast: the language goes by the probe. */
  #defaultSpace(): "kernel" | "user" {
    const { probes } = this.#c.unit;
    return probes.length > 0 && probes.every((p) => addressSpaceOf(p.event) === "user") ? "user" : "kernel";
  }

  /** The length of an array type that leaves it to the value: `(int8[])x`. */
  #elementCount(span: Span, element: Type, value: Type): number {
    const size = sizeOf(element);
    if (value.kind === "unknown" || value.kind === "void" || size === 0) {
      if (value.kind === "void") this.#c.error("cast", span, "there is no value that tells the length of the array");
      return 0;
    }
    return Math.max(1, Math.floor(sizeOf(value) / size));
  }

  // Values

  sizeof(node: ast.SizeOf): Type {
    const type = this.of(node.of);
    if (type.kind === "unknown") return literalType(0n);
    if (type.kind === "hist" || type.kind === "lhist") {
      return this.#c.error("sizeof", node.span, `a value of type ${typeName(type)} has no size of its own`);
    }
    return { ...uint64, value: BigInt(sizeOf(type)) };
  }

  offsetof(node: ast.OffsetOf): Type {
    let type = this.of(node.of);
    let offset = 0;
    // What is asked about may be a pointer; a member of that kind leads out of the struct.
    if (type.kind === "pointer") type = type.to;
    for (const { text, span } of node.path) {
      if (type.kind === "unknown") return literalType(0n);
      const shape = type.kind === "struct" ? type.shape : undefined;
      const field = shape?.field(text);
      if (!field) {
        const fields = shape?.fields().map(({ name }) => name) ?? [];
        return this.#c.error(
          "unknown-field",
          span,
          `${typeName(type)} has no field \`${text}\``,
          didYouMean(text, fields),
        );
      }
      offset += field.offset;
      type = field.type;
    }
    return { ...uint64, value: BigInt(offset) };
  }

  /** A record of what a type is: `typeinfo(x).base_type == "int"`. */
  typeinfo(node: ast.TypeInfo): Type {
    const type = this.of(node.of);
    if (type.kind === "unknown") return unknown;
    return {
      kind: "record",
      fields: [
        { name: "btf_id", type: literalType(0n) },
        { name: "base_type", type: text(baseName(type)) },
        { name: "full_type", type: text(fullName(type)) },
      ],
    };
  }

  comptime(node: ast.Comptime): Type {
    const type = this.#c.type(node.operand);
    if (type.kind === "unknown" || isConstant(type)) return type;
    return this.#c.error(
      "not-constant",
      node.operand.span,
      "this is not known when the script is compiled",
      "`comptime` takes literals, positional parameters, and what is asked about types",
    );
  }
}

function text(value: string): Type {
  return { kind: "string", size: value.length + 1, value };
}

/** A text that is kept as a number is nevertheless a text to whoever asks. */
function asked(type: Type): Type {
  return isNamed(type) && type.kind !== "probe" ? string(NAME_SIZE) : type;
}

/** The kind of a type, in the words that scripts compare with. */
export function baseName(type: Type): string {
  switch (type.kind) {
    case "integer":
    case "enum":
      return "int";
    case "boolean":
      return "bool";
    case "struct":
    case "probe":
      return "c_type";
    case "mac":
      return "mac_address";
    case "ksym":
    case "usym":
    case "cgroup_path":
      return `${type.kind}_t`;
    default:
      return isAggregate(type) ? `${type.kind}_t` : type.kind;
  }
}

function fullName(type: Type): string {
  switch (type.kind) {
    case "enum":
    case "mac":
    case "probe":
      return type.kind === "enum" ? typeName(type) : baseName(type);
    case "ksym":
    case "usym":
    case "cgroup_path":
      return baseName(type);
    case "inet":
      return `inet[${sizeOf(type)}]`;
    case "kstack":
    case "ustack":
      return `${type.kind}_${type.mode}_${type.limit}`;
    default:
      return isAggregate(type) ? baseName(type) : typeName(type);
  }
}
