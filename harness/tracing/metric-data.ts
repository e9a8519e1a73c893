/** Script maps as metric expressions see them: keys by parts, numbers as such, histograms as buckets with bounds. */
import { histRange, lhistRange } from "../../compiler/histogram.ts";
import type { ScriptMap, ValueLayout } from "../../compiler/program.ts";
import { unreachable } from "../../compiler/unreachable.ts";
import type { KeyPart } from "../metrics/ast.ts";
import type { MapData, MapShape, MapValue, MapValueKind } from "../metrics/run-data.ts";
import type { Bucket } from "../stats/histogram.ts";
import { toText } from "./bytestring.ts";
import type { Aggregate, Value } from "./decode.ts";
import { printableText } from "./output/printable-text.ts";
import { type Presentation, present } from "./printable.ts";
import type { DecodedMap } from "./snapshot.ts";

/** What metric expressions may know of a map before anything ran. */
export function mapShape({ name, key, value }: ScriptMap): MapShape {
  return { name, kind: metricKind(value), keyed: key !== undefined };
}

/** A map as metric expressions see it. `how` gives names to what has one. */
export function mapData({ map, entries }: DecodedMap, how: Presentation): MapData {
  return {
    ...mapShape(map),
    entries: entries.map(({ key, value }) => ({
      key:
        key === undefined ? [] : key.kind === "tuple" ? key.elements.map((e) => keyPart(e, how)) : [keyPart(key, how)],
      value: metricValue(value, how),
    })),
  };
}

function metricKind(layout: ValueLayout): MapValueKind {
  switch (layout.kind) {
    case "count":
    case "sum":
    case "min":
    case "max":
    case "avg":
    case "stats":
    case "hist":
    case "lhist":
    case "tseries":
      return layout.kind;
    case "integer":
    case "boolean":
    case "enum":
    case "pointer":
      return "integer";
    default:
      return "other";
  }
}

function metricValue(value: Value, how: Presentation): MapValue {
  switch (value.kind) {
    case "integer":
    case "enum":
      return { kind: "integer", value: value.value };
    case "boolean":
      return { kind: "integer", value: value.value ? 1n : 0n };
    case "pointer":
      return { kind: "integer", value: value.address };
    case "count":
    case "sum":
    case "min":
    case "max":
      return { kind: value.kind, value: value.value };
    case "avg":
    case "stats":
      return { kind: value.kind, count: value.count, total: value.total };
    case "hist":
    case "lhist":
      return { kind: value.kind, histogram: { buckets: metricBuckets(value) } };
    case "tseries":
      return { kind: "tseries", text: textOf(value, how) };
    default:
      return { kind: "other", text: textOf(value, how) };
  }
}

/** Numbers and truth values as such, tuples as lists, everything else as the text that the tool prints for it. */
function keyPart(value: Value, how: Presentation): KeyPart {
  switch (value.kind) {
    case "integer":
      return value.value;
    case "boolean":
      return value.value;
    case "pointer":
      return value.address;
    case "tuple":
    case "array":
      return value.elements.map((element) => keyPart(element, how));
    case "record":
      return value.fields.map((field) => keyPart(field.value, how));
    default:
      return textOf(value, how);
  }
}

function textOf(value: Value, how: Presentation): string {
  return toText(printableText(present(value, how)));
}

/** The buckets that hold something. */
function metricBuckets(value: HistogramValue): Bucket[] {
  return value.buckets.flatMap((count, i) => (count === 0n ? [] : [{ ...bounds(value, i), count }]));
}

function bounds(value: HistogramValue, bucket: number): { low: bigint | null; high: bigint | null } {
  switch (value.kind) {
    case "hist": {
      const { low, high } = histRange(bucket, value.bits);
      return { low: low ?? null, high };
    }
    case "lhist": {
      const { low, high } = lhistRange(bucket, value.min, value.max, value.step);
      return { low: low === undefined ? null : BigInt(low), high: high === undefined ? null : BigInt(high) };
    }
    default:
      return unreachable(value, "histogram");
  }
}

type HistogramValue = Extract<Aggregate, { kind: "hist" | "lhist" }>;
