/** The runner's host on the real machine. */
import { closeSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { compile } from "../../compiler/compile.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import { readable, type StoppedProcess, SysError, setChildSubreaper, spawnStopped } from "../../native/index.ts";
import { type CgroupHost, findHierarchy, openCgroupScope, removeStale, writableParent } from "./cgroups.ts";
import type { Child, Clock, Ended, Host, ScopeProvider, Spawner, SpawnRequest } from "./host.ts";
import { nativeTracer } from "./native-tracer.ts";
import { hostProcesses } from "./processes.ts";
import { openTreeScope } from "./tree-scope.ts";
import { hostUsers } from "./users.ts";

/** The longest time that a JavaScript timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => process.hrtime.bigint(),
  sleep: async (ms, signal) => {
    try {
      await sleep(Math.min(ms, MAX_TIMER_MS), undefined, { signal });
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  },
};

/** The whole host. Scopes that killed tools have left behind are removed first. */
export async function nativeHost(facts: KernelFacts): Promise<Host> {
  return {
    clock: systemClock,
    spawner: nativeSpawner,
    scopes: await nativeScopes(),
    tracer: nativeTracer,
    users: hostUsers(),
    compile: (source, diags, options) => compile(source, facts, diags, options),
  };
}

// Scopes

/** Cgroups where this machine permits them, else process trees. `forced` is for tests of either kind. */
export async function nativeScopes(forced?: "tree"): Promise<ScopeProvider> {
  const cgroups = forced === "tree" ? undefined : await usableCgroups();
  // Orphans of a workload come to us, so that nothing gets lost.
  setChildSubreaper(true);
  if (cgroups === undefined) return { kind: "tree", open: () => openTreeScope(hostProcesses, systemClock) };
  return { kind: "cgroup", open: () => openCgroupScope(cgroups.host, cgroups.parent) };
}

async function usableCgroups(): Promise<{ host: CgroupHost; parent: string } | undefined> {
  const hierarchy = findHierarchy(readFileSync("/proc/self/mountinfo", "utf8"));
  if (hierarchy === undefined || !inInitialCgroupNamespace()) return undefined;
  const host = { hierarchy, table: hostProcesses, clock: systemClock };
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

// Processes

export const nativeSpawner: Spawner = {
  spawn: (request) => {
    const stdin = request.stdin === undefined ? undefined : openInput(request.stdin);
    try {
      return new NativeChild(spawn(request, stdin));
    } finally {
      if (stdin !== undefined) closeSync(stdin);
    }
  },
};

function spawn({ argv, env, cwd, user, cgroup }: SpawnRequest, stdin: number | undefined): StoppedProcess {
  return spawnStopped({
    argv,
    env,
    cwd,
    ...user,
    cgroup,
    // A session of its own: no terminal to stop it, and a mark that its descendants keep.
    isolation: "session",
    killOnParentDeath: true,
    stdin: stdin ?? "null",
    stdout: "pipe",
    stderr: "pipe",
  });
}

function openInput(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    throw new SysError("open", Math.abs(errno), { stdin: path });
  }
}

class NativeChild implements Child {
  readonly exited: Promise<Ended>;
  readonly outputEnded: Promise<void>;
  readonly #process: StoppedProcess;
  readonly #streams: ReturnType<typeof readable>[];
  #listener: Parameters<Child["onOutput"]>[0] = () => undefined;

  constructor(process: StoppedProcess) {
    this.#process = process;
    this.exited = process.wait().then((status) => ({ status, at: systemClock.now() }));
    const streams = { stdout: readable(process.stdout!), stderr: readable(process.stderr!) };
    this.#streams = Object.values(streams);
    this.outputEnded = Promise.all(
      (["stdout", "stderr"] as const).map((name) => {
        const stream = streams[name];
        stream.on("data", (chunk: Uint8Array) => this.#listener(name, chunk));
        // A pipe has no errors worth more than its end.
        stream.on("error", () => stream.destroy());
        return new Promise<void>((resolve) => stream.once("close", () => resolve()));
      }),
    ).then(() => undefined);
  }

  get pid(): number {
    return this.#process.pid;
  }

  release(): void {
    this.#process.release();
  }

  onOutput(listener: Parameters<Child["onOutput"]>[0]): void {
    this.#listener = listener;
  }

  kill(signal: NodeJS.Signals, whom: "process" | "group"): boolean {
    return whom === "group" ? this.#process.killGroup(signal) : this.#process.kill(signal);
  }

  close(): void {
    for (const stream of this.#streams) stream.destroy();
    this.#process.close();
  }
}
