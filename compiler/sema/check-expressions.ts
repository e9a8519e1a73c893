/** The type rules of expressions, a row for each kind of node. */

import { didYouMean } from "../diagnostics.ts";
import type { Span } from "../source.ts";
import type * as ast from "../syntax/ast.ts";
import { readInteger } from "../syntax/literals.ts";
import { unreachable } from "../unreachable.ts";
import { isCommonField } from "./args.ts";
import type { Checker } from "./check.ts";
import { arithmeticType, constantsEqual, foldIntegers, isConstant, truth, unaryType } from "./constants.ts";
import { mixesSigns } from "./conversions.ts";
import { joinTypes } from "./joins.ts";
import { sizeOf } from "./layout.ts";
import { hasTooManyParts } from "./limits.ts";
import {
  boolean,
  fits,
  type IntegerType,
  int64,
  integer,
  isAggregate,
  isIntegral,
  isNumericAggregate,
  isSigned,
  isText,
  knownInteger,
  literalType,
  type PointerType,
  pointer,
  type StructShape,
  sameType,
  type Type,
  textSize,
  truncate,
  typeName,
  uint64,
  unknown,
  voidType,
  widen,
} from "./types.ts";

const CHAR = integer(1, true);

export class Checks {
  readonly #c: Checker;

  constructor(checker: Checker) {
    this.#c = checker;
  }

  isInteger(type: Type): boolean {
    return isIntegral(type);
  }

  isTruthy(type: Type): boolean {
    return isIntegral(type) || type.kind === "pointer" || type.kind === "boolean";
  }

  /** The integer that a numeric aggregate counts as. */
  coerced(type: Type): IntegerType {
    return isSigned(type) ? int64 : uint64;
  }

  /** A map's value as an expression has it: an aggregate that stands for a number is that number. */
  plainValue(type: Type): Type {
    return isNumericAggregate(type) ? this.coerced(type) : widen(type);
  }

  expression(node: ast.Expression): Type {
    switch (node.kind) {
      case "integer":
        return literalType(node.value);
      case "string":
        return { kind: "string", size: node.value.length + 1, value: node.value };
      case "boolean":
        return { kind: "boolean", value: node.value };
      case "identifier":
        return this.#whole(this.#c.identifier(node), node.span);
      case "positional":
        return this.#positional(node);
      case "variable":
        return this.#variable(node);
      case "map":
      case "map-access": {
        const info = this.#c.useMap(node);
        info.read = true;
        return widen(info.value);
      }
      case "unary":
        return this.#unary(node);
      case "increment":
        return this.#increment(node);
      case "binary":
        return this.#binary(node);
      case "ternary":
        return this.#ternary(node);
      case "field":
        return this.#field(node);
      case "index":
        return this.#index(node);
      case "tuple-access":
        return this.#tupleAccess(node);
      case "tuple":
        return this.#compound(node, { kind: "tuple", elements: node.elements.map((e) => this.#element(e)) });
      case "record":
        return this.#compound(node, {
          kind: "record",
          fields: node.fields.map((f) => ({ name: f.name.text, type: this.#element(f.value) })),
        });
      case "call":
        return this.#c.call(node);
      case "cast":
        return this.#cast(node);
      case "sizeof":
        return this.#c.queries.sizeof(node);
      case "offsetof":
        return this.#c.queries.offsetof(node);
      case "typeinfo":
        return this.#c.queries.typeinfo(node);
      case "comptime":
        return this.#c.queries.comptime(node);
      case "typeof":
        return this.#c.error(
          "type-as-value",
          node.span,
          "`typeof` stands for a type, where a value has to be",
          "it can be used in declarations, casts, `sizeof` and the like, and as an argument of a macro",
        );
      case "block-expression": {
        let type: Type = unknown;
        this.#c.scoped(() => {
          this.#c.statements(node.statements);
          type = node.value ? this.#c.type(node.value) : voidType;
        });
        // What is known of the value must not let the statements be forgotten.
        return node.statements.length > 0 ? widen(type) : type;
      }
      default:
        return unreachable(node);
    }
  }

  #positional({ index, span }: ast.Positional): Type {
    const { parameters } = this.#c.settings;
    if (index === 0) return literalType(BigInt(parameters.length));
    const text = parameters[index - 1];
    if (text === undefined) {
      this.#c.warn(
        "missing-parameter",
        span,
        `Positional parameter $${index} is empty or not provided.`,
        "it counts as 0",
      );
      return literalType(0n);
    }
    const value = parseInteger(text);
    if (value !== undefined) return literalType(value);
    return { kind: "string", size: new TextEncoder().encode(text).length + 1, value: text };
  }

  #variable(node: ast.Variable): Type {
    const info = this.#c.lookup(node);
    if (info) return widen(info.type);
    const help = didYouMean(node.name, this.#c.variableNames()) ?? "assign it first";
    return this.#c.error("undefined-variable", node.span, `undefined variable \`${node.name}\``, help);
  }

  #compound(node: ast.Expression, type: Type): Type {
    if (!hasTooManyParts(type)) return type;
    return this.#c.error("value-too-large", node.span, `a ${node.kind} of so many parts is of no use`);
  }

  #element(node: ast.Expression): Type {
    const type = this.#c.type(node);
    if (type.kind === "void") return this.#c.error("void-value", node.span, "this gives no value");
    if (isNumericAggregate(type)) return this.coerced(type);
    if (isAggregate(type)) {
      return this.#c.error("aggregate-value", node.span, `${type.kind} values live in maps only`);
    }
    return type;
  }

  #unary(node: ast.Unary): Type {
    const type = this.#c.type(node.operand);
    if (type.kind === "unknown") return unknown;
    switch (node.operator) {
      case "!":
        if (truth(type) !== undefined) return { kind: "boolean", value: !truth(type) };
        if (this.isTruthy(type)) return boolean;
        return this.#operandError(node.operand.span, "!", type);
      case "-":
      case "+":
      case "~": {
        if (!isIntegral(type) || type.kind === "boolean")
          return this.#operandError(node.operand.span, node.operator, type);
        if (node.operator === "+") return type;
        if (type.kind !== "integer") return int64;
        const result = unaryType(node.operator, type);
        if (result !== "overflow") return result;
        return this.#c.error("integer-range", node.span, `-${type.value} does not fit into 64 bits`);
      }
      case "*":
        if (type.kind === "pointer") {
          if (type.to.kind !== "void") return type.to;
          return this.#c.error("dereference", node.span, "a `void *` leads to nothing known; cast it first");
        }
        // A number is taken for the address of one.
        if (type.kind === "integer") return uint64;
        return this.#c.error(
          "dereference",
          node.operand.span,
          `only pointers can be dereferenced, not ${typeName(type)}`,
        );
      case "&":
        return this.#addressOf(node, type);
      default:
        return unreachable(node.operator);
    }
  }

  /** Addresses of variables and of scalar maps; they lead to the program's own memory. */
  #addressOf(node: ast.Unary, type: Type): Type {
    const { operand } = node;
    if (operand.kind === "variable") {
      const info = this.#c.lookup(operand);
      if (info) info.addressed = true;
      return pointer(type, "bpf");
    }
    if (operand.kind === "map" && !isAggregate(type)) return pointer(type, "bpf");
    if (operand.kind === "field") return pointer(type, this.#spaceOf(operand.object));
    return this.#c.error("address-of", node.span, "only variables, scalar maps and fields have an address");
  }

  #spaceOf(node: ast.Expression): PointerType["space"] {
    const type = this.#c.type(node);
    if (type.kind === "pointer") return type.space;
    if (node.kind === "field") return this.#spaceOf(node.object);
    return "bpf";
  }

  #increment(node: ast.Increment): Type {
    const { target } = node;
    if (target.kind === "variable") {
      const type = this.#c.type(target);
      if (type.kind === "unknown") return unknown;
      if (type.kind === "pointer") return type;
      if (type.kind !== "integer") return this.#operandError(target.span, node.operator, type);
      this.#c.assign(target, int64OrPointer(type), undefined);
      return widen(this.#c.lookup(target)?.type ?? unknown);
    }
    const info = this.#c.useMap(target);
    if (isAggregate(info.value) || !(isIntegral(info.value) || info.value.kind === "pointer")) {
      return this.#operandError(target.span, node.operator, info.value);
    }
    this.#c.note(target, info.value);
    this.#c.store(info, info.value.kind === "pointer" ? info.value : int64OrPointer(info.value), node.span);
    return widen(info.value);
  }

  #binary(node: ast.Binary): Type {
    const left = this.#c.type(node.left);
    const right = this.#c.type(node.right);
    return this.#operation(node.operator, left, right, node.left.span, node.right.span, node.span);
  }

  /** The type of `target op= value`. */
  compound(node: ast.Assignment, target: Type, value: Type): Type {
    const operator = node.operator.slice(0, -1) as ast.BinaryOperator;
    // A map that was never assigned counts from 0.
    const left = target.kind === "unknown" ? int64 : widen(target);
    return widen(this.#operation(operator, left, value, node.target!.span, node.value.span, node.span));
  }

  #operation(operator: ast.BinaryOperator, left: Type, right: Type, leftSpan: Span, rightSpan: Span, span: Span): Type {
    if (left.kind === "unknown" || right.kind === "unknown") {
      if (isComparison(operator) || isLogical(operator)) return boolean;
      if (!this.#c.assumesNumbers) return unknown;
      return [left, right].find(({ kind }) => kind === "pointer") ?? int64;
    }
    if (isLogical(operator)) {
      if (!this.isTruthy(left)) return this.#operandError(leftSpan, operator, left);
      if (!this.isTruthy(right)) return this.#operandError(rightSpan, operator, right);
      return this.#folded(operator, left, right, span) ?? boolean;
    }
    if (isComparison(operator)) return this.#comparison(operator, left, right, leftSpan, rightSpan, span);
    if (left.kind === "pointer" || right.kind === "pointer")
      return this.#pointerArithmetic(operator, left, right, span);
    const joined = operator === "+" ? joinedLiterals(left, right) : undefined;
    if (joined) return joined;
    if (!isIntegral(left)) return this.#operandError(leftSpan, operator, left);
    if (!isIntegral(right)) return this.#operandError(rightSpan, operator, right);
    if ((operator === "/" || operator === "%") && right.kind === "integer" && right.value === 0n) {
      return this.#c.error("division-by-zero", span, "division by zero");
    }
    const folded = this.#folded(operator, left, right, span);
    if (folded) return folded;
    if (operator === "/" || operator === "%") this.#warnOfSigns(operator, left, right, span);
    return arithmeticType(operator, left, right);
  }

  #warnOfSigns(operator: ast.BinaryOperator, left: Type, right: Type, span: Span): void {
    if (!mixesSigns(left, right)) return;
    const message = `\`${operator}\` takes both sides as int64: ${typeName(left)} and ${typeName(right)}`;
    this.#c.warn("sign-mismatch", span, message, "cast one side to the type of the other");
  }

  #folded(operator: ast.BinaryOperator, left: Type, right: Type, span: Span): Type | undefined {
    if (isLogical(operator)) {
      const [first, second] = [truth(left), truth(right)];
      if (first === (operator === "||")) return { kind: "boolean", value: first };
      return first === undefined || second === undefined ? undefined : { kind: "boolean", value: second };
    }
    if ((operator === "==" || operator === "!=") && left.kind !== "integer") {
      const equal = constantsEqual(left, right);
      if (equal !== undefined) return { kind: "boolean", value: equal === (operator === "==") };
    }
    const folded = foldIntegers(operator, left, right);
    if (folded !== "overflow") return folded;
    const distance = knownInteger(right) ?? 0n;
    if ((operator === "<<" || operator === ">>") && (distance < 0n || distance > 63n)) {
      return this.#c.error("constant-overflow", span, `\`${operator}\` moves by 0 to 63 bits, not by ${distance}`);
    }
    return this.#c.error("constant-overflow", span, "the value of this expression does not fit into 64 bits");
  }

  #comparison(
    operator: ast.BinaryOperator,
    left: Type,
    right: Type,
    leftSpan: Span,
    rightSpan: Span,
    span: Span,
  ): Type {
    const folded = this.#folded(operator, left, right, span);
    if (folded) return folded;
    const integers = (isIntegral(left) || left.kind === "pointer") && (isIntegral(right) || right.kind === "pointer");
    if (integers) {
      if (operator !== "==" && operator !== "!=") this.#warnOfSigns(operator, left, right, span);
      return boolean;
    }
    const equality = operator === "==" || operator === "!=";
    if (equality && isText(left) && isText(right)) return boolean;
    const joined = equality && left.kind === right.kind ? joinTypes(left, right) : undefined;
    if (joined && isComparable(joined)) return boolean;
    if (!equality && isText(left) && isText(right)) {
      return this.#c.error("operand-type", span, `strings can be compared with == and != only, not ${operator}`);
    }
    const wrong = isIntegral(left) || left.kind === "pointer" ? rightSpan : leftSpan;
    return this.#c.error("operand-type", wrong, `cannot compare ${typeName(left)} with ${typeName(right)}`);
  }

  #pointerArithmetic(operator: ast.BinaryOperator, left: Type, right: Type, span: Span): Type {
    if (left.kind === "pointer" && right.kind === "pointer" && operator === "-") return int64;
    if (left.kind === "pointer" && isIntegral(right) && (operator === "+" || operator === "-")) return left;
    if (right.kind === "pointer" && isIntegral(left) && operator === "+") return right;
    if (left.kind === "pointer" && isIntegral(right)) return uint64;
    return this.#c.error(
      "operand-type",
      span,
      `\`${operator}\` does not go with ${typeName(left)} and ${typeName(right)}`,
      "integers can be added to a pointer and subtracted from it",
    );
  }

  #ternary(node: ast.Ternary): Type {
    const condition = this.#c.condition(node.condition);
    if (node.condition.kind === "comptime") {
      const chosen = truth(condition);
      return chosen === undefined ? unknown : this.#c.type(chosen ? node.then : node.otherwise);
    }
    const then = this.#c.type(node.then);
    const otherwise = this.#c.type(node.otherwise);
    if (then.kind === "void" && otherwise.kind === "void") return voidType;
    const joined = joinTypes(
      isNumericAggregate(then) ? this.coerced(then) : then,
      isNumericAggregate(otherwise) ? this.coerced(otherwise) : otherwise,
    );
    if (joined) return widen(joined);
    return this.#c.error(
      "ternary-type",
      node.otherwise.span,
      `both branches must have the same type: ${typeName(then)} and ${typeName(otherwise)}`,
    );
  }

  #field(node: ast.FieldAccess): Type {
    const { object: of } = node;
    const isArgs = of.kind === "identifier" && of.name === "args";
    const object = isArgs ? this.#c.note(of, this.#c.identifier(of)) : this.#c.type(of);
    const { text: name, span } = node.field;
    const target = object.kind === "pointer" ? object.to : object;
    switch (target.kind) {
      case "unknown":
        return unknown;
      case "struct":
        return this.#member(target.shape, name, span);
      case "args": {
        const problem = target.problem(name);
        if (problem !== undefined) return this.#c.error("no-arguments", span, `\`${name}\` cannot be had: ${problem}`);
        return target.field(name) ?? this.#member(target.shape, name, span);
      }
      case "record": {
        const field = target.fields.find((f) => f.name === name);
        if (field) return isConstant(target) ? field.type : widen(field.type);
        return this.#noMember(
          "record",
          name,
          span,
          target.fields.map((f) => f.name),
        );
      }
      default:
        return this.#c.error("field-access", node.field.span, `a value of type ${typeName(object)} has no fields`);
    }
  }

  /** What `args` is where none of its fields is asked for: a record of them all. */
  #whole(type: Type, span: Span): Type {
    if (type.kind !== "args") return type;
    const fields = type.shape.fields().map((field) => ({ name: field.name, type: field.type }));
    for (const { name } of fields) {
      const problem = type.problem(name);
      if (problem === undefined) continue;
      const help = "name those that are needed: `args.name`";
      return this.#c.error("no-arguments", span, `\`${name}\`, one of all arguments, cannot be had: ${problem}`, help);
    }
    return { kind: "record", fields };
  }

  #member(shape: StructShape, name: string, span: Span): Type {
    const field = shape.field(name);
    if (field) return field.type;
    return this.#noMember(
      shape.name,
      name,
      span,
      shape.fields().map((f) => f.name),
    );
  }

  #noMember(owner: string, name: string, span: Span, names: string[]): Type {
    if (owner.startsWith("tracepoint:") && isCommonField(name)) {
      const message = `BPF programs cannot read the fields that all tracepoints have, such as \`${name}\``;
      return this.#c.error(
        "unknown-field",
        span,
        message,
        name === "common_pid" ? "`tid` is the same number" : undefined,
      );
    }
    const list = names.length > 0 && names.length <= 12 ? `its fields: ${names.join(", ")}` : undefined;
    return this.#c.error("unknown-field", span, `${owner} has no field \`${name}\``, didYouMean(name, names) ?? list);
  }

  #index(node: ast.IndexAccess): Type {
    const object = this.#c.type(node.object);
    const index = this.#c.integer(node.index, "an index");
    if (object.kind === "unknown") return unknown;
    if (object.kind === "pointer") return object.to;
    if (object.kind === "tuple") return this.#tupleIndex(node, object, index);
    if (object.kind !== "array" && object.kind !== "string") {
      return this.#c.error("index-access", node.object.span, `a value of type ${typeName(object)} cannot be indexed`);
    }
    const [element, count] = object.kind === "string" ? [CHAR, object.size] : [object.element, object.count];
    if (index.kind === "integer" && index.value !== undefined && count > 0) {
      if (index.value < 0n || index.value >= BigInt(count)) {
        const message = `the index ${index.value} is out of bounds for array of size ${count}`;
        return this.#c.error("index-range", node.index.span, message);
      }
    }
    return element;
  }

  /** `$t[1 + 1]` is `$t.2`. */
  #tupleIndex(node: ast.IndexAccess, tuple: Type & { kind: "tuple" }, index: Type): Type {
    if (index.kind !== "integer" || index.value === undefined) {
      return this.#c.error(
        "constant-expected",
        node.index.span,
        "the index of a tuple must be known when the script is compiled",
      );
    }
    const element = tuple.elements[Number(index.value)];
    if (element) return widen(element);
    return this.#c.error(
      "tuple-access",
      node.index.span,
      `the tuple has ${tuple.elements.length} elements, counted from 0`,
    );
  }

  #tupleAccess(node: ast.TupleAccess): Type {
    const object = this.#c.type(node.object);
    if (object.kind === "unknown") return unknown;
    if (object.kind !== "tuple") {
      return this.#c.error("tuple-access", node.span, `a value of type ${typeName(object)} has no elements`);
    }
    const element = object.elements[node.index];
    if (element) return widen(element);
    return this.#c.error("tuple-access", node.span, `the tuple has ${object.elements.length} elements, counted from 0`);
  }

  #cast(node: ast.Cast): Type {
    const from = this.#c.type(node.operand);
    const to = this.#c.queries.declared(node.type, from);
    if (to.kind === "unknown" || from.kind === "unknown") return to;
    if (to.kind === "array") return this.#castToArray(node, from, to);
    if (to.kind === "integer") {
      if (from.kind === "integer" && from.value !== undefined) {
        return { ...to, value: truncate(from.value, to), fixed: true };
      }
      if (isIntegral(from) || from.kind === "pointer" || from.kind === "boolean") return to;
      if (from.kind === "array" && sizeOf(from) === to.size) return to;
    }
    if (to.kind === "boolean" && (isIntegral(from) || from.kind === "pointer" || from.kind === "string"))
      return boolean;
    if (to.kind === "string" && isText(from) && to.size >= textSize(from)) return to;
    if (to.kind === "enum" && isIntegral(from)) {
      const value = knownInteger(from);
      if (value === undefined || to.values.some((variant) => variant.value === value)) return to;
      const help = `it has ${to.values.map(({ name }) => name).join(", ")}`;
      return this.#c.error("cast", node.span, `Enum: ${to.name} doesn't contain a variant value of ${value}`, help);
    }
    if (to.kind === "pointer" && (isIntegral(from) || from.kind === "pointer")) {
      const space = from.kind === "pointer" && from.space !== "none" ? from.space : to.space;
      return pointer(to.to, space);
    }
    if (sameType(to, from)) return to;
    return this.#c.error("cast", node.span, `cannot cast ${typeName(from)} to ${typeName(to)}`);
  }

  /** Bytes are taken as they lie in memory, so both sides must have the same number of them. */
  #castToArray(node: ast.Cast, from: Type, to: Type & { kind: "array" }): Type {
    const literal = from.kind === "integer" && from.value !== undefined;
    const source =
      from.kind === "integer" || from.kind === "string" || from.kind === "array" || from.kind === "boolean";
    const fits = literal ? sizeOf(to) <= 8 : sizeOf(from) === sizeOf(to);
    if (source && fits) return to;
    return this.#c.error(
      "cast",
      node.span,
      `cannot cast ${typeName(from)} to ${typeName(to)}`,
      source ? `${typeName(from)} has ${sizeOf(from)} bytes and ${typeName(to)} ${sizeOf(to)}` : undefined,
    );
  }

  #operandError(span: Span, operator: string, type: Type): Type {
    return this.#c.error("operand-type", span, `\`${operator}\` does not go with a value of type ${typeName(type)}`);
  }
}

/** `"a" + "b"`: strings can be added where both are known. */
function joinedLiterals(left: Type, right: Type): Type | undefined {
  if (left.kind !== "string" || right.kind !== "string") return undefined;
  if (left.value === undefined || right.value === undefined) return undefined;
  const value = left.value + right.value;
  return { kind: "string", size: value.length + 1, value };
}

function isComparable(type: Type): boolean {
  if (type.kind === "tuple") return type.elements.every(isComparable);
  if (type.kind === "record") return type.fields.every((field) => isComparable(field.type));
  return (
    type.kind === "integer" ||
    type.kind === "enum" ||
    type.kind === "boolean" ||
    type.kind === "pointer" ||
    isText(type) ||
    type.kind === "mac" ||
    type.kind === "buffer" ||
    type.kind === "array" ||
    type.kind === "inet" ||
    type.kind === "kstack" ||
    type.kind === "ustack"
  );
}

function isComparison(operator: ast.BinaryOperator): boolean {
  return ["==", "!=", "<", "<=", ">", ">="].includes(operator);
}

function isLogical(operator: ast.BinaryOperator): boolean {
  return operator === "&&" || operator === "||";
}

function int64OrPointer(type: Type): Type {
  return type.kind === "integer" && !type.signed ? { ...uint64 } : int64;
}

/** The number that a parameter of the command line is, in one of the language's notations; others are texts. */
export function parseInteger(text: string): bigint | undefined {
  const [, sign, digits] = /^([+-]?)(\d.*)$/.exec(text) ?? [];
  if (digits === undefined || /[uUlL]$/.test(digits)) return undefined;
  const magnitude = readInteger(digits);
  if (typeof magnitude !== "bigint") return undefined;
  const value = sign === "-" ? -magnitude : magnitude;
  return fits(value, int64) || fits(value, uint64) ? value : undefined;
}
