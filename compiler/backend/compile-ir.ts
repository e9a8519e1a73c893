/**
 * From IR to byte code, one stage a line. The program that comes in is left as it is.
 */
import { type Assembled, assemble } from "../asm/assemble.ts";
import type { Instruction, Label } from "../asm/instructions.ts";
import { programBtf } from "../asm/program-btf.ts";
import { liveBlocks, loopDepths, Shape } from "../ir/cfg.ts";
import type { IrFunction, IrProgram } from "../ir/ir.ts";
import type { Features } from "../kernel-facts.ts";
import type { ProgramBtf, Relocation } from "../program.ts";
import type { Span } from "../source.ts";
import { splitEdges } from "./edges.ts";
import { type Allocated, emitFunction, functionLabel } from "./emit.ts";
import type { GenerateError } from "./errors.ts";
import { layOutFrame, STACK_LIMIT } from "./frame.ts";
import { analyseLiveness } from "./intervals.ts";
import { layout } from "./layout.ts";
import { legalise } from "./legalise.ts";
import { allocateRegisters } from "./linear-scan.ts";
import { placeRecipes } from "./recipes.ts";
import { resolveMoves } from "./resolve.ts";

/** One program of the kernel, its entry first. */
type Functions = Pick<IrProgram, "functions">;

export type BackendFeatures = Pick<Features, "cpuV4">;

export interface Generated {
  ok: true;
  code: Uint8Array;
  relocations: Relocation[];
  lines: { slot: number; span: Span }[];
  /** Needed to load programs that hand functions to helpers. */
  btf: ProgramBtf | undefined;
  /** Bytes of stack of the deepest chain of calls. */
  stack: number;
}

/**
 * Byte code for all functions of a program, or the limit of eBPF that it exceeds. A feature is asked for when it matters only,
 * since the host has to try the kernel out to know.
 */
export function compileIr(
  program: Functions,
  features: BackendFeatures,
): Generated | { ok: false; error: GenerateError } {
  const calls = callGraph(program);
  const called = [...calls.keys()].sort((a, b) => a - b);
  const allocated = new Map(called.map((index) => [index, allocate(program.functions[index]!, features)]));
  const { stack, frames, innermost } = deepestCalls(allocated, calls);
  if (frames > MAX_FRAMES) {
    return { ok: false, error: { code: "calls-too-deep", frames, limit: MAX_FRAMES, span: firstSpan(innermost) } };
  }
  if (stack > STACK_LIMIT) return { ok: false, error: overflow(allocated, stack) };
  const instructions: Instruction[] = [];
  for (const [index, fn] of allocated) {
    for (const insn of emitFunction(fn, index, features)) instructions.push(insn);
  }
  const assembled = assemble(instructions, {
    get longJumps() {
      return features.cpuV4;
    },
  });
  if (!assembled.ok) return assembled;
  const { code, relocations, lines, labels } = assembled;
  const crowd = tooManyMaps(assembled);
  if (crowd) return { ok: false, error: crowd };
  const btf = passesFunctions(program) ? describeFunctions(allocated, labels) : undefined;
  return { ok: true, code, relocations, lines, btf, stack };
}

/** Decides where every value lives, in a function of its own making. */
export function allocate(program: IrFunction, features: BackendFeatures): Allocated {
  const fn = legalise(program, features);
  splitEdges(fn);
  const shape = new Shape(fn);
  const known = placeRecipes(fn, shape);
  const depths = loopDepths(fn, shape);
  const order = layout(fn, shape, depths);
  const liveness = analyseLiveness(fn, shape, order, known);
  allocateRegisters(liveness, depths);
  const resolution = resolveMoves(fn, shape, liveness);
  const frame = layOutFrame(fn, shape, liveness, resolution);
  return { fn, liveness, resolution, frame };
}

/** Functions that a function calls, itself or through a helper. */
function callees(fn: IrFunction): number[] {
  const indices = new Set<number>();
  for (const { insns } of liveBlocks(fn)) {
    for (const insn of insns) if (insn.op === "func" || insn.op === "call-local") indices.add(insn.index);
  }
  return [...indices];
}

type CallGraph = ReadonlyMap<number, readonly number[]>;

/** What the entry calls, and whatever is called calls; the verifier refuses code that nobody calls. */
function callGraph({ functions }: Functions): CallGraph {
  const calls = new Map<number, number[]>();
  const waiting = [0];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    if (calls.has(index)) continue;
    const below = functions.length === 1 ? [] : callees(functions[index]!);
    calls.set(index, below);
    waiting.push(...below);
  }
  return calls;
}

function passesFunctions(program: Functions): boolean {
  if (program.functions.length === 1) return false;
  return program.functions.some((fn) => liveBlocks(fn).some(({ insns }) => insns.some((insn) => insn.op === "func")));
}

function describeFunctions(allocated: ReadonlyMap<number, Allocated>, labels: ReadonlyMap<Label, number>): ProgramBtf {
  return programBtf(
    [...allocated].map(([index, { fn }]) => ({
      name: fn.name.replace(/\W/g, "_"),
      params: fn.params.length,
      slot: labels.get(functionLabel(index))!,
    })),
  );
}

interface Depth {
  stack: number;
  frames: number;
  /** Where the chain with the most frames ends. */
  innermost: IrFunction;
}

/** The deepest chain of calls, counted as the verifier does: every frame takes a multiple of 32 bytes. */
function deepestCalls(allocated: ReadonlyMap<number, Allocated>, calls: CallGraph): Depth {
  const depths = new Map<number, Depth>();
  const depthOf = (index: number, callers: readonly number[]): Depth => {
    const known = depths.get(index);
    if (known !== undefined) return known;
    const { fn, frame } = allocated.get(index)!;
    if (callers.includes(index)) throw new Error(`${fn.name} calls itself`);
    const depth = { stack: 0, frames: 0, innermost: fn };
    const below = calls.get(index)!.map((callee) => depthOf(callee, [...callers, index]));
    for (const { stack, frames, innermost } of below) {
      depth.stack = Math.max(depth.stack, stack);
      if (frames > depth.frames) Object.assign(depth, { frames, innermost });
    }
    depth.stack += Math.max(32, Math.ceil(frame.size / 32) * 32);
    depth.frames++;
    depths.set(index, depth);
    return depth;
  };
  return depthOf(0, []);
}

/** The kernel's limits for one program: functions that call one another, and different maps. */
const MAX_FRAMES = 8;
const MAX_MAPS = 64;

function firstSpan(fn: IrFunction): Span | undefined {
  for (const { insns } of liveBlocks(fn)) for (const { span } of insns) if (span) return span;
  return undefined;
}

function tooManyMaps({ relocations, lines }: Assembled): GenerateError | undefined {
  const maps = new Set<number>();
  let span: Span | undefined;
  for (const relocation of relocations) {
    if (relocation.kind === "constant" || maps.has(relocation.map)) continue;
    maps.add(relocation.map);
    if (maps.size === MAX_MAPS + 1) span = lines.findLast(({ slot }) => slot <= relocation.slot)?.span;
  }
  return maps.size > MAX_MAPS ? { code: "too-many-maps", maps: maps.size, limit: MAX_MAPS, span } : undefined;
}

function overflow(allocated: ReadonlyMap<number, Allocated>, used: number): GenerateError {
  const frames = [...allocated.values()].map(({ frame }) => frame).sort((a, b) => b.size - a.size);
  const contents = frames.flatMap((frame) => frame.contents).sort((a, b) => b.size - a.size);
  return { code: "stack-overflow", used, limit: STACK_LIMIT, contents, span: frames[0]!.span };
}
