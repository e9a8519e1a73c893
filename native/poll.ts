/** Waiting for a descriptor to become readable, from the event loop or by blocking. */
import { binding, type RawPoller } from "./addon.ts";
import { check, SysError } from "./errors.ts";
import type { Fd } from "./fd.ts";

/** Calls back from the event loop while a descriptor is readable; it watches a duplicate, so the Fd may be closed. */
export class Poller {
  readonly #raw: RawPoller;
  #closed = false;

  /** `onReadable` is called again and again until what made the descriptor readable is consumed. */
  constructor(fd: Fd, onReadable: () => void) {
    const { label } = fd;
    const raw = binding().pollerOpen(fd.value, (status) => {
      if (this.#closed) return;
      check(status, "poll", { descriptor: label });
      onReadable();
    });
    if (typeof raw === "number") throw new SysError("poll", -raw, { descriptor: label });
    this.#raw = raw;
  }

  /** Keeps the process alive; this is how a Poller starts. */
  ref(): void {
    if (!this.#closed) this.#raw.ref();
  }

  unref(): void {
    if (!this.#closed) this.#raw.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#raw.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Blocks this thread until `fd` is readable; false after `timeoutMs` (-1: wait forever). */
export function pollWait(fd: Fd, timeoutMs: number): boolean {
  return check(binding().pollWait(fd.value, timeoutMs), "poll", { descriptor: fd.label }) > 0;
}
