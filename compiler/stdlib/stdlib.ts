/** Macros of the standard library; a file of it is parsed when a script uses one of its macros. */
import { Diagnostics } from "../diagnostics.ts";
import { Source } from "../source.ts";
import type { Macro } from "../syntax/ast.ts";
import { parse } from "../syntax/parser.ts";
import { SOURCES } from "./sources.ts";

/** Names of macros to the file that has them. */
const FILES: ReadonlyMap<string, string> = new Map(
  Object.entries(SOURCES).flatMap(([file, text]) =>
    [...text.matchAll(/^macro (\w+)/gm)].map(([, name]) => [name!, file] as const),
  ),
);

const parsed = new Map<string, readonly Macro[]>();

/** The macros of that name, with any arguments. */
export function stdlibMacros(name: string): readonly Macro[] {
  const file = FILES.get(name);
  return file === undefined ? [] : macrosOf(file).filter((macro) => macro.name.text === name);
}

export function stdlibNames(): Iterable<string> {
  return FILES.keys();
}

function macrosOf(file: string): readonly Macro[] {
  let macros = parsed.get(file);
  if (!macros) {
    const diags = new Diagnostics();
    macros = parse(new Source(file, SOURCES[file]!), diags).macros;
    if (diags.hasErrors) throw new Error(`${file} cannot be parsed: ${diags.errors[0]!.message}`);
    parsed.set(file, macros);
  }
  return macros;
}
