/** Integers as C computes with them: 32 or 64 bits, signed or not, the usual conversions between them. */

export interface CNumber {
  value: bigint;
  bits: 32 | 64;
  unsigned: boolean;
}

export function number(value: bigint, bits: 32 | 64, unsigned: boolean): CNumber {
  return { value: unsigned ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value), bits, unsigned };
}

export function int(value: bigint | number | boolean): CNumber {
  return number(BigInt(value), 32, false);
}

/** Of `sizeof` and its like. */
export function size(value: number): CNumber {
  return number(BigInt(value), 64, true);
}

const INTEGER = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)([uU]?(?:[lL]|ll|LL)?|(?:[lL]|ll|LL)[uU])$/;

/** An integer constant; undefined for a fraction, or for what is none. */
export function readInteger(text: string): CNumber | undefined {
  const [, digits, suffix] = INTEGER.exec(text) ?? [];
  if (digits === undefined || suffix === undefined) return undefined;
  const isDecimal = /^[1-9]/.test(digits);
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const isUnsigned = /u/i.test(suffix);
  // The first type that holds it; a constant in decimal becomes unsigned only where it says so.
  for (const bits of /l/i.test(suffix) ? ([64] as const) : ([32, 64] as const)) {
    if (!isUnsigned && BigInt.asIntN(bits, value) === value) return { value, bits, unsigned: false };
    if ((isUnsigned || !isDecimal) && BigInt.asUintN(bits, value) === value) return { value, bits, unsigned: true };
  }
  return number(value, 64, true);
}

/** An operator on two numbers; undefined for a division by zero, or for what is no operator. */
export function operate(operator: string, a: CNumber, b: CNumber): CNumber | undefined {
  const isShift = operator === "<<" || operator === ">>";
  const bits = isShift ? a.bits : a.bits === 64 || b.bits === 64 ? 64 : 32;
  const unsigned = isShift ? a.unsigned : (a.unsigned && a.bits === bits) || (b.unsigned && b.bits === bits);
  const x = number(a.value, bits, unsigned).value;
  const y = isShift ? b.value & BigInt(bits - 1) : number(b.value, bits, unsigned).value;
  const result = compute(operator, x, y);
  if (typeof result === "boolean") return int(result);
  return result === undefined ? undefined : number(result, bits, unsigned);
}

function compute(operator: string, x: bigint, y: bigint): bigint | boolean | undefined {
  switch (operator) {
    case "*":
      return x * y;
    case "/":
      return y === 0n ? undefined : x / y;
    case "%":
      return y === 0n ? undefined : x % y;
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "<<":
      return x << y;
    case ">>":
      return x >> y;
    case "<":
      return x < y;
    case ">":
      return x > y;
    case "<=":
      return x <= y;
    case ">=":
      return x >= y;
    case "==":
      return x === y;
    case "!=":
      return x !== y;
    case "&":
      return x & y;
    case "^":
      return x ^ y;
    case "|":
      return x | y;
    default:
      return undefined;
  }
}
