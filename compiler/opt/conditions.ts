/**
 * Decides branches and comparisons by those that dominate them: the same operands compared again, or bounds that follow
 * from earlier tests.
 */
import { mirrored, negated } from "../ir/arithmetic.ts";
import { removeUnreachable, Shape } from "../ir/cfg.ts";
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
import { forEachEndInput, forEachInput } from "../ir/operands.ts";
import { ANYTHING, analyseFacts, decide, type Facts, type FactsTable, operandFacts, refine } from "./facts.ts";

export function decideConditions(fn: IrFunction, shape = new Shape(fn)): boolean {
  return new ConditionWalk(fn, shape).run();
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
  readonly #shape: Shape;
  readonly #facts: FactsTable;
  readonly #undoFacts: { reg: VReg; facts: Facts | undefined }[] = [];
  /** Tests that were decided on the way here, by their operands. */
  readonly #tests = new Map<number, { test: Test; outcome: boolean }[]>();
  /** Additions of constants whose results are used once. */
  readonly #sums: ReadonlyMap<VReg, Sum>;
  #changed = false;
  #decided = false;

  constructor(fn: IrFunction, shape: Shape) {
    this.#fn = fn;
    this.#shape = shape;
    this.#sums = singleUseSums(shape);
    this.#facts = analyseFacts(fn, shape);
  }

  run(): boolean {
    const marks: { facts: number; key: number | undefined }[] = [];
    this.#shape.dominators.walk(
      (id) => {
        marks.push({ facts: this.#undoFacts.length, key: this.#enter(id) });
        this.#block(this.#fn.blocks[id]!);
      },
      () => {
        const { facts, key } = marks.pop()!;
        while (this.#undoFacts.length > facts) {
          const { reg, facts: before } = this.#undoFacts.pop()!;
          this.#facts[reg] = before;
        }
        if (key !== undefined) this.#tests.get(key)!.pop();
      },
    );
    if (this.#decided) {
      this.#shape.changed();
      removeUnreachable(this.#fn, this.#shape);
    }
    return this.#changed;
  }

  /** Learns from the branch that leads here, if that is the only way. Returns the key of the test that was added. */
  #enter(id: BlockId): number | undefined {
    const incoming = this.#shape.incoming[id]!;
    if (incoming.length !== 1) return undefined;
    const { from, edge } = incoming[0]!;
    const { end } = from;
    if (end.op !== "branch") return undefined;
    const outcome = end.then === edge;
    const { condition, a, b } = end;
    const holds = outcome ? condition : negated(condition);
    if (isImm(b)) {
      if (holds) this.#learn(a, refine(this.#facts[a] ?? ANYTHING, holds, b.imm));
    } else if (holds === "eq") {
      const facts = operandFacts(b, this.#facts);
      if (facts !== ANYTHING) this.#learn(a, facts);
    }
    const key = pairKey(a, b);
    const list = this.#tests.get(key);
    if (list) list.push({ test: end, outcome });
    else this.#tests.set(key, [{ test: end, outcome }]);
    return key;
  }

  #learn(reg: VReg, facts: Facts): void {
    this.#undoFacts.push({ reg, facts: this.#facts[reg] });
    this.#facts[reg] = facts;
  }

  #block(block: IrBlock): void {
    for (let i = 0; i < block.insns.length; i++) {
      const insn = block.insns[i]!;
      const outcome = insn.op === "compare" ? this.#decide(insn) : undefined;
      if (insn.op !== "compare" || outcome === undefined) continue;
      const { dst, span } = insn;
      block.insns[i] = { op: "const", dst, value: outcome ? 1n : 0n, ...(span && { span }) };
      this.#changed = true;
    }
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
    this.#decided = true;
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

function singleUseSums({ order }: Shape): Map<VReg, Sum> {
  const sums = new Map<VReg, Sum>();
  for (const { insns } of order) {
    for (const insn of insns) if (insn.op === "alu" && insn.alu === "add" && isImm(insn.b)) sums.set(insn.dst, insn);
  }
  if (sums.size === 0) return sums;
  const used = new Set<VReg>();
  const use = (reg: VReg): void => {
    if (used.has(reg)) sums.delete(reg);
    used.add(reg);
  };
  for (const { insns, end } of order) {
    for (const insn of insns) forEachInput(insn, use);
    forEachEndInput(end, use);
  }
  return sums;
}

/** The same for both orders of two operands; what happens to have the same key is told apart by comparison. */
function pairKey(a: VReg, b: Operand): number {
  if (isImm(b)) return -1 - (a * KEY_RANGE + Number(BigInt.asUintN(KEY_BITS, b.imm)));
  return Math.min(a, b) * KEY_RANGE + Math.max(a, b);
}

const KEY_BITS = 26;
const KEY_RANGE = 2 ** KEY_BITS;
