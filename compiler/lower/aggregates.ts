/**
 * Aggregates in memory: one value is added to a CPU's copy, and the copies of all CPUs are put together where a script reads
 * an aggregate as a number.
 */
import { histBuckets, lhistBuckets } from "../histogram.ts";
import type { Condition, Operand, VReg } from "../ir/ir.ts";
import { type Aggregate, isSigned } from "../sema/types.ts";
import { histBucketOf, lhistBucketOf } from "./buckets.ts";
import type { Lowering } from "./lowering.ts";
import { at, type Place } from "./place.ts";
import type { PlannedMap } from "./plan.ts";
import { countRounds } from "./rounds.ts";
import { tellMissing } from "./runtime-errors.ts";

/** Aggregates that are one object, which every value is added to. */
type Accumulated = Exclude<Aggregate, { kind: "tseries" }>;

/** Adds a value, which a count does not need. */
export function accumulate(
  l: Lowering,
  map: PlannedMap,
  type: Accumulated,
  entry: Place,
  given: VReg | undefined,
): void {
  switch (type.kind) {
    case "count":
      addTo(l, map, entry, { imm: 1n });
      return;
    case "sum":
      addTo(l, map, entry, given!);
      return;
    case "avg":
    case "stats":
      addTo(l, map, entry, { imm: 1n });
      addTo(l, map, at(entry, 8), given!);
      return;
    case "min":
    case "max":
      if (l.program.atomicUpdates(map) && l.facts.features.atomicFetch) atomicExtreme(l, type, entry, given!);
      else extreme(l, type, entry, given!);
      return;
    case "hist":
      bucket(l, map, entry, histBucketOf(l, given!, type.bits), histBuckets(type.bits));
      return;
    case "lhist":
      bucket(l, map, entry, lhistBucketOf(l, given!, type), lhistBuckets(type.min, type.max, type.step));
      return;
  }
}

function addTo(l: Lowering, map: PlannedMap, entry: Place, amount: Operand): void {
  const { b } = l;
  if (l.program.atomicUpdates(map)) {
    const register = typeof amount === "object" ? b.const(amount.imm) : amount;
    b.emit({
      op: "atomic",
      atomic: "add",
      dst: undefined,
      base: entry.base,
      offset: entry.offset,
      size: 8,
      value: register,
    });
    return;
  }
  b.store(entry.base, entry.offset, 8, b.alu("add", b.load(entry.base, entry.offset, 8), amount));
}

/** Tries of a program that another one's run on the same CPU keeps coming between: it is seldom there even once. */
const EXTREME_TRIES = 4;

// for each try: { best = *entry; if (set && best is as good) break; if (cmpxchg(entry, best, value) == best) { set = 1; break } }
function atomicExtreme(
  l: Lowering,
  type: { kind: string; signed: boolean },
  { base, offset }: Place,
  given: VReg,
): void {
  const { b } = l;
  const done = b.newBlock();
  const better = betterThan(type);
  for (let i = 0; i < EXTREME_TRIES; i++) {
    const [compare, write, take, again] = [b.newBlock(), b.newBlock(), b.newBlock(), b.newBlock()];
    const best = b.load(base, offset, 8);
    b.branch("eq", b.load(base, offset + 8, 8), { imm: 0n }, write, compare);
    b.enterSealed(compare);
    b.branch(better, given, best, write, done);
    b.enterSealed(write);
    const before = b.define((dst) => {
      return { op: "atomic", atomic: "cmpxchg", dst, base, offset, size: 8, value: given, expected: best };
    });
    b.branch("eq", before, best, take, again);
    b.enterSealed(take);
    b.store(base, offset + 8, 8, { imm: 1n });
    b.jump(done);
    b.enterSealed(again);
  }
  b.jump(done);
  b.enterSealed(done);
}

function betterThan({ kind, signed }: { kind: string; signed: boolean }): Condition {
  if (kind === "min") return signed ? "slt" : "lt";
  return signed ? "sgt" : "gt";
}

// if (!set || value < best) best = value; set = 1
function extreme(l: Lowering, type: { kind: string; signed: boolean }, entry: Place, given: VReg): void {
  const { b } = l;
  const [compare, write, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
  b.branch("eq", b.load(entry.base, entry.offset + 8, 8), { imm: 0n }, write, compare);
  b.enterSealed(compare);
  const best = b.load(entry.base, entry.offset, 8);
  b.branch(betterThan(type), given, best, write, done);
  b.enterSealed(write);
  b.store(entry.base, entry.offset, 8, given);
  b.store(entry.base, entry.offset + 8, 8, { imm: 1n });
  b.jump(done);
  b.enterSealed(done);
}

function bucket(l: Lowering, map: PlannedMap, entry: Place, found: VReg, buckets: number): void {
  const index = l.reckoned(found);
  // The verifier cannot follow the arithmetic that leads to an index, so the bound is said once more.
  l.when("lt", index, { imm: BigInt(buckets) }, () => {
    const base = l.b.alu("add", l.address(entry), l.b.alu("lsh", index, { imm: 3n }));
    addTo(l, map, { base, offset: 0, space: "bpf" }, { imm: 1n });
  });
}

/** An aggregate as a number: all CPUs' copies, put together by a loop. `key` is an address. */
export function aggregateNumberOf(l: Lowering, map: PlannedMap, key: VReg | undefined): VReg {
  const type = map.info.value as Aggregate;
  const { b } = l;
  const hash = map.storage.kind === "hash" ? map.storage : undefined;
  const entry = hash?.stride === undefined ? undefined : b.call("map_lookup_elem", [l.mapReference(hash.map), key!]);
  const cpu = {};
  const first = {};
  const second = {};
  const [head, body, next, done] = [b.newBlock(), b.newBlock(), b.newBlock(), b.newBlock()];
  b.write(cpu, b.const(0));
  b.write(first, b.const(0));
  b.write(second, b.const(0));
  b.jump(head);
  b.enter(head);
  const copies = map.storage.kind === "hash" ? l.facts.possibleCpus : l.plan.copies;
  countRounds(l.facts, b, { most: copies, changed: [cpu, first, second], done });
  b.branch("lt", b.read(cpu), { imm: BigInt(copies) }, body, done);
  b.enterSealed(body);
  let copy: VReg;
  if (map.storage.kind === "hash") {
    const { stride } = map.storage;
    const found = entry ?? b.call("map_lookup_percpu_elem", [l.mapReference(map.storage.map), key!, b.read(cpu)]);
    const [missing, there] = [b.newBlock(), b.newBlock()];
    b.branch("ne", found, { imm: 0n }, there, missing);
    // A key that one CPU has not, none has.
    b.enterSealed(missing);
    tellMissing(l, "map_lookup_percpu_elem");
    b.jump(done);
    b.enterSealed(there);
    copy = stride === undefined ? found : b.alu("add", found, b.alu("mul", b.read(cpu), { imm: BigInt(stride) }));
  } else {
    const base = l.mapValue(map.storage.map, map.storage.offset);
    copy = b.alu("add", base, b.alu("mul", b.read(cpu), l.plan.stride));
  }
  combine(l, type, copy, first, second);
  b.jump(next);
  b.enterSealed(next);
  b.write(cpu, b.alu("add", b.read(cpu), { imm: 1n }));
  b.jump(head);
  b.seal(head);
  b.enterSealed(done);
  if (type.kind !== "avg" && type.kind !== "stats") return b.read(first);
  return b.alu(isSigned(type) ? "sdiv" : "div", b.read(second), b.read(first));
}

/** Adds one CPU's copy to what was found so far. */
function combine(l: Lowering, type: Aggregate, copy: VReg, first: object, second: object): void {
  const { b } = l;
  const word = (offset: number) => b.load(copy, offset, 8);
  switch (type.kind) {
    case "min":
    case "max": {
      // if (set && (!any || value < best)) { best = value; any = 1; }
      const loaded = word(0);
      const better = type.kind === "min" ? (type.signed ? "slt" : "lt") : type.signed ? "sgt" : "gt";
      const take = () => {
        b.write(first, loaded);
        b.write(second, b.const(1));
      };
      l.when("ne", word(8), { imm: 0n }, () => {
        l.when("eq", b.read(second), { imm: 0n }, take, () => l.when(better, loaded, b.read(first), take));
      });
      return;
    }
    case "avg":
    case "stats":
      b.write(first, b.alu("add", b.read(first), word(0)));
      b.write(second, b.alu("add", b.read(second), word(8)));
      return;
    default:
      b.write(first, b.alu("add", b.read(first), word(0)));
  }
}
