/** trace() of commands, and run(), in a process that has a life of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TraceError } from "../../../harness/in-process/errors.ts";
import type { CommandOptions } from "../../../harness/in-process/options.ts";
import { run } from "../../../harness/in-process/run.ts";
import { closeTracer, trace } from "../../../harness/in-process/trace.ts";
import { openFds } from "../../../native/index.ts";
import { describeKernel } from "../../support/privileges.ts";
import { temporaryTree } from "../../support/temporary.ts";

const sh = (script: string): [string, string, string] => ["/bin/sh", "-c", script];

describeKernel("trace() of a command", () => {
  it("counts from the first instruction to the end", async () => {
    const result = await trace(["/bin/true"]);
    expect(result).toMatchObject({ kind: "command", exitCode: 0, signal: null, stdout: "", stderr: "" });
    expect(result.syscalls).toMatchObject({ execve: 1, exit_group: 1 });
    expect(result.processes).toEqual({ started: 0, programs: { "/bin/true": 1 } });
    expect(result.opened.map(({ path }) => path)).toEqual(["/etc/ld.so.cache", expect.stringMatching(/libc\.so/)]);
  });

  it("counts what it starts, and keeps what it prints", async () => {
    const result = await trace(sh("cat /etc/hostname > /dev/null; printf out; printf err >&2; exit 3"));
    expect(result).toMatchObject({ exitCode: 3, stdout: "out", stderr: "err", processes: { started: 1 } });
    expect(result.opened).toContainEqual({ path: "/etc/hostname", fromHere: false, count: 1 });
  });

  it("answers the signal that ended it", async () => {
    expect(await trace(sh("kill -TERM $$"))).toMatchObject({ exitCode: null, signal: "SIGTERM" });
  });

  it("runs it where and as it is told", async () => {
    const folder = temporaryTree({ input: "from a file" });
    const options: CommandOptions = { cwd: folder, env: { GREETING: "hello" }, stdin: join(folder, "input") };
    const { stdout } = await trace(sh('pwd; echo "$GREETING"; cat'), options);
    expect(stdout).toBe(`${folder}\nhello\nfrom a file`);
    expect((await trace(["id", "-un"], { user: "nobody", cwd: "/" })).stdout).toBe("nobody\n");
  });

  it("evaluates expressions, over probes and over what comes for free", async () => {
    const probes = "tracepoint:syscalls:sys_enter_getppid { @n = count(); }";
    const result = await trace(sh(":"), { probes, metrics: { asked: "@n" } });
    expect(result.metric("asked")).toBe(1n);
    expect(Number(result.metric("max_rss"))).toBeGreaterThan(100_000);
    expect(result.check("duration < 10s && page_faults > 0 && cpu_user < 5s").status).toBe("pass");
  });

  it("runs several at the same time", async () => {
    const results = await Promise.all([
      trace(["/bin/true"]),
      trace(sh("exec cat /etc/hostname")),
      trace(["/bin/true"]),
    ]);
    const opened = results.map((result) => result.opened.some(({ path }) => path === "/etc/hostname"));
    expect(opened).toEqual([false, true, false]);
  });

  it.each<[string, [string, ...string[]], CommandOptions, string]>([
    ["that does not exist", ["no-such-program"], {}, "there is no program `no-such-program`"],
    ["that does not end", ["sleep", "60"], { timeout: "100ms" }, "did not end within 100 ms"],
    ["with a malformed timeout", ["true"], { timeout: "soon" }, "options of trace():"],
    ["of a user who does not exist", ["true"], { user: "nemo-nobody" }, "there is no user `nemo-nobody`"],
    ["in a folder that does not exist", ["true"], { cwd: "/nowhere" }, "its directory /nowhere is not usable"],
    ["with a broken script", ["true"], { probes: "begin {" }, "options of trace():"],
    ["with a probe that ends the tracing", ["true"], { probes: "begin { exit(); }" }, "called exit()"],
  ])("refuses one %s", async (_, argv, options, message) => {
    const failure = await trace(argv, options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TraceError);
    expect((failure as Error).message).toContain(message);
  });

  it("lets other children of this process alone", async () => {
    const others = Array.from({ length: 5 }, (_, i) =>
      spawn("/bin/sh", ["-c", `sleep 0.0${i}; exit ${i}`], { detached: true, env: {} }),
    );
    const ends = others.map(async (child) => (await once(child, "exit"))[0]);
    for (let i = 0; i < 10; i++) await trace(["/bin/true"]);
    const late = spawn("/bin/sh", ["-c", "read line; exit 7"], { detached: true, env: {} });
    await trace(["/bin/true"]);
    late.stdin.end();
    expect(await Promise.all([...ends, once(late, "exit").then(([code]) => code)])).toEqual([0, 1, 2, 3, 4, 7]);
  });

  it("leaves nothing of it behind", async () => {
    const marker = join(temporaryTree(), "still-there");
    await trace(sh(`(sleep 0.3; touch ${marker}) & exit 0`));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(existsSync(marker)).toBe(false);
    await closeTracer();
    expect(openFds()).toEqual([]);
  });
});

describeKernel("run()", () => {
  afterAll(closeTracer);

  const file = (assertion: string): string =>
    join(
      temporaryTree({
        "package.json": "{}",
        "x.yml": `version: 1
name: asks
workload: { shell: ":" }
runs: { warmup: 0, count: 2, control: 0 }
probes: [{ bpftrace: "tracepoint:syscalls:sys_enter_getppid { @n = count(); }" }]
metrics: { asked: "@n" }
assert: [${assertion}]
`,
      }),
      "x.yml",
    );

  it("answers what a result file holds", async () => {
    const result = await run(file("asked == 1"));
    expect(result).toMatchObject({ schema: "probewright.result/v1", exitCode: 0, summary: { passed: 1 } });
    expect(result.scenarios[0]).toMatchObject({ name: "asks", status: "passed", runs: 2 });
  });

  it("takes a failed scenario for an answer", async () => {
    const result = await run([file("asked == 2")], { runs: 3, baseline: false });
    expect(result).toMatchObject({ exitCode: 1, scenarios: [{ status: "failed", runs: 3 }] });
  });

  it("can be interrupted", async () => {
    const abort = new AbortController();
    abort.abort();
    expect((await run(file("asked == 1"), { signal: abort.signal })).exitCode).toBe(130);
  });

  describe("refuses", () => {
    it.each<[string, () => Promise<unknown>, string]>([
      ["a file that is not there", () => run("none.yml"), "none.yml"],
      ["a file that is wrong", () => run(file("askd == 1")), "did you mean `asked`?"],
      ["a filter that fits nothing", () => run(file("asked == 1"), { filter: "zebra" }), "`zebra`"],
    ])("%s", async (_, attempt, message) => {
      const failure = await attempt().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TraceError);
      expect((failure as Error).message).toContain(message);
    });
  });
});
