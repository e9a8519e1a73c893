/** The line that says what is being done now. Only a terminal has one; it is gone before anything else is printed. */
import { inline, truncate } from "./text.ts";

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const ERASE = "\r\x1b[K";

export class ProgressLine {
  readonly #stream: ProgressStream | undefined;
  #shown = false;

  /** With `enabled` false, or a stream that is no terminal, nothing is ever written. */
  constructor(stream: ProgressStream, enabled: boolean) {
    this.#stream = enabled && stream.isTTY ? stream : undefined;
  }

  show(text: string): void {
    if (this.#stream === undefined) return;
    this.#stream.write(ERASE + truncate(inline(text), (this.#stream.columns || 80) - 1));
    this.#shown = true;
  }

  erase(): void {
    if (this.#shown) this.#stream?.write(ERASE);
    this.#shown = false;
  }
}
