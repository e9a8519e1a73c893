/** Mistakes in attach points do not hide those in other blocks, and make none up. */
import { describe, expect, it } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { parse } from "../../../compiler/syntax/parser.ts";
import { fakeFacts } from "../../support/fake-facts.ts";
import { realScripts } from "../../support/mutations.ts";

const facts = fakeFacts();

function diagnosticsOf(text: string): Diagnostics {
  const diags = new Diagnostics();
  expect(compile(new Source("test.bt", text), facts, diags, { unsafe: true }) === undefined).toBe(diags.hasErrors);
  return diags;
}

const codesOf = (text: string): string[] => diagnosticsOf(text).items.map(({ code }) => code);

describe("a mistake in an attach point", () => {
  it.each([
    ["kprobes:f { } begin { strlen(1) }", ["unknown-probe-type", "argument-type"]],
    ["begin { strlen(1) } kprobes:f { }", ["unknown-probe-type", "argument-type"]],
    [
      "tracepoint:no:such { } begin { $a = pids; $a = strlen(1) }",
      ["no-such-tracepoint", "unknown-builtin", "argument-type"],
    ],
    [
      'interval:x:1 { } interval:s:-1 { } begin { @a = 1; @a = "s" }',
      ["attach-point-form", "attach-point-form", "map-value"],
    ],
    // A block that is attached to something else as well is checked for none of them.
    ["begin, kprobes:f { strlen(1) }", ["unknown-probe-type"]],
  ])("%s", (text, codes) => {
    expect(codesOf(text)).toEqual(codes);
  });
});

describe("what only the block of a mistaken attach point tells", () => {
  it.each([
    "begin { print(@s); print(strlen(@s)); @t = str(@s, 3) }",
    "begin { for ($kv : @s) { print($kv.0); @t[$kv.0] = $kv.1 } print(@s, 3) }",
    "begin { if (has_key(@s, 1)) { delete(@s, 1) } clear(@s); zero(@s); print(len(@s)) }",
    "begin { @t = @s; @u = @t + 1; print(@u.0); print(@t->x) }",
    "let @s = hash(10); begin { $a = @s[1, 2]; if ($a) { print($a) } }",
    'begin { print(@s[tid].1); printf("%d %s", @s[0], @s[1]) }',
    "begin { $d = nsecs - @s; @h = hist($d); @s++ }",
    "begin /@s[tid]/ { @h[@s[tid]] = count() }",
  ])("is no mistake elsewhere: %s", (text) => {
    expect(codesOf(`kprobes:f { @s = 1 } ${text}`)).toEqual(["unknown-probe-type"]);
  });
});

describe("real scripts of several blocks", () => {
  /** With each of its blocks in turn attached to nothing that there is. */
  function broken(text: string): string[] {
    const { probes } = parse(new Source("test.bt", text), new Diagnostics());
    return probes.map(({ attachPoints }) => {
      const [start, end] = [attachPoints[0]!.span.start, attachPoints.at(-1)!.span.end];
      return `${text.slice(0, start)}nothing:of:the:kind${text.slice(end)}`;
    });
  }
  const scripts = realScripts().filter((text) => !diagnosticsOf(text).hasErrors);
  const all = scripts.flatMap(broken).filter((text) => text.split("{").length > 2);

  it("are enough", () => expect(all.length).toBeGreaterThanOrEqual(20));

  it("with one mistake have one mistake", () => {
    for (const text of all) expect([text, ...codesOf(text)]).toEqual([text, "unknown-probe-type"]);
  });
});
