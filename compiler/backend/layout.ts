/**
 * The order of the blocks in the code: what usually happens falls through, what is unlikely goes out of line.
 */
import { helperSpec } from "../asm/helpers.ts";
import { blockOf, Dominators, liveBlocks, predecessors } from "../ir/cfg.ts";
import { type BlockId, type Edge, type IrBlock, type IrFunction, isImm, type VReg } from "../ir/ir.ts";

/** All blocks, the entry first. A chain of likely successors is laid out until it meets what is placed already. */
export function layout(fn: IrFunction, depths = loopDepths(fn)): IrBlock[] {
  const incoming = predecessors(fn);
  const expected = expectations(fn);
  const placed = new Set<BlockId>();
  const order: IrBlock[] = [];
  const waiting: BlockId[] = [0];
  for (let start = waiting.pop(); start !== undefined; start = waiting.pop()) {
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
    if (end.op === "jump") return end.to.block;
    const [first, second] = thenIsLikely(end) ? [end.then, end.otherwise] : [end.otherwise, end.then];
    waiting.push(second.block);
    return first.block;
  }

  function thenIsLikely(end: Extract<IrBlock["end"], { op: "branch" }>): boolean {
    if (end.likely !== undefined) return end.likely;
    const [deepThen, deepOtherwise] = [depths[end.then.block]!, depths[end.otherwise.block]!];
    if (deepThen !== deepOtherwise) return deepThen > deepOtherwise;
    const usual = expected.get(end.a);
    if (usual && isImm(end.b) && end.b.imm === 0n) return (end.condition === "eq") === (usual === "zero");
    // A block that is only reached from here is better placed here than a meeting point, which others reach as well.
    return joins(end.then) < joins(end.otherwise);
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
function expectations(fn: IrFunction): Map<VReg, "zero" | "address"> {
  const expected = new Map<VReg, "zero" | "address">();
  for (const { insns } of liveBlocks(fn)) {
    for (const insn of insns) {
      if (insn.op !== "call" || insn.dst === undefined) continue;
      const { result, effect } = helperSpec(insn.helper);
      if (result === "map-value-or-null" || result === "record-or-null") expected.set(insn.dst, "address");
      else if (effect === "map" && result === "scalar") expected.set(insn.dst, "zero");
    }
  }
  return expected;
}

/** How many loops each block lies in, by BlockId. */
export function loopDepths(fn: IrFunction): number[] {
  const dominators = new Dominators(fn);
  const incoming = predecessors(fn);
  const depths = new Array<number>(fn.blocks.length).fill(0);
  for (const header of liveBlocks(fn)) {
    const backEdges = incoming[header.id]!.filter(({ from }) => dominators.dominates(header.id, from.id));
    if (backEdges.length === 0) continue;
    // The loop is everything that reaches an edge back without passing the header.
    const body = new Set<BlockId>([header.id]);
    const queue = backEdges.map(({ from }) => from.id);
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (body.has(id)) continue;
      body.add(id);
      for (const { from } of incoming[id]!) queue.push(from.id);
    }
    for (const id of body) depths[id]!++;
  }
  return depths;
}
