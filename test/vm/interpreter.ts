/**
 * An eBPF machine for tests: runs the bytes that the compiler emits, with fake maps, helpers and memory. It is the
 * oracle of the whole compiler, so it is as strict as the kernel's verifier, and stricter where that is cheap: registers and
 * stack bytes that were never written, accesses out of bounds or misaligned, pointers that were not tested for null,
 * arithmetic on pointers, constants that no verifier accepts, unreachable code and ring buffer records that are neither
 * submitted nor discarded all fault.
 *
 *     const vm = new Vm({ maps: program.maps, world: { pid: 42, comm: "cat" } });
 *     vm.run(program.programs[0], { context: [arg0, arg1] });
 *     expect(vm.maps[0].numbers()).toEqual(new Map([[42n, 1n]]));
 *
 * Knows nothing of the compiler but the encoding's constants and the helper table.
 */
import { decode, type RawInstruction } from "../../compiler/asm/decode.ts";
import { disassembleInstructions } from "../../compiler/asm/disassemble.ts";
import { type HelperName, helperById, helperSpec } from "../../compiler/asm/helpers.ts";
import type { HostConstant, KernelMap, Relocation } from "../../compiler/program.ts";
import { CheckedArguments } from "./arguments.ts";
import { compute, pointerArithmetic, truncate } from "./arithmetic.ts";
import { type HelperImplementation, implementationOf } from "./helpers.ts";
import { FakeMap, type Submitted } from "./maps.ts";
import { AddressSpace, bitsOf, Fault, Pointer, Region, type Value, writeNumber } from "./memory.ts";

/** Everything around the program that helpers tell it about. All of it may be given to `new Vm`. */
export interface World {
  /** Process (thread group) and thread id. */
  pid: number;
  tid: number;
  uid: number;
  gid: number;
  comm: string;
  /** Fills the room behind the name; kernels from 5.17 to 6.3 leave it as it was. */
  padsComm: boolean;
  cpu: number;
  node: number;
  /** Cgroup ids from the root down to the current one. */
  cgroups: bigint[];
  /** CLOCK_MONOTONIC, ns; and what the other clocks are ahead. */
  now(): bigint;
  suspended: bigint;
  tai: bigint;
  random(): bigint;
  /** Memory for probe_read. */
  kernel: AddressSpace;
  user: AddressSpace;
  stackId(map: FakeMap, flags: bigint): bigint;
  functionAddress: bigint;
  cookie: bigint;
  /** What the loader would patch in. */
  constants: Record<HostConstant, bigint>;
  /** Things helpers did to the outside: ["send_signal", 9n]. */
  effects: [what: string, argument: bigint][];
}

export interface VmOptions {
  maps?: readonly KernelMap[];
  /** Copies of per-CPU values. */
  cpus?: number;
  world?: Partial<World>;
  /** Further helpers, or other ones. */
  helpers?: Partial<Record<HelperName, HelperImplementation>>;
}

export interface Code {
  code: Uint8Array;
  relocations?: readonly Relocation[];
  /** Programs that this one calls, from index 1 on, through the array of programs `map`. */
  further?: { map: number; parts: readonly Code[] } | undefined;
}

export interface RunOptions {
  /** Bytes of the context, or 64-bit words, which may be pointers to kernel objects (as with BTF-typed arguments). */
  context?: Uint8Array | readonly Value[];
}

/** A fault with the place where it happened. */
export class VmFault extends Error {
  readonly slot: number;

  constructor(message: string, slot: number, instruction: string) {
    super(`${message}\n  at ${slot}: ${instruction}`);
    this.slot = slot;
  }
}

/** Far more than any test program runs; a real program may explore as many. */
const MAX_STEPS = 1_000_000;
const MAX_FRAMES = 8;
const MAX_TAIL_CALLS = 32;
const STACK_BYTES = 512;

interface Frame {
  registers: (Value | undefined)[];
  stack: Region;
  /** Slot to go on at in the caller. */
  returnTo: number;
}

export class Vm {
  readonly maps: FakeMap[];
  readonly world: World;
  readonly helpers: Partial<Record<HelperName, HelperImplementation>>;
  /** Records that were submitted to ring buffers, or sent in other ways. */
  readonly submitted: Submitted[] = [];
  /** The current task, as get_current_task_btf gives it. */
  readonly task = new Pointer(new Region("kernel object", "the current task", new Uint8Array(4096)));
  /** Instructions that all runs executed. */
  steps = 0;
  readonly #open = new Map<Region, number>();

  constructor(options: VmOptions = {}) {
    const cpus = options.cpus ?? 4;
    this.maps = (options.maps ?? []).map((map) => new FakeMap(map, cpus));
    let time = 1_000_000_000n;
    let seed = 42n;
    this.world = {
      pid: 1000,
      tid: 1001,
      uid: 500,
      gid: 501,
      comm: "worker",
      padsComm: true,
      cpu: 1,
      node: 0,
      cgroups: [1n, 7n],
      now: () => {
        time += 1000n;
        return time;
      },
      suspended: 5_000_000n,
      tai: 37_000_000_000n,
      random: () => {
        seed = BigInt.asUintN(64, seed * 6364136223846793005n + 1442695040888963407n);
        return seed >> 32n;
      },
      kernel: new AddressSpace(),
      user: new AddressSpace(),
      stackId: () => 3n,
      functionAddress: 0xffff_ffff_8110_0000n,
      cookie: 0n,
      constants: {
        scope_cgroup_id: 7n,
        scope_cgroup_level: 1n,
        cpid: 1000n,
        start_time_boot: 900_000_000n,
        start_time_monotonic: 895_000_000n,
        boot_to_real: 1_700_000_000_000_000_000n,
        boot_to_tai: 1_700_000_037_000_000_000n,
        pidns_dev: 4n,
        pidns_ino: 4_026_531_836n,
        target_pid: 0n,
        ...options.world?.constants,
      },
      effects: [],
      ...withoutConstants(options.world),
    };
    this.helpers = options.helpers ?? {};
  }

  /** Runs a program once and returns r0 (signed). Throws VmFault. */
  run(program: Code, options: RunOptions = {}): bigint {
    const context = contextRegion(options.context ?? new Uint8Array(0));
    let current = program;
    for (let calls = 0; calls <= MAX_TAIL_CALLS; calls++) {
      const result = new Machine(this, current, program.further).run(context);
      if (typeof result === "bigint") return result;
      current = result.next;
    }
    throw new Error("too many tail calls");
  }

  // For helpers

  reserveRecord(map: FakeMap, size: number): Pointer {
    const record = map.reserve(size);
    if (record.region) this.#open.set(record.region, this.maps.indexOf(map));
    return record;
  }

  finishRecord(record: Region, submit: boolean): void {
    const map = this.#open.get(record);
    if (map === undefined) throw new Fault("not a record that is still open");
    this.#open.delete(record);
    if (submit) this.submitted.push({ map, bytes: record.bytes.slice() });
    record.released = true;
  }

  /** Records that nobody submitted or discarded. */
  get openRecords(): number {
    return this.#open.size;
  }
}

function withoutConstants(world: Partial<World> = {}): Partial<World> {
  const { constants: _, ...rest } = world;
  return rest;
}

/** The context as memory. */
export function contextRegion(context: Uint8Array | readonly Value[]): Region {
  if (context instanceof Uint8Array) return new Region("context", "the context", context.slice());
  const region = new Region("context", "the context", new Uint8Array(context.length * 8));
  context.forEach((value, i) => {
    if (value instanceof Pointer) region.plant(i * 8, value);
    else writeNumber(region.bytes, i * 8, 8, value);
  });
  return region;
}

/** Thrown where a program calls another in its place. */
class TailCall {
  readonly next: Code;

  constructor(next: Code) {
    this.next = next;
  }
}

/** One run of one program. */
class Machine {
  readonly #vm: Vm;
  readonly #code: Uint8Array;
  readonly #slots: RawInstruction[];
  readonly #relocations: Map<number, Relocation>;
  readonly #further: Code["further"];
  readonly #frames: Frame[] = [];
  #slot = 0;
  #steps = 0;

  constructor(vm: Vm, program: Code, further: Code["further"]) {
    this.#vm = vm;
    this.#further = further;
    this.#code = program.code;
    this.#slots = decode(program.code);
    this.#relocations = new Map(program.relocations?.map((relocation) => [relocation.slot, relocation]));
    this.#checkFlow();
  }

  /** What the program returns, or the one that it calls last. */
  run(context: Region): bigint | TailCall {
    this.#enter(0, [new Pointer(context)], -1);
    return this.#catching(() => {
      const result = this.#executeAll();
      if (this.#vm.openRecords > 0) throw new Fault("a ring buffer record was neither submitted nor discarded");
      return result;
    });
  }

  #executeAll(): bigint | TailCall {
    try {
      return this.#execute(0);
    } catch (thrown) {
      if (thrown instanceof TailCall) return thrown;
      throw thrown;
    }
  }

  /** Every instruction can be reached, and none is followed by nothing; what the verifier checks before all else. */
  #checkFlow(): void {
    const reached = new Set<number>();
    const queue = [0];
    for (let slot = queue.pop(); slot !== undefined; slot = queue.pop()) {
      if (reached.has(slot)) continue;
      const insn = this.#slots[slot];
      if (!insn) throw new VmFault("control leaves the program", slot, "behind the last instruction");
      reached.add(slot);
      if (insn.opcode === 0x18) {
        reached.add(slot + 1);
        if (insn.src === 4) queue.push(slot + insn.imm + 1);
        queue.push(slot + 2);
        continue;
      }
      if (insn.opcode === 0x85 && insn.src === 1) queue.push(slot + insn.imm + 1);
      const isJump = (insn.opcode & 7) === 5 || (insn.opcode & 7) === 6;
      const operation = insn.opcode & 0xf0;
      if (insn.opcode === 0x05) queue.push(slot + insn.offset + 1);
      else if (insn.opcode === 0x06) queue.push(slot + insn.imm + 1);
      else if (insn.opcode !== 0x95) {
        queue.push(slot + 1);
        if (isJump && operation !== 0x80) queue.push(slot + insn.offset + 1);
      }
    }
    this.#slots.forEach((_, slot) => {
      if (!reached.has(slot)) throw new VmFault("unreachable instruction", slot, this.#text(slot));
    });
  }

  #text(slot: number): string {
    return (
      disassembleInstructions(this.#code).find((insn) => insn.slot === slot)?.text ?? "second half of an instruction"
    );
  }

  #catching<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw new VmFault(error.message, this.#slot, this.#text(this.#slot));
    }
  }

  #enter(slot: number, args: readonly (Value | undefined)[], returnTo: number): void {
    if (this.#frames.length >= MAX_FRAMES) throw new Fault("too many frames");
    const name = this.#frames.length === 0 ? "the stack" : `the stack of frame ${this.#frames.length}`;
    const stack = new Region("stack", name, new Uint8Array(STACK_BYTES), { written: false });
    const registers = new Array<Value | undefined>(11).fill(undefined);
    args.forEach((arg, i) => {
      registers[i + 1] = arg;
    });
    registers[10] = new Pointer(stack, BigInt(STACK_BYTES));
    this.#frames.push({ registers, stack, returnTo });
    this.#slot = slot;
  }

  get #frame(): Frame {
    return this.#frames.at(-1)!;
  }

  /** Runs until the frame at this depth returns; r0. */
  #execute(depth: number): bigint {
    for (;;) {
      if (++this.#steps > MAX_STEPS) throw new Fault("the program does not end");
      this.#vm.steps++;
      const insn = this.#slots[this.#slot]!;
      switch (insn.opcode & 7) {
        case 0:
          this.#loadImmediate(insn);
          break;
        case 1:
          this.#load(insn);
          break;
        case 2:
        case 3:
          this.#store(insn);
          break;
        case 4:
        case 7:
          this.#alu(insn);
          break;
        default:
          if (insn.opcode === 0x95) {
            const result = this.#number(0);
            const { returnTo, stack } = this.#frames.pop()!;
            stack.released = true;
            if (this.#frames.length === depth) return result;
            this.#slot = returnTo;
            for (let i = 1; i <= 5; i++) this.#frame.registers[i] = undefined;
            this.#frame.registers[0] = result;
          } else this.#jump(insn);
      }
    }
  }

  // Registers

  #get(register: number): Value {
    const value = this.#frame.registers[register];
    if (value === undefined) throw new Fault(`r${register} was never written`);
    return value;
  }

  /** A number, or a null pointer that was tested and is a number from then on. */
  #number(register: number): bigint {
    const value = this.#get(register);
    if (typeof value === "bigint") return value;
    if (!value.region && value.nullable?.tested) return 0n;
    throw new Fault(`r${register} holds a pointer`);
  }

  #set(register: number, value: Value): void {
    if (register > 9) throw new Fault(`r${register} cannot be written`);
    this.#frame.registers[register] = typeof value === "bigint" ? BigInt.asIntN(64, value) : value;
  }

  // Loads and stores

  #loadImmediate(insn: RawInstruction): void {
    const second = this.#slots[this.#slot + 1];
    if (insn.opcode !== 0x18 || !second || second.opcode !== 0) throw new Fault("not an instruction");
    this.#set(insn.dst, this.#wideValue(insn, second));
    this.#slot += 2;
  }

  #wideValue(insn: RawInstruction, second: RawInstruction): Value {
    const relocation = this.#relocations.get(this.#slot);
    const expected = { map: 1, map_value: 2, constant: 0 };
    if (relocation && insn.src !== expected[relocation.kind])
      throw new Fault("the relocation has another source register");
    switch (insn.src) {
      case 0:
        if (relocation?.kind === "constant") return BigInt.asIntN(64, this.#vm.world.constants[relocation.constant]);
        return BigInt.asIntN(64, (BigInt(second.imm >>> 0) << 32n) | BigInt(insn.imm >>> 0));
      case 1:
        if (relocation?.kind !== "map") throw new Fault("a map reference without a relocation");
        return new Pointer(this.#map(relocation.map).handle);
      case 2:
        if (relocation?.kind !== "map_value") throw new Fault("a map value without a relocation");
        return new Pointer(this.#map(relocation.map).directValue(), BigInt(relocation.offset));
      case 4:
        // The offset says where the function begins.
        return new Pointer(functionHandle, BigInt(this.#slot + insn.imm + 1));
      default:
        throw new Fault(`unknown pseudo source ${insn.src}`);
    }
  }

  #map(index: number): FakeMap {
    const map = this.#vm.maps[index];
    if (!map) throw new Fault(`there is no map ${index}`);
    return map;
  }

  #pointer(register: number): Pointer {
    const value = this.#get(register);
    if (value instanceof Pointer) return value;
    throw new Fault(`memory is accessed through r${register}, which holds a number`);
  }

  #address(register: number, offset: number): [region: Region, offset: bigint] {
    const pointer = this.#pointer(register);
    const region = pointer.target();
    if (region.kind === "context" && pointer.offset !== 0n)
      throw new Fault("the context is accessed by a changed pointer");
    return [region, pointer.offset + BigInt(offset)];
  }

  #load(insn: RawInstruction): void {
    const size = sizes[insn.opcode & 0x18]!;
    const mode = insn.opcode & 0xe0;
    if (mode !== 0x60 && mode !== 0x80) throw new Fault("unknown load");
    const [region, offset] = this.#address(insn.src, insn.offset);
    let value = region.load(offset, size);
    if (typeof value === "bigint") {
      value = mode === 0x80 ? BigInt.asIntN(size * 8, value) : BigInt.asUintN(size * 8, value);
    }
    this.#set(insn.dst, value);
    this.#slot++;
  }

  #store(insn: RawInstruction): void {
    const size = sizes[insn.opcode & 0x18]!;
    const mode = insn.opcode & 0xe0;
    if (mode === 0xc0 && (insn.opcode & 7) === 3) {
      this.#atomic(insn, size);
      this.#slot++;
      return;
    }
    if (mode !== 0x60) throw new Fault("unknown store");
    const value = (insn.opcode & 7) === 2 ? BigInt(insn.imm) : this.#get(insn.src);
    const [region, offset] = this.#address(insn.dst, insn.offset);
    region.store(offset, size, value);
    this.#slot++;
  }

  #atomic(insn: RawInstruction, size: number): void {
    if (size < 4) throw new Fault("atomics take 4 or 8 bytes");
    const [region, offset] = this.#address(insn.dst, insn.offset);
    if (offset % BigInt(size) !== 0n) throw new Fault("an atomic access is not aligned");
    if (region.kind !== "stack" && region.kind !== "map value" && region.kind !== "record") {
      throw new Fault(`atomic access to ${region.name}`);
    }
    const old = region.load(offset, size);
    if (typeof old !== "bigint") throw new Fault("atomic access to a pointer");
    const unsigned = BigInt.asUintN(size * 8, old);
    const operand = this.#number(insn.src);
    const put = (value: bigint): void => region.store(offset, size, BigInt.asIntN(64, value));
    switch (insn.imm & ~1) {
      case 0x00:
        put(old + operand);
        break;
      case 0x40:
        put(old | operand);
        break;
      case 0x50:
        put(old & operand);
        break;
      case 0xa0:
        put(old ^ operand);
        break;
      case 0xe0:
        put(operand);
        break;
      case 0xf0:
        if (unsigned === BigInt.asUintN(size * 8, this.#number(0))) put(operand);
        this.#set(0, unsigned);
        return;
      default:
        throw new Fault("unknown atomic operation");
    }
    if (insn.imm & 1) this.#set(insn.src, unsigned);
  }

  // Arithmetic

  #alu(insn: RawInstruction): void {
    const wide = (insn.opcode & 7) === 7;
    const operation = insn.opcode & 0xf0;
    const fromRegister = (insn.opcode & 8) !== 0;
    if (operation === 0xd0) this.#swapBytes(insn, wide, fromRegister);
    else if (operation === 0x80) this.#set(insn.dst, truncate(-this.#number(insn.dst), wide));
    else if (operation === 0xb0) this.#set(insn.dst, this.#moved(insn, wide, fromRegister));
    else {
      const right = fromRegister ? this.#get(insn.src) : BigInt(insn.imm);
      const left = this.#get(insn.dst);
      if (!wide && (left instanceof Pointer || right instanceof Pointer))
        throw new Fault("32-bit arithmetic on a pointer");
      if (left instanceof Pointer || right instanceof Pointer)
        this.#set(insn.dst, pointerArithmetic(operation, left, right));
      else this.#set(insn.dst, compute(operation, left, right, wide, insn.offset, fromRegister));
    }
    this.#slot++;
  }

  #moved(insn: RawInstruction, wide: boolean, fromRegister: boolean): Value {
    if (!fromRegister) return truncate(BigInt(insn.imm), wide);
    const value = this.#get(insn.src);
    if (wide && insn.offset === 0) return value;
    const number = this.#number(insn.src);
    if (insn.offset === 0) return truncate(number, wide);
    if (insn.offset !== 8 && insn.offset !== 16 && insn.offset !== 32) throw new Fault("unknown sign extension");
    return truncate(BigInt.asIntN(insn.offset, number), wide);
  }

  #swapBytes(insn: RawInstruction, always: boolean, toBig: boolean): void {
    const bits = insn.imm;
    if (bits !== 16 && bits !== 32 && bits !== 64) throw new Fault("unknown byte swap");
    if (always && toBig) throw new Fault("unknown byte swap");
    let value = BigInt.asUintN(bits, this.#number(insn.dst));
    if (always || toBig) {
      let swapped = 0n;
      for (let i = 0; i < bits; i += 8) swapped = (swapped << 8n) | ((value >> BigInt(i)) & 0xffn);
      value = swapped;
    }
    this.#set(insn.dst, value);
  }

  // Jumps and calls

  #jump(insn: RawInstruction): void {
    const wide = (insn.opcode & 7) === 5;
    const operation = insn.opcode & 0xf0;
    if (operation === 0x00) this.#slot += 1 + (wide ? insn.offset : insn.imm);
    else if (operation === 0x80 && wide) this.#call(insn);
    // Patience has no end here; MAX_STEPS ends what does not end by itself.
    else if (operation === 0xe0 && wide) this.#slot++;
    else {
      const right = insn.opcode & 8 ? this.#get(insn.src) : BigInt(insn.imm);
      const taken = this.#compare(operation, this.#get(insn.dst), right, wide);
      this.#slot += 1 + (taken ? insn.offset : 0);
    }
  }

  #compare(operation: number, left: Value, right: Value, wide: boolean): boolean {
    const hasPointer = left instanceof Pointer || right instanceof Pointer;
    if (hasPointer && !wide) throw new Fault("32-bit comparison of a pointer");
    for (const [value, other] of [
      [left, right],
      [right, left],
    ] as const) {
      if (!(value instanceof Pointer) || !value.nullable || value.nullable.tested) continue;
      const isTest = other === 0n && (operation === 0x10 || operation === 0x50);
      if (!isTest) throw new Fault("a pointer that may be null is compared with something else");
      value.nullable.tested = true;
    }
    const bits = wide ? 64 : 32;
    const [signedLeft, signedRight] = [BigInt.asIntN(bits, bitsOf(left)), BigInt.asIntN(bits, bitsOf(right))];
    const [unsignedLeft, unsignedRight] = [BigInt.asUintN(bits, signedLeft), BigInt.asUintN(bits, signedRight)];
    switch (operation) {
      case 0x10:
        return signedLeft === signedRight;
      case 0x50:
        return signedLeft !== signedRight;
      case 0x20:
        return unsignedLeft > unsignedRight;
      case 0x30:
        return unsignedLeft >= unsignedRight;
      case 0x40:
        return (signedLeft & signedRight) !== 0n;
      case 0x60:
        return signedLeft > signedRight;
      case 0x70:
        return signedLeft >= signedRight;
      case 0xa0:
        return unsignedLeft < unsignedRight;
      case 0xb0:
        return unsignedLeft <= unsignedRight;
      case 0xc0:
        return signedLeft < signedRight;
      case 0xd0:
        return signedLeft <= signedRight;
      default:
        throw new Fault("unknown comparison");
    }
  }

  #call(insn: RawInstruction): void {
    if (insn.src === 1) {
      const args = this.#frame.registers.slice(1, 6);
      this.#enter(this.#slot + 1 + insn.imm, args, this.#slot + 1);
      return;
    }
    const name = helperById(insn.imm);
    if (insn.src !== 0 || !name) throw new Fault("unknown call");
    const implementation = implementationOf(name, this.#vm.helpers);
    const kinds = helperSpec(name).args;
    const args = new CheckedArguments(
      kinds,
      kinds.map((_, i) => this.#get(i + 1)),
      this.#vm,
      (slot, values) => this.#callback(slot, values),
    );
    if (name === "tail_call") this.#tailCall(args);
    const result = implementation(args, this.#vm);
    for (let i = 0; i <= 5; i++) this.#frame.registers[i] = undefined;
    if (result !== undefined) this.#set(0, result);
    this.#slot++;
  }

  /** Does not come back if there is such a program. */
  #tailCall(args: CheckedArguments): void {
    if (this.#frames.length > 1) throw new Fault("a tail call in a function");
    if (!this.#further || this.#vm.maps[this.#further.map] !== args.map(1)) return;
    const next = this.#further.parts[Number(args.number(2)) - 1];
    if (next) throw new TailCall(next);
  }

  #callback(slot: number, args: readonly Value[]): bigint {
    const returnTo = this.#slot;
    const depth = this.#frames.length;
    this.#enter(slot, args, returnTo);
    const result = this.#execute(depth);
    this.#slot = returnTo;
    if (result !== 0n && result !== 1n) throw new Fault(`a callback returned ${result}`);
    return result;
  }
}

/** All functions of all programs: a pointer's offset is the slot at which one begins. */
const functionHandle = new Region("function", "a function", new Uint8Array(0));

const sizes: Record<number, number> = { 0: 4, 8: 2, 16: 1, 24: 8 };
