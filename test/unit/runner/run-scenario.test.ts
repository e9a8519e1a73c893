import { describe, expect, it } from "vitest";
import { exit, imm, mov64, R0 } from "../../../compiler/asm/instructions.ts";
import { Diagnostics, renderDiagnostics } from "../../../compiler/diagnostics.ts";
import { outputText } from "../../../harness/runner/output.ts";
import { prepare } from "../../../harness/runner/prepare.ts";
import { type RunOptions, runScenario, type ScenarioRun } from "../../../harness/runner/run-scenario.ts";
import { AttachError } from "../../../harness/tracing/attach.ts";
import { CapabilityError } from "../../../harness/tracing/facts/capability-error.ts";
import { VerifierError } from "../../../harness/tracing/verifier-error.ts";
import { SpawnError, SysError } from "../../../native/index.ts";
import { program } from "../../support/compiled.ts";
import { type FakeProcess, type FakeProgram, FakeWorld, NEW_SESSION } from "../../support/fake-host.ts";
import { scenarioOf } from "../../support/scenarios.ts";

const NEVER = new AbortController().signal;
const PROGRAM = program({ kind: "raw_tracepoint", tracepoint: "x", btfId: undefined, btfModule: undefined }, [
  mov64(R0, imm(0)),
  exit(),
]);
const ONE_RUN = "runs: { warmup: 0, count: 1, control: 0 }";

const lasts =
  (ms: number, code = 0): FakeProgram =>
  async (process) => {
    await process.sleep(ms);
    return code;
  };
const hang: FakeProgram = (process) => process.forever();

/** Runs a scenario to its end and checks that nothing is left, whatever happened. */
async function run(world: FakeWorld, yaml: string, options: Partial<RunOptions> = {}): Promise<ScenarioRun> {
  const diags = new Diagnostics();
  const prepared = prepare([scenarioOf(yaml)], world, diags);
  if (prepared === undefined) throw new Error(renderDiagnostics(diags.items));
  const result = await runScenario(prepared[0]!, world, { interrupt: NEVER, abandon: NEVER, ...options });
  const alive = [...world.processes.values()].filter((process) => !process.stuck);
  expect({ processes: alive.map(({ argv }) => argv[0]), open: [...world.open] }).toEqual({ processes: [], open: [] });
  if (![...world.processes.values()].some(({ stuck }) => stuck)) expect(world.openScopes).toBe(0);
  return result;
}

function problems({ end }: ScenarioRun): string[] {
  return end.kind === "invalid" ? end.problems.map(({ kind, message }) => `${kind}: ${message}`) : [end.kind];
}

describe("the plan", () => {
  it("does everything in its order, with probes attached before the workload is released", async () => {
    const world = new FakeWorld({ work: lasts(20), s: lasts(1), b: lasts(1), a: lasts(1), t: lasts(1) });
    world.traces = [{}];
    const result = await run(
      world,
      `workload: { command: [work], setup: [s], before: [b], after: [a], teardown: [t] }
runs: { warmup: 1, count: 1, control: 1 }
probes: [{ bpftrace: x }]`,
    );
    const step = (name: string) => [`spawn ${name}`, `release ${name}`, `end ${name}`];
    const traced = ["spawn work", "attach", "release work", "end work", "detach"];
    const round = (work: string[]) => [...step("b"), ...work, ...step("a")];
    expect(world.log).toEqual([
      "load",
      ...step("s"),
      ...round(traced),
      ...round(traced),
      ...round(step("work")),
      ...step("t"),
      "unload",
    ]);
    expect(result).toMatchObject({ end: { kind: "measured" }, runs: [{}], control: [{}], warnings: [] });
    expect(result.durationNs).toBeGreaterThanOrEqual(60_000_000n);
  });

  it("measures from the release to the exit", async () => {
    const world = new FakeWorld({ work: lasts(20) });
    const { runs } = await run(world, `workload: { command: [work] }\n${ONE_RUN}`);
    expect(Object.fromEntries(runs[0]!.data.free)).toEqual({
      duration: 20_000_000n,
      cpu_user: 0n,
      cpu_system: 0n,
      max_rss: 4_194_304n,
      page_faults: 100n,
      context_switches: 7n,
    });
  });

  it("takes CPU time from the process where there is no cgroup", async () => {
    const world = new FakeWorld({ work: lasts(20) }, "tree");
    const { runs, scope } = await run(world, `workload: { command: [work] }\n${ONE_RUN}`);
    expect(scope).toBe("tree");
    expect(runs[0]!.data.free.get("cpu_user")).toBe(2_000_000n);
    expect(runs[0]!.data.free.get("cpu_system")).toBe(1_000_000n);
  });

  it("keeps what the workload and the probes printed", async () => {
    const world = new FakeWorld({
      work: (p) => {
        p.print("hello");
        p.print("oops", "stderr");
        return 0;
      },
    });
    world.traces = [{ output: "traced\n" }];
    const { runs } = await run(world, `workload: { command: [work] }\n${ONE_RUN}\nprobes: [{ bpftrace: x }]`);
    expect(runs[0]!.printed).toBe("traced\n");
    expect(outputText(runs[0]!.output!.stdout)).toBe("hello");
    expect(outputText(runs[0]!.output!.stderr)).toBe("oops");
  });

  it("reports its progress", async () => {
    const seen: string[] = [];
    await run(
      new FakeWorld({ work: lasts(1) }),
      "workload: { command: [work] }\nruns: { warmup: 1, count: 2, control: 1 }",
      {
        onProgress: (phase, index, count) => seen.push(`${phase} ${index}/${count}`),
      },
    );
    expect(seen).toEqual(["warmup 1/1", "run 1/2", "run 2/2", "control 1/1"]);
  });

  it.each([
    ["cgroup", "/cgroup/probewright-1-1/workload", "/cgroup/probewright-1-1/support"],
    ["tree", undefined, undefined],
  ] as const)("puts workload and steps into their cells of a %s scope", async (kind, workload, support) => {
    const world = new FakeWorld({ work: lasts(1), b: lasts(1) }, kind);
    await run(world, `workload: { command: [work], before: [b], env: { A: 1 } }\n${ONE_RUN}`);
    expect(world.requests.map(({ argv, cgroup, env }) => [argv[0], cgroup, env])).toEqual([
      ["b", support, { PATH: "/bin", A: "1", PROBEWRIGHT_SCOPE: "support" }],
      ["work", workload, { PATH: "/bin", A: "1", PROBEWRIGHT_SCOPE: "workload" }],
    ]);
  });

  it("runs everything as the user who called sudo", async () => {
    const world = new FakeWorld({ work: lasts(1), b: lasts(1) });
    world.users = {
      passwd: "root:x:0:0::/root:/bin/sh\nann:x:1001:1001::/home/ann:/bin/bash",
      group: "staff:x:50:ann",
      uid: 0,
      env: { SUDO_UID: "1001", SUDO_GID: "1001", SUDO_USER: "ann", HOME: "/root" },
    };
    await run(world, `workload: { command: [work], before: [b] }\n${ONE_RUN}`);
    expect(world.requests.map(({ user }) => user)).toMatchObject([
      { uid: 1001, gid: 1001, groups: [1001, 50] },
      { uid: 1001 },
    ]);
    expect(world.requests[1]!.env).toMatchObject({ HOME: "/home/ann", USER: "ann", SHELL: "/bin/bash" });
    expect(world.requests[1]!.env).not.toHaveProperty("SUDO_UID");
  });
});

describe("a run that cannot be trusted", () => {
  it.each<[string, string, FakeProgram, string]>([
    [
      "exits with another status",
      "command: [work]",
      lasts(1, 3),
      "exit-status: the workload `work` ended with status 3",
    ],
    [
      "exits with 0 where something else was expected",
      "command: [work], expect-exit: 3",
      lasts(1),
      "exit-status: the workload `work` ended with status 0 instead of status 3",
    ],
    [
      "is killed",
      "command: [work]",
      (p) => {
        p.receive("SIGSEGV");
        return p.forever();
      },
      "exit-status: the workload `work` was killed by SIGSEGV",
    ],
    [
      "never ends",
      "command: [work], timeout: 30s",
      hang,
      "timeout: the workload `work` did not end within 30 s; it was killed",
    ],
  ])("when the workload %s", async (_, workload, program, expected) => {
    const world = new FakeWorld({ work: program, t: lasts(1) });
    const result = await run(world, `workload: { ${workload}, teardown: [t] }\nruns: { count: 3 }`);
    expect(problems(result)).toEqual([expected]);
    expect(world.log.at(-1)).toBe("end t");
    expect(world.log.filter((entry) => entry === "spawn work")).toHaveLength(1);
  });

  it("is shown with what the workload printed", async () => {
    const world = new FakeWorld({
      work: (p) => {
        p.print("cannot open /nowhere\n", "stderr");
        return 1;
      },
    });
    const { end } = await run(world, `workload: { command: [work] }\n${ONE_RUN}`);
    expect(end).toMatchObject({ problems: [{ output: { stderr: { head: "cannot open /nowhere\n" } } }] });
  });

  it.each([
    ["ENOENT", 2, "there is no program `tool`"],
    ["EACCES", 13, "`tool` must not be executed"],
    ["ENOEXEC", 8, "`tool` is no program for this machine"],
    ["E2BIG", 7, "spawn: exec failed: E2BIG (argument list too long) for command tool"],
  ])("when its program cannot be executed: %s", async (_, errno, expected) => {
    const world = new FakeWorld({});
    world.programs.tool = new SpawnError("exec", errno, { command: "tool" }) as unknown as FakeProgram;
    const result = await run(world, `workload: { command: [tool] }\n${ONE_RUN}\nprobes: [{ bpftrace: x }]`);
    expect(problems(result)).toEqual([`cannot-start: the workload \`tool\` cannot be started: ${expected}`]);
  });

  it.each<[string, string, string]>([
    ["setup", "setup", "hook-failed: the setup step `fail` ended with status 1"],
    ["before", "before", "hook-failed: the `before` step `fail` ended with status 1"],
    ["after", "after", "hook-failed: the `after` step `fail` ended with status 1"],
  ])("when a step of %s fails; teardown happens all the same", async (_, role, expected) => {
    const world = new FakeWorld({ work: lasts(1), fail: lasts(1, 1), t: lasts(1) });
    const result = await run(world, `workload: { command: [work], ${role}: [fail], teardown: [t] }\n${ONE_RUN}`);
    expect(problems(result)).toEqual([expected]);
    expect(world.log.at(-1)).toBe("end t");
  });

  it("when a step hangs", async () => {
    const world = new FakeWorld({ work: lasts(1), b: hang });
    const result = await run(
      world,
      `workload: { command: [work], before: [{ command: [b], timeout: 5s }] }\n${ONE_RUN}`,
    );
    expect(problems(result)).toEqual(["hook-failed: the `before` step `b` did not end within 5 s"]);
  });

  it("says so when teardown fails, and runs the other teardown steps", async () => {
    const world = new FakeWorld({ work: lasts(1), bad: lasts(1, 2), good: lasts(1) });
    const result = await run(world, `workload: { command: [work], teardown: [[bad], [good]] }\n${ONE_RUN}`);
    expect(result.end.kind).toBe("measured");
    expect(result.warnings).toEqual(["the teardown step `bad` ended with status 2"]);
    expect(world.log).toContain("end good");
  });
});

describe("processes that outlive the workload", () => {
  it.each(["cgroup", "tree"] as const)("are killed, with a warning, in a %s scope", async (kind) => {
    const world = new FakeWorld(
      {
        work: (p) => {
          p.fork({ session: NEW_SESSION });
          return 0;
        },
      },
      kind,
    );
    const result = await run(world, `workload: { command: [work] }\n${ONE_RUN}`);
    expect(result.end.kind).toBe("measured");
    expect(result.warnings).toEqual(["killed what the workload left running: work (pid 102)"]);
  });

  it("are waited for when they are just ending", async () => {
    const world = new FakeWorld({
      work: (p) => {
        const child = p.fork();
        void p.world.clock.sleep(10).then(() => child.die());
        return 0;
      },
    });
    expect((await run(world, `workload: { command: [work] }\n${ONE_RUN}`)).warnings).toEqual([]);
  });

  it.each<[string, (p: FakeProcess) => void]>([
    ["moved to another cgroup", (p) => p.fork({ cgroup: "/cgroup/elsewhere" })],
    ["moved and left the session", (p) => p.fork({ cgroup: "/cgroup/elsewhere", session: NEW_SESSION })],
    [
      "moved, left the session and cleaned its environment",
      (p) => p.fork({ cgroup: "/cgroup/elsewhere", session: NEW_SESSION, env: {} }),
    ],
  ])("make the run invalid when one has %s", async (_, leave) => {
    const world = new FakeWorld({
      work: (p) => {
        leave(p);
        return 0;
      },
    });
    const result = await run(world, `workload: { command: [work] }\n${ONE_RUN}`);
    expect(problems(result)).toEqual([
      "escaped: not everything was measured: work (pid 102) left the workload's cgroup; killed",
    ]);
  });

  it("are told apart from those of the steps, which live to the end", async () => {
    const world = new FakeWorld({
      work: lasts(5),
      s: (p) => {
        p.fork({ session: NEW_SESSION, env: { PROBEWRIGHT_SCOPE: "support" } });
        return 0;
      },
    });
    const seen: number[] = [];
    world.programs.work = (p) => {
      seen.push(p.world.processes.size);
      return 0;
    };
    const result = await run(world, `workload: { command: [work], setup: [s] }\n${ONE_RUN}`);
    expect(seen).toEqual([3]);
    expect(result.end.kind).toBe("measured");
    expect(result.warnings).toEqual(["killed what the steps left running: s (pid 102)"]);
  });

  it("that cannot be killed make the run invalid", async () => {
    const world = new FakeWorld({
      work: (p) => {
        p.fork({ stuck: true });
        return 0;
      },
    });
    const result = await run(world, `workload: { command: [work] }\n${ONE_RUN}`);
    expect(problems(result)).toEqual(["stuck: these processes cannot be killed: work (pid 102)"]);
  });
});

describe("a server and its driver", () => {
  const SERVER = "workload: { command: [server], driver: { command: [drive] } }";
  const LOG = 'workload: { command: [server], ready: { log: "listening", timeout: 2s }, driver: { command: [drive] } }';
  const serve =
    (...lines: string[]): FakeProgram =>
    async (p) => {
      for (const line of lines) {
        await p.sleep(10);
        p.print(line);
      }
      return p.forever();
    };

  it("ends when the driver does, and the server is stopped", async () => {
    const world = new FakeWorld({ server: serve("starting\n", "liste", "ning\n"), drive: lasts(50) });
    const { end, runs, warnings } = await run(world, `${LOG}\n${ONE_RUN}`);
    expect(end.kind).toBe("measured");
    expect(warnings).toEqual([]);
    // 30 ms until ready, 50 ms of driving; the shutdown is not part of it
    expect(runs[0]!.data.free.get("duration")).toBe(80_000_000n);
  });

  it("reads the maps before the server shuts down", async () => {
    const world = new FakeWorld({ server: serve(), drive: lasts(5) });
    await run(world, `${SERVER}\n${ONE_RUN}\nprobes: [{ bpftrace: x }]`);
    expect(world.log.indexOf("detach")).toBeLessThan(world.log.indexOf("end server"));
  });

  it("kills a server that will not end", async () => {
    const world = new FakeWorld({
      server: (p) => {
        p.ignored.add("SIGTERM");
        return p.forever();
      },
      drive: lasts(5),
    });
    const { end, warnings } = await run(world, `${SERVER}\n${ONE_RUN}`);
    expect(end.kind).toBe("measured");
    expect(warnings).toEqual(["the workload was killed: it did not end within 5 s of SIGTERM"]);
  });

  it("accepts a server that ends as the scenario says", async () => {
    const world = new FakeWorld({ server: lasts(10), drive: lasts(50) });
    const yaml = "workload: { command: [server], expect-exit: 0, driver: { command: [drive] } }";
    const { end, runs } = await run(world, `${yaml}\n${ONE_RUN}`);
    expect(end.kind).toBe("measured");
    expect(runs[0]!.data.free.get("duration")).toBe(50_000_000n);
  });

  it.each<[string, string, FakeProgram, FakeProgram, string]>([
    [
      "ends before it is ready",
      LOG,
      lasts(1, 2),
      lasts(1),
      "ended-early: the workload `server` ended with status 2 before it was ready",
    ],
    [
      "does not get ready",
      LOG,
      hang,
      lasts(1),
      'not-ready: the workload did not get ready: the text "listening" in its output did not appear within 2 s',
    ],
    [
      "ends before the driver",
      SERVER,
      lasts(10),
      lasts(50),
      "ended-early: the workload `server` ended with status 0 before its driver was done",
    ],
    ["has a driver that fails", SERVER, hang, lasts(5, 9), "driver-failed: the driver `drive` ended with status 9"],
    [
      "has a driver that hangs",
      `${SERVER}`,
      hang,
      hang,
      "timeout: the driver `drive` did not end within 60 s; it was killed",
    ],
  ])("is invalid when the server %s", async (_, workload, server, drive, expected) => {
    const world = new FakeWorld({ server, drive });
    expect(problems(await run(world, `${workload}\n${ONE_RUN}`))).toEqual([expected]);
  });

  it("is invalid when there is no driver program", async () => {
    const world = new FakeWorld({ server: hang });
    expect(problems(await run(world, `${SERVER}\n${ONE_RUN}`))).toEqual([
      "cannot-start: the driver `drive` cannot be started: there is no program `drive`",
    ]);
  });
});

describe("integrity of the trace", () => {
  const YAML = `workload: { command: [work] }\nruns: { warmup: 0, count: 2, control: 0 }\nprobes: [{ bpftrace: x }]`;

  it.each<[string, object, string]>([
    ["loops", { endlessLoops: 2n }, "endless-loop: the kernel ended 2 loops that went on for too long"],
    ["lost events", { lostEvents: 4n }, "lost-events: 4 events were lost: the script prints faster than can be read"],
    [
      "missed runs",
      { missed: [{ probe: "tracepoint:a:b", count: 2n }] },
      "missed: 2 events of tracepoint:a:b were not counted: its program was still running on that CPU",
    ],
    [
      "unattached probes",
      { unattached: [{ probe: "a", reason: "Unable to attach probe: a" }] },
      "not-attached: Unable to attach probe: a",
    ],
    [
      "refused updates",
      { refusals: [{ of: "maps", errno: 12, count: 3 }] },
      "lost-updates: 3 entries of maps were lost: the kernel had no memory for them at that moment",
    ],
    [
      "processes that were not followed",
      { refusals: [{ of: "processes", errno: 7, count: 3 }] },
      "lost-updates: 3 processes were not followed: there were too many at a time",
    ],
    ["exit()", { exited: true }, "script-exit: the script called exit() before the workload had ended"],
    [
      "traces that cannot be read",
      { failure: new SysError("BPF_MAP_CREATE", 12) },
      "capability: BPF_MAP_CREATE failed: ENOMEM (not enough memory)",
    ],
  ])("%s make the scenario invalid at once", async (_, trace, expected) => {
    const world = new FakeWorld({ work: lasts(1) });
    world.traces = [trace];
    expect(problems(await run(world, YAML))).toEqual([expected]);
    expect(world.log.filter((entry) => entry === "spawn work")).toHaveLength(1);
  });

  it("what readers should know is a warning", async () => {
    const world = new FakeWorld({ work: lasts(1) });
    world.traces = [{ warnings: ["one"] }, { warnings: [] }];
    expect(await run(world, YAML)).toMatchObject({ end: { kind: "measured" }, warnings: ["one"] });
  });

  it("in a warm-up run they do not matter", async () => {
    const world = new FakeWorld({ work: lasts(1) });
    world.traces = [{ lostEvents: 1n }, {}];
    const result = await run(world, YAML.replace("warmup: 0", "warmup: 1"));
    expect(result.end.kind).toBe("measured");
    expect(result.runs).toHaveLength(2);
  });

  it.each<[string, unknown, string]>([
    ["EPERM", new SysError("BPF_PROG_LOAD", 1), "capability: BPF_PROG_LOAD failed: EPERM (operation not permitted)"],
    ["ENOMEM", new SysError("BPF_MAP_CREATE", 12), "capability: BPF_MAP_CREATE failed: ENOMEM (not enough memory)"],
  ])("a refusal to load says so before anything runs: %s", async (_, error, expected) => {
    const world = new FakeWorld({ work: lasts(1) });
    world.loadError = error;
    expect(problems(await run(world, YAML))).toEqual([expected]);
    expect(world.log).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    [
      "by the verifier",
      new VerifierError(PROGRAM, 13, "0: (79) r1 = *(u64 *)(r1 +0)\nR1 type=scalar expected=ctx\n"),
      "verifier: the kernel refuses the program of raw_tracepoint: R1 type=scalar expected=ctx (instruction 0: r1 = *(u64 *)(r1 +0))",
    ],
    [
      "for want of a helper function",
      new VerifierError(PROGRAM, 22, "0: (85) call unknown#999\ninvalid func unknown#999\n"),
      expect.stringMatching(/^capability: BPF_PROG_LOAD failed: EINVAL/) as unknown as string,
    ],
    [
      "for want of something that has a remedy",
      new CapabilityError("tracefs is not mounted", "mount it"),
      "capability: tracefs is not mounted",
    ],
  ])("a program that is refused %s is told as such", async (_, error, expected) => {
    const world = new FakeWorld({ work: lasts(1) });
    world.loadError = error;
    expect(problems(await run(world, YAML))).toEqual([expected]);
  });

  it.each<[string, unknown, string]>([
    [
      "is not there",
      new SysError("open", 2, { path: "id" }),
      "not-attached: Unable to attach probe: a and 1 more: open failed: ENOENT",
    ],
    [
      "is forbidden",
      new SysError("perf_event_open", 13),
      "capability: Unable to attach probe: a and 1 more: perf_event_open failed: EACCES",
    ],
  ])("a probe whose event %s", async (_, cause, expected) => {
    const world = new FakeWorld({ work: lasts(1) });
    world.attachError = new AttachError(["a", "b"], cause);
    expect(problems(await run(world, YAML))).toEqual([expect.stringContaining(expected)]);
  });

  it("a bug in the tracer is not taken for the machine's fault", async () => {
    const world = new FakeWorld({ work: lasts(1) });
    world.loadError = new TypeError("undefined is not a function");
    await expect(run(world, YAML)).rejects.toThrow("undefined is not a function");
    expect(world.openScopes).toBe(0);
  });

  it("a probe that must attach and does not ends the scenario, and the stopped workload with it", async () => {
    const world = new FakeWorld({ work: lasts(1) });
    world.attachError = new SysError("BPF_LINK_CREATE", 1);
    expect(problems(await run(world, YAML))).toEqual([
      "capability: BPF_LINK_CREATE failed: EPERM (operation not permitted)",
    ]);
    expect(world.log).not.toContain("release work");
  });
});

describe("maps that were full", () => {
  const YAML = `workload: { command: [work] }\nruns: { warmup: 0, count: 2, control: 0 }\nprobes: [{ bpftrace: x }]`;
  const full = { fullMaps: [{ program: 0, map: "@a", failed: 3n }] };

  it("grow, and the run is repeated", async () => {
    const world = new FakeWorld({ work: lasts(1) });
    world.maps = {
      x: [
        { name: "@a", keyed: true, entries: 10 },
        { name: "@b", keyed: true },
      ],
    };
    world.traces = [{}, full, full, {}];
    const result = await run(world, YAML);
    expect(result.end.kind).toBe("measured");
    expect(result.runs).toHaveLength(2);
    expect(result.enlarged).toEqual([
      { program: 0, map: "@a", from: 10, to: 80 },
      { program: 0, map: "@a", from: 80, to: 640 },
    ]);
    expect(world.compiles.map(({ maxEntries }) => maxEntries)).toEqual([{}, { "@a": 80 }, { "@a": 640 }]);
  });

  it("make the scenario invalid when they cannot grow", async () => {
    const world = new FakeWorld({ work: lasts(1) });
    world.maps = { x: [{ name: "@a", keyed: true, entries: 1 << 22 }] };
    world.traces = [full];
    expect(problems(await run(world, YAML))).toEqual([
      "map-full: the map @a was full: it has room for 4194304 entries, and 3 updates were lost",
    ]);
  });
});

describe("interruption", () => {
  it.each<[string, string, Record<string, FakeProgram>]>([
    ["a run", "command: [work]", { work: hang }],
    ["a step", "command: [work], before: [b]", { work: lasts(1), b: hang }],
    ["the setup", "command: [work], setup: [b]", { work: lasts(1), b: hang }],
    ["a driver", "command: [work], driver: { command: [b] }", { work: hang, b: hang }],
  ])("ends %s, kills everything and tears down", async (_, workload, programs) => {
    const world = new FakeWorld({ ...programs, t: lasts(1) });
    const control = new AbortController();
    void world.clock.sleep(500).then(() => control.abort());
    const result = await run(world, `workload: { ${workload}, teardown: [t] }`, { interrupt: control.signal });
    expect(result.end.kind).toBe("interrupted");
    expect(world.log.at(-1)).toBe("end t");
  });

  it("a second one ends the teardown too", async () => {
    const world = new FakeWorld({ work: hang, t: hang });
    const [interrupt, abandon] = [new AbortController(), new AbortController()];
    void world.clock.sleep(100).then(() => interrupt.abort());
    void world.clock.sleep(200).then(() => abandon.abort());
    const options = { interrupt: interrupt.signal, abandon: abandon.signal };
    const result = await run(world, "workload: { command: [work], teardown: [t], timeout: 60s }", options);
    expect(result.end.kind).toBe("interrupted");
    expect(result.durationNs).toBeLessThan(1_000_000_000n);
  });

  it("before the start means that nothing happens", async () => {
    const world = new FakeWorld({ work: lasts(1) });
    const result = await run(world, "workload: { command: [work], teardown: [t] }", { interrupt: AbortSignal.abort() });
    expect(result.end.kind).toBe("interrupted");
    expect(world.log).toEqual([]);
  });
});
