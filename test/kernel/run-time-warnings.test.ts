/** What a script is told while it runs. */
import { expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { TextOutput } from "../../harness/tracing/output/text.ts";
import { ScriptOutput } from "../../harness/tracing/script-output.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import { describeKernel } from "../support/privileges.ts";

/** The warnings of a `begin` probe: place and text of each, in a line. */
function warnings(body: string, { tellFailures = true, hasCommand = false } = {}): string[] {
  const diags = new Diagnostics();
  const program = compile(new Source("s.bt", `begin { ${body} }`), hostFacts(), diags, { tellFailures, hasCommand });
  if (!program) throw new Error(renderDiagnostics(diags.errors));
  const printed: Uint8Array[] = [];
  const streams = { out: () => {}, err: (bytes: Uint8Array) => void printed.push(bytes.slice()) };
  const session = loadSession(program, {});
  try {
    const output = new ScriptOutput(session, new TextOutput(streams, { out: false, err: false }));
    session.begin();
    session.drain(output.visit);
  } finally {
    session.close();
  }
  const err = Buffer.concat(printed).toString();
  return [...err.matchAll(/^s\.bt:1:(\d+-\d+): WARNING: (.*)(?:\nAdditional Info - helper: (\w+))?/gm)].map(
    ([, place, text, helper]) => [place, text, helper].filter(Boolean).join(" "),
  );
}

const MISSING = "Can't lookup map element because it does not exist.";

describeKernel("warnings while a script runs", () => {
  it.each<[string, string[]]>([
    ["@a[1] = 1; print(@a[2])", [`26-31 ${MISSING} map_lookup_elem`]],
    ['@a[1] = (1, "a"); print(@a[2])', [`33-38 ${MISSING} map_lookup_elem`]],
    ['@a[1] = buf("a", 1); print(@a[2])', [`36-41 ${MISSING} map_lookup_elem`]],
    ["@a[1] = count(); print(@a[2])", [`32-37 ${MISSING} map_lookup_percpu_elem`]],
    ["@a[1] = avg(5); if (@a[2] > 1) { }", [`29-34 ${MISSING} map_lookup_percpu_elem`]],
    ["@a[1] = max(5); $x = (int64)@a[2]", [`37-42 ${MISSING} map_lookup_percpu_elem`]],
    ["@a[1] = count(); print(@a[1])", []],
    ["@a[1]++; @a[2] += 2; @b[1] = hist(3)", []],
    ["if (has_key(@a, 2)) { } @a[1] = 1; print(len(@a))", []],
  ])("of keys that are not there: %s", (body, expected) => {
    expect(warnings(body)).toEqual(expected);
    expect(warnings(body, { tellFailures: false })).toEqual([]);
  });

  it.each([
    ["print(buf((int8*)0, 10))", "15-32"],
    ["print(str((int8*)0))", "15-28"],
    ["print(*(int8*)0)", "15-24"],
    ["$x = (uint8**)0; join($x)", "26-34"],
  ])("of memory that cannot be read, at all of the call: %s", (body, place) => {
    expect(warnings(body)).toEqual([expect.stringMatching(`^${place} `)]);
  });

  it("of cpid where there is no command, each time that it is read", () => {
    const text = "No child command (`-c`); cpid is zero";
    expect(warnings("if (cpid) { } print(cpid); print(has_cpid)")).toEqual([`13-17 ${text}`, `29-33 ${text}`]);
    expect(warnings("print(cpid)", { hasCommand: true })).toEqual([]);
  });
});
