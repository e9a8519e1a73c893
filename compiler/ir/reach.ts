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

  /** Adds all of another set. Tells whether that changed anything. */
  addAll(other: BitSet): boolean {
    let changed = false;
    for (let i = 0; i < this.#words.length; i++) {
      const old = this.#words[i]!;
      this.#words[i]! |= other.#words[i]!;
      if (this.#words[i] !== old) changed = true;
    }
    return changed;
  }

  members(): number[] {
    return this.common(this);
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
      for (const { block } of edges(end)) {
        if (before[block]!.addAll(before[id]!)) changed = true;
        if (before[block]!.addAll(named[id]!)) changed = true;
      }
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
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = order.length - 1; i >= 0; i--) {
      const { id, end } = order[i]!;
      for (const { block } of edges(end)) {
        if (behind[id]!.addAll(behind[block]!)) changed = true;
        if (behind[id]!.addAll(named[block]!)) changed = true;
      }
    }
  }
  return behind;
}
