/**
 * The functions of the metric language, one row each: which map values they accept, and whether no data means zero.
 * Their arithmetic is in evaluate.ts, their static rules in check.ts; both read this table.
 */
import type { MapValueKind } from "./run-data.ts";

export type Aggregate = "sum" | "count" | "avg" | "min" | "max" | "len";

export type MetricFunction =
  | { readonly kind: "aggregate"; readonly aggregate: Aggregate; readonly accepts: ReadonlySet<MapValueKind> }
  /** `quantile` undefined: it is the second argument. */
  | { readonly kind: "quantile"; readonly quantile: number | undefined; readonly accepts: ReadonlySet<MapValueKind> };

/** Kinds that are one number per key. */
const SCALARS: readonly MapValueKind[] = ["integer", "count", "sum", "min", "max"];
const MEANS: readonly MapValueKind[] = ["avg", "stats"];
const HISTOGRAMS: readonly MapValueKind[] = ["hist", "lhist"];

const aggregate = (name: Aggregate, ...accepts: readonly MapValueKind[]): MetricFunction => ({
  kind: "aggregate",
  aggregate: name,
  accepts: new Set(accepts),
});
const percentile = (quantile: number | undefined): MetricFunction => ({
  kind: "quantile",
  quantile,
  accepts: new Set(HISTOGRAMS),
});

export const FUNCTIONS: Readonly<Record<string, MetricFunction>> = {
  sum: aggregate("sum", ...SCALARS, ...MEANS),
  count: aggregate("count", ...SCALARS, ...MEANS, ...HISTOGRAMS),
  avg: aggregate("avg", ...SCALARS, ...MEANS),
  min: aggregate("min", ...SCALARS),
  max: aggregate("max", ...SCALARS),
  len: aggregate("len", ...SCALARS, ...MEANS, ...HISTOGRAMS, "other"),
  p50: percentile(0.5),
  p75: percentile(0.75),
  p90: percentile(0.9),
  p95: percentile(0.95),
  p99: percentile(0.99),
  p999: percentile(0.999),
  quantile: percentile(undefined),
};

/** Kinds that stand for one number without a function: `@x` or `@x["key"]`. */
export const PLAIN_KINDS: ReadonlySet<MapValueKind> = new Set([...SCALARS, "avg"]);

/** The functions that can read a map of this kind, for suggestions. */
export function functionsFor(kind: MapValueKind): string[] {
  return Object.entries(FUNCTIONS).flatMap(([name, f]) => (f.accepts.has(kind) ? [name] : []));
}
