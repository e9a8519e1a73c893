/** Turns what the runner found out into the published form of a result. */
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import { outermost, type Span } from "../../compiler/source.ts";
import type { BaselineEntry, BaselineMatch } from "../baseline/store.ts";
import { encodeNumber, isHistogramTable, type JsonNumber, type MapTable, mapTables } from "../baseline/values.ts";
import type { Num } from "../metrics/ast.ts";
import type { MetricValue } from "../metrics/evaluate.ts";
import type { Judgement, MetricJudgement } from "../runner/judge.ts";
import type { Problem } from "../runner/problems.ts";
import type { ScenarioRun } from "../runner/run-scenario.ts";
import type { MeasuredRun } from "../runner/session.ts";
import { type Summary, summarise } from "../stats/summary.ts";
import { explain } from "./causes.ts";
import type {
  AssertionResult,
  DiagnosticResult,
  MetricResult,
  ProbeResult,
  ProblemResult,
  ScenarioResult,
} from "./result.ts";

/** The result of one scenario. */
export function scenarioResult(run: ScenarioRun, judgement: Judgement, baseline: BaselineMatch): ScenarioResult {
  const { scenario, runs, end } = run;
  const maps = tablesOf(run);
  const last = runs.at(-1)?.output;
  return {
    name: scenario.name,
    description: scenario.description,
    file: scenario.file,
    line: lineOf(scenario.span),
    matrix: { ...scenario.matrix },
    contentHash: scenario.contentHash,
    scriptHash: scenario.scriptHash,
    status: judgement.status,
    problems: "problems" in end ? end.problems.map(problemResult) : [],
    warnings: [...run.warnings, ...judgement.notes],
    durationNs: encodeNumber(run.durationNs),
    runs: runs.length,
    warmup: scenario.runs.warmup,
    metrics: judgement.metrics.map((metric) => metricResult(metric, run, maps, baseline)),
    assertions: judgement.assertions.map(
      ({ assertion, verdict }): AssertionResult => ({
        text: assertion.text,
        line: lineOf(assertion.span),
        status: verdict.status,
        message: verdict.message,
      }),
    ),
    maps,
    baseline: baselineResult(baseline),
    printed: runs.map(({ printed }) => printed),
    output: last,
    probes: probeResults(runs),
    control: run.control.map(({ free }) =>
      Object.fromEntries([...free].map(([name, value]) => [name, encodeNumber(value)])),
    ),
    enlarged: run.enlarged.map(({ map, from, to }) => ({ map, from, to })),
  };
}

/** The entry that makes this run the baseline; undefined when there is nothing to be proud of. */
export function baselineEntry(
  run: ScenarioRun,
  judgement: Judgement,
  where: Pick<BaselineEntry, "file" | "fingerprint" | "recordedAt">,
): BaselineEntry | undefined {
  if (run.end.kind !== "measured") return undefined;
  const { name, contentHash, scriptHash } = run.scenario;
  return {
    scenario: name,
    contentHash,
    scriptHash,
    ...where,
    metrics: Object.fromEntries(
      judgement.metrics.map((metric) => [
        metric.name,
        { definition: metric.definition, values: metric.values.map(valueOrNull) },
      ]),
    ),
    maps: tablesOf(run),
  };
}

function baselineResult(baseline: BaselineMatch): ScenarioResult["baseline"] {
  if (baseline.kind === "none") return undefined;
  const { recordedAt, maps } = baseline.entry;
  return {
    recordedAt,
    use: baseline.kind,
    differences: baseline.kind === "other-machine" ? [...baseline.differences] : [],
    histograms: maps.filter(isHistogramTable),
  };
}

function tablesOf({ scenario, runs }: ScenarioRun): MapTable[] {
  return scenario.probes.flatMap(({ label }, script) =>
    mapTables(
      label,
      runs.map(({ maps }) => maps[script] ?? []),
    ),
  );
}

function metricResult(
  metric: MetricJudgement,
  { scenario }: ScenarioRun,
  maps: readonly MapTable[],
  baseline: BaselineMatch,
): MetricResult {
  const { comparison, values } = metric;
  const bounds = values.map(boundsOf);
  const noData = values.find((value) => value.kind === "no-data");
  const regressed = comparison?.verdict === "regression" && baseline.kind !== "none";
  const ratio = comparison?.ratio;
  return {
    name: metric.name,
    description: metric.description,
    unit: metric.unit,
    better: metric.better,
    free: metric.free,
    definition: metric.definition,
    values: values.map(valueOrNull),
    bounds: bounds.some((bound) => bound !== null) ? bounds : undefined,
    noData: noData?.kind === "no-data" ? noData.reason : undefined,
    summary: summaryResult(metric.summary),
    verdict: comparison?.verdict ?? "new",
    reason: comparison?.reason ?? metric.notCompared ?? "there is no baseline",
    class: comparison?.class,
    baseline: summaryResult(comparison?.baseline),
    delta: comparison?.delta === undefined ? undefined : encodeNumber(comparison.delta),
    ratio: ratio !== undefined && Number.isFinite(ratio) ? ratio : undefined,
    ...(regressed ? explain(metric.name, metric.unit, scenario, baseline.entry.maps, maps) : {}),
  };
}

function valueOrNull(value: MetricValue): JsonNumber | null {
  return value.kind === "value" ? encodeNumber(value.value) : null;
}

function boundsOf(value: MetricValue): [JsonNumber, JsonNumber] | null {
  if (value.kind === "no-data" || (value.low === value.value && value.high === value.value)) return null;
  return [encodeNumber(value.low), encodeNumber(value.high)];
}

function summaryResult(summary: Summary | undefined): MetricResult["summary"] {
  if (summary === undefined) return undefined;
  const { min, median, max } = summary;
  return { min: encodeNumber(min), median: encodeNumber(median), max: encodeNumber(max) };
}

/** What each kernel program has cost, by the medians over the runs. */
function probeResults(runs: readonly MeasuredRun[]): ProbeResult[] {
  const median = (values: readonly Num[]): JsonNumber => encodeNumber(summarise(values)?.median ?? 0n);
  return (runs[0]?.cost ?? []).map(({ probes }, i) => ({
    probes: [...probes],
    hits: median(runs.map(({ cost }) => cost[i]!.hits)),
    ns: median(runs.map(({ cost }) => cost[i]!.ns)),
  }));
}

function problemResult({ kind, message, help, output }: Problem): ProblemResult {
  return { kind, message, help, output };
}

export function diagnosticResult(diagnostic: Diagnostic): DiagnosticResult {
  const { severity, code, message, help } = diagnostic;
  const { source, start } = outermost(diagnostic.span);
  return { severity, code, message, file: source.name, ...source.position(start), help };
}

function lineOf(span: Span): number {
  const { source, start } = outermost(span);
  return source.position(start).line;
}
