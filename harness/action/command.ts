/** How the action calls the command line of this package: its arguments and environment. */
import { join } from "node:path";
import { packageRoot } from "../version.ts";
import type { Inputs } from "./inputs.ts";

/** The arguments for a measurement whose result goes to `resultFile`. */
export function measureArguments(inputs: Inputs, resultFile: string): string[] {
  const { mode, scenarios, base, baseline } = inputs;
  const options = mode === "compare" ? ["--base", base] : baseline === undefined ? [] : ["--baseline", baseline];
  // Paths come after `--`, whatever they begin with.
  return [mode, ...options, "--output", resultFile, "--", ...scenarios];
}

/** The whole command line for arguments of ours. */
export function ownCommand(args: readonly string[]): [string, ...string[]] {
  return [process.execPath, join(packageRoot(), "bin", "probewright.js"), ...args];
}

/** A command by sudo, in the environment of now. */
export function asRoot(command: readonly string[], path: string | undefined): [string, ...string[]] {
  // sudo sets a PATH of its own even where it keeps the environment, and workloads are looked up in it.
  return ["sudo", "--non-interactive", "--preserve-env", "--", "env", `PATH=${path ?? ""}`, ...command];
}

/** What the runner tells the action alone: tokens, and files through which a step speaks to the runner. */
const FOR_THE_ACTION = /^(INPUT_|STATE_|ACTIONS_|GITHUB_(OUTPUT|ENV|PATH|STATE|STEP_SUMMARY|TOKEN)$)/;

/** The environment for a measurement: workloads inherit it, and have no business with what is the action's. */
export function measureEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || FOR_THE_ACTION.test(name) ? [] : [[name, value] as const],
    ),
  );
}
