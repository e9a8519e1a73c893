/** What aggregates and time series of the evaluator keep of the values that they are given. */
import { histBucket, lhistBuckets, lhistLimit } from "../../compiler/histogram.ts";
import type { TimeSeriesType, Type } from "../../compiler/sema/types.ts";
import { integerOf, type Value, wrap } from "./eval-values.ts";

/** What a map holds of an aggregate: named numbers, in a class of their own so that no record is taken for them. */
class Buckets {
  [name: string]: bigint;
}

export function isBuckets(value: unknown): value is Buckets {
  return value instanceof Buckets;
}

export function aggregate(type: Type, before: unknown, given: Value | undefined): Buckets {
  return Object.assign(new Buckets(), aggregated(type, before, given));
}

function aggregated(type: Type, before: unknown, given: Value | undefined): Record<string, bigint> {
  const value = given === undefined ? 0n : wrap(integerOf(given));
  const old = (before ?? {}) as Record<string, bigint>;
  switch (type.kind) {
    case "count":
      return { count: (old.count ?? 0n) + 1n };
    case "sum":
      return { sum: wrap((old.sum ?? 0n) + value) };
    case "avg":
    case "stats":
      return { count: (old.count ?? 0n) + 1n, total: wrap((old.total ?? 0n) + value) };
    case "min":
    case "max": {
      const order = (v: bigint) => (type.signed ? v : BigInt.asUintN(64, v));
      const best = old.best;
      const better =
        best === undefined || (type.kind === "min" ? order(value) < order(best) : order(value) > order(best));
      return { best: better ? value : best };
    }
    case "hist":
      return bump(old, histBucket(value, type.bits));
    case "lhist": {
      const { min, max, step } = type;
      const last = lhistBuckets(min, max, step) - 1;
      const bucket =
        value < BigInt(min)
          ? 0
          : value >= BigInt(lhistLimit(min, max, step))
            ? last
            : Number((value - BigInt(min)) / BigInt(step)) + 1;
      return bump(old, bucket);
    }
    default:
      throw new Error(`${type.kind} is no aggregate`);
  }
}

/** Every value of a series, by its interval. */
type SeriesValues = Map<bigint, bigint[]>;

export function inSeries(before: unknown, epoch: bigint, given: Value): SeriesValues {
  const values = (before as SeriesValues | undefined) ?? new Map<bigint, bigint[]>();
  return values.set(epoch, [...(values.get(epoch) ?? []), wrap(integerOf(given))]);
}

/** By key, and by how many intervals they lie before the last one of the map: the last ones. */
export function shownIntervals(type: TimeSeriesType, entries: Map<string, unknown>): [string, unknown][] {
  const series = [...entries] as [string, SeriesValues][];
  const newest = series.flatMap(([, values]) => [...values.keys()]).sort((a, b) => (a > b ? -1 : 1))[0]!;
  return series.map(([key, values]) => {
    const shown = [...values].map(([epoch, list]) => [Number(newest - epoch), ofInterval(type, list)] as const);
    return [key, Object.fromEntries(shown.filter(([age]) => age < type.intervals))];
  });
}

function ofInterval({ aggregation, signed }: TimeSeriesType, values: bigint[]): bigint {
  const read = (v: bigint) => (signed ? wrap(v) : BigInt.asUintN(64, v));
  const sum = read(values.reduce((a, b) => a + b));
  const sorted = values.map(read).sort((a, b) => (a < b ? -1 : 1));
  const results = { last: values.at(-1)!, sum, avg: sum / BigInt(values.length), min: sorted[0]!, max: sorted.at(-1)! };
  return wrap(results[aggregation]);
}

function bump(buckets: Record<string, bigint>, bucket: number): Record<string, bigint> {
  return { ...buckets, [bucket]: (buckets[bucket] ?? 0n) + 1n };
}

export function numberOf(type: Type, found: Record<string, bigint>): bigint {
  if (type.kind === "avg" || type.kind === "stats") {
    const read = (v: bigint) => (type.signed ? wrap(v) : BigInt.asUintN(64, v));
    return wrap(read(found.total!) / found.count!);
  }
  return found.count ?? found.sum ?? found.best ?? 0n;
}
