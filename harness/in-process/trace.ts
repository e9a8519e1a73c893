/** trace(): the function or the command, and the one tracer that a thread has. */
import { FunctionTracer } from "./function-tracer.ts";
import type { CommandOptions, TraceOptions } from "./options.ts";
import type { CommandTrace, FunctionTrace } from "./result.ts";

let opening: Promise<FunctionTracer> | undefined;

/**
 * Counts what this thread, or the whole process if it is the main thread, does in the kernel until the function returns, or
 * until its promise is settled. Throws whatever the function throws; TraceUnavailableError where the machine does not permit
 * tracing; TraceError where the request makes no sense or the counts cannot be trusted.
 */
export function trace<T>(work: () => T, options?: TraceOptions): Promise<FunctionTrace<Awaited<T>>>;
/** Runs a command, and counts what it does from its first instruction to its end, with everything that it starts. */
export function trace(argv: readonly [string, ...string[]], options?: CommandOptions): Promise<CommandTrace>;
export async function trace<T>(
  what: (() => T) | readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<FunctionTrace<Awaited<T>> | CommandTrace> {
  if (typeof what === "function") {
    opening ??= FunctionTracer.open();
    return (await opening).trace(what, options);
  }
  const { traceCommand } = await import("./command-tracer.ts");
  return traceCommand(what, options);
}

/** Detaches everything that trace() has attached for this thread. The next trace attaches anew. */
export async function closeTracer(): Promise<void> {
  // What was never opened needs no closing; why it was not, trace() has said.
  const tracer = await opening?.catch(() => undefined);
  opening = undefined;
  tracer?.close();
}
