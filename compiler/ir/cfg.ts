/**
 * The shape of a function: who precedes whom, in which order blocks are best visited, what dominates what, and
 * where loops are. Everything is computed from the blocks, without recursion, in time linear in their number (the
 * dominators: nearly). `Shape` keeps the answers for as long as the graph stays as it is.
 */
import { edges } from "./builder.ts";
import type { BlockId, Edge, IrBlock, IrFunction } from "./ir.ts";

/** The blocks that exist, in order of their ids. */
export function liveBlocks(fn: IrFunction): IrBlock[] {
  const blocks: IrBlock[] = [];
  for (const block of fn.blocks) if (block) blocks.push(block);
  return blocks;
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

/** What a function looks like, computed when it is first asked for, and handed on from pass to pass. */
export class Shape {
  readonly #fn: IrFunction;
  #order: readonly IrBlock[] | undefined;
  #incoming: readonly (readonly Predecessor[])[] | undefined;
  #dominators: Dominators | undefined;

  constructor(fn: IrFunction) {
    this.#fn = fn;
  }

  /** Reverse postorder: all blocks that can be reached. */
  get order(): readonly IrBlock[] {
    this.#order ??= reversePostorder(this.#fn);
    return this.#order;
  }

  /** The edges into each block, by BlockId. */
  get incoming(): readonly (readonly Predecessor[])[] {
    this.#incoming ??= predecessors(this.#fn);
    return this.#incoming;
  }

  get dominators(): Dominators {
    this.#dominators ??= new Dominators(this.#fn, this);
    return this.#dominators;
  }

  /** To be called by who adds, removes or redirects an edge, or replaces it by another object. */
  changed(): void {
    this.#order = undefined;
    this.#incoming = undefined;
    this.#dominators = undefined;
  }
}

/** The edges into each block, by BlockId; a branch whose two edges meet counts twice. */
export function predecessors(fn: IrFunction): Predecessor[][] {
  const result: Predecessor[][] = [];
  for (let id = 0; id < fn.blocks.length; id++) result.push([]);
  for (const from of fn.blocks) {
    if (from) for (const edge of edges(from.end)) result[edge.block]!.push({ from, edge });
  }
  return result;
}

/** Reverse postorder from the entry: every block before its successors, except along the edges back in loops. */
export function reversePostorder(fn: IrFunction): IrBlock[] {
  const postorder: IrBlock[] = [];
  const state = new Uint8Array(fn.blocks.length);
  const stack: BlockId[] = [0];
  while (stack.length > 0) {
    const id = stack[stack.length - 1]!;
    if (state[id] === UNSEEN) {
      state[id] = ENTERED;
      const { end } = fn.blocks[id]!;
      // The first successor on top.
      if (end.op === "branch") {
        if (state[end.otherwise.block] === UNSEEN) stack.push(end.otherwise.block);
        if (state[end.then.block] === UNSEEN) stack.push(end.then.block);
      } else if (end.op === "jump" && state[end.to.block] === UNSEEN) stack.push(end.to.block);
    } else {
      stack.pop();
      if (state[id] === LEFT) continue;
      state[id] = LEFT;
      postorder.push(fn.blocks[id]!);
    }
  }
  return postorder.reverse();
}

const UNSEEN = 0;
const ENTERED = 1;
const LEFT = 2;

/** Removes the blocks that no path from the entry reaches. Tells whether there were any. */
export function removeUnreachable(fn: IrFunction, shape = new Shape(fn)): boolean {
  const { order } = shape;
  if (order.length === fn.blocks.length) return false;
  const reached = new Uint8Array(fn.blocks.length);
  for (const { id } of order) reached[id] = 1;
  let changed = false;
  for (let id = 0; id < fn.blocks.length; id++) {
    if (reached[id] || !fn.blocks[id]) continue;
    fn.blocks[id] = undefined;
    changed = true;
  }
  if (changed) shape.changed();
  return changed;
}

/** The dominator tree; computed by the iteration of Cooper, Harvey and Kennedy (2001). */
export class Dominators {
  /** Reverse postorder; also a preorder-compatible order of the tree: parents come before children. */
  readonly order: readonly IrBlock[];
  /** By BlockId; the entry, and what cannot be reached, have NONE. */
  readonly #parent: Int32Array;
  readonly #children: BlockId[][] = [];
  /** Entry and exit times of a walk over the tree: a dominates b when b's interval lies inside a's. */
  readonly #enter: Int32Array;
  readonly #leave: Int32Array;

  constructor(fn: IrFunction, shape = new Shape(fn)) {
    this.order = shape.order;
    const size = fn.blocks.length;
    this.#parent = immediateDominators(this.order, shape.incoming, size);
    for (let id = 0; id < size; id++) this.#children.push([]);
    for (const { id } of this.order) if (id !== 0) this.#children[this.#parent[id]!]!.push(id);
    this.#enter = new Int32Array(size);
    this.#leave = new Int32Array(size).fill(-1);
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
    const parent = this.#parent[id]!;
    return parent === NONE ? undefined : parent;
  }

  children(id: BlockId): readonly BlockId[] {
    return this.#children[id]!;
  }

  /** Whether every path to `b` leads through `a`; a block dominates itself. */
  dominates(a: BlockId, b: BlockId): boolean {
    return this.#enter[a]! <= this.#enter[b]! && this.#leave[b]! <= this.#leave[a]!;
  }

  /**
   * Visits the tree depth first: `enter` before a block's children, `leave` after them. Children come in reverse postorder, so that
   * all that lead to a block, except around a loop, are entered before it.
   */
  walk(enter: (id: BlockId) => void, leave: (id: BlockId) => void = () => {}): void {
    /** Blocks to enter; those to leave as their complement. */
    const stack = [0];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (id < 0) {
        leave(~id);
        continue;
      }
      enter(id);
      stack.push(~id);
      const children = this.#children[id]!;
      for (let i = children.length - 1; i >= 0; i--) stack.push(children[i]!);
    }
  }
}

const NONE = -1;

function immediateDominators(
  order: readonly IrBlock[],
  incoming: readonly (readonly Predecessor[])[],
  size: number,
): Int32Array {
  const position = new Int32Array(size);
  for (let i = 0; i < order.length; i++) position[order[i]!.id] = i;
  const parent = new Int32Array(size).fill(NONE);
  let [changed, loops] = [true, false];
  do {
    changed = false;
    for (const { id } of order) {
      if (id === 0) continue;
      let best = NONE;
      for (const { from } of incoming[id]!) {
        // A predecessor without a dominator yet is one that an edge back comes from; the next round sees it.
        if (from.id !== 0 && parent[from.id] === NONE) {
          loops = true;
          continue;
        }
        let other = from.id;
        if (best === NONE) best = other;
        while (best !== other) {
          if (position[best]! > position[other]!) best = parent[best]!;
          else other = parent[other]!;
        }
      }
      if (best !== parent[id]) {
        parent[id] = best;
        changed = true;
      }
    }
  } while (changed && loops);
  return parent;
}

/** How many loops each block lies in, by BlockId. */
export function loopDepths(fn: IrFunction, shape = new Shape(fn)): number[] {
  const { incoming, dominators } = shape;
  const depths = new Array<number>(fn.blocks.length).fill(0);
  for (const { id: header } of shape.order) {
    const backEdges = incoming[header]!.filter(({ from }) => dominators.dominates(header, from.id));
    if (backEdges.length === 0) continue;
    // The loop is everything that reaches an edge back without passing the header.
    const body = new Set<BlockId>([header]);
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
