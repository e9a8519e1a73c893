/**
 * What becomes of a test where the machine does not permit tracing: it is skipped, and says so loudly, or it fails where
 * tracing is required. It never passes.
 */
import { writeSync } from "node:fs";
import { TestRunner } from "vitest";
import { TraceError, TraceUnavailableError } from "../in-process/errors.ts";
import type { CommandOptions, TraceOptions } from "../in-process/options.ts";
import type { CommandTrace, FunctionTrace } from "../in-process/result.ts";
import { type RunOptions, run as runScenarios } from "../in-process/run.ts";
import { trace as traceAnything } from "../in-process/trace.ts";

/** The environment variable that makes tracing required everywhere. */
const REQUIRED = "PROBEWRIGHT_REQUIRED";

/**
 * Counts what this worker does in the kernel until the function returns, or until its promise is settled. In the pool `forks`
 * that is what all threads of its process do; in the pool `threads` what its own thread does, with all that this starts and
 * the work of libuv's pool that it waits for. The test is skipped where tracing is not permitted, unless it is required.
 */
export function trace<T>(work: () => T, options?: TraceOptions): Promise<FunctionTrace<Awaited<T>>>;
/** Runs a command, and counts what it does from its first instruction to its end, with everything that it starts. */
export function trace(argv: readonly [string, ...string[]], options?: CommandOptions): Promise<CommandTrace>;
export async function trace<T>(
  what: (() => T) | readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<FunctionTrace<Awaited<T>> | CommandTrace> {
  if (typeof what !== "function") return orSkip(options.required, () => traceAnything(what, options));
  if (TestRunner.getCurrentTest()?.concurrent) {
    throw new TraceError(
      "trace() in a concurrent test would count what the other tests do as well\n" +
        "  help: take `concurrent` away from this test; a command can be traced in a concurrent test",
    );
  }
  return orSkip(options.required, () => traceAnything(what, options));
}

/** Runs scenario files as `probewright run` does, and answers the result, for toPassScenario. */
export function run(
  paths: string | readonly string[],
  { required, ...options }: RunOptions & Pick<TraceOptions, "required"> = {},
): ReturnType<typeof runScenarios> {
  return orSkip(required, () => runScenarios(paths, options));
}

let warned = false;

async function orSkip<T>(required: boolean | undefined, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof TraceUnavailableError)) throw error;
    if (required || process.env[REQUIRED] === "1") throw error;
    const test = TestRunner.getCurrentTest();
    // In a hook there is no test to skip, and going on without numbers is out of the question.
    if (test === undefined) throw error;
    // Past vitest's console, which not every reporter shows.
    if (!warned)
      writeSync(2, `\n*** probewright: tests are SKIPPED, since nothing can be traced here: ${error.message} ***\n\n`);
    warned = true;
    return test.context.skip(`nothing can be traced here: ${error.message}`);
  }
}
