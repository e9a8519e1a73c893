/**
 * Compares the runs of one metric with those of its baseline. This is the comparison for stored baselines: exact
 * rules for counters that repeat, medians and limits for the rest. Runs that were made in pairs are compared in
 * paired.ts, which takes the exact rules from here.
 */
import { unreachable } from "../../compiler/unreachable.ts";
import { classify, type MetricClass } from "./classify.ts";
import { type Better, type ComparePolicy, DEFAULT_LIMITS } from "./policy.ts";
import { difference, type Num, type Summary, same, summarise } from "./summary.ts";

export type Verdict =
  | "pass"
  | "regression"
  | "improvement"
  /** The numbers do not allow a decision. */
  | "inconclusive"
  /** The new runs have no usable numbers. */
  | "invalid"
  /** There is no baseline. */
  | "new";

export interface CompareOptions {
  readonly policy: ComparePolicy;
  readonly better: Better;
  /** The metric counts something (see Metric.counter). */
  readonly counter: boolean;
}

export interface Comparison {
  readonly verdict: Verdict;
  /** One sentence without numbers' units: why this verdict. */
  readonly reason: string;
  readonly class: MetricClass;
  readonly baseline: Summary | undefined;
  readonly current: Summary | undefined;
  /** Median of the new runs minus median of the baseline. */
  readonly delta: Num | undefined;
  /** Median of the new runs over median of the baseline; Infinity from 0 to n, 1 from 0 to 0. */
  readonly ratio: number | undefined;
  /** How far the metric might have worsened, in the base unit. */
  readonly allowed: number;
}

/** Too few to tell noise from change. */
const MIN_NOISY_RUNS = 3;

/** Compares one value per run on either side; values are in the metric's base unit. */
export function compareMetric(baseline: readonly Num[], current: readonly Num[], options: CompareOptions): Comparison {
  const before = summarise(baseline);
  const now = summarise(current);
  const sides = { baseline: before, current: now };
  const unjudged = {
    ...sides,
    class: classify([current], options.counter),
    delta: undefined,
    ratio: undefined,
    allowed: 0,
  };
  if (!now) return { ...unjudged, verdict: "invalid", reason: "the runs gave no usable numbers" };
  if (baseline.length === 0) return { ...unjudged, verdict: "new", reason: "there is no baseline" };
  if (!before) return { ...unjudged, verdict: "invalid", reason: "the baseline has no usable numbers" };

  const kind = options.policy.kind === "exact" ? "exact" : classify([baseline, current], options.counter);
  const allowed = allowance(options.policy, kind, before);
  const { verdict, reason } = decide(kind, before, now, allowed, options);
  return { ...sides, ...contrast(before, now), class: kind, allowed, verdict, reason };
}

/** How far the medians are apart. */
export function contrast(before: Summary, now: Summary): { delta: Num; ratio: number } {
  return {
    delta: difference(now.median, before.median),
    ratio: same(now.median, before.median) ? 1 : Number(now.median) / Number(before.median),
  };
}

/** The larger of the relative and the absolute limit: a change counts only if it exceeds both. */
function allowance(policy: ComparePolicy, kind: MetricClass, baseline: Summary): number {
  if (policy.kind === "exact" || (policy.kind === "auto" && kind !== "noisy")) return 0;
  const limits = policy.kind === "auto" ? DEFAULT_LIMITS : policy;
  return Math.max(limits.maxIncrease * Math.abs(Number(baseline.median)), limits.minDelta);
}

interface Decision {
  readonly verdict: Verdict;
  readonly reason: string;
}

function decide(kind: MetricClass, before: Summary, now: Summary, allowed: number, options: CompareOptions): Decision {
  const [worse, better] = orient(before, now, options.better);
  switch (kind) {
    case "exact":
      return compareExact(before, now, worse, better, allowed);
    case "bounded":
      return compareBounded(before, now, worse, better, allowed);
    case "noisy":
      return compareNoisy(before, now, allowed, options.better);
    default:
      return unreachable(kind);
  }
}

/**
 * How far the two sides are apart in the direction of worse and of better: `apart` between the nearest runs (positive
 * if the sides do not overlap), `reach` of the furthest new run beyond all of the baseline.
 */
interface Shift {
  readonly apart: Num;
  readonly reach: Num;
}

function orient(before: Summary, now: Summary, better: Better): [worse: Shift, better: Shift] {
  const up: Shift = { apart: difference(now.min, before.max), reach: difference(now.max, before.max) };
  const down: Shift = { apart: difference(before.min, now.max), reach: difference(before.min, now.min) };
  return better === "lower" ? [up, down] : [down, up];
}

/** Declared or found exact: one run that differs is a change. */
function compareExact(before: Summary, now: Summary, worse: Shift, better: Shift, allowed: number): Decision {
  if (worse.apart > allowed) return regression(before, now, "worse in every run than in any of the baseline");
  if (better.apart > allowed)
    return { verdict: "improvement", reason: "better in every run than in any of the baseline" };
  if (!same(before.min, before.max))
    return { verdict: "inconclusive", reason: "declared exact, but the runs of the baseline differ" };
  if (worse.reach > allowed) return regression(before, now, "worse in some of the runs");
  if (better.reach > allowed) return { verdict: "inconclusive", reason: "declared exact, but the new runs differ" };
  return { verdict: "pass", reason: allowed === 0 ? "unchanged" : "within the limits" };
}

/** A narrow band: it moved if it no longer overlaps that of the baseline. */
function compareBounded(before: Summary, now: Summary, worse: Shift, better: Shift, allowed: number): Decision {
  if (worse.apart > allowed) return regression(before, now, "worse in every run than in any of the baseline");
  if (better.apart > allowed)
    return { verdict: "improvement", reason: "better in every run than in any of the baseline" };
  return { verdict: "pass", reason: "overlaps the runs of the baseline" };
}

/** Medians against the limits. */
function compareNoisy(before: Summary, now: Summary, allowed: number, better: Better): Decision {
  const change = Number(difference(now.median, before.median));
  const worsening = better === "lower" ? change : -change;
  if (Math.abs(worsening) <= allowed) return { verdict: "pass", reason: "the median is within the limits" };
  if (Math.min(before.n, now.n) < MIN_NOISY_RUNS)
    return { verdict: "inconclusive", reason: `fewer than ${MIN_NOISY_RUNS} runs cannot tell a change from noise` };
  if (worsening < 0) return { verdict: "improvement", reason: "the median improved by more than the limits" };
  return regression(before, now, "the median worsened by more than the limits");
}

function regression(before: Summary, now: Summary, reason: string): Decision {
  const fromZero = same(before.median, 0) && now.median > 0;
  return { verdict: "regression", reason: fromZero ? "went from 0 to more than 0" : reason };
}
