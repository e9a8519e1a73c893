/** Programs that follow stacks without frame pointers are taken by the kernel's verifier, wherever they stand and whatever it can do. */
import { expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import { asOf, type Release } from "../support/kernel-releases.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";

const facts = hostFacts();

/** Kernels that go through small loops round by round, and one that counts the rounds of all. */
const RELEASES: readonly Release[] = [
  [5, 17],
  [6, 1],
  [6, 12],
];

function compiled(text: string, release: Release): CompiledProgram {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), asOf(facts, release), diags);
  if (!program) throw new Error(renderDiagnostics(diags.errors));
  return program;
}

const PROBES = [
  "uprobe:libc:malloc",
  "uretprobe:libc:malloc",
  "profile:hz:99",
  "interval:s:1",
  "software:faults:1000",
  "tracepoint:syscalls:sys_enter_openat",
  "rawtracepoint:sched_switch",
  "begin",
];

describeKernel("dw_ustack in the kernel", () => {
  it.skipIf(facts.arch !== "x64").each(RELEASES.flatMap((release) => PROBES.map((probe) => ({ release, probe }))))(
    "in $probe, as for Linux $release",
    { timeout: patient(60_000) },
    ({ release, probe }) => {
      const body =
        "@[dw_ustack] = count(); $s = dw_ustack(raw, 1024); if (len($s) > 2) { @s = $s; print(dw_ustack(perf, 1)) }";
      const program = compiled(`${probe} { ${body} }`, release);
      loadSession(program).close();
      expect(program.unwind).toBeDefined();
    },
  );

  it
    .skipIf(facts.arch !== "x64")
    .each([
      "for ($i : 0..3) { @[$i, dw_ustack(5)] = count() }",
      "$i = 0; while ($i < 3) { $i++; @[$i, dw_ustack(5)] = count() }",
      `if (pid == 1) { ${"@[dw_ustack(8)] = count(); ".repeat(20)} }`,
      `${"if (rand % 7 == 1) { print(dw_ustack(8)) } ".repeat(60)}`,
    ])("as often as a script likes: %#", { timeout: patient(120_000) }, (body) => {
    loadSession(compiled(`profile:hz:99 { ${body} }`, [6, 18])).close();
  });
});
