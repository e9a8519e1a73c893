/**
 * Jump threading: where the outcome of a branch is known on the way to it, because an argument is a constant or the
 * same was tested just before, the way leads past it. And where a block does nothing but test a value that was computed just
 * before, the test moves there, to melt with the computation.
 */
import { edges } from "../ir/builder.ts";
import { type Predecessor, predecessors, removeUnreachable, reversePostorder } from "../ir/cfg.ts";
import { cloneEnd } from "../ir/clone.ts";
import {
  type BlockId,
  type Edge,
  type Insn,
  type IrBlock,
  type IrFunction,
  isImm,
  type Operand,
  type VReg,
} from "../ir/ir.ts";
import { conditionInputs, inputs, isPure, mapEndInputs, result } from "../ir/operands.ts";
import { implied } from "./conditions.ts";
import { analyseFacts, decide, type Facts, factsOf, operandFacts } from "./facts.ts";

/** Blocks with more instructions before their branch are not looked through. */
const MAX_INSNS = 4;

export function threadJumps(fn: IrFunction): boolean {
  const changed = new Threading(fn).run();
  if (changed) removeUnreachable(fn);
  return changed;
}

type Branch = Extract<IrBlock["end"], { op: "branch" }>;

class Threading {
  readonly #fn: IrFunction;
  readonly #facts: Map<VReg, Facts>;
  readonly #incoming: Predecessor[][];
  /** Blocks in which a value is used that is defined elsewhere. */
  readonly #usedOutside = new Set<VReg>();
  readonly #definedIn = new Map<VReg, BlockId>();

  constructor(fn: IrFunction) {
    this.#fn = fn;
    this.#facts = analyseFacts(fn);
    this.#incoming = predecessors(fn);
    const order = reversePostorder(fn);
    for (const { id, params, insns } of order) {
      for (const param of params) this.#definedIn.set(param, id);
      for (const insn of insns) {
        const dst = result(insn);
        if (dst !== undefined) this.#definedIn.set(dst, id);
      }
    }
    for (const { id, insns, end } of order) {
      const use = (reg: VReg): void => {
        if (this.#definedIn.get(reg) !== id) this.#usedOutside.add(reg);
      };
      for (const insn of insns) inputs(insn).forEach(use);
      conditionInputs(end).forEach(use);
      for (const edge of edges(end)) edge.args.forEach(use);
    }
  }

  run(): boolean {
    let changed = false;
    for (const block of reversePostorder(this.#fn)) {
      const { end } = block;
      if (end.op !== "branch" || block.id === 0 || !this.#isTransparent(block)) continue;
      for (const { from, edge } of this.#incoming[block.id]!) {
        // The block may have been threaded past already.
        if (edge.block !== block.id || from === block) continue;
        if (this.#thread(block, end, from, edge) || this.#moveTest(block, end, from, edge)) changed = true;
      }
    }
    return changed;
  }

  /** Whether a block can be passed by: it has no effect, and nobody else needs what it computes. */
  #isTransparent({ params, insns }: IrBlock): boolean {
    if (insns.length > MAX_INSNS) return false;
    if (params.some((param) => this.#usedOutside.has(param))) return false;
    return insns.every((insn) => isPure(insn) && insn.op !== "call" && !this.#usedOutside.has(result(insn)!));
  }

  /** Leads an edge to where the branch at its end would lead it. */
  #thread(block: IrBlock, end: Branch, from: IrBlock, edge: Edge): boolean {
    const args = new Map(block.params.map((param, i) => [param, edge.args[i]!]));
    const known = new Map<VReg, Facts>();
    const of = (operand: Operand): Facts => {
      if (isImm(operand)) return operandFacts(operand, this.#facts);
      const local = known.get(operand);
      return local ?? operandFacts(args.get(operand) ?? operand, this.#facts);
    };
    for (const insn of block.insns) known.set(result(insn)!, factsOf(insn, of));
    const outcome = decide(end.condition, of(end.a), of(end.b)) ?? this.#decidedBefore(end, args, from, edge);
    if (outcome === undefined) return false;
    const to = outcome ? end.then : end.otherwise;
    const passed = to.args.map((arg) => args.get(arg) ?? arg);
    // What the block itself computes is not there when it is passed by.
    if (passed.some((arg) => known.has(arg))) return false;
    edge.block = to.block;
    edge.args = passed;
    this.#use(from.id, passed);
    return true;
  }

  /** Whether the branch that the edge leaves has tested the same. */
  #decidedBefore(end: Branch, args: ReadonlyMap<VReg, VReg>, from: IrBlock, edge: Edge): boolean | undefined {
    if (from.end.op !== "branch") return undefined;
    const a = args.get(end.a) ?? end.a;
    const b = isImm(end.b) ? end.b : (args.get(end.b) ?? end.b);
    return implied({ condition: end.condition, a, b }, from.end, from.end.then === edge);
  }

  /** Repeats a block that is nothing but a test of its parameter at the end of one that computes it. */
  #moveTest(block: IrBlock, end: Branch, from: IrBlock, edge: Edge): boolean {
    if (block.insns.length > 0 || from.end.op !== "jump" || !isImm(end.b)) return false;
    const index = block.params.indexOf(end.a);
    const computed = from.insns.find((insn) => result(insn) === edge.args[index]);
    if (index < 0 || !computed || !isTruthValue(computed)) return false;
    const args = new Map(block.params.map((param, i) => [param, edge.args[i]!]));
    const copy = cloneEnd(end);
    mapEndInputs(copy, (reg) => args.get(reg) ?? reg);
    from.end = copy;
    for (const { args: passed } of edges(copy)) this.#use(from.id, passed);
    this.#use(from.id, conditionInputs(copy));
    return true;
  }

  /** New uses, so that later blocks are judged rightly. */
  #use(block: BlockId, regs: readonly VReg[]): void {
    for (const reg of regs) if (this.#definedIn.get(reg) !== block) this.#usedOutside.add(reg);
  }
}

/** A comparison, or what became of one. */
function isTruthValue(insn: Insn): boolean {
  if (insn.op === "compare") return true;
  return insn.op === "alu" && isImm(insn.b) && (insn.alu === "xor" || insn.alu === "and" || insn.alu === "rsh");
}
