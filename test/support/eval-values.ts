/** Values of the evaluator, and the language's rules about them: arithmetic, what a type keeps of a value, keys as texts. */
import { sizeOf } from "../../compiler/sema/layout.ts";
import { sameType, type Type } from "../../compiler/sema/types.ts";
import type * as ast from "../../compiler/syntax/ast.ts";

/** Strings and buffers are texts of one character a byte; tuples and arrays are lists; records have their fields by name. */
export type Value = bigint | boolean | string | Value[] | Address | { [field: string]: Value };

/** Where a variable or map is, and how many bytes behind its beginning. What lies there is looked up when somebody follows it. */
export class Address {
  readonly type: Type;
  readonly load: () => Value;
  readonly offset: number;

  constructor(type: Type, load: () => Value, offset = 0) {
    this.type = type;
    this.load = load;
    this.offset = offset;
  }

  moved(by: number): Address {
    return new Address(this.type, this.load, this.offset + by);
  }

  read(type: Type): Value {
    if (this.offset === 0 && sameType(type, this.type)) return this.load();
    return fromBytes(bytesOf(this.load(), this.type).slice(this.offset), type);
  }
}

export const COMPARE: Partial<Record<ast.BinaryOperator, (a: bigint, b: bigint) => boolean>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

export function wrap(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

export function integerOf(value: Value): bigint {
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value !== "bigint") throw new Error("no integer");
  return value;
}

export function truthy(value: Value): boolean {
  return integerOf(value) !== 0n;
}

/** Literals that are not negative go with the sign of the other side, unless a cast has given them a type. */
export function isSignedOperation(a: Type, b: Type): boolean {
  const sign = (t: Type) => ("signed" in t ? t.signed === true : t.kind === "count");
  const literal = (t: Type) => t.kind === "integer" && t.value !== undefined && t.value >= 0n && !t.fixed;
  if (literal(a) && literal(b)) return sign(a) && sign(b);
  if (literal(a)) return sign(b);
  if (literal(b)) return sign(a);
  return sign(a) || sign(b);
}

export function arithmetic(
  operator: ast.BinaryOperator,
  left: Value,
  leftType: Type,
  right: Value,
  rightType: Type,
): bigint {
  const signed = isSignedOperation(leftType, rightType);
  const read = (v: Value) => (signed ? wrap(integerOf(v)) : BigInt.asUintN(64, integerOf(v)));
  const [a, b] = [read(left), read(right)];
  const shift = BigInt.asUintN(6, b);
  switch (operator) {
    case "+":
      return wrap(a + b);
    case "-":
      return wrap(a - b);
    case "*":
      return wrap(a * b);
    case "/":
      return b === 0n ? 1n : wrap(a / b);
    case "%":
      return b === 0n ? 1n : wrap(a % b);
    case "&":
      return wrap(a & b);
    case "|":
      return wrap(a | b);
    case "^":
      return wrap(a ^ b);
    case "<<":
      return wrap(a << shift);
    case ">>": {
      const arithmeticShift = leftType.kind === "integer" && leftType.signed;
      const value = integerOf(left);
      return wrap((arithmeticShift ? wrap(value) : BigInt.asUintN(64, value)) >> shift);
    }
    default:
      throw new Error(`${operator} is no arithmetic operator`);
  }
}

/** A value as a place of some type keeps it. */
export function stored(value: Value, type: Type): Value {
  switch (type.kind) {
    case "integer": {
      const bits = type.size * 8;
      const integer = integerOf(value);
      return wrap(type.signed ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer));
    }
    case "boolean":
      return truthy(value);
    case "string":
      return (value as string).slice(0, type.size);
    case "tuple":
      return (value as Value[]).map((v, i) => stored(v, type.elements[i]!));
    case "record": {
      const fields = value as { [field: string]: Value };
      return Object.fromEntries(type.fields.map((f) => [f.name, stored(fields[f.name]!, f.type)]));
    }
    default:
      return value;
  }
}

/** A value as it lies in memory, lowest byte first. */
export function bytesOf(value: Value, type: Type): number[] {
  if (type.kind === "array") return (value as Value[]).flatMap((element) => bytesOf(element, type.element));
  const size = sizeOf(type);
  if (typeof value === "string") return Array.from({ length: size }, (_, i) => value.charCodeAt(i) || 0);
  const bits = BigInt.asUintN(64, integerOf(value));
  return Array.from({ length: size }, (_, i) => Number((bits >> BigInt(8 * i)) & 0xffn));
}

/** Numbers, and arrays of them, from bytes in memory; what is missing is zero. */
export function fromBytes(bytes: readonly number[], type: Type): Value {
  if (type.kind === "array") {
    const size = sizeOf(type.element);
    return Array.from({ length: type.count }, (_, i) => fromBytes(bytes.slice(i * size, (i + 1) * size), type.element));
  }
  const bits = bytes.slice(0, sizeOf(type)).reduce((sum, byte, i) => sum | (BigInt(byte) << BigInt(8 * i)), 0n);
  return stored(bits, type);
}

export function zeroOf(type: Type): Value {
  switch (type.kind) {
    case "boolean":
      return false;
    case "string":
    case "buffer":
      return "";
    case "tuple":
      return type.elements.map(zeroOf);
    case "record":
      return Object.fromEntries(type.fields.map((f) => [f.name, zeroOf(f.type)]));
    case "array":
      return Array.from({ length: type.count }, () => zeroOf(type.element));
    default:
      return 0n;
  }
}

export function keyText(value: Value): string {
  if (value instanceof Address) throw new Error("addresses differ from run to run");
  if (Array.isArray(value)) return `(${value.map(keyText).join(",")})`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object") return String(integerOf(value));
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `(${fields.map(([name, field]) => `${name}=${keyText(field)}`).join(",")})`;
}
