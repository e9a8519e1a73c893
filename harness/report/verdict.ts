/** The outcome of a whole result in one word and one sentence: what reports begin with and what tools branch on. */
import { ExitCode } from "../cli/exit-code.ts";
import { plural } from "../plural.ts";
import type { SuiteResult } from "./result.ts";

export const VERDICTS = [
  "pass",
  "regression",
  "inconclusive",
  "invalid",
  "invalid-input",
  "missing-capability",
  "interrupted",
] as const;

/**
 * `regression` includes failed assertions; `invalid` and `inconclusive` are about measurements, `invalid-input` about
 * scenario files and the command line.
 */
export type SuiteVerdict = (typeof VERDICTS)[number];

type Judged = Pick<SuiteResult, "exitCode" | "summary" | "diagnostics">;

export function verdictOf({ exitCode, summary }: Judged): SuiteVerdict {
  switch (exitCode) {
    case ExitCode.ok:
      return "pass";
    case ExitCode.regression:
      return "regression";
    case ExitCode.invalidInput:
      return "invalid-input";
    case ExitCode.lacksCapability:
      return "missing-capability";
    case ExitCode.interrupted:
      return "interrupted";
    default:
      return summary.invalid > 0 || summary.inconclusive === 0 ? "invalid" : "inconclusive";
  }
}

/** `2 of 10 scenarios failed`, without a full stop. */
export function headline(result: Judged): string {
  const { summary, diagnostics } = result;
  const total = Object.values(summary).reduce((sum, n) => sum + n, 0);
  const of = (n: number): string => (total === 1 ? "the scenario" : `${n} of ${plural(total, "scenario")}`);
  const verdict = verdictOf(result);
  switch (verdict) {
    case "pass":
      if (summary.skipped > 0) return `${of(summary.passed)} passed, ${summary.skipped} skipped`;
      return total === 1 ? "the scenario passed" : `all ${total} scenarios passed`;
    case "regression":
      return `${of(summary.failed)} failed`;
    case "inconclusive":
      return `${of(summary.inconclusive)} ${summary.inconclusive === 1 ? "is" : "are"} inconclusive`;
    case "invalid":
      return `${of(summary.invalid)} could not be measured`;
    case "invalid-input": {
      const errors = diagnostics.filter(({ severity }) => severity === "error").length;
      return errors === 0 ? "a probe script was refused by the kernel" : `${plural(errors, "error")} in scenario files`;
    }
    case "missing-capability":
      return "this machine lacks something that tracing needs";
    case "interrupted":
      return "interrupted before the end";
  }
}
