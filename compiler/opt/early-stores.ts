/**
 * Writes to stack slots move up to where their value is made, if a call lies between: a value that is already in memory
 * need not outlive the call in a register. After everything that looks for equal stores and loads.
 */
import { Shape } from "../ir/cfg.ts";
import { type Insn, type IrBlock, type IrFunction, isImm, type Operand, type SlotId, type VReg } from "../ir/ir.ts";
import { forEachEndInput, forEachInput } from "../ir/operands.ts";
import { MemoryModel } from "./memory.ts";

export function storeEarly(fn: IrFunction, shape = new Shape(fn)): boolean {
  const blocks = fn.slots.length === 0 ? [] : shape.order.filter(hasLateStore);
  if (blocks.length === 0) return false;
  const uses = new Map<VReg, number>();
  const use = (reg: VReg): void => void uses.set(reg, (uses.get(reg) ?? 0) + 1);
  for (const { insns, end } of shape.order) {
    for (const insn of insns) forEachInput(insn, use);
    forEachEndInput(end, use);
  }
  const memory = new MemoryModel(fn, shape);
  const moves = blocks.map((block) => new StoreMotion(fn, block, memory, uses).run());
  return moves.includes(true);
}

/** Whether a call lies between a store and what makes its value. */
function hasLateStore({ insns }: IrBlock): boolean {
  if (!insns.some(isCall)) return false;
  const beforeCall = new Set<Operand>();
  let behindCall: VReg[] = [];
  for (const insn of insns) {
    if (insn.op === "store" && beforeCall.has(insn.value)) return true;
    if (isCall(insn)) {
      for (const reg of behindCall) beforeCall.add(reg);
      behindCall = [];
    }
    if (insn.dst !== undefined) behindCall.push(insn.dst);
  }
  return false;
}

type Store = Extract<Insn, { op: "store" }>;

class StoreMotion {
  readonly #fn: IrFunction;
  readonly #block: IrBlock;
  readonly #memory: MemoryModel;
  readonly #uses: ReadonlyMap<VReg, number>;
  readonly #definedAt = new Map<VReg, number>();
  /** Where each slot was last named. */
  readonly #namedAt = new Map<SlotId, number>();
  #lastCall = -1;

  constructor(fn: IrFunction, block: IrBlock, memory: MemoryModel, uses: ReadonlyMap<VReg, number>) {
    this.#fn = fn;
    this.#block = block;
    this.#memory = memory;
    this.#uses = uses;
  }

  run(): boolean {
    const { insns } = this.#block;
    /** Stores by the position behind which they go. */
    const moved = new Map<number, Store[]>();
    const gone = new Set<Insn>();
    insns.forEach((insn, at) => {
      const target = insn.op === "store" ? this.#target(insn) : undefined;
      if (insn.op === "store" && target !== undefined) {
        moved.set(target, [...(moved.get(target) ?? []), insn]);
        gone.add(insn);
      }
      this.#pass(insn, at);
    });
    if (gone.size === 0) return false;
    this.#block.insns = insns.flatMap((insn, at) => {
      const here = gone.has(insn) ? [] : [insn];
      for (const store of moved.get(at) ?? []) here.push(...this.#withAddress(store, insns));
      return here;
    });
    return true;
  }

  /** The position of the instruction that makes the value, if the store had better follow it at once. */
  #target({ base, value }: Store): number | undefined {
    const slot = this.#memory.slotOf(base);
    if (slot === undefined || isImm(value) || this.#uses.get(value) !== 1) return undefined;
    const made = this.#definedAt.get(value);
    if (made === undefined || made >= this.#lastCall) return undefined;
    return (this.#namedAt.get(slot) ?? -1) < made ? made : undefined;
  }

  #pass(insn: Insn, at: number): void {
    if (isCall(insn)) this.#lastCall = at;
    forEachInput(insn, (reg) => {
      const slot = this.#memory.slotOf(reg);
      if (slot !== undefined) this.#namedAt.set(slot, at);
    });
    const dst = insn.dst;
    if (dst !== undefined) this.#definedAt.set(dst, at);
  }

  /** The store with an address of its own if the one that it used is made later. */
  #withAddress(store: Store, insns: readonly Insn[]): Insn[] {
    const made = this.#definedAt.get(store.base);
    const address = made === undefined ? undefined : insns[made];
    if (address?.op !== "slot") return [store];
    const base = this.#fn.nextVReg++ as VReg;
    return [
      { ...address, dst: base },
      { ...store, base },
    ];
  }
}

function isCall({ op }: Insn): boolean {
  return op === "call" || op === "call-local";
}
