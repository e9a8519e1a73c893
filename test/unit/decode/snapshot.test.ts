import { describe, expect, it } from "vitest";
import type { Aggregation, ScriptMap, ValueLayout } from "../../../compiler/program.ts";
import { DecodeError } from "../../../harness/tracing/decode.ts";
import { keyText, printableText } from "../../../harness/tracing/output/printable-text.ts";
import { present } from "../../../harness/tracing/printable.ts";
import { byName, decodeMap, orZero, presentMap } from "../../../harness/tracing/snapshot.ts";
import { bytes, i64, text, u8, u32, u64, zeros } from "../../support/bytes.ts";
import { int, presentation } from "../../support/output.ts";

const S64: ValueLayout = { kind: "integer", size: 8, signed: true };
const U64: ValueLayout = { kind: "integer", size: 8, signed: false };
const STR: ValueLayout = { kind: "string", size: 8 };
const BOOL: ValueLayout = { kind: "boolean", size: 1 };
const tseries = (aggregation: Aggregation, intervals: number): ValueLayout => {
  return { kind: "tseries", size: 24, signed: true, intervalNs: 10, intervals, aggregation };
};
const pair = (a: ValueLayout, b: ValueLayout): ValueLayout => ({
  kind: "tuple",
  size: 16,
  elements: [
    { offset: 0, layout: a },
    { offset: 8, layout: b },
  ],
});

function map(key: ValueLayout | undefined, value: ValueLayout, name = "@x"): ScriptMap {
  return { name, key, value, storage: { kind: "hash", map: 0, perCpu: false } };
}

/** The entries as `key=value`, in printing order. */
function printed(
  key: ValueLayout,
  value: ValueLayout,
  ...entries: [key: Uint8Array, ...copies: Uint8Array[]][]
): string[] {
  const decoded = decodeMap({ map: map(key, value), entries: entries.map(([k, ...copies]) => ({ key: k, copies })) });
  return decoded.entries.map((entry) => {
    const [k, v] = [present(entry.key!, presentation), present(entry.value, presentation)];
    return `${keyText(k)}=${v.kind === "histogram" ? "hist" : printableText(v)}`;
  });
}

const s = (value: string): Uint8Array => text(value, 8);

describe("the order of entries", () => {
  it.each<[string, string[], string[]]>([
    [
      "integers by value, signed",
      printed(U64, S64, [u64(1), i64(3)], [u64(2), i64(-7)], [u64(3), i64(0)]),
      ["2=-7", "3=0", "1=3"],
    ],
    [
      "integers by value, unsigned",
      printed(U64, U64, [u64(1), i64(-1)], [u64(2), u64(7)]),
      ["2=7", "1=18446744073709551615"],
    ],
    [
      "counts by value, all CPUs together",
      printed(STR, { kind: "count", size: 8 }, [s("a"), u64(5), u64(5)], [s("b"), u64(9), u64(0)]),
      ["b=9", "a=10"],
    ],
    [
      "sums by value, signed",
      printed(STR, { kind: "sum", size: 8, signed: true }, [s("c"), i64(5)], [s("a"), i64(-5)], [s("b"), i64(2)]),
      ["a=-5", "b=2", "c=5"],
    ],
    [
      "minima as if they had no sign",
      printed(
        STR,
        { kind: "min", size: 16, signed: true },
        [s("c"), i64(5, 1)],
        [s("a"), i64(-5, 1)],
        [s("b"), i64(2, 1)],
      ),
      ["b=2", "c=5", "a=-5"],
    ],
    [
      "averages by the mean",
      printed(STR, { kind: "avg", size: 16, signed: true }, [s("a"), i64(2, 100)], [s("b"), i64(100, 200)]),
      ["b=2", "a=50"],
    ],
    [
      "stats by the mean",
      printed(STR, { kind: "stats", size: 16, signed: true }, [s("a"), i64(1, 9)], [s("b"), i64(3, 9)]),
      ["b={ .count = 3, .average = 3, .total = 9 }", "a={ .count = 1, .average = 9, .total = 9 }"],
    ],
    [
      "histograms by how much they hold",
      printed(STR, { kind: "hist", size: 16, bits: 0 }, [s("a"), u64(0, 3), u64(1, 0)], [s("b"), u64(2, 1)]),
      ["b=hist", "a=hist"],
    ],
    [
      "equal values by key",
      printed(U64, S64, [u64(256), i64(1)], [u64(2), i64(1)], [u64(1), i64(1)]),
      ["1=1", "2=1", "256=1"],
    ],
    [
      "other values by an integer key, as if it were signed",
      printed(U64, STR, [u64(1), s("x")], [i64(-1), s("y")], [u64(300), s("z")]),
      ["18446744073709551615=y", "1=x", "300=z"],
    ],
    [
      "by a string key",
      printed(STR, STR, [s("b"), s("x")], [s("ab"), s("y")], [s("a"), s("z")]),
      ["a=z", "ab=y", "b=x"],
    ],
    [
      "by the first element of a tuple, then the second",
      printed(
        pair(STR, S64),
        STR,
        [bytes(s("b"), i64(1)), s("p")],
        [bytes(s("a"), i64(2)), s("q")],
        [bytes(s("a"), i64(-2)), s("r")],
      ),
      ["a, -2=r", "a, 2=q", "b, 1=p"],
    ],
    [
      "by those elements that have an order",
      printed(
        pair(BOOL, S64),
        STR,
        [bytes(u8(1), zeros(7), i64(1)), s("p")],
        [bytes(u8(0), zeros(7), i64(2)), s("q")],
        [bytes(u8(0), zeros(7), i64(1)), s("r")],
      ),
      ["false, 1=r", "true, 1=p", "false, 2=q"],
    ],
    [
      "by the bytes of a key without order",
      printed(BOOL, STR, [u8(1), s("x")], [u8(0), s("y")]),
      ["false=y", "true=x"],
    ],
  ])("%s", (_, actual, expected) => {
    expect(actual).toEqual(expected);
  });

  it("of maps is by name", () => {
    const names = ["@b", "@", "@aa", "@a", "@B"].map((name) => ({ map: map(undefined, U64, name) }));
    expect(names.sort(byName).map((m) => m.map.name)).toEqual(["@", "@B", "@a", "@aa", "@b"]);
  });
});

describe("presentMap", () => {
  const counts = decodeMap({
    map: map(U64, { kind: "count", size: 8 }),
    entries: [1, 2, 3, 4].map((n) => ({ key: u64(n), copies: [u64(100 * n)] })),
  });
  const entries = (top?: number, divisor?: number): (string | undefined)[] =>
    presentMap(counts, presentation, { top, divisor }).entries.map(
      (e) => `${printableText(e.key!)}=${printableText(e.value)}`,
    );

  it.each<[number | undefined, number | undefined, string[]]>([
    [undefined, undefined, ["1=100", "2=200", "3=300", "4=400"]],
    [0, 0, ["1=100", "2=200", "3=300", "4=400"]],
    [2, 0, ["3=300", "4=400"]],
    [9, 1, ["1=100", "2=200", "3=300", "4=400"]],
    [1, 150, ["4=2"]],
  ])("top %s, divisor %s", (top, divisor, expected) => {
    expect(entries(top, divisor)).toEqual(expected);
  });

  it.each<[ValueLayout, "map" | "stats" | "hist" | "tseries"]>([
    [{ kind: "avg", size: 16, signed: true }, "stats"],
    [{ kind: "stats", size: 16, signed: true }, "stats"],
    [{ kind: "hist", size: 8, bits: 0 }, "hist"],
    [{ kind: "lhist", size: 8, min: 0, max: 1, step: 1 }, "hist"],
    [tseries("last", 5), "tseries"],
    [{ kind: "count", size: 8 }, "map"],
    [STR, "map"],
  ])("%j is a %s", (value, category) => {
    expect(presentMap({ map: map(undefined, value), entries: [] }, presentation)).toEqual({
      name: "@x",
      category,
      keyed: false,
      entries: [],
    });
  });
});

describe("print() of a map without keys that was never touched", () => {
  it.each<[ValueLayout, unknown]>([
    [U64, int(0)],
    [{ kind: "count", size: 8 }, int(0)],
    [{ kind: "min", size: 16, signed: true }, int(0)],
    [{ kind: "avg", size: 16, signed: true }, int(0)],
    [STR, { kind: "text", bytes: "" }],
    [pair(U64, STR), { kind: "tuple", elements: [int(0), { kind: "text", bytes: "" }] }],
  ])("%j is zero", (value, expected) => {
    const shown = presentMap(orZero({ map: map(undefined, value), entries: [] }), presentation);
    expect(shown.entries).toEqual([{ key: undefined, value: expected }]);
  });

  it.each<[string, ScriptMap]>([
    ["a hist", map(undefined, { kind: "hist", size: 16, bits: 0 })],
    ["a series", map(undefined, tseries("last", 5))],
    ["an lhist", map(undefined, { kind: "lhist", size: 24, min: 0, max: 1, step: 1 })],
    ["a map with keys", map(U64, U64)],
  ])("%s stays empty", (_, m) => {
    expect(orZero({ map: m, entries: [] }).entries).toEqual([]);
  });

  it("leaves what is there", () => {
    const there = decodeMap({ map: map(undefined, U64), entries: [{ key: zeros(0), copies: [u64(5)] }] });
    expect(orZero(there)).toBe(there);
  });
});

describe("time series", () => {
  /** An entry of the kernel's hash: key and number of the interval, then [value, weight, epoch] of each CPU. */
  type Entry = [key: number, interval: number, ...copies: [value: number, weight: number, epoch: number][]];

  /** `key: value...` with a dash for an interval without a value, behind the epoch of the first one. */
  function shown(aggregation: Aggregation, intervals: number, ...entries: Entry[]): string[] {
    const decoded = decodeMap({
      map: map(U64, tseries(aggregation, intervals)),
      entries: entries.map(([key, interval, ...copies]) => ({
        key: u64(key, interval),
        copies: copies.map((copy) => i64(...copy)),
      })),
    });
    return decoded.entries.map(({ key, value }) => {
      if (key?.kind !== "integer" || value.kind !== "tseries") throw new Error("no series");
      const values = value.points.map((point) => point.value ?? "-");
      return `${key.value}: ${[(value.points[0]?.startNs ?? 0n) / 10n, ...values].join(" ")}`;
    });
  }

  it.each<[string, string[], string[]]>([
    ["in the order of time", shown("last", 3, [1, 1, [7, 0, 10]], [1, 0, [6, 0, 9]]), ["1: 9 6 7"]],
    ["with gaps", shown("last", 9, [1, 4, [7, 0, 13]], [1, 1, [6, 0, 10]]), ["1: 10 6 - - 7"]],
    ["the last ones", shown("last", 3, [1, 0, [6, 0, 9]], [1, 2, [5, 0, 11]], [1, 0, [8, 0, 12]]), ["1: 11 5 8"]],
    [
      "up to the last one of all keys",
      shown("last", 5, [1, 0, [6, 0, 10]], [2, 2, [5, 0, 12]]),
      ["1: 10 6 - -", "2: 12 5"],
    ],
    ["none of a key that is too old", shown("last", 2, [1, 0, [6, 0, 10]], [2, 0, [5, 0, 12]]), ["1: 0", "2: 12 5"]],
    ["by the bytes of the keys", shown("sum", 2, [1, 0, [1, 0, 2]], [256, 0, [2, 0, 2]]), ["256: 2 2", "1: 2 1"]],
    ["the last value of all CPUs", shown("last", 2, [1, 0, [5, 300, 4], [6, 200, 4]]), ["1: 4 5"]],
    ["sums of all CPUs", shown("sum", 2, [1, 0, [5, 0, 4], [-6, 0, 4], [0, 0, 0]]), ["1: 4 -1"]],
    ["averages over all CPUs", shown("avg", 2, [1, 0, [10, 3, 4], [-1, 1, 4]]), ["1: 4 2"]],
    ["minima of all CPUs", shown("min", 2, [1, 0, [5, 1, 4], [-6, 1, 4], [-9, 1, 3]]), ["1: 4 -6"]],
    ["maxima of all CPUs", shown("max", 2, [1, 0, [5, 1, 4], [6, 1, 4], [9, 1, 3]]), ["1: 4 6"]],
    ["nothing after zero()", shown("last", 5, [1, 0, [0, 0, 0]], [2, 1, [0, 0, 0]]), ["1: 0", "2: 0"]],
  ])("%s", (_, actual, expected) => expect(actual).toEqual(expected));
});

describe("bad input", () => {
  it.each<[string, ScriptMap, Uint8Array, Uint8Array[]]>([
    ["a key that is too short", map(U64, U64), u32(1), [u64(1)]],
    ["a value that is too short", map(U64, U64), u64(1), [u32(1)]],
    ["no value at all", map(U64, U64), u64(1), []],
    ["a plain value for each CPU", map(U64, U64), u64(1), [u64(1), u64(2)]],
    ["one CPU's histogram cut", map(U64, { kind: "hist", size: 24, bits: 0 }), u64(1), [u64(1, 2, 3), u64(1, 2)]],
  ])("%s", (_, m, key, copies) => {
    expect(() => decodeMap({ map: m, entries: [{ key, copies }] })).toThrow(DecodeError);
  });
});
