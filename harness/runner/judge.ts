/**
 * From runs to a judgement: metrics are evaluated run by run, assertions must hold in each, and what has a baseline is
 * compared with it. Pure: everything that it needs is in the runs, the scenario and the baseline.
 */
import type { BaselineEntry, BaselineMatch } from "../baseline/store.ts";
import { decodeNumber } from "../baseline/values.ts";
import type { Assertion, Scenario } from "../config/scenario.ts";
import { type AssertionVerdict, evaluateAssertionOverRuns } from "../metrics/assertion.ts";
import type { Num } from "../metrics/ast.ts";
import { namesOf } from "../metrics/check.ts";
import { evaluateMetrics, type MetricValue } from "../metrics/evaluate.ts";
import { FREE_METRICS, type FreeMetricName } from "../metrics/run-data.ts";
import type { Unit } from "../metrics/units.ts";
import { type Comparison, compareMetric } from "../stats/compare.ts";
import type { Better, ComparePolicy } from "../stats/policy.ts";
import { type Summary, summarise } from "../stats/summary.ts";
import type { ScenarioRun } from "./run-scenario.ts";

export type Status = "passed" | "failed" | "invalid" | "inconclusive" | "interrupted" | "skipped";

export interface Judgement {
  readonly status: Status;
  readonly metrics: readonly MetricJudgement[];
  readonly assertions: readonly AssertionJudgement[];
  /** What the user should know although it decides nothing. */
  readonly notes: readonly string[];
}

/** What a metric is, whatever it measures. */
interface Subject {
  readonly name: string;
  readonly description: string;
  readonly unit: Unit;
  readonly better: Better;
  /** It counts something: repetition may show it to be exact. */
  readonly counter: boolean;
  /** One of those that every run has, not the scenario's own. */
  readonly free: boolean;
  readonly definition: string;
}

export interface MetricJudgement extends Subject {
  /** One for each run. */
  readonly values: readonly MetricValue[];
  /** Of the runs that have data. */
  readonly summary: Summary | undefined;
  /** Undefined: nothing to compare with, or nothing that may be compared. */
  readonly comparison: Comparison | undefined;
  /** Why there is no comparison although one was asked for. */
  readonly notCompared: string | undefined;
}

export interface AssertionJudgement {
  readonly assertion: Assertion;
  readonly verdict: AssertionVerdict;
}

export function judge(run: ScenarioRun, baseline: BaselineMatch): Judgement {
  switch (run.end.kind) {
    case "interrupted":
    case "invalid":
    case "skipped":
      return { status: run.end.kind, metrics: [], assertions: [], notes: [] };
    case "measured":
      return judgeMeasured(run, baseline);
  }
}

function judgeMeasured({ scenario, runs }: ScenarioRun, baseline: BaselineMatch): Judgement {
  const evaluated = runs.map(({ data }) => ({ run: data, values: evaluateMetrics(scenario.metrics, data) }));
  const metrics = subjects(scenario).map((subject) =>
    judgeMetric(
      subject,
      evaluated.map(({ values }) => values.get(subject.name) ?? UNMEASURED),
      scenario.compare.get(subject.name),
      baseline,
    ),
  );
  const names = namesOf(scenario.metrics);
  const assertions = scenario.assertions.map((assertion) => ({
    assertion,
    verdict: evaluateAssertionOverRuns(assertion, names, evaluated),
  }));
  return { status: statusOf(metrics, assertions), metrics, assertions, notes: baselineNotes(baseline) };
}

const UNMEASURED: MetricValue = { kind: "no-data", reason: "it was not measured" };

/** The scenario's own metrics, then those that come for free and are not overridden. */
function subjects({ metrics }: Scenario): Subject[] {
  const own = metrics.map(({ name, description, unit, better, counter, definition }) => {
    return { name, description, unit, better, counter, free: false, definition };
  });
  const taken = new Set(own.map(({ name }) => name));
  const free = (Object.keys(FREE_METRICS) as FreeMetricName[])
    .filter((name) => !taken.has(name))
    .map((name): Subject => {
      const { unit, description } = FREE_METRICS[name];
      return { name, description, unit, better: "lower", counter: unit === "count", free: true, definition: name };
    });
  return [...own, ...free];
}

function judgeMetric(
  subject: Subject,
  values: readonly MetricValue[],
  policy: ComparePolicy | undefined,
  baseline: BaselineMatch,
): MetricJudgement {
  const current = values.flatMap((value) => (value.kind === "value" ? [value.value] : []));
  const { counter } = subject;
  const judgement = {
    ...subject,
    values,
    summary: summarise(current),
    comparison: undefined,
    notCompared: undefined,
  };
  if (policy === undefined || baseline.kind === "none") return judgement;
  if (baseline.kind === "changed")
    return { ...judgement, notCompared: `the baseline is of another ${CHANGED[baseline.what]}` };
  const before = baselineValues(baseline.entry, subject);
  if (typeof before === "string") return { ...judgement, notCompared: before };
  // Nothing before and nothing now: there is nothing to lose.
  if (before.length === 0 && current.length === 0) return { ...judgement, notCompared: "no data, as in the baseline" };
  const comparison = compareMetric(before, current, { policy, better: subject.better, counter });
  if (baseline.kind === "other-machine" && !(counter && comparison.class === "exact"))
    return { ...judgement, notCompared: "the baseline is from another machine" };
  return { ...judgement, comparison };
}

const CHANGED = { workload: "workload", probes: "set of probes" } as const;

/** The values of a metric in the baseline, or why there are none. */
function baselineValues(entry: BaselineEntry, { name, definition }: Subject): Num[] | string {
  const stored = Object.hasOwn(entry.metrics, name) ? entry.metrics[name]! : undefined;
  if (stored === undefined) return "the baseline does not have it";
  if (stored.definition !== definition) return "its definition has changed since the baseline";
  return stored.values.flatMap((value) => (value === null ? [] : [decodeNumber(value)]));
}

/** The worst of the verdicts, as a status. */
export function statusOf(metrics: readonly MetricJudgement[], assertions: readonly AssertionJudgement[]): Status {
  const verdicts = new Set(metrics.map(({ comparison }) => comparison?.verdict));
  // What has no data is not true, and only what is true passes.
  if (verdicts.has("regression") || assertions.some(({ verdict }) => verdict.status !== "pass")) return "failed";
  if (verdicts.has("invalid")) return "invalid";
  return verdicts.has("inconclusive") ? "inconclusive" : "passed";
}

function baselineNotes(baseline: BaselineMatch): string[] {
  switch (baseline.kind) {
    case "none":
    case "same":
      return [];
    case "other-machine":
      return [
        `the baseline is from another machine (${baseline.differences.join("; ")}): only exact counters are compared`,
      ];
    case "changed":
      return [
        `the ${CHANGED[baseline.what]} has changed since the baseline was recorded: nothing is compared; ` +
          "`probewright baseline update` records the new state",
      ];
  }
}
