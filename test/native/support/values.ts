/** Keys and values as bytes and back, and the error that a call is expected to throw. */
import { SysError } from "../../../native/index.ts";

export const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
export const u64 = (...values: bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(values).buffer);
export const fromU32 = (bytes: Uint8Array): number[] => [...new Uint32Array(bytes.buffer, 0, bytes.byteLength >> 2)];
export const fromU64 = (bytes: Uint8Array): bigint[] => [...new BigUint64Array(bytes.buffer, 0, bytes.byteLength >> 3)];

/** The SysError that `action` throws; anything else fails the test. */
export function errorOf(action: () => unknown): SysError {
  try {
    action();
  } catch (error) {
    if (error instanceof SysError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
