import { describe, expect, it } from "vitest";
import { brief, load, loadGood, minimal } from "./helpers.ts";

const limits = (maxIncrease: number, minDelta = 0, confidence = 0.99) => ({
  kind: "limits",
  maxIncrease,
  minDelta,
  confidence,
});

describe("metrics, assertions and comparison rules", () => {
  it.each<[lines: string, expected: object]>([
    ["metrics: { a: 5 }", { metrics: [{ name: "a", unit: "count" }] }],
    ["metrics: { a: 5us }", { metrics: [{ unit: "ns" }] }],
    [
      "metrics: { a: { value: sum(@x), description: d, better: higher } }",
      { metrics: [{ description: "d", better: "higher" }] },
    ],
    ["metrics:\n  a: >\n    sum(@x)\n    + 1", { metrics: [{ name: "a" }] }],
    ["metrics: { b: a + 1, a: sum(@x) }", { metrics: [{ name: "b" }, { name: "a" }] }],
    [
      "assert: [duration < 1s, max_rss < 1GiB]",
      { assertions: [{ text: "duration < 1s" }, { text: "max_rss < 1GiB" }] },
    ],
    ["assert: ['sum(@x) == 4 || page_faults < 3']", { assertions: [{ text: "sum(@x) == 4 || page_faults < 3" }] }],
    ["assert: []", { assertions: [] }],
  ])("%j", (lines, expected) => expect(loadGood(minimal(lines))[0]).toMatchObject(expected));

  it.each<[lines: string, expected: Record<string, object>]>([
    ["metrics: { a: sum(@x) }", { a: { kind: "auto" } }],
    ["metrics: { a: sum(@x) }\ncompare: { a: exact }", { a: { kind: "exact" } }],
    ["metrics: { a: sum(@x), b: '1' }\ncompare: { default: exact }", { a: { kind: "exact" }, b: { kind: "exact" } }],
    ["metrics: { a: sum(@x) }\ncompare: { default: exact, a: { max-increase: 1% } }", { a: limits(0.01) }],
    ["metrics: { a: sum(@x) }\ncompare: { default: { max-increase: 7% } }", { a: limits(0.07) }],
    [
      "metrics: { a: sum(@x) }\ncompare: { default: { max-increase: 7%, confidence: 95% }, a: { min-delta: 3 } }",
      { a: limits(0.07, 3, 0.95) },
    ],
    ["metrics: { a: sum(@x) }\ncompare: { a: { max-increase: 0 } }", { a: limits(0) }],
    ["metrics: { a: sum(@x) }\ncompare: { a: {} }", { a: limits(0.05) }],
    [
      "metrics: { a: sum(@x), t: duration }\ncompare: { default: { min-delta: 5us } }",
      { a: limits(0.05), t: limits(0.05, 5000) },
    ],
    [
      "metrics: { a: sum(@x), t: duration }\ncompare: { default: { min-delta: 3 } }",
      { a: limits(0.05, 3), t: limits(0.05) },
    ],
    ["compare: { duration: { max-increase: 10%, min-delta: 1.5ms } }", { duration: limits(0.1, 1_500_000) }],
    ["compare: { max_rss: { min-delta: 4 KiB } }", { max_rss: limits(0.05, 4096) }],
    ["compare: { default: exact }", {}],
  ])("compares by %j", (lines, expected) => {
    expect(Object.fromEntries(loadGood(minimal(lines))[0]!.compare)).toEqual(expected);
  });

  it.each<[lines: string, code: string, underlined: string, help?: RegExp]>([
    ["metrics: [a]", "wrong-type", "metrics"],
    ["metrics: { 1a: '1' }", "bad-key", "1a"],
    ["metrics: { a-b: '1' }", "bad-key", "a-b", /underscores/],
    ["metrics: { a: }", "wrong-type", "a"],
    ["metrics: { a: true }", "wrong-type", "true"],
    ["metrics: { a: '' }", "bad-value", "''"],
    ["metrics: { a: [sum(@x)] }", "wrong-type", "a"],
    ["metrics: { a: { unit: ns } }", "missing-key", "a"],
    ["metrics: { a: { value: sum(@x), unit: nss } }", "wrong-type", "nss", /`ns`/],
    ["metrics: { a: { value: sum(@x), unit: furlong } }", "wrong-type", "furlong"],
    ["metrics: { a: { value: sum(@x), better: less } }", "wrong-type", "less"],
    ["metrics: { a: { valu: sum(@x), value: 1 } }", "unknown-key", "valu", /`value`/],
    ["metrics: { a: { value: duration, unit: KiB } }", "unit-mismatch", "KiB"],
    ["metrics: { duration: '1' }", "reserved-metric", "duration", /another name/],
    ["metrics: { default: '1' }", "reserved-metric", "default"],
    ["metrics: { a: sum(@x }", "syntax", ""],
    ["metrics: { a: summ(@x) }", "unknown-function", "summ", /`sum`/],
    ["metrics: { a: a + 1 }", "metric-cycle", "a"],
    ["metrics: { a: b, b: a }", "metric-cycle", "a"],
    ["metrics: { a: duraton }", "unknown-metric", "duraton", /`duration`/],
    ["metrics: { a: duration < 4s }", "not-a-number", "duration < 4s", /assert/],
    ["metrics: { a: 200usec }", "unknown-unit", "usec", /200us/],
    ["metrics:\n  a: |\n    sum(@x)\n      + oops", "unknown-metric", "oops"],
    ["assert: duration < 1s", "wrong-type", "duration < 1s", /- opens <= 40/],
    ["assert: [{ duration: 1s }]", "wrong-type", "{ duration: 1s }"],
    ["assert: [oops]", "unknown-metric", "oops"],
    ["assert: [duration]", "not-a-condition", "duration", /opens <= 40/],
    ["assert: [duration = 4s]", "unexpected-character", "=", /==/],
    ["assert: [duration < 5]", "unit-missing", "5", /5us/],
    ["assert: [duration < 5MiB]", "unit-mismatch", "duration < 5MiB"],
    ["assert: [1s < duration < 5s]", "chained-comparison", "<", /&&/],
    ["metrics: { opens: sum(@x) }\nassert: [opns < 5]", "unknown-metric", "opns", /`opens`/],
    ["metrics: { opens: sum(@x) }\nassert: ['opens < 5 and opens > 1']", "syntax", "and", /&&/],
    ['metrics: { opens: sum(@x) }\nassert: ["opens <\\x20oops"]', "unknown-metric", "oops"],
    ["compare: [exact]", "wrong-type", "compare"],
    ["compare: { default: exct }", "wrong-type", "exct"],
    ["compare: { opens: exact }", "unknown-metric", "opens"],
    ["metrics: { opens: sum(@x) }\ncompare: { opns: exact }", "unknown-metric", "opns", /`opens`/],
    ["compare: { duration: { max-increase: 5 } }", "bad-value", "5", /`5%`/],
    ["compare: { duration: { max-increase: much } }", "bad-value", "much", /5%/],
    ["compare: { duration: { max-increase: -5% } }", "bad-value", "-5%"],
    ["compare: { duration: { maxIncrease: 5% } }", "unknown-key", "maxIncrease", /`max-increase`/],
    ["compare: { duration: { confidence: 99 } }", "bad-value", "99", /99%/],
    ["compare: { duration: { confidence: 100% } }", "bad-value", "100%"],
    ["compare: { duration: { min-delta: 5 } }", "unit-mismatch", "5", /5us/],
    ["compare: { duration: { min-delta: 5KiB } }", "unit-mismatch", "5KiB", /5us/],
    ["compare: { max_rss: { min-delta: 5us } }", "unit-mismatch", "5us", /4KiB/],
    ["compare: { page_faults: { min-delta: 5us } }", "unit-mismatch", "5us", /10/],
    ["compare: { duration: { min-delta: 5usec } }", "bad-value", "5usec", /`5us`/],
    ["compare: { duration: { min-delta: [5] } }", "bad-value", "min-delta"],
  ])("refuses %j", (lines, code, underlined, help) => {
    const { scenarios, diags } = load(minimal(lines));
    expect(scenarios).toEqual([]);
    const [first] = diags.items;
    expect(brief(first!).slice(1)).toEqual([code, underlined]);
    if (help) expect(first!.help).toMatch(help);
  });

  it("knows a metric whose expression is broken, so that one mistake is one error", () => {
    const { diags } = load(minimal("metrics: { a: 'sum(@x', b: a + 1 }\nassert: [a < 5]\ncompare: { a: exact }"));
    expect(diags.items.map(({ code }) => code)).toEqual(["syntax"]);
  });

  it("bounds the number of metrics", () => {
    const many = Array.from({ length: 501 }, (_, i) => `  m${i}: 1`).join("\n");
    expect(load(minimal(`metrics:\n${many}`)).diags.items.map(({ code }) => code)).toEqual(["too-many-metrics"]);
  });
});
