/** Probes that small programs mark themselves: where their arguments are, and whether the programs know that they are traced. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeKernel } from "../support/privileges.ts";
import { compileC, hasCompiler, type Traced, type TraceOptions, trace } from "../support/traced.ts";

const PROGRAM = `
#include <stdint.h>
#include "marks.h"
__attribute__((used)) static int32_t counters[2] = { 5, -6 };
__attribute__((used)) static volatile unsigned short listeners __asm__("listeners") __attribute__((section(".probes")));
static int64_t table[4] = { 10, -20, 30, -40 };

static inline __attribute__((always_inline)) void step(int n, const char *text) {
  /* What was never looked at may not be in memory, and no program can wait for it. */
  (void)*(volatile const char *)text;
  MARK("app", "step", "0", "-4@%0 8@%1", "nor"(n), "nor"(text));
}

int main(void) {
  MARK("app", "constants", "0", "8@$-2 -8@$-2 4@$-2 -4@$-2 2@$-2 -2@$-2 1@$-2 -1@$0xfe");
  MARK("app", "registers", "0", "8@%%rbx -8@%%rbx 4@%%ebx -4@%%ebx 2@%%bx -2@%%bx 1@%%bl -1@%%bl", "b"(-2L));
  MARK("app", "high", "0", "1@%%ch -1@%%cl 2@%%r9w -1@%%r9b", "c"(0x1280), "r"(9));
  MARK("app", "memory", "0", "-8@(%0) -8@8(%0) 1@16(%0) -1@8(%0) -8@(%0,%1,8) -8@-8(%0,%1,8) -8@(%0,%2)", "r"(table), "r"(3L), "r"(16L));
  MARK("app", "symbols", "0", "-4@counters(%%rip) -4@counters+4(%%rip) 2@4+counters(%%rip) -4@counters");
  step(1, "one");
  for (volatile int i = 2; i < 4; i++) step(i, "more");
  MARK("app", "floating", "0", "8f@%%xmm0 -4@$7");
  MARK("other", "step", "0", "");
  if (listeners) MARK("app", "heard", "listeners", "2@listeners(%%rip)");
  return listeners;
}
`;

/** As a program has it that is no test. */
const WITH_HEADER = `
#include <sys/sdt.h>
int main(int argc, char **argv) {
  for (long i = 1; i <= 3; i++) DTRACE_PROBE2(real, turn, i * argc, argv[0]);
  DTRACE_PROBE(real, end);
  return 0;
}
`;
const hasHeader = ["/usr/include", "/usr/include/x86_64-linux-gnu"].some((folder) => existsSync(`${folder}/sys/sdt.h`));

describeKernel("USDT probes", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-usdt-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.runIf(hasCompiler && process.arch === "x64")("of a program", () => {
    let programs: Record<"pie" | "fixed", string>;
    beforeAll(() => {
      const include = `-I${resolve(import.meta.dirname, "../support")}`;
      programs = {
        pie: compileC(folder, "pie", PROGRAM, include),
        fixed: compileC(folder, "fixed", PROGRAM, include, "-no-pie"),
      };
    });
    const run = (script: string, options: TraceOptions = {}, kind: keyof typeof programs = "pie"): Promise<Traced> =>
      trace(script.replaceAll("BIN", programs[kind]), [programs[kind]], options);
    const lines = async (script: string, options?: TraceOptions, kind?: keyof typeof programs): Promise<string[]> => {
      const { output } = await run(script, options, kind);
      return output
        .replaceAll(programs[kind ?? "pie"], "BIN")
        .trim()
        .split("\n");
    };
    const print = (name: string, count: number): string => {
      const args = Array.from({ length: count }, (_, i) => `arg${i}`);
      return `usdt:BIN:${name} { print((${args.join()},)) }`.replace(",)", ")");
    };

    describe.each(["pie", "fixed"] as const)("that is %s", (kind) => {
      it.each<[name: string, count: number, printed: string]>([
        ["constants", 8, "(-2, -2, 4294967294, -2, 65534, -2, 254, -2)"],
        ["registers", 8, "(-2, -2, 4294967294, -2, 65534, -2, 254, -2)"],
        ["high", 2, "(18, -128)"],
        ["memory", 7, "(10, -20, 30, -20, -40, 30, 30)"],
        ["symbols", 3, "(5, -6, 65530)"],
      ])("has its arguments where it says: %s", async (name, count, printed) => {
        expect(await lines(print(name, count), {}, kind)).toEqual([printed]);
      });

      it("has them elsewhere at each place", async () => {
        const script = 'usdt:BIN:app:step { printf("%d %s\\n", arg0, str(arg1)); }';
        expect(await lines(script, {}, kind)).toEqual(["1 one", "2 more", "3 more"]);
      });

      it("knows that it is traced", async () => {
        const { output, code, probes } = await run("usdt:BIN:heard { print(arg0); }", {}, kind);
        expect({ output: output.trim(), code, probes }).toEqual({ output: "1", code: 1, probes: 1 });
      });

      it("tells where its variables are, from each of its places", async () => {
        const script = 'usdt:BIN:app:step { printf("%d\\n", *(int32 *)uaddr("counters")); }';
        expect(await lines(script, {}, kind)).toEqual(["5", "5", "5"]);
      });
    });

    it("does not know it when nothing listens to that probe", async () => {
      const { output, code } = await run("usdt:BIN:constants { print(1); }");
      expect({ output: output.trim(), code }).toEqual({ output: "1", code: 0 });
    });

    it.each<[what: string, release: readonly [number, number]]>([
      ["a perf event for each place", [6, 1]],
      ["a program for each place", [5, 10]],
    ])("is traced by %s where the kernel is older", async (_, release) => {
      const script = `
        usdt:BIN:app:step, usdt:BIN:heard { @[probe, arg0] = count(); }
        usdt:BIN:memory { @m[arg0, arg5] = count(); }`;
      const { output, code } = await run(script, { release });
      expect(code).toBe(1);
      expect(output.replaceAll(programs.pie, "BIN").trim().split("\n").sort()).toEqual([
        ...["heard, 1", "step, 1", "step, 2", "step, 3"].map((key) => `@[usdt:BIN:app:${key}]: 1`),
        "@m[10, 30]: 1",
      ]);
    });

    it("tells the probes of a pattern apart, those with arguments and those without", async () => {
      const script = "usdt:BIN:*:step, usdt:BIN:const* { @[probe, arg0] = count(); }";
      expect((await lines(script)).sort()).toEqual([
        "@[usdt:BIN:app:constants, -2]: 1",
        ...[1, 2, 3].map((n) => `@[usdt:BIN:app:step, ${n}]: 1`),
        "@[usdt:BIN:other:step, 0]: 1",
      ]);
    });

    it("shares a program with other blocks on the same probes, in the order of the script", async () => {
      const script = `
        usdt:BIN:*:step { @a[probe] = count(); printf("1"); }
        usdt:BIN:*:step /arg0 != 2/ { @b[probe, probetype] = sum(arg0); printf("2"); }`;
      const { output, probes } = await run(script);
      expect(output).toMatch(/^1211212@a/);
      expect(output.replaceAll(programs.pie, "BIN")).toContain("@b[usdt:BIN:app:step, usdt]: 4\n");
      expect(probes).toBe(4);
    });

    it("has registers, stacks and signals as other probes on user code have", async () => {
      const script = `usdt:BIN:registers { printf("%d %d %s\\n", (int64)reg("bx"), usermode, ustack(1)); signal("SIGTERM"); }`;
      const { output, signal } = await run(script, { unsafe: true });
      expect(output.trim()).toMatch(/^-2 1 \n\s+main\+\d+$/);
      expect(signal).toBe("SIGTERM");
    });

    it("loses no argument in a program that is divided", async () => {
      const uses = Array.from({ length: 40 }, (_, i) => `if (arg0 == ${i % 5}) { @[arg0, ${i}] = count(); }`).join(
        "\n",
      );
      const { output } = await run(`usdt:BIN:app:step { ${uses} }`, { partSize: 60 });
      expect(output.match(/^@\[\d+, \d+\]: 1$/gm)).toHaveLength(24);
    });
  });

  it.runIf(hasCompiler && hasHeader)("of a program with sys/sdt.h are those that it marks", async () => {
    const program = compileC(folder, "real", WITH_HEADER, "-O2");
    const script = `usdt:${program}:real:turn { @[arg0, str(arg1)] = count(); } usdt:${program}:end { @end = count(); }`;
    const { output } = await trace(script, [program, "x"]);
    expect(output.trim().split("\n").sort()).toEqual([...[2, 4, 6].map((n) => `@[${n}, ${program}]: 1`), "@end: 1"]);
  });
});
