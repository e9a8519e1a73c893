/**
 * Scopes as cgroup v2 directories: `probewright-<pid>-<n>` with one child for the workload and one for hooks and
 * driver. Below our own cgroup if that is permitted, else below the root of the hierarchy. What a tool that was killed
 * has left behind is removed on the way.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "./host.ts";
import type { ProcessTable } from "./processes.ts";
import { Cell, type CellCgroup, type CpuTime, type Scope } from "./scope.ts";

const NAME = /^probewright-(\d+)-\d+$/;

/** The cgroup v2 hierarchy as this process sees it. */
export interface Hierarchy {
  /** Where it is mounted. */
  readonly mount: string;
  /** The cgroup that the mount shows as its root; "/" unless a part of the hierarchy was bind-mounted. */
  readonly root: string;
}

/** The first cgroup v2 mount in the text of /proc/self/mountinfo that this process can reach, if any. */
export function findHierarchy(mountinfo: string): Hierarchy | undefined {
  for (const line of mountinfo.split("\n")) {
    // 41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
    const [before, after] = line.split(" - ");
    if (!after?.startsWith("cgroup2 ")) continue;
    const [, , , root, mount] = before!.split(" ");
    return { mount: unescapeMount(mount!), root: unescapeMount(root!) };
  }
  return undefined;
}

/** Spaces and the like stand as octal escapes in mountinfo. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** The directory of the cgroup that /proc/<pid>/cgroup calls `path`; undefined when it lies outside the mount. */
function directoryOf({ mount, root }: Hierarchy, path: string): string | undefined {
  if (root === "/") return join(mount, path);
  return path === root || path.startsWith(`${root}/`) ? join(mount, path.slice(root.length)) : undefined;
}

export interface CgroupHost {
  readonly hierarchy: Hierarchy;
  readonly table: ProcessTable;
  readonly clock: Clock;
}

/**
 * The directory below which scopes can be made: our own cgroup or the root. Undefined when neither takes both a new
 * directory and a process of ours.
 */
export function writableParent({ hierarchy, table }: Omit<CgroupHost, "clock">): string | undefined {
  const own = table.cgroup(table.self);
  const candidates = [own === undefined ? undefined : directoryOf(hierarchy, own), hierarchy.mount];
  return candidates.find((directory) => directory !== undefined && takesScopes(directory, table.self));
}

/** Whether a scope can be made here; found by making one, since modes, delegation and sandboxes all have a say. */
function takesScopes(parent: string, pid: number): boolean {
  const probe = join(parent, `probewright-${pid}-0`);
  try {
    mkdirSync(probe);
  } catch {
    return false;
  }
  try {
    // Opening for writing checks what putting a process in needs, and moves nobody.
    closeSync(openSync(join(probe, "cgroup.procs"), "w"));
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(probe);
  }
}

let count = 0;

/** Makes the scope's directories below `parent`. Throws what mkdir throws. */
export function openCgroupScope({ hierarchy, table, clock }: CgroupHost, parent: string): Scope {
  const name = `probewright-${table.self}-${++count}`;
  const directory = join(parent, name);
  mkdirSync(directory);
  const cell = (role: string, sibling?: Cell): Cell => {
    const path = join(directory, role);
    mkdirSync(path);
    const cgroup = new DirectoryCgroup(path, join(hierarchy.root, path.slice(hierarchy.mount.length)));
    return new Cell({ marker: `${name}.${role}`, cgroup, table, clock, sibling });
  };
  const support = cell("support");
  const workload = cell("workload", support);
  support.begin();
  return { kind: "cgroup", workload, support, close: () => removeTree(directory, clock) };
}

/**
 * Removes the scopes below `parent` whose tool is no more, killing what still runs in them. Answers with their names.
 */
export async function removeStale(parent: string, { table, clock }: CgroupHost): Promise<string[]> {
  const stale = subdirectories(parent).filter((name) => {
    const owner = NAME.exec(name)?.[1];
    return owner !== undefined && !table.exists(Number(owner));
  });
  for (const name of stale) {
    const directory = join(parent, name);
    new DirectoryCgroup(directory, "").killAll();
    await removeTree(directory, clock);
  }
  return stale;
}

class DirectoryCgroup implements CellCgroup {
  readonly directory: string;
  readonly path: string;

  constructor(directory: string, path: string) {
    this.directory = directory;
    this.path = path;
  }

  get id(): bigint {
    return statSync(this.directory, { bigint: true }).ino;
  }

  get level(): number {
    return this.path.split("/").filter(Boolean).length;
  }

  members(): number[] {
    return treeOf(this.directory).flatMap((directory) =>
      (readIfThere(join(directory, "cgroup.procs")) ?? "")
        .split("\n")
        .map(Number)
        // 0 is how a process of another PID namespace appears.
        .filter((pid) => pid > 0),
    );
  }

  killAll(): void {
    try {
      writeFileSync(join(this.directory, "cgroup.kill"), "1");
    } catch (error) {
      if (!isMissing(error)) throw error;
      // Before Linux 5.14. The caller repeats this until nobody is left, so a fork in between is caught next time.
      for (const pid of this.members()) killOne(pid);
    }
  }

  cpuTime(): CpuTime {
    const text = readFileSync(join(this.directory, "cpu.stat"), "utf8");
    const microseconds = (name: string): bigint => BigInt(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
    return { user: microseconds("user_usec") * 1000n, system: microseconds("system_usec") * 1000n };
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Removes a cgroup and all below it; the kernel lets go of a dying process's cgroup with some delay. */
async function removeTree(directory: string, clock: Clock): Promise<void> {
  const deadline = clock.now() + 5_000_000_000n;
  for (let pause = 1; ; pause = Math.min(pause * 2, 100)) {
    try {
      for (const path of treeOf(directory).reverse()) rmdirSync(path);
      return;
    } catch (error) {
      if (isMissing(error)) return;
      if ((error as NodeJS.ErrnoException).code !== "EBUSY" || clock.now() > deadline) throw error;
    }
    await clock.sleep(pause);
  }
}

/** A directory and all below it, parents first. */
function treeOf(directory: string): string[] {
  return [directory, ...subdirectories(directory).flatMap((name) => treeOf(join(directory, name)))];
}

function subdirectories(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** ENODEV: the cgroup was removed while we held its file. */
function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENODEV"].includes((error as NodeJS.ErrnoException).code ?? "");
}
