/** Turns the kernel's BTF types into the language's, one level at a time: a struct's members wait until they are asked for. */
import type { Btf } from "../btf/btf.ts";
import type { BtfField, IntEncoding, TypeId } from "../btf/types.ts";
import {
  type AddressSpace,
  boolean,
  chars,
  integer,
  pointer,
  type Size,
  type StructField,
  type StructShape,
  type Type,
  unknown,
  voidType,
} from "./types.ts";

/** `space` is where pointers found in this type lead. */
export function typeFromBtf(btf: Btf, id: TypeId, space: AddressSpace): Type {
  const type = btf.resolve(id);
  switch (type.kind) {
    case "int":
      if (type.encoding === "bool") return boolean;
      if (type.size > 8) return { kind: "array", element: integer(1, false), count: type.size };
      return integer(type.size as Size, type.signed || isChar(type));
    case "ptr":
      return pointerFromBtf(btf, type.type, space);
    case "array": {
      const element = typeFromBtf(btf, type.element, space);
      return { kind: "array", element, count: type.count };
    }
    case "struct":
    case "union":
      return { kind: "struct", shape: new BtfShape(btf, type.id, type.kind, type.name, type.size, space) };
    case "enum":
      return { kind: "enum", name: type.name, size: type.size as Size, signed: type.signed, values: type.values };
    case "void":
    case "func_proto":
    case "fwd":
      return voidType;
    default:
      return unknown;
  }
}

/** Compilers leave the sign of a plain char out of the type information. */
function isChar(type: { name: string; encoding: IntEncoding }): boolean {
  return type.encoding === "char" || type.name === "char";
}

/** The kernel tags pointers that lead elsewhere: `__user` to the process, `__percpu` to no single place. */
function pointerFromBtf(btf: Btf, target: TypeId, space: AddressSpace): Type {
  const tags: string[] = [];
  for (let type = btf.type(target); type.kind === "type_tag" || type.kind === "const"; type = btf.type(type.type)) {
    if (type.kind === "type_tag") tags.push(type.name);
  }
  const where = tags.includes("user") ? "user" : space;
  const found = pointer(typeFromBtf(btf, target, where), where);
  return tags.includes("user") || tags.includes("percpu") ? { ...found, marked: true } : found;
}

class BtfShape implements StructShape {
  readonly name: string;
  readonly size: number;
  readonly #btf: Btf;
  readonly #id: TypeId;
  readonly #space: AddressSpace;
  readonly #known = new Map<string, StructField | undefined>();

  constructor(btf: Btf, id: TypeId, kind: "struct" | "union", name: string, size: number, space: AddressSpace) {
    this.#btf = btf;
    this.#id = id;
    this.#space = space;
    this.name = `${kind} ${name || "<anonymous>"}`;
    this.size = size;
  }

  field(name: string): StructField | undefined {
    if (!this.#known.has(name)) {
      const field = this.#btf.field(this.#id, name);
      this.#known.set(name, field && this.#convert(field));
    }
    return this.#known.get(name);
  }

  fields(): readonly StructField[] {
    return this.#btf.fields(this.#id).map((field) => this.#convert(field));
  }

  #isDirect(field: BtfField): boolean {
    const type = this.#btf.type(this.#id);
    if (type.kind !== "struct" || field.bits) return false;
    return type.members.some((member) => member.name === field.name && member.bitOffset === field.offset * 8);
  }

  #convert(field: BtfField): StructField {
    const type = typeFromBtf(this.#btf, field.type, this.#space);
    const bits = field.bits && field.size <= 8 ? { ...field.bits, unit: field.size as Size } : undefined;
    return {
      name: field.name,
      type: charArrayAsString(type),
      offset: field.offset,
      ...(bits ? { bits } : {}),
      ...(this.#isDirect(field) ? { direct: true } : {}),
    };
  }
}

/** Arrays of char are strings to the language. */
export function charArrayAsString(type: Type): Type {
  if (type.kind === "array" && type.element.kind === "integer" && type.element.size === 1 && type.element.signed) {
    return type.count > 0 ? chars(type.count) : type;
  }
  return type;
}
