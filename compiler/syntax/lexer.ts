/**
 * Characters to tokens, in one pass. The language has three lexical worlds, and the lexer knows by itself in which
 * one it is, so that tokens can be listed without a parser: the top level, where a path in an attach point must not
 * be taken for a division or a comment; a predicate, where a slash before `{` is the end and every other one divides;
 * and code.
 */
import type { Diagnostics } from "../diagnostics.ts";
import { isRawByte, RAW_BYTE, type Source, span } from "../source.ts";
import type { Comment } from "./ast.ts";
import { DEFINITION_WORDS, definitionEnd, directiveEnd, startsDefinition } from "./definition-scanner.ts";
import { readInteger, readString } from "./literals.ts";
import { afterLayout, CODE, isComment, isDigit, isSpace, isWordStart, lineEnd, stringEnd, wordEnd } from "./scan.ts";
import { PUNCTUATORS, type Punctuator, type Token, type TokenKind } from "./token.ts";

export interface TokenStream {
  /** In order; the last one is of kind "end". */
  tokens: Token[];
  comments: Comment[];
}

/**
 * Lexes a whole script, or a text that is all code. Never throws; what is no token is reported and stands as a token of kind
 * "error".
 */
export function tokenize(source: Source, diags: Diagnostics, text: "script" | "code" = "script"): TokenStream {
  return new Lexer(source, diags, text).run();
}

/** The words that open an item of their own at the top level, rather than a probe. */
const ITEM_WORDS: ReadonlySet<string> = new Set(["config", "import", "macro", "let", "fn"]);

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

const STARTS_FOREIGN = FOREIGN_OPERATORS.map(([written]) => written[0]!).join("");

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
  /** A `let` at the top level may end without a semicolon, behind the last of its parentheses. */
  #inMapDeclaration = false;
  #openParentheses = 0;

  constructor(source: Source, diags: Diagnostics, text: "script" | "code") {
    this.#source = source;
    this.#text = source.text;
    this.#diags = diags;
    // One level deeper than it ends, so that nothing leads to the top level.
    if (text === "code") {
      this.#mode = "code";
      this.#depth = 1;
    }
  }

  run(): TokenStream {
    if (this.#at(0) === CODE.byteOrderMark) this.#pos = 1;
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

  // Layout

  #skipLayout(): void {
    for (;;) {
      const c = this.#at(0);
      if (isSpace(c)) this.#pos++;
      else if (isComment(this.#text, this.#pos)) this.#comment();
      else if (c === CODE.hash && this.#at(1) === CODE.bang && this.#tokens.length === 0)
        this.#pushComment(lineEnd(this.#text, this.#pos));
      else return;
    }
  }

  #comment(): void {
    const start = this.#pos;
    if (this.#at(1) === CODE.slash) {
      this.#pushComment(lineEnd(this.#text, this.#pos));
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

  // The top level

  #topLevel(): void {
    const start = this.#pos;
    const c = this.#at(0);
    if (c === CODE.leftBrace) {
      this.#push("{", start, start + 1);
      this.#mode = "code";
      this.#depth = 1;
    } else if (c === CODE.rightBrace) this.#push("}", start, start + 1);
    else if (c === CODE.semicolon) this.#push(";", start, start + 1);
    else if (c === CODE.comma) this.#push(",", start, start + 1);
    else if (c === CODE.slash) {
      this.#push("predicate-start", start, start + 1);
      this.#mode = "predicate";
      this.#depth = 0;
      this.#openIfs = 0;
    } else if (c === CODE.hash) this.#push("c-definition", start, directiveEnd(this.#text, start));
    else if (isWordStart(c)) this.#topLevelWord();
    else this.#attachPoint();
  }

  #topLevelWord(): void {
    const end = wordEnd(this.#text, this.#pos);
    const word = this.#text.slice(this.#pos, end);
    if (DEFINITION_WORDS.has(word) && startsDefinition(this.#text, word, end)) {
      this.#definition(word);
    } else if (ITEM_WORDS.has(word) && this.#text.charCodeAt(end) !== CODE.colon) {
      this.#push("word", this.#pos, end);
      this.#mode = "code";
      this.#depth = 0;
      this.#inMapDeclaration = word === "let";
      this.#openParentheses = 0;
    } else {
      this.#attachPoint();
    }
  }

  #definition(word: string): void {
    const { end, problem } = definitionEnd(this.#text, this.#pos, word);
    if (problem) this.#error(problem.code, problem.start, problem.end, problem.message, problem.help);
    this.#push("c-definition", this.#pos, end);
  }

  /** Everything up to whitespace, a comma, a brace, or a slash that cannot belong to a path. */
  #attachPoint(): void {
    const start = this.#pos;
    let end = start;
    let colons = 0;
    let pathless = false;
    for (; end < this.#text.length; end++) {
      const c = this.#text.charCodeAt(end);
      if (isSpace(c) || c === CODE.comma || c === CODE.leftBrace || c === CODE.rightBrace || c === CODE.semicolon)
        break;
      if (c === CODE.slash && (colons === 0 || pathless)) break;
      if (c === CODE.colon && ++colons === 1) pathless = this.#isPathless(start, end);
      if (c === CODE.quote) {
        const string = stringEnd(this.#text, end);
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
    else if (c === CODE.quote || c === CODE.apostrophe) this.#string(c);
    else if (c === CODE.dollar) this.#dollar();
    else if (c === CODE.at)
      this.#push("map", start, isWordStart(this.#at(1)) ? wordEnd(this.#text, start + 1) : start + 1);
    else if (c === CODE.leftBrace) this.#openBrace();
    else if (c === CODE.rightBrace) this.#closeBrace();
    else if (this.#endsPredicate(c)) {
      this.#push("predicate-end", start, start + 1);
      this.#mode = "code";
    } else this.#punctuator(c);
  }

  #endsPredicate(c: number): boolean {
    if (c !== CODE.slash || this.#mode !== "predicate" || this.#depth > 0) return false;
    const next = afterLayout(this.#text, this.#pos + 1);
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
    const end = wordEnd(this.#text, start);
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
    if (start > 0 && this.#text.charCodeAt(start - 1) !== CODE.newline) return false;
    const word = this.#text.slice(start, end);
    if (this.#text.charCodeAt(end) === CODE.colon) {
      return PROBE_WORDS.has(word) && !(isSpace(this.#text.charCodeAt(end + 1)) || end + 1 === this.#text.length);
    }
    return /^(?:begin|end)$/i.test(word) && this.#text[afterLayout(this.#text, end)] === "{";
  }

  #number(): void {
    const start = this.#pos;
    const end = wordEnd(this.#text, start);
    const text = this.#text.slice(start, end);
    const result = readInteger(text);
    let value = 0n;
    if (typeof result === "bigint") value = result;
    else this.#error(result.code, start, end, result.message, result.help);
    this.#tokens.push({ kind: "integer", start, end, text, value });
    this.#pos = end;
    if (this.#at(0) === CODE.dot && isDigit(this.#at(1)) && this.#tokens.at(-2)?.kind !== ".") {
      this.#pos = wordEnd(this.#text, end + 1);
      this.#error("bad-number", start, this.#pos, "there are no fractions: all numbers are integers");
    }
  }

  #string(quote: number): void {
    const start = this.#pos;
    const { end, closed } = stringEnd(this.#text, start);
    if (quote === CODE.apostrophe) {
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
    if (isWordStart(next)) this.#push("variable", start, wordEnd(this.#text, start + 1));
    else if (next === CODE.hash) this.#push("positional", start, start + 2);
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
    const foreign = STARTS_FOREIGN.includes(this.#text[start]!)
      ? FOREIGN_OPERATORS.find(([written]) => this.#text.startsWith(written, start))
      : undefined;
    if (foreign) {
      const [written, meant] = foreign;
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
    if (found === "(") this.#openParentheses++;
    if (found === ")") this.#openParentheses--;
    const endsItem = found === ";" || (found === ")" && this.#inMapDeclaration && this.#openParentheses <= 0);
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
    this.#error("unexpected-character", start, end, `${nameOf(codePoint, character)} means nothing here`, help);
    this.#push("error", start, end);
  }
}

/** A character in a message: itself where it can be seen. */
function nameOf(codePoint: number, character: string): string {
  if (isRawByte(codePoint)) return `the byte 0x${(codePoint - RAW_BYTE).toString(16)}, which is not UTF-8,`;
  if (/[\p{L}\p{N}\p{P}\p{S}]/u.test(character)) return `\`${character}\``;
  return `the character U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
}
