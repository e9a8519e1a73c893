/**
 * Equal computations are made once: a walk over the dominator tree remembers what has been computed on every path to
 * where it is. Loads and lookups take part as long as nothing that they depend on has changed, and a load behind a
 * store takes what was stored.
 */
import { isCommutative } from "../ir/arithmetic.ts";
import { Shape } from "../ir/cfg.ts";
import { type BlockId, type Insn, type IrBlock, type IrFunction, isImm, type Operand, type VReg } from "../ir/ir.ts";
import { conditionInputs, isPure, mapEndInputs, mapInputs } from "../ir/operands.ts";
import { MemoryModel, MemoryStates } from "./memory.ts";
import { Replacements } from "./replace.ts";

export function mergeEqualValues(fn: IrFunction, shape = new Shape(fn)): boolean {
  return new Numbering(fn, shape).run();
}

/** A value that is there already: in a register, or what a store wrote. */
type Available = { reg: VReg } | { stored: Operand };

class Numbering {
  readonly #fn: IrFunction;
  readonly #shape: Shape;
  readonly #model: MemoryModel;
  readonly #states: MemoryStates;
  readonly #replacements: Replacements;
  readonly #available = new Map<string, Available>();
  readonly #undo: { key: string; value: Available | undefined }[] = [];
  /** How often a value was compared with bounds on the way here. */
  readonly #bounded = new Map<VReg, number>();
  #changed = false;

  constructor(fn: IrFunction, shape: Shape) {
    this.#fn = fn;
    this.#replacements = new Replacements(fn);
    this.#shape = shape;
    this.#model = new MemoryModel(fn, shape);
    this.#states = new MemoryStates(fn, shape, this.#model);
  }

  run(): boolean {
    const marks: { undo: number; bounded: readonly VReg[] }[] = [];
    this.#shape.dominators.walk(
      (id) => {
        marks.push({ undo: this.#undo.length, bounded: this.#enterBounds(id) });
        this.#states.enter(id);
        this.#block(this.#fn.blocks[id]!);
        this.#states.leave(id);
      },
      () => {
        const { undo, bounded } = marks.pop()!;
        while (this.#undo.length > undo) {
          const { key, value } = this.#undo.pop()!;
          if (value) this.#available.set(key, value);
          else this.#available.delete(key);
        }
        for (const reg of bounded) this.#bounded.set(reg, this.#bounded.get(reg)! - 1);
      },
    );
    this.#replacements.apply(this.#fn);
    return this.#changed;
  }

  /**
   * Behind a comparison the verifier knows more about the register that was compared. What was computed from it before does
   * not profit, so that it is not taken for equal to what is computed afterwards.
   */
  #enterBounds(block: BlockId): readonly VReg[] {
    const incoming = this.#shape.incoming[block]!;
    const end = incoming.length === 1 ? incoming[0]!.from.end : undefined;
    if (end?.op !== "branch" || end.condition === "eq" || end.condition === "ne") return NOTHING;
    const compared = conditionInputs(end);
    for (const reg of compared) this.#bounded.set(reg, (this.#bounded.get(reg) ?? 0) + 1);
    return compared;
  }

  #block(block: IrBlock): void {
    const output: Insn[] = [];
    for (const insn of block.insns) {
      mapInputs(insn, this.#replacements.find);
      const kept = this.#number(insn);
      if (!kept) continue;
      output.push(kept);
      this.#states.execute(kept);
      if (kept.op === "store") this.#rememberStore(kept);
    }
    block.insns = output;
    mapEndInputs(block.end, this.#replacements.find);
  }

  /** The instruction itself, another one that takes its place, or nothing if its value exists already. */
  #number(insn: Insn): Insn | undefined {
    const dst = insn.dst;
    const key = dst === undefined ? undefined : this.#key(insn);
    if (dst === undefined || key === undefined) return insn;
    const known = this.#available.get(key);
    if (known && "reg" in known) {
      this.#replacements.set(dst, known.reg);
      this.#changed = true;
      return undefined;
    }
    this.#remember(key, { reg: dst });
    if (!known || insn.op !== "load") return insn;
    this.#changed = true;
    return { ...storedValue(insn, known.stored), ...(insn.span ? { span: insn.span } : {}) };
  }

  #remember(key: string, value: Available): void {
    this.#undo.push({ key, value: this.#available.get(key) });
    this.#available.set(key, value);
  }

  /** What was stored is what a load of as many bytes finds, whether it extends them one way or the other. */
  #rememberStore(store: Extract<Insn, { op: "store" }>): void {
    const stored = { stored: store.value };
    this.#remember(this.#loadKey(store, false), stored);
    if (store.size < 8) this.#remember(this.#loadKey(store, true), stored);
  }

  /** Two instructions with the same key have the same result; undefined for those that are never merged. */
  #key(insn: Insn): string | undefined {
    switch (insn.op) {
      case "load":
        if (!insn.invariant) return this.#loadKey(insn, insn.signed);
        return `load ${insn.size} ${insn.signed} ${insn.base}+${insn.offset} always`;
      case "lookup": {
        const states = this.#states.ofLookup(insn.map);
        if ("value" in insn.key) return `lookup ${insn.map} ${insn.key.size} ${name(insn.key.value)} ${states}`;
        const { address } = insn.key;
        const content = this.#states.ofLoad(address);
        return `lookup ${insn.map} ${this.#model.addressKey(address, 0)} ${states} ${content}`;
      }
      default:
        return isPure(insn) ? this.#pureKey(insn) : undefined;
    }
  }

  #pureKey(insn: Insn): string | undefined {
    switch (insn.op) {
      case "const":
        return `const ${insn.value}`;
      case "host-const":
        return `host ${insn.constant}`;
      case "map":
        return `map ${insn.map}`;
      case "map-value":
        return `value ${insn.map}+${insn.offset}`;
      case "slot":
        return `slot ${insn.slot}+${insn.offset}`;
      case "func":
        return `func ${insn.index}`;
      case "alu": {
        const [a, b] = [this.#operand(insn.a), this.#operand(insn.b)];
        return isCommutative(insn.alu) && b < a ? `${insn.alu} ${b},${a}` : `${insn.alu} ${a},${b}`;
      }
      case "extend":
        return `extend ${insn.size} ${insn.signed} ${this.#operand(insn.src)}`;
      case "bswap":
        return `bswap ${insn.size} ${this.#operand(insn.src)}`;
      case "log2":
        return `log2 ${this.#operand(insn.src)}`;
      case "compare":
        return `${insn.condition} ${name(insn.a)},${name(insn.b)}`;
      case "call":
        return `${insn.helper} ${insn.args.map(name).join()}`;
      default:
        return undefined;
    }
  }

  #operand(operand: Operand): string {
    const bounded = isImm(operand) ? 0 : (this.#bounded.get(operand) ?? 0);
    return bounded > 0 ? `${name(operand)}@${bounded}` : name(operand);
  }

  /** What a load finds; for a store, what a load of as many bytes would find behind it. */
  #loadKey({ base, offset, size }: Extract<Insn, { op: "load" | "store" }>, signed: boolean): string {
    return `${signed && size < 8 ? "loads" : "load"} ${size} ${this.#model.addressKey(base, offset)} ${this.#states.ofLoad(base)}`;
  }
}

const NOTHING: readonly VReg[] = [];

function name(operand: Operand): string {
  return isImm(operand) ? `#${operand.imm}` : String(operand);
}

/** What a load behind a store yields. */
function storedValue({ dst, size, signed }: Extract<Insn, { op: "load" }>, stored: Operand): Insn {
  if (isImm(stored)) {
    const value = signed || size === 8 ? BigInt.asIntN(size * 8, stored.imm) : BigInt.asUintN(size * 8, stored.imm);
    return { op: "const", dst, value: BigInt.asIntN(64, value) };
  }
  return size === 8 ? { op: "copy", dst, src: stored } : { op: "extend", dst, src: stored, size, signed };
}
