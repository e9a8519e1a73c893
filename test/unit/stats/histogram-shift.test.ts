import { describe, expect, it } from "vitest";
import type { Histogram } from "../../../harness/stats/histogram.ts";
import { histogramLocation, histogramShift } from "../../../harness/stats/histogram-shift.ts";

type Row = readonly [low: number | null, high: number | null, count: number];

function histogram(...rows: readonly Row[]): Histogram {
  const bound = (value: number | null): bigint | null => (value === null ? null : BigInt(value));
  return { buckets: rows.map(([low, high, count]) => ({ low: bound(low), high: bound(high), count: BigInt(count) })) };
}

describe("histogram shift", () => {
  it.each<[string, Histogram, Histogram, number]>([
    ["no change", histogram([4, 8, 3]), histogram([4, 8, 3]), 0],
    ["more of the same is no shift", histogram([4, 8, 3], [8, 16, 1]), histogram([4, 8, 300], [8, 16, 100]), 0],
    ["everything doubled", histogram([4, 8, 5], [8, 16, 2]), histogram([8, 16, 5], [16, 32, 2]), 1],
    ["everything halved", histogram([8, 16, 5]), histogram([4, 8, 5]), -1],
    ["a tenth went to the eightfold", histogram([64, 128, 10]), histogram([64, 128, 9], [512, 1024, 1]), 0.3],
    ["up here and down there is no shift", histogram([8, 16, 10]), histogram([4, 8, 5], [16, 32, 5]), 0],
    ["sub-buckets have their own places", histogram([8, 10, 1]), histogram([12, 14, 1]), 0.5352],
    ["from zero to one", histogram([0, 1, 1]), histogram([1, 2, 1]), 1],
    ["negative values grow downwards", histogram([-7, -3, 1]), histogram([-15, -7, 1]), -1.161],
    ["buckets without limit lie at it", histogram([null, 0, 1]), histogram([1024, null, 1]), 11],
  ])("%s", (_, base, head, doublings) => {
    const shift = histogramShift(base, head);
    expect(shift.kind).toBe("shift");
    expect(shift.kind === "shift" && shift.doublings).toBeCloseTo(doublings, 4);
  });

  it("is the signed area between the cumulative distributions", () => {
    const base = histogram([1, 2, 4], [2, 4, 3], [8, 16, 1]);
    const head = histogram([1, 2, 1], [4, 8, 5], [16, 32, 2]);
    // on the axis of log2 the buckets are one wide; within each the distribution rises evenly
    const steps = 10_000;
    const at = ({ buckets }: Histogram, x: number): number => {
      const total = buckets.reduce((sum, { count }) => sum + Number(count), 0);
      return buckets.reduce((sum, { low, count }) => {
        const from = Math.log2(Number(low));
        return sum + (Number(count) / total) * Math.min(1, Math.max(0, x - from));
      }, 0);
    };
    let area = 0;
    for (let i = 0; i < 5 * steps; i++) {
      const x = (i + 0.5) / steps;
      area += (at(base, x) - at(head, x)) / steps;
    }
    expect(histogramShift(base, head)).toMatchObject({ kind: "shift", doublings: expect.closeTo(area, 3) });
  });

  it("is refused where the buckets differ", () => {
    expect(histogramShift(histogram([0, 10, 1]), histogram([5, 15, 1]))).toEqual({ kind: "refused" });
    expect(histogramShift(histogram([0, 8, 1]), histogram([4, 8, 1]))).toEqual({ kind: "refused" });
  });

  it("needs values on both sides", () => {
    expect(histogramShift(histogram(), histogram([0, 10, 1]))).toEqual({ kind: "empty" });
    expect(histogramShift(histogram([0, 10, 1]), histogram([0, 10, 0]))).toEqual({ kind: "empty" });
    expect(histogramLocation(histogram([256, 512, 3]))).toBe(8.5);
  });
});
