/**
 * The runner's host where the runner is a guest: in a process that has a life of its own, such as a test runner's worker.
 * Children that others start meanwhile are not taken for a workload's, whatever they look like.
 */
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import type { Host } from "../runner/host.ts";
import { nativeHost } from "../runner/native-host.ts";
import { hostProcesses, type ProcessTable } from "../runner/processes.ts";

/** Here a process is a workload's only if it says so, by its environment, its session or its ancestors. */
const table: ProcessTable = { ...hostProcesses, marker: (pid) => hostProcesses.marker(pid) ?? "" };

export function guestHost(facts: KernelFacts): Promise<Host> {
  return nativeHost(facts, undefined, table);
}
