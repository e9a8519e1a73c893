/**
 * Removes what nobody needs: instructions without an effect whose results are not used, parameters that only feed
 * themselves, and writes to stack slots that nobody reads.
 */
import { helperSpec, isOutArg } from "../asm/helpers.ts";
import { edges } from "../ir/builder.ts";
import { Shape } from "../ir/cfg.ts";
import { type BlockId, type Insn, type IrFunction, isImm, type SlotId, type VReg } from "../ir/ir.ts";
import { conditionInputs, forEachInput, forEachReadAddress, isRemovable } from "../ir/operands.ts";

export function removeDeadCode(fn: IrFunction, shape = new Shape(fn)): boolean {
  const needs = new Needs(fn, shape);
  let changed = false;
  for (const block of shape.order) {
    if (block.insns.every(needs.has)) continue;
    block.insns = block.insns.filter(needs.has);
    changed = true;
  }
  return removeDeadParams(shape, needs.isRead) || changed;
}

/** What something with an effect, or the flow of control, depends on: found by following every need to its origin. */
class Needs {
  /** What is needed for more than its result. */
  readonly #effects = new Set<Insn>();
  /** By VReg: 1 where the value is needed. */
  readonly #registers: Uint8Array;
  readonly #shape: Shape;
  readonly #queue: VReg[] = [];
  /** By VReg. */
  readonly #definitions: (Insn | undefined)[];
  readonly #params = new Map<VReg, { block: BlockId; index: number }>();
  /** The slot that an address points to, by VReg. */
  readonly #slots: (SlotId | undefined)[];
  /** Instructions that do nothing but write to slots, by slot; undefined for a slot that is read. */
  readonly #fillers: (Insn[] | undefined)[];

  constructor(fn: IrFunction, shape: Shape) {
    this.#shape = shape;
    this.#registers = new Uint8Array(fn.nextVReg);
    this.#definitions = new Array<Insn | undefined>(fn.nextVReg);
    this.#slots = new Array<SlotId | undefined>(fn.nextVReg);
    this.#fillers = fn.slots.map(() => []);
    const effects: Insn[] = [];
    for (const { id, params, insns } of shape.order) {
      for (let index = 0; index < params.length; index++) this.#params.set(params[index]!, { block: id, index });
      for (const insn of insns) {
        const dst = insn.dst;
        if (dst !== undefined) this.#definitions[dst] = insn;
        if (insn.op === "slot") this.#slots[insn.dst] = insn.slot;
        if (!isRemovable(insn)) effects.push(insn);
      }
    }
    for (const insn of effects.filter((insn) => !this.#onlyFills(insn))) this.#need(insn);
    for (const { end } of shape.order) for (const reg of conditionInputs(end)) this.#read(reg);
    for (let reg = this.#queue.pop(); reg !== undefined; reg = this.#queue.pop()) this.#trace(reg);
  }

  readonly has = (insn: Insn): boolean => {
    const dst = insn.dst;
    return (dst !== undefined && this.isRead(dst)) || this.#effects.has(insn);
  };

  readonly isRead = (reg: VReg): boolean => this.#registers[reg] === 1;

  /** Whether all that an instruction does is to write to slots: it is needed when one of these is read, then. */
  #onlyFills(insn: Insn): boolean {
    const targets = filled(insn);
    if (!targets?.every((reg) => this.#slots[reg] !== undefined)) return false;
    for (const reg of targets) this.#fillers[this.#slots[reg]!]?.push(insn);
    return true;
  }

  #need(insn: Insn): void {
    if (this.#effects.has(insn)) return;
    this.#effects.add(insn);
    this.#needInputs(insn);
  }

  #needInputs(insn: Insn): void {
    forEachInput(insn, this.#use);
    forEachReadAddress(insn, this.#read);
  }

  readonly #use = (reg: VReg): void => {
    if (this.isRead(reg)) return;
    this.#registers[reg] = 1;
    this.#queue.push(reg);
  };

  /** A use for more than to write where the register points. */
  readonly #read = (reg: VReg): void => {
    this.#use(reg);
    const slot = this.#slots[reg];
    const fillers = slot === undefined ? undefined : this.#fillers[slot];
    if (slot === undefined || !fillers) return;
    this.#fillers[slot] = undefined;
    for (const filler of fillers) this.#need(filler);
  };

  #trace(reg: VReg): void {
    const insn = this.#definitions[reg];
    if (insn) {
      this.#needInputs(insn);
      return;
    }
    const param = this.#params.get(reg);
    if (param) for (const { edge } of this.#shape.incoming[param.block]!) this.#read(edge.args[param.index]!);
  }
}

/** The addresses at which an instruction writes, if that is all that it does. */
function filled(insn: Insn): VReg[] | undefined {
  if (insn.op === "store") return [insn.base];
  if (insn.op !== "call") return undefined;
  const { args, effect } = helperSpec(insn.helper);
  if (effect !== "none") return undefined;
  const targets = insn.args.filter((_, i) => isOutArg(args[i]!));
  return targets.every((arg) => !isImm(arg)) ? (targets as VReg[]) : undefined;
}

function removeDeadParams({ order }: Shape, isNeeded: (param: VReg) => boolean): boolean {
  const kept = new Map<BlockId, number[]>();
  for (const block of order) {
    if (block.params.every(isNeeded)) continue;
    const indices = block.params.flatMap((param, i) => (isNeeded(param) ? [i] : []));
    kept.set(block.id, indices);
    block.params = indices.map((i) => block.params[i]!);
  }
  if (kept.size === 0) return false;
  for (const { end } of order) {
    for (const edge of edges(end)) {
      const indices = kept.get(edge.block);
      if (indices) edge.args = indices.map((i) => edge.args[i]!);
    }
  }
  return true;
}
