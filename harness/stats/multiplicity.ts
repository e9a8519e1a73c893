/**
 * Chance gets more than one opportunity: a suite has many metrics, and a comparison that is unclear is looked at again
 * with more runs. Both are paid for here, so that the confidence holds for the suite as a whole.
 */

/**
 * P-values adjusted by Holm's step-down method, in the order given: with all at or below alpha rejected, the probability
 * of any false rejection is at most alpha, whatever the dependence between the tests.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  for (const [position, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, pValues[i]! * (pValues.length - position)));
    adjusted[i] = largest;
  }
  return adjusted;
}

/** One of the moments at which the pairs that there are by then are looked at. */
export interface Look {
  /** Pairs at this moment. */
  readonly pairs: number;
  /** The share of alpha that may be spent at it; over all looks they add up to 1. */
  readonly share: number;
}

/** Half of alpha goes to the first look, with which most comparisons end. */
const FIRST_SHARE = 0.5;

/** When to look: at `first` pairs, and after every half as many more, up to `most`. */
export function planLooks(first: number, most: number): Look[] {
  const counts = [first];
  const step = Math.ceil(first / 2);
  while (counts.at(-1)! < most) counts.push(Math.min(most, counts.at(-1)! + step));
  if (counts.length === 1) return [{ pairs: first, share: 1 }];
  const rest = (1 - FIRST_SHARE) / (counts.length - 1);
  return counts.map((pairs, i) => ({ pairs, share: i === 0 ? FIRST_SHARE : rest }));
}

/**
 * One p-value for all looks so far. It is at or below alpha exactly if that of some look is at or below the part of
 * alpha that may be spent at it; the parts add up to alpha, so neither looks nor stopping early inflate it.
 */
export function overLooks(pValues: readonly number[], looks: readonly Look[]): number {
  return Math.min(1, ...pValues.map((p, i) => p / looks[i]!.share));
}
