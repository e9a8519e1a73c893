import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { readBaseline } from "../../harness/baseline/store.ts";
import { resultSchema } from "../../harness/report/result.ts";
import { findHierarchy } from "../../harness/runner/cgroups.ts";
import { Cli, type Finished, runAsNobody, runCli } from "../support/cli.ts";
import { describeKernel } from "../support/privileges.ts";
import { temporaryTree } from "../support/temporary.ts";

/** A scenario that opens as many files as it is told to. */
const OPENS = `version: 1
name: opens
workload: { command: [cat, a.txt] }
runs: { warmup: 0, count: 2, control: 0 }
probes:
  - bpftrace: |
      tracepoint:syscalls:sys_enter_openat { @opens[str(args.filename)] = count(); }
metrics:
  texts: '@opens["a.txt"] + @opens["b.txt"]'
  opens: sum(@opens)
assert: [texts >= 1]
`;

/** A project whose only file is test.yml; runs the command in it. */
function project(yaml: string, files: Record<string, string> = {}) {
  const folder = temporaryTree({ "package.json": "{}", "a.txt": "a", "b.txt": "b", "test.yml": yaml, ...files });
  const cwd = { cwd: folder };
  return {
    folder,
    file: join(folder, "test.yml"),
    run: (...args: string[]): Promise<Finished> => runCli(["run", "test.yml", ...args], "", cwd),
    cli: (...args: string[]): Promise<Finished> => runCli(args, "", cwd),
    edit: (from: string, to: string): void => {
      const path = join(folder, "test.yml");
      const text = readFileSync(path, "utf8");
      expect(text).toContain(from);
      writeFileSync(path, text.replace(from, to));
    },
  };
}

const hierarchy = findHierarchy(readFileSync("/proc/self/mountinfo", "utf8"));

/** Scopes whose tool is gone. Those of other test files, which run at the same time, are none of ours. */
function abandoned(): string[] {
  if (hierarchy === undefined) return [];
  const scopes = readdirSync(hierarchy.mount).filter((name) => name.startsWith("probewright-"));
  return scopes.filter((name) => !existsSync(`/proc/${name.split("-")[1]}`));
}

/** A number of seconds that no other process sleeps, to find what was left. */
let unique = 100_000 + (process.pid % 10_000) * 10;
const uniqueSleep = (): string => String(++unique);

function sleepers(seconds: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8") === `sleep\0${seconds}\0`;
      } catch {
        return false; // it has just ended
      }
    });
}

describeKernel("probewright run", () => {
  // The test of cleaning up in another file abandons one for a moment.
  afterEach(() => vi.waitFor(() => expect(abandoned()).toEqual([]), { timeout: 5_000, interval: 100 }));

  it("traces, judges and reports", async () => {
    const { status, out, err } = await project(OPENS).run();
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toMatch(/^✓ opens {2}2 runs in /);
    expect(out).toContain("✓ texts >= 1: 1\n");
    expect(out).toMatch(/\n1 passed, 0 failed, 0 invalid in \d+\.\d s\n$/);
  });

  it("counts the same in a process-tree scope, where cgroups are out of reach", async () => {
    const { folder } = project(OPENS.replace("cat, a.txt", "sh, -c, cat a.txt; cat b.txt & wait"));
    const json = async (...wrapper: string[]) => {
      const bin = join(process.cwd(), "bin/probewright.js");
      const out = execFileSync(
        wrapper[0] ?? process.execPath,
        [...(wrapper.length > 0 ? [...wrapper.slice(1), process.execPath] : []), bin, "run", "test.yml", "--json"],
        { cwd: folder, encoding: "utf8" },
      );
      return resultSchema.parse(JSON.parse(out));
    };
    const values = ({ machine, scenarios: [scenario] }: Awaited<ReturnType<typeof json>>) => ({
      scope: machine.scope,
      metrics: scenario!.metrics.slice(0, 2).map(({ name, values }) => [name, values]),
    });
    const inCgroup = values(await json());
    const inTree = values(await json("unshare", "--cgroup"));
    expect(inCgroup).toMatchObject({
      scope: "cgroup",
      metrics: [
        ["texts", [2, 2]],
        ["opens", expect.anything()],
      ],
    });
    expect(inTree).toEqual({ ...inCgroup, scope: "tree" });
  });

  it("writes its result as JSON, to the standard output or beside the report", async () => {
    const { run, folder } = project(OPENS);
    const { status, out, err } = await run("--json", "-o", "results/out.json");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const result = resultSchema.parse(JSON.parse(out));
    expect(result).toMatchObject({ exitCode: 0, scenarios: [{ name: "opens", status: "passed", runs: 2 }] });
    expect(readFileSync(join(folder, "results/out.json"), "utf8")).toBe(out);
  });

  it("compares with the baseline that was recorded", async () => {
    const { run, cli, edit, folder } = project(OPENS);
    expect((await run("--update-baseline")).out).toContain(
      `recorded 1 scenario in ${folder}/.probewright/baseline.json`,
    );
    expect((await run()).out).toMatch(/opens +\d+ +exact +\d+ += +pass/);
    expect((await cli("baseline", "list")).out).toMatch(/\nopens {2}2 runs {2}\d{4}-/);
    expect(JSON.parse((await cli("baseline", "list", "--json")).out).entries).toMatchObject([
      { scenario: "opens", runs: 2 },
    ]);

    edit("cat, a.txt", "cat, b.txt");
    const changed = await run();
    expect(changed.out).toContain("the workload has changed since the baseline was recorded");
    edit("cat, b.txt", "cat, a.txt");

    // The same scenario, but the program does more than before.
    mkdirSync(join(folder, "bin"));
    writeFileSync(join(folder, "bin/cat"), "#!/bin/sh\nexec /bin/cat a.txt b.txt\n", { mode: 0o755 });
    const more = { cwd: folder, env: { ...process.env, PATH: `${folder}/bin:${process.env.PATH}` } };
    const { status, out } = await runCli(["run", "test.yml"], "", more);
    expect(status).toBe(1);
    expect(out).toMatch(/texts +2 +exact +1 +\+1 +regression/);
    expect(out).toMatch(/what changed in opens:\n(.*\n)* +new +@opens\["b.txt"\] +0 -> 1\n/);
    expect((await runCli(["run", "test.yml", "--no-baseline"], "", more)).status).toBe(0);
    expect((await runCli(["baseline", "update", "test.yml"], "", more)).status).toBe(0);
    expect((await runCli(["run", "test.yml"], "", more)).status).toBe(0);
  });

  it("skips a scenario whose programs are not there, unless all are to be measured", async () => {
    const { cli, folder } = project(OPENS.replace("workload:", "requires: [sh, no-such-program]\nworkload:"));
    const skipped = await cli("run", "test.yml");
    expect(skipped.out).toMatch(/^- SKIPPED opens .*\n {2}skipped: `no-such-program` was not found in PATH\n/);
    expect(skipped.out).toContain("0 passed, 0 failed, 0 invalid, 1 skipped");
    expect(skipped.status).toBe(0);
    const strict = await cli("run", "test.yml", "--no-skip");
    expect(strict.out).toMatch(/^! INVALID opens .*\n {2}invalid: `no-such-program` was not found in PATH\n/);
    expect(strict.status).toBe(3);
    const env = { ...process.env, PROBEWRIGHT_REQUIRE_ALL: "1" };
    expect((await runCli(["run", "test.yml"], "", { cwd: folder, env })).status).toBe(3);
  });

  it("makes maps that were full larger, and repeats the run", async () => {
    const { run } = project(`version: 1
name: many keys
workload: { shell: "for i in $(seq 1 6000); do [ -e nosuch$i ] || true; done" }
runs: { warmup: 0, count: 1, control: 0 }
probes:
  - bpftrace: |
      tracepoint:syscalls:sys_enter_newfstatat { @paths[str(args.filename)] = count(); }
metrics: { paths: len(@paths) }
assert: [paths >= 6000]
`);
    const { out, status } = await run();
    expect(out).toMatch(/@paths was full with 4,096 entries and was given [\d,]+\n/);
    expect(status).toBe(0);
  });

  it.each<[string, string, number, RegExp]>([
    [
      "is missing",
      "command: [no-such-program-here]",
      4,
      /there is no program `no-such-program-here`\n +help: install it/,
    ],
    ["is not executable", "command: [./a.txt]", 4, /`\.\/a\.txt` must not be executed\n +help: check its permissions/],
    ["fails", 'shell: "echo reason >&2; exit 3"', 4, /ended with status 3\n(.*\n)* +stderr:\n +\| reason\n/],
    ["is killed", "shell: kill -9 $$", 4, /was killed by SIGKILL/],
    ["never ends", 'command: [sleep, "SLEEP"], timeout: 300ms', 4, /did not end within 300 ms; it was killed/],
    ["hides its children", 'shell: "(setsid sleep SLEEP &) ; exit 1"', 4, /ended with status 1/],
  ])("is invalid when the workload %s, and leaves nothing behind", async (_, workload, code, message) => {
    const seconds = uniqueSleep();
    const yaml = OPENS.replace("command: [cat, a.txt]", () => workload.replace("SLEEP", seconds));
    const { status, out } = await project(yaml).run();
    expect(out).toMatch(message);
    expect(status).toBe(code);
    expect(out).toContain("0 passed, 0 failed, 1 invalid");
    expect(sleepers(seconds)).toEqual([]);
  });

  it("is invalid when the script ends tracing by itself", async () => {
    const { status, out } = await project(
      OPENS.replace("@opens[str(args.filename)] = count();", "$&\n        exit();"),
    ).run();
    expect(out).toContain("the script called exit() before the workload had ended");
    expect(status).toBe(4);
  });

  it("reports all errors of all files together, and runs nothing", async () => {
    const bad = `version: 1
name: second
workload: { command: [touch, ran] }
probes:
  - bpftrace: |
      tracepoint:syscalls:sys_enter_opennat { @a = count(); }
  - bpftrace: |
      tracepoint:syscalls:sys_enter_openat { @b = args.filenam; }
metrics:
  m: sum(@b)
`;
    const { cli, folder } = project(
      OPENS.replace("[cat, a.txt]", "[touch, ran]").replace("sum(@opens)", "sum(@openss)"),
      { "bad.yml": bad },
    );
    const { status, out, err } = await cli("run", "test.yml", "bad.yml");
    expect(status).toBe(2);
    expect(out).toBe("");
    expect(err).toMatch(/no script has a map `@openss`\n +test\.yml:10:14\n(.*\n)*.*did you mean `@opens`\?/);
    expect(err).toMatch(/sys_enter_opennat[\s\S]*bad\.yml:6:7\n[\s\S]*did you mean.*sys_enter_openat/);
    expect(err).toMatch(/filenam[\s\S]*bad\.yml:8:\d+\n[\s\S]*did you mean.*filename/);
    expect(existsSync(join(folder, "ran"))).toBe(false);
  });

  it("reports what is wrong in a script beside what is wrong in the rest of the file", async () => {
    const { cli } = project(OPENS.replace("sys_enter_openat", "sys_enter_opennat").replace("workload:", "worklaod:"));
    const { status, err } = await cli("run", "test.yml");
    expect(status).toBe(2);
    expect(err).toMatch(/unknown key `worklaod`\n +test\.yml:\d+:1\n[\s\S]*did you mean `workload`/);
    expect(err).toMatch(/sys_enter_opennat[\s\S]*test\.yml:\d+:\d+\n[\s\S]*did you mean.*sys_enter_openat/);
  });

  it.each<[string, string[], RegExp]>([
    ["a file that is not there", ["run", "nowhere.yml"], /there is no file or folder `nowhere\.yml`/],
    ["a folder without scenarios", ["run", "empty"], /there are no scenarios \(\*\.yml\) below `empty`/],
    [
      "a name that no scenario has",
      ["run", "test.yml", "--filter", "zebra"],
      /no scenario's name contains `zebra`; there are: opens/,
    ],
    ["no number of runs", ["run", "test.yml", "--runs", "0"], /expected a whole number from 1 to 99999/],
    ["an unknown option", ["run", "test.yml", "--bogus"], /unknown option '--bogus'/],
    ["an unknown schema", ["schema", "nonsense"], /Allowed choices are scenario, .*result/],
  ])("refuses %s", async (_, args, message) => {
    const { cli, folder } = project(OPENS);
    mkdirSync(join(folder, "empty"));
    const { status, err } = await cli(...args);
    expect(err).toMatch(message);
    expect(status).toBe(2);
  });

  it.each<[string, string, RegExp]>([
    ["damaged", '{"version": 1, "entr', /the baseline .*baseline\.json is damaged: .*; restore it, or delete it/],
    ["from a newer version", '{"version": 99}', /has format 99, .*was written by a newer version; update probewright/],
  ])("refuses a baseline file that is %s, and leaves it alone", async (_, content, message) => {
    const { run, cli, folder } = project(OPENS.replace("cat, a.txt", "touch, ran"), {
      ".probewright/baseline.json": content,
    });
    for (const attempt of [run(), run("--update-baseline"), cli("baseline", "list")]) {
      const { status, err } = await attempt;
      expect(err).toMatch(message);
      expect(status).toBe(2);
    }
    expect(readFileSync(join(folder, ".probewright/baseline.json"), "utf8")).toBe(content);
    expect(existsSync(join(folder, "ran"))).toBe(false);
  });

  it("keeps the old files when the disk is full", async () => {
    const { run, cli, folder } = project(OPENS);
    const disk = join(folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=128k", "none", disk]);
    onTestFinished(() => void execFileSync("umount", [disk]));
    const baseline = join(disk, "baseline.json");
    expect((await run("--update-baseline", "--baseline", baseline)).status).toBe(0);
    const before = readBaseline(baseline);
    const { size } = statSync(baseline);
    writeFileSync(join(disk, "filler"), new Uint8Array(128 * 1024 - 4096 * Math.ceil(size / 4096) - 4096));

    const update = await cli("baseline", "update", "test.yml", "--baseline", baseline);
    expect(update.err).toContain(`cannot write ${baseline}: the disk is full; what was there before is unchanged`);
    expect(update.status).toBe(4);
    expect(readBaseline(baseline)).toEqual(before);

    const output = await run("-o", join(disk, "result.json"));
    expect(output.err).toContain("the disk is full");
    expect(output.status).toBe(4);
    expect(readdirSync(disk).sort()).toEqual(["baseline.json", "filler"]);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("on %s kills the workload, tears down and exits with 130", async (signal) => {
    const seconds = uniqueSleep();
    const yaml = OPENS.replace(
      "command: [cat, a.txt]",
      `shell: "sleep ${seconds} & sleep ${seconds}", before: [touch, started], teardown: [touch, torn-down]`,
    );
    const { folder } = project(yaml);
    const cli = new Cli(["run", "test.yml"], { cwd: folder });
    await vi.waitFor(() => expect(sleepers(seconds)).toHaveLength(2), { timeout: 20_000 });
    cli.process.kill(signal);
    const { status, out } = await cli.finished;
    expect(status).toBe(130);
    expect(out).toContain("INTERRUPTED opens");
    expect(sleepers(seconds)).toEqual([]);
    expect(existsSync(join(folder, "torn-down"))).toBe(true);
  });

  it("that was killed itself is cleaned up after by the next run", async () => {
    const seconds = uniqueSleep();
    const { folder } = project(
      OPENS.replace("command: [cat, a.txt]", `shell: "(setsid sleep ${seconds} &); sleep ${seconds}"`),
    );
    const cli = new Cli(["run", "test.yml"], { cwd: folder });
    await vi.waitFor(() => expect(sleepers(seconds)).toHaveLength(2), { timeout: 20_000 });
    cli.process.kill("SIGKILL");
    await cli.finished;
    expect(abandoned()).toContainEqual(expect.stringMatching(new RegExp(`^probewright-${cli.process.pid}-`)));
    expect((await project(OPENS).run()).status).toBe(0);
    await vi.waitFor(() => expect(sleepers(seconds)).toEqual([]));
  });

  const hidden = (...folders: string[]): string[] => [
    "unshare",
    "-m",
    "sh",
    "-c",
    `${folders.map((folder) => `mount -t tmpfs none ${folder}; `).join("")}exec "$@"`,
    "sh",
  ];

  const withoutTracefs = (folder: string): Promise<Finished> => {
    const [command, ...args] = hidden("/sys/kernel/tracing", "/sys/kernel/debug");
    const bin = join(process.cwd(), "bin/probewright.js");
    return finished(command!, [...args, process.execPath, bin, "run", "test.yml"], folder);
  };

  it.each<[string, (folder: string) => Promise<Finished>, RegExp]>([
    ["privileges", (cwd) => runAsNobody(["run", "test.yml"], { cwd }), /help: .*root/],
    ["tracefs", withoutTracefs, /tracefs is not mounted(.*\n)+ +help: .*mount -t tracefs/],
  ])("says what is missing without %s", async (_, run, message) => {
    const { folder } = project(OPENS.replace("cat, a.txt", "touch, ran"));
    for (const path of [folder, join(folder, "test.yml")]) chmodSync(path, 0o755);
    const result = await run(folder);
    expect(result.out).toMatch(message);
    expect(result.status).toBe(3);
    expect(existsSync(join(folder, "ran"))).toBe(false);
  });

  it("does without BTF", async () => {
    const { folder } = project(OPENS);
    const [command, ...args] = [
      ...hidden("/sys/kernel/btf"),
      process.execPath,
      join(process.cwd(), "bin/probewright.js"),
      "run",
      "test.yml",
    ];
    const result = await finished(command!, args, folder);
    expect(result.out).toContain("1 passed");
    expect(result.status).toBe(0);
  });

  it("lists the shipped scenarios, presets not among them", async () => {
    const { status, out } = await runCli(["run", "--list"]);
    expect(status).toBe(0);
    expect(out.trimEnd().split("\n").length).toBeGreaterThanOrEqual(8);
    expect(out).toMatch(/^node-startup +scenarios\/node-startup\.yml +Starting Node/m);
    expect(out).not.toContain("presets/");
  });
});

/** Runs any command to its end. */
function finished(command: string, args: readonly string[], cwd: string): Promise<Finished> {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  return new Promise((resolve) => {
    child.once("close", (code, signal) => resolve({ status: code ?? signal!, out, err }));
  });
}

describe("probewright init", () => {
  const init = (folder: string, ...args: string[]): Promise<Finished> => runCli(["init", ...args], "", { cwd: folder });

  it("writes a first scenario", async () => {
    const folder = temporaryTree();
    const { status, out } = await init(folder);
    expect(status).toBe(0);
    expect(out).toContain("wrote scenarios/first.yml");
    expect((await runCli(["run", "--list"], "", { cwd: folder })).out).toMatch(/^first +scenarios\/first\.yml/);
  });

  it("never overwrites", async () => {
    const folder = temporaryTree({ "mine/first.yml": "precious" });
    const { status, err } = await init(folder, "mine");
    expect(err).toContain("mine/first.yml exists already, and is left as it is");
    expect(status).toBe(2);
    expect(readFileSync(join(folder, "mine/first.yml"), "utf8")).toBe("precious");
  });

  it("says when it cannot write", async () => {
    const folder = temporaryTree({ file: "" });
    const { status, err } = await init(folder, "file/below");
    expect(err).toContain("cannot write file/below/first.yml");
    expect(status).toBe(2);
  });
});

describeKernel("the first scenario", () => {
  it("runs at once, and passes", async () => {
    const folder = temporaryTree();
    await runCli(["init"], "", { cwd: folder });
    const { status, out } = await runCli(["run"], "", { cwd: folder });
    expect(out).toContain("1 passed, 0 failed, 0 invalid");
    expect(status).toBe(0);
  });
});

describe("probewright schema", () => {
  it.each([
    [[], "scenario.schema.json"],
    [["scenario"], "scenario.schema.json"],
    [["result"], "result.schema.json"],
  ])("%j prints the published %s", async (args, file) => {
    const { status, out } = await runCli(["schema", ...args]);
    expect(status).toBe(0);
    expect(out).toBe(readFileSync(join("schema", file), "utf8"));
  });
});
