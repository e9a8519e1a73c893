/** Keeps the graph small: merges blocks that always follow each other, and passes by those in which nothing happens. */
import { edges } from "../ir/builder.ts";
import { blockOf, liveBlocks, removeUnreachable, Shape } from "../ir/cfg.ts";
import { type BlockId, type Edge, type IrBlock, type IrFunction, isImm, type VReg } from "../ir/ir.ts";
import { forEachEndInput, forEachInput } from "../ir/operands.ts";
import { Replacements } from "./replace.ts";

export function tidyBlocks(fn: IrFunction, shape = new Shape(fn)): boolean {
  const blocks = liveBlocks(fn);
  const passed = [skipEmptyBlocks(fn, blocks), shareExits(blocks), dropPointlessBranches(blocks)].includes(true);
  if (passed) shape.changed();
  const removed = removeUnreachable(fn, shape);
  return mergeChains(fn, shape) || removed || passed;
}

/** An edge to a block that only jumps on leads to where that jump leads. */
function skipEmptyBlocks(fn: IrFunction, blocks: readonly IrBlock[]): boolean {
  const skippable = findSkippable(blocks);
  if (skippable.size === 0) return false;
  let changed = false;
  for (const { end } of blocks) {
    for (const edge of edges(end)) {
      if (!skippable.has(edge.block)) continue;
      // Blocks that jump in a circle have no end to skip to.
      for (const seen = new Set<BlockId>(); skippable.has(edge.block) && !seen.has(edge.block); changed = true) {
        seen.add(edge.block);
        const { params, end: on } = blockOf(fn, edge.block);
        if (on.op !== "jump") break;
        const args = new Map(params.map((param, i) => [param, edge.args[i]!]));
        edge.block = on.to.block;
        edge.args = on.to.args.map((arg) => args.get(arg) ?? arg);
      }
    }
  }
  return changed;
}

/** Blocks that do nothing but jump, and whose parameters nobody else uses. */
function findSkippable(blocks: readonly IrBlock[]): Set<BlockId> {
  const skippable = new Set<BlockId>();
  const owners = new Map<VReg, BlockId>();
  for (const { id, params, insns, end } of blocks) {
    if (id === 0 || insns.length > 0 || end.op !== "jump") continue;
    skippable.add(id);
    for (const param of params) owners.set(param, id);
  }
  if (owners.size === 0) return skippable;
  let current = 0;
  const use = (reg: VReg): void => {
    const owner = owners.get(reg);
    if (owner !== undefined && owner !== current) skippable.delete(owner);
  };
  for (const { id, insns, end } of blocks) {
    current = id;
    for (const insn of insns) forEachInput(insn, use);
    forEachEndInput(end, use);
  }
  return skippable;
}

/** One block for all places at which the program ends with the same constant. */
function shareExits(blocks: readonly IrBlock[]): boolean {
  const exits = new Map<bigint, BlockId>();
  const same = new Map<BlockId, BlockId>();
  for (const { id, params, insns, end } of blocks) {
    if (id === 0 || end.op !== "exit" || !isImm(end.value) || insns.length > 0 || params.length > 0) continue;
    const first = exits.get(end.value.imm);
    if (first === undefined) exits.set(end.value.imm, id);
    else same.set(id, first);
  }
  if (same.size === 0) return false;
  for (const { end } of blocks) {
    for (const edge of edges(end)) edge.block = same.get(edge.block) ?? edge.block;
  }
  return true;
}

function dropPointlessBranches(blocks: readonly IrBlock[]): boolean {
  let changed = false;
  for (const block of blocks) {
    const { end } = block;
    if (end.op !== "branch" || !sameEdge(end.then, end.otherwise)) continue;
    block.end = end.span ? { op: "jump", to: end.then, span: end.span } : { op: "jump", to: end.then };
    changed = true;
  }
  return changed;
}

function sameEdge(a: Edge, b: Edge): boolean {
  return a.block === b.block && a.args.every((arg, i) => arg === b.args[i]);
}

/** Appends a block to the only one that leads to it, if that leads nowhere else. */
function mergeChains(fn: IrFunction, shape: Shape): boolean {
  const { order, incoming } = shape;
  const replacements = new Replacements(fn);
  let changed = false;
  for (const { id } of order) {
    const block = fn.blocks[id];
    if (!block) continue;
    for (let next = follower(block); next; next = follower(block)) {
      const { args } = (block.end as Extract<IrBlock["end"], { op: "jump" }>).to;
      next.params.forEach((param, i) => {
        replacements.set(param, args[i]!);
      });
      for (const insn of next.insns) block.insns.push(insn);
      block.end = next.end;
      fn.blocks[next.id] = undefined;
      changed = true;
    }
  }
  replacements.apply(fn);
  if (changed) shape.changed();
  return changed;

  function follower({ id, end }: IrBlock): IrBlock | undefined {
    if (end.op !== "jump" || end.to.block === id) return undefined;
    return incoming[end.to.block]!.length === 1 ? blockOf(fn, end.to.block) : undefined;
  }
}
