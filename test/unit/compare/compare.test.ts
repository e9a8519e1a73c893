/** Whole comparisons of real repositories, run on machines of the test's own. */
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type CompareHost, type CompareOptions, compare, type Progress } from "../../../harness/compare/compare.ts";
import { CompareError } from "../../../harness/compare/error.ts";
import { fileHost } from "../../../harness/config/host.ts";
import { resultSchema, type ScenarioResult, type SuiteResult } from "../../../harness/report/result.ts";
import { EmptySuiteError } from "../../../harness/runner/suite.ts";
import { type FakeProgram, type FakeTrace, FakeWorld } from "../../support/fake-host.ts";
import { type Files, TestRepository } from "../../support/repository.ts";
import { countMap, histMap, MACHINE } from "../../support/suite.ts";
import { temporaryTree } from "../../support/temporary.ts";

const NEVER = new AbortController().signal;
const SCRIPT = "tracepoint:a:b { @opens[comm] = count(); }";

/** A scenario file; more lines may follow. */
function scenario(name: string, more = ""): string {
  return `version: 1
name: ${name}
workload: { command: [app] }
runs: { warmup: 1, count: 5, max: 20, control: 1 }
probes: [{ bpftrace: "${SCRIPT}" }]
metrics: { opens: sum(@opens) }
${more}`;
}

type Counts = Readonly<Record<string, number>>;

const trace = (counts: Counts): FakeTrace => ({ maps: [[countMap("@opens", counts)]] });

/** Programs take 10 ms unless a test knows better; each run opens `counts`. */
function world(counts: Counts | readonly Counts[] = { a: 4 }, programs: Record<string, FakeProgram> = {}): FakeWorld {
  const app: FakeProgram = async (process) => {
    await process.sleep(10);
    return 0;
  };
  const made = new FakeWorld({ app, ...programs });
  made.maps[SCRIPT] = [{ name: "@opens", keyed: true }];
  const list: readonly Counts[] = Array.isArray(counts) ? counts : [counts as Counts];
  made.traces = list.map(trace);
  return made;
}

let repository: TestRepository;
const here = process.cwd();

beforeEach(() => {
  repository = new TestRepository();
  process.chdir(repository.root);
});

afterEach(() => process.chdir(here));

interface Worlds {
  readonly base: FakeWorld;
  readonly head: FakeWorld;
}

async function comparison(worlds: Worlds, options: Partial<CompareOptions> = {}): Promise<SuiteResult> {
  const host: CompareHost = { runner: worlds, config: fileHost, machine: MACHINE };
  const before = repository.state;
  const folder = process.cwd();
  const fixed = { base: "main~1", head: "main", paths: [], pairs: 10, seed: 1, interrupt: NEVER, abandon: NEVER };
  try {
    const { result } = await compare({ ...fixed, ...options }, host);
    resultSchema.parse(JSON.parse(JSON.stringify(result)));
    return result;
  } finally {
    // Whatever happened, it is as before.
    expect(repository.state).toEqual(before);
    expect(process.cwd()).toBe(folder);
    for (const { openScopes, processes, open } of [worlds.base, worlds.head])
      expect([openScopes, processes.size, open.size]).toEqual([0, 0, 0]);
  }
}

async function refusal(promise: Promise<unknown>): Promise<CompareError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CompareError);
  return error as CompareError;
}

function twoCommits(files: Files, changes: Files = {}): void {
  repository.commit("First", files);
  repository.commit("Second", changes);
}

const only = ({ scenarios }: SuiteResult): ScenarioResult => {
  expect(scenarios).toHaveLength(1);
  return scenarios[0]!;
};
const verdicts = ({ metrics }: ScenarioResult): Record<string, string> =>
  Object.fromEntries(metrics.filter(({ free }) => !free).map(({ name, verdict }) => [name, verdict]));

describe("two commits", () => {
  it("that are equal pass", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a") });
    const result = await comparison({ base: world(), head: world() });
    expect(result).toMatchObject({
      kind: "compare",
      exitCode: 0,
      comparison: {
        base: { name: "main~1", subject: "First" },
        head: { name: "main", subject: "Second" },
        seed: 1,
        pairs: 10,
      },
    });
    expect(only(result)).toMatchObject({
      name: "a",
      status: "passed",
      sides: "both",
      runs: 10,
      file: "scenarios/a.yml",
    });
    expect(verdicts(only(result))).toEqual({ opens: "pass" });
  });

  it("of which the second opens one file more: found and named", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a") });
    const result = await comparison({ base: world({ x: 4 }), head: world({ x: 4, "lib/y": 1 }) });
    expect(result.exitCode).toBe(1);
    expect(only(result)).toMatchObject({
      status: "failed",
      metrics: [
        {
          name: "opens",
          verdict: "regression",
          class: "exact",
          values: new Array(10).fill(5),
          paired: { base: new Array(10).fill(4) },
          delta: 1,
          cause: "+1 in @opens, all for lib/y",
          causes: [{ label: "lib/y", kind: "new", share: 1 }],
        },
        { name: "duration", verdict: "new" },
        {},
        {},
        {},
        {},
        {},
      ],
    });
  });

  it("of which the second opens fewer: an improvement", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a") });
    const result = await comparison({ base: world({ x: 4 }), head: world({ x: 3 }) });
    expect([result.exitCode, verdicts(only(result))]).toEqual([0, { opens: "improvement" }]);
  });

  it("run in turns, in an order that follows from the seed", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a") });
    const order = async (seed: number): Promise<string> => {
      const steps: string[] = [];
      const onProgress = (progress: Progress): void => {
        if (progress.kind === "running")
          steps.push(`${progress.step.kind} ${progress.step.index} ${progress.step.side}`);
      };
      await comparison({ base: world(), head: world() }, { seed, pairs: 4, onProgress });
      return steps.join("\n");
    };
    const first = await order(1);
    const pairs = [...first.matchAll(/^run (\d) (base|head)$/gm)].map(([, pair]) => pair).join("");
    expect(pairs).toBe("11223344");
    expect(first).toMatch(/^warmup 1 base\nwarmup 1 head\nrun 1 /);
    expect(first).toMatch(/\ncontrol 1 head$/);
    expect(await order(1)).toBe(first);
    expect((await Promise.resolve(order(2))) === first && (await order(3)) === first).toBe(false);
  });

  it("are compared from a folder within, and by paths as the user sees them", async () => {
    twoCommits({ "api/perf/a.yml": scenario("a"), "api/perf/b.yml": scenario("b") });
    process.chdir(join(repository.root, "api"));
    for (const paths of [["perf/a.yml"], [join(repository.root, "api/perf/a.yml")], ["../api/perf/a.yml"]])
      expect(only(await comparison({ base: world(), head: world() }, { paths }))).toMatchObject({
        name: "a",
        file: "perf/a.yml",
      });
  });

  it("run where their checkouts are", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a") });
    const worlds = { base: world(), head: world() };
    await comparison(worlds);
    const folders = ({ requests }: FakeWorld): string[] => [...new Set(requests.map(({ cwd }) => cwd))];
    expect(folders(worlds.base)).toEqual([expect.stringMatching(/\/pw-\w{6}\/base\/scenarios$/)]);
    expect(folders(worlds.head)).toEqual([expect.stringMatching(/\/pw-\w{6}\/head\/scenarios$/)]);
    expect(existsSync(folders(worlds.base)[0]!)).toBe(false);
  });

  it("name the same file the same, wherever it was opened", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a") });
    // What a workload opens lies in its own checkout.
    const opening = (): FakeWorld => {
      const made = world();
      const start = made.tracer.load.bind(made.tracer);
      made.tracer.load = (...args) => {
        const tracing = start(...args);
        return Object.assign(tracing, {
          stop: () => ({
            ...trace({ [`${process.cwd()}/src/x`]: 3 }),
            output: "",
            lostEvents: 0n,
            endlessLoops: 0n,
            warnings: [],
            fullMaps: [],
            refusals: [],
            missed: [],
            exited: false,
            cost: [],
          }),
        });
      };
      return made;
    };
    const { maps, baseline } = only(await comparison({ base: opening(), head: opening() }));
    expect(maps[0]?.keys.map(({ key }) => key)).toEqual([[`${repository.root}/src/x`]]);
    expect(baseline?.use).toBe("same");
  });
});

describe("the working tree", () => {
  it("is the head where none is named", async () => {
    repository.commit("First", { "scenarios/a.yml": scenario("a"), x: "1" });
    repository.write({ x: "2", "scenarios/b.yml": scenario("b") });
    const result = await comparison({ base: world(), head: world() }, { base: "HEAD", head: undefined });
    expect(result.comparison?.head).toMatchObject({ name: "working tree", subject: "First", changes: 2 });
    expect(result.scenarios.map(({ name, sides, status }) => [name, sides, status])).toEqual([
      ["a", "both", "passed"],
      ["b", "head", "passed"],
    ]);
  });
});

describe("scenarios of one side only", () => {
  it("are new or removed, and neither fails", async () => {
    twoCommits(
      { "scenarios/a.yml": scenario("a"), "scenarios/old.yml": scenario("old") },
      { "scenarios/old.yml": undefined, "scenarios/new.yml": scenario("new", "assert: [opens == 4]") },
    );
    const result = await comparison({ base: world(), head: world() });
    expect(result.exitCode).toBe(0);
    expect(result.scenarios.map(({ name, sides, status, runs }) => [name, sides, status, runs])).toEqual([
      ["a", "both", "passed", 10],
      ["new", "head", "passed", 10],
      ["old", "base", "skipped", 0],
    ]);
    expect(result.scenarios[1]).toMatchObject({
      assertions: [{ status: "pass" }],
      warnings: ["new: the base has no such scenario"],
    });
    expect(result.scenarios[2]?.warnings).toEqual(["removed: the head has no such scenario any more"]);
  });

  it("have their assertions judged", async () => {
    twoCommits({ x: "1" }, { "scenarios/new.yml": scenario("new", "assert: [opens < 4]") });
    const result = await comparison({ base: world(), head: world() });
    expect([result.exitCode, only(result).status]).toEqual([1, "failed"]);
  });

  it("cannot be told where the base's files have mistakes", async () => {
    twoCommits({ "scenarios/a.yml": "version: 1\nworkload: oops" }, { "scenarios/a.yml": scenario("a") });
    const result = only(await comparison({ base: world(), head: world() }));
    expect(result).toMatchObject({ status: "passed", sides: "both" });
    expect(result.warnings).toEqual([expect.stringContaining("not known whether it had this one")]);
  });

  it("that differ run as the head says, and that is said", async () => {
    twoCommits(
      { "scenarios/a.yml": scenario("a").replace("[app]", "[app, --old]") },
      { "scenarios/a.yml": scenario("a").replace("[app]", "[app, --new]") },
    );
    const worlds = { base: world(), head: world() };
    const result = only(await comparison(worlds));
    expect(result.warnings).toEqual([
      "its workload is not the same in both commits; both sides ran what the head says",
    ]);
    expect(worlds.base.requests.every(({ argv }) => argv[1] === "--new")).toBe(true);
  });
});

describe("what varies", () => {
  /** Different counts in each run. */
  const noisy = (centre: number, n: number): Counts[] =>
    Array.from({ length: n }, (_, i) => ({ x: centre + ((i * 7) % 13) * 8 }));

  it("is tested, pair by pair", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a") });
    const result = only(await comparison({ base: world(noisy(1000, 12)), head: world(noisy(1400, 12)) }));
    expect(verdicts(result)).toEqual({ opens: "regression" });
    const { paired, class: behaviour, cause } = result.metrics[0]!;
    expect([result.runs, behaviour, cause]).toEqual([10, expect.any(String), expect.stringContaining("x")]);
    expect(paired?.test).toMatchObject({ scale: "ratio", pairs: 10, p: 1 / 1024, adjusted: 2 / 1024 });
    expect(paired?.test?.estimate).toBeCloseTo(1.38, 1);
    expect(paired?.test?.low).toBeGreaterThan(1.2);
  });

  it("is run more often where it is unclear, up to the scenario's limit", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a"), "scenarios/b.yml": scenario("b") });
    const unclear = (n: number): Counts[] => Array.from({ length: n }, (_, i) => ({ x: i % 3 === 0 ? 900 : 1300 }));
    const result = await comparison({ base: world({ x: 1000 }), head: world(unclear(80)) });
    expect(result.scenarios.map(({ runs }) => runs)).toEqual([20, 20]);
    expect(result.scenarios.map(({ status }) => status)).toContain("inconclusive");
    expect(result.exitCode).toBe(4);
  });

  it("sets the scenario up anew for more", async () => {
    const steps = "workload: { command: [app], setup: [up], teardown: [down] }";
    twoCommits({ "scenarios/a.yml": scenario("a").replace("workload: { command: [app] }", steps) });
    const unclear: Counts[] = Array.from({ length: 40 }, (_, i) => ({ x: i % 3 === 0 ? 900 : 1300 }));
    const worlds = {
      base: world({ x: 1000 }, { up: () => 0, down: () => 0 }),
      head: world(unclear, { up: () => 0, down: () => 0 }),
    };
    await comparison(worlds);
    const times = ({ log }: FakeWorld, what: string): number => log.filter((line) => line === `spawn ${what}`).length;
    for (const made of [worlds.base, worlds.head]) expect([times(made, "up"), times(made, "down")]).toEqual([3, 3]);
    // Three warm-ups, twenty pairs, and one run without probes on the head.
    expect([times(worlds.base, "app"), times(worlds.head, "app")]).toEqual([23, 24]);
  });

  it("is judged over the whole suite", async () => {
    const names = Array.from({ length: 12 }, (_, i) => `s${i}`);
    twoCommits(
      Object.fromEntries(
        names.map((name) => [`scenarios/${name}.yml`, scenario(name, "compare: { default: { max-increase: 0% } }")]),
      ),
    );
    // A warm-up and ten pairs of each; whoever needs more after that gets the rest.
    const head = world([...names.flatMap((_, i) => noisy(i === 0 ? 1400 : 1000, 11)), ...noisy(1400, 20)]);
    const base = world([...names.flatMap(() => noisy(1000, 11)), ...noisy(1000, 20)]);
    const result = await comparison({ base, head }, { pairs: 10 });
    const [first, ...others] = result.scenarios;
    // 12 metrics: ten pairs are not enough for any.
    expect(first!.runs).toBeGreaterThan(10);
    expect(first!.status).toBe("failed");
    expect(others.filter(({ status }) => status === "failed")).toEqual([]);
  });
});

describe("histograms", () => {
  const HIST = "tracepoint:a:b { @read_ns = hist(1); }";
  const file = scenario("a", "").replace(SCRIPT, HIST).replace("opens: sum(@opens)", "read_p90: p90(@read_ns)");
  const withHistogram = (factor: number): FakeWorld => {
    const made = world();
    made.maps[HIST] = [{ name: "@read_ns", value: "hist" }];
    made.traces = Array.from({ length: 40 }, (_, i) => ({
      maps: [
        [
          histMap("@read_ns", [
            [1024 * factor, 2048 * factor, 40 + (i % 5)],
            [2048 * factor, 4096 * factor, 10 + (i % 3)],
          ]),
        ],
      ],
    }));
    return made;
  };

  it("that moved are judged by the metric that asks for their quantiles", async () => {
    twoCommits({ "scenarios/a.yml": file });
    const result = only(await comparison({ base: withHistogram(1), head: withHistogram(2) }));
    expect(result.status).toBe("failed");
    expect(result.shifts).toMatchObject([
      { map: "@read_ns", metric: "read_p90", verdict: "regression", test: { scale: "ratio", pairs: 10 } },
    ]);
    expect(result.shifts?.[0]?.test?.estimate).toBeCloseTo(2, 1);
    expect(result.shifts?.[0]?.quantiles.map(({ q }) => q)).toEqual([0.5, 0.95, 0.99]);
    expect(result.baseline?.histograms).toHaveLength(1);
  });

  it("that nobody asks quantiles of are told, and fail nothing", async () => {
    twoCommits({ "scenarios/a.yml": file.replace("p90(@read_ns)", "count(@read_ns) * 0") });
    const result = only(await comparison({ base: withHistogram(1), head: withHistogram(2) }));
    expect(result.status).toBe("passed");
    expect(result.shifts?.[0]).not.toHaveProperty("verdict", "regression");
    expect(result.shifts?.[0]?.test?.estimate).toBeCloseTo(2, 1);
  });
});

describe("measurements that cannot be trusted", () => {
  it("say on which side it was", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a") });
    const failing = world({ a: 4 }, { app: () => 3 });
    const result = await comparison({ base: failing, head: world() });
    expect(result.exitCode).toBe(4);
    expect(only(result)).toMatchObject({
      status: "invalid",
      problems: [{ kind: "exit-status", message: "on the base, the workload `app` ended with status 3" }],
    });
  });

  it("do not keep other scenarios from being compared", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a").replace("[app]", "[broken]"), "scenarios/b.yml": scenario("b") });
    const result = await comparison({ base: world(), head: world() });
    expect(result.scenarios.map(({ status }) => status)).toEqual(["invalid", "passed"]);
  });

  it("say what held on the base neither", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a", "assert: [opens < 4, opens > 0]") });
    const result = only(await comparison({ base: world(), head: world() }));
    expect([result.status, result.warnings]).toEqual(["failed", ["`opens < 4` does not hold on the base either"]]);
  });
});

describe("builds", () => {
  const config = (program: string): string =>
    `version: 1\nscenarios: perf\nbuild: { command: [${program}], env: { A: b } }\n`;
  const build =
    (log: string[]): FakeProgram =>
    (process) => {
      log.push(process.argv.join(" "));
      return 0;
    };

  it("prepare each side by its own configuration", async () => {
    twoCommits(
      { "perf/a.yml": scenario("a"), "probewright.config.yml": config("make-old") },
      { "probewright.config.yml": config("make-new") },
    );
    const [old, now]: [string[], string[]] = [[], []];
    const worlds = {
      base: world(undefined, { "make-old": build(old) }),
      head: world(undefined, { "make-new": build(now) }),
    };
    expect(only(await comparison(worlds)).status).toBe("passed");
    expect([old, now]).toEqual([["make-old"], ["make-new"]]);
    expect(worlds.base.requests[0]).toMatchObject({ cwd: expect.stringMatching(/\/base$/), env: { A: "b" } });
    expect(worlds.head.requests[0]).toMatchObject({ cwd: expect.stringMatching(/\/head$/) });
  });

  it("of a base without a configuration are those of the head, in the base's checkout", async () => {
    twoCommits({ "perf/a.yml": scenario("a") }, { "probewright.config.yml": config("make") });
    const made: string[] = [];
    const worlds = { base: world(undefined, { make: build(made) }), head: world(undefined, { make: build(made) }) };
    await comparison(worlds);
    expect(made).toEqual(["make", "make"]);
    expect(worlds.base.requests[0]?.cwd).toMatch(/\/base$/);
  });

  it.each(["base", "head"] as const)("that fail on the %s end it, with what was printed", async (side) => {
    twoCommits({ "perf/a.yml": scenario("a"), "probewright.config.yml": config("make") });
    const failing: FakeProgram = (process) => {
      process.print("error: no rule to make target\n", "stderr");
      return 2;
    };
    const worlds = { base: world(undefined, { make: () => 0 }), head: world(undefined, { make: () => 0 }) };
    worlds[side].programs.make = failing;
    const error = await refusal(comparison(worlds));
    expect(error.message).toBe(`the ${side} does not build: the build step \`make\` ended with status 2`);
    expect([error.exitCode, error.output?.stderr.head]).toEqual([4, "error: no rule to make target\n"]);
  });

  it("are spared a base that has none of the scenarios", async () => {
    twoCommits({ x: "1" }, { "perf/a.yml": scenario("a"), "probewright.config.yml": config("make") });
    const made: string[] = [];
    await comparison({ base: world(undefined, { make: build(made) }), head: world(undefined, { make: build(made) }) });
    expect(made).toEqual(["make"]);
  });

  it("are the head's where the base's configuration has mistakes", async () => {
    twoCommits(
      { "perf/a.yml": scenario("a"), "probewright.config.yml": "oops: 1" },
      { "probewright.config.yml": config("make") },
    );
    const made: string[] = [];
    const worlds = { base: world(undefined, { make: build(made) }), head: world(undefined, { make: build(made) }) };
    const result = await comparison(worlds);
    expect(made).toEqual(["make", "make"]);
    expect(result.comparison?.notes).toEqual([expect.stringContaining("has mistakes")]);
  });
});

describe("mistakes", () => {
  const worlds = (): Worlds => ({ base: world(), head: world() });

  it("in files of the head are shown, and nothing runs", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a", "oops: 1") });
    const used = worlds();
    const result = await comparison(used);
    expect(result).toMatchObject({
      exitCode: 2,
      scenarios: [],
      diagnostics: [{ code: "unknown-key", file: "scenarios/a.yml" }],
    });
    expect([...used.base.log, ...used.head.log]).toEqual([]);
  });

  it("in the head's configuration too", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a"), "probewright.config.yml": "version: 1\nbiuld: [make]" });
    expect(await comparison(worlds())).toMatchObject({
      exitCode: 2,
      diagnostics: [{ code: "unknown-key", file: "probewright.config.yml" }],
    });
  });

  it.each<[string, Partial<CompareOptions>, string]>([
    ["an unknown base", { base: "nowhere" }, "there is no commit `nowhere` in this repository"],
    ["an unknown head", { head: "nowhere" }, "there is no commit `nowhere` in this repository"],
    ["a file that the head does not have", { paths: ["no.yml"] }, "there is no file or folder `no.yml` in the head"],
    ["a file outside", { paths: ["/etc/passwd"] }, "is not in the repository"],
  ])("%s", async (_, options, message) => {
    twoCommits({ "scenarios/a.yml": scenario("a") });
    const error = await refusal(comparison(worlds(), options));
    expect([error.exitCode, error.message]).toEqual([2, expect.stringContaining(message)]);
  });

  it("no repository", async () => {
    process.chdir(realpathSync(temporaryTree()));
    const host: CompareHost = { runner: worlds(), config: fileHost, machine: MACHINE };
    const options = { base: "main", paths: [], pairs: 10, seed: 1, interrupt: NEVER, abandon: NEVER };
    expect((await refusal(compare(options, host))).message).toContain("is in no git repository");
  });

  it("a filter that nothing meets", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a") });
    await expect(comparison(worlds(), { filter: "zzz" })).rejects.toBeInstanceOf(EmptySuiteError);
  });

  it("a folder that the head does not have", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a") });
    repository.write({ "api/x": "1" });
    process.chdir(join(repository.root, "api"));
    expect((await refusal(comparison(worlds()))).message).toBe("the folder api is not in the head");
  });

  it("a command that names the repository by its absolute path", async () => {
    twoCommits({ "scenarios/a.yml": scenario("a").replace("[app]", `[app, ${repository.root}/x]`) });
    expect(only(await comparison(worlds())).warnings).toEqual([expect.stringContaining("both use the same")]);
  });
});

describe("an interruption", () => {
  it.each<[string, (progress: Progress) => boolean]>([
    ["while checking out", ({ kind }) => kind === "checking-out"],
    ["while building", ({ kind }) => kind === "building"],
    ["while warming up", (progress) => progress.kind === "running" && progress.step.kind === "warmup"],
    ["in the middle of a pair", (progress) => progress.kind === "running" && progress.step.index === 3],
  ])("%s leaves nothing behind", async (_, when) => {
    twoCommits({ "perf/a.yml": scenario("a"), "probewright.config.yml": "version: 1\nscenarios: perf\nbuild: [make]" });
    const control = new AbortController();
    const onProgress = (progress: Progress): void => {
      if (when(progress)) control.abort();
    };
    const make: FakeProgram = async (process) => process.forever();
    const worlds = { base: world(undefined, { make: () => 0 }), head: world(undefined, { make: () => 0 }) };
    if (_ === "while building") worlds.base.programs.make = make;
    const result = await comparison(worlds, { interrupt: control.signal, onProgress });
    expect(result.exitCode).toBe(130);
    expect(result.scenarios.every(({ status }) => status === "interrupted")).toBe(true);
    onTestFinished(() => control.abort());
  });
});
