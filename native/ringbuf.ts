/**
 * Reading a BPF ring buffer. Records are copied out in bulk into one buffer that is used again and again, so that a
 * hundred thousand events a second cost no allocation; a visitor sees each of them in place.
 */
import { MapType } from "./abi.ts";
import { binding, type RawRingBuffer } from "./addon.ts";
import { check, SysError } from "./errors.ts";
import type { MapFd } from "./map.ts";
import { Poller, pollWait } from "./poll.ts";

/**
 * Sees one record: `length` bytes at `offset` of `view`, which is only valid during the call. False ends the drain behind
 * this record.
 */
export type RecordVisitor = (view: DataView, offset: number, length: number) => unknown;

/** The consumer of one ring buffer map; there must be only one. Waiting needs the MapFd to stay open. */
export class RingBuffer {
  readonly #label: string;
  readonly #size: number;
  readonly #raw: RawRingBuffer;
  readonly #map: MapFd;
  #poller: Poller | undefined;
  #closed = false;
  #staging: DataView;
  /** Records that were taken from the ring and not yet seen by a visitor lie from #next to #end. */
  #next = 0;
  #end = 0;

  constructor(map: MapFd) {
    if (map.type !== MapType.RINGBUF) throw new RangeError(`${map.label} is not a ring buffer`);
    const raw = binding().ringbufOpen(map.value, map.maxEntries);
    if (typeof raw === "number") throw new SysError("mmap of a ring buffer", -raw, { descriptor: map.label });
    this.#raw = raw;
    this.#map = map;
    this.#label = map.label;
    this.#size = map.maxEntries;
    this.#staging = new DataView(new ArrayBuffer(Math.min(this.#size, STAGING)));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Shows the records that programs have submitted to `visit`, oldest first, and answers how many there were. It stops
   * after a ring's worth of bytes, so that producers who are faster than the visitor cannot hold the thread for ever;
   * whatever was there when the call began has been seen. If `visit` throws or answers false, that record counts as seen
   * and the others come with the next call.
   */
  drain(visit: RecordVisitor): number {
    let seen = 0;
    let budget = this.#size;
    while (this.#next < this.#end || (budget > 0 && this.#refill())) {
      const length = this.#staging.getUint32(this.#next, true);
      const offset = this.#next + FRAME;
      const next = offset + Math.ceil(length / 8) * 8;
      budget -= next - this.#next;
      this.#next = next;
      seen++;
      if (visit(this.#staging, offset, length) === false) break;
    }
    return seen;
  }

  /** Bytes between consumer and producer, headers and records still being written included; 0 once closed. */
  pendingBytes(): number {
    return this.#closed ? 0 : this.#raw.pending() + (this.#end - this.#next);
  }

  /**
   * Calls back from the event loop whenever there is something to drain. As long as the callback leaves records behind
   * it is called again. Keeps the process alive until `close`, `offReadable` or `unref`.
   */
  onReadable(callback: () => void): void {
    this.offReadable();
    this.#poller = new Poller(this.#map, callback);
  }

  offReadable(): void {
    this.#poller?.close();
    this.#poller = undefined;
  }

  /** Lets the process end although this buffer is being watched. */
  unref(): void {
    this.#poller?.unref();
  }

  ref(): void {
    this.#poller?.ref();
  }

  /** Blocks this thread until there is something to drain; false after `timeoutMs` (-1: wait forever). */
  pollWait(timeoutMs: number): boolean {
    return pollWait(this.#map, timeoutMs);
  }

  /** Unmaps the buffer. Draining finds nothing from then on; closing again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.offReadable();
    this.#next = this.#end;
    this.#raw.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #refill(): boolean {
    if (this.#closed) return false;
    let bytes = this.#raw.drain(new Uint8Array(this.#staging.buffer));
    if (bytes === -EMSGSIZE) {
      this.#staging = new DataView(new ArrayBuffer(this.#size));
      bytes = this.#raw.drain(new Uint8Array(this.#staging.buffer));
    }
    this.#next = 0;
    this.#end = check(bytes, "drain of a ring buffer", { descriptor: this.#label });
    return this.#end > 0;
  }
}

const STAGING = 64 * 1024;
const FRAME = 8;
const EMSGSIZE = 90;
