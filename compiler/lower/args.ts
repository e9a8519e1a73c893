/** Arguments of a probe, read from wherever the program's context keeps them. */
import type { ArgumentPlace } from "../dwarf/arguments.ts";
import type { VReg } from "../ir/ir.ts";
import type { Argument } from "../sema/args.ts";
import { sizeOf } from "../sema/layout.ts";
import { isScalar, isSigned, type Size, uint64 } from "../sema/types.ts";
import type { Lowering } from "./lowering.ts";
import type { Place } from "./place.ts";
import { register } from "./registers.ts";

/** Offsets in the saved registers (struct pt_regs), part of the architectures' ABI. */
export const SYSCALL_REGISTERS = {
  x64: { arguments: [112, 104, 96, 56, 72, 64], number: 120 },
  // The first argument is kept apart because its register receives the result.
  arm64: { arguments: [272, 8, 16, 24, 32, 40], number: 280 },
} as const;

/** One of the saved registers of a system call. They do not change while a program runs. */
export function savedRegister(l: Lowering, registers: VReg, offset: number, size: Size): VReg {
  if (l.program.type === "tracing") return l.b.load(registers, offset, size, { invariant: true, signed: size === 4 });
  const slot = l.slot(8, "register");
  l.b.call("probe_read_kernel", [slot.base, { imm: BigInt(size) }, l.b.add(registers, offset)]);
  return l.b.load(slot.base, 0, size, { signed: size === 4 });
}

export function syscallNumberRegister(l: Lowering, registers: VReg): VReg {
  const { number } = SYSCALL_REGISTERS[l.facts.arch];
  return savedRegister(l, registers, number, l.facts.arch === "x64" ? 8 : 4);
}

/** One of the 64-bit words that a raw tracepoint's or a function's program gets. */
export function contextWord(l: Lowering, index: number): VReg {
  return l.b.load(l.context, index * 8, 8, { invariant: true });
}

function argument(l: Lowering, name: string): Argument {
  const found = l.probe.arguments()?.get(name);
  if (!found) throw new Error(`no argument ${name} in ${l.probe.name}`);
  return found;
}

/** The value of `args.name`, for arguments that fit a register. */
export function argumentValue(l: Lowering, name: string): VReg {
  const { type, source } = argument(l, name);
  switch (source.from) {
    case "record":
      return l.b.load(l.context, source.offset, sizeOf(type) as Size, { signed: isSigned(type), invariant: true });
    case "data-loc": {
      const word = l.b.load(l.context, source.offset, 4, { invariant: true });
      const offset = l.b.alu("and", word, { imm: 0xffffn });
      const base = source.relative ? l.b.add(l.context, source.offset + 4) : l.context;
      return l.b.alu("add", base, offset);
    }
    case "syscall-number":
      return l.syscall!.number;
    case "syscall-result":
      return l.syscall!.result!;
    case "syscall-argument": {
      const offset = SYSCALL_REGISTERS[l.facts.arch].arguments[source.index]!;
      return savedRegister(l, l.syscall!.registers, offset, 8);
    }
    case "raw": {
      const word = contextWord(l, source.index);
      return isScalar(type) ? l.b.extend(word, sizeOf(type) as Size, isSigned(type)) : word;
    }
    case "member": {
      const object = contextWord(l, source.index);
      return l.b.load(object, source.offset, sizeOf(type) as Size, { signed: isSigned(type), invariant: true });
    }
    case "place": {
      const { place } = source;
      if (place.in === "registers") {
        return l.b.extend(register(l, place.registers[0]!), sizeOf(type) as Size, isSigned(type));
      }
      return l.read(processMemory(l, place), type);
    }
  }
}

/** Where an argument lies in the memory of the process. */
function processMemory(l: Lowering, place: ArgumentPlace): Place {
  if (place.in !== "memory") throw new Error("an argument that is in no memory");
  const from: Place = { base: register(l, place.register), offset: place.offset, space: "user" };
  return place.indirect ? { base: l.read(from, uint64), offset: 0, space: "user" } : from;
}

/** Where `args.name` lies, for arguments that live in memory; undefined where they come in registers. */
export function argumentPlace(l: Lowering, name: string): Place | undefined {
  const { type, source } = argument(l, name);
  if (source.from === "record") return { base: l.context, offset: source.offset, space: "bpf", context: true };
  if (source.from === "member") {
    return { base: contextWord(l, source.index), offset: source.offset, space: "bpf", context: true };
  }
  if (source.from === "place") {
    const { place } = source;
    if (place.in !== "registers") return processMemory(l, place);
    const words = l.memory(8 * place.registers.length, "argument");
    for (const [i, name] of place.registers.entries()) {
      l.b.store(words.base, words.offset + 8 * i, 8, register(l, name));
    }
    return words;
  }
  // A struct that is passed by value fills words of its own.
  if (source.from !== "raw" || type.kind !== "struct") return undefined;
  return { base: l.context, offset: source.index * 8, space: "bpf", context: true };
}
