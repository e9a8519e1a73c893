/**
 * `probewright/vitest`: trace() and run() for vitest, and matchers for what they answer. Importing it is all that is needed:
 * the matchers are added to `expect`, and what was attached for a test file is detached behind its last test.
 */
import { afterAll, expect } from "vitest";
import { closeTracer } from "./in-process/trace.ts";
import type { Exactly } from "./vitest/expectations.ts";
import { type FilePattern, toOpenFiles } from "./vitest/files.ts";
import { toStayUnder } from "./vitest/metrics.ts";
import { toPassScenario } from "./vitest/scenario.ts";
import { toMatchSyscallSnapshot } from "./vitest/snapshot.ts";
import { toSpawnNothing } from "./vitest/spawns.ts";
import { type SyscallExpectation, type SyscallName, toMakeNoSyscalls, toMakeSyscalls } from "./vitest/syscalls.ts";

export type { Counts, FailedOpen, OpenedFile, Processes } from "./in-process/calls.ts";
export { TraceError, TraceUnavailableError } from "./in-process/errors.ts";
export type { CommandOptions, Probe, TraceOptions } from "./in-process/options.ts";
export type { CommandTrace, FunctionTrace, Trace, Unattributed } from "./in-process/result.ts";
export type { RunOptions } from "./in-process/run.ts";
export { run, trace } from "./vitest/availability.ts";
export { any, atLeast, atMost, between, Exactly, exactly, Range } from "./vitest/expectations.ts";
export type { FilePattern } from "./vitest/files.ts";
export type { SyscallExpectation, SyscallName } from "./vitest/syscalls.ts";

/** What `expect(await trace(...))` can do beside vitest's own matchers. */
export interface ProbewrightMatchers {
  /**
   * Each of these system calls is made so many times: a number, or atMost, atLeast, between or any. Others may be made as
   * well, unless the expectation is `exactly({ ... })`; what Node needs for its own work (memory, events, threads) may be made
   * even then.
   */
  toMakeSyscalls(expected: SyscallExpectation | Exactly<SyscallExpectation>): void;
  /** None of these system calls is made; without names: none at all, but for Node's own work. */
  toMakeNoSyscalls(...names: SyscallName[]): void;
  /**
   * Each of these files is opened: paths, patterns such as `src/**\/*.json`, or regular expressions. Others may be opened as
   * well, unless the expectation is `exactly([ ... ])`.
   */
  toOpenFiles(expected: readonly FilePattern[] | Exactly<readonly FilePattern[]>): void;
  /** No process is started. */
  toSpawnNothing(): void;
  /** A metric expression, or a metric by its name, stays under a limit: `toStayUnder("p99(@read_ns)", "200us")`. */
  toStayUnder(expression: string, limit: string | number): void;
  /** The counts of all system calls but those of Node's own work equal the snapshot. `vitest -u` updates it. */
  toMatchSyscallSnapshot(hint?: string): void;
  /**
   * All assertions of a scenario hold. A trace has to be made with the scenario's probes: `trace(work, { scenario: file })`.
   * For the result of run() the file chooses among its scenarios, and may be left out.
   */
  toPassScenario(file?: string): void;
}

declare global {
  namespace Chai {
    // vitest derives its assertions from this interface; its own differs in form from version to version.
    interface Assertion extends ProbewrightMatchers {}
  }
}

expect.extend({
  toMakeSyscalls,
  toMakeNoSyscalls,
  toOpenFiles,
  toSpawnNothing,
  toStayUnder,
  toMatchSyscallSnapshot,
  toPassScenario,
});

afterAll(closeTracer);
