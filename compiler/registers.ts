/**
 * The saved registers (struct pt_regs) as each architecture's ABI lays them out: offsets in bytes of the registers by the
 * names that reg() takes, and which of them carry arguments and results.
 */
import type { KernelFacts } from "./kernel-facts.ts";

export interface RegisterFile {
  offsets: Readonly<Record<string, number>>;
  /** Of the first arguments that are integers, in order. */
  arguments: readonly string[];
  result: string;
  instruction: string;
  stack: string;
  /** Where on the stack further arguments begin at a function's entry, in bytes above its top. */
  stackArguments: number;
  /** How the registers tell that the processor was in user mode. */
  userMode: { register: string; mask: bigint; value: bigint };
}

const X64: RegisterFile = {
  offsets: {
    r15: 0,
    r14: 8,
    r13: 16,
    r12: 24,
    bp: 32,
    bx: 40,
    r11: 48,
    r10: 56,
    r9: 64,
    r8: 72,
    ax: 80,
    cx: 88,
    dx: 96,
    si: 104,
    di: 112,
    orig_rax: 120,
    ip: 128,
    pc: 128,
    cs: 136,
    flags: 144,
    sp: 152,
    ss: 160,
  },
  arguments: ["di", "si", "dx", "cx", "r8", "r9"],
  result: "ax",
  instruction: "ip",
  stack: "sp",
  // Behind the return address.
  stackArguments: 8,
  userMode: { register: "cs", mask: 3n, value: 3n },
};

const ARM64_COUNT = 31;

const ARM64: RegisterFile = {
  offsets: {
    ...Object.fromEntries(Array.from({ length: ARM64_COUNT }, (_, i) => [`r${i}`, 8 * i])),
    sp: 248,
    pc: 256,
    pstate: 264,
  },
  arguments: Array.from({ length: 8 }, (_, i) => `r${i}`),
  result: "r0",
  instruction: "pc",
  stack: "sp",
  stackArguments: 0,
  userMode: { register: "pstate", mask: 0xfn, value: 0n },
};

const FILES: Readonly<Record<KernelFacts["arch"], RegisterFile>> = { x64: X64, arm64: ARM64 };

export function registerFile(arch: KernelFacts["arch"]): RegisterFile {
  return FILES[arch];
}

/** The same names by the numbers that the registers have in DWARF, for those that hold integers. */
export const DWARF_REGISTERS: Readonly<Record<KernelFacts["arch"], readonly string[]>> = {
  x64: ["ax", "dx", "cx", "bx", "si", "di", "bp", "sp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"],
  arm64: [...Array.from({ length: ARM64_COUNT }, (_, i) => `r${i}`), "sp"],
};
