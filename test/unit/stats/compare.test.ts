import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classify } from "../../../harness/stats/classify.ts";
import { compareMetric, type Verdict } from "../../../harness/stats/compare.ts";
import type { Better, ComparePolicy } from "../../../harness/stats/policy.ts";
import type { Num } from "../../../harness/stats/summary.ts";

const auto: ComparePolicy = { kind: "auto" };
const exact: ComparePolicy = { kind: "exact" };
const limits = (maxIncrease: number, minDelta = 0): ComparePolicy => ({
  kind: "limits",
  maxIncrease,
  minDelta,
  confidence: 0.99,
});

function compare(baseline: Num[], current: Num[], policy: ComparePolicy, counter = true, better: Better = "lower") {
  return compareMetric(baseline, current, { policy, better, counter });
}

describe("classification", () => {
  it.each<[sides: Num[][], counter: boolean, expected: string]>([
    [
      [
        [5, 5, 5],
        [5, 5],
      ],
      true,
      "exact",
    ],
    [
      [
        [5n, 5, 5n],
        [6, 6],
      ],
      true,
      "exact",
    ],
    [
      [
        [0, 0],
        [0, 0],
      ],
      true,
      "exact",
    ],
    [
      [
        [100, 101],
        [100, 100],
      ],
      true,
      "bounded",
    ],
    [
      [
        [5, 5],
        [100n, 105n, 110n],
      ],
      true,
      "bounded",
    ],
    [[[0, 1, 0]], true, "bounded"],
    [[[0, 2, 0]], true, "noisy"],
    [
      [
        [100, 150],
        [100, 100],
      ],
      true,
      "noisy",
    ],
    [
      [
        [5, 5],
        [1.5, 1.6],
      ],
      true,
      "noisy",
    ],
    [[[5], [5]], true, "noisy"],
    [[[5, 5], [5]], true, "noisy"],
    [[[], [5, 5]], true, "noisy"],
    [
      [
        [5, NaN],
        [5, 5],
      ],
      true,
      "noisy",
    ],
    [
      [
        [5, 5],
        [5, 5],
      ],
      false,
      "noisy",
    ],
  ])("%o, counter %s: %s", (sides, counter, expected) => expect(classify(sides, counter)).toBe(expected));
});

describe("counters without spread", () => {
  it.each<[baseline: Num[], current: Num[], policy: ComparePolicy, verdict: Verdict]>([
    [[5, 5, 5], [5, 5, 5], auto, "pass"],
    [[5, 5, 5], [6, 6, 6], auto, "regression"],
    [[5, 5, 5], [4, 4, 4], auto, "improvement"],
    [[0, 0, 0], [1, 1, 1], auto, "regression"],
    [[0, 0], [0, 0], auto, "pass"],
    [[5], [5], exact, "pass"],
    [[5], [6], exact, "regression"],
    [[5], [4], exact, "improvement"],
    [[5, 5, 5], [5, 6, 5], exact, "regression"],
    [[5, 5, 5], [5, 4, 5], exact, "inconclusive"],
    [[5, 6, 5], [5, 6, 5], exact, "inconclusive"],
    [[5, 6, 5], [7, 7, 7], exact, "regression"],
    [[5, 6, 5], [4, 4, 4], exact, "improvement"],
    [[100, 100], [105, 105], limits(0.05), "pass"],
    [[100, 100], [106, 106], limits(0.05), "regression"],
    [[100, 100], [94, 94], limits(0.05), "improvement"],
    [[100, 100], [106, 106], limits(0.05, 10), "pass"],
    [[100, 100], [111, 111], limits(0.05, 10), "regression"],
    [[0, 0], [1, 1], limits(0.5), "regression"],
    [[0, 0], [1, 1], limits(0.5, 1), "pass"],
    [[2n ** 64n - 2n, 2n ** 64n - 2n], [2n ** 64n - 1n, 2n ** 64n - 1n], auto, "regression"],
    [[2n ** 53n, 2n ** 53n], [2n ** 53n + 1n, 2n ** 53n + 1n], exact, "regression"],
    [[3n, 3n], [3, 3], exact, "pass"],
  ])("%o -> %o under %o: %s", (baseline, current, policy, verdict) => {
    expect(compare(baseline, current, policy)).toMatchObject({ verdict, class: "exact" });
  });
});

describe("counters in a band", () => {
  it.each<[baseline: Num[], current: Num[], policy: ComparePolicy, verdict: Verdict]>([
    [[100, 102, 101], [101, 103, 104], auto, "pass"],
    [[100, 102, 101], [102, 103, 104], auto, "pass"],
    [[100, 102, 101], [103, 104, 104], auto, "regression"],
    [[100, 102, 101], [99, 98, 99], auto, "improvement"],
    [[100, 102, 101], [105, 106, 106], limits(0.05), "pass"],
    [[100, 102, 101], [108, 109, 109], limits(0.05), "regression"],
    [[0, 0, 0], [0, 1, 1], auto, "pass"],
    [[0, 0, 0], [1, 1, 2], auto, "regression"],
  ])("%o -> %o under %o: %s", (baseline, current, policy, verdict) => {
    expect(compare(baseline, current, policy)).toMatchObject({ verdict, class: "bounded" });
  });
});

describe("times and other noise", () => {
  it.each<[baseline: Num[], current: Num[], policy: ComparePolicy, verdict: Verdict]>([
    [[100, 120, 140], [104, 124, 144], auto, "pass"],
    [[100, 120, 140], [100, 127, 144], auto, "regression"],
    [[100, 120, 140], [90, 110, 144], auto, "improvement"],
    [[100, 120, 140], [100, 131, 144], limits(0.1), "pass"],
    [[100, 120, 140], [100, 133, 144], limits(0.1), "regression"],
    [[100, 120, 140], [100, 133, 144], limits(0.1, 20), "pass"],
    [[100, 120, 140], [100, 141, 144], limits(0.1, 20), "regression"],
    [[100, 100, 100], [106, 106, 106], auto, "regression"],
    [[100], [101], auto, "pass"],
    [[100], [200], auto, "inconclusive"],
    [[100, 120], [200, 220, 230], auto, "inconclusive"],
    [[0, 0, 0], [5, 6, 7], auto, "regression"],
    [[0, 0, 0], [0, 0, 0], auto, "pass"],
    [[100.5, 100.5, 100.5], [100.6, 100.6, 100.6], auto, "pass"],
  ])("%o -> %o under %o: %s", (baseline, current, policy, verdict) => {
    expect(compare(baseline, current, policy, false)).toMatchObject({ verdict, class: "noisy" });
  });
});

describe("what cannot be compared", () => {
  it.each<[baseline: Num[], current: Num[], verdict: Verdict, reason: RegExp]>([
    [[], [5], "new", /no baseline/],
    [[5], [], "invalid", /no usable numbers/],
    [[], [], "invalid", /no usable numbers/],
    [[5], [Number.NaN], "invalid", /the runs/],
    [[5], [5, Infinity], "invalid", /the runs/],
    [[Number.NaN], [5], "invalid", /the baseline/],
  ])("%o -> %o: %s", (baseline, current, verdict, reason) => {
    const comparison = compare(baseline, current, exact);
    expect(comparison).toMatchObject({ verdict, delta: undefined, ratio: undefined });
    expect(comparison.reason).toMatch(reason);
  });
});

describe("the report's numbers", () => {
  it("are medians, their difference and ratio, and what was allowed", () => {
    expect(compare([100, 120, 140], [100, 132, 144], limits(0.2), false)).toMatchObject({
      baseline: { n: 3, min: 100, max: 140, median: 120, mad: 20 },
      current: { n: 3, min: 100, max: 144, median: 132, mad: 12 },
      delta: 12n,
      ratio: 1.1,
      allowed: 24,
    });
  });

  it.each<[baseline: Num[], current: Num[], ratio: number, reason: RegExp]>([
    [[0, 0], [3, 3], Infinity, /from 0/],
    [[0, 0], [0, 0], 1, /unchanged/],
    [[4, 4], [2, 2], 0.5, /better/],
  ])("%o -> %o: ratio %s", (baseline, current, ratio, reason) => {
    const comparison = compare(baseline, current, auto);
    expect(comparison.ratio).toBe(ratio);
    expect(comparison.reason).toMatch(reason);
  });
});

describe("higher is better", () => {
  it.each<[baseline: Num[], current: Num[], counter: boolean, verdict: Verdict]>([
    [[5, 5], [6, 6], true, "improvement"],
    [[5, 5], [4, 4], true, "regression"],
    [[0, 0], [4, 4], true, "improvement"],
    [[100, 102], [97, 98], true, "regression"],
    [[100, 120, 140], [80, 90, 100], false, "regression"],
    [[100, 120, 140], [180, 190, 200], false, "improvement"],
  ])("%o -> %o", (baseline, current, counter, verdict) => {
    expect(compare(baseline, current, auto, counter, "higher").verdict).toBe(verdict);
  });

  it("mirrors lower is better, for any numbers", () => {
    const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 6 });
    const policies = fc.constantFrom(auto, exact, limits(0.1), limits(0, 5));
    fc.assert(
      fc.property(values, values, policies, fc.boolean(), (baseline, current, policy, counter) => {
        const negated = (list: number[]): number[] => list.map((value) => -value);
        const lower = compare(baseline, current, policy, counter, "lower");
        const higher = compare(negated(baseline), negated(current), policy, counter, "higher");
        expect(higher.verdict).toBe(lower.verdict);
      }),
    );
  });
});
