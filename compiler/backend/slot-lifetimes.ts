/**
 * When each slot of the stack frame may hold something that is read later. Bytes are looked at one by one: what has several parts is
 * written in several pieces, by instructions that may lie on different ways.
 *
 * That a slot is free between the rounds of a loop that begin by writing it matters beyond the bytes: the verifier tells the ways
 * through a loop apart by the places on the stack that they have written, and of many places it finds no end.
 */
import { type HelperArg, type HelperName, helperSpec, isOutArg } from "../asm/helpers.ts";
import type { Shape } from "../ir/cfg.ts";
import { type BlockId, type Insn, type IrFunction, isImm, type SlotId, type VReg } from "../ir/ir.ts";
import { forEachEndInput, forEachInput } from "../ir/operands.ts";
import { BlockSets, namedBefore, readBehind } from "../ir/reach.ts";
import type { Span } from "../source.ts";
import { type Liveness, type Range, STEP } from "./intervals.ts";

export interface SlotLifetime {
  /** Where the slot is in use; empty for one that is never used. */
  ranges: Range[];
  /** Where the script asked for it. */
  span: Span | undefined;
}

/**
 * A slot is in use wherever some path has come by an instruction that names it, and some path on leads to another one that reads of it
 * what was not written in between. A slot whose address is kept in a register, or handed on, is in use throughout the function.
 */
export function slotLifetimes(fn: IrFunction, shape: Shape, liveness: Liveness): SlotLifetime[] {
  if (fn.slots.length === 0) return [];
  return new Analysis(fn, shape, liveness).run();
}

interface Use {
  slot: SlotId;
  at: number;
  /** The bytes that are read or written, from the slot's start on; all of them where that is not known. */
  from: number;
  to: number;
  /** `fill` may write some of the bytes, `change` reads them and may write them, `keep` is something that is done with the address. */
  how: "read" | "write" | "fill" | "change" | "keep";
}

class Analysis {
  readonly #fn: IrFunction;
  readonly #shape: Shape;
  readonly #liveness: Liveness;
  readonly #uses = new Map<BlockId, Use[]>();
  /** Where each slot's bytes begin in the sets, and whose each byte is. */
  readonly #start: number[] = [];
  readonly #owner: SlotId[] = [];
  readonly #lifetimes: SlotLifetime[];
  readonly #everywhere = new Set<SlotId>();

  constructor(fn: IrFunction, shape: Shape, liveness: Liveness) {
    this.#fn = fn;
    this.#shape = shape;
    this.#liveness = liveness;
    this.#lifetimes = fn.slots.map(() => ({ ranges: [], span: undefined }));
    for (const [slot, { size }] of fn.slots.entries()) {
      this.#start.push(this.#owner.length);
      for (let i = 0; i < size; i++) this.#owner.push(slot);
    }
  }

  run(): SlotLifetime[] {
    const { order, from, to } = this.#liveness;
    this.#collect();
    const { read, written } = this.#bytes();
    const readLater = readBehind(this.#fn, this.#shape.order, read, written, this.#owner.length);
    const behind = this.#slotsOf(readLater);
    const met = this.#slotsOf(read);
    for (const { id } of order) {
      readLater.forEach(id, (byte) => written.has(id, byte) || met.add(id, this.#owner[byte]!));
    }
    const before = namedBefore(this.#fn, this.#shape.order, this.#named(), this.#fn.slots.length);
    for (const { id } of order) {
      const local = new Map<SlotId, Range>();
      for (const { slot, at } of this.#uses.get(id)!) {
        const known = local.get(slot);
        if (known) known.to = at + STEP;
        else local.set(slot, { from: at, to: at + STEP });
      }
      for (const [slot, range] of local) {
        this.#lifetimes[slot]!.ranges.push({
          from: met.has(id, slot) && before.has(id, slot) ? from[id]! : range.from,
          to: behind.has(id, slot) ? to[id]! : range.to,
        });
      }
      before.forEachCommon(id, behind, (slot) => {
        if (!local.has(slot)) this.#lifetimes[slot]!.ranges.push({ from: from[id]!, to: to[id]! });
      });
    }
    const throughout = { from: 0, to: to[order.at(-1)!.id]! };
    for (const slot of this.#everywhere) this.#lifetimes[slot]!.ranges = [throughout];
    return this.#lifetimes;
  }

  #collect(): void {
    for (const block of this.#liveness.order) {
      const uses: Use[] = [];
      this.#uses.set(block.id, uses);
      let at = this.#liveness.from[block.id]!;
      for (const insn of block.insns) {
        at += STEP;
        forEachInput(insn, (reg) => {
          const recipe = this.#liveness.recipes.get(reg);
          if (recipe?.op !== "slot") return;
          const { slot, offset } = recipe;
          const size = this.#fn.slots[slot]!.size;
          const { how, bytes } = useOf(insn, reg);
          const [from, to] = bytes ? [offset + bytes.offset, offset + bytes.offset + bytes.size] : [0, size];
          uses.push({ slot, at, from: Math.max(0, from), to: Math.min(size, to), how });
          this.#lifetimes[slot]!.span ??= insn.span;
          if (how === "keep") this.#everywhere.add(slot);
        });
      }
      forEachEndInput(block.end, (reg) => {
        const recipe = this.#liveness.recipes.get(reg);
        if (recipe?.op === "slot") this.#everywhere.add(recipe.slot);
      });
    }
  }

  /** Which bytes each block reads before it writes them, and which it writes. */
  #bytes(): { read: BlockSets; written: BlockSets } {
    const size = this.#owner.length;
    const [read, written] = [new BlockSets(this.#fn, size), new BlockSets(this.#fn, size)];
    const meaningful = this.#meaningful();
    for (const [id, uses] of this.#uses) {
      for (const { slot, from, to, how } of uses) {
        const start = this.#start[slot]!;
        for (let byte = start + from; byte < start + to && how !== "fill"; byte++) {
          if (how === "write") written.add(id, byte);
          else if (meaningful[byte] === 1 && !written.has(id, byte)) read.add(id, byte);
        }
      }
    }
    return { read, written };
  }

  /** Bytes in which there can be anything: a key of four bytes leaves the rest of its slot alone. */
  #meaningful(): Uint8Array {
    const meaningful = new Uint8Array(this.#owner.length);
    for (const uses of this.#uses.values()) {
      for (const { slot, from, to, how } of uses) {
        const start = this.#start[slot]!;
        if (how !== "read") meaningful.fill(1, start + from, start + to);
      }
    }
    return meaningful;
  }

  #named(): BlockSets {
    const named = new BlockSets(this.#fn, this.#fn.slots.length);
    for (const [id, uses] of this.#uses) for (const { slot } of uses) named.add(id, slot);
    return named;
  }

  /** The slots of which a block has a byte. */
  #slotsOf(bytes: BlockSets): BlockSets {
    const slots = new BlockSets(this.#fn, this.#fn.slots.length);
    for (const { id } of this.#liveness.order) bytes.forEach(id, (byte) => slots.add(id, this.#owner[byte]!));
    return slots;
  }
}

/** What an instruction does with the memory that a register points to. */
function useOf(insn: Insn, reg: VReg): { how: Use["how"]; bytes?: { offset: number; size: number } } {
  switch (insn.op) {
    case "load":
      return { how: "read", bytes: insn };
    case "store":
      return insn.value === reg ? { how: "keep" } : { how: "write", bytes: insn };
    case "atomic":
      return insn.value === reg || insn.expected === reg ? { how: "keep" } : { how: "change", bytes: insn };
    case "call": {
      const expected = helperSpec(insn.helper).args.filter((_, i) => insn.args[i] === reg);
      if (expected.every(isOutArg)) {
        const size = insn.args[insn.args.indexOf(reg) + 1];
        const isSure = FILL_ALL.has(insn.helper) && size !== undefined && isImm(size);
        return isSure ? { how: "write", bytes: { offset: 0, size: Number(size.imm) } } : { how: "fill" };
      }
      return { how: expected.every((arg) => READ_ONLY.has(arg)) ? "read" : "change" };
    }
    case "call-local":
      return { how: "change" };
    default:
      return { how: "keep" };
  }
}

/** Helpers that leave none of the bytes as it was, even if they fail. */
const FILL_ALL: ReadonlySet<HelperName> = new Set(["probe_read", "probe_read_kernel", "probe_read_user"]);

/** Arguments through which helpers write nothing, and have nobody else write. */
const READ_ONLY: ReadonlySet<HelperArg> = new Set(["key", "value", "value-or-null", "mem", "mem-or-null"]);
