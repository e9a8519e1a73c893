/**
 * Loops. The kernel's verifier goes through a plain loop round by round, and refuses one whose end it does not see. So:
 *
 * - `while` is a loop of jumps in which the kernel counts the rounds (may_goto), and ends it when there are millions. Numbers
 *   that change from round to round are forgotten, so that the verifier finds the second round equal to the first.
 * - `for`, and `while` on kernels that do not count, are run by the kernel, which calls a function of the program back:
 *   bpf_loop for ranges, bpf_for_each_map_elem for maps. The callback shares the caller's variables through a frame on the
 *   caller's stack: scalars lie in it while the loop runs, everything else is reached through a pointer in it.
 * - On kernels before 5.17 `while` is a plain loop, whose end the verifier must see. In a program of several parts, whose variables are in
 *   memory, it sees no such end: there the loop counts its rounds itself, and has as many as the verifier goes through.
 * - `unroll` is no loop at all, unless that would be too much code: then it is one like `for`.
 *
 *     frame = { variables..., context..., returned }
 *     helper(n | map, callback, &frame, 0)
 *     callback(...): read the scalars; body; write them back; return 0 to go on, 1 to stop
 */
import type { VReg } from "../ir/ir.ts";
import { placed, sizeOf } from "../sema/layout.ts";
import type { VariableInfo } from "../sema/typed.ts";
import { isAggregate, type Type } from "../sema/types.ts";
import type * as ast from "../syntax/ast.ts";
import { forEachChild, walk } from "../syntax/walk.ts";
import { aggregateNumberOf } from "./aggregates.ts";
import { branch, operand } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { at } from "./place.ts";
import { callsExit } from "./side-effects.ts";
import { statements } from "./statements.ts";

const NO_FLAGS = { imm: 0n };
const GO_ON = { imm: 0n };
const STOP = { imm: 1n };

/** A loop of one node in a program of one instruction would have so many rounds: the verifier gives up at 8,192 branches in a row. */
const ROUNDS_OF_A_NODE = 8;
const FEWEST_ROUNDS = 8;

/** bpf_loop refuses more rounds. */
const MAX_ROUNDS = 1n << 23n;

export function whileLoop(l: Lowering, node: ast.While): void {
  const { mayGoto, loop } = l.facts.features;
  if (!mayGoto && loop) {
    whileByCallback(l, node);
    return;
  }
  const { b } = l;
  const [head, body, after] = b.newBlocks(3);
  const counted = !mayGoto && l.program.divided ? { counter: {}, rounds: affordableRounds(l, node) } : undefined;
  if (counted) b.write(counted.counter, b.const(0));
  b.jump(head);
  b.enter(head);
  if (mayGoto) countRound(l, node, after);
  branch(l, node.condition, body, after);
  b.enterSealed(body);
  if (counted) countItself(l, counted, after);
  l.loops.push({ continueTo: head, breakTo: after, ...(counted && { rounds: counted.rounds }) });
  statements(l, node.body.statements);
  l.loops.pop();
  b.jump(head);
  b.seal(head);
  b.enterSealed(after);
}

/** At the head of a loop: leaves it when the kernel has had enough, and forgets what the rounds change. */
function countRound(l: Lowering, node: ast.While, after: number): void {
  const { b } = l;
  const [enough, goOn] = b.newBlocks(2);
  for (const [info, assigned] of capturedVariables(l, node)) {
    if (assigned && l.inRegister(info)) b.write(info, changing(l, info, b.read(info)));
  }
  const exhausted = b.define((dst) => ({ op: "exhausted", dst }));
  b.branch("ne", exhausted, { imm: 0n }, enough, goOn);
  b.enterSealed(enough);
  l.countFailure("endlessLoops");
  b.jump(after);
  b.enterSealed(goOn);
}

/** The same where the verifier does the counting, by going through each round: what it knows of the loop is this number only. */
function countItself(l: Lowering, { counter, rounds }: { counter: object; rounds: number }, after: number): void {
  const { b } = l;
  const [enough, goOn] = b.newBlocks(2);
  const count = b.read(counter);
  b.branch("ge", count, { imm: BigInt(rounds) }, enough, goOn);
  b.enterSealed(enough);
  l.countFailure("endlessLoops");
  b.jump(after);
  b.enterSealed(goOn);
  b.write(counter, b.add(count, 1));
}

/** As many rounds as the verifier has patience for; loops around this one and in it share it. */
function affordableRounds(l: Lowering, node: ast.While): number {
  const around = l.loops.reduce((product, { rounds = 1 }) => product * rounds, 1);
  const nodes = (ROUNDS_OF_A_NODE * l.environment.partSize) / around / l.unit.weights.of(node);
  return Math.max(FEWEST_ROUNDS, Math.floor(nodes ** (1 / whileDepth(node))));
}

function whileDepth(node: ast.Node): number {
  let below = 0;
  forEachChild(node, (child) => {
    below = Math.max(below, whileDepth(child));
  });
  return node.kind === "while" ? below + 1 : below;
}

/** A variable's value that another round may have changed. Of pointers the verifier must not forget what they lead to. */
function changing(l: Lowering, { type }: VariableInfo, value: VReg): VReg {
  return type.kind === "pointer" ? value : l.forget(value);
}

/** As many rounds as the kernel runs, of which the first that finds the condition false is the last. */
function whileByCallback(l: Lowering, node: ast.While): void {
  const { b } = l;
  const frame = new LoopFrame(l, node, []);
  const callback = frame.callback((child) => {
    const [body, stop] = child.b.newBlocks(2);
    branch(child, node.condition, body, stop);
    child.b.enterSealed(stop);
    child.b.jump(child.loops.at(-1)!.breakTo);
    child.b.enterSealed(body);
  }, 1);
  frame.run((address) => {
    const fn = b.define((dst) => ({ op: "func", dst, index: callback }));
    const rounds = b.call("loop", [{ imm: MAX_ROUNDS }, fn, address, NO_FLAGS]);
    l.when("eq", rounds, { imm: MAX_ROUNDS }, () => l.countFailure("endlessLoops"));
  });
}

/** An `unroll` that would be too much code: as many rounds of a loop. */
export function unrollLoop(l: Lowering, node: ast.Unroll, rounds: number): void {
  const frame = new LoopFrame(l, node, []);
  const callback = frame.callback(() => {}, 1);
  frame.run((address) => {
    const fn = l.b.define((dst) => ({ op: "func", dst, index: callback }));
    l.b.call("loop", [{ imm: BigInt(rounds) }, fn, address, NO_FLAGS]);
  });
}

export function forLoop(l: Lowering, node: ast.For): void {
  if (node.over.kind === "range") rangeLoop(l, node, node.over);
  else mapLoop(l, node, node.over);
}

/** for ($i : start..end): the callback gets the number of the round. */
function rangeLoop(l: Lowering, node: ast.For, range: ast.Range): void {
  const { b } = l;
  const start = operand(l, range.start);
  const first = l.reckoned(typeof start === "object" ? b.const(start.imm) : start);
  const end = operand(l, range.end);
  const last = l.reckoned(typeof end === "object" ? b.const(end.imm) : end);
  const rounds = l.choose(
    "sgt",
    last,
    first,
    () => b.alu("sub", last, first),
    () => b.const(0),
  );
  const bounded = l.choose(
    "lt",
    rounds,
    { imm: MAX_ROUNDS },
    () => rounds,
    () => b.const(MAX_ROUNDS),
  );
  const frame = new LoopFrame(l, node, [first]);
  const callback = frame.callback((child, extra) => {
    const [index] = child.b.function.params;
    child.writeVariable(child.variable(node.variable), child.b.alu("add", index!, extra[0]!));
  }, 1);
  frame.run((address) => {
    const fn = b.define((dst) => ({ op: "func", dst, index: callback }));
    b.call("loop", [bounded, fn, address, NO_FLAGS]);
  });
}

/** for ($kv : @map): the callback gets the map and the addresses of key and value. */
function mapLoop(l: Lowering, node: ast.For, over: ast.MapName): void {
  const map = l.plan.map(over.name);
  if (map.storage.kind !== "hash") throw new Error(`${over.name} has no keys`);
  const kernelMap = map.storage.map;
  const frame = new LoopFrame(l, node, []);
  const callback = frame.callback((child) => {
    const [, key, value] = child.b.function.params;
    const info = child.variable(node.variable);
    const [keyType, valueType] = (info.type as Extract<Type, { kind: "tuple" }>).elements as [Type, Type];
    const target = child.variablePlace(info);
    const { offsets } = placed([keyType, valueType]);
    child.zeroPadding(
      target,
      [keyType, valueType].map((type, i) => ({ offset: offsets[i]!, size: sizeOf(type) })),
      sizeOf(info.type),
    );
    child.copy({ base: key!, offset: 0, space: "bpf" }, at(target, offsets[0]!), sizeOf(keyType));
    const to = at(target, offsets[1]!);
    if (isAggregate(map.info.value)) child.write(to, valueType, aggregateNumberOf(child, map, key!));
    else child.copy({ base: value!, offset: 0, space: "bpf" }, to, sizeOf(valueType));
  }, 3);
  frame.run((address) => {
    const fn = l.b.define((dst) => ({ op: "func", dst, index: callback }));
    l.b.call("for_each_map_elem", [l.mapReference(kernelMap), fn, address, NO_FLAGS]);
  });
}

type Loop = ast.For | ast.While | ast.Unroll;

interface Captured {
  info: VariableInfo;
  offset: number;
  assigned: boolean;
}

/** What a loop's body shares with the function around it. */
class LoopFrame {
  readonly #l: Lowering;
  readonly #node: Loop;
  readonly #scalars: Captured[] = [];
  readonly #pointers: Captured[] = [];
  /** Registers of the caller that the body needs and never changes: [register, offset]. */
  readonly #constants: [register: VReg, offset: number][] = [];
  readonly #slot: number;
  readonly #size: number;
  #returned = -1;

  constructor(l: Lowering, node: Loop, extra: VReg[]) {
    this.#l = l;
    this.#node = node;
    let offset = 0;
    const next = () => {
      offset += 8;
      return offset - 8;
    };
    for (const [info, assigned] of capturedVariables(l, node)) {
      const list = l.inRegister(info) ? this.#scalars : this.#pointers;
      list.push({ info, offset: next(), assigned });
    }
    const registers = [...extra, ...callerRegisters(l)];
    for (const register of registers) this.#constants.push([register, next()]);
    if (returns(node)) this.#returned = next();
    this.#size = Math.max(8, offset);
    this.#slot = l.b.slot(this.#size, "loop frame");
  }

  /** Builds the callback; `bind` gives the loop variable its value. Answers the function's index. */
  callback(bind: (child: Lowering, extra: VReg[]) => void, frameParameter: number): number {
    const parent = this.#l;
    const child = parent.callback();
    const index = parent.functions.indexOf(child.b);
    const { b } = child;
    const frame = b.function.params[frameParameter]!;
    const extra = this.#constants.map(([, offset]) => b.load(frame, offset, 8));
    restoreRegisters(parent, child, extra);
    for (const { info, offset, assigned } of this.#scalars) {
      const value = b.load(frame, offset, 8);
      b.write(info, assigned ? changing(child, info, value) : value);
    }
    for (const { info, offset } of this.#pointers) {
      const home = parent.homeOf(info);
      child.adoptVariable(info, home && "map" in home ? home : { pointer: frame, offset });
    }
    const [goOn, stop, returned] = [b.newBlock(), b.newBlock(), b.newBlock()];
    child.end = returned;
    child.loops.push({ continueTo: goOn, breakTo: stop });
    bind(child, extra);
    statements(child, this.#node.body.statements);
    b.jump(goOn);
    b.enterSealed(goOn);
    this.#writeBack(child, frame);
    b.exit(GO_ON);
    b.enterSealed(returned);
    if (b.reached(returned)) {
      b.store(frame, this.#returned, 8, { imm: 1n });
      b.jump(stop);
    } else b.exit(STOP);
    b.enterSealed(stop);
    if (b.reached(stop)) this.#writeBack(child, frame);
    b.exit(STOP);
    return index;
  }

  /** Fills the frame, calls the helper, and takes over what the body changed. */
  run(call: (frame: VReg) => void): void {
    const l = this.#l;
    const { b } = l;
    const frame = b.slotAddress(this.#slot);
    for (const { info, offset } of this.#scalars) b.store(frame, offset, 8, b.read(info));
    for (const { info, offset } of this.#pointers) {
      const home = l.homeOf(info);
      if (!home || !("map" in home)) b.store(frame, offset, 8, l.address(l.variablePlace(info)));
    }
    for (const [register, offset] of this.#constants) b.store(frame, offset, 8, register);
    if (this.#returned >= 0) b.store(frame, this.#returned, 8, { imm: 0n });
    call(frame);
    for (const { info, offset, assigned } of this.#scalars) {
      if (assigned) b.write(info, b.load(b.slotAddress(this.#slot), offset, 8));
    }
    const returned = this.#returned < 0 ? undefined : b.load(b.slotAddress(this.#slot), this.#returned, 8);
    l.settle(this.#slot, this.#size);
    if (returned === undefined) return;
    const after = b.newBlock();
    b.branch("ne", returned, { imm: 0n }, l.end, after);
    b.enterSealed(after);
  }

  #writeBack(child: Lowering, frame: VReg): void {
    for (const { info, offset, assigned } of this.#scalars) {
      if (assigned) child.b.store(frame, offset, 8, child.b.read(info));
    }
  }
}

/** The parts of a loop that are run in each round. */
function repeated(node: Loop): ast.Node[] {
  return node.kind === "while" ? [node.condition, node.body] : [node.body];
}

/** Variables of a loop that were declared before it, and whether it assigns them. */
function capturedVariables(l: Lowering, node: Loop): Map<VariableInfo, boolean> {
  // What a `comptime` condition leaves out was not resolved.
  const { variables } = l.unit;
  const inside = new Set<ast.Node>(node.kind === "for" ? [node.variable] : []);
  const used = new Set<VariableInfo>();
  const assigned = new Set<VariableInfo | undefined>();
  const visit = (child: ast.Node): void => {
    if (child.kind === "variable") {
      inside.add(child);
      const info = variables.get(child);
      if (info) used.add(info);
    }
    const target = assignedBy(child);
    if (target?.kind === "variable") assigned.add(variables.get(target));
  };
  for (const part of repeated(node)) walk(part, visit);
  const captured = new Map<VariableInfo, boolean>();
  for (const info of used) if (!inside.has(info.declaration)) captured.set(info, assigned.has(info));
  return captured;
}

function assignedBy(node: ast.Node): ast.Node | undefined {
  if (node.kind === "assignment" || node.kind === "increment") return node.target;
  // find(@x, key, $value)
  return node.kind === "call" ? node.args[2] : undefined;
}

/** What the context of the event gave the calling function. */
function callerRegisters(l: Lowering): VReg[] {
  const { syscall, probeId } = l;
  const registers = [l.context];
  if (syscall) registers.push(syscall.number, syscall.registers);
  if (syscall?.result !== undefined) registers.push(syscall.result);
  if (probeId !== undefined) registers.push(probeId);
  if (l.program.slots) registers.push(l.claimed);
  if (l.result !== undefined) registers.push(l.result);
  return registers;
}

/** The same in the callback, in the same order; they are the last of `loaded`. */
function restoreRegisters(parent: Lowering, child: Lowering, loaded: readonly VReg[]): void {
  const registers = loaded.slice(loaded.length - callerRegisters(parent).length);
  const take = (): VReg => registers.shift()!;
  child.context = take();
  if (parent.syscall) {
    const number = take();
    const saved = take();
    child.syscall = { number, registers: saved, result: parent.syscall.result === undefined ? undefined : take() };
  }
  if (parent.probeId !== undefined) child.probeId = take();
  if (parent.program.slots) child.claimed = take();
  if (parent.result !== undefined) child.result = take();
}

/** Whether a loop may leave the probe. */
function returns(loop: Loop): boolean {
  let found = repeated(loop).some(callsExit);
  const visit = (node: ast.Node): void => {
    if (node.kind === "return") found = true;
  };
  for (const part of repeated(loop)) walk(part, visit);
  return found;
}
