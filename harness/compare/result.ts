/** Turns a comparison into the published form of a result: the head is what was measured, the base its baseline. */
import type { BaselineEntry, BaselineMatch } from "../baseline/store.ts";
import { encodeNumber } from "../baseline/values.ts";
import type { Scenario } from "../config/scenario.ts";
import { baselineEntry, scenarioResult } from "../report/build.ts";
import type { HistogramShiftResult, MetricResult, PairedTestResult, ScenarioResult } from "../report/result.ts";
import { type AssertionJudgement, type Judgement, judge, type MetricJudgement, statusOf } from "../runner/judge.ts";
import type { Comparison } from "../stats/compare.ts";
import type { Decision, Evidence } from "../stats/paired.ts";
import { metricId, shiftId, type Trial } from "./decide.ts";
import type { EvaluatedMetric, EvaluatedShift, Evaluation } from "./evaluate.ts";

type Decided = ReadonlyMap<string, Decision>;

/** Where and when it was measured. */
export type Where = Pick<BaselineEntry, "fingerprint" | "recordedAt">;

/** The result of a scenario that both sides have. `notes` are about this scenario. */
export function pairedResult(trial: Trial, decided: Decided, where: Where, notes: readonly string[]): ScenarioResult {
  const { paired, evaluation } = trial;
  const head = paired.run("head");
  const base = paired.run("base");
  const warnings = [...new Set([...notes, ...base.warnings, ...head.warnings])];
  if (evaluation === undefined || head.end.kind !== "measured") {
    const plain = scenarioResult(head, judge(head, { kind: "none" }), { kind: "none" });
    return { ...plain, sides: "both", warnings };
  }
  const metrics = evaluation.metrics.map((metric) => judgementOf(metric, decided.get(metricId(metric.head.name))));
  const shifts = evaluation.shifts.map((shift) => shiftResult(shift, decided.get(shiftId(shift.map, shift.script))));
  const assertions = evaluation.head.assertions;
  const judgement: Judgement = { status: worst(statusOf(metrics, assertions), shifts), metrics, assertions, notes: [] };
  const entry = baselineEntry(base, evaluation.base, { ...where, file: base.scenario.file });
  const match: BaselineMatch = entry === undefined ? { kind: "none" } : { kind: "same", entry };
  const result = scenarioResult(head, judgement, match);
  return {
    ...result,
    sides: "both",
    metrics: result.metrics.map((metric, i) => withPairs(metric, evaluation.metrics[i]!, decided)),
    shifts: shifts.length > 0 ? shifts : undefined,
    warnings: [...warnings, ...failedBefore(evaluation)],
  };
}

/** The result of a scenario that only the head has: its assertions are judged, and there is nothing to compare. */
export function newResult({ paired }: Trial): ScenarioResult {
  const head = paired.run("head");
  const result = scenarioResult(head, judge(head, { kind: "none" }), { kind: "none" });
  const metrics = result.metrics.map(
    (metric): MetricResult => ({ ...metric, reason: "the base has no such scenario" }),
  );
  return { ...result, sides: "head", metrics, warnings: [...result.warnings, "new: the base has no such scenario"] };
}

/** The result of a scenario that only the base has. */
export function removedResult(scenario: Scenario, scope: "cgroup" | "tree"): ScenarioResult {
  const run = {
    scenario,
    scope,
    end: { kind: "skipped", problems: [] },
    runs: [],
    control: [],
    warnings: ["removed: the head has no such scenario any more"],
    enlarged: [],
    durationNs: 0n,
  } as const;
  return { ...scenarioResult(run, judge(run, { kind: "none" }), { kind: "none" }), sides: "base" };
}

function judgementOf({ head, comparison, judged }: EvaluatedMetric, decision: Decision | undefined): MetricJudgement {
  if (comparison === undefined) {
    const data = head.values.some(({ kind }) => kind === "value");
    return { ...head, notCompared: data ? "not compared: `compare` does not name it" : "no data on either side" };
  }
  if (!judged) {
    const told: Comparison = {
      ...comparison.comparison,
      allowed: 0,
      verdict: "new",
      reason: "not judged: `compare` does not name it",
    };
    return { ...head, comparison: told };
  }
  if (comparison.kind === "settled") return { ...head, comparison: comparison.comparison };
  const { verdict, reason } = decision!;
  return { ...head, comparison: { ...comparison.comparison, verdict, reason } };
}

function withPairs(result: MetricResult, { base, comparison }: EvaluatedMetric, decided: Decided): MetricResult {
  const values = base.values.map((value) => (value.kind === "value" ? encodeNumber(value.value) : null));
  if (comparison === undefined) return { ...result, paired: { base: values } };
  const adjusted = decided.get(metricId(result.name))?.adjusted;
  const test = comparison.kind === "tested" ? testResult(comparison.evidence, adjusted) : undefined;
  return { ...result, paired: { base: values, test } };
}

function testResult(evidence: Evidence, adjusted: number | undefined): PairedTestResult {
  const { scale, pairs, estimate, low, high, confidence, p } = evidence;
  const bound = (value: number): number | undefined => (Number.isFinite(value) && pairs > 0 ? value : undefined);
  return {
    scale,
    pairs,
    estimate,
    // The bound of a ratio that nothing is known of is 0 and infinity.
    low: scale === "ratio" && low === 0 ? undefined : bound(low),
    high: bound(high),
    confidence,
    p: Math.min(p.worse, p.better),
    adjusted,
  };
}

function shiftResult(shift: EvaluatedShift, decision: Decision | undefined): HistogramShiftResult {
  const { map, script, metric, outcome, quantiles } = shift;
  const about = { map, script, metric };
  if (outcome.kind === "refused") {
    const verdict = metric === undefined ? undefined : "inconclusive";
    return { ...about, verdict, reason: outcome.reason, quantiles: [] };
  }
  return {
    ...about,
    verdict: decision?.verdict,
    reason: decision?.reason ?? "not judged: no metric that is compared asks for quantiles of it",
    test: testResult(outcome.evidence, decision?.adjusted),
    quantiles: quantiles.map(({ q, base, head, evidence }) => {
      return { q, base, head, test: evidence && testResult(evidence, undefined) };
    }),
  };
}

/** A histogram that became worse as a whole fails the scenario like a metric. */
function worst(status: Judgement["status"], shifts: readonly HistogramShiftResult[]): Judgement["status"] {
  const has = (verdict: HistogramShiftResult["verdict"]): boolean => shifts.some((shift) => shift.verdict === verdict);
  if (status === "failed" || has("regression")) return "failed";
  return status === "passed" && has("inconclusive") ? "inconclusive" : status;
}

/** An assertion that failed on the base already was not broken by the head. */
function failedBefore({ base, head }: Evaluation): string[] {
  const fails = ({ assertions }: Judgement): readonly AssertionJudgement[] =>
    assertions.filter(({ verdict }) => verdict.status !== "pass");
  const before = new Set(fails(base).map(({ assertion }) => assertion.text));
  return fails(head)
    .filter(({ assertion }) => before.has(assertion.text))
    .map(({ assertion }) => `\`${assertion.text}\` does not hold on the base either`);
}
