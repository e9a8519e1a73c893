/** What is going on, on a terminal in one line that is written over and over; elsewhere only the names of the benchmarks. */
import { performance } from "node:perf_hooks";

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  #title = "";
  #start = performance.now();

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  begin(title: string): void {
    this.clear();
    this.#title = title;
    this.#start = performance.now();
    if (!this.#stream.isTTY) this.#stream.write(`${title}\n`);
  }

  step(text: string): void {
    if (!this.#stream.isTTY) return;
    const seconds = Math.round((performance.now() - this.#start) / 1000);
    const line = `${this.#title}: ${text} (${seconds} s)`;
    this.#stream.write(`\r\x1b[K${line.slice(0, this.#stream.columns - 1)}`);
  }

  /** Leaves the line empty. */
  clear(): void {
    if (this.#stream.isTTY) this.#stream.write("\r\x1b[K");
  }
}
