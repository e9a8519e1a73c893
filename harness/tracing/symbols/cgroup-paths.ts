/** Cgroup ids as paths: what cgroup_path() of a script prints. An id is the inode number of the cgroup's directory. */
import { type Dirent, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { type ByteString, fromText } from "../bytestring.ts";

export interface CgroupHierarchy {
  /** `unified` for version 2, else the name of the mount point's directory, such as `memory`. */
  readonly name: string;
  readonly root: string;
}

/** The mounted hierarchies, from the text of /proc/self/mounts: version 2 first, then version 1 by name. */
export function cgroupHierarchies(mounts: string): CgroupHierarchy[] {
  const unified: CgroupHierarchy[] = [];
  const others: CgroupHierarchy[] = [];
  for (const line of mounts.split("\n")) {
    const [, escaped, type] = line.split(" ");
    if (escaped === undefined) continue;
    // Spaces and the like are written in octal.
    const root = escaped.replace(/\\([0-7]{3})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 8)),
    );
    const hierarchy = type === "cgroup2" ? { name: "unified", root } : { name: basename(root), root };
    const known = type === "cgroup2" ? unified : type === "cgroup" ? others : undefined;
    // One that is mounted at several places is looked at once.
    if (known && !known.some(({ name }) => name === hierarchy.name)) known.push(hierarchy);
  }
  return [...unified, ...others.sort((a, b) => (a.name < b.name ? -1 : 1))];
}

/** `name:/path` of every hierarchy that has this id and whose name matches the filter, where `*` stands for anything. */
export function cgroupPath(hierarchies: readonly CgroupHierarchy[], id: bigint, filter: string): ByteString {
  const wanted = nameFilter(filter);
  return hierarchies
    .filter(({ name }) => wanted.test(name))
    .flatMap(({ name, root }) => {
      const path = find(root, id);
      return path === undefined ? [] : [fromText(`${name}:${path}`)];
    })
    .join(",");
}

function nameFilter(filter: string): RegExp {
  const literal = filter.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return filter === "" ? /^/ : new RegExp(`^${literal.join(".*")}$`);
}

/** The directory's path below `root`; `/` for the root itself. */
function find(root: string, id: bigint): string | undefined {
  for (const directories = [""]; directories.length > 0; ) {
    const path = directories.pop()!;
    if (inode(join(root, path)) === id) return path === "" ? "/" : path;
    for (const entry of children(join(root, path))) {
      if (entry.isDirectory()) directories.push(`${path}/${entry.name}`);
    }
  }
  return undefined;
}

/** Cgroups come and go while we look: one that is gone is not the one. */
function inode(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

function children(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ENODEV";
}
