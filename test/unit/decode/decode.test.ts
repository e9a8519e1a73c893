import { describe, expect, it } from "vitest";
import type { ValueLayout } from "../../../compiler/program.ts";
import { combine, DecodeError, decode, mean, type Value } from "../../../harness/tracing/decode.ts";
import { bytes, i64, latin1, text, u8, u16, u32, u64, viewOf, zeros } from "../../support/bytes.ts";

const U64: ValueLayout = { kind: "integer", size: 8, signed: false };
const I32: ValueLayout = { kind: "integer", size: 4, signed: true };
const U8: ValueLayout = { kind: "integer", size: 1, signed: false };
const string = (size: number): ValueLayout => ({ kind: "string", size });
const integer = (value: bigint): Value => ({ kind: "integer", value });
const MAX = (1n << 64n) - 1n;

const read = (layout: ValueLayout, data: Uint8Array): Value => decode(layout, viewOf(data));

describe("integers are bigints of their width and sign", () => {
  it.each([
    [1, false, 255n],
    [1, true, -1n],
    [2, false, 65_535n],
    [2, true, -1n],
    [4, false, 4_294_967_295n],
    [4, true, -1n],
    [8, false, MAX],
    [8, true, -1n],
  ] as const)("%i bytes, signed %s", (size, signed, value) => {
    expect(read({ kind: "integer", size, signed }, u64(MAX).slice(0, size))).toEqual(integer(value));
  });

  it("are little-endian", () => {
    expect(read(I32, bytes([0x78, 0x56, 0x34, 0x12]))).toEqual(integer(0x12345678n));
  });
});

const cases: [name: string, layout: ValueLayout, data: Uint8Array, value: Value][] = [
  ["false", { kind: "boolean", size: 1 }, u8(0), { kind: "boolean", value: false }],
  ["true, however it is written", { kind: "boolean", size: 1 }, u8(2), { kind: "boolean", value: true }],
  ["a string", string(8), text("foo", 8), { kind: "string", bytes: "foo", cut: false }],
  ["an empty string", string(4), zeros(4), { kind: "string", bytes: "", cut: false }],
  ["bytes behind the NUL", string(6), latin1("ab\0cd\0"), { kind: "string", bytes: "ab", cut: false }],
  ["a string that fills its room", string(4), latin1("abc\0"), { kind: "string", bytes: "abc", cut: false }],
  ["a string without an end", string(4), latin1("abcd"), { kind: "string", bytes: "abcd", cut: true }],
  ["a string that is no UTF-8", string(4), latin1("\xff\x80\0\0"), { kind: "string", bytes: "\xff\x80", cut: false }],
  ["a buffer", { kind: "buffer", size: 12 }, bytes(u32(3), latin1("a\0b", 8)), { kind: "buffer", bytes: "a\0b" }],
  ["a full buffer", { kind: "buffer", size: 6 }, bytes(u32(2), latin1("ab")), { kind: "buffer", bytes: "ab" }],
  [
    "a tuple with padding",
    {
      kind: "tuple",
      size: 16,
      elements: [
        { offset: 0, layout: U8 },
        { offset: 8, layout: U64 },
      ],
    },
    bytes(u8(5), zeros(7), u64(6)),
    { kind: "tuple", elements: [integer(5n), integer(6n)] },
  ],
  [
    "a record",
    { kind: "record", size: 8, fields: [{ name: "a", offset: 4, layout: I32 }] },
    bytes(zeros(4), u32(-7)),
    { kind: "record", fields: [{ name: "a", value: integer(-7n) }] },
  ],
  [
    "an array",
    { kind: "array", size: 8, element: I32, count: 2 },
    bytes(u32(1), u32(-2)),
    { kind: "array", elements: [integer(1n), integer(-2n)] },
  ],
  [
    "an array in an array",
    { kind: "array", size: 4, count: 2, element: { kind: "array", size: 2, element: U8, count: 2 } },
    bytes([1, 2, 3, 4]),
    {
      kind: "array",
      elements: [
        { kind: "array", elements: [integer(1n), integer(2n)] },
        { kind: "array", elements: [integer(3n), integer(4n)] },
      ],
    },
  ],
  [
    "a pointer",
    { kind: "pointer", size: 8 },
    u64(0xffff888000001234n),
    { kind: "pointer", address: 0xffff888000001234n },
  ],
  ["a kernel symbol", { kind: "ksym", size: 8 }, u64(5), { kind: "ksym", address: 5n }],
  ["a user symbol", { kind: "usym", size: 16 }, u64(5, 6), { kind: "usym", address: 5n, pid: 6 }],
  [
    "a user stack",
    { kind: "ustack", size: 24, map: 3, mode: "perf", limit: 127 },
    bytes(i64(-14), u32(2), u32(77), zeros(8)),
    { kind: "ustack", id: -14n, frames: 2, pid: 77, map: 3, mode: "perf", limit: 127 },
  ],
  [
    "a kernel stack",
    { kind: "kstack", size: 24, map: 3, mode: "bpftrace", limit: 3 },
    bytes(i64(9), u32(2), u32(77), zeros(8)),
    { kind: "kstack", id: 9n, frames: 2, pid: 0, map: 3, mode: "bpftrace", limit: 3 },
  ],
  [
    "a timestamp",
    { kind: "timestamp", size: 8, format: "%H", clock: "boot" },
    u64(1),
    { kind: "timestamp", ns: 1n, clock: "boot", format: "%H" },
  ],
  [
    "an IPv4 address",
    { kind: "inet", size: 24 },
    bytes(u32(2), zeros(4), [127, 0, 0, 1], zeros(12)),
    { kind: "inet", family: 2, address: "\x7f\0\0\x01" },
  ],
  [
    "an IPv6 address",
    { kind: "inet", size: 24 },
    bytes(u32(10), zeros(4), zeros(15), [1]),
    { kind: "inet", family: 10, address: `${"\0".repeat(15)}\x01` },
  ],
  [
    "a MAC address",
    { kind: "mac", size: 6 },
    bytes([1, 2, 3, 4, 5, 255]),
    { kind: "mac", bytes: "\x01\x02\x03\x04\x05\xff" },
  ],
  [
    "a cgroup path",
    { kind: "cgroup_path", size: 8, filter: "uni*" },
    u64(42),
    { kind: "cgroup_path", id: 42n, filter: "uni*" },
  ],
  ["a name", { kind: "name", size: 8, names: [[9, "Killed"]], other: "N/A" }, u64(9), { kind: "name", name: "Killed" }],
  ["no name", { kind: "name", size: 8, names: [[9, "Killed"]], other: "N/A" }, u64(8), { kind: "name", name: "N/A" }],
  ["a user", { kind: "username", size: 8 }, u64(0), { kind: "username", number: 0n }],
  ["a count", { kind: "count", size: 8 }, u64(MAX), { kind: "count", value: MAX }],
  ["a signed sum", { kind: "sum", size: 8, signed: true }, i64(-5), { kind: "sum", value: -5n, signed: true }],
  ["an unsigned sum", { kind: "sum", size: 8, signed: false }, u64(MAX), { kind: "sum", value: MAX, signed: false }],
  ["a minimum", { kind: "min", size: 16, signed: true }, i64(-5, 1), { kind: "min", value: -5n, isSet: true }],
  ["no minimum yet", { kind: "min", size: 16, signed: true }, i64(-5, 0), { kind: "min", value: 0n, isSet: false }],
  ["a maximum", { kind: "max", size: 16, signed: false }, u64(MAX, 1), { kind: "max", value: MAX, isSet: true }],
  [
    "an average",
    { kind: "avg", size: 16, signed: true },
    i64(2, -7),
    { kind: "avg", count: 2n, total: -7n, signed: true },
  ],
  [
    "stats",
    { kind: "stats", size: 16, signed: false },
    u64(2, MAX),
    { kind: "stats", count: 2n, total: MAX, signed: false },
  ],
  ["a hist", { kind: "hist", size: 24, bits: 0 }, u64(1, 0, 3), { kind: "hist", buckets: [1n, 0n, 3n], bits: 0 }],
  [
    "a full array of char",
    { kind: "string", size: 2, chars: true },
    latin1("ab"),
    { kind: "string", bytes: "ab", cut: false },
  ],
  ["a floating-point number", { kind: "none", size: 4 }, u32(5), { kind: "none" }],
  [
    "an interval",
    { kind: "tseries", size: 24, signed: true, intervalNs: 5, intervals: 9, aggregation: "avg" },
    i64(-7, 2, 33),
    { kind: "interval", epoch: 33n, value: -7n, weight: 2n, aggregation: "avg", signed: true },
  ],
  [
    "an interval without values",
    { kind: "tseries", size: 24, signed: false, intervalNs: 5, intervals: 9, aggregation: "last" },
    u64(7, 2, 0),
    { kind: "interval", epoch: 0n, value: 0n, weight: 2n, aggregation: "last", signed: false },
  ],
  [
    "an lhist",
    { kind: "lhist", size: 24, min: 0, max: 10, step: 10 },
    u64(1, 2, 3),
    { kind: "lhist", buckets: [1n, 2n, 3n], min: 0, max: 10, step: 10 },
  ],
];

describe("values", () => {
  it.each(cases)("%s", (_, layout, data, value) => {
    expect(read(layout, data)).toEqual(value);
  });

  it.each(cases)("%s, at an offset in a larger record", (_, layout, data, value) => {
    const record = bytes(zeros(16), data, zeros(16));
    expect(decode(layout, new DataView(record.buffer, 8), 8)).toEqual(value);
  });

  it.each(cases)("%s does not fit into fewer bytes", (_, layout, data) => {
    expect(() => read(layout, data.subarray(0, data.length - 1))).toThrow(DecodeError);
    expect(() => decode(layout, viewOf(data), 1)).toThrow(DecodeError);
  });

  it("says what does not fit", () => {
    expect(() => decode(U64, viewOf(zeros(12)), 8)).toThrow(
      "a integer of 8 bytes at offset 8 does not fit into 12 bytes",
    );
  });
});

describe("enums", () => {
  const layout = (signed: boolean): ValueLayout => ({
    kind: "enum",
    size: 4,
    signed,
    name: "e",
    values: [
      ["-1", "MINUS"],
      ["4294967295", "ALL"],
      ["5", "FIVE"],
      ["5", "ALSO_FIVE"],
    ],
  });

  it.each([
    [5, false, 5n, "FIVE"],
    [-1, true, -1n, "MINUS"],
    [-1, false, 4_294_967_295n, "ALL"],
    [6, false, 6n, undefined],
  ] as const)("%i, signed %s", (written, signed, value, name) => {
    expect(read(layout(signed), u32(written))).toEqual({ kind: "enum", value, name });
  });
});

describe("probe names", () => {
  const layout: ValueLayout = {
    kind: "name",
    size: 8,
    names: [
      [0, "begin"],
      [7, "interval:s:1"],
    ],
  };

  it("are found by their id", () => {
    expect(read(layout, u64(7))).toEqual({ kind: "name", name: "interval:s:1" });
  });

  it("of an unknown id are an error", () => {
    expect(() => read(layout, u64(1))).toThrow("no probe with the id 1");
  });
});

describe("structs", () => {
  const U32: ValueLayout = { kind: "integer", size: 4, signed: false };
  const struct = (...fields: Extract<ValueLayout, { kind: "struct" }>["fields"]): ValueLayout => ({
    kind: "struct",
    size: 8,
    name: "s",
    fields,
  });
  const field = (layout: ValueLayout, data: Uint8Array): Value => {
    const value = read(layout, data);
    if (value.kind !== "record") throw new Error("no record");
    return value.fields[0]!.value;
  };

  it("may have members that overlap", () => {
    const layout = struct({ name: "all", offset: 0, layout: U64 }, { name: "low", offset: 0, layout: I32 });
    expect(read(layout, i64(-1))).toEqual({
      kind: "record",
      fields: [
        { name: "all", value: integer(MAX) },
        { name: "low", value: integer(-1n) },
      ],
    });
  });

  it.each([
    ["the lowest bits", 0, 3, false, 0b101n],
    ["bits further up", 3, 5, false, 0b11011n],
    ["bits across bytes", 6, 4, false, 0b1011n],
    ["of a signed type, unsigned all the same", 3, 5, true, 0b11011n],
    ["one bit of a signed type", 0, 1, true, 1n],
    ["all of it", 0, 32, false, 0x1234_56ddn],
  ] as const)("bit fields: %s", (_, offset, size, signed, value) => {
    const layout: ValueLayout = { kind: "integer", size: 4, signed };
    const data = bytes(u32(0), u32(0x1234_56dd));
    expect(field(struct({ name: "b", offset: 4, layout, bits: { offset, size } }), data)).toEqual(integer(value));
  });

  it("have booleans and enums as bit fields", () => {
    const bits = { offset: 4, size: 2 };
    const e: ValueLayout = { kind: "enum", size: 4, signed: false, name: "e", values: [["2", "TWO"]] };
    const data = bytes(u32(0b10_0000), zeros(4));
    expect(field(struct({ name: "b", offset: 0, layout: { kind: "boolean", size: 1 }, bits }), data)).toEqual({
      kind: "boolean",
      value: true,
    });
    expect(field(struct({ name: "b", offset: 0, layout: e, bits }), data)).toEqual({
      kind: "enum",
      value: 2n,
      name: "TWO",
    });
  });

  it.each<[string, ValueLayout]>([
    ["a member beyond the end", struct({ name: "x", offset: 5, layout: U32 })],
    ["a member before the beginning", struct({ name: "x", offset: -4, layout: U32 })],
    ["bits beyond the end", struct({ name: "x", offset: 7, layout: U32, bits: { offset: 4, size: 8 } })],
    ["bits of a string", struct({ name: "x", offset: 0, layout: string(4), bits: { offset: 0, size: 3 } })],
    ["an element beyond the end", { kind: "tuple", size: 8, elements: [{ offset: 4, layout: U64 }] }],
    ["a field beyond the end", { kind: "record", size: 4, fields: [{ name: "a", offset: 4, layout: U8 }] }],
    ["an array longer than its bytes", { kind: "array", size: 8, element: U64, count: 3 }],
  ])("refuse %s", (_, layout) => {
    expect(() => read(layout, zeros(16))).toThrow(DecodeError);
  });

  it("a buffer that claims more than its room is refused", () => {
    expect(() => read({ kind: "buffer", size: 8 }, bytes(u32(5), zeros(12)))).toThrow(
      "a buffer of 5 bytes in room for 4",
    );
  });
});

describe("combine", () => {
  const copies = (layout: ValueLayout, ...data: readonly Uint8Array[]): Value =>
    combine(
      layout,
      data.map((d) => read(layout, d)),
    );

  it.each<[string, ValueLayout, Uint8Array[], Partial<Value>]>([
    ["counts add up", { kind: "count", size: 8 }, [u64(1), u64(0), u64(5)], { value: 6n } as Partial<Value>],
    ["counts wrap", { kind: "count", size: 8 }, [u64(MAX), u64(3)], { value: 2n } as Partial<Value>],
    ["sums add up", { kind: "sum", size: 8, signed: true }, [i64(-5), i64(3)], { value: -2n } as Partial<Value>],
    [
      "signed sums wrap",
      { kind: "sum", size: 8, signed: true },
      [i64((1n << 63n) - 1n), i64(1)],
      { value: -(1n << 63n) } as Partial<Value>,
    ],
    [
      "unsigned sums wrap",
      { kind: "sum", size: 8, signed: false },
      [u64(MAX), u64(MAX)],
      { value: MAX - 1n } as Partial<Value>,
    ],
    [
      "the least of those that are set",
      { kind: "min", size: 16, signed: true },
      [i64(-100, 0), i64(7, 1), i64(-3, 1), i64(0, 0)],
      { value: -3n, isSet: true } as Partial<Value>,
    ],
    [
      "the greatest of those that are set",
      { kind: "max", size: 16, signed: true },
      [i64(100, 0), i64(-7, 1), i64(-3, 1), i64(0, 0)],
      { value: -3n, isSet: true } as Partial<Value>,
    ],
    [
      "unsigned numbers compare as such",
      { kind: "max", size: 16, signed: false },
      [u64(MAX, 1), u64(1, 1)],
      { value: MAX } as Partial<Value>,
    ],
    [
      "none is set",
      { kind: "max", size: 16, signed: true },
      [i64(1, 0), i64(2, 0)],
      { value: 0n, isSet: false } as Partial<Value>,
    ],
    [
      "averages keep count and total",
      { kind: "avg", size: 16, signed: true },
      [i64(2, -10), i64(0, 0), i64(1, 4)],
      { count: 3n, total: -6n } as Partial<Value>,
    ],
    [
      "stats too",
      { kind: "stats", size: 16, signed: false },
      [u64(2, 10), u64(1, 4)],
      { count: 3n, total: 14n } as Partial<Value>,
    ],
    [
      "histograms bucket by bucket",
      { kind: "hist", size: 24, bits: 0 },
      [u64(1, 2, 3), u64(10, 0, 1), u64(0, 0, 0)],
      { buckets: [11n, 2n, 4n] } as Partial<Value>,
    ],
    [
      "linear histograms too",
      { kind: "lhist", size: 24, min: 0, max: 1, step: 1 },
      [u64(1, 2, 3), u64(10, 0, 1)],
      { buckets: [11n, 2n, 4n] } as Partial<Value>,
    ],
    ["one copy is itself", string(4), [text("a", 4)], { bytes: "a" } as Partial<Value>],
  ])("%s", (_, layout, data, expected) => {
    expect(copies(layout, ...data)).toMatchObject(expected);
  });

  it("refuses several copies of a plain value, and no copy at all", () => {
    expect(() => copies(U64, u64(1), u64(2))).toThrow("one copy");
    expect(() => combine(U64, [])).toThrow("without any copy");
  });

  it("refuses copies of different kinds", () => {
    expect(() => combine({ kind: "count", size: 8 }, [{ kind: "count", value: 1n }, integer(1n)])).toThrow(DecodeError);
  });
});

describe("mean", () => {
  it.each([
    [0n, 0n, 0n],
    [2n, 7n, 3n],
    [2n, -7n, -3n],
    [3n, 9n, 3n],
  ])("of %i values and the total %i", (count, total, result) => {
    expect(mean({ count, total })).toBe(result);
  });
});

it("u16 is two bytes", () => {
  expect(read({ kind: "integer", size: 2, signed: false }, u16(513))).toEqual(integer(513n));
});
