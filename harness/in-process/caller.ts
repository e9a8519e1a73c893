/**
 * Who calls trace(): which thread of which process, by the numbers that the kernel itself uses. In a PID namespace (in
 * a container, as a rule) they differ from what the process sees, so a program in the kernel is asked.
 */
import { isMainThread } from "node:worker_threads";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import { loadSession } from "../tracing/session.ts";
import { compileOwn, plainMaps, rows } from "./own-script.ts";

export interface Caller {
  /**
   * `process`: the main thread, for which everything that its process does counts. `thread`: a worker thread, whose
   * process does other things beside it.
   */
  readonly scope: "process" | "thread";
  readonly process: number;
  readonly thread: number;
}

export function identifyCaller(facts: KernelFacts): Caller {
  const program = compileOwn("caller", "begin { @process = pid; @thread = tid; }", facts);
  using session = loadSession(program);
  // A begin program runs on the thread that asks for it.
  session.begin();
  const maps = plainMaps(session);
  const read = (name: string): number => rows(maps, name)[0]!.value;
  return { scope: isMainThread ? "process" : "thread", process: read("@process"), thread: read("@thread") };
}
