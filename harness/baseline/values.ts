/**
 * Numbers, keys and maps of runs as JSON: the form in which results and baselines keep them. One value per run, never
 * merged: a later comparison needs each run by itself.
 */
import { z } from "zod";
import { unreachable } from "../../compiler/unreachable.ts";
import type { KeyPart, MapKey, Num } from "../metrics/ast.ts";
import { keyIdentity } from "../metrics/print.ts";
import type { MapData, MapValue } from "../metrics/run-data.ts";
import type { Histogram } from "../stats/histogram.ts";

// Numbers

export const jsonNumber = z
  .union([z.number(), z.string().regex(/^-?\d+$/)])
  .describe("a number; whole numbers beyond 2^53 are written as decimal strings");
export type JsonNumber = z.infer<typeof jsonNumber>;

export function encodeNumber(value: Num): JsonNumber {
  if (typeof value === "number") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

export function decodeNumber(json: JsonNumber): Num {
  return typeof json === "string" || Number.isSafeInteger(json) ? BigInt(json) : json;
}

// Keys

export type JsonKeyPart = string | number | boolean | { integer: string } | JsonKeyPart[];

const jsonKeyPart: z.ZodType<JsonKeyPart> = z
  .lazy(() =>
    z.union([
      z.string(),
      z.number().int(),
      z.boolean(),
      z.strictObject({ integer: z.string().regex(/^-?\d+$/) }),
      z.array(jsonKeyPart),
    ]),
  )
  .meta({ id: "keyPart", description: "a part of a map's key; integers beyond 2^53 are objects, tuples are arrays" });
export const jsonKey = z.array(jsonKeyPart).describe("the parts of a map's key; empty for a map without keys");

export function encodeKey(key: MapKey): JsonKeyPart[] {
  return key.map(encodePart);
}

function encodePart(part: KeyPart): JsonKeyPart {
  if (typeof part === "bigint") {
    const number = Number(part);
    return Number.isSafeInteger(number) ? number : { integer: String(part) };
  }
  return typeof part === "object" ? part.map(encodePart) : part;
}

export function decodeKey(key: readonly JsonKeyPart[]): MapKey {
  return key.map(decodePart);
}

function decodePart(part: JsonKeyPart): KeyPart {
  if (typeof part === "number") return BigInt(part);
  if (typeof part !== "object") return part;
  return Array.isArray(part) ? part.map(decodePart) : BigInt(part.integer);
}

// Maps

const bound = z.union([jsonNumber, z.null()]);
const jsonMapValue = z
  .union([
    jsonNumber,
    z.strictObject({ text: z.string() }),
    z.strictObject({ count: jsonNumber, total: jsonNumber }),
    z.strictObject({
      buckets: z
        .array(z.tuple([bound, bound, jsonNumber]))
        .describe("[low, high, count] for values v with low <= v < high; null is no limit; empty buckets are left out"),
    }),
  ])
  .describe("by the map's kind: a number; for avg and stats count and total; for histograms buckets; else text");
export type JsonMapValue = z.infer<typeof jsonMapValue>;

export const mapTable = z.strictObject({
  name: z.string().describe("with its @"),
  script: z.string().describe("the probe script that has the map"),
  kind: z.enum(["integer", "count", "sum", "min", "max", "avg", "stats", "hist", "lhist", "tseries", "other"]),
  keyed: z.boolean(),
  keys: z.array(
    z.strictObject({
      key: jsonKey,
      values: z.array(jsonMapValue.nullable()).describe("one for each measured run; null where the key was absent"),
    }),
  ),
  dropped: z.int().nonnegative().describe("keys that are not listed because there were too many, the smallest ones"),
});
export type MapTable = z.infer<typeof mapTable>;
export type MapTableKey = MapTable["keys"][number];

/** More keys than this of one map are not kept; nobody reads them, and files have to stay small. */
export const MOST_KEYS = 500;

/** The maps of one script over all runs, key by key; `runs` holds the same maps in the same order for every run. */
export function mapTables(script: string, runs: readonly (readonly MapData[])[]): MapTable[] {
  return (runs[0] ?? []).map((first, m) => {
    const rows = new Map<string, { key: MapKey; values: (MapValue | undefined)[] }>();
    for (const [r, run] of runs.entries()) {
      for (const { key, value } of run[m]!.entries) {
        const id = keyIdentity(key);
        const row = rows.get(id) ?? { key, values: new Array<MapValue | undefined>(runs.length).fill(undefined) };
        row.values[r] = value;
        rows.set(id, row);
      }
    }
    const { name, kind, keyed } = first;
    const ranked = [...rows.values()].sort((a, b) => weight(b.values) - weight(a.values));
    const keys = ranked.slice(0, MOST_KEYS).map(({ key, values }) => ({
      key: encodeKey(key),
      values: values.map((value) => (value === undefined ? null : encodeMapValue(value))),
    }));
    return { name, script, kind, keyed, keys, dropped: ranked.length - keys.length };
  });
}

function encodeMapValue(value: MapValue): JsonMapValue {
  switch (value.kind) {
    case "integer":
    case "count":
    case "sum":
    case "min":
    case "max":
      return encodeNumber(value.value);
    case "avg":
    case "stats":
      return { count: encodeNumber(value.count), total: encodeNumber(value.total) };
    case "hist":
    case "lhist":
      return {
        buckets: value.histogram.buckets
          .filter(({ count }) => count > 0n)
          .map(({ low, high, count }) => [encodeBound(low), encodeBound(high), encodeNumber(count)]),
      };
    case "other":
    case "tseries":
      return { text: value.text };
    default:
      return unreachable(value, "map value");
  }
}

function encodeBound(bound: bigint | null): JsonNumber | null {
  return bound === null ? null : encodeNumber(bound);
}

/** The histogram in a map's value; undefined for any other. */
export function histogramOf(value: JsonMapValue | null): Histogram | undefined {
  if (value === null || typeof value !== "object" || !("buckets" in value)) return undefined;
  const whole = (json: JsonNumber | null): bigint | null => (json === null ? null : BigInt(json));
  return {
    buckets: value.buckets.map(([low, high, count]) => ({ low: whole(low), high: whole(high), count: BigInt(count) })),
  };
}

export function isHistogramTable({ kind }: MapTable): boolean {
  return kind === "hist" || kind === "lhist";
}

/** How much a key stands for in one run: its number, or the number of its events. Text stands for nothing. */
export function magnitude(value: JsonMapValue | null): number {
  if (value === null) return 0;
  if (typeof value !== "object") return Number(value);
  if ("count" in value) return Number(value.count);
  if ("buckets" in value) return value.buckets.reduce((sum, [, , count]) => sum + Number(count), 0);
  return 0;
}

function weight(values: readonly (MapValue | undefined)[]): number {
  return values.reduce((sum, value) => sum + Math.abs(value ? magnitude(encodeMapValue(value)) : 0), 0);
}
