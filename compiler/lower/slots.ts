/**
 * Memory for large objects of programs that can be preempted. Programs on uprobes stay on their CPU but give way to other
 * tasks, which may run the same program there: a fixed place per CPU would be overwritten in the middle of a run. So
 * each CPU has a few slots, and a run claims one of them for itself:
 *
 *     for each slot of this CPU: if (xchg(&slot->busy, 1) == 0) goto claimed
 *     lost++; leave
 *     claimed: ...; slot->busy = 0
 *
 * A run that finds all slots taken, which takes as many preempted runs on one CPU at once, is counted as lost.
 *
 * A program of several parts writes the thread's id into its slot, by which the parts that follow find it again.
 */
import type { VReg } from "../ir/ir.ts";
import type { Lowering } from "./lowering.ts";

export const SLOTS_PER_CPU = 4;

/** The word that says whether a slot is taken, and the one that may say by whom; what a program puts into it follows. */
const BUSY = 0;
const OWNER = 8;
const HEADER = 16;

/** What one program keeps in its slot. All programs' slots are the same memory. */
export class SlotMemory {
  #size: number = HEADER;
  #largest = 0;

  /** The offset of room for an object. */
  allocate(size: number): number {
    const offset = this.#size;
    this.#size += Math.ceil(size / 8) * 8;
    this.#largest = Math.max(this.#largest, size);
    return offset;
  }

  get used(): boolean {
    return this.#size > HEADER;
  }

  /** Bytes of a slot. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the largest object. */
  get largest(): number {
    return this.#largest;
  }
}

/** The key under which a program's functions find the slot that was claimed. */
export const CLAIMED = "claimed slot";

/** Emitted when all else of the program is: only then it is known whether it needs a slot. Ends the current block. */
export function claimSlot(l: Lowering, memory: SlotMemory, targets: { body: number; leave: number }): void {
  const { b } = l;
  if (!memory.used) {
    b.write(CLAIMED, b.const(0));
    b.jump(targets.body);
    return;
  }
  if (!l.program.divided) {
    search(l, memory, targets, (slot) => claim(l, slot));
    return;
  }
  const taken = b.newBlock();
  search(l, memory, { body: taken, leave: targets.leave }, (slot) => claim(l, slot));
  b.enterSealed(taken);
  b.store(b.read(CLAIMED), OWNER, 8, thread(l));
  b.jump(targets.body);
}

/** In a part that is not the first: the slot that the first one has claimed. */
export function findSlot(l: Lowering, memory: SlotMemory, targets: { body: number; leave: number }): void {
  search(l, memory, targets, (slot) => l.b.alu("xor", l.b.load(slot, OWNER, 8), thread(l)));
}

function thread(l: Lowering): VReg {
  return l.b.call("get_current_pid_tgid", [], { pure: true });
}

/** Goes on with the first of the CPU's slots for which `test` gives 0. */
function search(
  l: Lowering,
  memory: SlotMemory,
  { body, leave }: { body: number; leave: number },
  test: (slot: VReg) => VReg,
): void {
  const { b } = l;
  const { map, stride, cpuStride } = l.plan.slots(memory);
  let slot = l.cpuCopy(map, cpuStride);
  for (let i = 0; i < SLOTS_PER_CPU; i++) {
    if (i > 0) slot = b.alu("add", slot, stride);
    b.write(CLAIMED, slot);
    const next = b.newBlock();
    b.branch("eq", test(slot), { imm: 0n }, body, next);
    b.enterSealed(next);
  }
  l.countFailure("lostEvents");
  b.jump(leave);
}

/** The slot's word before, which is 0 if it is ours now. */
function claim(l: Lowering, slot: VReg): VReg {
  const one = l.b.const(1);
  return l.b.define((dst) => ({
    op: "atomic",
    atomic: "xchg",
    dst,
    base: slot,
    offset: BUSY,
    size: 8,
    value: one,
  }));
}

/** Gives the slot back, in a block that only runs that claimed one pass. */
export function releaseSlot(l: Lowering, memory: SlotMemory): void {
  if (!memory.used) return;
  if (l.program.divided) l.b.store(l.claimed, OWNER, 8, { imm: 0n });
  l.b.store(l.claimed, BUSY, 8, { imm: 0n });
}
