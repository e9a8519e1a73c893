/** What the Markdown report folds away: everything about one scenario. */
import { formatValue } from "../metrics/format.ts";
import type { Unit } from "../metrics/units.ts";
import { plural } from "../plural.ts";
import { markdownCode as code, markup, markupBlock, markdownProse as prose } from "./escape.ts";
import { withoutText } from "./findings.ts";
import { bucketLabel, coarse } from "./histogram.ts";
import {
  type Column,
  folded,
  LONGEST_NAME,
  left,
  MARKS,
  median,
  right,
  short,
  shortened,
  table,
} from "./markdown-parts.ts";
import {
  type KeyChangeText,
  type ProbeRow,
  probeRows,
  type Report,
  type ReportHistogram,
  type ReportMetric,
  type ReportScenario,
  type ReportShift,
} from "./model.ts";
import type { AssertionResult, CauseResult, OutputResult, ProblemResult } from "./result.ts";
import { block, truncate } from "./text.ts";
import { costSentences, percent } from "./wording.ts";

type Sides = Report["sides"];

const MOST_HISTOGRAMS = 6;
const MOST_KEY_CHANGES = 10;
const MOST_OUTPUT_LINES = 20;
const MOST_PROBES = 12;
const BAR_WIDTH = 40;

/** One folded section. */
export function scenarioDetails(scenario: ReportScenario, sides: Sides): string {
  const { name, status, plan, problems, warnings, enlarged } = scenario;
  const title = `${MARKS[status]} <code>${markup(truncate(name, LONGEST_NAME))}</code>: ${markup(plan)}`;
  const parts = [
    ...problems.map((problem) => problemPart(problem, status)),
    metricsPart(scenario, sides),
    assertionsPart(scenario.assertions),
    ...scenario.metrics.map((metric) => changesPart(metric, sides)),
    histogramsPart(scenario.histograms, sides),
    ...scenario.shifts.map((shift) => shiftPart(shift, sides)),
    probesPart(scenario),
    [
      ...enlarged.map(({ map, from, to }) => `- ${code(map)} was full with ${from} entries and was given ${to}`),
      ...warnings.map((warning) => `- ${MARKS.warning} ${prose(warning)}`),
    ].join("\n"),
    outputPart(status === "passed" ? undefined : scenario.output),
  ].filter((part) => part !== "");
  return folded(title, parts.join("\n\n"));
}

function problemPart({ message, help, output }: ProblemResult, status: ReportScenario["status"]): string {
  const lines = [`${MARKS[status]} ${prose(message)}`, ...(help === undefined ? [] : [`help: ${prose(help)}`])];
  return [lines.join("<br>\n"), outputPart(output)].filter((part) => part !== "").join("\n\n");
}

function outputPart(output: OutputResult | undefined): string {
  if (output === undefined) return "";
  return (["stdout", "stderr"] as const)
    .flatMap((name) => {
      const { head, tail, cut } = output[name];
      const lines = block((cut > 0 ? tail : head).replace(/\n$/, "")).split("\n");
      if (lines.join("") === "") return [];
      const shown = lines.slice(-MOST_OUTPUT_LINES).map((line) => truncate(line, LONGEST_NAME));
      const all = cut === 0 && shown.length === lines.length;
      return [`${name}${all ? "" : `, the last ${plural(shown.length, "line")}`}:\n\n${preformatted(shown)}`];
    })
    .join("\n\n");
}

/** Lines as they are. An element of its own, because text in a fence cannot be escaped. */
function preformatted(lines: readonly string[]): string {
  // Whether a line is empty decides nothing here: this kind of block ends at its closing tag only.
  return `<pre>\n${lines.map((line) => markupBlock(line)).join("\n")}\n</pre>`;
}

function metricsPart({ metrics }: ReportScenario, { base, now }: Sides): string {
  const shown = metrics.filter(({ secondary }) => !secondary);
  const compared = shown.some(({ baseline }) => baseline !== undefined);
  const bounded = shown.some(({ interval }) => interval !== "");
  const columns: Column<ReportMetric>[] = [
    left("metric", ({ name }) => short(name)),
    ...(compared ? [right<ReportMetric>(base, (metric) => median(metric.baseline, metric))] : []),
    right(now, (metric) => median(metric.summary, metric) || "no data"),
    right("spread", ({ spread }) => prose(spread)),
    ...(compared ? [right<ReportMetric>("change", ({ change }) => prose(change))] : []),
    ...(bounded ? [right<ReportMetric>("interval", ({ interval }) => prose(interval))] : []),
    left("", ({ noData, verdict }) =>
      prose([verdict === "new" ? "" : verdict, noData ?? ""].filter(Boolean).join("; ")),
    ),
  ];
  return table(columns, shown);
}

function assertionsPart(assertions: readonly AssertionResult[]): string {
  return assertions
    .map(({ status, text, message }) => {
      const mark = status === "pass" ? MARKS.pass : MARKS.failed;
      return `- ${mark} ${short(text)} ${prose(withoutText(message, text))}`;
    })
    .join("\n");
}

/** By groups of keys where they are known, else key by key. */
function changesPart({ name, changes, moreChanges, causes }: ReportMetric, { base, now }: Sides): string {
  interface Change {
    readonly kind: string;
    readonly before: number;
    readonly now: number;
    readonly unit: Unit;
  }
  const kind = left<Change>("", (change) => change.kind);
  const numbers = [
    right<Change>(base, (change) => formatValue(change.before, change.unit)),
    right<Change>(now, (change) => formatValue(change.now, change.unit)),
  ];
  const body =
    causes.length > 0
      ? shortened<CauseResult>(causes, MOST_KEY_CHANGES, "group", [
          kind,
          left("keys", causeText),
          ...numbers,
          right("share", ({ share }) => prose(percent(share))),
        ])
      : shortened<KeyChangeText>(
          changes,
          MOST_KEY_CHANGES,
          "key",
          [kind, left("key", ({ key }) => short(key)), ...numbers],
          moreChanges,
        );
  return body === "" ? "" : `What changed in ${short(name)}:\n\n${body}`;
}

function causeText({ map, label, keys }: CauseResult): string {
  return keys === 1 ? short(`${map}[${label}]`) : `${short(`${map}[${label}]`)}, ${plural(keys, "key")}`;
}

function histogramsPart(histograms: readonly ReportHistogram[], sides: Sides): string {
  const rest = histograms.length - MOST_HISTOGRAMS;
  return [
    ...histograms.slice(0, MOST_HISTOGRAMS).map((histogram) => picture(histogram, sides)),
    ...(rest > 0 ? [`_and ${plural(rest, "more histogram")}_`] : []),
  ].join("\n\n");
}

/** Each bucket's bar, the baseline's above that of now, both on one scale. */
function picture({ title, rows, compared }: ReportHistogram, sides: Sides): string {
  const joined = coarse(rows);
  const labels = joined.map(bucketLabel);
  const width = Math.max(...labels.map((label) => label.length));
  const digits = Math.max(...joined.flatMap(({ now, before }) => [String(now).length, String(before).length]));
  const most = Math.max(...joined.flatMap(({ now, before }) => [Number(now), Number(before)]));
  const bar = (count: bigint, full: string): string =>
    `${String(count).padStart(digits)} ${barText(Number(count) / most, full)}`.trimEnd();
  const lines = joined.flatMap(({ now, before }, i) => [
    ...(compared ? [`${labels[i]!.padEnd(width)}  ${bar(before, "░")}`] : []),
    `${(compared ? "" : labels[i]!).padEnd(width)}  ${bar(now, "█")}`,
  ]);
  const legend = compared ? `: ░ ${sides.base}, █ ${sides.now}` : "";
  return `${short(title)}${legend}\n\n${preformatted(lines)}`;
}

function barText(fraction: number, full: string): string {
  const length = Math.round(fraction * BAR_WIDTH);
  // What is there is to be seen.
  return full.repeat(fraction > 0 ? Math.max(1, length) : 0);
}

/** How a histogram moved as a whole. */
function shiftPart({ map, verdict, reason, interval, quantiles, unit }: ReportShift, { base, now }: Sides): string {
  const said = [...(verdict === undefined ? [] : [verdict]), reason, ...(interval === "" ? [] : [interval])];
  const body = table<ReportShift["quantiles"][number]>(
    [
      left("quantile", ({ name }) => prose(name)),
      right(base, (quantile) => formatValue(quantile.base, unit)),
      right(now, (quantile) => formatValue(quantile.head, unit)),
      right("interval", (quantile) => prose(quantile.interval)),
    ],
    quantiles,
  );
  return [`${short(map)} as a whole: ${prose(said.join(", "))}`, body].filter((part) => part !== "").join("\n\n");
}

function probesPart(scenario: ReportScenario): string {
  const { cost } = scenario;
  if (cost === undefined) return "";
  const body = shortened<ProbeRow>(probeRows(scenario), MOST_PROBES, "probe", [
    left("probe", ({ label }) => short(label)),
    right("hits", ({ hits }) => formatValue(hits, "count")),
    right("ns per hit", ({ nsPerHit }) => (nsPerHit === undefined ? "" : formatValue(Math.round(nsPerHit), "count"))),
    right("of the duration", ({ share }) => prose(share)),
  ]);
  const sentences = costSentences(cost).map(prose).join("<br>\n");
  return ["What the probes cost in a run:", body, sentences].filter((part) => part !== "").join("\n\n");
}
