/**
 * What a written report shows, whichever command made the result: the published result, with baseline and current side
 * brought together. Markdown, HTML and JUnit are made from this and from nothing else. Nothing in it is escaped.
 */
import { decodeNumber, isHistogramTable, type JsonNumber, type MapTable } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import type { Unit } from "../metrics/units.ts";
import { plural } from "../plural.ts";
import { typical } from "./changes.ts";
import { type HistogramRow, histogramRows } from "./histogram.ts";
import type {
  CauseResult,
  DiagnosticResult,
  HistogramShiftResult,
  MetricResult,
  ScenarioResult,
  SideResult,
  SuiteResult,
} from "./result.ts";
import { headline, type SuiteVerdict, verdictOf } from "./verdict.ts";
import {
  changeText,
  intervalText,
  keyText,
  type ProbeCost,
  percent,
  probeCost,
  probesText,
  spreadText,
} from "./wording.ts";

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
  | "sides"
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
  /** How often it was measured, and how long that took: `10 runs in 2.5 s`. */
  readonly plan: string;
  readonly metrics: readonly ReportMetric[];
  readonly histograms: readonly ReportHistogram[];
  /** How histograms moved as a whole. */
  readonly shifts: readonly ReportShift[];
  /** Maps without histograms, the largest key first. */
  readonly tables: readonly MapTable[];
  readonly cost: ProbeCost | undefined;
};

export type ReportMetric = Pick<
  MetricResult,
  | "name"
  | "description"
  | "unit"
  | "free"
  | "values"
  | "noData"
  | "summary"
  | "baseline"
  | "verdict"
  | "reason"
  | "cause"
> & {
  /** The runs of the other side, pair by pair; undefined where only its summary is known. */
  readonly baseValues: readonly (JsonNumber | null)[] | undefined;
  /** Not everybody wants to see it: free, and not compared. */
  readonly secondary: boolean;
  /** In words; "" where there is nothing to say. */
  readonly spread: string;
  readonly change: string;
  /** Within which bounds the change lies. */
  readonly interval: string;
  /** How much worse the metric became: 2 for twice as bad, Infinity for something out of nothing, 0 when unknown. */
  readonly worsening: number;
  readonly changes: readonly KeyChangeText[];
  /** How many more keys changed. */
  readonly moreChanges: number;
  /** The same by groups of keys, the largest share first. */
  readonly causes: readonly CauseResult[];
};

export interface KeyChangeText {
  readonly kind: "new" | "gone" | "grew" | "shrank";
  /** `@opens["a.txt"]` */
  readonly key: string;
  readonly before: number;
  readonly now: number;
  readonly unit: Unit;
}

export interface ReportHistogram {
  /** `@read_ns` or `@read_ns["a.txt"]` */
  readonly title: string;
  readonly rows: readonly HistogramRow[];
  /** Whether buckets grow with the value. */
  readonly scale: "linear" | "log2";
  readonly compared: boolean;
}

export interface ReportShift {
  readonly map: string;
  /** Undefined: nothing is judged by it. */
  readonly verdict: HistogramShiftResult["verdict"];
  readonly reason: string;
  readonly interval: string;
  readonly unit: Unit;
  readonly quantiles: readonly {
    readonly name: string;
    readonly base: number;
    readonly head: number;
    readonly interval: string;
  }[];
}

/** The report of a result of `probewright run` or `probewright compare`. */
export function reportOf(result: SuiteResult): Report {
  const { tool, startedAt, durationNs, diagnostics, scenarios, kind } = result;
  return {
    verdict: verdictOf(result),
    headline: headline(result),
    version: tool.version,
    startedAt,
    durationNs,
    sides: kind === "compare" ? { base: "base", now: "head" } : { base: "baseline", now: "now" },
    facts: [...comparisonFacts(result), ...machineFacts(result)],
    diagnostics,
    scenarios: scenarios.map(scenarioOf),
  };
}

function comparisonFacts({ comparison }: SuiteResult): Fact[] {
  if (comparison === undefined) return [];
  const { base, head, seed, pairs, notes } = comparison;
  return [
    { name: "base", value: sideText(base) },
    { name: "head", value: sideText(head) },
    { name: "pairs of runs", value: `${pairs}, in the order of seed ${seed}` },
    ...notes.map((note) => ({ name: "note", value: note })),
  ];
}

function sideText({ name, commit, subject, changes }: SideResult): string {
  const dirty = changes > 0 ? `, with ${plural(changes, "changed file")}` : "";
  return `${name}: ${commit.slice(0, 12)} ${subject}${dirty}`;
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
  const { maps, metrics, runs, warmup, control, sides, shifts, durationNs } = scenario;
  const extra = [
    ...(warmup > 0 ? [`${warmup} to warm up`] : []),
    ...(control.length > 0 ? [`${control.length} without probes`] : []),
  ];
  const notes = [
    ...(runs > 0 && extra.length > 0 ? [`and ${extra.join(", ")}`] : []),
    ...(sides === "head" || sides === "base" ? [`only in the ${sides}`] : []),
  ];
  const number = runs === 0 ? (sides === "base" ? "not run" : "no finished run") : plural(runs, "run");
  const took = Number(durationNs) === 0 ? "" : ` in ${formatValue(decodeNumber(durationNs), "ns")}`;
  return {
    ...scenario,
    plan: `${number}${notes.length > 0 ? ` (${notes.join("; ")})` : ""}${took}`,
    metrics: metrics.map(metricOf),
    histograms: histogramsOf(scenario),
    shifts: (shifts ?? []).map((shift) => shiftOf(shift, metrics)),
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
    baseValues: metric.paired?.base,
    spread: spreadText(metric),
    change: changeText(metric),
    interval: metric.paired?.test === undefined ? "" : intervalText(metric.paired.test, metric.unit),
    worsening: worsening(metric),
    changes: (metric.changes ?? []).map(({ map, key, ...change }) => ({ ...change, key: `${map}[${keyText(key)}]` })),
    moreChanges: metric.moreChanges ?? 0,
    causes: metric.causes ?? [],
  };
}

function shiftOf(
  { map, metric, verdict, reason, test, quantiles }: HistogramShiftResult,
  metrics: readonly MetricResult[],
): ReportShift {
  const unit = metrics.find(({ name }) => name === metric)?.unit ?? "count";
  return {
    map,
    verdict,
    reason,
    interval: test === undefined ? "" : intervalText(test, unit),
    unit,
    quantiles: quantiles.map(({ q, base, head, test }) => ({
      name: `p${String(q * 100).replace(".", "")}`,
      base,
      head,
      interval: test === undefined ? "" : intervalText(test, unit),
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
  /** All of them, or what they have in common where they are many. */
  readonly label: string;
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
      label: probesText(probes),
      hits: Number(hits),
      ns: Number(ns),
      nsPerHit: Number(hits) > 0 ? Number(ns) / Number(hits) : undefined,
      share: duration > 0 ? percent(Number(ns) / duration) : "",
    }));
}
