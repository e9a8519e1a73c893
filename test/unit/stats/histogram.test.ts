import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Histogram,
  histogramCount,
  histogramQuantile,
  mergeHistograms,
} from "../../../harness/stats/histogram.ts";

type Row = [low: number | null, high: number | null, count: number];

const of = (...rows: Row[]): Histogram => ({
  buckets: rows.map(([low, high, count]) => ({
    low: low === null ? null : BigInt(low),
    high: high === null ? null : BigInt(high),
    count: BigInt(count),
  })),
});

describe("quantiles", () => {
  it.each<[histogram: Histogram, q: number, value: number, low: bigint, high: bigint]>([
    [of([0, 1, 10]), 0.5, 0, 0n, 0n],
    [of([8, 16, 4]), 0.5, 11.5, 8n, 15n],
    [of([8, 16, 4]), 0, 8, 8n, 15n],
    [of([8, 16, 4]), 1, 15, 8n, 15n],
    [of([0, 1, 1], [8, 16, 1]), 0.5, 0, 0n, 0n],
    [of([0, 1, 1], [8, 16, 1]), 0.75, 11.5, 8n, 15n],
    [of([0, 1, 99], [1024, 2048, 1]), 0.99, 0, 0n, 0n],
    [of([0, 1, 99], [1024, 2048, 1]), 0.999, 1024 + 1023 * 0.9, 1024n, 2047n],
    [of([0, 1, 0], [4, 5, 3], [8, 16, 0]), 1, 4, 4n, 4n],
    [of([-16, -8, 2]), 0.5, -12.5, -16n, -9n],
    [of([null, 0, 1], [0, 10, 98], [10, null, 1]), 0.5, 4.5, 0n, 9n],
  ])("of %o at %s", (histogram, q, value, low, high) => {
    const result = histogramQuantile(histogram, q);
    expect(result).toMatchObject({ kind: "value", low, high });
    expect(result.kind === "value" && result.value).toBeCloseTo(value, 9);
  });

  it.each<[histogram: Histogram, q: number, expected: ReturnType<typeof histogramQuantile>]>([
    [of(), 0.5, { kind: "empty" }],
    [of([0, 1, 0]), 0.5, { kind: "empty" }],
    [of([null, 0, 5], [0, 10, 5]), 0.25, { kind: "beyond", side: "below", bound: 0n }],
    [of([0, 10, 5], [10, null, 5]), 0.99, { kind: "beyond", side: "above", bound: 10n }],
  ])("of %o at %s do not exist", (histogram, q, expected) => expect(histogramQuantile(histogram, q)).toEqual(expected));

  it("lie within the bounds of the bucket that holds the value of that rank, and never fall with q", () => {
    const values = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(values, fc.float({ min: 0, max: 1, noNaN: true }), (list, q) => {
        const log2 = (value: number): number => (value < 1 ? 0 : 2 ** Math.floor(Math.log2(value)));
        const histogram = mergeHistograms(list.map((v) => (v < 1 ? of([0, 1, 1]) : of([log2(v), 2 * log2(v), 1]))))!;
        const result = histogramQuantile(histogram, q);
        if (result.kind !== "value") throw new Error("no quantile");
        const sorted = [...list].sort((a, b) => a - b);
        const ranked = sorted[Math.max(0, Math.ceil(q * list.length) - 1)]!;
        expect(ranked).toBeGreaterThanOrEqual(Number(result.low));
        expect(ranked).toBeLessThanOrEqual(Number(result.high));
        expect(result.value).toBeGreaterThanOrEqual(Number(result.low));
        expect(result.value).toBeLessThanOrEqual(Number(result.high));
        const higher = histogramQuantile(histogram, Math.min(1, q + 0.1));
        expect(higher.kind === "value" && higher.value).toBeGreaterThanOrEqual(result.value);
      }),
    );
  });
});

describe("merging", () => {
  it.each<[parts: Histogram[], expected: Histogram | undefined]>([
    [[], of()],
    [[of([0, 1, 2]), of([0, 1, 3])], of([0, 1, 5])],
    [[of([8, 16, 1]), of([0, 1, 1])], of([0, 1, 1], [8, 16, 1])],
    [[of([0, null, 1]), of([null, 0, 2])], of([null, 0, 2], [0, null, 1])],
    [[of([0, 4, 1]), of([2, 8, 1])], undefined],
    [[of([0, null, 1]), of([4, 8, 1])], undefined],
    [[of([null, 8, 1]), of([0, 4, 1])], undefined],
    [[of([null, 8, 1]), of([null, 4, 1])], undefined],
  ])("%o", (parts, expected) => expect(mergeHistograms(parts)).toEqual(expected));

  it("adds counts beyond 2^53", () => {
    const big = { buckets: [{ low: 0n, high: 1n, count: 2n ** 63n }] };
    expect(histogramCount(mergeHistograms([big, big])!)).toBe(2n ** 64n);
  });
});
