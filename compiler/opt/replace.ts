/** Replacing values by others throughout a function: what most passes end with. */
import { liveBlocks } from "../ir/cfg.ts";
import type { IrFunction, VReg } from "../ir/ir.ts";
import { mapEndInputs, mapInputs } from "../ir/operands.ts";

/** Values that stand for others, collected by a pass while it still looks at the function. */
export class Replacements {
  readonly #map = new Map<VReg, VReg>();

  set(from: VReg, to: VReg): void {
    this.#map.set(from, this.find(to));
  }

  /** What a register finally stands for. */
  readonly find = (reg: VReg): VReg => {
    let target = this.#map.size === 0 ? undefined : this.#map.get(reg);
    if (target === undefined) return reg;
    for (let next = this.#map.get(target); next !== undefined; next = this.#map.get(target)) target = next;
    // Shorten the way for the next time.
    for (let at = reg; at !== target; ) {
      const next = this.#map.get(at)!;
      this.#map.set(at, target);
      at = next;
    }
    return target;
  };

  /** Rewrites all uses. The definitions of replaced values stay, for others to remove. */
  apply(fn: IrFunction): boolean {
    if (this.#map.size === 0) return false;
    for (const { insns, end } of liveBlocks(fn)) {
      for (const insn of insns) mapInputs(insn, this.find);
      mapEndInputs(end, this.find);
    }
    return true;
  }
}
