/** Real git repositories in temporary folders, for tests of what is done with commits. */
import { execFileSync } from "node:child_process";
import { mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryTree } from "./temporary.ts";

export type Files = Readonly<Record<string, string | undefined>>;

/** Knows nothing of the configuration of whoever runs the tests. */
const ENV = {
  PATH: process.env.PATH,
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  // Looking must not write the index anew: the tests see who owns it.
  GIT_OPTIONAL_LOCKS: "0",
  GIT_AUTHOR_NAME: "Test",
  GIT_AUTHOR_EMAIL: "test@example.com",
  GIT_COMMITTER_NAME: "Test",
  GIT_COMMITTER_EMAIL: "test@example.com",
};

export class TestRepository {
  readonly root: string;

  constructor(root = realpathSync(temporaryTree())) {
    this.root = root;
    this.git("init", "--quiet", "--initial-branch=main");
  }

  git(...args: string[]): string {
    // Tests may give it to another user.
    return execFileSync("git", ["-c", "safe.directory=*", ...args], {
      cwd: this.root,
      env: ENV,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Writes files; undefined removes one. */
  write(files: Files): void {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.root, path);
      if (text === undefined) {
        rmSync(file, { recursive: true });
        continue;
      }
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  /** Answers the hash. */
  commit(subject: string, files: Files = {}): string {
    this.write(files);
    this.git("add", "--all");
    this.git("commit", "--quiet", "--allow-empty", "--message", subject);
    return this.git("rev-parse", "HEAD").trim();
  }

  /** What a comparison must not change: worktrees, branches, the state of the working tree. */
  get state(): { worktrees: number; branches: string; status: string } {
    return {
      worktrees: this.git("worktree", "list").trim().split("\n").length,
      branches: this.git("branch", "--all"),
      status: this.git("status", "--porcelain"),
    };
  }
}
