/** Reading what a perf event writes into its ring: records of what it was asked to note, one ring a CPU. */
import { binding, type RawMapping } from "./addon.ts";
import { SysError } from "./errors.ts";
import type { Fd } from "./fd.ts";
import type { RecordVisitor } from "./ringbuf.ts";

// struct perf_event_mmap_page: the control page before the data.
const DATA_HEAD = 1024;
const DATA_TAIL = 1032;
const DATA_OFFSET = 1040;
const DATA_SIZE = 1048;

/** struct perf_event_header: u32 type, u16 misc, u16 size of the whole record. */
const HEADER_BYTES = 8;
const SIZE = 6;
/** A record's size has 16 bits. */
const MAX_RECORD = 1 << 16;

/** The consumer of one event's ring; there must be only one. The event must stay open. */
export class PerfRing {
  readonly #raw: RawMapping;
  readonly #record = new DataView(new ArrayBuffer(MAX_RECORD));
  #closed = false;

  /** `bytes` of room for records: a power of two of whole pages. `pageSize` more is mapped for the control page. */
  constructor(event: Fd, bytes: number, pageSize: number) {
    const raw = binding().mapMemory(event.value, pageSize + bytes, false);
    if (typeof raw === "number") throw new SysError("mmap of a perf event", -raw, { descriptor: event.label });
    this.#raw = raw;
  }

  /** Shows the records that are there to `visit`, oldest first, each with its header, and answers how many they were. */
  drain(visit: RecordVisitor): number {
    if (this.#closed) return 0;
    const words = new BigUint64Array(this.#raw.buffer, 0, (DATA_SIZE + 8) / 8);
    // The kernel publishes the head behind the records, and takes the tail for leave to write over them.
    const head = Atomics.load(words, DATA_HEAD / 8);
    const data = new Uint8Array(this.#raw.buffer, Number(words[DATA_OFFSET / 8]), Number(words[DATA_SIZE / 8]));
    const view = new DataView(this.#raw.buffer, data.byteOffset, data.byteLength);
    let tail = words[DATA_TAIL / 8]!;
    let seen = 0;
    try {
      while (tail < head) {
        const at = Number(tail % BigInt(data.length));
        const size = view.getUint16(at + SIZE, true);
        if (size < HEADER_BYTES) break;
        this.#copy(data, at, size);
        tail += BigInt(size);
        seen++;
        if (visit(this.#record, 0, size) === false) break;
      }
    } finally {
      Atomics.store(words, DATA_TAIL / 8, tail);
    }
    return seen;
  }

  /** Unmaps the ring. Closing again does nothing. */
  close(): void {
    this.#closed = true;
    this.#raw.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** A record may begin at the end of the data and go on at its start; its header never does. */
  #copy(data: Uint8Array, at: number, size: number): void {
    const record = new Uint8Array(this.#record.buffer);
    const first = Math.min(size, data.length - at);
    record.set(data.subarray(at, at + first));
    record.set(data.subarray(0, size - first), first);
  }
}
