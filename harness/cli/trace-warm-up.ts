/**
 * Calls what a trace calls, so that bin/code-cache.js finds it compiled: typical scripts are compiled for a kernel that need
 * not exist. Nothing of this runs when something is traced.
 */
import { compile } from "../../compiler/compile.ts";
import { Diagnostics } from "../../compiler/diagnostics.ts";
import type { Features, KernelFacts, TracepointField } from "../../compiler/kernel-facts.ts";
import { Source } from "../../compiler/source.ts";
import { parseTraceArgs } from "./trace-args.ts";

const SCRIPTS = [
  "BEGIN { exit(); }",
  `tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; }
  tracepoint:syscalls:sys_exit_read /@start[tid]/ {
    $ns = nsecs - @start[tid];
    @ns[comm] = hist($ns);
    if ($ns > 1000000) { printf("%s %d %d\\n", comm, pid, args.ret); }
    delete(@start[tid]);
  }`,
];

export function warmUp(): void {
  parseTraceArgs(["-e", SCRIPTS[0]!]);
  for (const script of SCRIPTS) {
    const diags = new Diagnostics();
    if (compile(new Source("warm-up", script), FACTS, diags) === undefined) {
      throw new Error(diags.errors.map(({ message }) => message).join("\n"));
    }
  }
}

/** All of them, but for types of the kernel, of which there are none. */
const FEATURES = new Proxy({} as Features, { get: (_, name) => name !== "tpBtf" });

const FACTS: KernelFacts = {
  arch: "x64",
  version: [6, 18, 0],
  inFirstPidNamespace: true,
  possibleCpus: 4,
  features: FEATURES,
  btf: () => undefined,
  tracepoints: () => ["syscalls:sys_enter_read", "syscalls:sys_exit_read"],
  tracepointFormat: (_, name) => ({
    id: 1,
    fields: name.startsWith("sys_enter")
      ? [field("int", "__syscall_nr", 8, 4), field("unsigned int", "fd", 16, 8)]
      : [field("int", "__syscall_nr", 8, 4), field("long", "ret", 16, 8)],
  }),
  kernelSymbol: () => undefined,
  cgroupId: () => undefined,
  binaries: () => [],
  executable: () => undefined,
  elfSymbols: () => undefined,
  debugInfo: () => undefined,
  demangle: () => undefined,
  kernelFunctions: () => [],
  isTraceable: () => false,
  modules: () => [],
};

function field(type: string, name: string, offset: number, size: number): TracepointField {
  return { name, type, offset, size, signed: !type.startsWith("unsigned"), count: undefined, location: undefined };
}
