/**
 * What a written report shows, whichever command made the result: the published result, with baseline and current side
 * brought together. Markdown, HTML and JUnit are made from this and from nothing else. Nothing in it is escaped.
 */
import { isHistogramTable, type JsonNumber, type MapTable } from "../baseline/values.ts";
import { typical } from "./changes.ts";
import { type HistogramRow, histogramRows } from "./histogram.ts";
import type { DiagnosticResult, MetricResult, ScenarioResult, SuiteResult } from "./result.ts";
import { headline, type SuiteVerdict, verdictOf } from "./verdict.ts";
import { changeText, keyText, type ProbeCost, percent, plural, probeCost, spreadText } from "./wording.ts";

export interface Report {
  readonly verdict: SuiteVerdict;
  /** The verdict in a few words. */
  readonly headline: string;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationNs: JsonNumber;
  /** How the two sides are called. */
  readonly sides: { readonly base: string; readonly now: string };
  /** About the whole: where it was measured, what was compared. */
  readonly facts: readonly Fact[];
  readonly diagnostics: readonly DiagnosticResult[];
  readonly scenarios: readonly ReportScenario[];
}

export interface Fact {
  readonly name: string;
  readonly value: string;
}

export type ReportScenario = Pick<
  ScenarioResult,
  | "name"
  | "description"
  | "file"
  | "line"
  | "status"
  | "problems"
  | "warnings"
  | "durationNs"
  | "runs"
  | "assertions"
  | "probes"
  | "printed"
  | "output"
  | "enlarged"
> & {
  /** How often it was measured: `10 runs`. */
  readonly plan: string;
  readonly metrics: readonly ReportMetric[];
  readonly histograms: readonly ReportHistogram[];
  /** Maps without histograms, the largest key first. */
  readonly tables: readonly MapTable[];
  readonly cost: ProbeCost | undefined;
};

export type ReportMetric = Pick<
  MetricResult,
  "name" | "description" | "unit" | "free" | "values" | "noData" | "summary" | "baseline" | "verdict" | "reason"
> & {
  /** Not everybody wants to see it: free, and not compared. */
  readonly secondary: boolean;
  /** In words; "" where there is nothing to say. */
  readonly spread: string;
  readonly change: string;
  /** How much worse the metric became: 2 for twice as bad, Infinity for something out of nothing, 0 when unknown. */
  readonly worsening: number;
  readonly changes: readonly KeyChangeText[];
};

export interface KeyChangeText {
  readonly kind: "new" | "gone" | "grew" | "shrank";
  /** `@opens["a.txt"]` */
  readonly key: string;
  readonly before: number;
  readonly now: number;
}

export interface ReportHistogram {
  /** `@read_ns` or `@read_ns["a.txt"]` */
  readonly title: string;
  readonly rows: readonly HistogramRow[];
  /** Whether buckets grow with the value. */
  readonly scale: "linear" | "log2";
  readonly compared: boolean;
}

/** The report of a result of `probewright run`. */
export function reportOf(result: SuiteResult): Report {
  const { tool, startedAt, durationNs, diagnostics, scenarios } = result;
  return {
    verdict: verdictOf(result),
    headline: headline(result),
    version: tool.version,
    startedAt,
    durationNs,
    sides: { base: "baseline", now: "now" },
    facts: machineFacts(result),
    diagnostics,
    scenarios: scenarios.map(scenarioOf),
  };
}

function machineFacts({ machine }: SuiteResult): Fact[] {
  const { cpu, cores, kernel, arch, libc, governor, mitigations, scope, id } = machine;
  return [
    { name: "CPU", value: `${cpu}, ${cores} ${cores === 1 ? "core" : "cores"}, ${arch}` },
    { name: "kernel", value: kernel },
    { name: "C library", value: libc },
    { name: "frequency governor", value: governor },
    { name: "mitigations", value: relevant(mitigations) },
    { name: "scope of the workload", value: scope },
    { name: "fingerprint", value: id },
  ];
}

/** Without what this CPU does not have. */
function relevant(mitigations: string): string {
  const parts = mitigations.split("; ").filter((part) => !part.endsWith(": Not affected"));
  return parts.join("; ") || "none needed";
}

function scenarioOf(scenario: ScenarioResult): ReportScenario {
  const { maps, metrics, runs, warmup, control } = scenario;
  const extra = [
    ...(warmup > 0 ? [`${warmup} to warm up`] : []),
    ...(control.length > 0 ? [`${control.length} without probes`] : []),
  ];
  const plan = runs === 0 ? "no finished run" : plural(runs, "run");
  return {
    ...scenario,
    plan: runs > 0 && extra.length > 0 ? `${plan} (and ${extra.join(", ")})` : plan,
    metrics: metrics.map(metricOf),
    histograms: histogramsOf(scenario),
    tables: maps
      .filter((map) => !isHistogramTable(map) && map.keys.length > 0)
      .map((map) => ({ ...map, keys: [...map.keys].sort((a, b) => typical(b) - typical(a)) })),
    cost: probeCost(scenario),
  };
}

function metricOf(metric: MetricResult): ReportMetric {
  return {
    ...metric,
    secondary: metric.free && metric.name !== "duration" && metric.class === undefined,
    spread: spreadText(metric),
    change: changeText(metric),
    worsening: worsening(metric),
    changes: (metric.changes ?? []).map(({ map, key, kind, before, now }) => ({
      kind,
      key: `${map}[${keyText(key)}]`,
      before,
      now,
    })),
  };
}

function worsening({ ratio, delta, better }: MetricResult): number {
  if (ratio === undefined) return delta === undefined || Number(delta) === 0 ? 0 : Number.POSITIVE_INFINITY;
  return better === "lower" ? ratio : 1 / ratio;
}

function histogramsOf({ maps, baseline }: ScenarioResult): ReportHistogram[] {
  return maps.filter(isHistogramTable).flatMap((map) => {
    const before = baseline?.histograms.find(({ name, script }) => name === map.name && script === map.script);
    return [...map.keys]
      .sort((a, b) => typical(b) - typical(a))
      .flatMap((key) => {
        const id = keyText(key.key);
        const old = before?.keys.find((candidate) => keyText(candidate.key) === id);
        const rows = histogramRows(key, old);
        return rows.length === 0
          ? []
          : [
              {
                title: map.keyed ? `${map.name}[${id}]` : map.name,
                rows,
                scale: map.kind === "lhist" ? "linear" : "log2",
                compared: old !== undefined,
              },
            ];
      });
  });
}

/** One row of the table of probes: what one kernel program has cost. */
export interface ProbeRow {
  readonly probes: readonly string[];
  readonly hits: number;
  readonly ns: number;
  readonly nsPerHit: number | undefined;
  /** Of the workload's duration, in words; "" when unknown. */
  readonly share: string;
}

/** What each program has cost, the dearest first. */
export function probeRows({ probes, metrics }: Pick<ReportScenario, "probes" | "metrics">): ProbeRow[] {
  const duration = Number(metrics.find(({ name }) => name === "duration")?.summary?.median ?? 0);
  return [...probes]
    .sort((a, b) => Number(b.ns) - Number(a.ns))
    .map(({ probes, hits, ns }) => ({
      probes,
      hits: Number(hits),
      ns: Number(ns),
      nsPerHit: Number(hits) > 0 ? Number(ns) / Number(hits) : undefined,
      share: duration > 0 ? percent(Number(ns) / duration) : "",
    }));
}
