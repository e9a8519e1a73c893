/** Programs for these tests, put together by hand, so that the addon is tested against the kernel and nothing else. */
import type { Fd } from "../../../native/index.ts";

/** One instruction: 8 bytes. */
export function insn(opcode: number, dst = 0, src = 0, offset = 0, immediate = 0): number[] {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setUint8(0, opcode);
  bytes.setUint8(1, (src << 4) | dst);
  bytes.setInt16(2, offset, true);
  bytes.setInt32(4, immediate, true);
  return [...new Uint8Array(bytes.buffer)];
}

export function program(...instructions: number[][]): Uint8Array {
  return Uint8Array.from(instructions.flat());
}

/** dst = immediate */
export const movImm = (dst: number, immediate: number): number[] => insn(0xb7, dst, 0, 0, immediate);
/** dst = src */
export const mov = (dst: number, src: number): number[] => insn(0xbf, dst, src);
/** dst += immediate */
export const addImm = (dst: number, immediate: number): number[] => insn(0x07, dst, 0, 0, immediate);
/** dst = *(u64 *)(src + offset) */
export const load64 = (dst: number, src: number, offset: number): number[] => insn(0x79, dst, src, offset);
/** *(u64 *)(dst + offset) = src */
const store64 = (dst: number, offset: number, src: number): number[] => insn(0x7b, dst, src, offset);
/** *(u32 *)(dst + offset) = immediate */
export const storeImm32 = (dst: number, offset: number, immediate: number): number[] =>
  insn(0x62, dst, 0, offset, immediate);
/** *(u64 *)(dst + offset) += src, atomically */
export const atomicAdd64 = (dst: number, offset: number, src: number): number[] => insn(0xdb, dst, src, offset);
/** dst = the map behind a descriptor */
export const loadMap = (dst: number, map: Fd): number[] => [...insn(0x18, dst, 1, 0, map.value), ...insn(0)];
export const call = (helper: number): number[] => insn(0x85, 0, 0, 0, helper);
export const exit = (): number[] => insn(0x95);
/** if (dst == immediate) skip `offset` instructions */
export const jumpIfEqual = (dst: number, immediate: number, offset: number): number[] =>
  insn(0x15, dst, 0, offset, immediate);
/** if (dst & immediate) skip `offset` instructions */
const jumpIfSet = (dst: number, immediate: number, offset: number): number[] => insn(0x45, dst, 0, offset, immediate);

/** return 0 */
export const RETURN_ZERO = program(movImm(0, 0), exit());

/** array[0] += 1; return 0 */
export function countInto(array: Fd): Uint8Array {
  return program(
    storeImm32(10, -4, 0),
    mov(2, 10),
    addImm(2, -4),
    loadMap(1, array),
    call(1), // map_lookup_elem
    jumpIfEqual(0, 0, 2),
    movImm(1, 1),
    atomicAdd64(0, 0, 1),
    movImm(0, 0),
    exit(),
  );
}

/** ringbuf_output(ring, { first argument, repeated }, `size`); returns the helper's result, 0 or -errno */
export function outputTo(ring: Fd, size: number): Uint8Array {
  const words = Math.ceil(size / 8);
  return program(
    load64(6, 1, 0),
    ...Array.from({ length: words }, (_, i) => store64(10, -8 * (i + 1), 6)),
    loadMap(1, ring),
    mov(2, 10),
    addImm(2, -8 * words),
    movImm(3, size),
    movImm(4, 0),
    call(130), // ringbuf_output
    exit(),
  );
}

/** Reserves 8 bytes for the first argument and submits them; an odd argument is discarded instead. */
export function submitEven(ring: Fd): Uint8Array {
  return program(
    load64(6, 1, 0),
    loadMap(1, ring),
    movImm(2, 8),
    movImm(3, 0),
    call(131), // ringbuf_reserve
    jumpIfEqual(0, 0, 7),
    store64(0, 0, 6),
    mov(1, 0),
    movImm(2, 0),
    jumpIfSet(6, 1, 2),
    call(132), // ringbuf_submit
    insn(0x05, 0, 0, 1), // skip the discard
    call(133), // ringbuf_discard
    movImm(0, 0),
    exit(),
  );
}

/** The context of a RAW_TRACEPOINT program: its arguments. */
export function context(...args: bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(args).buffer);
}
