/**
 * Moves computations down to where they are needed: what only one way of a branch uses is not computed on the other,
 * such as the arguments of a system call before it is known which one it is. Only what has one input moves, so that no
 * more values are alive than before, and not past a call, where the input would have to be saved instead.
 */
import { type Dominators, loopDepths, Shape } from "../ir/cfg.ts";
import type { BlockId, Insn, IrFunction, VReg } from "../ir/ir.ts";
import { forEachEndInput, forEachInput, inputs, isPure } from "../ir/operands.ts";

/** More users, or a way farther up the dominator tree, are not looked at. */
const MAX_USERS = 8;
const MAX_STEPS = 64;

export function sinkComputations(fn: IrFunction, shape = new Shape(fn)): boolean {
  return shape.order.length > 1 && new Sinking(fn, shape).run();
}

class Sinking {
  readonly #fn: IrFunction;
  readonly #dominators: Dominators;
  readonly #depths: readonly number[];
  /** Where each value is computed that may move, and how often it is used there. By VReg. */
  readonly #home: (BlockId | undefined)[];
  readonly #usesAtHome: number[];
  /** How often others use it, by block. */
  readonly #users = new Map<VReg, Map<BlockId, number>>();
  readonly #withCall = new Set<BlockId>();
  /** What has arrived in each block, last first. */
  readonly #arrived = new Map<BlockId, Insn[]>();

  constructor(fn: IrFunction, shape: Shape) {
    this.#fn = fn;
    this.#dominators = shape.dominators;
    this.#depths = loopDepths(fn, shape);
    this.#home = new Array<BlockId | undefined>(fn.nextVReg);
    this.#usesAtHome = new Array<number>(fn.nextVReg).fill(0);
    for (const { id, insns, end } of shape.order) {
      let read = 0;
      const use = (reg: VReg): void => {
        read++;
        this.#count(reg, id, 1);
      };
      // All that read a value come behind it, except around a loop, where a parameter carries it.
      for (const insn of insns) {
        read = 0;
        forEachInput(insn, use);
        if (isCall(insn)) this.#withCall.add(id);
        else if (read === 1 && isPure(insn)) this.#home[insn.dst!] = id;
      }
      forEachEndInput(end, use);
    }
  }

  run(): boolean {
    if (this.#users.size === 0) return false;
    // Users before what they use, so that whole chains move.
    for (const block of this.#dominators.order.toReversed()) {
      const kept: Insn[] = [];
      let passedCall = false;
      for (const insn of block.insns.toReversed()) {
        const target = passedCall ? undefined : this.#target(insn, block.id);
        if (target === undefined) kept.push(insn);
        else this.#move(insn, block.id, target);
        if (isCall(insn)) passedCall = true;
      }
      block.insns = kept.reverse();
    }
    for (const [id, arrived] of this.#arrived) this.#fn.blocks[id]!.insns.unshift(...arrived.reverse());
    return this.#arrived.size > 0;
  }

  #count(reg: VReg, block: BlockId, change: number): void {
    const home = this.#home[reg];
    if (home === undefined) return;
    if (home === block) {
      this.#usesAtHome[reg]! += change;
      return;
    }
    let users = this.#users.get(reg);
    if (!users) {
      users = new Map();
      this.#users.set(reg, users);
    }
    const count = (users.get(block) ?? 0) + change;
    if (count > 0) users.set(block, count);
    else users.delete(block);
  }

  /** The block that needs the result, or that all blocks which need it lie behind; or one on the way there. */
  #target(insn: Insn, from: BlockId): BlockId | undefined {
    const { dst } = insn;
    if (dst === undefined || this.#home[dst] === undefined || this.#usesAtHome[dst]! > 0) return undefined;
    const users = [...(this.#users.get(dst)?.keys() ?? [])];
    if (users.length === 0 || users.length > MAX_USERS) return undefined;
    let target: BlockId | undefined;
    let block: BlockId | undefined = users[0]!;
    for (let steps = 0; block !== from; steps++) {
      // Nothing that the block itself calls is passed by going there, but by going on from there.
      const isAbove = users.every((user) => this.#dominators.dominates(block!, user));
      if (isAbove && (target === undefined || this.#withCall.has(block))) target = block;
      block = steps < MAX_STEPS ? this.#dominators.parent(block) : undefined;
      if (block === undefined) return undefined;
    }
    // Never into a loop: there it would be computed again and again.
    return target !== undefined && this.#depths[target]! <= this.#depths[from]! ? target : undefined;
  }

  #move(insn: Insn, from: BlockId, to: BlockId): void {
    const arrived = this.#arrived.get(to);
    if (arrived) arrived.push(insn);
    else this.#arrived.set(to, [insn]);
    for (const reg of inputs(insn)) {
      this.#count(reg, from, -1);
      this.#count(reg, to, 1);
    }
  }
}

function isCall(insn: Insn): boolean {
  return insn.op === "call" || insn.op === "call-local" || insn.op === "lookup";
}
