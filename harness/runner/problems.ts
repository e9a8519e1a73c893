/**
 * Why a run cannot be trusted, or could not happen. Every sentence that the user reads about a broken run is made here:
 * what happened, to what, and what to do about it.
 */
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import type { Command } from "../config/scenario.ts";
import type { CapturedOutput } from "./output.ts";
import type { ProcessInfo } from "./processes.ts";

export type ProblemKind =
  /** A program could not be started: it does not exist, is not executable, its directory or user is not there. */
  | "cannot-start"
  /** A program that the scenario requires is not there. */
  | "missing-program"
  | "exit-status"
  | "timeout"
  | "not-ready"
  | "ended-early"
  | "hook-failed"
  | "driver-failed"
  | "escaped"
  | "stuck"
  | "lost-events"
  | "endless-loop"
  | "map-full"
  /** The kernel did not change a map that had room. */
  | "lost-updates"
  | "missed"
  | "not-attached"
  | "script-exit"
  /** The kernel refused a program of the script. */
  | "verifier"
  /** This machine or user lacks something that tracing needs. */
  | "capability";

export interface Problem {
  readonly kind: ProblemKind;
  readonly message: string;
  /** What to do next. */
  readonly help?: string;
  /** What the process at fault printed. */
  readonly output?: ProcessOutput;
  /** Where in the scenario file the fault lies, if it has a place there. */
  readonly diagnostic?: Diagnostic;
}

export interface ProcessOutput {
  readonly stdout: CapturedOutput;
  readonly stderr: CapturedOutput;
}

/** Which process of a scenario a problem is about. */
export type Role = "workload" | "driver" | "setup" | "before" | "after" | "teardown" | "build";

const ROLES: Readonly<Record<Role, string>> = {
  workload: "the workload",
  driver: "the driver",
  setup: "the setup step",
  before: "the `before` step",
  after: "the `after` step",
  teardown: "the teardown step",
  build: "the build step",
};

export function roleName(role: Role): string {
  return ROLES[role];
}

/** A command as a person would type it, cut to a readable length. */
export function commandText(command: Command): string {
  const text = command.kind === "shell" ? command.script.trim() : command.argv.map(quoted).join(" ");
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `node (pid 123), sleep (pid 124) and 3 more` */
export function processList(processes: readonly ProcessInfo[]): string {
  const shown = processes.slice(0, 5).map(({ command, pid }) => `${command} (pid ${pid})`);
  const rest = processes.length - shown.length;
  return shown.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

export function milliseconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Number((ms / 1000).toFixed(3))} s`;
}
