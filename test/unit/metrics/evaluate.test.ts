import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Num } from "../../../harness/metrics/ast.ts";
import { evaluateMetrics } from "../../../harness/metrics/evaluate.ts";
import { evaluateText, hist, map, resolve, runOf } from "./helpers.ts";

const HUGE = 2n ** 64n - 1n;

const run = runOf(
  [
    map("@opens", "count", [["a"], 3n], [["b"], 4n], [["app/config.json"], 1n]),
    map("@pair", "count", [["key", 3n], 7n], [["key", -3n], 8n], [[["x", 1n], true], 9n]),
    map("@huge", "count", [["a"], HUGE], [["b"], HUGE]),
    map("@plain", "integer", [[], -5n]),
    map("@sum", "sum", [[1n], 10n], [[2n], 20n]),
    map("@max", "max", [[1n], 10n], [[2n], 20n]),
    map("@avg", "avg", [[1n], { kind: "avg", count: 2n, total: 10n }], [[2n], { kind: "avg", count: 6n, total: 14n }]),
    map("@stats", "stats", [[], { kind: "stats", count: 4n, total: 10n }]),
    map("@none", "avg", [[], { kind: "avg", count: 0n, total: 0n }]),
    map("@h", "hist", [[], hist([0, 1, 1], [4, 8, 2], [8, 16, 1])]),
    map("@two", "hist", [["a"], hist([0, 1, 1], [4, 8, 2])], [["b"], hist([8, 16, 1])]),
    map("@exact", "hist", [[], hist([7, 8, 100])]),
    map("@l", "lhist", [[], hist([null, 0, 1], [0, 10, 8], [10, null, 1])]),
    map("@texts", "other", [["a"], { kind: "other", text: "abc" }]),
    map("@count0", "count"),
    map("@hist0", "hist"),
    map("@avg0", "avg"),
    map("@min0", "min"),
    map("@stats0", "stats"),
  ],
  { duration: 1_000_000n, cpu_user: 250_000, max_rss: 2n ** 20n },
);

describe("values", () => {
  it.each<[text: string, value: Num]>([
    ["40", 40n],
    ["1.5", 1.5],
    ["200us", 200_000n],
    ["sum(@opens)", 8n],
    ["count(@opens)", 8n],
    ["len(@opens)", 3n],
    ["avg(@opens)", 8 / 3],
    ["min(@opens)", 1n],
    ["max(@opens)", 4n],
    ['@opens["app/config.json"]', 1n],
    ['@opens["nobody"]', 0n],
    ['sum(@opens["a"])', 3n],
    ['@pair["key", 3]', 7n],
    ['@pair["key", -3]', 8n],
    ['@pair[("x", 1), true]', 9n],
    ['@pair["key", 4]', 0n],
    ["@plain", -5n],
    ["sum(@sum)", 30n],
    ["count(@sum)", 2n],
    ["max(@max)", 20n],
    ["@avg[1]", 5n],
    ["avg(@avg)", 3n],
    ["count(@avg)", 8n],
    ["sum(@avg)", 24n],
    ["avg(@stats)", 2.5],
    ["sum(@stats)", 10n],
    ["count(@h)", 4n],
    ["count(@two)", 4n],
    ["len(@two)", 2n],
    ["len(@texts)", 1n],
    ["sum(@count0)", 0n],
    ["count(@hist0)", 0n],
    ["len(@hist0)", 0n],
    ["@count0", 0n],
    ["@unknown", 0n],
    ["2 + 3 * 4", 14n],
    ["7 / 2", 3.5],
    ["6 / 2", 3n],
    ["-7 / 2", -3.5],
    ["2 - 5", -3n],
    ["duration / 4", 250_000n],
    ["cpu_user / duration", 0.25],
    ["5% * 200", 10],
    ["duration - -1", 1_000_001n],
    ['@huge["a"]', HUGE],
    ["sum(@huge)", 2n * HUGE],
    ['sum(@huge) - @huge["a"]', HUGE],
    ["sum(@huge) / 2", HUGE],
    ["9007199254740993 - 9007199254740992", 1n],
  ])("%s = %s", (text, value) => {
    expect(evaluateText(text, run)).toMatchObject({ kind: "value", value });
  });

  it.each<[text: string, value: Num, low: Num, high: Num]>([
    // Ranks of four values: 1 in [0, 1), 2 in [4, 8), 1 in [8, 16).
    ["quantile(@h, 0)", 0n, 0n, 0n],
    ["quantile(@h, 0.25)", 0n, 0n, 0n],
    ["p50(@h)", 5.5, 4n, 7n],
    ["p75(@h)", 7n, 4n, 7n],
    ["quantile(@h, 1)", 15n, 8n, 15n],
    ["quantile(@h, 50%)", 5.5, 4n, 7n],
    ["p50(@two)", 5.5, 4n, 7n],
    ['p50(@two["b"])', 11.5, 8n, 15n],
    ["p99(@exact)", 7n, 7n, 7n],
    ["p50(@l)", 4.5, 0n, 9n],
    ["p50(@h) * 2 + 1", 12, 9n, 15n],
    ["-p50(@h)", -5.5, -7n, -4n],
    ["10 - p50(@h)", 4.5, 3n, 6n],
    ["p50(@h) / p50(@h)", 1, 4 / 7, 7 / 4],
    ["28 / p50(@h)", 28 / 5.5, 4n, 7n],
    ["10 / (p50(@h) - 5)", 20, -Infinity, Infinity],
    ["sum(@opens)", 8n, 8n, 8n],
  ])("%s = %s in [%s, %s]", (text, value, low, high) => {
    expect(evaluateText(text, run)).toEqual({ kind: "value", value, low, high });
  });

  it.each([
    ["p99(@hist0)", "@hist0 was never touched"],
    ['p99(@two["c"])', '@two["c"] was never touched'],
    ["avg(@avg0)", "@avg0 was never touched"],
    ["@avg0", "@avg0 was never touched"],
    ["@none", "nothing was averaged"],
    ["avg(@count0)", "@count0 was never touched"],
    ["min(@min0)", "@min0 was never touched"],
    ["@min0", "@min0 was never touched"],
    ["max(@count0)", "@count0 was never touched"],
    ["p50(@unknown)", "@unknown was never touched"],
    ["page_faults", "unknown"],
    ["page_faults + 1", "unknown"],
    ["1 + page_faults", "unknown"],
    ["-page_faults", "unknown"],
    ["1 / 0", "division by zero"],
    ["duration / @count0", "division by zero"],
    ["quantile(@l, 0)", "the quantile lies below the histogram's limit 0"],
    ["quantile(@l, 1)", "the quantile lies above the histogram's limit 10"],
    ["9e99 * 9e99 * 9e99 * 9e99 * 1.5", "the value is not finite"],
    // The checks refuse these before anything runs; evaluated all the same, they are no numbers.
    ["@opens", "`@opens` has keys and is not one number"],
    ["@h", "`@h` does not hold one number"],
    ["@stats", "`@stats` does not hold one number"],
    ["sum(@h)", "`sum` cannot read `@h`"],
    ["p50(@opens)", "`p50` cannot read `@opens`"],
    ['@texts["a"]', "`@texts` does not hold one number"],
    ["quantile(@h, 2)", "the quantile is not from 0 to 1"],
    ["1 < 2", "a condition is no number"],
    ["!(1 < 2)", "a condition is no number"],
  ])("%s: %s", (text, reason) => {
    expect(evaluateText(text, run)).toEqual({ kind: "no-data", reason });
  });

  it("refuses to merge histograms whose buckets differ", () => {
    const odd = runOf([map("@h", "hist", [[1n], hist([0, 4, 1])], [[2n], hist([2, 8, 1])])]);
    expect(evaluateText("p50(@h)", odd)).toEqual({ kind: "no-data", reason: "the histograms have different buckets" });
  });

  it("keeps integers exact: sums and products of u64 are those of bigint", () => {
    const u64 = fc.bigInt({ min: 0n, max: HUGE });
    fc.assert(
      fc.property(fc.array(u64, { minLength: 1, maxLength: 8 }), u64, (values, factor) => {
        const data = runOf([map("@x", "sum", ...values.map((value, i): [bigint[], bigint] => [[BigInt(i)], value]))]);
        const total = values.reduce((a, b) => a + b, 0n);
        expect(evaluateText(`sum(@x) * ${factor} - 1`, data)).toMatchObject({ value: total * factor - 1n });
      }),
    );
  });
});

describe("metrics of a run", () => {
  const values = (metrics: Parameters<typeof resolve>[0]) =>
    Object.fromEntries(
      [...evaluateMetrics(resolve(metrics).metrics, run)].map(([name, value]) => [
        name,
        value.kind === "value" ? value.value : value.reason,
      ]),
    );

  it("use each other in any order, and come with the free metrics", () => {
    expect(values({ per_open: "duration / opens", opens: "sum(@opens)" })).toEqual({
      per_open: 125_000n,
      opens: 8n,
      duration: 1_000_000n,
      cpu_user: 250_000n,
      max_rss: 1_048_576n,
    });
  });

  it("are scaled from their declared unit to the base unit, once", () => {
    const scaled = values({ micro: ["p99(@exact)", "us"], twice: "micro * 2", share: ["cpu_user / duration", "%"] });
    expect(scaled).toMatchObject({ micro: 7000n, twice: 14_000n, share: 0.25 });
  });

  it("carry the reason of missing data along", () => {
    expect(values({ a: "p99(@hist0)", b: "a + 1", c: "page_faults * 2" })).toMatchObject({
      a: "@hist0 was never touched",
      b: "@hist0 was never touched",
      c: "`page_faults` was not measured",
    });
  });
});
