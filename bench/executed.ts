/**
 * How many instructions a program executes for an event. What runs is the kernel's own copy of the program, in which the
 * verifier has put lookups in line and left out what is never reached; it runs here, over a world in which every helper
 * succeeds and every map has the entry that is looked for, as for all but the first of many events. Values of maps that the
 * program addresses itself are zeros at first, and what it has made of them the next time. What helpers do by themselves is not counted, only
 * that they were called.
 */
import type { RawInstruction } from "../compiler/asm/decode.ts";
import { ALU_END, ALU_NEG, aluCodes, Class, conditionCodes, Mode, SOURCE_REGISTER } from "../compiler/asm/opcodes.ts";
import { evaluateAlu, evaluateByteSwap, evaluateCondition, evaluateExtend } from "../compiler/ir/arithmetic.ts";
import type { AluOp, Condition } from "../compiler/ir/ir.ts";

/** An instruction as the kernel tells it. */
export interface LoadedInstruction extends RawInstruction {
  /** Of a 64-bit constant, which takes two slots. */
  wide?: bigint;
  /** Of a call: the function's name. */
  callee?: string;
}

export interface Executed {
  instructions: number;
  /** Names of the functions that were called, in order. */
  calls: string[];
}

/** What happens around a program. */
export interface World {
  /** The process and its thread. */
  pid: number;
  comm: string;
  /** What is read as a string from the process's memory. */
  text: string;
  /** Addresses: of the context, and of the current task. */
  context: bigint;
  task: bigint;
  /** What lies in memory; everything else reads as ones, eight bytes each, which passes for a counter or a pointer. */
  memory: Memory;
}

export class Memory {
  readonly #bytes = new Map<bigint, number>();
  readonly #zeroed: { start: bigint; end: bigint }[] = [];

  /** Memory that reads as zeros until it is written. */
  zeros(start: bigint, size: number): void {
    if (this.#zeroed.some((known) => known.start === start)) return;
    this.#zeroed.push({ start, end: start + BigInt(size) });
  }

  read(address: bigint, size: number): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#byte(unsigned(address + BigInt(i))));
    return value;
  }

  write(address: bigint, size: number, value: bigint): void {
    for (let i = 0; i < size; i++) {
      this.#bytes.set(unsigned(address + BigInt(i)), Number((value >> BigInt(8 * i)) & 0xffn));
    }
  }

  text(address: bigint, text: string, size: number): void {
    for (let i = 0; i < size; i++) this.write(address + BigInt(i), 1, BigInt(text.charCodeAt(i) || 0));
  }

  #byte(address: bigint): number {
    const written = this.#bytes.get(address);
    if (written !== undefined) return written;
    if (this.#zeroed.some(({ start, end }) => address >= start && address < end)) return 0;
    return address % 8n === 0n ? 1 : 0;
  }
}

/** Runs a program to its end. Throws for what no tracer's program does. */
export function execute(program: readonly (LoadedInstruction | undefined)[], world: World): Executed {
  return new Machine(program, world).run();
}

const STACK = 0x7000_0000_0000n;
const FRAME = 512n;
const ENTRIES = 0x6000_0000_0000n;
const MAX_STEPS = 1_000_000;
/** The source register of a constant that is the address of a map's value. */
const MAP_VALUE = 2;
const LARGEST_VALUE = 1 << 24;

class Machine {
  readonly #program: readonly (LoadedInstruction | undefined)[];
  readonly #world: World;
  readonly #memory: Memory;
  readonly #registers: bigint[] = Array.from({ length: 12 }, () => 0n);
  readonly #frames: { returnTo: number; saved: bigint[] }[] = [];
  readonly #maps = new Map<bigint, bigint>();
  readonly #calls: string[] = [];
  #now = 1_000_000n;

  constructor(program: readonly (LoadedInstruction | undefined)[], world: World) {
    this.#program = program;
    this.#world = world;
    this.#memory = world.memory;
  }

  run(): Executed {
    this.#registers[1] = signed(this.#world.context);
    this.#registers[10] = STACK;
    let slot = 0;
    for (let steps = 1; steps < MAX_STEPS; steps++) {
      const insn = this.#program[slot];
      if (!insn) throw new Error(`no instruction at ${slot}`);
      const next = this.#step(insn, slot);
      if (next === undefined) return { instructions: steps, calls: this.#calls };
      slot = next;
    }
    throw new Error("a program that does not end");
  }

  /** Executes an instruction; answers the slot of the next one. */
  #step(insn: LoadedInstruction, slot: number): number | undefined {
    const r = this.#registers;
    const kind = insn.opcode & 7;
    switch (kind) {
      case Class.LD:
        r[insn.dst] = signed(insn.wide!);
        if (insn.src === MAP_VALUE) this.#memory.zeros(r[insn.dst]!, LARGEST_VALUE);
        return slot + 2;
      case Class.LDX: {
        const size = sizeOf(insn.opcode);
        const value = this.#memory.read(r[insn.src]! + BigInt(insn.offset), size);
        r[insn.dst] = evaluateExtend(value, size, (insn.opcode & 0xe0) === Mode.MEMSX);
        return slot + 1;
      }
      case Class.ST:
        this.#memory.write(r[insn.dst]! + BigInt(insn.offset), sizeOf(insn.opcode), BigInt(insn.imm));
        return slot + 1;
      case Class.STX:
        if ((insn.opcode & 0xe0) === Mode.ATOMIC) this.#atomic(insn);
        else this.#memory.write(r[insn.dst]! + BigInt(insn.offset), sizeOf(insn.opcode), r[insn.src]!);
        return slot + 1;
      case Class.ALU:
      case Class.ALU64:
        r[insn.dst] = this.#alu(insn, kind === Class.ALU64);
        return slot + 1;
      default:
        return this.#jump(insn, slot, kind === Class.JMP);
    }
  }

  #operand(insn: LoadedInstruction): bigint {
    return insn.opcode & SOURCE_REGISTER ? this.#registers[insn.src]! : BigInt(insn.imm);
  }

  #alu(insn: LoadedInstruction, wide: boolean): bigint {
    const code = insn.opcode & 0xf0;
    const size = wide ? 8 : 4;
    const a = evaluateExtend(this.#registers[insn.dst]!, size, wide || (code === aluCodes.arsh && !wide));
    const b = this.#operand(insn);
    if (code === aluCodes.mov) {
      // An offset is the width of a sign extension, or (-1) says that the address is one of this processor.
      return evaluateExtend(b, insn.offset > 0 ? insn.offset / 8 : size, wide || insn.offset > 0);
    }
    if (code === ALU_NEG) return evaluateExtend(-a, size, wide);
    if (code === ALU_END) return evaluateByteSwap(a, insn.imm / 8);
    const name = (insn.offset === 1 && SIGNED_DIVISION[code]) || ALU_NAMES.get(code)!;
    const shift = code === aluCodes.lsh || code === aluCodes.rsh || code === aluCodes.arsh;
    const amount = shift ? b & BigInt(8 * size - 1) : evaluateExtend(b, size, wide);
    return evaluateExtend(evaluateAlu(name, a, amount), size, wide);
  }

  #atomic(insn: LoadedInstruction): void {
    const r = this.#registers;
    const size = sizeOf(insn.opcode);
    const address = r[insn.dst]! + BigInt(insn.offset);
    const before = this.#memory.read(address, size);
    const given = r[insn.src]!;
    if (insn.imm === COMPARE_EXCHANGE) {
      if (before === evaluateExtend(r[0]!, size, false)) this.#memory.write(address, size, given);
      r[0] = signed(before);
      return;
    }
    const after = insn.imm === EXCHANGE ? given : evaluateAlu(ALU_NAMES.get(insn.imm & 0xf0)!, before, given);
    this.#memory.write(address, size, after);
    if (insn.imm & FETCH) r[insn.src] = signed(before);
  }

  #jump(insn: LoadedInstruction, slot: number, wide: boolean): number | undefined {
    const r = this.#registers;
    const code = insn.opcode & 0xf0;
    if (insn.callee !== undefined) {
      this.#calls.push(insn.callee);
      r[0] = signed(this.#call(insn.callee));
      return slot + 1;
    }
    if (code === LOCAL_CALL) {
      this.#frames.push({ returnTo: slot + 1, saved: r.slice(6, 11) });
      r[10] = r[10]! - FRAME;
      return slot + 1 + insn.imm;
    }
    if (code === EXIT) {
      const frame = this.#frames.pop();
      if (!frame) return undefined;
      for (const [i, value] of frame.saved.entries()) r[6 + i] = value;
      return frame.returnTo;
    }
    if (code === ALWAYS) return slot + 1 + (wide ? insn.offset : insn.imm);
    const size = wide ? 8 : 4;
    const condition = CONDITIONS.get(code);
    if (!condition) throw new Error(`no such jump: ${insn.opcode}`);
    const a = evaluateExtend(r[insn.dst]!, size, true);
    const taken = evaluateCondition(condition, a, evaluateExtend(this.#operand(insn), size, true));
    return slot + 1 + (taken ? insn.offset : 0);
  }

  /** What a function of the kernel does as far as programs can tell. */
  #call(name: string): bigint {
    const { pid, comm, text, task } = this.#world;
    const [, first, second, third] = this.#registers as [bigint, bigint, bigint, bigint];
    if (/lookup|ringbuf_reserve/.test(name)) return this.#entry(first);
    if (/get_stack/.test(name)) return STACK_SIZE;
    if (/ktime/.test(name)) {
      this.#now += 1000n;
      return this.#now;
    }
    if (/get_current_task/.test(name)) return task;
    if (/get_current_pid_tgid/.test(name)) return (BigInt(pid) << 32n) | BigInt(pid);
    if (/get_current_comm/.test(name)) {
      this.#memory.text(first, comm, Number(second));
      return 0n;
    }
    if (/probe_read.*_str/.test(name)) {
      this.#memory.text(first, text, text.length + 1);
      return BigInt(text.length + 1);
    }
    if (/probe_read/.test(name)) {
      for (let i = 0n; i < evaluateExtend(second, 4, false); i++) {
        this.#memory.write(first + i, 1, this.#memory.read(third + i, 1));
      }
      return 0n;
    }
    if (/strncmp/.test(name)) return this.#compare(first, third, Number(second));
    return 0n;
  }

  /** Each map has one entry. */
  #entry(map: bigint): bigint {
    const found = this.#maps.get(map) ?? ENTRIES + (BigInt(this.#maps.size) << 20n);
    this.#maps.set(map, found);
    return found;
  }

  #compare(a: bigint, b: bigint, most: number): bigint {
    for (let i = 0n; i < most; i++) {
      const [left, right] = [this.#memory.read(a + i, 1), this.#memory.read(b + i, 1)];
      if (left !== right) return left - right;
      if (left === 0n) break;
    }
    return 0n;
  }
}

/** Bytes of a call stack; where it is an id, that is as good as any. */
const STACK_SIZE = 80n;
const LOCAL_CALL = 0x80;
const EXIT = 0x90;
const ALWAYS = 0x00;
const COMPARE_EXCHANGE = 0xf1;
const EXCHANGE = 0xe1;
const FETCH = 1;

const SIGNED_DIVISION: Readonly<Record<number, AluOp>> = { [aluCodes.div]: "sdiv", [aluCodes.mod]: "smod" };
const ALU_NAMES = new Map(
  (Object.entries(aluCodes) as [AluOp | "mov", number][]).flatMap(([name, code]): [number, AluOp][] =>
    name === "mov" || name === "sdiv" || name === "smod" ? [] : [[code, name]],
  ),
);
const CONDITIONS = new Map(
  (Object.entries(conditionCodes) as [Condition, number][]).map(([name, code]) => [code, name]),
);

function sizeOf(opcode: number): 1 | 2 | 4 | 8 {
  return ([4, 2, 1, 8] as const)[(opcode >> 3) & 3]!;
}

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
