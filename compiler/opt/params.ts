/**
 * Removes block parameters that are none: those that receive the same value, or the same constant or address, along
 * every edge, and those that are always equal to another parameter of their block.
 */
import { Shape } from "../ir/cfg.ts";
import type { Edge, IrBlock, IrFunction, VReg } from "../ir/ir.ts";
import { isLeaf, type Leaf } from "../ir/operands.ts";
import { Replacements } from "./replace.ts";

export function removeParams(fn: IrFunction, shape = new Shape(fn)): boolean {
  return shape.order.some(({ params }) => params.length > 0) && new ParamRemoval(fn).run(shape);
}

class ParamRemoval {
  readonly #fn: IrFunction;
  readonly #replacements: Replacements;
  /** Constants and addresses, by register. */
  readonly #leaves = new Map<VReg, Leaf>();
  /** Blocks whose parameters take a parameter as an argument: to be looked at again when that one goes. */
  readonly #receivers = new Map<VReg, IrBlock[]>();

  constructor(fn: IrFunction) {
    this.#fn = fn;
    this.#replacements = new Replacements(fn);
  }

  run({ order, incoming }: Shape): boolean {
    for (const block of order) {
      for (const insn of block.insns) if (isLeaf(insn)) this.#leaves.set(insn.dst, insn);
      if (block.params.length === 0) continue;
      for (const { edge } of incoming[block.id]!) {
        for (const arg of edge.args) {
          const list = this.#receivers.get(arg);
          if (!list) this.#receivers.set(arg, [block]);
          else if (list.at(-1) !== block) list.push(block);
        }
      }
    }
    const queue = order.filter((block) => block.params.length > 0).reverse();
    const waiting = new Set(queue);
    let changed = false;
    for (let block = queue.pop(); block; block = queue.pop()) {
      waiting.delete(block);
      const gone = this.#reduce(
        block,
        incoming[block.id]!.map(({ edge }) => edge),
      );
      if (gone.length > 0) changed = true;
      for (const param of gone) {
        for (const receiver of this.#receivers.get(param) ?? []) {
          if (waiting.has(receiver)) continue;
          waiting.add(receiver);
          queue.push(receiver);
        }
      }
    }
    this.#replacements.apply(this.#fn);
    return changed;
  }

  /** Removes what is superfluous among a block's parameters, and returns it. */
  #reduce(block: IrBlock, edges: readonly Edge[]): VReg[] {
    const gone: VReg[] = [];
    const kept: number[] = [];
    const equals = new Map<string, VReg>();
    block.params.forEach((param, i) => {
      const args = edges.map((edge) => this.#replacements.find(edge.args[i]!));
      const value = this.#onlyValue(param, args, block);
      const key = value === undefined && block.params.length > 1 ? args.join() : "";
      const equal = value ?? equals.get(key);
      if (equal === undefined) {
        equals.set(key, param);
        kept.push(i);
      } else {
        this.#replacements.set(param, equal);
        gone.push(param);
      }
    });
    if (gone.length > 0) {
      block.params = kept.map((i) => block.params[i]!);
      for (const edge of edges) edge.args = kept.map((i) => edge.args[i]!);
    }
    return gone;
  }

  /** The value that the parameter has in any case, made anew in the block if it is a constant or an address. */
  #onlyValue(param: VReg, args: readonly VReg[], block: IrBlock): VReg | undefined {
    const first = args.find((arg) => arg !== param);
    if (first === undefined || args.every((arg) => arg === first || arg === param)) return first;
    const leaf = this.#leaves.get(first);
    if (!leaf || !args.every((arg) => arg === param || sameLeaf(leaf, this.#leaves.get(arg)))) return undefined;
    const copy: Leaf = { ...leaf, dst: this.#fn.nextVReg++ as VReg };
    block.insns.unshift(copy);
    this.#leaves.set(copy.dst, copy);
    return copy.dst;
  }
}

function sameLeaf(a: Leaf, b: Leaf | undefined): boolean {
  switch (a.op) {
    case "const":
      return b?.op === "const" && a.value === b.value;
    case "host-const":
      return b?.op === "host-const" && a.constant === b.constant;
    case "map":
      return b?.op === "map" && a.map === b.map;
    case "map-value":
      return b?.op === "map-value" && a.map === b.map && a.offset === b.offset;
    case "slot":
      return b?.op === "slot" && a.slot === b.slot && a.offset === b.offset;
    case "func":
      return b?.op === "func" && a.index === b.index;
  }
}
