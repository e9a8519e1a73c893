/**
 * What the operations of the IR compute, on numbers that are known at compile time. Values are signed 64-bit bigints,
 * the form in which constants are kept everywhere.
 */
import type { AluOp, Condition } from "./ir.ts";

const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);

/** a op b. Division follows eBPF: x / 0 = 0, x % 0 = x, and the smallest number divided by -1 is itself. */
export function evaluateAlu(op: AluOp, a: bigint, b: bigint): bigint {
  switch (op) {
    case "add":
      return signed(a + b);
    case "sub":
      return signed(a - b);
    case "mul":
      return signed(a * b);
    case "div":
      return b === 0n ? 0n : signed(unsigned(a) / unsigned(b));
    case "mod":
      return b === 0n ? a : signed(unsigned(a) % unsigned(b));
    case "sdiv":
      return b === 0n ? 0n : signed(a / b);
    case "smod":
      return b === 0n ? a : signed(a % b);
    case "and":
      return a & b;
    case "or":
      return a | b;
    case "xor":
      return a ^ b;
    case "lsh":
      return signed(a << (b & 63n));
    case "rsh":
      return signed(unsigned(a) >> (b & 63n));
    case "arsh":
      return a >> (b & 63n);
  }
}

export function evaluateCondition(condition: Condition, a: bigint, b: bigint): boolean {
  switch (condition) {
    case "eq":
      return a === b;
    case "ne":
      return a !== b;
    case "lt":
      return unsigned(a) < unsigned(b);
    case "le":
      return unsigned(a) <= unsigned(b);
    case "gt":
      return unsigned(a) > unsigned(b);
    case "ge":
      return unsigned(a) >= unsigned(b);
    case "slt":
      return a < b;
    case "sle":
      return a <= b;
    case "sgt":
      return a > b;
    case "sge":
      return a >= b;
    case "set":
      return (a & b) !== 0n;
  }
}

/** The low `size` bytes of a value, extended to 64 bits. */
export function evaluateExtend(value: bigint, size: number, isSigned: boolean): bigint {
  return signed(isSigned ? BigInt.asIntN(size * 8, value) : BigInt.asUintN(size * 8, value));
}

/** The low `size` bytes in reverse order, zero-extended. */
export function evaluateLog2(value: bigint): bigint {
  return BigInt(unsigned(value | 1n).toString(2).length - 1);
}

export function evaluateByteSwap(value: bigint, size: number): bigint {
  let result = 0n;
  for (let i = 0n; i < BigInt(size); i++) result = (result << 8n) | ((value >> (8n * i)) & 0xffn);
  return signed(result);
}

const negations: Record<Condition, Condition | undefined> = {
  eq: "ne",
  ne: "eq",
  lt: "ge",
  ge: "lt",
  le: "gt",
  gt: "le",
  slt: "sge",
  sge: "slt",
  sle: "sgt",
  sgt: "sle",
  set: undefined,
};

/** The condition that holds exactly when `condition` does not; the test of bits has none. */
export function negated(condition: Condition): Condition | undefined {
  return negations[condition];
}

const mirrors: Record<Condition, Condition> = {
  eq: "eq",
  ne: "ne",
  lt: "gt",
  gt: "lt",
  le: "ge",
  ge: "le",
  slt: "sgt",
  sgt: "slt",
  sle: "sge",
  sge: "sle",
  set: "set",
};

/** The condition that says the same of the operands in reverse order. */
export function mirrored(condition: Condition): Condition {
  return mirrors[condition];
}

export function isCommutative(op: AluOp): boolean {
  switch (op) {
    case "add":
    case "mul":
    case "and":
    case "or":
    case "xor":
      return true;
    default:
      return false;
  }
}
