/**
 * The stack frame: 512 bytes below r10 for slots of the IR and cells of the allocator. What is never in use at the
 * same time shares its place.
 */
import type { Shape } from "../ir/cfg.ts";
import type { IrFunction, SlotId } from "../ir/ir.ts";
import type { Span } from "../source.ts";
import { firstBehind, joinRanges, type Liveness, type Range, STEP } from "./intervals.ts";
import { BORROW_CELL, CYCLE_CELL } from "./moves.ts";
import type { Resolution } from "./resolve.ts";
import { slotLifetimes } from "./slot-lifetimes.ts";

/** The kernel's limit, for a function and everything that it calls together. */
export const STACK_LIMIT = 512;

const CELL_SIZE = 8;

export interface Frame {
  /** Offsets from r10, negative. */
  slots: ReadonlyMap<SlotId, number>;
  cells: ReadonlyMap<number, number>;
  /** Bytes, a multiple of 8; may exceed the limit, which is the caller's business. */
  size: number;
  /** The largest things on the stack, for messages. */
  contents: { note: string; size: number }[];
  /** Where the script asked for the largest slot. */
  span: Span | undefined;
}

interface Item {
  size: number;
  ranges: Range[];
  place(offset: number): void;
}

export function layOutFrame(fn: IrFunction, shape: Shape, liveness: Liveness, resolution: Resolution): Frame {
  const slots = new Map<SlotId, number>();
  const cells = new Map<number, number>();
  const lifetimes = slotLifetimes(fn, shape, liveness);
  const items: Item[] = [];
  lifetimes.forEach(({ ranges }, slot) => {
    if (ranges.length === 0) return;
    const size = roundUp(fn.slots[slot]!.size);
    items.push({ size, ranges, place: (offset) => slots.set(slot, offset) });
  });
  for (const [cell, ranges] of cellLifetimes(shape, liveness, resolution)) {
    items.push({ size: CELL_SIZE, ranges, place: (offset) => cells.set(cell, offset) });
  }
  const size = pack(items);
  const used = [...slots.keys()].map((slot) => ({ slot, ...fn.slots[slot]! })).sort((a, b) => b.size - a.size);
  return {
    slots,
    cells,
    size,
    contents: used.map(({ note, size: bytes }) => ({ note, size: bytes })),
    span: used[0] && lifetimes[used[0].slot]!.span,
  };
}

/** Gives every item the place nearest to the frame pointer that is free throughout its life. Returns the frame's size. */
function pack(items: Item[]): number {
  // Large ones first: they leave the fewest holes.
  items.sort((a, b) => b.size - a.size || a.ranges[0]!.from - b.ranges[0]!.from);
  /** Who is where, in pieces of 8 bytes downwards from the frame pointer. */
  const words: Occupancy[] = [];
  const word = (index: number): Occupancy => {
    words[index] ??= new Occupancy();
    return words[index];
  };
  for (const { size, ranges, place } of items) {
    const count = size / CELL_SIZE;
    let first = 0;
    for (let free = 0; free < count; ) {
      if (word(first + free).isFree(ranges)) free++;
      else {
        first += free + 1;
        free = 0;
      }
    }
    for (let i = first; i < first + count; i++) word(i).occupy(ranges);
    place(-(first + count) * CELL_SIZE);
  }
  return words.length * CELL_SIZE;
}

/** When a place in the frame is taken. */
class Occupancy {
  /** Sorted and disjoint. */
  readonly #taken: Range[] = [];

  isFree(ranges: readonly Range[]): boolean {
    return ranges.every((range) => {
      const next = this.#taken[firstBehind(this.#taken, range.from)];
      return next === undefined || next.from >= range.to;
    });
  }

  occupy(ranges: readonly Range[]): void {
    for (const range of ranges) this.#taken.splice(firstBehind(this.#taken, range.from), 0, range);
  }
}

/** Cells live as long as their values, wherever these are. */
function cellLifetimes(shape: Shape, liveness: Liveness, resolution: Resolution): Map<number, Range[]> {
  const lifetimes = new Map<number, Range[]>();
  for (const [reg, cell] of resolution.cells) {
    lifetimes.set(
      cell,
      liveness.values.get(reg)!.pieces.flatMap((piece) => piece.ranges.map((range) => ({ ...range }))),
    );
  }
  // The cell of a block parameter is written at the end of the blocks before.
  for (const block of resolution.cells.size > 0 ? liveness.order : []) {
    for (const reg of block.params) {
      const cell = resolution.cells.get(reg);
      if (cell === undefined) continue;
      for (const { from } of shape.incoming[block.id]!) {
        const end = liveness.to[from.id]!;
        lifetimes.get(cell)!.push({ from: end - STEP, to: end });
      }
    }
  }
  const everywhere = wholeFunction(liveness);
  for (const steps of resolution.moves.values()) {
    for (const { to } of steps) {
      if ("cell" in to && (to.cell === CYCLE_CELL || to.cell === BORROW_CELL)) lifetimes.set(to.cell, [everywhere]);
    }
  }
  for (const [cell, ranges] of lifetimes) lifetimes.set(cell, joinRanges(ranges));
  return lifetimes;
}

function wholeFunction(liveness: Liveness): Range {
  return { from: 0, to: liveness.to[liveness.order.at(-1)!.id]! };
}

function roundUp(size: number): number {
  return Math.ceil(size / CELL_SIZE) * CELL_SIZE;
}
