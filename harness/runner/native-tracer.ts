/** The tracer on the real kernel: one session for each script of a scenario, traced run by run. */
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import type { MapData } from "../metrics/run-data.ts";
import type { AttachError } from "../tracing/attach.ts";
import { loadsPerRun } from "../tracing/host-constants.ts";
import { kernelPid } from "../tracing/kernel-pid.ts";
import { mapData } from "../tracing/metric-data.ts";
import { TextOutput } from "../tracing/output/text.ts";
import { ScriptOutput } from "../tracing/script-output.ts";
import { loadSession, type Session } from "../tracing/session.ts";
import { decodeMap } from "../tracing/snapshot.ts";
import { releaseToEntry } from "../tracing/unwind/run-to-entry.ts";
import type { Child, TraceResult, Tracer, Tracing, UnattachedProbe } from "./host.ts";
import { OutputCapture, outputText } from "./output.ts";
import type { CellCgroup } from "./scope.ts";

export function nativeTracer(facts: KernelFacts): Tracer {
  return {
    load: (programs, cgroup) => {
      const scripts: TracedScript[] = [];
      try {
        for (const program of programs) scripts.push(new TracedScript(program, cgroup, facts));
        return new NativeTracing(scripts);
      } catch (error) {
        for (const script of scripts) script.close();
        throw error;
      }
    },
  };
}

class NativeTracing implements Tracing {
  readonly #scripts: readonly TracedScript[];
  #printed = new OutputCapture();
  /** Why the workload could not be followed to where its stacks can be unwound. */
  #lost: { error: unknown } | undefined;

  constructor(scripts: readonly TracedScript[]) {
    this.#scripts = scripts;
  }

  start(workload: number): readonly UnattachedProbe[] {
    this.#printed = new OutputCapture();
    const missing: AttachError[] = [];
    try {
      for (const script of this.#scripts) script.begin(workload, this.#printed);
      for (const script of this.#scripts) missing.push(...script.session.attach());
      for (const script of this.#scripts) script.iterate();
    } catch (error) {
      for (const script of this.#scripts) script.detach();
      throw error;
    }
    return missing.flatMap(({ probes, message }) => probes.map((probe) => ({ probe, reason: message })));
  }

  release(workload: Child): void {
    const sessions = this.#scripts.map(({ session }) => session).filter(({ unwinds }) => unwinds);
    if (sessions.length === 0) {
      workload.release();
      return;
    }
    this.#lost = undefined;
    releaseToEntry(workload, () => {
      for (const session of sessions) session.unwind(workload.pid);
    }).catch((error) => {
      this.#lost = { error };
    });
  }

  stop(): TraceResult {
    // All of them first, so that the last one does not count while the others are read.
    for (const script of this.#scripts) script.detach();
    if (this.#lost) throw this.#lost.error;
    for (const script of this.#scripts) script.end();
    const health = this.#scripts.map(({ session }) => session.health());
    return {
      maps: this.#scripts.map((script) => script.read()),
      output: outputText(this.#printed.read()),
      lostEvents: health.reduce((sum, { lostEvents }) => sum + BigInt(lostEvents), 0n),
      endlessLoops: health.reduce((sum, { endlessLoops }) => sum + BigInt(endlessLoops), 0n),
      fullMaps: health.flatMap(({ failedUpdates }, program) =>
        failedUpdates.map(({ map, count }) => ({ program, map, failed: BigInt(count) })),
      ),
      refusals: health.flatMap(({ refusals }) => refusals),
      missed: health.flatMap(({ missedRuns }) =>
        missedRuns.map(({ probes, count }) => ({ probe: probes.join(", "), count: BigInt(count) })),
      ),
      exited: this.#scripts.some(({ exited }) => exited),
      cost: this.#scripts.flatMap(({ session }) =>
        session.cost().map(({ probes, hits, ns }) => ({ probes, hits: BigInt(hits), ns: BigInt(ns) })),
      ),
      warnings: this.#scripts.flatMap((script) => script.takeWarnings()),
    };
  }

  close(): void {
    for (const script of this.#scripts) script.close();
  }
}

/** One script: its session, and the output of the present run. */
class TracedScript {
  readonly #program: CompiledProgram;
  readonly #cgroup: CellCgroup | undefined;
  readonly #facts: KernelFacts;
  #session: Session;
  #output: ScriptOutput | undefined;
  #warnings: string[] = [];

  constructor(program: CompiledProgram, cgroup: CellCgroup | undefined, facts: KernelFacts) {
    this.#program = program;
    this.#cgroup = cgroup;
    this.#facts = facts;
    this.#session = this.#load(undefined);
  }

  get session(): Session {
    return this.#session;
  }

  get exited(): boolean {
    return this.#output?.exitCode !== undefined;
  }

  /** Those of the last run. */
  takeWarnings(): string[] {
    return this.#warnings.splice(0);
  }

  /** Makes everything as if just loaded, and runs the begin probes. */
  begin(workload: number, printed: OutputCapture): void {
    if (loadsPerRun(this.#program)) {
      this.#session.close();
      this.#session = this.#load(workload);
    }
    const session = this.#session;
    const append = (bytes: Uint8Array): void => printed.append(bytes);
    // Bytes are kept as they are; who shows them makes them harmless.
    const output = new ScriptOutput(session, new TextOutput({ out: append, err: append }, { out: false, err: false }));
    this.#output = output;
    session.reset();
    if (this.#program.scopeTree !== undefined) session.addToScope(kernelPid(workload, this.#facts));
    session.onReadable(() => session.drain(output.visit));
    session.begin();
  }

  /** Runs the script's iterators, before the workload's first instruction. */
  iterate(): void {
    while (this.#session.iterate()) this.#session.drain(this.#output!.visit);
  }

  detach(): void {
    this.#session.detach();
    this.#session.onReadable(undefined);
  }

  /** Runs the end probes and takes what is left in the buffer. */
  end(): void {
    const { visit } = this.#output!;
    this.#session.drain(visit);
    this.#session.end();
    this.#session.drain(visit);
  }

  read(): MapData[] {
    const { presentation } = this.#output!;
    return this.#session.readMaps().map((snapshot) => mapData(decodeMap(snapshot), presentation));
  }

  close(): void {
    this.#session.close();
  }

  #load(workload: number | undefined): Session {
    const scopeCgroup = this.#cgroup && { id: this.#cgroup.id, level: this.#cgroup.level };
    return loadSession(this.#program, {
      scopeCgroup,
      workloadPid: workload,
      cost: true,
      kernelPid: (pid) => kernelPid(pid, this.#facts),
      onWarning: (message) => this.#warnings.push(message),
    });
  }
}
