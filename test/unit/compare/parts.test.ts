import { describe, expect, it } from "vitest";
import { firstSides } from "../../../harness/compare/order.ts";
import { relocate } from "../../../harness/compare/relocate.ts";
import type { MapData } from "../../../harness/metrics/run-data.ts";
import type { MeasuredRun } from "../../../harness/runner/session.ts";
import { Random } from "../../../harness/stats/random.ts";
import { countMap } from "../../support/suite.ts";

describe("the order of pairs", () => {
  it.each([0, 1, 2, 5, 10])("lets each side go first equally often in %i pairs", (pairs) => {
    const sides = firstSides(pairs, new Random(1));
    const base = sides.filter((side) => side === "base").length;
    expect(sides).toHaveLength(pairs);
    expect(Math.abs(2 * base - pairs)).toBe(pairs % 2);
  });

  it("follows from the seed", () => {
    const order = (seed: number): string => firstSides(20, new Random(seed)).join();
    expect(order(1)).toBe(order(1));
    expect(new Set([1, 2, 3, 4, 5].map(order)).size).toBe(5);
  });

  it("favours no side where the number is odd", () => {
    const random = new Random(9);
    const first = Array.from({ length: 400 }, () => firstSides(1, random)[0]);
    const base = first.filter((side) => side === "base").length;
    expect(base).toBeGreaterThan(150);
    expect(base).toBeLessThan(250);
  });
});

describe("paths of a checkout", () => {
  const run = (...maps: MapData[]): MeasuredRun => ({
    data: { maps: new Map(maps.map((map) => [map.name, map])), free: new Map() },
    maps: [maps],
    printed: "",
    cost: [],
    output: undefined,
    driverOutput: undefined,
  });
  const keys = (map: MapData | undefined): unknown[] => (map?.entries ?? []).map(({ key }) => key);

  it("become those of the repository", () => {
    const paths = { "/tmp/pw-a/base/src/x": 1, "/tmp/pw-a/base": 2, "/tmp/pw-a/baseline": 3, "src/x": 4, "/etc": 5 };
    const moved = relocate(run(countMap("@a", paths)), "/tmp/pw-a/base", "/repo");
    const expected = [["/repo/src/x"], ["/repo"], ["/tmp/pw-a/baseline"], ["src/x"], ["/etc"]];
    expect(keys(moved.maps[0]![0])).toEqual(expected);
    expect(keys(moved.data.maps.get("@a"))).toEqual(expected);
  });

  it("are found in every part of a key", () => {
    const map: MapData = {
      name: "@a",
      kind: "count",
      keyed: true,
      entries: [{ key: ["openat", ["/side/x", 2n], 3n, true], value: { kind: "count", value: 1n } }],
    };
    expect(keys(relocate(run(map), "/side", "/repo").maps[0]![0])).toEqual([["openat", ["/repo/x", 2n], 3n, true]]);
  });
});
