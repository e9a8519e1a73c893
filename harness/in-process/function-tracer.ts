/**
 * Tracing a function of this very thread. Everything is compiled, loaded and attached once; a trace is then a write to
 * memory before the function and another one after it, with not a single system call of ours between them.
 */
import { readdir } from "node:fs/promises";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import type { Scenario } from "../config/scenario.ts";
import { type PreparationHost, prepare } from "../runner/prepare.ts";
import { hostUsers } from "../runner/users.ts";
import { hostFacts } from "../tracing/facts/host-facts.ts";
import { problemError, traceFailure } from "./availability.ts";
import { type Caller, identifyCaller } from "./caller.ts";
import { CallMaps, type Calls, compileCalls } from "./calls.ts";
import { isEventfd, servesRuntime } from "./descriptors.ts";
import { TraceError } from "./errors.ts";
import { probeKey, scenarioOf, type TraceOptions } from "./options.ts";
import { findPool, PoolWatch, poolSize } from "./pool.ts";
import { FunctionTrace, type ProbeCost, type TraceData, type Unattributed } from "./result.ts";
import { SwitchedScript } from "./switched-script.ts";
import { RUNTIME_CALLS, SyscallNames } from "./syscall-names.ts";

/** The probes of one request, attached. */
interface ProbeSet {
  readonly scenario: Scenario;
  readonly scripts: readonly SwitchedScript[];
}

export interface TracerOptions {
  /** Keeps account of what the probes cost. */
  readonly cost?: boolean;
}

export class FunctionTracer {
  readonly #facts: KernelFacts;
  readonly #names: SyscallNames;
  readonly #caller: Caller;
  /** Of worker threads only: what a main thread's process does is the function's, whichever thread does it. */
  readonly #pool: PoolWatch | undefined;
  readonly #calls: SwitchedScript;
  readonly #sets = new Map<string, ProbeSet>();
  readonly #options: TracerOptions;
  #running = false;

  private constructor(facts: KernelFacts, caller: Caller, pool: PoolWatch | undefined, options: TracerOptions) {
    this.#options = options;
    this.#facts = facts;
    this.#names = new SyscallNames(facts.arch);
    this.#caller = caller;
    this.#pool = pool;
    this.#calls = new SwitchedScript(compileCalls(facts, caller.scope, caller.process), caller, options);
  }

  /** Throws TraceUnavailableError where the machine does not permit tracing. */
  static async open(options: TracerOptions = {}): Promise<FunctionTracer> {
    if (process.env.UV_USE_IO_URING === "1") {
      throw new TraceError(
        "with UV_USE_IO_URING=1 libuv hands file access to the kernel without system calls, and counts would be too low\n" +
          "  help: take UV_USE_IO_URING out of the environment",
      );
    }
    try {
      const facts = hostFacts();
      const caller = identifyCaller(facts);
      await warmUpPool();
      const pool = caller.scope === "thread" ? new PoolWatch(await findPool(caller, facts), caller, facts) : undefined;
      return new FunctionTracer(facts, caller, pool, options);
    } catch (error) {
      throw traceFailure(error);
    }
  }

  /** The calling process and thread, as the kernel counts them. */
  get process(): number {
    return this.#caller.process;
  }

  get thread(): number {
    return this.#caller.thread;
  }

  /** Throws TraceError, and whatever the function throws. */
  async trace<T>(work: () => T, options: TraceOptions): Promise<FunctionTrace<Awaited<T>>> {
    if (this.#running) {
      throw new TraceError(
        "trace() was called while another trace of this thread was running: neither count could be told from the other\n" +
          "  help: await each trace before the next; in concurrent tests there is no telling them apart",
      );
    }
    this.#running = true;
    try {
      return await this.#run(work, this.#probeSet(options));
    } finally {
      this.#pool?.stop();
      this.#running = false;
    }
  }

  close(): void {
    this.#calls.close();
    this.#pool?.close();
    for (const { scripts } of this.#sets.values()) for (const script of scripts) script.close();
  }

  async #run<T>(work: () => T, { scenario, scripts }: ProbeSet): Promise<FunctionTrace<Awaited<T>>> {
    const all = [this.#calls, ...scripts];
    const pool = this.#pool;
    for (const script of all) script.prepare(pool?.threads);
    await pool?.begin();
    const printing = scripts.filter(({ prints }) => prints);
    const drain = (): void => {
      for (const script of printing) script.drain();
    };
    const draining = printing.length > 0 ? setInterval(drain, DRAIN_MS).unref() : undefined;
    const { value, durationNs } = await measured(work, all).finally(() => clearInterval(draining));
    for (const script of all) script.finish();
    const maps = new CallMaps(this.#calls.maps(), this.#names, servesRuntime);
    const counts = await this.#attribute(maps);
    const data: TraceData = {
      ...counts,
      durationNs,
      maps: scripts.flatMap((script) => script.maps()),
      printed: scripts.map(({ printed }) => printed).join(""),
      free: new Map([["duration", BigInt(durationNs)]]),
    };
    return new FunctionTrace(value, data, scenario, {
      probeCost: this.#options.cost ? totalCost(all) : undefined,
      isInternal: maps.isInternal,
    });
  }

  /** What is the function's, and what cannot be told. */
  async #attribute(maps: CallMaps): Promise<Calls & Pick<TraceData, "processes" | "unattributed">> {
    const { processes } = maps;
    const pool = this.#pool;
    if (pool === undefined) return { ...maps.of(() => true), processes, unattributed: undefined };
    const inPool = (thread: number): boolean => pool.threads.has(thread);
    const own = maps.of((thread) => !inPool(thread));
    const pooled = maps.of(inPool);
    if (Object.keys(pooled.syscalls).every((name) => RUNTIME_CALLS.has(name)))
      return { ...own, processes, unattributed: undefined };
    const isCaller = (thread: number): boolean => thread === this.#caller.thread;
    const loopTurned = [...maps.descriptorsOf("read", isCaller, this.#facts)].some(isEventfd);
    switch (await pool.end(loopTurned)) {
      case "function":
        return { ...maps.of(() => true), processes, unattributed: undefined };
      case "others":
        return { ...own, processes, unattributed: undefined };
      case "unknown":
        return { ...own, processes, unattributed: { ...pooled, reason: SHARED_POOL } satisfies Unattributed };
    }
  }

  #probeSet(options: TraceOptions): ProbeSet {
    const key = probeKey(options);
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    const set = this.#attach(options);
    this.#sets.set(key, set);
    return set;
  }

  #attach(options: TraceOptions): ProbeSet {
    const scenario = scenarioOf(options);
    const diags = new Diagnostics();
    const prepared = prepare([scenario], this.#preparation(), diags);
    if (prepared === undefined) throw new TraceError(renderDiagnostics(diags.errors));
    const { scripts: compiled, unsupported } = prepared[0]!;
    if (unsupported !== undefined) throw problemError(unsupported);
    const scripts: SwitchedScript[] = [];
    try {
      for (const { program } of compiled) scripts.push(new SwitchedScript(program, this.#caller, this.#options));
      return { scenario, scripts };
    } catch (error) {
      for (const script of scripts) script.close();
      throw traceFailure(error);
    }
  }

  #preparation(): PreparationHost {
    return {
      compile: (source, diags, options) => compile(source, this.#facts, diags, options),
      users: hostUsers(),
      hasProgram: () => true,
      scopes: { kind: this.#caller.scope },
    };
  }
}

/**
 * libuv makes its pool when it is first needed, and the C library a heap for each thread that allocates: a function shall
 * not be the one to pay for that.
 */
async function warmUpPool(): Promise<void> {
  await Promise.all(Array.from({ length: 4 * poolSize() }, () => readdir("/")));
}

function totalCost(scripts: readonly SwitchedScript[]): ProbeCost {
  const programs = scripts.flatMap(({ session }) => session.cost());
  return {
    hits: programs.reduce((sum, { hits }) => sum + hits, 0),
    ns: programs.reduce((sum, { ns }) => sum + ns, 0),
  };
}

/** How often probes that print are listened to while a function is awaited. */
const DRAIN_MS = 20;

const SHARED_POOL =
  "libuv's pool, which all worker threads of a process share, worked for others at the same time\n" +
  '  help: run these tests in processes of their own, with `pool: "forks"` in the vitest configuration';

/** The heart of it: between the first switch and the last there is nothing but the function. */
async function measured<T>(
  work: () => T,
  scripts: readonly SwitchedScript[],
): Promise<{ value: Awaited<T>; durationNs: number }> {
  const start = process.hrtime.bigint();
  for (const script of scripts) script.on();
  try {
    const result = work();
    // Awaiting would put off the end of what has ended.
    const value = isThenable(result) ? await result : (result as Awaited<T>);
    return { value, durationNs: Number(process.hrtime.bigint() - start) };
  } finally {
    for (const script of scripts) script.off();
  }
}

function isThenable<T>(value: T): value is T & PromiseLike<Awaited<T>> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
