/**
 * The runner's host where the runner is a guest: in a process that has a life of its own, such as a test runner's worker.
 * Children that others start meanwhile are not taken for a workload's, and not waited for.
 */
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import type { Host } from "../runner/host.ts";
import { nativeHost } from "../runner/native-host.ts";
import { hostProcesses } from "../runner/processes.ts";

export function guestHost(facts: KernelFacts): Promise<Host> {
  return nativeHost(facts, undefined, { ...hostProcesses, guest: true });
}
