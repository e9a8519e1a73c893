/**
 * Stacks without frame pointers: the program goes from a function's registers to those of its caller by what the host has
 * written down of the files' call frame information (see unwind-table.ts). The kernel runs a function of the program for each frame.
 *
 *     state.registers = those of the process
 *     bpf_loop(limit, next frame, &{ state, frames, mappings })
 *
 *     next frame:
 *         frames[i] = ip; state.depth = i + 1; state.hash = mix(state.hash, ip)
 *         if ip is not in state.mapping: state.mapping = find(mappings, ip)
 *         rule = find(files[state.mapping.file], ip - state.mapping.base)
 *         if rule == unknown: step by the frame pointer
 *         else for each step of the rule: registers[target] = registers[base] + offset, loaded so many times
 *         ip = registers[return address] - 1
 *
 * The address behind a call may be that of another function, so one byte less is looked up, and is what the frame shows.
 */
import type { Condition, Operand, VReg } from "../ir/ir.ts";
import { DWARF_REGISTERS, registerFile } from "../registers.ts";
import { MAPPING, MAX_STEPS, ROW, RULE, STEP, STEP_FLAGS, UNWIND_REGISTERS } from "../unwind-table.ts";
import type { Lowering } from "./lowering.ts";
import { mix } from "./mix.ts";
import { at, type Place } from "./place.ts";
import { register, registers } from "./registers.ts";
import { countRounds } from "./rounds.ts";
import { currentTask, fieldOf } from "./task.ts";

const { framePointer, stackPointer, returnAddress } = UNWIND_REGISTERS;

/** The names of the registers by their numbers in steps. */
const NAMES = [...DWARF_REGISTERS.x64, registerFile("x64").instruction];

/** Halvings that find one of so many: mappings of a process, rows of a file. */
const ROUNDS = { mappings: 12, rows: 24 } as const;

/** Returns of functions that are waited for by uretprobes, which change the return address. */
const MOST_RETURNS = 64;

/** Offsets in the state, in bytes. */
export const STATE = {
  registers: 0,
  /** A copy of the mapping that the last address was in. */
  mapping: 8 * UNWIND_REGISTERS.count,
  depth: 8 * UNWIND_REGISTERS.count + MAPPING.size,
  /** Where the kernel has mapped the code to which probed functions return; 0 where it has not. */
  trampoline: 8 * UNWIND_REGISTERS.count + MAPPING.size + 8,
  /** Made of the frames as they are found: to go over them again would be a loop whose rounds older verifiers tell apart. */
  hash: 8 * UNWIND_REGISTERS.count + MAPPING.size + 16,
  size: 8 * UNWIND_REGISTERS.count + MAPPING.size + 24,
} as const;

const PAGE = { imm: 4096n };

/** Words on the stack that are handed to the function. */
const FRAME = { state: 0, frames: 8, mappings: 16, size: 24 } as const;

const NO_FLAGS = { imm: 0n };
const ZERO = { imm: 0n };
const GO_ON = { imm: 0n };
const STOP = { imm: 1n };
/** Stands for the frames behind the last one that is known. */
const UNKNOWN_FRAME = -1n;

interface Room {
  /** {@link STATE.size} bytes. */
  state: Place;
  frames: Place;
  /** For so many there is room. */
  limit: number;
}

/**
 * Writes the frames of the current process to `frames`, zeros behind the last, and leaves what is made of them in the state. Gives the
 * bytes that they take; a process of which nothing is known leaves by `unknown`, which gives the result then.
 */
export function unwind(l: Lowering, room: Room, unknown: () => VReg): VReg {
  const { b } = l;
  const process = l.slot(8, "process");
  b.store(process.base, process.offset, 8, ZERO);
  b.store(process.base, process.offset, 4, currentTask(l).process);
  const mappings = b.call("map_lookup_elem", [l.mapReference(l.plan.unwind.processes), l.address(process)]);
  return l.choose("eq", mappings, ZERO, unknown, () => walk(l, room, mappings));
}

function walk(l: Lowering, { state, frames, limit }: Room, mappings: VReg): VReg {
  const { b } = l;
  l.clear(l.address(frames), { imm: BigInt(8 * limit) });
  l.zero(at(state, STATE.mapping), STATE.size - STATE.mapping);
  saveRegisters(l, state);
  b.store(state.base, state.offset + STATE.trampoline, 8, trampoline(l));
  const frame = b.slot(FRAME.size, "unwinding");
  const address = b.slotAddress(frame);
  b.store(address, FRAME.state, 8, l.address(state));
  b.store(address, FRAME.frames, 8, l.address(frames));
  b.store(address, FRAME.mappings, 8, mappings);
  const index = l.shared(`frame of ${limit}`, (part) => new Unwinding(part, limit).lower());
  const fn = b.define((dst) => ({ op: "func", dst, index }));
  b.call("loop", [{ imm: BigInt(limit) }, fn, address, NO_FLAGS]);
  l.settle(frame, FRAME.size);
  return b.alu("lsh", b.load(state.base, state.offset + STATE.depth, 8), { imm: 3n });
}

/** The registers of the process: those of the context where that is what they are, else those that it entered the kernel with. */
function saveRegisters(l: Lowering, state: Place): void {
  const { b } = l;
  const { kind } = l.probe.event;
  const inContext = kind === "uprobe" || kind === "usdt";
  const saved = inContext ? undefined : b.call("task_pt_regs", [b.call("get_current_task_btf", [], { pure: true })]);
  const { offsets } = registers(l);
  NAMES.forEach((name, number) => {
    const value = saved === undefined ? register(l, name) : b.load(saved, offsets[name]!, 8);
    b.store(state.base, state.offset + STATE.registers + 8 * number, 8, value);
  });
}

/** Functions that a uretprobe waits for return to code in a page that the kernel maps for that: its address, 0 without one. */
function trampoline(l: Lowering): Operand {
  const members = membersOf(l, {
    mm: ["task_struct", "mm"],
    state: ["mm_struct", "uprobes_state"],
    area: ["uprobes_state", "xol_area"],
    address: ["xol_area", "vaddr"],
  });
  if (!members) return ZERO;
  const { b } = l;
  const mm = b.load(currentTaskPointer(l), members.mm, 8);
  return b.load(b.load(mm, members.state + members.area, 8), members.address, 8);
}

function currentTaskPointer({ b }: Lowering): VReg {
  return b.call("get_current_task_btf", [], { pure: true });
}

/** Offsets of members of the kernel's structs, if it has all of them. */
function membersOf<K extends string>(
  l: Lowering,
  members: Record<K, [struct: string, field: string]>,
): Record<K, number> | undefined {
  const offsets = {} as Record<K, number>;
  for (const key in members) {
    const [struct, field] = members[key];
    const found = fieldOf(l, struct, field);
    if (!found) return undefined;
    offsets[key] = found.offset;
  }
  return offsets;
}

/** The function that the kernel runs for each frame, while it is lowered. */
class Unwinding {
  readonly #l: Lowering;
  readonly #limit: number;
  readonly #index: VReg;
  readonly #state: VReg;
  readonly #frames: VReg;
  readonly #mappings: VReg;
  /** Where it goes on when the next frame is not to be found. */
  readonly #broken: number;
  /** There is no next frame. */
  readonly #done: number;

  constructor(l: Lowering, limit: number) {
    const { b } = l;
    this.#l = l;
    this.#limit = limit;
    const [index, frame] = b.function.params as [VReg, VReg];
    this.#index = index;
    this.#state = b.load(frame, FRAME.state, 8);
    this.#frames = b.load(frame, FRAME.frames, 8);
    this.#mappings = b.load(frame, FRAME.mappings, 8);
    [this.#broken, this.#done] = b.newBlocks(2);
  }

  lower(): void {
    const { b } = this.#l;
    const [byFramePointer, caller] = b.newBlocks(2);
    this.#go("lt", this.#index, { imm: BigInt(this.#limit) }, this.#done);
    const address = this.#register(returnAddress);
    this.#add(0, address);
    const before = this.#register(stackPointer);
    const interrupted = {};
    this.#findMapping(address);
    const { cells, rule } = this.#findRule(address, byFramePointer);
    this.#go("ne", rule, { imm: BigInt(RULE.outermost) }, this.#done);
    b.write(interrupted, this.#followRule(cells, rule));
    b.jump(caller);
    b.enterSealed(byFramePointer);
    this.#followFramePointer(before);
    b.write(interrupted, b.const(0));
    b.jump(caller);
    b.enterSealed(caller);
    this.#enterCaller(before, b.read(interrupted));
    b.exit(GO_ON);
    b.enterSealed(this.#broken);
    this.#tellBroken();
    b.exit(STOP);
    b.enterSealed(this.#done);
    b.exit(STOP);
  }

  /** if (there is room) frames[i + 1] = -1, depth = i + 2 */
  #tellBroken(): void {
    const { b } = this.#l;
    this.#go("lt", this.#index, { imm: BigInt(this.#limit - 1) }, this.#done);
    this.#add(1, b.const(UNKNOWN_FRAME));
  }

  /** frames[i + more] = frame; state.depth = i + more + 1; state.hash = mix(state.hash, frame) */
  #add(more: number, frame: VReg): void {
    const { b } = this.#l;
    const place = b.alu("add", this.#frames, b.alu("lsh", this.#index, { imm: 3n }));
    b.store(place, 8 * more, 8, frame);
    b.store(this.#state, STATE.depth, 8, b.add(this.#index, more + 1));
    b.store(this.#state, STATE.hash, 8, mix(b, b.load(this.#state, STATE.hash, 8), frame));
  }

  /** Leaves the mapping of an address in the state. */
  #findMapping(address: VReg): void {
    const { b } = this.#l;
    const start = this.#mapping(MAPPING.start, 8);
    const size = b.alu("sub", this.#mapping(MAPPING.end, 8), start);
    this.#l.when("ge", b.alu("sub", address, start), size, () => {
      const head = this.#entry(this.#mappings, b.const(0));
      const count = b.load(head, MAPPING.start, 8);
      const [elsewhere, somewhere] = b.newBlocks(2);
      const behind = this.#search(
        this.#mappings,
        { low: b.const(1), high: b.add(count, 1), rounds: ROUNDS.mappings },
        { offset: MAPPING.start, size: 8, value: address },
      );
      // Entry 0 is none.
      this.#go("gt", behind, { imm: 1n }, elsewhere);
      const found = this.#entry(this.#mappings, b.add(behind, -1));
      b.branch("gt", b.load(found, MAPPING.end, 8), address, somewhere, elsewhere);
      b.enterSealed(elsewhere);
      b.store(head, MAPPING.end, 8, { imm: 1n });
      b.jump(this.#broken);
      b.enterSealed(somewhere);
      const to: Place = { base: this.#state, offset: STATE.mapping, space: "bpf" };
      this.#l.copy({ base: found, offset: 0, space: "bpf" }, to, MAPPING.size);
    });
  }

  #mapping(field: number, size: 4 | 8): VReg {
    return this.#l.b.load(this.#state, STATE.mapping + field, size);
  }

  /** The rule for an address of the mapping, and the file's cells. Goes to `unknown` if there is none. */
  #findRule(address: VReg, unknown: number): { cells: VReg; rule: VReg } {
    const { b } = this.#l;
    const count = this.#mapping(MAPPING.rows, 4);
    this.#go("ne", count, ZERO, unknown);
    const cells = this.#lookUp(this.#l.mapReference(this.#l.plan.unwind.files), this.#mapping(MAPPING.file, 4));
    this.#go("ne", cells, ZERO, unknown);
    const behind = this.#search(
      cells,
      { low: b.const(0), high: count, rounds: ROUNDS.rows },
      { offset: ROW.address, size: 4, value: b.alu("sub", address, this.#mapping(MAPPING.base, 8)) },
    );
    this.#go("ne", behind, ZERO, unknown);
    const rule = b.load(this.#entry(cells, b.add(behind, -1)), ROW.rule, 4);
    this.#go("ne", rule, { imm: BigInt(RULE.unknown) }, unknown);
    return { cells, rule };
  }

  /** The first entry, from `low` on and before `high`, whose field is greater than the value; `high` if none is. They are sorted by it. */
  #search(
    map: VReg,
    { low, high, rounds }: { low: VReg; high: VReg; rounds: number },
    { offset, size, value }: { offset: number; size: 4 | 8; value: VReg },
  ): VReg {
    const { b } = this.#l;
    const [from, to, round] = [{}, {}, {}];
    const [head, body, lower, upper, next, done] = b.newBlocks(6);
    b.write(from, low);
    b.write(to, high);
    b.write(round, b.const(0));
    b.jump(head);
    b.enter(head);
    this.#forget(from, to);
    countRounds(this.#l.facts, b, { most: rounds, changed: [round], done });
    this.#go("lt", b.read(round), { imm: BigInt(rounds) }, done);
    b.branch("lt", b.read(from), b.read(to), body, done);
    b.enterSealed(body);
    const middle = b.alu("rsh", b.alu("add", b.read(from), b.read(to)), { imm: 1n });
    b.branch("gt", b.load(this.#entry(map, middle), offset, size), value, lower, upper);
    b.enterSealed(lower);
    b.write(to, middle);
    b.jump(next);
    b.enterSealed(upper);
    b.write(from, b.add(middle, 1));
    b.jump(next);
    b.enterSealed(next);
    b.write(round, b.add(b.read(round), 1));
    b.jump(head);
    b.seal(head);
    b.enterSealed(done);
    return b.read(from);
  }

  /** What the verifier does not know of a number, it does not tell apart. */
  #forget(...variables: object[]): void {
    const { b } = this.#l;
    for (const variable of variables) b.write(variable, this.#l.forget(b.read(variable)));
  }

  /** Goes through the steps of a rule. Gives the flag that says that the caller was interrupted. */
  #followRule(cells: VReg, rule: VReg): VReg {
    const { b } = this.#l;
    const [position, round, interrupted] = [{}, {}, {}];
    const [head, done] = b.newBlocks(2);
    b.write(position, rule);
    b.write(round, b.const(0));
    b.write(interrupted, b.const(0));
    b.jump(head);
    b.enter(head);
    this.#forget(position, interrupted);
    countRounds(this.#l.facts, b, { most: MAX_STEPS, changed: [round], done: this.#broken });
    this.#go("lt", b.read(round), { imm: BigInt(MAX_STEPS) });
    const flags = this.#take(this.#entry(cells, b.read(position)));
    b.write(interrupted, b.alu("or", b.read(interrupted), flags));
    this.#go("ne", b.alu("and", flags, { imm: BigInt(STEP_FLAGS.last) }), { imm: BigInt(STEP_FLAGS.last) }, done);
    b.write(position, b.add(b.read(position), 1));
    b.write(round, b.add(b.read(round), 1));
    b.jump(head);
    b.seal(head);
    b.enterSealed(done);
    return b.alu("and", b.read(interrupted), { imm: BigInt(STEP_FLAGS.interrupted) });
  }

  /** registers[target] = registers[base] + offset, loaded so many times. Gives the step's flags. */
  #take(step: VReg): VReg {
    const { b } = this.#l;
    const byte = (offset: number) => b.load(step, offset, 1);
    const [flags, loads] = [byte(STEP.flags), byte(STEP.loads)];
    const from = b.load(this.#slotOf(byte(STEP.base)), 0, 8);
    const value = {};
    b.write(value, b.alu("add", from, b.load(step, STEP.offset, 4, { signed: true })));
    const stub = b.alu("rsh", flags, { imm: BigInt(STEP_FLAGS.stub) });
    this.#l.when("ne", stub, ZERO, () => {
      const place = b.alu("and", this.#register(returnAddress), { imm: 15n });
      this.#l.when("ge", place, stub, () => b.write(value, b.add(b.read(value), 8)));
    });
    this.#l.when("ne", loads, ZERO, () => {
      b.write(value, this.#user(b.read(value), 1)[0]!);
      this.#l.when("gt", loads, { imm: 1n }, () => b.write(value, this.#user(b.read(value), 1)[0]!));
    });
    b.store(this.#slotOf(byte(STEP.target)), 0, 8, b.read(value));
    return flags;
  }

  /** Where a register is whose number the verifier does not know. */
  #slotOf(number: VReg): VReg {
    const { b } = this.#l;
    this.#go("lt", number, { imm: BigInt(UNWIND_REGISTERS.count) });
    return b.alu("add", this.#state, b.alu("lsh", number, { imm: 3n }));
  }

  /** Where a function keeps its frame pointer lies that of its caller, and behind it the return address. */
  #followFramePointer(before: VReg): void {
    const { b } = this.#l;
    const pointer = this.#register(framePointer);
    this.#go("ne", pointer, ZERO, this.#done);
    this.#go("ge", pointer, before);
    const [saved, address] = this.#user(pointer, 2);
    this.#setRegister(framePointer, saved!);
    this.#setRegister(returnAddress, address!);
    this.#setRegister(stackPointer, b.add(pointer, 16));
  }

  /** Words of the process's memory. */
  #user(address: VReg, words: number): VReg[] {
    const { b } = this.#l;
    const to = this.#l.slot(8 * words, "words of the stack");
    const size = { imm: BigInt(8 * words) };
    this.#go("eq", b.call("probe_read_user", [this.#l.address(to), size, address]), ZERO);
    return Array.from({ length: words }, (_, i) => b.load(to.base, to.offset + 8 * i, 8));
  }

  /** The registers are those of the caller, but for the address at which it is. */
  #enterCaller(before: VReg, interrupted: VReg): void {
    const { b } = this.#l;
    const address = {};
    b.write(address, this.#register(returnAddress));
    this.#go("ne", b.read(address), ZERO, this.#done);
    this.#l.when(
      "eq",
      interrupted,
      ZERO,
      () => {
        // A stack of which this is not true is none, or was interrupted.
        this.#go("gt", this.#register(stackPointer), before);
        this.#leaveTrampoline(address);
        this.#setRegister(returnAddress, b.add(b.read(address), -1));
      },
      () => this.#setRegister(returnAddress, b.read(address)),
    );
  }

  /** Where a uretprobe changed the address to which a function returns, the kernel has the original in a list. */
  #leaveTrampoline(address: object): void {
    const members = membersOf(this.#l, {
      task: ["task_struct", "utask"],
      list: ["uprobe_task", "return_instances"],
      next: ["return_instance", "next"],
      top: ["return_instance", "stack"],
      original: ["return_instance", "orig_ret_vaddr"],
    });
    if (!members) return;
    const { b } = this.#l;
    const offset = b.alu("sub", b.read(address), b.load(this.#state, STATE.trampoline, 8));
    this.#l.when("lt", offset, PAGE, () => b.write(address, this.#original(members)));
  }

  /** The original of the function that was entered with the stack as it is now. */
  #original({ task, list, next, top, original }: Record<"task" | "list" | "next" | "top" | "original", number>): VReg {
    const { b } = this.#l;
    const stack = this.#register(stackPointer);
    const [instance, round] = [{}, {}];
    const [head, found] = b.newBlocks(2);
    b.write(instance, b.load(b.load(currentTaskPointer(this.#l), task, 8), list, 8));
    b.write(round, b.const(0));
    b.jump(head);
    b.enter(head);
    countRounds(this.#l.facts, b, { most: MOST_RETURNS, changed: [round], done: this.#broken });
    this.#go("lt", b.read(round), { imm: BigInt(MOST_RETURNS) });
    this.#go("ne", b.read(instance), ZERO);
    // The return address lay at the top of the stack when the function was entered.
    this.#go("ne", b.add(b.load(b.read(instance), top, 8), 8), stack, found);
    b.write(instance, b.load(b.read(instance), next, 8));
    b.write(round, b.add(b.read(round), 1));
    b.jump(head);
    b.seal(head);
    b.enterSealed(found);
    return b.load(b.read(instance), original, 8);
  }

  /** An entry of an array that is there as long as the host is right. */
  #entry(map: VReg, index: VReg): VReg {
    const entry = this.#lookUp(map, index);
    this.#go("ne", entry, ZERO);
    return entry;
  }

  #lookUp(map: VReg, index: VReg): VReg {
    const key = this.#l.slot(8, "index");
    this.#l.b.store(key.base, key.offset, 4, index);
    return this.#l.b.call("map_lookup_elem", [map, this.#l.address(key)]);
  }

  /** Goes on only if the condition holds, and elsewhere if not. */
  #go(condition: Condition, a: VReg, to: Operand, otherwise = this.#broken): void {
    const { b } = this.#l;
    const next = b.newBlock();
    b.branch(condition, a, to, next, otherwise);
    b.enterSealed(next);
  }

  #register(number: number): VReg {
    return this.#l.b.load(this.#state, STATE.registers + 8 * number, 8);
  }

  #setRegister(number: number, value: Operand): void {
    this.#l.b.store(this.#state, STATE.registers + 8 * number, 8, value);
  }
}
