/**
 * Local simplification: constants are computed, operations with a cheaper equal are replaced by it, extensions and
 * masks that change nothing go, addresses become offsets, and comparisons melt into the branches that test them.
 */
import { evaluateByteSwap, evaluateExtend, evaluateLog2, isCommutative, mirrored, negated } from "../ir/arithmetic.ts";
import { removeUnreachable, Shape } from "../ir/cfg.ts";
import {
  type AluOp,
  type Condition,
  type Insn,
  type IrFunction,
  isImm,
  type Operand,
  type Terminator,
  type VReg,
} from "../ir/ir.ts";
import { conditionInputs, forEachEndInput, forEachInput, mapEndInputs, mapInputs } from "../ir/operands.ts";
import { isPowerOfTwo, log2, simplifyAlu } from "./arithmetic-rules.ts";
import {
  ANYTHING,
  constantOf,
  decide,
  type Facts,
  type FactsTable,
  factsOf,
  factsTable,
  fitsType,
  operandFacts,
  paramFacts,
} from "./facts.ts";
import { Replacements } from "./replace.ts";

export function simplify(fn: IrFunction, shape = new Shape(fn)): boolean {
  return new Simplifier(fn, shape).run();
}

/** What rules may ask, and how they add instructions in front of the one that they rewrite. */
export interface RuleContext {
  definition(reg: VReg): Insn | undefined;
  facts(operand: Operand): Facts;
  constant(operand: Operand): bigint | undefined;
  /**
   * Whether the value is compared with bounds somewhere. The verifier learns about the register that is compared, so
   * that another one, computed from what came before it, would not profit.
   */
  isBounded(reg: VReg): boolean;
  emit(make: (dst: VReg) => Insn): VReg;
}

type Of<Op extends Insn["op"]> = Extract<Insn, { op: Op }>;

class Simplifier implements RuleContext {
  readonly #fn: IrFunction;
  readonly #shape: Shape;
  readonly #definitions: (Insn | undefined)[];
  readonly #known: FactsTable;
  readonly #replacements: Replacements;
  /** By register. Counts only ever grow: a use too many forbids something, one too few would allow it. */
  readonly #uses: number[];
  readonly #bounded = new Set<VReg>();
  #output: Insn[] = [];
  #span: Insn["span"];
  #changed = false;
  #decided = false;

  constructor(fn: IrFunction, shape: Shape) {
    this.#fn = fn;
    this.#replacements = new Replacements(fn);
    this.#shape = shape;
    this.#known = factsTable(fn);
    this.#definitions = new Array<Insn | undefined>(fn.nextVReg);
    this.#uses = new Array<number>(fn.nextVReg).fill(0);
    for (const { insns, end } of shape.order) {
      for (const insn of insns) forEachInput(insn, this.#countUse);
      forEachEndInput(end, this.#countUse);
      if (end.op === "branch" && end.condition !== "eq" && end.condition !== "ne") {
        for (const reg of conditionInputs(end)) this.#bounded.add(reg);
      }
    }
  }

  run(): boolean {
    for (const block of this.#shape.order) {
      // What the blocks before are known to hand on; values that come around a loop can be anything.
      const { id, params } = block;
      for (let i = 0; i < params.length; i++) {
        this.#known[params[i]!] = paramFacts(this.#shape.incoming[id]!, i, this.#factsOf);
      }
      this.#output = [];
      for (const insn of block.insns) this.#insn(insn);
      this.#span = block.end.span;
      block.end = this.#end(block.end);
      block.insns = this.#output;
    }
    this.#replacements.apply(this.#fn);
    if (this.#decided) {
      this.#shape.changed();
      removeUnreachable(this.#fn, this.#shape);
    }
    return this.#changed;
  }

  readonly #countUse = (reg: VReg): void => {
    this.#uses[reg] = this.#usesOf(reg) + 1;
  };

  #usesOf(reg: VReg): number {
    return this.#uses[reg] ?? 0;
  }

  readonly #factsOf = (operand: Operand): Facts => operandFacts(operand, this.#known);

  // For rules

  definition(reg: VReg): Insn | undefined {
    return this.#definitions[reg];
  }

  facts(operand: Operand): Facts {
    return operandFacts(operand, this.#known);
  }

  constant(operand: Operand): bigint | undefined {
    return isImm(operand) ? operand.imm : constantOf(this.facts(operand));
  }

  isBounded(reg: VReg): boolean {
    return this.#bounded.has(reg);
  }

  emit(make: (dst: VReg) => Insn): VReg {
    const dst = this.#fn.nextVReg++ as VReg;
    const insn = make(dst);
    if (this.#span) insn.span = this.#span;
    forEachInput(insn, this.#countUse);
    this.#insn(insn);
    return this.#replacements.find(dst);
  }

  // Instructions

  #insn(original: Insn): void {
    this.#span = original.span;
    let insn = original;
    mapInputs(insn, this.#input);
    for (let next = this.#rewrite(insn); next; next = this.#rewrite(insn)) {
      insn = insn.span ? { ...next, span: insn.span } : next;
      this.#changed = true;
      forEachInput(insn, this.#countUse);
    }
    const dst = insn.dst;
    if (dst !== undefined && insn.op === "copy") {
      this.#replacements.set(dst, insn.src);
      this.#uses[insn.src] = this.#usesOf(insn.src) + this.#usesOf(dst);
      this.#changed = true;
      return;
    }
    if (dst !== undefined) {
      this.#definitions[dst] = insn;
      this.#known[dst] = factsOf(insn, this.#factsOf);
    }
    this.#output.push(insn);
  }

  /** The value that stands for a register by now; a constant where one may stand. */
  readonly #input = (reg: VReg, canBeImm: boolean): Operand => {
    const value = this.#replacements.find(reg);
    const insn = canBeImm ? this.#definitions[value] : undefined;
    if (insn?.op !== "const") return value;
    this.#changed = true;
    return { imm: insn.value };
  };

  /** An instruction with the same result that is nearer to the best one, or undefined. */
  #rewrite(insn: Insn): Insn | undefined {
    switch (insn.op) {
      case "alu":
        return this.#alu(insn);
      case "extend":
        return this.#extend(insn);
      case "bswap":
      case "log2":
        return this.#foldConstant(insn, insn.src);
      case "compare":
        return this.#compare(insn);
      case "load":
      case "atomic":
        return this.#address(insn);
      case "store":
        return this.#address(insn) ?? this.#store(insn);
      case "lookup":
        return this.#lookup(insn);
      case "call":
        return emptyLoop(insn);
      default:
        return undefined;
    }
  }

  #alu(insn: Of<"alu">): Insn | undefined {
    const { alu, dst, a, b } = insn;
    if (isImm(b) && isShift(alu) && b.imm !== (b.imm & 63n)) return { ...insn, b: { imm: b.imm & 63n } };
    const value = constantOf(factsOf(insn, this.#factsOf));
    if (value !== undefined) return { op: "const", dst, value };
    if (!isImm(b) && isCommutative(alu) && this.constant(a) !== undefined) {
      return { op: "alu", alu, dst, a: b, b: { imm: this.constant(a)! } };
    }
    if (!isImm(b) && this.constant(b) !== undefined) return { ...insn, b: { imm: this.constant(b)! } };
    return this.#pointer(insn) ?? simplifyAlu(insn, this);
  }

  /** An address at a constant distance from one that is known is known itself. */
  #pointer({ alu, dst, a, b }: Of<"alu">): Insn | undefined {
    if (alu !== "add" || !isImm(b)) return undefined;
    const base = this.#definitions[a];
    if (base?.op !== "slot" && base?.op !== "map-value") return undefined;
    const offset = base.offset + Number(b.imm);
    if (base.op === "slot") {
      return offset >= 0 && offset <= this.#fn.slots[base.slot]!.size ? { ...base, dst, offset } : undefined;
    }
    return offset >= 0 && offset < 1 << 29 ? { ...base, dst, offset } : undefined;
  }

  #extend(insn: Of<"extend">): Insn | undefined {
    const { dst, src, size, signed } = insn;
    if (fitsType(this.facts(src), size, signed)) return { op: "copy", dst, src };
    const folded = this.#foldConstant(insn, src);
    if (folded) return folded;
    const inner = this.#definitions[src];
    // The low bytes are still those of the value that was extended before.
    if (inner?.op === "extend" && inner.size >= size) return { ...insn, src: inner.src };
    if (inner?.op === "alu" && inner.alu === "and" && isImm(inner.b) && keepsLow(inner.b.imm, size)) {
      return { ...insn, src: inner.a };
    }
    if (inner?.op === "load" && inner.size === size && this.#usesOf(src) === 1) {
      // Nobody else looks at the load, so it may extend as this instruction does.
      inner.signed = signed;
      this.#known[src] = factsOf(inner, () => ANYTHING);
      return { op: "copy", dst, src };
    }
    return undefined;
  }

  #foldConstant(insn: Of<"extend" | "bswap" | "log2">, src: VReg): Insn | undefined {
    const value = this.constant(src);
    if (value === undefined) return undefined;
    return { op: "const", dst: insn.dst, value: evaluateUnary(insn, value) };
  }

  #compare(insn: Of<"compare">): Insn | undefined {
    const { dst } = insn;
    const decided = decide(insn.condition, this.facts(insn.a), this.facts(insn.b));
    if (decided !== undefined) return { op: "const", dst, value: decided ? 1n : 0n };
    const test = this.#simplerTest(insn);
    if (test) return { ...insn, ...test };
    const { condition, a, b } = insn;
    if (!isImm(b)) return undefined;
    // The sign, or a single bit, is a truth value without a branch.
    if (condition === "slt" && b.imm === 0n) return { op: "alu", alu: "rsh", dst, a, b: { imm: 63n } };
    if (condition === "set" && b.imm === 1n) return { op: "alu", alu: "and", dst, a, b };
    const bit = condition === "set" ? BigInt.asUintN(64, b.imm) : 0n;
    if (isPowerOfTwo(bit)) {
      const shifted = this.emit((shift) => ({ op: "alu", alu: "rsh", dst: shift, a, b: { imm: log2(bit) } }));
      return { op: "alu", alu: "and", dst, a: shifted, b: { imm: 1n } };
    }
    if (b.imm !== 0n || this.facts(a).max > 1n) return undefined;
    // A truth value tested for truth is itself; tested for falsehood, the opposite one.
    if (condition === "ne") return { op: "copy", dst, src: a };
    if (condition !== "eq") return undefined;
    const inner = this.#definitions[a];
    const opposite = inner?.op === "compare" ? negated(inner.condition) : undefined;
    if (inner?.op === "compare" && opposite) return { ...inner, dst, condition: opposite };
    return { op: "alu", alu: "xor", dst, a, b: { imm: 1n } };
  }

  // Addresses

  #address<T extends Of<"load" | "store" | "atomic">>(insn: T): T | undefined {
    const base = this.#definitions[insn.base];
    if (base?.op !== "alu" || base.alu !== "add" || !isImm(base.b)) return undefined;
    const offset = insn.offset + Number(base.b.imm);
    if (offset < -0x8000 || offset > 0x7fff) return undefined;
    return { ...insn, base: base.a, offset };
  }

  #store(insn: Of<"store">): Insn | undefined {
    const value = this.#lowBytes(insn.value, insn.size);
    return value === insn.value ? undefined : { ...insn, value };
  }

  #lookup(insn: Of<"lookup">): Insn | undefined {
    if (!("value" in insn.key)) return undefined;
    const value = this.#lowBytes(insn.key.value, insn.key.size);
    return value === insn.key.value ? undefined : { ...insn, key: { ...insn.key, value } };
  }

  /** A value with the same low bytes that needs fewer instructions. */
  #lowBytes(operand: Operand, size: number): Operand {
    if (isImm(operand) || size === 8) return operand;
    const insn = this.#definitions[operand];
    if (insn?.op === "extend" && insn.size >= size) return insn.src;
    if (insn?.op === "alu" && insn.alu === "and" && isImm(insn.b) && keepsLow(insn.b.imm, size)) return insn.a;
    return operand;
  }

  // Branches

  #end(end: Terminator): Terminator {
    mapEndInputs(end, this.#input);
    if (end.op !== "branch") return end;
    let branch: Terminator = end;
    for (let next = this.#branch(end); next; next = branch.op === "branch" ? this.#branch(branch) : undefined) {
      branch = end.span ? { ...next, span: end.span } : next;
      this.#changed = true;
    }
    return branch;
  }

  #branch(end: Extract<Terminator, { op: "branch" }>): Terminator | undefined {
    const decided = decide(end.condition, this.facts(end.a), this.facts(end.b));
    if (decided !== undefined) {
      this.#decided = true;
      return { op: "jump", to: decided ? end.then : end.otherwise };
    }
    const test = this.#simplerTest(end) ?? this.#testedValue(end);
    if (!test) return undefined;
    const { negate, ...rest } = test;
    if (!negate) return { ...end, ...rest };
    const swapped = { ...end, ...rest, then: end.otherwise, otherwise: end.then };
    return end.likely === undefined ? swapped : { ...swapped, likely: !end.likely };
  }

  /** The same condition in a form that later rules, and the machine, know better. */
  #simplerTest({ condition, a, b }: Test): Test | undefined {
    const [constantA, constantB] = [this.constant(a), this.constant(b)];
    if (!isImm(b) && constantB !== undefined) return { condition, a, b: { imm: constantB } };
    if (!isImm(b) && constantA !== undefined) return { condition: mirrored(condition), a: b, b: { imm: constantA } };
    if (!isImm(b)) return undefined;
    // x < 1 is x == 0, and the like.
    if (condition === "lt" && b.imm === 1n) return { condition: "eq", a, b: { imm: 0n } };
    if (condition === "ge" && b.imm === 1n) return { condition: "ne", a, b: { imm: 0n } };
    if (condition === "le" && b.imm === 0n) return { condition: "eq", a, b };
    if (condition === "gt" && b.imm === 0n) return { condition: "ne", a, b };
    if (condition === "sgt" && b.imm === -1n) return { condition: "sge", a, b: { imm: 0n } };
    if (condition === "sle" && b.imm === -1n) return { condition: "slt", a, b: { imm: 0n } };
    return undefined;
  }

  /** Looks through the value that a branch compares with zero (or a truth value with one). */
  #testedValue({ condition, a, b }: Test): (Test & { negate: boolean }) | undefined {
    if (isImm(b) && condition === "set") return this.#testedBits(a, b.imm);
    if (!isImm(b) || (condition !== "eq" && condition !== "ne")) return undefined;
    const comparesOne = b.imm === 1n && this.facts(a).max <= 1n;
    if (b.imm !== 0n && !comparesOne) return undefined;
    const negate = (condition === "eq") !== comparesOne;
    const inner = this.#definitions[a];
    if (inner?.op === "compare") return { condition: inner.condition, a: inner.a, b: inner.b, negate };
    if (inner?.op !== "alu" || !isImm(inner.b))
      return comparesOne ? { condition: "ne", a, b: { imm: 0n }, negate } : undefined;
    switch (inner.alu) {
      case "xor":
        if (inner.b.imm === 1n && this.facts(inner.a).max <= 1n) {
          return { condition: "eq", a: inner.a, b: { imm: 0n }, negate };
        }
        break;
      case "and":
        // Only masks that an instruction can hold.
        if (inner.b.imm === BigInt.asIntN(32, inner.b.imm)) return { condition: "set", a: inner.a, b: inner.b, negate };
        break;
      case "rsh":
        if (inner.b.imm === 63n) return { condition: "slt", a: inner.a, b: { imm: 0n }, negate };
        break;
    }
    return comparesOne ? { condition: "ne", a, b: { imm: 0n }, negate } : undefined;
  }

  /** Bits of a shifted value are other bits of the value itself. */
  #testedBits(a: VReg, mask: bigint): (Test & { negate: boolean }) | undefined {
    const inner = this.#definitions[a];
    if (inner?.op !== "alu" || inner.alu !== "rsh" || !isImm(inner.b) || mask < 0n) return undefined;
    const moved = mask << inner.b.imm;
    if (moved !== BigInt.asIntN(32, moved)) return undefined;
    return { condition: "set", a: inner.a, b: { imm: moved }, negate: false };
  }
}

interface Test {
  condition: Condition;
  a: VReg;
  b: Operand;
  negate?: boolean;
}

/** bpf_loop without a round does nothing; some kernels fail to load programs that have one. */
function emptyLoop({ helper, args, dst }: Of<"call">): Insn | undefined {
  const [rounds] = args;
  if (helper !== "loop" || dst === undefined || !rounds || !isImm(rounds) || rounds.imm !== 0n) return undefined;
  return { op: "const", dst, value: 0n };
}

/** Shifts take the low six bits of a register, and an immediate that is no more. */
function isShift(alu: AluOp): boolean {
  return alu === "lsh" || alu === "rsh" || alu === "arsh";
}

/** Whether a mask leaves the low bytes alone. */
function keepsLow(mask: bigint, size: number): boolean {
  const low = (1n << BigInt(size * 8)) - 1n;
  return (mask & low) === low;
}

function evaluateUnary(insn: Of<"extend" | "bswap" | "log2">, value: bigint): bigint {
  if (insn.op === "extend") return evaluateExtend(value, insn.size, insn.signed);
  return insn.op === "bswap" ? evaluateByteSwap(value, insn.size) : evaluateLog2(value);
}
