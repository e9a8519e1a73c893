/**
 * JUnit XML, which most CI systems read. A scenario is a test suite; its measurement, each assertion and each compared
 * metric are test cases. What failed is a failure; what could not be measured or decided is an error.
 */
import { decodeNumber, type JsonNumber } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import { plural } from "../plural.ts";
import { markup, markupBlock } from "./escape.ts";
import { withoutText } from "./findings.ts";
import { probeRows, type Report, type ReportMetric, type ReportScenario, type ReportShift } from "./model.ts";
import type { AssertionResult, DiagnosticResult } from "./result.ts";
import { costSentences } from "./wording.ts";

interface Case {
  readonly name: string;
  readonly line: number | undefined;
  /** Seconds. */
  readonly time: number;
  readonly outcome: Outcome | undefined;
}

interface Outcome {
  readonly element: "failure" | "error" | "skipped";
  /** Stands in for the class of an exception. */
  readonly type: string;
  readonly message: string;
  readonly details: readonly string[];
}

interface Suite {
  readonly name: string;
  readonly file: string;
  readonly time: number;
  readonly properties: readonly (readonly [name: string, value: string])[];
  readonly cases: readonly Case[];
  readonly output: { readonly stdout: string; readonly stderr: string };
}

/** The whole document. */
export function junitReport(report: Report): string {
  const suites = [
    ...diagnosticSuites(report.diagnostics),
    ...report.scenarios.map((scenario) => suiteOf(scenario, report)),
  ];
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="probewright" ${counts(suites)} time="${seconds(report.durationNs)}" timestamp="${markup(report.startedAt)}">`,
    ...suites.flatMap((suite) => suiteLines(suite, report)),
    "</testsuites>",
  ];
  return `${lines.join("\n")}\n`;
}

function seconds(ns: JsonNumber): string {
  return (Number(ns) / 1e9).toFixed(6);
}

// From the report to suites

function diagnosticSuites(diagnostics: readonly DiagnosticResult[]): Suite[] {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  return [...new Set(errors.map(({ file }) => file))].map((file) => ({
    name: file,
    file,
    time: 0,
    properties: [],
    output: NO_OUTPUT,
    cases: errors
      .filter((error) => error.file === file)
      .map(({ code, message, line, column, help }) => ({
        name: `${file}:${line}:${column}`,
        line,
        time: 0,
        outcome: {
          element: "error",
          type: code,
          message,
          details: [`${file}:${line}:${column}: ${message}`, ...(help === undefined ? [] : [`help: ${help}`])],
        },
      })),
  }));
}

const NO_OUTPUT = { stdout: "", stderr: "" };

function suiteOf(scenario: ReportScenario, { sides, facts }: Report): Suite {
  const { name, file, plan, assertions, metrics, shifts, cost, output, problems, durationNs } = scenario;
  const shown = output ?? problems.find((problem) => problem.output !== undefined)?.output;
  return {
    name,
    file,
    time: Number(durationNs) / 1e9,
    properties: [
      ["runs", plan],
      ...facts.map(({ name, value }) => [name, value] as const),
      ...probeRows(scenario).map(({ label, hits, nsPerHit, share }) => {
        const each = nsPerHit === undefined ? "" : `, ${Math.round(nsPerHit)} ns each`;
        const of = share === "" ? "" : `, ${share} of the duration`;
        return [`probe ${label}`, `${formatValue(hits, "count")} hits${each}${of}`] as const;
      }),
      ...(cost === undefined ? [] : costSentences(cost).map((sentence) => ["cost", sentence] as const)),
    ],
    cases: [
      measurementCase(scenario),
      ...assertions.map(assertionCase),
      ...metrics.filter(({ verdict }) => verdict !== "new").map((metric) => metricCase(metric, scenario, sides)),
      ...shifts.flatMap((shift) => shiftCase(shift, scenario, sides)),
    ],
    output: shown === undefined ? NO_OUTPUT : { stdout: textOf(shown.stdout), stderr: textOf(shown.stderr) },
  };
}

function textOf({ head, tail, cut }: { head: string; tail: string; cut: number }): string {
  return cut === 0 ? head : `${head}\n[... ${cut} bytes not kept ...]\n${tail}`;
}

/** Whether the scenario could be measured at all; the time is that of all its runs. */
function measurementCase({ status, problems, line, durationNs }: ReportScenario): Case {
  return {
    name: "measurement",
    line,
    time: Number(durationNs) / 1e9,
    outcome: measurementOutcome(status, problems),
  };
}

function measurementOutcome(
  status: ReportScenario["status"],
  problems: ReportScenario["problems"],
): Outcome | undefined {
  switch (status) {
    case "passed":
    case "failed":
    case "inconclusive":
      return undefined;
    case "interrupted":
    case "skipped":
      return { element: "skipped", type: status, message: problems[0]?.message ?? status, details: [] };
    case "invalid":
      return {
        element: "error",
        type: problems[0]?.kind ?? "invalid",
        message: problems[0]?.message ?? "the measurement is invalid",
        details: problems.flatMap(({ message, help }) => [message, ...(help === undefined ? [] : [`help: ${help}`])]),
      };
  }
}

function assertionCase({ text, line, status, message }: AssertionResult): Case {
  const said = withoutText(message, text);
  const outcome: Outcome | undefined =
    status === "pass"
      ? undefined
      : { element: "failure", type: status === "fail" ? "assertion" : "no-data", message: said, details: [message] };
  return { name: text, line, time: 0, outcome };
}

function metricCase(metric: ReportMetric, { line }: ReportScenario, sides: Report["sides"]): Case {
  const { name, verdict, reason, noData, change, interval, cause, changes, moreChanges, unit } = metric;
  const element = OUTCOMES[verdict];
  const median = (summary: ReportMetric["summary"]): string =>
    summary === undefined ? "no data" : formatValue(decodeNumber(summary.median), unit);
  const outcome: Outcome | undefined = element && {
    element,
    type: verdict,
    message: `${reason}${change === "" ? "" : ` (${change})`}${noData === undefined ? "" : `; ${noData}`}`,
    details: [
      `${sides.base}: ${median(metric.baseline)}`,
      `${sides.now}: ${median(metric.summary)}`,
      ...(interval === "" ? [] : [`change: ${interval}`]),
      ...(cause === undefined ? [] : [`cause: ${cause}`]),
      ...changes.map(
        ({ kind, key, before, now, unit }) =>
          `${kind} ${key}: ${formatValue(before, unit)} -> ${formatValue(now, unit)}`,
      ),
      ...(moreChanges > 0 ? [`and ${plural(moreChanges, "more key")}`] : []),
    ],
  };
  return { name: `${name} against ${sides.base}`, line, time: 0, outcome };
}

/** A histogram as a whole, where something is judged by it. */
function shiftCase(shift: ReportShift, { line }: ReportScenario, sides: Report["sides"]): Case[] {
  const { map, verdict, reason, interval, quantiles, unit } = shift;
  if (verdict === undefined) return [];
  const element = OUTCOMES[verdict];
  const details = quantiles.map(
    ({ name, base, head }) => `${name}: ${formatValue(base, unit)} -> ${formatValue(head, unit)}`,
  );
  const message = interval === "" ? reason : `${reason} (${interval})`;
  const outcome: Outcome | undefined = element && { element, type: verdict, message, details };
  return [{ name: `${map} as a whole against ${sides.base}`, line, time: 0, outcome }];
}

const OUTCOMES: Readonly<Record<ReportMetric["verdict"], "failure" | "error" | undefined>> = {
  pass: undefined,
  improvement: undefined,
  new: undefined,
  regression: "failure",
  invalid: "error",
  inconclusive: "error",
};

// From suites to XML

function counts(suites: readonly Suite[]): string {
  const cases = suites.flatMap((suite) => suite.cases);
  const of = (element: Outcome["element"]): number =>
    cases.filter(({ outcome }) => outcome?.element === element).length;
  return `tests="${cases.length}" failures="${of("failure")}" errors="${of("error")}" skipped="${of("skipped")}"`;
}

function suiteLines(suite: Suite, { startedAt }: Report): string[] {
  const { name, file, time, properties, cases, output } = suite;
  const attributes = `name="${markup(name)}" file="${markup(file)}" ${counts([suite])} time="${time.toFixed(6)}"`;
  return [
    `  <testsuite ${attributes} timestamp="${markup(startedAt)}">`,
    ...(properties.length === 0
      ? []
      : [
          "    <properties>",
          ...properties.map(([key, value]) => `      <property name="${markup(key)}" value="${markup(value)}"/>`),
          "    </properties>",
        ]),
    ...cases.flatMap((one) => caseLines(one, suite)),
    ...(["stdout", "stderr"] as const).flatMap((stream) =>
      output[stream] === ""
        ? []
        : [`    <system-${stream.slice(3)}>${markupBlock(output[stream])}</system-${stream.slice(3)}>`],
    ),
    "  </testsuite>",
  ];
}

function caseLines({ name, line, time, outcome }: Case, suite: Suite): string[] {
  const where = line === undefined ? "" : ` line="${line}"`;
  const open = `    <testcase name="${markup(name)}" classname="${markup(suite.name)}" file="${markup(suite.file)}"${where} time="${time.toFixed(6)}"`;
  if (outcome === undefined) return [`${open}/>`];
  const { element, type, message, details } = outcome;
  const text = markupBlock(details.join("\n"));
  const body =
    element === "skipped"
      ? `<skipped message="${markup(message)}"/>`
      : `<${element} type="${markup(type)}" message="${markup(message)}">${text}</${element}>`;
  return [`${open}>`, `      ${body}`, "    </testcase>"];
}
