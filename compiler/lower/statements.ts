/** Statements. */

import type { VReg } from "../ir/ir.ts";
import { truth } from "../sema/constants.ts";
import { sizeOf } from "../sema/layout.ts";
import type { VariableInfo } from "../sema/typed.ts";
import { isScalar, isSigned, type Size, type Type } from "../sema/types.ts";
import type * as ast from "../syntax/ast.ts";
import { unreachable } from "../unreachable.ts";
import { effect, either, operand, operation, value } from "./expressions.ts";
import { forLoop, unrollLoop, whileLoop } from "./loops.ts";
import type { Lowering } from "./lowering.ts";
import { compoundMap, storeMap } from "./maps.ts";
import { overwrite } from "./memory-values.ts";

export function statements(l: Lowering, list: readonly ast.Statement[]): void {
  for (const node of list) {
    // What stands behind a return, a break or an exit() is never reached, and the verifier rejects unreachable code.
    if (l.b.ended) return;
    l.b.span = node.span;
    statement(l, node);
  }
}

function statement(l: Lowering, node: ast.Statement): void {
  switch (node.kind) {
    case "expression-statement":
      effect(l, node.expression);
      return;
    case "assignment":
      assignment(l, node);
      return;
    case "let":
      if (node.value) assignVariable(l, l.variable(node.variable), node.value);
      else initialise(l, l.variable(node.variable));
      return;
    case "if": {
      const { condition, then, otherwise } = node;
      const chosen = condition.kind === "comptime" ? truth(l.type(condition)) : undefined;
      if (chosen !== undefined) {
        statements(l, (chosen ? then : otherwise)?.statements ?? []);
        return;
      }
      const rest = otherwise && (() => statements(l, otherwise.statements));
      either(l, condition, () => statements(l, then.statements), rest);
      return;
    }
    case "while":
      whileLoop(l, node);
      return;
    case "unroll":
      unroll(l, node);
      return;
    case "return":
      if (node.value && l.result !== undefined) l.b.store(l.result, 0, 8, operand(l, node.value));
      else if (node.value) effect(l, node.value);
      l.b.jump(l.end);
      return;
    case "break":
      l.b.jump(l.loops.at(-1)!.breakTo);
      return;
    case "continue":
      l.b.jump(l.loops.at(-1)!.continueTo);
      return;
    case "block":
      statements(l, node.statements);
      return;
    case "for":
      forLoop(l, node);
      return;
    case "import":
      throw new Error(`${node.kind} is rejected by the checker`);
    default:
      unreachable(node);
  }
}

function assignment(l: Lowering, node: ast.Assignment): void {
  const { target, operator } = node;
  if (!target) {
    effect(l, node.value);
    return;
  }
  if (target.kind === "variable") {
    const info = l.variable(target);
    if (operator === "=") {
      assignVariable(l, info, node.value);
      return;
    }
    const before = l.readVariable(info);
    const symbol = operator.slice(0, -1) as ast.BinaryOperator;
    const result = operation(l, symbol, before, info.type, operand(l, node.value), l.type(node.value), node.span);
    l.writeVariable(info, narrowed(l, result, info.type));
    return;
  }
  if (target.kind === "field") throw new Error("fields cannot be assigned");
  if (operator === "=") storeMap(l, target, node.value);
  else compoundMap(l, node);
}

function assignVariable(l: Lowering, info: VariableInfo, node: ast.Expression): void {
  if (isScalar(info.type)) {
    l.writeVariable(info, narrowed(l, value(l, node), info.type));
    return;
  }
  const isOld = (part: ast.Node): boolean => part.kind === "variable" && l.unit.variables.get(part) === info;
  overwrite(l, node, { to: l.variablePlace(info), as: info.type, name: info.name, isOld });
}

/** A 64-bit result in a variable of a narrower type loses its upper bits. */
function narrowed(l: Lowering, result: VReg, type: Type): VReg {
  if (type.kind !== "integer" || type.size === 8) return result;
  return l.b.extend(result, type.size as Size, isSigned(type));
}

function initialise(l: Lowering, info: VariableInfo): void {
  if (info.type.kind === "unknown") return;
  if (isScalar(info.type)) l.writeVariable(info, l.b.const(0));
  else l.zero(l.variablePlace(info), sizeOf(info.type));
}

function unroll(l: Lowering, node: ast.Unroll): void {
  const count = l.type(node.count);
  const rounds = count.kind === "integer" ? Number(count.value ?? 0n) : 0;
  if (l.facts.features.loop && l.unit.weights.isLoop(node)) {
    unrollLoop(l, node, rounds);
    return;
  }
  const after = l.b.newBlock();
  for (let i = 0; i < rounds && !l.b.ended; i++) {
    const next = l.b.newBlock();
    l.loops.push({ continueTo: next, breakTo: after, rounds });
    statements(l, node.body.statements);
    l.loops.pop();
    l.b.jump(next);
    l.b.enterSealed(next);
    if (!l.b.reached(next)) break;
  }
  l.b.jump(after);
  l.b.enterSealed(after);
}
