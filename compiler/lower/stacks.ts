/**
 * Stacks. A program lets the kernel write the frames into memory of its own, makes a number of them, and keeps them under
 * that number in a hash; what the script handles is the number. Equal stacks have equal numbers, so that they are equal
 * as keys, and two that differ share one of 2^63 numbers about as often as hardware fails.
 *
 *     n = get_stack(ctx, frames, size, flags)
 *     if (n < 0) value = { n, 0, pid }
 *     else { id = mixed(frames[0 .. n]); if (!lookup(id)) update(id, frames); value = { id, n / frame, pid } }
 */
import type { VReg } from "../ir/ir.ts";
import { isSince, type KernelFacts } from "../kernel-facts.ts";
import { frameSize, type StackMode } from "../program.ts";
import type { ProbeEvent } from "../sema/providers/provider.ts";
import type { Lowering } from "./lowering.ts";
import { mix } from "./mix.ts";
import { at, type Place } from "./place.ts";
import { register, registers } from "./registers.ts";
import { countRounds } from "./rounds.ts";
import { tell } from "./runtime-errors.ts";
import { visibleTask } from "./task.ts";
import { STATE, unwind } from "./unwind.ts";

const BPF_F_USER_STACK = 1 << 8;
const BPF_F_USER_BUILD_ID = 1 << 11;
const ENOENT = 2;

export interface Stack {
  kind: "kstack" | "ustack";
  mode: StackMode;
  limit: number;
}

/** Offsets in the value; see ValueLayout. */
const ID = 0;
const FRAMES = 8;
const PROCESS = 12;

/** `unwound`: by what files say of their functions, and not by frame pointers. */
export function takeStack(l: Lowering, stack: Stack, to: Place, unwound: boolean): void {
  const { b } = l;
  if (stack.limit === 0) {
    b.store(to.base, to.offset + ID, 8, { imm: 0n });
    b.store(to.base, to.offset + FRAMES, 8, { imm: 0n });
    return;
  }
  const frames = l.scratch(stack.limit * frameSize(stack.mode));
  const { bytes, hash } = unwound ? unwoundFrames(l, stack, frames) : kernelFrames(l, stack, frames);
  const count = {};
  const id = l.choose(
    "slt",
    bytes,
    { imm: 0n },
    () => {
      b.write(count, b.const(0));
      return bytes;
    },
    () => {
      b.write(count, b.alu("rsh", bytes, { imm: BigInt(Math.log2(frameSize(stack.mode))) }));
      return keep(l, stack, frames, bytes, hash());
    },
  );
  b.store(to.base, to.offset + ID, 8, id);
  b.store(to.base, to.offset + FRAMES, 4, b.read(count));
  b.store(to.base, to.offset + PROCESS, 4, stack.kind === "ustack" ? visibleTask(l).process : { imm: 0n });
}

/** Frames that were written: their size in bytes, or the error, and the number that is made of them. */
interface Frames {
  bytes: VReg;
  hash(): VReg;
}

/** Has the kernel write them. */
function kernelFrames(l: Lowering, stack: Stack, frames: Place): Frames {
  const { b } = l;
  const size = stack.limit * frameSize(stack.mode);
  const flags = stack.kind === "kstack" ? 0 : BPF_F_USER_STACK | (stack.mode === "build_id" ? BPF_F_USER_BUILD_ID : 0);
  const take = (from: number): VReg =>
    b.call("get_stack", [l.context, l.address(at(frames, from)), { imm: BigInt(size - from) }, { imm: BigInt(flags) }]);
  const withoutCaller = flags === BPF_F_USER_STACK && stack.limit > 1 && missesCaller(l.probe.event, l.facts);
  const bytes = withoutCaller ? withCaller(l, frames, take) : take(0);
  return { bytes, hash: () => mixed(l, frames, bytes, size) };
}

/** The same by the program itself. */
function unwoundFrames(l: Lowering, stack: Stack, frames: Place): Frames {
  const state = l.scratch(STATE.size);
  const bytes = unwind(l, { state, frames, limit: stack.limit }, () => {
    tell(l, "no-unwind-data");
    return l.b.const(-ENOENT);
  });
  return { bytes, hash: () => l.b.load(state.base, state.offset + STATE.hash, 8) };
}

/**
 * Whether the kernel leaves the caller out of a process's stack: before 6.12 it takes a function for entered that has not yet put its
 * caller's frame where stacks are walked.
 */
export function missesCaller(event: ProbeEvent, facts: KernelFacts): boolean {
  return event.kind === "uprobe" && event.entry && !event.returns && facts.arch === "x64" && !isSince(facts, 6, 12);
}

// n = take(8); if (n > 0) { frames[0] = frames[1]; frames[1] = *sp; n += 8 }
function withCaller(l: Lowering, frames: Place, take: (at: number) => VReg): VReg {
  const { b } = l;
  const taken = take(8);
  return l.choose(
    "sgt",
    taken,
    { imm: 0n },
    () => {
      b.store(frames.base, frames.offset, 8, b.load(frames.base, frames.offset + 8, 8));
      const top = register(l, registers(l).stack);
      b.call("probe_read_user", [l.address(at(frames, 8)), { imm: 8n }, top]);
      return b.alu("add", taken, { imm: 8n });
    },
    () => taken,
  );
}

/** The depth of a stack that lies in memory. */
export function stackDepth(l: Lowering, stack: Place): VReg {
  return l.b.load(stack.base, stack.offset + FRAMES, 4);
}

/** Keeps the frames, of which `hash` was made, and answers their number. */
function keep(l: Lowering, stack: Stack, frames: Place, bytes: VReg, hash: VReg): VReg {
  const { b } = l;
  const map = l.plan.stackMap(stack);
  // Stacks of which one is the beginning of the other differ by their length. The sign is for errors.
  const id = b.alu("rsh", mix(l.b, hash, bytes), { imm: 1n });
  const known = b.define((dst) => ({ op: "lookup", dst, map, key: { value: id, size: 8 } }));
  l.when("eq", known, { imm: 0n }, () => {
    const key = l.slot(8, "stack id");
    b.store(key.base, key.offset, 8, id);
    const any = { imm: 0n };
    const result = b.call("map_update_elem", [l.mapReference(map), l.address(key), l.address(frames), any]);
    l.when("ne", result, { imm: 0n }, () => l.countRefusal("stacks", result));
  });
  return id;
}

// h = 0; for (at = 0; at < size && at < bytes; at += 8) h = mix(h, frames[at])
//
// What a verifier that does not know the position takes for an offset between two frames is in the slack behind them.
function mixed(l: Lowering, frames: Place, bytes: VReg, size: number): VReg {
  const { b } = l;
  const hash = {};
  const position = {};
  const [head, inside, body, done] = [b.newBlock(), b.newBlock(), b.newBlock(), b.newBlock()];
  b.write(hash, b.const(0));
  b.write(position, b.const(0));
  b.jump(head);
  b.enter(head);
  countRounds(l.facts, b, { most: size / 8, changed: [position], done });
  // Older verifiers go on where `bytes` would have to be larger than it can be; that the constant is reached they see.
  b.branch("lt", b.read(position), { imm: BigInt(size) }, inside, done);
  b.enterSealed(inside);
  b.branch("lt", b.read(position), bytes, body, done);
  b.enterSealed(body);
  b.write(hash, mix(l.b, b.read(hash), b.load(b.alu("add", l.address(frames), b.read(position)), 0, 8)));
  b.write(position, b.alu("add", b.read(position), { imm: 8n }));
  b.jump(head);
  b.seal(head);
  b.enterSealed(done);
  return b.read(hash);
}
