/** Splits a metric expression into tokens. Positions are offsets in the expression's own Source. */
import type { Diagnostics } from "../../compiler/diagnostics.ts";
import { type Source, type Span, span } from "../../compiler/source.ts";
import type { Num } from "./ast.ts";
import { nearestUnit, parseDecimal, UNITS } from "./units.ts";

const PUNCTUATION = [
  "&&",
  "||",
  "<=",
  ">=",
  "==",
  "!=",
  "<",
  ">",
  "!",
  "+",
  "-",
  "*",
  "/",
  "(",
  ")",
  "[",
  "]",
  ",",
] as const;
export type Punctuation = (typeof PUNCTUATION)[number];

export type Token =
  | { readonly kind: "number"; readonly value: Num; readonly unit: string | undefined; readonly span: Span }
  | { readonly kind: "string"; readonly value: string; readonly span: Span }
  | { readonly kind: "map"; readonly name: string; readonly span: Span }
  | { readonly kind: "name"; readonly name: string; readonly span: Span }
  | { readonly kind: "punctuation"; readonly text: Punctuation; readonly span: Span }
  | { readonly kind: "end"; readonly span: Span };

/** Spellings from other languages, and what to write here. */
const MISTAKEN: Readonly<Record<string, string>> = {
  "=": "compare with `==`",
  "&": "write `&&`",
  "|": "write `||`",
  $: "a map is written with `@`",
  "%": "`%` belongs directly behind a number, as in `5%`",
  ".": "statistics are read with functions, as in `avg(@x)` or `count(@x)`",
};

const NUMBER = /(?:0[xX][0-9a-fA-F]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
const UNIT = /%|[A-Za-z]\w*/y;
const SPACED_UNIT = new RegExp(
  `[ \\t]+(${Object.keys(UNITS)
    .filter((unit) => /\w/.test(unit))
    .join("|")})\\b(?!\\s*\\()`,
  "y",
);
const NAME = /[A-Za-z_]\w*/y;
const MAP = /@\w*/y;
const STRING = /"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/y;
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\s\S]))/g;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "0": "\0" };

/** The tokens up to and including `end`; undefined if a diagnostic was added. */
export function lex(source: Source, diags: Diagnostics): Token[] | undefined {
  const { text } = source;
  const tokens: Token[] = [];
  let offset = 0;

  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = offset;
    return pattern.exec(text);
  };
  const fail = (length: number, code: string, message: string, help?: string): undefined => {
    diags.error(code, span(source, offset, Math.min(text.length, offset + length)), message, { help });
    return undefined;
  };

  for (;;) {
    while (offset < text.length && /\s/.test(text[offset]!)) offset++;
    if (offset >= text.length) {
      tokens.push({ kind: "end", span: span(source, text.length, text.length) });
      return tokens;
    }
    const start = offset;
    const rest = text[start]!;

    const number = match(NUMBER);
    if (number) {
      offset += number[0].length;
      const attached = match(UNIT);
      const unit = attached?.[0] ?? match(SPACED_UNIT)?.[1];
      if (unit !== undefined && !Object.hasOwn(UNITS, unit)) {
        const near = nearestUnit(unit);
        const help = near ? `did you mean \`${number[0]}${near}\`?` : `units are ${Object.keys(UNITS).join(", ")}`;
        return fail(unit.length, "unknown-unit", `unknown unit \`${unit}\``, help);
      }
      offset += attached?.[0].length ?? match(SPACED_UNIT)?.[0].length ?? 0;
      const value = /^0[xX]/.test(number[0])
        ? BigInt(number[0])
        : parseDecimal(number[0], unit ? UNITS[unit] : undefined);
      if (value === undefined) {
        offset = start;
        return fail(number[0].length, "bad-number", `malformed number \`${number[0]}\``);
      }
      tokens.push({ kind: "number", value, unit, span: span(source, start, offset) });
      continue;
    }

    const name = match(NAME)?.[0];
    const map = match(MAP)?.[0];
    const string = match(STRING)?.[0];
    const punctuation = PUNCTUATION.find((p) => text.startsWith(p, start));
    const length = (name ?? map ?? string ?? punctuation)?.length;
    if (length === undefined) {
      if (rest === '"' || rest === "'")
        return fail(text.length, "unterminated-string", "the text has no closing quote", `add ${rest}`);
      const character = String.fromCodePoint(text.codePointAt(start)!);
      return fail(character.length, "unexpected-character", `unexpected \`${character}\``, MISTAKEN[rest]);
    }
    offset += length;
    const where = span(source, start, offset);
    if (name !== undefined) tokens.push({ kind: "name", name, span: where });
    else if (map !== undefined) tokens.push({ kind: "map", name: map, span: where });
    else if (string !== undefined) tokens.push({ kind: "string", value: decodeEscapes(string), span: where });
    else tokens.push({ kind: "punctuation", text: punctuation!, span: where });
  }
}

function decodeEscapes(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(ESCAPE, (_, unicode?: string, byte?: string, character = "") =>
      unicode || byte
        ? String.fromCharCode(Number.parseInt(unicode ?? byte ?? "", 16))
        : (ESCAPES[character] ?? character),
    );
}
