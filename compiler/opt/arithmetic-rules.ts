/**
 * Rules for arithmetic with a constant as the right operand (or twice the same operand): what costs nothing, what
 * shifts and masks do as well as multiplication and division, and what two operations in a row amount to.
 */
import { evaluateAlu } from "../ir/arithmetic.ts";
import { type AluOp, type Insn, isImm, type Operand, type VReg } from "../ir/ir.ts";
import type { RuleContext } from "./simplify.ts";

type Alu = Extract<Insn, { op: "alu" }>;

/** An equal instruction that is cheaper or simpler, or undefined. Constants have been folded before. */
export function simplifyAlu(insn: Alu, context: RuleContext): Insn | undefined {
  const { a, b } = insn;
  if (!isImm(b)) return a === b ? rulesForSame(insn) : rulesForNegative(insn, context);
  return rulesForConstant(insn, b.imm, context) ?? combine(insn, b.imm, context);
}

const copy = (dst: VReg, src: VReg): Insn => ({ op: "copy", dst, src });
const constant = (dst: VReg, value: bigint): Insn => ({ op: "const", dst, value });
const op = (alu: AluOp, dst: VReg, a: VReg, b: Operand): Insn => ({ op: "alu", alu, dst, a, b });

export function isPowerOfTwo(value: bigint): boolean {
  return value > 0n && (value & (value - 1n)) === 0n;
}

export function log2(value: bigint): bigint {
  return BigInt(value.toString(2).length - 1);
}

function rulesForSame({ alu, dst, a }: Alu): Insn | undefined {
  switch (alu) {
    case "sub":
    case "xor":
      return constant(dst, 0n);
    case "and":
    case "or":
      return copy(dst, a);
    default:
      return undefined;
  }
}

/** x + (0 - y) is x - y. */
function rulesForNegative({ alu, dst, a, b }: Alu, context: RuleContext): Insn | undefined {
  if (alu !== "add" || isImm(b)) return undefined;
  const inner = context.definition(b);
  if (inner?.op !== "alu" || inner.alu !== "sub" || isImm(inner.b)) return undefined;
  const zero = context.definition(inner.a);
  return zero?.op === "const" && zero.value === 0n ? op("sub", dst, a, inner.b) : undefined;
}

function rulesForConstant(insn: Alu, b: bigint, context: RuleContext): Insn | undefined {
  const { alu, dst, a } = insn;
  const facts = context.facts(a);
  switch (alu) {
    case "add":
      return b === 0n ? copy(dst, a) : undefined;
    case "sub":
      return op("add", dst, a, { imm: BigInt.asIntN(64, -b) });
    case "mul":
      if (b === 0n) return constant(dst, 0n);
      if (b === 1n) return copy(dst, a);
      return isPowerOfTwo(BigInt.asUintN(64, b)) ? op("lsh", dst, a, { imm: log2(BigInt.asUintN(64, b)) }) : undefined;
    case "div":
    case "mod":
      return divide(insn, BigInt.asUintN(64, b));
    case "sdiv":
    case "smod":
      return divideSigned(insn, b, context);
    case "and":
      if (b === 0n) return constant(dst, 0n);
      if ((facts.bits & ~BigInt.asUintN(64, b)) === 0n) return copy(dst, a);
      return b === 0xffff_ffffn ? { op: "extend", dst, src: a, size: 4, signed: false } : undefined;
    case "or":
      if (b === -1n) return constant(dst, -1n);
      return b === 0n ? copy(dst, a) : undefined;
    case "xor":
      return b === 0n ? copy(dst, a) : undefined;
    case "lsh":
    case "rsh":
    case "arsh":
      if (b === 0n) return copy(dst, a);
      // The shift that is easier to reason about, where both do the same.
      return alu === "arsh" && facts.smin >= 0n ? op("rsh", dst, a, { imm: b }) : undefined;
  }
}

function divide({ alu, dst, a }: Alu, divisor: bigint): Insn | undefined {
  if (divisor === 0n) return alu === "div" ? constant(dst, 0n) : copy(dst, a);
  if (!isPowerOfTwo(divisor)) return undefined;
  if (alu === "div") return op("rsh", dst, a, { imm: log2(divisor) });
  return op("and", dst, a, { imm: BigInt.asIntN(64, divisor - 1n) });
}

function divideSigned(insn: Alu, divisor: bigint, context: RuleContext): Insn | undefined {
  const { alu, dst, a } = insn;
  if (divisor === 0n) return alu === "sdiv" ? constant(dst, 0n) : copy(dst, a);
  if (divisor === 1n) return alu === "sdiv" ? copy(dst, a) : constant(dst, 0n);
  if (divisor === -1n) {
    if (alu === "smod") return constant(dst, 0n);
    const zero = context.emit((reg) => constant(reg, 0n));
    return op("sub", dst, zero, a);
  }
  if (divisor > 0n && context.facts(a).smin >= 0n) {
    return op(alu === "sdiv" ? "div" : "mod", dst, a, { imm: divisor });
  }
  if (!isPowerOfTwo(divisor)) return undefined;
  // Rounding is towards zero: divisor - 1 is added to negative numbers first.
  const shift = log2(divisor);
  const sign = context.emit((reg) => op("arsh", reg, a, { imm: 63n }));
  const bias = context.emit((reg) => op("rsh", reg, sign, { imm: 64n - shift }));
  const biased = context.emit((reg) => op("add", reg, a, bias));
  if (alu === "sdiv") return op("arsh", dst, biased, { imm: shift });
  const low = context.emit((reg) => op("and", reg, biased, { imm: divisor - 1n }));
  return op("sub", dst, low, bias);
}

/** Two operations with constants in a row are often one. */
function combine({ alu, dst, a, b: right }: Alu, b: bigint, context: RuleContext): Insn | undefined {
  const inner = context.definition(a);
  if (inner?.op !== "alu" || !isImm(inner.b) || context.isBounded(a)) return undefined;
  const first = inner.b.imm;
  if (alu === inner.alu) {
    switch (alu) {
      case "add":
      case "mul":
      case "and":
      case "or":
      case "xor":
        return op(alu, dst, inner.a, { imm: evaluateAlu(alu, first, b) });
      case "lsh":
      case "rsh":
        return first + b > 63n ? constant(dst, 0n) : op(alu, dst, inner.a, { imm: first + b });
      case "arsh":
        return op(alu, dst, inner.a, { imm: first + b > 63n ? 63n : first + b });
      default:
        return undefined;
    }
  }
  // The sign bit of a sign is the sign bit.
  if (alu === "rsh" && b === 63n && inner.alu === "arsh") return op("rsh", dst, inner.a, right);
  return undefined;
}
