/** Script maps decoded: every CPU's share combined, entries in the order in which bpftrace 0.27 prints them. */
import type { ScriptMap, ValueLayout } from "../../compiler/program.ts";
import { type Aggregate, combine, DecodeError, decode, mean, type Value } from "./decode.ts";
import type { MapSnapshot } from "./maps.ts";
import { type Presentation, type PrintableMap, present } from "./printable.ts";
import { seriesByKey } from "./time-series.ts";

export interface DecodedEntry {
  /** Undefined in a map without keys. */
  readonly key: Value | undefined;
  readonly value: Value;
}

export interface DecodedMap {
  readonly map: ScriptMap;
  /** In printing order. */
  readonly entries: readonly DecodedEntry[];
}

/** Decodes what was read of a map. Throws DecodeError where bytes and layouts disagree. */
export function decodeMap({ map, entries }: MapSnapshot): DecodedMap {
  const decoded = entries.map((entry) => {
    const key = map.key && decode(map.key, viewOf(entry.key));
    const copies = entry.copies.map((copy) => decode(map.value, viewOf(copy)));
    return { key, value: combine(map.value, copies), keyBytes: entry.key };
  });
  if (map.value.kind === "tseries") return { map, entries: seriesByKey(map.value, decoded) };
  const byValue = valueOrder(map.value);
  const byKey = map.key && keyOrder(map.key);
  // bpftrace leaves the rest to the kernel's hash; here it is settled, so that output can be compared from run to run.
  decoded.sort((a, b) => byValue?.(a, b) || byKey?.(a, b) || Buffer.compare(a.keyBytes, b.keyBytes));
  return { map, entries: decoded.map(({ key, value }) => ({ key, value })) };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// Order

type Order = (a: DecodedEntry, b: DecodedEntry) => number;

/** Numbers and aggregates are printed smallest first. Undefined: the order is by key. */
function valueOrder(layout: ValueLayout): Order | undefined {
  switch (layout.kind) {
    case "integer":
    case "enum":
    case "count":
    case "sum":
      return by(({ value }) => numberOf(value));
    case "min":
    case "max":
      // Compared without a sign, whatever they are.
      return by(({ value }) => BigInt.asUintN(64, numberOf(value)));
    case "avg":
    case "stats":
      return by(({ value }) => (value.kind === "avg" || value.kind === "stats" ? mean(value) : 0n));
    case "hist":
    case "lhist":
      return by(({ value }) => (isHistogram(value) ? value.buckets.reduce((sum, n) => sum + n, 0n) : 0n));
    default:
      return undefined;
  }
}

/** Integers (always as signed ones) and strings have an order; tuples are ordered by those of their parts that have one. */
function keyOrder(layout: ValueLayout): Order | undefined {
  const order = partOrder(layout);
  if (order) return (a, b) => order(a.key!, b.key!);
  if (layout.kind !== "tuple") return undefined;
  const orders = layout.elements.map((element) => partOrder(element.layout));
  return (a, b) => {
    for (const [i, compare] of orders.entries()) {
      const result = compare?.(elementOf(a.key!, i), elementOf(b.key!, i)) ?? 0;
      if (result !== 0) return result;
    }
    return 0;
  };
}

function partOrder(layout: ValueLayout): ((a: Value, b: Value) => number) | undefined {
  switch (layout.kind) {
    case "integer":
    case "enum": {
      const bits = 8 * layout.size;
      return by((value: Value) => BigInt.asIntN(bits, numberOf(value)));
    }
    case "string":
      return by((value: Value) => (value.kind === "string" ? value.bytes : ""));
    default:
      return undefined;
  }
}

function by<T>(rank: (item: T) => bigint | string): (a: T, b: T) => number {
  return (a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  };
}

function numberOf(value: Value): bigint {
  switch (value.kind) {
    case "integer":
    case "enum":
    case "count":
    case "sum":
    case "min":
    case "max":
      return value.value;
    default:
      throw new DecodeError(`a ${value.kind} is no number`);
  }
}

function elementOf(value: Value, i: number): Value {
  const element = value.kind === "tuple" ? value.elements[i] : undefined;
  if (element === undefined) throw new DecodeError(`a ${value.kind} has no element ${i}`);
  return element;
}

type HistogramValue = Extract<Aggregate, { kind: "hist" | "lhist" }>;

function isHistogram(value: Value): value is HistogramValue {
  return value.kind === "hist" || value.kind === "lhist";
}

// For the printers

export interface MapSelection {
  /** Prints only so many entries: those with the largest values. 0: all. */
  readonly top?: number;
  /** Divides the numbers. 0: does not. */
  readonly divisor?: number;
}

export function presentMap(
  { map, entries }: DecodedMap,
  how: Presentation,
  selection: MapSelection = {},
): PrintableMap {
  const { top = 0, divisor = 0 } = selection;
  const selected = top > 0 ? entries.slice(-top) : entries;
  return {
    name: map.name,
    category: categoryOf(map.value),
    keyed: map.key !== undefined,
    entries: selected.map(({ key, value }) => ({
      key: key && present(key, how),
      value: present(value, how, BigInt(divisor)),
    })),
  };
}

/** As print(@x) shows a map without keys that nobody has touched: with the value that zeros make. */
export function orZero(decoded: DecodedMap): DecodedMap {
  const { map, entries } = decoded;
  if (map.key !== undefined || entries.length > 0 || NOTHING_WITHOUT_VALUES.has(map.value.kind)) return decoded;
  const zero = decode(map.value, new DataView(new ArrayBuffer(map.value.size)));
  return { map, entries: [{ key: undefined, value: zero }] };
}

/** Of a histogram or a series without values there is nothing to show. */
const NOTHING_WITHOUT_VALUES: ReadonlySet<string> = new Set(["hist", "lhist", "tseries"]);

/** The order of maps at the end of a session: by name. */
export function byName(a: { readonly map: ScriptMap }, b: { readonly map: ScriptMap }): number {
  return a.map.name < b.map.name ? -1 : a.map.name > b.map.name ? 1 : 0;
}

function categoryOf(layout: ValueLayout): PrintableMap["category"] {
  switch (layout.kind) {
    case "avg":
    case "stats":
      return "stats";
    case "hist":
    case "lhist":
      return "hist";
    case "tseries":
      return "tseries";
    default:
      return "map";
  }
}
