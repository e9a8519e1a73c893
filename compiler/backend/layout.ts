/**
 * The order of the blocks in the code: what usually happens falls through, what is unlikely goes out of line.
 */
import { helperSpec } from "../asm/helpers.ts";
import { blockOf, type Shape } from "../ir/cfg.ts";
import { type BlockId, type Edge, type IrBlock, type IrFunction, isImm, type VReg } from "../ir/ir.ts";

/**
 * All blocks, the entry first. Likely successors follow each other; of two that are equally likely, both come before the
 * block in which they meet again; unlikely ones come behind everything else. `depths`: loop depth by BlockId.
 */
export function layout(fn: IrFunction, shape: Shape, depths: readonly number[]): IrBlock[] {
  const { incoming, dominators } = shape;
  const expected = expectations(shape);
  const placed = new Set<BlockId>();
  const order: IrBlock[] = [];
  /** A stack: what was put off last is nearest. */
  const waiting: BlockId[] = [0];
  const unlikely: BlockId[] = [];
  const postponed = new Set<BlockId>();
  for (let start = waiting.pop(); start !== undefined; start = waiting.pop() ?? unlikely.shift()) {
    for (let next: BlockId | undefined = start; next !== undefined && !placed.has(next); ) {
      const block = blockOf(fn, next);
      placed.add(next);
      order.push(block);
      next = successor(block);
    }
  }
  return order;

  /** The block to place behind this one; the other successor waits. */
  function successor({ end }: IrBlock): BlockId | undefined {
    if (end.op === "exit") return undefined;
    if (end.op === "jump") return postpone(end.to.block) ? undefined : end.to.block;
    const { then, known } = likelyEdge(end);
    const [first, second] = then ? [end.then, end.otherwise] : [end.otherwise, end.then];
    (known ? unlikely : waiting).push(second.block);
    return first.block;
  }

  /** Puts a meeting point off until the blocks that lead there as well, and wait themselves, are placed. */
  function postpone(block: BlockId): boolean {
    if (placed.has(block) || incoming[block]!.length < 2) return false;
    const top = dominators.parent(block) ?? 0;
    const leadsHere = (id: BlockId): boolean => id !== block && !placed.has(id) && dominators.dominates(top, id);
    if (!leadsHere(waiting.at(-1) ?? block)) return false;
    if (!postponed.has(block)) {
      postponed.add(block);
      let index = waiting.length;
      while (index > 0 && leadsHere(waiting[index - 1]!)) index--;
      waiting.splice(index, 0, block);
    }
    return true;
  }

  /** Which way a branch goes, as far as can be told; `known` if there is a reason to believe it. */
  function likelyEdge(end: Extract<IrBlock["end"], { op: "branch" }>): { then: boolean; known: boolean } {
    if (end.likely !== undefined) return { then: end.likely, known: true };
    const [deepThen, deepOtherwise] = [depths[end.then.block]!, depths[end.otherwise.block]!];
    if (deepThen !== deepOtherwise) return { then: deepThen > deepOtherwise, known: false };
    const usual = expected.get(end.a);
    if (usual && isImm(end.b) && end.b.imm === 0n) {
      return { then: (end.condition === "eq") === (usual === "zero"), known: true };
    }
    // A block that is only reached from here is better placed here than a meeting point, which others reach as well.
    return { then: joins(end.then) < joins(end.otherwise), known: false };
  }

  /** How many edges meet where this one leads, behind the block that was inserted into the edge. */
  function joins(edge: Edge): number {
    const block = blockOf(fn, edge.block);
    const behind = block.insns.length === 0 && block.end.op === "jump" ? block.end.to.block : edge.block;
    const { insns, end } = blockOf(fn, behind);
    // Leaving the program is the least likely of all.
    if (insns.length === 0 && end.op === "exit") return Number.POSITIVE_INFINITY;
    return incoming[behind]!.length;
  }
}

/**
 * What helpers usually answer: keys are found more often than missed, there mostly is room for a record, and changing
 * a map succeeds.
 */
function expectations({ order }: Shape): Map<VReg, "zero" | "address"> {
  const expected = new Map<VReg, "zero" | "address">();
  for (const { insns } of order) {
    for (const insn of insns) {
      if (insn.op !== "call" || insn.dst === undefined) continue;
      const { result, effect } = helperSpec(insn.helper);
      if (result === "map-value-or-null" || result === "record-or-null") expected.set(insn.dst, "address");
      else if (effect === "map" && result === "scalar") expected.set(insn.dst, "zero");
    }
  }
  return expected;
}
