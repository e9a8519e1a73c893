import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Checkouts } from "../../../harness/compare/checkouts.ts";
import { CompareError, InterruptedError } from "../../../harness/compare/error.ts";
import { Repository } from "../../../harness/compare/git.ts";
import { TestRepository } from "../../support/repository.ts";
import { temporaryTree } from "../../support/temporary.ts";

const NEVER = new AbortController().signal;

const open = (test: TestRepository, folder = test.root): Promise<Repository> =>
  Repository.open(folder, undefined, NEVER);

async function refusal(promise: Promise<unknown>): Promise<CompareError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CompareError);
  return error as CompareError;
}

describe("a repository", () => {
  it("is found from a folder within", async () => {
    const test = new TestRepository();
    test.commit("First", { "packages/api/x": "1" });
    expect(await open(test)).toMatchObject({ root: test.root, prefix: "" });
    expect(await open(test, join(test.root, "packages/api"))).toMatchObject({
      root: test.root,
      prefix: "packages/api",
    });
  });

  it("has to be there", async () => {
    const error = await refusal(Repository.open(temporaryTree(), undefined, NEVER));
    expect(error).toMatchObject({ exitCode: 2, message: expect.stringContaining("is in no git repository") });
  });

  it("knows commits by all their names", async () => {
    const test = new TestRepository();
    const first = test.commit("First: with a subject\n\nand a body");
    test.git("tag", "--annotate", "--message=v1", "v1");
    const second = test.commit("Second");
    const repository = await open(test);
    for (const name of ["main~1", "v1", first, first.slice(0, 8), "HEAD^"])
      expect(await repository.commit(name)).toEqual({ hash: first, subject: "First: with a subject" });
    expect(await repository.commit("main")).toEqual({ hash: second, subject: "Second" });
  });

  it.each(["nowhere", "", "--all", "-x", "main:file", "HEAD~9", "a b", "\n"])("knows no commit %j", async (name) => {
    const test = new TestRepository();
    test.commit("First", { file: "x" });
    const error = await refusal((await open(test)).commit(name));
    expect(error).toMatchObject({ exitCode: 2, message: `there is no commit \`${name}\` in this repository` });
  });

  it("suggests the remote's branch", async () => {
    const test = new TestRepository();
    test.commit("First");
    test.git("update-ref", "refs/remotes/origin/release", "HEAD");
    expect((await refusal((await open(test)).commit("release"))).help).toBe("`origin/release` there is");
  });

  it("says how to get what a shallow clone lacks", async () => {
    const origin = new TestRepository();
    origin.commit("First");
    origin.commit("Second");
    const clone = realpathSync(temporaryTree());
    origin.git("clone", "--quiet", "--depth=1", `file://${origin.root}`, clone);
    const error = await refusal((await Repository.open(clone, undefined, NEVER)).commit("HEAD~1"));
    expect(error.message).toContain("shallow");
    expect(error.help).toContain("fetch-depth: 0");
    expect(error.exitCode).toBe(2);
  });

  it("without any commit has no HEAD", async () => {
    expect((await refusal((await open(new TestRepository())).commit("HEAD"))).message).toContain("no commit `HEAD`");
  });

  it("answers nothing more once the user has interrupted", async () => {
    const test = new TestRepository();
    test.commit("First");
    const control = new AbortController();
    const repository = await Repository.open(test.root, undefined, control.signal);
    control.abort();
    await expect(repository.commit("HEAD")).rejects.toBeInstanceOf(InterruptedError);
  });

  it("does not run hooks", async () => {
    const test = new TestRepository();
    test.commit("First");
    const mark = join(test.root, "..", `${test.root.split("/").at(-1)}-hook`);
    writeFileSync(join(test.root, ".git/hooks/post-checkout"), `#!/bin/sh\ntouch ${mark}\n`);
    chmodSync(join(test.root, ".git/hooks/post-checkout"), 0o755);
    const checkouts = await checkedOut(test, await open(test));
    await checkouts.remove();
    expect(existsSync(mark)).toBe(false);
  });
});

async function checkedOut(test: TestRepository, repository: Repository): Promise<Checkouts> {
  const checkouts = await Checkouts.create(repository, undefined);
  await checkouts.checkOut("base", await repository.commit(test.git("rev-list", "--max-parents=0", "HEAD").trim()));
  await checkouts.checkOut("head", await repository.commit("HEAD"));
  return checkouts;
}

/** Every file below a folder with its text; links as where they lead. */
function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => !entry.isDirectory() && entry.name !== ".git" && !`${entry.parentPath}/`.includes("/.git/"))
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path.slice(folder.length + 1), entry.isSymbolicLink() ? "link" : readFileSync(path, "utf8")];
      })
      .sort(([a], [b]) => (a! < b! ? -1 : 1)),
  );
}

describe("checkouts", () => {
  it("lie side by side, in paths of equal length, and leave nothing behind", async () => {
    const test = new TestRepository();
    test.commit("First", { a: "1" });
    test.commit("Second", { a: "2" });
    const before = test.state;
    const checkouts = await checkedOut(test, await open(test));
    const [base, head] = [checkouts.root("base"), checkouts.root("head")];
    expect([contents(base), contents(head)]).toEqual([{ a: "1" }, { a: "2" }]);
    expect(base.length).toBe(head.length);
    await checkouts.remove();
    expect(test.state).toEqual(before);
    expect([existsSync(join(base, "..")), existsSync(join(test.root, ".git/worktrees"))]).toEqual([false, false]);
    await checkouts.remove();
  });

  it("hold the working tree as it is", async () => {
    const test = new TestRepository();
    test.commit("First", {
      same: "1",
      changed: "1",
      gone: "1",
      "old/name": "moved",
      becomesFolder: "1",
      "becomesFile/x": "1",
      ".gitignore": "ignored\n",
      "with space\tand tab": "1",
      script: "1",
    });
    test.write({
      changed: "2",
      gone: undefined,
      "new/deep/file": "new",
      ignored: "not copied",
      "with space\tand tab": "2",
      "ünïcode\n": "new",
      staged: "staged",
      becomesFolder: undefined,
      becomesFile: undefined,
    });
    test.write({ "becomesFolder/x": "2", becomesFile: "2" });
    test.git("mv", "old/name", "new/name");
    test.git("add", "staged");
    symlinkSync("changed", join(test.root, "link"));
    chmodSync(join(test.root, "script"), 0o755);
    const repository = await open(test);
    const before = test.state;
    const checkouts = await checkedOut(test, repository);
    try {
      checkouts.overlay("head", await repository.workingChanges());
      const { ignored: _, ...wanted } = contents(test.root);
      expect(contents(checkouts.root("head"))).toEqual(wanted);
      const entry = (path: string) => lstatSync(join(checkouts.root("head"), path));
      expect(entry("link").isSymbolicLink()).toBe(true);
      expect(entry("script").mode & 0o111).not.toBe(0);
    } finally {
      await checkouts.remove();
    }
    expect(test.state).toEqual(before);
  });

  it("leave repositories within the repository alone", async () => {
    const test = new TestRepository();
    test.commit("First");
    mkdirSync(join(test.root, "nested"));
    new TestRepository(join(test.root, "nested")).commit("Inner", { x: "1" });
    expect(await (await open(test)).workingChanges()).toEqual({ present: [], removed: [], nested: ["nested/"] });
  });

  it("go away even with submodules in them", async () => {
    const inner = new TestRepository();
    inner.commit("Inner", { x: "1" });
    const test = new TestRepository();
    test.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.root, "sub");
    test.commit("With a submodule");
    const checkouts = await checkedOut(test, await open(test));
    const update = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init"];
    test.git("-C", checkouts.root("head"), ...update);
    await checkouts.remove();
    expect(test.state.worktrees).toBe(1);
    expect(existsSync(join(test.root, ".git/worktrees"))).toBe(false);
  });

  it("of a comparison that was killed are removed by the next one, those of a living one are not", async () => {
    const test = new TestRepository();
    test.commit("First");
    const repository = await open(test);
    const [killed, followed, living] = [
      await checkedOut(test, repository),
      await checkedOut(test, repository),
      await checkedOut(test, repository),
    ];
    const folder = (checkouts: Checkouts): string => join(checkouts.root("base"), "..");
    // No process can have this number; this process has that one, but is not the one that had it then.
    writeFileSync(join(folder(killed), "owner"), "4194305@1");
    writeFileSync(join(folder(followed), "owner"), `${process.pid}@1`);
    const next = await Checkouts.create(repository, undefined);
    const left = [killed, followed, living].map((checkouts) => existsSync(folder(checkouts)));
    expect(left).toEqual([false, false, true]);
    await living.remove();
    await next.remove();
    expect(test.state.worktrees).toBe(1);
  });

  it("are short of name, in the folder for temporary files", async () => {
    const test = new TestRepository();
    test.commit("First");
    const checkouts = await Checkouts.create(await open(test), undefined);
    expect(checkouts.root("head")).toMatch(new RegExp(`^${realpathSync(tmpdir())}/pw-\\w{6}/head$`));
    await checkouts.remove();
  });
});
