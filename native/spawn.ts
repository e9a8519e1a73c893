/**
 * Starting a workload so that not one of its instructions is missed: the child is made in its cgroup, with its user,
 * group, descriptors and signals settled, and then waits right before execve(2) until the probes are attached and it is
 * released. Failures name the step that failed, in the child too.
 */
import { statSync } from "node:fs";
import { constants } from "node:os";
import { binding } from "./addon.ts";
import { check, ENOENT, type ErrorObject, SysError } from "./errors.ts";
import { Fd } from "./fd.ts";
import { type ExitStatus, tryWait, waitExit } from "./wait.ts";

/** Where a standard stream comes from or goes to. A number is a descriptor that the caller keeps. */
export type Stdio = "inherit" | "null" | "pipe" | number | Fd;

export interface SpawnSpec {
  /** argv[0] is looked up in env.PATH unless it has a slash; a script needs its `#!` line. */
  argv: readonly [string, ...string[]];
  /** The whole environment. */
  env: Readonly<Record<string, string>>;
  /** Entered before the user changes. */
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Supplementary groups; the default is [gid] when gid is given. */
  groups?: readonly number[];
  /** The cgroup v2 folder the child is born in: its path, or a descriptor of it. */
  cgroup?: string | Fd;
  /** Default "group": signals to the child's group reach all of its descendants that stay in it, and only them. */
  isolation?: "none" | "group" | "session";
  noNewPrivs?: boolean;
  /** Same addresses in every run. */
  noAslr?: boolean;
  /** SIGKILL when the thread that spawned it ends. A set-user-ID program sheds this. */
  killOnParentDeath?: boolean;
  stdin?: Stdio;
  stdout?: Stdio;
  stderr?: Stdio;
  /** False does without clone3(2), as on kernels and in sandboxes that lack it. */
  clone3?: boolean;
}

/** The steps between clone and exec, in the order of the addon's enum. */
const STAGES = [
  "clone",
  "cgroup",
  "setpgid",
  "setsid",
  "stdio",
  "close_range",
  "chdir",
  "personality",
  "setgroups",
  "setgid",
  "setuid",
  "no_new_privs",
  "pdeathsig",
  "sigaction",
  "exec",
] as const;

export type SpawnStage = (typeof STAGES)[number];

/** A step of starting a process failed. `operation` is `spawn: ` and the stage. */
export class SpawnError extends SysError {
  override readonly name = "SpawnError";
  readonly stage: SpawnStage;

  constructor(stage: SpawnStage, errno: number, object: ErrorObject) {
    super(`spawn: ${stage}`, errno, object);
    this.stage = stage;
  }
}

/** Starts a child that stops right before its exec. Throws SpawnError; no process is left behind then. */
export function spawnStopped(spec: SpawnSpec): StoppedProcess {
  const command = spec.argv[0];
  const files = candidates(command, spec.env.PATH);
  if (files.length === 0) throw new SpawnError("exec", ENOENT, { command });
  const out = new Int32Array(6);
  const cgroup = openCgroup(spec.cgroup);
  try {
    const status = binding().spawn(
      {
        files,
        argv: [...spec.argv],
        envp: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
        cwd: spec.cwd ?? null,
        uid: spec.uid ?? -1,
        gid: spec.gid ?? -1,
        groups: groupList(spec),
        cgroupFd: cgroup?.fd.value ?? -1,
        group: GROUP_CODES[spec.isolation ?? "group"],
        noNewPrivs: spec.noNewPrivs ?? false,
        noAslr: spec.noAslr ?? false,
        killOnParentDeath: spec.killOnParentDeath ?? false,
        stdio: Int32Array.of(
          stdioCode(spec.stdin ?? "null", 0),
          stdioCode(spec.stdout ?? "inherit", 1),
          stdioCode(spec.stderr ?? "inherit", 2),
        ),
        clone3: spec.clone3 ?? true,
      },
      out,
    );
    if (status < 0) throw new SpawnError(stageOf(out), -status, stageObject(stageOf(out), spec));
  } finally {
    if (cgroup?.owned) cgroup.fd.close();
  }
  return new StoppedProcess(spec, out);
}

/** A child, first waiting right before its exec, then, after `release`, running. `close` gives up its descriptors. */
export class StoppedProcess {
  readonly pid: number;
  readonly pidfd: Fd;
  /** Our ends of the streams that were "pipe"; use `readable` and `writable` of stream.ts on them. */
  readonly stdin: Fd | undefined;
  readonly stdout: Fd | undefined;
  readonly stderr: Fd | undefined;
  readonly #control: Fd;
  readonly #spec: SpawnSpec;

  constructor(spec: SpawnSpec, out: Int32Array) {
    const [pid = -1, pidfd = -1, control = -1, stdin = -1, stdout = -1, stderr = -1] = out;
    const command = spec.argv[0];
    this.#spec = spec;
    this.pid = pid;
    this.pidfd = new Fd(pidfd, `pidfd of ${command}`);
    this.#control = new Fd(control, `control of ${command}`);
    this.stdin = stdin < 0 ? undefined : new Fd(stdin, `stdin of ${command}`);
    this.stdout = stdout < 0 ? undefined : new Fd(stdout, `stdout of ${command}`);
    this.stderr = stderr < 0 ? undefined : new Fd(stderr, `stderr of ${command}`);
  }

  /**
   * Lets the child exec and returns once it has. Throws SpawnError when the exec failed (the child has then exited with
   * 127), and SysError ETIMEDOUT when the child did not get that far, for example because its cgroup is frozen.
   */
  release(timeoutMs = 10_000): void {
    const out = new Int32Array(1);
    try {
      const status = binding().spawnRelease(this.#control.value, timeoutMs, out);
      if (status < 0 && out[0]! >= 0)
        throw new SpawnError(stageOf(out), -status, stageObject(stageOf(out), this.#spec));
      check(status, "release of a stopped process", { command: this.#spec.argv[0], pid: this.pid });
    } finally {
      this.#control.close();
    }
  }

  /** Resolves when the process has ended. Ask once only: the kernel forgets a child that was waited for. */
  wait(): Promise<ExitStatus> {
    return waitExit(this.pidfd);
  }

  /** How the process ended, or null while it is alive. Ask no further after an answer. */
  tryWait(): ExitStatus | null {
    return tryWait(this.pidfd);
  }

  /** Signals the process only; false when it has ended already. */
  kill(signal: NodeJS.Signals | number): boolean {
    return pidfdSendSignal(this.pidfd, signal);
  }

  /** Signals the process group that it leads; false when nobody is left in it. */
  killGroup(signal: NodeJS.Signals | number): boolean {
    return killProcessGroup(this.pid, signal);
  }

  /** Closes whatever descriptors are still ours. A child that was never released exits by itself. */
  close(): void {
    for (const fd of [this.#control, this.stdin, this.stdout, this.stderr, this.pidfd]) fd?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** pidfd_send_signal(2): false when the process has ended already. Signal 0 only asks. */
export function pidfdSendSignal(pidfd: Fd, signal: NodeJS.Signals | number): boolean {
  return delivered(binding().pidfdSendSignal(pidfd.value, signalNumber(signal)), "pidfd_send_signal", {
    descriptor: pidfd.label,
  });
}

/** kill(2) of a whole process group: false when nobody is in it. */
export function killProcessGroup(group: number, signal: NodeJS.Signals | number): boolean {
  // kill(-1) would be everybody and kill(0) ourselves
  if (!Number.isInteger(group) || group <= 1) throw new RangeError(`not a process group to kill: ${group}`);
  return delivered(binding().killProcessGroup(group, signalNumber(signal)), "kill", { group });
}

function delivered(result: number, operation: string, object: ErrorObject): boolean {
  if (result === -ESRCH) return false;
  check(result, operation, object);
  return true;
}

function signalNumber(signal: NodeJS.Signals | number): number {
  return typeof signal === "number" ? signal : constants.signals[signal];
}

/**
 * The files that execvp(3) would try. Those that plainly are not there are left out: each attempt would be one more
 * traced execve of the workload.
 */
function candidates(command: string, path = "/usr/local/bin:/usr/bin:/bin"): string[] {
  if (command.includes("/")) return [command];
  if (command === "") return [];
  return path
    .split(":")
    .map((folder) => `${folder === "" ? "." : folder}/${command}`)
    .filter((file) => !file.startsWith("/") || exists(file));
}

function exists(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true; // we cannot tell, so the child shall find out
  }
}

function groupList(spec: SpawnSpec): Uint32Array | null {
  if (spec.groups !== undefined) return Uint32Array.from(spec.groups);
  return spec.gid === undefined ? null : Uint32Array.of(spec.gid);
}

const GROUP_CODES = { none: 0, group: 1, session: 2 } as const;
const STDIO_NULL = -1;
const STDIO_PIPE = -2;
const ESRCH = 3;

function stdioCode(stdio: Stdio, inherited: number): number {
  if (stdio instanceof Fd) return stdio.value;
  if (typeof stdio === "number") {
    if (!Number.isInteger(stdio) || stdio < 0) throw new RangeError(`not a file descriptor: ${stdio}`);
    return stdio;
  }
  switch (stdio) {
    case "inherit":
      return inherited;
    case "null":
      return STDIO_NULL;
    case "pipe":
      return STDIO_PIPE;
  }
}

function stageOf(out: Int32Array): SpawnStage {
  return STAGES[out[0]!] ?? "clone";
}

/** What a stage was about, for the message. */
function stageObject(stage: SpawnStage, spec: SpawnSpec): ErrorObject {
  const command = spec.argv[0];
  switch (stage) {
    case "cgroup":
      return { cgroup: spec.cgroup instanceof Fd ? spec.cgroup.label : (spec.cgroup ?? ""), command };
    case "chdir":
      return { cwd: spec.cwd ?? "", command };
    case "setgroups":
    case "setgid":
      return { gid: spec.gid ?? -1, command };
    case "setuid":
      return { uid: spec.uid ?? -1, command };
    default:
      return { command };
  }
}

/** The cgroup's descriptor, and whether it is ours to close. */
function openCgroup(cgroup: string | Fd | undefined): { fd: Fd; owned: boolean } | undefined {
  if (cgroup === undefined) return undefined;
  if (cgroup instanceof Fd) return { fd: cgroup, owned: false };
  const result = binding().openDirectory(cgroup);
  if (result < 0) throw new SpawnError("cgroup", -result, { cgroup });
  return { fd: new Fd(result, `cgroup ${cgroup}`), owned: true };
}
