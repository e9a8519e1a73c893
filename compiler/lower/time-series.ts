/**
 * tseries(): what happened in each interval of time. Every interval that has values is an entry of a kernel hash, one copy a
 * CPU, under the script's key and the interval's number modulo how many of them are kept. So an entry is used again when
 * its interval is too old to be shown; the epoch in it, which counts intervals since 1970, says whose values it holds.
 *
 * Where another program (or, on user code, another task) comes between the test of the epoch and the update of the value,
 * what it had added in the first moment of an interval is lost.
 */
import type { VReg } from "../ir/ir.ts";
import { sizeOf } from "../sema/layout.ts";
import { isScalar, type Size, type TimeSeriesType } from "../sema/types.ts";
import type * as ast from "../syntax/ast.ts";
import { accumulate } from "./aggregates.ts";
import { operand } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { mapValue, withEntry } from "./maps.ts";
import { into } from "./memory-values.ts";
import { at, type Place } from "./place.ts";
import type { PlannedMap } from "./plan.ts";

/** Offsets in an entry: see the layout `tseries` in program.ts. */
const VALUE = 0;
const WEIGHT = 8;
const EPOCH = 16;

// epoch = now / interval; e = entry(key, epoch % intervals); if (e->epoch != epoch) *e = { 0, 0, epoch }; accumulate(e, n)
export function addToSeries(
  l: Lowering,
  map: PlannedMap,
  type: TimeSeriesType,
  call: ast.Call,
  key: ast.Expression | undefined,
  given: VReg,
): void {
  const { b } = l;
  const now = timeNow(l, call);
  const epoch = b.alu("div", now, { imm: BigInt(type.intervalNs) });
  const interval = b.alu("mod", epoch, { imm: BigInt(type.intervals) });
  const address = l.address(intervalKey(l, map, key, interval));
  withEntry(l, map, { address }, EPOCH + 8, (base) => {
    const entry: Place = { base, offset: 0, space: "bpf" };
    l.when("ne", b.load(base, EPOCH, 8), epoch, () => {
      b.store(base, VALUE, 8, { imm: 0n });
      b.store(base, WEIGHT, 8, { imm: 0n });
      b.store(base, EPOCH, 8, epoch);
    });
    if (type.aggregation === "last") {
      b.store(base, VALUE, 8, given);
      b.store(base, WEIGHT, 8, now);
    } else if (type.aggregation === "avg") {
      accumulate(l, map, { kind: "sum", signed: type.signed }, entry, given);
      accumulate(l, map, { kind: "count" }, at(entry, WEIGHT), undefined);
    } else {
      // The weight is to min() and max() what tells whether there is a value.
      accumulate(l, map, { kind: type.aggregation, signed: type.signed }, entry, given);
    }
  });
}

/** Nanoseconds since 1970, by the clock or by the map that stands in for it. */
function timeNow(l: Lowering, { span }: ast.Call): VReg {
  const { timeSeriesClock } = l.environment.config;
  if (timeSeriesClock !== undefined) return mapValue(l, { kind: "map", name: timeSeriesClock, span });
  return l.b.alu("add", l.b.call("ktime_get_boot_ns", []), l.hostConstant("boot_to_real"));
}

/** The script's key, if there is one, and behind it the number of the interval. */
function intervalKey(l: Lowering, map: PlannedMap, key: ast.Expression | undefined, interval: VReg): Place {
  const { storage, info } = map;
  if (storage.kind !== "hash" || storage.interval === undefined) throw new Error(`${info.name} is no time series`);
  const memory = l.memory(storage.interval + 8, `interval of ${info.name}`);
  if (key !== undefined) {
    const size = sizeOf(info.key);
    if (isScalar(info.key)) l.b.store(memory.base, memory.offset, size as Size, operand(l, key));
    else into(l, key, memory, info.key, true);
    l.zeroPadding(memory, [{ offset: 0, size }], storage.interval);
  }
  l.b.store(memory.base, memory.offset + storage.interval, 8, interval);
  return memory;
}
