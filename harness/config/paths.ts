/** Where things are: every path in a file is relative to that file's folder. */
import { dirname, join, relative, resolve } from "node:path";

export interface Folder {
  /** Absolute. */
  readonly path: string;
  /** As the user would write it from where the loader was called, for display. */
  readonly shown: string;
}

export function folderOf(file: string): Folder {
  return { path: dirname(resolve(file)), shown: dirname(file) };
}

export function absolute(folder: Folder, path: string): string {
  return resolve(folder.path, path);
}

export function shown(folder: Folder, path: string): string {
  return path.startsWith("/") ? path : join(folder.shown, path);
}

/** For hashes, which must be the same in every checkout. */
export function portable(folder: Folder, path: string): string {
  return relative(folder.path, path);
}
