import { describe, expect, it } from "vitest";
import type { Value } from "../../../harness/tracing/decode.ts";
import { printableText } from "../../../harness/tracing/output/printable-text.ts";
import { type Printable, present } from "../../../harness/tracing/printable.ts";
import { int, named, presentation, raw, rec, str, tuple } from "../../support/output.ts";

const stack = (more: Partial<Extract<Value, { kind: "kstack" | "ustack" }>>): Value => ({
  kind: "kstack",
  id: 7n,
  frames: 127,
  pid: 0,
  map: 3,
  mode: "bpftrace",
  limit: 127,
  ...more,
});
const number = (value: bigint): Value => ({ kind: "integer", value });

describe("present", () => {
  it.each<[string, Value, Printable]>([
    ["an integer", number(-5n), int(-5)],
    ["a truth value", { kind: "boolean", value: true }, { kind: "boolean", value: true }],
    ["a string", { kind: "string", bytes: "a\xff", cut: false }, raw("a\xff")],
    ["a string that was cut", { kind: "string", bytes: "/home", cut: true }, str("/home..")],
    ["a buffer", { kind: "buffer", bytes: "a" }, { kind: "buffer", bytes: "a" }],
    ["a pointer", { kind: "pointer", address: 255n }, named("0xff", 255)],
    ["a null pointer", { kind: "pointer", address: 0n }, named("0x0", 0)],
    ["a named enum value", { kind: "enum", value: 5n, name: "FIVE" }, named("FIVE", 5)],
    ["an unnamed enum value", { kind: "enum", value: -6n, name: undefined }, named("-6", -6)],
    ["a name", { kind: "name", name: "begin" }, str("begin")],
    ["a kernel symbol", { kind: "ksym", address: 0xffffffff81002abcn }, str("kfunc2")],
    ["an unknown kernel address", { kind: "ksym", address: 0x12n }, str("0x12")],
    ["no kernel address", { kind: "ksym", address: 0n }, str("0")],
    ["a user symbol", { kind: "usym", address: 0x7f0000000011n, pid: 9 }, str("ufunc_of_9")],
    ["an unknown user address", { kind: "usym", address: 0x12n, pid: 9 }, str("0x12")],
    ["a user", { kind: "username", number: 0n }, str("root")],
    ["an unknown user", { kind: "username", number: 12n }, str("")],
    ["a cgroup", { kind: "cgroup_path", id: 42n, filter: "*" }, str("unified:/user.slice*")],
    ["an address", { kind: "inet", family: 2, address: "\x7f\0\0\x01" }, str("127.0.0.1")],
    ["a MAC address", { kind: "mac", bytes: "\x01\x02\x03\x04\x05\xff" }, str("01:02:03:04:05:FF")],
    [
      "a time by the boot clock",
      { kind: "timestamp", ns: 5_000_000n, clock: "boot", format: "%T.%f" },
      str("22:13:20.005000"),
    ],
    ["a wall-clock time", { kind: "timestamp", ns: 61_000_000_000n, clock: "realtime", format: "%T" }, str("00:01:01")],
    ["a count", { kind: "count", value: 3n }, int(3)],
    ["a sum", { kind: "sum", value: -3n, signed: true }, int(-3)],
    ["a minimum", { kind: "min", value: -3n, isSet: true }, int(-3)],
    ["an average", { kind: "avg", count: 2n, total: -7n, signed: true }, int(-3)],
    ["an average of nothing", { kind: "avg", count: 0n, total: 0n, signed: true }, int(0)],
    [
      "stats",
      { kind: "stats", count: 2n, total: 7n, signed: true },
      rec({ count: int(2), average: int(3), total: int(7) }),
    ],
    ["a tuple", { kind: "tuple", elements: [number(1n), { kind: "name", name: "p" }] }, tuple(int(1), str("p"))],
    ["a record", { kind: "record", fields: [{ name: "a", value: number(1n) }] }, rec({ a: int(1) })],
    ["an array", { kind: "array", elements: [number(1n)] }, { kind: "array", elements: [int(1)] }],
  ])("%s", (_, value, expected) => {
    expect(present(value, presentation)).toEqual(expected);
  });
});

describe("a divisor", () => {
  it.each<[string, Value, bigint, string]>([
    ["divides integers towards zero", number(-7n), 2n, "-3"],
    ["divides counts", { kind: "count", value: 7n }, 2n, "3"],
    ["divides averages after rounding", { kind: "avg", count: 2n, total: 7n, signed: true }, 2n, "1"],
    [
      "divides only the average of stats",
      { kind: "stats", count: 2n, total: 14n, signed: true },
      7n,
      "{ .count = 2, .average = 1, .total = 14 }",
    ],
    [
      "divides inside tuples",
      { kind: "tuple", elements: [number(9n), { kind: "string", bytes: "9", cut: false }] },
      3n,
      "(3, 9)",
    ],
    ["of zero does nothing", number(7n), 0n, "7"],
    ["leaves enums and pointers", { kind: "pointer", address: 16n }, 4n, "0x10"],
  ])("%s", (_, value, divisor, expected) => {
    expect(printableText(present(value, presentation, divisor))).toBe(expected);
  });
});

describe("stacks, as bpftrace 0.27.1 prints them", () => {
  it.each<[string, Value, string]>([
    ["kernel", stack({}), "\n        kfunc0+16\n        kfunc1+32\n        0x55\n"],
    ["limited", stack({ limit: 2 }), "\n        kfunc0+16\n        kfunc1+32\n"],
    ["with fewer frames", stack({ frames: 1 }), "\n        kfunc0+16\n"],
    ["like perf", stack({ mode: "perf" }), "\n\tffffffff81000010 kfunc0+16\n\tffffffff81001020 kfunc1+32\n\t55 0x55\n"],
    ["raw", stack({ mode: "raw" }), "\nffffffff81000010\nffffffff81001020\n55\n"],
    ["user", stack({ kind: "ustack", id: 8n, pid: 9 }), "\n        ufunc_of_9+17\n        0x55\n"],
    [
      "user, like perf",
      stack({ kind: "ustack", id: 8n, pid: 9, mode: "perf" }),
      "\n\t7f0000000011 ufunc_of_9+17 (/lib/libc.so.6)\n\t55 0x55 ([unknown])\n",
    ],
    ["build ids", stack({ kind: "ustack", id: 9n, mode: "build_id" }), "\n01ab 0x05\n"],
    ["none could be walked", stack({ id: -14n }), "\n"],
    ["empty", stack({ id: 1n }), "\n"],
    ["of another map", stack({ map: 1 }), "\n"],
  ])("%s", (_, value, expected) => {
    expect(present(value, presentation)).toEqual(str(expected));
  });
});
