/**
 * Compares two sides that were run in pairs on the same machine. Each pair gives one effect: the logarithm of head over
 * base, or the difference where there is no logarithm. Whether there is a change at all is asked of a permutation
 * test, adjusted for all metrics of the suite and for repeated looks; how large it is, of the Hodges-Lehmann estimate and
 * its bounds. A regression needs both: it is no accident, and even its lower bound is more than the limits allow.
 *
 * Counters that show no spread are not a matter of chance: they are compared exactly.
 */
import { classify } from "./classify.ts";
import { type CompareOptions, type Comparison, compareMetric, contrast, type Verdict } from "./compare.ts";
import { type Estimate, hodgesLehmann } from "./hodges-lehmann.ts";
import { holm, type Look, overLooks } from "./multiplicity.ts";
import { type Better, type ComparePolicy, DEFAULT_LIMITS } from "./policy.ts";
import type { Random } from "./random.ts";
import { signFlipTest, smallestP } from "./sign-flip.ts";
import { type Num, summarise } from "./summary.ts";

/** One run of each side; undefined where a run had no data. */
export type Pair = readonly [base: Num | undefined, head: Num | undefined];

export type PairedComparison =
  /** Nothing is left to chance: `comparison` has the verdict. */
  | { readonly kind: "settled"; readonly comparison: Comparison }
  /** The verdict depends on the other metrics of the suite, see decide(). */
  | {
      readonly kind: "tested";
      readonly comparison: Omit<Comparison, "verdict" | "reason">;
      readonly evidence: Evidence;
    };

/** What the pairs say about one metric, before anybody has asked how many other metrics there are. */
export interface Evidence {
  /** ratio: estimates are head over base, 1.1 for 10% more. difference: head minus base, in the metric's unit. */
  readonly scale: "ratio" | "difference";
  readonly pairs: number;
  readonly estimate: number;
  /** Bounds of the estimate, each at `confidence`; infinite if there are too few pairs. */
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly p: PValues;
  /** By far the estimate, and the nearer bound, lie on the side of worse or of better, beyond what is allowed. */
  readonly beyond: { readonly estimate: Direction; readonly bound: Direction };
  /** The probability of a false alarm that the user accepts. */
  readonly alpha: number;
  /** The smallest p-value that so many pairs can have. */
  readonly smallestP: number;
}

type Direction = "worse" | "better" | "neither";

/** The probabilities that a change as large as the observed one is an accident, for either direction. */
export interface PValues {
  readonly worse: number;
  readonly better: number;
}

/**
 * How sure the bounds are, each by itself. That there is a change must be as sure as the policy's confidence says, over
 * the whole suite; how large a change that is real is, need not be known quite as surely.
 */
const BOUND_CONFIDENCE = 0.95;
/** Fewer pairs than this show nothing. */
const MIN_PAIRS = 2;

/** Compares one metric; values are in its base unit. `random` as for signFlipTest. */
export function comparePairs(pairs: readonly Pair[], options: CompareOptions, random: Random): PairedComparison {
  const complete = pairs.filter((pair): pair is readonly [Num, Num] => pair.every((value) => value !== undefined));
  // Runs without data must not make a side look empty that is not.
  const sides = [0, 1].map((side) => pairs.flatMap((pair) => pair[side] ?? [])) as [Num[], Num[]];
  const [base, head] = complete.length > 0 ? [complete.map(([b]) => b), complete.map(([, h]) => h)] : sides;
  const before = summarise(base);
  const now = summarise(head);
  const kind = options.policy.kind === "exact" ? "exact" : classify([base, head], options.counter);
  if (before === undefined || now === undefined || complete.length === 0 || kind === "exact")
    return { kind: "settled", comparison: settle(base, head, complete.length, options) };
  const described = { class: kind, baseline: before, current: now, ...contrast(before, now) };
  if (complete.length < MIN_PAIRS) {
    const reason = "a single pair cannot tell a change from noise";
    return { kind: "settled", comparison: { ...described, allowed: 0, verdict: "inconclusive", reason } };
  }
  const limits = limitsOf(options.policy);
  const evidence = gather(effectsOf(complete), Number(before.median), limits, options.better, random);
  const allowed = Math.max(limits.maxIncrease * Math.abs(Number(before.median)), limits.minDelta);
  return { kind: "tested", comparison: { ...described, allowed }, evidence };
}

function settle(base: readonly Num[], head: readonly Num[], complete: number, options: CompareOptions): Comparison {
  const settled = compareMetric(base, head, options);
  // What the rules for stored baselines call a baseline is the base here.
  const comparison = { ...settled, reason: settled.reason.replace("baseline", "base") };
  if (complete > 0 || base.length === 0 || head.length === 0) return comparison;
  return { ...comparison, verdict: "invalid", reason: "no pair has data on both sides" };
}

export type Limits = Extract<ComparePolicy, { kind: "limits" }>;

/** The limits for what varies. */
export function limitsOf(policy: ComparePolicy): Limits {
  return policy.kind === "limits" ? policy : DEFAULT_LIMITS;
}

export interface Effects {
  readonly scale: Evidence["scale"];
  /** One for each pair: natural logarithms of ratios, or differences. */
  readonly values: readonly number[];
}

function effectsOf(pairs: readonly (readonly [Num, Num])[]): Effects {
  const numbers = pairs.map(([base, head]) => [Number(base), Number(head)] as const);
  if (numbers.every(([base, head]) => base > 0 && head > 0))
    return { scale: "ratio", values: numbers.map(([base, head]) => Math.log(head / base)) };
  return { scale: "difference", values: numbers.map(([base, head]) => head - base) };
}

/** Tests effects and measures their size. `reference` is the base's typical value, to which the limits refer. */
export function gather(
  { scale, values }: Effects,
  reference: number,
  limits: Limits,
  better: Better,
  random: Random,
): Evidence {
  const alpha = 1 - limits.confidence;
  const confidence = Math.min(BOUND_CONFIDENCE, limits.confidence);
  const size = hodgesLehmann(values, confidence);
  const { greater, less } = signFlipTest(values, random);
  const outward = scale === "ratio" ? Math.exp : (effect: number): number => effect;
  return {
    scale,
    pairs: values.length,
    estimate: outward(size.estimate),
    low: outward(size.low),
    high: outward(size.high),
    confidence,
    p: better === "lower" ? { worse: greater, better: less } : { worse: less, better: greater },
    beyond: compareWithLimits(size, allowedEffects(scale, reference, limits), better),
    alpha,
    smallestP: smallestP(values),
  };
}

/** How large an effect may be, up and down, without counting: beyond the relative and beyond the absolute limit. */
function allowedEffects(
  scale: Evidence["scale"],
  reference: number,
  { maxIncrease, minDelta }: Limits,
): { up: number; down: number } {
  if (scale === "difference") {
    const allowed = Math.max(maxIncrease * Math.abs(reference), minDelta);
    return { up: allowed, down: allowed };
  }
  const share = Math.max(maxIncrease, minDelta / reference);
  return { up: Math.log1p(share), down: share < 1 ? -Math.log1p(-share) : Infinity };
}

function compareWithLimits(
  { estimate, low, high }: Estimate,
  { up, down }: { up: number; down: number },
  better: Better,
): Evidence["beyond"] {
  const [above, below]: [Direction, Direction] = better === "lower" ? ["worse", "better"] : ["better", "worse"];
  const side = (lower: number, upper: number): Direction => (lower > up ? above : upper < -down ? below : "neither");
  return { estimate: side(estimate, estimate), bound: side(low, high) };
}

/** A tested metric with what earlier looks said of it. */
export interface Candidate {
  readonly evidence: Evidence;
  /** The p-values of all looks so far, the evidence's own last. */
  readonly history: readonly PValues[];
  /** All looks that there may be. */
  readonly looks: readonly Look[];
}

export interface Decision {
  readonly verdict: Extract<Verdict, "pass" | "improvement" | "regression" | "inconclusive">;
  /** One sentence without numbers: why this verdict. */
  readonly reason: string;
  /** The p-value for the direction of the estimate, adjusted for the looks and for the suite. */
  readonly adjusted: number;
  /** More pairs may change the verdict, and there may be more. */
  readonly wantsMore: boolean;
}

/** Decides all tested metrics of a suite together. */
export function decide(suite: readonly Candidate[]): Decision[] {
  const adjusted = (direction: keyof PValues): number[] =>
    holm(
      suite.map(({ history, looks }) =>
        overLooks(
          history.map((p) => p[direction]),
          looks,
        ),
      ),
    );
  const worse = adjusted("worse");
  const better = adjusted("better");
  return suite.map((candidate, i) => decideOne(candidate, { worse: worse[i]!, better: better[i]! }));
}

function decideOne({ evidence, history, looks }: Candidate, adjusted: PValues): Decision {
  const { beyond, alpha, p } = evidence;
  const mayHaveMore = history.length < looks.length;
  const relevant = beyond.estimate === "better" ? adjusted.better : adjusted.worse;
  const decision = (verdict: Decision["verdict"], reason: string, wantsMore = false): Decision => {
    return { verdict, reason, adjusted: relevant, wantsMore };
  };
  if (beyond.bound === "better" && adjusted.better <= alpha)
    return decision("improvement", "better by more than the limits");
  if (beyond.estimate !== "worse") return decision("pass", "within the limits");
  const significant = adjusted.worse <= alpha;
  if (significant && beyond.bound === "worse") return decision("regression", "worse by more than the limits");
  const doubt = significant
    ? "worse, but perhaps by no more than the limits"
    : "looks worse by more than the limits, but that may be chance";
  if (mayHaveMore) return decision("inconclusive", doubt, true);
  // By itself it would be striking, or it is as striking as so few pairs can be.
  if (p.worse <= Math.max(alpha, evidence.smallestP)) return decision("inconclusive", doubt);
  return decision("pass", "looks worse, but no more than noise makes it look");
}
