/** Which scopes this machine permits, found out by trying. */
import { readFileSync, readlinkSync } from "node:fs";
import { setChildSubreaper } from "../../native/index.ts";
import { type CgroupHost, findHierarchy, openCgroupScope, removeStale, writableParent } from "./cgroups.ts";
import type { ScopeProvider } from "./host.ts";
import { hostProcesses, type ProcessTable } from "./processes.ts";
import { systemClock } from "./system-clock.ts";
import { openTreeScope } from "./tree-scope.ts";

/**
 * Cgroups where this machine permits them, else process trees. `forced` is for tests of either kind; `table` is for
 * callers that are not alone in their process.
 */
export async function nativeScopes(forced?: "tree", table = hostProcesses): Promise<ScopeProvider> {
  const cgroups = forced === "tree" ? undefined : await usableCgroups(table);
  // Orphans of a workload come to us, so that nothing gets lost.
  setChildSubreaper(true);
  if (cgroups === undefined) return { kind: "tree", open: () => openTreeScope(table, systemClock) };
  return { kind: "cgroup", open: () => openCgroupScope(cgroups.host, cgroups.parent) };
}

async function usableCgroups(table: ProcessTable): Promise<{ host: CgroupHost; parent: string } | undefined> {
  const hierarchy = findHierarchy(readFileSync("/proc/self/mountinfo", "utf8"));
  if (hierarchy === undefined || !inInitialCgroupNamespace()) return undefined;
  const host = { hierarchy, table, clock: systemClock };
  const parent = writableParent(host);
  if (parent === undefined) return undefined;
  await removeStale(parent, host);
  return { host, parent };
}

/** PROC_CGROUP_INIT_INO: the inode number of the first cgroup namespace, the same on every kernel. */
const INITIAL_CGROUP_NAMESPACE = "cgroup:[4026531835]";

/**
 * The filter names an ancestor by its depth below the real root, which a process in a namespace of its own (in a
 * container, as a rule) cannot see.
 */
function inInitialCgroupNamespace(): boolean {
  return readlinkSync("/proc/self/ns/cgroup") === INITIAL_CGROUP_NAMESPACE;
}
