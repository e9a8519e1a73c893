/** Parses and checks a script for tests of the front end. */

import { isBuiltin } from "../../compiler/builtins/index.ts";
import { type Diagnostic, Diagnostics } from "../../compiler/diagnostics.ts";
import { expand } from "../../compiler/expand/expand.ts";
import { resolveImports } from "../../compiler/expand/imports.ts";
import type { FileHost } from "../../compiler/file-host.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import { check } from "../../compiler/sema/check.ts";
import { readConfig } from "../../compiler/sema/config.ts";
import { Names } from "../../compiler/sema/names.ts";
import { resolveProbes } from "../../compiler/sema/probes.ts";
import type { TypedScript } from "../../compiler/sema/typed.ts";
import { contextNeeds } from "../../compiler/sema/units.ts";
import { Source } from "../../compiler/source.ts";
import { parse } from "../../compiler/syntax/parser.ts";
import { fakeFacts } from "./fake-facts.ts";

export interface Checked {
  typed: TypedScript | undefined;
  diagnostics: Diagnostic[];
}

export function checkScript(
  text: string,
  parameters: string[] = [],
  facts: KernelFacts = fakeFacts(),
  files?: FileHost,
): Checked {
  const diags = new Diagnostics();
  const written = parse(new Source("test.bt", text), diags);
  if (diags.hasErrors) return { typed: undefined, diagnostics: diags.items };
  const whole = resolveImports(written, files, diags);
  const names = Names.read(whole.definitions, { facts, files, includes: [], diags });
  const script = expand(whole, { defines: names.definitions.defines, isBuiltin, diags });
  if (diags.hasErrors) return { typed: undefined, diagnostics: diags.items };
  const config = readConfig(script.config, {}, script.span, { facts, diags });
  const { missingProbes, maxProbes } = config;
  const context = {
    facts,
    diags,
    parameters,
    missingProbes,
    maxProbes,
    unsafe: false,
    targetPid: undefined,
    hasProcess: true,
    command: undefined,
    mode: "trace" as const,
    probeFilter: () => true,
  };
  const blocks = resolveProbes(script.probes, contextNeeds, context);
  const macros = whole.macros.map(({ name }) => name.text);
  const settings = {
    maxStrlen: config.maxStrlen,
    unsafe: false,
    parameters,
    namedParameters: {},
    config,
    names,
    macros,
  };
  const typed = check(script, blocks, facts, settings, diags);
  return { typed, diagnostics: diags.items };
}

/** `code line:column` of each error, in order. */
export function errorsOf(text: string, parameters: string[] = []): string[] {
  return checkScript(text, parameters)
    .diagnostics.filter((d) => d.severity === "error")
    .map((d) => {
      const { line, column } = d.span.source.position(d.span.start);
      return `${d.code} ${line}:${column}`;
    });
}
