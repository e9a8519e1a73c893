import { describe, expect, it } from "vitest";
import { difference, type Num, same, summarise } from "../../../harness/stats/summary.ts";

describe("summary", () => {
  it.each<[values: Num[], min: Num, median: Num, max: Num, mad: number]>([
    [[5], 5, 5, 5, 0],
    [[3, 1, 2], 1, 2, 3, 1],
    [[4, 1, 2, 3], 1, 2.5, 4, 1],
    [[10, 9, 100], 9, 10, 100, 1],
    [[1n, 3, 2n], 1n, 2n, 3, 1],
    [[7n, 7n], 7n, 7n, 7n, 0],
    [[-1.5, 1.5], -1.5, 0, 1.5, 1.5],
    [[2n ** 64n - 1n, 2n ** 64n - 1n, 0n], 0n, 2n ** 64n - 1n, 2n ** 64n - 1n, 0],
  ])("%o", (values, min, median, max, mad) => {
    expect(summarise(values)).toEqual({ n: values.length, min, max, median, mad });
  });

  it.each<[values: Num[]]>([[[]], [[Number.NaN]], [[1, Infinity]], [[-Infinity, 1n]]])("%o has none", (values) => {
    expect(summarise(values)).toBeUndefined();
  });

  it("leaves its input alone", () => {
    const values = [3, 1, 2];
    summarise(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe("arithmetic across number and bigint", () => {
  it.each<[a: Num, b: Num, expected: Num]>([
    [5, 3, 2n],
    [5n, 3, 2n],
    [5.5, 3n, 2.5],
    [2n ** 64n, 1n, 2n ** 64n - 1n],
    [0.5, 0.25, 0.25],
  ])("%s - %s", (a, b, expected) => expect(difference(a, b)).toBe(expected));

  it.each<[a: Num, b: Num, expected: boolean]>([
    [3n, 3, true],
    [3n, 3.5, false],
    [2n ** 53n + 1n, 2 ** 53, false],
    [Number.NaN, Number.NaN, false],
  ])("%s is %s: %s", (a, b, expected) => expect(same(a, b)).toBe(expected));
});
