/** Whether tracing is possible here: which of the errors on the way say that it is not. */
import { AddonError, SysError } from "../../native/index.ts";
import { outputText } from "../runner/output.ts";
import type { Problem } from "../runner/problems.ts";
import { NOT_PERMITTED, tracingProblem } from "../runner/tracing-problems.ts";
import { CapabilityError } from "../tracing/facts/capability-error.ts";
import { TraceError, TraceUnavailableError } from "./errors.ts";

const DOCTOR = "`npx probewright doctor` says what is missing here, and the remedy";

/** An error from compiling, loading or attaching, as the caller of trace() shall see it. */
export function traceFailure(error: unknown): TraceError {
  if (error instanceof TraceError) return error;
  if (error instanceof AddonError) return new TraceUnavailableError(error.message, DOCTOR, error);
  // Not every refusal of the system is one that privileges would help against.
  if (error instanceof SysError && !(error instanceof CapabilityError) && !NOT_PERMITTED.has(error.code))
    return new TraceError(error.message, { cause: error });
  return problemError(tracingProblem(error), error);
}

/** The same for what the runner found wrong. */
export function problemError(
  problem: Pick<Problem, "kind" | "message" | "help" | "output">,
  cause?: unknown,
): TraceError {
  const { kind, message, help, output } = problem;
  if (kind === "capability") return new TraceUnavailableError(message, help ?? DOCTOR, cause);
  const printed = output === undefined ? "" : outputText(output.stderr).trimEnd();
  const lines = [message, ...(help === undefined ? [] : [`  help: ${help}`]), ...(printed === "" ? [] : [printed])];
  return new TraceError(lines.join("\n"), { cause });
}
