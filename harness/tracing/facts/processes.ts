/** What /proc tells of a process: which files it runs, and where it sees them. */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";

/** One line of /proc/PID/maps. */
export interface Mapping {
  start: bigint;
  end: bigint;
  /** Where in the file the mapping begins. */
  offset: bigint;
  executable: boolean;
  /** Of the file system, as the kernel numbers it: `08:01`. */
  device: string;
  inode: bigint;
  /** As the process sees it; `[vdso]` and the like for memory that is of no file, empty for anonymous memory. */
  path: string;
}

/** Memory of a process; empty when it is gone, or only waits for its parent. */
export function readMappings(pid: number, root = "/"): Mapping[] {
  let text: string;
  try {
    text = readFileSync(join(root, `/proc/${pid}/maps`), "latin1");
  } catch {
    return [];
  }
  return parseMappings(text);
}

function parseMappings(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  // 55f683ebd000-55f683ec1000 r-xp 00004000 08:01 1843399                    /usr/bin/ls
  for (const [, start, end, mode, offset, device, inode, path] of text.matchAll(LINE)) {
    mappings.push({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      offset: BigInt(`0x${offset}`),
      executable: mode![2] === "x",
      device: device!,
      inode: BigInt(inode!),
      path: unescaped(path!),
    });
  }
  return mappings;
}

const LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) (\S+) (\d+) *(.*)$/gm;

/** The kernel writes line breaks in names as \012. */
function unescaped(path: string): string {
  return Buffer.from(path.replaceAll("\\012", "\n"), "latin1").toString("utf8");
}

/** A path of a process as one that can be opened from here: the two may see different file systems. */
export function reachablePath(pid: number, path: string, root = "/"): string {
  return seesOtherFiles(pid, root) ? `/proc/${pid}/root${path}` : path;
}

/** Whether a process has a mount namespace of its own. False when that cannot be told. */
function seesOtherFiles(pid: number, root = "/"): boolean {
  try {
    const [own, other] = ["self", String(pid)].map((who) => statSync(join(root, `/proc/${who}/ns/mnt`)));
    return own!.ino !== other!.ino || own!.dev !== other!.dev;
  } catch {
    return false;
  }
}

/** Whether the kernel's own numbers of processes are ours. True when that cannot be told. */
export function inFirstPidNamespace(root = "/"): boolean {
  try {
    return statSync(join(root, "/proc/self/ns/pid")).ino === FIRST_PID_NAMESPACE;
  } catch {
    return true;
  }
}

/** PROC_PID_INIT_INO: the same on every kernel. */
const FIRST_PID_NAMESPACE = 0xeffffffc;

/** The file that a process runs; undefined when there is no such process, or the kernel's. */
export function executableOf(pid: number, root = "/"): string | undefined {
  try {
    const path = readlinkSync(join(root, `/proc/${pid}/exe`));
    return path.endsWith(DELETED) ? `/proc/${pid}/exe` : reachablePath(pid, path, root);
  } catch {
    return undefined;
  }
}

const DELETED = " (deleted)";

/**
 * Files that a process, or (undefined) any, has mapped as code; as paths that can be opened from here. A file that processes know by
 * different paths is there once, with a path of our own file system if it has one: a probe in it fires for all of them.
 */
export function mappedFiles(pid: number | undefined, root = "/"): string[] {
  const pids = pid === undefined ? allProcesses(root) : [pid];
  const files = new Map<string, string>();
  for (const process of pids) {
    const mapped = readMappings(process, root).filter(
      ({ executable, path }) => executable && path.startsWith("/") && !path.endsWith(DELETED),
    );
    if (mapped.length === 0) continue;
    const prefix = seesOtherFiles(process, root) ? `/proc/${process}/root` : "";
    for (const { device, inode, path } of mapped) {
      const key = `${device} ${inode}`;
      if (!files.has(key) || (prefix === "" && files.get(key)!.startsWith("/proc/"))) files.set(key, prefix + path);
    }
  }
  return [...files.values()].sort();
}

export function allProcesses(root = "/"): number[] {
  return readdirSync(join(root, "/proc"))
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
