/**
 * The page about the language against the compiler: every script on it compiles and is formatted as `probewright fmt`
 * would do it, and its tables have every builtin and every setting.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { functions, variables } from "../../compiler/builtins/index.ts";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { settingNames } from "../../compiler/sema/config.ts";
import { Source } from "../../compiler/source.ts";
import { stdlibNames } from "../../compiler/stdlib/stdlib.ts";
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

  /** What the first cells of the page's tables show as code: `name` or `name(...)`. */
  const documented = new Set(
    [...page.matchAll(/^\| ([^|]*`[^|]*) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`(\w+)(?:\([^`]*)?`/g)].map(([, name]) => name!),
    ),
  );

  test.each([
    ["functions", Object.keys(functions)],
    ["variables", Object.keys(variables)],
    ["macros of the standard library", [...stdlibNames()]],
  ])("has all %s in its tables", (_, names) => {
    expect(names.filter((name) => !documented.has(name))).toEqual([]);
  });

  it("has all settings", () => {
    expect(settingNames().filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test.each(scripts)("%s", (text) => {
    const diags = new Diagnostics();
    const program = compile(new Source("language.md", text), fakeFacts(), diags, { files });
    expect(renderDiagnostics(diags.items)).toBe("");
    expect(program).toBeDefined();
    expect(print(parse(new Source("language.md", text), new Diagnostics()))).toBe(text);
  });
});
