/**
 * What is known about a value without running the program: its smallest and largest number, signed and unsigned, and
 * which bits can be set. Only what the kernel's verifier also finds out is concluded here: a mask or a test that the verifier
 * needs to accept an access would otherwise be removed as superfluous. (It knows nothing about quotients, for instance.)
 */
import { evaluateAlu, evaluateCondition, mirrored } from "../ir/arithmetic.ts";
import { type Predecessor, Shape } from "../ir/cfg.ts";
import { type AluOp, type Condition, type Insn, type IrFunction, isImm, type Operand } from "../ir/ir.ts";

export interface Facts {
  /** Unsigned bounds, 0 to 2^64 - 1. */
  min: bigint;
  max: bigint;
  /** Signed bounds. */
  smin: bigint;
  smax: bigint;
  /** Bits that may be set. */
  bits: bigint;
}

const U64 = (1n << 64n) - 1n;
const S_MIN = -(1n << 63n);
const S_MAX = (1n << 63n) - 1n;

function lesser(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

function greater(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

export const ANYTHING: Facts = { min: 0n, max: U64, smin: S_MIN, smax: S_MAX, bits: U64 };

/** The number that a value always is, signed. */
export function constantOf(facts: Facts): bigint | undefined {
  return facts.smin === facts.smax ? facts.smin : undefined;
}

export function exactly(value: bigint): Facts {
  const unsigned = BigInt.asUintN(64, value);
  return { min: unsigned, max: unsigned, smin: value, smax: value, bits: unsigned };
}

/** Lets each kind of knowledge sharpen the others. */
function sharpen(facts: Facts): Facts {
  let { min, max, smin, smax, bits } = facts;
  max = lesser(max, bits);
  if (smin >= 0n || smax < 0n) {
    // The sign is known, so that both orders agree.
    const [low, high] = [BigInt.asUintN(64, smin), BigInt.asUintN(64, smax)];
    min = greater(min, low);
    max = lesser(max, high);
  }
  if (max <= S_MAX || min > S_MAX) {
    const [low, high] = [BigInt.asIntN(64, min), BigInt.asIntN(64, max)];
    smin = greater(smin, low);
    smax = lesser(smax, high);
  }
  bits &= lowMask(max);
  return { min, max, smin, smax, bits };
}

/** MASKS[n] is 2^n - 1. */
const MASKS: readonly bigint[] = Array.from({ length: 65 }, (_, n) => (1n << BigInt(n)) - 1n);

/** The smallest 2^n - 1 that is not below `value`. */
function lowMask(value: bigint): bigint {
  if (value <= 0n) return 0n;
  const high = Number(value >> 32n);
  return MASKS[high === 0 ? 32 - Math.clz32(Number(value)) : 64 - Math.clz32(high)]!;
}

function unsignedRange(min: bigint, max: bigint, bits = U64): Facts {
  return sharpen({ ...ANYTHING, min, max, bits });
}

function signedRange(smin: bigint, smax: bigint): Facts {
  return sharpen({ ...ANYTHING, smin, smax });
}

/** What is known of a value that is one of two. */
function either(a: Facts, b: Facts): Facts {
  if (a === b || b === ANYTHING) return b;
  if (a === ANYTHING) return a;
  return {
    min: lesser(a.min, b.min),
    max: greater(a.max, b.max),
    smin: lesser(a.smin, b.smin),
    smax: greater(a.smax, b.smax),
    bits: a.bits | b.bits,
  };
}

export function ofType(size: number, signed: boolean): Facts {
  return TYPES.get(signed ? -size : size) ?? ANYTHING;
}

/** By size in bytes, negative for signed types; of 64 bits nothing is known. */
const TYPES: ReadonlyMap<number, Facts> = new Map(
  [1, 2, 4].flatMap((size): [number, Facts][] => {
    const width = BigInt(size * 8);
    return [
      [size, unsignedRange(0n, (1n << width) - 1n)],
      [-size, signedRange(-(1n << (width - 1n)), (1n << (width - 1n)) - 1n)],
    ];
  }),
);

/** Whether truncating to a type and extending again leaves the value as it is. */
export function fitsType(facts: Facts, size: number, signed: boolean): boolean {
  const type = ofType(size, signed);
  return signed ? facts.smin >= type.smin && facts.smax <= type.smax : facts.max <= type.max;
}

/** By VReg; of registers without an entry nothing is known. */
export type FactsTable = (Facts | undefined)[];

export function factsTable(fn: IrFunction): FactsTable {
  return new Array<Facts | undefined>(fn.nextVReg);
}

/** Facts of every register, from the operations that define them. Values that come around a loop can be anything. */
export function analyseFacts(fn: IrFunction, shape = new Shape(fn)): FactsTable {
  const known = factsTable(fn);
  const of = (operand: Operand): Facts => operandFacts(operand, known);
  for (const { id, params, insns } of shape.order) {
    for (let i = 0; i < params.length; i++) known[params[i]!] = paramFacts(shape.incoming[id]!, i, of);
    for (const insn of insns) {
      const dst = insn.dst;
      if (dst !== undefined) known[dst] = factsOf(insn, of);
    }
  }
  return known;
}

/** What is known of a block's parameter from its arguments. */
export function paramFacts(incoming: readonly Predecessor[], index: number, of: (operand: Operand) => Facts): Facts {
  let joined: Facts | undefined;
  for (const { edge } of incoming) {
    const facts = of(edge.args[index]!);
    joined = joined ? either(joined, facts) : facts;
    if (joined === ANYTHING) break;
  }
  return joined ?? ANYTHING;
}

export function operandFacts(operand: Operand, known: FactsTable): Facts {
  return isImm(operand) ? exactly(operand.imm) : (known[operand] ?? ANYTHING);
}

/** Facts of an instruction's result, from those of its operands. */
export function factsOf(insn: Insn, of: (operand: Operand) => Facts): Facts {
  switch (insn.op) {
    case "const":
      return exactly(insn.value);
    case "copy":
      return of(insn.src);
    case "slot":
    case "map":
    case "map-value":
    case "func":
      return NOT_NULL;
    case "load":
      return ofType(insn.size, insn.signed);
    case "extend": {
      const src = of(insn.src);
      return fitsType(src, insn.size, insn.signed) ? src : ofType(insn.size, insn.signed);
    }
    case "compare": {
      const decided = decide(insn.condition, of(insn.a), of(insn.b));
      return decided === undefined ? unsignedRange(0n, 1n) : exactly(decided ? 1n : 0n);
    }
    case "log2":
      return LOG2;
    case "alu":
      return aluFacts(insn.alu, of(insn.a), of(insn.b));
    default:
      return ANYTHING;
  }
}

/** The verifier follows each of the ways through it, on which the result is a constant. */
const LOG2 = unsignedRange(0n, 63n);

const NOT_NULL: Facts = { ...ANYTHING, min: 1n };

/** Nothing is known but perhaps that it is not zero: a sum or difference with such a value can be anything. */
function isUnbounded(facts: Facts): boolean {
  return facts === ANYTHING || facts === NOT_NULL;
}

function aluFacts(op: AluOp, a: Facts, b: Facts): Facts {
  const [constantA, constantB] = [constantOf(a), constantOf(b)];
  if (constantA !== undefined && constantB !== undefined) return exactly(evaluateAlu(op, constantA, constantB));
  switch (op) {
    case "add":
      if (isUnbounded(a) || isUnbounded(b)) return ANYTHING;
      return arithmetic(a.min + b.min, a.max + b.max, a.smin + b.smin, a.smax + b.smax);
    case "sub":
      if (isUnbounded(a) || isUnbounded(b)) return ANYTHING;
      return arithmetic(a.min - b.max, a.max - b.min, a.smin - b.smax, a.smax - b.smin);
    case "mul":
      return a.max * b.max <= U64 ? unsignedRange(a.min * b.min, a.max * b.max) : ANYTHING;
    case "and":
      return unsignedRange(0n, lesser(a.max, b.max), a.bits & b.bits);
    case "or":
      return unsignedRange(greater(a.min, b.min), U64, a.bits | b.bits);
    case "xor":
      return unsignedRange(0n, U64, a.bits | b.bits);
    default:
      return constantB === undefined ? ANYTHING : shiftFacts(op, a, constantB & 63n);
  }
}

function shiftFacts(op: AluOp, a: Facts, by: bigint): Facts {
  switch (op) {
    case "lsh":
      if (a === ANYTHING && by > 0n) return ANYTHING;
      return a.max << by <= U64 ? unsignedRange(a.min << by, a.max << by, a.bits << by) : ANYTHING;
    case "rsh":
      return unsignedRange(a.min >> by, a.max >> by, a.bits >> by);
    case "arsh":
      return signedRange(a.smin >> by, a.smax >> by);
    default:
      return ANYTHING;
  }
}

/** Bounds of a sum or difference; those that may wrap around say nothing. */
function arithmetic(min: bigint, max: bigint, smin: bigint, smax: bigint): Facts {
  const unsigned = min >= 0n && max <= U64;
  const signed = smin >= S_MIN && smax <= S_MAX;
  return sharpen({
    ...ANYTHING,
    ...(unsigned ? { min, max } : {}),
    ...(signed ? { smin, smax } : {}),
  });
}

/** Whether a condition always holds (true), never does (false), or may go either way. */
export function decide(condition: Condition, a: Facts, b: Facts): boolean | undefined {
  if (a === ANYTHING && b === ANYTHING) return undefined;
  switch (condition) {
    case "eq": {
      if (a === ANYTHING || b === ANYTHING) return undefined;
      const [x, y] = [constantOf(a), constantOf(b)];
      if (x !== undefined && y !== undefined) return x === y;
      const apart = a.max < b.min || b.max < a.min || a.smax < b.smin || b.smax < a.smin;
      return apart ? false : undefined;
    }
    case "ne": {
      const equal = decide("eq", a, b);
      return equal === undefined ? undefined : !equal;
    }
    case "lt":
      if (a.max < b.min) return true;
      return a.min >= b.max ? false : undefined;
    case "le":
      if (a.max <= b.min) return true;
      return a.min > b.max ? false : undefined;
    case "slt":
      if (a.smax < b.smin) return true;
      return a.smin >= b.smax ? false : undefined;
    case "sle":
      if (a.smax <= b.smin) return true;
      return a.smin > b.smax ? false : undefined;
    case "gt":
    case "ge":
    case "sgt":
    case "sge":
      return decide(mirrored(condition), b, a);
    case "set": {
      const [x, y] = [constantOf(a), constantOf(b)];
      if (x !== undefined && y !== undefined) return evaluateCondition("set", x, y);
      return (a.bits & b.bits) === 0n ? false : undefined;
    }
  }
}

/** What is known of `a` where a condition between it and a constant holds. */
export function refine(a: Facts, condition: Condition, constant: bigint): Facts {
  // Most tests are for a certain value, zero above all.
  if (a === ANYTHING && condition === "eq") return exactly(constant);
  if (a === ANYTHING && condition === "ne" && constant === 0n) return NOT_NULL;
  const refined = sharpen({ ...a, ...boundsBy(condition, constant, a) });
  // Where the condition cannot hold, nothing is ever executed; nonsense would only spread.
  return refined.min > refined.max || refined.smin > refined.smax ? a : refined;
}

function boundsBy(condition: Condition, constant: bigint, a: Facts): Partial<Facts> {
  const unsigned = BigInt.asUintN(64, constant);
  switch (condition) {
    case "eq":
      return exactly(constant);
    case "ne":
      if (a.min === unsigned) return { min: a.min + 1n };
      return a.max === unsigned ? { max: a.max - 1n } : {};
    case "lt":
      return { max: lesser(a.max, unsigned - 1n) };
    case "le":
      return { max: lesser(a.max, unsigned) };
    case "gt":
      return { min: greater(a.min, unsigned + 1n) };
    case "ge":
      return { min: greater(a.min, unsigned) };
    case "slt":
      return { smax: lesser(a.smax, constant - 1n) };
    case "sle":
      return { smax: lesser(a.smax, constant) };
    case "sgt":
      return { smin: greater(a.smin, constant + 1n) };
    case "sge":
      return { smin: greater(a.smin, constant) };
    case "set":
      return {};
  }
}
