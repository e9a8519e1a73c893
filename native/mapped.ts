/**
 * Maps and files as memory: a BPF_F_MMAPABLE array that is read, and written, without a system call, and what the kernel shows in a
 * file, without a copy.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { MapType } from "./abi.ts";
import { binding, type RawMapping } from "./addon.ts";
import { SysError } from "./errors.ts";
import type { MapFd } from "./map.ts";

/**
 * The values of an ARRAY map as memory of this process, each padded to 8 bytes. It is always mapped for writing, since a
 * write to read-only pages would end the process instead of throwing; a frozen map therefore answers EPERM. Using `view`
 * or `bytes` after `close` throws a TypeError. Of the views made before, a DataView throws and a typed array is empty.
 */
export class MappedArray {
  readonly #raw: RawMapping;
  readonly #label: string;
  readonly length: number;
  #closed = false;

  constructor(map: MapFd) {
    if (map.type !== MapType.ARRAY) throw new RangeError(`${map.label} is not an array`);
    this.length = Math.ceil(map.valueSize / 8) * 8 * map.maxEntries;
    this.#label = map.label;
    const raw = binding().mapMemory(map.value, this.length, false);
    if (typeof raw === "number") throw new SysError("mmap of a map", -raw, { descriptor: map.label });
    this.#raw = raw;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#memory());
  }

  get view(): DataView {
    return new DataView(this.#memory());
  }

  /** Detaches every view, then unmaps. Closing again does nothing. */
  close(): void {
    this.#closed = true;
    this.#raw.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #memory(): ArrayBuffer {
    if (this.#closed) throw new TypeError(`the memory of ${this.#label} is no longer mapped`);
    return this.#raw.buffer;
  }
}

/**
 * A whole file as memory, for as long as somebody looks at it. It must only be read: a write would end the process. Throws a
 * SysError where the file is of a kind that cannot be mapped.
 */
export function mapFile(path: string): Uint8Array {
  const fd = openSync(path, "r");
  try {
    const raw = binding().mapMemory(fd, fstatSync(fd).size, true);
    if (typeof raw === "number") throw new SysError("mmap of a file", -raw, { path });
    return new Uint8Array(raw.buffer);
  } finally {
    closeSync(fd);
  }
}
