/** The command as users start it: bin/probewright.js on a fresh build, in a process of its own. */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { mkdirSync, readdirSync, rmdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NOBODY, publicCopy } from "./public-copy.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const STAMP = join(ROOT, "dist", ".stamp");
const LOCK = join(ROOT, "node_modules", ".probewright-build");

/** Compiles the sources unless dist/ is younger than all of them. Test files run side by side, so one builds for all. */
function build(): void {
  while (!isFresh()) {
    try {
      mkdirSync(LOCK);
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      continue;
    }
    try {
      const started = new Date();
      if (!isFresh()) {
        execFileSync("npm", ["run", "--silent", "build"], { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
        writeFileSync(STAMP, "");
        utimesSync(STAMP, started, started);
      }
    } finally {
      rmdirSync(LOCK);
    }
  }
}

function isFresh(): boolean {
  const built = statSync(STAMP, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return ["compiler", "native", "harness"].every((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|css|mjs)$/.test(entry.name))
      .every((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs < built),
  );
}

/** A lock that a killed process has left behind would stop all tests for ever. */
function dropStaleLock(): void {
  const age = Date.now() - (statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (age > 60_000) rmdirSync(LOCK);
}

dropStaleLock();
build();

/** Node, and the command in this checkout. */
const OURS: readonly [node: string, bin: string] = [process.execPath, join(ROOT, "bin/probewright.js")];

export interface Finished {
  /** Exit code, or the signal that ended it. */
  status: number | NodeJS.Signals;
  out: string;
  err: string;
}

/** A running command. */
export class Cli {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
  out = "";
  err = "";
  #changed: () => void = () => {};

  constructor(args: readonly string[], options: SpawnOptions = {}, [node, bin] = OURS) {
    this.process = spawn(node, [bin, ...args], { cwd: ROOT, ...options });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.out += text;
      this.#changed();
    });
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.err += text;
      this.#changed();
    });
    this.finished = new Promise((resolve, reject) => {
      this.process.once("error", reject);
      this.process.once("close", (code, signal) => {
        resolve({ status: code ?? signal!, out: this.out, err: this.err });
      });
    });
  }

  /** Waits until both streams together hold the text. */
  async saw(text: string): Promise<void> {
    while (!(this.out + this.err).includes(text)) {
      const changed = new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
      const ended = this.finished.then(() => {
        if (!(this.out + this.err).includes(text)) throw new Error(`ended without ${text}:\n${this.out}${this.err}`);
      });
      await Promise.race([changed, ended]);
    }
  }
}

/** Runs a copy of the command as a user without privileges. */
export function runAsNobody(args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  const { folder, node, bin } = publicCopy();
  const cli = new Cli(args, { cwd: folder, ...options, ...NOBODY }, [node, bin]);
  cli.process.stdin?.end();
  return cli.finished;
}

/** Runs the command to its end. */
export function runCli(args: readonly string[], input = "", options: SpawnOptions = {}): Promise<Finished> {
  const cli = new Cli(args, options);
  cli.process.stdin?.on("error", () => {}).end(input);
  return cli.finished;
}
