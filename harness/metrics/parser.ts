/**
 * Parses metric expressions and assertions by precedence climbing. A text is one line, so the first error ends it;
 * what remains is reported when that one is mended.
 */
import { type Diagnostics, didYouMean } from "../../compiler/diagnostics.ts";
import { join, type Source, type Span, span, spanText } from "../../compiler/source.ts";
import type { BinaryOp, ComparisonOp, Expression, KeyPart, MapKey } from "./ast.ts";
import { FUNCTIONS } from "./functions.ts";
import { lex, type Punctuation, type Token } from "./lexer.ts";

/** Bounds keep recursion in parser, checker and evaluator shallow, whatever the file holds. */
const MAX_TOKENS = 300;
const MAX_DEPTH = 50;

export const COMPARISONS: ReadonlySet<string> = new Set<ComparisonOp>(["<", "<=", ">", ">=", "==", "!="]);

/** Higher binds tighter. */
const PRECEDENCE: Readonly<Record<BinaryOp, number>> = {
  "||": 1,
  "&&": 2,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  "==": 3,
  "!=": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
};

/** The expression that fills the whole source; undefined if diagnostics were added. */
export function parseExpression(source: Source, diags: Diagnostics): Expression | undefined {
  const tokens = lex(source, diags);
  if (!tokens) return undefined;
  if (tokens.length > MAX_TOKENS) {
    diags.error("expression-too-long", span(source, 0, source.text.length), "the expression is too long", {
      help: "split it into several metrics",
    });
    return undefined;
  }
  try {
    return new Parser(tokens).whole();
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    diags.error(error.code, error.span, error.message, { help: error.help });
    return undefined;
  }
}

/** Carries the first error out of the recursion; never leaves this file. */
class SyntaxProblem extends Error {
  readonly code: string;
  readonly span: Span;
  readonly help: string | undefined;

  constructor(code: string, where: Span, message: string, help?: string) {
    super(message);
    this.code = code;
    this.span = where;
    this.help = help;
  }
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expression {
    const expression = this.#binary(0);
    const token = this.#peek();
    if (token.kind !== "end") throw this.#unexpected(token, "an operator", WORD_OPERATORS[spanText(token.span)]);
    return expression;
  }

  #binary(minimum: number): Expression {
    let left = this.#unary();
    for (;;) {
      const token = this.#peek();
      const op = token.kind === "punctuation" && isBinary(token.text) ? token.text : undefined;
      if (op === undefined || PRECEDENCE[op] <= minimum) return left;
      if (COMPARISONS.has(op) && left.kind === "binary" && COMPARISONS.has(left.op))
        throw new SyntaxProblem(
          "chained-comparison",
          token.span,
          "comparisons cannot be chained",
          "write `a < b && b < c`",
        );
      this.#advance();
      const right = this.#binary(PRECEDENCE[op]);
      left = { kind: "binary", op, left, right, span: join(left.span, right.span) };
    }
  }

  #unary(): Expression {
    const token = this.#peek();
    if (token.kind !== "punctuation" || (token.text !== "-" && token.text !== "!")) return this.#primary();
    this.#advance();
    const operand = this.#nested(token, () => this.#unary());
    return { kind: "unary", op: token.text, operand, span: join(token.span, operand.span) };
  }

  #primary(): Expression {
    const token = this.#advance();
    switch (token.kind) {
      case "number":
        return token;
      case "map":
        return this.#map(token.name, token.span);
      case "name":
        return this.#at("(") ? this.#call(token.name, token.span) : token;
      case "string":
        throw new SyntaxProblem(
          "unexpected-text",
          token.span,
          "a text is no number",
          'texts are map keys: `@map["key"]`',
        );
      case "punctuation": {
        if (token.text !== "(") break;
        const inner = this.#nested(token, () => this.#binary(0));
        const close = this.#expect(")");
        return { ...inner, span: join(token.span, close.span) };
      }
      case "end":
        break;
    }
    throw this.#unexpected(token, "a value");
  }

  #map(name: string, start: Span): Expression {
    if (!this.#at("[")) return { kind: "map", name, key: undefined, span: start };
    this.#advance();
    const key = this.#keyParts("]");
    return { kind: "map", name, key, span: join(start, this.#expect("]").span) };
  }

  #keyParts(close: Punctuation): MapKey {
    const parts: KeyPart[] = [];
    do parts.push(this.#keyPart());
    while (this.#continues(close));
    return parts;
  }

  #keyPart(): KeyPart {
    const token = this.#advance();
    if (token.kind === "string") return token.value;
    if (token.kind === "name" && (token.name === "true" || token.name === "false")) return token.name === "true";
    if (token.kind === "punctuation" && token.text === "(")
      return this.#nested(token, () => {
        const parts = this.#keyParts(")");
        this.#expect(")");
        return parts;
      });
    const negative = token.kind === "punctuation" && token.text === "-";
    const number = negative ? this.#advance() : token;
    if (number.kind === "number" && typeof number.value === "bigint") return negative ? -number.value : number.value;
    const help = number.kind === "name" ? `quote it: "${number.name}"` : "keys are texts and whole numbers";
    throw this.#unexpected(number, "a key", help);
  }

  #call(name: string, start: Span): Expression {
    if (!Object.hasOwn(FUNCTIONS, name)) {
      const help = didYouMean(name, Object.keys(FUNCTIONS)) ?? `functions are ${Object.keys(FUNCTIONS).join(", ")}`;
      throw new SyntaxProblem("unknown-function", start, `unknown function \`${name}\``, help);
    }
    const open = this.#advance();
    const args: Expression[] = [];
    this.#nested(open, () => {
      if (this.#at(")")) return;
      do args.push(this.#binary(0));
      while (this.#continues(")"));
    });
    return { kind: "call", name, args, span: join(start, this.#expect(")").span) };
  }

  #nested<T>(token: Token, parse: () => T): T {
    if (++this.#depth > MAX_DEPTH)
      throw new SyntaxProblem("nested-too-deeply", token.span, "the expression is nested too deeply");
    const result = parse();
    this.#depth--;
    return result;
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #advance(): Token {
    const token = this.#peek();
    if (token.kind !== "end") this.#next++;
    return token;
  }

  #at(text: Punctuation): boolean {
    const token = this.#peek();
    return token.kind === "punctuation" && token.text === text;
  }

  /** Within a list: a comma leads to a next item, `close` ends it and is left for the caller. */
  #continues(close: Punctuation): boolean {
    if (this.#at(close)) return false;
    if (!this.#at(",")) throw this.#unexpected(this.#peek(), `\`,\` or \`${close}\``);
    this.#advance();
    return true;
  }

  #expect(text: Punctuation): Token {
    const token = this.#advance();
    if (token.kind === "punctuation" && token.text === text) return token;
    throw this.#unexpected(token, `\`${text}\``);
  }

  #unexpected(token: Token, wanted: string, help?: string): SyntaxProblem {
    const found = token.kind === "end" ? "the end" : `\`${spanText(token.span)}\``;
    return new SyntaxProblem("syntax", token.span, `expected ${wanted}, found ${found}`, help);
  }
}

const WORD_OPERATORS: Readonly<Record<string, string>> = {
  and: "write `&&`",
  or: "write `||`",
  not: "write `!`",
  is: "write `==`",
};

function isBinary(text: Punctuation): text is BinaryOp & Punctuation {
  return Object.hasOwn(PRECEDENCE, text);
}
