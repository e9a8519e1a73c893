/**
 * Compiling takes time in proportion to the script. What is looked at is how much more work eight times the lines are, in time on the
 * processor, which others' load does not count in; with enough room for a bad day that only what is far from linear fails.
 */
import { describe, expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { fakeFacts } from "../support/fake-facts.ts";

const facts = fakeFacts();

/** Milliseconds on the processor for compiling a script. */
function workFor(text: string): number {
  const before = process.cpuUsage();
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), facts, diags);
  const { user } = process.cpuUsage(before);
  if (!program) throw new Error(renderDiagnostics(diags.errors));
  return user / 1000;
}

/** Lines of many kinds, of which each `i` gives one. */
const LINES: readonly ((i: number) => string)[] = [
  (i) => `@[${i}] = count();`,
  (i) => `if (pid % ${i + 2} == 1) { $x += ${i} }`,
  (i) => `$v${i} = tid + ${i};`,
  (i) => `@k["name", ${i}] = $v${i - 1};`,
  (i) => `if (tid == ${i}) { if (pid == $x) { @g${i} = nsecs } else { @g${i} = 1 } }`,
  (i) => `@h = hist($x + ${i});`,
  (i) => `$x = $v${i - 4} > 5 ? twice($x) : ${i};`,
  (i) => `printf("%d %s", ${i}, comm);`,
];

function script(lines: number): string {
  const body = Array.from({ length: lines }, (_, i) => LINES[i % LINES.length]!(i)).join("\n");
  return `macro twice(x) { x + x } begin { $x = 1;\n${body}\n}`;
}

describe("the work of compiling", () => {
  it("grows with the script", { timeout: 300_000 }, () => {
    for (let i = 0; i < 3; i++) workFor(script(100));
    const ratios: number[] = [];
    // Thirty-two times eight would be cubic, eight times eight quadratic.
    while (ratios.length < 3 && !(Math.min(...ratios) < 8 * 3))
      ratios.push(workFor(script(4000)) / workFor(script(500)));
    expect(Math.min(...ratios)).toBeLessThan(8 * 3);
  });
});
