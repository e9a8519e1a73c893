/**
 * The nodes of a tree by their kind, for all who look for a few kinds of them: the tree is gone over once, when the first asks.
 */
import type { Node } from "./ast.ts";
import { walk } from "./walk.ts";

type Kind = Node["kind"];
type NodeOf<K extends Kind> = Extract<Node, { kind: K }>;

const gathered = new WeakMap<Node, Map<Kind, Node[]>>();

/** The nodes of one kind in a tree that stays as it is, in the order of the source. */
export function nodesOf<K extends Kind>(tree: Node, kind: K): readonly NodeOf<K>[] {
  let kinds = gathered.get(tree);
  if (!kinds) {
    kinds = gather(tree);
    gathered.set(tree, kinds);
  }
  return (kinds.get(kind) ?? []) as NodeOf<K>[];
}

function gather(tree: Node): Map<Kind, Node[]> {
  const kinds = new Map<Kind, Node[]>();
  walk(tree, (node) => {
    const same = kinds.get(node.kind);
    if (same) same.push(node);
    else kinds.set(node.kind, [node]);
  });
  return kinds;
}
