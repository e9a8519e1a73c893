/** The numbers that code asks the host for: each is found out only when a program mentions it. */
import { statSync } from "node:fs";
import { type CompiledProgram, codeOf, type HostConstant } from "../../compiler/program.ts";
import { Clock, clockGettime } from "../../native/index.ts";

/** What a session is about, as far as code depends on it. */
export interface TraceSubject {
  /** The cgroup that the scope filter lets through: its id (the inode number) and its depth, the root having 0. */
  scopeCgroup?: { id: bigint; level: number };
  /** The workload's process id, for `cpid`. */
  workloadPid?: number;
  /** The process given by -p. */
  targetPid?: number;
}

const SOURCES: Readonly<Record<HostConstant, (subject: TraceSubject) => bigint>> = {
  scope_cgroup_id: ({ scopeCgroup }) => required(scopeCgroup).id,
  scope_cgroup_level: ({ scopeCgroup }) => BigInt(required(scopeCgroup).level),
  cpid: ({ workloadPid }) => BigInt(workloadPid ?? 0),
  target_pid: ({ targetPid }) => BigInt(targetPid ?? 0),
  start_time_boot: () => clockGettime(Clock.BOOTTIME),
  start_time_monotonic: () => clockGettime(Clock.MONOTONIC),
  boot_to_real: () => toRealTime(Clock.BOOTTIME),
  boot_to_tai: () => toRealTime(Clock.BOOTTIME) - toRealTime(Clock.TAI),
  pidns_dev: () => kernelDevice(pidNamespace().dev),
  pidns_ino: () => pidNamespace().ino,
};

/** Constants that differ from run to run. */
const PER_RUN: ReadonlySet<HostConstant> = new Set(["cpid", "start_time_boot", "start_time_monotonic"]);

/** Whether the code holds numbers of one single run, so that every run has to load it again. */
export function loadsPerRun(compiled: CompiledProgram): boolean {
  return compiled.programs
    .flatMap(codeOf)
    .some(({ relocations }) => relocations.some((r) => r.kind === "constant" && PER_RUN.has(r.constant)));
}

/** Answers each constant once, so that all programs of a session see the same number. */
export function hostConstants(subject: TraceSubject): (name: HostConstant) => bigint {
  const known = new Map<HostConstant, bigint>();
  return (name) => {
    const value = known.get(name) ?? SOURCES[name](subject);
    known.set(name, value);
    return value;
  };
}

function required<T>(scope: T | undefined): T {
  if (scope === undefined) throw new Error("the program filters by cgroup, but the session was given none");
  return scope;
}

/**
 * CLOCK_REALTIME minus another clock, in ns. One clock is read between two readings of the other; the tightest of a few
 * such triples tells the difference to well below a microsecond.
 */
export function toRealTime(clock: number): bigint {
  let best: { width: bigint; difference: bigint } | undefined;
  for (let i = 0; i < 5; i++) {
    const before = clockGettime(Clock.REALTIME);
    const other = clockGettime(clock);
    const after = clockGettime(Clock.REALTIME);
    const width = after - before;
    if (width >= 0n && (best === undefined || width < best.width)) {
      best = { width, difference: before + width / 2n - other };
    }
  }
  return best?.difference ?? clockGettime(Clock.REALTIME) - clockGettime(clock);
}

function pidNamespace(): { dev: bigint; ino: bigint } {
  return statSync("/proc/self/ns/pid", { bigint: true });
}

/** A device number as stat(2) packs it, in the packing that the kernel uses inside: 12 bits of major, 20 of minor. */
export function kernelDevice(dev: bigint): bigint {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xffff_f000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffff_ff00n);
  return (major << 20n) | minor;
}
