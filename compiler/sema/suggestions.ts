/** What a name that means nothing may have been meant to be: of all that could stand in its place, what is spelled most like it. */
import { functions, variables } from "../builtins/index.ts";
import { didYouMean } from "../diagnostics.ts";
import { stdlibNames } from "../stdlib/stdlib.ts";
import type { Names } from "./names.ts";

/** What the script itself has given names to. */
interface Known {
  names: Names;
  /** Of the script's macros. */
  macros: readonly string[];
}

const STATEMENTS = ["break", "continue", "return"];
const QUERIES = ["sizeof", "offsetof", "typeof", "typeinfo"];

export function similarValue(name: string, { names, macros }: Known): string | undefined {
  return didYouMean(name, [...Object.keys(variables), ...names.constantNames(), ...macros, ...STATEMENTS]);
}

export function similarFunction(name: string, { names, macros }: Known): string | undefined {
  const library = [...Object.keys(functions), ...Object.keys(variables), ...stdlibNames(), ...QUERIES];
  return didYouMean(name, [...library, ...macros, ...names.definitions.defines.names()]);
}
