/** Thrown where a value turns out to be too large for what is to be done with it; it is shown to the user as an error. */
import type { Span } from "../source.ts";

/** Bytes of a text in the script: its words are written by instructions. */
export const MAX_LITERAL_BYTES = 16_384;

export class ValueTooLarge extends Error {
  readonly span: Span | undefined;

  constructor(what: string, bytes: number, most: number, span: Span | undefined) {
    super(`${what} has ${bytes} bytes, and the limit is ${most}`);
    this.span = span;
  }
}
