/**
 * The interpreter's arithmetic, written from the instruction set's definition and independent of the compiler's own, so that
 * neither can hide the other's mistakes.
 */
import { bitsOf, Fault, Pointer, type Value } from "./memory.ts";

/** 32-bit results are zero-extended. */
export function truncate(value: bigint, wide: boolean): bigint {
  return wide ? BigInt.asIntN(64, value) : BigInt.asUintN(32, value);
}

/** Adding to and subtracting from pointers; nothing else is done to them. */
export function pointerArithmetic(operation: number, left: Value, right: Value): Value {
  if (operation === 0x00 && left instanceof Pointer && typeof right === "bigint") return left.plus(right);
  if (operation === 0x00 && typeof left === "bigint" && right instanceof Pointer) return right.plus(left);
  if (operation === 0x10 && left instanceof Pointer) {
    if (typeof right === "bigint") return left.plus(-right);
    left.target();
    right.target();
    return bitsOf(left) - bitsOf(right);
  }
  throw new Fault("arithmetic on a pointer other than addition and subtraction");
}

/** What an arithmetic instruction computes. `operation`: the high bits of its opcode. */
export function compute(
  operation: number,
  left: bigint,
  right: bigint,
  wide: boolean,
  offset: number,
  fromRegister: boolean,
): bigint {
  const bits = wide ? 64 : 32;
  const [a, b] = [BigInt.asIntN(bits, left), BigInt.asIntN(bits, right)];
  const [ua, ub] = [BigInt.asUintN(bits, a), BigInt.asUintN(bits, b)];
  const shift = ub & BigInt(bits - 1);
  const isShift = operation === 0x60 || operation === 0x70 || operation === 0xc0;
  const isDivision = operation === 0x30 || operation === 0x90;
  if (!fromRegister && isShift && ub >= BigInt(bits)) throw new Fault("a shift by too many bits");
  if (!fromRegister && isDivision && b === 0n) throw new Fault("a division by the constant zero");
  if (offset !== 0 && !(isDivision && offset === 1)) throw new Fault("unknown arithmetic");
  const signed = offset === 1;
  const divide = (): bigint => (b === 0n ? 0n : signed ? a / b : ua / ub);
  const remainder = (): bigint => (b === 0n ? a : signed ? a % b : ua % ub);
  switch (operation) {
    case 0x00:
      return truncate(a + b, wide);
    case 0x10:
      return truncate(a - b, wide);
    case 0x20:
      return truncate(a * b, wide);
    case 0x30:
      return truncate(divide(), wide);
    case 0x40:
      return truncate(a | b, wide);
    case 0x50:
      return truncate(a & b, wide);
    case 0x60:
      return truncate(ua << shift, wide);
    case 0x70:
      return truncate(ua >> shift, wide);
    case 0x90:
      return truncate(remainder(), wide);
    case 0xa0:
      return truncate(a ^ b, wide);
    case 0xc0:
      return truncate(a >> shift, wide);
    default:
      throw new Fault("unknown arithmetic");
  }
}

/** Whether a jump is taken. */
export function compare(operation: number, left: bigint, right: bigint, wide: boolean): boolean {
  const bits = wide ? 64 : 32;
  const [signedLeft, signedRight] = [BigInt.asIntN(bits, left), BigInt.asIntN(bits, right)];
  const [unsignedLeft, unsignedRight] = [BigInt.asUintN(bits, signedLeft), BigInt.asUintN(bits, signedRight)];
  switch (operation) {
    case 0x10:
      return signedLeft === signedRight;
    case 0x50:
      return signedLeft !== signedRight;
    case 0x20:
      return unsignedLeft > unsignedRight;
    case 0x30:
      return unsignedLeft >= unsignedRight;
    case 0x40:
      return (signedLeft & signedRight) !== 0n;
    case 0x60:
      return signedLeft > signedRight;
    case 0x70:
      return signedLeft >= signedRight;
    case 0xa0:
      return unsignedLeft < unsignedRight;
    case 0xb0:
      return unsignedLeft <= unsignedRight;
    case 0xc0:
      return signedLeft < signedRight;
    case 0xd0:
      return signedLeft <= signedRight;
    default:
      throw new Fault("unknown comparison");
  }
}
