/** Every script on the page about the language compiles, and is formatted as `probewright fmt` would do it. */
import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { parse } from "../../compiler/syntax/parser.ts";
import { print } from "../../compiler/syntax/printer.ts";
import { fakeFiles } from "../support/c-definitions.ts";
import { fakeFacts } from "../support/fake-facts.ts";

const page = readFileSync(new URL("../../docs/language.md", import.meta.url), "utf8");
const scripts = [...page.matchAll(/```bpftrace\n([\s\S]*?)```/g)].map((match) => match[1]!);
const files = fakeFiles({ "/usr/include/errno.h": "#define EPERM 1\n" });

describe("docs/language.md", () => {
  it("has examples", () => {
    expect(scripts.length).toBeGreaterThan(5);
  });

  test.each(scripts)("%s", (text) => {
    const diags = new Diagnostics();
    const program = compile(new Source("language.md", text), fakeFacts(), diags, { files });
    expect(renderDiagnostics(diags.items)).toBe("");
    expect(program).toBeDefined();
    expect(print(parse(new Source("language.md", text), new Diagnostics()))).toBe(text);
  });
});
