/**
 * libuv's pool: the threads that do a process's file system, DNS, compression and cryptography work. All worker threads of
 * a process share them, and nothing in a pool thread's system calls says for whom it works. But when it has finished
 * something it wakes the loop that waits for it, which is the evidence used here.
 */
import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import { syscallNumber } from "../../compiler/syscalls.ts";
import { loadSession } from "../tracing/session.ts";
import type { Caller } from "./caller.ts";
import { eventfds, hasPendingWakeUp, isEventfd } from "./descriptors.ts";
import { TraceError } from "./errors.ts";
import { compileOwn, plainMaps, rows } from "./own-script.ts";
import { SwitchedScript } from "./switched-script.ts";

export interface Pool {
  /** As the kernel counts them. */
  readonly threads: ReadonlySet<number>;
  /** The eventfd of the calling thread's loop. */
  readonly loop: number;
}

/** The size of the pool where UV_THREADPOOL_SIZE does not say otherwise. */
const DEFAULT_SIZE = 4;
const PATIENCE_MS = 3_000;

/** Finds the threads of the pool by giving them work that can be recognised. */
export async function findPool(caller: Caller, facts: KernelFacts): Promise<Pool> {
  const marker = `/probewright-pool-of-${caller.thread}`;
  const program = compileOwn(
    "pool",
    `tracepoint:syscalls:sys_enter_statfs /pid == $1 && str(args.pathname, 64) == "${marker}"/ { @pool[tid] = count(); }
     tracepoint:syscalls:sys_enter_read /tid == $2/ { @reads[args.fd] = count(); }`,
    facts,
    { parameters: [String(caller.process), String(caller.thread)] },
  );
  const size = poolSize();
  using session = loadSession(program);
  session.start();
  const deadline = Date.now() + PATIENCE_MS;
  for (let pause = 0; ; pause += 1) {
    await Promise.all(Array.from({ length: 4 * size }, () => statfs(marker).catch(() => undefined)));
    const maps = plainMaps(session);
    const threads = new Set(rows(maps, "@pool").map(({ key }) => Number(key[0])));
    const loops = new Set(eventfds());
    const loop = rows(maps, "@reads").find(({ key }) => loops.has(Number(key[0])))?.key[0];
    if (threads.size === size && loop !== undefined) return { threads, loop: Number(loop) };
    if (Date.now() > deadline) {
      throw new TraceError(
        `of the ${size} threads of libuv's pool only ${threads.size} could be found, so their work cannot be told from other workers'\n` +
          '  help: run these tests in processes of their own, with `pool: "forks"` in the vitest configuration',
      );
    }
    await sleep(pause);
  }
}

/** The number of the pool's threads, as libuv reads it. */
export function poolSize(setting = process.env.UV_THREADPOOL_SIZE): number {
  if (setting === undefined) return DEFAULT_SIZE;
  const size = Number.parseInt(setting, 10);
  return Number.isNaN(size) || size <= 0 ? 1 : Math.min(size, 1024);
}

/**
 * Watches the pool while one function after the other runs, to say afterwards for whom it worked. The evidence holds
 * because everything that the pool finishes is followed by a wake-up of the loop that waits for it, unless that loop has one
 * pending already: so no loop may have one when the function begins, and the pool must have come to rest in the end.
 */
export class PoolWatch {
  readonly threads: ReadonlySet<number>;
  readonly #loop: number;
  readonly #caller: Caller;
  readonly #wakeUps: SwitchedScript;
  /** As /proc shows a thread that waits. */
  readonly #waiting: string;
  #quiet = false;

  constructor({ threads, loop }: Pool, caller: Caller, facts: KernelFacts) {
    this.threads = threads;
    this.#loop = loop;
    this.#caller = caller;
    this.#waiting = `${syscallNumber(facts.arch, "futex")} `;
    const script = "tracepoint:syscalls:sys_enter_write { @writes[tid, args.fd] = count(); }";
    this.#wakeUps = new SwitchedScript(compileOwn("wake-ups", script, facts, { scope: "thread" }), caller);
  }

  /** Waits for a quiet moment, in vain if need be, and watches from then on. */
  async begin(): Promise<void> {
    this.#wakeUps.prepare(this.threads);
    this.#quiet = await this.#untilQuiet();
    this.#wakeUps.on();
  }

  /**
   * For whom the pool worked since then: the function, others, or that cannot be told. Only work that the function has
   * waited for is its own. `loopTurned`: whether anybody has woken the calling thread's loop while the function ran.
   */
  async end(loopTurned: boolean): Promise<"function" | "others" | "unknown"> {
    try {
      if (!loopTurned) return "others";
      if (!this.#quiet) return "unknown";
      const rested = await this.#untilQuiet();
      const writes = rows(this.#wakeUps.maps(), "@writes").filter(({ key }) => this.threads.has(Number(key[0])));
      const woken = new Set(writes.map(({ key }) => Number(key[1])).filter(isEventfd));
      if (!woken.has(this.#loop)) return "others";
      return rested && woken.size === 1 ? "function" : "unknown";
    } finally {
      this.#wakeUps.off();
    }
  }

  close(): void {
    this.#wakeUps.close();
  }

  async #untilQuiet(): Promise<boolean> {
    for (let tries = 0; ; tries++) {
      if (this.#isQuiet()) return true;
      if (tries === 20) return false;
      await (tries < 3 ? setImmediate() : sleep(1));
    }
  }

  #isQuiet(): boolean {
    // In a PID namespace these numbers mean other threads to /proc, or none.
    if (this.#caller.process !== process.pid) return false;
    return [...this.threads].every((thread) => this.#waits(thread)) && !eventfds().some(hasPendingWakeUp);
  }

  #waits(thread: number): boolean {
    return readFileSync(`/proc/self/task/${thread}/syscall`, "latin1").startsWith(this.#waiting);
  }
}
