/**
 * A process that this thread traces with ptrace(2), to follow it to a point of its start. Whoever waits for its end notices
 * nothing of it: stops are looked at and never taken. Only for x86-64.
 */
import { binding } from "./addon.ts";
import { check, type ErrorObject, SysError } from "./errors.ts";

/** Why a tracee has stopped: a signal that it has not got yet, or, with a number other than 0, an event. */
export interface Stop {
  signal: number;
  event: number;
}

/** PTRACE_EVENT_* */
export const StopEvent = { NONE: 0, FORK: 1, EXEC: 4, STOP: 128 } as const;

/** PTRACE_* */
const Request = {
  PEEKTEXT: 1,
  PEEKUSER: 3,
  POKETEXT: 4,
  POKEUSER: 6,
  CONT: 7,
  DETACH: 17,
  GETEVENTMSG: 0x4201,
  SEIZE: 0x4206,
  INTERRUPT: 0x4207,
  LISTEN: 0x4208,
} as const;

const O_TRACEFORK = 1n << 1n;
const O_TRACEEXEC = 1n << 4n;
const O_EXITKILL = 1n << 20n;
/** offsetof(struct user, regs.rip) */
const RIP = 128n;
const CLD_TRAPPED = 4;
const ENOSYS = 38;
const ECHILD = 10;

export class Tracee {
  readonly pid: number;

  /** A process that is traced already, as those are that a tracee has forked. */
  constructor(pid: number) {
    this.pid = pid;
  }

  /**
   * Begins to trace a process without stopping it. It will stop at its execs and forks, and die with us. Throws SysError where that is
   * not permitted.
   */
  static seize(pid: number): Tracee {
    if (process.arch !== "x64") throw new SysError("ptrace", ENOSYS, { pid });
    const tracee = new Tracee(pid);
    tracee.#request("SEIZE", 0n, O_TRACEFORK | O_TRACEEXEC | O_EXITKILL);
    return tracee;
  }

  /** Where it has stopped; undefined while it runs. */
  stop(): Stop | "ended" | undefined {
    const out = new Int32Array(2);
    const result = binding().peekWait(this.pid, out);
    // Somebody has waited for its end before us.
    if (result === -ECHILD) return "ended";
    if (check(result, "waitid", this.#about) === 0) return undefined;
    const [reason, status = 0] = out;
    return reason === CLD_TRAPPED ? { signal: status & 0xff, event: status >> 8 } : "ended";
  }

  /** Has a stopped tracee run on, with a signal. */
  resume(signal = 0): void {
    this.#request("CONT", 0n, BigInt(signal));
  }

  /** Has a tracee that a signal like SIGSTOP has stopped be stopped as others are, until a SIGCONT. */
  listen(): void {
    this.#request("LISTEN");
  }

  /** Has a running tracee stop soon. */
  interrupt(): void {
    this.#request("INTERRUPT");
  }

  /** Lets a stopped tracee go. */
  detach(): void {
    this.#request("DETACH");
  }

  /** The process that the event is about. */
  eventMessage(): number {
    return Number(this.#ask("GETEVENTMSG"));
  }

  /** Eight bytes of its memory. */
  readWord(address: bigint): bigint {
    return this.#ask("PEEKTEXT", address);
  }

  writeWord(address: bigint, word: bigint): void {
    this.#request("POKETEXT", address, word);
  }

  get instructionPointer(): bigint {
    return this.#ask("PEEKUSER", RIP);
  }

  set instructionPointer(address: bigint) {
    this.#request("POKEUSER", RIP, address);
  }

  get #about(): ErrorObject {
    return { pid: this.pid };
  }

  #ask(name: keyof typeof Request, address = 0n): bigint {
    const word = new BigUint64Array(1);
    this.#request(name, address, 0n, word);
    return word[0]!;
  }

  #request(name: keyof typeof Request, address = 0n, data = 0n, word: BigUint64Array | null = null): void {
    const result = binding().ptrace(Request[name], this.pid, address, data, word);
    check(result, `PTRACE_${name}`, this.#about);
  }
}
