/**
 * The outer shape of a BTF blob: header, type records, strings. One pass over the records checks that each lies inside the
 * blob, and notes where every so many begin; what a record means is left to the decoder.
 */
import { BtfError, type BtfKind, type TypeId } from "./types.ts";

/** BTF_KIND_* */
export const Kind = {
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

/** What the numbers above decode to. */
export const KINDS: readonly BtfKind[] = [
  "void",
  "int",
  "ptr",
  "array",
  "struct",
  "union",
  "enum",
  "fwd",
  "typedef",
  "volatile",
  "const",
  "restrict",
  "func",
  "func_proto",
  "var",
  "datasec",
  "float",
  "decl_tag",
  "type_tag",
  "enum",
];

/** Words of every record: name_off, info, and size or type. */
export const HEAD_WORDS = 3;
/** Words that follow the head, by kind: a fixed number, and so many for each element counted in `info`. */
const FIXED_WORDS = new Uint8Array([0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0]);
export const ELEMENT_WORDS = new Uint8Array([0, 0, 0, 0, 3, 3, 2, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 3]);

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;

export function kindOf(info: number): number {
  return (info >>> 24) & 0x1f;
}

/** Elements of a record with a variable number of them. */
export function countOf(info: number): number {
  return info & 0xffff;
}

export interface Blob {
  /** The type records. */
  words: Uint32Array;
  /** How many records there are. The id of record i is `firstId + i`. */
  count: number;
  /** Where record i * STRIDE begins in `words`: noting all of them would take longer than to walk from these. */
  marks: readonly number[];
  /** NUL-terminated names, the last one included. */
  strings: Uint8Array;
}

/** Opens a blob and finds its records, numbered from `firstId`. Throws BtfError when it is truncated, foreign or inconsistent. */
export function openBlob(bytes: Uint8Array, firstId: TypeId, isSplit: boolean): Blob {
  const { types, strings } = sections(bytes);
  // A module may do with the names of its base.
  if (strings.length === 0 ? !isSplit : strings.at(-1) !== 0) throw new BtfError("BTF strings do not end in a NUL");
  // A typed array wants alignment, which a blob cut out of a larger buffer may lack.
  const aligned = types.byteOffset % 4 === 0 ? types : types.slice();
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2);
  return { words, ...findRecords(words, firstId), strings };
}

/** Records from one mark to the next. */
const STRIDE = 64;

/** The words of a record whose second one is `info`. */
export function recordSize(info: number): number {
  const kind = kindOf(info);
  return HEAD_WORDS + FIXED_WORDS[kind]! + ELEMENT_WORDS[kind]! * countOf(info);
}

/** Where a record begins; undefined if there are not so many. */
export function recordStart({ words, count, marks }: Blob, index: number): number | undefined {
  if (!Number.isInteger(index) || index < 0 || index >= count) return undefined;
  let position = marks[Math.floor(index / STRIDE)]!;
  for (let rest = index % STRIDE; rest > 0; rest--) position += recordSize(words[position + 1]!);
  return position;
}

/**
 * The positions of the functions, or else of the other types, whose name begins with a certain byte and has a certain length, as far
 * as `strings`, the names from offset `start` on, can tell. It is one loop without a call, because it looks at every record.
 */
export function candidates(
  { words, count, strings }: Blob,
  { start, first, length, functions }: { start: number; first: number; length: number; functions: boolean },
): number[] {
  const found: number[] = [];
  let position = 0;
  for (let i = 0; i < count; i++) {
    const info = words[position + 1]!;
    const kind = (info >>> 24) & 0x1f;
    if ((kind === Kind.FUNC) === functions) {
      const at = words[position]! - start;
      if (at < 0 || (strings[at + length] === 0 && strings[at] === first)) found.push(position);
    }
    position += HEAD_WORDS + FIXED_WORDS[kind]! + ELEMENT_WORDS[kind]! * (info & 0xffff);
  }
  return found;
}

/** The index of the record that covers a position. */
export function recordAt({ words, marks }: Blob, position: number): number {
  let low = 0;
  let high = marks.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (marks[middle]! <= position) low = middle;
    else high = middle;
  }
  let index = low * STRIDE;
  for (let next = marks[low]!; ; index++) {
    next += recordSize(words[next + 1]!);
    if (next > position) return index;
  }
}

/** Calls `visit` for all records, in their order. */
export function eachRecord({ words, count }: Blob, visit: (position: number, kind: number) => void): void {
  let position = 0;
  for (let i = 0; i < count; i++) {
    // recordSize, spelled out, as in findRecords.
    const info = words[position + 1]!;
    const kind = (info >>> 24) & 0x1f;
    visit(position, kind);
    position += HEAD_WORDS + FIXED_WORDS[kind]! + ELEMENT_WORDS[kind]! * (info & 0xffff);
  }
}

function sections(bytes: Uint8Array): { types: Uint8Array; strings: Uint8Array } {
  if (bytes.length < HEADER_BYTES) throw new BtfError(`BTF of ${bytes.length} bytes is shorter than its header`);
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  if (header.getUint16(0, false) === MAGIC) throw new BtfError("BTF is of a big-endian machine");
  if (header.getUint16(0, true) !== MAGIC) throw new BtfError("not BTF: the magic number is missing");
  const version = header.getUint8(2);
  if (version !== 1) throw new BtfError(`BTF of version ${version} is not known, only version 1`);
  const headerLength = header.getUint32(4, true);
  if (headerLength < HEADER_BYTES || headerLength % 4 !== 0)
    throw new BtfError(`BTF header has the odd length ${headerLength}`);
  const section = (name: string, at: number): Uint8Array => {
    const start = headerLength + header.getUint32(at, true);
    const length = header.getUint32(at + 4, true);
    if (start + length > bytes.length)
      throw new BtfError(`BTF is truncated: its ${name} end at byte ${start + length} of ${bytes.length}`);
    return bytes.subarray(start, start + length);
  };
  const types = section("types", 8);
  const strings = section("strings", 16);
  if (types.length % 4 !== 0 || header.getUint32(8, true) % 4 !== 0) throw new BtfError("BTF types are not aligned");
  return { types, strings };
}

function findRecords(words: Uint32Array, firstId: TypeId): Pick<Blob, "count" | "marks"> {
  const marks: number[] = [];
  const end = words.length;
  const kinds = KINDS.length;
  let count = 0;
  let position = 0;
  while (position + HEAD_WORDS <= end) {
    // recordSize, spelled out: this runs a hundred thousand times, the first ones before it is compiled.
    const info = words[position + 1]!;
    const kind = (info >>> 24) & 0x1f;
    if (kind === 0 || kind >= kinds) {
      const what = kind === 0 ? "no kind" : `the kind ${kind}, which this decoder does not know`;
      throw new BtfError(`BTF type ${firstId + count} has ${what}`);
    }
    if (count % STRIDE === 0) marks.push(position);
    count++;
    position += HEAD_WORDS + FIXED_WORDS[kind]! + ELEMENT_WORDS[kind]! * (info & 0xffff);
  }
  if (position !== end) throw new BtfError(`BTF type ${firstId + Math.max(0, count - 1)} is cut off`);
  return { count, marks };
}
