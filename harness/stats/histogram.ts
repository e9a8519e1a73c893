/**
 * Quantiles of bucketed values. A histogram says only in which bucket a value lies, so every answer carries the
 * bucket's bounds as its uncertainty.
 */

/** Values v with low <= v < high; `null` is "no limit" (the outer buckets of a linear histogram). */
export interface Bucket {
  readonly low: bigint | null;
  readonly high: bigint | null;
  readonly count: bigint;
}

/** Buckets in ascending order, not overlapping. Empty buckets may be left out. */
export interface Histogram {
  readonly buckets: readonly Bucket[];
}

export type Quantile =
  /** `low` and `high` are the smallest and the largest integer that the bucket admits. */
  | { readonly kind: "value"; readonly value: number; readonly low: bigint; readonly high: bigint }
  | { readonly kind: "empty" }
  /** The quantile lies in a bucket without limit: it is below (above) `bound`, nothing more is known. */
  | { readonly kind: "beyond"; readonly side: "below" | "above"; readonly bound: bigint | null };

/** How many values the histogram holds. */
export function histogramCount(histogram: Histogram): bigint {
  return histogram.buckets.reduce((sum, bucket) => sum + bucket.count, 0n);
}

/**
 * The q-quantile (0 <= q <= 1), interpolated linearly between the smallest and the largest integer of its bucket, so
 * that a bucket of width one gives its value exactly.
 */
export function histogramQuantile(histogram: Histogram, q: number): Quantile {
  const total = histogramCount(histogram);
  if (total === 0n) return { kind: "empty" };
  const rank = q * Number(total);
  const filled = histogram.buckets.filter((bucket) => bucket.count > 0n);
  let before = 0n;
  let bucket = filled[0]!;
  for (bucket of filled) {
    if (Number(before + bucket.count) >= rank) break;
    before += bucket.count;
  }
  if (bucket.low === null) return { kind: "beyond", side: "below", bound: bucket.high };
  if (bucket.high === null) return { kind: "beyond", side: "above", bound: bucket.low };
  const [low, high] = [bucket.low, bucket.high - 1n];
  const fraction = Math.min(1, Math.max(0, (rank - Number(before)) / Number(bucket.count)));
  return { kind: "value", value: Number(low) + Number(high - low) * fraction, low, high };
}

/** One histogram of the values of all; buckets with equal bounds are added up. Undefined if buckets overlap. */
export function mergeHistograms(histograms: readonly Histogram[]): Histogram | undefined {
  const merged = new Map<string, Bucket>();
  for (const { low, high, count } of histograms.flatMap((histogram) => histogram.buckets)) {
    const key = `${low}:${high}`;
    merged.set(key, { low, high, count: (merged.get(key)?.count ?? 0n) + count });
  }
  const buckets = [...merged.values()].sort(byLow);
  const overlap = buckets.some((bucket, i) => i > 0 && startsBefore(bucket.low, buckets[i - 1]!.high));
  return overlap ? undefined : { buckets };
}

function byLow(a: Bucket, b: Bucket): number {
  if (a.low === b.low) return 0;
  if (a.low === null) return -1;
  if (b.low === null) return 1;
  return a.low < b.low ? -1 : 1;
}

function startsBefore(low: bigint | null, limit: bigint | null): boolean {
  return low === null || limit === null || low < limit;
}
