/** A place in a list of tokens that ends with an "end" token. */
import type { CToken } from "./tokens.ts";

export class TokenList {
  readonly #tokens: readonly CToken[];
  position = 0;

  /** The last of the tokens is of kind "end". */
  constructor(tokens: readonly CToken[]) {
    this.#tokens = tokens;
  }

  peek(ahead = 0): CToken {
    return this.#tokens[Math.min(this.position + ahead, this.#tokens.length - 1)]!;
  }

  get previous(): CToken {
    return this.#tokens[Math.max(0, this.position - 1)]!;
  }

  next(): CToken {
    const token = this.peek();
    if (token.kind !== "end") this.position++;
    return token;
  }

  at(text: string): boolean {
    const { kind, text: found } = this.peek();
    return found === text && (kind === "punctuator" || kind === "word");
  }

  accept(text: string): boolean {
    if (!this.at(text)) return false;
    this.next();
    return true;
  }

  get ended(): boolean {
    return this.peek().kind === "end";
  }

  /** Goes behind the bracket that closes the one which comes next, or to the end. */
  skipBrackets(): void {
    let depth = 0;
    do {
      const { kind, text } = this.next();
      if (kind === "end") return;
      if (kind !== "punctuator") continue;
      if (text === "(" || text === "[" || text === "{") depth++;
      else if (text === ")" || text === "]" || text === "}") depth--;
    } while (depth > 0);
  }
}
