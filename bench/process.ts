/**
 * Processes under measurement: started as one would at a prompt, timed from their exec to their end, with the memory
 * and processor time that the kernel accounted to them. None outlives the benchmark.
 */
import { performance } from "node:perf_hooks";
import type { Readable } from "node:stream";
import { type ExitStatus, readable, type StoppedProcess, spawnStopped } from "../native/index.ts";

/** A program and its arguments. */
export type Command = readonly [string, ...string[]];

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

export class Running {
  readonly pid: number;
  /** Rejects when the process fails, takes too long, or the benchmark is aborted. */
  readonly finished: Promise<Finished>;
  readonly #process: StoppedProcess;
  readonly #out: { text: string };
  readonly #err: { text: string };
  #onOutput = (): void => {};
  #over = false;

  constructor(command: Command, signal: AbortSignal) {
    signal.throwIfAborted();
    this.#process = spawnStopped({
      argv: command,
      env: environment(),
      stdout: "pipe",
      stderr: "pipe",
      killOnParentDeath: true,
    });
    this.pid = this.#process.pid;
    const stdout = readable(this.#process.stdout!);
    const stderr = readable(this.#process.stderr!);
    this.#out = collect(stdout, () => this.#onOutput());
    this.#err = collect(stderr);
    this.finished = this.#follow(command, [stdout, stderr], signal);
    this.finished.catch(() => {}); // whoever waits for it hears of it
  }

  /** Resolves when standard output contains the text; rejects when the process ends without. */
  output(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.#out.text.includes(text)) resolve();
      };
      this.#onOutput = look;
      look();
      this.finished.then(
        () => reject(new ProcessError(`a process ended without printing ${JSON.stringify(text)}`)),
        reject,
      );
    });
  }

  /** Asks it to end, as Ctrl-C does; `finished` tells whether it ended by itself before. */
  interrupt(): void {
    if (!this.#over) this.#process.kill("SIGINT");
  }

  async #follow(command: Command, streams: Readable[], signal: AbortSignal): Promise<Finished> {
    const kill = (): void => void this.#process.kill("SIGKILL");
    const tooLong = setTimeout(kill, TIMEOUT_MS);
    signal.addEventListener("abort", kill);
    try {
      const start = performance.now();
      this.#process.release();
      const status = await this.#process.wait();
      this.#over = true;
      const wallMs = performance.now() - start;
      await Promise.all(streams.map(ended));
      signal.throwIfAborted();
      if (status.code !== 0) throw new ProcessError(failureText(command, status, wallMs, this.#err.text));
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

function collect(stream: Readable, onText: () => void = () => {}): { text: string } {
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

function failureText(command: Command, { code, signal }: ExitStatus, wallMs: number, stderr: string): string {
  const end =
    wallMs >= TIMEOUT_MS ? "took too long" : signal === null ? `exited with status ${code}` : `died: ${signal}`;
  return `${command.join(" ")}\n  ${end}\n  ${stderr.trim().replaceAll("\n", "\n  ")}`;
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Old versions of bpftrace attach hundreds of probes in half a minute on a good day. */
const TIMEOUT_MS = 300_000;
