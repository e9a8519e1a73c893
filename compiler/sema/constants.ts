/** Arithmetic at compile time, by the language's rules. */
import type { BinaryOperator } from "../syntax/ast.ts";
import { fits, type IntegerType, int64, knownInteger, literalType, type Type, uint64, unknown } from "./types.ts";

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

/** Whether the whole value is known when the script is compiled. */
export function isConstant(type: Type): boolean {
  switch (type.kind) {
    case "integer":
    case "boolean":
    case "enum":
    case "string":
      return type.value !== undefined;
    case "tuple":
      return type.elements.every(isConstant);
    case "record":
      return type.fields.every((field) => isConstant(field.type));
    default:
      return false;
  }
}

/** The value of a number or a bool where it is known. */
export function knownScalar(type: Type): bigint | undefined {
  if (type.kind === "boolean") return type.value === undefined ? undefined : BigInt(type.value);
  return knownInteger(type);
}

/** Whether a known value counts as true; undefined where it is not known, or is neither true nor false. */
export function truth(type: Type): boolean | undefined {
  if (type.kind === "boolean") return type.value;
  const value = knownInteger(type);
  return value === undefined ? undefined : value !== 0n;
}

/** Whether two known values are equal; undefined where one is not known, or the two cannot be compared. */
export function constantsEqual(a: Type, b: Type): boolean | undefined {
  const [x, y] = [knownInteger(a), knownInteger(b)];
  if (x !== undefined && y !== undefined) return x === y;
  if (a.kind === "boolean" && b.kind === "boolean") return comparable(a.value, b.value);
  if (a.kind === "string" && b.kind === "string") return comparable(a.value, b.value);
  if (a.kind === "tuple" && b.kind === "tuple" && a.elements.length === b.elements.length) {
    return every(a.elements.map((element, i) => constantsEqual(element, b.elements[i]!)));
  }
  if (a.kind === "record" && b.kind === "record" && a.fields.length === b.fields.length) {
    const other = (name: string): Type => b.fields.find((field) => field.name === name)?.type ?? unknown;
    return every(a.fields.map(({ name, type }) => constantsEqual(type, other(name))));
  }
  return undefined;
}

function comparable<T>(a: T | undefined, b: T | undefined): boolean | undefined {
  return a === undefined || b === undefined ? undefined : a === b;
}

function every(answers: readonly (boolean | undefined)[]): boolean | undefined {
  if (answers.includes(false)) return false;
  return answers.includes(undefined) ? undefined : true;
}
