/**
 * Builds functions in SSA form while the tree is walked. Variables are written and read by a key; the builder finds
 * the reaching definition and adds block parameters where several reach (the on-the-fly construction of Braun et al., 2013:
 * a block is sealed when all its predecessors are known, and until then its parameters are provisional).
 */

import type { HelperName } from "../asm/helpers.ts";
import type { Span } from "../source.ts";
import {
  type AluOp,
  type BlockId,
  type Condition,
  type Edge,
  type Insn,
  type IrBlock,
  type IrFunction,
  isImm,
  type Operand,
  type Size,
  type SlotId,
  type Terminator,
  type VReg,
} from "./ir.ts";

/** Identifies a variable; any object or string will do. */
export type VariableKey = object | string;

/** A tuple of N blocks. */
type Blocks<N extends number, Found extends BlockId[] = []> = Found["length"] extends N
  ? Found
  : Blocks<N, [...Found, BlockId]>;

interface BlockState {
  block: IrBlock;
  ended: boolean;
  sealed: boolean;
  predecessors: Edge[];
  /** The block that each predecessor edge leaves. */
  from: BlockId[];
  definitions: Map<VariableKey, VReg>;
  /** Parameters that were added before the block was sealed. */
  incomplete: { key: VariableKey; param: VReg }[];
  /** The block that dominates this one most closely, where that is known, and one farther up: see `dominates`. */
  dominator: BlockState | undefined;
  farther: BlockState | undefined;
  /** How many blocks dominate this one. */
  depth: number;
}

export class FunctionBuilder {
  readonly function: IrFunction;
  /** Attached to every instruction that is emitted; the line table comes from it. */
  span: Span | undefined;
  /** Instructions of the kernel that what was emitted so far becomes, about. */
  size = 0;
  readonly #states: BlockState[] = [];
  /** What was computed last under each key of `once`, and where. */
  readonly #computed = new Map<string, { value: VReg; state: BlockState }>();
  #current: BlockState;

  constructor(name: string, params: number) {
    this.function = { name, params: [], blocks: [], slots: [], nextVReg: 0 };
    for (let i = 0; i < params; i++) this.function.params.push(this.#fresh());
    const entry = this.newBlock();
    this.#current = this.#state(entry);
    this.seal(entry);
  }

  // Blocks

  newBlock(): BlockId {
    const id = this.function.blocks.length;
    const block: IrBlock = { id, params: [], insns: [], end: { op: "exit", value: { imm: 0n } } };
    this.function.blocks.push(block);
    this.#states.push({
      block,
      ended: false,
      sealed: false,
      predecessors: [],
      from: [],
      definitions: NO_DEFINITIONS,
      incomplete: NOTHING,
      dominator: undefined,
      farther: undefined,
      depth: 0,
    });
    return id;
  }

  /** Several at once. */
  newBlocks<N extends number>(count: N): Blocks<N> {
    return Array.from({ length: count }, () => this.newBlock()) as Blocks<N>;
  }

  /** Goes on emitting at the end of a block. */
  enter(id: BlockId): void {
    const state = this.#state(id);
    this.#current = state;
    if (state.sealed && !state.dominator) this.#findDominator(state);
  }

  /** Seals and enters: for blocks whose predecessors are all known by now. */
  enterSealed(id: BlockId): void {
    this.seal(id);
    this.enter(id);
  }

  get current(): BlockId {
    return this.#current.block.id;
  }

  /** True when the current block already ended: what follows cannot be reached. */
  get ended(): boolean {
    return this.#current.ended;
  }

  /** Whether any edge leads to the block so far. */
  reached(id: BlockId): boolean {
    return id === 0 || this.#state(id).predecessors.length > 0;
  }

  seal(id: BlockId): void {
    const state = this.#state(id);
    if (state.sealed) return;
    state.sealed = true;
    for (const { key, param } of state.incomplete) {
      const incomplete = [{ state, param }];
      for (const { state: at, param: to } of incomplete) this.#fillParam(at, key, to, incomplete);
    }
    state.incomplete = NOTHING;
  }

  jump(to: BlockId): void {
    this.#end({ op: "jump", to: { block: to, args: [] } });
  }

  branch(condition: Condition, a: VReg, b: Operand, then: BlockId, otherwise: BlockId): void {
    this.#end({
      op: "branch",
      condition,
      a,
      b,
      then: { block: then, args: [] },
      otherwise: { block: otherwise, args: [] },
    });
  }

  exit(value: Operand): void {
    this.#end({ op: "exit", value });
  }

  // Variables

  write(key: VariableKey, value: VReg): void {
    define(this.#current, key, value);
  }

  /** The value of a variable here. Reading one that is unassigned on some path is a bug of the caller. */
  read(key: VariableKey): VReg {
    return this.#read(this.#current, key);
  }

  /**
   * A value that is the same wherever it is computed, under a key that says so: one that was computed on every way to here is
   * taken again. The optimiser would merge them as well, but what is not there it need not look at.
   */
  once(key: string, make: () => VReg): VReg {
    const known = this.#computed.get(key);
    if (known && dominates(known.state, this.#current)) return known.value;
    const value = make();
    // Where the block has ended nothing was emitted.
    if (!this.ended) this.#computed.set(key, { value, state: this.#current });
    return value;
  }

  // Instructions

  const(value: bigint | number): VReg {
    return this.#define((dst) => ({ op: "const", dst, value: BigInt.asIntN(64, BigInt(value)) }));
  }

  alu(alu: AluOp, a: VReg, b: Operand): VReg {
    return this.#define((dst) => ({ op: "alu", alu, dst, a, b }));
  }

  add(a: VReg, offset: number): VReg {
    return offset === 0 ? a : this.alu("add", a, { imm: BigInt(offset) });
  }

  extend(src: VReg, size: Size, signed: boolean): VReg {
    return size === 8 ? src : this.#define((dst) => ({ op: "extend", dst, src, size, signed }));
  }

  log2(src: VReg): VReg {
    // It becomes so many instructions.
    this.size += LOG2_SIZE;
    return this.#define((dst) => ({ op: "log2", dst, src }));
  }

  compare(condition: Condition, a: VReg, b: Operand): VReg {
    return this.#define((dst) => ({ op: "compare", dst, condition, a, b }));
  }

  load(base: VReg, offset: number, size: Size, options: { signed?: boolean; invariant?: boolean } = {}): VReg {
    const { signed = false, invariant = false } = options;
    return this.#define((dst) => ({ op: "load", dst, base, offset, size, signed, invariant }));
  }

  store(base: VReg, offset: number, size: Size, value: Operand): void {
    this.emit({ op: "store", base, offset, size, value });
  }

  slot(size: number, note: string): SlotId {
    this.function.slots.push({ size, note });
    return this.function.slots.length - 1;
  }

  slotAddress(slot: SlotId, offset = 0): VReg {
    return this.#define((dst) => ({ op: "slot", dst, slot, offset }));
  }

  /** A call of a function of the kernel that is no helper, by its id in the kernel's type information. */
  callKernel(helper: HelperName, btfId: number, args: Operand[]): VReg {
    return this.#define((dst) => ({ op: "call", dst, helper, args, pure: false, btfId }));
  }

  call(helper: HelperName, args: Operand[], options: { pure?: boolean } = {}): VReg {
    const { pure = false } = options;
    const make = (): VReg => this.#define((dst) => ({ op: "call", dst, helper, args, pure }));
    return pure ? this.once(`${helper} ${args.map((arg) => (isImm(arg) ? `#${arg.imm}` : arg)).join()}`, make) : make();
  }

  /** For every other instruction with a result. */
  define(make: (dst: VReg) => Insn): VReg {
    return this.#define(make);
  }

  emit(insn: Insn): void {
    if (this.#current.ended) return;
    if (this.span) insn.span = this.span;
    this.#current.block.insns.push(insn);
    this.size++;
  }

  /** Ends construction: every block must be sealed by now. Unreached blocks are removed. */
  finish(): IrFunction {
    for (const state of this.#states) {
      if (!state.sealed) throw new Error(`block ${state.block.id} of ${this.function.name} was not sealed`);
    }
    const reached = new Set<BlockId>([0]);
    const queue: BlockId[] = [0];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      for (const edge of edges(this.function.blocks[id]!.end)) {
        if (reached.has(edge.block)) continue;
        reached.add(edge.block);
        queue.push(edge.block);
      }
    }
    this.function.blocks.forEach((block, id) => {
      if (block && !reached.has(id)) this.function.blocks[id] = undefined;
    });
    return this.function;
  }

  #fresh(): VReg {
    return this.function.nextVReg++ as VReg;
  }

  #define(make: (dst: VReg) => Insn): VReg {
    const dst = this.#fresh();
    this.emit(make(dst));
    return dst;
  }

  #state(id: BlockId): BlockState {
    const state = this.#states[id];
    if (!state) throw new Error(`no block ${id} in ${this.function.name}`);
    return state;
  }

  #end(end: Terminator): void {
    const state = this.#current;
    if (state.ended) return;
    if (this.span) end.span = this.span;
    state.block.end = end;
    state.ended = true;
    for (const edge of edges(end)) {
      const target = this.#state(edge.block);
      if (target.sealed) throw new Error(`block ${edge.block} of ${this.function.name} is sealed`);
      target.predecessors.push(edge);
      target.from.push(state.block.id);
    }
  }

  /** Where all the ways to a block last were one, if all of them are known. */
  #findDominator(state: BlockState): void {
    const [first, ...others] = state.from;
    if (first === undefined) return;
    let dominator: BlockState | undefined = this.#state(first);
    for (const id of others) {
      let other: BlockState | undefined = this.#state(id);
      while (dominator !== other) {
        if (!dominator || !other) return;
        if (dominator.depth > other.depth) dominator = dominator.dominator;
        else other = other.dominator;
      }
    }
    if (!dominator) return;
    state.dominator = dominator;
    state.depth = dominator.depth + 1;
    const { farther } = dominator;
    const isEven = farther && dominator.depth - farther.depth === farther.depth - (farther.farther?.depth ?? 0);
    state.farther = isEven ? farther.farther : dominator;
  }

  /** Without recursion: a variable may be defined as many blocks before as a script has. */
  #read(state: BlockState, key: VariableKey): VReg {
    const incomplete: { state: BlockState; param: VReg }[] = [];
    const value = this.#find(state, key, incomplete);
    // The list grows while it is iterated.
    for (const { state: at, param } of incomplete) this.#fillParam(at, key, param, incomplete);
    return value;
  }

  /** The value that reaches a block: one of its own, or a parameter where several paths meet, which `incomplete` takes note of. */
  #find(start: BlockState, key: VariableKey, incomplete: { state: BlockState; param: VReg }[]): VReg {
    const passed: BlockState[] = [];
    let state = start;
    let value = state.definitions.get(key);
    while (value === undefined) {
      passed.push(state);
      if (state.sealed && state.predecessors.length === 1) {
        state = this.#state(state.from[0]!);
        value = state.definitions.get(key);
      } else value = this.#arriving(state, key, incomplete);
    }
    for (const at of passed) define(at, key, value);
    return value;
  }

  /** What a block in which paths meet, or not all of them are known, calls the variable. */
  #arriving(state: BlockState, key: VariableKey, incomplete: { state: BlockState; param: VReg }[]): VReg {
    const value = this.#fresh();
    if (state.sealed && state.predecessors.length === 0) {
      if (state.block.id === 0) throw new Error(`variable ${String(key)} is read before it is written`);
      // Unreachable code reads anything.
      state.block.insns.unshift({ op: "const", dst: value, value: 0n });
      return value;
    }
    state.block.params.push(value);
    if (state.sealed) incomplete.push({ state, param: value });
    else if (state.incomplete === NOTHING) state.incomplete = [{ key, param: value }];
    else state.incomplete.push({ key, param: value });
    return value;
  }

  #fillParam(state: BlockState, key: VariableKey, param: VReg, incomplete: { state: BlockState; param: VReg }[]): void {
    const index = state.block.params.indexOf(param);
    state.predecessors.forEach((edge, i) => {
      edge.args[index] = this.#find(this.#state(state.from[i]!), key, incomplete);
    });
  }
}

const LOG2_SIZE = 20;

/** Of blocks that have none; they are many. */
const NO_DEFINITIONS: Map<VariableKey, VReg> = new Map();
const NOTHING: BlockState["incomplete"] = [];

function define(state: BlockState, key: VariableKey, value: VReg): void {
  if (state.definitions === NO_DEFINITIONS) state.definitions = new Map();
  state.definitions.set(key, value);
}

/**
 * Whether every path to `b` leads through `a`, in steps that double: the blocks `farther` up lie as the skew binary numbers do
 * (Myers, 1983).
 */
function dominates(a: BlockState, b: BlockState): boolean {
  let at: BlockState | undefined = b;
  while (at && at.depth > a.depth) at = at.farther && at.farther.depth >= a.depth ? at.farther : at.dominator;
  return at === a;
}

/** The edges that leave a block. */
export function edges(end: Terminator): Edge[] {
  switch (end.op) {
    case "jump":
      return [end.to];
    case "branch":
      return [end.then, end.otherwise];
    case "exit":
      return [];
  }
}

/** The registers among some operands. */
export function registers(operands: Operand[]): VReg[] {
  return operands.filter((operand): operand is VReg => !isImm(operand));
}
