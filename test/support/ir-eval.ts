/**
 * Runs the IR itself, instruction by instruction, with the fake maps and helpers of the interpreter: what the compiled bytes
 * must do is what this does. Values are as in the interpreter, slots are regions of their own.
 */
import { helperSpec } from "../../compiler/asm/helpers.ts";
import {
  evaluateAlu,
  evaluateByteSwap,
  evaluateCondition,
  evaluateExtend,
  evaluateLog2,
} from "../../compiler/ir/arithmetic.ts";
import { blockOf } from "../../compiler/ir/cfg.ts";
import {
  type Edge,
  type Insn,
  type IrFunction,
  type IrProgram,
  isImm,
  type Operand,
  type VReg,
} from "../../compiler/ir/ir.ts";
import { unreachable } from "../../compiler/unreachable.ts";
import { CheckedArguments } from "../vm/arguments.ts";
import { implementationOf } from "../vm/helpers.ts";
import { contextRegion, type RunOptions, type Vm } from "../vm/interpreter.ts";
import { bitsOf, Fault, Pointer, Region, type Value, writeNumber } from "../vm/memory.ts";

const MAX_STEPS = 1_000_000;

/** Runs the program's first function in the machine's world and returns its result (signed). Throws Fault. */
export function evaluate(program: IrProgram, vm: Vm, options: RunOptions = {}): bigint {
  const context = new Pointer(contextRegion(options.context ?? new Uint8Array(0)));
  const evaluator = new Evaluator(program, vm);
  const result = evaluator.call(0, [context]);
  if (vm.openRecords > 0) throw new Fault("a ring buffer record was neither submitted nor discarded");
  return result;
}

class Evaluator {
  readonly #program: IrProgram;
  readonly #vm: Vm;
  #steps = 0;

  constructor(program: IrProgram, vm: Vm) {
    this.#program = program;
    this.#vm = vm;
  }

  call(index: number, args: readonly Value[]): bigint {
    const fn = this.#program.functions[index];
    if (!fn) throw new Fault(`there is no function ${index}`);
    return new Activation(fn, args, this.#vm, this, () => {
      if (++this.#steps > MAX_STEPS) throw new Fault("the program does not end");
    }).run();
  }
}

/** A pointer to a function carries the function's index as its offset. */
const functionHandle = new Region("function", "a function", new Uint8Array(0));

class Activation {
  readonly #fn: IrFunction;
  readonly #vm: Vm;
  readonly #evaluator: Evaluator;
  readonly #step: () => void;
  readonly #values = new Map<VReg, Value>();
  readonly #slots: Region[];

  constructor(fn: IrFunction, args: readonly Value[], vm: Vm, evaluator: Evaluator, step: () => void) {
    this.#fn = fn;
    this.#vm = vm;
    this.#evaluator = evaluator;
    this.#step = step;
    fn.params.forEach((param, i) => {
      this.#values.set(param, args[i]!);
    });
    this.#slots = fn.slots.map(
      ({ size, note }) =>
        new Region("stack", `slot ${note}`, new Uint8Array(Math.ceil(size / 8) * 8), { written: false }),
    );
  }

  run(): bigint {
    for (let block = blockOf(this.#fn, 0); ; ) {
      for (const insn of block.insns) this.#execute(insn);
      this.#step();
      const { end } = block;
      let edge: Edge;
      switch (end.op) {
        case "exit":
          return this.#number(end.value);
        case "jump":
          edge = end.to;
          break;
        case "branch":
          edge = this.#holds(end.condition, this.#get(end.a), this.#operand(end.b)) ? end.then : end.otherwise;
          break;
      }
      const args = edge.args.map((arg) => this.#get(arg));
      block = blockOf(this.#fn, edge.block);
      block.params.forEach((param, i) => {
        this.#values.set(param, args[i]!);
      });
    }
  }

  #get(reg: VReg): Value {
    const value = this.#values.get(reg);
    if (value === undefined) throw new Fault(`v${reg} was never written`);
    return value;
  }

  #operand(operand: Operand): Value {
    return isImm(operand) ? operand.imm : this.#get(operand);
  }

  #number(operand: Operand): bigint {
    const value = this.#operand(operand);
    if (typeof value === "bigint") return value;
    if (!value.region && value.nullable?.tested) return 0n;
    throw new Fault("a pointer where a number belongs");
  }

  #holds(condition: Parameters<typeof evaluateCondition>[0], a: Value, b: Value): boolean {
    for (const value of [a, b]) if (value instanceof Pointer && value.nullable) value.nullable.tested = true;
    return evaluateCondition(condition, bitsOf(a), bitsOf(b));
  }

  #memory(base: VReg, offset: number): [region: Region, offset: bigint] {
    const value = this.#get(base);
    if (!(value instanceof Pointer)) throw new Fault(`v${base} is not an address`);
    return [value.target(), value.offset + BigInt(offset)];
  }

  #execute(insn: Insn): void {
    this.#step();
    const result = this.#evaluate(insn);
    if ("dst" in insn && insn.dst !== undefined && result !== undefined) {
      this.#values.set(insn.dst, typeof result === "bigint" ? BigInt.asIntN(64, result) : result);
    }
  }

  #evaluate(insn: Insn): Value | undefined {
    switch (insn.op) {
      case "const":
        return insn.value;
      case "host-const":
        return this.#vm.world.constants[insn.constant];
      case "map":
        return new Pointer(this.#vm.maps[insn.map]!.handle);
      case "map-value":
        return new Pointer(this.#vm.maps[insn.map]!.directValue(), BigInt(insn.offset));
      case "slot":
        return new Pointer(this.#slots[insn.slot], BigInt(insn.offset));
      case "func":
        return new Pointer(functionHandle, BigInt(insn.index));
      case "copy":
        return this.#get(insn.src);
      case "alu":
        return this.#alu(insn);
      case "extend":
        return evaluateExtend(this.#number(insn.src), insn.size, insn.signed);
      case "bswap":
        return evaluateByteSwap(this.#number(insn.src), insn.size);
      case "log2":
        return evaluateLog2(this.#number(insn.src));
      case "forget":
        return this.#number(insn.src);
      case "detour": {
        const value = this.#get(insn.src);
        if (value instanceof Pointer) value.expose();
        return bitsOf(value);
      }
      case "exhausted":
        return 0n;
      case "compare":
        return this.#holds(insn.condition, this.#get(insn.a), this.#operand(insn.b)) ? 1n : 0n;
      case "load": {
        const [region, offset] = this.#memory(insn.base, insn.offset);
        const value = region.load(offset, insn.size);
        if (typeof value !== "bigint" || insn.size === 8) return value;
        return evaluateExtend(value, insn.size, insn.signed);
      }
      case "store": {
        const [region, offset] = this.#memory(insn.base, insn.offset);
        region.store(offset, insn.size, this.#operand(insn.value));
        return undefined;
      }
      case "atomic":
        return this.#atomic(insn);
      case "call": {
        const kinds = helperSpec(insn.helper).args;
        const values = insn.args.map((arg) => this.#operand(arg));
        const args = new CheckedArguments(kinds, values, this.#vm, (index, more) => {
          const stop = this.#evaluator.call(index, more);
          if (stop !== 0n && stop !== 1n) throw new Fault(`a callback returned ${stop}`);
          return stop;
        });
        return implementationOf(insn.helper, this.#vm.helpers)(args, this.#vm);
      }
      case "call-local":
        return this.#evaluator.call(
          insn.index,
          insn.args.map((arg) => this.#operand(arg)),
        );
      case "lookup":
        return this.#vm.maps[insn.map]!.lookup(this.#key(insn), this.#vm.world.cpu);
      default:
        return unreachable(insn);
    }
  }

  #alu(insn: Extract<Insn, { op: "alu" }>): Value {
    const a = this.#get(insn.a);
    const b = this.#operand(insn.b);
    if (a instanceof Pointer && typeof b === "bigint" && insn.alu === "add") return a.plus(b);
    if (a instanceof Pointer && typeof b === "bigint" && insn.alu === "sub") return a.plus(-b);
    if (typeof a === "bigint" && b instanceof Pointer && insn.alu === "add") return b.plus(a);
    if (a instanceof Pointer && b instanceof Pointer && insn.alu === "sub") return bitsOf(a) - bitsOf(b);
    return evaluateAlu(insn.alu, this.#number(insn.a), this.#number(insn.b));
  }

  #atomic(insn: Extract<Insn, { op: "atomic" }>): bigint {
    const [region, offset] = this.#memory(insn.base, insn.offset);
    const old = region.load(offset, insn.size);
    if (typeof old !== "bigint") throw new Fault("atomic access to a pointer");
    const unsigned = BigInt.asUintN(insn.size * 8, old);
    const operand = this.#number(insn.value);
    const expected =
      insn.expected === undefined ? undefined : BigInt.asUintN(insn.size * 8, this.#number(insn.expected));
    const results = {
      add: old + operand,
      or: old | operand,
      and: old & operand,
      xor: old ^ operand,
      xchg: operand,
      cmpxchg: unsigned === expected ? operand : old,
    };
    region.store(offset, insn.size, BigInt.asIntN(64, results[insn.atomic]));
    return unsigned;
  }

  #key(insn: Extract<Insn, { op: "lookup" }>): Uint8Array {
    const size = this.#vm.maps[insn.map]!.spec.keySize;
    if ("address" in insn.key) {
      const [region, offset] = this.#memory(insn.key.address, 0);
      return region.read(offset, size);
    }
    if (insn.key.size !== size) throw new Fault(`a key of ${insn.key.size} bytes for a map with keys of ${size}`);
    const bytes = new Uint8Array(size);
    writeNumber(bytes, 0, size, this.#number(insn.key.value));
    return bytes;
  }
}
