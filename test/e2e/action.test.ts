/** The built GitHub Action as a runner starts it, on the real kernel. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { resultSchema } from "../../harness/report/result.ts";
import { runCli } from "../support/cli.ts";
import { describeKernel } from "../support/privileges.ts";
import { buildAction, Runner } from "../support/runner.ts";
import { temporaryTree } from "../support/temporary.ts";

/** Opens as many files as n.txt says, each under a name of its own. */
const WORK = `for i in $(seq $(cat n.txt)); do cat /etc/hostname > /dev/null; done`;
const SUITE = `version: 1
scenarios:
  - name: opens
    workload: { command: [sh, work.sh], cwd: . }
    runs: { warmup: 0, count: 3 }
    probes:
      - bpftrace: 'tracepoint:syscalls:sys_enter_openat /comm == "cat"/ { @opens[str(args.filename)] = count(); }'
    metrics: { opens: 'sum(@opens)' }
    assert:
      - opens > 0
      - opens < 100
    compare: { opens: exact }
`;
const BROKEN = `version: 1
name: broken
workload: { shell: "echo '::error file=x::forged'; echo ' ##[error]forged'; echo '::stop-commands::x'; printf '::set-output name=verdict::forged'; exit 3" }
probes: [{ bpftrace: 'tracepoint:syscalls:sys_enter_openat { @opens = count(); }' }]
metrics: { opens: '@opens' }
`;
const HANGING = `version: 1
name: hanging
workload: { shell: "sleep 321; true", timeout: 400s }
probes: [{ bpftrace: 'tracepoint:syscalls:sys_enter_openat { @opens = count(); }' }]
metrics: { opens: '@opens' }
`;

const folder = mkdtempSync(join(tmpdir(), "probewright-action-"));
const action = join(folder, "action");
beforeAll(() => buildAction(action));
afterAll(() => rmSync(folder, { recursive: true }));

function project(files: Readonly<Record<string, string>> = { "scenarios/suite.yml": SUITE }): string {
  return temporaryTree({
    "package.json": "{}",
    "work.sh": WORK,
    "n.txt": "3",
    "scenarios/work.sh": WORK,
    "scenarios/n.txt": "3",
    ...files,
  });
}

/** What a runner passes on: with more, the loader looks for its libraries in more places. */
const CLEAN = { PATH: process.env.PATH, HOME: process.env.HOME };

/** Processes with this text in their command line. */
function running(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").includes(text);
      } catch {
        return false;
      }
    });
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await sleep(50);
  expect(condition()).toBe(true);
}

describe("the inputs of the action", () => {
  it.each([
    [{ mode: "both" }, ["input `mode`: expected run or compare, found `both`"]],
    [
      { "fail-on": "regression, sunshine", sudo: "yes" },
      ["expected regression, invalid, inconclusive, never, found `sunshine`", "input `sudo`: expected true or false"],
    ],
    [{ "fail-on": "never, invalid" }, ["input `fail-on`: `never` stands alone"]],
    [{ reporters: "html pdf" }, ["input `reporters`: expected html, markdown, junit, found `pdf`"]],
    [{ mode: "compare", baseline: "b.json" }, ["mode compare measures both sides, and needs none"]],
    [{ "working-directory": "nowhere" }, ["there is no folder `nowhere` in the workspace"]],
  ])("%j are refused", async (inputs, messages) => {
    const { status, commands, outputs } = await new Runner(action, project()).main(inputs);
    expect(status).toBe(1);
    expect(outputs).toMatchObject({ verdict: "invalid-input", "result-file": "", "report-file": "" });
    const said = commands
      .filter(({ name }) => name === "error")
      .map(({ data }) => data)
      .join("\n");
    for (const message of messages) expect(said).toContain(message);
  });
});

describeKernel("the action", () => {
  it("passes a suite that passes", async () => {
    const runner = new Runner(action, project());
    const { status, commands, outputs, summary, log } = await runner.main({ reporters: "html, junit markdown" });
    expect(log).toContain("✓ opens");
    expect(status).toBe(0);
    expect(outputs).toMatchObject({ verdict: "pass", regressions: "0" });
    const result = resultSchema.parse(JSON.parse(readFileSync(outputs["result-file"]!, "utf8")));
    expect(result.summary.passed).toBe(1);
    expect(readFileSync(outputs["report-file"]!, "utf8")).toContain("<!doctype html>");
    const beside = join(outputs["report-file"]!, "..");
    expect(readdirSync(beside).sort()).toEqual(["report.html", "report.md", "report.xml", "result.json"]);
    expect(summary).toContain("## ✅ probewright: the scenario passed");
    expect(summary).toContain(
      "https://github.example/owner/name/blob/0123456789abcdef0123456789abcdef01234567/scenarios/suite.yml#L3",
    );
    expect(summary).toContain("`tracepoint:syscalls:sys_enter_openat`");
    expect(commands).toEqual([]);
    const post = await runner.post();
    expect(post.status).toBe(0);
    expect(post.log).toContain("nothing was left behind");
  });

  it("fails a suite that regressed, and says where", async () => {
    const workspace = project({
      "packages/a/scenarios/suite.yml": SUITE,
      "packages/a/scenarios/work.sh": WORK,
      "packages/a/scenarios/n.txt": "3",
      "packages/a/package.json": "{}",
    });
    const cwd = join(workspace, "packages/a");
    await runCli(["baseline", "update", "scenarios"], "", { cwd, env: CLEAN });
    expect(existsSync(join(cwd, ".probewright/baseline.json"))).toBe(true);
    writeFileSync(join(cwd, "scenarios/n.txt"), "50");
    const runner = new Runner(action, workspace);
    const step = await runner.main({ "working-directory": "packages/a" });
    expect(step.status).toBe(1);
    expect(step.outputs).toMatchObject({ verdict: "regression", regressions: "2" });
    const errors = step.commands.filter(({ name }) => name === "error");
    expect(errors[0]).toMatchObject({
      properties: { file: "packages/a/scenarios/suite.yml", line: "3", title: "probewright: opens: opens" },
    });
    expect(errors[0]!.data).toMatch(/^regression: worse in every run than .*\(baseline \d\d, now 1\d\d, \+1\d\d\)$/);
    expect(errors[1]).toMatchObject({ properties: { line: "11", title: "probewright: opens: opens < 100" } });
    expect(errors[2]!.data).toBe("probewright: the scenario failed (2 regressions and failed assertions)");
    expect(errors).toHaveLength(3);
    expect(step.summary).toContain("## ❌ probewright: the scenario failed");
    expect((await runner.main({ "working-directory": "packages/a", "fail-on": "never" })).status).toBe(0);
    const lenient = await runner.main({ "working-directory": "packages/a", "fail-on": "invalid" });
    expect([lenient.status, lenient.outputs.verdict]).toEqual([0, "regression"]);
  });

  it("takes a baseline by its path", async () => {
    const workspace = project();
    await runCli(["baseline", "update", "--baseline", "kept/b.json", "scenarios"], "", { cwd: workspace, env: CLEAN });
    writeFileSync(join(workspace, "scenarios/n.txt"), "4");
    const { outputs } = await new Runner(action, workspace).main({
      baseline: "kept/b.json",
      scenarios: "scenarios/suite.yml\n\n",
    });
    expect(outputs).toMatchObject({ verdict: "regression", regressions: "1" });
  });

  it("fails a suite that could not be measured, whatever the workload prints", async () => {
    const runner = new Runner(action, project({ "scenarios/broken.yml": BROKEN }));
    const { status, commands, outputs, summary, log } = await runner.main();
    expect([status, outputs.verdict, outputs.regressions]).toEqual([1, "invalid", "0"]);
    expect(log).toContain("::error file=x::forged");
    expect(commands.map(({ name }) => name)).toEqual(["error", "error"]);
    expect(commands[0]).toMatchObject({
      properties: { file: "scenarios/broken.yml", line: "2", title: "probewright: broken" },
    });
    expect(commands[0]!.data).toMatch(/^invalid: the workload `echo .*` ended with status 3/);
    expect(commands[1]!.data).toBe("probewright: the scenario could not be measured");
    expect(summary).toContain("&#58;:error file=x&#58;:forged");
    expect(summary).not.toContain("##[");
  });

  it("tells mistakes in files at their lines", async () => {
    const workspace = project({ "scenarios/suite.yml": SUITE.replace("sys_enter_openat /", "sys_enter_opnat /") });
    const { status, commands, outputs, summary } = await new Runner(action, workspace).main();
    expect([status, outputs.verdict]).toEqual([1, "invalid-input"]);
    expect(commands[0]).toMatchObject({ name: "error", properties: { file: "scenarios/suite.yml", line: "7" } });
    expect(summary).toContain("1 error in scenario files");
  });

  it("says so when there are no scenarios", async () => {
    const { status, commands, outputs, log } = await new Runner(action, temporaryTree()).main({ scenarios: "nowhere" });
    expect([status, outputs.verdict, outputs["result-file"]]).toEqual([1, "invalid-input", ""]);
    expect(log).toContain("there is no file or folder `nowhere`");
    expect(commands.at(-1)!.data).toContain("makes no sense");
  });

  it("takes a path that looks like an option for a path", async () => {
    const { outputs, log } = await new Runner(action, project()).main({ scenarios: "--update-baseline" });
    expect(outputs.verdict).toBe("invalid-input");
    expect(log).toContain("there is no file or folder `--update-baseline`");
  });

  it("shows what the doctor finds when a capability is missing", async () => {
    const workspace = project();
    for (const path of ["", "scenarios"]) chmodSync(join(workspace, path), 0o755);
    const runner = new Runner(action, workspace);
    chmodSync(folder, 0o755);
    chmodSync(runner.temp, 0o777);
    const started = runner.start("main.js", {}, { uid: 65534 });
    // The folders of the test belong to root.
    for (const name of readdirSync(runner.temp)) chmodSync(join(runner.temp, name), 0o777);
    for (const name of readdirSync(runner.temp).filter((name) => name.startsWith("commands-")))
      for (const file of readdirSync(join(runner.temp, name))) chmodSync(join(runner.temp, name, file), 0o666);
    const { status, commands, outputs, log } = await started.done;
    expect([status, outputs.verdict]).toEqual([1, "missing-capability"]);
    expect(commands.map(({ name }) => name).slice(0, 2)).toEqual(["group", "endgroup"]);
    expect(log).toContain("CAP_BPF");
    expect(log).toContain("Scenarios cannot run here");
  });

  it("measures through sudo where it is told to", async () => {
    const workspace = project({
      "scenarios/suite.yml": SUITE,
      "bin/sudo":
        '#!/bin/sh\necho "sudo $*" >> "$SUDO_LOG"\nwhile [ "$1" != -- ] && [ "$1" != kill ]; do shift; done\n[ "$1" = kill ] || shift\nexec "$@"\n',
    });
    chmodSync(join(workspace, "bin/sudo"), 0o755);
    const env = { PATH: `${workspace}/bin:${process.env.PATH}`, SUDO_LOG: join(workspace, "sudo.log") };
    const { status, outputs, state } = await new Runner(action, workspace).main({ sudo: "true" }, { env });
    expect([status, outputs.verdict, state.sudo]).toEqual([0, "pass", "true"]);
    const calls = readFileSync(env.SUDO_LOG, "utf8");
    expect(calls).toMatch(/^sudo --non-interactive --preserve-env -- env PATH=\S+ \S+node \S+probewright\.js run /);
  });

  it("says so where there is no sudo", async () => {
    const { status, outputs, commands } = await new Runner(action, project()).main(
      { sudo: "true" },
      { env: { PATH: "/nowhere" } },
    );
    expect([status, outputs.verdict]).toEqual([1, "missing-capability"]);
    expect(commands.at(-1)!.data).toContain("cannot start sudo");
  });

  it("keeps tokens and the runner's files from workloads", async () => {
    const leaky = `version: 1
name: leaky
workload: { shell: "env | grep -cE '^(INPUT_|ACTIONS_|STATE_|GITHUB_(OUTPUT|ENV|STATE|STEP_SUMMARY|TOKEN)=)' | grep -x 0" }
probes: [{ bpftrace: 'tracepoint:syscalls:sys_enter_openat { @opens = count(); }' }]
metrics: { opens: '@opens' }
`;
    const env = { ACTIONS_RUNTIME_TOKEN: "secret", GITHUB_TOKEN: "secret" };
    const { outputs, log } = await new Runner(action, project({ "scenarios/suite.yml": leaky })).main({}, { env });
    expect(outputs.verdict, log).toBe("pass");
  });

  it("ends the measurement when the step is cancelled", async () => {
    const runner = new Runner(action, project({ "scenarios/suite.yml": HANGING }));
    const { process: main, done } = runner.start("main.js");
    await until(() => running("sleep 321").length > 0);
    main.kill("SIGINT");
    const { status, outputs, log } = await done;
    expect([status, outputs.verdict], log).toEqual([1, "interrupted"]);
    expect(running("sleep 321")).toEqual([]);
  });

  it("is swept up after by the post step when it was killed", async () => {
    const runner = new Runner(action, project({ "scenarios/suite.yml": HANGING }));
    const { process: main, done } = runner.start("main.js");
    await until(() => running("sleep 321").length > 0);
    main.kill("SIGKILL");
    expect((await done).status).toBe("SIGKILL");
    expect(running("sleep 321")).not.toEqual([]);
    const post = await runner.post();
    expect(post.status).toBe(0);
    expect(post.log).toContain("ended the measurement that still ran");
    expect(running("sleep 321")).toEqual([]);
    expect(running("probewright.js run")).toEqual([]);
  });

  it("is swept up after although the tool itself was killed", async () => {
    const runner = new Runner(action, project({ "scenarios/suite.yml": HANGING }));
    const { process: main, done } = runner.start("main.js");
    await until(() => running("sleep 321").length > 0);
    main.kill("SIGKILL");
    await done;
    for (const pid of running(`${action}/bin/probewright.js run`)) process.kill(pid, "SIGKILL");
    const post = await runner.post();
    expect(post.status).toBe(0);
    await until(() => running("sleep 321").length === 0);
  });
});

describeKernel("the action in mode compare", () => {
  function repository(): string {
    const folder = project();
    const git = (...args: string[]): void => {
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
        cwd: folder,
        stdio: "ignore",
      });
    };
    git("init", "-b", "main");
    git("add", ".");
    git("commit", "-m", "three files");
    writeFileSync(join(folder, "scenarios/n.txt"), "6");
    git("commit", "-am", "six files");
    return folder;
  }

  it("fails for a commit that opens more files than its parent", async () => {
    const runner = new Runner(action, repository());
    const { status, outputs, commands, summary, log } = await runner.main({ mode: "compare", reporters: "html,junit" });
    expect([status, outputs.verdict], log).toEqual([1, "regression"]);
    const first = commands.find(({ name }) => name === "error")!;
    expect(first.properties).toMatchObject({
      file: "scenarios/suite.yml",
      line: "3",
      title: "probewright: opens: opens",
    });
    expect(first.data).toMatch(/^regression: .*\(base \d+, head \d+, \+\d+\)$/);
    expect(summary).toContain("| | Scenario | | Base | Head | Change | |");
    expect(summary).toContain("three files");
    expect(readFileSync(outputs["report-file"]!, "utf8")).toContain("head against base");
    expect((await runner.post()).log).toContain("nothing was left behind");
  });

  it("passes for a commit that is compared with itself", async () => {
    const { status, outputs, log } = await new Runner(action, repository()).main({ mode: "compare", base: "HEAD" });
    expect([status, outputs.verdict], log).toEqual([0, "pass"]);
  });

  it("says what is missing in a shallow clone", async () => {
    const shallow = join(temporaryTree(), "clone");
    execFileSync("git", ["clone", "-q", "--depth=1", `file://${repository()}`, shallow]);
    const { status, outputs, log } = await new Runner(action, shallow).main({ mode: "compare" });
    expect([status, outputs.verdict]).toEqual([1, "invalid-input"]);
    expect(log).toContain("fetch-depth");
  });

  it("leaves no checkouts of a comparison that was killed", async () => {
    const folder = repository();
    const checkouts = mkdtempSync(join(tmpdir(), "pw-"));
    onTestFinished(() => rmSync(checkouts, { recursive: true, force: true }));
    execFileSync("git", ["worktree", "add", "-q", "--detach", join(checkouts, "base")], { cwd: folder });
    // Nobody has this process id.
    writeFileSync(join(checkouts, "owner"), "4194304@1");
    const runner = new Runner(action, folder);
    await runner.main({ scenarios: "nowhere" });
    expect((await runner.post()).status).toBe(0);
    expect(existsSync(checkouts)).toBe(false);
    const left = execFileSync("git", ["worktree", "list"], { cwd: folder, encoding: "utf8" });
    expect(left.trim().split("\n")).toHaveLength(1);
  });
});

describeKernel("a user with capabilities instead of root's rights", () => {
  const run = (capabilities: string): { status: number | null; out: string } => {
    const workspace = project();
    for (const path of ["", "scenarios"]) chmodSync(join(workspace, path), 0o755);
    chmodSync(folder, 0o755);
    const given = `-all,${capabilities}`;
    const { status, stdout, stderr } = spawnSync(
      "setpriv",
      [
        ...["--reuid=65534", "--regid=65534", "--clear-groups"],
        ...[`--inh-caps=${given}`, `--ambient-caps=${given}`, `--bounding-set=${given}`],
        ...[process.execPath, join(action, "bin/probewright.js"), "run", "--json", "scenarios"],
      ],
      { cwd: workspace, encoding: "utf8", env: CLEAN },
    );
    return { status, out: stdout + stderr };
  };

  it("measures with those that docs/github-action.md asks for, and learns the cost of probes", () => {
    const { status, out } = run("+bpf,+perfmon,+dac_read_search,+sys_admin");
    expect(status, out).toBe(0);
    const { scenarios } = resultSchema.parse(JSON.parse(out));
    expect(scenarios[0]!.probes.some(({ hits }) => Number(hits) > 0)).toBe(true);
  });

  it("measures without CAP_SYS_ADMIN too, not knowing the cost", () => {
    const { status, out } = run("+bpf,+perfmon,+dac_read_search");
    expect(status, out).toBe(0);
    expect(resultSchema.parse(JSON.parse(out)).scenarios[0]!.probes).toEqual([]);
  });
});
