/**
 * Gives every edge a place where moves can be put: afterwards only jumps carry arguments, and both edges of a branch
 * lead to blocks that nobody else leads to.
 */
import { edges } from "../ir/builder.ts";
import { liveBlocks } from "../ir/cfg.ts";
import type { Edge, IrBlock, IrFunction } from "../ir/ir.ts";

/** In place. The blocks that are added hold a jump only and vanish again when nothing is moved in them. */
export function splitEdges(fn: IrFunction): void {
  const entries = new Int32Array(fn.blocks.length);
  const blocks = liveBlocks(fn);
  for (const { end } of blocks) for (const { block } of edges(end)) entries[block]!++;
  for (const block of blocks) {
    const { end } = block;
    if (end.op !== "branch") continue;
    for (const edge of [end.then, end.otherwise]) {
      if (edge.args.length > 0 || entries[edge.block]! > 1) insertBlock(fn, edge, end.span);
    }
  }
}

function insertBlock(fn: IrFunction, edge: Edge, span: IrBlock["end"]["span"]): void {
  const id = fn.blocks.length;
  const to: Edge = { block: edge.block, args: edge.args };
  fn.blocks.push({ id, params: [], insns: [], end: span ? { op: "jump", to, span } : { op: "jump", to } });
  edge.block = id;
  edge.args = [];
}
