/**
 * Decides branches and comparisons by those that dominate them: the same operands compared again, or bounds that follow
 * from earlier tests.
 */
import { mirrored, negated } from "../ir/arithmetic.ts";
import { Dominators, liveBlocks, type Predecessor, predecessors, removeUnreachable } from "../ir/cfg.ts";
import {
  type BlockId,
  type Condition,
  type Insn,
  type IrBlock,
  type IrFunction,
  isImm,
  type Operand,
  type VReg,
} from "../ir/ir.ts";
import { endInputs, inputs } from "../ir/operands.ts";
import { ANYTHING, analyseFacts, decide, type Facts, operandFacts, refine } from "./facts.ts";

export function decideConditions(fn: IrFunction): boolean {
  const changed = new ConditionWalk(fn).run();
  if (changed) removeUnreachable(fn);
  return changed;
}

/**
 * Two numbers stand in one of five relations, being equal or ordered one way or the other, unsigned and signed. A
 * condition is the set of relations in which it holds.
 */
const EQUAL = 1;
const LT_SLT = 2;
const LT_SGT = 4;
const GT_SLT = 8;
const GT_SGT = 16;
const ALL = 31;

const relations: Record<Condition, number | undefined> = {
  eq: EQUAL,
  ne: ALL - EQUAL,
  lt: LT_SLT | LT_SGT,
  le: LT_SLT | LT_SGT | EQUAL,
  gt: GT_SLT | GT_SGT,
  ge: GT_SLT | GT_SGT | EQUAL,
  slt: LT_SLT | GT_SLT,
  sle: LT_SLT | GT_SLT | EQUAL,
  sgt: LT_SGT | GT_SGT,
  sge: LT_SGT | GT_SGT | EQUAL,
  set: undefined,
};

export interface Test {
  condition: Condition;
  a: VReg;
  b: Operand;
}

/** Whether a test must come out true, or false, where another one on the same operands came out `outcome`. */
export function implied(test: Test, known: Test, outcome: boolean): boolean | undefined {
  let relation = relations[test.condition];
  let given = relations[known.condition];
  if (sameOperand(test.a, known.a) && sameOperand(test.b, known.b)) {
    if (test.condition === "set" && known.condition === "set") return outcome;
  } else if (sameOperand(test.a, known.b) && sameOperand(test.b, known.a)) {
    given = relations[mirrored(known.condition)];
  } else return undefined;
  if (relation === undefined || given === undefined) return undefined;
  if (!outcome) given = ALL - given;
  relation &= given;
  if (relation === given) return true;
  return relation === 0 ? false : undefined;
}

function sameOperand(a: Operand, b: Operand): boolean {
  return isImm(a) ? isImm(b) && a.imm === b.imm : a === b;
}

class ConditionWalk {
  readonly #fn: IrFunction;
  readonly #dominators: Dominators;
  readonly #incoming: Predecessor[][];
  readonly #facts: Map<VReg, Facts>;
  readonly #undoFacts: { reg: VReg; facts: Facts | undefined }[] = [];
  /** Tests of two registers that were decided on the way here, by their operands. */
  readonly #tests = new Map<string, { test: Test; outcome: boolean }[]>();
  /** Additions of constants whose results are used once. */
  readonly #sums: ReadonlyMap<VReg, Sum>;
  #changed = false;

  constructor(fn: IrFunction) {
    this.#fn = fn;
    this.#sums = singleUseSums(fn);
    this.#dominators = new Dominators(fn);
    this.#incoming = predecessors(fn);
    this.#facts = analyseFacts(fn);
  }

  run(): boolean {
    const marks: { facts: number; key: string | undefined }[] = [];
    this.#dominators.walk(
      (id) => {
        marks.push({ facts: this.#undoFacts.length, key: this.#enter(id) });
        this.#block(this.#fn.blocks[id]!);
      },
      () => {
        const { facts, key } = marks.pop()!;
        while (this.#undoFacts.length > facts) {
          const { reg, facts: before } = this.#undoFacts.pop()!;
          if (before) this.#facts.set(reg, before);
          else this.#facts.delete(reg);
        }
        if (key !== undefined) this.#tests.get(key)!.pop();
      },
    );
    return this.#changed;
  }

  /** Learns from the branch that leads here, if that is the only way. Returns the key of the test that was added. */
  #enter(id: BlockId): string | undefined {
    const [only, ...others] = this.#incoming[id]!;
    if (!only || others.length > 0) return undefined;
    const { end } = only.from;
    if (end.op !== "branch") return undefined;
    const outcome = end.then === only.edge;
    const { condition, a, b } = end;
    const holds = outcome ? condition : negated(condition);
    if (isImm(b)) {
      if (holds) this.#learn(a, refine(this.#facts.get(a) ?? ANYTHING, holds, b.imm));
    } else if (holds === "eq") {
      const facts = operandFacts(b, this.#facts);
      if (facts !== ANYTHING) this.#learn(a, facts);
    }
    const key = pairKey(a, b);
    const test = { test: { condition, a, b }, outcome };
    const list = this.#tests.get(key);
    if (list) list.push(test);
    else this.#tests.set(key, [test]);
    return key;
  }

  #learn(reg: VReg, facts: Facts): void {
    this.#undoFacts.push({ reg, facts: this.#facts.get(reg) });
    this.#facts.set(reg, facts);
  }

  #block(block: IrBlock): void {
    block.insns.forEach((insn, i) => {
      if (insn.op !== "compare") return;
      const outcome = this.#decide(insn);
      if (outcome === undefined) return;
      const { dst, span } = insn;
      block.insns[i] = { op: "const", dst, value: outcome ? 1n : 0n, ...(span && { span }) };
      this.#changed = true;
    });
    const { end } = block;
    if (end.op !== "branch") return;
    const direct = this.#withoutOffset(end);
    if (direct) {
      Object.assign(end, direct);
      this.#changed = true;
    }
    const outcome = this.#decide(end);
    if (outcome === undefined) return;
    block.end = { op: "jump", to: outcome ? end.then : end.otherwise, ...(end.span && { span: end.span }) };
    this.#changed = true;
  }

  /** x + c < k is x < k - c where nothing can wrap around, which here is known from the tests before. */
  #withoutOffset({ condition, a, b }: Test): Pick<Test, "a" | "b"> | undefined {
    const sum = this.#sums.get(a);
    if (!sum || !isImm(b) || !isImm(sum.b)) return undefined;
    const bound = b.imm - sum.b.imm;
    if (condition === "eq" || condition === "ne") return { a: sum.a, b: { imm: BigInt.asIntN(64, bound) } };
    const { min, max } = operandFacts(sum.a, this.#facts);
    const isUnsigned = condition === "lt" || condition === "le" || condition === "gt" || condition === "ge";
    const wraps = min + sum.b.imm < 0n || max + sum.b.imm >= 1n << 64n || b.imm < 0n || bound < 0n;
    return isUnsigned && !wraps ? { a: sum.a, b: { imm: bound } } : undefined;
  }

  #decide(test: Test): boolean | undefined {
    const byFacts = decide(test.condition, operandFacts(test.a, this.#facts), operandFacts(test.b, this.#facts));
    if (byFacts !== undefined) return byFacts;
    for (const { test: known, outcome } of this.#tests.get(pairKey(test.a, test.b)) ?? []) {
      const decided = implied(test, known, outcome);
      if (decided !== undefined) return decided;
    }
    return undefined;
  }
}

type Sum = Extract<Insn, { op: "alu" }>;

function singleUseSums(fn: IrFunction): Map<VReg, Sum> {
  const sums = new Map<VReg, Sum>();
  const used = new Set<VReg>();
  for (const { insns } of liveBlocks(fn)) {
    for (const insn of insns) if (insn.op === "alu" && insn.alu === "add" && isImm(insn.b)) sums.set(insn.dst, insn);
  }
  const use = (reg: VReg): void => {
    if (used.has(reg)) sums.delete(reg);
    used.add(reg);
  };
  for (const { insns, end } of liveBlocks(fn)) {
    for (const insn of insns) inputs(insn).forEach(use);
    endInputs(end).forEach(use);
  }
  return sums;
}

/** The same for both orders of two operands. */
function pairKey(a: Operand, b: Operand): string {
  const [x, y] = [a, b].map((operand) => (isImm(operand) ? `#${operand.imm}` : String(operand)));
  return x! < y! ? `${x},${y}` : `${y},${x}`;
}
