/** What a suite's outcome means for the shell. The most certain and most basic failure wins. */
import { ExitCode } from "../cli/exit-code.ts";
import type { DiagnosticResult, ProblemResult, ScenarioResult } from "./result.ts";

export function exitCodeOf(
  scenarios: readonly ScenarioResult[],
  diagnostics: readonly DiagnosticResult[],
  interrupted: boolean,
): number {
  const some = (status: ScenarioResult["status"]): boolean => scenarios.some((scenario) => scenario.status === status);
  const because = (kind: ProblemResult["kind"]): boolean =>
    scenarios.some(({ status, problems }) => status === "invalid" && problems.some((problem) => problem.kind === kind));
  if (interrupted) return ExitCode.interrupted;
  if (diagnostics.some(({ severity }) => severity === "error") || because("verifier")) return ExitCode.invalidInput;
  if (because("capability") || because("missing-program")) return ExitCode.lacksCapability;
  if (some("failed")) return ExitCode.regression;
  return some("invalid") || some("inconclusive") ? ExitCode.invalidMeasurement : ExitCode.ok;
}
