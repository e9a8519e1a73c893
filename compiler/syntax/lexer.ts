/**
 * Characters to tokens, in one pass. The language has three lexical worlds, and the lexer knows by itself in which
 * one it is, so that tokens can be listed without a parser: the top level, where a path in an attach point must not
 * be taken for a division or a comment; a predicate, where a slash before `{` is the end and every other one divides;
 * and code.
 */
import type { Diagnostics } from "../diagnostics.ts";
import { type Source, span } from "../source.ts";
import type { Comment } from "./ast.ts";
import { readInteger, readString } from "./literals.ts";
import { PUNCTUATORS, type Punctuator, type Token, type TokenKind } from "./token.ts";

export interface TokenStream {
  /** In order; the last one is of kind "end". */
  tokens: Token[];
  comments: Comment[];
}

/** Lexes a whole script. Never throws; what is no token is reported and stands as a token of kind "error". */
export function tokenize(source: Source, diags: Diagnostics): TokenStream {
  return new Lexer(source, diags).run();
}

/** The words that open an item of their own at the top level, rather than a probe. */
const ITEM_WORDS: ReadonlySet<string> = new Set(["config", "import", "macro", "let", "fn"]);
const DEFINITION_WORDS: ReadonlySet<string> = new Set(["struct", "union", "enum", "typedef"]);

/** Providers whose attach points hold no path, so that a slash directly behind one begins a predicate. */
const PATHLESS_PROVIDERS: ReadonlySet<string> = new Set(
  (
    "kprobe kretprobe k kr fentry fexit f fr kfunc kretfunc tracepoint t rawtracepoint rt profile p interval i " +
    "software s hardware h watchpoint w asyncwatchpoint aw self bench test"
  ).split(" "),
);

/** One of these at the start of a line, with a colon directly behind it, shows that a block above was never closed. */
const PROBE_WORDS: ReadonlySet<string> = new Set(
  (
    "kprobe kretprobe uprobe uretprobe usdt fentry fexit kfunc kretfunc tracepoint rawtracepoint profile interval " +
    "software hardware watchpoint asyncwatchpoint iter self bench test"
  ).split(" "),
);

/** Habits from other languages, and what is meant. */
const FOREIGN_OPERATORS: readonly [string, Punctuator][] = [
  ["===", "=="],
  ["!==", "!="],
  ["=>", ">="],
  ["=<", "<="],
  ["<>", "!="],
];

/** The punctuators by the code of their first character, longest first. */
const BY_FIRST: readonly (readonly Punctuator[] | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const found = PUNCTUATORS.filter((p) => p.charCodeAt(0) === code);
  return found.length > 0 ? found : undefined;
});

/** After these an expression goes on, so that a `{` opens a block expression and not a probe's body. */
const EXPECTS_OPERAND: ReadonlySet<TokenKind> = new Set<TokenKind>([
  ...PUNCTUATORS.filter((p) => ![")", "]", "}", "++", "--"].includes(p)),
  "predicate-start",
]);

const [TAB, NEWLINE, RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
const [QUOTE, HASH, DOLLAR, APOSTROPHE, STAR, COMMA, DOT, SLASH] = [0x22, 0x23, 0x24, 0x27, 0x2a, 0x2c, 0x2e, 0x2f];
const [COLON, SEMICOLON, AT, BACKSLASH, LEFT_BRACE, RIGHT_BRACE] = [0x3a, 0x3b, 0x40, 0x5c, 0x7b, 0x7d];

/** Blanks and `)`, `]`, `;`, `}`. */
const ENDS_STATEMENT: ReadonlySet<number> = new Set([SPACE, TAB, RETURN, 0x29, 0x5d, SEMICOLON, RIGHT_BRACE]);

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
const isWordStart = (c: number): boolean => (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || c === 0x5f;
const isWord = (c: number): boolean => isWordStart(c) || isDigit(c);
const isSpace = (c: number): boolean => c === SPACE || (c >= TAB && c <= RETURN);

class Lexer {
  readonly #source: Source;
  readonly #text: string;
  readonly #diags: Diagnostics;
  readonly #tokens: Token[] = [];
  readonly #comments: Comment[] = [];
  #pos = 0;
  #mode: "top" | "predicate" | "code" = "top";
  /** Open braces in code and in predicates. */
  #depth = 0;
  /** How many words `if` in a predicate still wait for their block. */
  #openIfs = 0;
  /** A `let` at the top level may end without a semicolon. */
  #inMapDeclaration = false;

  constructor(source: Source, diags: Diagnostics) {
    this.#source = source;
    this.#text = source.text;
    this.#diags = diags;
  }

  run(): TokenStream {
    if (this.#at(0) === 0xfeff) this.#pos = 1;
    for (;;) {
      this.#skipLayout();
      if (this.#pos >= this.#text.length) break;
      if (this.#mode === "top") this.#topLevel();
      else this.#code();
    }
    this.#push("end", this.#text.length, this.#text.length);
    return { tokens: this.#tokens, comments: this.#comments };
  }

  /** The character code at an offset from the current position; NaN behind the end, which equals nothing. */
  #at(offset: number): number {
    return this.#text.charCodeAt(this.#pos + offset);
  }

  #push(kind: Exclude<TokenKind, "integer" | "string">, start: number, end: number): void {
    this.#tokens.push({ kind, start, end, text: this.#text.slice(start, end) });
    this.#pos = end;
  }

  #error(code: string, start: number, end: number, message: string, help?: string): void {
    this.#diags.error(code, span(this.#source, start, end), message, { help });
  }

  #wordEnd(start: number): number {
    let end = start;
    while (isWord(this.#text.charCodeAt(end))) end++;
    return end;
  }

  // Layout

  #skipLayout(): void {
    for (;;) {
      const c = this.#at(0);
      if (isSpace(c)) this.#pos++;
      else if (this.#isComment(this.#pos)) this.#comment();
      else if (c === HASH && this.#at(1) === 0x21 && this.#tokens.length === 0) this.#pushComment(this.#lineEnd());
      else return;
    }
  }

  #isComment(at: number): boolean {
    if (this.#text.charCodeAt(at) !== SLASH) return false;
    const next = this.#text.charCodeAt(at + 1);
    return next === SLASH || next === STAR;
  }

  #comment(): void {
    const start = this.#pos;
    if (this.#at(1) === SLASH) {
      this.#pushComment(this.#lineEnd());
      return;
    }
    const close = this.#text.indexOf("*/", start + 2);
    if (close < 0) this.#error("unterminated-comment", start, start + 2, "this comment never ends", "end it with `*/`");
    this.#pushComment(close < 0 ? this.#text.length : close + 2);
  }

  #pushComment(end: number): void {
    const text = this.#text.slice(this.#pos, end).trimEnd();
    this.#comments.push({ kind: "comment", span: span(this.#source, this.#pos, this.#pos + text.length), text });
    this.#pos = end;
  }

  #lineEnd(): number {
    const end = this.#text.indexOf("\n", this.#pos);
    return end < 0 ? this.#text.length : end;
  }

  /** Where the next token would begin, from `at` on. */
  #afterLayout(at: number): number {
    let i = at;
    for (;;) {
      if (isSpace(this.#text.charCodeAt(i))) i++;
      else if (this.#isComment(i)) {
        const line = this.#text.charCodeAt(i + 1) === SLASH;
        const end = line ? this.#text.indexOf("\n", i) : this.#text.indexOf("*/", i + 2);
        i = end < 0 ? this.#text.length : end + (line ? 1 : 2);
      } else return i;
    }
  }

  // The top level

  #topLevel(): void {
    const start = this.#pos;
    const c = this.#at(0);
    if (c === LEFT_BRACE) {
      this.#push("{", start, start + 1);
      this.#mode = "code";
      this.#depth = 1;
    } else if (c === RIGHT_BRACE) this.#push("}", start, start + 1);
    else if (c === SEMICOLON) this.#push(";", start, start + 1);
    else if (c === COMMA) this.#push(",", start, start + 1);
    else if (c === SLASH) {
      this.#push("predicate-start", start, start + 1);
      this.#mode = "predicate";
      this.#depth = 0;
      this.#openIfs = 0;
    } else if (c === HASH) this.#directive();
    else if (isWordStart(c)) this.#topLevelWord();
    else this.#attachPoint();
  }

  #topLevelWord(): void {
    const end = this.#wordEnd(this.#pos);
    const word = this.#text.slice(this.#pos, end);
    if (DEFINITION_WORDS.has(word) && this.#startsDefinition(word, end)) {
      this.#definition(word);
    } else if (ITEM_WORDS.has(word) && this.#text.charCodeAt(end) !== COLON) {
      this.#push("word", this.#pos, end);
      this.#mode = "code";
      this.#depth = 0;
      this.#inMapDeclaration = word === "let";
    } else {
      this.#attachPoint();
    }
  }

  /** A `#define` or `#include` line, together with the lines that a backslash continues it on. */
  #directive(): void {
    const start = this.#pos;
    let end = this.#lineEnd();
    while (end < this.#text.length && /\\\r?$/.test(this.#text.slice(Math.max(start, end - 2), end))) {
      this.#pos = end + 1;
      end = this.#lineEnd();
    }
    this.#push("c-definition", start, start + this.#text.slice(start, end).trimEnd().length);
  }

  /** Whether names, attributes and then `{` or `;` follow: an attach point never looks like that. */
  #startsDefinition(word: string, wordEnd: number): boolean {
    let at = this.#afterLayout(wordEnd);
    if (word === "typedef") return isWordStart(this.#text.charCodeAt(at));
    // A definition has few words before its brace; the bound keeps hostile input from being scanned again and again.
    for (let words = 0; words < 16; words++) {
      const c = this.#text.charCodeAt(at);
      if (c === LEFT_BRACE || (c === SEMICOLON && words > 0)) return true;
      if (isWordStart(c)) at = this.#wordEnd(at);
      else if (this.#text.startsWith("((", at)) at = this.#closing(at, "(", ")").end;
      else return false;
      at = this.#afterLayout(at);
    }
    return false;
  }

  /** The offset behind the bracket that closes the one at `start`, comments and strings left out; or the text's end. */
  #closing(start: number, open: string, close: string): { end: number; closed: boolean } {
    let depth = 0;
    let i = start;
    while (i < this.#text.length) {
      const c = this.#text[i];
      if (c === '"' || c === "'") i = this.#stringEnd(i, this.#text.charCodeAt(i)).end;
      else if (this.#isComment(i)) i = this.#afterLayout(i);
      else {
        if (c === open) depth++;
        if (c === close) depth--;
        i++;
        if (depth <= 0) return { end: i, closed: depth === 0 };
      }
    }
    return { end: i, closed: false };
  }

  #definition(word: string): void {
    const start = this.#pos;
    let end = start;
    while (end < this.#text.length && this.#text[end] !== "{" && this.#text[end] !== ";") end++;
    if (this.#text[end] === "{") {
      const braces = this.#closing(end, "{", "}");
      if (!braces.closed) {
        const message = `the brace of this \`${word}\` is never closed`;
        this.#error("missing-brace", end, end + 1, message, "close it with `}`");
        this.#push("c-definition", start, braces.end);
        return;
      }
      end = braces.end;
    }
    this.#push("c-definition", start, this.#definitionEnd(word, end));
  }

  /** Behind the closing brace: names up to the semicolon of a `typedef`, else attributes and maybe a semicolon. */
  #definitionEnd(word: string, braceEnd: number): number {
    if (word === "typedef") return this.#typedefEnd(braceEnd);
    let end = braceEnd;
    for (;;) {
      const next = this.#afterLayout(end);
      if (this.#text[next] === ";") return next + 1;
      if (!this.#text.startsWith("__attribute__", next)) return end;
      const open = this.#afterLayout(next + "__attribute__".length);
      const parentheses = this.#closing(open, "(", ")");
      if (!this.#text.startsWith("((", open) || !parentheses.closed) {
        const message = "an attribute has two pairs of parentheses: `__attribute__((packed))`";
        this.#error("bad-attribute", next, next + "__attribute__".length, message);
        return open;
      }
      end = parentheses.end;
    }
  }

  #typedefEnd(braceEnd: number): number {
    let end = braceEnd;
    while (end < this.#text.length && !"{};".includes(this.#text[end]!)) end++;
    if (this.#text[end] === ";") return end + 1;
    const last = braceEnd + this.#text.slice(braceEnd, end).split("\n", 1)[0]!.trimEnd().length;
    this.#error("missing-semicolon", this.#pos, this.#pos + "typedef".length, "this `typedef` does not end with `;`");
    return last;
  }

  /** Everything up to whitespace, a comma, a brace, or a slash that cannot belong to a path. */
  #attachPoint(): void {
    const start = this.#pos;
    let end = start;
    let colons = 0;
    let pathless = false;
    for (; end < this.#text.length; end++) {
      const c = this.#text.charCodeAt(end);
      if (isSpace(c) || c === COMMA || c === LEFT_BRACE || c === RIGHT_BRACE || c === SEMICOLON) break;
      if (c === SLASH && (colons === 0 || pathless)) break;
      if (c === COLON && ++colons === 1) pathless = this.#isPathless(start, end);
      if (c === QUOTE) {
        const string = this.#stringEnd(end, QUOTE);
        if (!string.closed) this.#unterminated(end, string.end);
        end = string.end - 1;
      }
    }
    this.#push("attach-point", start, end);
  }

  #isPathless(start: number, colon: number): boolean {
    const head = this.#text.slice(start, colon);
    return PATHLESS_PROVIDERS.has(head.slice(head.indexOf("=") + 1));
  }

  // Predicates and code

  #code(): void {
    const start = this.#pos;
    const c = this.#at(0);
    if (isWordStart(c)) this.#word();
    else if (isDigit(c)) this.#number();
    else if (c === QUOTE || c === APOSTROPHE) this.#string(c);
    else if (c === DOLLAR) this.#dollar();
    else if (c === AT) this.#push("map", start, isWordStart(this.#at(1)) ? this.#wordEnd(start + 1) : start + 1);
    else if (c === LEFT_BRACE) this.#openBrace();
    else if (c === RIGHT_BRACE) this.#closeBrace();
    else if (this.#endsPredicate(c)) {
      this.#push("predicate-end", start, start + 1);
      this.#mode = "code";
    } else this.#punctuator(c);
  }

  #endsPredicate(c: number): boolean {
    if (c !== SLASH || this.#mode !== "predicate" || this.#depth > 0) return false;
    const next = this.#afterLayout(this.#pos + 1);
    return next >= this.#text.length || this.#text[next] === "{";
  }

  #openBrace(): void {
    // A body without the closing slash of the predicate before it: the parser will say so.
    if (this.#mode === "predicate" && this.#depth === 0 && !this.#opensValue()) this.#mode = "code";
    this.#depth++;
    this.#push("{", this.#pos, this.#pos + 1);
  }

  /** Whether a brace in a predicate opens a block expression, or a branch of an `if`. */
  #opensValue(): boolean {
    const previous = this.#tokens.at(-1);
    if (!previous || EXPECTS_OPERAND.has(previous.kind) || previous.text === "else") return true;
    if (this.#openIfs === 0) return false;
    this.#openIfs--;
    return true;
  }

  #closeBrace(): void {
    this.#push("}", this.#pos, this.#pos + 1);
    if (this.#depth > 0) this.#depth--;
    else this.#mode = "top";
    if (this.#depth === 0 && this.#mode === "code") this.#mode = "top";
  }

  #word(): void {
    const start = this.#pos;
    const end = this.#wordEnd(start);
    if (this.#startsForgottenProbe(start, end)) {
      this.#mode = "top";
      this.#depth = 0;
      this.#attachPoint();
    } else {
      this.#push("word", start, end);
      if (this.#depth === 0 && this.#tokens.at(-1)?.text === "if") this.#openIfs++;
    }
  }

  #startsForgottenProbe(start: number, end: number): boolean {
    if (start > 0 && this.#text.charCodeAt(start - 1) !== NEWLINE) return false;
    const word = this.#text.slice(start, end);
    if (this.#text.charCodeAt(end) === COLON) {
      return PROBE_WORDS.has(word) && !(isSpace(this.#text.charCodeAt(end + 1)) || end + 1 === this.#text.length);
    }
    return /^(?:begin|end)$/i.test(word) && this.#text[this.#afterLayout(end)] === "{";
  }

  #number(): void {
    const start = this.#pos;
    const end = this.#wordEnd(start);
    const text = this.#text.slice(start, end);
    const result = readInteger(text);
    let value = 0n;
    if (typeof result === "bigint") value = result;
    else this.#error(result.code, start, end, result.message, result.help);
    this.#tokens.push({ kind: "integer", start, end, text, value });
    this.#pos = end;
    if (this.#at(0) === DOT && isDigit(this.#at(1)) && this.#tokens.at(-2)?.kind !== ".") {
      this.#pos = this.#wordEnd(end + 1);
      this.#error("bad-number", start, this.#pos, "there are no fractions: all numbers are integers");
    }
  }

  /**
   * Where the literal that opens at `start` ends: behind its quote; or, if the line has none, before the brackets and
   * semicolons at the line's end, which hardly belong to it.
   */
  #stringEnd(start: number, quote: number): { end: number; closed: boolean } {
    let i = start + 1;
    let lastOfText = start;
    for (; i < this.#text.length; i++) {
      const c = this.#text.charCodeAt(i);
      if (c === quote) return { end: i + 1, closed: true };
      if (c === NEWLINE) break;
      if (c === BACKSLASH && this.#text.charCodeAt(i + 1) !== NEWLINE && i + 1 < this.#text.length) i++;
      if (!ENDS_STATEMENT.has(c)) lastOfText = i;
    }
    return { end: lastOfText + 1, closed: false };
  }

  #string(quote: number): void {
    const start = this.#pos;
    const { end, closed } = this.#stringEnd(start, quote);
    if (quote === APOSTROPHE) {
      const help = 'put strings in double quotes: "like this"; a single character is written as its number';
      this.#error("single-quotes", start, end, "single quotes mean nothing here", help);
    } else if (!closed) this.#unterminated(start, end);
    const inside = this.#text.slice(start + 1, closed ? end - 1 : end);
    const { value, problems } = readString(inside);
    for (const p of problems) this.#error(p.code, start + 1 + p.start, start + 1 + p.end, p.message, p.help);
    this.#tokens.push({ kind: "string", start, end, text: this.#text.slice(start, end), value });
    this.#pos = end;
  }

  #unterminated(start: number, end: number): void {
    this.#error("unterminated-string", start, end, "this string has no closing quote", 'end it with `"` on its line');
  }

  #dollar(): void {
    const start = this.#pos;
    const next = this.#at(1);
    if (isWordStart(next)) this.#push("variable", start, this.#wordEnd(start + 1));
    else if (next === HASH) this.#push("positional", start, start + 2);
    else if (isDigit(next)) {
      let end = start + 1;
      while (isDigit(this.#text.charCodeAt(end))) end++;
      this.#push("positional", start, end);
    } else {
      const help = "variables look like `$name`, positional parameters like `$1`";
      this.#error("unexpected-character", start, start + 1, "a name or a number has to follow `$`", help);
      this.#push("error", start, start + 1);
    }
  }

  #punctuator(c: number): void {
    const start = this.#pos;
    for (const [written, meant] of FOREIGN_OPERATORS) {
      if (!this.#text.startsWith(written, start)) continue;
      const end = start + written.length;
      this.#error("unknown-operator", start, end, `there is no operator \`${written}\``, `did you mean \`${meant}\`?`);
      this.#tokens.push({ kind: meant, start, end, text: written });
      this.#pos = end;
      return;
    }
    const found = BY_FIRST[c]?.find((p) => p.length === 1 || this.#text.startsWith(p, start));
    if (found === undefined) {
      this.#unexpectedCharacters();
      return;
    }
    this.#push(found, start, start + found.length);
    const endsItem = found === ";" || (found === ")" && this.#inMapDeclaration);
    if (this.#mode === "code" && this.#depth === 0 && endsItem) {
      this.#mode = "top";
      this.#inMapDeclaration = false;
    }
  }

  #unexpectedCharacters(): void {
    const start = this.#pos;
    const codePoint = this.#text.codePointAt(start) ?? 0;
    const end = start + (codePoint > 0xffff ? 2 : 1);
    const character = String.fromCodePoint(codePoint);
    let help: string | undefined;
    if (/[\u201c-\u201f\u2018-\u201b\u00ab\u00bb]/.test(character)) help = 'use the plain quote `"`';
    else if (/\s/.test(character)) help = "replace it by an ordinary space";
    else if (character === "#") help = "a comment starts with `//`; C definitions stand before the first probe";
    else if (character === "\\") help = "statements may span lines without a backslash";
    const name = /[\p{L}\p{N}\p{P}\p{S}]/u.test(character)
      ? `\`${character}\``
      : `the character U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
    this.#error("unexpected-character", start, end, `${name} means nothing here`, help);
    this.#push("error", start, end);
  }
}
