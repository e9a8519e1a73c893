/** Turns types of C definitions into the language's, one level at a time, as with the kernel's own. */
import type { Btf } from "../btf/btf.ts";
import type { TypeId } from "../btf/types.ts";
import type { Extent, Layouts, Outside, PlacedMember } from "../c/layout.ts";
import { type CRecord, type CType, cTypeName } from "../c/types.ts";
import { loadUnit } from "./bit-fields.ts";
import { typeFromBtf } from "./btf-types.ts";
import { sizeOf } from "./layout.ts";
import {
  type AddressSpace,
  boolean,
  chars,
  integer,
  pointer,
  type StructField,
  type StructShape,
  type Type,
  voidType,
} from "./types.ts";

/** What a type is made of that no definition explains. */
export interface TypeSource {
  layouts: Layouts;
  /** A type of the language or of the kernel by its name in C: `pid_t`, `struct list_head`. */
  outside(spelling: string, space: AddressSpace): Type | undefined;
}

/** `space` is where pointers found in this type lead. Throws IncompleteType for a struct with an unknown member. */
export function typeFromC(type: CType, space: AddressSpace, source: TypeSource): Type {
  switch (type.kind) {
    case "void":
    case "function":
      return voidType;
    case "boolean":
      return boolean;
    case "integer":
      return type.size === 16 ? bytes(16) : integer(type.size, type.signed || type.plain === true);
    case "float":
      return { kind: "float", size: type.size };
    case "pointer":
      return pointer(typeFromC(type.to, space, source), space);
    case "array": {
      const element = stripped(type.element);
      if (element.kind === "integer" && element.plain && type.count) return chars(type.count);
      return { kind: "array", element: typeFromC(type.element, space, source), count: type.count ?? 0 };
    }
    case "aligned":
      return typeFromC(type.type, space, source);
    case "struct":
    case "union":
      if (!type.members) return source.outside(cTypeName(type), space) ?? voidType;
      return { kind: "struct", shape: new CShape(type, space, source) };
    case "enum": {
      const { name, size, signed, values } = type;
      if (!values) return source.outside(cTypeName(type), space) ?? integer(4, false);
      return { kind: "enum", name, size, signed, values };
    }
    case "named":
      return source.outside(type.name, space) ?? voidType;
  }
}

function stripped(type: CType): CType {
  return type.kind === "aligned" ? stripped(type.type) : type;
}

function bytes(count: number): Type {
  return { kind: "array", element: integer(1, false), count };
}

class CShape implements StructShape {
  readonly name: string;
  readonly size: number;
  readonly #record: CRecord;
  readonly #space: AddressSpace;
  readonly #source: TypeSource;
  #fields: readonly StructField[] | undefined;

  constructor(record: CRecord, space: AddressSpace, source: TypeSource) {
    this.name = cTypeName(record);
    this.size = source.layouts.record(record).size;
    this.#record = record;
    this.#space = space;
    this.#source = source;
  }

  field(name: string): StructField | undefined {
    return this.fields().find((field) => field.name === name);
  }

  /** Members of anonymous structs and unions belong to the one around them. */
  fields(): readonly StructField[] {
    this.#fields ??= this.#collect(this.#record, 0);
    return this.#fields;
  }

  #collect(record: CRecord, base: number): StructField[] {
    return this.#source.layouts.record(record).members.flatMap((placed): StructField[] => {
      const { type, name } = placed.member;
      const isRecord = type.kind === "struct" || type.kind === "union";
      if (name === "") return isRecord ? this.#collect(type, base + placed.bitOffset) : [];
      return [this.#field(placed, base)];
    });
  }

  #field({ member, bitOffset }: PlacedMember, base: number): StructField {
    const start = base + bitOffset;
    const type = typeFromC(member.type, this.#space, this.#source);
    if (member.bits === undefined) return { name: member.name, type, offset: start / 8 };
    const { offset, unit } = loadUnit(start, member.bits, this.size);
    return { name: member.name, type, offset, bits: { offset: start - offset * 8, size: member.bits, unit } };
  }
}

/** Sizes of the types that C definitions use without defining them; `named` knows the language's own. */
export function outsideOf(btf: Btf | undefined, named: (name: string) => Type | undefined): Outside {
  const known = (spelling: string): Extent | undefined => {
    const id = btf?.findSpelling(spelling);
    return btf && id !== undefined ? extentOf(btf, id) : undefined;
  };
  return {
    named: (name) => {
      const type = named(name);
      return type ? { size: sizeOf(type), align: Math.max(1, sizeOf(type)) } : known(name);
    },
    tagged: (kind, name) => known(`${kind} ${name}`),
  };
}

/** Type information has no alignments: they follow from the members, and from where these were put. */
function extentOf(btf: Btf, id: TypeId): Extent | undefined {
  const size = btf.sizeOf(id);
  return size === undefined ? undefined : { size, align: alignOf(btf, id) };
}

function alignOf(btf: Btf, id: TypeId): number {
  const type = btf.resolve(id);
  switch (type.kind) {
    case "array":
      return alignOf(btf, type.element);
    case "struct":
    case "union": {
      let align = 1;
      for (const member of type.members) {
        const wanted = alignOf(btf, member.type);
        // A member that does not lie at its own alignment shows that the struct is packed.
        if (member.bitSize > 0 || member.bitOffset % (wanted * 8) === 0) align = Math.max(align, wanted);
      }
      while (type.size % align !== 0) align /= 2;
      return align;
    }
    case "ptr":
      return 8;
    case "int":
    case "float":
    case "enum":
      return Math.max(1, Math.min(16, type.size));
    default:
      return 1;
  }
}

/** A type of the kernel by its spelling in C. */
export function kernelType(btf: Btf | undefined, spelling: string, space: AddressSpace): Type | undefined {
  const id = btf?.findSpelling(spelling);
  return btf && id !== undefined ? typeFromBtf(btf, id, space) : undefined;
}
