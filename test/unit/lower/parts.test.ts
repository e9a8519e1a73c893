/** Large programs become several, also where the kernel is old. */
import { describe, expect, it, vi } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { codeOf } from "../../../compiler/program.ts";
import { Source } from "../../../compiler/source.ts";
import { fakeFacts } from "../../support/fake-facts.ts";

/** Linux 5.8, as far as it matters here. */
const OLD = { cpuV4: false, mayGoto: false, loop: false, forEachMapElem: false, atomicFetch: false } as const;

/** How many programs of the kernel each of the script's is, or the codes of its errors. */
function partsOf(text: string, features: Partial<Record<keyof typeof OLD, boolean>> = {}): (number | string)[] {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), fakeFacts({ features }), diags);
  if (!program) return diags.errors.map(({ code }) => code);
  return program.programs.map(({ further }) => 1 + (further?.parts.length ?? 0));
}

function lines(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join("\n");
}

const nested = (depth: number, open: string): string => `${open.repeat(depth)} @x++; ${"}".repeat(depth)}`;

let names = 0;

describe("parts of a program", () => {
  it("are one for what people write", () => {
    expect(partsOf(`begin { ${lines(100, (i) => `@[${i}] = count();`)} }`)).toEqual([1]);
  });

  it.each<[string, string]>([
    ["counters", `begin { ${lines(1500, (i) => `@[${i}] = count();`)} }`],
    ["printing", `begin { ${lines(900, (i) => `printf("%d %s", ${i}, comm);`)} }`],
    ["conditions", `begin { $x = 0; ${lines(900, (i) => `if (pid % ${i + 2} == 1) { $x += ${i} }`)} @x = $x }`],
    ["maps", `begin { ${lines(65, (i) => `@m${i}[pid] = ${i};`)} }`],
    ["one branch", `begin { if (pid) { ${lines(1500, (i) => `@[${i}] = count();`)} } else { @x = 1 } }`],
    ["blocks", lines(1000, (i) => `tracepoint:syscalls:sys_enter_openat { @[${i}] = count(); @x += pid; }`)],
  ])("are several for hundreds of lines: %s", { timeout: 120_000 }, (_, text) => {
    for (const features of [{}, OLD]) {
      const [parts, ...others] = partsOf(text, features);
      expect(parts).toBeGreaterThan(1);
      expect(others).toEqual([]);
    }
  });

  it.each([true, false])(
    "find the entries of a map by a function, where the kernel takes one: %j",
    (callsBesideTailCalls) => {
      let ir = "";
      const dump = (stage: string, text: () => string): void => {
        if (stage === "ir-opt") ir = text();
      };
      const script = new Source("test.bt", `begin { ${lines(800, (i) => `@[${i}] = count();`)} }`);
      compile(script, fakeFacts({ features: { callsBesideTailCalls } }), new Diagnostics(), { dump });
      expect(ir.match(/update_elem/g)!.length < 800).toBe(callsBesideTailCalls);
    },
  );

  it.each<[string, number, boolean]>([
    ["a script of several parts", 800, true],
    ["any other", 100, false],
  ])("whether it takes one is asked for %s", (_, count, expected) => {
    const facts = fakeFacts();
    const ask = vi.fn(() => true);
    const features = Object.defineProperty({ ...facts.features }, "callsBesideTailCalls", { get: ask });
    const script = new Source("test.bt", `begin { ${lines(count, (i) => `@[${i}] = count();`)} }`);
    compile(script, { ...facts, features }, new Diagnostics());
    expect(ask.mock.calls.length > 0).toBe(expected);
  });

  it.each<[string, string, boolean]>([
    ["a long script", `begin { ${lines(300, (i) => `@[${i}] = count();`)} }`, true],
    ["a short script", "begin { @ = count(); }", false],
    ["a loop", `begin { for ($i : 0..9) { ${lines(300, (i) => `@[${i}] = count();`)} } }`, false],
  ])("are smaller for a kernel that asks for it: %s", (_, text, divisible) => {
    const counts: number[] = [];
    const diags = new Diagnostics();
    let program = compile(new Source("test.bt", text), fakeFacts(), diags);
    for (; program; program = program.smaller?.()) counts.push(program.programs.flatMap(codeOf).length);
    expect(counts.length > 1).toBe(divisible);
    expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
  });

  it.each<[string, string, keyof typeof OLD | undefined, string]>([
    [
      "too many maps in one loop",
      `begin { for ($i : 0..2) { ${lines(70, (i) => `@m${i}[$i] = 1;`)} } }`,
      undefined,
      "too-many-maps",
    ],
    ["too many parts", `begin { ${lines(1700, (i) => `@m${i}[1] = 1;`)} }`, undefined, "too-many-parts"],
    [
      "loops nested too deep",
      `begin { ${nested(8, "for ($VAR : 0..2) {").replace(/VAR/g, () => `v${names++}`)} }`,
      undefined,
      "calls-too-deep",
    ],
    [
      "rounds that are too much code for an old kernel",
      `begin { ${nested(3, "unroll (100) {")} }`,
      "loop",
      "kernel-feature",
    ],
  ])("cannot be had of: %s", (_, text, missing, code) => {
    expect(new Set(partsOf(text, missing && { [missing]: false }))).toEqual(new Set([code]));
  });

  it("write rounds out only as long as they are not too much code", () => {
    expect(partsOf(`begin { ${nested(3, "unroll (100) {")} }`)).toEqual([1]);
  });
});
