/** `probewright compare` as users meet it: the real command, the real git, the real kernel. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { resultSchema, type SuiteResult } from "../../harness/report/result.ts";
import { Cli, type Finished, runCli } from "../support/cli.ts";
import { describeKernel } from "../support/privileges.ts";
import { TestRepository } from "../support/repository.ts";
import { temporaryTree } from "../support/temporary.ts";

const SCENARIO = `version: 1
name: reader
workload: { shell: "cat ../lib/*/*.txt" }
runs: { warmup: 0, count: 3, max: 3, control: 0 }
probes: [{ use: files }]
`;

/** Files that the workload reads. */
const files = (from: number, to: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`lib/${(from + i) % 3}/f${from + i}.txt`, `${i}\n`]));

let repository: TestRepository;
/** Where temporary folders are made, to see that none stays. */
let temporary: string;

beforeEach(() => {
  repository = new TestRepository();
  temporary = mkdtempSync(join(realpathSync(tmpdir()), "probewright-test-"));
  chmodSync(temporary, 0o777);
  onTestFinished(() => rmSync(temporary, { recursive: true, force: true }));
});

const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  TMPDIR: temporary,
  ...more,
});

async function compare(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Finished & { result?: SuiteResult }> {
  const output = join(temporary, "result.json");
  const command = ["compare", "--pairs", "3", "-o", output, ...args];
  const finished = await runCli(command, "", { cwd: repository.root, env: environment(env) });
  const result = existsSync(output) ? resultSchema.parse(JSON.parse(readFileSync(output, "utf8"))) : undefined;
  expectNothingLeft();
  return { ...finished, result };
}

function expectNothingLeft(): void {
  expect(readdirSync(temporary).filter((name) => name.startsWith("pw-"))).toEqual([]);
  expect(repository.state.worktrees).toBe(1);
  expect(existsSync(join(repository.root, ".git/worktrees"))).toBe(false);
}

describeKernel("probewright compare", () => {
  it("finds and names what the second commit does more", async () => {
    repository.commit("First", { "scenarios/reader.yml": SCENARIO, ...files(0, 3) });
    repository.commit("Reads more", files(3, 13));
    const { status, out, err, result } = await compare(["--base", "main~1", "--seed", "7"]);
    expect([status, err]).toEqual([1, ""]);
    expect(out).toContain("First");
    expect(out).toContain("--seed 7 repeats it");
    expect(out).toMatch(/files_opened +\d+ +\d+ +\+10 +exact +regression/);
    expect(out).toMatch(/cause: \+10 in @files_opened, all under \.\.\/lib/);
    expect(result).toMatchObject({
      kind: "compare",
      exitCode: 1,
      comparison: { head: { name: "working tree", changes: 0 }, seed: 7, pairs: 3 },
      scenarios: [
        {
          name: "reader",
          runs: 3,
          sides: "both",
          metrics: expect.arrayContaining([expect.objectContaining({ name: "files_opened", delta: 10 })]),
        },
      ],
    });
  });

  it("passes equal commits", async () => {
    repository.commit("First", { "scenarios/reader.yml": SCENARIO, ...files(0, 5) });
    const { status, result } = await compare(["--base", "HEAD", "--head", "main"]);
    expect([status, result?.scenarios[0]?.metrics[0]?.verdict]).toEqual([0, "pass"]);
  });

  it("compares the working tree, untracked files included, and leaves it as it was", async () => {
    repository.commit("First", { "scenarios/reader.yml": SCENARIO, ...files(0, 5) });
    repository.write({ ...files(5, 6), "lib/0/f0.txt": "changed" });
    const before = repository.state;
    const { status, out } = await compare(["--base", "HEAD"]);
    expect(status).toBe(1);
    expect(out).toContain("2 files changed since");
    expect(out).toContain("+1 in @files_opened, all for ../lib/2/f5.txt");
    expect(repository.state).toEqual(before);
  });

  it("builds both sides, and traces what the build made", async () => {
    const make = (n: number): string => `mkdir -p lib/0\nfor i in $(seq ${n}); do echo $i > lib/0/$i.txt; done\n`;
    const config = "version: 1\nscenarios: perf\nbuild: [sh, make.sh]\n";
    const scenario = SCENARIO.replace("../lib", "lib").replace("workload: {", "workload: { cwd: .., ");
    repository.commit("First", {
      "perf/reader.yml": scenario,
      "probewright.config.yml": config,
      "make.sh": make(3),
      ".gitignore": "lib\n",
    });
    repository.commit("Makes more", { "make.sh": make(8) });
    const { status, out } = await compare(["--base", "HEAD~1"]);
    expect(status).toBe(1);
    expect(out).toContain("+5 in @files_opened, all under lib/0");
  });

  it("shows why a build failed", async () => {
    repository.commit("First", {
      "scenarios/reader.yml": SCENARIO,
      "probewright.config.yml":
        "version: 1\nbuild: { shell: 'echo compiling; echo missing semicolon >&2; sleep 1000 & exit 3' }\n",
    });
    const { status, out, err } = await compare(["--base", "HEAD"]);
    expect([status, out]).toEqual([4, ""]);
    expect(err).toContain("error: the base does not build: the build step");
    expect(err).toContain("ended with status 3");
    expect(err).toContain("| compiling");
    expect(err).toContain("| missing semicolon");
    expect(processesNaming("sleep 1000")).toEqual([]);
  });

  it.each<[string, string[], string]>([
    ["an unknown commit", ["--base", "nowhere"], "there is no commit `nowhere`"],
    ["no base", [], "required option '--base <ref>' not specified"],
    [
      "a number of pairs that makes no sense",
      ["--base", "HEAD", "--pairs", "0"],
      "expected a whole number from 1 to 500",
    ],
    ["a seed that is none", ["--base", "HEAD", "--seed", "x"], "expected a whole number from 0 to 4294967295"],
    ["a file that is not there", ["--base", "HEAD", "no.yml"], "there is no file or folder `no.yml` in the head"],
  ])("refuses %s", async (_, args, message) => {
    repository.commit("First", { "scenarios/reader.yml": SCENARIO });
    const { status, out, err } = await compare(args);
    expect([status, out]).toEqual([2, ""]);
    expect(err).toContain(message);
  });

  it("says what a shallow clone lacks, and how to get it", async () => {
    const origin = new TestRepository();
    origin.commit("First", { "scenarios/reader.yml": SCENARIO });
    origin.commit("Second");
    repository.git("fetch", "--quiet", "--depth=1", `file://${origin.root}`, "main");
    repository.git("reset", "--quiet", "--hard", "FETCH_HEAD");
    const { status, out, err } = await compare(["--base", "HEAD^1"]);
    expect([status, out]).toEqual([2, ""]);
    expect(err).toContain("there is no commit `HEAD^1` in this clone, which is shallow");
    expect(err).toContain("`git fetch --unshallow`; in GitHub Actions give actions/checkout `fetch-depth: 0`");
  });

  it("runs what only the head has, and names what only the base had", async () => {
    const old = SCENARIO.replace("name: reader", "name: old");
    const added = SCENARIO.replace("name: reader", "name: added");
    repository.commit("First", { "scenarios/old.yml": old, "scenarios/reader.yml": SCENARIO, ...files(0, 3) });
    repository.commit("Second", { "scenarios/old.yml": undefined, "scenarios/added.yml": added });
    const { status, out, result } = await compare(["--base", "HEAD~1"]);
    expect(status).toBe(0);
    expect(out).toMatch(/^✓ added /m);
    expect(out).toContain("warning: new: the base has no such scenario");
    expect(out).toMatch(/^✓ reader /m);
    expect(out).toMatch(/^- REMOVED old /m);
    expect(result?.scenarios.map(({ name, sides, runs }) => [name, sides, runs])).toEqual([
      ["added", "head", 3],
      ["reader", "both", 3],
      ["old", "base", 0],
    ]);
  });

  it("says that it needs a repository", async () => {
    const folder = temporaryTree();
    const { status, err } = await runCli(["compare", "--base", "main"], "", { cwd: folder, env: environment() });
    expect([status, err]).toEqual([2, expect.stringContaining("is in no git repository")]);
  });

  it("works as the one who called sudo, and leaves nothing of root's in the repository", async () => {
    const nobody = { SUDO_UID: "65534", SUDO_GID: "65534", SUDO_USER: "nobody" };
    const scenario = SCENARIO.replace("cat ", "id -u >> ../who; cat ");
    repository.commit("First", { "scenarios/reader.yml": scenario, ...files(0, 3) });
    repository.write({ "new/file": "untracked" });
    chmodSync(repository.root, 0o755);
    execFileSync("chown", ["-R", "65534:65534", repository.root]);
    const { status, err } = await compare(["--base", "HEAD"], nobody);
    expect([status, err]).toEqual([0, ""]);
    const owners = execFileSync("find", [repository.root, "-not", "-uid", "65534"], { encoding: "utf8" });
    expect(owners).toBe("");
    expect(statSync(repository.root).uid).toBe(65534);
  });
});

/** Processes whose command line contains a text. */
function processesNaming(text: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() === text;
    } catch {
      return false;
    }
  });
}

describeKernel("an interrupted comparison", () => {
  // As a terminal does it: the signal goes to everybody in the foreground, git and builds included.
  const interrupted = async (waitFor: string, signal: NodeJS.Signals, whom: "group" | "process"): Promise<Finished> => {
    const cli = new Cli(["compare", "--base", "HEAD", "--pairs", "500"], {
      cwd: repository.root,
      env: environment({ WAITING: join(temporary, "waiting") }),
      detached: true,
    });
    while (!existsSync(join(temporary, waitFor))) await new Promise((resolve) => setTimeout(resolve, 20));
    process.kill(whom === "group" ? -cli.process.pid! : cli.process.pid!, signal);
    const finished = await cli.finished;
    expectNothingLeft();
    expect(processesNaming("sleep 1234")).toEqual([]);
    return finished;
  };

  describe.each(["SIGINT", "SIGTERM"] as const)("by %s", (signal) => {
    it.each(["group", "process"] as const)("while building leaves nothing behind (sent to the %s)", async (whom) => {
      repository.commit("First", {
        "scenarios/reader.yml": SCENARIO,
        "probewright.config.yml": "version: 1\nbuild: { shell: 'touch $WAITING; sleep 1234 & sleep 1234' }\n",
      });
      expect((await interrupted("waiting", signal, whom)).status).toBe(130);
    });

    it.each(["group", "process"] as const)("while running leaves nothing behind (sent to the %s)", async (whom) => {
      repository.commit("First", {
        "scenarios/reader.yml": SCENARIO.replace("cat ../lib/*/*.txt", "touch $WAITING; sleep 1234 & sleep 1234"),
      });
      const { status, out } = await interrupted("waiting", signal, whom);
      expect(status).toBe(130);
      expect(out).toContain("INTERRUPTED reader");
    });
  });
});

describeKernel("a killed comparison", () => {
  it.each<[string, string]>([
    ["building", "version: 1\nbuild: { shell: 'touch $WAITING; sleep 2345 & sleep 2345' }\n"],
    ["running", "version: 1\n"],
  ])("while %s is swept up by the next one", async (_, config) => {
    const scenario = SCENARIO.replace("cat ../lib/*/*.txt", "touch $WAITING; sleep 2345 & sleep 2345");
    repository.commit("First", { "scenarios/reader.yml": scenario, "probewright.config.yml": config });
    const env = environment({ WAITING: join(temporary, "waiting") });
    const cli = new Cli(["compare", "--base", "HEAD"], { cwd: repository.root, env });
    while (!existsSync(join(temporary, "waiting"))) await new Promise((resolve) => setTimeout(resolve, 20));
    cli.process.kill("SIGKILL");
    await cli.finished;
    expect(repository.state.worktrees).toBe(3);
    repository.commit("Second", {
      "scenarios/reader.yml": SCENARIO,
      "probewright.config.yml": "version: 1\n",
      ...files(0, 3),
    });
    // Which looks that nothing is left.
    expect((await compare(["--base", "HEAD"])).status).toBe(0);
    expect(processesNaming("sleep 2345")).toEqual([]);
  });
});
