/** Arithmetic at compile time, by the language's rules. */
import type { BinaryOperator } from "../syntax/ast.ts";
import { adapts } from "./joins.ts";
import {
  fits,
  type IntegerType,
  int64,
  integer,
  isSigned,
  knownInteger,
  literalType,
  type Type,
  truncate,
  uint64,
  unknown,
} from "./types.ts";

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
  if (adapts(a) && adapts(b)) return signed(a) && signed(b);
  if (adapts(a)) return signed(b);
  if (adapts(b)) return signed(a);
  return signed(a) || signed(b);
}

/**
 * The type and value of an operator on two known integers. Literals give a literal; where a cast has chosen a type, the
 * result is what the running program would compute.
 */
export function foldIntegers(operator: BinaryOperator, left: Type, right: Type): Type | "overflow" | undefined {
  const [a, b] = [knownInteger(left), knownInteger(right)];
  if (a === undefined || b === undefined) return undefined;
  if (!isFixed(left) && !isFixed(right)) {
    const value = foldBinary(operator, a, b);
    return typeof value === "bigint" ? literalType(value) : typeof value === "boolean" ? truthType(value) : value;
  }
  const common = commonSign(left, right, isSigned) ? int64 : uint64;
  const value = apply(operator, truncate(a, common), truncate(b, common));
  if (typeof value === "boolean") return truthType(value);
  if (value === "overflow") return value;
  const type = arithmeticType(operator, left, right);
  return { ...type, value: truncate(value, type), fixed: true };
}

/** The type of `-x` or `~x`, with the value where it is known; "overflow" for a negative number that is too large. */
export function unaryType(operator: "-" | "~", { size, signed, value, fixed }: IntegerType): IntegerType | "overflow" {
  const result = value === undefined ? undefined : operator === "-" ? -value : ~value;
  if (result !== undefined && !fixed) {
    if (operator === "~") return { ...uint64, value: truncate(result, uint64) };
    return fits(result, int64) ? literalType(result) : "overflow";
  }
  const type = integer(size, operator === "-" && signed);
  return result === undefined ? type : { ...type, value: truncate(result, type), fixed: true };
}

function isFixed(type: Type): boolean {
  return type.kind === "integer" && type.fixed === true;
}

function truthType(value: boolean): Type {
  return { kind: "boolean", value };
}

/** Arithmetic has 64 bits. A subtraction may go below zero whatever its operands are. */
export function arithmeticType(operator: BinaryOperator, left: Type, right: Type): IntegerType {
  if (operator === "-") return int64;
  const shift = operator === "<<" || operator === ">>";
  return (shift ? isSigned(left) : commonSign(left, right, isSigned)) ? int64 : uint64;
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
