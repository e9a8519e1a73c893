/**
 * From allocated IR to instructions: operands become registers, blocks become labels, and what the allocator planned
 * is put between.
 */
import {
  add64,
  alu64,
  and32,
  and64,
  arsh64,
  branch64,
  call,
  callLocal,
  exit,
  type Imm,
  type Instruction,
  imm,
  ja,
  type Label,
  label,
  ldImm64,
  ldsx,
  ldx,
  lsh64,
  mayGoto,
  mov32,
  mov64,
  movsx64,
  neg64,
  R0,
  R10,
  type Reg,
  rsh64,
  st,
  sub64,
  toBigEndian,
} from "../asm/instructions.ts";
import { negated } from "../ir/arithmetic.ts";
import { blockOf } from "../ir/cfg.ts";
import {
  type BlockId,
  type Edge,
  type Insn,
  type IrBlock,
  type IrFunction,
  isImm,
  type Operand,
  type Size,
  type VReg,
} from "../ir/ir.ts";
import { isLeaf } from "../ir/operands.ts";
import type { Features } from "../kernel-facts.ts";
import type { Span } from "../source.ts";
import { unreachable } from "../unreachable.ts";
import type { Frame } from "./frame.ts";
import { type Liveness, pieceAt, STEP, WRITTEN } from "./intervals.ts";
import { fitsS32, fitsU32 } from "./legalise.ts";
import { type Move, type Place, sequence } from "./moves.ts";
import { isNegation, mayExchange, type Recipe } from "./operands.ts";
import { type Resolution, reloadAt } from "./resolve.ts";

export interface Allocated {
  fn: IrFunction;
  liveness: Liveness;
  resolution: Resolution;
  frame: Frame;
}

/** The label of a function's first instruction, by its index in the program. */
export function functionLabel(index: number): Label {
  return `fn${index}`;
}

/** The instructions of one function, beginning with its label. */
export function emitFunction(allocated: Allocated, index: number, features: Pick<Features, "cpuV4">): Instruction[] {
  const blocks = new Map<BlockId, EmittedBlock>();
  for (const block of allocated.liveness.order) {
    blocks.set(block.id, new BlockEmitter(allocated, features, block, `fn${index}`).emit());
  }
  return new Linker(allocated, blocks, index).link();
}

/** A block without its jumps: where they lead, and whether they are needed at all, is decided by the linker. */
interface EmittedBlock {
  body: Instruction[];
  /** What a branch compares. */
  test: [Reg, Reg | Imm] | undefined;
}

class BlockEmitter {
  readonly #allocated: Allocated;
  readonly #features: Pick<Features, "cpuV4">;
  readonly #block: IrBlock;
  readonly #labels: string;
  readonly #output: Instruction[] = [];
  #span: Span | undefined;
  /** Of the instruction that is being written. */
  #position = 0;

  constructor(allocated: Allocated, features: Pick<Features, "cpuV4">, block: IrBlock, labels: string) {
    this.#allocated = allocated;
    this.#features = features;
    this.#block = block;
    this.#labels = labels;
  }

  emit(): EmittedBlock {
    const { liveness } = this.#allocated;
    const { id, insns, end } = this.#block;
    this.#span = (insns[0] ?? end).span;
    this.#moves(liveness.from[id]!);
    this.#position = liveness.from[id]!;
    for (const insn of insns) {
      this.#position += STEP;
      this.#span = insn.span;
      this.#moves(this.#position);
      this.#insn(insn);
      this.#save(insn);
    }
    this.#position += STEP;
    this.#span = end.span;
    this.#moves(this.#position);
    if (end.op === "exit") {
      this.#move(this.#place(end.value), R0);
      this.#emit(exit());
    }
    const test: EmittedBlock["test"] = end.op === "branch" ? [this.#read(end.a), this.#source(end.b)] : undefined;
    return { body: this.#output, test };
  }

  #emit(insn: Instruction): void {
    if (this.#span) insn.span = this.#span;
    this.#output.push(insn);
  }

  #moves(position: number): void {
    const moves = this.#allocated.resolution.moves.get(position);
    if (moves) for (const move of moves) this.#step(move);
  }

  #step({ from, to }: Move): void {
    if ("register" in to) this.#move(from, to.register);
    else if ("cell" in to && "register" in from) this.#emit(st(8, R10, this.#cell(to.cell), from.register));
    else throw new Error("a move that needs a register");
  }

  /** A value that is in memory at some time is written there once, where it is defined. */
  #save(insn: Insn): void {
    const { cells } = this.#allocated.resolution;
    if (cells.size === 0) return;
    const reg = insn.dst;
    const cell = reg === undefined ? undefined : cells.get(reg);
    if (reg !== undefined && cell !== undefined) this.#emit(st(8, R10, this.#cell(cell), this.#write(reg)));
  }

  // Operands

  #register(reg: VReg, position: number): Reg {
    const value = this.#allocated.liveness.values.get(reg);
    const register = value && pieceAt(value, position).register;
    if (register === undefined) throw new Error(`v${reg} has no register at ${position}`);
    return register;
  }

  #read(reg: VReg): Reg {
    return this.#register(reg, this.#position);
  }

  #source(operand: Operand): Reg | Imm {
    return isImm(operand) ? immediate(operand.imm) : this.#read(operand);
  }

  #write(reg: VReg): Reg {
    return this.#register(reg, this.#position + WRITTEN);
  }

  #place(operand: Operand): Place {
    if (isImm(operand)) return { imm: operand.imm };
    const { liveness, resolution } = this.#allocated;
    const recipe = liveness.recipes.get(operand);
    const value = liveness.values.get(operand);
    const register = value && pieceAt(value, this.#position).register;
    if (register !== undefined) return { register };
    if (recipe) return { recipe };
    const load = resolution.reloads.get(operand);
    return load ? reloadAt(load, liveness, this.#position) : { cell: resolution.cells.get(operand)! };
  }

  #cell(cell: number): number {
    return this.#allocated.frame.cells.get(cell)!;
  }

  /** The register and offset through which memory is reached: slots are addressed by the frame pointer. */
  #address(base: VReg, offset: number): [base: Reg, offset: number] {
    const recipe = this.#allocated.liveness.recipes.get(base);
    if (recipe?.op === "slot") return [R10, this.#allocated.frame.slots.get(recipe.slot)! + recipe.offset + offset];
    return [this.#read(base), offset];
  }

  // Moves

  #move(from: Place, to: Reg): void {
    if ("register" in from) {
      if (from.register !== to) this.#emit(mov64(to, from.register));
    } else if ("cell" in from) this.#emit(ldx(8, to, R10, this.#cell(from.cell)));
    else if ("load" in from) this.#loadFrom(to, from.load.base, from.load.offset, from.load.size, from.load.signed);
    else if ("imm" in from) this.#constant(to, from.imm);
    else this.#make(from.recipe, to);
  }

  #constant(dst: Reg, value: bigint): void {
    if (fitsS32(value)) this.#emit(mov64(dst, immediate(value)));
    else if (fitsU32(value)) this.#emit(mov32(dst, immediate(value)));
    else this.#emit(ldImm64(dst, { value }));
  }

  #make(recipe: Recipe, dst: Reg): void {
    switch (recipe.op) {
      case "const":
        this.#constant(dst, recipe.value);
        break;
      case "host-const":
        this.#emit(ldImm64(dst, { constant: recipe.constant }));
        break;
      case "map":
        this.#emit(ldImm64(dst, { map: recipe.map }));
        break;
      case "map-value":
        this.#emit(ldImm64(dst, { mapValue: recipe.map, offset: recipe.offset }));
        break;
      case "func":
        this.#emit(ldImm64(dst, { function: functionLabel(recipe.index) }));
        break;
      case "slot":
        this.#emit(mov64(dst, R10));
        this.#emit(add64(dst, imm(this.#allocated.frame.slots.get(recipe.slot)! + recipe.offset)));
        break;
      default:
        unreachable(recipe);
    }
  }

  // Instructions

  #insn(insn: Insn): void {
    if (isLeaf(insn)) {
      // Without a lifetime it is made where it is used.
      if (this.#allocated.liveness.values.has(insn.dst)) this.#make(insn, this.#write(insn.dst));
      return;
    }
    switch (insn.op) {
      case "copy":
        this.#move(this.#place(insn.src), this.#write(insn.dst));
        break;
      case "alu":
        this.#alu(insn);
        break;
      case "extend":
        this.#extend(this.#write(insn.dst), this.#read(insn.src), insn.size, insn.signed);
        break;
      case "bswap": {
        const dst = this.#write(insn.dst);
        this.#move(this.#place(insn.src), dst);
        // Both architectures are little-endian: converting to big-endian swaps, on every kernel.
        this.#emit(toBigEndian(dst, insn.size));
        break;
      }
      case "log2":
        this.#log2(this.#write(insn.dst), this.#read(insn.src));
        break;
      case "forget": {
        // The difference of two pointers is any number to the verifier, which does not see that it is 0.
        const dst = this.#write(insn.dst);
        this.#emit(mov64(dst, R10));
        this.#emit(sub64(dst, R10));
        this.#emit(add64(dst, this.#read(insn.src)));
        break;
      }
      case "detour": {
        const [base, offset] = this.#address(insn.base, insn.offset);
        this.#emit(st(8, base, offset, this.#read(insn.src)));
        this.#emit(ldx(8, this.#write(insn.dst), base, offset));
        break;
      }
      case "exhausted":
        this.#oneIf(this.#write(insn.dst), mayGoto);
        break;
      case "compare":
        this.#compare(insn);
        break;
      case "load":
        this.#load(insn);
        break;
      case "store": {
        this.#emit(st(insn.size, ...this.#address(insn.base, insn.offset), this.#source(insn.value)));
        break;
      }
      case "atomic":
        this.#atomic(insn);
        break;
      case "call":
        this.#arguments(insn.args);
        this.#emit(call(insn.helper, insn.btfId));
        this.#result(insn.dst);
        break;
      case "call-local":
        this.#arguments(insn.args);
        this.#emit(callLocal(functionLabel(insn.index)));
        this.#result(insn.dst);
        break;
      case "lookup":
        throw new Error("lookups are legalised before emission");
      default:
        unreachable(insn);
    }
  }

  #arguments(args: readonly Operand[]): void {
    const moves = args.map((arg, i) => ({ from: this.#place(arg), to: { register: (i + 1) as Reg } }));
    // The call destroys r0, so nothing that outlives the moves is there.
    for (const move of sequence(moves, () => [R0, R0])) this.#step(move);
  }

  #result(dst: VReg | undefined): void {
    if (dst === undefined || !this.#allocated.liveness.values.has(dst)) return;
    this.#move({ register: R0 }, this.#write(dst));
  }

  #alu(insn: Extract<Insn, { op: "alu" }>): void {
    const { alu, a, b } = insn;
    const dst = this.#write(insn.dst);
    if (isNegation(insn, this.#allocated.liveness.recipes)) {
      this.#move(this.#place(insn.b), dst);
      this.#emit(neg64(dst));
    } else if (isImm(b)) {
      this.#move(this.#place(a), dst);
      // A mask that is no signed 32-bit number clears the upper half, as 32-bit arithmetic does by itself.
      if (alu === "and" && !fitsS32(b.imm)) this.#emit(and32(dst, immediate(b.imm)));
      else this.#emit(alu64(alu, dst, immediate(b.imm)));
    } else if (a === b) {
      this.#move(this.#place(a), dst);
      this.#emit(alu64(alu, dst, dst));
    } else {
      const right = this.#read(b);
      if (mayExchange(alu, this.#allocated.fn) && right === dst) this.#emit(alu64(alu, dst, this.#read(a)));
      else {
        this.#move(this.#place(a), dst);
        this.#emit(alu64(alu, dst, right));
      }
    }
  }

  #extend(dst: Reg, src: Reg, size: 1 | 2 | 4, signed: boolean): void {
    if (signed && this.#features.cpuV4) this.#emit(movsx64(dst, src, size));
    else if (signed) {
      this.#move({ register: src }, dst);
      this.#signExtend(dst, size);
    } else if (size === 4) this.#emit(mov32(dst, src));
    else {
      this.#move({ register: src }, dst);
      this.#emit(and64(dst, imm(size === 1 ? 0xff : 0xffff)));
    }
  }

  #signExtend(dst: Reg, size: 1 | 2 | 4): void {
    this.#emit(lsh64(dst, imm(64 - size * 8)));
    this.#emit(arsh64(dst, imm(64 - size * 8)));
  }

  /** By halving what is left of the number, which is in r0. */
  #log2(dst: Reg, src: Reg): void {
    const skip = (step: number): Label => `${this.#labels}.${this.#position}.${step}`;
    this.#emit(mov64(R0, src));
    if (src !== dst) this.#emit(mov64(dst, src));
    this.#emit(rsh64(dst, imm(32)));
    this.#emit(branch64("eq", dst, imm(0), skip(32)));
    this.#emit(mov64(R0, dst));
    this.#emit(mov64(dst, imm(32)));
    this.#emit(label(skip(32)));
    for (const step of [16, 8, 4, 2, 1]) {
      this.#emit(branch64("lt", R0, imm(1 << step), skip(step)));
      if (step > 1) this.#emit(rsh64(R0, imm(step)));
      this.#emit(add64(dst, imm(step)));
      this.#emit(label(skip(step)));
    }
  }

  #compare(insn: Extract<Insn, { op: "compare" }>): void {
    const [a, b] = [this.#read(insn.a), this.#source(insn.b)];
    this.#oneIf(this.#write(insn.dst), (skip) => branch64(insn.condition, a, b, skip));
  }

  /** dst = 1; if (condition) skip; dst = 0 */
  #oneIf(dst: Reg, jumpTo: (skip: Label) => Instruction): void {
    const skip = `${this.#labels}.${this.#position}`;
    this.#emit(mov64(dst, imm(1)));
    this.#emit(jumpTo(skip));
    this.#emit(mov64(dst, imm(0)));
    this.#emit(label(skip));
  }

  #load({ dst, base, offset, size, signed }: Extract<Insn, { op: "load" }>): void {
    this.#loadFrom(this.#write(dst), ...this.#address(base, offset), size, signed);
  }

  #loadFrom(dst: Reg, base: Reg, offset: number, size: Size, signed: boolean): void {
    if (!signed || size === 8) this.#emit(ldx(size, dst, base, offset));
    else if (this.#features.cpuV4) this.#emit(ldsx(size, dst, base, offset));
    else {
      this.#emit(ldx(size, dst, base, offset));
      this.#signExtend(dst, size);
    }
  }

  #atomic(insn: Extract<Insn, { op: "atomic" }>): void {
    const { atomic, size } = insn;
    const [base, offset] = this.#address(insn.base, insn.offset);
    const common = { kind: "atomic", op: atomic, size, base, offset } as const;
    if (insn.expected !== undefined) {
      this.#move(this.#place(insn.expected), R0);
      this.#emit({ ...common, fetch: true, src: this.#read(insn.value) });
      this.#result(insn.dst);
    } else if (insn.dst === undefined) {
      this.#emit({ ...common, fetch: false, src: this.#read(insn.value) });
    } else {
      const dst = this.#write(insn.dst);
      this.#move(this.#place(insn.value), dst);
      this.#emit({ ...common, fetch: true, src: dst });
    }
  }
}

/** Puts the blocks one behind the other with as few jumps as possible. */
class Linker {
  readonly #allocated: Allocated;
  readonly #blocks: ReadonlyMap<BlockId, EmittedBlock>;
  readonly #index: number;

  constructor(allocated: Allocated, blocks: ReadonlyMap<BlockId, EmittedBlock>, index: number) {
    this.#allocated = allocated;
    this.#blocks = blocks;
    this.#index = index;
  }

  link(): Instruction[] {
    const output: Instruction[] = [label(functionLabel(this.#index))];
    const order = this.#allocated.liveness.order.filter(({ id }) => this.#target(id) === id);
    order.forEach((block, i) => {
      output.push(label(this.#label(block.id)), ...this.#blocks.get(block.id)!.body);
      const { span } = block.end;
      for (const insn of this.#jumps(block, order[i + 1]?.id)) {
        if (span) insn.span = span;
        output.push(insn);
      }
    });
    return output;
  }

  #label(block: BlockId): Label {
    return `fn${this.#index}.b${block}`;
  }

  /** Where an edge to a block really leads: blocks in which nothing is left but a jump are passed through. */
  #target(start: BlockId): BlockId {
    let next = this.#passedTo(start);
    if (next === undefined) return start;
    const passed = new Set([start]);
    for (let id = next; ; id = next) {
      next = this.#passedTo(id);
      if (next === undefined) return id;
      // An empty endless loop: any of its blocks will do, but always the same.
      if (passed.has(id)) return Math.min(...passed);
      passed.add(id);
    }
  }

  /** Where a block leads in which nothing is left but a jump. */
  #passedTo(id: BlockId): BlockId | undefined {
    const { end } = blockOf(this.#allocated.fn, id);
    return end.op === "jump" && id !== 0 && this.#blocks.get(id)!.body.length === 0 ? end.to.block : undefined;
  }

  #jumps({ id, end }: IrBlock, next: BlockId | undefined): Instruction[] {
    switch (end.op) {
      case "exit":
        return [];
      case "jump":
        return this.#jump(end.to, next);
      case "branch":
        return this.#branch(end, this.#blocks.get(id)!.test!, next);
    }
  }

  #jump(edge: Edge, next: BlockId | undefined): Instruction[] {
    const target = this.#target(edge.block);
    return target === next ? [] : [ja(this.#label(target))];
  }

  #branch(
    end: Extract<IrBlock["end"], { op: "branch" }>,
    [dst, src]: [Reg, Reg | Imm],
    next: BlockId | undefined,
  ): Instruction[] {
    const then = this.#target(end.then.block);
    const otherwise = this.#target(end.otherwise.block);
    if (then === otherwise) return this.#jump(end.then, next);
    const opposite = negated(end.condition);
    if (then === next && opposite) return [branch64(opposite, dst, src, this.#label(otherwise))];
    return [branch64(end.condition, dst, src, this.#label(then)), ...this.#jump(end.otherwise, next)];
  }
}

function immediate(value: bigint): Imm {
  return imm(Number(BigInt.asIntN(32, value)));
}
