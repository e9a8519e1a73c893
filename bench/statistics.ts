/** Medians and their spread, and the shuffling that keeps a drifting machine from favouring anybody. */

export interface Summary {
  median: number;
  /** Median absolute deviation from the median. */
  mad: number;
  /** In the order in which they were measured. */
  values: number[];
}

/** Of at least one value. */
export function summarise(values: readonly number[]): Summary {
  const middle = median(values);
  return { median: middle, mad: median(values.map((value) => Math.abs(value - middle))), values: [...values] };
}

/** The mean of the middle two where their number is even. Throws RangeError when there are none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new RangeError("the median of nothing");
  return (low + high) / 2;
}

/** A copy in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/** Numbers in [0, 1) from a 32-bit seed (mulberry32): the same seed gives the same numbers. */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
