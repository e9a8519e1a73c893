/**
 * Scripts of hundreds and thousands of lines: the kernel limits what one program may be, and what the compiler accepts must be loaded
 * all the same.
 */
import { expect, it, vi } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import { runScript } from "../support/run-script.ts";

const facts = hostFacts();

/** `line` for 0, 1, 2, ... */
function lines(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join("\n");
}

function printed(body: string): string {
  return runScript(`begin { ${body} }`)
    .split("\n")
    .filter((line) => line !== "")
    .join(" | ");
}

/** Loads a script that waits for events, and answers how many programs each of its own is. */
function partsOf(text: string): number[] {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), facts, diags);
  if (!program) throw new Error(renderDiagnostics(diags.errors));
  loadSession(program, {}).close();
  return program.programs.map(({ further }) => 1 + (further?.parts.length ?? 0));
}

describeKernel("large scripts in the kernel", () => {
  vi.setConfig({ testTimeout: patient(300_000) });

  it("more maps than a program may use", () => {
    const uses = lines(100, (i) => `@m${i}[1] = ${i}; $sum += @m${i}[1];`);
    const clears = lines(100, (i) => `clear(@m${i});`);
    expect(printed(`$sum = 0; ${uses} ${clears} print($sum)`)).toBe("4950");
  });

  it("a thousand conditions", () => {
    const ifs = lines(1000, (i) => `if (pid % ${i + 2} != ${i + 1}) { $x += ${i} } else { $x += ${i}; $y++ }`);
    expect(printed(`$x = 0; $y = 0; ${ifs} print($x)`)).toBe("499500");
  });

  it("a thousand variables", () => {
    const sum = Array.from({ length: 100 }, (_, i) => `$v${i * 10}`).join(" + ");
    expect(printed(`${lines(1000, (i) => `$v${i} = ${i};`)} print(${sum})`)).toBe("49500");
  });

  it("a thousand counters, in branches of a condition", () => {
    const counts = (map: string) => lines(500, (i) => `@${map}[${i}] = count();`);
    const body = `if (pid > 0) { ${counts("a")} } else { ${counts("b")} } print(len(@a)); print(len(@b)); clear(@a)`;
    expect(printed(body)).toBe("500 | 0");
  });

  it("a return in the middle, and a block behind it", () => {
    const sets = (map: string) => lines(800, (i) => `@${map}[${i}] = 1;`);
    const first = `begin { ${sets("a")} if (pid > 0) { print(len(@a)); clear(@a); return } ${sets("b")} }`;
    expect(runScript(`${first} begin { print(2) }`).split("\n")).toEqual(["800", "2", ""]);
  });

  it("rounds that are too much code to be written out", () => {
    expect(
      printed("unroll (100) { unroll (100) { unroll (100) { $n++ } } } print($n)".replace("unroll", "$n = 0; unroll")),
    ).toBe("1000000");
    expect(
      printed(`$n = 0; unroll (50) { if ($n == 20) { break } ${lines(60, () => "$n++; $n--;")} $n++ } print($n)`),
    ).toBe("20");
  });

  it.each([
    ["system calls", "tracepoint:syscalls:sys_enter_getpid"],
    ["tracepoints", "tracepoint:sched:sched_switch"],
    ["a clock", "interval:s:100"],
    ["user code", "uprobe:/proc/self/exe:main"],
  ])("programs of several parts on %s", (_, probe) => {
    const body = lines(600, (i) => `@[${i}, probe] = count();`);
    const [parts, ...others] = partsOf(`${probe} { $a = nsecs; ${body} @last = $a; } ${probe} { @second = count() }`);
    expect(parts).toBeGreaterThan(1);
    expect(others.every((count) => count === 1)).toBe(true);
  });

  it("hundreds of stacks", () => {
    expect(partsOf(`interval:s:100 { ${lines(200, (i) => `@[${i}, kstack, ustack] = count();`)} }`)).toHaveLength(1);
  });

  it("long texts that are compared again and again", () => {
    const line = (i: number) => `if ($s == $t) { $n++ } $n += strncmp($s, $t, ${900 + i}); $n += strstr($s, $t);`;
    const body = `$s = str($1); $t = str($2); $n = 0; ${lines(60, line)} print($n);`;
    expect(runScript(`config = { max_strlen = 1024 } begin { ${body} }`, ["abc", "abc"])).toBe("60\n");
  });

  it("loops beside many lines", () => {
    const round = (i: number) => `@u[(uint32)$i${i}] = count(); if (nsecs > 5) { @v = hist($i${i}); }`;
    const loop = (i: number) =>
      `$i${i} = 0; while ($i${i} < 20) { if ($i${i} % 2 == 1) { $i${i}++; continue; } unroll (10) { ${round(i)} } $i${i}++; }`;
    const body = `${loop(0)} ${loop(1)} ${lines(600, (i) => `@p[${i}] = 1;`)} print(len(@u)); print(len(@p));`;
    expect(printed(`${body} clear(@u); clear(@v); clear(@p);`)).toBe("10 | 600");
  });

  it.each([
    ["numbers, in one part", "$i", 10],
    ["numbers, in several", "$i", 40],
    ["shorter numbers, in one part", "(uint32)$i", 10],
    ["shorter numbers, in several", "(uint32)$i", 40],
    ["bytes, in several", "(uint8)$i", 40],
    ["pairs, in several", "(uint8)$i, (uint64)1", 40],
    ["names, in several", "$i, comm", 40],
  ])("loops whose rounds look up many keys that are %s", (_, key, count) => {
    const rounds = (i: number) =>
      `unroll (10) { @u[${key.replace("$i", `$i${i}`)}] = count(); if (nsecs > 5) { @v = hist($i${i}); } }`;
    const loop = (i: number) =>
      `$i${i} = 0; while ($i${i} < 20) { if ($i${i} % 2 == 1) { $i${i}++; continue; } ${rounds(i)} $i${i}++; }`;
    const script = `begin { ${lines(count, loop)} }`;
    const program = compile(new Source("test.bt", script), facts, new Diagnostics())!;
    // At the first attempt, where the kernel counts the rounds.
    using session = loadSession(facts.features.mayGoto ? { ...program, smaller: undefined } : program);
    session.begin();
    const counted = session.readMaps().find(({ map }) => map.name === "@u")!;
    expect(counted.entries).toHaveLength(10);
  });

  it("a part more than the kernel runs is the script's error", () => {
    const diags = new Diagnostics();
    compile(new Source("test.bt", `begin { ${lines(2000, (i) => `@m${i}[1] = ${i};`)} }`), facts, diags);
    expect(diags.errors.map(({ code }) => code)).toEqual(["too-many-parts"]);
  });
});
