/** The fields of an encoded instruction, for whoever reads byte code: the disassembler and the tests' interpreter. */
import { SLOT_BYTES } from "./opcodes.ts";

export interface RawInstruction {
  opcode: number;
  dst: number;
  src: number;
  /** Signed 16 bits. */
  offset: number;
  /** Signed 32 bits. */
  imm: number;
}

/** Decodes slot after slot. Throws RangeError when the length is not a multiple of 8 bytes. */
export function decode(code: Uint8Array): RawInstruction[] {
  if (code.length % SLOT_BYTES !== 0) throw new RangeError(`${code.length} bytes are not whole instructions`);
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  return Array.from({ length: code.length / SLOT_BYTES }, (_, slot) => {
    const at = slot * SLOT_BYTES;
    const registers = view.getUint8(at + 1);
    return {
      opcode: view.getUint8(at),
      dst: registers & 0xf,
      src: registers >> 4,
      offset: view.getInt16(at + 2, true),
      imm: view.getInt32(at + 4, true),
    };
  });
}
