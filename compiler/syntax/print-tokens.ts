/** The tokens of a script, for --emit=tokens: one a line, with where it stands. */
import { Diagnostics } from "../diagnostics.ts";
import type { Source } from "../source.ts";
import { tokenize } from "./lexer.ts";

export function printTokens(source: Source): string {
  const { tokens } = tokenize(source, new Diagnostics());
  const lines = tokens.map(({ kind, text, start }) => {
    const { line, column } = source.position(start);
    return `${`${line}:${column}`.padEnd(8)} ${kind.padEnd(16)} ${text}`.trimEnd();
  });
  return `${lines.join("\n")}\n`;
}
