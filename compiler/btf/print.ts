/**
 * Types as C. Declarators are built from the inside out: each pointer, array or function wraps what was declared so
 * far, until a type with a name (or braces) is reached and stands in front.
 */
import { unreachable } from "../unreachable.ts";
import type { Btf } from "./btf.ts";
import { type BtfComposite, type BtfEnum, BtfError, type BtfPrototype, type TypeId } from "./types.ts";

/** No type of a real kernel comes near this many parts; a cycle exceeds it at once. */
const MAX_PARTS = 20_000;
/** Pointers, arrays, prototypes and braces around one name. */
const MAX_DEPTH = 200;

/** The type `id`, or a declaration of `name` with that type. Throws BtfError when the type contains itself. */
export function formatType(btf: Btf, id: TypeId, name = ""): string {
  return new Printer(btf, false).declare(id, name, 0);
}

/** A struct, union or enum with everything anonymous inside it written out; other types as their declaration. */
export function formatDefinition(btf: Btf, id: TypeId): string {
  return new Printer(btf, true).define(id);
}

class Printer {
  readonly #btf: Btf;
  readonly #expandAnonymous: boolean;
  #parts = 0;
  #depth = 0;

  constructor(btf: Btf, expandAnonymous: boolean) {
    this.#btf = btf;
    this.#expandAnonymous = expandAnonymous;
  }

  define(id: TypeId): string {
    const type = this.#btf.type(id);
    if (type.kind === "typedef") return `typedef ${this.declare(type.type, type.name, 0)};`;
    if (type.kind === "struct" || type.kind === "union") return `${this.#composite(type, 0)};`;
    if (type.kind === "enum") return `${this.#enum(type, 0)};`;
    if (type.kind === "func" || type.kind === "var") return `${this.declare(type.type, type.name, 0)};`;
    return `${this.declare(id, "", 0)};`;
  }

  /** `inner` is the declarator so far: a name, or what wraps it. `indent` counts the braces around it. */
  declare(id: TypeId, inner: string, indent: number): string {
    if (++this.#parts > MAX_PARTS || ++this.#depth > MAX_DEPTH) throw new BtfError(`BTF type ${id} contains itself`);
    const text = this.#spell(id, inner, indent);
    this.#depth--;
    return text;
  }

  #spell(id: TypeId, inner: string, indent: number): string {
    const type = this.#btf.type(id);
    switch (type.kind) {
      case "ptr": {
        const target = this.#btf.type(type.type).kind;
        const wrapped = target === "array" || target === "func_proto" ? `(*${inner})` : `*${inner}`;
        return this.declare(type.type, wrapped, indent);
      }
      case "array":
        return this.declare(type.element, `${inner}[${type.count}]`, indent);
      case "func_proto":
        return this.declare(type.returns, `${inner}(${this.#params(type, indent)})`, indent);
      case "const":
      case "volatile":
      case "restrict":
        // `const char *p` qualifies the char, `char *const p` the pointer.
        return this.#btf.type(type.type).kind === "ptr"
          ? this.declare(type.type, join(type.kind, inner), indent)
          : `${type.kind} ${this.declare(type.type, inner, indent)}`;
      case "type_tag":
      case "decl_tag":
        return this.declare(type.type, inner, indent);
      case "func":
      case "var":
        return this.declare(type.type, inner === "" ? type.name : inner, indent);
      case "struct":
      case "union":
        return join(this.#expands(type.name) ? this.#composite(type, indent) : tagged(type.kind, type.name), inner);
      case "enum":
        return join(this.#expands(type.name) ? this.#enum(type, indent) : tagged("enum", type.name), inner);
      case "fwd":
        return join(tagged(type.of, type.name), inner);
      case "void":
        return join("void", inner);
      case "int":
      case "float":
      case "typedef":
      case "datasec":
        return join(type.name, inner);
      default:
        return unreachable(type);
    }
  }

  #expands(name: string): boolean {
    return this.#expandAnonymous && name === "";
  }

  #params(proto: BtfPrototype, indent: number): string {
    const params = proto.params.map((p) => this.declare(p.type, p.name, indent));
    if (proto.variadic) params.push("...");
    return params.length === 0 ? "void" : params.join(", ");
  }

  #composite(type: BtfComposite, indent: number): string {
    const lines = type.members.map((m) => {
      const width = m.bitSize > 0 ? `: ${m.bitSize}` : "";
      return `${indentation(indent + 1)}${this.declare(m.type, m.name, indent + 1)}${width};\n`;
    });
    return `${join(type.kind, type.name)} {\n${lines.join("")}${indentation(indent)}}`;
  }

  #enum(type: BtfEnum, indent: number): string {
    const lines = type.values.map((v) => `${indentation(indent + 1)}${v.name} = ${v.value},\n`);
    return `${join("enum", type.name)} {\n${lines.join("")}${indentation(indent)}}`;
  }
}

function tagged(keyword: string, name: string): string {
  return `${keyword} ${name === "" ? "{...}" : name}`;
}

function join(left: string, right: string): string {
  return right === "" ? left : `${left} ${right}`;
}

function indentation(indent: number): string {
  return "\t".repeat(indent);
}
