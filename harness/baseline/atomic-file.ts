/**
 * Writing a file so that there is always a whole one: to a temporary name beside it, to the disk, and only then under
 * its own name. A full disk or a crash leaves the old contents, and no debris.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Owner, sudoOwner } from "../sudo-owner.ts";

/** The file could not be written; what was there before is untouched. */
export class WriteError extends Error {
  override readonly name = "WriteError";
  readonly path: string;
  /** Such as ENOSPC. */
  readonly code: string;

  constructor(path: string, cause: NodeJS.ErrnoException) {
    super(`cannot write ${path}: ${REASONS[cause.code ?? ""] ?? cause.message}`, { cause });
    this.path = path;
    this.code = cause.code ?? "";
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; what was there before is unchanged",
  EDQUOT: "the disk quota is used up; what was there before is unchanged",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory",
  ENOTDIR: "part of its path is no directory",
};

/**
 * Writes `content` to `path`, making the directory if need be. A file that exists keeps its mode and owner, what is new
 * belongs to `owner`. Throws WriteError.
 */
export function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  owner: Owner | undefined = sudoOwner(),
): void {
  let temporary: string | undefined;
  try {
    makeDirectory(dirname(path), owner);
    // A link stays a link: what it points to is replaced.
    const target = resolved(path);
    const existing = statSync(target, { throwIfNoEntry: false });
    // A device or a pipe takes what is written and cannot be replaced.
    if (existing && !existing.isFile()) {
      writeAll(target, content, "w");
      return;
    }
    temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
    writeAll(temporary, content, "wx");
    if (existing) chmodSync(temporary, existing.mode & 0o7777);
    const keeper = existing ?? owner;
    if (keeper && process.getuid!() === 0) chownSync(temporary, keeper.uid, keeper.gid);
    renameSync(temporary, target);
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    throw new WriteError(path, error as NodeJS.ErrnoException);
  }
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return path;
    throw error;
  }
}

/**
 * Makes a folder and those above it. Not `recursive: true`, which goes round for ever where a file system answers that
 * the new folder's parent is not there although it is, as /proc does.
 */
function makeDirectory(directory: string, owner: Owner | undefined): void {
  if (statSync(directory, { throwIfNoEntry: false }) !== undefined) return;
  makeDirectory(dirname(directory), owner);
  mkdirSync(directory);
  if (owner) chownSync(directory, owner.uid, owner.gid);
}

/** Closing can report what writing did not, so the descriptor is synchronised first. */
function writeAll(path: string, content: string | Uint8Array, flags: "w" | "wx"): void {
  const fd = openSync(path, flags, 0o644);
  try {
    const bytes = Buffer.from(content);
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    if (flags === "wx") fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
