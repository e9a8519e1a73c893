/**
 * The parser's place among the tokens: looking ahead, taking what is expected, and complaining. A complaint is put
 * into the diagnostics and then thrown as RECOVER, which a loop over statements or items catches in order to go on
 * behind the next `;` or `}`. Nothing else is thrown, and it never leaves the parser.
 */
import type { Diagnostic, Diagnostics } from "../diagnostics.ts";
import { type Source, type Span, span } from "../source.ts";
import type { Token, TokenKind } from "./token.ts";

export const RECOVER = new Error("syntax error, to be caught by the parser");

/** Thrown like RECOVER, by a statement that failed but has been read to its end: nothing has to be skipped. */
export const RESUME = new Error("syntax error, to be caught by the parser, which may go on where it is");

/** How deep blocks, parentheses and operands may be nested: later passes recurse over the tree. */
const MAX_NESTING = 200;
/** How many operators, calls and accesses an expression may chain: each makes the tree one level deeper. */
const MAX_CHAIN = 1000;

const EQUALS_HELP = "to compare, write `==`; an assignment is a statement of its own";

/** Operators that other languages write as words. */
export const WORD_OPERATORS: ReadonlyMap<string, string> = new Map([
  ["and", "&&"],
  ["or", "||"],
  ["not", "!"],
]);

const CLOSING = { "(": ")", "[": "]", "{": "}" } as const;
export type Opening = keyof typeof CLOSING;

/** Whether an error is one of the parser's own, and so has been reported. */
export function isReported(error: unknown): boolean {
  return error === RECOVER || error === RESUME;
}

export class Cursor {
  readonly source: Source;
  readonly #diags: Diagnostics;
  readonly #tokens: readonly Token[];
  #position = 0;
  #next: Token;
  #nesting = 0;
  #chain = 0;
  /** Set when an item is given up as a whole: what would be said about its rest means nothing. */
  #muted = false;

  constructor(source: Source, tokens: readonly Token[], diags: Diagnostics) {
    this.source = source;
    this.#tokens = tokens;
    this.#next = tokens[0]!;
    this.#diags = diags;
  }

  // Looking

  /** The token `ahead` of the next one; the end token as often as asked behind the end. */
  peek(ahead = 0): Token {
    if (ahead === 0) return this.#next;
    return this.#tokens[Math.min(this.#position + ahead, this.#tokens.length - 1)]!;
  }

  at(kind: TokenKind): boolean {
    return this.#next.kind === kind;
  }

  atWord(word: string): boolean {
    return this.#next.kind === "word" && this.#next.text === word;
  }

  /** The token taken last, or the first one. */
  get previous(): Token {
    return this.#tokens[Math.max(0, this.#position - 1)]!;
  }

  /** Whether a line break stands before the next token. */
  get onNewLine(): boolean {
    return this.source.text.slice(this.previous.end, this.peek().start).includes("\n");
  }

  /** Changes with each token taken. */
  get progress(): number {
    return this.#position;
  }

  // Taking

  next(): Token {
    const token = this.#next;
    if (token.kind !== "end") this.#next = this.#tokens[++this.#position]!;
    return token;
  }

  accept(kind: TokenKind): boolean {
    if (!this.at(kind)) return false;
    this.next();
    return true;
  }

  acceptWord(word: string): boolean {
    if (!this.atWord(word)) return false;
    this.next();
    return true;
  }

  /** Takes a token of this kind, or complains: "expected `(` behind the name of a macro, found `{`". */
  expect<K extends TokenKind>(kind: K, where: string, help?: string): Token & { kind: K } {
    const token = this.peek();
    if (!isKind(token, kind)) this.unexpected(`${kindName(kind)} ${where}`, { help });
    this.next();
    return token;
  }

  /** Takes the bracket that closes `open`; the complaint also shows where it was opened. */
  close(open: Token & { kind: Opening }, what: string, help?: string): Token {
    const kind = CLOSING[open.kind];
    if (!this.at(kind)) {
      const label = { span: this.span(open), message: `\`${open.text}\` was opened here` };
      const more = { labels: [label], help: help ?? (this.at("=") ? EQUALS_HELP : undefined) };
      this.unexpected(`\`${kind}\` to close ${what}`, more);
    }
    return this.next();
  }

  // Spans

  span(token: Token): Span {
    return span(this.source, token.start, token.end);
  }

  /** From an earlier start to the end of the token taken last. */
  from(start: Token | Span): Span {
    return span(this.source, start.start, Math.max(start.end, this.previous.end));
  }

  // Complaining

  report(code: string, at: Span, message: string, more: Pick<Diagnostic, "help" | "labels"> = {}): void {
    if (!this.#muted) this.#diags.error(code, at, message, more);
  }

  warn(code: string, at: Span, message: string, more: Pick<Diagnostic, "help" | "labels"> = {}): void {
    this.#diags.warning(code, at, message, more);
  }

  fail(code: string, at: Span, message: string, more: Pick<Diagnostic, "help" | "labels"> = {}): never {
    this.report(code, at, message, more);
    throw RECOVER;
  }

  /** Complains that the next token is not `expected`, a phrase. What the lexer has reported is not said twice. */
  unexpected(expected: string, more: Pick<Diagnostic, "help" | "labels"> = {}, code = "unexpected-token"): never {
    const token = this.peek();
    if (token.kind === "error") throw RECOVER;
    const operator = token.kind === "word" ? WORD_OPERATORS.get(token.text) : undefined;
    const help = more.help ?? (operator && `did you mean \`${operator}\`?`);
    // The end is shown behind the last token rather than below the blank lines that follow it.
    const at = token.kind === "end" ? span(this.source, this.previous.end, this.previous.end) : this.span(token);
    this.fail(code, at, `expected ${expected}, found ${describe(token)}`, { ...more, help });
  }

  // Limits

  /** Runs `parse` one level deeper; too many levels are an error rather than a stack overflow. */
  nested<T>(parse: () => T): T {
    if (this.#nesting >= MAX_NESTING) this.#tooDeep(`more than ${MAX_NESTING} levels of nesting`);
    this.#nesting++;
    try {
      return parse();
    } finally {
      this.#nesting--;
    }
  }

  /** Counts one link of a chain such as `a + b + c` or `a.b.c`. */
  link(): void {
    if (this.#chain >= MAX_CHAIN) this.#tooDeep(`more than ${MAX_CHAIN} operators in one expression`);
    this.#chain++;
  }

  /** Runs `parse` for one statement: its chains do not count for the statements behind it. */
  statement<T>(parse: () => T): T {
    const chain = this.#chain;
    try {
      return parse();
    } finally {
      this.#chain = chain;
    }
  }

  #tooDeep(what: string): never {
    const at = this.span(this.peek());
    this.report("nested-too-deep", at, what, { help: "use variables in between" });
    while (!this.at("end") && !this.at("attach-point")) this.next();
    this.#muted = true;
    throw RECOVER;
  }

  // Recovering

  /**
   * Runs `parse` for what stands before a block: a condition, the head of a loop. If that fails, the place is before the
   * block, so that its statements can be read all the same, and the result is undefined.
   */
  head<T>(parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!isReported(error)) throw error;
      while (!this.at("{")) {
        if (this.at("}") || this.at("end") || this.at("attach-point")) throw RECOVER;
        this.next();
      }
      return undefined;
    }
  }

  /**
   * Goes on behind the next semicolon, or stands before the brace that closes the block, the next probe, or the end.
   * Brackets that open on the way are skipped with all they hold.
   */
  skipStatement(): void {
    let depth = 0;
    for (;;) {
      const { kind } = this.peek();
      if (kind === "end" || kind === "attach-point" || kind === "c-definition") return;
      if (depth === 0 && kind === "}") return;
      this.next();
      if (kind === "{") depth++;
      if (kind === "}") {
        depth--;
        if (depth === 0) return;
      }
      if (depth === 0 && kind === ";") return;
    }
  }

  /** Goes on behind the next semicolon or block, or stands before the next probe, C definition, or the end. */
  skipItem(): void {
    this.#muted = false;
    let depth = 0;
    for (;;) {
      const { kind } = this.peek();
      if (kind === "end" || kind === "attach-point" || kind === "c-definition") return;
      this.next();
      if (kind === "{") depth++;
      if (kind === "}") depth--;
      if (depth <= 0 && (kind === "}" || kind === ";")) return;
    }
  }
}

function isKind<K extends TokenKind>(token: Token, kind: K): token is Token & { kind: K } {
  return token.kind === kind;
}

const KIND_NAMES: Partial<Record<TokenKind, string>> = {
  "attach-point": "a probe",
  "c-definition": "a C definition",
  "predicate-start": "`/`",
  "predicate-end": "`/`",
  word: "the name",
  variable: "a variable such as `$x`",
  map: "a map such as `@x`",
  positional: "a positional parameter",
  integer: "a number",
  string: "a string",
  end: "the end of the script",
};

function kindName(kind: TokenKind): string {
  return KIND_NAMES[kind] ?? `\`${kind}\``;
}

/** A token as a message speaks of it. */
function describe(token: Token): string {
  switch (token.kind) {
    case "end":
      return "the end of the script";
    case "string":
      return token.text.length <= 24 ? `the string ${token.text}` : "a string";
    case "c-definition":
      return "a C definition";
    case "attach-point":
      return `the probe \`${shorten(token.text)}\``;
    default:
      return `\`${shorten(token.text)}\``;
  }
}

const shorten = (text: string): string => (text.length <= 40 ? text : `${text.slice(0, 37)}...`);
