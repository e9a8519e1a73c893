/**
 * The IR's rules, checked. A violation is a bug of the pass that ran last, so it throws; the tests run this after
 * every pass.
 */
import { type HelperArg, helperSpec } from "../asm/helpers.ts";
import { edges } from "./builder.ts";
import { Dominators, liveBlocks } from "./cfg.ts";
import {
  type BlockId,
  type Insn,
  type IrBlock,
  type IrFunction,
  type IrProgram,
  isImm,
  partsOf,
  type VReg,
} from "./ir.ts";
import { conditionInputs, inputs } from "./operands.ts";
import { printEnd, printFunction, printInsn } from "./print.ts";

/** Throws with all problems of all functions and a dump of those that have any. */
export function verifyProgram(program: IrProgram): void {
  for (const functions of partsOf(program)) for (const fn of functions) verifyFunction(fn, functions.length);
}

/** `functions`: how many there are in the program, for the range of function references. */
export function verifyFunction(fn: IrFunction, functions = Number.POSITIVE_INFINITY): void {
  const problems = findProblems(fn, functions);
  if (problems.length > 0) throw new Error(`invalid IR:\n  ${problems.join("\n  ")}\n${printFunction(fn)}`);
}

/** Where a register is defined: the position in its block's instructions, -1 for parameters. */
interface Definition {
  block: BlockId;
  position: number;
  insn: Insn | undefined;
}

/** Everything that is wrong, as text; empty for a well-formed function. */
export function findProblems(fn: IrFunction, functions = Number.POSITIVE_INFINITY): string[] {
  const structure = checkStructure(fn);
  // Dominators of a broken graph would only confuse.
  if (structure.length > 0) return structure;
  return new Checker(fn, functions).run();
}

function checkStructure(fn: IrFunction): string[] {
  const problems: string[] = [];
  const entry = fn.blocks[0];
  if (!entry) return ["no entry block"];
  if (entry.params.length > 0) problems.push("the entry block has parameters");
  fn.blocks.forEach((block, id) => {
    if (!block) return;
    if (block.id !== id) problems.push(`block ${id} says that it is ${block.id}`);
    for (const edge of edges(block.end)) {
      const to = fn.blocks[edge.block];
      if (!to) problems.push(`b${id} leads to b${edge.block}, which does not exist`);
      else if (to.params.length !== edge.args.length) {
        problems.push(`b${id} passes ${edge.args.length} arguments to b${edge.block}, which takes ${to.params.length}`);
      }
      if (edge.block === 0) problems.push(`b${id} leads to the entry`);
    }
  });
  return problems;
}

class Checker {
  readonly #fn: IrFunction;
  readonly #functions: number;
  readonly #dominators: Dominators;
  readonly #definitions = new Map<VReg, Definition>();
  readonly #problems: string[] = [];

  constructor(fn: IrFunction, functions: number) {
    this.#fn = fn;
    this.#functions = functions;
    this.#dominators = new Dominators(fn);
  }

  run(): string[] {
    const reached = new Set(this.#dominators.order.map((block) => block.id));
    const blocks = liveBlocks(this.#fn);
    for (const block of blocks) if (!reached.has(block.id)) this.#problems.push(`b${block.id} cannot be reached`);
    this.#define(blocks);
    for (const block of this.#dominators.order) this.#checkBlock(block);
    return this.#problems;
  }

  #define(blocks: IrBlock[]): void {
    const define = (reg: VReg, definition: Definition): void => {
      if (this.#definitions.has(reg)) this.#problems.push(`v${reg} is defined twice`);
      if (!Number.isInteger(reg) || reg < 0 || reg >= this.#fn.nextVReg) {
        this.#problems.push(`v${reg} is not below the next register, v${this.#fn.nextVReg}`);
      }
      this.#definitions.set(reg, definition);
    };
    for (const reg of this.#fn.params) define(reg, { block: 0, position: -1, insn: undefined });
    for (const block of blocks) {
      for (const reg of block.params) define(reg, { block: block.id, position: -1, insn: undefined });
      block.insns.forEach((insn, position) => {
        const reg = insn.dst;
        if (reg !== undefined) define(reg, { block: block.id, position, insn });
      });
    }
  }

  #checkBlock(block: IrBlock): void {
    block.insns.forEach((insn, position) => {
      const where = `b${block.id}: ${printInsn(insn)}`;
      for (const reg of inputs(insn)) this.#checkUse(reg, block.id, position, where);
      for (const problem of this.#insnProblems(insn)) this.#problems.push(`${where}: ${problem}`);
    });
    const where = `b${block.id}: ${printEnd(block.end)}`;
    for (const reg of conditionInputs(block.end)) this.#checkUse(reg, block.id, block.insns.length, where);
    for (const edge of edges(block.end)) {
      for (const reg of edge.args) this.#checkUse(reg, block.id, block.insns.length, where);
    }
    if (block.end.op === "branch" && isImm(block.end.b)) this.#checkImm(block.end.b.imm, where);
    if (block.end.op === "exit" && isImm(block.end.value)) this.#checkImm(block.end.value.imm, where);
  }

  #checkUse(reg: VReg, block: BlockId, position: number, where: string): void {
    const definition = this.#definitions.get(reg);
    if (!definition) this.#problems.push(`${where}: v${reg} is not defined`);
    else if (definition.block === block) {
      if (definition.position >= position) this.#problems.push(`${where}: v${reg} is read before it is defined`);
    } else if (!this.#dominators.dominates(definition.block, block)) {
      this.#problems.push(`${where}: v${reg} is not defined on every path`);
    }
    if (definition?.insn?.op === "call" && helperSpec(definition.insn.helper).result === "void") {
      this.#problems.push(`${where}: v${reg} is the result of a helper that has none`);
    }
  }

  #checkImm(value: bigint, where: string): void {
    if (BigInt.asIntN(64, value) !== value) this.#problems.push(`${where}: ${value} is not a signed 64-bit number`);
  }

  *#insnProblems(insn: Insn): Generator<string> {
    switch (insn.op) {
      case "const":
        if (BigInt.asIntN(64, insn.value) !== insn.value) yield `${insn.value} is not a signed 64-bit number`;
        break;
      case "slot": {
        const slot = this.#fn.slots[insn.slot];
        if (!slot) yield `there is no slot s${insn.slot}`;
        else if (insn.offset < 0 || insn.offset > slot.size) yield "the offset lies outside of the slot";
        break;
      }
      case "map":
      case "map-value":
        if (!Number.isInteger(insn.map) || insn.map < 0) yield "not the index of a map";
        break;
      case "func":
      case "call-local":
        if (!(insn.index >= 1 && insn.index < this.#functions)) yield "not the index of a callback or subprogram";
        if (insn.op === "call-local" && insn.args.length > 5) yield "more than five arguments";
        break;
      case "alu":
        if (isImm(insn.b)) {
          if (BigInt.asIntN(64, insn.b.imm) !== insn.b.imm) yield `${insn.b.imm} is not a signed 64-bit number`;
          const shifts = insn.alu === "lsh" || insn.alu === "rsh" || insn.alu === "arsh";
          if (shifts && (insn.b.imm < 0n || insn.b.imm > 63n)) yield "shifts by more than 63 bits";
        }
        break;
      case "load":
      case "store":
      case "atomic":
        yield* this.#accessProblems(insn);
        break;
      case "call":
        yield* this.#callProblems(insn);
        break;
      default:
        break;
    }
  }

  *#accessProblems(insn: Extract<Insn, { op: "load" | "store" | "atomic" }>): Generator<string> {
    if (insn.offset < -0x8000 || insn.offset > 0x7fff) yield "the offset does not fit 16 bits";
    if (insn.op === "atomic" && (insn.atomic === "cmpxchg") !== (insn.expected !== undefined)) {
      yield "cmpxchg and only cmpxchg expects a value";
    }
    const base = this.#definitions.get(insn.base)?.insn;
    if (base?.op === "slot") {
      const at = base.offset + insn.offset;
      const size = this.#fn.slots[base.slot]?.size ?? 0;
      if (at < 0 || at + insn.size > size) yield "accesses memory outside of the slot";
      else if (at % insn.size !== 0) yield "the access to the stack is not aligned";
    }
  }

  *#callProblems(insn: Extract<Insn, { op: "call" }>): Generator<string> {
    const spec = helperSpec(insn.helper);
    if (insn.args.length !== spec.args.length) {
      yield `takes ${spec.args.length} arguments`;
      return;
    }
    for (const [i, kind] of spec.args.entries()) {
      const arg = insn.args[i]!;
      const definition = isImm(arg) ? undefined : this.#definitions.get(arg)?.insn;
      if ((kind === "map" || kind === "func") && definition?.op !== kind) yield `argument ${i + 1} is not a ${kind}`;
      if (isImm(arg) && isAddress(kind)) yield `argument ${i + 1} is not an address`;
    }
  }
}

function isAddress(kind: HelperArg): boolean {
  switch (kind) {
    case "scalar":
    case "size":
    case "size-or-zero":
    case "const-size":
    case "map":
    case "func":
    case "mem-or-null":
    case "out-or-null":
    case "value-or-null":
    case "callback-context":
    case "btf":
    case "percpu-btf":
      return false;
    default:
      return true;
  }
}
