/** Expressions. Scalars become registers; everything else is written to a place that the caller chooses. */
import { functions, variables } from "../builtins/index.ts";
import type { Lowered } from "../builtins/table.ts";
import type { BlockId, Condition, Operand, VReg } from "../ir/ir.ts";
import { commonSign } from "../sema/constants.ts";
import {
  integer,
  isAggregate,
  isIntegral,
  isNumericAggregate,
  isScalar,
  isSigned,
  placed,
  type Size,
  type StructField,
  sameType,
  sizeOf,
  type Type,
} from "../sema/types.ts";
import type * as ast from "../syntax/ast.ts";
import { unreachable } from "../unreachable.ts";
import { argumentPlace, argumentValue } from "./args.ts";
import type { Lowering } from "./lowering.ts";
import { incrementMap, mapPlace, mapValue } from "./maps.ts";
import { at, type Place, untyped } from "./place.ts";
import { statements } from "./statements.ts";
import { probeName, stringLiteral, stringsEqual } from "./strings.ts";

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
  l.b.span = node.span;
  const type = l.type(node);
  if ((type.kind === "integer" || type.kind === "boolean") && type.value !== undefined) {
    return l.b.const(BigInt.asIntN(64, BigInt(type.value)));
  }
  switch (node.kind) {
    case "variable":
      return l.b.read(l.variable(node));
    case "map":
    case "map-access":
      return mapValue(l, node);
    case "unary":
      return unary(l, node);
    case "increment":
      return increment(l, node);
    case "binary":
      return binary(l, node);
    case "ternary":
      return ternary(l, node);
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
      return value(l, node.value);
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

/** A value as an operand: constants stay immediate. */
export function operand(l: Lowering, node: ast.Expression): Operand {
  const type = l.type(node);
  if ((type.kind === "integer" || type.kind === "boolean") && type.value !== undefined) {
    return { imm: BigInt.asIntN(64, BigInt(type.value)) };
  }
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
    effect(l, node.value);
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
      const left = value(l, node.left);
      l.b.branch(pick(l, node, conditions), left, operand(l, node.right), then, otherwise);
      return;
    }
  }
  l.b.branch("ne", value(l, node), { imm: 0n }, then, otherwise);
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

/**
 * Writes the value of any expression to memory, as a value of type `as` (which may be wider than its own). With `padded`
 * every byte of the place is written, as map keys and values need it.
 */
export function into(l: Lowering, node: ast.Expression, to: Place, as: Type, padded: boolean): void {
  const type = l.type(node);
  if (as.kind === "integer" || isScalar(as)) {
    const scalar = operand(l, node);
    l.b.span = node.span;
    l.write(to, as, scalar);
    return;
  }
  if (node.kind === "tuple" && as.kind === "tuple") {
    const { offsets, size } = placed(as.elements);
    if (padded)
      l.zeroPadding(
        to,
        as.elements.map((e, i) => ({ offset: offsets[i]!, size: sizeOf(e) })),
        size,
      );
    for (const [i, element] of node.elements.entries()) into(l, element, at(to, offsets[i]!), as.elements[i]!, padded);
    return;
  }
  if (node.kind === "record" && as.kind === "record") {
    const { offsets, size } = placed(as.fields.map((f) => f.type));
    if (padded)
      l.zeroPadding(
        to,
        as.fields.map((f, i) => ({ offset: offsets[i]!, size: sizeOf(f.type) })),
        size,
      );
    for (const [i, field] of as.fields.entries()) {
      const given = node.fields.find((f) => f.name.text === field.name)!;
      into(l, given.value, at(to, offsets[i]!), field.type, padded);
    }
    return;
  }
  if (node.kind === "ternary") {
    const { condition, then, otherwise } = node;
    either(
      l,
      condition,
      () => into(l, then, to, as, padded),
      () => into(l, otherwise, to, as, padded),
    );
    return;
  }
  if (node.kind === "block-expression") {
    statements(l, node.statements);
    into(l, node.value, to, as, padded);
    return;
  }
  l.b.span = node.span;
  if (as.kind === "string") {
    if (type.kind === "string" && type.value !== undefined) {
      stringLiteral(l, type.value, to, as.size, padded);
      return;
    }
    if (type.kind === "probe") {
      probeName(l, value(l, node), to, as.size);
      return;
    }
  }
  const builtin = builtinOf(node);
  if (builtin && "into" in builtin) {
    builtin.into(l, node as ast.Call, to, padded);
    if (padded && sizeOf(type) < sizeOf(as)) l.zero(at(to, sizeOf(type)), sizeOf(as) - sizeOf(type));
    return;
  }
  convert(l, place(l, node), type, to, as, padded);
}

/** Copies a value from one place to another as a value of a type that may be wider. */
export function convert(l: Lowering, from: Place, type: Type, to: Place, as: Type, padded: boolean): void {
  if (sameType(type, as)) {
    l.copy(from, to, sizeOf(as));
    return;
  }
  if (type.kind === "tuple" && as.kind === "tuple") {
    const source = placed(type.elements);
    const target = placed(as.elements);
    if (padded) {
      l.zeroPadding(
        to,
        as.elements.map((e, i) => ({ offset: target.offsets[i]!, size: sizeOf(e) })),
        target.size,
      );
    }
    for (const [i, element] of type.elements.entries()) {
      convert(l, at(from, source.offsets[i]!), element, at(to, target.offsets[i]!), as.elements[i]!, padded);
    }
    return;
  }
  if (type.kind === "record" && as.kind === "record") {
    const source = placed(type.fields.map((f) => f.type));
    const target = placed(as.fields.map((f) => f.type));
    if (padded) {
      l.zeroPadding(
        to,
        as.fields.map((f, i) => ({ offset: target.offsets[i]!, size: sizeOf(f.type) })),
        target.size,
      );
    }
    for (const [i, field] of as.fields.entries()) {
      const index = type.fields.findIndex((f) => f.name === field.name);
      convert(
        l,
        at(from, source.offsets[index]!),
        type.fields[index]!.type,
        at(to, target.offsets[i]!),
        field.type,
        padded,
      );
    }
    return;
  }
  if (isScalar(type) && isScalar(as)) {
    l.write(to, as, l.read(from, type));
    return;
  }
  if (type.kind === "probe" && as.kind === "string") {
    probeName(l, l.read(from, type), to, as.size);
    return;
  }
  const size = Math.min(sizeOf(type), sizeOf(as));
  l.copy(from, to, size);
  if (padded && size < sizeOf(as)) l.zero(at(to, size), sizeOf(as) - size);
}

/** Where the value of an expression that does not fit a register lies; computed to a place of its own if need be. */
export function place(l: Lowering, node: ast.Expression): Place {
  l.b.span = node.span;
  const type = l.type(node);
  switch (node.kind) {
    case "variable":
      return l.variablePlace(l.variable(node));
    case "map":
    case "map-access":
      return mapPlace(l, node);
    case "field":
    case "index":
    case "tuple-access": {
      const found = memberPlace(l, node);
      if (found) return untyped(found.place);
      break;
    }
    case "unary":
      if (node.operator === "*") return untyped(pointed(l, node.operand));
      break;
    case "identifier":
      if (node.name === "args") return { base: l.context, offset: 0, space: "bpf", context: true };
      break;
    default:
      break;
  }
  const memory = l.memory(sizeOf(type), node.kind);
  into(l, node, memory, type, true);
  return memory;
}

function builtinOf(node: ast.Expression): Lowered<ast.Identifier | ast.Call> | undefined {
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
      return l.b.compare("eq", value(l, node.operand), { imm: 0n });
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
      throw new Error("addresses are rejected by the checker");
    default:
      return unreachable(node.operator);
  }
}

function increment(l: Lowering, node: ast.Increment): VReg {
  if (node.target.kind !== "variable") return incrementMap(l, node, true)!;
  const info = l.variable(node.target);
  const before = l.b.read(info);
  const step = info.type.kind === "pointer" ? BigInt(Math.max(1, sizeOf(info.type.to))) : 1n;
  const after = l.b.alu(node.operator === "++" ? "add" : "sub", before, { imm: step });
  l.b.write(info, after);
  return node.prefix ? after : before;
}

function isRegisterComparison(l: Lowering, node: ast.Binary): boolean {
  return isScalar(l.type(node.left)) && isScalar(l.type(node.right));
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
      const left = value(l, node.left);
      return l.b.compare(pick(l, node, conditions), left, operand(l, node.right));
    }
    const equal = memoryEqual(l, node);
    return operator === "==" ? equal : l.b.alu("xor", equal, { imm: 1n });
  }
  return arithmetic(l, operator, node.left, node.right);
}

/** Equality of two values in memory: strings by content, others byte by byte. */
function memoryEqual(l: Lowering, node: ast.Binary): VReg {
  const left = l.type(node.left);
  const right = l.type(node.right);
  const textual = (t: Type) => t.kind === "string" || t.kind === "probe";
  if (textual(left) && textual(right)) return stringsEqual(l, node.left, node.right);
  const key = {};
  const done = l.b.newBlock();
  const different = l.b.newBlock();
  const from = place(l, node.left);
  const memory = l.memory(sizeOf(left), "compared");
  into(l, node.right, memory, left, true);
  const local = from.space === "bpf" ? from : l.memory(sizeOf(left), "compared");
  if (local !== from) l.copy(from, local, sizeOf(left));
  for (let offset = 0; offset < sizeOf(left); offset++) {
    const next = l.b.newBlock();
    const a = l.b.load(local.base, local.offset + offset, 1);
    l.b.branch("eq", a, l.b.load(memory.base, memory.offset + offset, 1), next, different);
    l.b.enterSealed(next);
  }
  l.b.write(key, l.b.const(1));
  l.b.jump(done);
  l.b.enterSealed(different);
  l.b.write(key, l.b.const(0));
  l.b.jump(done);
  l.b.enterSealed(done);
  return l.b.read(key);
}

export function arithmetic(
  l: Lowering,
  operator: ast.BinaryOperator,
  left: ast.Expression,
  right: ast.Expression,
): VReg {
  return operation(l, operator, value(l, left), l.type(left), operand(l, right), l.type(right));
}

/** An arithmetic operator on two values of known types; the result has 64 bits. */
export function operation(
  l: Lowering,
  operator: ast.BinaryOperator,
  a: VReg,
  left: Type,
  b: Operand,
  right: Type,
): VReg {
  if (left.kind === "pointer" && isIntegral(right)) return pointerOffset(l, operator, a, left.to, b);
  if (right.kind === "pointer" && isIntegral(left)) {
    const base = typeof b === "object" ? l.b.const(b.imm) : b;
    return pointerOffset(l, operator, base, right.to, a);
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
      return l.b.alu(signed ? "sdiv" : "div", a, b);
    case "%":
      return l.b.alu(signed ? "smod" : "mod", a, b);
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

function pointerOffset(l: Lowering, operator: ast.BinaryOperator, base: VReg, to: Type, by: Operand): VReg {
  const size = BigInt(Math.max(1, sizeOf(to)));
  const scaled = typeof by === "object" ? { imm: by.imm * size } : size === 1n ? by : l.b.alu("mul", by, { imm: size });
  if (operator === "+") return l.b.alu("add", base, scaled);
  if (operator === "-") return l.b.alu("sub", base, scaled);
  return operation(l, operator, base, integer(8, false), by, integer(8, false));
}

function ternary(l: Lowering, node: ast.Ternary): VReg {
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
  const given = value(l, node.operand);
  if (to.kind === "boolean") return l.b.compare("ne", given, { imm: 0n });
  if (to.kind === "integer" || to.kind === "enum") {
    const narrower = sizeOf(to) < 8 && !(sizeOf(from) < sizeOf(to) && !isSigned(from));
    const same = sizeOf(from) === sizeOf(to) && isSigned(from) === isSigned(to) && !isNumericAggregate(from);
    return narrower && !same ? l.b.extend(given, to.size, to.signed) : given;
  }
  return given;
}

// Members

/** The place that a pointer expression leads to. */
function pointed(l: Lowering, node: ast.Expression): Place {
  const type = l.type(node);
  if (type.kind !== "pointer") throw new Error("only pointers lead somewhere");
  if (isTyped(l, node)) return { base: value(l, node), offset: 0, space: "bpf", typed: true };
  const space = type.space === "user" || type.space === "bpf" ? type.space : "kernel";
  return { base: value(l, node), offset: 0, space };
}

/**
 * Whether the verifier knows what a pointer leads to: an argument of a raw tracepoint, the current task, or a plain member
 * of such an object. Loads through it need no helper; a bad address reads as 0.
 */
function isTyped(l: Lowering, node: ast.Expression): boolean {
  const type = l.type(node);
  if (l.program.type !== "tracing" || type.kind !== "pointer" || type.marked) return false;
  if (type.to.kind !== "struct" || !type.to.shape.name.startsWith("struct ")) return false;
  if (node.kind === "identifier") return node.name === "curtask" && l.facts.features.currentTaskBtf;
  if (node.kind !== "field") return false;
  const object = l.type(node.object);
  if (object.kind === "args") return l.probe.arguments()?.get(node.field.text)?.source.from === "raw";
  return object.kind === "pointer" && isDirectMember(object.to, node.field.text) && isTyped(l, node.object);
}

function isDirectMember(type: Type, name: string): boolean {
  return type.kind === "struct" && type.shape.field(name)?.direct === true;
}

type Member = ast.FieldAccess | ast.IndexAccess | ast.TupleAccess;

function member(l: Lowering, node: Member): VReg {
  if (node.kind === "field" && l.type(node.object).kind === "args") return argumentValue(l, node.field.text);
  const found = memberPlace(l, node);
  if (!found) throw new Error(`no place for a ${node.kind}`);
  if (found.field?.bits) return bitField(l, untyped(found.place), found.field);
  return l.read(found.field?.direct ? found.place : untyped(found.place), l.type(node));
}

function bitField(l: Lowering, from: Place, field: StructField): VReg {
  const { offset, size, unit } = field.bits!;
  const word = l.read(from, integer(unit, false));
  // Up to the top and down again: that extends the sign too.
  const up = l.b.alu("lsh", word, { imm: BigInt(64 - offset - size) });
  return l.b.alu(isSigned(field.type) ? "arsh" : "rsh", up, { imm: BigInt(64 - size) });
}

function memberPlace(l: Lowering, node: Member): { place: Place; field?: StructField } | undefined {
  const object = l.type(node.object);
  switch (node.kind) {
    case "field": {
      if (object.kind === "args") {
        const found = argumentPlace(l, node.field.text);
        return found && { place: found };
      }
      const base = object.kind === "pointer" ? pointed(l, node.object) : untyped(place(l, node.object));
      const target = object.kind === "pointer" ? object.to : object;
      if (target.kind === "struct") {
        const field = target.shape.field(node.field.text)!;
        return { place: at(base, field.offset), field };
      }
      if (target.kind === "record") {
        const index = target.fields.findIndex((f) => f.name === node.field.text);
        return { place: at(base, placed(target.fields.map((f) => f.type)).offsets[index]!) };
      }
      throw new Error(`no fields in ${target.kind}`);
    }
    case "tuple-access": {
      if (object.kind !== "tuple") throw new Error("no tuple");
      return { place: at(place(l, node.object), placed(object.elements).offsets[node.index]!) };
    }
    case "index": {
      const base = object.kind === "pointer" ? untyped(pointed(l, node.object)) : place(l, node.object);
      const element = l.type(node);
      const index = l.type(node.index);
      const size = Math.max(1, sizeOf(element));
      if (index.kind === "integer" && index.value !== undefined) return { place: at(base, Number(index.value) * size) };
      return { place: elementPlace(l, base, object, value(l, node.index), size) };
    }
  }
}

/** An element whose index is known at run time only; outside of the array the first one is read. */
function elementPlace(l: Lowering, base: Place, object: Type, index: VReg, size: number): Place {
  if (base.space !== "bpf") {
    const scaled = size === 1 ? index : l.b.alu("mul", index, { imm: BigInt(size) });
    return { ...base, base: l.b.alu("add", base.base, scaled) };
  }
  let local = base;
  const count = object.kind === "array" ? object.count : sizeOf(object);
  if (base.context) {
    local = l.memory(count * size, "elements");
    l.copy(base, local, count * size);
  }
  const bounded = l.choose(
    "lt",
    index,
    { imm: BigInt(count) },
    () => index,
    () => l.b.const(0),
  );
  const scaled = size === 1 ? bounded : l.b.alu("mul", bounded, { imm: BigInt(size) });
  return { base: l.b.alu("add", l.address(local), scaled), offset: 0, space: "bpf" };
}
