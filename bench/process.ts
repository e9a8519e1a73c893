/**
 * Processes under measurement: started as one would at a prompt, timed from their exec to their end, with the memory
 * and processor time that the kernel accounted to them. None outlives the benchmark.
 */
import { performance } from "node:perf_hooks";
import type { Readable } from "node:stream";
import { type ExitStatus, readable, type StoppedProcess, spawnStopped } from "../native/index.ts";

export interface Command {
  argv: readonly [string, ...string[]];
  env?: Readonly<Record<string, string>>;
}

export interface Finished {
  wallMs: number;
  /** User and system time. */
  cpuMs: number;
  maxRssMiB: number;
  stdout: string;
}

/** A process did not do what a measurement needs. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
}

/** Runs a command to its end, which has to be a success. */
export function run(command: Command, signal: AbortSignal): Promise<Finished> {
  return new Running(command, signal).finished;
}

/** Starts a tracer and resolves once it has attached everything, which it says in the way that bpftrace's tests expect. */
export async function startTracer(command: Command, signal: AbortSignal): Promise<Running> {
  const running = new Running({ ...command, env: { ...command.env, [NOTIFY]: "1" } }, signal);
  await running.output(NOTIFY);
  return running;
}

export class Running {
  readonly pid: number;
  /** Rejects when the process fails, takes too long, or the benchmark is aborted. */
  readonly finished: Promise<Finished>;
  readonly #process: StoppedProcess;
  readonly #out: { text: string };
  readonly #err: { text: string };
  #ended = false;
  #onOutput = (): void => {};

  constructor(command: Command, signal: AbortSignal) {
    const { argv, env = {} } = command;
    signal.throwIfAborted();
    this.#process = spawnStopped({
      argv,
      env: { ...inherited(), ...env },
      stdout: "pipe",
      stderr: "pipe",
      killOnParentDeath: true,
    });
    this.pid = this.#process.pid;
    const stdout = readable(this.#process.stdout!);
    const stderr = readable(this.#process.stderr!);
    this.#out = collect(stdout, () => this.#onOutput());
    this.#err = collect(stderr, () => this.#onOutput());
    this.finished = this.#follow(argv, [stdout, stderr], signal);
    this.finished.catch(() => {}); // whoever waits for it hears of it
  }

  /** Resolves when either stream contains the text; rejects when the process ends without. */
  output(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.#out.text.includes(text) || this.#err.text.includes(text)) resolve();
      };
      this.#onOutput = look;
      look();
      this.finished.then(() => reject(new ProcessError(`a tracer ended before it was attached`)), reject);
    });
  }

  /** Ctrl-C. */
  interrupt(): Promise<Finished> {
    this.#process.kill("SIGINT");
    return this.finished;
  }

  /** At once and for good; nothing happens to one that has ended. */
  kill(): void {
    if (!this.#ended) this.#process.kill("SIGKILL");
  }

  async #follow(argv: readonly string[], streams: Readable[], signal: AbortSignal): Promise<Finished> {
    const kill = (): void => this.kill();
    const tooLong = setTimeout(kill, TIMEOUT_MS);
    signal.addEventListener("abort", kill);
    try {
      const start = performance.now();
      this.#process.release();
      const status = await this.#process.wait();
      const wallMs = performance.now() - start;
      this.#ended = true;
      await Promise.all(streams.map(ended));
      signal.throwIfAborted();
      if (status.code !== 0) throw new ProcessError(failureText(argv, status, wallMs, this.#err.text));
      const { userTimeUs, systemTimeUs, maxRssKiB } = status.usage;
      return { wallMs, cpuMs: (userTimeUs + systemTimeUs) / 1e3, maxRssMiB: maxRssKiB / 1024, stdout: this.#out.text };
    } finally {
      clearTimeout(tooLong);
      signal.removeEventListener("abort", kill);
      for (const stream of streams) stream.destroy();
      this.#process.close();
    }
  }
}

function collect(stream: Readable, onText: () => void): { text: string } {
  const collected = { text: "" };
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    collected.text += chunk;
    onText();
  });
  return collected;
}

function ended(stream: Readable): Promise<void> {
  if (stream.readableEnded || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => stream.once("close", () => resolve()));
}

function failureText(argv: readonly string[], { code, signal }: ExitStatus, wallMs: number, stderr: string): string {
  const end =
    wallMs >= TIMEOUT_MS ? "took too long" : signal === null ? `exited with status ${code}` : `died: ${signal}`;
  return `${argv.join(" ")}\n  ${end}\n  ${stderr.trim().replaceAll("\n", "\n  ")}`;
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

const NOTIFY = "__BPFTRACE_NOTIFY_PROBES_ATTACHED";
/** Old versions of bpftrace attach hundreds of probes in half a minute on a good day. */
const TIMEOUT_MS = 300_000;
