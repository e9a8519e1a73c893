/** What numbers are worthless without: the machine that they were taken on, and what else it was doing. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release } from "node:os";
import { getNextId } from "../native/index.ts";
import { type Tools, versionOf } from "./tools.ts";

export interface Machine {
  kernel: string;
  cpu: string;
  cpus: number;
  node: string;
  bpftrace: string | undefined;
  clang: string | undefined;
  /** Of the last minute. */
  load: number;
  /** BPF programs that somebody else has loaded. */
  foreignPrograms: number;
}

export function describeMachine({ bpftrace, clang }: Tools): Machine {
  return {
    kernel: release(),
    cpu: cpuModel(),
    cpus: availableParallelism(),
    node: process.version,
    bpftrace: bpftrace && versionOf(bpftrace),
    clang: clang && versionOf([clang]),
    load: loadavg()[0]!,
    foreignPrograms: countPrograms(),
  };
}

export function machineLine(machine: Machine): string {
  const { kernel, cpu, cpus, node, bpftrace, clang } = machine;
  return [`Linux ${kernel}`, `${cpus} x ${cpu}`, `node ${node}`, bpftrace, clang]
    .filter((part) => part !== undefined)
    .join(" | ");
}

/** What on this machine spoils the numbers. */
export function disturbances({ load, cpus, foreignPrograms }: Machine): string[] {
  return [
    load > cpus / 2 ? `the load is ${load.toFixed(1)} on ${cpus} CPUs: times are those of a busy machine` : "",
    foreignPrograms > 0
      ? `${foreignPrograms} BPF programs of others are loaded: events may cost more than they should`
      : "",
  ].filter((text) => text !== "");
}

/** Some processors have no name in node:os. */
function cpuModel(): string {
  const model = cpus()[0]?.model.trim();
  if (model) return model;
  return /^Hardware\s*:\s*(.+)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? process.arch;
}

function countPrograms(): number {
  let count = 0;
  for (let id = getNextId("prog", 0); id !== null; id = getNextId("prog", id)) count++;
  return count;
}
