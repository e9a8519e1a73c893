/**
 * How much code a piece of a script becomes, counted in nodes of the tree: roughly, but before anything is lowered. The
 * kernel limits what one program may be, and this is what tells in time that a script is far beyond that.
 */
import type { Block, Node, Unroll } from "./ast.ts";
import { forEachChild } from "./walk.ts";

/** The most that `unroll` writes out; what would be more is a loop. */
const MAX_UNROLLED = 2000;

/** Weights of nodes of a tree that stays as it is: what is in a block is counted once. */
export class Weights {
  readonly #known = new Map<Block, number>();
  /** Of the children so far of the node that is being counted. */
  #sum = 0;

  of(node: Node): number {
    // What is asked for is a block, or has one below it.
    if (node.kind !== "block") return this.#count(node);
    let weight = this.#known.get(node);
    if (weight === undefined) {
      weight = this.#count(node);
      this.#known.set(node, weight);
    }
    return weight;
  }

  /** Whether the rounds of an `unroll` are too much code to be written one behind the other. */
  isLoop(node: Unroll): boolean {
    return this.of(node.body) * rounds(node) > MAX_UNROLLED;
  }

  #count(node: Node): number {
    return node.kind === "unroll" ? this.#unrolled(node) : this.#below(node) + 1;
  }

  #unrolled(node: Unroll): number {
    return this.of(node.body) * (this.isLoop(node) ? 1 : rounds(node)) + 1;
  }

  #below(node: Node): number {
    const outer = this.#sum;
    this.#sum = 0;
    forEachChild(node, this.#add);
    const sum = this.#sum;
    this.#sum = outer;
    return sum;
  }

  readonly #add = (child: Node): void => {
    const weight = this.of(child);
    this.#sum += weight;
  };
}

/** A number that is not written as such (a parameter of the script, a macro's) counts as the most that there can be. */
function rounds({ count }: Unroll): number {
  return count.kind === "integer" ? Number(count.value) : 100;
}
