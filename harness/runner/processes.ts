/**
 * Which processes exist, and which of them a run has started. A run is not over before everything that it started is
 * gone, and its numbers are not to be trusted when something went on outside the scope. Both need to recognise a
 * process that was daemonised, changed its session, or moved to another cgroup.
 */
import { readdirSync, readFileSync } from "node:fs";
import { pidfdOpen, pidfdSendSignal, SysError, tryWait } from "../../native/index.ts";
import { MARKER } from "./environment.ts";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Clock ticks since boot: together with the pid the identity of a process. */
  readonly startTime: string;
  readonly command: string;
  /** Ended, but nobody has asked how. */
  readonly zombie: boolean;
}

/** The process table of the host. */
export interface ProcessTable {
  /** This process. */
  readonly self: number;
  /**
   * Others in this process start children too, such as a test runner whose guest we are: an orphan that does not say whose it
   * is may be theirs.
   */
  readonly guest?: boolean;
  list(): ProcessInfo[];
  /** Whether a process has this pid and has not ended; where nobody waits for it, one that has stays in the table. */
  exists(pid: number): boolean;
  /** Its path in the cgroup v2 hierarchy; undefined when the process is gone or there is no such hierarchy. */
  cgroup(pid: number): string | undefined;
  /** The value of our variable in its environment; undefined without one, or when it cannot be read. */
  marker(pid: number): string | undefined;
  /** SIGKILL for exactly this process: one that took over its pid is spared. */
  kill(process: ProcessInfo): void;
  /** Takes an adopted zombie off the table; other processes are left alone. */
  reap(process: ProcessInfo): void;
}

/** How one run's processes are told from all others. */
export interface Kinship {
  /** Our variable's value in this part of the run. */
  readonly marker: string;
  /** Processes spawned directly; each leads a session of its own. */
  readonly roots: ReadonlySet<number>;
  /** Identities of what descended from us before; never touched. */
  readonly bystanders: ReadonlySet<string>;
  /** Processes that we spawned for another part, and their descendants. */
  readonly strangers: ReadonlySet<number>;
}

export function identity(process: ProcessInfo): string {
  return `${process.pid}@${process.startTime}`;
}

/** Everything that descends from this process, the nearest first. */
export function descendants(table: ProcessTable): ProcessInfo[] {
  const children = new Map<number, ProcessInfo[]>();
  for (const process of table.list()) {
    const siblings = children.get(process.parent);
    if (siblings === undefined) children.set(process.parent, [process]);
    else siblings.push(process);
  }
  const found: ProcessInfo[] = [];
  const queue = [table.self];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      queue.push(child.pid);
    }
  }
  return found;
}

/**
 * The descendants of ours that belong to a run: those in a session of its roots, those that carry its marker, what they
 * started in turn, and orphans whom we adopted although they left our session (daemons that cleaned their environment).
 */
export function relatives(table: ProcessTable, kinship: Kinship): ProcessInfo[] {
  const ownSession = table.list().find((process) => process.pid === table.self)?.session;
  const related = new Set<number>(kinship.roots);
  const strange = new Set<number>(kinship.strangers);
  const found: ProcessInfo[] = [];
  for (const process of descendants(table)) {
    if (kinship.bystanders.has(identity(process))) continue;
    if (strange.has(process.pid) || strange.has(process.parent) || strange.has(process.session)) {
      strange.add(process.pid);
      continue;
    }
    const marker = process.zombie ? undefined : table.marker(process.pid);
    const adopted =
      !table.guest && process.parent === table.self && process.session !== ownSession && marker === undefined;
    if (
      related.has(process.pid) ||
      related.has(process.parent) ||
      kinship.roots.has(process.session) ||
      marker === kinship.marker ||
      adopted
    ) {
      related.add(process.pid);
      found.push(process);
    }
  }
  return found;
}

/** The table behind /proc. */
export const hostProcesses: ProcessTable = {
  self: process.pid,
  list: () =>
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => stat(Number(name)) ?? []),
  exists: (pid) => stat(pid)?.zombie === false,
  cgroup: (pid) => /^0::(.*)$/m.exec(readProc(pid, "cgroup") ?? "")?.[1]?.replace(/ \(deleted\)$/, ""),
  marker: (pid) =>
    readProc(pid, "environ")
      ?.split("\0")
      .find((variable) => variable.startsWith(`${MARKER}=`))
      ?.slice(MARKER.length + 1),
  kill: (target) => {
    // The descriptor pins the process; only then is its identity compared, and only then is it signalled.
    withPidfd(target, (pidfd) => pidfdSendSignal(pidfd, "SIGKILL"));
  },
  reap: (target) => {
    if (target.zombie && target.parent === process.pid) withPidfd(target, (pidfd) => tryWait(pidfd));
  },
};

function withPidfd(target: ProcessInfo, use: (pidfd: ReturnType<typeof pidfdOpen>) => unknown): void {
  try {
    using pidfd = pidfdOpen(target.pid);
    if (stat(target.pid)?.startTime === target.startTime) use(pidfd);
  } catch (error) {
    // Gone, or waited for, in the meantime: what was wanted.
    if (!(error instanceof SysError && (error.code === "ESRCH" || error.code === "ECHILD"))) throw error;
  }
}

/** One process; undefined when it is gone. The command's name may hold spaces and brackets, so it is cut at the last one. */
function stat(pid: number): ProcessInfo | undefined {
  const text = readProc(pid, "stat");
  if (text === undefined) return undefined;
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  return {
    pid,
    command: text.slice(text.indexOf("(") + 1, end),
    zombie: fields[0] === "Z" || fields[0] === "X",
    parent: Number(fields[1]),
    session: Number(fields[3]),
    startTime: fields[19]!,
  };
}

/** A file of a process; undefined when the process is gone or keeps it from us. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
