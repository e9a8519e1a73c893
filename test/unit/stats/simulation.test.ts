/**
 * The promises of the comparison, kept in simulated suites. The seeds are fixed, so the outcome is always the same; the
 * thresholds leave room for other seeds.
 */
import { describe, expect, it } from "vitest";
import type { CompareOptions } from "../../../harness/stats/compare.ts";
import type { Histogram } from "../../../harness/stats/histogram.ts";
import { histogramLocation, histogramShift } from "../../../harness/stats/histogram-shift.ts";
import { type Look, planLooks } from "../../../harness/stats/multiplicity.ts";
import {
  type Candidate,
  comparePairs,
  type Decision,
  decide,
  gather,
  limitsOf,
  type Pair,
} from "../../../harness/stats/paired.ts";
import { DEFAULT_LIMITS } from "../../../harness/stats/policy.ts";
import { Random } from "../../../harness/stats/random.ts";

const TIME: CompareOptions = { policy: { kind: "auto" }, better: "lower", counter: false };
const STRICT: CompareOptions = { ...TIME, policy: { ...DEFAULT_LIMITS, maxIncrease: 0 } };

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}

/** One metric whose runs scatter with a coefficient of variation around `base` and `head`. */
interface Simulated {
  readonly cv: number;
  /** Values are multiples of it: counters are whole, so that many pairs are equal. */
  readonly step?: number;
  readonly base: number;
  readonly head: number;
}

const calm = (cv: number): Simulated => ({ cv, base: 1e6, head: 1e6 });

/** Runs a suite to its end: looks, asks for more pairs where it is unclear, as `compare` does. */
function simulate(suite: readonly Simulated[], most: number, random: Random, options = TIME): Decision[] {
  const looks: Look[] = planLooks(10, most);
  const pairs: Pair[][] = suite.map(() => []);
  const candidates = new Map<number, Candidate>();
  let decisions: Decision[] = [];
  let open: readonly number[] = [...suite.keys()];
  for (const { pairs: wanted } of looks) {
    for (const i of open) {
      const { cv, base, head, step } = suite[i]!;
      const measure = (centre: number): number => {
        const value = centre * (1 + cv * normal(random));
        return step === undefined ? value : Math.round(value / step) * step;
      };
      while (pairs[i]!.length < wanted) pairs[i]!.push([measure(base), measure(head)]);
      const outcome = comparePairs(pairs[i]!, options, random);
      if (outcome.kind !== "tested") throw new Error("simulated times repeat");
      const history = [...(candidates.get(i)?.history ?? []), outcome.evidence.p];
      candidates.set(i, { evidence: outcome.evidence, history, looks });
    }
    decisions = decide([...candidates.values()]);
    open = open.filter((i) => decisions[i]!.wantsMore);
  }
  return decisions;
}

function suitesWith(verdict: Decision["verdict"], suites: readonly Decision[][]): number {
  return suites.filter((suite) => suite.some((decision) => decision.verdict === verdict)).length;
}

describe("500 suites of 20 metrics at a CV of 5 % in which nothing has changed", () => {
  const suites = (options: CompareOptions, most: number, seed: number): Decision[][] => {
    const random = new Random(seed);
    return Array.from({ length: 500 }, () => simulate(new Array(20).fill(calm(0.05)), most, random, options));
  };

  it("at most 1 % have a false regression, with ten pairs", () => {
    expect(suitesWith("regression", suites(TIME, 10, 1))).toBeLessThanOrEqual(5);
  });

  it("nor with up to twenty, and at most 5 % remain unclear", () => {
    const outcome = suites(TIME, 20, 1);
    expect(suitesWith("regression", outcome)).toBeLessThanOrEqual(5);
    expect(suitesWith("inconclusive", outcome)).toBeLessThanOrEqual(25);
  });

  it("nor where not the slightest increase is allowed", () => {
    expect(suitesWith("regression", suites(STRICT, 20, 2))).toBeLessThanOrEqual(5);
  });

  it("nor where counters waver by an event or two, so that many pairs are equal", () => {
    const random = new Random(7);
    const wavering = new Array<Simulated>(20).fill({ cv: 0.001, base: 1000, head: 1000, step: 1 });
    const outcome = Array.from({ length: 500 }, () => simulate(wavering, 20, random, STRICT));
    expect(suitesWith("regression", outcome)).toBeLessThanOrEqual(5);
  });
});

describe("a regression", () => {
  it("of +10 % at a CV of 3 % is found at least nine times in ten, by ten pairs", () => {
    const random = new Random(3);
    const found = Array.from({ length: 2_000 }, () => simulate([{ cv: 0.03, base: 1e6, head: 1.1e6 }], 10, random));
    expect(suitesWith("regression", found) / 2_000).toBeGreaterThanOrEqual(0.9);
  });

  it("is found among 20 metrics as well, where ten pairs may be followed by ten more", () => {
    const random = new Random(4);
    const suite = [{ cv: 0.03, base: 1e6, head: 1.1e6 }, ...new Array<Simulated>(19).fill(calm(0.03))];
    const decisions = Array.from({ length: 200 }, () => simulate(suite, 20, random));
    const found = decisions.filter(([first]) => first!.verdict === "regression").length;
    const false_ = decisions.filter(([, ...others]) => others.some(({ verdict }) => verdict === "regression")).length;
    expect(found / 200).toBeGreaterThanOrEqual(0.9);
    expect(false_).toBeLessThanOrEqual(2);
  });

  it("of +1 on a counter that repeats is always found", () => {
    const random = new Random(5);
    for (let i = 0; i < 500; i++) {
      const count = BigInt(random.next()) << BigInt(random.below(24));
      const pairs = new Array<Pair>(2 + random.below(9)).fill([count, count + 1n]);
      const outcome = comparePairs(pairs, { ...TIME, counter: true }, random);
      expect(outcome).toMatchObject({ kind: "settled", comparison: { verdict: "regression", class: "exact" } });
    }
  });

  it("of a latency by a quarter is found in histograms, and none where nothing has changed", () => {
    const random = new Random(6);
    const verdicts = (factor: number): Decision["verdict"][] =>
      Array.from({ length: 200 }, () => {
        const runs = Array.from({ length: 10 }, () => [latencies(random, 1), latencies(random, factor)] as const);
        const effects = runs.map(([base, head]) => {
          const shift = histogramShift(base, head);
          return shift.kind === "shift" ? shift.doublings * Math.LN2 : Number.NaN;
        });
        const reference = 2 ** histogramLocation(runs[0]![0])!;
        const limits = limitsOf({ kind: "auto" });
        const evidence = gather({ scale: "ratio", values: effects }, reference, limits, "lower", random);
        return decide([{ evidence, history: [evidence.p], looks: planLooks(10, 10) }])[0]!.verdict;
      });
    const share = (list: readonly string[]) => list.filter((verdict) => verdict === "regression").length / list.length;
    expect(share(verdicts(1.25))).toBeGreaterThanOrEqual(0.9);
    expect(share(verdicts(1))).toBeLessThanOrEqual(0.01);
  });
});

/** 300 latencies of a run in buckets of powers of two: log-normal around 10 us, the run itself off by 3 %. */
function latencies(random: Random, factor: number): Histogram {
  const centre = 10_000 * factor * (1 + 0.03 * normal(random));
  const counts = new Map<number, bigint>();
  for (let i = 0; i < 300; i++) {
    const power = Math.floor(Math.log2(centre * Math.exp(0.5 * normal(random))));
    counts.set(power, (counts.get(power) ?? 0n) + 1n);
  }
  const buckets = [...counts].sort(([a], [b]) => a - b);
  return { buckets: buckets.map(([power, count]) => ({ low: 1n << BigInt(power), high: 2n << BigInt(power), count })) };
}
