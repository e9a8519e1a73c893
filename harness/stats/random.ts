/**
 * Random numbers that a seed determines: whoever has the seed of a comparison can repeat its order of runs and its
 * p-values to the last digit. The generator is xoshiro128** (Blackman and Vigna), its state filled by splitmix32.
 */

/** The largest seed; seeds are whole numbers from 0. */
export const LARGEST_SEED = 0xffff_ffff;

export class Random {
  readonly #state = new Uint32Array(4);

  constructor(seed: number) {
    let x = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e37_79b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
      this.#state[i] = z ^ (z >>> 15);
    }
  }

  /** A stream of its own for each purpose, so that one more draw for this does not change the draws for that. */
  static for(seed: number, purpose: string): Random {
    // FNV-1a
    let hash = 0x811c_9dc5;
    for (let i = 0; i < purpose.length; i++) hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x0100_0193);
    return new Random((seed ^ hash) >>> 0);
  }

  /** 32 random bits, as a whole number from 0 to 2^32 - 1. */
  next(): number {
    const s = this.#state;
    const [s0, s1, s2, s3] = [s[0]!, s[1]!, s[2]!, s[3]!];
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    s[0] = s0 ^ s1 ^ s3;
    s[1] = s1 ^ s2 ^ s0;
    s[2] = s2 ^ s0 ^ (s1 << 9);
    s[3] = rotateLeft(s3 ^ s1, 11);
    return result;
  }

  /** From 0 to below 1. */
  uniform(): number {
    return this.next() / 2 ** 32;
  }

  /** A whole number from 0 to below `n`, each as likely as the others; n is at most 2^32. */
  below(n: number): number {
    // Draws from the incomplete last stretch would make the smaller numbers more likely.
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const draw = this.next();
      if (draw < limit) return draw % n;
    }
  }

  /** A copy in random order, every order as likely as the others. */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [result[i], result[j]] = [result[j]!, result[i]!];
    }
    return result;
  }
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}
