/** Copies of functions, so that a pass may work in place while its caller keeps the original. */
import type { Edge, Insn, IrBlock, IrFunction, IrProgram, Terminator } from "./ir.ts";

export function cloneProgram(program: IrProgram): IrProgram {
  const { functions, further } = program;
  const parts = further?.parts.map((part) => part.map(cloneFunction));
  return {
    ...program,
    functions: functions.map(cloneFunction),
    further: further && parts && { map: further.map, parts },
  };
}

/** A deep copy, except for the spans, which are shared. */
export function cloneFunction(fn: IrFunction): IrFunction {
  return {
    ...fn,
    params: [...fn.params],
    blocks: fn.blocks.map((block) => block && cloneBlock(block)),
    slots: fn.slots.map((slot) => ({ ...slot })),
  };
}

function cloneBlock(block: IrBlock): IrBlock {
  return {
    id: block.id,
    params: [...block.params],
    insns: block.insns.map(cloneInsn),
    end: cloneEnd(block.end),
  };
}

export function cloneInsn(insn: Insn): Insn {
  switch (insn.op) {
    case "call":
    case "call-local":
      return { ...insn, args: [...insn.args] };
    case "lookup":
      return { ...insn, key: { ...insn.key } };
    default:
      return { ...insn };
  }
}

export function cloneEnd(end: Terminator): Terminator {
  switch (end.op) {
    case "jump":
      return { ...end, to: cloneEdge(end.to) };
    case "branch":
      return { ...end, then: cloneEdge(end.then), otherwise: cloneEdge(end.otherwise) };
    case "exit":
      return { ...end };
  }
}

function cloneEdge(edge: Edge): Edge {
  return { block: edge.block, args: [...edge.args] };
}
