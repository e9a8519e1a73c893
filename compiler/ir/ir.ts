/**
 * The intermediate representation: a control-flow graph of basic blocks in SSA form. Every value is a 64-bit virtual
 * register that is defined exactly once; where control flow merges, blocks take parameters. Instructions are close to eBPF's
 * own, so that what the optimiser saves is what the kernel does not execute.
 *
 * An integer of fewer than 64 bits is kept sign- or zero-extended to its type, so comparisons are always 64 bit wide.
 */

import type { HelperName } from "../asm/helpers.ts";
import type { AttachTarget, HostConstant, ProgramType } from "../program.ts";
import type { Span } from "../source.ts";

declare const vregBrand: unique symbol;
/** A virtual register: the number of a value. */
export type VReg = number & { readonly [vregBrand]: true };

export type BlockId = number;
export type SlotId = number;

export interface IrProgram {
  name: string;
  type: ProgramType;
  attach: AttachTarget;
  probes: string[];
  /** The first is the entry; the others are callbacks and subprograms, called by index. */
  functions: IrFunction[];
  /** The functions of further parts, which the first calls through the array of programs `map` (lower/parts.ts). */
  further?: { map: number; parts: IrFunction[][] } | undefined;
}

/** All functions of a program, part by part. */
export function partsOf({ functions, further }: IrProgram): IrFunction[][] {
  return [functions, ...(further?.parts ?? [])];
}

export interface IrFunction {
  name: string;
  /** Values of r1, r2, ... at entry. The entry function has one: the context. */
  params: VReg[];
  /** Indexed by BlockId; undefined where a pass removed one. Block 0 is the entry and has no predecessors. */
  blocks: (IrBlock | undefined)[];
  /** Indexed by SlotId. */
  slots: StackSlot[];
  /** The next unused register number. */
  nextVReg: number;
}

export interface IrBlock {
  id: BlockId;
  params: VReg[];
  insns: Insn[];
  end: Terminator;
}

/** A piece of the stack frame whose address may be taken. */
export interface StackSlot {
  /** Bytes; rounded up to 8 by the frame. */
  size: number;
  /** What it holds, for dumps. */
  note: string;
}

export type AluOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "mod"
  | "sdiv"
  | "smod"
  | "and"
  | "or"
  | "xor"
  | "lsh"
  | "rsh"
  | "arsh";

export type Condition = "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "slt" | "sle" | "sgt" | "sge" | "set";

export type Size = 1 | 2 | 4 | 8;

export type AtomicOp = "add" | "or" | "and" | "xor" | "xchg" | "cmpxchg";

/** A register, or a constant. A constant that does not fit a signed 32-bit immediate is materialised by the backend. */
export type Operand = VReg | { imm: bigint };

/** `dst` is the register that an instruction defines. */
export type Insn = { span?: Span } & (
  | { op: "const"; dst: VReg; value: bigint }
  /** A number that the loader patches in. */
  | { op: "host-const"; dst: VReg; constant: HostConstant }
  /** A reference to a map, for helpers. */
  | { op: "map"; dst: VReg; map: number }
  /** The address of byte `offset` of a one-entry array's value. */
  | { op: "map-value"; dst: VReg; map: number; offset: number }
  | { op: "slot"; dst: VReg; slot: SlotId; offset: number }
  /** The address of function `index` of the same program, for bpf_loop and the like. */
  | { op: "func"; dst: VReg; index: number }
  | { op: "copy"; dst: VReg; src: VReg }
  /** Always 64 bit. Unsigned div and mod by zero follow eBPF: x/0 = 0, x%0 = x; sdiv and smod likewise. */
  | { op: "alu"; alu: AluOp; dst: VReg; a: VReg; b: Operand }
  /** Truncates to `size` bytes, then extends to 64 bits. */
  | { op: "extend"; dst: VReg; src: VReg; size: 1 | 2 | 4; signed: boolean }
  | { op: "bswap"; dst: VReg; src: VReg; size: 2 | 4 | 8 }
  /** The number of the highest bit that is set, of all 64; 0 if none is. */
  | { op: "log2"; dst: VReg; src: VReg }
  /** The same number, of which the kernel's verifier knows nothing: what it does not know, it does not tell apart. */
  | { op: "forget"; dst: VReg; src: VReg }
  /** The same by way of eight bytes of a map, which are used for nothing else: not even where it came from is known. */
  | { op: "detour"; dst: VReg; src: VReg; base: VReg; offset: number }
  /** 0 as long as a loop may go on, 1 when the kernel has had enough of it: the verifier need not see that it ends. */
  | { op: "exhausted"; dst: VReg }
  /** dst = condition ? 1 : 0 */
  | { op: "compare"; dst: VReg; condition: Condition; a: VReg; b: Operand }
  /**
   * Reads memory that the verifier lets the program read: stack, map values, context, ring buffer records and
   * BTF-typed pointers. `invariant` says that the memory never changes while the program runs (context, saved registers).
   */
  | { op: "load"; dst: VReg; base: VReg; offset: number; size: Size; signed: boolean; invariant: boolean }
  | { op: "store"; dst?: undefined; base: VReg; offset: number; size: Size; value: Operand }
  /** `dst` receives the old value if given (needs the atomicFetch feature); cmpxchg compares with `expected`. */
  | {
      op: "atomic";
      atomic: AtomicOp;
      dst: VReg | undefined;
      base: VReg;
      offset: number;
      size: 4 | 8;
      value: VReg;
      expected?: VReg;
    }
  /**
   * `pure`: two calls with equal arguments in one run of the program give the same result (pid, uid, ...). `btfId` is that of a
   * function of the kernel which is no helper.
   */
  | { op: "call"; dst: VReg | undefined; helper: HelperName; args: Operand[]; pure: boolean; btfId?: number }
  /** A call of function `index` of the same program. */
  | { op: "call-local"; dst: VReg | undefined; index: number; args: Operand[] }
  /**
   * The address of a map's value for a key, or 0. A scalar key is a register that is stored to the stack just before the
   * call; others are an address. Equal lookups are merged unless the map is changed between them.
   */
  | { op: "lookup"; dst: VReg; map: number; key: { value: Operand; size: Size } | { address: VReg } }
);

export type Terminator = { span?: Span } & (
  | { op: "jump"; to: Edge }
  | { op: "branch"; condition: Condition; a: VReg; b: Operand; then: Edge; otherwise: Edge; likely?: boolean }
  | { op: "exit"; value: Operand }
);

/** An edge carries the values of the target's parameters. */
export interface Edge {
  block: BlockId;
  args: VReg[];
}

export function isImm(operand: Operand): operand is { imm: bigint } {
  return typeof operand === "object";
}
