/** Processes on the real machine. */
import { closeSync, openSync } from "node:fs";
import { readable, type StoppedProcess, SysError, spawnStopped } from "../../native/index.ts";
import { type Child, type Ended, type Spawner, type SpawnRequest, STDIN_OPERATION } from "./host.ts";
import { systemClock } from "./system-clock.ts";

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
    uid: user?.uid,
    gid: user?.gid,
    groups: user?.groups,
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
    throw new SysError(STDIN_OPERATION, Math.abs(errno), { path });
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
