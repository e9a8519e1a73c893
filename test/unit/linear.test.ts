/**
 * Compiling takes time in proportion to the script. What is looked at is how much more work eight times the lines are, in time on the
 * processor, which others' load does not count in; with enough room for a bad day that only what is far from linear fails.
 */
import { describe, expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { parse } from "../../compiler/syntax/parser.ts";
import { cpuMs } from "../support/cpu-time.ts";
import { fakeFacts } from "../support/fake-facts.ts";

const facts = fakeFacts();

/** Milliseconds on the processor for what is done with a script, which has no errors. */
function workFor(stage: (source: Source, diags: Diagnostics) => unknown, text: string): number {
  const diags = new Diagnostics();
  const work = cpuMs(() => stage(new Source("test.bt", text), diags));
  if (diags.hasErrors) throw new Error(renderDiagnostics(diags.errors));
  return work;
}

const compiling = (source: Source, diags: Diagnostics) => compile(source, facts, diags);

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

const PROBE = `tracepoint:syscalls:sys_enter_openat,
tracepoint:syscalls:sys_enter_open
/pid != 0 && comm == "bash"/
{
  // count them
  @opens[str(args.filename), pid] = count();
  $x = (uint64)args->flags & 0x10 + 5ms;
  if ($x > 10 && @a[1] == 2) { printf("%d %s\\n", $x, comm); } else { @b++; }
  for ($i : 0..10) { @c[$i] += 1_000; }
}
`;

describe("work grows with the script", { timeout: 300_000 }, () => {
  it.each([
    { what: "compiling", stage: compiling, text: script, lines: 500 },
    { what: "parsing", stage: parse, text: (lines: number) => PROBE.repeat(lines / 10), lines: 5000 },
  ])("in $what", ({ stage, text, lines }) => {
    for (let i = 0; i < 3; i++) workFor(stage, text(lines / 5));
    const ratios: number[] = [];
    // Thirty-two times eight would be cubic, eight times eight quadratic.
    while (ratios.length < 3 && !(Math.min(...ratios) < 8 * 3))
      ratios.push(workFor(stage, text(lines * 8)) / workFor(stage, text(lines)));
    expect(Math.min(...ratios)).toBeLessThan(8 * 3);
  });
});
