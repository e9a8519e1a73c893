/**
 * The door through which files enter the compiler: scripts that are imported and headers that are included. The harness
 * opens the real ones, the tests have some of their own, and where there is no host, a script is all by itself.
 */
export interface FileHost {
  /** What a path names, undefined where there is nothing. Relative paths count from the current folder. */
  open(path: string): HostFile | HostFolder | undefined;
  /** Folders in which `#include <...>` looks, in this order. */
  readonly includePaths: readonly string[];
  /** Whether headers of the kernel itself are among these, and not only those that it offers to programs. */
  readonly hasKernelHeaders?: boolean;
}

interface HostEntry {
  /** The same for all paths that lead to the same file. */
  readonly id: string;
  /** Whether everybody may write it, or the folder that it lies in. */
  readonly worldWritable: boolean;
}

export interface HostFile extends HostEntry {
  readonly kind: "file";
  /** Its text, or why it cannot be had. */
  read(): { text: string } | { problem: string };
}

export interface HostFolder extends HostEntry {
  readonly kind: "folder";
  /** Names of the files in it. */
  readonly entries: readonly string[];
}

/** The folder of a path, `.` for a bare name. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}

/** A path as it is seen from a folder. */
export function pathFrom(folder: string, path: string): string {
  if (path.startsWith("/")) return path;
  return folder === "." ? path : `${folder.replace(/\/$/, "")}/${path}`;
}
