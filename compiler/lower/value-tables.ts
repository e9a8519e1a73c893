/**
 * Tables in front of hashes for maps whose values are set, see tables.ts. There is one for all CPUs.
 *
 * - A map that a thread has to itself: a place is claimed when the thread sets its value, and given back when the value is deleted.
 *   Nothing is looked for in the hash before a thread has found its place taken.
 * - Any other map of scalars: a place stays the key's that came first, and has a word that tells whether the key is in the map. So
 *   nobody ever writes to a place that has become another key's.
 */
import type { BlockId, VReg } from "../ir/ir.ts";
import { sizeOf } from "../sema/layout.ts";
import type { Lowering } from "./lowering.ts";
import type { Place } from "./place.ts";
import { claim, type Key, keyPlace, type PlannedTable } from "./tables.ts";

export type ValueTable = ThreadTable | SharedTable;

interface ThreadTable extends PlannedTable {
  kind: "thread";
  /** Offset of a word that is not 0 once a key has gone to the hash. */
  overflowed: number;
}

interface SharedTable extends PlannedTable {
  kind: "shared";
  present: number;
}

/** Of threads a number and a scalar, whatever the map's types are. */
export const THREAD_PLACES = { places: 4096, placeSize: 16, key: undefined, value: 8 } as const;
/** Of integers of any size; of the largest the mark would be 0, so that it has no place. */
export const SHARED_PLACES = { places: 4096, placeSize: 24, key: undefined, present: 8, value: 16 } as const;

/** What is done with an entry, wherever it is. */
interface OnEntry {
  mine(value: Place): VReg;
  inHash(): VReg;
  missing(): VReg;
}

export function onEntry(l: Lowering, table: ValueTable, key: Key, on: OnEntry): VReg {
  return table.kind === "thread" ? onThreadEntry(l, table, key, on) : onSharedEntry(l, table, key, on);
}

/** How a value is set: in its place, or in the hash, in which `lookUp` finds what is there. */
interface Setting {
  set(value: Place): void;
  lookUp(): VReg;
  update(): void;
}

export function setEntry(l: Lowering, table: ValueTable, key: Key, how: Setting): void {
  if (table.kind === "thread") setThreadEntry(l, table, key, how);
  else setSharedEntry(l, table, key, how);
}

/** Takes a key out of the map that has its value in this place. */
export function takeAway(l: Lowering, table: ValueTable, value: Place): void {
  if (table.kind === "thread") freePlace(l, table, value);
  else setPresent(l, table, value, 0n);
}

// if (place.mark == mark) mine(); else if (overflowed) inHash(); else missing()
function onThreadEntry(l: Lowering, table: ThreadTable, key: Key, on: OnEntry): VReg {
  const { at, mark } = keyPlace(l, table, key, l.mapValue(table.map, table.offset));
  const mine = (): VReg => on.mine({ base: at, offset: table.value, space: "bpf" });
  const elsewhere = (): VReg => l.choose("ne", overflowed(l, table), { imm: 0n }, on.inHash, on.missing);
  return l.choose("eq", l.b.load(at, 0, 8), mark, mine, elsewhere);
}

/**
 *     if (place.mark != mark && (overflowed && lookUp() || cmpxchg(&place.mark, 0, mark) is neither 0 nor mark))
 *       overflowed = 1, update();
 *     else set(place)
 */
function setThreadEntry(l: Lowering, table: ThreadTable, key: Key, { set, lookUp, update }: Setting): void {
  const { b } = l;
  const { at, mark } = keyPlace(l, table, key, l.mapValue(table.map, table.offset));
  const [mine, other, search, taking, inHash, done] = b.newBlocks(6);
  b.branch("eq", b.load(at, 0, 8), mark, mine, other);
  b.enterSealed(other);
  b.branch("ne", overflowed(l, table), { imm: 0n }, search, taking);
  b.enterSealed(search);
  b.branch("ne", lookUp(), { imm: 0n }, inHash, taking);
  b.enterSealed(taking);
  take(l, at, mark, mine, inHash);
  b.enterSealed(inHash);
  b.store(l.mapValue(table.map, table.overflowed), 0, 8, { imm: 1n });
  update();
  b.jump(done);
  b.enterSealed(mine);
  set({ base: at, offset: table.value, space: "bpf" });
  b.jump(done);
  b.enterSealed(done);
}

/** Claims a place that was free. Who has been interrupted may find that it has been claimed for the same key. */
function take(l: Lowering, at: VReg, mark: VReg, mine: BlockId, other: BlockId): void {
  const claimed = l.b.newBlock();
  const before = claim(l, at, mark);
  l.b.branch("eq", before, { imm: 0n }, mine, claimed);
  l.b.enterSealed(claimed);
  l.b.branch("eq", before, mark, mine, other);
}

/** Gives the place of a thread's value back: after all that was done in it, in the eyes of whoever claims it next. */
function freePlace({ b, facts }: Lowering, table: ThreadTable, value: Place): void {
  const offset = value.offset - table.value;
  if (facts.arch === "x64") {
    b.store(value.base, offset, 8, { imm: 0n });
    return;
  }
  const free = b.const(0);
  b.define((dst) => ({ op: "atomic", atomic: "xchg", dst, base: value.base, offset, size: 8, value: free }));
}

function overflowed(l: Lowering, table: ThreadTable): VReg {
  return l.b.load(l.mapValue(table.map, table.overflowed), 0, 8);
}

/**
 * Looks for a key in a table that all programs share.
 *
 *     if (place.mark == mark) place.present ? mine() : missing(); else place.mark == 0 ? missing() : inHash()
 */
function onSharedEntry(l: Lowering, table: SharedTable, key: Key, on: OnEntry): VReg {
  const { b } = l;
  const { at, mark } = keyPlace(l, table, key, l.mapValue(table.map, table.offset));
  const [mine, other, there, inHash, missing, done] = b.newBlocks(6);
  const result = {};
  const end = (value: VReg): void => {
    b.write(result, value);
    b.jump(done);
  };
  ifMarkless(l, table, mark, inHash);
  const before = b.load(at, 0, 8);
  b.branch("eq", before, mark, mine, other);
  b.enterSealed(mine);
  b.branch("ne", b.load(at, table.present, 8), { imm: 0n }, there, missing);
  b.enterSealed(other);
  b.branch("eq", before, { imm: 0n }, missing, inHash);
  b.enterSealed(there);
  end(on.mine({ base: at, offset: table.value, space: "bpf" }));
  b.enterSealed(inHash);
  end(on.inHash());
  b.enterSealed(missing);
  end(on.missing());
  b.enterSealed(done);
  return b.read(result);
}

/**
 *     if (place.mark != mark && (place.mark != 0 || cmpxchg(&place.mark, 0, mark) is neither 0 nor mark)) update();
 *     else set(place), place.present = 1
 */
function setSharedEntry(l: Lowering, table: SharedTable, key: Key, { set, update }: Setting): void {
  const { b } = l;
  const { at, mark } = keyPlace(l, table, key, l.mapValue(table.map, table.offset));
  const [mine, other, taking, inHash, done] = b.newBlocks(5);
  ifMarkless(l, table, mark, inHash);
  const before = b.load(at, 0, 8);
  b.branch("eq", before, mark, mine, other);
  b.enterSealed(other);
  b.branch("eq", before, { imm: 0n }, taking, inHash);
  b.enterSealed(taking);
  take(l, at, mark, mine, inHash);
  b.enterSealed(mine);
  const place: Place = { base: at, offset: table.value, space: "bpf" };
  set(place);
  // Whoever sees that the key is there is to see its value.
  setPresent(l, table, place, 1n);
  b.jump(done);
  b.enterSealed(inHash);
  update();
  b.jump(done);
  b.enterSealed(done);
}

function setPresent({ b }: Lowering, table: SharedTable, value: Place, present: bigint): void {
  b.store(value.base, value.offset - table.value + table.present, 8, { imm: present });
}

/** The key that has no place. */
function ifMarkless({ b }: Lowering, { entries }: SharedTable, mark: VReg, target: BlockId): void {
  if (sizeOf(entries.key) < 8) return;
  const some = b.newBlock();
  b.branch("eq", mark, { imm: 0n }, target, some);
  b.enterSealed(some);
}
