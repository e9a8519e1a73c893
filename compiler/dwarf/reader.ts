/** A cursor over the bytes of a section. Whatever lies outside of them is an error, never a value made up. */

/** Debug information that breaks the format's rules, with the place. */
export class DwarfError extends Error {
  override readonly name = "DwarfError";
  /** The file that it is in. */
  file: string | undefined;

  /** For users. */
  get sentence(): string {
    return `the debug information of ${this.file} cannot be read: ${this.message}`;
  }
}

const decoder = new TextDecoder();
const TOP_BIT = 0x80;
const SIGN_BIT = 0x40;

export class Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    if (at < 0 || end < at || end > bytes.length) throw new DwarfError(`nothing lies at byte ${at} of ${bytes.length}`);
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  s8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u24(): number {
    const at = this.#take(3);
    return this.bytes[at]! | (this.bytes[at + 1]! << 8) | (this.bytes[at + 2]! << 16);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** A 64-bit offset or address: those above 2^53 lie nowhere, and stay above everything. */
  wide(): number {
    const at = this.#take(8);
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
  }

  /** A signed number of 64 bits: one that is small has all its digits, on either side of zero. */
  wideSigned(): number {
    const at = this.#take(8);
    return this.#view.getUint32(at, true) + this.#view.getInt32(at + 4, true) * 2 ** 32;
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes. */
  unsigned(size: number): number {
    switch (size) {
      case 1:
        return this.u8();
      case 2:
        return this.u16();
      case 4:
        return this.u32();
      case 8:
        return this.wide();
      default:
        throw new DwarfError(`a number of ${size} bytes`);
    }
  }

  /** An unsigned number in groups of seven bits. Above 2^53 it loses its last digits. */
  uleb(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < TOP_BIT) return value;
      factor *= 0x80;
    }
  }

  /** Likewise signed. Only one of more than seven groups, which few are, takes the long way. */
  sleb(): number {
    const start = this.at;
    let value = 0;
    for (let factor = 0x80; factor < 2 ** 50; factor *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * (factor / 0x80);
      if (byte < TOP_BIT) return (byte & SIGN_BIT) === 0 ? value : value - factor;
    }
    this.at = start;
    return Number(this.bigSleb());
  }

  bigUleb(): bigint {
    return this.#groups().value;
  }

  bigSleb(): bigint {
    const { value, bits } = this.#groups();
    return BigInt.asIntN(Math.min(bits, 128), value);
  }

  skipLeb(): void {
    while (this.u8() >= TOP_BIT) {}
  }

  /** A text, and the NUL behind it. */
  text(): string {
    const start = this.at;
    this.skipText();
    return decoder.decode(this.bytes.subarray(start, this.at - 1));
  }

  skipText(): void {
    const nul = this.bytes.indexOf(0, this.at);
    if (nul < 0 || nul >= this.end) throw new DwarfError(`the text at byte ${this.at} has no end`);
    this.at = nul + 1;
  }

  block(length: number): Uint8Array {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  /** The length that a table or a unit begins with, and the size of offsets in it that this tells. */
  initialLength(): { length: number; offsetSize: 4 | 8 } {
    const length = this.u32();
    if (length < 0xfffffff0) return { length, offsetSize: 4 };
    if (length !== 0xffffffff) throw new DwarfError(`a length of 0x${length.toString(16)} at byte ${this.at - 4}`);
    return { length: this.wide(), offsetSize: 8 };
  }

  /** The part of so many bytes that comes next; the cursor moves behind it. */
  part(length: number): Reader {
    const at = this.#take(length);
    return new Reader(this.bytes, at, at + length);
  }

  #groups(): { value: bigint; bits: number } {
    let value = 0n;
    for (let bits = 0; ; ) {
      const byte = this.u8();
      // What is longer than any number is only read over.
      if (bits < 128) value |= BigInt(byte & 0x7f) << BigInt(bits);
      bits += 7;
      if (byte < TOP_BIT) return { value, bits };
    }
  }

  #take(length: number): number {
    const at = this.at;
    if (!(length >= 0 && at + length <= this.end)) {
      throw new DwarfError(`${length} bytes from byte ${at} on, where only ${this.end - at} are left`);
    }
    this.at = at + length;
    return at;
  }
}
