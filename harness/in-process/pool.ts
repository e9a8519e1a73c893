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
 * pending already. So the watch begins before it is made sure that no loop has one pending and that the pool rests; and it ends
 * after every thread was seen at rest once more, for then whatever it had begun has been followed by its wake-up.
 */
export class PoolWatch {
  readonly threads: ReadonlySet<number>;
  readonly #loop: number;
  readonly #caller: Caller;
  readonly #wakeUps: SwitchedScript;
  readonly #futex: number | undefined;
  #quiet = false;

  constructor({ threads, loop }: Pool, caller: Caller, facts: KernelFacts) {
    this.threads = threads;
    this.#loop = loop;
    this.#caller = caller;
    this.#futex = syscallNumber(facts.arch, "futex");
    const script = "tracepoint:syscalls:sys_enter_write { @writes[tid, args.fd] = count(); }";
    this.#wakeUps = new SwitchedScript(compileOwn("wake-ups", script, facts, { scope: "thread" }), caller);
  }

  /** Waits for a quiet moment, in vain if need be, and watches from then on. */
  async begin(): Promise<void> {
    this.#quiet = await patiently(() => {
      this.#wakeUps.prepare(this.threads);
      this.#wakeUps.on();
      return this.#rests() && !eventfds().some(hasPendingWakeUp) && this.#woken().size === 0;
    });
  }

  /**
   * For whom the pool worked since then: the function, others, or that cannot be told. Only work that the function has
   * waited for is its own. `loopTurned`: whether anybody has woken the calling thread's loop while the function ran.
   */
  async end(loopTurned: boolean): Promise<"function" | "others" | "unknown"> {
    if (!loopTurned) return "others";
    if (!this.#quiet || !(await patiently(() => this.#rests()))) return "unknown";
    const woken = this.#woken();
    if (!woken.has(this.#loop)) return "others";
    return woken.size === 1 ? "function" : "unknown";
  }

  /** Watches no longer. */
  stop(): void {
    this.#wakeUps.off();
  }

  close(): void {
    this.#wakeUps.close();
  }

  /** The loops that the pool has woken since the watch began. */
  #woken(): Set<number> {
    const writes = rows(this.#wakeUps.maps(), "@writes").filter(({ key }) => this.threads.has(Number(key[0])));
    return new Set(writes.map(({ key }) => Number(key[1])).filter(isEventfd));
  }

  #rests(): boolean {
    // In a PID namespace these numbers mean other threads to /proc, or none.
    if (this.#caller.process !== process.pid || this.#futex === undefined) return false;
    const states = [...this.threads].map((thread) => readFileSync(`/proc/self/task/${thread}/syscall`, "latin1"));
    return waitForWork(states, this.#futex);
  }
}

/**
 * Whether threads of a pool wait for work, by what /proc/<pid>/syscall says of each: on their condition variable, that is, and
 * not on a mutex in the middle of something. The GNU C library waits for a condition with FUTEX_WAIT_BITSET, all threads within the
 * one variable; musl on the stack of each thread.
 */
export function waitForWork(states: readonly string[], futex: number): boolean {
  const waits = states.map((state) => {
    // number, six arguments, stack pointer, program counter
    const [number, address, operation, , , , , stack] = state.trim().split(" ").map(Number);
    return { number, address: address ?? Number.NaN, operation: operation ?? 0, stack: stack ?? Number.NaN };
  });
  const first = Math.min(...waits.map(({ address }) => address));
  return waits.every(({ number, address, operation, stack }) => {
    if (number !== futex) return false;
    const onItsStack = address >= stack && address - stack < STACK_BYTES;
    return onItsStack || ((operation & COMMAND_MASK) === FUTEX_WAIT_BITSET && address - first < CONDITION_BYTES);
  });
}

const FUTEX_WAIT_BITSET = 9;
/** Without the flags for private futexes and clocks. */
const COMMAND_MASK = 0x7f;
/** sizeof(pthread_cond_t) */
const CONDITION_BYTES = 48;
/** More than the frames of a waiting thread take. */
const STACK_BYTES = 4096;

/** Asks again for some milliseconds while the answer is no. */
async function patiently(isSo: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++) {
    if (isSo()) return true;
    await (tries < 3 ? setImmediate() : sleep(1));
  }
  return isSo();
}
