/**
 * Removes writes to stack slots that are overwritten before anybody reads them, or that nobody reads afterwards. Bytes are
 * followed within a block; between blocks it only counts whether the slot may still be read.
 */
import { Shape } from "../ir/cfg.ts";
import type { Insn, IrBlock, IrFunction, SlotId } from "../ir/ir.ts";
import { forEachReadAddress } from "../ir/operands.ts";
import { BlockSets, namedBehind } from "../ir/reach.ts";
import { MemoryModel } from "./memory.ts";

export function removeDeadStores(fn: IrFunction, shape = new Shape(fn)): boolean {
  return fn.slots.length > 0 && new DeadStores(fn, shape).run();
}

class DeadStores {
  readonly #fn: IrFunction;
  readonly #shape: Shape;
  readonly #memory: MemoryModel;
  /** Slots that may be read behind the end of each block. */
  readonly #readLater: BlockSets;

  constructor(fn: IrFunction, shape: Shape) {
    this.#fn = fn;
    this.#shape = shape;
    this.#memory = new MemoryModel(fn, shape);
    this.#readLater = this.#findReadLater();
  }

  run(): boolean {
    let changed = false;
    for (const block of this.#shape.order) {
      if (!block.insns.some((insn) => insn.op === "store" && this.#memory.slotOf(insn.base) !== undefined)) continue;
      const kept = this.#sweep(block);
      if (kept.length === block.insns.length) continue;
      block.insns = kept;
      changed = true;
    }
    return changed;
  }

  /** Walks backwards with the bytes that are overwritten, or forgotten, before they are read. */
  #sweep(block: IrBlock): Insn[] {
    /** Bytes that need not be written, as bit masks. Slots without an entry are as after the block. */
    const superfluous = new Map<SlotId, bigint>();
    const maskOf = (slot: SlotId): bigint =>
      superfluous.get(slot) ?? (this.#readLater.has(block.id, slot) ? 0n : bytes(0, this.#fn.slots[slot]!.size));
    const kept: Insn[] = [];
    for (let i = block.insns.length - 1; i >= 0; i--) {
      const insn = block.insns[i]!;
      const place = insn.op === "store" ? this.#memory.slotPlace(insn.base) : undefined;
      if (insn.op === "store" && place) {
        const written = bytes(place.offset + insn.offset, insn.size);
        if ((maskOf(place.slot) & written) === written) continue;
        superfluous.set(place.slot, maskOf(place.slot) | written);
      }
      this.#reads(insn, (slot) => superfluous.set(slot, 0n));
      kept.push(insn);
    }
    return kept.reverse();
  }

  /** Calls `f` with the slots that an instruction may read; helpers that only fill one do not. */
  #reads(insn: Insn, f: (slot: SlotId) => void): void {
    forEachReadAddress(insn, (reg) => {
      const slot = this.#memory.slotOf(reg);
      if (slot !== undefined) f(slot);
    });
  }

  #findReadLater(): BlockSets {
    const size = this.#fn.slots.length;
    const read = new BlockSets(this.#fn, size);
    for (const { id, insns } of this.#shape.order) {
      for (const insn of insns) this.#reads(insn, (slot) => read.add(id, slot));
    }
    return namedBehind(this.#fn, this.#shape.order, read, size);
  }
}

/** Bits for the bytes [from, from + size). */
function bytes(from: number, size: number): bigint {
  return ((1n << BigInt(size)) - 1n) << BigInt(from);
}
