/**
 * How far a histogram has moved as a whole: the signed area between two cumulative distributions over a logarithmic
 * axis. +1 means that values have doubled on average, whatever they were; a longer tail counts as much as it is longer.
 */
import { type Histogram, histogramCount, mergeHistograms } from "./histogram.ts";

export type Shift =
  /** In doublings: log2 units. */
  | { readonly kind: "shift"; readonly doublings: number }
  | { readonly kind: "empty" }
  /** Their buckets differ, so that there is no common axis. */
  | { readonly kind: "refused" };

/** The shift from one run's histogram to another's. */
export function histogramShift(base: Histogram, head: Histogram): Shift {
  if (mergeHistograms([base, head]) === undefined) return { kind: "refused" };
  const [from, to] = [histogramLocation(base), histogramLocation(head)];
  return from === undefined || to === undefined ? { kind: "empty" } : { kind: "shift", doublings: to - from };
}

/**
 * The mean place of a histogram's values on the axis; undefined without values. The area between two cumulative
 * distributions over the same buckets is the difference of their means.
 */
export function histogramLocation(histogram: Histogram): number | undefined {
  const total = Number(histogramCount(histogram));
  if (total === 0) return undefined;
  return histogram.buckets.reduce((sum, { low, high, count }) => sum + (Number(count) / total) * middle(low, high), 0);
}

/** Values spread evenly over their bucket; those of a bucket without limit are taken to lie at the limit it has. */
function middle(low: bigint | null, high: bigint | null): number {
  if (low === null) return high === null ? 0 : place(high);
  return high === null ? place(low) : (place(low) + place(high)) / 2;
}

/** log2 for positive numbers; 0 lies one unit below 1, and what is negative mirrors what is positive. */
function place(value: bigint): number {
  if (value > 0n) return Math.log2(Number(value));
  return value === 0n ? -1 : -2 - Math.log2(Number(-value));
}
