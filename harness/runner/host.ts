/**
 * What the runner needs from the world: time, processes, a scope to put them in, a compiler that knows the kernel, and
 * a tracer. The real ones are in native-host.ts; the tests bring their own, so that time-outs, floods and crashes can be
 * had without waiting for them.
 */
import type { CompileOptions } from "../../compiler/compile.ts";
import type { Diagnostics } from "../../compiler/diagnostics.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import type { Source } from "../../compiler/source.ts";
import type { ExitStatus } from "../../native/index.ts";
import type { MapData } from "../metrics/run-data.ts";
import type { Refusal } from "../tracing/refusals.ts";
import type { CellCgroup, Scope, ScopeKind } from "./scope.ts";
import type { UserDatabase } from "./users.ts";

export interface Host {
  readonly clock: Clock;
  readonly spawner: Spawner;
  readonly scopes: ScopeProvider;
  readonly tracer: Tracer;
  readonly users: UserDatabase;
  /** Whether a program of this name can be executed from one of the folders in `path`, a PATH. */
  hasProgram(name: string, path: string): boolean;
  /** The compiler, bound to the facts of the kernel. Throws SysError where the machine does not let us read them. */
  compile(source: Source, diags: Diagnostics, options: CompileOptions): CompiledProgram | undefined;
}

export interface Clock {
  /** CLOCK_MONOTONIC in nanoseconds. */
  now(): bigint;
  /** Resolves after `ms` milliseconds, or as soon as `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface ScopeProvider {
  /** What this machine permits. */
  readonly kind: ScopeKind;
  /** A fresh scope for one scenario. */
  open(): Scope;
}

// Processes

export interface SpawnRequest {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** File for standard input; undefined: /dev/null. */
  readonly stdin: string | undefined;
  /** Undefined: as this process. */
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] } | undefined;
  /** The cgroup directory it is born in; undefined: ours. */
  readonly cgroup: string | undefined;
}

/** The operation of the SysError by which a spawner says that the standard input cannot be opened. */
export const STDIN_OPERATION = "open of stdin";

export interface Spawner {
  /** A process that leads a session of its own and waits before its exec. Throws SysError when it cannot be made. */
  spawn(request: SpawnRequest): Child;
}

export interface Child {
  readonly pid: number;
  /** Its end, and when that was. Starts waiting when first read. */
  readonly exited: Promise<Ended>;
  /** Both streams have reached their end: the process and all who inherited them are gone. */
  readonly outputEnded: Promise<void>;
  /** Lets it exec. Throws SysError when the program cannot be executed. */
  release(): void;
  onOutput(listener: (stream: "stdout" | "stderr", chunk: Uint8Array) => void): void;
  /** False when it has ended already. */
  kill(signal: NodeJS.Signals, whom: "process" | "group"): boolean;
  /** Gives up its descriptors. */
  close(): void;
}

export interface Ended {
  readonly status: ExitStatus;
  /** CLOCK_MONOTONIC in nanoseconds. */
  readonly at: bigint;
}

// Tracing

export interface Tracer {
  /** Creates maps and loads the programs of one scenario. Throws when the kernel refuses them; nothing stays then. */
  load(programs: readonly CompiledProgram[], cgroup: CellCgroup | undefined): Tracing;
}

/** The loaded programs of one scenario; traced again and again, one run after the other. */
export interface Tracing {
  /**
   * Empties all maps, runs the `begin` probes and attaches all others, to count the stopped process `workload` and what
   * descends from it. Answers the probes that could not be attached where their script tolerates that; throws where it
   * does not, with nothing attached.
   */
  start(workload: number): readonly UnattachedProbe[];
  /** Lets the workload go that was started. Throws what its own release throws. */
  release(workload: Child): void;
  /** Detaches, runs the `end` probes and reads everything. */
  stop(): TraceResult;
  /** Detaches and releases everything. Closing again does nothing. */
  close(): void;
}

export interface UnattachedProbe {
  readonly probe: string;
  readonly reason: string;
}

export interface TraceResult {
  /** One list for each program given to `load`, in that order. */
  readonly maps: readonly (readonly MapData[])[];
  /** What printf and print wrote. */
  readonly output: string;
  /** Events that found no room in the ring buffer. */
  readonly lostEvents: bigint;
  /** Loops of scripts that the kernel has ended before they were done. */
  readonly endlessLoops: bigint;
  /** Maps that could not take an entry; `program` is the index given to `load`. */
  readonly fullMaps: readonly { readonly program: number; readonly map: string; readonly failed: bigint }[];
  /** Updates of maps that the kernel refused although there was room. */
  readonly refusals: readonly Refusal[];
  /** Events that the kernel did not deliver because the program was running already. */
  readonly missed: readonly { readonly probe: string; readonly count: bigint }[];
  /** Whether the script called exit(). */
  readonly exited: boolean;
  readonly cost: readonly ProbeCost[];
  /** What the numbers do not suffer from, but readers should know. */
  readonly warnings: readonly string[];
}

/** What one kernel program has cost in a run, by the kernel's own statistics. */
export interface ProbeCost {
  /** Script probes that it serves. */
  readonly probes: readonly string[];
  readonly hits: bigint;
  readonly ns: bigint;
}
