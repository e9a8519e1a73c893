/** What went wrong in tracing, as problems that the user can act on: refusals of the kernel, and numbers with holes. */

import { LoadError, SysError } from "../../native/index.ts";
import { plural } from "../plural.ts";
import { AttachError } from "../tracing/attach.ts";
import { CapabilityError } from "../tracing/facts/capability-error.ts";
import { CaptureError } from "../tracing/packets/capture-file.ts";
import { describeRefusal } from "../tracing/refusals.ts";
import { VerifierError } from "../tracing/verifier-error.ts";
import type { TraceResult, UnattachedProbe } from "./host.ts";
import type { Problem } from "./problems.ts";

/** Errors that mean: not on this machine, or not for this user. */
export const NOT_PERMITTED: ReadonlySet<string> = new Set(["EPERM", "EACCES", "ENOSYS", "EOPNOTSUPP", "ENOTSUPP"]);

/** An error from loading or attaching. Anything that is no refusal of the kernel is a bug, and thrown on. */
export function tracingProblem(error: unknown): Problem {
  if (error instanceof VerifierError) {
    const { diagnostic, kernelTooOld } = error;
    if (kernelTooOld) return capability(error);
    const message =
      diagnostic?.message ?? `the kernel refuses the program of ${error.probes.join(", ")}: ${error.lastWords}`;
    return {
      kind: "verifier",
      message,
      diagnostic,
      help: "this is a defect of probewright unless the script reads memory that is not there",
    };
  }
  if (error instanceof AttachError) {
    const { cause } = error;
    if (cause instanceof SysError && NOT_PERMITTED.has(cause.code)) return capability(error);
    return { kind: "not-attached", message: error.message };
  }
  if (error instanceof CaptureError) return { kind: "not-attached", message: error.message };
  if (isSystemError(error)) return capability(error);
  throw error;
}

/** Whether an error is the system's refusal and not a mistake of ours: SysError, or Node's own. */
export function isSystemError(error: unknown): error is Error & { code: string } {
  return (
    error instanceof SysError ||
    error instanceof LoadError ||
    (error instanceof Error && "syscall" in error && "code" in error)
  );
}

export function capability(error: Error): Problem {
  const help =
    error instanceof CapabilityError ? error.help : "`probewright doctor` says what is missing here, and the remedy";
  return { kind: "capability", message: error.message, help };
}

/** The holes in the numbers of one run. Full maps are not among them: those may be cured. */
export function traceProblems(trace: TraceResult, unattached: readonly UnattachedProbe[]): Problem[] {
  const problems: Problem[] = unattached.map(({ reason }) => ({ kind: "not-attached", message: reason }));
  if (trace.lostEvents > 0n)
    problems.push({
      kind: "lost-events",
      message: `${plural(trace.lostEvents, "event was lost", "events were lost")}: the script prints faster than can be read`,
      help: "count in a map instead of printing each event",
    });
  if (trace.endlessLoops > 0n)
    problems.push({
      kind: "endless-loop",
      message: `the kernel ended ${plural(trace.endlessLoops, "loop")} that went on for too long`,
      help: "let the loop end by itself: its condition must become false, or a `break` be reached",
    });
  for (const refusal of trace.refusals) problems.push({ kind: "lost-updates", ...describeRefusal(refusal) });
  for (const { probe, count } of trace.missed)
    problems.push({
      kind: "missed",
      message: `${plural(count, `event of ${probe} was`, `events of ${probe} were`)} not counted: its program was still running on that CPU`,
      help: "narrow the probe with a predicate, or do less in it",
    });
  if (trace.exited)
    problems.push({
      kind: "script-exit",
      message: "the script called exit() before the workload had ended",
      help: "leave exit() out: in a scenario, tracing ends with the workload",
    });
  return problems;
}
