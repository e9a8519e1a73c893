import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Benchmark, type Row, ratioOf, type Target, verdictOf } from "../../../bench/benchmark.ts";
import { BENCHMARKS } from "../../../bench/benchmarks/index.ts";
import { totalOf } from "../../../bench/benchmarks/per-event.ts";
import { SCRIPTS } from "../../../bench/benchmarks/scripts.ts";
import { OptionError, parseOptions, usage } from "../../../bench/options.ts";
import { OPERATIONS } from "../../../bench/programs.ts";
import { renderDetail, renderRows, renderVerdicts } from "../../../bench/render.ts";
import { interleave } from "../../../bench/rounds.ts";
import { median, randomNumbers, shuffled, summarise } from "../../../bench/statistics.ts";
import { findTools } from "../../../bench/tools.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { parse as parseScript } from "../../../compiler/syntax/parser.ts";

describe("statistics", () => {
  it.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[-5, 5], 0],
  ])("the median of %j is %d", (values, expected) => expect(median(values)).toBe(expected));

  it("has no median of nothing", () => expect(() => median([])).toThrow(RangeError));

  it("does not disturb the order of the values", () =>
    expect(summarise([9, 1, 2, 1])).toEqual({ median: 1.5, mad: 0.5, values: [9, 1, 2, 1] }));

  it("shuffles everything, the same way for the same seed", () => {
    const items = Array.from({ length: 20 }, (_, i) => i);
    const once = shuffled(items, randomNumbers(7));
    expect(once).not.toEqual(items);
    expect([...once].sort((a, b) => a - b)).toEqual(items);
    expect(shuffled(items, randomNumbers(7))).toEqual(once);
    expect(shuffled(items, randomNumbers(8))).not.toEqual(once);
  });

  it("draws all places about equally often", () => {
    const random = randomNumbers(1);
    const first = [0, 0, 0];
    for (let i = 0; i < 3000; i++) first[shuffled([0, 1, 2], random)[0]!]!++;
    for (const count of first) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});

describe("rounds", () => {
  const context = { random: randomNumbers(3), progress: () => {}, signal: new AbortController().signal };

  it("measures everybody once a round, and the slow only in their first rounds", async () => {
    const order: string[] = [];
    const contestant = (name: string, rounds?: number) => ({
      ...{ name, rounds },
      measure: async () => order.push(name),
    });
    const measured = await interleave([contestant("a"), contestant("b"), contestant("slow", 1)], 4, context);
    expect([...measured].map(([name, values]) => [name, values.length])).toEqual([
      ["a", 4],
      ["b", 4],
      ["slow", 1],
    ]);
    for (let i = 3; i < 9; i += 2) expect(order.slice(i, i + 2).sort()).toEqual(["a", "b"]);
  });

  it("stops when it is aborted", async () => {
    const aborted = AbortSignal.abort(new Error("Ctrl-C"));
    const contestants = [{ name: "a", measure: async () => expect.unreachable() }];
    await expect(interleave(contestants, 1, { ...context, signal: aborted })).rejects.toThrow("Ctrl-C");
  });
});

function row(ours: number, rival: number | undefined, target: Target | undefined, version?: string): Row {
  const name = "bpftrace";
  const theirs = rival === undefined ? undefined : { name, values: summarise([rival]), ...(version && { version }) };
  return { what: "something", unit: "ms", ours: summarise([ours]), rival: theirs, target };
}

describe("verdicts", () => {
  it.each([
    [row(6, 10, { kind: "ratio", max: 0.6 }), "met"],
    [row(6.1, 10, { kind: "ratio", max: 0.6 }), "missed"],
    [row(10.04, 10, { kind: "ratio", max: 1 }), "met"],
    [row(10.06, 10, { kind: "ratio", max: 1 }), "missed"],
    [row(6, undefined, { kind: "ratio", max: 0.6 }), "unknown"],
    [row(0, 0, { kind: "ratio", max: 0.6 }), "missed"],
    [row(-6, 10, { kind: "ratio", max: 0.6 }), "missed"],
    [row(6, -10, { kind: "ratio", max: 0.6 }), "missed"],
    [row(-6, -10, { kind: "ratio", max: 0.6 }), "missed"],
    [row(25, undefined, { kind: "value", max: 25 }), "met"],
    [row(26, undefined, { kind: "value", max: 25 }), "missed"],
    [row(1, 1, undefined), "none"],
    [row(1, 2, { kind: "ratio", max: 1, since: "0.27" }, "bpftrace v0.27.0"), "met"],
    [row(3, 2, { kind: "ratio", max: 1, since: "0.27" }, "bpftrace v0.27.1-dirty"), "missed"],
    [row(3, 2, { kind: "ratio", max: 1, since: "0.27" }, "bpftrace v1"), "missed"],
    [row(3, 2, { kind: "ratio", max: 1, since: "0.27" }, "bpftrace v0.100.0"), "missed"],
    [row(1, 2, { kind: "ratio", max: 1, since: "0.27" }, "bpftrace v0.17.0"), "older"],
    [row(1, 2, { kind: "ratio", max: 1, since: "0.27.2" }, "bpftrace v0.27.1"), "older"],
    [row(1, 2, { kind: "ratio", max: 1, since: "0.27" }, "bpftrace of unknown age"), "older"],
    [row(1, 2, { kind: "ratio", max: 1, since: "0.27" }), "older"],
    [row(1, undefined, { kind: "ratio", max: 1, since: "0.27" }), "unknown"],
  ] as const)("%#: %o", (judged, verdict) => expect(verdictOf(judged)).toBe(verdict));

  it("has a ratio where there is a rival", () => {
    expect(ratioOf(row(1, 4, undefined))).toBe(0.25);
    expect(ratioOf(row(1, undefined, undefined))).toBeUndefined();
  });
});

describe("what a map holds", () => {
  it.each([
    ['{"type": "map", "data": {"@": 12}}', "@", 12],
    ['{"type": "map", "data": {"@": {"1": 3, "2": 4}}}', "@", 7],
    ['{"type": "map", "data": {"@": {"a,b": {"c": 4}}}}', "@", 4],
    ['{"type": "hist", "data": {"@ns": [{"max": 1, "count": 2}, {"min": 2, "max": 3, "count": 5}]}}', "@ns", 7],
    ['{"type": "map", "data": {"@start": {}}}\n{"type": "map", "data": {"@": 1}}', "@start", 0],
    ['{"type": "attached_probes", "data": {"probes": 1}}\nloop 10 1.5', "@", 0],
    ["", "@", 0],
  ])("%s: %s %d", (output, map, total) => expect(totalOf(map, output)).toBe(total));
});

describe("command line", () => {
  const all = ["start-up", "memory"].map((name): Benchmark => ({ name, title: name, run: () => expect.unreachable() }));
  const parse = (...argv: string[]) => parseOptions(argv, all, () => 42);

  it("means all benchmarks unless some are named, which run in the usual order", () => {
    expect(parse()).toEqual({ help: false, quick: false, json: undefined, seed: 42, benchmarks: all });
    expect(parse("memory", "start-up").benchmarks).toEqual(all);
    expect(parse("memory").benchmarks).toEqual([all[1]]);
  });

  it("understands its options", () => {
    const options = parse("--quick", "--json", "out.json", "--seed", "7", "memory");
    expect(options).toMatchObject({ quick: true, json: "out.json", seed: 7 });
    expect(parse("-h").help).toBe(true);
  });

  it.each([
    [["memry"], "did you mean memory?"],
    [["everything"], "there are start-up, memory"],
    [["--fast"], "--fast"],
    [["--seed", "x"], "--seed takes a number"],
    [["--seed", "4294967296"], "--seed takes a number"],
    [["--json"], "--json"],
  ])("refuses %j", (argv, message) => {
    expect(() => parse(...argv)).toThrow(OptionError);
    expect(() => parse(...argv)).toThrow(message);
  });

  it("names every benchmark in its help", () => {
    for (const { name, title } of BENCHMARKS)
      expect(usage(BENCHMARKS)).toMatch(new RegExp(`${name} +.*${title.slice(0, 9)}`));
    expect(new Set(BENCHMARKS.map(({ name }) => name)).size).toBe(BENCHMARKS.length);
  });
});

describe("tables", () => {
  const rows = [
    row(123.4, 250, { kind: "ratio", max: 0.6 }),
    row(0.0123, 4, { kind: "ratio", max: 0.001 }),
    row(1, undefined, { kind: "value", max: 25 }),
    row(1, undefined, { kind: "ratio", max: 1 }),
    row(5, 4, { kind: "ratio", max: 1, since: "0.27" }, "bpftrace v0.17.0"),
  ];

  it("lines up numbers, ratios and verdicts", () => {
    expect(renderRows(rows).split("\n")).toEqual([
      "               probewright        rival               ratio         target",
      "  something     123 ± 0 ms   250 ± 0 ms  bpftrace    0.494x        <= 0.6x  met",
      "  something  0.0123 ± 0 ms  4.00 ± 0 ms  bpftrace  0.00308x      <= 0.001x  MISSED",
      "  something    1.00 ± 0 ms                                        <= 25 ms  met",
      "  something    1.00 ± 0 ms                                           <= 1x  not judged",
      "  something    5.00 ± 0 ms  4.00 ± 0 ms  bpftrace     1.25x  <= 1x of 0.27  not judged: an older rival",
    ]);
  });

  it("counts verdicts", () => {
    expect(renderVerdicts(rows)).toBe("2 targets met, 1 missed, 2 not judged");
    expect(renderVerdicts(rows.slice(0, 1))).toBe("1 targets met, 0 missed");
  });

  it("prints a table without a verdict", () => {
    const detail = {
      title: "stages",
      columns: ["", "ms"],
      rows: [
        ["parse", "0.25"],
        ["load", "12.00"],
      ],
    };
    expect(renderDetail(detail)).toBe("stages\n            ms\n  parse   0.25\n  load   12.00");
  });
});

describe("the ten scripts", () => {
  const programs = (file: string) => readFileSync(new URL(`../../../bench/programs/${file}`, import.meta.url), "utf8");

  it("are ten", () => expect(new Set(SCRIPTS.map(({ name }) => name)).size).toBe(10));

  it.each(SCRIPTS)("$name: each part of it is there", ({ probes, operation, c }) => {
    const diags = new Diagnostics();
    const text = probes.map(({ at, body }) => `${at.replace("PROGRAM", "/bin/loop")} ${body}`).join("\n");
    parseScript(new Source("script", text), diags);
    expect(diags.items).toEqual([]);
    expect(programs("loop.c")).toContain(`{"${operation}", `);
    expect(OPERATIONS[operation].calls).toBeGreaterThan(0);
    for (const name of [...c.programs, c.map]) expect(programs("rivals.bpf.c")).toMatch(new RegExp(`\\b${name}\\b`));
  });
});

describe("the bpftrace to compare with", () => {
  it.each([
    ["/opt/bin/bpftrace", ["/opt/bin/bpftrace"]],
    ["  chroot  /sid bpftrace ", ["chroot", "/sid", "bpftrace"]],
  ])("BPFTRACE=%j", (BPFTRACE, command) => {
    expect(findTools("/nowhere", { BPFTRACE }).bpftrace).toEqual(command);
  });

  it("is the one on the PATH unless another is named", () => {
    const usual = findTools("/nowhere", {}).bpftrace;
    expect(findTools("/nowhere", { BPFTRACE: " " }).bpftrace).toEqual(usual);
  });
});
