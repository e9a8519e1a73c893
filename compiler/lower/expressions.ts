/** Expressions. Scalars become registers; everything else is written to a place that the caller chooses. */
import { functions, variables } from "../builtins/index.ts";
import type { Lowered } from "../builtins/table.ts";
import type { BlockId, Condition, Operand, VReg } from "../ir/ir.ts";
import { commonSign, knownScalar, truth } from "../sema/constants.ts";
import { joinTypes } from "../sema/joins.ts";
import { sizeOf } from "../sema/layout.ts";
import {
  integer,
  isAggregate,
  isIntegral,
  isNumericAggregate,
  isScalar,
  isSigned,
  isText,
  type PointerType,
  type Size,
  sameType,
  type Type,
} from "../sema/types.ts";
import type { Span } from "../source.ts";
import type * as ast from "../syntax/ast.ts";
import { unreachable } from "../unreachable.ts";
import { type Lowering, pieces } from "./lowering.ts";
import { incrementMap, mapPlace, mapValue } from "./maps.ts";
import { member, memberPlace, pointed } from "./members.ts";
import { into, place } from "./memory-values.ts";
import { untyped } from "./place.ts";
import { tell } from "./runtime-errors.ts";
import { statements } from "./statements.ts";
import { stringsEqual } from "./strings.ts";
import { compareBytes } from "./text.ts";

const COMPARISONS: Partial<Record<ast.BinaryOperator, [unsigned: Condition, signed: Condition]>> = {
  "==": ["eq", "eq"],
  "!=": ["ne", "ne"],
  "<": ["lt", "slt"],
  "<=": ["le", "sle"],
  ">": ["gt", "sgt"],
  ">=": ["ge", "sge"],
};

/** The value of a scalar expression, extended to 64 bits by its type. */
export function value(l: Lowering, node: ast.Expression): VReg {
  const whole = l.b.span;
  l.b.span = node.span;
  const found = computed(l, node);
  // What comes now is the work of the expression that this one is a part of.
  l.b.span = whole ?? node.span;
  return found;
}

function computed(l: Lowering, node: ast.Expression): VReg {
  const type = l.type(node);
  const known = knownScalar(type);
  if (known !== undefined) return l.b.const(BigInt.asIntN(64, known));
  switch (node.kind) {
    case "variable":
      return l.readVariable(l.variable(node));
    case "map":
    case "map-access":
      return mapValue(l, node);
    case "unary":
      return unary(l, node);
    case "increment":
      return increment(l, node);
    case "binary":
      return binary(l, node);
    case "ternary": {
      const only = chosenBranch(l, node);
      return only ? value(l, only) : ternary(l, node);
    }
    case "field":
    case "index":
    case "tuple-access":
      return member(l, node);
    case "identifier":
    case "call":
      return builtinValue(l, node);
    case "cast":
      return cast(l, node);
    case "block-expression":
      statements(l, node.statements);
      return value(l, blockValue(node));
    case "integer":
    case "boolean":
    case "positional":
    case "sizeof":
    case "offsetof":
    case "string":
    case "tuple":
    case "record":
    case "typeof":
    case "typeinfo":
    case "comptime":
      throw new Error(`a ${node.kind} expression has no value in a register`);
    default:
      return unreachable(node);
  }
}

/** The branch that a `comptime` condition takes; the other one has no types, and must not be looked at. */
export function chosenBranch(l: Lowering, { condition, then, otherwise }: ast.Ternary): ast.Expression | undefined {
  const chosen = condition.kind === "comptime" ? truth(l.type(condition)) : undefined;
  return chosen === undefined ? undefined : chosen ? then : otherwise;
}

/** The value with which a block ends. The checker has seen that there is one wherever it is used. */
export function blockValue({ value }: ast.BlockExpression): ast.Expression {
  if (!value) throw new Error("a block without a value stands for none");
  return value;
}

/** A value as an operand: constants stay immediate. */
export function operand(l: Lowering, node: ast.Expression): Operand {
  const type = l.type(node);
  const known = knownScalar(type);
  if (known !== undefined) return { imm: BigInt.asIntN(64, known) };
  return value(l, node);
}

/** Runs an expression for what it does. */
export function effect(l: Lowering, node: ast.Expression): void {
  l.b.span = node.span;
  const builtin = builtinOf(node);
  if (builtin && "effect" in builtin) {
    builtin.effect(l, node as ast.Call);
    return;
  }
  if (node.kind === "increment" && node.target.kind !== "variable") {
    incrementMap(l, node, false);
    return;
  }
  const type = l.type(node);
  const only = node.kind === "ternary" ? chosenBranch(l, node) : undefined;
  if (only) {
    effect(l, only);
    return;
  }
  if (node.kind === "ternary" && type.kind === "void") {
    const { condition, then, otherwise } = node;
    either(
      l,
      condition,
      () => effect(l, then),
      () => effect(l, otherwise),
    );
    return;
  }
  if (node.kind === "block-expression") {
    statements(l, node.statements);
    if (node.value) effect(l, node.value);
    return;
  }
  if (isScalar(type)) value(l, node);
  else if (type.kind !== "void" && !isAggregate(type)) place(l, node);
}

/** Jumps to one block or the other by the truth of an expression. */
export function branch(l: Lowering, node: ast.Expression, then: BlockId, otherwise: BlockId): void {
  l.b.span = node.span;
  if (node.kind === "unary" && node.operator === "!") {
    branch(l, node.operand, otherwise, then);
    return;
  }
  if (node.kind === "binary") {
    if (node.operator === "&&" || node.operator === "||") {
      const second = l.b.newBlock();
      if (node.operator === "&&") branch(l, node.left, second, otherwise);
      else branch(l, node.left, then, second);
      l.b.enterSealed(second);
      branch(l, node.right, then, otherwise);
      return;
    }
    const conditions = COMPARISONS[node.operator];
    if (conditions && isRegisterComparison(l, node)) {
      const [left, right] = compared(l, node);
      l.b.branch(pick(l, node, conditions), left, right, then, otherwise);
      return;
    }
  }
  l.b.branch("ne", tested(l, node, value(l, node)), { imm: 0n }, then, otherwise);
}

/** Runs one of two by the truth of an expression, and goes on behind both. */
export function either(l: Lowering, condition: ast.Expression, then: () => void, otherwise?: () => void): void {
  const thenBlock = l.b.newBlock();
  const after = l.b.newBlock();
  const otherwiseBlock = otherwise ? l.b.newBlock() : after;
  branch(l, condition, thenBlock, otherwiseBlock);
  l.b.enterSealed(thenBlock);
  then();
  l.b.jump(after);
  if (otherwise) {
    l.b.enterSealed(otherwiseBlock);
    otherwise();
    l.b.jump(after);
  }
  l.b.enterSealed(after);
}

export function builtinOf(node: ast.Expression): Lowered<ast.Identifier | ast.Call> | undefined {
  const name = node.kind === "identifier" ? node.name : node.kind === "call" ? node.callee.text : undefined;
  if (name === undefined) return undefined;
  if (node.kind === "call" && Object.hasOwn(functions, name)) {
    return functions[name]!.lower as Lowered<ast.Identifier | ast.Call>;
  }
  if (Object.hasOwn(variables, name)) return variables[name]!.lower;
  return /^s?arg\d+$/.test(name) ? variables.argN!.lower : undefined;
}

function builtinValue(l: Lowering, node: ast.Identifier | ast.Call): VReg {
  const builtin = builtinOf(node);
  if (builtin && "value" in builtin) return builtin.value(l, node);
  if (builtin && "into" in builtin) {
    const type = l.type(node);
    const memory = l.memory(sizeOf(type), node.kind);
    builtin.into(l, node, memory, true);
    return l.read(memory, type);
  }
  if (builtin && "effect" in builtin) {
    builtin.effect(l, node);
    return l.b.const(0);
  }
  throw new Error(`no value in ${node.kind === "call" ? node.callee.text : node.name}`);
}

function unary(l: Lowering, node: ast.Unary): VReg {
  const type = l.type(node);
  switch (node.operator) {
    case "!":
      return l.b.compare("eq", tested(l, node.operand, value(l, node.operand)), { imm: 0n });
    case "+":
      return value(l, node.operand);
    case "-": {
      const negated = l.b.alu("sub", l.b.const(0), value(l, node.operand));
      return l.b.extend(negated, sizeOf(type) as Size, isSigned(type));
    }
    case "~": {
      const flipped = l.b.alu("xor", value(l, node.operand), { imm: -1n });
      return l.b.extend(flipped, sizeOf(type) as Size, isSigned(type));
    }
    case "*":
      return l.read(untyped(pointed(l, node.operand)), type);
    case "&":
      return addressOf(l, node.operand);
    default:
      return unreachable(node.operator);
  }
}

function addressOf(l: Lowering, node: ast.Expression): VReg {
  if (node.kind === "variable") return l.plainAddress(l.variablePlace(l.variable(node)));
  if (node.kind === "map") return l.plainAddress(mapPlace(l, node));
  const { place } = memberPlace(l, node as ast.FieldAccess)!;
  return place.space === "bpf" ? l.plainAddress(place) : l.address(place);
}

function increment(l: Lowering, node: ast.Increment): VReg {
  if (node.target.kind !== "variable") return incrementMap(l, node, true)!;
  const info = l.variable(node.target);
  const before = l.readVariable(info);
  const step = info.type.kind === "pointer" ? BigInt(Math.max(1, sizeOf(info.type.to))) : 1n;
  const after = l.b.alu(node.operator === "++" ? "add" : "sub", before, { imm: step });
  l.writeVariable(info, after);
  return node.prefix ? after : before;
}

function isRegisterComparison(l: Lowering, node: ast.Binary): boolean {
  return isScalar(l.type(node.left)) && isScalar(l.type(node.right));
}

/** Both sides of a comparison, the left one as a register. */
function compared(l: Lowering, { left, right }: ast.Binary): [VReg, Operand] {
  const first = value(l, left);
  const second = operand(l, right);
  // One side that is not known is enough. Of a pointer it must not be forgotten where it leads.
  if (l.type(left).kind !== "pointer") return [l.tested(first), second];
  return [first, typeof second === "object" || l.type(right).kind === "pointer" ? second : l.tested(second)];
}

function tested(l: Lowering, node: ast.Expression, found: VReg): VReg {
  return l.type(node).kind === "pointer" ? found : l.tested(found);
}

function pick(l: Lowering, node: ast.Binary, [unsigned, signed]: [Condition, Condition]): Condition {
  return commonSign(l.type(node.left), l.type(node.right), isSigned) ? signed : unsigned;
}

function binary(l: Lowering, node: ast.Binary): VReg {
  const { operator } = node;
  if (operator === "&&" || operator === "||") {
    const key = {};
    either(
      l,
      node,
      () => l.b.write(key, l.b.const(1)),
      () => l.b.write(key, l.b.const(0)),
    );
    return l.b.read(key);
  }
  const conditions = COMPARISONS[operator];
  if (conditions) {
    if (isRegisterComparison(l, node)) {
      const [left, right] = compared(l, node);
      return l.b.compare(pick(l, node, conditions), left, right);
    }
    const equal = memoryEqual(l, node);
    return operator === "==" ? equal : l.b.alu("xor", equal, { imm: 1n });
  }
  return arithmetic(l, operator, node.left, node.right, node.span);
}

/** What is longer is compared by a loop. */
const COMPARED_BY_WORDS = 512;

/** Equality of two values in memory: strings by content, others by their bytes. */
function memoryEqual(l: Lowering, node: ast.Binary): VReg {
  const left = l.type(node.left);
  const right = l.type(node.right);
  if (isText(left) && isText(right)) return stringsEqual(l, node.left, node.right);
  // Of two tuples with strings each may have the longer one.
  const type = joinTypes(left, right) ?? left;
  const size = sizeOf(type);
  const own = sameType(left, type) ? place(l, node.left) : undefined;
  const local = own?.space === "bpf" ? own : l.memory(size, "compared");
  if (!own) into(l, node.left, local, type, true);
  else if (local !== own) l.copy(own, local, size);
  const memory = l.memory(size, "compared");
  into(l, node.right, memory, type, true);
  if (size > COMPARED_BY_WORDS) {
    const difference = compareBytes(l, { place: local, size }, { place: memory, size }, { imm: BigInt(size) }, false);
    return l.b.compare("eq", difference, { imm: 0n });
  }
  // Without a branch for each word, which the verifier would follow both ways.
  let difference: VReg | undefined;
  for (const [offset, step] of pieces([local.offset, memory.offset], size)) {
    const [a, b] = [local, memory].map(({ base, offset: start }) => l.b.load(base, start + offset, step)) as [
      VReg,
      VReg,
    ];
    const bits = l.b.alu("xor", l.asNumber(a, type), l.asNumber(b, type));
    difference = difference === undefined ? bits : l.b.alu("or", difference, bits);
  }
  return difference === undefined ? l.b.const(1) : l.b.compare("eq", l.tested(difference), { imm: 0n });
}

export function arithmetic(
  l: Lowering,
  operator: ast.BinaryOperator,
  left: ast.Expression,
  right: ast.Expression,
  span: Span,
): VReg {
  return operation(l, operator, value(l, left), l.type(left), operand(l, right), l.type(right), span);
}

/** An arithmetic operator on two values of known types; the result has 64 bits. */
export function operation(
  l: Lowering,
  operator: ast.BinaryOperator,
  a: VReg,
  left: Type,
  b: Operand,
  right: Type,
  span: Span,
): VReg {
  if (left.kind === "pointer" && isIntegral(right)) return pointerOffset(l, operator, a, left, b, span);
  if (right.kind === "pointer" && isIntegral(left)) {
    const base = typeof b === "object" ? l.b.const(b.imm) : b;
    return pointerOffset(l, operator, base, right, a, span);
  }
  const signed = commonSign(left, right, isSigned);
  switch (operator) {
    case "+":
      return l.b.alu("add", a, b);
    case "-":
      return l.b.alu("sub", a, b);
    case "*":
      return l.b.alu("mul", a, b);
    case "/":
      return division(l, signed ? "sdiv" : "div", a, b, span);
    case "%":
      return division(l, signed ? "smod" : "mod", a, b, span);
    case "&":
      return l.b.alu("and", a, b);
    case "|":
      return l.b.alu("or", a, b);
    case "^":
      return l.b.alu("xor", a, b);
    case "<<":
      return l.b.alu("lsh", a, b);
    case ">>":
      return l.b.alu(isSigned(left) ? "arsh" : "rsh", a, b);
    default:
      throw new Error(`${operator} is no arithmetic operator`);
  }
}

/** A division by zero gives 1, and is told. */
function division(l: Lowering, op: "div" | "sdiv" | "mod" | "smod", a: VReg, b: Operand, span: Span): VReg {
  if (typeof b === "object" && b.imm !== 0n) return l.b.alu(op, a, b);
  l.b.span = span;
  const divisor = typeof b === "object" ? l.b.const(b.imm) : b;
  return l.choose(
    "ne",
    divisor,
    { imm: 0n },
    () => l.b.alu(op, a, divisor),
    () => {
      tell(l, "division-by-zero");
      return l.b.const(1);
    },
  );
}

function pointerOffset(
  l: Lowering,
  operator: ast.BinaryOperator,
  base: VReg,
  type: PointerType,
  by: Operand,
  span: Span,
): VReg {
  const isConstant = typeof by === "object";
  const mayBeNull = l.program.context === "iterator";
  const moves = isConstant && (operator === "+" || operator === "-") && !mayBeNull;
  const from = moves ? base : l.asNumber(base, type);
  const size = BigInt(Math.max(1, sizeOf(type.to)));
  const scaled = isConstant ? { imm: by.imm * size } : size === 1n ? by : l.b.alu("mul", by, { imm: size });
  if (operator === "+") return l.b.alu("add", from, scaled);
  if (operator === "-") return l.b.alu("sub", from, scaled);
  return operation(l, operator, from, integer(8, false), by, integer(8, false), span);
}

function ternary(l: Lowering, node: ast.Ternary): VReg {
  if (node.then === node.condition) {
    // `a ?: b` evaluates a once.
    const first = value(l, node.condition);
    return l.choose(
      "ne",
      tested(l, node.condition, first),
      { imm: 0n },
      () => first,
      () => value(l, node.otherwise),
    );
  }
  const key = {};
  either(
    l,
    node.condition,
    () => l.b.write(key, value(l, node.then)),
    () => l.b.write(key, value(l, node.otherwise)),
  );
  return l.b.read(key);
}

function cast(l: Lowering, node: ast.Cast): VReg {
  const to = l.type(node);
  const from = l.type(node.operand);
  if (from.kind === "array") return l.read(place(l, node.operand), to);
  // An empty string is false.
  if (from.kind === "string") return l.b.compare("ne", l.read(place(l, node.operand), integer(1, false)), { imm: 0n });
  const given = value(l, node.operand);
  if (to.kind === "boolean") return l.b.compare("ne", tested(l, node.operand, given), { imm: 0n });
  if (to.kind === "integer" || to.kind === "enum") {
    const narrower = sizeOf(to) < 8 && !(sizeOf(from) < sizeOf(to) && !isSigned(from));
    const same = sizeOf(from) === sizeOf(to) && isSigned(from) === isSigned(to) && !isNumericAggregate(from);
    const number = l.asNumber(given, from);
    return narrower && !same ? l.b.extend(number, to.size, to.signed) : number;
  }
  // An address is not negative: (uint8 *)-1 is 0xff, as in bpftrace.
  if (to.kind === "pointer" && from.kind === "integer" && from.signed && from.size < 8)
    return l.b.extend(given, from.size, false);
  return given;
}
