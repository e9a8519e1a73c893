/**
 * From instructions to bytes: labels become distances, references become relocations, and spans become the line table.
 * Jumps that do not reach within 16 bits are rewritten with the long jump of cpu v4, or are the program's error. The kernel
 * puts several instructions in the place of some, and its jumps have to reach over these.
 */
import { negated } from "../ir/arithmetic.ts";
import type { Relocation } from "../program.ts";
import type { Span } from "../source.ts";
import { unreachable } from "../unreachable.ts";
import { helperSpec } from "./helpers.ts";
import type { Imm, Imm64, Instruction, Label, Reg } from "./instructions.ts";
import {
  ALU_END,
  ALU_NEG,
  ATOMIC_FETCH,
  aluCodes,
  atomicCodes,
  CallKind,
  Class,
  conditionCodes,
  JMP_CALL,
  JMP_EXIT,
  JMP_JA,
  JMP_MAY,
  MAX_SLOTS,
  Mode,
  Pseudo,
  SLOT_BYTES,
  SOURCE_REGISTER,
  sizeCodes,
} from "./opcodes.ts";

export interface AssembleOptions {
  /** Whether the kernel knows jumps with a 32-bit distance (cpu v4). Looked at when there is one that needs it. */
  readonly longJumps: boolean;
}

/** Byte code; `labels` gives the slot of each label. */
export interface Assembled {
  ok: true;
  code: Uint8Array;
  relocations: Relocation[];
  lines: { slot: number; span: Span }[];
  labels: ReadonlyMap<Label, number>;
}

/** Limits of the instruction set that a script can hit. Distances count slots. */
export type AssembleError =
  | { code: "jump-too-far"; distance: number; span: Span | undefined }
  | { code: "program-too-long"; slots: number; limit: number; span: Span | undefined };

/** Throws only for bugs of the caller: unknown labels, labels placed twice, offsets and immediates out of range. */
export function assemble(
  instructions: readonly Instruction[],
  options: AssembleOptions = { longJumps: false },
): Assembled | { ok: false; error: AssembleError } {
  const { slots, labels, long, far } = place(instructions, options);
  if (far) return { ok: false, error: far };
  const total = slots.at(-1)!;
  if (total > MAX_SLOTS) {
    return { ok: false, error: { code: "program-too-long", slots: total, limit: MAX_SLOTS, span: undefined } };
  }
  const encoder = new Encoder(total, labels);
  for (let i = 0; i < instructions.length; i++) encoder.encode(instructions[i]!, long.has(i));
  return { ok: true, code: encoder.code, relocations: encoder.relocations, lines: encoder.lines, labels };
}

interface Placement {
  /** The slot of each instruction, and behind the last one the number of slots. */
  slots: number[];
  labels: Map<Label, number>;
  /** Indices of jumps and branches that need the long form. */
  long: Set<number>;
  far?: AssembleError;
}

/** Long forms only make the code longer, so repeating until no further jump falls out of reach ends. */
function place(instructions: readonly Instruction[], options: AssembleOptions): Placement {
  const long = new Set<number>();
  for (;;) {
    const slots: number[] = [];
    const labels = new Map<Label, number>();
    /** The same as the kernel may have it in the end. */
    const grown: number[] = [];
    const grownLabels = new Map<Label, number>();
    let slot = 0;
    let most = 0;
    for (let i = 0; i < instructions.length; i++) {
      const insn = instructions[i]!;
      slots.push(slot);
      grown.push(most);
      if (insn.kind === "label") {
        if (labels.has(insn.name)) throw new Error(`label ${insn.name} is placed twice`);
        labels.set(insn.name, slot);
        grownLabels.set(insn.name, most);
      }
      const count = slotCount(insn, long.has(i));
      slot += count;
      most += count + growth(insn);
    }
    slots.push(slot);
    const before = long.size;
    // As long as all of it is within reach, no single distance needs a look.
    for (let i = 0; most > MAX_DISTANCE && i < instructions.length; i++) {
      const insn = instructions[i]!;
      if ((insn.kind !== "jump" && insn.kind !== "branch") || long.has(i)) continue;
      const distance = target(grownLabels, insn.to) - grown[i]! - 1;
      if (fitsS16(distance)) continue;
      if (!options.longJumps) {
        return { slots, labels, long, far: { code: "jump-too-far", distance, span: insn.span } };
      }
      long.add(i);
    }
    if (long.size === before) return { slots, labels, long };
  }
}

/**
 * How many slots more the kernel may need for an instruction: it writes out lookups and small helpers, checks divisors, and
 * counts the rounds of loops. bpf_loop becomes a loop.
 */
function growth(insn: Instruction): number {
  switch (insn.kind) {
    case "call":
      return insn.helper === "loop" ? 24 : 12;
    case "may-goto":
      return 12;
    case "alu":
      return DIVISIONS.has(insn.op) ? 10 : 0;
    default:
      return 0;
  }
}

const DIVISIONS: ReadonlySet<string> = new Set(["div", "mod", "sdiv", "smod"]);

function slotCount(insn: Instruction, long: boolean): number {
  switch (insn.kind) {
    case "label":
      return 0;
    case "load-imm64":
      return 2;
    case "branch":
      if (!long) return 1;
      return negated(insn.condition) ? 2 : 3;
    default:
      return 1;
  }
}

function target(labels: ReadonlyMap<Label, number>, name: Label): number {
  const slot = labels.get(name);
  if (slot === undefined) throw new Error(`label ${name} is not placed`);
  return slot;
}

class Encoder {
  readonly code: Uint8Array;
  readonly relocations: Relocation[] = [];
  readonly lines: { slot: number; span: Span }[] = [];
  readonly #view: DataView;
  readonly #labels: ReadonlyMap<Label, number>;
  #slot = 0;

  constructor(slots: number, labels: ReadonlyMap<Label, number>) {
    this.code = new Uint8Array(slots * SLOT_BYTES);
    this.#view = new DataView(this.code.buffer);
    this.#labels = labels;
  }

  encode(insn: Instruction, long: boolean): void {
    if (insn.kind !== "label") this.#line(insn.span);
    switch (insn.kind) {
      case "label":
        break;
      case "alu":
        this.#alu(insn.bits, aluCodes[insn.op], insn.dst, insn.src, insn.op === "sdiv" || insn.op === "smod" ? 1 : 0);
        break;
      case "neg":
        this.#put(ALU_NEG | aluClass(insn.bits), insn.dst, 0, 0, 0);
        break;
      case "movsx":
        this.#alu(insn.bits, aluCodes.mov, insn.dst, insn.src, insn.size * 8);
        break;
      case "swap": {
        const code = insn.order === "always" ? Class.ALU64 : Class.ALU | (insn.order === "big" ? SOURCE_REGISTER : 0);
        this.#put(ALU_END | code, insn.dst, 0, 0, insn.size * 8);
        break;
      }
      case "load": {
        const mode = insn.signed ? Mode.MEMSX : Mode.MEM;
        this.#put(mode | sizeCodes[insn.size] | Class.LDX, insn.dst, insn.base, insn.offset, 0);
        break;
      }
      case "store": {
        const code = Mode.MEM | sizeCodes[insn.size];
        if (isImm(insn.src)) this.#put(code | Class.ST, insn.base, 0, insn.offset, insn.src.imm);
        else this.#put(code | Class.STX, insn.base, insn.src, insn.offset, 0);
        break;
      }
      case "atomic": {
        const code = atomicCodes[insn.op] | (insn.fetch ? ATOMIC_FETCH : 0);
        this.#put(Mode.ATOMIC | sizeCodes[insn.size] | Class.STX, insn.base, insn.src, insn.offset, code);
        break;
      }
      case "load-imm64":
        this.#loadImm64(insn.dst, insn.value);
        break;
      case "jump":
        if (long) this.#longJump(insn.to);
        else this.#jump(Class.JMP | JMP_JA, 0, { imm: 0 }, insn.to);
        break;
      case "branch":
        this.#branch(insn, long);
        break;
      case "may-goto":
        this.#jump(Class.JMP | JMP_MAY, 0, { imm: 0 }, insn.to);
        break;
      case "call":
        if (insn.btfId !== undefined) this.#put(Class.JMP | JMP_CALL, 0, CallKind.KFUNC, 0, insn.btfId);
        else this.#put(Class.JMP | JMP_CALL, 0, CallKind.HELPER, 0, helperSpec(insn.helper).id);
        break;
      case "call-local":
        this.#put(Class.JMP | JMP_CALL, 0, CallKind.LOCAL, 0, this.#distance(insn.to));
        break;
      case "exit":
        this.#put(Class.JMP | JMP_EXIT, 0, 0, 0, 0);
        break;
      default:
        unreachable(insn);
    }
  }

  /** Adds to the line table unless the place in the script is still the same. */
  #line(span: Span | undefined): void {
    const last = this.lines.at(-1)?.span;
    if (!span || (last && last.source === span.source && last.start === span.start && last.end === span.end)) return;
    this.lines.push({ slot: this.#slot, span });
  }

  #alu(bits: 32 | 64, code: number, dst: Reg, src: Reg | Imm, offset: number): void {
    if (isImm(src)) this.#put(code | aluClass(bits), dst, 0, offset, src.imm);
    else this.#put(code | aluClass(bits) | SOURCE_REGISTER, dst, src, offset, 0);
  }

  #loadImm64(dst: Reg, value: Imm64): void {
    const slot = this.#slot;
    if ("map" in value) {
      this.relocations.push({ kind: "map", slot, map: value.map });
      this.#putWide(dst, Pseudo.MAP_FD, 0, 0);
    } else if ("mapValue" in value) {
      this.relocations.push({ kind: "map_value", slot, map: value.mapValue, offset: value.offset });
      this.#putWide(dst, Pseudo.MAP_VALUE, 0, value.offset);
    } else if ("constant" in value) {
      this.relocations.push({ kind: "constant", slot, constant: value.constant });
      this.#putWide(dst, Pseudo.VALUE, 0, 0);
    } else if ("function" in value) {
      this.#putWide(dst, Pseudo.FUNC, this.#distance(value.function), 0);
    } else {
      const low = Number(BigInt.asIntN(32, value.value));
      const high = Number(BigInt.asIntN(32, value.value >> 32n));
      this.#putWide(dst, Pseudo.VALUE, low, high);
    }
  }

  #branch(insn: Extract<Instruction, { kind: "branch" }>, long: boolean): void {
    const jumpClass = insn.bits === 64 ? Class.JMP : Class.JMP32;
    if (!long) {
      this.#jump(jumpClass | conditionCodes[insn.condition], insn.dst, insn.src, insn.to);
      return;
    }
    const opposite = negated(insn.condition);
    if (opposite) {
      // if (!condition) skip one; gotol
      this.#compare(jumpClass | conditionCodes[opposite], insn.dst, insn.src, 1);
    } else {
      // if (condition) skip one; skip one; gotol
      this.#compare(jumpClass | conditionCodes[insn.condition], insn.dst, insn.src, 1);
      this.#put(Class.JMP | JMP_JA, 0, 0, 1, 0);
    }
    this.#longJump(insn.to);
  }

  #jump(code: number, dst: number, src: Reg | Imm, to: Label): void {
    this.#compare(code, dst, src, this.#distance(to));
  }

  #compare(code: number, dst: number, src: Reg | Imm, offset: number): void {
    if (isImm(src)) this.#put(code, dst, 0, offset, src.imm);
    else this.#put(code | SOURCE_REGISTER, dst, src, offset, 0);
  }

  #longJump(to: Label): void {
    this.#put(Class.JMP32 | JMP_JA, 0, 0, 0, this.#distance(to));
  }

  #distance(to: Label): number {
    return target(this.#labels, to) - this.#slot - 1;
  }

  #putWide(dst: number, src: number, low: number, high: number): void {
    this.#put(Mode.IMM | sizeCodes[8] | Class.LD, dst, src, 0, low);
    this.#put(0, 0, 0, 0, high);
  }

  #put(code: number, dst: number, src: number, offset: number, immediate: number): void {
    if (!fitsS16(offset)) throw new Error(`offset ${offset} does not fit 16 bits`);
    if (immediate !== (immediate | 0)) throw new Error(`immediate ${immediate} does not fit 32 bits`);
    const at = this.#slot * SLOT_BYTES;
    this.#view.setUint8(at, code);
    this.#view.setUint8(at + 1, dst | (src << 4));
    this.#view.setInt16(at + 2, offset, true);
    this.#view.setInt32(at + 4, immediate, true);
    this.#slot++;
  }
}

function aluClass(bits: 32 | 64): number {
  return bits === 64 ? Class.ALU64 : Class.ALU;
}

function isImm(src: Reg | Imm): src is Imm {
  return typeof src === "object";
}

const MAX_DISTANCE = 0x7fff;

function fitsS16(value: number): boolean {
  return value >= -0x8000 && value <= MAX_DISTANCE;
}
