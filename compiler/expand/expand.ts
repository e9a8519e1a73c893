/**
 * From the script as it was written to the script as it is checked: macros, those of the standard library and what
 * `#define` made are put where they are used. What came in by imports is part of the script already.
 */
import type { Defines } from "../c/defines.ts";
import type { Diagnostics } from "../diagnostics.ts";
import type { Span } from "../source.ts";
import { stdlibMacros } from "../stdlib/stdlib.ts";
import type { Script } from "../syntax/ast.ts";
import { Expansion, TooLarge } from "./expansion.ts";
import { type MacroDefinition, macroTable } from "./macros.ts";

export interface ExpandOptions {
  defines: Defines;
  /** Names that mean something without any macro. */
  isBuiltin(name: string): boolean;
  diags: Diagnostics;
}

/** The script without macros. Its probes and map declarations are new nodes; the tree that was given stays as it is. */
export function expand(script: Script, { defines, isBuiltin, diags }: ExpandOptions): Script {
  for (const { span, name } of script.functions) {
    diags.error("unsupported", span, `functions cannot be called, so \`${name.text}\` is of no use`, {
      help: "write a macro: `macro name($x) { ... }`",
    });
  }
  const macros = macroTable(script.macros, "script", diags);
  const library = new Map<string, readonly MacroDefinition[]>();
  const session = {
    diags,
    isBuiltin,
    script: (name: string) => macros.get(name) ?? [],
    stdlib: (name: string) => {
      const known = library.get(name) ?? macroTable(stdlibMacros(name), "stdlib", diags).get(name) ?? [];
      library.set(name, known);
      return known;
    },
    define: (name: string, called: boolean, use: Span) => defined(defines, name, called, use, diags),
    expansions: 0,
    outermost: undefined,
    nodes: 0,
    depth: 0,
  };
  const copy = new Expansion(session);
  const result: Script = { ...script, macros: [], functions: [] };
  try {
    result.mapDeclarations = script.mapDeclarations.map((node) => copy.mapDeclaration(node));
    result.probes = script.probes.map((node) => copy.probe(node));
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    diags.error("macro-too-large", session.outermost ?? script.span, error.message);
  }
  return result;
}

/** What `#define` made of a name, as a macro. One that takes arguments means nothing without them, and the reverse. */
function defined(
  defines: Defines,
  name: string,
  called: boolean,
  use: Span,
  diags: Diagnostics,
): MacroDefinition | undefined {
  const define = defines.get(name);
  if (!define || (define.parameters !== undefined) !== called) return undefined;
  const { body, span, parameters = [] } = define;
  if (body) return { name, parameters, body, span, origin: "c" };
  diags.error("unusable-define", use, `what \`${name}\` is defined as cannot be used in an expression`, {
    labels: [{ span, message: "it is defined here" }],
  });
  return undefined;
}
