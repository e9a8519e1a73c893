/**
 * Order statistics over the values of runs. Values may be bigint: counters exceed 2^53, and equality must not depend
 * on rounding.
 */

export type Num = number | bigint;

export interface Summary {
  readonly n: number;
  readonly min: Num;
  readonly max: Num;
  readonly median: Num;
  /** Median absolute deviation from the median (not scaled to a normal distribution). */
  readonly mad: number;
}

/** Undefined for an empty list or if a value is not finite. */
export function summarise(values: readonly Num[]): Summary | undefined {
  if (values.length === 0 || values.some((value) => typeof value === "number" && !Number.isFinite(value)))
    return undefined;
  const sorted = sort(values);
  const middle = median(sorted);
  const deviations = sort(values.map((value) => Math.abs(Number(difference(value, middle)))));
  return { n: values.length, min: sorted[0]!, max: sorted.at(-1)!, median: middle, mad: Number(median(deviations)) };
}

function sort(values: readonly Num[]): Num[] {
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Of a sorted list that is not empty; the mean of the middle two if their number is even. */
function median(sorted: readonly Num[]): Num {
  const upper = sorted[sorted.length >> 1]!;
  if (sorted.length % 2 === 1) return upper;
  const lower = sorted[(sorted.length >> 1) - 1]!;
  if (same(lower, upper)) return lower;
  return Number(lower) + Number(difference(upper, lower)) / 2;
}

/** a - b, exactly where both are whole. */
export function difference(a: Num, b: Num): Num {
  const [x, y] = [whole(a), whole(b)];
  return x !== undefined && y !== undefined ? x - y : Number(a) - Number(b);
}

/** Equality of value across number and bigint. */
export function same(a: Num, b: Num): boolean {
  return a <= b && a >= b;
}

function whole(value: Num): bigint | undefined {
  if (typeof value === "bigint") return value;
  return Number.isSafeInteger(value) ? BigInt(value) : undefined;
}
