/**
 * The shape of a function: who precedes whom, in which order blocks are best visited, what dominates what, and
 * where loops are. Everything is computed afresh from the blocks, without recursion, in time linear in their number (the
 * dominators: nearly).
 */
import { edges } from "./builder.ts";
import type { BlockId, Edge, IrBlock, IrFunction } from "./ir.ts";

/** The blocks that exist, in order of their ids. */
export function liveBlocks(fn: IrFunction): IrBlock[] {
  return fn.blocks.filter((block) => block !== undefined);
}

export function blockOf(fn: IrFunction, id: BlockId): IrBlock {
  const block = fn.blocks[id];
  if (!block) throw new Error(`${fn.name} has no block ${id}`);
  return block;
}

export interface Predecessor {
  from: IrBlock;
  edge: Edge;
}

/** The edges into each block, by BlockId; a branch whose two edges meet counts twice. */
export function predecessors(fn: IrFunction): Predecessor[][] {
  const result: Predecessor[][] = fn.blocks.map(() => []);
  for (const from of liveBlocks(fn)) {
    for (const edge of edges(from.end)) result[edge.block]!.push({ from, edge });
  }
  return result;
}

/** Reverse postorder from the entry: every block before its successors, except along the edges back in loops. */
export function reversePostorder(fn: IrFunction): IrBlock[] {
  const postorder: IrBlock[] = [];
  const seen = new Set<BlockId>([0]);
  const stack: { block: IrBlock; successors: Edge[]; next: number }[] = [];
  const visit = (id: BlockId): void => {
    const block = blockOf(fn, id);
    stack.push({ block, successors: edges(block.end), next: 0 });
  };
  visit(0);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const edge = top.successors[top.next++];
    if (!edge) {
      postorder.push(top.block);
      stack.pop();
    } else if (!seen.has(edge.block)) {
      seen.add(edge.block);
      visit(edge.block);
    }
  }
  return postorder.reverse();
}

/** Removes the blocks that no path from the entry reaches. Tells whether there were any. */
export function removeUnreachable(fn: IrFunction): boolean {
  const reached = new Set(reversePostorder(fn).map((block) => block.id));
  let changed = false;
  for (const block of liveBlocks(fn)) {
    if (reached.has(block.id)) continue;
    fn.blocks[block.id] = undefined;
    changed = true;
  }
  return changed;
}

/** The dominator tree; computed by the iteration of Cooper, Harvey and Kennedy (2001). */
export class Dominators {
  /** Reverse postorder; also a preorder-compatible order of the tree: parents come before children. */
  readonly order: IrBlock[];
  readonly #parent: (BlockId | undefined)[];
  readonly #children: BlockId[][];
  /** Entry and exit times of a walk over the tree: a dominates b when b's interval lies inside a's. */
  readonly #enter: number[];
  readonly #leave: number[];

  constructor(fn: IrFunction) {
    this.order = reversePostorder(fn);
    const size = fn.blocks.length;
    this.#parent = immediateDominators(this.order, predecessors(fn), size);
    this.#children = Array.from({ length: size }, () => []);
    for (const { id } of this.order) {
      const parent = this.#parent[id];
      if (parent !== undefined) this.#children[parent]!.push(id);
    }
    this.#enter = new Array<number>(size).fill(0);
    this.#leave = new Array<number>(size).fill(-1);
    let time = 0;
    this.walk(
      (id) => {
        this.#enter[id] = time++;
      },
      (id) => {
        this.#leave[id] = time++;
      },
    );
  }

  /** The immediate dominator; undefined for the entry. */
  parent(id: BlockId): BlockId | undefined {
    return this.#parent[id];
  }

  children(id: BlockId): readonly BlockId[] {
    return this.#children[id]!;
  }

  /** Whether every path to `b` leads through `a`; a block dominates itself. */
  dominates(a: BlockId, b: BlockId): boolean {
    return this.#enter[a]! <= this.#enter[b]! && this.#leave[b]! <= this.#leave[a]!;
  }

  /** Visits the tree depth first: `enter` before a block's children, `leave` after them. */
  walk(enter: (id: BlockId) => void, leave: (id: BlockId) => void = () => {}): void {
    const stack: { id: BlockId; next: number }[] = [{ id: 0, next: 0 }];
    enter(0);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const child = this.#children[top.id]![top.next++];
      if (child === undefined) {
        leave(top.id);
        stack.pop();
      } else {
        enter(child);
        stack.push({ id: child, next: 0 });
      }
    }
  }
}

function immediateDominators(order: IrBlock[], incoming: Predecessor[][], size: number): (BlockId | undefined)[] {
  const position = new Array<number>(size).fill(-1);
  order.forEach((block, i) => {
    position[block.id] = i;
  });
  const parent = new Array<BlockId | undefined>(size).fill(undefined);
  const common = (a: BlockId, b: BlockId): BlockId => {
    let [x, y] = [a, b];
    while (x !== y) {
      if (position[x]! > position[y]!) x = parent[x]!;
      else y = parent[y]!;
    }
    return x;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const { id } of order) {
      if (id === 0) continue;
      let best: BlockId | undefined;
      for (const { from } of incoming[id]!) {
        // A predecessor without a dominator yet is one that an edge back comes from; the next round sees it.
        if (from.id !== 0 && parent[from.id] === undefined) continue;
        best = best === undefined ? from.id : common(best, from.id);
      }
      if (best !== parent[id]) {
        parent[id] = best;
        changed = true;
      }
    }
  }
  return parent;
}

/**
 * Dominance frontiers: where the influence of a definition in a block ends because another path comes in. By BlockId.
 */
export function dominanceFrontiers(fn: IrFunction, dominators: Dominators): Set<BlockId>[] {
  const frontiers: Set<BlockId>[] = fn.blocks.map(() => new Set());
  const incoming = predecessors(fn);
  for (const { id } of dominators.order) {
    if (incoming[id]!.length < 2) continue;
    for (const { from } of incoming[id]!) {
      for (let runner: BlockId | undefined = from.id; runner !== undefined; runner = dominators.parent(runner)) {
        if (runner === dominators.parent(id)) break;
        frontiers[runner]!.add(id);
      }
    }
  }
  return frontiers;
}

/** How many loops each block lies in, by BlockId. */
export function loopDepths(fn: IrFunction, dominators = new Dominators(fn)): number[] {
  const incoming = predecessors(fn);
  const depths = new Array<number>(fn.blocks.length).fill(0);
  for (const header of liveBlocks(fn)) {
    const backEdges = incoming[header.id]!.filter(({ from }) => dominators.dominates(header.id, from.id));
    if (backEdges.length === 0) continue;
    // The loop is everything that reaches an edge back without passing the header.
    const body = new Set<BlockId>([header.id]);
    const queue = backEdges.map(({ from }) => from.id);
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (body.has(id)) continue;
      body.add(id);
      for (const { from } of incoming[id]!) queue.push(from.id);
    }
    for (const id of body) depths[id]!++;
  }
  return depths;
}
