import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { isSince, type KernelFacts } from "../../compiler/kernel-facts.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import { Source } from "../../compiler/source.ts";
import { type EvalHost, type EvalResult, evaluate } from "../support/ast-eval.ts";
import { checkScript, errorsOf } from "../support/check.ts";
import { fakeFacts } from "../support/fake-facts.ts";
import { asOf, OLD_RELEASES } from "../support/kernel-releases.ts";
import { randomScript, withoutCallbacks } from "../support/random-script.ts";
import { runInVm } from "../support/script-vm.ts";
import { cases } from "../support/soak.ts";

const CPUS = 4;
const facts = fakeFacts({ possibleCpus: CPUS });

/** As it is, optimised, and in as many parts as can be. */
const WAYS = [{ optimise: false }, { optimise: true }, { optimise: true, partSize: 50 }] as const;

function compiled(text: string, way: (typeof WAYS)[number], kernel: KernelFacts): CompiledProgram {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), kernel, diags, way);
  if (!program) throw new Error(renderDiagnostics(diags.errors));
  return program;
}

/** The clock of both sides: every look at it is a microsecond later. */
function clock(): () => bigint {
  let now = 1_000_000_000n;
  return () => {
    now += 1000n;
    return now;
  };
}

/** As the interpreter has it. */
const REAL = 1_700_000_000_000_000_000n;
const WORLD = { pid: 1000, tid: 1001, uid: 500, gid: 501, comm: "worker", cpu: 1, suspended: 0n };

function oracle(text: string): EvalResult {
  const { typed, diagnostics } = checkScript(text, [], facts);
  const errors = diagnostics.filter((d) => d.severity === "error");
  if (!typed || errors.length > 0) throw new Error(renderDiagnostics(errors));
  const host: EvalHost = {
    pid: 1000n,
    tid: 1001n,
    uid: 500n,
    gid: 501n,
    cpu: 1n,
    comm: "worker",
    nsecs: clock(),
    bootToReal: REAL,
  };
  const { maps, events } = evaluate(typed, host);
  // A map from which everything was deleted is as one that was never touched.
  return { maps: Object.fromEntries(Object.entries(maps).filter(([, e]) => Object.keys(e).length > 0)), events };
}

function expectAgreement(text: string, kernel = facts): void {
  const expected = oracle(text);
  const padsComm = isSince(kernel, 6, 4);
  for (const way of WAYS) {
    const { maps, events } = runInVm(compiled(text, way, kernel), CPUS, { ...WORLD, padsComm, now: clock() });
    expect({ ...way, maps, events }).toEqual({ ...way, ...expected });
  }
}

describe("bytes in the interpreter do what the tree says", () => {
  it.each([
    "@x = 1 + 2 * 3 - 4 / 2 % 3",
    "$a = pid; @x = $a * 3 - 7; @y = -$a / 2; @z = -$a % 7",
    "@x = (uint8)300; @y = (int8)200; @z = (uint16)-1; @w = (int32)0xffffffff",
    "@x = nsecs; @y = nsecs",
    "$a = 10; $b = $a++ + ++$a; @x = $b; @y = $a",
    '@x = comm == "worker"; @y = comm != "worker"; @z = comm == "work"',
    '$s = "a"; $s = "abcdefghijkl"; @x = $s; @y = $s == "abcdefghijkl"',
    "@x[pid, comm] = 1; @x[pid, comm]++; @y = @x[pid, comm]",
    '@x = ("a", (1, "bc"), true); @y = @x.1',
    "@x = count(); @x = count(); @y = (int64)@x; if (@x > 1) { @z = 1 }",
    "@x = sum(-5); @x = sum(3); @y[1] = avg(10); @y[1] = avg(21); @z = (int64)@y[1]",
    "$i = 0; while ($i < 70) { @h = hist(1 << $i); @k[$i % 3] = hist($i * $i, 2); $i++ }",
    "$i = 0; while ($i < 40) { @l = lhist($i, 5, 30, 4); $i++ }",
    '$i = 0; while ($i < 20) { @s = tseries($i * $i, 3us, 4); @m[$i & 1] = tseries(-$i, 5us, 3, "min"); $i++ }',
    '$i = 0; while ($i < 20) { @a = tseries($i, 4us, 6, "avg"); @b[comm, $i & 1] = tseries($i, 10us, 2, "sum"); $i++ }',
    '$i = 0; while ($i < 9) { @a = tseries((uint64)-$i, 7us, 3, "max"); @b["k"] = tseries(1, 1s, 2, "sum"); $i++ }',
    "@m = min(5); @m = min(-7); @n = max((uint64)3); @n = max((uint64)-1)",
    "$u = (uint64)pid; @a = avg(4); @m = max(4); @x = $u + 0x7fffffffffffffff > @a; @y = $u + 0x7fffffffffffffff > @m",
    "if (pid > 5 && tid > 5 || uid == 3) { @x = 1 } else { @x = 2 }",
    "if (0) { @x = 1 } else if (pid == 1000) { @x = 2; return; } @x = 3",
    "$i = 0; while (1) { $i++; if ($i == 3) { continue; } if ($i > 6) { break; } @x[$i] = $i * $i }",
    "unroll (3) { @x++; if (@x == 2) { break; } }",
    'printf("%d %s %d", pid, comm, 1 < 2); print((1, "a")); print(@x); @x = 1',
    '$x = pid == 1000 ? "yes" : "no"; @y = $x; @z = $x == "yes"',
    "@t = (1, 2); @t = (@t.1, @t.0); $t = (1, 2); $t = ($t.1, $t.0); @v = $t",
    '@s = "xyz"; @s = str_concat("a", @s); @k[1] = ("a", "b"); @k[1] = (@k[1].1, @k[1].0)',
    "@r = (a=1, b=2); @r = (a=@r.b, b={ let $old = @r; $old.a })",
    "@x = { let $a = 5; let $b = $a * 2; $a + $b }",
    "@x[1] = 5; delete(@x, 1); @y = has_key(@x, 1); @x[2] = 6; @z = has_key(@x, 2)",
    "@x = 5; delete(@x); @y = @x",
    "@x = pid ?: 7; @y = (pid - 1000) ?: 7",
    "exit(); @x = 1",
    "let $w: uint64 = 5; $p = &$w; @x = $w; $w = 9; @y = *$p; $w++; @z = *$p + $w; @v = *$p",
    "@n = (int64)5; $p = &@n; @x = *$p; @n = 7; @y = *$p; @n += 2; @z = *$p; delete(@n); @v = *$p",
    "@n = (int64)5; let $w: int64 = 6; $p = pid ? &$w : &@n; $w = 7; @x = *$p; $p = &@n; @n++; @y = *$p",
    "let $w: uint64 = 1; $p = &$w; for ($i : 0..4) { $w += *$p; @x[$i] = *$p } @y = $w",
    "@m[1] = (int64)2; let $w: int64 = 0; $p = &$w; for ($kv : @m) { $w = $kv.1; @x = *$p; @m[1] = 5 } @y = *$p; @z = @m[1]",
    "@m[1] = (int64)2; $a = (int64)7; $p = &$a; find(@m, 1, $a); @x = *$p; @y = $a",
    "let $w: uint64 = 0x0807060504030201; $i = pid & 7; @x = ((uint8*)&$w)[$i]; @y = *((uint16*)&$w + 1); $w = 0; @z = ((uint8*)&$w)[$i]",
    '$a = (uint8[8])(int64)pid; $b = (uint8[8])(int64)1000; @x = $a == $b; $t = (pid, "ab"); @y = $t == (1000, "ab"); @z = $t != (1000, "ac")',
  ])("%s", (body) => expectAgreement(`begin { ${body} }`));

  it("agrees on random scripts, optimised or not, in one part or many", () => {
    const property = fc.property(randomScript, (text) => {
      // Random constants may overflow, which the checker refuses.
      fc.pre(!errorsOf(text).some((error) => /^(constant-overflow|division-by-zero)/.test(error)));
      expectAgreement(text);
    });
    fc.assert(property, cases(120));
  });

  it("what an old kernel leaves behind a name is part of no key", () => {
    const text =
      "begin { $s = (string[30])comm; @eq = $s == comm; @k[comm, 1] = 1; @k[comm, 1]++; @t = (comm, 1); @v = comm }";
    for (const release of OLD_RELEASES) expectAgreement(text, asOf(facts, release));
  });

  it.each(OLD_RELEASES)("agrees on random scripts compiled for Linux %i.%i", (...release) => {
    const kernel = asOf(facts, release);
    const property = fc.property(randomScript, (text) => {
      fc.pre(!errorsOf(text).some((error) => /^(constant-overflow|division-by-zero)/.test(error)));
      expectAgreement(kernel.features.loop ? text : withoutCallbacks(text), kernel);
    });
    fc.assert(property, cases(12));
  });
});
