/** Arithmetic at compile time, by the language's rules. */
import type { BinaryOperator } from "../syntax/ast.ts";
import { fits, type IntegerType, int64, literalType, type Type, uint64 } from "./types.ts";

/** The value of an operator on two known integers; "overflow" when no 64-bit type holds it, or for division by zero. */
export function foldBinary(operator: BinaryOperator, a: bigint, b: bigint): bigint | boolean | "overflow" {
  const value = apply(operator, a, b);
  if (typeof value !== "bigint") return value;
  return fits(value, int64) || fits(value, uint64) ? value : "overflow";
}

function apply(operator: BinaryOperator, a: bigint, b: bigint): bigint | boolean | "overflow" {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0n ? "overflow" : a / b;
    case "%":
      return b === 0n ? "overflow" : a % b;
    case "&":
      return a & b;
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "<<":
      return b < 0n || b > 63n
        ? "overflow"
        : BigInt.asUintN(64, a << b) === a << b
          ? a << b
          : BigInt.asIntN(64, a << b);
    case ">>":
      return b < 0n || b > 63n ? "overflow" : a >> b;
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    case "&&":
      return a !== 0n && b !== 0n;
    case "||":
      return a !== 0n || b !== 0n;
  }
}

/** Whether an operation on the two is signed. Non-negative literals go with the other side. */
export function commonSign(a: Type, b: Type, signed: (type: Type) => boolean): boolean {
  const flexible = (t: Type) => t.kind === "integer" && t.value !== undefined && t.value >= 0n;
  if (flexible(a) && flexible(b)) return (a as IntegerType).signed && (b as IntegerType).signed;
  if (flexible(a)) return signed(b);
  if (flexible(b)) return signed(a);
  return signed(a) || signed(b);
}

export function constantInteger(value: bigint | boolean): Type {
  return typeof value === "boolean" ? { kind: "boolean", value } : literalType(value);
}
