/**
 * The types of the language: plain data, compared by structure. `unknown` is the type of something that has not been
 * inferred yet (or that was reported already); it goes with everything and never causes a second message.
 */
import type { NameTableKind } from "../name-tables.ts";
import type { Aggregation, StackMode } from "../program.ts";

export type AddressSpace = "kernel" | "user" | "bpf" | "none";

export type Size = 1 | 2 | 4 | 8;

export interface IntegerType {
  kind: "integer";
  size: Size;
  signed: boolean;
  /** The value, where it is known when the script is compiled. Literals fit any type that can hold them. */
  value?: bigint;
  /** A cast chose the type, so that it no longer adapts to others, although the value is known. */
  fixed?: true;
}

export interface PointerType {
  kind: "pointer";
  to: Type;
  space: AddressSpace;
  /** The kernel marks it as more than an address (per-CPU and the like): it cannot be followed by a plain load. */
  marked?: true;
}

export interface StructField {
  name: string;
  type: Type;
  /** Bytes from the start of the struct. */
  offset: number;
  /** A bit-field: load `unit` bytes at `offset`, then shift and mask. */
  bits?: { offset: number; size: number; unit: Size };
  /** The verifier lets programs load it through a typed pointer: it is a plain member and not part of a union. */
  direct?: true;
}

/** Structs and unions, from the kernel's BTF or from the script's own definitions; members are decoded on demand. */
export interface StructShape {
  name: string;
  size: number;
  /** Where pointers in it lead, if it is one of a program's. */
  space?: AddressSpace;
  field(name: string): StructField | undefined;
  fields(): readonly StructField[];
}

export interface StructType {
  kind: "struct";
  shape: StructShape;
}

/** A probe's arguments: what `args` stands for in front of a field's name. */
export interface ArgsType {
  kind: "args";
  /** Decoded when it is looked at. */
  readonly shape: StructShape;
  /** The type of one argument. */
  field(name: string): Type | undefined;
  /** Why one cannot be had, if so. */
  problem(name: string): string | undefined;
}

export type Aggregate =
  | { kind: "count" }
  | { kind: "sum" | "min" | "max" | "avg" | "stats"; signed: boolean }
  | { kind: "hist"; bits: number }
  | { kind: "lhist"; min: number; max: number; step: number }
  | TimeSeriesType;

export interface TimeSeriesType {
  kind: "tseries";
  signed: boolean;
  intervalNs: number;
  intervals: number;
  aggregation: Aggregation;
}

export interface EnumType {
  kind: "enum";
  name: string;
  size: Size;
  signed: boolean;
  values: readonly { name: string; value: bigint }[];
  /** As with integers. */
  value?: bigint;
}

/** A text that is kept as the number it stands for until it meets another one. */
export interface Named {
  kind: "probe" | NameTableKind;
}

export type Type =
  | { kind: "unknown" }
  | { kind: "void" }
  | IntegerType
  | { kind: "boolean"; value?: boolean }
  /** `size` counts the terminating NUL; an array of char may be full, and have none. */
  | { kind: "string"; size: number; value?: string; chars?: true }
  /** A number that can only be told from others by its size: there is no floating point in programs. */
  | { kind: "float"; size: number }
  /** At most `size` bytes of data. */
  | { kind: "buffer"; size: number }
  | PointerType
  | { kind: "array"; element: Type; count: number }
  | { kind: "tuple"; elements: Type[] }
  | { kind: "record"; fields: { name: string; type: Type }[] }
  | StructType
  | ArgsType
  | EnumType
  | Named
  | { kind: "ksym" | "usym" | "mac" | "inet" | "username" }
  | { kind: "timestamp"; format: string; clock: "boot" | "realtime" | "monotonic" }
  | { kind: "cgroup_path"; filter: string }
  | { kind: "kstack" | "ustack"; mode: StackMode; limit: number }
  | Aggregate;

export const unknown: Type = { kind: "unknown" };
export const voidType: Type = { kind: "void" };
export const boolean: Type = { kind: "boolean" };
export const int64: IntegerType = { kind: "integer", size: 8, signed: true };
export const uint64: IntegerType = { kind: "integer", size: 8, signed: false };
export const uint32: IntegerType = { kind: "integer", size: 4, signed: false };
export const int32: IntegerType = { kind: "integer", size: 4, signed: true };

export function integer(size: Size, signed: boolean): IntegerType {
  return { kind: "integer", size, signed };
}

export function string(size: number): Type {
  return { kind: "string", size };
}

/** What an array of char is to the language. */
export function chars(size: number): Type {
  return { kind: "string", size, chars: true };
}

export function pointer(to: Type, space: AddressSpace): PointerType {
  return { kind: "pointer", to, space };
}

const AGGREGATES = new Set(["count", "sum", "min", "max", "avg", "stats", "hist", "lhist", "tseries"]);

export function isAggregate(type: Type): type is Aggregate {
  return AGGREGATES.has(type.kind);
}

const MANY_NUMBERS = new Set(["hist", "lhist", "stats", "tseries"]);

/** Aggregates that stand for one number, and so can be used as one. */
export function isNumericAggregate(type: Type): boolean {
  return isAggregate(type) && !MANY_NUMBERS.has(type.kind);
}

/** Whether a value of the type lives in a register; all others live in memory. */
export function isScalar(type: Type): boolean {
  switch (type.kind) {
    case "integer":
    case "boolean":
    case "pointer":
    case "enum":
    case "probe":
    case "ksym":
    case "timestamp":
    case "cgroup_path":
    case "strerror":
    case "signal_name":
    case "syscall_name":
    case "username":
    case "unknown":
      return true;
    default:
      return isNumericAggregate(type);
  }
}

/** Whether the type counts as an integer in arithmetic and comparisons. */
export function isIntegral(type: Type): boolean {
  return (
    type.kind === "integer" ||
    type.kind === "boolean" ||
    type.kind === "enum" ||
    type.kind === "ksym" ||
    type.kind === "unknown" ||
    isNumericAggregate(type)
  );
}

export function isSigned(type: Type): boolean {
  switch (type.kind) {
    case "integer":
    case "enum":
    case "sum":
    case "min":
    case "max":
    case "avg":
      return type.signed;
    case "count":
      return true;
    default:
      return false;
  }
}

/** The type without what is known of its value. */
export function widen(type: Type): Type {
  switch (type.kind) {
    case "integer":
      return integer(type.size, type.signed);
    case "boolean":
      return boolean;
    case "string":
      return type.chars ? chars(type.size) : string(type.size);
    case "enum": {
      const { kind, name, size, signed, values } = type;
      return { kind, name, size, signed, values };
    }
    case "tuple":
      return { kind: "tuple", elements: type.elements.map(widen) };
    case "record":
      return { kind: "record", fields: type.fields.map((f) => ({ name: f.name, type: widen(f.type) })) };
    default:
      return type;
  }
}

/** The value of an integer, or of a constant of an enum, where it is known when the script is compiled. */
export function knownInteger(type: Type): bigint | undefined {
  return type.kind === "integer" || type.kind === "enum" ? type.value : undefined;
}

/** The smallest signed type that holds a literal; above the signed range it is a uint64. */
export function literalType(value: bigint): IntegerType {
  for (const size of [1, 2, 4, 8] as const) {
    if (BigInt.asIntN(size * 8, value) === value) return { kind: "integer", size, signed: true, value };
  }
  return { kind: "integer", size: 8, signed: false, value };
}

/** What an integer of the type keeps of a value. */
export function truncate(value: bigint, type: { size: number; signed: boolean }): bigint {
  const bits = type.size * 8;
  return type.signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

export function fits(value: bigint, type: { size: number; signed: boolean }): boolean {
  return truncate(value, type) === value;
}

/** Bytes that a name gets where it is stored as a string. */
export const NAME_SIZE = 64;

const NAMED: ReadonlySet<Type["kind"]> = new Set(["probe", "strerror", "signal_name", "syscall_name"]);

export function isNamed(type: Type): type is Named {
  return NAMED.has(type.kind);
}

/** Bytes of a text where it is written out. */
export function textSize(type: Named | (Type & { kind: "string" })): number {
  return type.kind === "string" ? type.size : NAME_SIZE;
}

/** Whether a value of the type counts as a text. */
export function isText(type: Type): type is Named | (Type & { kind: "string" }) {
  return type.kind === "string" || isNamed(type);
}

export function sameIntervals(a: TimeSeriesType, b: TimeSeriesType): boolean {
  return a.intervalNs === b.intervalNs && a.intervals === b.intervals && a.aggregation === b.aggregation;
}

export function sameType(a: Type, b: Type): boolean {
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case "integer":
    case "enum":
      return a.size === (b as typeof a).size && a.signed === (b as typeof a).signed;
    case "string":
    case "buffer":
    case "float":
      return a.size === (b as typeof a).size;
    case "pointer":
      return sameType(a.to, (b as PointerType).to);
    case "array":
      return a.count === (b as typeof a).count && sameType(a.element, (b as typeof a).element);
    case "tuple": {
      const other = b as typeof a;
      return a.elements.length === other.elements.length && a.elements.every((e, i) => sameType(e, other.elements[i]!));
    }
    case "record": {
      const other = b as typeof a;
      return (
        a.fields.length === other.fields.length &&
        a.fields.every((f, i) => f.name === other.fields[i]!.name && sameType(f.type, other.fields[i]!.type))
      );
    }
    case "struct":
      return a.shape.name === (b as typeof a).shape.name && a.shape.size === (b as typeof a).shape.size;
    case "hist":
      return a.bits === (b as typeof a).bits;
    case "lhist": {
      const other = b as typeof a;
      return a.min === other.min && a.max === other.max && a.step === other.step;
    }
    case "sum":
    case "min":
    case "max":
    case "avg":
    case "stats":
      return a.signed === (b as typeof a).signed;
    case "tseries":
      return a.signed === (b as typeof a).signed && sameIntervals(a, b as typeof a);
    case "kstack":
    case "ustack":
      return a.mode === (b as typeof a).mode && a.limit === (b as typeof a).limit;
    case "timestamp":
      return a.format === (b as typeof a).format;
    case "cgroup_path":
      return a.filter === (b as typeof a).filter;
    default:
      return true;
  }
}

/** The type as the user would write it, or as a message names it. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case "integer":
      return `${type.signed ? "" : "u"}int${type.size * 8}`;
    case "boolean":
      return "bool";
    case "string":
      return `string[${type.size}]`;
    case "buffer":
      return `buffer[${type.size}]`;
    case "pointer":
      return `${typeName(type.to)} *`;
    case "array":
      return `${typeName(type.element)}[${type.count}]`;
    case "tuple":
      return `(${type.elements.map(typeName).join(",")})`;
    case "record":
      return `record { ${type.fields.map((f) => `.${f.name} = ${typeName(f.type)}`).join(", ")} }`;
    case "struct":
      return type.shape.name;
    case "args":
      return "args";
    case "enum":
      return `enum ${type.name}`;
    case "kstack":
    case "ustack":
      return `${type.kind}_${type.mode}_${type.limit}`;
    case "unknown":
      return "unknown";
    default:
      return type.kind;
  }
}
