/** Probes on the functions of a small program: what they were called with, where from, and under which names. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import { leaveOutIfTooNew } from "../support/run-script.ts";
import { compileC, hasCompiler, type Traced, type TraceOptions, trace } from "../support/traced.ts";

const PROGRAM = `
#include <stdint.h>
int32_t number = 0x55555555;
int8_t small = 0x11;
int64_t large = 0x3333333344444444;
struct pair { int first; char text[12]; };
int add(int a, int b) { return a + b; }
int64_t many(int a, int b, int c, int d, int e, int f, int64_t g, int64_t h) { return a + b + c + d + e + f + g + h; }
int outer(int n, const char *text) { return add(n, 2) + (text[0] == 'x'); }
int negative(struct pair *p) { return -p->first; }
int main(void) {
  struct pair p = { 7, "inside" };
  int sum = 0;
  for (int i = 0; i < 3; i++) sum += outer(i, "hello");
  many(1, 2, 3, 4, 5, 6, 77, 88);
  negative(&p);
  return sum == 9 ? 0 : 1;
}
`;

/** Symbols as a C++ compiler names them, without one. */
const CPLUS = `
int handle_fd(int fd) __asm__("_ZN6Server6handleEi");
int handle_text(const char *text) __asm__("_ZN6Server6handleEPKc");
int handle_fd(int fd) { return fd + 1; }
int handle_text(const char *text) { return text[0]; }
int main(void) { return handle_fd(1) + handle_fd(2) + handle_text("x") == 0; }
`;

/** Two threads on one CPU, each calling with texts of its own. */
const RACE = `
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
void hit(const char *text, long n) { __asm__ volatile("" : : "r"(text), "r"(n) : "memory"); }
static void *work(void *letter) {
  char text[400];
  memset(text, *(char *)letter, sizeof(text) - 1);
  text[sizeof(text) - 1] = 0;
  for (long i = 1; i <= ROUNDS; i++) hit(text, *(char *)letter == 'a' ? i : -i);
  return 0;
}
int main(void) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  sched_setaffinity(0, sizeof(one), &one);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], 0, work, &"abcd"[i]);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
  return 0;
}
`;
const ROUNDS = 100_000;

describeKernel("probes on user code", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-uprobes-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.runIf(hasCompiler)("of a program", () => {
    let programs: Record<"pie" | "fixed" | "race" | "cplus", string>;
    beforeAll(() => {
      programs = {
        pie: compileC(folder, "pie", PROGRAM),
        fixed: compileC(folder, "fixed", PROGRAM, "-no-pie"),
        cplus: compileC(folder, "cplus", CPLUS),
        race: compileC(folder, "race", RACE, `-DROUNDS=${ROUNDS}`, "-pthread"),
      };
    });
    const run = (script: string, options: TraceOptions = {}, kind: keyof typeof programs = "pie"): Promise<Traced> =>
      trace(script.replaceAll("BIN", programs[kind]), [programs[kind]], options);
    const lines = async (script: string, options?: TraceOptions): Promise<string[]> =>
      (await run(script, options)).output.replaceAll(programs.pie, "BIN").trim().split("\n");

    it.each(["pie", "fixed"] as const)("see arguments, results and variables: %s", async (kind) => {
      const script = `
        uprobe:BIN:many { printf("%d %d %d %d\\n", arg0, arg5, sarg0, sarg1); }
        uprobe:BIN:many { printf("%x %x %lx\\n", *uaddr("number"), *uaddr("small"), *uaddr("large")); }
        uretprobe:BIN:many { printf("%d\\n", retval); }
        uretprobe:BIN:negative { printf("%d\\n", (int32)retval); }`;
      const { output, code } = await run(script, {}, kind);
      expect(output.trim().split("\n")).toEqual(["1 6 77 88", "55555555 11 3333333344444444", "186", "-7"]);
      expect(code).toBe(0);
    });

    it.each(["pie", "fixed"] as const)("know where functions are: %s", async (kind) => {
      const script = `uprobe:BIN:many { print((uint64)uaddr("many") == reg("ip")); print(usym((uint64)uaddr("add"))); }`;
      expect((await run(script, {}, kind)).output.trim().split("\n")).toEqual(["true", "add"]);
    });

    it.each(["pie", "fixed"] as const)("know at the return which function it was: %s", async (kind) => {
      const script = 'uretprobe:BIN:many { printf("%x %s\\n", *uaddr("number"), func); }';
      leaveOutIfTooNew(script.replaceAll("BIN", programs[kind]));
      expect((await run(script, {}, kind)).output.trim()).toBe("55555555 many");
    });

    it.each([
      ["uprobe:BIN:a*, uprobe:BIN:many", ["uprobe:BIN:add, add, uprobe]: 3", "uprobe:BIN:many, many, uprobe]: 1"]],
      [
        "uprobe:BIN:a*, uretprobe:BIN:o*",
        ["uprobe:BIN:add, add, uprobe]: 3", "uretprobe:BIN:outer, outer, uretprobe]: 3"],
      ],
    ])("tell the probes of a pattern apart: %s", async (probes, expected) => {
      const script = `${probes} { @[probe, func, probetype] = count(); }`;
      leaveOutIfTooNew(script.replaceAll("BIN", programs.pie));
      expect((await lines(script)).sort()).toEqual(expected.map((line) => `@[${line}`));
    });

    it.each([
      ["Server::handle", ["Server::handle(char const*)]: 1", "Server::handle(int)]: 2"]],
      ["Server::handle(int)", ["Server::handle(int)]: 2"]],
      ["*(char*)", ["Server::handle(char const*)]: 1"]],
    ])("are found by their C++ names: %s", async (name, expected) => {
      const script = `uprobe:BIN:cpp:"${name}" { @[usym(reg("ip"))] = count(); }`;
      const { output } = await run(script, {}, "cplus");
      expect(output.trim().split("\n").sort()).toEqual(expected.map((line) => `@[${line}`));
    });

    it.each([
      ["true", "Server::handle(int)+"],
      ["false", "_ZN6Server6handleEi+"],
    ])("print C++ names as they are in the source, unless told otherwise: %s", async (on, expected) => {
      const script = `config = { cpp_demangle = ${on} } uprobe:BIN:_ZN6Server6handleEi { print(ustack(1)); }`;
      const { output } = await run(script, {}, "cplus");
      expect(output).toContain(expected);
    });

    it("share a program with other blocks on the same places, in the order of the script", async () => {
      const script = `
        uprobe:BIN:add, uprobe:BIN:outer { @a[probe] = count(); printf("1"); }
        uprobe:BIN:add, uprobe:BIN:outer /arg0 == 0/ { @b[probe] = count(); printf("2"); }`;
      const { output, probes } = await run(script);
      expect(output).toMatch(/^12121111@a/);
      expect(output.match(/@b\[uprobe:\S*:(add|outer)\]: 1/g)).toHaveLength(2);
      expect(probes).toBe(4);
    });

    it("attach to instructions inside of functions, by offset and by address", async () => {
      const [start] = await lines('uprobe:BIN:add { printf("%d %d\\n", reg("ip") - reg("ip"), arg1); }');
      expect(start).toBe("0 2");
      expect(await lines("uprobe:BIN:add+0 { @ = count(); }")).toEqual(["@: 3"]);
    });

    it("know the user's mode and memory", async () => {
      const script = 'uprobe:BIN:negative { printf("%d %s %s\\n", usermode, str(arg0 + 4), comm); }';
      expect(await lines(script)).toEqual(["1 inside pie"]);
    });

    it("only fire in the process of -c", async () => {
      expect(await lines("uprobe:libc:exit* { @[pid == cpid] = count(); }")).toEqual(["@[true]: 1"]);
    });

    it("walk stacks, whose names are known when the process is gone", async () => {
      const script = "uprobe:BIN:add { @[ustack(2)] = count(); @p[ustack(perf, 1)] = count(); @r = ustack(raw, 2); }";
      const [, first, second, , ...others] = await lines(script);
      expect([first, second]).toEqual(["        add+0", expect.stringMatching(/^ {8}outer\+\d+$/)]);
      expect(others.join("\n")).toMatch(/@p\[\n\t[0-9a-f]+ add\+0 \(BIN\)\n\]: 3\n@r: \n([0-9a-f]+\n){1}[0-9a-f]+$/);
    });

    it("walk stacks of build ids and places in files", async () => {
      const [, frame] = await lines("uprobe:BIN:add { @[ustack(build_id, 1)] = count(); }");
      expect(frame).toMatch(/^([0-9a-f]{40} 0x[0-9a-f]+|[0-9a-f]+)$/);
    });

    it("count the frames of a stack", async () => {
      expect(await lines("uprobe:BIN:add { $s = ustack(3); @ = len($s); @k = len(kstack(5)) >= 0; }")).toEqual([
        "@: 3",
        "@k: true",
      ]);
    });

    it("print stacks as JSON", async () => {
      const script = "uprobe:BIN:add { @[ustack(1), 1] = count(); @u[usym(arg0)] = count(); @f[func] = count() }";
      const parsed = (await lines(script, { json: true })).map((line) => JSON.parse(line) as { data: object });
      expect(parsed.map(({ data }) => data)).toEqual([
        { "@": { "\nadd+0\n,1": 3 } },
        { "@f": { add: 3 } },
        { "@u": { "0": 1, "0x1": 1, "0x2": 1 } },
      ]);
    });

    it("send signals", async () => {
      const { signal, output } = await run('uprobe:BIN:many { signal("SIGTERM"); }', { unsafe: true });
      expect({ signal, output: output.trim() }).toEqual({ signal: "SIGTERM", output: "" });
    });

    it("find what is theirs again where they are several programs", { timeout: patient(120_000) }, async () => {
      const script = `
        config = { max_strlen = 400 }
        uprobe:BIN:hit {
          $s = str(arg0); $n = arg1;
          @a = count();
          if ($n == arg1) { @b = count(); @c = count(); }
          @[$s, $n == arg1] = count();
        }`;
      const { output, health } = await run(script, { partSize: 12 }, "race");
      const { lostEvents, missedRuns } = health;
      expect({ lostEvents, missedRuns }).toEqual({ lostEvents: 0, missedRuns: [] });
      const keys = [...output.matchAll(/@\[((\w)\2*)(?:\.\.)?, true\]: (\d+)/g)].map(
        ([, , letter, n]) => `${letter} ${n}`,
      );
      expect(keys.sort()).toEqual(["a", "b", "c", "d"].map((letter) => `${letter} ${ROUNDS}`));
      for (const name of ["a", "b", "c"]) expect(output).toContain(`@${name}: ${4 * ROUNDS}\n`);
    });

    it("lose and mix up nothing when they are preempted", { timeout: patient(120_000) }, async () => {
      const script = `
        config = { max_strlen = 400 }
        uprobe:BIN:hit {
          @[str(arg0)] = count(); @total = count(); @sum = sum(1); @min = min(arg1); @max = max((int64)arg1);
          @least = min((int64)arg1); @scalar++; @hist = lhist(1, 0, 10, 1);
        }`;
      const { output, health } = await run(script, {}, "race");
      expect(health).toEqual({ lostEvents: 0, endlessLoops: 0, failedUpdates: [], refusals: [], missedRuns: [] });
      const keys = [...output.matchAll(/@\[((\w)\2*)(?:\.\.)?\]: (\d+)/g)].map(([, , letter, n]) => `${letter} ${n}`);
      expect(keys.sort()).toEqual(["a", "b", "c", "d"].map((letter) => `${letter} ${ROUNDS}`));
      for (const name of ["total", "sum", "scalar"]) expect(output).toContain(`@${name}: ${4 * ROUNDS}\n`);
      expect(output).toContain(`@least: -${ROUNDS}\n`);
      expect(output).toContain(`@max: ${ROUNDS}\n`);
      expect(output).toMatch(new RegExp(`\\[1\\] +${4 * ROUNDS} `));
    });
  });
});
