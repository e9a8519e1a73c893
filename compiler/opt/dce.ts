/**
 * Removes what nobody needs: instructions without an effect whose results are not used, parameters that only feed
 * themselves, and writes to stack slots that nobody reads.
 */
import { helperSpec, isOutArg } from "../asm/helpers.ts";
import { edges } from "../ir/builder.ts";
import { liveBlocks, predecessors } from "../ir/cfg.ts";
import { type Insn, type IrFunction, isImm, type SlotId, type VReg } from "../ir/ir.ts";
import { conditionInputs, inputs, isRemovable, readAddresses, result } from "../ir/operands.ts";

export function removeDeadCode(fn: IrFunction): boolean {
  const dead = unreadSlots(fn);
  const live = liveRegisters(fn, dead);
  let changed = false;
  for (const block of liveBlocks(fn)) {
    const insns = block.insns.filter((insn) => !isDead(insn, live, dead));
    if (insns.length < block.insns.length) {
      block.insns = insns;
      changed = true;
    }
  }
  return removeDeadParams(fn, live) || changed;
}

/** Addresses into slots that are only written. */
type DeadSlots = ReadonlyMap<VReg, SlotId>;

function isDead(insn: Insn, live: ReadonlySet<VReg>, dead: DeadSlots): boolean {
  const dst = result(insn);
  if (dst !== undefined && live.has(dst)) return false;
  return isRemovable(insn) || onlyFills(insn, dead);
}

/** Whether all that an instruction does is to write to slots that nobody reads. */
function onlyFills(insn: Insn, dead: DeadSlots): boolean {
  if (insn.op === "store") return dead.has(insn.base);
  if (insn.op !== "call") return false;
  const { args, effect } = helperSpec(insn.helper);
  return (
    effect === "none" &&
    args.every((kind, i) => {
      const arg = insn.args[i]!;
      return !isOutArg(kind) || (!isImm(arg) && dead.has(arg));
    })
  );
}

/** Registers that something with an effect, or the flow of control, depends on. */
function liveRegisters(fn: IrFunction, dead: DeadSlots): Set<VReg> {
  const live = new Set<VReg>();
  const queue: VReg[] = [];
  const use = (reg: VReg): void => {
    if (live.has(reg)) return;
    live.add(reg);
    queue.push(reg);
  };
  const definitions = new Map<VReg, Insn>();
  /** What a block parameter may be. */
  const sources = new Map<VReg, VReg[]>();
  const incoming = predecessors(fn);
  for (const block of liveBlocks(fn)) {
    block.params.forEach((param, i) => {
      sources.set(
        param,
        incoming[block.id]!.map(({ edge }) => edge.args[i]!),
      );
    });
    for (const insn of block.insns) {
      const dst = result(insn);
      if (dst !== undefined) definitions.set(dst, insn);
      if (!isRemovable(insn) && !onlyFills(insn, dead)) inputs(insn).forEach(use);
    }
    conditionInputs(block.end).forEach(use);
  }
  for (let reg = queue.pop(); reg !== undefined; reg = queue.pop()) {
    const insn = definitions.get(reg);
    if (insn) inputs(insn).forEach(use);
    else sources.get(reg)?.forEach(use);
  }
  return live;
}

function removeDeadParams(fn: IrFunction, live: ReadonlySet<VReg>): boolean {
  let changed = false;
  const kept = new Map<number, number[]>();
  for (const block of liveBlocks(fn)) {
    const indices = block.params.flatMap((param, i) => (live.has(param) ? [i] : []));
    if (indices.length === block.params.length) continue;
    kept.set(block.id, indices);
    block.params = indices.map((i) => block.params[i]!);
    changed = true;
  }
  for (const block of liveBlocks(fn)) {
    for (const edge of edges(block.end)) {
      const indices = kept.get(edge.block);
      if (indices) edge.args = indices.map((i) => edge.args[i]!);
    }
  }
  return changed;
}

/** Slots of which no address is used for anything but to write there. */
function unreadSlots(fn: IrFunction): DeadSlots {
  const addresses = new Map<VReg, SlotId>();
  for (const { insns } of liveBlocks(fn)) {
    for (const insn of insns) if (insn.op === "slot") addresses.set(insn.dst, insn.slot);
  }
  const read = new Set<SlotId>();
  const reads = (reg: VReg): void => {
    const slot = addresses.get(reg);
    if (slot !== undefined) read.add(slot);
  };
  for (const { insns, end } of liveBlocks(fn)) {
    for (const insn of insns) readAddresses(insn).forEach(reads);
    conditionInputs(end).forEach(reads);
    for (const edge of edges(end)) edge.args.forEach(reads);
  }
  for (const [reg, slot] of addresses) if (read.has(slot)) addresses.delete(reg);
  return addresses;
}
