/** The counters as columns of tinybench's table. */
import type { KernelCounters } from "./counters.ts";

const COLUMNS: readonly (readonly [title: string, of: (counters: KernelCounters) => number])[] = [
  ["Syscalls", ({ syscalls }) => syscalls],
  ["Page faults", ({ pageFaults }) => pageFaults],
  ["Switches", ({ contextSwitches }) => contextSwitches],
  ["Read (B)", ({ bytesRead }) => bytesRead],
  ["Written (B)", ({ bytesWritten }) => bytesWritten],
  ["Off CPU (ns)", ({ offCpuNs }) => offCpuNs],
  ["Probes (ns)", ({ probes }) => probes.ns],
];

/** One column for each counter; `n/a` in all of them where nothing was counted. */
export function kernelColumns(counters: KernelCounters | undefined): Record<string, string> {
  return Object.fromEntries(
    COLUMNS.map(([title, of]) => [title, counters === undefined ? "n/a" : figure(of(counters))]),
  );
}

/** Whole from 100 on, else with one decimal: `3.0`, `0.1`, `4096`. */
function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
