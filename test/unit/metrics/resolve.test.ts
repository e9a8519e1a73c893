import { describe, expect, it } from "vitest";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { brief, resolve } from "./helpers.ts";

type Metrics = Parameters<typeof resolve>[0];

describe("resolution", () => {
  it.each<[metrics: Metrics, unit: string, scale: bigint, counter: boolean]>([
    [{ m: "sum(@x)" }, "count", 1n, true],
    [{ m: "len(@x) * 2 + page_faults" }, "count", 1n, true],
    [{ m: "context_switches" }, "count", 1n, true],
    [{ m: "duration" }, "ns", 1n, false],
    [{ m: "max_rss" }, "B", 1n, false],
    [{ m: "avg(@x)" }, "count", 1n, false],
    [{ m: "p99(@x)" }, "count", 1n, false],
    [{ m: ["p99(@x)", "ns"] }, "ns", 1n, false],
    [{ m: ["p99(@x)", "us"] }, "ns", 1000n, false],
    [{ m: ["sum(@x)", "ns"] }, "ns", 1n, false],
    [{ m: ["sum(@x)", "B"] }, "B", 1n, true],
    [{ m: ["sum(@x)", "KiB"] }, "B", 1024n, true],
    [{ m: ["duration", "ms"] }, "ns", 1n, false],
    [{ m: ["duration / sum(@x)", "us"] }, "ns", 1n, false],
    [{ m: ["sum(@a) / sum(@b)", "%"] }, "%", 1n, true],
    [{ m: ["cpu_user / duration", "%"] }, "%", 1n, false],
    [{ m: ["len(@x)", "count"] }, "count", 1n, true],
    [{ m: ["200", "us"] }, "ns", 1000n, false],
    [{ m: "other / 2", other: ["p99(@x)", "us"] }, "ns", 1n, false],
    [{ m: "other + 1", other: "sum(@x)" }, "count", 1n, true],
    [{ m: "max_rss / duration" }, "B/ns", 1n, false],
  ])("%o", (metrics, unit, scale, counter) => {
    const diags = new Diagnostics();
    const [metric] = resolve(metrics, diags).metrics;
    expect(diags.items).toEqual([]);
    expect(metric).toMatchObject({ name: "m", unit, scale, counter });
  });

  it.each<[metrics: Metrics, code: string, underlined: string]>([
    [{ a: "a + 1" }, "metric-cycle", "a"],
    [{ a: "b", b: "c", c: "a" }, "metric-cycle", "a"],
    [{ a: "missing * 2" }, "unknown-metric", "missing"],
    [{ a: "sum(@x) < 4" }, "not-a-number", "sum(@x) < 4"],
    [{ a: ["max_rss", "ms"] }, "unit-mismatch", "ms"],
    [{ a: ["duration", "KiB"] }, "unit-mismatch", "KiB"],
    [{ a: ["duration", "%"] }, "unit-mismatch", "%"],
    [{ a: ["duration", "count"] }, "unit-mismatch", "count"],
    [{ a: ["len(@x)", "us"] }, "unit-mismatch", "us"],
    [{ a: ["len(@x)", "%"] }, "unit-mismatch", "%"],
    [{ a: "limit < duration", limit: "40" }, "unit-mismatch", "limit < duration"],
    [
      Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`m${i}`, `m${i + 1}`]).concat([["m30", "1"]])),
      "nested-too-deeply",
      "m20",
    ],
  ])("refuses %o", (metrics, code, underlined) => {
    const diags = new Diagnostics();
    resolve(metrics, diags);
    expect(diags.items.map(brief)[0]).toEqual([code, underlined]);
  });

  it("names the whole cycle", () => {
    const diags = new Diagnostics();
    resolve({ a: "b", b: "c", c: "b" }, diags);
    expect(diags.items[0]!.message).toMatch(/b -> c -> b$/);
    expect(diags.items).toHaveLength(1);
  });

  it("does not take exponential time or space over metrics that double each other", () => {
    const doubling = Object.fromEntries(
      Array.from({ length: 400 }, (_, i) => [`m${i}`, i === 0 ? "1" : `m${i - 1} + m${i - 1}`]),
    );
    expect(resolve(doubling).metrics.at(-1)!.definition).toHaveLength(64);
  });
});

describe("definitions", () => {
  const definition = (metrics: Metrics): string => resolve(metrics).metrics[0]!.definition;

  it.each<[Metrics, Metrics]>([
    [{ m: "sum(@x)+1" }, { m: " sum( @x ) + 1 " }],
    [
      { m: "a * 200us", a: "1" },
      { m: "a * 200000ns", a: "1" },
    ],
    [
      { m: "a + b + 1", a: "1", b: "2" },
      { m: "(a + b) + 1", a: "1", b: "2" },
    ],
    [
      { m: "a", a: "sum(@x)" },
      { m: "b", b: "sum( @x )" },
    ],
    [{ m: ["sum(@x)", "ns"] }, { m: "sum(@x)" }],
  ])("%o means the same as %o", (a, b) => expect(definition(a)).toBe(definition(b)));

  it.each<[Metrics, Metrics]>([
    [{ m: "sum(@x)" }, { m: "sum(@y)" }],
    [{ m: '@x["a"]' }, { m: '@x["b"]' }],
    [{ m: "@x[1]" }, { m: '@x["1"]' }],
    [
      { m: "a - (b - 1)", a: "1", b: "2" },
      { m: "(a - b) - 1", a: "1", b: "2" },
    ],
    [
      { m: "a", a: "sum(@x)" },
      { m: "a", a: "sum(@y)" },
    ],
    [{ m: ["sum(@x)", "us"] }, { m: "sum(@x)" }],
  ])("%o does not mean the same as %o", (a, b) => expect(definition(a)).not.toBe(definition(b)));
});
