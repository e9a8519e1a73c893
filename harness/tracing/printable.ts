/**
 * Values in the form in which they are shown: everything looked up, aggregates computed, numbers divided. The printers
 * for text and for JSON know only this.
 */
import { unreachable } from "../../compiler/unreachable.ts";
import { type ByteString, fromText } from "./bytestring.ts";
import { mean, type Value } from "./decode.ts";
import { type HistogramRow, histogramRows, linearHistogramRows } from "./output/histogram.ts";
import { formatTimestamp } from "./output/strftime.ts";
import { inetText, macText } from "./symbols/net.ts";
import type { Resolver } from "./symbols/resolver.ts";
import { stackText, symbolText } from "./symbols/stacks.ts";

export type Printable =
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "text"; readonly bytes: ByteString }
  /** A number with a name: enum values and pointers. Text shows the name, JSON the number. */
  | { readonly kind: "symbolic"; readonly text: ByteString; readonly value: bigint }
  | { readonly kind: "buffer"; readonly bytes: ByteString }
  | { readonly kind: "none" }
  | { readonly kind: "tuple" | "array"; readonly elements: readonly Printable[] }
  | { readonly kind: "record"; readonly fields: readonly { readonly name: string; readonly value: Printable }[] }
  | { readonly kind: "histogram"; readonly rows: readonly HistogramRow[] }
  | { readonly kind: "series"; readonly signed: boolean; readonly points: readonly SeriesPoint[] };

/** An interval of a time series. */
export interface SeriesPoint {
  readonly startNs: bigint;
  /** The start by the local clock, with nanoseconds: `13:05:59.000000000`. */
  readonly clock: ByteString;
  readonly value: bigint | undefined;
}

export interface PrintableMap {
  /** With its at sign. */
  readonly name: string;
  /** What JSON calls it: averages are "stats" too. */
  readonly category: "map" | "stats" | "hist" | "tseries";
  readonly keyed: boolean;
  /** In the order of printing. A map without keys has one entry, or none while it is untouched. */
  readonly entries: readonly { readonly key: Printable | undefined; readonly value: Printable }[];
}

export interface Presentation {
  readonly resolver: Resolver;
  /** Stands behind strings that were cut. */
  readonly truncationTrailer: ByteString;
}

/** `divisor` divides the numbers of a map (`print(@x, 0, 1000)`); 0 means 1, as in bpftrace. */
export function present(value: Value, how: Presentation, divisor = 1n): Printable {
  const divided = (n: bigint): Printable => integer(divisor === 0n ? n : n / divisor);
  const part = (v: Value): Printable => present(v, how, divisor);
  const { resolver } = how;
  switch (value.kind) {
    case "integer":
    case "count":
    case "sum":
    case "min":
    case "max":
      return divided(value.value);
    case "avg":
      return divided(mean(value));
    case "stats":
      // The count and the total stay whole.
      return record({ count: integer(value.count), average: divided(mean(value)), total: integer(value.total) });
    case "hist":
      return { kind: "histogram", rows: histogramRows(value, divisor === 0n ? 1n : divisor) };
    case "lhist":
      // bpftrace does not divide these.
      return { kind: "histogram", rows: linearHistogramRows(value) };
    case "tseries": {
      const points = value.points.map((point): SeriesPoint => {
        return { ...point, clock: formatTimestamp("%H:%M:%S.%k", point.startNs, resolver.zone) };
      });
      return { kind: "series", signed: value.signed, points };
    }
    case "interval":
      throw new Error("an interval of a time series is shown with the others");
    case "boolean":
      return value;
    case "string":
      return text(value.cut ? value.bytes + how.truncationTrailer : value.bytes);
    case "buffer":
    case "none":
      return value;
    case "tuple":
    case "array":
      return { kind: value.kind, elements: value.elements.map(part) };
    case "record":
      return { kind: "record", fields: value.fields.map((f) => ({ name: f.name, value: part(f.value) })) };
    case "pointer":
      return { kind: "symbolic", text: `0x${value.address.toString(16)}`, value: value.address };
    case "enum":
      return { kind: "symbolic", text: value.name ?? value.value.toString(), value: value.value };
    case "name":
      return text(fromText(value.name));
    case "ksym":
      return text(symbolText(value.address, resolver.kernelSymbol(value.address)));
    case "usym":
      return text(symbolText(value.address, resolver.userSymbol(value.address, value.pid)));
    case "kstack":
    case "ustack":
      return text(stackText(value, resolver));
    case "timestamp":
      return text(formatTimestamp(value.format, resolver.realTime(value.ns, value.clock), resolver.zone));
    case "inet":
      return text(inetText(value.family, value.address));
    case "mac":
      return text(macText(value.bytes));
    case "cgroup_path":
      return text(resolver.cgroupPath(value.id, value.filter));
    case "username":
      return text(resolver.username(value.number) ?? "");
    default:
      return unreachable(value, "value");
  }
}

function integer(value: bigint): Printable {
  return { kind: "integer", value };
}

function text(bytes: ByteString): Printable {
  return { kind: "text", bytes };
}

function record(fields: Readonly<Record<string, Printable>>): Printable {
  return { kind: "record", fields: Object.entries(fields).map(([name, value]) => ({ name, value })) };
}
