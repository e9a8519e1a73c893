/**
 * A scenario that is loaded and set up, and then runs once whenever it is told to: the plan of a suite tells it so
 * in one go, a comparison lets two sessions take turns. A run that cannot be trusted ends the session, except where a
 * repetition with larger maps can help; teardown and cleaning up happen always.
 */
import type { CompiledProgram } from "../../compiler/program.ts";
import type { Scenario } from "../config/scenario.ts";
import type { Num } from "../metrics/ast.ts";
import type { FreeMetricName, MapData, RunData } from "../metrics/run-data.ts";
import { type Enlargement, growMaps } from "./growth.ts";
import type { Host, ProbeCost, TraceResult, Tracing } from "./host.ts";
import type { LaunchContext, Launched } from "./launch.ts";
import type { PreparedScenario } from "./prepare.ts";
import type { Problem, ProcessOutput } from "./problems.ts";
import type { Scope } from "./scope.ts";
import { closeScope, runSteps } from "./steps.ts";
import { traceProblems, tracingProblem } from "./tracing-problems.ts";
import { runWorkload, type WorkloadRun } from "./workload.ts";

/** Everything that one measured run has left. */
export interface MeasuredRun {
  readonly data: RunData;
  /** The maps of each script, in the order of `scenario.probes`. */
  readonly maps: readonly (readonly MapData[])[];
  /** What the scripts printed. */
  readonly printed: string;
  readonly cost: readonly ProbeCost[];
  readonly output: ProcessOutput | undefined;
  readonly driverOutput: ProcessOutput | undefined;
}

export interface ControlRun {
  readonly free: ReadonlyMap<FreeMetricName, Num>;
}

export type ScenarioEnd =
  | { readonly kind: "measured" }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] }
  /** Nothing was run, as this machine does not have what the scenario requires. */
  | { readonly kind: "skipped"; readonly problems: readonly Problem[] }
  | { readonly kind: "interrupted" };

/** What a single run is for: to warm up, to be measured, or to show what the probes cost. */
export type RunKind = "warmup" | "run" | "control";

export interface SessionOptions {
  /** Ends what is running and leads to the teardown. */
  readonly interrupt: AbortSignal;
  /** Cuts short the teardown too. */
  readonly abandon: AbortSignal;
  /** A scenario that would be skipped is invalid instead. */
  readonly requireAll?: boolean;
  readonly onSteps?: (role: "setup" | "teardown") => void;
}

const MEASURED: ScenarioEnd = { kind: "measured" };
const INTERRUPTED: ScenarioEnd = { kind: "interrupted" };
const invalid = (...problems: Problem[]): ScenarioEnd => ({ kind: "invalid", problems });

export class ScenarioSession {
  readonly runs: MeasuredRun[] = [];
  readonly control: ControlRun[] = [];
  readonly warnings: string[] = [];
  enlarged: readonly Enlargement[] = [];
  readonly #prepared: PreparedScenario;
  readonly #scenario: Scenario;
  readonly #host: Host;
  readonly #options: SessionOptions;
  readonly #context: LaunchContext;
  #programs: readonly CompiledProgram[];
  #tracing: Tracing | undefined;
  #scope: Scope | undefined;
  #isSetUp = false;
  /** Steps whose children may still write into our pipes. */
  readonly #lingering: Launched[] = [];

  constructor(prepared: PreparedScenario, host: Host, options: SessionOptions) {
    this.#prepared = prepared;
    this.#scenario = prepared.scenario;
    this.#host = host;
    this.#options = options;
    this.#context = { host, user: prepared.user };
    this.#programs = prepared.scripts.map(({ program }) => program);
  }

  /** Loads the probes and runs the setup. Unless it answers `measured`, there is nothing to run. */
  async open(): Promise<ScenarioEnd> {
    const { missing, unsupported } = this.#prepared;
    if (missing.length > 0) return { kind: this.#options.requireAll ? "invalid" : "skipped", problems: missing };
    if (unsupported !== undefined) return invalid(unsupported);
    if (this.#options.interrupt.aborted) return INTERRUPTED;
    this.#scope = this.#host.scopes.open();
    // Before the setup, so that what the kernel refuses costs nobody anything.
    const loading = this.#load(this.#scope);
    if (loading !== undefined) return invalid(loading);
    this.#isSetUp = true;
    if (this.#scenario.workload.setup.length > 0) this.#options.onSteps?.("setup");
    return this.#steps("setup", this.#scope);
  }

  /** One good run, repeated where its maps were too small. Anything but `measured` is the end of the session. */
  async run(kind: RunKind): Promise<ScenarioEnd> {
    if (this.#scope === undefined) throw new Error("the session is not open");
    let end: ScenarioEnd | "repeat";
    do end = await this.#oneRun(kind, this.#scope);
    while (end === "repeat");
    return end;
  }

  /** Tears down and removes everything that opening and running has made. */
  async close(): Promise<void> {
    const scope = this.#scope;
    if (scope === undefined) return;
    this.#scope = undefined;
    try {
      if (this.#isSetUp) await this.#teardown(scope);
    } finally {
      this.#tracing?.close();
      this.warnings.push(...(await closeScope(scope, this.#lingering)));
    }
  }

  #load(scope: Scope): Problem | undefined {
    this.#tracing?.close();
    this.#tracing = undefined;
    if (this.#programs.length === 0) return undefined;
    try {
      this.#tracing = this.#host.tracer.load(this.#programs, scope.workload.cgroup);
      return undefined;
    } catch (error) {
      return tracingProblem(error);
    }
  }

  async #oneRun(kind: RunKind, scope: Scope): Promise<ScenarioEnd | "repeat"> {
    const before = await this.#steps("before", scope);
    if (before.kind !== "measured") return before;
    const tracing = kind === "control" ? undefined : this.#tracing;
    const context = { ...this.#context, workload: this.#scenario.workload, scope, interrupt: this.#options.interrupt };
    const run = await runWorkload(context, tracing);
    this.warnings.push(...run.warnings);
    if (run.interrupted) return INTERRUPTED;
    if (run.problems.length > 0) return invalid(...run.problems);
    const after = await this.#steps("after", scope);
    if (after.kind !== "measured") return after;
    return this.#accept(kind, run, scope);
  }

  /** Judges what was traced, and keeps it if it is good. */
  #accept(kind: RunKind, run: WorkloadRun, scope: Scope): ScenarioEnd | "repeat" {
    if (kind === "control") {
      this.control.push({ free: run.free });
      return MEASURED;
    }
    const { trace } = run;
    if (trace !== undefined && trace.fullMaps.length > 0) return this.#enlarge(trace, scope);
    if (kind === "warmup") return MEASURED;
    const problems = trace === undefined ? [] : traceProblems(trace, run.unattached);
    if (problems.length > 0) return invalid(...problems);
    this.runs.push({
      data: { maps: byName(trace?.maps ?? []), free: run.free },
      maps: trace?.maps ?? [],
      printed: trace?.output ?? "",
      cost: trace?.cost ?? [],
      output: run.output,
      driverOutput: run.driverOutput,
    });
    return MEASURED;
  }

  /** Makes full maps larger and has the run repeated; a map that cannot grow makes the scenario invalid. */
  #enlarge({ fullMaps }: TraceResult, scope: Scope): ScenarioEnd | "repeat" {
    const growth = growMaps(fullMaps, this.#prepared.scripts, this.#programs, this.enlarged);
    if (growth.kind === "impossible") return invalid(...growth.problems);
    this.#programs = growth.programs;
    this.enlarged = growth.enlargements;
    const problem = this.#load(scope);
    return problem === undefined ? "repeat" : invalid(problem);
  }

  async #steps(role: "setup" | "before" | "after", scope: Scope): Promise<ScenarioEnd> {
    const { interrupt } = this.#options;
    const steps = this.#scenario.workload[role];
    const outcome = await runSteps(this.#context, role, steps, scope.support, interrupt, this.#lingering);
    switch (outcome.kind) {
      case "ok":
        return MEASURED;
      case "interrupted":
        return INTERRUPTED;
      case "failed":
        return invalid(outcome.problem);
    }
  }

  /** Runs the teardown steps, all of them whatever happens to one: each may free something else. */
  async #teardown(scope: Scope): Promise<void> {
    const { teardown } = this.#scenario.workload;
    if (teardown.length > 0) this.#options.onSteps?.("teardown");
    for (const step of teardown) {
      const { abandon } = this.#options;
      const outcome = await runSteps(this.#context, "teardown", [step], scope.support, abandon, this.#lingering);
      if (outcome.kind === "failed") this.warnings.push(outcome.problem.message);
    }
  }
}

/** All maps by name. Where two scripts have one of the same name the first counts: no metric reads those. */
function byName(scripts: readonly (readonly MapData[])[]): Map<string, MapData> {
  const maps = new Map<string, MapData>();
  for (const map of scripts.flat()) if (!maps.has(map.name)) maps.set(map.name, map);
  return maps;
}
