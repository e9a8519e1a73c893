/**
 * Time series out of their entries in the kernel, each of which holds one interval of one key: brought together by key,
 * and cut down to the last intervals. These are the same ones for all keys of a map, so that its series stand side by side.
 */
import type { ValueLayout } from "../../compiler/program.ts";
import type { Value } from "./decode.ts";

export type SeriesLayout = Extract<ValueLayout, { kind: "tseries" }>;
export type Interval = Extract<Value, { kind: "interval" }>;
export type Series = Extract<Value, { kind: "tseries" }>;

/** What two CPUs saw of an interval. An entry is used again and again, so that one of them may be of an earlier time. */
export function joinIntervals(a: Interval, b: Interval): Interval {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch ? a : b;
  switch (a.aggregation) {
    case "last":
      return b.weight > a.weight ? b : a;
    case "sum":
      return { ...a, value: wrapped(a, a.value + b.value) };
    case "avg":
      return { ...a, value: wrapped(a, a.value + b.value), weight: a.weight + b.weight };
    case "min":
      return b.value < a.value ? b : a;
    case "max":
      return b.value > a.value ? b : a;
  }
}

/** A sum as one CPU would have it. */
function wrapped({ signed }: Interval, sum: bigint): bigint {
  return signed ? BigInt.asIntN(64, sum) : BigInt.asUintN(64, sum);
}

/** An entry as the kernel has it: the script's key comes first, the number of the interval last. */
interface Entry {
  readonly key: Value | undefined;
  readonly keyBytes: Uint8Array;
  readonly value: Value;
}

/** The series of a map, by the bytes of their keys, as bpftrace 0.27 orders them. */
export function seriesByKey(
  layout: SeriesLayout,
  entries: readonly Entry[],
): { key: Value | undefined; value: Series }[] {
  const last = entries.reduce((latest, { value }) => max(latest, (value as Interval).epoch), 0n);
  const first = last - BigInt(layout.intervals) + 1n;
  // Nothing has happened since the map was set to zero.
  const isShown = ({ epoch }: Interval): boolean => last > 0n && epoch >= first;
  const byKey = new Map<string, { key: Value | undefined; intervals: Interval[] }>();
  for (const { key, keyBytes, value } of entries) {
    const name = Buffer.from(keyBytes.subarray(0, -INTERVAL_NUMBER_SIZE)).toString("latin1");
    const known = byKey.get(name) ?? { key, intervals: [] };
    byKey.set(name, known);
    if (isShown(value as Interval)) known.intervals.push(value as Interval);
  }
  return [...byKey.keys()].sort().map((name) => {
    const { key, intervals } = byKey.get(name)!;
    return { key, value: series(layout, intervals, last) };
  });
}

const INTERVAL_NUMBER_SIZE = 8;

/** From the first interval that has a value to `last`. */
function series(layout: SeriesLayout, intervals: readonly Interval[], last: bigint): Series {
  const byEpoch = new Map(intervals.map((interval) => [interval.epoch, interval]));
  const [first = last + 1n] = [...byEpoch.keys()].sort((a, b) => (a < b ? -1 : 1));
  const length = Number(last + 1n - first);
  const points = Array.from({ length }, (_, i) => {
    const epoch = first + BigInt(i);
    const found = byEpoch.get(epoch);
    return { startNs: epoch * BigInt(layout.intervalNs), value: found && shownValue(found) };
  });
  return { kind: "tseries", signed: layout.signed, points };
}

function shownValue({ aggregation, value, weight }: Interval): bigint {
  return aggregation === "avg" && weight !== 0n ? value / weight : value;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
