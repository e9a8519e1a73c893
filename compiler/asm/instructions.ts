/**
 * Instructions as data, and constructors that read like assembly: `add64(R0, imm(1))`, `jeq(R0, imm(0), "miss")`.
 * Nothing outside this folder knows an opcode.
 */
import type { AluOp, AtomicOp, Condition, Size } from "../ir/ir.ts";
import type { HostConstant } from "../program.ts";
import type { Span } from "../source.ts";
import type { HelperName } from "./helpers.ts";

declare const regBrand: unique symbol;
/** A machine register, 0 to 10. */
export type Reg = number & { readonly [regBrand]: true };

export const R0 = 0 as Reg;
export const R1 = 1 as Reg;
export const R2 = 2 as Reg;
export const R3 = 3 as Reg;
export const R4 = 4 as Reg;
export const R5 = 5 as Reg;
export const R6 = 6 as Reg;
export const R7 = 7 as Reg;
export const R8 = 8 as Reg;
export const R9 = 9 as Reg;
/** The frame pointer: the end of the function's 512 bytes of stack. Read only. */
export const R10 = 10 as Reg;

/** An immediate: a signed 32-bit number, sign-extended to the width of the operation. */
export interface Imm {
  readonly imm: number;
}

export function imm(value: number): Imm {
  return { imm: value };
}

/** A place in the code, by name; names are unique within one assembly. */
export type Label = string;

/** What a 64-bit immediate load puts into its register. */
export type Imm64 =
  | { value: bigint }
  | { map: number }
  | { mapValue: number; offset: number }
  | { constant: HostConstant }
  | { function: Label };

export type AluName = AluOp | "mov";

export type Instruction = { span?: Span } & (
  | { kind: "alu"; op: AluName; bits: 32 | 64; dst: Reg; src: Reg | Imm }
  | { kind: "neg"; bits: 32 | 64; dst: Reg }
  /** dst = src's low `size` bytes, sign-extended (cpu v4). */
  | { kind: "movsx"; bits: 32 | 64; size: 1 | 2 | 4; dst: Reg; src: Reg }
  /** Converts the low `size` bytes between host order and the named one, or swaps them (cpu v4), and clears the rest. */
  | { kind: "swap"; order: "big" | "little" | "always"; size: 2 | 4 | 8; dst: Reg }
  /** Sign-extending loads need cpu v4. */
  | { kind: "load"; size: Size; signed: boolean; dst: Reg; base: Reg; offset: number }
  | { kind: "store"; size: Size; base: Reg; offset: number; src: Reg | Imm }
  /** A fetching operation puts the old value into `src`; cmpxchg compares with r0 and puts the old value there. */
  | { kind: "atomic"; op: AtomicOp; fetch: boolean; size: 4 | 8; base: Reg; offset: number; src: Reg }
  | { kind: "load-imm64"; dst: Reg; value: Imm64 }
  | { kind: "jump"; to: Label }
  | { kind: "branch"; condition: Condition; bits: 32 | 64; dst: Reg; src: Reg | Imm; to: Label }
  /** Jumps when the program has gone round in circles for too long, of which the kernel keeps account. */
  | { kind: "may-goto"; to: Label }
  /** `btfId` is that of a function of the kernel which is no helper. */
  | { kind: "call"; helper: HelperName; btfId?: number | undefined }
  | { kind: "call-local"; to: Label }
  | { kind: "exit" }
  /** Not an instruction: names the place of the next one. */
  | { kind: "label"; name: Label }
);

export function label(name: Label): Instruction {
  return { kind: "label", name };
}

// Arithmetic

export function alu64(op: AluName, dst: Reg, src: Reg | Imm): Instruction {
  return { kind: "alu", op, bits: 64, dst, src };
}

/** 32-bit arithmetic: the upper half of `dst` becomes zero. */
export function alu32(op: AluName, dst: Reg, src: Reg | Imm): Instruction {
  return { kind: "alu", op, bits: 32, dst, src };
}

type Alu = (dst: Reg, src: Reg | Imm) => Instruction;
export const mov64: Alu = (dst, src) => alu64("mov", dst, src);
export const mov32: Alu = (dst, src) => alu32("mov", dst, src);
export const add64: Alu = (dst, src) => alu64("add", dst, src);
export const sub64: Alu = (dst, src) => alu64("sub", dst, src);
export const mul64: Alu = (dst, src) => alu64("mul", dst, src);
export const div64: Alu = (dst, src) => alu64("div", dst, src);
export const mod64: Alu = (dst, src) => alu64("mod", dst, src);
export const sdiv64: Alu = (dst, src) => alu64("sdiv", dst, src);
export const smod64: Alu = (dst, src) => alu64("smod", dst, src);
export const and64: Alu = (dst, src) => alu64("and", dst, src);
export const and32: Alu = (dst, src) => alu32("and", dst, src);
export const or64: Alu = (dst, src) => alu64("or", dst, src);
export const xor64: Alu = (dst, src) => alu64("xor", dst, src);
export const lsh64: Alu = (dst, src) => alu64("lsh", dst, src);
export const rsh64: Alu = (dst, src) => alu64("rsh", dst, src);
export const arsh64: Alu = (dst, src) => alu64("arsh", dst, src);

export function neg64(dst: Reg): Instruction {
  return { kind: "neg", bits: 64, dst };
}

export function movsx64(dst: Reg, src: Reg, size: 1 | 2 | 4): Instruction {
  return { kind: "movsx", bits: 64, size, dst, src };
}

export function toBigEndian(dst: Reg, size: 2 | 4 | 8): Instruction {
  return { kind: "swap", order: "big", size, dst };
}

export function toLittleEndian(dst: Reg, size: 2 | 4 | 8): Instruction {
  return { kind: "swap", order: "little", size, dst };
}

export function bswap(dst: Reg, size: 2 | 4 | 8): Instruction {
  return { kind: "swap", order: "always", size, dst };
}

// Memory

export function ldx(size: Size, dst: Reg, base: Reg, offset: number): Instruction {
  return { kind: "load", size, signed: false, dst, base, offset };
}

export function ldsx(size: 1 | 2 | 4, dst: Reg, base: Reg, offset: number): Instruction {
  return { kind: "load", size, signed: true, dst, base, offset };
}

/** Stores an immediate or a register. */
export function st(size: Size, base: Reg, offset: number, src: Reg | Imm): Instruction {
  return { kind: "store", size, base, offset, src };
}

export function atomic(op: AtomicOp, size: 4 | 8, base: Reg, offset: number, src: Reg): Instruction {
  return { kind: "atomic", op, fetch: op === "xchg" || op === "cmpxchg", size, base, offset, src };
}

export function atomicFetch(op: AtomicOp, size: 4 | 8, base: Reg, offset: number, src: Reg): Instruction {
  return { kind: "atomic", op, fetch: true, size, base, offset, src };
}

/** A 64-bit immediate; takes two slots. */
export function ldImm64(dst: Reg, value: Imm64): Instruction {
  return { kind: "load-imm64", dst, value };
}

// Control

export function ja(to: Label): Instruction {
  return { kind: "jump", to };
}

export function branch64(condition: Condition, dst: Reg, src: Reg | Imm, to: Label): Instruction {
  return { kind: "branch", condition, bits: 64, dst, src, to };
}

export function branch32(condition: Condition, dst: Reg, src: Reg | Imm, to: Label): Instruction {
  return { kind: "branch", condition, bits: 32, dst, src, to };
}

type Branch = (dst: Reg, src: Reg | Imm, to: Label) => Instruction;
export const jeq: Branch = (dst, src, to) => branch64("eq", dst, src, to);
export const jne: Branch = (dst, src, to) => branch64("ne", dst, src, to);
export const jlt: Branch = (dst, src, to) => branch64("lt", dst, src, to);
export const jle: Branch = (dst, src, to) => branch64("le", dst, src, to);
export const jgt: Branch = (dst, src, to) => branch64("gt", dst, src, to);
export const jge: Branch = (dst, src, to) => branch64("ge", dst, src, to);
export const jslt: Branch = (dst, src, to) => branch64("slt", dst, src, to);
export const jsle: Branch = (dst, src, to) => branch64("sle", dst, src, to);
export const jsgt: Branch = (dst, src, to) => branch64("sgt", dst, src, to);
export const jsge: Branch = (dst, src, to) => branch64("sge", dst, src, to);
export const jset: Branch = (dst, src, to) => branch64("set", dst, src, to);

export function mayGoto(to: Label): Instruction {
  return { kind: "may-goto", to };
}

export function call(helper: HelperName, btfId?: number): Instruction {
  return { kind: "call", helper, btfId };
}

export function callLocal(to: Label): Instruction {
  return { kind: "call-local", to };
}

export function exit(): Instruction {
  return { kind: "exit" };
}
