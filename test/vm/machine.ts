/**
 * One run of one program: registers, frames and what each instruction does to them, with everything checked that the
 * verifier would. What stays from run to run, and what helpers see, is the Vm's.
 */
import { decode, type RawInstruction } from "../../compiler/asm/decode.ts";
import { disassembleInstructions } from "../../compiler/asm/disassemble.ts";
import { helperById, helperSpec } from "../../compiler/asm/helpers.ts";
import type { Relocation } from "../../compiler/program.ts";
import { CheckedArguments } from "./arguments.ts";
import { compare, compute, pointerArithmetic, truncate } from "./arithmetic.ts";
import { implementationOf } from "./helpers.ts";
import type { Code, Vm } from "./interpreter.ts";
import type { FakeMap } from "./maps.ts";
import { bitsOf, Fault, Pointer, Region, type Value } from "./memory.ts";

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
const STACK_BYTES = 512;

interface Frame {
  registers: (Value | undefined)[];
  stack: Region;
  /** Slot to go on at in the caller. */
  returnTo: number;
}

/** Thrown where a program calls another in its place. */
class TailCall {
  readonly next: Code;

  constructor(next: Code) {
    this.next = next;
  }
}

export class Machine {
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
            if (this.#frames.length === depth + 1) {
              const number = this.#number(0);
              this.#frames.pop()!.stack.released = true;
              return number;
            }
            const result = this.#get(0);
            const { returnTo, stack } = this.#frames.pop()!;
            if (typeof result !== "bigint" && result.region === stack) throw new Fault("a function returns its stack");
            stack.released = true;
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
    return compare(operation, bitsOf(left), bitsOf(right), wide);
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
