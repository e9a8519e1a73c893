/**
 * Going over a tree without knowing its nodes: passes that look for a few kinds of them need no switch of their own.
 */
import { unreachable } from "../unreachable.ts";
import type { Node } from "./ast.ts";

/**
 * Visits `node` and all below it in the order of the source. `enter` may return false to leave out what is below a
 * node; `leave` is called behind it, and not for a node that was left out.
 */
export function walk(node: Node, enter: (node: Node) => unknown, leave?: (node: Node) => void): void {
  if (enter(node) === false) return;
  for (const child of children(node)) walk(child, enter, leave);
  leave?.(node);
}

const present = <T>(...nodes: (T | undefined)[]): T[] => nodes.filter((n) => n !== undefined);

const byStart = (nodes: Node[]): Node[] => nodes.sort((a, b) => a.span.start - b.span.start);

/** The nodes directly below one, in the order of the source. Comments are below the script. */
export function children(node: Node): Node[] {
  switch (node.kind) {
    case "script": {
      const { definitions, config, imports, mapDeclarations, macros, functions, probes, comments } = node;
      return byStart([
        ...definitions,
        ...present(config),
        ...imports,
        ...mapDeclarations,
        ...macros,
        ...functions,
        ...probes,
        ...comments,
      ]);
    }
    case "config":
      return [...node.entries];
    case "import":
      return [node.path];
    case "map-declaration":
      return [node.map, node.maxEntries];
    case "macro":
      return [...node.parameters, node.body];
    case "function":
      return [...node.parameters.flatMap(({ variable, type }) => [variable, type]), node.returnType, node.body];
    case "probe":
      return [...node.attachPoints, ...present(node.predicate), node.body];
    case "block":
      return [...node.statements];
    case "expression-statement":
      return [node.expression];
    case "assignment":
      return present(node.target, node.value);
    case "let":
      return present<Node>(node.variable, node.type, node.value);
    case "if":
      return present<Node>(node.condition, node.then, node.otherwise);
    case "while":
      return [node.condition, node.body];
    case "for":
      return [node.variable, node.over, node.body];
    case "range":
      return [node.start, node.end];
    case "unroll":
      return [node.count, node.body];
    case "return":
      return present(node.value);
    case "map-access":
      return [node.map, node.key];
    case "unary":
      return [node.operand];
    case "increment":
      return [node.target];
    case "binary":
      return [node.left, node.right];
    case "ternary":
      // In `a ?: b` the condition is the same node as the value.
      return [node.condition, ...(node.then === node.condition ? [] : [node.then]), node.otherwise];
    case "field":
    case "tuple-access":
      return [node.object];
    case "index":
      return [node.object, node.index];
    case "tuple":
      return [...node.elements];
    case "record":
      return node.fields.map(({ value }) => value);
    case "call":
      return [...node.args];
    case "cast":
      return [node.type, node.operand];
    case "sizeof":
    case "offsetof":
    case "typeof":
    case "typeinfo":
      return [node.of];
    case "comptime":
      return [node.operand];
    case "block-expression":
      return [...node.statements, ...present(node.value)];
    case "comment":
    case "c-definition":
    case "config-entry":
    case "attach-point":
    case "break":
    case "continue":
    case "integer":
    case "string":
    case "boolean":
    case "identifier":
    case "positional":
    case "variable":
    case "map":
    case "type-name":
      return [];
    default:
      return unreachable(node);
  }
}
