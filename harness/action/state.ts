/** What the action's main step leaves for its post step, by the runner's saved state. */
import { getState, saveState } from "@actions/core";
import { hostProcesses, identity } from "../runner/processes.ts";

export interface State {
  /** The process that measures, as `pid@start time`, so that none that took over its pid is meant. */
  readonly process: string | undefined;
  readonly sudo: boolean;
  /** Where it measures, an absolute path. */
  readonly directory: string;
}

const NAMES = { process: "process", sudo: "sudo", directory: "directory" } as const;

/** To be called as soon as the process runs. */
export function saveMeasuring(pid: number, sudo: boolean, directory: string): void {
  const info = hostProcesses.list().find((process) => process.pid === pid);
  saveState(NAMES.process, info === undefined ? "" : identity(info));
  saveState(NAMES.sudo, sudo);
  saveState(NAMES.directory, directory);
}

/** Undefined when the main step never came to measure. */
export function savedState(): State | undefined {
  const directory = getState(NAMES.directory);
  if (directory === "") return undefined;
  return { process: getState(NAMES.process) || undefined, sudo: getState(NAMES.sudo) === "true", directory };
}
