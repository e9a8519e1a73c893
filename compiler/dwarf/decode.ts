/** Entries become types, members, functions. */
import { rangesOf } from "./addresses.ts";
import { At, Encoding, Tag } from "./constants.ts";
import type { Die } from "./die.ts";
import { DwarfError, Reader } from "./reader.ts";
import type { DwarfFunction, DwarfMember, DwarfParameter, DwarfType } from "./types.ts";

/** Typedefs and qualifiers in a row, more than any compiler makes. */
const MAX_CHAIN = 64;

const TRANSPARENT: ReadonlySet<number> = new Set([
  ...[Tag.typedef, Tag.template_alias, Tag.const_type, Tag.volatile_type, Tag.restrict_type],
  ...[Tag.atomic_type, Tag.packed_type, Tag.shared_type, Tag.immutable_type],
]);

/** Entries that stand for nothing but another type. */
export function isTransparent(die: Die): boolean {
  return TRANSPARENT.has(die.tag);
}

/** What lies below typedefs and qualifiers; undefined is void. */
export function stripped(die: Die | undefined): Die | undefined {
  let found = die;
  for (let steps = 0; found !== undefined && isTransparent(found); steps++) {
    if (steps === MAX_CHAIN) throw new DwarfError(`the type at 0x${die?.offset.toString(16)} leads back to itself`);
    found = found.type;
  }
  return found;
}

/** `die` is none that stands for another one. */
export function decodeType(die: Die | undefined): DwarfType {
  if (die === undefined) return { kind: "void" };
  const name = die.name ?? "";
  switch (die.tag) {
    case Tag.base_type:
      return baseType(die, name);
    case Tag.pointer_type:
      return { kind: "pointer", to: die.type, reference: "" };
    case Tag.reference_type:
      return { kind: "pointer", to: die.type, reference: "&" };
    case Tag.rvalue_reference_type:
      return { kind: "pointer", to: die.type, reference: "&&" };
    case Tag.array_type:
      return arrayType(die);
    case Tag.structure_type:
    case Tag.interface_type:
      return recordType(die, "struct", name);
    case Tag.class_type:
      return recordType(die, "class", name);
    case Tag.union_type:
      return recordType(die, "union", name);
    case Tag.enumeration_type:
      return enumType(die, name);
    case Tag.subroutine_type:
      return { kind: "function" };
    case Tag.ptr_to_member_type: {
      const size = die.number(At.byte_size);
      return { kind: "member-pointer", size: size ?? (stripped(die.type)?.tag === Tag.subroutine_type ? 16 : 8) };
    }
    case Tag.unspecified_type:
      // `decltype(nullptr)` is a pointer, and the only one of these that anything is made of.
      return name.includes("nullptr") ? { kind: "pointer", to: undefined, reference: "" } : { kind: "void" };
    default:
      return { kind: "other", name, size: die.number(At.byte_size) };
  }
}

function baseType(die: Die, name: string): DwarfType {
  const bits = die.number(At.bit_size);
  const size = die.number(At.byte_size) ?? (bits === undefined ? 0 : Math.ceil(bits / 8));
  switch (die.number(At.encoding)) {
    case Encoding.boolean:
      return { kind: "boolean", name, size };
    case Encoding.float:
    case Encoding.imaginary_float:
    case Encoding.decimal_float:
      return { kind: "float", name, size, parts: 1 };
    case Encoding.complex_float:
      return { kind: "float", name, size, parts: 2 };
    case Encoding.signed:
    case Encoding.signed_fixed:
      return { kind: "integer", name, size, signed: true, isChar: false };
    case Encoding.signed_char:
      return { kind: "integer", name, size, signed: true, isChar: true };
    case Encoding.unsigned_char:
      // On machines where a plain char has no sign it is one still.
      return { kind: "integer", name, size, signed: false, isChar: name === "char" };
    case Encoding.address:
    case Encoding.unsigned:
    case Encoding.unsigned_fixed:
    case Encoding.UTF:
    case Encoding.UCS:
    case Encoding.ASCII:
      return { kind: "integer", name, size, signed: false, isChar: false };
    default:
      return { kind: "other", name, size };
  }
}

function arrayType(die: Die): DwarfType {
  const element = die.type;
  if (element === undefined) return { kind: "other", name: "array", size: die.number(At.byte_size) };
  const counts: (number | undefined)[] = [];
  for (const child of die.children()) if (child.tag === Tag.subrange_type) counts.push(countOf(child));
  if (counts.length === 0) counts.push(undefined);
  return { kind: "array", element, counts, isVector: die.flag(At.GNU_vector) };
}

/** Only known where it is a plain number: an array may have as many elements as a variable says. */
function countOf(range: Die): number | undefined {
  const count = range.number(At.count);
  if (count !== undefined) return count;
  const upper = range.big(At.upper_bound, true);
  if (upper === undefined) return undefined;
  // gcc writes -1 for an array without elements, on as many bits as it takes.
  const elements = Number(upper) - (range.number(At.lower_bound) ?? 0) + 1;
  return elements >= 0 && elements < 2 ** 32 ? elements : 0;
}

function recordType(die: Die, kind: "struct" | "union" | "class", name: string): DwarfType {
  const size = die.flag(At.declaration) ? undefined : (die.number(At.byte_size) ?? 0);
  return { kind, die, name, size, align: die.number(At.alignment) };
}

function enumType(die: Die, name: string): DwarfType {
  const base = decodeType(stripped(die.type));
  const size = die.number(At.byte_size) ?? ("size" in base ? (base.size ?? 4) : 4);
  const listed = [...die.children()].filter(({ tag }) => tag === Tag.enumerator);
  // Without a type it is the values that tell: gcc and clang write negative ones as such.
  const signed =
    base.kind === "integer" ? base.signed : listed.some((value) => (value.big(At.const_value, true) ?? 0n) < 0n);
  const values = listed.map((value) => {
    const number = value.big(At.const_value, signed) ?? 0n;
    return { name: value.name ?? "", value: number };
  });
  return { kind: "enum", name, size, signed, values };
}

/** Members in order, with what a class inherits. What has no place that is known beforehand is left out: virtual bases, statics. */
export function membersOf(record: Die): DwarfMember[] {
  const members: DwarfMember[] = [];
  for (const child of record.children()) {
    const inherited = child.tag === Tag.inheritance;
    if (child.tag !== Tag.member && !inherited) continue;
    if (child.flag(At.external) || child.flag(At.declaration)) continue;
    const type = child.type;
    const place = type && memberPlace(child, type);
    if (!type || !place) continue;
    members.push({ name: inherited ? "" : (child.name ?? ""), type, inherited, ...place });
  }
  return members;
}

function memberPlace(member: Die, type: Die): Pick<DwarfMember, "bitOffset" | "bitSize"> | undefined {
  const start = memberOffset(member);
  if (start === undefined) return undefined;
  const bitSize = member.number(At.bit_size) ?? 0;
  const fromStart = member.number(At.data_bit_offset);
  if (fromStart !== undefined) return { bitOffset: fromStart, bitSize };
  // Before version 4: counted from the highest bit of a word, on machines of either kind.
  const fromTop = member.big(At.bit_offset, true);
  if (fromTop === undefined) return { bitOffset: start * 8, bitSize };
  const unit = member.number(At.byte_size) ?? sizeOf(type) ?? 4;
  return { bitOffset: start * 8 + unit * 8 - Number(fromTop) - bitSize, bitSize };
}

/** Bytes; undefined where it takes more than adding a number to find the member. */
function memberOffset(member: Die): number | undefined {
  if (!member.has(At.data_member_location)) return 0;
  const plain = member.number(At.data_member_location);
  if (plain !== undefined) return plain;
  const expression = member.bytes(At.data_member_location);
  if (expression === undefined || expression.length === 0) return undefined;
  const reader = new Reader(expression);
  // DW_OP_plus_uconst, as gcc wrote it in old versions.
  if (reader.u8() !== 0x23) return undefined;
  const offset = reader.uleb();
  return reader.done ? offset : undefined;
}

/** Bytes; undefined for what has none, or none that is known. Throws DwarfError for a type that contains itself. */
export function sizeOf(die: Die | undefined): number | undefined {
  let factor = 1;
  let at = stripped(die);
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    const type = decodeType(at);
    switch (type.kind) {
      case "void":
      case "function":
        return undefined;
      case "pointer":
        return 8 * factor;
      case "array": {
        const whole = at?.number(At.byte_size);
        if (whole !== undefined) return whole * factor;
        for (const count of type.counts) factor *= count ?? 0;
        at = stripped(type.element);
        break;
      }
      default:
        return type.size === undefined ? undefined : type.size * factor;
    }
  }
  throw new DwarfError(`the type at 0x${die?.offset.toString(16)} is an array of itself`);
}

/** A function that has code. */
export function decodeFunction(die: Die, entry: number): DwarfFunction {
  const { root } = die.unit;
  let external = false;
  let convention: number | undefined;
  for (const origin of die.origins()) {
    external ||= origin.flag(At.external);
    convention ??= origin.number(At.calling_convention);
  }
  return {
    die,
    name: die.name ?? "",
    returns: die.type,
    parameters: parametersOf(die),
    entry,
    external,
    language: root.number(At.language) ?? 0,
    convention,
  };
}

function parametersOf(die: Die): DwarfParameter[] {
  const own = [...die.children()].filter(({ tag }) => tag === Tag.formal_parameter);
  const parameter = (entry: Die, dropped: boolean): DwarfParameter => {
    const isArtificial = [...entry.origins()].some((origin) => origin.flag(At.artificial));
    return { die: entry, name: entry.name ?? "", type: entry.type, isArtificial, dropped };
  };
  const found = own.map((entry) => parameter(entry, false));
  // What the function was before it was compiled, perhaps in several ways.
  const origin = die.reference(At.abstract_origin);
  if (origin === undefined) return found;
  const before = [...origin.children()].filter(({ tag }) => tag === Tag.formal_parameter);
  const isKept = (entry: Die): boolean => own.some((kept) => kept.reference(At.abstract_origin)?.equals(entry));
  if (before.every(isKept) || own.some((entry) => !entry.has(At.abstract_origin))) return found;
  return before.map((entry) => {
    const kept = own.find((candidate) => candidate.reference(At.abstract_origin)?.equals(entry));
    return parameter(kept ?? entry, kept === undefined);
  });
}

/** The address that a function begins at. */
export function entryOf(die: Die): number | undefined {
  if (die.has(At.entry_pc)) {
    const entry = die.address(At.entry_pc);
    if (entry !== undefined) return entry;
  }
  return die.has(At.low_pc) ? die.address(At.low_pc) : rangesOf(die)[0]?.start;
}
