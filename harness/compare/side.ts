/** One side of a comparison as a place: its checkout, and the folder in it that is the user's. */
import type { SideName } from "./checkouts.ts";

export interface Side {
  readonly name: SideName;
  /** The root of the checkout. */
  readonly root: string;
  /** Where in it the user is: relative paths begin there, those of binaries in probe scripts included. */
  readonly folder: string;
}

/** Does something in a folder. Nothing else may go on meanwhile: a process has one working directory. */
export async function inFolder<T>(folder: string, action: () => T | Promise<T>): Promise<T> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return await action();
  } finally {
    process.chdir(before);
  }
}
