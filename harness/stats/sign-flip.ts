/**
 * The paired permutation test. If the two sides of a pair are no different, each pair's effect might as well have had
 * the other sign; so the observed sum of effects is held against the sums under all assignments of signs. Nothing is
 * assumed about the distribution.
 */
import type { Random } from "./random.ts";

export interface SignFlipTest {
  /** The probability of a sum as large as the observed one, or larger, if signs are arbitrary. */
  readonly greater: number;
  /** The same for a sum as small, or smaller. */
  readonly less: number;
  /** All assignments were tried; otherwise a random sample of them. */
  readonly exact: boolean;
}

/** Up to this many pairs all 2^n assignments are tried. */
const MOST_EXACT = 30;
/** Assignments drawn beyond that. The smallest p-value is then one in so many. */
const SAMPLES = 99_999;

/** Tests effects of pairs against zero. `random` is used only for more than 30 effects that are not zero. */
export function signFlipTest(effects: readonly number[], random: Random): SignFlipTest {
  // A zero is the same with either sign: it doubles the number of assignments and changes no share.
  const sizes = effects.filter((effect) => effect !== 0).map(Math.abs);
  const observed = effects.reduce((sum, effect) => sum + effect, 0);
  const exact = sizes.length <= MOST_EXACT;
  // Sums that are equal but for rounding are equal.
  const tolerance = 1e-10 * sizes.reduce((sum, size) => sum + size, 0);
  const counts = exact ? enumerate(sizes, observed, tolerance) : sample(sizes, observed, tolerance, random);
  return { greater: counts.greater / counts.total, less: counts.less / counts.total, exact };
}

/** The smallest p-value that effects of this number can have. */
export function smallestP(effects: readonly number[]): number {
  const n = effects.filter((effect) => effect !== 0).length;
  return n <= MOST_EXACT ? 2 ** -n : 1 / (SAMPLES + 1);
}

interface Counts {
  greater: number;
  less: number;
  total: number;
}

/**
 * Counts over all assignments without visiting each: those of one half of the effects are combined with those of the
 * other. Of the sorted sums of the one half, the fewer of the other's reach the limit the smaller they are.
 */
function enumerate(sizes: readonly number[], observed: number, tolerance: number): Counts {
  const middle = sizes.length >> 1;
  const low = sortedSums(sizes.slice(0, middle));
  const high = sortedSums(sizes.slice(middle));
  /** Pairs of sums, one of each half, of at least `limit`. */
  const reaching = (limit: number): number => {
    let count = 0;
    let from = high.length;
    for (const sum of low) {
      while (from > 0 && sum + high[from - 1]! >= limit) from--;
      count += high.length - from;
    }
    return count;
  };
  // Signs are symmetric: as many sums are small as are large.
  return {
    greater: reaching(observed - tolerance),
    less: reaching(-observed - tolerance),
    total: 2 ** sizes.length,
  };
}

/** The sums of all 2^n assignments of signs, ascending. */
function sortedSums(sizes: readonly number[]): Float64Array {
  let sums = Float64Array.of(0);
  for (const size of sizes) {
    const doubled = new Float64Array(2 * sums.length);
    for (const [i, sum] of sums.entries()) {
      doubled[2 * i] = sum - size;
      doubled[2 * i + 1] = sum + size;
    }
    sums = doubled;
  }
  return sums.sort();
}

/** Random assignments, and the observed one, which keeps the p-value from being 0. */
function sample(sizes: readonly number[], observed: number, tolerance: number, random: Random): Counts {
  let greater = 1;
  let less = 1;
  for (let draw = 0; draw < SAMPLES; draw++) {
    let sum = 0;
    let bits = 0;
    for (const [i, size] of sizes.entries()) {
      if (i % 32 === 0) bits = random.next();
      sum += bits & 1 ? size : -size;
      bits >>>= 1;
    }
    if (sum >= observed - tolerance) greater++;
    if (sum <= observed + tolerance) less++;
  }
  return { greater, less, total: SAMPLES + 1 };
}
