/**
 * Lets a child that waits before its exec go, and holds it twice on its way, so that it can be looked at what it has mapped: when
 * its program and the program's loader are there and nothing has run, and when all libraries are there and the program's own
 * first instruction is about to run. In between, and afterwards, it runs as always.
 */
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { type Stop, StopEvent, SysError, Tracee } from "../../../native/index.ts";

export interface HeldChild {
  readonly pid: number;
  /** Returns once it has executed its program. */
  release(): void;
}

/** How often is looked whether it has stopped. */
const POLL_MS = 1;
/** Whoever has not come to his first instruction by then goes on alone. */
const PATIENCE_MS = 10_000;
/** int3 of x86-64 */
const BREAKPOINT = 0xccn;
const BREAKPOINT_BYTES = 1n;
const SIGTRAP = 5;
/** SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU */
const STOPPING_SIGNALS: ReadonlySet<number> = new Set([19, 20, 21, 22]);

/**
 * Throws what the release throws; resolves when the child is let go, or has ended before. `mapped` is called at each of the two points,
 * and once after the exec where the child must not be held.
 */
export function releaseToEntry(child: HeldChild, mapped: () => void): Promise<void> {
  const tracee = seizeIfPermitted(child.pid);
  child.release();
  if (tracee !== undefined) return new RunToEntry(tracee, mapped).run();
  mapped();
  return Promise.resolve();
}

function seizeIfPermitted(pid: number): Tracee | undefined {
  try {
    return Tracee.seize(pid);
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

interface Breakpoint {
  readonly address: bigint;
  /** What stood in its place. */
  readonly word: bigint;
}

class RunToEntry {
  readonly #tracee: Tracee;
  readonly #mapped: () => void;
  readonly #deadline = performance.now() + PATIENCE_MS;
  #breakpoint: Breakpoint | undefined;
  #interrupted = false;
  #over = false;

  constructor(tracee: Tracee, mapped: () => void) {
    this.#tracee = tracee;
    this.#mapped = mapped;
  }

  async run(): Promise<void> {
    while (!this.#over) {
      try {
        await this.#handle(await this.#nextStop());
      } catch (error) {
        // It was killed while it was held: the next stop is its end.
        if (!(error instanceof SysError && error.code === "ESRCH")) throw error;
      }
    }
  }

  async #nextStop(): Promise<Stop | "ended"> {
    for (;;) {
      const stop = this.#tracee.stop();
      if (stop !== undefined) return stop;
      if (performance.now() > this.#deadline && !this.#interrupted) {
        this.#interrupted = true;
        this.#tracee.interrupt();
      }
      await setTimeout(POLL_MS);
    }
  }

  async #handle(stop: Stop | "ended"): Promise<void> {
    if (stop === "ended") {
      this.#over = true;
      return;
    }
    const { signal, event } = stop;
    const tracee = this.#tracee;
    switch (event) {
      case StopEvent.EXEC:
        // The memory in which the breakpoint was is gone.
        this.#breakpoint = undefined;
        this.#look(() => this.#setBreakpoint());
        return;
      case StopEvent.FORK:
        await this.#letForkedGo(tracee.eventMessage());
        tracee.resume();
        return;
      case StopEvent.STOP:
        if (this.#interrupted) this.#letGo();
        else if (STOPPING_SIGNALS.has(signal)) tracee.listen();
        else tracee.resume();
        return;
      default:
        if (signal !== SIGTRAP || !this.#isAtBreakpoint()) {
          tracee.resume(signal);
          return;
        }
        tracee.instructionPointer = this.#breakpoint!.address;
        this.#look(() => false);
    }
  }

  /** Has it looked at. If `next` says that there is more to wait for it goes on, and in any other case alone. */
  #look(next: () => boolean): void {
    let more = false;
    try {
      this.#mapped();
      more = next();
    } finally {
      if (more) this.#tracee.resume();
      else this.#letGo();
    }
  }

  /** False where that would be of no use: nothing comes before the entry, or somebody else has a breakpoint there. */
  #setBreakpoint(): boolean {
    const tracee = this.#tracee;
    const address = entryOf(tracee.pid);
    if (address === undefined || address === tracee.instructionPointer) return false;
    const word = tracee.readWord(address);
    if ((word & 0xffn) === BREAKPOINT) return false;
    tracee.writeWord(address, (word & ~0xffn) | BREAKPOINT);
    this.#breakpoint = { address, word };
    return true;
  }

  #isAtBreakpoint(): boolean {
    return this.#tracee.instructionPointer - BREAKPOINT_BYTES === this.#breakpoint?.address;
  }

  #letGo(): void {
    this.#over = true;
    this.#removeBreakpoint(this.#tracee);
    this.#tracee.detach();
  }

  #removeBreakpoint(from: Tracee): void {
    if (this.#breakpoint !== undefined) from.writeWord(this.#breakpoint.address, this.#breakpoint.word);
  }

  /** A process that was forked by what runs before the entry has the breakpoint as well, and nobody to whom it could be told. */
  async #letForkedGo(pid: number): Promise<void> {
    const forked = new Tracee(pid);
    let stop = forked.stop();
    for (; stop === undefined; stop = forked.stop()) await setTimeout(POLL_MS);
    if (stop === "ended") return;
    this.#removeBreakpoint(forked);
    forked.detach();
  }
}

/** The address of a program's first own instruction: AT_ENTRY of what the kernel told it when it was started. */
function entryOf(pid: number): bigint | undefined {
  const AT_ENTRY = 9n;
  let words: BigUint64Array;
  try {
    const bytes = readFileSync(`/proc/${pid}/auxv`);
    words = new BigUint64Array(Uint8Array.from(bytes).buffer, 0, bytes.length >> 3);
  } catch {
    return undefined;
  }
  for (let i = 0; i + 1 < words.length; i += 2) if (words[i] === AT_ENTRY) return words[i + 1];
  return undefined;
}
