/** What a measurement means for the step: its outputs, and whether it fails. */
import { ExitCode } from "../cli/exit-code.ts";
import type { Report } from "../report/model.ts";
import { type SuiteVerdict, verdictOf } from "../report/verdict.ts";
import type { FailureKind } from "./inputs.ts";

export interface Outcome {
  readonly verdict: SuiteVerdict;
  /** Metrics that regressed and assertions that failed. */
  readonly regressions: number;
  /** Why the step fails; undefined if it does not. */
  readonly failure: string | undefined;
}

/** `report` is undefined when the command ended without a result. */
export function outcomeOf(exitCode: number, report: Report | undefined, failOn: readonly FailureKind[]): Outcome {
  if (report === undefined) {
    const verdict = verdictOf({ exitCode, summary: NOTHING, diagnostics: [] });
    // Success without a result would be none.
    const known = verdict === "pass" || verdict === "regression" ? "invalid" : verdict;
    return { verdict: known, regressions: 0, failure: FAILURES[known] ?? `there is no result (exit code ${exitCode})` };
  }
  const { verdict, headline } = report;
  const regressions = regressionsIn(report);
  const failure = `${headline}${regressions > 0 ? ` (${regressions === 1 ? "1 regression or failed assertion" : `${regressions} regressions and failed assertions`})` : ""}`;
  switch (verdict) {
    case "pass":
      return { verdict, regressions, failure: undefined };
    case "invalid-input":
    case "missing-capability":
    case "interrupted":
      return { verdict, regressions, failure };
    case "regression":
    case "invalid":
    case "inconclusive":
      // The verdict is the worst of what happened; any other may be what the step is to fail on.
      return {
        verdict,
        regressions,
        failure: failuresIn(report).some((kind) => failOn.includes(kind)) ? failure : undefined,
      };
  }
}

const NOTHING = { passed: 0, failed: 0, invalid: 0, inconclusive: 0, interrupted: 0, skipped: 0 };

const FAILURES: Readonly<Partial<Record<SuiteVerdict, string>>> = {
  "invalid-input": "nothing was measured: something in the inputs or files makes no sense, see the log",
  "missing-capability": "nothing was measured: this machine or user lacks something that tracing needs, see the log",
  interrupted: "interrupted before the end",
};

function regressionsIn({ scenarios }: Report): number {
  return scenarios.reduce((sum, { metrics, shifts, assertions }) => {
    const judged = [...metrics, ...shifts].filter(({ verdict }) => verdict === "regression").length;
    return sum + judged + assertions.filter(({ status }) => status !== "pass").length;
  }, 0);
}

function failuresIn({ scenarios }: Report): FailureKind[] {
  const some = (status: Report["scenarios"][number]["status"]): boolean =>
    scenarios.some((scenario) => scenario.status === status);
  return [
    ...(some("failed") ? (["regression"] as const) : []),
    ...(some("invalid") ? (["invalid"] as const) : []),
    ...(some("inconclusive") ? (["inconclusive"] as const) : []),
  ];
}

/** The command says by its exit code that something is lacking here, whatever else happened. */
export function lacksCapability(exitCode: number): boolean {
  return exitCode === ExitCode.lacksCapability;
}
