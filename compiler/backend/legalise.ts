/**
 * Rewrites what eBPF has no instruction for in terms of what it has, still as IR: map lookups become calls with
 * their key on the stack, constants that no immediate holds get registers, as do far addresses, and signed division is built from unsigned one
 * where the kernel lacks it.
 */

import { isCommutative } from "../ir/arithmetic.ts";
import { cloneEnd } from "../ir/clone.ts";
import { type AluOp, type Insn, type IrFunction, isImm, type Operand, type SlotId, type VReg } from "../ir/ir.ts";
import type { Features } from "../kernel-facts.ts";
import { type Recipe, recipes } from "./operands.ts";

/**
 * The same function without lookups, in which immediates of arithmetic, comparisons and stores fit. Instructions that are as they should be
 * are those of the old one.
 */
export function legalise(fn: IrFunction, features: Pick<Features, "cpuV4">): IrFunction {
  const legal = { ...fn, slots: [...fn.slots] };
  const rewriter = new Legaliser(legal, features);
  legal.blocks = fn.blocks.map((block) => {
    if (!block) return undefined;
    rewriter.begin();
    for (const insn of block.insns) rewriter.rewrite(insn);
    const end = cloneEnd(block.end);
    if (end.op === "branch") end.b = rewriter.immediate(end.b, fitsS32);
    return { id: block.id, params: block.params, insns: rewriter.output, end };
  });
  return legal;
}

/** Whether an instruction can carry the number, which it sign-extends. */
export function fitsS32(value: bigint): boolean {
  return value >= -0x8000_0000n && value <= 0x7fff_ffffn;
}

/** Whether the offset of a load or a store can be so large. */
function fitsS16(offset: number): boolean {
  return offset >= -0x8000 && offset <= 0x7fff;
}

/** Whether 32-bit arithmetic, which clears the upper half, can carry the number. */
export function fitsU32(value: bigint): boolean {
  return value >= 0n && value <= 0xffff_ffffn;
}

class Legaliser {
  output: Insn[] = [];
  readonly #fn: IrFunction;
  readonly #features: Pick<Features, "cpuV4">;
  readonly #recipes: ReadonlyMap<VReg, Recipe>;
  #keySlot: SlotId | undefined;
  #span: Insn["span"];

  constructor(fn: IrFunction, features: Pick<Features, "cpuV4">) {
    this.#fn = fn;
    this.#features = features;
    this.#recipes = recipes(fn);
  }

  begin(): void {
    this.output = [];
    this.#span = undefined;
  }

  rewrite(written: Insn): void {
    this.#span = written.span;
    const insn = this.#within(written);
    switch (insn.op) {
      case "lookup":
        this.#lookup(insn);
        break;
      case "alu":
        this.#alu(insn);
        break;
      case "compare":
        this.#emit({ ...insn, b: this.immediate(insn.b, fitsS32) });
        break;
      case "store":
        this.#emit({ ...insn, value: this.immediate(narrow(insn.value, insn.size), fitsS32) });
        break;
      case "atomic":
        // An exchange writes the old value to a register, wanted or not.
        if (insn.dst === undefined && (insn.atomic === "xchg" || insn.atomic === "cmpxchg")) {
          this.#emit({ ...insn, dst: this.#fresh() });
        } else this.#emit(insn);
        break;
      default:
        this.#emit(insn);
    }
  }

  /** Memory is reached by 16-bit offsets; what is farther from its base gets a base of its own. */
  #within(insn: Insn): Insn {
    switch (insn.op) {
      case "load":
      case "store":
      case "atomic":
      case "detour": {
        const { base, offset } = insn;
        if (fitsS16(offset)) return insn;
        return { ...insn, base: this.#op("add", base, { imm: BigInt(offset) }), offset: 0 };
      }
      default:
        return insn;
    }
  }

  /** The operand itself, or a register with its value where `fits` refuses. */
  immediate(operand: Operand, fits: (value: bigint) => boolean): Operand {
    return isImm(operand) && !fits(operand.imm) ? this.#const(operand.imm) : operand;
  }

  #emit(insn: Insn): void {
    if (this.#span) insn.span = this.#span;
    this.output.push(insn);
  }

  #fresh(): VReg {
    return this.#fn.nextVReg++ as VReg;
  }

  #const(value: bigint): VReg {
    const dst = this.#fresh();
    this.#emit({ op: "const", dst, value });
    return dst;
  }

  #op(alu: AluOp, a: VReg, b: Operand): VReg {
    const dst = this.#fresh();
    this.#emit({ op: "alu", alu, dst, a, b });
    return dst;
  }

  /** *key = value; dst = bpf_map_lookup_elem(map, key) */
  #lookup(insn: Extract<Insn, { op: "lookup" }>): void {
    let address: VReg;
    if ("address" in insn.key) address = insn.key.address;
    else {
      const { value, size } = insn.key;
      address = this.#fresh();
      // A key lives only from here to the call, so one slot serves all lookups of the function.
      this.#keySlot ??= this.#fn.slots.push({ size: 8, note: "key of a lookup" }) - 1;
      this.#emit({ op: "slot", dst: address, slot: this.#keySlot, offset: 0 });
      const stored = this.immediate(narrow(value, size), fitsS32);
      this.#emit({ op: "store", base: address, offset: 0, size, value: stored });
    }
    const map = this.#fresh();
    this.#emit({ op: "map", dst: map, map: insn.map });
    this.#emit({ op: "call", dst: insn.dst, helper: "map_lookup_elem", args: [map, address], pure: false });
  }

  #alu(insn: Extract<Insn, { op: "alu" }>): void {
    const { alu, dst, a, b } = insn;
    if (isDivision(alu)) {
      if (isImm(b) && b.imm === 0n) {
        // The verifier refuses a constant zero divisor.
        if (alu === "div" || alu === "sdiv") this.#emit({ op: "const", dst, value: 0n });
        else this.#emit({ op: "copy", dst, src: a });
      } else if ((alu === "sdiv" || alu === "smod") && !this.#features.cpuV4) this.#signed(alu, dst, a, b);
      else this.#emit({ ...insn, b: this.immediate(b, fitsS32) });
    } else if (!isImm(b) && isCommutative(alu) && this.#recipes.has(b)) {
      // What is made on the spot is best made in the register of the result.
      this.#emit({ ...insn, a: b, b: a });
    } else {
      // 32-bit `and` takes any mask that leaves the upper half zero.
      const fits = alu === "and" ? (value: bigint) => fitsS32(value) || fitsU32(value) : fitsS32;
      this.#emit({ ...insn, b: this.immediate(b, fits) });
    }
  }

  /**
   * |x| = (x ^ s) - s with s = x s>> 63, and the same gives the result its sign. The quotient is negative when one of the
   * operands is; the remainder has the sign of the dividend.
   */
  #signed(alu: "sdiv" | "smod", dst: VReg, a: VReg, b: Operand): void {
    const signA = this.#op("arsh", a, { imm: 63n });
    const absA = this.#op("sub", this.#op("xor", a, signA), signA);
    let absB: Operand;
    let sign: VReg = signA;
    if (isImm(b)) {
      absB = this.immediate({ imm: b.imm < 0n ? BigInt.asIntN(64, -b.imm) : b.imm }, fitsS32);
      if (alu === "sdiv" && b.imm < 0n) sign = this.#op("xor", signA, { imm: -1n });
    } else {
      const signB = this.#op("arsh", b, { imm: 63n });
      absB = this.#op("sub", this.#op("xor", b, signB), signB);
      if (alu === "sdiv") sign = this.#op("xor", signA, signB);
    }
    const unsigned = this.#op(alu === "sdiv" ? "div" : "mod", absA, absB);
    this.#emit({ op: "alu", alu: "sub", dst, a: this.#op("xor", unsigned, sign), b: sign });
  }
}

function isDivision(alu: AluOp): boolean {
  return alu === "div" || alu === "mod" || alu === "sdiv" || alu === "smod";
}

/** The constant that a store of `size` bytes writes, sign-extended, so that every narrow one fits. */
function narrow(value: Operand, size: number): Operand {
  return isImm(value) ? { imm: BigInt.asIntN(size * 8, value.imm) } : value;
}
