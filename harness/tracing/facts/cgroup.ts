/** Ids of cgroups: what bpf_get_current_cgroup_id answers inside them. */
import { readFileSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { FileSystem, fileSystemAt } from "../../../native/index.ts";
import { findHierarchy } from "../../runner/cgroups.ts";

/**
 * The id of a cgroup v2 directory, given by its path, absolute or below the hierarchy's mount. Undefined when it is not
 * there or no such directory: the ids of version 1 are others.
 */
export function cgroupId(path: string): bigint | undefined {
  const directory = isAbsolute(path) ? path : below(path);
  if (directory === undefined || fileSystemAt(directory) !== FileSystem.CGROUP2) return undefined;
  const stat = statSync(directory, { bigint: true });
  // The directory's inode number is the cgroup's id.
  return stat.isDirectory() ? stat.ino : undefined;
}

function below(path: string): string | undefined {
  const hierarchy = findHierarchy(readFileSync("/proc/self/mountinfo", "utf8"));
  return hierarchy && join(hierarchy.mount, path);
}
