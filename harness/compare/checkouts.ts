/**
 * Both sides of a comparison as folders of equal depth and equal length of name, so that neither has the shorter
 * paths: `base` and `head` in one temporary folder. A working tree is compared by a copy, its commit with the changed
 * and new files laid over it: building and running must not disturb what the user is editing.
 */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { hostProcesses, identity } from "../runner/processes.ts";
import type { User } from "../runner/users.ts";
import type { Commit, Repository, WorkingChanges } from "./git.ts";

export type SideName = "base" | "head";

/** Short, because paths are cut where probe scripts read them. */
const PREFIX = "pw-";
/** In the folder of a comparison: the identity of the process whose it is. */
const OWNER_FILE = "owner";

export class Checkouts {
  readonly #repository: Repository;
  readonly #user: User | undefined;
  readonly #folder: string;

  private constructor(repository: Repository, user: User | undefined, folder: string) {
    this.#repository = repository;
    this.#user = user;
    this.#folder = folder;
  }

  /** Makes the temporary folder, and removes those that killed comparisons of this repository have left. */
  static async create(repository: Repository, user: User | undefined): Promise<Checkouts> {
    await removeStaleCheckouts(repository);
    const folder = mkdtempSync(join(realpathSync(tmpdir()), PREFIX));
    writeFileSync(join(folder, OWNER_FILE), living().find((id) => id.startsWith(`${process.pid}@`)) ?? "");
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
    return new Checkouts(repository, user, folder);
  }

  root(side: SideName): string {
    return join(this.#folder, side);
  }

  /** Lets workloads in that run as other users; they cannot look around in it. */
  admitOthers(): void {
    chmodSync(this.#folder, 0o711);
  }

  /** Throws CompareError and InterruptedError, as git does. */
  async checkOut(side: SideName, commit: Commit): Promise<void> {
    await this.#repository.addWorktree(this.root(side), commit);
  }

  /** Makes a checkout of the working tree's commit the same as the working tree. */
  overlay(side: SideName, changes: WorkingChanges): void {
    for (const path of changes.removed) rmSync(join(this.root(side), path), { recursive: true, force: true });
    for (const path of changes.present)
      copyEntry(join(this.#repository.root, path), join(this.root(side), path), this.#user);
  }

  /** Removes everything; to be called whatever has happened. */
  async remove(): Promise<void> {
    await removeFolder(this.#repository, this.#folder);
  }
}

async function removeFolder(repository: Repository, folder: string): Promise<void> {
  for (const side of ["base", "head"]) await repository.removeWorktree(join(folder, side));
  rmSync(folder, { recursive: true, force: true });
}

/** What a comparison leaves that was killed the hard way. */
export async function removeStaleCheckouts(repository: Repository): Promise<void> {
  const folders = (await repository.worktrees()).map(dirname).filter((path) => basename(path).startsWith(PREFIX));
  for (const folder of new Set(folders)) if (!ownerLives(folder)) await removeFolder(repository, folder);
}

/** Without a note of the owner the folder is none of ours. */
function ownerLives(folder: string): boolean {
  let owner: string;
  try {
    owner = readFileSync(join(folder, OWNER_FILE), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw error;
  }
  return living().includes(owner);
}

/** The identities of all processes: a number alone may have gone to another one since. */
function living(): string[] {
  return hostProcesses
    .list()
    .filter(({ zombie }) => !zombie)
    .map(identity);
}

/** Copies a file or symbolic link over whatever is there. What it vanished from under is left out. */
function copyEntry(from: string, to: string, owner: User | undefined): void {
  const entry = lstatSync(from, { throwIfNoEntry: false });
  // A folder is a submodule, or has taken the place of a file; then the files in it are listed by themselves.
  rmSync(to, { recursive: true, force: true });
  if (entry === undefined || entry.isDirectory()) return;
  makeFolders(dirname(to), owner);
  if (entry.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
  else copyFileSync(from, to);
  if (owner !== undefined) lchownSync(to, owner.uid, owner.gid);
}

function makeFolders(folder: string, owner: User | undefined): void {
  const existing = lstatSync(folder, { throwIfNoEntry: false });
  if (existing?.isDirectory()) return;
  // A file that has become a folder.
  if (existing !== undefined) rmSync(folder);
  makeFolders(dirname(folder), owner);
  mkdirSync(folder);
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
}
