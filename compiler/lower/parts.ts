/**
 * A program that is too large for the kernel is lowered as several, each of which ends by a tail call of the next. The kernel
 * limits one program's instructions, jumps, maps and branches; a tail call keeps the context, so that a part looks at its event as
 * if it were alone, and only what the script itself keeps has to be in memory:
 *
 *     part 0: filters; statements...; if (!$flag) goto next; statements...; next: tail_call(ctx, parts, 1)
 *     part 1: if (!$flag) goto next; statements...; next: tail_call(ctx, parts, 2)
 *     ...
 *
 * The border between two parts lies between statements, at any depth of `if`: whether the branch is taken is written down as a
 * flag that each part tests anew. A loop is never divided.
 */
import type { IrFunction, VReg } from "../ir/ir.ts";
import { truth } from "../sema/constants.ts";
import type { Unit } from "../sema/typed.ts";
import type * as ast from "../syntax/ast.ts";
import { walk } from "../syntax/walk.ts";

import { branch, effect } from "./expressions.ts";
import type { Region } from "./groups.ts";
import type { Home, Lowering, LoweringEnvironment } from "./lowering.ts";
import type { Plan } from "./plan.ts";
import { claimSlot, findSlot, releaseSlot } from "./slots.ts";
import { statements } from "./statements.ts";

/** Instructions, as lowering makes them, behind which a part ends. */
export const PART_SIZE = 4500;

/** The kernel runs so many programs one behind the other. */
export const MAX_PARTS = 33;

/** Nodes that become fewer instructions than a part has, whatever they are; and nodes of an `if` that is not divided. */
const weightOf = (partSize: number): number => partSize / 3;
const smallIf = (partSize: number): number => partSize / 30;

/** The kernel takes 64 maps, of which some are not the script's. */
const MAX_MAPS = 48;
const MAX_MAPS_OF_IF = 16;

/** Whether blocks that share a program are too large for one of the kernel. */
export function mustBeDivided(units: readonly Unit[], { plan, partSize }: LoweringEnvironment): boolean {
  const weight = units.reduce((sum, { block, weights }) => sum + weights.of(block), 0);
  if (weight > weightOf(partSize)) return true;
  return union(units.map(({ block }) => mapsOf(block, plan))).size > MAX_MAPS;
}

/** The kernel's maps that the script's maps in a piece of it are. */
function mapsOf(node: ast.Node, plan: Plan): Set<number> {
  const maps = new Set<number>();
  walk(node, (child) => {
    if (child.kind === "map") for (const map of plan.kernelMap(child.name)) maps.add(map);
  });
  return maps;
}

function union(sets: readonly ReadonlySet<number>[]): Set<number> {
  return new Set(sets.flatMap((set) => [...set]));
}

/** One program of the kernel. */
interface Part {
  l: Lowering;
  /** Where it is left for good: what was claimed is given back. */
  done: number;
  leave: number;
  /** With slots: the block that looks for one, and the one behind it. */
  claim: number;
  body: number;
}

/** An `if` around what is being lowered: whether the flag that was written down must be 1 or 0. */
interface Guard {
  flag: Home;
  value: bigint;
  /** Behind the branch, in the current part. */
  after: number;
}

export interface PartsOptions {
  /** Takes from the context what parts need to know of their event. */
  enter(l: Lowering): void;
  /** The same for a block of the script. */
  enterRegion(l: Lowering, region: Region): void;
}

export class Parts {
  readonly #options: PartsOptions;
  readonly #parts: Part[] = [];
  readonly #guards: Guard[] = [];
  /** The kernel's maps that the current part uses. */
  #maps = new Set<number>();
  /** The array of programs, where there are several. */
  #array: number | undefined;
  #region: { region: Region; isLast: boolean; behind: { imm: bigint } } | undefined;

  /** `l` has lowered the filters, which lead to `leave`. */
  constructor(l: Lowering, leave: number, options: PartsOptions) {
    this.#options = options;
    this.#open(l, leave);
  }

  /** What is lowered now belongs to this part. */
  get l(): Lowering {
    return this.#parts.at(-1)!.l;
  }

  /** A block of the script; `begin` lowers what stands before its statements, and may leave for the region's end. */
  region(region: Region, isLast: boolean, begin: (l: Lowering, after: number) => void): void {
    const { l } = this;
    const first = this.#parts.length;
    // Where a part leads that leaves the region before the next one begins.
    const behind = { imm: 0n };
    this.#region = { region, isLast, behind };
    begin(l, l.b.newBlock());
    this.#statements(region.unit.block.body.statements);
    const { b, end } = this.l;
    b.jump(end);
    b.enterSealed(end);
    this.#region = undefined;
    if (this.#parts.length === first || isLast) return;
    this.#cut();
    behind.imm = BigInt(this.#parts.length - 1);
  }

  /** Ends all parts. Answers their functions, those of the entry first, and the array through which they call each other. */
  finish(): { parts: IrFunction[][]; array: number | undefined } {
    this.l.b.jump(this.#parts.at(-1)!.done);
    if (this.#array !== undefined) this.l.plan.maps[this.#array]!.maxEntries = this.#parts.length;
    return { parts: this.#parts.map((part, i) => finishPart(part, i === 0)), array: this.#array };
  }

  #open(l: Lowering, leave: number): void {
    const { b } = l;
    if (!l.program.slots) {
      this.#parts.push({ l, done: leave, leave, claim: -1, body: -1 });
      return;
    }
    const [claim, body, done] = b.newBlocks(3);
    this.#parts.push({ l, done, leave, claim, body });
    b.jump(claim);
    b.enter(body);
  }

  // Statements

  #statements(list: readonly ast.Statement[]): void {
    if (!this.l.program.divided) {
      statements(this.l, list);
      return;
    }
    for (const node of list) {
      if (this.l.b.ended) return;
      this.l.b.span = node.span;
      this.#statement(node);
    }
  }

  #statement(node: ast.Statement): void {
    if (node.kind === "if" && this.#isLarge(node)) this.#if(node);
    else if (node.kind === "block") this.#statements(node.statements);
    else if (node.kind === "expression-statement" && node.expression.kind === "block-expression") {
      this.#statements(node.expression.statements);
      if (node.expression.value && !this.l.b.ended) effect(this.l, node.expression.value);
    } else {
      this.#makeRoom(node);
      this.l.beginStatement();
      statements(this.l, [node]);
    }
  }

  #isLarge(node: ast.Node): boolean {
    const { plan, partSize } = this.l.environment;
    return this.l.unit.weights.of(node) > smallIf(partSize) || mapsOf(node, plan).size > MAX_MAPS_OF_IF;
  }

  // flag = condition; if (flag) then...; if (!flag) otherwise...
  #if({ condition, then, otherwise }: ast.If): void {
    const chosen = condition.kind === "comptime" ? truth(this.l.type(condition)) : undefined;
    if (chosen !== undefined) {
      this.#statements((chosen ? then : otherwise)?.statements ?? []);
      return;
    }
    this.#makeRoom(condition);
    const { l } = this;
    const { b } = l;
    const flag = l.scratchHome(8);
    const [yes, no, known] = b.newBlocks(3);
    branch(l, condition, yes, no);
    for (const [block, value] of [
      [yes, 1n],
      [no, 0n],
    ] as const) {
      b.enterSealed(block);
      this.#writeFlag(flag, value);
      b.jump(known);
    }
    b.enterSealed(known);
    this.#guarded({ flag, value: 1n, after: -1 }, then.statements);
    if (otherwise) this.#guarded({ flag, value: 0n, after: -1 }, otherwise.statements);
  }

  #writeFlag(flag: Home, value: bigint): void {
    const { base, offset } = this.l.placeOf(flag);
    this.l.b.store(base, offset, 8, { imm: value });
  }

  #guarded(guard: Guard, list: readonly ast.Statement[]): void {
    this.#guards.push(guard);
    this.#test(guard);
    this.#statements(list);
    this.#guards.pop();
    this.l.b.jump(guard.after);
    this.l.b.enterSealed(guard.after);
  }

  #test(guard: Guard): void {
    const { l } = this;
    const { base, offset } = l.placeOf(guard.flag);
    const [inside, after] = l.b.newBlocks(2);
    guard.after = after;
    l.b.branch("eq", l.b.load(base, offset, 8), { imm: guard.value }, inside, after);
    l.b.enterSealed(inside);
  }

  // Borders

  /** Goes over to the next part if the current one is full, or would have too many maps. */
  #makeRoom(node: ast.Node): void {
    const { l } = this;
    const maps = mapsOf(node, l.plan);
    if (l.isDivisible && (l.size > l.environment.partSize || union([this.#maps, maps]).size > MAX_MAPS)) this.#cut();
    for (const map of maps) this.#maps.add(map);
  }

  #cut(): void {
    const { l } = this;
    const { b } = l;
    this.#array ??= l.plan.programArray();
    const next = b.newBlock();
    b.jump(next);
    for (const { after } of this.#guards.toReversed()) {
      b.enterSealed(after);
      b.jump(next);
    }
    b.enterSealed(next);
    this.#goTo({ imm: BigInt(this.#parts.length) });
    if (this.#region) this.#leaveRegion(this.#region);
    this.#goOn(l);
  }

  /** What a `return`, or a predicate that is false, leads to in a part in which the region does not end. */
  #leaveRegion({ isLast, behind }: { isLast: boolean; behind: { imm: bigint } }): void {
    const { b, end } = this.l;
    b.enterSealed(end);
    if (isLast) b.jump(this.#parts.at(-1)!.done);
    else this.#goTo(behind);
  }

  /** Ends the current block with a call that does not come back, unless it fails. */
  #goTo(index: { imm: bigint }): void {
    const { l } = this;
    l.b.call("tail_call", [l.context, l.mapReference(this.#array!), index]);
    l.countFailure("lostEvents");
    l.b.jump(this.#parts.at(-1)!.done);
  }

  #goOn(before: Lowering): void {
    const l = before.part();
    const leave = l.b.newBlock();
    l.b.span = before.b.span;
    this.#options.enter(l);
    this.#open(l, leave);
    this.#maps = new Set();
    if (this.#region) {
      this.#options.enterRegion(l, this.#region.region);
      l.end = l.b.newBlock();
    }
    for (const guard of this.#guards) this.#test(guard);
  }
}

function finishPart({ l, done, leave, claim, body }: Part, isFirst: boolean): IrFunction[] {
  const { b, program } = l;
  if (program.slots) {
    b.enterSealed(done);
    releaseSlot(l, program.slots);
    b.jump(leave);
    b.enterSealed(claim);
    (isFirst ? claimSlot : findSlot)(l, program.slots, { body, leave });
    b.seal(body);
  }
  b.enterSealed(leave);
  b.exit(result(l));
  return l.finish();
}

function result({ b, result: address }: Lowering): VReg | { imm: bigint } {
  return address === undefined ? { imm: 0n } : b.load(address, 0, 8);
}
