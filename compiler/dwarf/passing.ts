/**
 * How values are passed to functions, as the ABIs of C and C++ for x86-64 (System V) and arm64 (AAPCS64) have it: which types go in
 * registers for integers, which in those for floating point, on the stack, or as a pointer to a copy.
 */
import { At, CallingConvention, CPLUS_LANGUAGES, Tag } from "./constants.ts";
import { decodeType, membersOf, sizeOf } from "./decode.ts";
import type { Die } from "./die.ts";
import type { Dwarf } from "./dwarf.ts";
import type { DwarfRecord } from "./types.ts";

export type Passing =
  /** In so many words, each in the next register of its kind. */
  | { by: "words"; words: readonly WordKind[]; size: number; align: number }
  /** As a result, `onTop` is on top of the x87's own stack. */
  | { by: "stack"; size: number; align: number; onTop?: true }
  /** As a pointer to a copy. */
  | { by: "reference" }
  /** Not at all, because there is nothing in it. */
  | { by: "nothing" }
  | { by: "unknown"; why: string };

export type WordKind = "integer" | "float";

export type Arch = "x64" | "arm64";

/** Records inside of records, more than anybody writes. */
const MAX_DEPTH = 32;

const INTEGER: Passing = { by: "words", words: ["integer"], size: 8, align: 8 };
const FLOAT: Passing = { by: "words", words: ["float"], size: 8, align: 8 };
const REFERENCE: Passing = { by: "reference" };
const NOTHING: Passing = { by: "nothing" };

export function passingOf(dwarf: Dwarf, type: Die | undefined, arch: Arch): Passing {
  const found = dwarf.resolve(type);
  const decoded = decodeType(found);
  switch (decoded.kind) {
    case "pointer":
      return INTEGER;
    case "boolean":
    case "enum":
      return INTEGER;
    case "integer":
      if (decoded.size <= 8) return INTEGER;
      if (decoded.size !== 16) break;
      return { by: "words", words: ["integer", "integer"], size: 16, align: 16 };
    case "member-pointer":
      return decoded.size === 16 ? { by: "words", words: ["integer", "integer"], size: 16, align: 8 } : INTEGER;
    case "float":
      return floatPassing(decoded, arch);
    case "array":
      if (!decoded.isVector || !found) break;
      return (sizeOf(found) ?? 0) <= 16 ? FLOAT : unknownPassing("it is a vector of many elements");
    case "struct":
    case "class":
    case "union":
      return recordPassing(dwarf, decoded, arch);
    default:
      break;
  }
  return unknownPassing(
    `its type, \`${"name" in decoded ? decoded.name : decoded.kind}\`, is passed in a way that is not known`,
  );
}

function unknownPassing(why: string): Passing {
  return { by: "unknown", why };
}

/** The x87's numbers go on the stack, those of 128 bits in a register of their own. */
function floatPassing({ name, size, parts }: { name: string; size: number; parts: number }, arch: Arch): Passing {
  if (arch === "arm64") return { by: "words", words: parts === 2 ? ["float", "float"] : ["float"], size, align: 8 };
  const isExtended = name.endsWith("long double");
  if (parts === 2) {
    if (size > 16) return { by: "stack", size, align: 16, onTop: true };
    return size === 16 ? { by: "words", words: ["float", "float"], size, align: 8 } : FLOAT;
  }
  return isExtended ? { by: "stack", size, align: 16, onTop: true } : FLOAT;
}

function recordPassing(dwarf: Dwarf, record: DwarfRecord, arch: Arch): Passing {
  const { die, size } = record;
  if (size === undefined) return unknownPassing(`\`${record.name}\` is only declared`);
  const isClass = CPLUS_LANGUAGES.has(die.unit.root.number(At.language) ?? 0);
  if (isClass && isPassedByReference(dwarf, die, 0)) return REFERENCE;
  const parts = [...partsOf(dwarf, die, 0, 0)];
  if (size === 0 || (parts.length === 0 && isClass && arch === "x64")) return NOTHING;
  const align = alignOf(dwarf, record, 0);
  return arch === "x64" ? wordsOnX64(parts, size, align) : wordsOnArm64(parts, size, align);
}

/** A scalar inside of a record. */
interface Part {
  /** Bits from the start. */
  start: number;
  bits: number;
  kind: WordKind | "stack";
  align: number;
}

function* partsOf(dwarf: Dwarf, record: Die, base: number, depth: number): Generator<Part> {
  if (depth > MAX_DEPTH) return;
  for (const { type, bitOffset, bitSize, name, inherited } of membersOf(record)) {
    if (bitSize > 0) {
      // Bits without a name are padding.
      if (name !== "" || inherited) yield { start: base + bitOffset, bits: bitSize, kind: "integer", align: 1 };
    } else yield* scalarsOf(dwarf, type, base + bitOffset, depth + 1);
  }
}

/** No record that goes in registers has more scalars than that. */
const MAX_ELEMENTS = 16;

function* scalarsOf(dwarf: Dwarf, type: Die, start: number, depth: number): Generator<Part> {
  const found = dwarf.resolve(type);
  const decoded = decodeType(found);
  switch (decoded.kind) {
    case "struct":
    case "class":
    case "union":
      yield* partsOf(dwarf, decoded.die, start, depth);
      return;
    case "array": {
      const size = sizeOf(decoded.element) ?? 0;
      const count = Math.min(MAX_ELEMENTS + 1, size === 0 ? 0 : (sizeOf(found) ?? 0) / size);
      if (decoded.isVector) yield { start, bits: (sizeOf(found) ?? 0) * 8, kind: "float", align: size * count };
      else if (depth <= MAX_DEPTH) {
        for (let i = 0; i < count; i++) yield* scalarsOf(dwarf, decoded.element, start + i * size * 8, depth + 1);
      }
      return;
    }
    case "float": {
      const kind = decoded.name.endsWith("long double") ? "stack" : "float";
      const size = decoded.size / decoded.parts;
      for (let i = 0; i < decoded.parts; i++) yield { start: start + i * size * 8, bits: size * 8, kind, align: size };
      return;
    }
    default: {
      const size = sizeOf(found) ?? 0;
      yield {
        start,
        bits: size * 8,
        kind: "integer",
        align: decoded.kind === "member-pointer" ? 8 : Math.max(1, size),
      };
    }
  }
}

/** Each eight bytes go by what is in them: integers win over floating point. */
function wordsOnX64(parts: readonly Part[], size: number, align: number): Passing {
  const stack: Passing = { by: "stack", size, align };
  if (size > 16) return stack;
  if (parts.length > 0 && parts.every(({ kind }) => kind === "stack")) return { ...stack, onTop: true };
  const words: (WordKind | undefined)[] = Array.from({ length: Math.ceil(size / 8) }, () => undefined);
  for (const { start, bits, kind, align: own } of parts) {
    if (kind === "stack" || start % (own * 8) !== 0) return stack;
    const last = Math.ceil((start + bits) / 64);
    for (let i = Math.floor(start / 64); i < last && i < words.length; i++) {
      words[i] = kind === "integer" || words[i] === "integer" ? "integer" : "float";
    }
  }
  const known = words.filter((word) => word !== undefined);
  if (known.length < words.length) return unknownPassing("a part of it is nothing but padding");
  return { by: "words", words: known, size, align };
}

/** Up to four numbers of floating point that are alike go in their registers, everything else like integers. */
function wordsOnArm64(parts: readonly Part[], size: number, align: number): Passing {
  const [first] = parts;
  const kind = (part: Part): string => (part.kind === "integer" ? "integer" : `float ${part.bits}`);
  if (first && first.kind !== "integer" && parts.every((part) => kind(part) === kind(first))) {
    const places = new Set(parts.map(({ start }) => start));
    if (places.size <= 4 && places.size * first.bits === size * 8) {
      return { by: "words", words: [...places].map(() => "float" as const), size, align };
    }
  }
  if (size > 16) return REFERENCE;
  return { by: "words", words: Array.from({ length: Math.ceil(size / 8) }, () => "integer" as const), size, align };
}

function alignOf(dwarf: Dwarf, record: DwarfRecord, depth: number): number {
  let align = record.align ?? 1;
  if (depth > MAX_DEPTH) return align;
  for (const part of partsOf(dwarf, record.die, 0, depth)) align = Math.max(align, Math.min(16, part.align));
  return align;
}

/**
 * Classes that cannot be copied as bytes. Compilers say it; where they do not, what the class declares tells: a destructor, or
 * constructors that copy and move, which are not the compiler's own.
 */
function isPassedByReference(dwarf: Dwarf, record: Die, depth: number): boolean {
  const convention = record.number(At.calling_convention);
  if (convention !== undefined) return convention === CallingConvention.pass_by_reference;
  if (depth > MAX_DEPTH) return false;
  const name = record.name ?? "";
  for (const child of record.children()) {
    if (child.tag === Tag.subprogram) {
      if (child.number(At.virtuality)) return true;
      const own = child.name ?? "";
      const isOwn = !child.flag(At.artificial) && !child.flag(At.defaulted);
      if (isOwn && (own === `~${name}` || (own === name && takesItself(dwarf, child, record)))) return true;
    } else if (child.tag === Tag.inheritance) {
      if (child.number(At.virtuality)) return true;
    }
  }
  return membersOf(record).some(({ type }) => {
    const found = dwarf.resolve(type);
    const { kind } = decodeType(found);
    return found && (kind === "struct" || kind === "class") && isPassedByReference(dwarf, found, depth + 1);
  });
}

/** Whether a constructor has one parameter, which is a reference to its own class. */
function takesItself(dwarf: Dwarf, fn: Die, record: Die): boolean {
  const given = [...fn.children()].filter((child) => child.tag === Tag.formal_parameter && !child.flag(At.artificial));
  const type = given.length === 1 ? decodeType(dwarf.resolve(given[0]!.type)) : undefined;
  if (type?.kind !== "pointer" || type.reference === "") return false;
  return dwarf.resolve(type.to)?.equals(record) ?? false;
}
