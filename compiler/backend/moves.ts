/**
 * Moves that happen at once, put into an order in which nothing is overwritten before it is read. Cycles are broken
 * through a register that is free at that place, or through a spare piece of the stack.
 */
import { R9, type Reg } from "../asm/instructions.ts";
import type { Size } from "../ir/ir.ts";
import type { Recipe } from "./operands.ts";

/**
 * Where a value is: a register, an 8-byte cell of the stack (by number), memory that never changes, or nowhere, to be
 * made on the spot.
 */
export type Place =
  | { register: Reg }
  | { cell: number }
  | { load: { base: Reg; offset: number; size: Size; signed: boolean } }
  | { recipe: Recipe }
  | { imm: bigint };

export interface Move {
  from: Place;
  to: Place;
}

/** Cells that hold something only within one sequence of moves; other cells are numbered from 0. */
export const CYCLE_CELL = -1;
export const BORROW_CELL = -2;

/** Registers have their own numbers here, cells the ones behind. */
const FIRST_CELL = 16;

/** Identifies the register or cell that a place is, or depends on; undefined for what is made on the spot. */
function keyOf(place: Place): number | undefined {
  if ("register" in place) return place.register;
  if ("load" in place) return place.load.base;
  return "cell" in place ? FIRST_CELL + place.cell : undefined;
}

function targetOf({ to }: Move): number {
  const target = keyOf(to);
  if (target === undefined) throw new Error("a move needs a destination");
  return target;
}

function isInPlace({ from, to }: Move): boolean {
  return keyOf(from) === keyOf(to) && !("load" in from);
}

/** What must not be overwritten before the move is made; a load may overwrite its own base. */
function sourceOf({ from, to }: Move): number | undefined {
  const source = keyOf(from);
  return source === keyOf(to) ? undefined : source;
}

/**
 * Sequential moves with the same effect. Destinations must differ from each other. `free` gives registers that hold nothing
 * at this place; it is asked only when one is needed.
 */
export function sequence(moves: readonly Move[], free: () => readonly Reg[]): Move[] {
  const sequencer = new Sequencer(free);
  const [only] = moves;
  if (only && moves.length === 1) {
    targetOf(only);
    if (!isInPlace(only)) sequencer.move(only.from, only.to);
    return sequencer.output;
  }
  const writers = new Map<number, Move>();
  const readers = new Map<number, number>();
  for (const move of moves) {
    const { from, to } = move;
    const target = targetOf(move);
    if (isInPlace(move)) continue;
    if (writers.has(target))
      throw new Error(`two moves write ${target < FIRST_CELL ? "r" : "cell "}${target % FIRST_CELL}`);
    writers.set(target, { from, to });
    const source = sourceOf(move);
    if (source !== undefined) readers.set(source, (readers.get(source) ?? 0) + 1);
  }
  const ready = [...writers.keys()].filter((target) => !readers.get(target)).reverse();
  for (;;) {
    for (let target = ready.pop(); target !== undefined; target = ready.pop()) {
      const move = writers.get(target)!;
      writers.delete(target);
      sequencer.move(move.from, move.to);
      release(sourceOf(move));
    }
    const [stuck] = writers.values();
    if (!stuck) return sequencer.output;
    const saved = sequencer.save(stuck.from);
    const source = sourceOf(stuck);
    stuck.from = saved;
    release(source);
  }

  /** One reader less: the last one lets the place be written. */
  function release(key: number | undefined): void {
    const left = key === undefined ? undefined : readers.get(key);
    if (key === undefined || left === undefined) return;
    readers.set(key, left - 1);
    if (left === 1 && writers.has(key)) ready.push(key);
  }
}

class Sequencer {
  readonly output: Move[] = [];
  readonly #ask: () => readonly Reg[];
  #free: readonly Reg[] | undefined;

  constructor(ask: () => readonly Reg[]) {
    this.#ask = ask;
  }

  move(from: Place, to: Place): void {
    // Only registers and 32-bit constants can be stored.
    if ("cell" in to && !("register" in from)) this.#through(from, to);
    else this.output.push({ from, to });
  }

  /** Copies the value out of the way of a cycle. One cycle at a time is open, so that one place serves all. */
  save(from: Place): Place {
    const register = this.#registers()[1];
    const to: Place = register === undefined ? { cell: CYCLE_CELL } : { register };
    this.move(from, to);
    return to;
  }

  /** The first free register carries what cannot be moved in one step, the second one breaks cycles. */
  #registers(): readonly Reg[] {
    this.#free ??= this.#ask();
    return this.#free;
  }

  #through(from: Place, to: Place): void {
    const register = this.#registers()[0];
    if (register !== undefined) {
      this.output.push({ from, to: { register } }, { from: { register }, to });
      return;
    }
    const borrowed: Place = { register: R9 };
    this.output.push(
      { from: borrowed, to: { cell: BORROW_CELL } },
      { from, to: borrowed },
      { from: borrowed, to },
      { from: { cell: BORROW_CELL }, to: borrowed },
    );
  }
}
