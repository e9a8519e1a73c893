/**
 * What the pairs of one scenario say: its metrics and its histograms, each compared pair by pair. Nothing is decided
 * here, as that takes all scenarios together.
 */
import type { Scenario } from "../config/scenario.ts";
import type { Expression } from "../metrics/ast.ts";
import type { MetricValue } from "../metrics/evaluate.ts";
import { FUNCTIONS } from "../metrics/functions.ts";
import type { MapData } from "../metrics/run-data.ts";
import { type Judgement, judge, type MetricJudgement } from "../runner/judge.ts";
import type { MeasuredRun } from "../runner/session.ts";
import { type Histogram, histogramQuantile, mergeHistograms } from "../stats/histogram.ts";
import { histogramLocation, histogramShift } from "../stats/histogram-shift.ts";
import { comparePairs, type Evidence, gather, limitsOf, type Pair, type PairedComparison } from "../stats/paired.ts";
import type { Better, ComparePolicy } from "../stats/policy.ts";
import { Random } from "../stats/random.ts";
import { type Num, summarise } from "../stats/summary.ts";
import type { PairedScenario } from "./measure.ts";

export interface Evaluation {
  readonly base: Judgement;
  readonly head: Judgement;
  readonly metrics: readonly EvaluatedMetric[];
  readonly shifts: readonly EvaluatedShift[];
}

export interface EvaluatedMetric {
  readonly base: MetricJudgement;
  readonly head: MetricJudgement;
  /** Undefined: there is nothing to compare it by. */
  readonly comparison: PairedComparison | undefined;
  /** Whether the scenario wants it compared; otherwise it is told, and decides nothing. */
  readonly judged: boolean;
}

/** A map of histograms, as a whole. */
export interface EvaluatedShift {
  readonly map: string;
  readonly script: string;
  /** The metric that asks for quantiles of it, and by whose limits it is judged; undefined: it is told only. */
  readonly metric: string | undefined;
  readonly outcome:
    | { readonly kind: "tested"; readonly evidence: Evidence }
    /** Why it cannot be compared. */
    | { readonly kind: "refused"; readonly reason: string };
  readonly quantiles: readonly EvaluatedQuantile[];
}

export interface EvaluatedQuantile {
  readonly q: number;
  /** Medians over the runs. */
  readonly base: number;
  readonly head: number;
  readonly evidence: Evidence | undefined;
}

/** Compares what there is so far. `seed` and the scenario's name determine what is left to chance. */
export function evaluate(paired: PairedScenario, seed: number): Evaluation {
  const { scenario } = paired;
  const sides = { base: paired.run("base"), head: paired.run("head") };
  const base = judge(sides.base, { kind: "none" });
  const head = judge(sides.head, { kind: "none" });
  const random = (purpose: string): Random => Random.for(seed, `${scenario.name}\n${purpose}`);
  const metrics = head.metrics.map((metric): EvaluatedMetric => {
    const before = base.metrics.find(({ name }) => name === metric.name)!;
    const policy = scenario.compare.get(metric.name);
    // The duration is what everybody wants to see.
    if (policy === undefined && metric.name !== "duration")
      return { base: before, head: metric, comparison: undefined, judged: false };
    const comparison = compareMetric(before, metric, policy ?? { kind: "auto" }, random(metric.name));
    return { base: before, head: metric, comparison, judged: policy !== undefined };
  });
  const shifts = scenario.probes.flatMap(({ label }, script) =>
    histogramMaps(sides.head.runs, script).map(({ name }) => {
      const histograms = (runs: readonly MeasuredRun[]) => runs.map(({ maps }) => histogramIn(maps[script], name));
      return evaluateShift(name, label, scenario, histograms(sides.base.runs), histograms(sides.head.runs), random);
    }),
  );
  return { base, head, metrics, shifts };
}

function compareMetric(
  base: MetricJudgement,
  head: MetricJudgement,
  policy: ComparePolicy,
  random: Random,
): PairedComparison | undefined {
  const pairs = head.values.map((value, i): Pair => [numberOf(base.values[i]), numberOf(value)]);
  // Nothing on either side: there is nothing to lose.
  if (pairs.every(([before, now]) => before === undefined && now === undefined)) return undefined;
  return comparePairs(pairs, { policy, better: head.better, counter: head.counter }, random);
}

function numberOf(value: MetricValue | undefined): Num | undefined {
  return value?.kind === "value" ? value.value : undefined;
}

// Histograms

function histogramMaps(runs: readonly MeasuredRun[], script: number): readonly MapData[] {
  return (runs[0]?.maps[script] ?? []).filter(({ kind }) => kind === "hist" || kind === "lhist");
}

/** All histograms of a map in one run as one, as a quantile of the map reads them; "refused" if they do not fit together. */
function histogramIn(maps: readonly MapData[] | undefined, name: string): Histogram | undefined {
  const entries = maps?.find((map) => map.name === name)?.entries ?? [];
  return mergeHistograms(entries.flatMap(({ value }) => ("histogram" in value ? [value.histogram] : [])));
}

const QUANTILES = [0.5, 0.95, 0.99] as const;

function evaluateShift(
  map: string,
  script: string,
  scenario: Scenario,
  base: readonly (Histogram | undefined)[],
  head: readonly (Histogram | undefined)[],
  random: (purpose: string) => Random,
): EvaluatedShift {
  const judge = judgeOf(map, scenario);
  const policy = judge?.policy ?? { kind: "auto" };
  const better = judge?.better ?? "lower";
  const about = { map, script, metric: judge?.metric };
  const shifts = head.map((histogram, i) => {
    const before = base[i];
    return before && histogram ? histogramShift(before, histogram) : ({ kind: "refused" } as const);
  });
  const refused = (reason: string): EvaluatedShift => {
    return { ...about, outcome: { kind: "refused", reason }, quantiles: [] };
  };
  if (shifts.some(({ kind }) => kind === "refused")) return refused("the histograms have different buckets");
  const doublings = shifts.flatMap((shift) => (shift.kind === "shift" ? [shift.doublings] : []));
  if (doublings.length < 2) return refused("fewer than two pairs have values on both sides");
  const locations = base.flatMap((histogram) => (histogram && histogramLocation(histogram)) ?? []);
  const reference = 2 ** Number(summarise(locations)!.median);
  const effects = { scale: "ratio", values: doublings.map((shift) => shift * Math.LN2) } as const;
  const evidence = gather(effects, reference, limitsOf(policy), better, random(map));
  const quantiles = QUANTILES.flatMap((q) => evaluateQuantile(q, base, head, policy, better, random(`${map} ${q}`)));
  return { ...about, outcome: { kind: "tested", evidence }, quantiles };
}

/** One quantile, run by run. None if a histogram has no limit where the quantile lies. */
function evaluateQuantile(
  q: number,
  base: readonly (Histogram | undefined)[],
  head: readonly (Histogram | undefined)[],
  policy: ComparePolicy,
  better: Better,
  random: Random,
): EvaluatedQuantile[] {
  const values = (histograms: readonly (Histogram | undefined)[]) =>
    histograms.map((histogram) => {
      const quantile = histogram && histogramQuantile(histogram, q);
      return quantile?.kind === "value" ? quantile.value : undefined;
    });
  const [before, now] = [values(base), values(head)];
  const typical = [before, now].map((side) => summarise(side.flatMap((value) => value ?? [])));
  if (typical[0] === undefined || typical[1] === undefined) return [];
  const pairs = now.map((value, i): Pair => [before[i], value]);
  const limits = limitsOf(policy);
  const compared = comparePairs(pairs, { policy: limits, better, counter: false }, random);
  const evidence = compared.kind === "tested" ? compared.evidence : undefined;
  return [{ q, base: Number(typical[0].median), head: Number(typical[1].median), evidence }];
}

/** The first metric that reads quantiles of a whole map and is compared: its limits are those of the histogram. */
function judgeOf(
  map: string,
  { metrics, compare }: Scenario,
): { metric: string; policy: ComparePolicy; better: Better } | undefined {
  for (const { name, expression, better } of metrics) {
    const policy = compare.get(name);
    if (policy !== undefined && readsQuantile(expression, map)) return { metric: name, policy, better };
  }
  return undefined;
}

function readsQuantile(e: Expression, map: string): boolean {
  switch (e.kind) {
    case "number":
    case "name":
    case "map":
      return false;
    case "call": {
      const [read] = e.args;
      const whole = read?.kind === "map" && read.name === map && read.key === undefined;
      return whole && FUNCTIONS[e.name]?.kind === "quantile";
    }
    case "unary":
      return readsQuantile(e.operand, map);
    case "binary":
      return readsQuantile(e.left, map) || readsQuantile(e.right, map);
  }
}
