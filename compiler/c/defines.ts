/**
 * What `#define` means to a script: an expression of the script's own language, as in `#define MAX (LIMIT * 2)`, or, where it
 * is no such expression, a constant that C can compute (`'a'`, `(unsigned long)-1`).
 */
import { Diagnostics } from "../diagnostics.ts";
import { Source, type Span, span } from "../source.ts";
import type { Expression, Identifier } from "../syntax/ast.ts";
import { parseExpression } from "../syntax/parser.ts";
import type { CMacro, CMacros } from "./macro-expansion.ts";
import { type CToken, tokenSpan, unquoted } from "./tokens.ts";

export interface Define {
  /** The place of its name. */
  span: Span;
  /** Undefined for one that is used without parentheses. */
  parameters: readonly Identifier[] | undefined;
  /** Undefined where it is neither an expression nor a constant: it may be anything, as long as the script leaves it alone. */
  body: Expression | undefined;
}

export class Defines {
  readonly #macros: CMacros;
  readonly #constant: (tokens: readonly CToken[]) => bigint | string | undefined;
  readonly #read = new Map<string, Define>();

  /** `constant` computes what a list of tokens means to C. */
  constructor(macros: CMacros, constant: (tokens: readonly CToken[]) => bigint | string | undefined) {
    this.#macros = macros;
    this.#constant = constant;
  }

  has(name: string): boolean {
    return this.#macros.has(name);
  }

  names(): Iterable<string> {
    return this.#macros.keys();
  }

  get(name: string): Define | undefined {
    const macro = this.#macros.get(name);
    if (!macro) return undefined;
    let define = this.#read.get(name);
    if (!define) {
      define = this.#understand(macro);
      this.#read.set(name, define);
    }
    return define;
  }

  #understand({ name, parameters, body }: CMacro): Define {
    const where = tokenSpan(name);
    return {
      span: where,
      parameters: parameters?.map((parameter) => ({ kind: "identifier", span: where, name: parameter })),
      body: this.#asExpression(name.text, body, parameters) ?? this.#asConstant(body, parameters),
    };
  }

  /**
   * Careful macros put each name in parentheses, which look like casts then: `(a) + (b)`. Only if the names cannot be values
   * is the text taken as it is.
   */
  #asExpression(name: string, body: readonly CToken[], parameters: readonly string[] = []): Expression | undefined {
    if (body.length === 0) return undefined;
    const isValue = (word: string): boolean => parameters.includes(word) || this.#macros.has(word);
    const brackets = body.flatMap((token, i): CToken[] => {
      const [before, word, after] = [body[i - 1], body[i + 1], body[i + 2]];
      const isCall = before?.kind === "word" || before?.text === ")";
      const isAlone = token.text === "(" && word?.kind === "word" && after?.text === ")" && isValue(word.text);
      return isAlone && !isCall ? [token, after] : [];
    });
    const bare = brackets.length > 0 ? expressionIn(name, body, brackets) : undefined;
    return bare ?? expressionIn(name, body, []);
  }

  #asConstant(body: readonly CToken[], parameters: readonly string[] | undefined): Expression | undefined {
    const value = parameters || body.length === 0 ? undefined : this.#constant(body);
    if (value === undefined) return undefined;
    const where = bodySpan(body);
    if (typeof value === "string") return { kind: "string", span: where, value };
    const magnitude: Expression = { kind: "integer", span: where, value: value < 0n ? -value : value };
    return value < 0n ? { kind: "unary", span: where, operator: "-", operand: magnitude } : magnitude;
  }
}

function bodySpan(body: readonly CToken[]): Span {
  const first = body[0]!;
  return span(first.source, first.start, body.at(-1)!.end);
}

/** Parses the text of a body, with some of its tokens left out. */
function expressionIn(name: string, body: readonly CToken[], without: readonly CToken[]): Expression | undefined {
  const { source, start, end } = bodySpan(body);
  // What is left out becomes blanks, as continued lines do, which keeps every place where it is.
  const continued = /\\\r?\n/g;
  const characters = source.text
    .slice(start, end)
    .replace(continued, (line) => " ".repeat(line.length))
    .split("");
  for (const token of without) characters[token.start - start] = " ";
  const text = characters.join("");
  const inner = new Source(name, text, { source, toOuter: (offset) => start + offset });
  return parseExpression(inner, new Diagnostics());
}

/** Strings that stand side by side are one. */
export function joinedStrings(tokens: readonly CToken[]): string | undefined {
  if (tokens.length === 0 || tokens.some(({ kind }) => kind !== "string")) return undefined;
  return tokens.map(unquoted).join("");
}
