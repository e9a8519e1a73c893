/**
 * What lies before and behind each block on some path: for analyses that only ask whether something is named there.
 * Sets of small numbers, one bit each and all in one piece of memory, because they are joined for every edge.
 */
import { edges } from "./builder.ts";
import type { BlockId, IrBlock, IrFunction } from "./ir.ts";

/** A set of numbers for each block of a function. */
export class BlockSets {
  readonly #width: number;
  readonly #words: Uint32Array;

  /** For numbers below `size`. */
  constructor(fn: IrFunction, size: number) {
    this.#width = Math.ceil(size / 32);
    this.#words = new Uint32Array(fn.blocks.length * this.#width);
  }

  add(block: BlockId, number: number): void {
    this.#words[block * this.#width + (number >> 5)]! |= 1 << (number & 31);
  }

  has(block: BlockId, number: number): boolean {
    return (this.#words[block * this.#width + (number >> 5)]! & (1 << (number & 31))) !== 0;
  }

  /** Adds all that a block has in other sets. */
  addAll(block: BlockId, others: BlockSets): void {
    const start = block * this.#width;
    for (let at = start; at < start + this.#width; at++) this.#words[at]! |= others.#words[at]!;
  }

  /** Adds what another block has in its own set and not in one of `without`, or has in one of `more`. Tells whether that changed anything. */
  join(block: BlockId, other: BlockId, more: BlockSets, without?: BlockSets): boolean {
    let to = block * this.#width;
    const start = other * this.#width;
    let changed = false;
    for (let from = start; from < start + this.#width; from++, to++) {
      const old = this.#words[to]!;
      const passed = without ? this.#words[from]! & ~without.#words[from]! : this.#words[from]!;
      const joined = (old | passed | more.#words[from]!) >>> 0;
      if (joined === old) continue;
      this.#words[to] = joined;
      changed = true;
    }
    return changed;
  }

  /** Calls `f` with the numbers that a block has. */
  forEach(block: BlockId, f: (number: number) => void): void {
    this.forEachCommon(block, this, f);
  }

  /** Calls `f` with the numbers that a block has here and in other sets. */
  forEachCommon(block: BlockId, others: BlockSets, f: (number: number) => void): void {
    for (let i = 0; i < this.#width; i++) {
      const at = block * this.#width + i;
      for (let rest = this.#words[at]! & others.#words[at]!; rest !== 0; rest &= rest - 1) {
        f(i * 32 + 31 - Math.clz32(rest & -rest));
      }
    }
  }
}

/** What is named on some path before the start of each block. `order` is best one in which blocks come before those that they lead to. */
export function namedBefore(fn: IrFunction, order: readonly IrBlock[], named: BlockSets, size: number): BlockSets {
  const before = new BlockSets(fn, size);
  const passed = new Uint8Array(fn.blocks.length);
  // What a loop brings back to a block that was passed has to be handed on in another round.
  for (let again = true; again; ) {
    again = false;
    for (const { id, end } of order) {
      passed[id] = 1;
      for (const { block } of edges(end)) if (before.join(block, id, named) && passed[block]) again = true;
    }
  }
  return before;
}

/** What is named on some path behind the end of each block. */
export function namedBehind(fn: IrFunction, order: readonly IrBlock[], named: BlockSets, size: number): BlockSets {
  return readBehind(fn, order, named, undefined, size);
}

/** What is read on some path behind the end of each block before it is written. `read` are those that a block reads before it writes them. */
export function readBehind(
  fn: IrFunction,
  order: readonly IrBlock[],
  read: BlockSets,
  written: BlockSets | undefined,
  size: number,
): BlockSets {
  const behind = new BlockSets(fn, size);
  const passed = new Uint8Array(fn.blocks.length);
  /** Where loops begin: asked from their ends before they were passed. */
  const asked = new Uint8Array(fn.blocks.length);
  for (let again = true; again; ) {
    again = false;
    for (let i = order.length - 1; i >= 0; i--) {
      const { id, end } = order[i]!;
      for (const { block } of edges(end)) {
        if (!passed[block]) asked[block] = 1;
        if (behind.join(id, block, read, written) && asked[id]) again = true;
      }
      passed[id] = 1;
    }
  }
  return behind;
}
