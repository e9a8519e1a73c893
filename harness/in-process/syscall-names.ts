/**
 * Names of system calls as the manual has them. The kernel names a few of its tracepoints after the function that serves
 * the call instead; either name is understood, and the manual's is shown.
 */
import { nearest } from "../../compiler/diagnostics.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import { manualName, syscalls } from "../../compiler/syscalls.ts";
import { TraceError } from "./errors.ts";

/**
 * Calls that Node makes of itself on the way: to wait for events, to wake its threads, to manage its memory. How many of
 * them there are depends on timing and on the garbage collector.
 */
export const RUNTIME_CALLS: ReadonlySet<string> = new Set([
  "brk",
  "epoll_ctl",
  "epoll_pwait",
  "epoll_pwait2",
  "epoll_wait",
  "futex",
  "futex_wait",
  "futex_wake",
  "getpid",
  "io_uring_enter",
  "madvise",
  "membarrier",
  "mmap",
  "mprotect",
  "mremap",
  "munmap",
  "pkey_mprotect",
  "restart_syscall",
  "rt_sigreturn",
  "sched_yield",
]);

export class SyscallNames {
  readonly #byNumber: ReadonlyMap<number, string>;

  constructor(arch: KernelFacts["arch"]) {
    this.#byNumber = new Map([...syscalls(arch)].map(([name, number]) => [number, manualName(name)]));
  }

  /** The name of a number; `syscall_<number>` where there is none. */
  of(number: number): string {
    return this.#byNumber.get(number) ?? `syscall_${number}`;
  }
}

const ALL: ReadonlySet<string> = new Set(
  (["x64", "arm64"] as const).flatMap((arch) => [...syscalls(arch).keys()].map(manualName)),
);

/** The manual's name of what a user wrote. Throws TraceError for what is no system call on any machine. */
export function checkedName(written: string): string {
  const name = manualName(written);
  if (ALL.has(name)) return name;
  const near = nearest(written, ALL);
  throw new TraceError(`there is no system call \`${written}\`${near ? `\n  help: did you mean \`${near}\`?` : ""}`);
}
