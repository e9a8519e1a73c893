/** The report on the terminal, made from the published form of a result and from nothing else. */
import type { Palette } from "../../compiler/diagnostics.ts";
import { decodeNumber, isHistogramTable, type MapTable, magnitude } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import { plural } from "../plural.ts";
import { typical } from "./changes.ts";
import { comparedMetricLines, shiftLines } from "./compare-terminal.ts";
import { histogramPicture } from "./histogram.ts";
import type {
  AssertionResult,
  KeyChange,
  MetricResult,
  OutputResult,
  ProblemResult,
  ScenarioResult,
  SuiteResult,
} from "./result.ts";
import { INDENT, type ReportStyle, shownMetrics, valueText, verdictPaint, verdictText } from "./terminal-parts.ts";
import { block, type Cell, type Column, inline, table } from "./text.ts";
import { changeText, costSentences, keyText, probeCost, spreadText, statusText } from "./wording.ts";

/** The reason of a metric that was never recorded: nothing to remark on. */
const NO_BASELINE = "there is no baseline";
const MOST_HISTOGRAMS = 6;
const MOST_KEY_CHANGES = 10;
const MOST_OUTPUT_LINES = 20;

const MARKS: Readonly<Record<ScenarioResult["status"], { mark: string; paint: keyof Palette }>> = {
  passed: { mark: "✓", paint: "note" },
  failed: { mark: "✗", paint: "error" },
  invalid: { mark: "!", paint: "error" },
  inconclusive: { mark: "?", paint: "warning" },
  interrupted: { mark: "-", paint: "warning" },
  skipped: { mark: "-", paint: "warning" },
};

/** One scenario, without a line break at the end; "" if it is not to be shown. */
export function scenarioReport(result: ScenarioResult, style: ReportStyle): string {
  if (style.detail === "quiet" && result.status === "passed") return "";
  const body = [
    ...result.problems.flatMap((problem) => problemLines(problem, result, style)),
    ...(result.sides === "both" ? comparedMetricLines(result, style) : metricLines(result, style)),
    // Of a scenario that is new there is nothing to compare, which is said once.
    ...(result.sides === "head" ? [] : result.metrics.flatMap((metric) => reasonLines(metric, style))),
    ...shiftLines(result, style),
    ...result.assertions.flatMap((assertion) => assertionLines(assertion, style)),
    ...result.metrics.flatMap((metric) => changeLines(metric, style)),
    ...histogramLines(result, style),
    ...costLines(result, style),
    ...result.enlarged.map(({ map, from, to }) =>
      style.palette.dim(`${inline(map)} was full with ${grouped(from)} entries and was given ${grouped(to)}`),
    ),
    ...result.warnings.map((warning) => `${style.palette.warning("warning")}: ${inline(warning)}`),
    ...(style.detail === "verbose" ? verboseLines(result, style) : []),
  ];
  return [headline(result, style), ...body.map((line) => (line === "" ? "" : INDENT + line))].join("\n");
}

function headline(result: ScenarioResult, { palette }: ReportStyle): string {
  const { name, status, file, line, runs, durationNs, sides } = result;
  const { mark, paint } = MARKS[status];
  const verdict = status === "passed" ? mark : `${mark} ${statusText(result).toUpperCase()}`;
  const plan = runs === 0 ? "" : `${plural(runs, sides === "both" ? "pair" : "run")} in `;
  const took = status === "skipped" ? "" : `${plan}${formatValue(decodeNumber(durationNs), "ns")}  `;
  return `${palette[paint](verdict)} ${palette.bold(inline(name))}  ${palette.dim(`${took}${inline(file)}:${line}`)}`;
}

/** The last line: `8 passed, 1 failed, 0 invalid in 12.3 s`. */
export function summaryLine({ summary, durationNs }: SuiteResult, { palette }: ReportStyle): string {
  const { passed, failed, invalid, inconclusive, interrupted, skipped } = summary;
  const count = (n: number, what: string, paint: (text: string) => string): string =>
    n > 0 ? paint(`${n} ${what}`) : `${n} ${what}`;
  const parts = [
    count(passed, "passed", palette.note),
    count(failed, "failed", palette.error),
    count(invalid, "invalid", palette.error),
    ...(inconclusive > 0 ? [palette.warning(`${inconclusive} inconclusive`)] : []),
    ...(interrupted > 0 ? [palette.warning(`${interrupted} interrupted`)] : []),
    ...(skipped > 0 ? [palette.warning(`${skipped} skipped`)] : []),
  ];
  return `${parts.join(", ")} in ${(Number(durationNs) / 1e9).toFixed(1)} s`;
}

// Problems

function problemLines(
  { message, help, output }: ProblemResult,
  { status }: ScenarioResult,
  style: ReportStyle,
): string[] {
  return [
    `${style.palette[MARKS[status].paint](status)}: ${inline(message)}`,
    ...(help === undefined ? [] : [`${INDENT}help: ${inline(help)}`]),
    ...(output === undefined ? [] : outputLines(output, style)),
  ];
}

/** What a process printed (the last `most` lines), each line behind a bar, so that it can be taken for nothing else. */
export function outputLines(
  { stdout, stderr }: OutputResult,
  { palette, detail }: ReportStyle,
  most = MOST_OUTPUT_LINES,
): string[] {
  return (
    [
      ["stdout", stdout],
      ["stderr", stderr],
    ] as const
  ).flatMap(([name, { head, tail, cut }]) => {
    if (head === "") return [];
    const all = [...linesOf(head), ...(cut > 0 ? [`[... ${cut} bytes not kept ...]`, ...linesOf(tail)] : [])];
    const shown = detail === "verbose" ? all : all.slice(-most);
    const hidden = all.length - shown.length;
    return [
      palette.dim(`${name}${hidden > 0 ? `, the last ${shown.length} of ${all.length} lines` : ""}:`),
      ...shown.map((line) => `${INDENT}${palette.dim("|")} ${line}`),
    ];
  });
}

function linesOf(text: string): string[] {
  return block(text.replace(/\n$/, "")).replaceAll("\t", "    ").split("\n");
}

// Metrics

const METRIC_COLUMNS: readonly Column[] = [
  { align: "left", flexible: true },
  { align: "right" },
  { align: "right" },
  { align: "right" },
  { align: "right" },
  { align: "left", flexible: true },
];

function metricLines(result: ScenarioResult, style: ReportStyle): string[] {
  const shown = shownMetrics(result, style);
  if (shown.length === 0) return [];
  const compared = shown.some((metric) => metric.baseline !== undefined);
  const { dim } = style.palette;
  const headings = ["metric", "now", "spread", ...(compared ? ["baseline", "change"] : ["", ""]), ""];
  const rows = [
    headings.map((text): Cell => ({ text, paint: dim })),
    ...shown.map((metric) => metricRow(metric, compared, style)),
  ];
  const columns = compared ? METRIC_COLUMNS : [0, 1, 2, 5].map((c) => METRIC_COLUMNS[c]!);
  const cells = compared ? rows : rows.map((row) => [0, 1, 2, 5].map((c) => row[c]!));
  return table(columns, cells, style.width - INDENT.length);
}

function metricRow(metric: MetricResult, compared: boolean, { palette, detail }: ReportStyle): Cell[] {
  const { unit, summary, baseline } = metric;
  const values = detail === "verbose" ? `  [${metric.values.map((value) => valueText(value, unit)).join(" ")}]` : "";
  return [
    { text: inline(metric.name) },
    { text: summary ? formatValue(decodeNumber(summary.median), unit) : "no data" },
    { text: spreadText(metric), paint: palette.dim },
    { text: baseline ? formatValue(decodeNumber(baseline.median), unit) : compared ? "-" : "" },
    { text: changeText(metric) },
    { text: verdictText(metric) + values, paint: verdictPaint(metric, palette) },
  ];
}

/** Why a metric did not simply pass, or was not compared although there is a baseline; and by what it regressed. */
function reasonLines({ name, verdict, reason, free, cause }: MetricResult, { palette }: ReportStyle): string[] {
  if (verdict === "pass" || (verdict === "new" && (free || reason === NO_BASELINE))) return [];
  const what = verdict === "new" ? "not compared" : verdict;
  return [
    `${verdictPaint({ verdict }, palette)(`${what}`)}: ${inline(name)}: ${inline(reason)}`,
    ...(cause === undefined ? [] : [`${INDENT}cause: ${inline(cause)}`]),
  ];
}

function assertionLines({ status, message }: AssertionResult, { palette }: ReportStyle): string[] {
  return [status === "pass" ? `${palette.note("✓")} ${inline(message)}` : palette.error(`✗ ${inline(message)}`)];
}

/** For a regression: which keys of its maps changed. */
function changeLines(metric: MetricResult, { palette, width, detail }: ReportStyle): string[] {
  const { name, changes = [], moreChanges = 0 } = metric;
  if (changes.length === 0) return [];
  const shown = detail === "verbose" ? changes : changes.slice(0, MOST_KEY_CHANGES);
  const rest = changes.length - shown.length + moreChanges;
  const columns: Column[] = [{ align: "left" }, { align: "left", flexible: true }, { align: "right" }];
  const rows = shown.map((entry): Cell[] => [
    { text: entry.kind, paint: entry.now > entry.before ? palette.error : palette.note },
    { text: `${inline(entry.map)}[${inline(keyText(entry.key))}]` },
    { text: keyChangeText(entry) },
  ]);
  return [
    palette.bold(`what changed in ${inline(name)}:`),
    ...table(columns, rows, width - 2 * INDENT.length).map((line) => INDENT + line),
    ...(rest > 0 ? [`${INDENT}${palette.dim(`and ${plural(rest, "more key")}`)}`] : []),
  ];
}

function keyChangeText({ before, now, unit }: KeyChange): string {
  return `${formatValue(before, unit)} -> ${formatValue(now, unit)}`;
}

// Histograms

function histogramLines({ maps, baseline, sides }: ScenarioResult, style: ReportStyle): string[] {
  const names = sides === "both" ? (["head", "base"] as const) : (["now", "baseline"] as const);
  const pictures = maps.filter(isHistogramTable).flatMap((map) => {
    const before = baseline?.histograms.find(({ name, script }) => name === map.name && script === map.script);
    return [...map.keys].sort((a, b) => typical(b) - typical(a)).map((key) => ({ map, key, before }));
  });
  const shown = style.detail === "verbose" ? pictures : pictures.slice(0, MOST_HISTOGRAMS);
  const hidden = pictures.length - shown.length;
  return [
    ...shown.flatMap(({ map, key, before }) => pictureLines(map, key, before, names, style)),
    ...(hidden > 0
      ? [style.palette.dim(`and ${plural(hidden, "more histogram")}; -v shows ${hidden === 1 ? "it" : "them"}`)]
      : []),
  ];
}

function pictureLines(
  map: MapTable,
  key: MapTable["keys"][number],
  before: MapTable | undefined,
  [now, base]: readonly [now: string, base: string],
  { palette, width, detail }: ReportStyle,
): string[] {
  const id = keyText(key.key);
  const old = before?.keys.find((candidate) => keyText(candidate.key) === id);
  const { lines, columns } = histogramPicture(key, old, width - 2 * INDENT.length, detail === "verbose");
  if (lines.length === 0) return [];
  const title = map.keyed ? `${inline(map.name)}[${inline(id)}]` : inline(map.name);
  const heading = old === undefined ? "" : `${now.padEnd(columns.bar)}  ${base}`;
  return [
    `${palette.bold(title)}:`,
    ...(heading === "" ? [] : [palette.dim(`${INDENT}${" ".repeat(columns.label)}  ${heading}`)]),
    ...lines.map((line) => INDENT + line),
  ];
}

// Cost

function costLines(scenario: ScenarioResult, { palette }: ReportStyle): string[] {
  const cost = probeCost(scenario);
  return (cost === undefined ? [] : costSentences(cost)).map((line) => palette.dim(line));
}

function grouped(value: number): string {
  return formatValue(value, "count");
}

// Everything

function verboseLines({ maps, printed, output }: ScenarioResult, style: ReportStyle): string[] {
  const { palette } = style;
  const tables = maps.filter((map) => !isHistogramTable(map) && map.keys.length > 0);
  return [
    ...tables.flatMap((map) => [
      palette.dim(`${inline(map.name)} (${inline(map.script)}):`),
      ...[...map.keys]
        .sort((a, b) => typical(b) - typical(a))
        .map(({ key, values }) => `${INDENT}${mapLine(key, values)}`),
      ...(map.dropped > 0 ? [`${INDENT}${palette.dim(`and ${plural(map.dropped, "more key")}`)}`] : []),
    ]),
    ...printed.flatMap((text, run) =>
      text === ""
        ? []
        : [
            palette.dim(`printed by the probes in run ${run + 1}:`),
            ...linesOf(text).map((line) => `${INDENT}| ${line}`),
          ],
    ),
    ...(output === undefined ? [] : outputLines(output, style)),
  ];
}

/** One key with the values of all runs, or the one value where all are equal. */
function mapLine(key: KeyChange["key"], values: MapTable["keys"][number]["values"]): string {
  const texts = values.map((value) =>
    value !== null && typeof value === "object" && "text" in value ? inline(value.text) : grouped(magnitude(value)),
  );
  const shown = new Set(texts).size === 1 ? texts[0] : texts.join(" ");
  return `[${inline(keyText(key))}]: ${shown}`;
}
