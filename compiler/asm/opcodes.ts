/**
 * The numbers of the eBPF instruction set (RFC 9669), and nothing else. Only asm/ and the interpreter of the tests
 * look at them.
 */
import type { AluOp, AtomicOp, Condition, Size } from "../ir/ir.ts";

/** Bytes of an instruction slot; a 64-bit immediate takes two slots. */
export const SLOT_BYTES = 8;

/** The low three bits of an opcode. */
export const Class = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const;

/** Bit 3 of arithmetic and jump opcodes: the second operand is a register. */
export const SOURCE_REGISTER = 0x08;

/** High four bits of arithmetic opcodes. Signed division is division with offset 1. */
export const aluCodes: Record<AluOp | "mov", number> = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  sdiv: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  mod: 0x90,
  smod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
};
export const ALU_NEG = 0x80;
export const ALU_END = 0xd0;

/** High four bits of conditional jump opcodes. */
export const conditionCodes: Record<Condition, number> = {
  eq: 0x10,
  gt: 0x20,
  ge: 0x30,
  set: 0x40,
  ne: 0x50,
  sgt: 0x60,
  sge: 0x70,
  lt: 0xa0,
  le: 0xb0,
  slt: 0xc0,
  sle: 0xd0,
};
export const JMP_JA = 0x00;
export const JMP_CALL = 0x80;
export const JMP_EXIT = 0x90;
export const JMP_MAY = 0xe0;

/** Bits 3 and 4 of load and store opcodes. */
export const sizeCodes: Record<Size, number> = { 4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18 };

/** High three bits of load and store opcodes. */
export const Mode = { IMM: 0x00, MEM: 0x60, MEMSX: 0x80, ATOMIC: 0xc0 } as const;

/** Immediates of atomic instructions; exchanges always fetch. */
export const atomicCodes: Record<AtomicOp, number> = {
  add: 0x00,
  or: 0x40,
  and: 0x50,
  xor: 0xa0,
  xchg: 0xe1,
  cmpxchg: 0xf1,
};
export const ATOMIC_FETCH = 0x01;

/** src_reg of a 64-bit immediate load. */
export const Pseudo = { VALUE: 0, MAP_FD: 1, MAP_VALUE: 2, FUNC: 4 } as const;

/** src_reg of a call. */
export const CallKind = { HELPER: 0, LOCAL: 1, KFUNC: 2 } as const;

/** The verifier refuses programs with more slots than this. */
export const MAX_SLOTS = 1_000_000;
