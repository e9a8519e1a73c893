/** The package as a library: `import { run, trace } from "probewright"`. */
export type { Counts, FailedOpen, OpenedFile, Processes } from "./in-process/calls.ts";
export { TraceError, TraceUnavailableError } from "./in-process/errors.ts";
export type { CommandOptions, Probe, TraceOptions } from "./in-process/options.ts";
export type { CommandTrace, FunctionTrace, Trace, Unattributed } from "./in-process/result.ts";
export { type RunOptions, run } from "./in-process/run.ts";
export { closeTracer, trace } from "./in-process/trace.ts";
export type { ScenarioResult, SuiteResult } from "./report/result.ts";
