import { describe, expect, it } from "vitest";
import { any, atLeast, atMost, between, exactly, rangeOf, unwrap } from "../../../harness/vitest/expectations.ts";

describe("ranges of counts", () => {
  it.each([
    [rangeOf(3), 3, 3, "3"],
    [rangeOf(0), 0, 0, "0"],
    [atMost(5), 0, 5, "at most 5"],
    [atMost(0), 0, 0, "0"],
    [atLeast(2), 2, Number.POSITIVE_INFINITY, "at least 2"],
    [atLeast(0), 0, Number.POSITIVE_INFINITY, "any number"],
    [between(2, 4), 2, 4, "2 to 4"],
    [between(2, 2), 2, 2, "2"],
    [between(0, 4), 0, 4, "at most 4"],
    [any(), 0, Number.POSITIVE_INFINITY, "any number"],
    [rangeOf(atMost(1)), 0, 1, "at most 1"],
  ])("%s", (range, min, max, text) => {
    expect([range.min, range.max, String(range)]).toEqual([min, max, text]);
  });

  it.each<[string, () => unknown]>([
    ["a negative count", () => atMost(-1)],
    ["a fraction", () => rangeOf(1.5)],
    ["no number", () => rangeOf(Number.NaN)],
    ["what is too large to count", () => rangeOf(2 ** 60)],
    ["a text", () => rangeOf("3" as unknown as number)],
  ])("are not made of %s", (_, make) => expect(make).toThrow("a count is a whole number from 0 on"));

  it("are not empty", () => expect(() => between(4, 2)).toThrow("no count is at least 4 and at most 2"));
});

it("an expectation is complete if it says so", () => {
  expect(unwrap({ read: 1 })).toEqual({ expected: { read: 1 }, complete: false });
  expect(unwrap(exactly({ read: 1 }))).toEqual({ expected: { read: 1 }, complete: true });
});
