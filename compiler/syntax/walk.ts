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
  const visit = (visited: Node): void => {
    if (enter(visited) === false) return;
    forEachChild(visited, visit);
    leave?.(visited);
  };
  visit(node);
}

/** The nodes directly below one, in the order of the source. Comments are below the script. */
export function children(node: Node): Node[] {
  const nodes: Node[] = [];
  forEachChild(node, (child) => nodes.push(child));
  return nodes;
}

/** Visits the nodes directly below one, as `children` has them. */
export function forEachChild(node: Node, visit: (node: Node) => void): void {
  switch (node.kind) {
    case "script": {
      const { definitions, config, imports, mapDeclarations, macros, functions, probes, comments } = node;
      const nodes: Node[] = [...definitions, ...imports, ...mapDeclarations, ...macros, ...functions, ...probes];
      if (config) nodes.push(config);
      nodes.push(...comments);
      nodes.sort((a, b) => a.span.start - b.span.start).forEach(visit);
      return;
    }
    case "config":
      node.entries.forEach(visit);
      return;
    case "import":
      visit(node.path);
      return;
    case "map-declaration":
      visit(node.map);
      visit(node.maxEntries);
      return;
    case "macro":
      node.parameters.forEach(visit);
      visit(node.body);
      return;
    case "function":
      for (const { variable, type } of node.parameters) {
        visit(variable);
        visit(type);
      }
      visit(node.returnType);
      visit(node.body);
      return;
    case "probe":
      node.attachPoints.forEach(visit);
      if (node.predicate) visit(node.predicate);
      visit(node.body);
      return;
    case "block":
      node.statements.forEach(visit);
      return;
    case "expression-statement":
      visit(node.expression);
      return;
    case "assignment":
      if (node.target) visit(node.target);
      visit(node.value);
      return;
    case "let":
      visit(node.variable);
      if (node.type) visit(node.type);
      if (node.value) visit(node.value);
      return;
    case "if":
      visit(node.condition);
      visit(node.then);
      if (node.otherwise) visit(node.otherwise);
      return;
    case "while":
      visit(node.condition);
      visit(node.body);
      return;
    case "for":
      visit(node.variable);
      visit(node.over);
      visit(node.body);
      return;
    case "range":
      visit(node.start);
      visit(node.end);
      return;
    case "unroll":
      visit(node.count);
      visit(node.body);
      return;
    case "return":
      if (node.value) visit(node.value);
      return;
    case "map-access":
      visit(node.map);
      visit(node.key);
      return;
    case "unary":
      visit(node.operand);
      return;
    case "increment":
      visit(node.target);
      return;
    case "binary":
      visit(node.left);
      visit(node.right);
      return;
    case "ternary":
      visit(node.condition);
      // In `a ?: b` the condition is the same node as the value.
      if (node.then !== node.condition) visit(node.then);
      visit(node.otherwise);
      return;
    case "field":
    case "tuple-access":
      visit(node.object);
      return;
    case "index":
      visit(node.object);
      visit(node.index);
      return;
    case "tuple":
      node.elements.forEach(visit);
      return;
    case "record":
      for (const { value } of node.fields) visit(value);
      return;
    case "call":
      node.args.forEach(visit);
      return;
    case "cast":
      visit(node.type);
      visit(node.operand);
      return;
    case "sizeof":
    case "offsetof":
    case "typeof":
    case "typeinfo":
      visit(node.of);
      return;
    case "comptime":
      visit(node.operand);
      return;
    case "block-expression":
      node.statements.forEach(visit);
      if (node.value) visit(node.value);
      return;
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
      return;
    default:
      unreachable(node);
  }
}
