/**
 * The report for a pull request or a job's summary: the verdict, one table with the worst first, everything else folded.
 * It is GitHub's Markdown. Whatever the result holds is literal text there, see escape.ts.
 */
import { decodeNumber, type JsonNumber } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import type { Unit } from "../metrics/units.ts";
import { markdownCode as code, markup, markupBlock, markdownProse as prose } from "./escape.ts";
import { type Finding, findingsOf, withoutText } from "./findings.ts";
import { bucketLabel, coarse } from "./histogram.ts";
import { probeRows, type Report, type ReportHistogram, type ReportMetric, type ReportScenario } from "./model.ts";
import type { AssertionResult, OutputResult, ProblemResult } from "./result.ts";
import { block, truncate } from "./text.ts";
import type { SuiteVerdict } from "./verdict.ts";
import { costSentences, percent, plural } from "./wording.ts";

export interface MarkdownOptions {
  /** Bytes that the text may have. What does not fit is left out, the details of passed scenarios first. */
  readonly limit?: number;
  /** The address where a line of a scenario file can be read. */
  readonly link?: (file: string, line: number) => string | undefined;
}

/** What GitHub takes for the summary of a step. */
export const SUMMARY_LIMIT = 1024 * 1024;

const MOST_HISTOGRAMS = 6;
const MOST_KEY_CHANGES = 10;
const MOST_OUTPUT_LINES = 20;
const MOST_PROBES = 12;
const LONGEST_CODE = 160;
const LONGEST_SENTENCE = 400;
const BAR_WIDTH = 40;

const MARKS: Readonly<Record<SuiteVerdict | ReportScenario["status"] | Finding["severity"], string>> = {
  pass: "✅",
  passed: "✅",
  regression: "❌",
  failed: "❌",
  invalid: "❌",
  "invalid-input": "❌",
  "missing-capability": "❌",
  error: "❌",
  inconclusive: "⚠️",
  interrupted: "⚠️",
  skipped: "⚠️",
  warning: "⚠️",
  good: "✅",
};

/** The whole report. */
export function markdownReport(report: Report, options: MarkdownOptions = {}): string {
  const limit = options.limit ?? SUMMARY_LIMIT;
  const head = `## ${MARKS[report.verdict]} probewright: ${prose(report.headline)}\n`;
  const foot = footer(report);
  const table = overview(report, options, (limit - bytes(head) - bytes(foot)) / 2);
  const folded = [...report.scenarios].sort(worstFirst).map((scenario) => scenarioDetails(scenario, report.sides));
  let left = limit - bytes(head) - bytes(foot) - bytes(table) - 200;
  const kept = folded.filter((text) => {
    const fits = bytes(text) <= left;
    if (fits) left -= bytes(text);
    return fits;
  });
  const missing = folded.length - kept.length;
  const note =
    missing === 0 ? [] : [`_The details of ${plural(missing, "scenario")} are left out, for want of room._\n`];
  return [head, table, ...kept, ...note, foot].filter((part) => part !== "").join("\n");
}

function bytes(text: string): number {
  // The line break that joins it to the next part counts too.
  return new TextEncoder().encode(text).length + 1;
}

const GRAVITY: readonly ReportScenario["status"][] = ["failed", "invalid", "inconclusive", "interrupted", "skipped"];

function worstFirst(a: ReportScenario, b: ReportScenario): number {
  const rank = ({ status }: ReportScenario): number => (status === "passed" ? GRAVITY.length : GRAVITY.indexOf(status));
  return rank(a) - rank(b);
}

// The one table

/** A row for everything that did not simply pass, then one for each scenario that did. */
function overview(report: Report, { link }: MarkdownOptions, limit: number): string {
  const findings = findingsOf(report);
  const troubled = new Set(findings.map(({ scenario }) => scenario));
  const quiet = report.scenarios.filter((scenario) => !troubled.has(scenario));
  const rows = [
    ...findings.map((finding) => findingRow(finding, link)),
    ...quiet.map((scenario) => passedRow(scenario, link)),
  ];
  if (rows.length === 0) return "";
  const lines = [
    `| | Scenario | | ${capital(report.sides.base)} | ${capital(report.sides.now)} | Change | |`,
    "|:-:|:--|:--|--:|--:|--:|:--|",
  ];
  let left = limit - bytes(lines.join("\n"));
  const shown = rows.filter((row) => {
    left -= bytes(row);
    return left >= 0;
  });
  const hidden = rows.length - shown.length;
  return `${[...lines, ...shown].join("\n")}\n${hidden > 0 ? `\n_and ${plural(hidden, "more row")}_\n` : ""}`;
}

function findingRow(finding: Finding, link: MarkdownOptions["link"]): string {
  const { severity, scenario, file, line, subject, metric, message } = finding;
  const cells =
    metric === undefined
      ? ["", "", ""]
      : [median(metric.baseline, metric), median(metric.summary, metric), metric.change];
  return row([
    MARKS[severity],
    linked(short(scenario?.name ?? `${file}:${line}`), file, line, link),
    subject === undefined ? "" : short(subject),
    ...cells.map(prose),
    prose(truncate(message, LONGEST_SENTENCE)),
  ]);
}

function passedRow(scenario: ReportScenario, link: MarkdownOptions["link"]): string {
  const { name, file, line, status, assertions, metrics } = scenario;
  const compared = metrics.filter(({ baseline }) => baseline !== undefined).length;
  const what = [
    ...(assertions.length > 0 ? [plural(assertions.length, "assertion")] : []),
    ...(compared > 0 ? [`${plural(compared, "metric")} compared`] : []),
  ];
  return row([
    MARKS[status],
    linked(short(name), file, line, link),
    prose(what.join(", ")),
    "",
    "",
    "",
    status === "passed" ? "" : status,
  ]);
}

function linked(text: string, file: string, line: number, link: MarkdownOptions["link"]): string {
  const address = link?.(file, line);
  return address === undefined ? text : `[${text}](<${encodeURI(address).replace(/[<>|\\]/g, encodeURIComponent)}>)`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function short(text: string): string {
  return code(truncate(text, LONGEST_CODE));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function median(summary: ReportMetric["summary"], { unit }: ReportMetric): string {
  return summary === undefined ? "" : formatValue(decodeNumber(summary.median), unit);
}

// Folded

function scenarioDetails(scenario: ReportScenario, sides: Report["sides"]): string {
  const { name, status, plan, durationNs, warnings, enlarged } = scenario;
  const title = `${MARKS[status]} <code>${markup(truncate(name, LONGEST_CODE))}</code>: ${markup(plan)} in ${duration(durationNs)}`;
  const parts = [
    ...scenario.problems.map(problemPart),
    metricsPart(scenario, sides),
    assertionsPart(scenario.assertions),
    ...scenario.metrics.map((metric) => changesPart(metric, sides)),
    histogramsPart(scenario.histograms, sides),
    probesPart(scenario),
    [
      ...enlarged.map(({ map, from, to }) => `- ${code(map)} was full with ${from} entries and was given ${to}`),
      ...warnings.map((warning) => `- ${MARKS.warning} ${prose(warning)}`),
    ].join("\n"),
    outputPart(status === "passed" ? undefined : scenario.output),
  ].filter((part) => part !== "");
  return folded(title, parts.join("\n\n"));
}

/** Both are finished; the blank lines are what makes the body Markdown again. */
function folded(title: string, body: string): string {
  return `<details><summary>${title}</summary>\n\n${body}\n\n</details>\n`;
}

function duration(ns: JsonNumber): string {
  return formatValue(decodeNumber(ns), "ns");
}

function problemPart({ message, help, output }: ProblemResult): string {
  const lines = [`${MARKS.invalid} ${prose(message)}`, ...(help === undefined ? [] : [`help: ${prose(help)}`])];
  return [lines.join("<br>\n"), outputPart(output)].filter((part) => part !== "").join("\n\n");
}

function outputPart(output: OutputResult | undefined): string {
  if (output === undefined) return "";
  return (["stdout", "stderr"] as const)
    .flatMap((name) => {
      const { head, tail, cut } = output[name];
      const lines = block((cut > 0 ? tail : head).replace(/\n$/, "")).split("\n");
      if (lines.join("") === "") return [];
      const shown = lines.slice(-MOST_OUTPUT_LINES).map((line) => truncate(line, LONGEST_CODE));
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

function metricsPart({ metrics }: ReportScenario, sides: Report["sides"]): string {
  const shown = metrics.filter(({ secondary }) => !secondary);
  if (shown.length === 0) return "";
  const compared = shown.some(({ baseline }) => baseline !== undefined);
  const head = compared
    ? [`| metric | ${sides.base} | ${sides.now} | spread | change | |`, "|:--|--:|--:|--:|--:|:--|"]
    : [`| metric | ${sides.now} | spread | |`, "|:--|--:|--:|:--|"];
  const rows = shown.map((metric) => {
    const { name, summary, baseline, spread, change, verdict, noData } = metric;
    const now = summary === undefined ? "no data" : median(summary, metric);
    const what = noData ?? (verdict === "new" ? "" : verdict);
    const cells = compared ? [median(baseline, metric), now, spread, change, what] : [now, spread, what];
    return row([short(name), ...cells.map(prose)]);
  });
  return [...head, ...rows].join("\n");
}

function assertionsPart(assertions: readonly AssertionResult[]): string {
  return assertions
    .map(({ status, text, message }) => {
      const mark = status === "pass" ? MARKS.pass : MARKS.failed;
      return `- ${mark} ${short(text)} ${prose(withoutText(message, text))}`;
    })
    .join("\n");
}

function changesPart({ name, changes, unit }: ReportMetric, sides: Report["sides"]): string {
  if (changes.length === 0) return "";
  const rest = changes.length - MOST_KEY_CHANGES;
  return [
    `What changed in ${short(name)}:\n`,
    `| | key | ${sides.base} | ${sides.now} |`,
    "|:--|:--|--:|--:|",
    ...changes
      .slice(0, MOST_KEY_CHANGES)
      .map(({ kind, key, before, now }) =>
        row([kind, short(key), prose(value(before, unit)), prose(value(now, unit))]),
      ),
    ...(rest > 0 ? [`\n_and ${plural(rest, "more key")}_`] : []),
  ].join("\n");
}

function value(number: number, unit: Unit): string {
  return formatValue(number, unit);
}

// Histograms

function histogramsPart(histograms: readonly ReportHistogram[], sides: Report["sides"]): string {
  const rest = histograms.length - MOST_HISTOGRAMS;
  return [
    ...histograms.slice(0, MOST_HISTOGRAMS).map((histogram) => picture(histogram, sides)),
    ...(rest > 0 ? [`_and ${plural(rest, "more histogram")}_`] : []),
  ].join("\n\n");
}

/** Each bucket's bar, the baseline's above that of now, both on one scale. */
function picture({ title, rows, compared }: ReportHistogram, sides: Report["sides"]): string {
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

// What the probes cost

function probesPart(scenario: ReportScenario): string {
  const rows = probeRows(scenario);
  const { cost } = scenario;
  if (rows.length === 0 || cost === undefined) return "";
  const shown = rows.slice(0, MOST_PROBES);
  const rest = rows.length - shown.length;
  return [
    "What the probes cost in a run:\n",
    "| probe | hits | ns per hit | of the duration |",
    "|:--|--:|--:|--:|",
    ...shown.map(({ probes, hits, nsPerHit, share }) =>
      row([
        short(probes.join(", ")),
        prose(formatValue(hits, "count")),
        nsPerHit === undefined ? "" : String(Math.round(nsPerHit)),
        prose(share),
      ]),
    ),
    ...(rest > 0 ? [`\n_and ${plural(rest, "more probe")}_`] : []),
    ...costSentences(cost).map((sentence) => `\n${prose(sentence)}`),
  ].join("\n");
}

// The end

function footer({ facts, version, startedAt, durationNs, scenarios }: Report): string {
  const dearest = scenarios
    .flatMap(({ name, cost }) => (cost?.share === undefined ? [] : [{ name, share: cost.share }]))
    .sort((a, b) => b.share - a.share)[0];
  const cost =
    dearest === undefined
      ? ""
      : `The probes cost at most ${percent(dearest.share)} of a duration (${short(dearest.name)}).\n\n`;
  const machine = folded(
    "Machine",
    ["| | |", "|:--|:--|", ...facts.map(({ name, value }) => row([prose(name), prose(value)]))].join("\n"),
  );
  const when = prose(startedAt.slice(0, 19).replace("T", " "));
  return `${cost}${machine}\n_probewright ${prose(version)}, ${when} UTC, ${duration(durationNs)}_\n`;
}
