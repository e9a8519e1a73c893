import { describe, expect, it } from "vitest";
import { histBucket, histBuckets, lhistBuckets } from "../../../compiler/histogram.ts";
import type { Value } from "../../../harness/tracing/decode.ts";
import { printableText } from "../../../harness/tracing/output/printable-text.ts";
import { present } from "../../../harness/tracing/printable.ts";
import { presentation } from "../../support/output.ts";

function hist(bits: number, ...values: readonly bigint[]): Value {
  const buckets = Array<bigint>(histBuckets(bits)).fill(0n);
  for (const value of values) buckets[histBucket(value, bits)]! += 1n;
  return { kind: "hist", buckets, bits };
}

function lhist(min: number, max: number, step: number, counts: Readonly<Record<number, bigint>>): Value {
  const buckets = Array<bigint>(lhistBuckets(min, max, step)).fill(0n);
  for (const [bucket, count] of Object.entries(counts)) buckets[Number(bucket)] = count;
  return { kind: "lhist", buckets, min, max, step };
}

/** `interval count bar-length` of each line. */
function rows(value: Value, divisor?: bigint): string[] {
  const text = printableText(present(value, presentation, divisor));
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [, interval, count, bar] = /^([[(].*[\])]) +(\d+) \|(@* *)\|$/.exec(line)!;
      expect(bar!.length).toBe(52);
      return `${interval} ${count} ${bar!.trimEnd().length}`;
    });
}

describe("hist, as bpftrace 0.27.1 prints it", () => {
  it.each<[string, Value, string[]]>([
    [
      "small numbers",
      hist(0, -1n, 0n, 1n, 2n, 3n, 4n),
      ["(..., 0) 1 26", "[0] 1 26", "[1] 1 26", "[2, 4) 2 52", "[4, 8) 1 26"],
    ],
    [
      "empty buckets in between only",
      hist(0, 5n, 5n, 50n),
      ["[4, 8) 2 52", "[8, 16) 0 0", "[16, 32) 0 0", "[32, 64) 1 26"],
    ],
    ["the step to kilo", hist(0, 700n, 1500n), ["[512, 1K) 1 52", "[1K, 2K) 1 52"]],
    ["mega", hist(0, 1n << 20n), ["[1M, 2M) 1 52"]],
    ["exa", hist(0, 1n << 62n), ["[4E, 8E) 1 52"]],
    ["negative numbers alone", hist(0, -(1n << 63n)), ["(..., 0) 1 52"]],
    ["one bit", hist(1, 3n, 4n, 6n), ["[3] 1 52", "[4, 6) 1 52", "[6, 8) 1 52"]],
    ["three bits: exact up to 15", hist(3, 14n, 15n, 17n), ["[14] 1 52", "[15] 1 52", "[16, 18) 1 52"]],
    ["three bits: 1024 is written out", hist(3, 1000n, 1100n), ["[960, 1024) 1 52", "[1024, 1152) 1 52"]],
    ["three bits: 8K is not", hist(3, 8191n, 8192n), ["[7680, 8K) 1 52", "[8K, 9K) 1 52"]],
    ["two bits: the largest number", hist(2, (1n << 63n) - 1n), ["[7E, 8E) 1 52"]],
    ["nothing", hist(0), []],
  ])("%s", (_, value, expected) => {
    expect(rows(value)).toEqual(expected);
  });

  it("divides the counts, and keeps the rows", () => {
    expect(rows(hist(0, -1n, 2n, 3n, 4n, 5n, 6n), 2n)).toEqual([
      "(..., 0) 0 0",
      "[0] 0 0",
      "[1] 0 0",
      "[2, 4) 1 52",
      "[4, 8) 1 52",
    ]);
    expect(rows(hist(0, 1n), 5n)).toEqual(["[1] 0 0"]);
    expect(rows(hist(0, 1n), 0n)).toEqual(["[1] 1 52"]);
  });
});

describe("lhist, as bpftrace 0.27.1 prints it", () => {
  it.each<[string, Value, string[]]>([
    ["steps of one", lhist(0, 10, 1, { 6: 1n, 8: 1n }), ["[5] 1 52", "[6] 0 0", "[7] 1 52"]],
    [
      "both ends",
      lhist(0, 20, 10, { 0: 1n, 3: 1n }),
      ["(..., 0) 1 52", "[0, 10) 0 0", "[10, 20) 0 0", "[20, ...) 1 52"],
    ],
    ["beyond the end alone", lhist(0, 10, 5, { 3: 1n }), ["[10, ...) 1 52"]],
    [
      "a minimum above zero",
      lhist(10, 110, 25, { 0: 1n, 3: 1n }),
      ["(..., 10) 1 52", "[10, 35) 0 0", "[35, 60) 0 0", "[60, 85) 1 52"],
    ],
    ["kilo", lhist(1024, 16_384, 1024, { 0: 1n, 1: 2n }), ["(..., 1K) 1 26", "[1K, 2K) 2 52"]],
    [
      "mega",
      lhist(0, 4_194_304, 524_288, { 1: 1n, 2: 1n, 3: 1n }),
      ["[0, 512K) 1 52", "[512K, 1M) 1 52", "[1M, 1536K) 1 52"],
    ],
    ["no short form where a bound has none", lhist(0, 4096, 1000, { 2: 1n }), ["[1000, 2000) 1 52"]],
    ["nothing", lhist(0, 10, 5, {}), []],
  ])("%s", (_, value, expected) => {
    expect(rows(value)).toEqual(expected);
  });

  it("is not divided", () => {
    expect(rows(lhist(0, 10, 5, { 1: 4n }), 2n)).toEqual(["[0, 5) 4 52"]);
  });
});

it("bars end where single precision ends them", () => {
  // In double precision 15 / 26 * 52 is just below 30.
  expect(rows({ kind: "hist", buckets: [0n, 15n, 26n], bits: 0 })).toEqual(["[0] 15 30", "[1] 26 52"]);
  expect(rows({ kind: "hist", buckets: [0n, 1n, 53n], bits: 0 })).toEqual(["[0] 1 0", "[1] 53 52"]);
});

it("one line in full", () => {
  expect(printableText(present(hist(0, 5n), presentation))).toBe(
    "[4, 8)                 1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n",
  );
});
