import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { exit, imm, mov64, R0 } from "../../../compiler/asm/instructions.ts";
import type { MapData } from "../../../harness/metrics/run-data.ts";
import type { ScenarioResult } from "../../../harness/report/result.ts";
import type { SuiteOutcome } from "../../../harness/runner/suite.ts";
import { VerifierError } from "../../../harness/tracing/verifier-error.ts";
import { SysError } from "../../../native/index.ts";
import { program } from "../../support/compiled.ts";
import { type FakeProgram, FakeWorld } from "../../support/fake-host.ts";
import { countMap, histMap, MACHINE, TestProject } from "../../support/suite.ts";

const quick: FakeProgram = async (p) => {
  await p.sleep(10);
  return 0;
};

const RUNS = "runs: { warmup: 0, count: 3, control: 0 }";
const YAML = `name: opens
workload: { command: [work] }
${RUNS}
probes: [{ bpftrace: x }]
metrics:
  opens: sum(@opens)
assert: [opens < 100]
`;

/** A world whose runs have these maps, one list for each run. */
function world(...runs: MapData[][]): FakeWorld {
  const result = new FakeWorld({ work: quick });
  result.maps = {
    x: (runs[0] ?? []).map(({ name, keyed, kind }) => ({ name, keyed, value: kind === "hist" ? "hist" : "count" })),
  };
  result.traces = runs.map((maps) => ({ maps: [maps] }));
  return result;
}

const opens = (...counts: Record<string, number>[]): FakeWorld =>
  world(...counts.map((count) => [countMap("@opens", count)]));
const only = ({ result }: SuiteOutcome): ScenarioResult => result.scenarios[0]!;
const metric = (outcome: SuiteOutcome, name: string) =>
  only(outcome).metrics.find((candidate) => candidate.name === name)!;

describe("a suite", () => {
  it("judges its scenarios and sums up", async () => {
    const project = new TestProject(YAML);
    const outcome = await project.run(opens({ a: 3, b: 4 }));
    expect(outcome.result).toMatchObject({
      schema: "probewright.result/v1",
      exitCode: 0,
      summary: { passed: 1, failed: 0, invalid: 0 },
      scenarios: [{ name: "opens", status: "passed", file: project.file, line: 2, runs: 3 }],
    });
    expect(metric(outcome, "opens")).toMatchObject({ values: [7, 7, 7], verdict: "new", summary: { median: 7 } });
    expect(only(outcome).assertions).toEqual([
      { text: "opens < 100", line: 8, status: "pass", message: "opens < 100: 7" },
    ]);
  });

  it("fails on an assertion that does not hold in one of the runs", async () => {
    const outcome = await new TestProject(YAML).run(opens({ a: 3 }, { a: 130 }, { a: 3 }));
    expect(only(outcome).status).toBe("failed");
    expect(only(outcome).assertions[0]!.message).toBe("opens < 100: 130 (30 over), in 1 of 3 runs");
    expect(outcome.result.exitCode).toBe(1);
  });

  it("never passes an assertion without data", async () => {
    const yaml = YAML.replace("sum(@opens)", "p99(@opens)");
    const runs = [{ name: "@opens", kind: "hist", keyed: false, entries: [] }] as MapData[];
    const outcome = await new TestProject(yaml).run(world(runs));
    expect(only(outcome)).toMatchObject({ status: "failed", assertions: [{ status: "no-data" }] });
    expect(metric(outcome, "opens")).toMatchObject({ values: [null, null, null], noData: expect.any(String) });
    expect(outcome.result.exitCode).toBe(1);
  });

  it("lists the free metrics and the control runs", async () => {
    const outcome = await new TestProject(YAML.replace("control: 0", "control: 2")).run(opens({ a: 1 }));
    expect(metric(outcome, "duration")).toMatchObject({ free: true, unit: "ns", values: [1e7, 1e7, 1e7] });
    expect(only(outcome).control).toMatchObject([{ duration: 1e7 }, { duration: 1e7 }]);
  });

  it("keeps what the scripts printed, run by run", async () => {
    const machine = opens({ a: 1 });
    machine.traces = ["one", "two", "three"].map((output) => ({ maps: [[countMap("@opens", { a: 1 })]], output }));
    expect(only(await new TestProject(YAML).run(machine)).printed).toEqual(["one", "two", "three"]);
  });

  it.each<[string, (machine: FakeWorld) => void, number, string]>([
    ["fails", (machine) => Object.assign(machine.programs, { work: () => 1 }), 4, "exit-status"],
    ["is missing", (machine) => Reflect.deleteProperty(machine.programs, "work"), 4, "cannot-start"],
    [
      "may not be traced",
      (machine) => Object.assign(machine, { loadError: new SysError("BPF_PROG_LOAD", 1) }),
      3,
      "capability",
    ],
  ])("has an exit code for a workload that %s", async (_, change, exitCode, kind) => {
    const machine = opens({ a: 1 });
    change(machine);
    const { result } = await new TestProject(YAML).run(machine);
    expect(result).toMatchObject({
      exitCode,
      summary: { invalid: 1 },
      scenarios: [{ status: "invalid", problems: [{ kind }] }],
    });
  });

  it("shows a program that the kernel refused where it stands in the script", async () => {
    const machine = opens({ a: 1 });
    const code = program({ kind: "begin" }, [mov64(R0, imm(0)), exit()]);
    machine.loadError = new VerifierError(code, 13, "1: (95) exit\nR0 !read_ok\n");
    const { result } = await new TestProject(YAML).run(machine);
    expect(result.exitCode).toBe(2);
    expect(result.diagnostics).toMatchObject([{ code: "verifier-rejected", file: "test.bt", line: 2 }]);
  });

  it("reports all errors of files and scripts together, and runs nothing", async () => {
    const machine = opens({ a: 1 });
    const { result, diagnostics } = await new TestProject(`${YAML}bogus: 1\nmetrics2: 2\n`).run(machine);
    expect(result).toMatchObject({ exitCode: 2, scenarios: [], summary: { passed: 0 } });
    expect(result.diagnostics).toMatchObject([
      { severity: "error", line: 9, column: 1 },
      { severity: "error", line: 10, column: 1 },
    ]);
    expect(diagnostics).toHaveLength(2);
    expect(machine.log).toEqual([]);
  });
});

const TWO = `scenarios:
  - { name: alpha, workload: { command: [work] }, ${RUNS}, assert: [duration < 1s] }
  - { name: beta, workload: { command: [fail] }, ${RUNS} }
  - { name: gamma, workload: { command: [work] }, ${RUNS} }
`;

describe("choosing among scenarios", () => {
  const machine = (): FakeWorld => new FakeWorld({ work: quick, fail: () => 1 });
  const names = ({ result }: SuiteOutcome): string[] => result.scenarios.map(({ name }) => name);

  it("runs them all, one after the other", async () => {
    const seen: string[] = [];
    const outcome = await new TestProject(TWO).run(machine(), "compare", { onScenario: ({ name }) => seen.push(name) });
    expect(seen).toEqual(["alpha", "beta", "gamma"]);
    expect(outcome.result.summary).toMatchObject({ passed: 2, invalid: 1 });
  });
  it("by a part of the name", async () => {
    expect(names(await new TestProject(TWO).run(machine(), "compare", { filter: "amm" }))).toEqual(["gamma"]);
  });
  it("none is an error that names them all", async () => {
    await expect(new TestProject(TWO).run(machine(), "compare", { filter: "delta" })).rejects.toThrow(
      "no scenario's name contains `delta`; there are: alpha, beta, gamma",
    );
  });
  it("up to the first that does not pass", async () => {
    expect(names(await new TestProject(TWO).run(machine(), "compare", { bail: true }))).toEqual(["alpha", "beta"]);
  });
  it("with another number of runs", async () => {
    const outcome = await new TestProject(TWO).run(machine(), "compare", { runs: 7, filter: "alpha" });
    expect(only(outcome).runs).toBe(7);
  });
  it("until the user interrupts", async () => {
    const control = new AbortController();
    const outcome = await new TestProject(TWO).run(machine(), "compare", {
      interrupt: control.signal,
      onScenario: () => control.abort(),
    });
    expect(names(outcome)).toEqual(["alpha"]);
    expect(outcome.result.exitCode).toBe(130);
  });
});

describe("a scenario whose programs are not there", () => {
  const yaml = `scenarios:
  - { name: alpha, requires: [zebra], workload: { command: [work], setup: [work] }, ${RUNS}, assert: [duration < 0s] }
  - { name: beta, requires: [work], workload: { command: [work] }, ${RUNS} }
`;
  const problems = [
    { kind: "missing-program", message: "`zebra` was not found in PATH", help: "install zebra to have this measured" },
  ];

  it("is skipped, and neither fails the suite nor ends it", async () => {
    const machine = new FakeWorld({ work: quick });
    const { result } = await new TestProject(yaml).run(machine, "update", { bail: true });
    expect(result).toMatchObject({
      exitCode: 0,
      summary: { passed: 1, skipped: 1 },
      scenarios: [
        { name: "alpha", status: "skipped", problems, runs: 0, metrics: [], assertions: [] },
        { name: "beta", status: "passed" },
      ],
    });
    expect(machine.requests).toHaveLength(3);
  });

  it("is invalid where all have to be measured", async () => {
    const machine = new FakeWorld({ work: quick });
    const { result } = await new TestProject(yaml).run(machine, "compare", { requireAll: true });
    expect(result).toMatchObject({
      exitCode: 3,
      summary: { passed: 1, skipped: 0, invalid: 1 },
      scenarios: [{ status: "invalid", problems }, { status: "passed" }],
    });
  });

  it("has its mistakes reported all the same", async () => {
    const { result } = await new TestProject(yaml.replace("duration < 0s", "duratoin < 0s")).run(new FakeWorld({}));
    expect(result).toMatchObject({ exitCode: 2, scenarios: [], diagnostics: [{ severity: "error", line: 3 }] });
  });
});

describe("the baseline", () => {
  it("is recorded on demand, and compared from then on", async () => {
    const project = new TestProject(YAML);
    await project.run(opens({ a: 3 }));
    expect(existsSync(project.baseline)).toBe(false);
    const recorded = await project.run(opens({ a: 3 }), "update");
    expect(recorded.recorded).toEqual(new Map([[project.baseline, ["opens"]]]));
    const same = await project.run(opens({ a: 3 }));
    expect(metric(same, "opens")).toMatchObject({ verdict: "pass", class: "exact", delta: 0, ratio: 1 });
    expect(same.result.exitCode).toBe(0);
  });

  it("makes a regression of one more, and says which key it was", async () => {
    const project = new TestProject(YAML);
    await project.run(opens({ same: 3, grown: 2, gone: 1 }), "update");
    const outcome = await project.run(opens({ same: 3, grown: 6, new: 2 }));
    expect(outcome.result.exitCode).toBe(1);
    expect(only(outcome).status).toBe("failed");
    expect(metric(outcome, "opens")).toMatchObject({
      verdict: "regression",
      baseline: { median: 6 },
      delta: 5,
      changes: [
        { map: "@opens", key: ["grown"], kind: "grew", before: 2, now: 6 },
        { map: "@opens", key: ["new"], kind: "new", before: 0, now: 2 },
        { map: "@opens", key: ["gone"], kind: "gone", before: 1, now: 0 },
      ],
    });
  });

  it("has no ratio from nothing to something, which JSON could not hold", async () => {
    const project = new TestProject(YAML);
    await project.run(opens({}), "update");
    const found = metric(await project.run(opens({ a: 1 })), "opens");
    expect(found).toMatchObject({ verdict: "regression", delta: 1 });
    expect(found.ratio).toBeUndefined();
  });

  it("names an improvement", async () => {
    const project = new TestProject(YAML);
    await project.run(opens({ a: 5 }), "update");
    const outcome = await project.run(opens({ a: 4 }));
    expect(metric(outcome, "opens").verdict).toBe("improvement");
    expect(outcome.result.exitCode).toBe(0);
  });

  it("of another machine is used for exact counters only, with a warning", async () => {
    const project = new TestProject(`${YAML}compare: { opens: exact, duration: { max-increase: 1% } }\n`);
    await project.run(opens({ a: 5 }), "update");
    project.machine = { ...MACHINE, kernel: "6.18" };
    const outcome = await project.run(opens({ a: 6 }));
    expect(metric(outcome, "opens").verdict).toBe("regression");
    expect(metric(outcome, "duration")).toMatchObject({
      verdict: "new",
      reason: "the baseline is from another machine",
    });
    expect(only(outcome).warnings).toEqual([
      "the baseline is from another machine (kernel 6.1 -> 6.18): only exact counters are compared",
    ]);
  });

  it.each([
    ["workload", "command: [work]", "command: [work, more]"],
    ["set of probes", "bpftrace: x", "bpftrace: 'x '"],
  ])("of another %s is not compared, and that is said", async (what, from, to) => {
    const project = new TestProject(YAML);
    await project.run(opens({ a: 5 }), "update");
    writeFileSync(project.file, readFileSync(project.file, "utf8").replace(from, to));
    const outcome = await project.run(opens({ a: 9 }));
    expect(metric(outcome, "opens").verdict).toBe("new");
    expect(only(outcome).warnings[0]).toContain(`the ${what} has changed since the baseline was recorded`);
    expect(outcome.result.exitCode).toBe(0);
  });

  it("of another definition of the metric is not compared", async () => {
    const project = new TestProject(YAML);
    await project.run(opens({ a: 5 }), "update");
    writeFileSync(project.file, readFileSync(project.file, "utf8").replace("sum(@opens)", "sum(@opens) * 2"));
    expect(metric(await project.run(opens({ a: 9 })), "opens")).toMatchObject({
      verdict: "new",
      reason: "its definition has changed since the baseline",
    });
  });

  it("that had data where now is none makes the scenario invalid", async () => {
    const yaml = YAML.replace("sum(@opens)", "p50(@opens)").replace("assert: [opens < 100]\n", "");
    const project = new TestProject(yaml);
    const empty = [{ name: "@opens", kind: "hist", keyed: false, entries: [] }] as MapData[];
    await project.run(world([histMap("@opens", [[8, 16, 4]])]), "update");
    const outcome = await project.run(world(empty));
    expect(metric(outcome, "opens").verdict).toBe("invalid");
    expect(outcome.result.exitCode).toBe(4);
    const never = new TestProject(yaml);
    await never.run(world(empty), "update");
    expect((await never.run(world(empty))).result.exitCode).toBe(0);
  });

  it("keeps each run by itself", async () => {
    const project = new TestProject(YAML);
    await project.run(opens({ a: 5 }, { a: 6 }, { a: 7 }), "update");
    const [entry] = JSON.parse(readFileSync(project.baseline, "utf8")).entries;
    expect(entry).toMatchObject({ scenario: "opens", file: "test.yml", fingerprint: MACHINE });
    expect(entry.metrics.opens.values).toEqual([5, 6, 7]);
    expect(entry.maps[0].keys).toEqual([{ key: ["a"], values: [5, 6, 7] }]);
  });

  it.each<[string, FakeWorld]>([
    ["an assertion", opens({ a: 500 })],
    ["the workload", new FakeWorld({ work: () => 1 })],
  ])("is not recorded when %s failed", async (_, machine) => {
    const project = new TestProject(YAML);
    machine.maps = { x: [{ name: "@opens", keyed: true }] };
    const { recorded, result } = await project.run(machine, "update");
    expect(recorded.size).toBe(0);
    expect(existsSync(project.baseline)).toBe(false);
    expect(result.exitCode).not.toBe(0);
  });

  it("that is damaged stops the suite before anything runs", async () => {
    const project = new TestProject(YAML);
    mkdirSync(dirname(project.baseline));
    writeFileSync(project.baseline, "{");
    const machine = opens({ a: 1 });
    await expect(project.run(machine)).rejects.toThrow("is damaged");
    await expect(project.run(machine, "update")).rejects.toThrow("is damaged");
    expect(machine.log).toEqual([]);
    expect(readFileSync(project.baseline, "utf8")).toBe("{");
    await expect(project.run(opens({ a: 1 }), "off")).resolves.toMatchObject({ result: { exitCode: 0 } });
  });

  it("may be a file of its own", async () => {
    const project = new TestProject(YAML);
    const file = `${project.folder}/other/b.json`;
    await project.run(opens({ a: 1 }), "update", { baseline: { mode: "update", file } });
    expect(existsSync(file)).toBe(true);
    const outcome = await project.run(opens({ a: 2 }), "compare", { baseline: { mode: "compare", file } });
    expect(metric(outcome, "opens").verdict).toBe("regression");
  });
});
