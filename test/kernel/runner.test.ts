import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { evaluateMetrics } from "../../harness/metrics/evaluate.ts";
import { findHierarchy } from "../../harness/runner/cgroups.ts";
import type { Host, Tracer } from "../../harness/runner/host.ts";
import { nativeHost } from "../../harness/runner/native-host.ts";
import { nativeScopes } from "../../harness/runner/native-scopes.ts";
import { nativeSpawner } from "../../harness/runner/native-spawner.ts";
import { outputText } from "../../harness/runner/output.ts";
import { prepare } from "../../harness/runner/prepare.ts";
import { hostProcesses } from "../../harness/runner/processes.ts";
import { type RunOptions, runScenario, type ScenarioRun } from "../../harness/runner/run-scenario.ts";
import { systemClock } from "../../harness/runner/system-clock.ts";
import { hostUsers, type UserDatabase } from "../../harness/runner/users.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { openFds } from "../../native/index.ts";
import { describeKernel } from "../support/privileges.ts";
import { scenarioOf } from "../support/scenarios.ts";
import { temporaryTree } from "../support/temporary.ts";

const NEVER = new AbortController().signal;
const ONE_RUN = "runs: { warmup: 0, count: 1, control: 0 }";

/** Scenarios here have no probes: this is about processes. */
const noTracer: Tracer = {
  load: () => {
    throw new Error("nothing to trace");
  },
};

async function host(kind: "cgroup" | "tree", users: UserDatabase = hostUsers()): Promise<Host> {
  const scopes = await nativeScopes(kind === "tree" ? "tree" : undefined);
  expect(scopes.kind).toBe(kind);
  const compile = (): never => {
    throw new Error("nothing to compile");
  };
  return {
    clock: systemClock,
    spawner: nativeSpawner,
    scopes,
    tracer: noTracer,
    users,
    hasProgram: () => true,
    compile,
  };
}

async function run(on: Host, yaml: string, options: Partial<RunOptions> = {}): Promise<ScenarioRun> {
  const diags = new Diagnostics();
  const prepared = prepare([scenarioOf(`${yaml}\n${ONE_RUN}`, join(tmpdir(), "test.yml"))], on, diags);
  if (prepared === undefined) throw new Error(renderDiagnostics(diags.items));
  return runScenario(prepared[0]!, on, { interrupt: NEVER, abandon: NEVER, ...options });
}

function problems({ end }: ScenarioRun): string[] {
  return end.kind === "invalid" ? end.problems.map(({ message }) => message) : [end.kind];
}

/** Processes of our scenarios that are still there, whoever their parent is now. */
function strays(): string[] {
  const ours = `probewright-${process.pid}-`;
  return hostProcesses
    .list()
    .filter(({ pid, zombie }) => !zombie && hostProcesses.marker(pid)?.startsWith(ours))
    .map(({ pid, command }) => `${command} (pid ${pid})`);
}

const hierarchy = findHierarchy(readFileSync("/proc/self/mountinfo", "utf8"));

function ownCgroups(): string[] {
  if (hierarchy === undefined) return [];
  return readdirSync(hierarchy.mount).filter((name) => name.startsWith(`probewright-${process.pid}-`));
}

afterEach(() => {
  expect({ strays: strays(), cgroups: ownCgroups(), fds: openFds().map(({ label }) => label) }).toEqual({
    strays: [],
    cgroups: [],
    fds: [],
  });
});

describeKernel("workloads as real processes", () => {
  describe.each(["cgroup", "tree"] as const)("in a %s scope", (kind) => {
    it("are measured", async () => {
      const { runs, end } = await run(
        await host(kind),
        `workload: { shell: "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done" }`,
      );
      expect(end.kind).toBe("measured");
      const free = runs[0]!.data.free;
      const number = (name: "duration" | "cpu_user" | "max_rss" | "page_faults"): number => Number(free.get(name));
      expect(number("duration")).toBeGreaterThan(1e6);
      expect(number("duration")).toBeLessThan(5e9);
      expect(number("cpu_user")).toBeGreaterThan(0);
      expect(number("cpu_user")).toBeLessThan(number("duration") * 2);
      expect(number("max_rss")).toBeGreaterThan(500_000);
      expect(number("page_faults")).toBeGreaterThan(10);
    });

    it("leave nothing behind, even as daemons", async () => {
      const marker = join(temporaryTree(), "pid");
      const shell = `setsid sh -c 'echo $$ > ${marker}; exec sleep 1000' </dev/null >/dev/null 2>&1 & while ! [ -s ${marker} ]; do sleep 0.01; done`;
      const result = await run(await host(kind), `workload: { shell: ${JSON.stringify(shell)} }`);
      expect(result.end.kind).toBe("measured");
      expect(result.warnings).toEqual([
        expect.stringMatching(/^killed what the workload left running: sleep \(pid \d+\)$/),
      ]);
      await vi.waitFor(() => expect(existsSync(`/proc/${readFileSync(marker, "utf8").trim()}/exe`)).toBe(false));
    });

    it("are killed with all their descendants when they do not end", async () => {
      const result = await run(
        await host(kind),
        `workload: { shell: "sleep 1000 & (sleep 1000 & sleep 1000) & echo started; sleep 1000", timeout: 300ms }`,
      );
      expect(problems(result)).toEqual([expect.stringContaining("did not end within 300 ms; it was killed")]);
      expect(result.end).toMatchObject({ problems: [{ output: { stdout: { head: "started\n" } } }] });
    });

    it("are killed on interruption", async () => {
      const control = new AbortController();
      setTimeout(() => control.abort(), 200);
      const options = { interrupt: control.signal };
      const result = await run(await host(kind), `workload: { shell: "sleep 1000 & sleep 1000" }`, options);
      expect(result.end.kind).toBe("interrupted");
      expect(result.durationNs).toBeLessThan(5_000_000_000n);
    });

    it("are not confused by what a setup step started, which lives until the end", async () => {
      const folder = temporaryTree();
      const result = await run(
        await host(kind),
        `workload:
  setup: { shell: "setsid sh -c 'echo $$ > ${folder}/daemon; echo still writing; exec sleep 1000' &" }
  before: { shell: "while ! [ -s ${folder}/daemon ]; do sleep 0.01; done" }
  command: [sh, -c, "kill -0 $(cat ${folder}/daemon) && echo alive"]
  teardown: [sh, -c, "kill -0 $(cat ${folder}/daemon) && touch ${folder}/torn-down"]`,
      );
      expect(result.end.kind).toBe("measured");
      expect(outputText(result.runs[0]!.output!.stdout)).toBe("alive\n");
      expect(result.warnings).toEqual([
        expect.stringMatching(/^killed what the steps left running: sleep \(pid \d+\)$/),
      ]);
      expect(existsSync(join(folder, "torn-down"))).toBe(true);
    });

    it("may be servers", async () => {
      const port = await freePort();
      const server = `require("net").createServer((s) => s.end("hi")).listen(${port}, "127.0.0.1"); process.on("SIGTERM", () => process.exit(7))`;
      const driver = `require("net").connect(${port}, "127.0.0.1").on("data", (d) => process.stdout.write(d))`;
      const result = await run(
        await host(kind),
        `workload:
  command: [node, -e, ${JSON.stringify(server)}]
  ready: { tcp: ${port} }
  driver: { command: [node, -e, ${JSON.stringify(driver)}] }
  expect-exit: 7`,
      );
      expect(problems(result)).toEqual(["measured"]);
      expect(outputText(result.runs[0]!.driverOutput!.stdout)).toBe("hi");
      expect(result.warnings).toEqual([]);
    });
  });

  it("that move to another cgroup are found and killed", async () => {
    const elsewhere = join(hierarchy!.mount, "cgroup.procs");
    const pid = join(temporaryTree(), "pid");
    const shell = `(sh -c 'echo $$ > ${elsewhere}; echo $$ > ${pid}; exec sleep 1000' >/dev/null 2>&1 &) ; while ! [ -s ${pid} ]; do sleep 0.01; done`;
    const result = await run(await host("cgroup"), `workload: { shell: ${JSON.stringify(shell)} }`);
    expect(problems(result)).toEqual([
      expect.stringMatching(/^not everything was measured: sleep \(pid \d+\) left the workload's cgroup; killed$/),
    ]);
  });

  it("get their standard input from a file", async () => {
    const folder = temporaryTree({ input: "from a file" });
    const { runs } = await run(await host("cgroup"), `workload: { command: [cat], stdin: ${folder}/input }`);
    expect(outputText(runs[0]!.output!.stdout)).toBe("from a file");
  });

  it("that print without end are cut in the middle", async () => {
    const { runs } = await run(
      await host("cgroup"),
      `workload: { shell: "echo first; head -c 5000000 /dev/zero; echo last" }`,
    );
    const { head, tail, cut } = runs[0]!.output!.stdout;
    expect(head.startsWith("first\n")).toBe(true);
    expect(tail.endsWith("last\n")).toBe(true);
    expect(cut).toBe(5_000_011 - 2 * (1 << 20));
  });

  it("run as the user who called sudo, with that user's groups, and so do the steps", async () => {
    const users = {
      ...hostUsers(),
      env: { ...process.env, SUDO_UID: "65534", SUDO_GID: "65534", SUDO_USER: "nobody" },
    };
    const { runs, end } = await run(
      await host("cgroup", users),
      `workload: { shell: "id -u; id -g; echo $HOME", before: { shell: "[ $(id -un) = nobody ]" } }`,
    );
    expect(end.kind).toBe("measured");
    expect(outputText(runs[0]!.output!.stdout)).toBe("65534\n65534\n/nonexistent\n");
  });

  it("run as the named user", async () => {
    const { runs } = await run(await host("cgroup"), `workload: { command: [id, -un], user: daemon }`);
    expect(outputText(runs[0]!.output!.stdout)).toBe("daemon\n");
  });

  it.each<[string, string, RegExp]>([
    ["are missing", "command: [no-such-program]", /there is no program `no-such-program`/],
    ["are missing at their path", "command: [/no/such/program]", /there is no program `\/no\/such\/program`/],
    ["are not executable", "command: [FOLDER/plain.txt]", /`.*plain\.txt` must not be executed/],
    ["are no programs", "command: [FOLDER/garbage]", /`.*garbage` is no program for this machine/],
    [
      "have no directory",
      'command: ["true"], cwd: /no/such/folder',
      /its directory \/no\/such\/folder is not usable \(ENOENT\)/,
    ],
    [
      "have no standard input",
      'command: ["true"], stdin: /no/such/file',
      /its standard input \/no\/such\/file cannot be read \(ENOENT\)/,
    ],
    ["kill themselves", "shell: kill -9 $$", /was killed by SIGKILL/],
    ["fail", "shell: exit 3", /ended with status 3$/],
  ])("that %s are problems", async (_, workload, expected) => {
    const folder = temporaryTree({ "plain.txt": "text", garbage: Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0) });
    chmodSync(join(folder, "garbage"), 0o755);
    const result = await run(await host("cgroup"), `workload: { ${workload.replace("FOLDER", folder)} }`);
    expect(problems(result)).toEqual([expect.stringMatching(expected)]);
  });

  it("are not started while their port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    try {
      const yaml = `workload: { command: [sleep, "100"], ready: { tcp: ${port} }, driver: { command: ["true"] } }`;
      expect(problems(await run(await host("cgroup"), yaml))).toEqual([
        `the workload did not get ready: port ${port} is in use before the workload has started`,
      ]);
    } finally {
      server.close();
    }
  });
});

/** What the runs of a scenario measured, by metric, and what the probes printed. */
async function traced(yaml: string, kind: "cgroup" | "tree" = "cgroup") {
  const on = await nativeHost(hostFacts(), kind === "tree" ? "tree" : undefined);
  const diags = new Diagnostics();
  const scenario = scenarioOf(yaml, join(tmpdir(), "test.yml"));
  const prepared = prepare([scenario], on, diags);
  if (prepared === undefined) throw new Error(renderDiagnostics(diags.items));
  const result = await runScenario(prepared[0]!, on, { interrupt: NEVER, abandon: NEVER });
  expect(problems(result)).toEqual(["measured"]);
  const values = result.runs.map(({ data }) => {
    const metrics = evaluateMetrics(scenario.metrics, data);
    return Object.fromEntries(
      scenario.metrics.map(({ name }) => {
        const value = metrics.get(name)!;
        return [name, value.kind === "value" ? value.value : undefined];
      }),
    );
  });
  return { result, values, printed: result.runs.map((one) => one.printed) };
}

describeKernel("traced runs", () => {
  const THREE = "runs: { warmup: 1, count: 3, control: 1 }";

  it.each(["cgroup", "tree"] as const)("count only the workload and what it starts, in a %s scope", async (kind) => {
    const noise = nativeSpawner.spawn({
      argv: ["sh", "-c", "while :; do /bin/true; done"],
      env: { PATH: process.env.PATH! },
      cwd: "/",
      stdin: undefined,
      user: undefined,
      cgroup: undefined,
    });
    noise.release();
    try {
      const { values } = await traced(
        `workload: { shell: "/bin/true; (/bin/true; /bin/true) & wait" }
${THREE}
probes: [{ bpftrace: "tracepoint:syscalls:sys_enter_execve { @execs = count(); }" }]
metrics: { execs: '@execs' }`,
        kind,
      );
      expect(values).toEqual([{ execs: 4n }, { execs: 4n }, { execs: 4n }]);
    } finally {
      noise.kill("SIGKILL", "group");
      await noise.exited;
      noise.close();
    }
  });

  it("begin and end anew each time", async () => {
    const { values, printed } = await traced(`workload: { command: ["true"] }
${THREE}
probes:
  - bpftrace: |
      BEGIN { @limit = 7; printf("begin %d\\n", cpid); }
      tracepoint:syscalls:sys_enter_execve { @seen = count(); @pid = pid; @mine = pid == cpid; }
      END { @ended = @limit + 1; printf("end\\n"); }
metrics: { limit: '@limit', seen: '@seen', ended: '@ended', mine: '@mine', pid: '@pid' }`);
    expect(values).toMatchObject(new Array(3).fill({ limit: 7n, seen: 1n, ended: 8n, mine: 1n }));
    expect(printed).toEqual(values.map(({ pid }) => `begin ${pid}\nend\n`));
    expect(new Set(values.map(({ pid }) => pid)).size).toBe(3);
  });

  it("keep the maps of several scripts apart, and price each program", async () => {
    const { result, values } = await traced(`workload: { command: ["true"] }
${THREE}
probes:
  - bpftrace: "tracepoint:syscalls:sys_enter_execve { @same = count(); @a = count(); }"
  - bpftrace: "tracepoint:syscalls:sys_exit_execve { @same = count(); @b = count(); }"
metrics: { a: '@a', b: '@b' }`);
    expect(values[0]).toEqual({ a: 1n, b: 1n });
    const [first] = result.runs;
    expect(first!.maps.map((maps) => maps.map(({ name }) => name))).toEqual([
      ["@same", "@a"],
      ["@same", "@b"],
    ]);
    expect(first!.cost).toHaveLength(2);
    for (const { hits, ns } of first!.cost) expect(hits > 0n && ns > 0n).toBe(true);
    expect(result.control).toHaveLength(1);
  });

  it("see the whole machine where a probe asks for it", async () => {
    const { values } = await traced(`workload: { command: [sleep, "0.05"] }
${THREE}
probes: [{ bpftrace: "tracepoint:sched:sched_switch { @switches = count(); }", scope: system }]
metrics: { switches: '@switches' }`);
    for (const { switches } of values) expect(switches).toBeGreaterThan(2);
  });
});

describeKernel("these tests", () => {
  it("would notice a process that was left", async () => {
    const env = { PATH: process.env.PATH!, PROBEWRIGHT_SCOPE: `probewright-${process.pid}-0.workload` };
    const spec = {
      argv: ["sleep", "1000"] as const,
      env,
      cwd: "/",
      stdin: undefined,
      user: undefined,
      cgroup: undefined,
    };
    const child = nativeSpawner.spawn(spec);
    child.release();
    expect(strays()).toEqual([`sleep (pid ${child.pid})`]);
    child.kill("SIGKILL", "process");
    await child.exited;
    child.close();
  });
});

describeKernel("scopes that a killed tool has left", () => {
  it("are removed with what still runs in them, at the next start", async () => {
    const owner = nativeSpawner.spawn({
      argv: ["true"],
      env: {},
      cwd: "/",
      stdin: undefined,
      user: undefined,
      cgroup: undefined,
    });
    owner.release();
    await owner.exited;
    owner.close();
    const stale = join(hierarchy!.mount, `probewright-${owner.pid}-1`);
    mkdirSync(join(stale, "workload"), { recursive: true });
    const env = { PATH: process.env.PATH! };
    const left = nativeSpawner.spawn({
      argv: ["sleep", "1000"],
      env,
      cwd: "/",
      stdin: undefined,
      user: undefined,
      cgroup: join(stale, "workload"),
    });
    left.release();
    await nativeScopes();
    expect(existsSync(stale)).toBe(false);
    expect((await left.exited).status.signal).toBe("SIGKILL");
    left.close();
  });

  it("stay when their tool lives", async () => {
    const living = join(hierarchy!.mount, `probewright-1-77`);
    mkdirSync(living);
    try {
      await nativeScopes();
      expect(existsSync(living)).toBe(true);
    } finally {
      rmdirSync(living);
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
