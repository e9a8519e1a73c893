/**
 * The types of the language: plain data, compared by structure. `unknown` is the type of something that has not been
 * inferred yet (or that was reported already); it goes with everything and never causes a second message.
 */
import { histBuckets, lhistBuckets } from "../histogram.ts";
import type { Aggregation, StackMode, ValueLayout } from "../program.ts";

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
  field(name: string): StructField | undefined;
  fields(): readonly StructField[];
}

export interface StructType {
  kind: "struct";
  shape: StructShape;
}

/** The record of a tracepoint's arguments: what `args` stands for. */
export interface ArgsType {
  kind: "args";
  /** Decoded when it is looked at. */
  readonly shape: StructShape;
  /** The type of one argument. */
  field(name: string): Type | undefined;
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
  | { kind: "probe" }
  | { kind: "ksym" | "usym" | "mac" | "inet" | "strerror" | "signal_name" | "username" }
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

/** The value of a literal that is as good as unsigned: its type goes with that of the other side. */
function adaptable(type: IntegerType): bigint | undefined {
  return type.fixed || type.value === undefined || type.value < 0n ? undefined : type.value;
}

/** Whether the type goes with that of the other side, as that of a literal does which is not negative. */
export function adapts(type: Type): boolean {
  return type.kind === "integer" && adaptable(type) !== undefined;
}

/** The smallest type that holds all values of both; int64 where there is none. */
export function joinIntegers(a: IntegerType, b: IntegerType): IntegerType {
  // Of two literals the larger one stands for both: a place that takes only literals is still free to become unsigned.
  const [left, right] = [adaptable(a), adaptable(b)];
  if (left !== undefined && right !== undefined) return left > right ? a : b;
  if (a.signed === b.signed) return integer(largerSize(a.size, b.size), a.signed);
  for (const [literal, { size: before, signed }] of [
    [a, b],
    [b, a],
  ] as const) {
    const value = adaptable(literal);
    if (value !== undefined && literal.signed && !signed) {
      let size = before;
      while (size < 8 && !fits(value, { size, signed: false })) size = (size * 2) as Size;
      return integer(size, false);
    }
  }
  const [signed, unsigned] = a.signed ? [a, b] : [b, a];
  const wide = unsigned.size < 8 ? ((unsigned.size * 2) as Size) : 8;
  return integer(largerSize(signed.size, wide), true);
}

function largerSize(a: Size, b: Size): Size {
  return a >= b ? a : b;
}

/**
 * The type of a place that takes values of both types, undefined if there is none. Strings take the longer size, tuples
 * and records join element by element.
 */
export function joinTypes(a: Type, b: Type): Type | undefined {
  if (a.kind === "unknown") return b;
  if (b.kind === "unknown") return a;
  if (a.kind === "integer" && b.kind === "integer") return joinIntegers(a, b);
  if (a.kind === "enum" && b.kind === "enum") {
    const isSame = a.name === b.name && (a.name !== "" || a.values === b.values);
    return isSame
      ? widen(a.size >= b.size ? a : b)
      : joinIntegers(integer(a.size, a.signed), integer(b.size, b.signed));
  }
  if (a.kind === "enum" && b.kind === "integer") return joinIntegers(integer(a.size, a.signed), b);
  if (a.kind === "integer" && b.kind === "enum") return joinIntegers(a, integer(b.size, b.signed));
  if (a.kind !== b.kind) return joinKinds(a, b);
  switch (a.kind) {
    case "string":
      return widen(a.size >= (b as typeof a).size ? a : b);
    case "buffer":
      return { kind: "buffer", size: Math.max(a.size, (b as typeof a).size) };
    case "pointer": {
      const other = b as PointerType;
      if (sameType(a.to, other.to)) return a.space === "none" ? other : a;
      if (a.to.kind === "void" || a.to.kind === "unknown") return other;
      if (other.to.kind === "void" || other.to.kind === "unknown") return a;
      return undefined;
    }
    case "tuple": {
      const other = b as typeof a;
      if (a.elements.length !== other.elements.length) return undefined;
      const elements: Type[] = [];
      for (const [i, element] of a.elements.entries()) {
        const joined = joinTypes(element, other.elements[i]!);
        if (!joined) return undefined;
        elements.push(joined);
      }
      return { kind: "tuple", elements };
    }
    case "record": {
      const other = b as typeof a;
      if (a.fields.length !== other.fields.length) return undefined;
      const fields: { name: string; type: Type }[] = [];
      for (const field of a.fields) {
        const match = other.fields.find((f) => f.name === field.name);
        const joined = match && joinTypes(field.type, match.type);
        if (!joined) return undefined;
        fields.push({ name: field.name, type: joined });
      }
      return { kind: "record", fields };
    }
    case "sum":
    case "min":
    case "max":
    case "avg":
    case "stats":
      return { kind: a.kind, signed: a.signed || (b as typeof a).signed };
    case "tseries": {
      const other = b as typeof a;
      return sameIntervals(a, other) ? { ...a, signed: a.signed || other.signed } : undefined;
    }
    case "boolean":
      return boolean;
    default:
      return sameType(a, b) ? a : undefined;
  }
}

function joinKinds(a: Type, b: Type): Type | undefined {
  // A probe's name is kept as a number until it meets another string.
  if (a.kind === "probe" && b.kind === "string") return string(Math.max(b.size, PROBE_NAME_SIZE));
  if (a.kind === "string" && b.kind === "probe") return joinKinds(b, a);
  return undefined;
}

/** Bytes that a probe's name gets where it is stored as a string. */
export const PROBE_NAME_SIZE = 64;

function sameIntervals(a: TimeSeriesType, b: TimeSeriesType): boolean {
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
    case "args":
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
    case "unknown":
      return "unknown";
    default:
      return type.kind;
  }
}

/** Bytes that a value occupies in memory, padding included. */
export function sizeOf(type: Type): number {
  switch (type.kind) {
    case "unknown":
    case "void":
      return 0;
    case "integer":
    case "enum":
    case "string":
    case "float":
      return type.size;
    case "boolean":
      return 1;
    case "buffer":
      return type.size + 4;
    case "array":
      return sizeOf(type.element) * type.count;
    case "tuple":
      return placed(type.elements).size;
    case "record":
      return placed(type.fields.map((f) => f.type)).size;
    case "struct":
    case "args":
      return type.shape.size;
    case "usym":
    case "kstack":
    case "ustack":
    case "min":
    case "max":
    case "avg":
    case "stats":
      return 16;
    case "inet":
      return 24;
    case "mac":
      return 6;
    case "hist":
    case "lhist":
    case "tseries":
      throw new Error(`${type.kind} has no size of its own`);
    default:
      return 8;
  }
}

export function alignOf(type: Type): number {
  switch (type.kind) {
    case "integer":
    case "enum":
      return type.size;
    case "boolean":
    case "string":
    case "float":
    case "mac":
    case "struct":
    case "args":
      return 1;
    case "buffer":
      return 4;
    case "array":
      return alignOf(type.element);
    case "tuple":
      return Math.max(1, ...type.elements.map(alignOf));
    case "record":
      return Math.max(1, ...type.fields.map((f) => alignOf(f.type)));
    default:
      return 8;
  }
}

/** Offsets of elements laid one after the other, each at its alignment. */
export function placed(types: readonly Type[]): { offsets: number[]; size: number } {
  let offset = 0;
  let align = 1;
  const offsets = types.map((type) => {
    const a = alignOf(type);
    align = Math.max(align, a);
    offset = Math.ceil(offset / a) * a;
    const at = offset;
    offset += sizeOf(type);
    return at;
  });
  return { offsets, size: Math.ceil(offset / align) * align };
}

/** What the harness needs to decode a value. Layouts that refer to maps or probes are completed by the planner. */
export interface LayoutContext {
  probeNames(): [id: number, name: string][];
  stackMap(stack: { mode: StackMode; limit: number }): number;
}

export function layoutOf(type: Type, context: LayoutContext): ValueLayout {
  switch (type.kind) {
    case "integer":
      return { kind: "integer", size: type.size, signed: type.signed };
    case "boolean":
      return { kind: "boolean", size: 1 };
    case "string":
      return { kind: "string", size: type.size, chars: type.chars };
    case "float":
      return { kind: "none", size: type.size };
    case "buffer":
      return { kind: "buffer", size: type.size + 4 };
    case "pointer":
      return { kind: "pointer", size: 8 };
    case "array":
      return { kind: "array", size: sizeOf(type), element: layoutOf(type.element, context), count: type.count };
    case "tuple": {
      const { offsets, size } = placed(type.elements);
      const elements = type.elements.map((e, i) => ({ offset: offsets[i]!, layout: layoutOf(e, context) }));
      return { kind: "tuple", size, elements };
    }
    case "record": {
      const { offsets, size } = placed(type.fields.map((f) => f.type));
      const fields = type.fields.map((f, i) => ({
        name: f.name,
        offset: offsets[i]!,
        layout: layoutOf(f.type, context),
      }));
      return { kind: "record", size, fields };
    }
    case "struct":
    case "args": {
      const fields = type.shape.fields().map((f) => ({
        name: f.name,
        offset: f.offset,
        layout: layoutOf(f.type, context),
        ...(f.bits ? { bits: { offset: f.bits.offset, size: f.bits.size } } : {}),
      }));
      return { kind: "struct", size: type.shape.size, name: type.shape.name, fields };
    }
    case "enum":
      return {
        kind: "enum",
        size: type.size,
        signed: type.signed,
        name: type.name,
        values: type.values.map((v) => [v.value.toString(), v.name]),
      };
    case "probe":
      return { kind: "probe", size: 8, names: context.probeNames() };
    case "ksym":
      return { kind: "ksym", size: 8 };
    case "usym":
      return { kind: "usym", size: 16 };
    case "kstack":
    case "ustack":
      return { kind: type.kind, size: 16, map: context.stackMap(type), mode: type.mode, limit: type.limit };
    case "timestamp":
      return { kind: "timestamp", size: 8, format: type.format, clock: type.clock };
    case "inet":
      return { kind: "inet", size: 24 };
    case "mac":
      return { kind: "mac", size: 6 };
    case "cgroup_path":
      return { kind: "cgroup_path", size: 8, filter: type.filter };
    case "strerror":
    case "signal_name":
    case "username":
      return { kind: type.kind, size: 8 };
    case "count":
      return { kind: "count", size: 8 };
    case "sum":
      return { kind: "sum", size: 8, signed: type.signed };
    case "min":
    case "max":
    case "avg":
    case "stats":
      return { kind: type.kind, size: 16, signed: type.signed };
    case "hist":
      return { kind: "hist", size: aggregateSize(type), bits: type.bits };
    case "lhist":
      return { kind: "lhist", size: aggregateSize(type), min: type.min, max: type.max, step: type.step };
    case "tseries":
      return { ...type, size: 24 };
    case "unknown":
    case "void":
      throw new Error(`a value of type ${type.kind} has no layout`);
  }
}

/** Bytes of one CPU's copy of an aggregate; of a time series, those of one interval. */
export function aggregateSize(type: Aggregate): number {
  switch (type.kind) {
    case "count":
    case "sum":
      return 8;
    case "min":
    case "max":
    case "avg":
    case "stats":
      return 16;
    case "hist":
      return histBuckets(type.bits) * 8;
    case "lhist":
      return lhistBuckets(type.min, type.max, type.step) * 8;
    case "tseries":
      return 24;
  }
}
