/**
 * What a comparison asks of git: where the repository is, which commit a name means, which files differ from it, and
 * worktrees. Git runs as the user who called sudo, so that nothing in the repository comes to belong to root; hooks do
 * not run, and the index is not rewritten.
 */
import { existsSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { GitError, type SimpleGit, simpleGit } from "simple-git";
import { ExitCode } from "../cli/exit-code.ts";
import type { User } from "../runner/users.ts";
import { CompareError, InterruptedError } from "./error.ts";

export interface Commit {
  /** The full hash. */
  readonly hash: string;
  /** The first line of its message. */
  readonly subject: string;
}

/** Paths relative to the root of the repository. */
export interface WorkingChanges {
  /** Differ from the commit, or are new and not ignored. */
  readonly present: readonly string[];
  /** Are in the commit, and no more in the working tree. */
  readonly removed: readonly string[];
  /** Repositories within the working tree that git does not track. */
  readonly nested: readonly string[];
}

export class Repository {
  /** Absolute, without symbolic links. */
  readonly root: string;
  /** Where in it the user is; "" for the root. */
  readonly prefix: string;
  readonly #git: SimpleGit;
  readonly #interrupt: AbortSignal;
  readonly #user: User | undefined;

  private constructor(root: string, prefix: string, user: User | undefined, interrupt: AbortSignal) {
    this.root = root;
    this.prefix = prefix;
    this.#user = user;
    this.#interrupt = interrupt;
    this.#git = gitIn(root, user, interrupt);
  }

  /** The repository in which a folder lies. Throws CompareError. */
  static async open(folder: string, user: User | undefined, interrupt: AbortSignal): Promise<Repository> {
    const git = gitIn(folder, user, interrupt);
    const answer = await said(git, ["rev-parse", "--show-toplevel", "--show-prefix"], interrupt, (reason) => {
      if (reason.includes("ENOENT"))
        return new CompareError("`git` was not found in PATH", ExitCode.lacksCapability, { help: "install git" });
      if (reason.includes("not a git repository"))
        return new CompareError(`${folder} is in no git repository`, ExitCode.invalidInput, {
          help: "comparing needs the commits of both sides; call it inside the repository",
        });
      return failure("cannot open the repository", reason);
    });
    const [root = "", prefix = ""] = answer.split("\n");
    return new Repository(root, prefix.replace(/\/$/, ""), user, interrupt);
  }

  /** The commit that a name means. Throws CompareError when there is none. */
  async commit(name: string): Promise<Commit> {
    const hash = await this.#find(name);
    if (hash === undefined) throw await this.#unknown(name);
    const [subject = ""] = (await this.#ask(["log", "-1", "--format=%s", hash])).split("\n");
    return { hash, subject };
  }

  async #find(name: string): Promise<string | undefined> {
    // A name never begins with a hyphen; an option would.
    if (name === "" || name.startsWith("-")) return undefined;
    const quiet = ["rev-parse", "--verify", "--quiet", `${name}^{commit}`];
    const hash = (await said(this.#git, quiet, this.#interrupt, () => undefined)).trim();
    return hash === "" ? undefined : hash;
  }

  async #unknown(name: string): Promise<CompareError> {
    if ((await this.#ask(["rev-parse", "--is-shallow-repository"])).trim() === "true") {
      return new CompareError(
        `there is no commit \`${name}\` in this clone, which is shallow: it holds a part of the history only`,
        ExitCode.invalidInput,
        {
          help: "fetch all of it with `git fetch --unshallow`; in GitHub Actions give actions/checkout `fetch-depth: 0`",
        },
      );
    }
    const remote = `origin/${name}`;
    const help = (await this.#find(remote))
      ? `\`${remote}\` there is`
      : "name a branch, a tag or a commit; what only the remote has must be fetched first";
    return new CompareError(`there is no commit \`${name}\` in this repository`, ExitCode.invalidInput, { help });
  }

  /** How the working tree differs from its commit; what git ignores does not count. Throws CompareError. */
  async workingChanges(): Promise<WorkingChanges> {
    const list = async (args: readonly string[]): Promise<string[]> =>
      (await this.#ask([...args, "-z"])).split("\0").filter((path) => path !== "");
    // Submodules are folders to the outer repository; what is in them is not its business.
    const tracked = ["diff", "--name-only", "--no-renames", "--ignore-submodules=all", "HEAD"];
    const changed = await list(tracked);
    const removed = new Set(await list([...tracked, "--diff-filter=D"]));
    const untracked = await list(["ls-files", "--others", "--exclude-standard"]);
    return {
      present: [...changed.filter((path) => !removed.has(path)), ...untracked.filter((path) => !path.endsWith("/"))],
      removed: [...removed],
      nested: untracked.filter((path) => path.endsWith("/")),
    };
  }

  /** Checks a commit out into a new folder. Throws CompareError. */
  async addWorktree(folder: string, { hash }: Commit): Promise<void> {
    await said(this.#git, ["worktree", "add", "--detach", "--quiet", folder, hash], this.#interrupt, (reason) =>
      failure(`cannot check out ${hash.slice(0, 10)}`, reason),
    );
  }

  /** Removes a worktree, whatever state it is in; one that does not exist is no error. */
  async removeWorktree(folder: string): Promise<void> {
    const record = worktreeRecord(folder);
    try {
      // Not to be interrupted: this is what the interruption is waiting for.
      await gitIn(this.root, this.#user).raw(["worktree", "remove", "--force", "--force", folder]);
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      // Git refuses where there are submodules, and knows nothing of what was only half made.
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    if (record === undefined || !existsSync(record)) return;
    rmSync(record, { recursive: true, force: true });
    removeIfEmpty(dirname(record));
  }

  /** The folders of all worktrees that the repository knows. */
  async worktrees(): Promise<string[]> {
    const entries = (await this.#ask(["worktree", "list", "--porcelain", "-z"])).split("\0");
    return entries.flatMap((line) => (line.startsWith("worktree ") ? [line.slice("worktree ".length)] : []));
  }

  #ask(args: readonly string[]): Promise<string> {
    return said(this.#git, args, this.#interrupt, (reason) => failure("git failed", reason));
  }
}

function failure(what: string, reason: string): CompareError {
  return new CompareError(`${what}: ${reason.trim()}`, ExitCode.invalidMeasurement);
}

/** What git prints. Where it fails, `explain` makes the error; without one the answer is empty. */
async function said(
  git: SimpleGit,
  args: readonly string[],
  interrupt: AbortSignal,
  explain: (reason: string) => CompareError | undefined,
): Promise<string> {
  if (interrupt.aborted) throw new InterruptedError();
  try {
    return await git.raw([...args]);
  } catch (error) {
    if (interrupt.aborted) throw new InterruptedError();
    if (!(error instanceof GitError)) throw error;
    const explained = explain(error.message);
    if (explained !== undefined) throw explained;
    return "";
  }
}

/** Variables that would make git do something else than it is told, which simple-git does not let pass. */
const MISLEADING = /^(git_.*|editor|visual|pager|prefix|ssh_askpass)$/i;

function gitIn(folder: string, user: User | undefined, abort?: AbortSignal): SimpleGit {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !MISLEADING.test(name)));
  if (user !== undefined) Object.assign(env, { HOME: user.home, USER: user.name, LOGNAME: user.name });
  const git = simpleGit({
    baseDir: folder,
    abort,
    config: ["core.hooksPath=/dev/null"],
    unsafe: { allowUnsafeHooksPath: true },
    allowEnvironment: ["GIT_OPTIONAL_LOCKS"],
    completion: { onClose: true, onExit: false },
    spawnOptions: user === undefined ? undefined : { uid: user.uid, gid: user.gid },
  });
  return git.env({ ...env, GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" });
}

/** The folder in which the repository keeps what it knows of a worktree: `.git/worktrees/<name>`. */
function worktreeRecord(folder: string): string | undefined {
  try {
    const [, path] = /^gitdir: (.+)$/m.exec(readFileSync(join(folder, ".git"), "utf8")) ?? [];
    return path !== undefined && basename(dirname(path)) === "worktrees" ? path : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!["ENOTEMPTY", "ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
