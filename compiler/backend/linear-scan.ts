/**
 * Register allocation by linear scan over lifetimes with holes, splitting lifetimes where a register is lost
 * (Wimmer and Mössenböck 2005, on SSA form as in Wimmer and Franz 2010). Values that live across a call end up in
 * r6 to r9; what finds no register waits on the stack, or is made again if that costs nothing.
 */
import { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, type Reg } from "../asm/instructions.ts";
import { type Interval, type Liveness, lowerBound, STEP } from "./intervals.ts";

/** In order of preference: what a call destroys anyway is given away first. */
const REGISTERS: readonly Reg[] = [R1, R2, R3, R4, R5, R0, R6, R7, R8, R9];

/** Those that survive calls. */
const SAVED_REGISTERS: readonly Reg[] = [R6, R7, R8, R9];

const NEVER = Number.POSITIVE_INFINITY;

/** By so much farther away seems the next use of what is easily loaded again. */
const RELOADABLE = 4;

/** More partners than this are not asked for their registers. */
const MAX_PARTNERS = 8;

/** Assigns a register to every piece of every lifetime that needs one. `depths`: loop depth by BlockId. */
export function allocateRegisters(liveness: Liveness, depths: readonly number[]): void {
  new LinearScan(liveness, depths).run();
}

class LinearScan {
  readonly #liveness: Liveness;
  readonly #depths: readonly number[];
  /** Whole lifetimes by start, and pieces that were split off; both sorted, the next one last. */
  readonly #waiting: Interval[];
  readonly #split: Interval[] = [];
  #active: Interval[] = [];
  readonly #inactive = new Sleepers();

  constructor(liveness: Liveness, depths: readonly number[]) {
    this.#liveness = liveness;
    this.#depths = depths;
    this.#waiting = [...liveness.values.values()].map((value) => value.pieces[0]!);
    this.#waiting.sort((a, b) => b.start - a.start || b.value.reg - a.value.reg);
  }

  run(): void {
    for (let current = this.#next(); current; current = this.#next()) {
      this.#advance(current.start);
      if (!this.#takeFree(current)) this.#takeBlocked(current);
      if (current.register !== undefined) this.#active.push(current);
    }
  }

  #next(): Interval | undefined {
    const a = this.#waiting.at(-1);
    const b = this.#split.at(-1);
    if (a && (!b || a.start <= b.start)) return this.#waiting.pop();
    return this.#split.pop();
  }

  #requeue(piece: Interval): void {
    const index = lowerBound(this.#split.length, (i) => this.#split[i]!.start <= piece.start);
    this.#split.splice(index, 0, piece);
  }

  /** Moves lifetimes between the sets as the scan reaches a position. */
  #advance(position: number): void {
    const active = this.#active;
    let kept = 0;
    for (const interval of active) if (this.#staysActive(interval, position)) active[kept++] = interval;
    active.length = kept;
    if (!this.#inactive.wakesBy(position)) return;
    for (const interval of this.#inactive.wakeUp(position)) {
      if (this.#staysActive(interval, position)) active.push(interval);
    }
  }

  /** Whether a lifetime goes on at a position; one that rests there goes to sleep. */
  #staysActive(interval: Interval, position: number): boolean {
    if (interval.end <= position) return false;
    if (interval.coversNext(position)) return true;
    this.#inactive.add(interval, position);
    return false;
  }

  /**
   * Sleeping lifetimes that wake while `current` lives. A value that begins in a hole of another one's life never meets
   * it again: what is alive where both are was alive at the later definition (as the program is in SSA form). Pieces
   * that begin elsewhere may meet.
   */
  #meeting(current: Interval): { other: Interval; at: number }[] {
    if (current === current.value.pieces[0]) return [];
    const result: { other: Interval; at: number }[] = [];
    for (const other of this.#inactive.all()) {
      const at = other.register === undefined ? undefined : other.intersection(current);
      if (at !== undefined) result.push({ other, at });
    }
    return result;
  }

  /** Where each register's next call lies within a lifetime, by register: there it is lost. */
  #destroyedIn(interval: Interval): number[] {
    const { clobbers } = this.#liveness;
    const all = interval.firstOf(clobbers.all) ?? NEVER;
    const r0 = interval.firstOf(clobbers.r0) ?? NEVER;
    return [r0, all, all, all, all, all, NEVER, NEVER, NEVER, NEVER];
  }

  #takeFree(current: Interval): boolean {
    const free = this.#destroyedIn(current);
    for (const { register } of this.#active) free[register!] = 0;
    for (const { other, at } of this.#meeting(current)) {
      free[other.register!] = Math.min(free[other.register!]!, at);
    }

    const { end, value } = current;
    const isFirst = current === value.pieces[0];
    let choice = this.#hints(current).find((register) => free[register]! >= end);
    if (choice === undefined && value.born !== undefined && isFirst) {
      // The value is there already: moving it can wait until the register is lost.
      if (usable(current, free[value.born]!)) choice = value.born;
    }
    // A register that survives calls saves a move when the value, further computed, outlives one.
    if (value.outlivesCall) choice ??= freeUntil(SAVED_REGISTERS, free, end);
    choice ??= freeUntil(REGISTERS, free, end);
    if (choice === undefined) {
      choice = longestFree(free);
      if (!usable(current, free[choice]!)) return false;
    }
    current.register = choice;
    const until = free[choice]!;
    if (until < end) this.#requeue(current.split(this.#splitPosition(current, until)));
    return true;
  }

  /** Registers that would save a move, best first. */
  #hints(current: Interval): Reg[] {
    const { value } = current;
    const hints: Reg[] = [];
    const [first] = value.pieces;
    if (current === first && value.born !== undefined) hints.push(value.born);
    for (let i = 0; i < value.partners.length && i < MAX_PARTNERS; i++) {
      const partner = value.partners[i]!;
      const pieces = this.#liveness.values.get(partner)?.pieces ?? [];
      // The piece that ends where this one starts, or else any that has a register.
      const touching = pieces.find((piece) => piece.register !== undefined && piece.end >= current.start - STEP);
      const register = (touching ?? pieces.find((piece) => piece.register !== undefined))?.register;
      if (register !== undefined) hints.push(register);
    }
    if (value.wanted !== undefined) hints.push(value.wanted);
    if (current !== first) {
      const before = value.pieces[value.pieces.indexOf(current) - 1]?.register;
      if (before !== undefined) hints.unshift(before);
    }
    return hints;
  }

  /** Every register is taken: whoever is needed last makes room. */
  #takeBlocked(current: Interval): void {
    const destroyed = this.#destroyedIn(current);
    const nextUse = [...destroyed];
    const limit = (other: Interval): void => {
      nextUse[other.register!] = Math.min(nextUse[other.register!]!, this.#neededAt(other, current.start));
    };
    this.#active.forEach(limit);
    for (const { other } of this.#meeting(current)) limit(other);
    const register = longestFree(nextUse);

    const needed = current.nextRegisterUse(current.start);
    if (!needed || (needed.at > current.start && nextUse[register]! < this.#neededAt(current, current.start))) {
      this.#toStack(current, current.start);
      return;
    }
    if (!usable(current, nextUse[register]!) && nextUse[register]! <= current.start) {
      throw new Error(`no register for v${current.value.reg} at ${current.start}`);
    }
    current.register = register;
    this.#evict(register, current);
    const lost = destroyed[register]!;
    if (lost < current.end) this.#requeue(current.split(this.#splitPosition(current, lost)));
  }

  /** When a lifetime next needs its register: the later, the better it can do without. */
  #neededAt(interval: Interval, position: number): number {
    const at = interval.nextUse(position)?.at ?? NEVER;
    // What can be loaded again needs no store, as long as its address is not given up.
    const { loadedFrom } = interval.value;
    const address = loadedFrom === undefined ? undefined : this.#liveness.values.get(loadedFrom)?.pieces.at(-1);
    return address && address.end >= interval.end ? position + (at - position) * RELOADABLE : at;
  }

  /** Takes the register away from its owners for as long as `current` lives. */
  #evict(register: Reg, current: Interval): void {
    for (const other of this.#active) {
      if (other.register === register) this.#toStack(other, current.start);
    }
    this.#active = this.#active.filter((other) => other.register !== undefined && other.end > current.start);
    for (const { other } of this.#meeting(current)) {
      // It sleeps now and may look for another register when it wakes.
      if (other.register === register) this.#requeue(other.split(other.nextStart(current.start)));
    }
  }

  /** Leaves a value on the stack from `position` on, until an instruction wants it in a register again. */
  #toStack(interval: Interval, position: number): void {
    const rest = position > interval.start ? interval.split(position) : interval;
    rest.register = undefined;
    const needed = rest.nextRegisterUse(rest.start);
    if (needed && needed.at > rest.start) this.#requeue(rest.split(needed.at));
    else if (needed) this.#requeue(rest);
  }

  /** Where to give a register up that is lost at `lost`: as late as possible, but outside of loops that started later. */
  #splitPosition(interval: Interval, lost: number): number {
    const latest = lost - (lost % STEP);
    const { order, from } = this.#liveness;
    const blockAt = (position: number): number => lowerBound(order.length, (i) => from[order[i]!.id]! > position) - 1;
    const depth = (index: number): number => this.#depths[order[index]!.id]!;
    const first = blockAt(interval.start);
    let best = blockAt(latest);
    let position = latest;
    for (let index = best; index > first && depth(index) > depth(first); index--) {
      const start = from[order[index]!.id]!;
      if (depth(index - 1) < depth(best) && interval.covers(start)) {
        best = index - 1;
        position = start;
      }
    }
    return position;
  }
}

/** Lifetimes in a hole, by the position at which they go on: a binary heap. */
class Sleepers {
  readonly #heap: { wakes: number; interval: Interval }[] = [];

  add(interval: Interval, position: number): void {
    const heap = this.#heap;
    const wakes = interval.nextStart(position);
    let index = heap.push({ wakes, interval }) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.wakes <= wakes) break;
      heap[index] = heap[parent]!;
      heap[parent] = { wakes, interval };
      index = parent;
    }
  }

  wakesBy(position: number): boolean {
    return this.#heap.length > 0 && this.#heap[0]!.wakes <= position;
  }

  /** Takes out all that wake at or before a position. */
  wakeUp(position: number): Interval[] {
    const awake: Interval[] = [];
    while (this.wakesBy(position)) awake.push(this.#pop());
    return awake;
  }

  all(): Interval[] {
    return this.#heap.map(({ interval }) => interval);
  }

  #pop(): Interval {
    const heap = this.#heap;
    const { interval } = heap[0]!;
    const last = heap.pop()!;
    for (let index = 0; heap.length > 0; ) {
      let child = 2 * index + 1;
      if (child + 1 < heap.length && heap[child + 1]!.wakes < heap[child]!.wakes) child++;
      if (child >= heap.length || last.wakes <= heap[child]!.wakes) {
        heap[index] = last;
        break;
      }
      heap[index] = heap[child]!;
      index = child;
    }
    return interval;
  }
}

/** The first of some registers that is free up to a position. `free`: until when, by register. */
function freeUntil(registers: readonly Reg[], free: readonly number[], position: number): Reg | undefined {
  for (const register of registers) if (free[register]! >= position) return register;
  return undefined;
}

function longestFree(free: readonly number[]): Reg {
  let longest = REGISTERS[0]!;
  for (const register of REGISTERS) if (free[register]! > free[longest]!) longest = register;
  return longest;
}

/** Whether a register that is lost at `until` can serve the beginning of a lifetime. */
function usable(interval: Interval, until: number): boolean {
  return until === NEVER || until - (until % STEP) > interval.start;
}
