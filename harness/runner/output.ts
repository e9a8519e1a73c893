/**
 * A workload may print without end, and the report needs only the beginning, where programs say what they are doing,
 * and the end, where they say why they gave up. The middle is counted and dropped.
 */

/** Bytes of the beginning and, again, of the end that are kept of each stream. */
const CAPTURE_LIMIT = 1 << 20;

/** What is left of a stream. `head` and `tail` are the whole of it when nothing was cut (`tail` is "" then). */
export interface CapturedOutput {
  readonly head: string;
  readonly tail: string;
  /** Bytes dropped between the two. */
  readonly cut: number;
}

/** Keeps the first and the last `limit` bytes of what is appended. */
export class OutputCapture {
  readonly #limit: number;
  readonly #head: Uint8Array[] = [];
  #headBytes = 0;
  /** Chunks whose sum is at least the limit as soon as anything was dropped; the oldest first. */
  #tail: Uint8Array[] = [];
  #tailBytes = 0;
  #total = 0;

  constructor(limit = CAPTURE_LIMIT) {
    this.#limit = limit;
  }

  append(chunk: Uint8Array): void {
    this.#total += chunk.length;
    const room = Math.min(this.#limit - this.#headBytes, chunk.length);
    if (room > 0) {
      this.#head.push(chunk.slice(0, room));
      this.#headBytes += room;
    }
    if (room < chunk.length) this.#appendTail(chunk.slice(room));
  }

  #appendTail(chunk: Uint8Array): void {
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    while (this.#tailBytes - this.#tail[0]!.length >= this.#limit) this.#tailBytes -= this.#tail.shift()!.length;
  }

  /** Everything so far. Bytes that are no UTF-8 appear as U+FFFD. */
  read(): CapturedOutput {
    const tail = Buffer.concat(this.#tail);
    const kept = tail.subarray(Math.max(0, tail.length - this.#limit));
    const cut = this.#total - this.#headBytes - kept.length;
    // An uncut stream is decoded in one piece, so that no character is torn at the limit.
    if (cut === 0) return { head: decode(Buffer.concat([...this.#head, kept])), tail: "", cut };
    return { head: decode(Buffer.concat(this.#head)), tail: decode(kept), cut };
  }
}

export const NO_OUTPUT: CapturedOutput = { head: "", tail: "", cut: 0 };

/** The stream as one text, with a line in the middle that says what is missing. */
export function outputText({ head, tail, cut }: CapturedOutput): string {
  return cut === 0 ? head : `${head}\n[... ${cut} bytes not kept ...]\n${tail}`;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
