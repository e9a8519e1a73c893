/** What a piece of a script may do besides giving a value. */
import type { Expression, Node } from "../syntax/ast.ts";
import { nodesOf } from "../syntax/nodes.ts";
import { walk } from "../syntax/walk.ts";

/** Whether something in it may end the trace. */
export function callsExit(node: Node): boolean {
  return nodesOf(node, "call").some(({ callee }) => callee.text === "exit");
}

/** Whether evaluating an expression may change something that another expression reads. */
export function hasSideEffects(node: Expression): boolean {
  let found = false;
  walk(node, ({ kind }) => {
    if (kind === "increment" || kind === "block-expression" || kind === "call") found = true;
    return !found;
  });
  return found && !isPlainCall(node);
}

/** A call such as str(args.filename) whose arguments change nothing. */
function isPlainCall(node: Expression): boolean {
  return (
    node.kind === "call" &&
    node.args.every((arg) => arg.kind !== "block" && (arg.kind === "type-name" || !hasSideEffects(arg)))
  );
}
