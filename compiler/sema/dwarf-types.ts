/**
 * Turns the types of a program's debug information into the language's, one level at a time: a struct's members wait until they
 * are asked for. All pointers lead into the process.
 */
import { decodeType, membersOf } from "../dwarf/decode.ts";
import type { Die } from "../dwarf/die.ts";
import type { Dwarf } from "../dwarf/dwarf.ts";
import { DwarfError } from "../dwarf/reader.ts";
import type { DwarfMember, DwarfRecord } from "../dwarf/types.ts";
import { loadUnit } from "./bit-fields.ts";
import { charArrayAsString } from "./btf-types.ts";
import {
  boolean,
  integer,
  pointer,
  type Size,
  type StructField,
  type StructShape,
  type Type,
  voidType,
} from "./types.ts";

/** Pointers and arrays around one type, and records without a name inside of one another: more than anybody writes. */
const MAX_DEPTH = 64;

export function typeFromDwarf(dwarf: Dwarf, die: Die | undefined, depth = 0): Type {
  if (depth > MAX_DEPTH) throw new DwarfError(`the type at 0x${die?.offset.toString(16)} contains itself`);
  const type = decodeType(dwarf.resolve(die));
  switch (type.kind) {
    case "void":
    case "function":
      return voidType;
    case "boolean":
      return type.size === 1 ? boolean : number(type.size, false);
    case "integer":
      return number(type.size, type.signed || type.isChar);
    case "float":
      return { kind: "float", size: type.size };
    case "pointer":
      return pointer(typeFromDwarf(dwarf, type.to, depth + 1), "user");
    case "member-pointer":
      return number(type.size, false);
    case "array": {
      const element = typeFromDwarf(dwarf, type.element, depth + 1);
      return type.counts.reduceRight<Type>((inner, count) => array(inner, count ?? 0), element);
    }
    case "struct":
    case "class":
    case "union":
      return type.size === undefined ? voidType : { kind: "struct", shape: new DwarfShape(dwarf, type, type.size) };
    case "enum":
      if (!isSize(type.size)) return number(type.size, false);
      return { kind: "enum", name: type.name, size: type.size, signed: type.signed, values: type.values };
    case "other":
      return type.size === undefined ? voidType : number(type.size, false);
  }
}

function array(element: Type, count: number): Type {
  return charArrayAsString({ kind: "array", element, count });
}

function isSize(size: number): size is Size {
  return size === 1 || size === 2 || size === 4 || size === 8;
}

/** What is no number to the language is bytes to it. */
function number(size: number, signed: boolean): Type {
  if (isSize(size)) return integer(size, signed);
  return { kind: "array", element: integer(1, false), count: size };
}

class DwarfShape implements StructShape {
  readonly name: string;
  readonly size: number;
  readonly space = "user";
  readonly #dwarf: Dwarf;
  readonly #record: DwarfRecord;
  readonly #known = new Map<string, StructField | undefined>();
  #placed: readonly DwarfMember[] | undefined;

  constructor(dwarf: Dwarf, record: DwarfRecord, size: number) {
    this.name = `${record.kind} ${record.name || "<anonymous>"}`;
    this.size = size;
    this.#dwarf = dwarf;
    this.#record = record;
  }

  field(name: string): StructField | undefined {
    if (!this.#known.has(name)) {
      this.#known.set(
        name,
        this.#dwarf.ask(() => this.#find(name)),
      );
    }
    return this.#known.get(name);
  }

  fields(): readonly StructField[] {
    return this.#dwarf.ask(() => this.#members().map((member) => this.#convert(member)));
  }

  /** A member of the class itself hides one that it inherits. */
  #find(name: string): StructField | undefined {
    const found = this.#members().filter((member) => member.name === name);
    const member = found.find(({ inherited }) => !inherited) ?? found[0];
    return member && this.#convert(member);
  }

  #members(): readonly DwarfMember[] {
    this.#placed ??= [...this.#collect(this.#record.die, 0, false, 0)];
    return this.#placed;
  }

  /** Members of anonymous structs and unions belong to the one around them, and so does what a class inherits. */
  *#collect(record: Die, base: number, inherited: boolean, depth: number): Generator<DwarfMember> {
    if (depth > MAX_DEPTH) throw new DwarfError(`the type at 0x${record.offset.toString(16)} contains itself`);
    for (const member of membersOf(record)) {
      const bitOffset = base + member.bitOffset;
      if (member.name !== "") yield { ...member, bitOffset, inherited };
      else if (member.bitSize === 0) {
        const inner = this.#dwarf.resolve(member.type);
        const { kind } = decodeType(inner);
        const isRecord = kind === "struct" || kind === "class" || kind === "union";
        if (inner && isRecord) yield* this.#collect(inner, bitOffset, inherited || member.inherited, depth + 1);
      }
    }
  }

  #convert({ name, type: die, bitOffset, bitSize }: DwarfMember): StructField {
    const type = typeFromDwarf(this.#dwarf, die);
    if (bitSize === 0) return { name, type, offset: Math.floor(bitOffset / 8) };
    const { offset, unit } = loadUnit(bitOffset, bitSize, this.size);
    return { name, type, offset, bits: { offset: bitOffset - offset * 8, size: bitSize, unit } };
  }
}
