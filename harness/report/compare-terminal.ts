/** The parts of the report on the terminal that only comparisons have. */
import { decodeNumber, type JsonNumber } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import type { Unit } from "../metrics/units.ts";
import { plural } from "../plural.ts";
import type { ComparisonResult, HistogramShiftResult, MetricResult, ScenarioResult, SideResult } from "./result.ts";
import { INDENT, type ReportStyle, shownMetrics, valueText, verdictPaint, verdictText } from "./terminal-parts.ts";
import { type Cell, type Column, inline, table } from "./text.ts";
import { changeText, effectText, intervalText } from "./wording.ts";

/** What is compared: the first lines of the report. */
export function comparisonLines({ base, head, seed, pairs, notes }: ComparisonResult, style: ReportStyle): string[] {
  const { palette } = style;
  return [
    `${palette.dim("base")}  ${sideText(base, style)}`,
    `${palette.dim("head")}  ${sideText(head, style)}`,
    palette.dim(`${plural(pairs, "pair")} at first, in random order: --seed ${seed} repeats it`),
    ...notes.map((note) => `${palette.warning("warning")}: ${inline(note)}`),
  ];
}

function sideText({ name, commit, subject, changes }: SideResult, { palette }: ReportStyle): string {
  const changed = changes === 0 ? "" : `, ${plural(changes, "file")} changed since`;
  return `${palette.bold(inline(name))}  ${palette.dim(`${commit.slice(0, 10)} ${inline(subject)}${changed}`)}`;
}

const METRIC_COLUMNS: readonly Column[] = [
  { align: "left", flexible: true },
  { align: "right" },
  { align: "right" },
  { align: "right" },
  { align: "left" },
  { align: "left", flexible: true },
];

/** Both sides of each metric, the change by the pairs, and its bounds. */
export function comparedMetricLines(result: ScenarioResult, style: ReportStyle): string[] {
  const shown = shownMetrics(result, style);
  if (shown.length === 0) return [];
  const { dim } = style.palette;
  const headings = ["metric", "base", "head", "change", "bounds", ""].map((text): Cell => ({ text, paint: dim }));
  const rows = shown.map((metric) => metricRow(metric, style));
  return table(METRIC_COLUMNS, [headings, ...rows], style.width - INDENT.length);
}

function metricRow(metric: MetricResult, { palette, detail }: ReportStyle): Cell[] {
  const { name, unit, values, paired } = metric;
  const listed = detail === "verbose" && paired ? `  ${pairsText(paired.base, values, unit)}` : "";
  return [
    { text: inline(name) },
    { text: median(metric.baseline, unit) },
    { text: median(metric.summary, unit) },
    { text: changeText(metric) },
    { text: boundsText(metric), paint: palette.dim },
    { text: verdictText(metric) + listed, paint: verdictPaint(metric, palette) },
  ];
}

function median(summary: MetricResult["summary"], unit: Unit): string {
  return summary === undefined ? "-" : formatValue(decodeNumber(summary.median), unit);
}

function boundsText({ paired, unit, class: behaviour }: MetricResult): string {
  if (paired?.test !== undefined) return intervalText(paired.test, unit);
  return behaviour === "exact" ? "exact" : "";
}

/** `[1 ms 1.2 ms] [1 ms 1.3 ms]`: base and head of each pair. */
function pairsText(base: readonly (JsonNumber | null)[], head: readonly (JsonNumber | null)[], unit: Unit): string {
  return head.map((value, i) => `[${valueText(base[i] ?? null, unit)} ${valueText(value, unit)}]`).join(" ");
}

/** How histograms moved as a whole. Those that are not judged are shown only if they moved clearly, or if all is asked for. */
export function shiftLines({ shifts = [], metrics }: ScenarioResult, style: ReportStyle): string[] {
  return shifts
    .filter((shift) => shift.metric !== undefined || isClear(shift) || style.detail === "verbose")
    .flatMap((shift) => {
      const unit = metrics.find(({ name }) => name === shift.metric)?.unit ?? "count";
      return shiftText(shift, unit, style);
    });
}

function isClear({ test }: HistogramShiftResult): boolean {
  return test !== undefined && ((test.low ?? 0) > 1 || (test.high ?? 2) < 1);
}

function shiftText(shift: HistogramShiftResult, unit: Unit, { palette }: ReportStyle): string[] {
  const { map, test, verdict, reason, quantiles } = shift;
  const paint = verdict === undefined ? palette.dim : verdictPaint({ verdict }, palette);
  const told = verdict === undefined || verdict === "pass" ? "" : `  ${paint(`${verdict}: ${inline(reason)}`)}`;
  if (test === undefined) return [`${inline(map)}: ${inline(reason)}`];
  const bounds = intervalText(test, unit);
  const moved = `${effectText(test.estimate, "ratio", unit)}${bounds === "" ? "" : ` (${bounds})`}`;
  const details = quantiles.map(({ q, base, head, test }) => {
    const change = test === undefined ? "" : ` (${effectText(test.estimate, test.scale, unit)})`;
    return `p${Number((q * 100).toFixed(1))} ${formatValue(base, unit)} -> ${formatValue(head, unit)}${change}`;
  });
  return [
    `${inline(map)} as a whole: ${moved}${told}`,
    ...(details.length === 0 ? [] : [`${INDENT}${palette.dim(details.join(", "))}`]),
  ];
}
