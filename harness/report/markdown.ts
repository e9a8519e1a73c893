/**
 * The report for a pull request or a job's summary: the verdict, one table with the worst first, everything else folded.
 * It is GitHub's Markdown. Whatever the result holds is literal text there, see escape.ts.
 */
import { decodeNumber } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import { plural } from "../plural.ts";
import { markdownLink, markdownProse as prose } from "./escape.ts";
import { type Finding, findingsOf } from "./findings.ts";
import { scenarioDetails } from "./markdown-details.ts";
import { folded, left, MARKS, median, row, short, table } from "./markdown-parts.ts";
import type { Fact, Report, ReportScenario } from "./model.ts";
import { truncate } from "./text.ts";
import { percent, statusText } from "./wording.ts";

export interface MarkdownOptions {
  /** Bytes that the text may have. What does not fit is left out, the details of passed scenarios first. */
  readonly limit?: number | undefined;
  /** The address where a line of a scenario file can be read. */
  readonly link?: (file: string, line: number) => string | undefined;
}

/** What GitHub takes for the summary of a step. */
export const SUMMARY_LIMIT = 1024 * 1024;

const LONGEST_SENTENCE = 400;

/** The whole report. */
export function markdownReport(report: Report, options: MarkdownOptions = {}): string {
  const limit = options.limit ?? SUMMARY_LIMIT;
  const head = `## ${MARKS[report.verdict]} probewright: ${prose(report.headline)}\n`;
  const foot = footer(report);
  const overview = overviewTable(report, options, (limit - bytes(head) - bytes(foot)) / 2);
  const folded = [...report.scenarios].sort(worstFirst).map((scenario) => scenarioDetails(scenario, report.sides));
  let room = limit - bytes(head) - bytes(foot) - bytes(overview) - bytes(note(folded.length));
  const kept = folded.filter((text) => {
    const fits = bytes(text) <= room;
    if (fits) room -= bytes(text);
    return fits;
  });
  const missing = folded.length - kept.length;
  return [head, overview, ...kept, missing > 0 ? note(missing) : "", foot].filter((part) => part !== "").join("\n");
}

function note(missing: number): string {
  return `_The details of ${plural(missing, "scenario")} are left out, for want of room._\n`;
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
function overviewTable(report: Report, { link }: MarkdownOptions, limit: number): string {
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
  let room = limit - bytes(lines.join("\n"));
  const shown = rows.filter((row) => {
    room -= bytes(row);
    return room >= 0;
  });
  const hidden = rows.length - shown.length;
  return `${[...lines, ...shown].join("\n")}\n${hidden > 0 ? `\n_and ${plural(hidden, "more row")}_\n` : ""}`;
}

function findingRow(finding: Finding, link: MarkdownOptions["link"]): string {
  const { severity, scenario, file, line, subject, metric, kind, message } = finding;
  const cells =
    metric === undefined
      ? ["", "", ""]
      : [median(metric.baseline, metric), median(metric.summary, metric), metric.change];
  return row([
    MARKS[severity],
    linked(short(scenario?.name ?? `${file}:${line}`), file, line, link),
    subject === undefined ? "" : short(subject),
    ...cells.map(prose),
    prose(truncate(`${kind}: ${message}`, LONGEST_SENTENCE)),
  ]);
}

function passedRow(scenario: ReportScenario, link: MarkdownOptions["link"]): string {
  const { name, file, line, status, sides, assertions, metrics } = scenario;
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
    status !== "passed" ? statusText(scenario) : sides === "head" ? "new" : "",
  ]);
}

function linked(text: string, file: string, line: number, link: MarkdownOptions["link"]): string {
  const address = link?.(file, line);
  return address === undefined ? text : markdownLink(text, address);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
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
    "Where it was measured",
    table<Fact>([left("", ({ name }) => prose(name)), left("", ({ value }) => prose(value))], facts),
  );
  const when = prose(startedAt.slice(0, 19).replace("T", " "));
  return `${cost}${machine}\n_probewright ${prose(version)}, ${when} UTC, ${formatValue(decodeNumber(durationNs), "ns")}_\n`;
}
