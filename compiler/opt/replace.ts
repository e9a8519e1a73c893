/** Replacing values by others throughout a function: what most passes end with. */
import { liveBlocks } from "../ir/cfg.ts";
import type { IrFunction, VReg } from "../ir/ir.ts";
import { mapEndInputs, mapInputs } from "../ir/operands.ts";

/** Values that stand for others, collected by a pass while it still looks at the function. */
export class Replacements {
  /** By VReg. */
  readonly #targets: (VReg | undefined)[];
  #any = false;

  constructor(fn: IrFunction) {
    this.#targets = new Array<VReg | undefined>(fn.nextVReg);
  }

  set(from: VReg, to: VReg): void {
    this.#targets[from] = this.find(to);
    this.#any = true;
  }

  /** What a register finally stands for. */
  readonly find = (reg: VReg): VReg => {
    let target = this.#targets[reg];
    if (target === undefined) return reg;
    for (let next = this.#targets[target]; next !== undefined; next = this.#targets[target]) target = next;
    // Shorten the way for the next time.
    for (let at = reg; at !== target; ) {
      const next = this.#targets[at]!;
      this.#targets[at] = target;
      at = next;
    }
    return target;
  };

  /** Rewrites all uses. The definitions of replaced values stay, for others to remove. */
  apply(fn: IrFunction): boolean {
    if (!this.#any) return false;
    for (const { insns, end } of liveBlocks(fn)) {
      for (const insn of insns) mapInputs(insn, this.find);
      mapEndInputs(end, this.find);
    }
    return true;
  }
}
