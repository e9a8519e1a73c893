/**
 * The names of a BTF blob. A module's blob continues the kernel's: offsets below its start belong to the base. Names
 * are hashed and compared as bytes, because the kernel has 100,000 of them and a script asks for five.
 */
import { BtfError } from "./types.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class StringTable {
  /** First offset that is not of this table. */
  readonly end: number;
  /** Its own. */
  readonly bytes: Uint8Array;
  /** The offset of the first of its bytes. */
  readonly start: number;
  readonly #base: StringTable | undefined;

  /** `bytes` end in a NUL. */
  constructor(bytes: Uint8Array, base?: StringTable) {
    this.bytes = bytes;
    this.#base = base;
    this.start = base?.end ?? 0;
    this.end = this.start + bytes.length;
  }

  /** The name at an offset. Throws BtfError when the offset lies outside. */
  text(offset: number): string {
    if (offset < this.start) return this.#base!.text(offset);
    const at = this.#own(offset);
    return decoder.decode(this.bytes.subarray(at, this.bytes.indexOf(0, at)));
  }

  /** {@link hashName} of the name at an offset; of the empty name when the offset lies outside. */
  hash(offset: number): number {
    if (offset < this.start) return this.#base!.hash(offset);
    const bytes = this.bytes;
    let hash = 0;
    for (let at = offset - this.start; at < bytes.length && bytes[at] !== 0; at++) hash = mix(hash, bytes[at]!);
    return finish(hash);
  }

  /** Whether exactly `name` is at an offset. */
  equals(offset: number, name: Uint8Array): boolean {
    if (offset < this.start) return this.#base!.equals(offset, name);
    const bytes = this.bytes;
    const at = offset - this.start;
    for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
    return bytes[at + name.length] === 0;
  }

  #own(offset: number): number {
    if (offset >= this.end) throw new BtfError(`BTF name at ${offset} lies outside the ${this.end} bytes of names`);
    return offset - this.start;
  }
}

export function encodeName(name: string): Uint8Array {
  return encoder.encode(name);
}

export function hashName(name: Uint8Array): number {
  let hash = 0;
  for (const byte of name) hash = mix(hash, byte);
  return finish(hash);
}

// FNV-1a's multiplication, with the high bits folded down because buckets are chosen by the low ones.
function mix(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

function finish(hash: number): number {
  return hash ^ (hash >>> 15);
}
