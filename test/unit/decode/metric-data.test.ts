import { describe, expect, it } from "vitest";
import { histBucket, histBuckets } from "../../../compiler/histogram.ts";
import type { ScriptMap, ValueLayout } from "../../../compiler/program.ts";
import { mapData, mapShape } from "../../../harness/tracing/metric-data.ts";
import { decodeMap } from "../../../harness/tracing/snapshot.ts";
import { bytes, i64, latin1, text, u8, u32, u64, zeros } from "../../support/bytes.ts";
import { presentation } from "../../support/output.ts";

const U64: ValueLayout = { kind: "integer", size: 8, signed: false };
const STR: ValueLayout = { kind: "string", size: 16 };
const COUNT: ValueLayout = { kind: "count", size: 8 };

const map = (key: ValueLayout | undefined, value: ValueLayout): ScriptMap => ({
  name: "@m",
  key,
  value,
  storage: { kind: "hash", map: 0, perCpu: false },
});

const keyOf = (key: ValueLayout, data: Uint8Array): unknown =>
  mapData(decodeMap({ map: map(key, COUNT), entries: [{ key: data, copies: [u64(1)] }] }), presentation).entries[0]!
    .key;

const metricOf = (value: ValueLayout, ...copies: Uint8Array[]): unknown =>
  mapData(decodeMap({ map: map(undefined, value), entries: [{ key: zeros(0), copies }] }), presentation).entries[0]!
    .value;

describe("keys", () => {
  it.each<[string, ValueLayout, Uint8Array, unknown]>([
    ["integers", U64, u64(5), [5n]],
    ["strings", STR, text("app/é.json", 16), ["app/é.json"]],
    ["strings that are no UTF-8", STR, latin1("a\xff", 16), ["a\\xff"]],
    ["strings that were cut", { kind: "string", size: 3 }, latin1("abc"), ["abc.."]],
    ["truth values", { kind: "boolean", size: 1 }, u8(1), [true]],
    ["pointers", { kind: "pointer", size: 8 }, u64(0x10), [16n]],
    [
      "tuples",
      {
        kind: "tuple",
        size: 24,
        elements: [
          { offset: 0, layout: U64 },
          { offset: 8, layout: STR },
        ],
      },
      bytes(u64(3), text("read", 16)),
      [3n, "read"],
    ],
    [
      "tuples in tuples",
      {
        kind: "tuple",
        size: 16,
        elements: [
          { offset: 0, layout: { kind: "tuple", size: 8, elements: [{ offset: 0, layout: U64 }] } },
          { offset: 8, layout: U64 },
        ],
      },
      u64(1, 2),
      [[1n], 2n],
    ],
    ["arrays", { kind: "array", size: 16, element: U64, count: 2 }, u64(1, 2), [[1n, 2n]]],
    ["records", { kind: "record", size: 16, fields: [{ name: "a", offset: 8, layout: U64 }] }, u64(1, 2), [[2n]]],
    ["enums", { kind: "enum", size: 4, signed: false, name: "e", values: [["2", "TWO"]] }, u32(2), ["TWO"]],
    ["kernel symbols", { kind: "ksym", size: 8 }, u64(0xffffffff81001004n), ["kfunc1"]],
    ["users", { kind: "username", size: 8 }, u64(0), ["root"]],
    ["buffers", { kind: "buffer", size: 8 }, bytes(u32(2), latin1("a\x01", 4)), ["a\\x01"]],
  ])("%s", (_, layout, data, expected) => {
    expect(keyOf(layout, data)).toEqual(expected);
  });

  it("are empty in a map without keys", () => {
    const decoded = decodeMap({ map: map(undefined, COUNT), entries: [{ key: zeros(0), copies: [u64(1)] }] });
    expect(mapData(decoded, presentation).entries).toEqual([{ key: [], value: { kind: "count", value: 1n } }]);
  });
});

describe("values", () => {
  it.each<[string, ValueLayout, Uint8Array[], unknown]>([
    ["integers", U64, [u64(5)], { kind: "integer", value: 5n }],
    ["truth values", { kind: "boolean", size: 1 }, [u8(1)], { kind: "integer", value: 1n }],
    ["no truth", { kind: "boolean", size: 1 }, [u8(0)], { kind: "integer", value: 0n }],
    ["pointers", { kind: "pointer", size: 8 }, [u64(9)], { kind: "integer", value: 9n }],
    [
      "enums",
      { kind: "enum", size: 4, signed: false, name: "e", values: [] },
      [u32(2)],
      { kind: "integer", value: 2n },
    ],
    ["counts of all CPUs", COUNT, [u64(5), u64(6)], { kind: "count", value: 11n }],
    ["sums", { kind: "sum", size: 8, signed: true }, [i64(-5), i64(1)], { kind: "sum", value: -4n }],
    ["minima", { kind: "min", size: 16, signed: true }, [i64(4, 1), i64(-4, 1)], { kind: "min", value: -4n }],
    ["maxima", { kind: "max", size: 16, signed: true }, [i64(4, 1), i64(9, 0)], { kind: "max", value: 4n }],
    [
      "averages",
      { kind: "avg", size: 16, signed: true },
      [i64(2, 9), i64(1, 1)],
      { kind: "avg", count: 3n, total: 10n },
    ],
    ["stats", { kind: "stats", size: 16, signed: true }, [i64(2, 9)], { kind: "stats", count: 2n, total: 9n }],
    ["strings", STR, [text("x", 16)], { kind: "other", text: "x" }],
    [
      "linear histograms",
      { kind: "lhist", size: 40, min: 0, max: 30, step: 10 },
      [u64(1, 0, 2, 0, 4), u64(0, 0, 1, 0, 0)],
      {
        kind: "lhist",
        histogram: {
          buckets: [
            { low: null, high: 0n, count: 1n },
            { low: 10n, high: 20n, count: 3n },
            { low: 30n, high: null, count: 4n },
          ],
        },
      },
    ],
  ])("%s", (_, layout, copies, expected) => {
    expect(metricOf(layout, ...copies)).toEqual(expected);
  });

  it.each([0, 1, 3, 5])("hist(n, %i) gives each value a bucket around it", (bits) => {
    for (const value of [-5n, 0n, 1n, 7n, 8n, 1000n, 123_456_789n, (1n << 63n) - 1n]) {
      const buckets = new BigUint64Array(histBuckets(bits));
      buckets[histBucket(value, bits)] = 3n;
      const layout: ValueLayout = { kind: "hist", size: buckets.byteLength, bits };
      const data = metricOf(layout, new Uint8Array(buckets.buffer)) as {
        histogram: { buckets: { low: bigint | null; high: bigint | null; count: bigint }[] };
      };
      expect(data.histogram.buckets).toHaveLength(1);
      const { low, high, count } = data.histogram.buckets[0]!;
      expect(count).toBe(3n);
      expect(low === null ? value < 0n : low <= value).toBe(true);
      expect(value < high!).toBe(true);
    }
  });
});

describe("shapes agree with the data", () => {
  it.each<[ValueLayout, string]>([
    [U64, "integer"],
    [{ kind: "boolean", size: 1 }, "integer"],
    [{ kind: "pointer", size: 8 }, "integer"],
    [{ kind: "enum", size: 4, signed: false, name: "e", values: [] }, "integer"],
    [COUNT, "count"],
    [{ kind: "sum", size: 8, signed: true }, "sum"],
    [{ kind: "min", size: 16, signed: true }, "min"],
    [{ kind: "max", size: 16, signed: true }, "max"],
    [{ kind: "avg", size: 16, signed: true }, "avg"],
    [{ kind: "stats", size: 16, signed: true }, "stats"],
    [{ kind: "hist", size: 16, bits: 0 }, "hist"],
    [{ kind: "lhist", size: 24, min: 0, max: 1, step: 1 }, "lhist"],
    [STR, "other"],
    [{ kind: "mac", size: 6 }, "other"],
  ])("%j", (layout, kind) => {
    expect(mapShape(map(undefined, layout))).toEqual({ name: "@m", kind, keyed: false });
    expect(mapShape(map(U64, layout)).keyed).toBe(true);
    expect(metricOf(layout, zeros(layout.size))).toMatchObject({ kind });
  });

  it("an untouched map has no entries", () => {
    expect(mapData({ map: map(U64, COUNT), entries: [] }, presentation)).toEqual({
      name: "@m",
      kind: "count",
      keyed: true,
      entries: [],
    });
  });
});
