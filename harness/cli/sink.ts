/**
 * Where a trace's output goes: standard output or a file. Writing happens in the background, so that a reader who stops
 * reading never keeps us from hearing Ctrl-C; what cannot be written yet is counted, and the one who produces it stops
 * when it is too much. A reader who has gone is no error.
 */
import { close, write } from "node:fs";
import { unreachable } from "../../compiler/unreachable.ts";
import type { Buffering } from "./trace-args.ts";

export class Sink {
  readonly #fd: number;
  readonly #buffering: Buffering;
  readonly #onBroken: () => void;
  /** Held back: the beginning of a line, or what does not fill the buffer yet. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** To be written. */
  #due: Uint8Array[] = [];
  #dueBytes = 0;
  #writing: Promise<void> | undefined;
  #state: "open" | "abandoned" | { failed: Error } = "open";

  /** `onBroken` is called once, when nothing more can be written: the reader has gone, or the disk is full. */
  constructor(fd: number, buffering: Buffering, onBroken: () => void = () => {}) {
    this.#fd = fd;
    this.#buffering = buffering;
    this.#onBroken = onBroken;
  }

  /** Takes bytes; they must not change afterwards. */
  write(bytes: Uint8Array): void {
    if (this.#state !== "open" || bytes.length === 0) return;
    const ready = this.#ready(bytes);
    if (ready === 0) {
      this.#hold(bytes);
    } else {
      this.#due.push(...this.#held, bytes.subarray(0, ready));
      this.#dueBytes += this.#heldBytes + ready;
      this.#held = [];
      this.#heldBytes = 0;
      if (ready < bytes.length) this.#hold(bytes.subarray(ready));
      this.#start();
    }
  }

  /** Whether the one who produces had better wait for `settled`. */
  get congested(): boolean {
    return this.#dueBytes > HIGH_WATER;
  }

  /** Resolves when all that is due has been written. Throws what went wrong; a reader who has gone is nothing wrong. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (typeof this.#state === "object") throw this.#state.failed;
  }

  /** Writes everything, that which is held back included. */
  async flush(): Promise<void> {
    this.#due.push(...this.#held);
    this.#dueBytes += this.#heldBytes;
    this.#held = [];
    this.#heldBytes = 0;
    this.#start();
    await this.settled();
  }

  /** Writes everything and closes the descriptor, unless that is a standard stream. */
  async end(): Promise<void> {
    try {
      await this.flush();
    } finally {
      if (this.#fd > 2) await new Promise<void>((resolve) => close(this.#fd, () => resolve()));
    }
  }

  /** How many of these bytes need not be held back, nor what came before them. */
  #ready(bytes: Uint8Array): number {
    switch (this.#buffering) {
      case "none":
        return bytes.length;
      case "full":
        return this.#heldBytes + bytes.length >= FULL_BUFFER ? bytes.length : 0;
      case "line":
        return bytes.lastIndexOf(NEWLINE) + 1;
      default:
        return unreachable(this.#buffering, "buffering");
    }
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  #start(): void {
    if (this.#due.length > 0) this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    try {
      await undefined; // what else is written in this turn of the event loop goes out with it
      while (this.#due.length > 0) {
        const chunk = Buffer.concat(this.#due);
        this.#due = [];
        for (let done = 0; done < chunk.length; ) done += await this.#writeSome(chunk, done);
        this.#dueBytes -= chunk.length;
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.#state = code === "EPIPE" ? "abandoned" : { failed: error as Error };
      this.#held = [];
      this.#due = [];
      this.#dueBytes = 0;
      this.#onBroken();
    } finally {
      this.#writing = undefined;
    }
  }

  /** Answers how many bytes were written: 0 when a descriptor that does not block has no room. */
  #writeSome(chunk: Buffer, from: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#fd, chunk, from, (error, written) => {
        if (error === null) resolve(written);
        else if (error.code === "EAGAIN") setTimeout(resolve, RETRY_MS, 0);
        else reject(error);
      });
    });
  }
}

const NEWLINE = 0x0a;
const HIGH_WATER = 1024 * 1024;
const FULL_BUFFER = 64 * 1024;
const RETRY_MS = 5;
