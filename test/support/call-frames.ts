/** Call frame information by hand, and tables as texts: one line for a row, with the steps of its rule. */
import type { FrameSection } from "../../compiler/dwarf/call-frames.ts";
import { Cfa, Op } from "../../compiler/dwarf/constants.ts";
import { type UnwindTable, unwindTable } from "../../compiler/dwarf/unwind-table.ts";
import { DWARF_REGISTERS } from "../../compiler/registers.ts";
import { ROW, RULE, STEP, STEP_FLAGS } from "../../compiler/unwind-table.ts";
import { bytes, u8, u32, u64, viewOf, zeros } from "./bytes.ts";

export const SECTION_ADDRESS = 0x2000;

export type Instructions = readonly number[];

/** For functions that are called: at their first instruction the return address is on the stack. */
export const CALLED: Instructions = [...[Cfa.def_cfa, 7, 8], Cfa.offset + 16, 1];

export interface Common {
  version?: number;
  augmentation?: string;
  /** What `augmentation` announces. */
  data?: readonly number[];
  codeAlignment?: number;
  /** Of one byte, as a signed number. */
  dataAlignment?: number;
  returnAddress?: number;
  addressSize?: number;
  segmentSize?: number;
  instructions?: Instructions;
}

export interface Function {
  start: number;
  size: number;
  instructions?: Instructions;
  /** How far before the function's entry the one is that it refers to; the first one of the section without it. */
  common?: number;
}

/** Addresses of four bytes, counted from where they are. */
export const RELATIVE = 0x1b;

/** Writes sections entry by entry. */
export class FrameWriter {
  readonly kind: FrameSection["kind"];
  #bytes: Uint8Array = zeros(0);

  constructor(kind: FrameSection["kind"] = "eh_frame") {
    this.kind = kind;
  }

  get section(): FrameSection {
    return { kind: this.kind, bytes: this.#bytes, address: SECTION_ADDRESS };
  }

  get length(): number {
    return this.#bytes.length;
  }

  raw(...content: (Uint8Array | readonly number[])[]): this {
    this.#bytes = bytes(this.#bytes, ...content);
    return this;
  }

  /** An entry with its length before it. */
  entry(...content: (Uint8Array | readonly number[])[]): this {
    const all = bytes(...content);
    return this.raw(u32(all.length), all);
  }

  common({
    version = 1,
    augmentation = this.kind === "eh_frame" ? "zR" : "",
    data = [RELATIVE],
    codeAlignment = 1,
    dataAlignment = -8,
    returnAddress = 16,
    addressSize = 8,
    segmentSize = 0,
    instructions = CALLED,
  }: Common = {}): this {
    return this.entry(
      u32(this.kind === "eh_frame" ? 0 : 0xffffffff),
      u8(version),
      [...augmentation].map((letter) => letter.charCodeAt(0)),
      [0],
      version === 4 ? [addressSize, segmentSize] : [],
      [codeAlignment, dataAlignment & 0x7f, returnAddress],
      augmentation.startsWith("z") ? [data.length, ...data] : [],
      instructions,
    );
  }

  /** In .eh_frame with {@link RELATIVE} addresses, else with whole ones. */
  function({ start, size, instructions = [], common = 0 }: Function): this {
    if (this.kind === "debug_frame") return this.entry(u32(common), u64(start), u64(size), instructions);
    const at = this.length + 4;
    return this.entry(u32(at - common), u32(start - (SECTION_ADDRESS + at + 4)), u32(size), [0], instructions);
  }
}

/** A section with one function at 0x1000, 0x100 bytes long. */
export function oneFunction(instructions: Instructions, common: Common = {}): FrameSection {
  return new FrameWriter().common(common).function({ start: 0x1000, size: 0x100, instructions }).section;
}

export function tableText(table: UnwindTable | undefined): string[] {
  if (!table) return [];
  const view = viewOf(table.cells);
  return Array.from({ length: table.rows }, (_, row) => {
    const address = view.getUint32(row * ROW.size + ROW.address, true);
    return `${address.toString(16)}: ${ruleText(view, view.getUint32(row * ROW.size + ROW.rule, true))}`;
  });
}

export function textOf(...sections: FrameSection[]): string[] {
  return tableText(unwindTable(sections));
}

/** By the numbers that they have in DWARF. */
export const REGISTERS = DWARF_REGISTERS.x64;
const NAMES = [...REGISTERS, "ra", "cfa"];

/** `cfa=sp+16 bp=*cfa-16 ra=*cfa-8 sp=cfa`; a star for each load. */
export function ruleText(view: DataView, rule: number): string {
  if (rule === RULE.unknown) return "unknown";
  if (rule === RULE.outermost) return "outermost";
  const words: string[] = [];
  for (let at = rule * STEP.size; ; at += STEP.size) {
    const flags = view.getUint8(at + STEP.flags);
    const offset = view.getInt32(at + STEP.offset, true);
    const stars = "*".repeat(view.getUint8(at + STEP.loads));
    const sum = offset === 0 ? "" : offset > 0 ? `+${offset}` : `${offset}`;
    const stub = flags >> 4 > 0 ? `+stub${flags >> 4}` : "";
    if ((flags & STEP_FLAGS.interrupted) !== 0) words.push("interrupted");
    words.push(
      `${NAMES[view.getUint8(at + STEP.target)]}=${stars}${NAMES[view.getUint8(at + STEP.base)]}${sum}${stub}`,
    );
    if ((flags & STEP_FLAGS.last) !== 0) return words.join(" ");
  }
}

/** An expression with its length before it. */
export function expression(...operations: number[]): number[] {
  return [operations.length, ...operations];
}

/** The number of a register in operations, with an offset of one byte. */
export function at(register: number, offset: number): number[] {
  return [Op.breg0 + register, offset & 0x7f];
}
