import { describe, expect, it } from "vitest";
import type { Num } from "../../../harness/metrics/ast.ts";
import { formatValue } from "../../../harness/metrics/format.ts";
import {
  nearestUnit,
  parseDecimal,
  parseDuration,
  parsePercent,
  UNITS,
  type Unit,
} from "../../../harness/metrics/units.ts";

describe("formatting", () => {
  it.each<[value: Num, unit: Unit, text: string]>([
    [0n, "ns", "0 ns"],
    [999n, "ns", "999 ns"],
    [1_000n, "ns", "1 us"],
    [1_234_567n, "ns", "1.23 ms"],
    [-1_234_567n, "ns", "-1.23 ms"],
    [12_345_678_901n, "ns", "12.3 s"],
    [3_600_000_000_000n, "ns", "3,600 s"],
    [0.25, "ns", "0.25 ns"],
    [0n, "B", "0 B"],
    [1023n, "B", "1,023 B"],
    [1536n, "B", "1.5 KiB"],
    [1_048_576n, "B", "1 MiB"],
    [5n * 2n ** 40n, "B", "5 TiB"],
    [12_345n, "count", "12,345"],
    [1_234_567n, "count", "1,234,567"],
    [-1_234n, "count", "-1,234"],
    [123n, "count", "123"],
    [18_446_744_073_709_551_615n, "count", "18,446,744,073,709,551,615"],
    [2.5, "count", "2.5"],
    [1 / 3, "count", "0.333"],
    [12_345.6, "count", "12,346"],
    [1e-7, "count", "1.00e-7"],
    [1e300, "count", "1.00e+300"],
    [0.05, "%", "5%"],
    [0.12345, "%", "12.3%"],
    [1, "%", "100%"],
    [0.001, "B/ns", "977 KiB/s"],
    [1e-6, "1/ns", "1,000/s"],
    [Infinity, "count", "Infinity"],
  ])("%s %s -> %s", (value, unit, text) => expect(formatValue(value, unit)).toBe(text));
});

describe("numbers with units", () => {
  it.each<[text: string, unit: string, value: Num | undefined]>([
    ["1.5", "ms", 1_500_000n],
    ["0.0001", "us", 0.1],
    ["1_000", "count", 1000n],
    ["12e3", "count", 12_000n],
    ["12e-1", "count", 1.2],
    ["0.1", "count", 0.1],
    ["99.9", "%", 0.999],
    ["18446744073709551615", "ns", 18_446_744_073_709_551_615n],
    ["", "count", undefined],
    [".5", "count", undefined],
    ["5.", "count", undefined],
    ["-1", "count", undefined],
    ["1e999", "count", undefined],
    ["abc", "count", undefined],
    ["0x10", "count", undefined],
  ])("%s %s", (text, unit, value) => expect(parseDecimal(text, UNITS[unit])).toBe(value));

  it.each<[text: string, ms: number | undefined]>([
    ["30s", 30_000],
    ["500ms", 500],
    ["1.5s", 1500],
    ["100us", 0.1],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["30", undefined],
    ["s", undefined],
    ["30sec", undefined],
    ["30 s", undefined],
    ["-3s", undefined],
    ["5KiB", undefined],
    ["5count", undefined],
    ["5constructor", undefined],
    ["", undefined],
  ])("duration %s", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each<[text: string, fraction: number | undefined]>([
    ["5%", 0.05],
    ["99.9%", 0.999],
    ["0%", 0],
    ["5", undefined],
    ["%", undefined],
    ["-5%", undefined],
    ["five%", undefined],
  ])("percentage %s", (text, fraction) => expect(parsePercent(text)).toBe(fraction));

  it.each<[text: string, unit: string | undefined]>([
    ["usec", "us"],
    ["seconds", "s"],
    ["sec", "s"],
    ["MS", "ms"],
    ["kb", "KB"],
    ["kib", "KiB"],
    ["bytes", "B"],
    ["percent", "%"],
    ["furlong", undefined],
  ])("the unit meant by %s", (text, unit) => expect(nearestUnit(text)).toBe(unit));
});
