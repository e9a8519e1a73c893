/**
 * After allocation: connects the pieces of each lifetime. Where a value changes its place, within a block or along an
 * edge, a move is planned; block parameters receive their arguments the same way.
 */
import type { Reg } from "../asm/instructions.ts";
import { edges } from "../ir/builder.ts";
import type { Shape } from "../ir/cfg.ts";
import type { Insn, IrBlock, IrFunction, VReg } from "../ir/ir.ts";
import { conditionInputs } from "../ir/operands.ts";
import {
  type Interval,
  type Liveness,
  type LiveValue,
  lowerBound,
  pieceAt,
  positionOf,
  type Range,
  STEP,
} from "./intervals.ts";
import { type Move, type Place, sequence } from "./moves.ts";

export interface Resolution {
  /** Moves to be made before the instruction at a position, or at the start of a block, already in sequence. */
  moves: Map<number, Move[]>;
  /** The stack cell of each value that is in memory at some time; it is written once, where the value is defined. */
  cells: Map<VReg, number>;
  /** Values that need no cell, because what they were loaded from never changes and can be reached all the time. */
  reloads: Map<VReg, InvariantLoad>;
}

export type InvariantLoad = Extract<Insn, { op: "load" }>;

export function resolveMoves(fn: IrFunction, shape: Shape, liveness: Liveness): Resolution {
  return new Resolver(fn, shape, liveness).run();
}

class Resolver {
  readonly #fn: IrFunction;
  readonly #shape: Shape;
  readonly #liveness: Liveness;
  readonly #cells = new Map<VReg, number>();
  readonly #reloads = new Map<VReg, InvariantLoad>();
  readonly #groups = new Map<number, Move[]>();
  readonly #moves = new Map<number, Move[]>();

  constructor(fn: IrFunction, shape: Shape, liveness: Liveness) {
    this.#fn = fn;
    this.#shape = shape;
    this.#liveness = liveness;
  }

  run(): Resolution {
    const { values, order, from } = this.#liveness;
    let loads: Map<VReg, InvariantLoad> | undefined;
    for (const value of values.values()) {
      if (value.recipe || !value.pieces.some(isWithoutRegister)) continue;
      const absent = value.pieces.filter(isWithoutRegister);
      loads ??= invariantLoads(order);
      const load = loads.get(value.reg);
      const base = load && values.get(load.base);
      if (base && absent.every(({ ranges }) => ranges.every((range) => isInRegisters(base, range)))) {
        this.#reloads.set(value.reg, load);
      } else this.#cells.set(value.reg, this.#cells.size);
    }
    this.#moveWithinBlocks();
    this.#enter();
    for (const block of order) {
      for (const { from: before } of this.#shape.incoming[block.id]!) this.#connect(before, block);
      if (block.id !== 0) this.#saveParameters(block.params, from[block.id]!);
      this.#saveCheckedValues(block);
    }
    this.#plan();
    return { moves: this.#moves, cells: this.#cells, reloads: this.#reloads };
  }

  #moveWithinBlocks(): void {
    const { values, order, from } = this.#liveness;
    let starts: Set<number> | undefined;
    for (const value of values.values()) {
      if (value.pieces.length === 1) continue;
      starts ??= new Set(order.map((block) => from[block.id]!));
      for (let i = 1; i < value.pieces.length; i++) {
        const before = value.pieces[i - 1]!;
        const after = value.pieces[i]!;
        // Between blocks, and behind a hole, the edges bring the value.
        if (before.end !== after.start || starts.has(after.start) || after.register === undefined) continue;
        this.#add(after.start, this.#placeOf(before, after.start - 1), { register: after.register });
      }
    }
  }

  /** The function's parameters arrive in r1, r2, ... */
  #enter(): void {
    this.#fn.params.forEach((reg, i) => {
      const value = this.#liveness.values.get(reg);
      if (!value) return;
      const arrival: Place = { register: (i + 1) as Reg };
      const [first] = value.pieces;
      if (first!.register !== undefined) this.#add(0, arrival, { register: first!.register });
      const cell = this.#cells.get(reg);
      if (cell !== undefined) this.#add(0, arrival, { cell });
    });
  }

  /** Moves along one edge: at the end of its source when that jumps, at the start of its target otherwise. */
  #connect(before: IrBlock, block: IrBlock): void {
    const { values, liveIn, from, to } = this.#liveness;
    const start = from[block.id]!;
    const last = to[before.id]! - 1;
    const position = before.end.op === "jump" ? this.#endPosition(before) : start;
    for (const reg of liveIn[block.id]!) {
      const value = values.get(reg)!;
      // Most values stay where they are all their life.
      if (value.pieces.length === 1) continue;
      const target = pieceAt(value, start);
      // What is on the stack was put there when it was defined.
      if (target.register === undefined) continue;
      this.#add(position, this.#placeOf(pieceAt(value, last), last), { register: target.register });
    }
    if (before.end.op !== "jump") return;
    before.end.to.args.forEach((arg, i) => {
      const param = values.get(block.params[i]!);
      if (param) this.#add(position, this.#placeAt(arg, position), this.#placeOf(param.pieces[0]!, start));
    });
  }

  /** Block parameters that come in a register and go to the stack later. */
  #saveParameters(params: readonly VReg[], start: number): void {
    for (const reg of params) {
      const cell = this.#cells.get(reg);
      const register = this.#liveness.values.get(reg)?.pieces[0]?.register;
      if (cell !== undefined && register !== undefined) this.#add(start, { register }, { cell });
    }
  }

  /**
   * A comparison teaches the verifier the bounds of the register that was compared, not of the copy on the stack
   * (kernels before 6.9), so the copy is written again.
   */
  #saveCheckedValues(block: IrBlock): void {
    const { end } = block;
    if (end.op !== "branch" || end.condition === "eq" || end.condition === "ne" || this.#cells.size === 0) return;
    const position = this.#endPosition(block);
    for (const reg of new Set(conditionInputs(end))) {
      const cell = this.#cells.get(reg);
      if (cell === undefined) continue;
      const compared = this.#placeOf(pieceAt(this.#liveness.values.get(reg)!, position), position);
      for (const { block: next } of edges(end)) {
        if (this.#liveness.liveIn[next]!.includes(reg)) this.#add(this.#liveness.from[next]!, compared, { cell });
      }
    }
  }

  #endPosition(block: IrBlock): number {
    return positionOf(this.#liveness, block.id, block.insns.length);
  }

  #add(position: number, from: Place, to: Place): void {
    if ("register" in from && "register" in to && from.register === to.register) return;
    const group = this.#groups.get(position);
    if (group) group.push({ from, to });
    else this.#groups.set(position, [{ from, to }]);
  }

  /** Orders all groups; those that need a free register in a second round, when it is known where there are any. */
  #plan(): void {
    const needy: number[] = [];
    for (const [position, group] of this.#groups) {
      let needsRegister = false;
      const steps = sequence(group, () => {
        needsRegister = true;
        return [];
      });
      if (needsRegister) needy.push(position);
      else if (steps.length > 0) this.#moves.set(position, steps);
    }
    if (needy.length === 0) return;
    const free = this.#freeRegisters(needy);
    for (const position of needy)
      this.#moves.set(
        position,
        sequence(this.#groups.get(position)!, () => free.get(position)!),
      );
  }

  #placeAt(reg: VReg, position: number): Place {
    const recipe = this.#liveness.recipes.get(reg);
    if (recipe) return { recipe };
    return this.#placeOf(pieceAt(this.#liveness.values.get(reg)!, position), position);
  }

  /** Where a piece's value is found at a position. */
  #placeOf({ value, register }: Interval, position: number): Place {
    if (register !== undefined) return { register };
    if (value.recipe) return { recipe: value.recipe };
    const load = this.#reloads.get(value.reg);
    return load ? reloadAt(load, this.#liveness, position) : { cell: this.#cells.get(value.reg)! };
  }

  /** Registers that hold nothing while the moves at a position are made. */
  #freeRegisters(positions: readonly number[]): Map<number, Reg[]> {
    const taken = new Map<number, Set<Reg>>();
    /** Positions at which a value in a register is in the way of some moves. */
    const watched: { at: number; taken: Set<Reg> }[] = [];
    const around = this.#edgePositions();
    for (const position of positions) {
      const registers = new Set<Reg>();
      taken.set(position, registers);
      for (const move of this.#groups.get(position)!) {
        for (const place of [move.from, move.to]) {
          if ("register" in place) registers.add(place.register);
          if ("load" in place) registers.add(place.load.base);
        }
      }
      for (const at of [position - 1, position, ...(around.get(position) ?? [])])
        watched.push({ at, taken: registers });
    }
    watched.sort((a, b) => a.at - b.at);
    for (const value of this.#liveness.values.values()) {
      for (const { register, ranges } of value.pieces) {
        if (register === undefined) continue;
        for (const { from, to } of ranges) {
          const first = lowerBound(watched.length, (i) => watched[i]!.at >= from);
          for (let i = first; i < watched.length && watched[i]!.at < to; i++) watched[i]!.taken.add(register);
        }
      }
    }
    const all = Array.from({ length: 10 }, (_, register) => register as Reg);
    return new Map([...taken].map(([position, used]) => [position, all.filter((register) => !used.has(register))]));
  }

  /** For positions whose moves belong to an edge, the positions at its other end. */
  #edgePositions(): Map<number, number[]> {
    const { from, order } = this.#liveness;
    const result = new Map<number, number[]>();
    for (const block of order) {
      const end = this.#endPosition(block);
      for (const edge of edges(block.end)) {
        // Moves stand before a jump, or at the start of the block that a branch leads to.
        if (block.end.op === "jump") result.set(end, [end + STEP - 1, from[edge.block]!]);
        else result.set(from[edge.block]!, [end]);
      }
    }
    return result;
  }
}

/** A piece that is on the stack; what is left of a life behind its last use is nowhere. */
function isWithoutRegister(piece: Interval): boolean {
  if (piece.register !== undefined) return false;
  const isRemainder = piece === piece.value.pieces.at(-1) && piece.uses.length === 0 && piece.end - piece.start <= 1;
  return !isRemainder;
}

/** The memory that a value can be loaded from again, as an address at a position. */
export function reloadAt({ base, offset, size, signed }: InvariantLoad, liveness: Liveness, position: number): Place {
  const { register } = pieceAt(liveness.values.get(base)!, position);
  return { load: { base: register!, offset, size, signed } };
}

function invariantLoads(order: readonly IrBlock[]): Map<VReg, InvariantLoad> {
  const loads = new Map<VReg, InvariantLoad>();
  for (const { insns } of order) {
    for (const insn of insns) if (insn.op === "load" && insn.invariant) loads.set(insn.dst, insn);
  }
  return loads;
}

/** Whether a value is in some register all the time. */
function isInRegisters({ pieces }: LiveValue, { from, to }: Range): boolean {
  for (let at = from; at < to; ) {
    const range = pieces
      .filter(({ register }) => register !== undefined)
      .flatMap(({ ranges }) => ranges.find((candidate) => candidate.from <= at && at < candidate.to) ?? []);
    if (!range[0]) return false;
    at = range[0].to;
  }
  return true;
}
