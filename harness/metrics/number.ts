/**
 * Arithmetic that keeps integers exact. Two whole operands stay whole under + - * and under divisions that come out
 * even; everything else is IEEE double. Comparisons between bigint and number are exact in JavaScript.
 */
import type { ArithmeticOp, ComparisonOp, Num } from "./ast.ts";

export function arithmetic(op: ArithmeticOp, a: Num, b: Num): Num {
  if (typeof a === "bigint" && typeof b === "bigint") {
    switch (op) {
      case "+":
        return a + b;
      case "-":
        return a - b;
      case "*":
        return a * b;
      case "/":
        return b !== 0n && a % b === 0n ? a / b : Number(a) / Number(b);
    }
  }
  const [x, y] = [Number(a), Number(b)];
  switch (op) {
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "/":
      return x / y;
  }
}

export function compare(op: ComparisonOp, a: Num, b: Num): boolean {
  switch (op) {
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    case "==":
      return a <= b && a >= b;
    case "!=":
      return a < b || a > b;
  }
}

export function negate(a: Num): Num {
  return -a;
}

/** Whole numbers become bigint, so that sums over many keys lose nothing. */
export function exact(a: Num): Num {
  return typeof a === "number" && Number.isSafeInteger(a) ? BigInt(a) : a;
}

export function isFiniteNum(a: Num): boolean {
  return typeof a === "bigint" || Number.isFinite(a);
}

/** Math.min for a mix of numbers and bigints; the list must not be empty. */
export function smallest(values: readonly Num[]): Num {
  let result = values[0]!;
  for (const value of values) if (value < result) result = value;
  return result;
}

/** Math.max for a mix of numbers and bigints; the list must not be empty. */
export function largest(values: readonly Num[]): Num {
  let result = values[0]!;
  for (const value of values) if (value > result) result = value;
  return result;
}
