/**
 * The kernel's own number of a process. In a PID namespace (in a container, as a rule) it is another than ours, and nothing in /proc
 * tells it: an iterator over the one process does.
 */
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import { Source } from "../../compiler/source.ts";
import { loadSession } from "./session.ts";
import { decodeMap } from "./snapshot.ts";

/** Throws what loading and attaching throw: before Linux 6.1 the number cannot be had. */
export function kernelPid(pid: number, facts: KernelFacts): number {
  if (facts.inFirstPidNamespace) return pid;
  const diags = new Diagnostics();
  const program = compile(new Source("kernel pid", "iter:task { @ = ctx.task.tgid; }"), facts, diags);
  if (!program) throw new Error(renderDiagnostics(diags.errors));
  using session = loadSession(program, { pid });
  session.attach();
  while (session.iterate());
  const value = session.readMaps().map(decodeMap)[0]?.entries[0]?.value;
  if (value?.kind !== "integer") throw new Error(`there is no process ${pid}`);
  return Number(value.value);
}
