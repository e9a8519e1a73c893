/** Everything in a report that somebody has to look at, the worst first: what tables and annotations are made from. */
import type { Report, ReportMetric, ReportScenario } from "./model.ts";

export interface Finding {
  /** `good`: an improvement, of which one may want to know. */
  readonly severity: "error" | "warning" | "good";
  /** Undefined for a mistake in a file. */
  readonly scenario: ReportScenario | undefined;
  readonly file: string;
  readonly line: number;
  /** The metric's name, the assertion's text. */
  readonly subject: string | undefined;
  readonly metric: ReportMetric | undefined;
  /** In a word or two: `regression`, `failed`, `error`. */
  readonly kind: string;
  /** Why, in one sentence. */
  readonly message: string;
}

/** The order of the report. */
const RANKS = {
  mistake: 0,
  regression: 1,
  assertion: 2,
  problem: 3,
  invalid: 4,
  inconclusive: 5,
  unfinished: 6,
  warning: 7,
  improvement: 8,
} as const;

interface Ranked {
  readonly rank: number;
  readonly finding: Finding;
}

/** Mistakes in files, then regressions by size, failed assertions, broken measurements, and what is undecided. */
export function findingsOf({ diagnostics, scenarios }: Report): Finding[] {
  return [...diagnostics.map(ofDiagnostic), ...scenarios.flatMap(ofScenario)]
    .sort((a, b) => a.rank - b.rank || worsening(b) - worsening(a) || 0)
    .map(({ finding }) => finding);
}

function worsening({ finding }: Ranked): number {
  return Math.min(finding.metric?.worsening ?? 0, Number.MAX_VALUE);
}

function ofDiagnostic({ severity, message, file, line, help }: Report["diagnostics"][number]): Ranked {
  const error = severity === "error";
  return {
    rank: error ? RANKS.mistake : RANKS.warning,
    finding: {
      severity: error ? "error" : "warning",
      scenario: undefined,
      subject: undefined,
      metric: undefined,
      file,
      line,
      kind: severity,
      message: withHelp(message, help),
    },
  };
}

function ofScenario(scenario: ReportScenario): Ranked[] {
  const { file, line, metrics, shifts, assertions, problems, status } = scenario;
  const at = { scenario, file, line, subject: undefined, metric: undefined };
  const skipped = status === "skipped";
  return [
    ...metrics.flatMap((metric): Ranked[] => {
      const message = [metric.reason, metric.cause, metric.noData];
      return judged(metric.verdict, {
        ...at,
        subject: metric.name,
        metric,
        kind: metric.verdict,
        message: message.filter((part) => part !== undefined).join("; "),
      });
    }),
    ...shifts.flatMap(({ map, verdict, reason, interval }): Ranked[] => {
      const message = interval === "" ? reason : `${reason}: ${interval}`;
      return verdict === undefined ? [] : judged(verdict, { ...at, subject: map, kind: verdict, message });
    }),
    ...assertions.flatMap(({ text, line, status, message }): Ranked[] => {
      if (status === "pass") return [];
      const finding: Finding = {
        ...at,
        line,
        severity: "error",
        subject: text,
        kind: "failed",
        message: withoutText(message, text),
      };
      return [{ rank: RANKS.assertion, finding }];
    }),
    ...problems.map(({ message, help }): Ranked => {
      const finding = { ...at, kind: skipped ? status : "invalid", message: withHelp(message, help) };
      return skipped
        ? { rank: RANKS.unfinished, finding: { ...finding, severity: "warning" } }
        : { rank: RANKS.problem, finding: { ...finding, severity: "error" } };
    }),
    ...(status === "interrupted"
      ? [
          {
            rank: RANKS.unfinished,
            finding: { ...at, severity: "warning", kind: status, message: "it did not come to its end" },
          } as const,
        ]
      : []),
  ];
}

/** Nothing for a verdict that is no news. */
function judged(verdict: ReportMetric["verdict"], finding: Omit<Finding, "severity">): Ranked[] {
  const known = VERDICTS[verdict];
  return known === undefined ? [] : [{ rank: known.rank, finding: { ...finding, severity: known.severity } }];
}

const VERDICTS: Readonly<
  Partial<Record<ReportMetric["verdict"], { readonly rank: number; readonly severity: Finding["severity"] }>>
> = {
  regression: { rank: RANKS.regression, severity: "error" },
  invalid: { rank: RANKS.invalid, severity: "error" },
  inconclusive: { rank: RANKS.inconclusive, severity: "warning" },
  improvement: { rank: RANKS.improvement, severity: "good" },
};

function withHelp(message: string, help: string | undefined): string {
  return help === undefined ? message : `${message} (${help})`;
}

/** An assertion's message without the assertion itself, which stands beside it. */
export function withoutText(message: string, text: string): string {
  return message.startsWith(`${text}: `) ? message.slice(text.length + 2) : message;
}
