/**
 * When each value is alive, as ranges over the numbered instructions in layout order.
 *
 * Every instruction takes four positions: it reads at 0, destroys registers at 1 and 2, and writes its result at 3. A
 * block starts with four positions of its own, at which its parameters and the values that come in are alive, and the
 * terminator is numbered like an instruction. Ranges are half-open.
 */
import { R0, type Reg } from "../asm/instructions.ts";
import type { Shape } from "../ir/cfg.ts";
import { type BlockId, type Insn, type IrBlock, type IrFunction, isImm, type VReg } from "../ir/ir.ts";
import { conditionInputs } from "../ir/operands.ts";
import { BlockSets, readBehind } from "../ir/reach.ts";
import { clobbers, forEachUse, type OnUse, overwrites, type Recipe, type Until } from "./operands.ts";

export const STEP = 4;
const CLOBBERED = 2;
export const WRITTEN = 3;

export interface Range {
  from: number;
  to: number;
}

/** A place where a value is read or written; `inRegister` if nothing else will do. */
export interface UsePosition {
  at: number;
  inRegister: boolean;
}

/** Everything the allocator knows about one value. */
export interface LiveValue {
  reg: VReg;
  recipe: Recipe | undefined;
  /** The pieces of the value's life, in order; one until the allocator splits it. */
  pieces: Interval[];
  /** The register in which the value comes into being (parameters, results of calls). */
  born: Reg | undefined;
  /** The register in which the value is wanted (arguments of calls, the exit's value). */
  wanted: Reg | undefined;
  /** Values whose register is the best one for this one too. */
  partners: VReg[];
  /** Whether the value, or one that is best computed in the same register, lives across a call. */
  outlivesCall: boolean;
  /** The address of memory that never changes, if the value was loaded from there. */
  loadedFrom: VReg | undefined;
}

/** A piece of a value's life, during which it stays in one place. */
export class Interval {
  readonly value: LiveValue;
  readonly ranges: Range[];
  readonly uses: UsePosition[];
  readonly start: number;
  end: number;
  /** undefined: on the stack, or to be made again where it is needed. */
  register: Reg | undefined;
  #cursor = 0;

  constructor(value: LiveValue, ranges: Range[], uses: UsePosition[]) {
    this.value = value;
    this.ranges = ranges;
    this.uses = uses;
    this.start = ranges[0]!.from;
    this.end = ranges[ranges.length - 1]!.to;
  }

  /** For positions that only grow from call to call. */
  coversNext(position: number): boolean {
    while (this.#cursor < this.ranges.length && this.ranges[this.#cursor]!.to <= position) this.#cursor++;
    const range = this.ranges[this.#cursor];
    return range !== undefined && range.from <= position;
  }

  covers(position: number): boolean {
    const range = this.ranges[this.#rangeAt(position)];
    return range !== undefined && range.from <= position;
  }

  /** Where the next range begins, at or behind a position; the end if there is none. */
  nextStart(position: number): number {
    const index = lowerBound(this.ranges.length, (i) => this.ranges[i]!.from >= position);
    return this.ranges[index]?.from ?? this.end;
  }

  /** The first position at which both are alive. */
  intersection(other: Interval): number | undefined {
    let i = this.#rangeAt(other.start);
    let j = other.#rangeAt(this.start);
    for (;;) {
      const a = this.ranges[i];
      const b = other.ranges[j];
      if (!a || !b) return undefined;
      const from = Math.max(a.from, b.from);
      if (from < Math.min(a.to, b.to)) return from;
      if (a.to <= b.to) i++;
      else j++;
    }
  }

  /** The first of the sorted positions at which this is alive. */
  firstOf(positions: readonly number[]): number | undefined {
    for (const { from, to } of this.ranges) {
      const position = firstFrom(positions, from);
      if (position === undefined) return undefined;
      if (position < to) return position;
    }
    return undefined;
  }

  nextUse(position: number): UsePosition | undefined {
    return this.uses[lowerBound(this.uses.length, (i) => this.uses[i]!.at >= position)];
  }

  nextRegisterUse(position: number): UsePosition | undefined {
    for (let i = lowerBound(this.uses.length, (k) => this.uses[k]!.at >= position); i < this.uses.length; i++) {
      if (this.uses[i]!.inRegister) return this.uses[i];
    }
    return undefined;
  }

  /** Cuts off everything from `position` on, which must lie inside; the new piece follows this one. */
  split(position: number): Interval {
    const ranges: Range[] = [];
    const at = this.#rangeAt(position);
    const cut = this.ranges[at]!;
    if (cut.from < position) {
      ranges.push({ from: position, to: cut.to }, ...this.ranges.splice(at + 1));
      this.ranges[at] = { from: cut.from, to: position };
    } else ranges.push(...this.ranges.splice(at));
    this.end = this.ranges.at(-1)!.to;
    const uses = this.uses.splice(lowerBound(this.uses.length, (i) => this.uses[i]!.at >= position));
    const piece = new Interval(this.value, ranges, uses);
    const { pieces } = this.value;
    pieces.splice(pieces.lastIndexOf(this) + 1, 0, piece);
    return piece;
  }

  /** The index of the range that contains the position, or of the next one behind it. */
  #rangeAt(position: number): number {
    return firstBehind(this.ranges, position);
  }
}

/** The first index below `length` for which a monotonic predicate holds, or `length`. */
export function lowerBound(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (holds(mid)) high = mid;
    else low = mid + 1;
  }
  return low;
}

/** The index of the first of sorted ranges that ends behind a position, or their number. */
export function firstBehind(ranges: readonly Range[], position: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (ranges[mid]!.to > position) high = mid;
    else low = mid + 1;
  }
  return low;
}

/** The first of sorted numbers that is not below one. */
function firstFrom(sorted: readonly number[], least: number): number | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (sorted[mid]! >= least) high = mid;
    else low = mid + 1;
  }
  return sorted[low];
}

/** The piece of a value that is alive at a position. */
export function pieceAt(value: LiveValue, position: number): Interval {
  const { pieces } = value;
  if (pieces.length === 1) return pieces[0]!;
  let [low, high] = [0, pieces.length];
  while (low < high) {
    const mid = (low + high) >> 1;
    if (pieces[mid]!.end > position) high = mid;
    else low = mid + 1;
  }
  const piece = pieces[low];
  if (!piece) throw new Error(`v${value.reg} is not alive at ${position}`);
  return piece;
}

/** A function in layout order with the lives of its values. */
export interface Liveness {
  order: IrBlock[];
  /** First position of each block, by BlockId, and the position behind its last. */
  from: number[];
  to: number[];
  /** Values with a lifetime. */
  values: Map<VReg, LiveValue>;
  /** Values alive at the start of each block, without its parameters, by BlockId. */
  liveIn: VReg[][];
  /** Positions at which all of r0 to r5 are destroyed, and those at which r0 is. Sorted. */
  clobbers: { all: number[]; r0: number[] };
  recipes: ReadonlyMap<VReg, Recipe>;
}

/** The position of instruction `index` of a block; the terminator is the one behind the last. */
export function positionOf(liveness: Pick<Liveness, "from">, block: BlockId, index: number): number {
  return liveness.from[block]! + STEP * (index + 1);
}

export function analyseLiveness(
  fn: IrFunction,
  shape: Shape,
  order: IrBlock[],
  known: ReadonlyMap<VReg, Recipe>,
): Liveness {
  return new Analysis(fn, shape, order, known).run();
}

/** How far a value reaches within one block. */
interface Extent {
  block: BlockId;
  to: number;
}

/** What is found about a value on the way through the code. */
interface Sighting {
  reg: VReg;
  /** Where it is defined. */
  block: BlockId;
  at: number;
  /** Whether an instruction writes it; parameters arrive. */
  byInsn: boolean;
  /** Whether that takes a register even if nobody reads it. Calls write r0 in any case. */
  needsPlace: boolean;
  loadedFrom: VReg | undefined;
  uses: UsePosition[];
  /** The blocks that read it, in layout order, with the end of the last read. */
  extents: Extent[];
  /** When it is alive. */
  ranges: Range[];
}

class Analysis {
  readonly #fn: IrFunction;
  readonly #shape: Shape;
  readonly #liveness: Liveness;
  /** In the order of their definitions, and by VReg: a use may come before the definition in layout order. */
  readonly #defined: Sighting[] = [];
  readonly #sightings: (Sighting | undefined)[];
  #block = 0;
  #position = 0;
  /** Operands of the present instruction that nobody may take the register of before the result is written. */
  readonly #late: VReg[] = [];

  constructor(fn: IrFunction, shape: Shape, order: IrBlock[], known: ReadonlyMap<VReg, Recipe>) {
    this.#fn = fn;
    this.#shape = shape;
    this.#sightings = new Array<Sighting | undefined>(fn.nextVReg);
    const size = fn.blocks.length;
    this.#liveness = {
      order,
      from: new Array<number>(size).fill(0),
      to: new Array<number>(size).fill(0),
      values: new Map(),
      liveIn: Array.from({ length: size }, () => []),
      clobbers: { all: [], r0: [] },
      recipes: known,
    };
  }

  run(): Liveness {
    this.#scan();
    this.#buildIntervals();
    this.#collectHints();
    return this.#liveness;
  }

  /** Numbers the blocks and collects definitions, uses and clobbered positions. */
  #scan(): void {
    const { order, from, to, clobbers: clobbered, recipes: known } = this.#liveness;
    for (const reg of this.#fn.params) this.#define(reg, 0, 0);
    let position = 0;
    for (const { id, params, insns, end } of order) {
      this.#block = id;
      from[id] = position;
      for (const reg of params) this.#define(reg, id, position);
      for (const insn of insns) {
        position += STEP;
        this.#position = position;
        forEachUse(insn, this.#fn, known, this.#use);
        for (const reg of this.#late) this.#see(reg, position + WRITTEN, true, position + STEP);
        this.#late.length = 0;
        const destroyed = clobbers(insn);
        // What is needed besides the result is destroyed when that is written already.
        if (destroyed === "work") clobbered.r0.push(position + WRITTEN);
        else if (destroyed !== "none") clobbered.r0.push(position + CLOBBERED);
        if (destroyed === "all") clobbered.all.push(position + CLOBBERED);
        const reg = insn.dst;
        if (reg === undefined) continue;
        const sighting = this.#define(reg, id, position + WRITTEN);
        sighting.byInsn = true;
        sighting.needsPlace = destroyed !== "all" && !known.has(reg);
        if (insn.op === "load" && insn.invariant) sighting.loadedFrom = insn.base;
      }
      position += STEP;
      for (const reg of conditionInputs(end)) {
        if (end.op === "exit" && known.has(reg)) continue;
        this.#see(reg, position, end.op === "branch", position + 1);
      }
      if (end.op === "jump") {
        for (const reg of end.to.args) if (!known.has(reg)) this.#see(reg, position, false, position + 1);
      }
      position += STEP;
      to[id] = position;
    }
  }

  #sighting(reg: VReg): Sighting {
    let sighting = this.#sightings[reg];
    if (!sighting) {
      const unknown = { block: 0, at: 0, byInsn: false, needsPlace: false, loadedFrom: undefined };
      sighting = { reg, ...unknown, uses: [], extents: [], ranges: [] };
      this.#sightings[reg] = sighting;
    }
    return sighting;
  }

  #define(reg: VReg, block: BlockId, at: number): Sighting {
    const sighting = this.#sighting(reg);
    sighting.block = block;
    sighting.at = at;
    this.#defined.push(sighting);
    return sighting;
  }

  readonly #use: OnUse = (reg, inRegister, until) => {
    this.#see(reg, this.#position, inRegister, readUntil(this.#position, until));
    if (until === "write") this.#late.push(reg);
  };

  #see(reg: VReg, at: number, inRegister: boolean, to: number): void {
    const { uses, extents } = this.#sighting(reg);
    uses.push({ at, inRegister });
    const last = extents.at(-1);
    if (last?.block === this.#block) last.to = Math.max(last.to, to);
    else extents.push({ block: this.#block, to });
  }

  #buildIntervals(): void {
    const { values, recipes: known, clobbers: clobbered } = this.#liveness;
    const alive = this.#defined.filter(({ extents, needsPlace }) => extents.length > 0 || needsPlace);
    this.#findRanges(alive);
    for (const { reg, at, byInsn, loadedFrom, uses, ranges } of alive) {
      const value: LiveValue = {
        reg,
        recipe: known.get(reg),
        pieces: [],
        born: undefined,
        wanted: undefined,
        partners: [],
        outlivesCall: false,
        loadedFrom,
      };
      if (byInsn) uses.unshift({ at, inRegister: true });
      const whole = new Interval(value, ranges, uses);
      value.outlivesCall = whole.firstOf(clobbered.all) !== undefined;
      value.pieces.push(whole);
      values.set(reg, value);
    }
  }

  #findRanges(alive: readonly Sighting[]): void {
    const travelling: Sighting[] = [];
    for (const sighting of alive) {
      const { block: home, at, extents, ranges } = sighting;
      // Most values do not leave their block.
      if (extents.every(({ block }) => block === home))
        ranges.push({ from: at, to: Math.max(extents[0]?.to ?? 0, at + 1) });
      else travelling.push(sighting);
    }
    if (travelling.length > 0) this.#follow(travelling);
  }

  /** Block by block, in layout order: where values are read, and where they must be because others behind read them. */
  #follow(travelling: readonly Sighting[]): void {
    const { order, from, to, liveIn } = this.#liveness;
    const size = travelling.length;
    /** What is read in a block before it is defined; in the end, all that is alive in it. */
    const alive = new BlockSets(this.#fn, size);
    const defined = new BlockSets(this.#fn, size);
    for (let i = 0; i < size; i++) {
      const { block: home, extents } = travelling[i]!;
      defined.add(home, i);
      for (const { block } of extents) if (block !== home) alive.add(block, i);
    }
    const behind = readBehind(this.#fn, this.#shape.order, alive, defined, size);
    for (const { id } of order) {
      const pass = (i: number): void => {
        const { reg, block: home, at, extents, ranges } = travelling[i]!;
        if (home !== id) liveIn[id]!.push(reg);
        const start = home === id ? at : from[id]!;
        const read = extents[0]?.block === id ? extents.shift()!.to : start;
        const end = behind.has(id, i) ? to[id]! : read;
        const last = ranges.at(-1);
        if (last?.to === start) last.to = end;
        else ranges.push({ from: start, to: end });
      };
      alive.addAll(id, behind);
      alive.forEach(id, pass);
    }
  }

  #collectHints(): void {
    const { order, values, recipes: known } = this.#liveness;
    this.#fn.params.forEach((reg, i) => {
      const value = values.get(reg);
      if (value) value.born = (i + 1) as Reg;
    });
    const pair = (a: VReg, b: VReg): void => {
      const [valueA, valueB] = [values.get(a), values.get(b)];
      if (!valueA || !valueB) return;
      valueA.partners.push(b);
      valueB.partners.push(a);
      valueA.outlivesCall ||= valueB.outlivesCall;
    };
    const want = (reg: VReg, register: Reg): void => {
      const value = values.get(reg);
      if (value) value.wanted = register;
    };
    /** Backwards, so that the first of several wishes wins and a wish reaches the values it is computed from. */
    for (let i = order.length - 1; i >= 0; i--) {
      const { insns, end } = order[i]!;
      if (end.op === "exit" && !isImm(end.value)) want(end.value, R0);
      if (end.op === "jump") {
        const { params } = this.#fn.blocks[end.to.block]!;
        end.to.args.forEach((arg, i) => {
          pair(arg, params[i]!);
          pair(params[i]!, arg);
        });
      }
      for (let at = insns.length - 1; at >= 0; at--) this.#hintsOf(insns[at]!, pair, want, known);
    }
  }

  #hintsOf(
    insn: Insn,
    pair: (a: VReg, b: VReg) => void,
    want: (reg: VReg, register: Reg) => void,
    known: ReadonlyMap<VReg, Recipe>,
  ): void {
    const { values } = this.#liveness;
    if (insn.op === "call" || insn.op === "call-local") {
      insn.args.forEach((arg, i) => {
        if (!isImm(arg)) want(arg, (i + 1) as Reg);
      });
      const born = insn.dst === undefined ? undefined : values.get(insn.dst);
      if (born) born.born = R0;
      return;
    }
    const source = overwrites(insn, known);
    const dst = insn.dst;
    if (dst === undefined || source === undefined) {
      if (insn.op === "atomic" && insn.expected !== undefined) {
        want(insn.expected, R0);
        const born = dst === undefined ? undefined : values.get(dst);
        if (born) born.born = R0;
      }
      return;
    }
    pair(source, dst);
    if (insn.op === "alu" && !isImm(insn.b)) pair(insn.b, dst);
    const wanted = values.get(dst)?.wanted;
    if (wanted !== undefined) want(source, wanted);
  }
}

function readUntil(position: number, until: Until): number {
  switch (until) {
    case "read":
      return position + 1;
    case "clobber":
      return position + WRITTEN;
    case "write":
      return position + STEP;
  }
}

/** Sorts ranges and joins those that touch. */
export function joinRanges(ranges: Range[]): Range[] {
  ranges.sort((a, b) => a.from - b.from);
  const joined: Range[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last && last.to >= range.from) last.to = Math.max(last.to, range.to);
    else joined.push(range);
  }
  return joined;
}
