/**
 * How large an effect is: the Hodges-Lehmann estimate (the median of the means of all pairs of effects) and the bounds
 * that go with it, from the exact distribution of Wilcoxon's signed-rank statistic. One wild run moves neither much.
 */

export interface Estimate {
  readonly estimate: number;
  /** The effect is no smaller than `low` and no larger than `high`, each with the wanted confidence. */
  readonly low: number;
  readonly high: number;
}

/**
 * Estimate and one-sided bounds of the centre of a symmetric distribution from a sample of at least one value.
 * `confidence` holds for each bound by itself; where the sample is too small for it, the bounds are infinite.
 */
export function hodgesLehmann(effects: readonly number[], confidence: number): Estimate {
  const walsh = walshAverages(effects);
  const middle = walsh.length >> 1;
  const estimate = walsh.length % 2 === 1 ? walsh[middle]! : (walsh[middle - 1]! + walsh[middle]!) / 2;
  const rank = largestRank(effects.length, 1 - confidence);
  if (rank === undefined) return { estimate, low: -Infinity, high: Infinity };
  return { estimate, low: walsh[rank]!, high: walsh[walsh.length - 1 - rank]! };
}

/** The means of all pairs of values, each with itself included, ascending. */
function walshAverages(values: readonly number[]): Float64Array {
  const n = values.length;
  const averages = new Float64Array((n * (n + 1)) / 2);
  let k = 0;
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) averages[k++] = (values[i]! + values[j]!) / 2;
  return averages.sort();
}

/** The largest w with P(W <= w) <= alpha; undefined if even P(W <= 0) is larger. */
function largestRank(n: number, alpha: number): number | undefined {
  const cumulative = signedRankDistribution(n);
  // A confidence such as 1 - 1/32 must not fail to be reached by the last bit of a rounding.
  const limit = alpha * (1 + 1e-9);
  let w = -1;
  while (w + 1 < cumulative.length && cumulative[w + 1]! <= limit) w++;
  return w < 0 ? undefined : w;
}

const distributions = new Map<number, Float64Array>();

/** P(W <= w) for w = 0 ... n(n+1)/2, W being the sum of those of the ranks 1 ... n that a fair coin picks. */
export function signedRankDistribution(n: number): Float64Array {
  const known = distributions.get(n);
  if (known !== undefined) return known;
  const largest = (n * (n + 1)) / 2;
  const probability = new Float64Array(largest + 1);
  probability[0] = 1;
  for (let rank = 1, reach = 0; rank <= n; rank++) {
    reach += rank;
    // With the rank or without it, from the top, so that each rank is counted once.
    for (let w = reach; w >= 0; w--) {
      const without = probability[w]!;
      const withRank = w >= rank ? probability[w - rank]! : 0;
      probability[w] = (without + withRank) / 2;
    }
  }
  for (let w = 1; w <= largest; w++) probability[w]! += probability[w - 1]!;
  distributions.set(n, probability);
  return probability;
}
