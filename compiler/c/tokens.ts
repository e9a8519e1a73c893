/**
 * The tokens of C: what the preprocessor works on, and after it the parser of declarations. They are cut out of the
 * sources as they are, comments and continued lines left out.
 */
import { type Source, type Span, span } from "../source.ts";

export type CTokenKind = "word" | "number" | "string" | "character" | "punctuator" | "end";

export interface CToken {
  readonly kind: CTokenKind;
  readonly text: string;
  readonly source: Source;
  readonly start: number;
  readonly end: number;
  /** First on its line. */
  readonly startsLine: boolean;
  /** Blanks stand before it. */
  readonly spaced: boolean;
  /** A name that came out of its own macro, and is not expanded any more. */
  readonly final?: true;
}

export function tokenSpan(token: CToken): Span {
  return span(token.source, token.start, token.end);
}

/** Longer ones before their beginnings. */
const PUNCTUATORS = [
  "%:%:",
  "...",
  "<<=",
  ">>=",
  "->",
  "++",
  "--",
  "<<",
  ">>",
  "<=",
  ">=",
  "==",
  "!=",
  "&&",
  "||",
  "*=",
  "/=",
  "%=",
  "+=",
  "-=",
  "&=",
  "^=",
  "|=",
  "##",
];

const BLANK = /(?:[ \t\r\f\v]|\\\r?\n|\/\/(?:\\\r?\n|[^\n])*|\/\*[\s\S]*?(?:\*\/|$))+/y;
const WORD = /[A-Za-z_$][\w$]*/y;
const NUMBER = /\.?[0-9](?:[eEpP][+-]|[\w.])*/y;
const STRING = /(?:u8|[LuU])?"(?:\\[\s\S]|[^"\\\n])*"?/y;
const CHARACTER = /[LuU]?'(?:\\[\s\S]|[^'\\\n])*'?/y;

/** All tokens between two offsets of a source; the last one is of kind "end". Never fails: what is strange is a punctuator. */
export function cTokens(source: Source, start = 0, end = source.text.length): CToken[] {
  const { text } = source;
  const tokens: CToken[] = [];
  let at = start;
  let startsLine = true;
  let spaced = false;
  while (at < end) {
    if (text[at] === "\n") {
      at++;
      startsLine = true;
      continue;
    }
    const blank = match(BLANK, text, at);
    if (blank > at) {
      at = blank;
      spaced = true;
      continue;
    }
    const [kind, next] = tokenAt(text, at);
    const stop = Math.min(next, end);
    tokens.push({ kind, text: text.slice(at, stop), source, start: at, end: stop, startsLine, spaced });
    at = stop;
    startsLine = false;
    spaced = false;
  }
  tokens.push({ kind: "end", text: "", source, start: end, end, startsLine: true, spaced: true });
  return tokens;
}

function tokenAt(text: string, at: number): [kind: CTokenKind, end: number] {
  for (const [pattern, kind] of [
    [STRING, "string"],
    [CHARACTER, "character"],
    [WORD, "word"],
    [NUMBER, "number"],
  ] as const) {
    const end = match(pattern, text, at);
    if (end > at) return [kind, end];
  }
  return ["punctuator", at + (PUNCTUATORS.find((p) => text.startsWith(p, at))?.length ?? 1)];
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** What stands between the quotes, without the prefix; one character a byte. */
export function unquoted({ text }: CToken): string {
  const open = text.search(/["']/);
  return unescaped(text.slice(open + 1, text.length > open + 1 && text.at(-1) === text[open] ? -1 : undefined));
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

function unescaped(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|\r?\n|([\s\S]))/g, (_, hex, octal, other) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    return other === undefined ? "" : (ESCAPES[other] ?? other);
  });
}
