/** Questions to the kernel that Node has no words for. */
import { readFileSync } from "node:fs";
import { binding } from "./addon.ts";
import { check, checkFound } from "./errors.ts";

/** The kernel's id of this thread: what bpf_get_current_pid_tgid has in its lower half. */
export function gettid(): number {
  return binding().gettid();
}

/** The effective capabilities of this thread, bit n for Capability n. */
export function effectiveCapabilities(): bigint {
  const words = new Uint32Array(2);
  check(binding().capget(words), "capget");
  return (BigInt(words[1]!) << 32n) | BigInt(words[0]!);
}

/** Whether this thread has a Capability. */
export function hasCapability(capability: number): boolean {
  return ((effectiveCapabilities() >> BigInt(capability)) & 1n) === 1n;
}

/** f_type of the file system at `path`, as in FileSystem; null when nothing is there. */
export function fileSystemAt(path: string): number | null {
  const out = new BigUint64Array(1);
  return checkFound(binding().statfs(path, out), "statfs", { path }) ? Number(out[0]!) : null;
}

export interface MemlockLimit {
  /** Bytes; null for unlimited. */
  soft: bigint | null;
  hard: bigint | null;
}

/** RLIMIT_MEMLOCK, which BPF memory is charged to before Linux 5.11. */
export function memlockLimit(): MemlockLimit {
  const out = new BigUint64Array(2);
  check(binding().getrlimitMemlock(out), "getrlimit");
  const limit = (value: bigint): bigint | null => (value === INFINITY ? null : value);
  return { soft: limit(out[0]!), hard: limit(out[1]!) };
}

/**
 * Makes a call for which the kernel wants BPF's memory within RLIMIT_MEMLOCK, as it does before Linux 5.11: one that is refused is made
 * again with the limit lifted, for that moment only, because workloads inherit it. Answers what the call did.
 */
export function beyondMemlock(call: () => number): number {
  const result = call();
  if (result !== -EPERM) return result;
  const limit = new BigUint64Array(2);
  check(binding().getrlimitMemlock(limit), "getrlimit");
  // Who may not lift it is refused for good.
  if (binding().setrlimitMemlock(INFINITY, INFINITY) < 0) return result;
  try {
    return call();
  } finally {
    check(binding().setrlimitMemlock(limit[0]!, limit[1]!), "setrlimit");
  }
}

/** Nanoseconds on a Clock. */
export function clockGettime(clock: number): bigint {
  const out = new BigInt64Array(1);
  check(binding().clockGettime(clock, out), "clock_gettime", { clock });
  return out[0]!;
}

/** The CPUs a thread may run on, ascending; pid 0 is the calling thread. */
export function schedGetaffinity(pid = 0): number[] {
  const mask = new Uint8Array(CPU_SET_BYTES);
  check(binding().schedGetaffinity(pid, mask), "sched_getaffinity", { pid });
  const cpus: number[] = [];
  for (let cpu = 0; cpu < CPU_SET_BYTES * 8; cpu++) if (mask[cpu >> 3]! & (1 << (cpu & 7))) cpus.push(cpu);
  return cpus;
}

/** Confines a thread, and what it forks from then on, to `cpus`; pid 0 is the calling thread. */
export function schedSetaffinity(cpus: readonly number[], pid = 0): void {
  const mask = new Uint8Array(CPU_SET_BYTES);
  for (const cpu of cpus) {
    if (!Number.isInteger(cpu) || cpu < 0 || cpu >= CPU_SET_BYTES * 8) throw new RangeError(`no such CPU: ${cpu}`);
    mask[cpu >> 3]! |= 1 << (cpu & 7);
  }
  check(binding().schedSetaffinity(pid, mask), "sched_setaffinity", { pid, cpus: cpus.join(",") });
}

/** Makes this process, or no longer, the one that inherits the orphans among its descendants. */
export function setChildSubreaper(on: boolean): void {
  check(binding().setChildSubreaper(on), "PR_SET_CHILD_SUBREAPER");
}

let possible: number | undefined;

/** CPUs that this machine could ever have: the number of slots in a per-CPU map's value. */
export function possibleCpus(): number {
  possible ??= countCpus(readFileSync("/sys/devices/system/cpu/possible", "utf8"));
  return possible;
}

/** The number of CPUs in a list such as `0-3,8`. */
export function countCpus(list: string): number {
  let count = 0;
  for (const range of list.trim().split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!(first <= last)) throw new Error(`not a list of CPUs: ${list}`);
    count += last - first + 1;
  }
  return count;
}

const EPERM = 1;
/** RLIM_INFINITY */
const INFINITY = 0xffff_ffff_ffff_ffffn;
/** Room for 8192 CPUs, the most that any distribution's kernel supports. */
const CPU_SET_BYTES = 1024;
