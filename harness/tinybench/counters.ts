/** What is counted of a benchmark's task, and the script that counts what trace() does not. */
import type { Counts } from "../in-process/calls.ts";
import type { FunctionTrace } from "../in-process/result.ts";

/** Means over the counted iterations; all but `iterations` are per iteration. */
export interface KernelCounters {
  /** How many iterations were counted. */
  iterations: number;
  /** System calls, child processes' included. */
  syscalls: number;
  /** The same by name. */
  syscallsByName: Counts;
  /** Page faults, of either kind. */
  pageFaults: number;
  /** How often the benchmark's thread left its processor, of its own accord or not. */
  contextSwitches: number;
  /** By read and its relatives, from files, pipes and sockets. */
  bytesRead: number;
  bytesWritten: number;
  /** Nanoseconds in which the benchmark's thread was on no processor, waiting for its turn or for something else. */
  offCpuNs: number;
  /** What counting has cost, in the counted iterations only: the times were measured without it. */
  probes: { hits: number; ns: number };
}

const READS = ["read", "pread64", "readv", "preadv", "recvfrom", "recvmsg"] as const;
const WRITES = ["write", "pwrite64", "writev", "pwritev", "sendto", "sendmsg"] as const;

const probes = (direction: "enter" | "exit", calls: readonly string[]): string =>
  calls.map((call) => `tracepoint:syscalls:sys_${direction}_${call}`).join(", ");

/** Bytes by descriptor, 0 for those of other processes; a descriptor is counted from 1 on, so that none is 0. */
export const TRANSFER_SCRIPT = `
config = { missing_probes = "ignore" }
${probes("enter", [...READS, ...WRITES])} { @descriptor[tid] = (uint64)(uint32)args.fd + 1; }
${probes("exit", READS)} /@descriptor[tid]/ {
  if (args.ret > 0) { @bytes_read[pid == $1 ? @descriptor[tid] : 0] = sum(args.ret); }
  delete(@descriptor, tid);
}
${probes("exit", WRITES)} /@descriptor[tid]/ {
  if (args.ret > 0) { @bytes_written[pid == $1 ? @descriptor[tid] : 0] = sum(args.ret); }
  delete(@descriptor, tid);
}
software:page-faults:1 { @page_faults = count(); }
`;

/** A switch fires in the task that leaves, so this watches all tasks for the one thread. */
export const SWITCH_SCRIPT = `
rawtracepoint:sched_switch {
  if (args.prev.pid == $1) {
    @context_switches = count();
    @left = nsecs;
  } else if (args.next.pid == $1 && @left > 0) {
    @off_cpu_ns = sum(nsecs - @left);
    @left = 0;
  }
}
`;

/** The counters of one iteration. */
export function countersOf({ syscalls, maps, probeCost, isInternal }: FunctionTrace<unknown>): KernelCounters {
  const total = (name: string, counts: (key: number) => boolean = () => true): number =>
    (maps.get(name)?.entries ?? []).reduce((sum, { key, value }) => {
      if (value.kind !== "count" && value.kind !== "sum") throw new Error(`${name} does not hold counts`);
      return counts(Number(key[0] ?? 0)) ? sum + Number(value.value) : sum;
    }, 0);
  const programs = (key: number): boolean => key === 0 || !isInternal(key - 1);
  return {
    iterations: 1,
    syscalls: Object.values(syscalls).reduce((sum, count) => sum + count, 0),
    syscallsByName: syscalls,
    pageFaults: total("@page_faults"),
    contextSwitches: total("@context_switches"),
    bytesRead: total("@bytes_read", programs),
    bytesWritten: total("@bytes_written", programs),
    offCpuNs: total("@off_cpu_ns"),
    probes: { hits: probeCost?.hits ?? 0, ns: probeCost?.ns ?? 0 },
  };
}

/** The mean of single iterations, of which there is at least one. */
export function meanCounters(iterations: readonly KernelCounters[]): KernelCounters {
  const mean = (of: (one: KernelCounters) => number): number =>
    iterations.reduce((sum, one) => sum + of(one), 0) / iterations.length;
  const names = [...new Set(iterations.flatMap(({ syscallsByName }) => Object.keys(syscallsByName)))].sort();
  return {
    iterations: iterations.length,
    syscalls: mean(({ syscalls }) => syscalls),
    syscallsByName: Object.fromEntries(
      names.map((name) => [name, mean(({ syscallsByName }) => syscallsByName[name] ?? 0)]),
    ),
    pageFaults: mean(({ pageFaults }) => pageFaults),
    contextSwitches: mean(({ contextSwitches }) => contextSwitches),
    bytesRead: mean(({ bytesRead }) => bytesRead),
    bytesWritten: mean(({ bytesWritten }) => bytesWritten),
    offCpuNs: mean(({ offCpuNs }) => offCpuNs),
    probes: { hits: mean(({ probes }) => probes.hits), ns: mean(({ probes }) => probes.ns) },
  };
}
