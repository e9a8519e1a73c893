/**
 * The tokens that the lexer makes and the parser reads. A punctuator is its own kind, so that the parser can say
 * `at("+=")`; whatever is lexed by rules of its own (attach points, C definitions, predicate slashes) has a kind too.
 */

/** Longer operators stand before their prefixes: the lexer takes the first that fits. */
export const PUNCTUATORS = [
  "<<=",
  ">>=",
  "++",
  "--",
  "->",
  "..",
  "<<",
  ">>",
  "<=",
  ">=",
  "==",
  "!=",
  "&&",
  "||",
  "+=",
  "-=",
  "*=",
  "/=",
  "%=",
  "&=",
  "|=",
  "^=",
  "+",
  "-",
  "*",
  "/",
  "%",
  "&",
  "|",
  "^",
  "~",
  "!",
  "<",
  ">",
  "=",
  "?",
  ":",
  ";",
  ",",
  ".",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
] as const;

export type Punctuator = (typeof PUNCTUATORS)[number];

export type TokenKind =
  | Punctuator
  /** A whole `name=provider:part:...`, as written. */
  | "attach-point"
  /** A whole `struct`, `union`, `enum` or `typedef` with its semicolon, or a `#` line. */
  | "c-definition"
  /** The slashes around a predicate. */
  | "predicate-start"
  | "predicate-end"
  /** An identifier or a keyword. */
  | "word"
  /** `$x`, `@x`, `@`, and `$1` or `$#`. */
  | "variable"
  | "map"
  | "positional"
  | "integer"
  | "string"
  /** Characters that are no token; the lexer has reported them. */
  | "error"
  | "end";

interface PlainToken {
  readonly kind: Exclude<TokenKind, "integer" | "string">;
  readonly start: number;
  readonly end: number;
  /** As written. */
  readonly text: string;
}

export interface IntegerToken {
  readonly kind: "integer";
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly value: bigint;
}

export interface StringToken {
  readonly kind: "string";
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** With escapes resolved, one character a byte. */
  readonly value: string;
}

export type Token = PlainToken | IntegerToken | StringToken;

/** The words that begin or join statements; they never name a value, a function or a macro. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  "break",
  "continue",
  "else",
  "for",
  "if",
  "let",
  "return",
  "unroll",
  "while",
  "struct",
  "union",
  "enum",
]);

const RESERVED = /^(?:args|ctx|kstack|nsecs|pid|tid|ustack|s?arg\d+|__builtin_\w+)$/;

/** Builtins that nothing hides where they stand alone; a macro, or a parameter of one, may have the name of any other. */
export function isReservedBuiltin(name: string): boolean {
  return RESERVED.test(name);
}
