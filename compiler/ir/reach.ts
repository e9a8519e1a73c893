/**
 * What lies before and behind each block on some path: for analyses that only ask whether something is named there.
 * Sets of small numbers, one bit each, because they are joined for every edge.
 */
import { edges } from "./builder.ts";
import type { IrBlock, IrFunction } from "./ir.ts";

export class BitSet {
  readonly #words: Uint32Array;

  /** For numbers below `size`. */
  constructor(size: number) {
    this.#words = new Uint32Array(Math.ceil(size / 32));
  }

  add(number: number): void {
    this.#words[number >> 5]! |= 1 << (number & 31);
  }

  has(number: number): boolean {
    return (this.#words[number >> 5]! & (1 << (number & 31))) !== 0;
  }

  /** Adds all of two sets. Tells whether that changed anything. */
  addAll(a: BitSet, b: BitSet): boolean {
    let changed = false;
    for (let i = 0; i < this.#words.length; i++) {
      const old = this.#words[i]!;
      this.#words[i]! |= a.#words[i]! | b.#words[i]!;
      if (this.#words[i] !== old) changed = true;
    }
    return changed;
  }

  /** The numbers that both sets have. */
  common(other: BitSet): number[] {
    const numbers: number[] = [];
    for (let i = 0; i < this.#words.length; i++) {
      for (let rest = this.#words[i]! & other.#words[i]!; rest !== 0; rest &= rest - 1) {
        numbers.push(i * 32 + 31 - Math.clz32(rest & -rest));
      }
    }
    return numbers;
  }
}

/** What is named on some path before the start of each block. `named`, and the result: by BlockId. */
export function namedBefore(
  fn: IrFunction,
  order: readonly IrBlock[],
  named: readonly BitSet[],
  size: number,
): BitSet[] {
  const before = fn.blocks.map(() => new BitSet(size));
  // Loops are why one round may not be enough.
  for (let changed = true; changed; ) {
    changed = false;
    for (const { id, end } of order) {
      for (const { block } of edges(end)) if (before[block]!.addAll(before[id]!, named[id]!)) changed = true;
    }
  }
  return before;
}

/** What is named on some path behind the end of each block. */
export function namedBehind(
  fn: IrFunction,
  order: readonly IrBlock[],
  named: readonly BitSet[],
  size: number,
): BitSet[] {
  const behind = fn.blocks.map(() => new BitSet(size));
  const backwards = order.toReversed();
  for (let changed = true; changed; ) {
    changed = false;
    for (const { id, end } of backwards) {
      for (const { block } of edges(end)) if (behind[id]!.addAll(behind[block]!, named[block]!)) changed = true;
    }
  }
  return behind;
}
