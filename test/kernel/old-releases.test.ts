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

  /** So many lines are a program of several parts, each of which knows of variables only what is in memory. */
  const manyLines = Array.from({ length: 600 }, (_, i) => `@p[${i}] = 1;`).join("\n");

  it.each<[what: string, loop: string, printed: string]>([
    ["up to a constant", "while ($n < 100) { $n++; }", "100"],
    ["up to a number of the script's user", "while ($n < $1) { $n++; }", "70"],
    [
      "that is left",
      "while (true) { if ($n++ > 50) { break } if ($n % 2) { continue } @m[$n] = count(); } clear(@m);",
      "52",
    ],
    ["in a loop", "$i = 0; while ($i < 20) { $j = 0; while ($j < 20) { $n++; $j++; } $i++; }", "400"],
    ["in an unrolled one", "unroll (5) { $i = 0; while ($i < 40) { $n++; $i++; } }", "200"],
    [
      "with conditions",
      `while ($n < 40) { ${"if (nsecs % 3 == 1) { @m[$n % 5] = count(); } ".repeat(5)} $n++; } clear(@m);`,
      "40",
    ],
  ])("a while %s in a long script", { timeout: patient(60_000) }, (_, loop, printed) => {
    for (const release of [
      [5, 10],
      [5, 15],
    ] as const) {
      const text = `begin { $n = 0; ${loop} ${manyLines} print($n); clear(@p) }`;
      expect(runScriptFor(asOf(facts, release), text, { parameters: ["70"] }).trim()).toBe(printed);
    }
  });

  it("a while in a long script that had more rounds than the kernel goes through is told", {
    timeout: patient(60_000),
  }, () => {
    const source = new Source("test.bt", `begin { while (pid) { @n++ } ${manyLines} }`);
    using session = loadSession(compile(source, asOf(facts, [5, 10]), new Diagnostics())!);
    session.begin();
    expect(session.health().endlessLoops).toBe(1);
    const [rounds] = session.readMaps().flatMap(({ map, entries }) => (map.name === "@n" ? entries : []));
    expect(
      new DataView(rounds!.copies[0]!.buffer, rounds!.copies[0]!.byteOffset).getBigUint64(0, true),
    ).toBeGreaterThan(1000n);
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
