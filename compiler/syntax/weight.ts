/**
 * How much code a piece of a script becomes, counted in nodes of the tree: roughly, but before anything is lowered. The
 * kernel limits what one program may be, and this is what tells in time that a script is far beyond that.
 */
import type { Node, Unroll } from "./ast.ts";
import { forEachChild } from "./walk.ts";

/** The most that `unroll` writes out; what would be more is a loop. */
const MAX_UNROLLED = 2000;

/** Weights of nodes of a tree that stays as it is: each is counted once. */
export class Weights {
  readonly #known = new Map<Node, number>();

  of(node: Node): number {
    const known = this.#known.get(node);
    if (known !== undefined) return known;
    const weight = node.kind === "unroll" ? this.#unrolled(node) : this.#below(node) + 1;
    this.#known.set(node, weight);
    return weight;
  }

  /** Whether the rounds of an `unroll` are too much code to be written one behind the other. */
  isLoop(node: Unroll): boolean {
    return this.of(node.body) * rounds(node) > MAX_UNROLLED;
  }

  #unrolled(node: Unroll): number {
    return this.of(node.body) * (this.isLoop(node) ? 1 : rounds(node)) + 1;
  }

  #below(node: Node): number {
    let sum = 0;
    forEachChild(node, (child) => {
      sum += this.of(child);
    });
    return sum;
  }
}

/** A number that is not written as such (a parameter of the script, a macro's) counts as the most that there can be. */
function rounds({ count }: Unroll): number {
  return count.kind === "integer" ? Number(count.value) : 100;
}
