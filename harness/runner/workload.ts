/**
 * One run of a workload, from the stopped process to the last of its descendants. The run begins when the process is
 * released and ends when it exits, or, for a server, when its driver does; what the run started and left behind is
 * killed. Whatever happens, nothing stays alive.
 */
import type { ExitStatus } from "../../native/index.ts";
import type { Driver, Ready, Workload } from "../config/scenario.ts";
import type { Num } from "../metrics/ast.ts";
import type { FreeMetricName } from "../metrics/run-data.ts";
import type { Ended, TraceResult, Tracing, UnattachedProbe } from "./host.ts";
import { type LaunchContext, type Launched, launch, release } from "./launch.ts";
import { commandText, milliseconds, type Problem, type ProcessOutput, processList, roleName } from "./problems.ts";
import { alreadyReady, readyText, untilReady } from "./ready.ts";
import type { CpuTime, Scope, Survivors } from "./scope.ts";
import { endText, statusOf } from "./steps.ts";
import { tracingProblem } from "./tracing-problems.ts";
import { within } from "./within.ts";

/** How long a server may take to end after SIGTERM. */
const STOP_PATIENCE_MS = 5_000;
/** How long processes that outlive the workload may take to end by themselves: those that are just exiting. */
const SETTLE_MS = 50;
/** How long we listen for the last words of processes that are gone. */
const OUTPUT_PATIENCE_MS = 1_000;

export interface RunContext extends LaunchContext {
  readonly workload: Workload;
  readonly scope: Scope;
  readonly interrupt: AbortSignal;
}

export interface WorkloadRun {
  readonly interrupted: boolean;
  /** With any, the run's numbers are worthless. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  readonly free: ReadonlyMap<FreeMetricName, Num>;
  /** Undefined without probes, or when the run did not get that far. */
  readonly trace: TraceResult | undefined;
  readonly unattached: readonly UnattachedProbe[];
  /** How the workload ended; undefined when the run did not get that far. */
  readonly status: ExitStatus | undefined;
  readonly output: ProcessOutput | undefined;
  readonly driverOutput: ProcessOutput | undefined;
}

/** How the measured part of a run came to its end. */
type End =
  /** `status` is undefined while a server still runs. */
  | { readonly kind: "ended"; readonly at: bigint; readonly status: ExitStatus | undefined }
  | { readonly kind: "broken"; readonly problem: Problem }
  | { readonly kind: "interrupted" };

/** Runs the workload once; with `tracing` its events are counted from the first instruction on. */
export async function runWorkload(context: RunContext, tracing: Tracing | undefined): Promise<WorkloadRun> {
  const { workload, scope } = context;
  scope.workload.begin();
  const taken = workload.ready && alreadyReady(workload.ready);
  if (taken !== undefined) return broken(notReady(taken, "is something from an earlier run still there?"));
  const server = launch(context, "workload", workload, scope.workload);
  if (!("child" in server)) return broken(server);
  try {
    return await new Run(context, tracing, server).go();
  } finally {
    const stuck = await scope.workload.empty();
    // A process that cannot be killed keeps its descriptors, or its end would go unheard.
    if (!stuck.some(({ pid }) => pid === server.child.pid)) {
      await server.exited;
      server.child.close();
    }
  }
}

function broken(problem: Problem): WorkloadRun {
  return {
    interrupted: false,
    problems: [problem],
    warnings: [],
    free: new Map(),
    trace: undefined,
    unattached: [],
    status: undefined,
    output: undefined,
    driverOutput: undefined,
  };
}

class Run {
  readonly #context: RunContext;
  readonly #tracing: Tracing | undefined;
  readonly #server: Launched;
  #driver: Launched | undefined;
  readonly #problems: Problem[] = [];
  readonly #warnings: string[] = [];

  constructor(context: RunContext, tracing: Tracing | undefined, server: Launched) {
    this.#context = context;
    this.#tracing = tracing;
    this.#server = server;
  }

  async go(): Promise<WorkloadRun> {
    const { host, scope, workload } = this.#context;
    let unattached: readonly UnattachedProbe[] = [];
    try {
      unattached = this.#tracing?.start(this.#server.child.pid) ?? [];
    } catch (error) {
      return broken(tracingProblem(error));
    }
    const cpuBefore = scope.workload.cgroup?.cpuTime();
    const start = host.clock.now();
    const end = await this.#untilEnd(workload);
    const cpuAfter = scope.workload.cgroup?.cpuTime();
    const trace = this.#stopTracing();
    if (end.kind === "broken") this.#problems.push(end.problem);
    const status = end.kind === "ended" ? (end.status ?? (await this.#stopServer())) : undefined;
    await this.#clearAway(end);
    if (status !== undefined) this.#checkStatus(status, workload);
    return {
      interrupted: end.kind === "interrupted",
      // Output is complete only now, so it is added here.
      problems: this.#problems.map((problem) => this.#withOutput(problem)),
      warnings: this.#warnings,
      free: end.kind === "ended" && status ? freeMetrics(end.at - start, status, cpuBefore, cpuAfter) : new Map(),
      trace,
      unattached,
      status,
      output: this.#server.output,
      driverOutput: this.#driver?.output,
    };
  }

  async #untilEnd(workload: Workload): Promise<End> {
    const problem = release(this.#server, this.#context, this.#tracing);
    if (problem !== undefined) return { kind: "broken", problem };
    return workload.driver === undefined
      ? this.#untilExit(workload.timeoutMs)
      : this.#untilDriven(workload, workload.driver);
  }

  #stopTracing(): TraceResult | undefined {
    try {
      const trace = this.#tracing?.stop();
      this.#warnings.push(...(trace?.warnings ?? []));
      return trace;
    } catch (error) {
      this.#problems.push(tracingProblem(error));
      return undefined;
    }
  }

  async #untilExit(timeoutMs: number): Promise<End> {
    const { host, interrupt } = this.#context;
    const waited = await within(host.clock, timeoutMs, interrupt, this.#server.exited);
    switch (waited.kind) {
      case "done":
        return { kind: "ended", at: waited.value.at, status: waited.value.status };
      case "timeout":
        return { kind: "broken", problem: timeout(this.#server, timeoutMs) };
      case "interrupted":
        return waited;
    }
  }

  /** The server gets ready, the driver does its work, and the driver's end is the end. */
  async #untilDriven(workload: Workload, driver: Driver): Promise<End> {
    const { host } = this.#context;
    const deadline = host.clock.now() + BigInt(workload.timeoutMs) * 1_000_000n;
    if (workload.ready !== undefined) {
      const early = await this.#untilServing(workload, workload.ready);
      if (early !== undefined) return early;
    }
    const launched = launch(this.#context, "driver", driver, this.#context.scope.support);
    if (!("child" in launched)) return { kind: "broken", problem: launched };
    this.#driver = launched;
    try {
      const problem = release(launched, this.#context);
      if (problem !== undefined) return { kind: "broken", problem };
      return await this.#whileDriving(launched, driver, workload, deadline);
    } finally {
      // Whatever ended the wait, the driver and its children end with it.
      launched.child.kill("SIGKILL", "group");
      await launched.exited;
      await within(host.clock, OUTPUT_PATIENCE_MS, this.#context.interrupt, launched.child.outputEnded);
      launched.child.close();
    }
  }

  /** Answers how the run ended, if it did before the server was ready. */
  async #untilServing(workload: Workload, ready: Ready): Promise<End | undefined> {
    const { host, interrupt } = this.#context;
    const limit = Math.min(ready.timeoutMs, workload.timeoutMs);
    const giveUp = new AbortController();
    try {
      const first = await within(
        host.clock,
        limit,
        interrupt,
        Promise.race([
          untilReady(ready, this.#server, host.clock, giveUp.signal).then(() => "ready" as const),
          this.#server.exited,
        ]),
      );
      if (first.kind === "interrupted") return first;
      if (first.kind === "timeout") {
        const what = `${readyText(ready)} did not appear within ${milliseconds(limit)}`;
        return { kind: "broken", problem: notReady(what, "is `ready` right, or its `timeout` too short?") };
      }
      if (first.value === "ready") return undefined;
      return { kind: "broken", problem: endedEarly(this.#server, first.value.status, "before it was ready") };
    } finally {
      giveUp.abort();
    }
  }

  async #whileDriving(launched: Launched, driver: Driver, workload: Workload, deadline: bigint): Promise<End> {
    const { host, interrupt } = this.#context;
    const left = Math.max(1, Number((deadline - host.clock.now()) / 1_000_000n));
    const limit = Math.min(driver.timeoutMs, left);
    // A server may end by itself only if the scenario says with which status.
    const lost = this.#server.exited.then<Ended | ExitStatus>(({ status }) =>
      statusOf(status) === workload.expectExit ? launched.exited : status,
    );
    const first = await within(host.clock, limit, interrupt, Promise.race([launched.exited, lost]));
    if (first.kind === "interrupted") return first;
    if (first.kind === "timeout") return { kind: "broken", problem: timeout(launched, limit) };
    if (!("at" in first.value)) {
      return { kind: "broken", problem: endedEarly(this.#server, first.value, "before its driver was done") };
    }
    const { at, status } = first.value;
    if (statusOf(status) !== driver.expectExit) {
      const expected = driver.expectExit === 0 ? "" : ` instead of status ${driver.expectExit}`;
      const message = `${roleName("driver")} \`${commandText(driver.command)}\` ${endText(status)}${expected}`;
      return { kind: "broken", problem: { kind: "driver-failed", message } };
    }
    return { kind: "ended", at, status: undefined };
  }

  /** Asks the server to end, and makes it end when it does not. */
  async #stopServer(): Promise<ExitStatus> {
    const { host, interrupt, scope } = this.#context;
    this.#server.child.kill("SIGTERM", "group");
    const waited = await within(host.clock, STOP_PATIENCE_MS, interrupt, this.#server.exited);
    if (waited.kind === "done") return waited.value.status;
    if (waited.kind === "timeout")
      this.#warnings.push(
        `the workload was killed: it did not end within ${milliseconds(STOP_PATIENCE_MS)} of SIGTERM`,
      );
    await scope.workload.empty();
    return (await this.#server.exited).status;
  }

  /** Kills what the workload left behind, and judges it. */
  async #clearAway(end: End): Promise<void> {
    const { host, scope, workload } = this.#context;
    if (end.kind === "ended") {
      const { inside, outside } = await this.#survivors();
      if (outside.length > 0) this.#problems.push(escaped(outside));
      // Helpers of a server that we ended ourselves had no chance to end before it.
      if (inside.length > 0 && workload.driver === undefined)
        this.#warnings.push(`killed what the workload left running: ${processList(inside)}`);
    }
    const stuck = await scope.workload.empty();
    if (stuck.length > 0) {
      const message = `these processes cannot be killed: ${processList(stuck)}`;
      this.#problems.push({
        kind: "stuck",
        message,
        help: "they hang in the kernel, usually on a device or a network file system",
      });
      return;
    }
    await this.#server.exited;
    // Nobody holds the pipes any more, so their end is near; it is not for the interruption to cut the last words.
    await within(host.clock, OUTPUT_PATIENCE_MS, NEVER, this.#server.child.outputEnded);
  }

  async #survivors(): Promise<Survivors> {
    const { clock } = this.#context.host;
    const cell = this.#context.scope.workload;
    const deadline = clock.now() + BigInt(SETTLE_MS) * 1_000_000n;
    for (let pause = 1; ; pause *= 2) {
      const survivors = cell.survivors();
      if (survivors.inside.length + survivors.outside.length === 0 || clock.now() >= deadline) return survivors;
      await clock.sleep(pause);
    }
  }

  #checkStatus(status: ExitStatus, { expectExit, command }: Workload): void {
    if (expectExit === undefined || statusOf(status) === expectExit) return;
    const expected = expectExit === 0 ? "" : ` instead of status ${expectExit}`;
    this.#problems.push({
      kind: "exit-status",
      message: `the workload \`${commandText(command)}\` ${endText(status)}${expected}`,
      help: status.code === null ? undefined : `if that is right, say \`expect-exit: ${status.code}\``,
    });
  }

  #withOutput(problem: Problem): Problem {
    const atFault = problem.kind === "driver-failed" ? this.#driver : this.#server;
    return ABOUT_PROCESSES.has(problem.kind) && atFault ? { ...problem, output: atFault.output } : problem;
  }
}

/** Problems to which what the process printed may hold the key. */
const ABOUT_PROCESSES: ReadonlySet<Problem["kind"]> = new Set([
  "exit-status",
  "timeout",
  "not-ready",
  "ended-early",
  "driver-failed",
  "script-exit",
]);

const NEVER = new AbortController().signal;

function timeout({ role, step }: Launched, ms: number): Problem {
  return {
    kind: "timeout",
    message: `${roleName(role)} \`${commandText(step.command)}\` did not end within ${milliseconds(ms)}; it was killed`,
    help: "if it needs longer, raise `timeout`",
  };
}

function notReady(what: string, help: string): Problem {
  return { kind: "not-ready", message: `the workload did not get ready: ${what}`, help };
}

function endedEarly({ step }: Launched, status: ExitStatus, when: string): Problem {
  return {
    kind: "ended-early",
    message: `the workload \`${commandText(step.command)}\` ${endText(status)} ${when}`,
    help: status.code === null ? undefined : `if it may, say \`expect-exit: ${status.code}\``,
  };
}

function escaped(processes: Survivors["outside"]): Problem {
  return {
    kind: "escaped",
    message: `not everything was measured: ${processList(processes)} left the workload's cgroup; killed`,
    help: "the workload must not move its processes to other cgroups",
  };
}

/**
 * What comes for free with every run. CPU time is the cgroup's where there is one: it covers also those for whom nobody
 * waited. The rest is what the kernel accounts to the main process and the children it waited for.
 */
function freeMetrics(
  duration: bigint,
  { usage }: ExitStatus,
  before: CpuTime | undefined,
  after: CpuTime | undefined,
): Map<FreeMetricName, Num> {
  const cpu =
    before && after
      ? { user: after.user - before.user, system: after.system - before.system }
      : { user: BigInt(usage.userTimeUs) * 1000n, system: BigInt(usage.systemTimeUs) * 1000n };
  return new Map<FreeMetricName, Num>([
    ["duration", duration],
    ["cpu_user", cpu.user],
    ["cpu_system", cpu.system],
    ["max_rss", BigInt(usage.maxRssKiB) * 1024n],
    ["page_faults", BigInt(usage.minorFaults + usage.majorFaults)],
    ["context_switches", BigInt(usage.voluntarySwitches + usage.involuntarySwitches)],
  ]);
}
