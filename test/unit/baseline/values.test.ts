import { describe, expect, it } from "vitest";
import {
  decodeKey,
  decodeNumber,
  encodeKey,
  encodeNumber,
  histogramOf,
  jsonKey,
  MOST_KEYS,
  magnitude,
  mapTable,
  mapTables,
} from "../../../harness/baseline/values.ts";
import type { MapKey, Num } from "../../../harness/metrics/ast.ts";
import type { MapData, MapValue } from "../../../harness/metrics/run-data.ts";

describe("numbers as JSON", () => {
  it.each<[Num, number | string, Num]>([
    [3n, 3, 3n],
    [-3n, -3, -3n],
    [1.5, 1.5, 1.5],
    [2n ** 53n - 1n, 2 ** 53 - 1, 2n ** 53n - 1n],
    [2n ** 53n, "9007199254740992", 2n ** 53n],
    [2n ** 64n - 1n, "18446744073709551615", 2n ** 64n - 1n],
    [-(2n ** 63n), "-9223372036854775808", -(2n ** 63n)],
  ])("%s", (value, json, back) => {
    expect(encodeNumber(value)).toBe(json);
    expect(decodeNumber(JSON.parse(JSON.stringify(json)))).toBe(back);
  });
});

describe("keys as JSON", () => {
  it.each<[string, MapKey]>([
    ["none", []],
    ["of several parts", ["a", 1n, true]],
    ["large integers and the texts that look like them", [2n ** 64n - 1n, "18446744073709551615"]],
    ["nested tuples", [["x", [2n ** 60n, "y"]], "z"]],
    ["control characters", ["control \u0001 and \u202e"]],
  ])("%s", (_, key) => {
    const json = JSON.parse(JSON.stringify(encodeKey(key)));
    expect(jsonKey.parse(json)).toEqual(json);
    expect(decodeKey(json)).toEqual(key);
  });
});

describe("maps of several runs", () => {
  const map = (kind: MapValue["kind"], keyed: boolean, entries: MapData["entries"]): MapData => ({
    name: "@m",
    kind,
    keyed,
    entries,
  });
  const count = (value: bigint): MapValue => ({ kind: "count", value });

  it("are laid out key by key, with holes where a key was absent, the largest first", () => {
    const runs = [
      [
        map("count", true, [
          { key: ["a"], value: count(1n) },
          { key: ["b"], value: count(5n) },
        ]),
      ],
      [map("count", true, [{ key: ["b"], value: count(7n) }])],
    ];
    const [table] = mapTables("script", runs);
    expect(table).toEqual({
      name: "@m",
      script: "script",
      kind: "count",
      keyed: true,
      keys: [
        { key: ["b"], values: [5, 7] },
        { key: ["a"], values: [1, null] },
      ],
      dropped: 0,
    });
    expect(mapTable.parse(table)).toEqual(table);
  });

  it.each<[string, MapValue, unknown, number]>([
    ["numbers", { kind: "integer", value: 4n }, 4, 4],
    ["statistics", { kind: "stats", count: 2n, total: 10n }, { count: 2, total: 10 }, 2],
    [
      "histograms",
      {
        kind: "hist",
        histogram: {
          buckets: [
            { low: null, high: 0n, count: 1n },
            { low: 4n, high: 8n, count: 0n },
            { low: 8n, high: 16n, count: 2n },
          ],
        },
      },
      {
        buckets: [
          [null, 0, 1],
          [8, 16, 2],
        ],
      },
      3,
    ],
    ["text", { kind: "other", text: "x\u0001" }, { text: "x\u0001" }, 0],
  ])("hold %s", (_, value, json, size) => {
    const [table] = mapTables("s", [[map(value.kind, false, [{ key: [], value }])]]);
    expect(table!.keys).toEqual([{ key: [], values: [json] }]);
    expect(mapTable.parse(JSON.parse(JSON.stringify(table)))).toEqual(table);
    expect(magnitude(table!.keys[0]!.values[0]!)).toBe(size);
  });

  it("give histograms back", () => {
    const value = {
      buckets: [
        [null, 0, 1],
        [8, 16, "18446744073709551615"],
      ] as [number | null, number, number | string][],
    };
    expect(histogramOf(value)).toEqual({
      buckets: [
        { low: null, high: 0n, count: 1n },
        { low: 8n, high: 16n, count: 2n ** 64n - 1n },
      ],
    });
    expect(histogramOf(7)).toBeUndefined();
    expect(histogramOf(null)).toBeUndefined();
  });

  it("keep the largest of too many keys", () => {
    const entries = Array.from({ length: MOST_KEYS + 3 }, (_, i) => ({ key: [BigInt(i)], value: count(BigInt(i)) }));
    const [table] = mapTables("s", [[map("count", true, entries)]]);
    expect(table!.dropped).toBe(3);
    expect(table!.keys).toHaveLength(MOST_KEYS);
    expect(table!.keys[0]!.key).toEqual([MOST_KEYS + 2]);
  });

  it("may be none", () => {
    expect(mapTables("s", [])).toEqual([]);
    expect(mapTables("s", [[], []])).toEqual([]);
  });
});
