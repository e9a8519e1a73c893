/** Entries in tables in front of the kernel's hashes, and keys that are short, in the kernel itself. */
import { expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import { describeKernel } from "../support/privileges.ts";
import { runScript } from "../support/run-script.ts";
import { resultOf } from "../support/script-results.ts";
import { temporaryTree } from "../support/temporary.ts";
import { compileC, hasCompiler, trace } from "../support/traced.ts";

/** Opens paths of `a`s, one of each length below 200. */
const OPEN_ALL = 'for (let n = 1; n < 200; n++) try { fs.openSync("a".repeat(n)) } catch {}';

/** Threads that each call getppid() many times, while others are born and end. */
const THREADS = `
#include <pthread.h>
#include <unistd.h>
static void *calls(void *arg) { for (int i = 0; i < 500; i++) getppid(); return arg; }
int main(void) {
  for (int round = 0; round < 10; round++) {
    pthread_t threads[20];
    for (int i = 0; i < 20; i++) pthread_create(&threads[i], 0, calls, 0);
    for (int i = 0; i < 20; i++) pthread_join(threads[i], 0);
  }
  return 0;
}`;

const lines = (output: string): string[] => output.split("\n").filter((line) => line !== "");

describeKernel("entries in tables", () => {
  it("more keys than places", () => {
    const printed = runScript("begin { for ($i : 0..3000) { @[$i] = count(); @[$i] = count() } }");
    expect(new Set(lines(printed))).toEqual(new Set(Array.from({ length: 3000 }, (_, i) => `@[${i}]: 2`)));
  });

  it.each([
    ["count()", "2"],
    ["sum(3)", "6"],
    ["avg(7)", "7"],
    ["min(-7)", "-7"],
    ["max(7)", "7"],
    ["stats(7)", "{ .count = 2, .average = 7, .total = 14 }"],
  ])("hold %s", (call, expected) => {
    const both = `@[1] = ${call}; @k["a", 2] = ${call};`;
    expect(lines(runScript(`begin { ${both} ${both} }`))).toEqual([`@[1]: ${expected}`, `@k[a, 2]: ${expected}`]);
  });

  it.each([
    "begin { @[1] = count(); @[2] = count(); }",
    'begin { @["a"] = sum(2); @["b"] = sum(3); }',
    "begin { for ($i : 0..3000) { @[$i] = count() } }",
    "begin { @[tid] = 5; } begin { if (@[tid] == 0) { delete(@, tid) } }",
  ])("are set to zero, and cleared, and filled again: %s", (script) => {
    const diags = new Diagnostics();
    const program = compile(new Source("test.bt", script), hostFacts(), diags);
    if (!program) throw new Error(renderDiagnostics(diags.errors));
    using session = loadSession(program, {});
    const [map] = program.scriptMaps;
    /** The map's numbers, by key. */
    const read = (): Map<string, unknown> => {
      const entries = Object.entries(resultOf(program, session.readMaps(), []).maps["@"] ?? {});
      return new Map(entries.map(([key, value]) => [key, Object.values(Object(value))[0] ?? value]));
    };
    session.begin();
    const before = read();
    expect(before.size).toBeGreaterThan(0);
    expect([...before.values()]).not.toContain(0n);
    session.zero(map!);
    expect(read()).toEqual(new Map([...before.keys()].map((key) => [key, 0n])));
    session.clear(map!);
    expect(read().size).toBe(0);
    session.begin();
    expect(read()).toEqual(before);
  });

  it("are counted against a map that is to be small", () => {
    expect(
      lines(runScript("config = { max_map_keys = 2 } begin { for ($i : 0..9) { @[$i] = count() } }")),
    ).toHaveLength(2);
  });

  it("short strings and long ones are keys of one map", async () => {
    const script = `tracepoint:syscalls:sys_enter_openat /str(args.filename) == "a" || strncmp(str(args.filename), "aa", 2) == 0/ {
      @[str(args.filename)] = count(); @t[7, str(args.filename)] = sum(3); @v[str(args.filename)] = count();
    }`;
    const { output } = await trace(script, [process.execPath, "-e", `${OPEN_ALL}; ${OPEN_ALL}`]);
    const of = (map: string, value: number) =>
      Array.from({ length: 199 }, (_, i) => `${map}${"a".repeat(i + 1)}]: ${value}`);
    const wanted = [...of("@[", 2), ...of("@t[7, ", 6), ...of("@v[", 2)];
    expect(new Set(lines(output))).toEqual(new Set(wanted));
  });

  it("a short string is the same key wherever it comes from", () => {
    const long = "x".repeat(100);
    const body = `$s = str($1 + 1); @[$s] = count(); @[str($1 + 1)] = count(); @["bc"] = count(); @["${long}"] = count()`;
    const printed = lines(runScript(`begin { ${body}; @[str($2 + 0)] = count() }`, ["abc", long]));
    expect(printed).toEqual([`@[${long}]: 2`, "@[bc]: 3"]);
  });
});

describeKernel("a map that threads have to themselves", () => {
  it.skipIf(!hasCompiler)("loses nothing among many threads", { timeout: 60_000 }, async () => {
    const program = compileC(temporaryTree(), "threads", THREADS, "-pthread");
    const script = `tracepoint:syscalls:sys_enter_getppid { @start[tid] = nsecs; }
      tracepoint:syscalls:sys_exit_getppid /@start[tid]/ { @n = count(); @h = hist(nsecs - @start[tid] < 1s); delete(@start[tid]); }
      tracepoint:syscalls:sys_exit_getppid /@start[tid]/ { @left = count(); }`;
    const { output } = await trace(script, [program]);
    expect(output).toContain("@n: 100000\n");
    expect(output).not.toContain("@left");
    expect(output).not.toContain("@start");
    expect(output).toMatch(/\[1\] +100000 /);
  });

  it("shows what is left in it", () => {
    const script = "begin { @a[tid] = 5; @b[tid] = 6; delete(@b, tid); delete(@b, tid) } end { delete(@a, tid) }";
    expect(lines(runScript(script))).toEqual([expect.stringMatching(/^@a\[\d+\]: 5$/)]);
  });
});

describeKernel("a map that all programs set", () => {
  it.skipIf(!hasCompiler)("is one map for all CPUs, and keeps each key's last value", { timeout: 60_000 }, async () => {
    const program = compileC(temporaryTree(), "threads", THREADS, "-pthread");
    const script = `tracepoint:syscalls:sys_enter_getppid { @last[(int32)tid] = tid * 3; @calls[(uint64)tid]++; @n = count(); }
      tracepoint:syscalls:sys_exit_getppid { if (@last[(int32)tid] != tid * 3) { @wrong = count(); } }
      tracepoint:sched:sched_process_exit /@calls[(uint64)tid]/ { @h = count(); }
      end { clear(@last); }`;
    const { output } = await trace(script, [program]);
    expect(output).toContain("@n: 100000\n");
    expect(output).not.toContain("@wrong");
    expect(output).not.toContain("@last");
    const calls = lines(output).filter((line) => line.startsWith("@calls["));
    expect(calls).toHaveLength(200);
    expect(new Set(calls.map((line) => line.split(": ")[1]))).toEqual(new Set(["500"]));
    expect(output).toContain("@h: 200\n");
  });

  it.each([
    ["begin { @a[1] = 5; @a[2] = 6; delete(@a, 1); @a[3] = 7; delete(@a, 3); @a[3] = 8 }", ["@a[2]: 6", "@a[3]: 8"]],
    ["begin { @a[-1] = -5; @b[(int8)-1] = (int8)-2 }", ["@a[-1]: -5", "@b[-1]: -2"]],
    [
      "begin { @a[curtask] = 1; if (has_key(@a, curtask)) { @b[true] = true } }",
      [/^@a\[0x[0-9a-f]+\]: 1$/, "@b[true]: true"],
    ],
  ])("%s", (script, expected) => {
    const matchers = expected.map((line) => (typeof line === "string" ? line : expect.stringMatching(line)));
    expect(lines(runScript(script)).sort()).toEqual(matchers);
  });

  it.each([
    ["zero(@a)", ["@a[0]: 0", "@a[1]: 0"]],
    ["clear(@a)", []],
  ])("%s", async (end, expected) => {
    const { output } = await trace(`begin { @a[1] = 5; @a[(uint64)0] = 6; @b[2] = 3 } end { delete(@b, 2); ${end} }`, [
      "true",
    ]);
    expect(lines(output)).toEqual(expected);
  });

  it("has its values where events of other processes find them", async () => {
    const script = `tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @woken[args.pid] = nsecs }
      tracepoint:sched:sched_switch /@woken[args.next_pid]/ { @late = stats(nsecs - @woken[args.next_pid] > 10s); delete(@woken, args.next_pid) }`;
    const { output } = await trace(script, ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.01; done"]);
    expect(output).toMatch(/^@late: { .count = \d\d+, .average = 0, .total = 0 }$/m);
  });
});

describeKernel("a map that programs add to which interrupt each other", () => {
  it("loses nothing", { timeout: 60_000 }, async () => {
    const script = `tracepoint:sched:sched_wak*, tracepoint:sched:sched_switch, tracepoint:sched:sched_stat_*, tracepoint:irq:*, tracepoint:timer:* {
      @by[probe] = count(); @cpus[cpu] = sum(1); @named[comm, "x"] = count(); @all = count();
    }`;
    const work = "for i in 1 2 3 4 5 6 7 8 9; do (for j in 1 2 3 4 5 6 7 8 9; do sleep 0.001; done) & done; wait";
    const { output } = await trace(script, ["sh", "-c", work]);
    const sum = (map: string): number => {
      const of = lines(output).filter((line) => line.startsWith(map));
      return of.reduce((all, line) => all + Number(line.split(": ").at(-1)), 0);
    };
    expect(sum("@by[")).toBeGreaterThan(1000);
    expect(["@cpus[", "@named[", "@all"].map(sum)).toEqual(Array(3).fill(sum("@by[")));
  });
});
