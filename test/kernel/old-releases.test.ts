/**
 * The ways around what old kernels lack, one by one, on this kernel, which can go them as well. Random scripts go them too, but
 * all on one CPU.
 */
import { expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { TextOutput } from "../../harness/tracing/output/text.ts";
import { ScriptOutput } from "../../harness/tracing/script-output.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import { asOf } from "../support/kernel-releases.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import { leaveOutIfTooNew, runScriptFor } from "../support/run-script.ts";

type Release = readonly [major: number, minor: number];

describeKernel("a script for an old kernel", () => {
  const facts = hostFacts();

  it.each<[what: string, release: Release, script: string, printed: string]>([
    ["a count under a key", [5, 10], `begin { @[1] = count(); @[1] = count(); printf("%d", @[1]); clear(@) }`, "2"],
    ["one that is not there", [5, 10], `begin { @[1] = count(); printf("%d", @[2]); clear(@) }`, "0"],
    ["a negative sum", [5, 10], `begin { @[1] = sum(-5); @[1] = sum(2); printf("%d", @[1]); clear(@) }`, "-3"],
    ["the least", [5, 10], `begin { @[1] = min(7); @[1] = min(-2); printf("%d", @[1]); clear(@) }`, "-2"],
    ["the greatest", [5, 15], `begin { @[1] = max(7); @[1] = max(9); printf("%d", @[1]); clear(@) }`, "9"],
    ["a mean", [5, 10], `begin { @["a"] = avg(4); @["a"] = avg(8); printf("%d", @["a"]); clear(@) }`, "6"],
    ["a map that is read", [5, 10], `begin { @[1] = count(); if (@[1] == 1) { @[2] = count() } }`, "@[1]: 1\n@[2]: 1"],
    [
      "one that forgets",
      [5, 10],
      `let @a = percpulruhash(8); begin { @a[1] = count(); if (@a[1] > 5) {} }`,
      "@a[1]: 1",
    ],
    ["one that is set to zero", [5, 10], `begin { @[1] = sum(7); if (@[1] == 7) { zero(@) } }`, "@[1]: 0"],
    ["deletion", [5, 10], `begin { @[1] = sum(7); delete(@, 1); @[1] = sum(2); if (@[1]) {} }`, "@[1]: 2"],
    ["a loop", [5, 15], `begin { @[3] = sum(4); for ($kv : @) { printf("%d %d", $kv.0, $kv.1) } clear(@) }`, "3 4"],
    ["begin", [5, 9], `begin { printf("%d %s", pid == ${process.pid}, probe) }`, "1 begin"],
    ["several of them", [5, 8], `begin { @++ } begin { @ += 10 } begin { print(str("a")) }`, "a\n@: 11"],
  ])("%s, as for Linux %j", { timeout: patient(60_000) }, (_, release, script, printed) => {
    leaveOutIfTooNew(script);
    expect(runScriptFor(asOf(facts, release), script).trim()).toBe(printed);
  });

  it.each<[what: string, release: Release]>([
    ["sums the counts of all CPUs", [5, 10]],
    ["runs end programs, and each once", [5, 8]],
  ])("%s", async (_, release) => {
    const script = `profile:hz:200 { @[1] = count(); } end { printf("%d\\n", @[1]) }`;
    const compiled = compile(new Source("test.bt", script), asOf(facts, release), new Diagnostics());
    using session = loadSession(compiled!);
    let printed = "";
    const take = (bytes: Uint8Array): void => {
      printed += Buffer.from(bytes).toString();
    };
    const output = new ScriptOutput(session, new TextOutput({ out: take, err: take }, { out: false, err: false }));
    session.start();
    await new Promise((resolve) => setTimeout(resolve, 200));
    session.stop(output.visit);
    output.printMaps();
    const [, counted] = /^(\d+)\n\n?@\[1\]: \1\n*$/.exec(printed) ?? [];
    expect(Number(counted), printed).toBeGreaterThan(5);
  });
});
