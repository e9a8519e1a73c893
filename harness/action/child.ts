/** A command as a child process: its output goes to the log, signals that end the step go to it. */
import { spawn } from "node:child_process";
import type { LogWriter } from "./log.ts";

export interface ChildOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly write: LogWriter;
  /** Called with the process's id as soon as it runs. */
  readonly onStart?: (pid: number) => void;
  /** Sends a signal to it; by default as this user. */
  readonly signal?: (pid: number, signal: NodeJS.Signals) => void;
}

/** The command could not be started. */
export class StartError extends Error {
  override readonly name = "StartError";
}

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Waits for its end; answers with its exit code, 128 and the signal's number if one ended it. Throws StartError. */
export function runChild([file, ...args]: readonly [string, ...string[]], options: ChildOptions): Promise<number> {
  const { cwd, env, write, onStart, signal = process.kill } = options;
  return new Promise((resolve, reject) => {
    // A group of its own: what ends the step's processes at one blow must not take it without a chance to clean up.
    const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const forward = (name: NodeJS.Signals): void => {
      if (child.pid !== undefined && child.exitCode === null) signal(child.pid, name);
    };
    for (const name of FORWARDED) process.on(name, forward);
    const release = (): void => {
      for (const name of FORWARDED) process.off(name, forward);
    };
    child.stdout.on("data", write);
    child.stderr.on("data", write);
    child.once("spawn", () => onStart?.(child.pid!));
    child.once("error", (error) => {
      release();
      reject(new StartError(`cannot start ${file}: ${error.message}`, { cause: error }));
    });
    child.once("close", (code, name) => {
      release();
      resolve(code ?? 128 + (SIGNAL_NUMBERS[name ?? "SIGKILL"] ?? 0));
    });
  });
}

const SIGNAL_NUMBERS: Readonly<Partial<Record<NodeJS.Signals, number>>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGTERM: 15,
};

/** Sends a signal to a process of root's, as sudo passes it on to the command that it runs. */
export function signalAsRoot(pid: number, signal: NodeJS.Signals): void {
  // That it has ended meanwhile is no failure.
  spawn("sudo", ["--non-interactive", "kill", `-${signal.replace(/^SIG/, "")}`, String(pid)], { stdio: "ignore" }).on(
    "error",
    () => undefined,
  );
}
