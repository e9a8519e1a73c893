/** run(): scenario files, run as `probewright run` runs them, with the result as data. */
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { hostFingerprint } from "../baseline/fingerprint.ts";
import { BaselineError } from "../baseline/store.ts";
import { fileHost } from "../config/host.ts";
import type { SuiteResult } from "../report/result.ts";
import { DiscoverError, discover } from "../runner/discover.ts";
import { EmptySuiteError, runSuite } from "../runner/suite.ts";
import { hostFacts } from "../tracing/facts/host-facts.ts";
import { packageVersion } from "../version.ts";
import { problemError, traceFailure } from "./availability.ts";
import { TraceError } from "./errors.ts";
import { guestHost } from "./guest-host.ts";

export interface RunOptions {
  /** Only scenarios whose name contains this. */
  filter?: string;
  /** Measured runs, in place of what the scenarios say. */
  runs?: number;
  /** What the runs are compared with. Default: the project's own baseline file; false: nothing. */
  baseline?: string | false;
  /** Ends what is running; the result says so. */
  signal?: AbortSignal;
}

/**
 * Runs the scenarios of files, or of folders that are searched for them, and answers the result as it stands in a
 * result file (`probewright.result/v1`). A scenario that fails is no error here: look at its `status`. Throws
 * TraceUnavailableError where the machine does not permit tracing, and TraceError when there is nothing to run or a file is
 * wrong, with all that is wrong in it.
 */
export async function run(paths: string | readonly string[], options: RunOptions = {}): Promise<SuiteResult> {
  const { filter, runs, baseline, signal = NEVER } = options;
  const diags = new Diagnostics();
  try {
    const files = discover([paths].flat());
    const runner = await guestHost(hostFacts());
    const outcome = await runSuite(
      {
        files,
        filter,
        runs,
        baseline: baseline === false ? { mode: "off" } : { mode: "compare", file: baseline },
        interrupt: signal,
        abandon: signal,
      },
      { runner, config: fileHost, machine: hostFingerprint(packageVersion(), runner.scopes.kind) },
    );
    for (const diagnostic of outcome.diagnostics) diags.add(diagnostic);
    if (diags.hasErrors) throw new TraceError(renderDiagnostics(diags.items));
    const problems = outcome.result.scenarios.flatMap((scenario) => scenario.problems);
    const lack = problems.find(({ kind }) => kind === "capability");
    if (lack !== undefined) throw problemError(lack);
    return outcome.result;
  } catch (error) {
    if (error instanceof DiscoverError || error instanceof EmptySuiteError || error instanceof BaselineError)
      throw new TraceError(error.message, { cause: error });
    throw traceFailure(error);
  }
}

const NEVER = new AbortController().signal;
