/**
 * Bytes out of a map or a record, read as the compiler laid them out. Nothing is looked up here: addresses stay
 * addresses and ids stay ids, so that decoding needs no host. Numbers are little-endian, as on every machine we run on.
 *
 * Every integer is a bigint, whatever its width: there is one rule, no precision is lost, and arithmetic that wraps
 * at 64 bits can be written down as such.
 */
import type { Aggregation, StackMode, ValueLayout } from "../../compiler/program.ts";
import { unreachable } from "../../compiler/unreachable.ts";
import { type ByteString, bytesAt } from "./bytestring.ts";
import { joinIntervals } from "./time-series.ts";

export type Value =
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "boolean"; readonly value: boolean }
  /** `cut`: the string did not end within its room. */
  | { readonly kind: "string"; readonly bytes: ByteString; readonly cut: boolean }
  | { readonly kind: "buffer"; readonly bytes: ByteString }
  | { readonly kind: "none" }
  | { readonly kind: "tuple" | "array"; readonly elements: readonly Value[] }
  /** Records and the kernel's structs alike. */
  | { readonly kind: "record"; readonly fields: readonly { readonly name: string; readonly value: Value }[] }
  | { readonly kind: "pointer"; readonly address: bigint }
  | { readonly kind: "enum"; readonly value: bigint; readonly name: string | undefined }
  /** Of a probe, an error, a signal or a system call. */
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "ksym"; readonly address: bigint }
  | { readonly kind: "usym"; readonly address: bigint; readonly pid: number }
  | {
      readonly kind: "kstack" | "ustack";
      /** Negative where the kernel could not walk the stack. */
      readonly id: bigint;
      readonly frames: number;
      /** 0 for kernel stacks. */
      readonly pid: number;
      /** Index of the stack map in the compiled program. */
      readonly map: number;
      readonly mode: StackMode;
      readonly limit: number;
    }
  | { readonly kind: "timestamp"; readonly ns: bigint; readonly clock: Clock; readonly format: ByteString }
  /** `address` has 4 bytes for AF_INET (2) and 16 for AF_INET6 (10). */
  | { readonly kind: "inet"; readonly family: number; readonly address: ByteString }
  | { readonly kind: "mac"; readonly bytes: ByteString }
  | { readonly kind: "cgroup_path"; readonly id: bigint; readonly filter: string }
  | { readonly kind: "username"; readonly number: bigint }
  | Aggregate;

export type Clock = Extract<ValueLayout, { kind: "timestamp" }>["clock"];

/** What an aggregating function gathered, on one CPU or on all of them. */
export type Aggregate =
  | { readonly kind: "count"; readonly value: bigint }
  | { readonly kind: "sum"; readonly value: bigint; readonly signed: boolean }
  /** `value` is 0 while nothing was seen. */
  | { readonly kind: "min" | "max"; readonly value: bigint; readonly isSet: boolean }
  | { readonly kind: "avg" | "stats"; readonly count: bigint; readonly total: bigint; readonly signed: boolean }
  /** Buckets as compiler/histogram.ts numbers them. */
  | { readonly kind: "hist"; readonly buckets: readonly bigint[]; readonly bits: number }
  | {
      readonly kind: "lhist";
      readonly buckets: readonly bigint[];
      readonly min: number;
      readonly max: number;
      readonly step: number;
    }
  /** One interval of a time series. Its epoch is 0 while there is no value. */
  | {
      readonly kind: "interval";
      readonly epoch: bigint;
      readonly value: bigint;
      readonly weight: bigint;
      readonly aggregation: Aggregation;
      readonly signed: boolean;
    }
  /** Interval by interval; a value is missing where nothing happened. */
  | {
      readonly kind: "tseries";
      readonly signed: boolean;
      readonly points: readonly { readonly startNs: bigint; readonly value: bigint | undefined }[];
    };

/** Bytes that cannot be what their layout says. The kernel side and the layout disagree, which is a defect of ours. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** Reads one value that starts at `offset`. Throws DecodeError if it does not fit into the view. */
export function decode(layout: ValueLayout, view: DataView, offset = 0): Value {
  if (offset < 0 || offset + layout.size > view.byteLength) {
    throw new DecodeError(
      `a ${layout.kind} of ${layout.size} bytes at offset ${offset} does not fit into ${view.byteLength} bytes`,
    );
  }
  switch (layout.kind) {
    case "integer":
      return { kind: "integer", value: readInteger(view, offset, layout.size, layout.signed) };
    case "boolean":
      return { kind: "boolean", value: view.getUint8(offset) !== 0 };
    case "string":
      return decodeString(layout, view, offset);
    case "none":
      return { kind: "none" };
    case "buffer":
      return decodeBuffer(view, offset, layout.size);
    case "tuple":
      return {
        kind: "tuple",
        elements: layout.elements.map((e) => decode(e.layout, view, within(layout, offset, e))),
      };
    case "record":
      return {
        kind: "record",
        fields: layout.fields.map((f) => ({ name: f.name, value: decode(f.layout, view, within(layout, offset, f)) })),
      };
    case "struct":
      return {
        kind: "record",
        fields: layout.fields.map((f) => ({ name: f.name, value: decodeField(f, view, offset, layout) })),
      };
    case "array":
      return {
        kind: "array",
        elements: Array.from({ length: layout.count }, (_, i) =>
          decode(layout.element, view, offset + i * layout.element.size),
        ),
      };
    case "pointer":
      return { kind: "pointer", address: view.getBigUint64(offset, true) };
    case "enum":
      return decodeEnum(layout, readInteger(view, offset, layout.size, layout.signed));
    case "name":
      return decodeName(layout, view.getBigUint64(offset, true));
    case "ksym":
      return { kind: "ksym", address: view.getBigUint64(offset, true) };
    case "usym":
      return {
        kind: "usym",
        address: view.getBigUint64(offset, true),
        pid: view.getUint32(offset + 8, true),
      };
    case "kstack":
    case "ustack":
      return {
        kind: layout.kind,
        id: view.getBigInt64(offset, true),
        frames: view.getUint32(offset + 8, true),
        pid: layout.kind === "ustack" ? view.getUint32(offset + 12, true) : 0,
        map: layout.map,
        mode: layout.mode,
        limit: layout.limit,
      };
    case "timestamp":
      return {
        kind: "timestamp",
        ns: view.getBigUint64(offset, true),
        clock: layout.clock,
        format: layout.format,
      };
    case "inet":
      return decodeInet(view, offset);
    case "mac":
      return { kind: "mac", bytes: bytesAt(view, offset, 6) };
    case "cgroup_path":
      return { kind: "cgroup_path", id: view.getBigUint64(offset, true), filter: layout.filter };
    case "username":
      return { kind: "username", number: view.getBigUint64(offset, true) };
    case "count":
      return { kind: "count", value: view.getBigUint64(offset, true) };
    case "sum":
      return { kind: "sum", value: readInteger(view, offset, 8, layout.signed), signed: layout.signed };
    case "min":
    case "max": {
      const isSet = view.getBigUint64(offset + 8, true) !== 0n;
      return { kind: layout.kind, value: isSet ? readInteger(view, offset, 8, layout.signed) : 0n, isSet };
    }
    case "avg":
    case "stats":
      return {
        kind: layout.kind,
        count: view.getBigUint64(offset, true),
        total: readInteger(view, offset + 8, 8, layout.signed),
        signed: layout.signed,
      };
    case "hist":
      return { kind: "hist", buckets: readBuckets(view, offset, layout.size), bits: layout.bits };
    case "lhist": {
      const { min, max, step } = layout;
      return { kind: "lhist", buckets: readBuckets(view, offset, layout.size), min, max, step };
    }
    case "tseries":
      return decodeInterval(layout, view, offset);
    default:
      return unreachable(layout, "layout");
  }
}

/** The mean as bpftrace computes it: an integer division that rounds towards zero; 0 of nothing. */
export function mean({ count, total }: { readonly count: bigint; readonly total: bigint }): bigint {
  return count === 0n ? 0n : total / count;
}

export function isAggregate(value: Value): value is Aggregate {
  return AGGREGATES.has(value.kind);
}

const AGGREGATES: ReadonlySet<string> = new Set<Aggregate["kind"]>([
  "count",
  "sum",
  "min",
  "max",
  "avg",
  "stats",
  "hist",
  "lhist",
  "interval",
  "tseries",
]);

type Sized = Extract<ValueLayout, { kind: "tuple" | "record" | "struct" }>;
type StructField = Extract<ValueLayout, { kind: "struct" }>["fields"][number];

/** Where a part lies. A part that reaches beyond its whole would read a neighbour's bytes. */
function within(whole: Sized, offset: number, part: { offset: number; layout: ValueLayout }): number {
  if (part.offset < 0 || part.offset + part.layout.size > whole.size) {
    throw new DecodeError(
      `a ${part.layout.kind} of ${part.layout.size} bytes at offset ${part.offset} of a ${whole.kind} of ${whole.size} bytes`,
    );
  }
  return offset + part.offset;
}

function readInteger(view: DataView, offset: number, size: 1 | 2 | 4 | 8, signed: boolean): bigint {
  switch (size) {
    case 1:
      return BigInt(signed ? view.getInt8(offset) : view.getUint8(offset));
    case 2:
      return BigInt(signed ? view.getInt16(offset, true) : view.getUint16(offset, true));
    case 4:
      return BigInt(signed ? view.getInt32(offset, true) : view.getUint32(offset, true));
    case 8:
      return signed ? view.getBigInt64(offset, true) : view.getBigUint64(offset, true);
  }
}

function decodeString(
  { size, chars }: Extract<ValueLayout, { kind: "string" }>,
  view: DataView,
  offset: number,
): Value {
  const bytes = bytesAt(view, offset, size);
  const end = bytes.indexOf("\0");
  return { kind: "string", bytes: end < 0 ? bytes : bytes.slice(0, end), cut: end < 0 && size > 0 && !chars };
}

function decodeBuffer(view: DataView, offset: number, size: number): Value {
  const length = view.getUint32(offset, true);
  if (length > size - 4) throw new DecodeError(`a buffer of ${length} bytes in room for ${size - 4}`);
  return { kind: "buffer", bytes: bytesAt(view, offset + 4, length) };
}

function decodeInterval(layout: Extract<ValueLayout, { kind: "tseries" }>, view: DataView, offset: number): Value {
  const { aggregation, signed } = layout;
  const epoch = view.getBigUint64(offset + 16, true);
  const value = epoch === 0n ? 0n : readInteger(view, offset, 8, signed);
  return { kind: "interval", epoch, value, weight: view.getBigUint64(offset + 8, true), aggregation, signed };
}

type Enum = Extract<ValueLayout, { kind: "enum" }>;
type Name = Extract<ValueLayout, { kind: "name" }>;

function decodeEnum(layout: Enum, value: bigint): Value {
  return { kind: "enum", value, name: namesOf(layout, layout.values).get(value) };
}

function decodeName(layout: Name, number: bigint): Value {
  const name = namesOf(layout, layout.names).get(number) ?? layout.other;
  if (name === undefined) throw new DecodeError(`there is no probe with the id ${number}`);
  return { kind: "name", name };
}

/** A layout is read for thousands of values; its list is turned into a table at the first. */
const NAMES = new WeakMap<Enum | Name, ReadonlyMap<bigint, string>>();

function namesOf(
  layout: Enum | Name,
  pairs: readonly (readonly [value: string | number, name: string])[],
): ReadonlyMap<bigint, string> {
  let names = NAMES.get(layout);
  if (names === undefined) {
    // Of several names for one value the first one counts.
    names = new Map(pairs.map(([value, name]): [bigint, string] => [BigInt(value), name]).reverse());
    NAMES.set(layout, names);
  }
  return names;
}

const AF_INET6 = 10;

function decodeInet(view: DataView, offset: number): Value {
  const family = view.getUint32(offset, true);
  return { kind: "inet", family, address: bytesAt(view, offset + 8, family === AF_INET6 ? 16 : 4) };
}

/** A struct's member; a bit field's bits are counted from the lowest bit of the byte at its offset. */
function decodeField(field: StructField, view: DataView, offset: number, whole: Sized): Value {
  const { bits, layout } = field;
  if (bits === undefined) return decode(layout, view, within(whole, offset, field));
  const bytes = Math.ceil((bits.offset + bits.size) / 8);
  if (field.offset + bytes > whole.size) {
    throw new DecodeError(
      `bits ${bits.offset} to ${bits.offset + bits.size} at offset ${field.offset} of a struct of ${whole.size} bytes`,
    );
  }
  let raw = 0n;
  for (let i = bytes - 1; i >= 0; i--) raw = (raw << 8n) | BigInt(view.getUint8(offset + field.offset + i));
  // The language takes all bit-fields as unsigned, as bpftrace does.
  const value = BigInt.asUintN(bits.size, raw >> BigInt(bits.offset));
  switch (layout.kind) {
    case "integer":
      return { kind: "integer", value };
    case "boolean":
      return { kind: "boolean", value: value !== 0n };
    case "enum":
      return decodeEnum(layout, value);
    default:
      throw new DecodeError(`a bit field cannot be a ${layout.kind}`);
  }
}

function asInteger(value: bigint, bits: number, signed: boolean): bigint {
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

function readBuckets(view: DataView, offset: number, size: number): bigint[] {
  return Array.from({ length: size / 8 }, (_, i) => view.getBigUint64(offset + 8 * i, true));
}

/**
 * One value out of every CPU's copy. Counters and sums wrap at 64 bits, as they would on one CPU. What is no
 * aggregate has a single copy. Throws DecodeError if there is no copy, or more than one of a plain value.
 */
export function combine(layout: ValueLayout, copies: readonly Value[]): Value {
  const [first, ...rest] = copies;
  if (first === undefined) throw new DecodeError(`a ${layout.kind} without any copy`);
  return rest.reduce(join, first);
}

/** Each CPU's share put together; `a` and `b` are of the same layout. */
function join(a: Value, b: Value): Value {
  switch (a.kind) {
    case "count":
      return { ...a, value: BigInt.asUintN(64, a.value + same(a, b).value) };
    case "sum":
      return { ...a, value: asInteger(a.value + same(a, b).value, 64, a.signed) };
    case "min":
    case "max": {
      const other = same(a, b);
      if (!a.isSet || !other.isSet) return a.isSet ? a : other;
      return a.value < other.value === (a.kind === "min") ? a : other;
    }
    case "avg":
    case "stats": {
      const other = same(a, b);
      const count = BigInt.asUintN(64, a.count + other.count);
      return { ...a, count, total: asInteger(a.total + other.total, 64, a.signed) };
    }
    case "hist":
    case "lhist": {
      const other = same(a, b);
      return { ...a, buckets: a.buckets.map((n, i) => BigInt.asUintN(64, n + (other.buckets[i] ?? 0n))) };
    }
    case "interval":
      return joinIntervals(a, same(a, b));
    default:
      throw new DecodeError(`a ${a.kind} has one copy, not one a CPU`);
  }
}

function same<A extends Value>(a: A, b: Value): A {
  if (a.kind !== b.kind) throw new DecodeError(`a ${a.kind} cannot be combined with a ${b.kind}`);
  return b as A;
}
