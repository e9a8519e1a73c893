/**
 * The arguments that a probe offers: which fields `args` has, of which types, and from where each is read. The same
 * tracepoint may be served by programs of different kinds, so a field's place is said in terms of the event, not of a context.
 */
import type { Btf } from "../btf/btf.ts";
import type { BtfParam, BtfPrototype } from "../btf/types.ts";
import { type ArgumentPlace, placeArguments } from "../dwarf/arguments.ts";
import type { Dwarf } from "../dwarf/dwarf.ts";
import type { DwarfFunction } from "../dwarf/types.ts";
import type { KernelFacts, TracepointField, TracepointFormat } from "../kernel-facts.ts";
import { typeFromBtf } from "./btf-types.ts";
import { typeFromDwarf } from "./dwarf-types.ts";
import {
  type AddressSpace,
  int32,
  int64,
  integer,
  pointer,
  type Size,
  type StructField,
  type StructShape,
  string,
  type Type,
  voidType,
} from "./types.ts";

/** Where an argument is found when the probe fires. */
export type ArgumentSource =
  /** At `offset` of the tracepoint's record. */
  | { from: "record"; offset: number }
  /** In a u32 at `offset` of the record: 16 bits of offset, 16 bits of length. */
  | { from: "data-loc"; offset: number; relative: boolean }
  /** The n-th argument of the system call, from the saved registers. */
  | { from: "syscall-argument"; index: number }
  | { from: "syscall-number" }
  | { from: "syscall-result" }
  /** The n-th 64-bit word of a raw tracepoint's context. */
  | { from: "raw"; index: number }
  /** A plain member of the object that the n-th word points to. */
  | { from: "member"; index: number; offset: number }
  /** In registers of what was interrupted, a word in each; in memory from where one points to; or not to be had. */
  | { from: "place"; place: ArgumentPlace };

export interface Argument {
  name: string;
  type: Type;
  source: ArgumentSource;
}

export interface Arguments {
  /** What the function gave back, where the probe is at its return. */
  result?: Argument;
  /** How `args` is called in messages and how a printed `args` looks. */
  shape: StructShape;
  get(name: string): Argument | undefined;
  names(): string[];
}

export function argumentsOf(name: string, list: readonly Argument[], size: number): Arguments {
  const byName = new Map(list.map((argument) => [argument.name, argument]));
  const fields: StructField[] = list.map((a) => ({
    name: a.name,
    type: a.type,
    offset: a.source.from === "record" || a.source.from === "data-loc" ? a.source.offset : 0,
  }));
  return {
    shape: {
      name,
      size,
      field: (field) => fields.find((f) => f.name === field),
      fields: () => fields,
    },
    get: (field) => byName.get(field),
    names: () => list.map((a) => a.name),
  };
}

/** Fields of a perf-based tracepoint's record. The common ones of all tracepoints programs cannot read. */
export function recordArguments(
  category: string,
  event: string,
  format: TracepointFormat,
  facts: KernelFacts,
): Arguments {
  const space: AddressSpace = category === "syscalls" ? "user" : "kernel";
  const list = format.fields
    .filter(({ name }) => name !== "" && !isCommonField(name))
    .map((field): Argument => {
      const type = fieldType(field, facts, space);
      if (field.location) {
        const relative = field.location === "relative";
        return { name: field.name, type, source: { from: "data-loc", offset: field.offset, relative } };
      }
      return { name: field.name, type, source: { from: "record", offset: field.offset } };
    });
  const size = format.fields.reduce((end, f) => Math.max(end, f.offset + f.size), 0);
  return argumentsOf(`tracepoint:${category}:${event}`, list, size);
}

export function isCommonField(name: string): boolean {
  return name.startsWith("common_");
}

/**
 * The same fields, served from the registers of a raw system call tracepoint. The number and the result are known without
 * the format, which spares reading hundreds of files for a wildcard.
 */
export function syscallArguments(
  direction: "enter" | "exit",
  event: string,
  format: () => TracepointFormat | undefined,
  facts: KernelFacts,
): Arguments {
  const fixed: Argument[] = [{ name: "__syscall_nr", type: int32, source: { from: "syscall-number" } }];
  if (direction === "exit") fixed.push({ name: "ret", type: int64, source: { from: "syscall-result" } });
  let read: Arguments | undefined;
  const all = (): Arguments => {
    read ??= argumentsOf(
      `tracepoint:syscalls:${event}`,
      [...fixed, ...registerArguments(direction, format(), facts)],
      0,
    );
    return read;
  };
  return {
    get shape() {
      return all().shape;
    },
    get: (name) => fixed.find((argument) => argument.name === name) ?? all().get(name),
    names: () => all().names(),
  };
}

function registerArguments(
  direction: "enter" | "exit",
  format: TracepointFormat | undefined,
  facts: KernelFacts,
): Argument[] {
  if (direction === "exit") return [];
  return (format?.fields ?? [])
    .filter(({ name }) => !isCommonField(name) && name !== "__syscall_nr")
    .map((field, index) => ({
      name: field.name,
      type: fieldType(field, facts, "user"),
      source: { from: "syscall-argument", index },
    }));
}

/** `args.id` and `args.ret` of raw_syscalls:sys_enter and sys_exit. */
export function rawSyscallArguments(direction: "enter" | "exit"): Arguments {
  const list: Argument[] = [{ name: "id", type: int64, source: { from: "syscall-number" } }];
  if (direction === "exit") list.push({ name: "ret", type: int64, source: { from: "syscall-result" } });
  return argumentsOf(`tracepoint:raw_syscalls:sys_${direction}`, list, 0);
}

/** Arguments of a raw tracepoint, typed by the kernel's BTF. */
export function rawArguments(name: string, facts: KernelFacts, module?: string): Arguments | undefined {
  const btf = facts.btf(module);
  const tracepoint = btf?.tracepoint(name);
  if (!btf || !tracepoint) return undefined;
  const list = tracepoint.params.map((param, index): Argument => {
    return {
      name: param.name || `arg${index}`,
      type: typeFromBtf(btf, param.type, "kernel"),
      source: { from: "raw", index },
    };
  });
  return argumentsOf(`rawtracepoint:${name}`, list, 0);
}

/** The most arguments, in words, that the kernel hands to programs. */
const MAX_SLOTS = 12;

/** 64-bit words of a function's arguments in the context of a program; undefined where there are too many. */
export function functionSlots(btf: Btf, proto: BtfPrototype): number | undefined {
  let slots = 0;
  for (const param of proto.params) slots += slotsOf(btf, param);
  return slots <= MAX_SLOTS && !proto.variadic ? slots : undefined;
}

/** A struct that is passed by value takes as many words as it fills. */
function slotsOf(btf: Btf, param: BtfParam): number {
  return Math.max(1, Math.ceil((btf.sizeOf(param.type) ?? 8) / 8));
}

/** Arguments, and at its return the result, of a function of the kernel. */
export function functionArguments(name: string, btf: Btf, proto: BtfPrototype, returns: boolean): Arguments {
  let slot = 0;
  const list = proto.params.map((param, i): Argument => {
    const index = slot;
    slot += slotsOf(btf, param);
    return {
      name: param.name || `arg${i}`,
      type: typeFromBtf(btf, param.type, "kernel"),
      source: { from: "raw", index },
    };
  });
  const args = argumentsOf(name, list, slot * 8);
  const type = typeFromBtf(btf, proto.returns, "kernel");
  if (!returns || type.kind === "void") return args;
  return { ...args, result: { name: "retval", type, source: { from: "raw", index: slot } } };
}

/** Arguments of a function of a program, as its debug information has them. `symbol` is its name in the table of symbols. */
export function programArguments(
  name: string,
  dwarf: Dwarf,
  fn: DwarfFunction,
  { symbol, arch }: { symbol: string; arch: KernelFacts["arch"] },
): Arguments {
  const list = placeArguments(dwarf, fn, symbol, arch).map(({ parameter, place }, index): Argument => {
    const type = typeFromDwarf(dwarf, parameter.type);
    return { name: parameter.name || `arg${index}`, type, source: { from: "place", place } };
  });
  return argumentsOf(name, list, 0);
}

function fieldType(field: TracepointField, facts: KernelFacts, space: AddressSpace): Type {
  const declared = field.type.replace(/\b(const|volatile|__user|__rcu)\b/g, " ").trim();
  if (field.location) {
    return /\bchar\b/.test(declared) ? pointer(integer(1, true), "kernel") : pointer(integer(1, false), "kernel");
  }
  if (declared.endsWith("*")) return pointer(pointeeType(declared.slice(0, -1).trim(), facts, space), space);
  if (field.count !== undefined && field.count > 0) {
    const element = field.size / field.count;
    if (/\bchar\b/.test(declared) && !/\bunsigned\b/.test(declared) && element === 1) return string(field.count);
    if (isIntegerSize(element)) return { kind: "array", element: integer(element, field.signed), count: field.count };
  }
  if (isIntegerSize(field.size)) return enumType(declared, field.size, facts) ?? integer(field.size, field.signed);
  return { kind: "array", element: integer(1, false), count: field.size };
}

/** The kernel's enum of that name, so that values are printed as words. */
function enumType(declared: string, size: number, facts: KernelFacts): Type | undefined {
  if (!declared.startsWith("enum ")) return undefined;
  const btf = facts.btf();
  const id = btf?.findSpelling(declared);
  const type = btf && id !== undefined ? typeFromBtf(btf, id, "none") : undefined;
  return type?.kind === "enum" && type.size === size ? type : undefined;
}

function pointeeType(declared: string, facts: KernelFacts, space: AddressSpace): Type {
  if (declared.endsWith("*")) return pointer(pointeeType(declared.slice(0, -1).trim(), facts, space), space);
  if (declared === "void") return voidType;
  if (declared === "char") return integer(1, true);
  const btf = facts.btf();
  const id = btf?.findSpelling(declared.replace(/\s+/g, " "));
  return btf && id !== undefined ? typeFromBtf(btf, id, space) : voidType;
}

function isIntegerSize(size: number): size is Size {
  return size === 1 || size === 2 || size === 4 || size === 8;
}
