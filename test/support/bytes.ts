/** Little-endian bytes by hand, as the kernel would deliver them: `bytes(u64(1), i32(-1), text("sh", 16))`. */
import { fromText } from "../../harness/tracing/bytestring.ts";

export function bytes(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function viewOf(all: Uint8Array): DataView {
  return new DataView(all.buffer, all.byteOffset, all.byteLength);
}

function integer(size: number, value: number | bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  return new Uint8Array(view.buffer, 0, size);
}

export const u8 = (value: number | bigint): Uint8Array => integer(1, value);
export const u16 = (value: number | bigint): Uint8Array => integer(2, value);
export const u32 = (value: number | bigint): Uint8Array => integer(4, value);
export const u64 = (...values: readonly (number | bigint)[]): Uint8Array => bytes(...values.map((v) => integer(8, v)));
export const i32 = u32;
export const i64 = u64;
export const zeros = (size: number): Uint8Array => new Uint8Array(size);

/** A UTF-8 string with zeros up to `size`; exactly `size` bytes of it if it is longer. */
export function text(value: string, size: number): Uint8Array {
  return latin1(fromText(value), size);
}

/** One character a byte. */
export function latin1(value: string, size = value.length): Uint8Array {
  const all = new Uint8Array(size);
  all.set(Array.from(value.slice(0, size), (c) => c.charCodeAt(0)));
  return all;
}
