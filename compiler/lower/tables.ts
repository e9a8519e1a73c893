/**
 * Entries that programs reach without a call: tables in mapped memory, in front of the kernel's hashes. A key has one place in
 * a table; where another one has taken it, the key lives in the kernel's hash. The harness puts both together.
 *
 * Maps that programs only add to have a table on each CPU, which is filled here. Who comes first keeps a place until the map is
 * cleared. A key may be in several CPUs' tables and in the hash: what it has there is added up. Maps whose values are set have one
 * table, see value-tables.ts.
 *
 * The first word of a place, its mark, is 0 while the place is free. Integers may be known by the mark, which is one more; of other
 * keys it only says that there is one, which follows.
 */
import type { Operand, Size, VReg } from "../ir/ir.ts";
import { BUSY, type EntryTable } from "../program.ts";
import { aggregateSize, placed, sizeOf } from "../sema/layout.ts";
import type { MapInfo } from "../sema/typed.ts";
import { isAggregate, isScalar, type Type } from "../sema/types.ts";
import { type Lowering, pieces, roundUp8 } from "./lowering.ts";

/** A key as an instruction takes it: a register for scalars, an address for everything else. */
export type Key = { value: Operand; size: Size } | { address: VReg };

/** What a table's entries are, in bytes. */
export interface Entries {
  key: Type;
  valueSize: number;
}

export interface PlannedTable extends Omit<EntryTable, "stride"> {
  entries: Entries;
  /** Bytes between the copies: filled in when the plan is frozen. */
  stride: { imm: bigint };
}

/** Larger keys take as long to compare as the kernel's hash takes to find them. */
const LARGEST_KEY = 32;
const MOST_WORDS = 8;
const TABLE_BYTES = 1 << 18;
const MOST_PLACES = 512;
const FEWEST_PLACES = 16;

export function entriesOf({ key, value }: MapInfo): Entries {
  const valueSize = isAggregate(value) ? aggregateSize(value) : sizeOf(value);
  return { key, valueSize };
}

/** How a table of `copies` copies is laid out; undefined if it would have too few places to be of use. */
export function layOut(
  { key: keyType, valueSize }: Entries,
  copies: number,
): Pick<EntryTable, "places" | "placeSize" | "key" | "value"> | undefined {
  const keySize = sizeOf(keyType);
  if (keySize > LARGEST_KEY || wordsIn(keyType).length > MOST_WORDS) return undefined;
  const key = isScalar(keyType) && keySize <= 4 ? undefined : 8;
  const value = key === undefined ? 8 : key + roundUp8(keySize);
  const placeSize = value + roundUp8(valueSize);
  const places = Math.min(MOST_PLACES, 2 ** Math.floor(Math.log2(TABLE_BYTES / copies / placeSize)));
  return places < FEWEST_PLACES ? undefined : { places, placeSize, key, value };
}

export interface KeyPlace {
  at: VReg;
  mark: VReg;
  words: readonly Word[];
}

interface Word {
  offset: number;
  size: Size;
  value: VReg;
}

/** The odd number next to 2^64 divided by the golden ratio: multiplied by it, keys that are close are far from each other. */
const GOLDEN = { imm: BigInt.asIntN(64, 0x9e3779b97f4a7c15n) };
/** From this bit on the product tells the place. */
const PLACE_BITS = { imm: 40n };

/** Where a key's place is in the table that begins at `base`, and by what it is known. */
export function keyPlace(
  l: Lowering,
  { entries, places, placeSize, key: keyAt }: PlannedTable,
  key: Key,
  base: VReg,
): KeyPlace {
  const { b } = l;
  const words = wordsOf(l, entries, key);
  const product = words.reduce<VReg | undefined>(
    (sum, { value }) => b.alu("mul", sum === undefined ? value : b.alu("xor", sum, value), GOLDEN),
    undefined,
  );
  const hash = l.reckoned(b.alu("rsh", product!, PLACE_BITS));
  const index = b.alu("and", hash, { imm: BigInt(places - 1) });
  const at = b.alu("add", base, b.alu("mul", index, { imm: BigInt(placeSize) }));
  return { at, mark: keyAt === undefined ? b.add(words[0]!.value, 1) : b.const(1), words };
}

function wordsOf(l: Lowering, { key: type }: Entries, key: Key): Word[] {
  const { b } = l;
  if ("address" in key) {
    return wordsIn(type).map(([offset, size, part]) => {
      return { offset, size, value: l.asNumber(b.load(key.address, offset, size), part) };
    });
  }
  const value = typeof key.value === "object" ? b.const(key.value.imm) : l.asNumber(key.value, type);
  return [{ offset: 0, size: key.size, value: b.extend(value, key.size, false) }];
}

/** A key's words as they were stored, without the gaps between them: what is loaded as it was stored is still in its register. */
function wordsIn(type: Type, start = 0): [offset: number, size: Size, type: Type][] {
  if (type.kind === "tuple" || type.kind === "record") {
    const parts = type.kind === "tuple" ? type.elements : type.fields.map((field) => field.type);
    const { offsets } = placed(parts);
    return parts.flatMap((part, i) => wordsIn(part, start + offsets[i]!));
  }
  return pieces(start, sizeOf(type)).map(([offset, size]) => [start + offset, size, type]);
}

/**
 * Goes to `found` with the address of a key's value in this CPU's table. Where another key has its place, the code goes on. A program
 * that may be interrupted by another one on its CPU claims a place before it fills it: who comes in between finds it taken.
 *
 *     if (place.mark == 0) place = { mark, key, 0 }; else if (place.mark != mark || place.key != key) goto on
 */
export function inCpuTable(
  l: Lowering,
  table: PlannedTable,
  key: Key,
  interruptible: boolean,
  found: (value: VReg) => void,
): void {
  const { b } = l;
  const base = b.add(l.cpuCopy(table.map, table.stride), table.offset);
  const { at, mark, words } = keyPlace(l, table, key, base);
  const stored = table.key === undefined ? [] : words.map((word) => ({ ...word, offset: word.offset + table.key! }));
  const [same, other, free, mine, on] = b.newBlocks(5);
  const before = l.tested(b.load(at, 0, 8));
  b.branch("eq", before, mark, same, other);
  b.enterSealed(same);
  for (const { offset, size, value } of stored) {
    const next = b.newBlock();
    b.branch("eq", l.tested(b.load(at, offset, size)), value, next, on);
    b.enterSealed(next);
  }
  b.jump(mine);
  b.enterSealed(other);
  b.branch("eq", before, { imm: 0n }, free, on);
  b.enterSealed(free);
  if (interruptible) {
    const claimed = b.newBlock();
    b.branch("eq", claim(l, at, b.const(BUSY)), { imm: 0n }, claimed, on);
    b.enterSealed(claimed);
  }
  for (const { offset, size, value } of stored) b.store(at, offset, size, value);
  l.zero({ base: at, offset: table.value, space: "bpf" }, table.entries.valueSize);
  b.store(at, 0, 8, mark);
  b.jump(mine);
  b.enterSealed(mine);
  found(b.add(at, table.value));
  b.enterSealed(on);
}

/** Marks a place if it is free; 0 if it was, else the mark that it has. */
export function claim({ b }: Lowering, at: VReg, mark: VReg): VReg {
  const free = b.const(0);
  return b.define((dst) => {
    return { op: "atomic", atomic: "cmpxchg", dst, base: at, offset: 0, size: 8, value: mark, expected: free };
  });
}
