import { describe, expect, it } from "vitest";
import type { CompareOptions } from "../../../harness/stats/compare.ts";
import { planLooks } from "../../../harness/stats/multiplicity.ts";
import {
  type Candidate,
  comparePairs,
  type Decision,
  decide,
  type Evidence,
  type Pair,
  type PairedComparison,
} from "../../../harness/stats/paired.ts";
import { Random } from "../../../harness/stats/random.ts";
import type { Num } from "../../../harness/stats/summary.ts";

const TIME: CompareOptions = { policy: { kind: "auto" }, better: "lower", counter: false };
const COUNTER: CompareOptions = { ...TIME, counter: true };
const limits = (maxIncrease: number, minDelta = 0, confidence = 0.99): CompareOptions["policy"] => {
  return { kind: "limits", maxIncrease, minDelta, confidence };
};

const compare = (pairs: readonly Pair[], options = TIME): PairedComparison =>
  comparePairs(pairs, options, new Random(1));

function tested(pairs: readonly Pair[], options = TIME): Evidence {
  const outcome = compare(pairs, options);
  if (outcome.kind !== "tested") throw new Error(`settled: ${outcome.comparison.reason}`);
  return outcome.evidence;
}

/** As the only metric of its suite, with no more pairs to be had. */
function alone(pairs: readonly Pair[], options = TIME): Decision {
  return decide([candidate(tested(pairs, options))])[0]!;
}

function candidate(evidence: Evidence, most = evidence.pairs): Candidate {
  return { evidence, history: [evidence.p], looks: planLooks(evidence.pairs, most) };
}

/** `n` pairs around base and head, with a spread of a few thousandths that differs from pair to pair. */
function around(base: number, head: number, n = 10): Pair[] {
  return Array.from({ length: n }, (_, i) => [base * (1 + (i % 4) / 1000), head * (1 + (i % 3) / 1000)]);
}

describe("one metric in pairs", () => {
  it.each<[string, Pair[], CompareOptions, Decision["verdict"]]>([
    ["the same", around(1e6, 1e6), TIME, "pass"],
    ["+2 % is allowed", around(1e6, 1.02e6), TIME, "pass"],
    ["+20 %", around(1e6, 1.2e6), TIME, "regression"],
    ["-20 %", around(1e6, 0.8e6), TIME, "improvement"],
    ["-20 % of a rate", around(1e6, 0.8e6), { ...TIME, better: "higher" }, "regression"],
    ["+20 % of a rate", around(1e6, 1.2e6), { ...TIME, better: "higher" }, "improvement"],
    ["below the absolute floor", around(1e6, 1.2e6), { ...TIME, policy: limits(0.05, 250_000) }, "pass"],
    ["above it", around(1e6, 1.3e6), { ...TIME, policy: limits(0.05, 250_000) }, "regression"],
    ["within the user's limit", around(1e6, 1.2e6), { ...TIME, policy: limits(0.25) }, "pass"],
    ["+0.5 % where nothing is allowed", around(1e6, 1.005e6), { ...TIME, policy: limits(0) }, "regression"],
    ["no loss is allowed to be all", around(1e6, 1, 10), { ...TIME, policy: limits(1), better: "higher" }, "pass"],
    ["from nothing to something", around(0, 5), TIME, "regression"],
    ["from something to nothing", around(5, 0), TIME, "improvement"],
    ["four pairs are too few", around(1e6, 2e6, 4), TIME, "inconclusive"],
    ["seven are enough", around(1e6, 2e6, 7), TIME, "regression"],
    ["six are not for 99 %", around(1e6, 2e6, 6), TIME, "inconclusive"],
    ["but for 95 %", around(1e6, 2e6, 6), { ...TIME, policy: limits(0.05, 0, 0.95) }, "regression"],
  ])("%s", (_, pairs, options, verdict) => {
    expect(alone(pairs, options).verdict).toBe(verdict);
  });

  it("measures the change by the pairs, so that a drift of the machine does not count", () => {
    const drifting = Array.from({ length: 10 }, (_, i): Pair => [1e6 * 1.3 ** i, 1.1e6 * 1.3 ** i * (1 + i / 1e4)]);
    const evidence = tested(drifting);
    expect(evidence).toMatchObject({ scale: "ratio", pairs: 10 });
    expect(evidence.estimate).toBeCloseTo(1.1, 2);
    expect(alone(drifting).verdict).toBe("regression");
  });

  it("takes differences where there is no ratio", () => {
    const pairs: Pair[] = around(100, 130).map(([base, head], i) => (i === 0 ? [0, head] : [base, head]));
    expect(tested(pairs)).toMatchObject({ scale: "difference", estimate: expect.closeTo(30, 0) });
  });

  it("leaves out pairs of which a run has no data", () => {
    const pairs: Pair[] = [...around(1e6, 1.2e6), [undefined, 9e9], [1, undefined]];
    expect(tested(pairs).pairs).toBe(10);
    expect(alone(pairs).verdict).toBe("regression");
  });

  it("says that it is unclear only while there is reason to think so", () => {
    const noisy: Pair[] = [0.8, 1.3, 1.2, 0.9, 1.5, 1.3, 0.95, 1.4, 1.2, 0.9].map((head) => [1e6, head * 1e6]);
    expect(decide([candidate(tested(noisy), 20)])).toMatchObject([{ verdict: "inconclusive", wantsMore: true }]);
    // With no more to be had: one in ten by chance alone is nothing to stop a build for.
    expect(alone(noisy)).toMatchObject({ verdict: "pass", wantsMore: false, reason: expect.stringContaining("noise") });
    // A real change whose size is not sure to be above the limit.
    const small: Pair[] = [1.04, 1.07, 1.05, 1.08, 1.04, 1.06, 1.05, 1.09, 1.04, 1.05].map((x) => [1e6, x * 1e6]);
    expect(alone(small)).toMatchObject({ verdict: "inconclusive", reason: expect.stringContaining("perhaps") });
  });

  it("asks for no more pairs once it is clear", () => {
    for (const head of [1e6, 1.02e6, 1.5e6, 0.5e6])
      expect(decide([candidate(tested(around(1e6, head)), 40)])).toMatchObject([{ wantsMore: false }]);
  });

  it("demands more of one metric among many", () => {
    const clear = candidate(tested(around(1e6, 1.2e6)));
    const calm = candidate(tested(around(1e6, 1e6)));
    const suite = (size: number): Decision => decide([clear, ...new Array<Candidate>(size - 1).fill(calm)])[0]!;
    expect(suite(10)).toMatchObject({ verdict: "regression", adjusted: expect.closeTo(10 / 1024, 10) });
    expect(suite(11)).toMatchObject({ verdict: "inconclusive", adjusted: expect.closeTo(11 / 1024, 10) });
  });
});

describe("counters that repeat", () => {
  const exactly = (base: readonly Num[], head: readonly Num[], options = COUNTER) =>
    compare(
      base.map((value, i) => [value, head[i]]),
      options,
    );

  it.each<[string, Num[], Num[], CompareOptions, string]>([
    ["the same", [40, 40, 40], [40, 40, 40], COUNTER, "pass"],
    ["one more", [40, 40, 40], [41, 41, 41], COUNTER, "regression"],
    ["one less", [40, 40, 40], [39, 39, 39], COUNTER, "improvement"],
    ["one more of very many", [2n ** 60n, 2n ** 60n], [2n ** 60n + 1n, 2n ** 60n + 1n], COUNTER, "regression"],
    ["from 0 to 1", [0, 0], [1, 1], COUNTER, "regression"],
    ["within limits that the user set", [40, 40], [41, 41], { ...COUNTER, policy: limits(0.1) }, "pass"],
    ["declared exact", [40, 40], [41, 41], { ...TIME, policy: { kind: "exact" } }, "regression"],
    ["declared exact, but it is not", [40, 42], [41, 41], { ...TIME, policy: { kind: "exact" } }, "inconclusive"],
    ["a single pair", [40], [80], COUNTER, "inconclusive"],
    ["nothing on the base", [], [], COUNTER, "invalid"],
  ])("%s", (_, base, head, options, verdict) => {
    expect(exactly(base, head, options)).toMatchObject({ kind: "settled", comparison: { verdict } });
  });

  it.each<[string, Pair[], string]>([
    [
      "no data on the head",
      [
        [1, undefined],
        [1, undefined],
      ],
      "invalid",
    ],
    [
      "no data on the base",
      [
        [undefined, 1],
        [undefined, 1],
      ],
      "new",
    ],
    [
      "never data on both",
      [
        [undefined, 1],
        [1, undefined],
      ],
      "invalid",
    ],
  ])("%s", (_, pairs, verdict) => {
    expect(compare(pairs)).toMatchObject({ kind: "settled", comparison: { verdict } });
  });

  it("are said to be worse than the base, which is no stored baseline", () => {
    expect(exactly([40, 40], [41, 41])).toMatchObject({
      comparison: { reason: "worse in every run than in any of the base" },
    });
  });

  it("are tested like anything else once they vary", () => {
    expect(exactly([40, 40, 40, 40], [40, 41, 40, 40])).toMatchObject({ kind: "tested" });
    expect(exactly([40, 40, 40], [40, 40, 40], TIME)).toMatchObject({ kind: "tested" });
  });
});
