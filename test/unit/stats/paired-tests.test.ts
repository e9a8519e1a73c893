import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hodgesLehmann, signedRankDistribution } from "../../../harness/stats/hodges-lehmann.ts";
import { holm, overLooks, planLooks } from "../../../harness/stats/multiplicity.ts";
import { Random } from "../../../harness/stats/random.ts";
import { signFlipTest, smallestP } from "../../../harness/stats/sign-flip.ts";

/** Darwin's maize plants, crossed minus self-fertilised, in eighths of an inch; Fisher, The Design of Experiments, 1935. */
const MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
/** Depression before and after a tranquillizer; Hollander and Wolfe, Nonparametric Statistical Methods, table 3.1. */
const DEPRESSION = [0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01];

const test = (effects: readonly number[]) => signFlipTest(effects, new Random(1));

describe("sign-flip test", () => {
  it.each([
    ["Fisher's count for the maize", MAIZE, 863 / 32768],
    ["all of one sign: a single assignment", [1, 2, 3, 4, 5], 1 / 32],
    ["the same effect each time", [2, 2, 2, 2], 1 / 16],
    ["equal sizes: ties count as reaching the sum", [1, 1, -1], 4 / 8],
    ["sums that are equal but for rounding", [0.1, 0.2, -0.3], 5 / 8],
    ["zeros say nothing", [0, 5, 0], 1 / 2],
    ["nothing but zeros", [0, 0, 0], 1],
    ["no effects", [], 1],
    ["thirty pairs, still exact", new Array<number>(30).fill(1), 2 ** -30],
  ])("%s", (_, effects, greater) => {
    expect(test(effects)).toMatchObject({ greater, exact: true });
    expect(test(effects.map((effect) => -effect)).less).toBe(greater);
  });

  it("agrees with the naive enumeration", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 10 }), (effects) => {
        const observed = effects.reduce((a, b) => a + b, 0);
        let [greater, less] = [0, 0];
        for (let mask = 0; mask < 2 ** effects.length; mask++) {
          const sum = effects.reduce((total, effect, i) => total + (mask & (1 << i) ? effect : -effect), 0);
          if (sum >= observed) greater++;
          if (sum <= observed) less++;
        }
        const result = test(effects);
        expect(result.greater).toBeCloseTo(greater / 2 ** effects.length, 12);
        expect(result.less).toBeCloseTo(less / 2 ** effects.length, 12);
      }),
    );
  });

  it("draws assignments where there are too many, and comes close to the exact answer", () => {
    // With the ranks 1 ... n as sizes the sum is Wilcoxon's statistic, whose distribution is known.
    const n = 32;
    const negative = new Set([30, 24, 17, 12, 9, 8, 5, 3, 2]);
    const effects = Array.from({ length: n }, (_, i) => (negative.has(i + 1) ? -1 : 1) * (i + 1));
    const w = [...negative].reduce((a, b) => a + b, 0);
    const exact = signedRankDistribution(n)[w]!;
    const sampled = signFlipTest(effects, new Random(11));
    expect(sampled.exact).toBe(false);
    expect(Math.abs(sampled.greater - exact)).toBeLessThan(4 * Math.sqrt(exact / 100_000));
    expect(signFlipTest(effects, new Random(11))).toEqual(sampled);
    expect(signFlipTest(effects, new Random(12))).not.toEqual(sampled);
  });

  it("never answers 0", () => {
    const many = new Array<number>(40).fill(1);
    expect(test(many).greater).toBe(1 / 100_000);
    expect(test(many).greater).toBe(smallestP(many));
    expect(smallestP([3, 0, -2])).toBe(1 / 4);
  });
});

describe("distribution of the signed-rank statistic", () => {
  // From the published tables, to the digits that they have.
  it.each([
    [5, 0, 1 / 32],
    [8, 5, 0.0391],
    [9, 5, 0.0195],
    [10, 5, 0.0098],
    [10, 8, 0.0244],
    [10, 10, 0.042],
    [15, 25, 0.024],
    [15, 30, 0.0473],
    [20, 52, 0.0242],
    [20, 60, 0.0487],
  ])("n = %i: P(W <= %i) = %f", (n, w, p) => {
    expect(signedRankDistribution(n)[w]).toBeCloseTo(p, 4);
  });

  it("ends at 1", () => {
    for (const n of [1, 2, 13, 200]) expect(signedRankDistribution(n).at(-1)).toBeCloseTo(1, 10);
  });
});

describe("Hodges-Lehmann estimate", () => {
  it("is the published one, with the published bounds", () => {
    // 96.1 % between the bounds: 98.05 % for each
    const { estimate, low, high } = hodgesLehmann(DEPRESSION, 0.98);
    expect([estimate, low, high].map((x) => Number(x.toFixed(3)))).toEqual([0.46, 0.01, 0.786]);
  });

  it.each([
    ["a single value", [3], { estimate: 3, low: -Infinity, high: Infinity }],
    ["four values cannot give 95 %", [1, 2, 3, 4], { estimate: 2.5, low: -Infinity, high: Infinity }],
    ["five can: from the smallest to the largest", [1, 2, 3, 4, 5], { estimate: 3, low: 1, high: 5 }],
    ["no spread", [2, 2, 2, 2, 2], { estimate: 2, low: 2, high: 2 }],
  ])("%s", (_, values, expected) => {
    expect(hodgesLehmann(values, 0.95)).toEqual(expected);
  });

  it("reaches a confidence that is exactly possible", () => {
    expect(hodgesLehmann([1, 2, 3, 4, 5], 1 - 1 / 32).low).toBe(1);
    expect(hodgesLehmann([1, 2, 3, 4, 5], 0.97).low).toBe(-Infinity);
  });

  it("is hardly moved by one wild value", () => {
    const calm = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    expect(hodgesLehmann([...calm.slice(0, 9), 10_000], 0.95).estimate).toBeLessThan(7);
  });

  it("has bounds that hold as often as they say", () => {
    const random = new Random(2024);
    let misses = 0;
    for (let i = 0; i < 2_000; i++) {
      // skewed, as times are; the difference of two such values is symmetric
      const effects = Array.from({ length: 10 }, () => Math.log(random.uniform() / random.uniform()));
      if (hodgesLehmann(effects, 0.95).low > 0) misses++;
    }
    // P(W <= 10) = 0.042
    expect(misses / 2_000).toBeGreaterThan(0.03);
    expect(misses / 2_000).toBeLessThan(0.054);
  });
});

describe("Holm's adjustment", () => {
  it.each([
    [
      [0.01, 0.04, 0.03, 0.005],
      [0.03, 0.06, 0.06, 0.02],
    ],
    [[0.02], [0.02]],
    [
      [0.5, 0.9, 0.6],
      [1, 1, 1],
    ],
    // a smaller p-value never ends up with a larger adjusted one
    [
      [0.01, 0.011, 0.5],
      [0.03, 0.03, 0.5],
    ],
    [[], []],
  ])("%j -> %j", (pValues, adjusted) => {
    expect(holm(pValues).map((p) => Number(p.toFixed(10)))).toEqual(adjusted);
  });
});

describe("repeated looks", () => {
  it.each([
    [10, 10, [10]],
    [10, 8, [10]],
    [10, 20, [10, 15, 20]],
    [10, 12, [10, 12]],
    [3, 8, [3, 5, 7, 8]],
    [1, 3, [1, 2, 3]],
  ])("first at %i pairs, at most %i", (first, most, pairs) => {
    const looks = planLooks(first, most);
    expect(looks.map((look) => look.pairs)).toEqual(pairs);
    expect(looks.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
  });

  it("cost their share of alpha", () => {
    const looks = planLooks(10, 20);
    expect(looks.map(({ share }) => share)).toEqual([0.5, 0.25, 0.25]);
    expect(overLooks([0.004], looks)).toBe(0.008);
    expect(overLooks([0.2, 0.002], looks)).toBe(0.008);
    expect(overLooks([0.001, 0.3, 0.3], looks)).toBe(0.002);
    expect(overLooks([0.9], looks)).toBe(1);
  });
});
