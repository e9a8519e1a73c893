/** The runner's host on the real machine. */
import { compile } from "../../compiler/compile.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import { findExecutable } from "../tracing/facts/binaries.ts";
import { hostFiles } from "../tracing/facts/host-files.ts";
import type { Host } from "./host.ts";
import { nativeScopes } from "./native-scopes.ts";
import { nativeSpawner } from "./native-spawner.ts";
import { nativeTracer } from "./native-tracer.ts";
import type { ProcessTable } from "./processes.ts";
import { systemClock } from "./system-clock.ts";
import { hostUsers } from "./users.ts";

/**
 * The whole host. Scopes that killed tools have left behind are removed first. `forced` and `table` as in nativeScopes. Cgroups serve
 * only where programs can ask for them.
 */
export async function nativeHost(facts: KernelFacts, forced?: "tree", table?: ProcessTable): Promise<Host> {
  return {
    clock: systemClock,
    spawner: nativeSpawner,
    scopes: await nativeScopes(facts.features.ancestorCgroupId ? forced : "tree", table),
    tracer: nativeTracer(facts),
    users: hostUsers(),
    hasProgram: (name, path) => findExecutable(name, { path, root: "/" }) !== undefined,
    compile: (source, diags, options) => compile(source, facts, diags, { files: hostFiles(), ...options }),
  };
}
