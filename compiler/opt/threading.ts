/**
 * Jump threading: where the outcome of a branch is known on the way to it, because an argument is a constant or the
 * same was tested just before, the way leads past it. And where a block does nothing but test a value that was computed just
 * before, the test moves there, to melt with the computation.
 */
import { edges } from "../ir/builder.ts";
import { removeUnreachable, Shape } from "../ir/cfg.ts";
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
import { conditionInputs, forEachEndInput, forEachInput, isPure, mapEndInputs } from "../ir/operands.ts";
import { implied } from "./conditions.ts";
import { analyseFacts, decide, type Facts, type FactsTable, factsOf, operandFacts } from "./facts.ts";

/** Blocks with more instructions before their branch are not looked through. */
const MAX_INSNS = 4;

export function threadJumps(fn: IrFunction, shape = new Shape(fn)): boolean {
  const candidates = shape.order.filter((block) => isCandidate(block, shape));
  if (candidates.length === 0 || !new Threading(fn, shape).run(candidates)) return false;
  shape.changed();
  removeUnreachable(fn, shape);
  return true;
}

type Branch = Extract<IrBlock["end"], { op: "branch" }>;

/** Whether more may be known about a block's test on the way to it than in it: of its parameters, or from the test before. */
function isCandidate({ id, params, insns, end }: IrBlock, { incoming }: Shape): boolean {
  if (end.op !== "branch" || id === 0 || insns.length > MAX_INSNS) return false;
  return (
    params.length > 0 || incoming[id]!.some(({ from }) => from.end.op === "branch" && sharesOperand(from.end, end))
  );
}

function sharesOperand(one: Branch, other: Branch): boolean {
  return one.a === other.a || one.a === other.b || one.b === other.a;
}

class Threading {
  readonly #shape: Shape;
  readonly #facts: FactsTable;
  /** Values that are used in other blocks than their own. */
  readonly #usedOutside = new Set<VReg>();
  /** By VReg. */
  readonly #definedIn: BlockId[];

  constructor(fn: IrFunction, shape: Shape) {
    this.#shape = shape;
    this.#facts = analyseFacts(fn, shape);
    this.#definedIn = new Array<BlockId>(fn.nextVReg);
    let current = 0;
    for (const { id, params, insns } of shape.order) {
      for (const param of params) this.#definedIn[param] = id;
      for (const insn of insns) {
        const dst = insn.dst;
        if (dst !== undefined) this.#definedIn[dst] = id;
      }
    }
    const use = (reg: VReg): void => {
      if (this.#definedIn[reg] !== current) this.#usedOutside.add(reg);
    };
    for (const { id, insns, end } of shape.order) {
      current = id;
      for (const insn of insns) forEachInput(insn, use);
      forEachEndInput(end, use);
    }
  }

  run(candidates: readonly IrBlock[]): boolean {
    let changed = false;
    for (const block of candidates) {
      const { end } = block;
      if (end.op !== "branch" || !this.#isTransparent(block)) continue;
      for (const { from, edge } of this.#shape.incoming[block.id]!) {
        // The block may have been threaded past already.
        if (edge.block !== block.id || from === block) continue;
        if (this.#thread(block, end, from, edge) || this.#moveTest(block, end, from, edge)) changed = true;
      }
    }
    return changed;
  }

  /** Whether a block can be passed by: it has no effect, and nobody else needs what it computes. */
  #isTransparent({ params, insns }: IrBlock): boolean {
    if (params.some((param) => this.#usedOutside.has(param))) return false;
    return insns.every((insn) => isPure(insn) && insn.op !== "call" && !this.#usedOutside.has(insn.dst!));
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
    for (const insn of block.insns) known.set(insn.dst!, factsOf(insn, of));
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
    const computed = from.insns.find((insn) => insn.dst === edge.args[index]);
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
    for (const reg of regs) if (this.#definedIn[reg] !== block) this.#usedOutside.add(reg);
  }
}

/** A comparison, or what became of one. */
function isTruthValue(insn: Insn): boolean {
  if (insn.op === "compare") return true;
  return insn.op === "alu" && isImm(insn.b) && (insn.alu === "xor" || insn.alu === "and" || insn.alu === "rsh");
}
