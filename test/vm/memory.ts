/**
 * Memory as the verifier sees it: separate regions, pointers that know where they point, and bytes that may not have been
 * written yet. Whatever the kernel would refuse faults here, on the path that is really taken.
 */

/** What a program did that the kernel would not have let it do. */
export class Fault extends Error {}

export type RegionKind =
  | "stack"
  | "context"
  | "map value"
  | "record"
  /** A kernel object that is reached by its BTF type: readable, not writable. */
  | "kernel object"
  /** Stands for a map or a function in a register; has no content. */
  | "map"
  | "function";

let nextBase = 0xffff_8880_0000_0000n;

/** Memory whose address a program has stored as a number, by page. */
const exposed = new Map<bigint, WeakRef<Region>>();
const PAGE = 4096n;
const MAX_PAGES = 256;

/** Where such a number leads. */
export function pointerAt(address: bigint): Pointer | undefined {
  const start = BigInt.asUintN(64, address);
  for (let page = start / PAGE, i = 0; i < MAX_PAGES; page--, i++) {
    const region = exposed.get(page)?.deref();
    if (region) return region.released ? undefined : new Pointer(region, start - region.base);
  }
  return undefined;
}

export class Region {
  readonly kind: RegionKind;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The address that the program sees when it treats a pointer as a number. */
  readonly base: bigint;
  /** One byte for each byte that was written; undefined where all were from the start. */
  readonly #written: Uint8Array | undefined;
  /** Pointers that were stored whole, by offset. */
  readonly #pointers = new Map<number, Pointer>();
  /** Set when the program gave the memory up. */
  released = false;

  constructor(kind: RegionKind, name: string, bytes: Uint8Array, options: { written?: boolean } = {}) {
    this.kind = kind;
    this.name = name;
    this.bytes = bytes;
    this.base = nextBase;
    nextBase += BigInt(Math.ceil((bytes.length + 4096) / 4096) * 4096);
    this.#written = (options.written ?? true) ? undefined : new Uint8Array(bytes.length);
  }

  /** Faults unless [offset, offset + size) may be accessed. */
  check(offset: bigint, size: number, access: "read" | "write"): number {
    const at = Number(offset);
    if (this.released) throw new Fault(`${access} of ${this.name}, which was given up`);
    if (this.kind === "map" || this.kind === "function") throw new Fault(`${access} through a ${this.kind} pointer`);
    if (at < 0 || at + size > this.bytes.length) {
      throw new Fault(`${access} of ${size} bytes at ${at} outside of ${this.name}, which has ${this.bytes.length}`);
    }
    if (access === "write" && (this.kind === "context" || this.kind === "kernel object")) {
      throw new Fault(`write to ${this.name}`);
    }
    return at;
  }

  /** Faults if a byte of the range was never written. */
  checkWritten(at: number, size: number): void {
    for (let i = at; i < at + size; i++) {
      if (this.#written?.[i] !== 0) continue;
      // Bytes of a stack are counted from its end, as in the program.
      throw new Fault(`byte ${this.kind === "stack" ? i - this.bytes.length : i} of ${this.name} was never written`);
    }
  }

  load(offset: bigint, size: number): Value {
    const at = this.check(offset, size, "read");
    this.#checkAlignment(at, size);
    const pointer = this.#pointers.get(at);
    if (pointer && size === 8) return pointer;
    for (const stored of this.#pointers.keys()) {
      if (this.kind === "stack" && stored < at + size && at < stored + 8) {
        throw new Fault(`part of a pointer in ${this.name} is read`);
      }
    }
    this.checkWritten(at, size);
    return readNumber(this.bytes, at, size);
  }

  store(offset: bigint, size: number, value: Value): void {
    const at = this.check(offset, size, "write");
    this.#checkAlignment(at, size);
    if (value instanceof Pointer && size !== 8) throw new Fault("part of a pointer is stored");
    this.#overwrite(at, size);
    writeNumber(this.bytes, at, size, bitsOf(value));
    if (!(value instanceof Pointer)) return;
    if (this.kind === "stack") this.#pointers.set(at, value);
    else value.expose();
  }

  /** What a helper writes: `bytes`, into a buffer of `size` that counts as written whatever is behind them. */
  fill(offset: bigint, bytes: Uint8Array, size = bytes.length): void {
    const at = this.check(offset, size, "write");
    this.#overwrite(at, size);
    this.bytes.set(bytes, at);
  }

  /** What a helper reads. */
  read(offset: bigint, size: number): Uint8Array {
    const at = this.check(offset, size, "read");
    this.checkWritten(at, size);
    return this.bytes.slice(at, at + size);
  }

  /** Puts a pointer into memory that the program finds there, such as an argument in the context. */
  plant(at: number, pointer: Pointer): void {
    writeNumber(this.bytes, at, 8, bitsOf(pointer));
    this.#pointers.set(at, pointer);
  }

  #overwrite(at: number, size: number): void {
    this.#written?.fill(1, at, at + size);
    for (const stored of this.#pointers.keys()) {
      if (stored < at + size && at < stored + 8) this.#pointers.delete(stored);
    }
  }

  /** The stack and the context must be accessed aligned; other memory on these architectures need not. */
  #checkAlignment(at: number, size: number): void {
    if ((this.kind === "stack" || this.kind === "context") && at % size !== 0) {
      throw new Fault(`access of ${size} bytes at ${at} of ${this.name} is not aligned`);
    }
  }
}

/** A pointer into a region; one without a region is null. */
export class Pointer {
  readonly region: Region | undefined;
  readonly offset: bigint;
  /** Shared by all copies of a pointer that may be null: the test of one is the test of all. */
  readonly nullable: { tested: boolean } | undefined;

  constructor(region: Region | undefined, offset = 0n, nullable?: { tested: boolean }) {
    this.region = region;
    this.offset = offset;
    this.nullable = nullable;
  }

  /** The region, if the program may go there. */
  target(): Region {
    if (this.nullable && !this.nullable.tested) throw new Fault("a pointer that may be null is used without a test");
    if (!this.region) throw new Fault("a null pointer is used");
    return this.region;
  }

  /** Lets the program find the way back from the number that the pointer is. */
  expose(): void {
    if (this.region) exposed.set(this.region.base / PAGE, new WeakRef(this.region));
  }

  plus(distance: bigint): Pointer {
    const region = this.target();
    if (region.kind === "map" || region.kind === "function") throw new Fault(`arithmetic on a ${region.kind} pointer`);
    return new Pointer(region, BigInt.asIntN(64, this.offset + distance));
  }
}

/** What a register or a stack slot holds: a 64-bit number (signed), or a pointer. */
export type Value = bigint | Pointer;

/** The 64 bits of a value, signed. */
export function bitsOf(value: Value): bigint {
  if (typeof value === "bigint") return value;
  return value.region ? BigInt.asIntN(64, value.region.base + value.offset) : 0n;
}

export function readNumber(bytes: Uint8Array, at: number, size: number): bigint {
  let result = 0n;
  for (let i = size - 1; i >= 0; i--) result = (result << 8n) | BigInt(bytes[at + i]!);
  return BigInt.asIntN(64, result);
}

export function writeNumber(bytes: Uint8Array, at: number, size: number, value: bigint): void {
  let rest = BigInt.asUintN(64, value);
  for (let i = 0; i < size; i++) {
    bytes[at + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

/** Memory that programs read by number: the kernel's, or a process's. */
export class AddressSpace {
  readonly #ranges: { address: bigint; bytes: Uint8Array }[] = [];

  /** Puts bytes at an address; text gets a NUL at its end. */
  put(address: bigint, content: Uint8Array | string): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(`${content}\0`) : content;
    this.#ranges.push({ address: BigInt.asUintN(64, address), bytes });
  }

  /** The bytes of [address, address + size), or undefined if any of them is not there. */
  read(address: bigint, size: number): Uint8Array | undefined {
    const at = this.#find(address, size);
    return at?.bytes.slice(at.offset, at.offset + size);
  }

  write(address: bigint, bytes: Uint8Array): boolean {
    const at = this.#find(address, bytes.length);
    at?.bytes.set(bytes, at.offset);
    return at !== undefined;
  }

  /** Bytes up to `limit` and through the first NUL, or undefined if the address is not there. */
  readString(address: bigint, limit: number): Uint8Array | undefined {
    const result: number[] = [];
    while (result.length < limit) {
      const byte = this.read(address + BigInt(result.length), 1);
      if (!byte) return undefined;
      result.push(byte[0]!);
      if (byte[0] === 0) break;
    }
    return Uint8Array.from(result);
  }

  #find(address: bigint, size: number): { bytes: Uint8Array; offset: number } | undefined {
    const start = BigInt.asUintN(64, address);
    for (const range of this.#ranges) {
      const offset = start - range.address;
      if (offset >= 0n && offset + BigInt(size) <= BigInt(range.bytes.length)) {
        return { bytes: range.bytes, offset: Number(offset) };
      }
    }
    return undefined;
  }
}
