import { describe, expect, it } from "vitest";
import type { Palette } from "../../../compiler/diagnostics.ts";
import { plainPalette } from "../../../compiler/diagnostics.ts";
import { histogramPicture } from "../../../harness/report/histogram.ts";
import { ProgressLine } from "../../../harness/report/progress.ts";
import type { KeyChange, ScenarioResult } from "../../../harness/report/result.ts";
import { scenarioReport, summaryLine } from "../../../harness/report/terminal.ts";
import type { ReportStyle } from "../../../harness/report/terminal-parts.ts";
import { block, inline, table, textWidth, truncate } from "../../../harness/report/text.ts";
import { type FakeProgram, FakeWorld } from "../../support/fake-host.ts";
import { COMPARISON, metric, scenario } from "../../support/sample-result.ts";
import { countMap, histMap, TestProject } from "../../support/suite.ts";

const PLAIN: ReportStyle = { palette: plainPalette, width: 100, detail: "normal" };
const TAGS: Palette = {
  error: (text) => `<e>${text}</e>`,
  warning: (text) => `<w>${text}</w>`,
  note: (text) => `<n>${text}</n>`,
  dim: (text) => text,
  bold: (text) => text,
};

const YAML = `name: opens
workload: { command: [work] }
runs: { warmup: 0, count: 3, control: 1 }
probes: [{ bpftrace: x }]
metrics:
  opens: sum(@opens)
  read_p50: { value: p50(@read_ns), unit: ns }
assert: [opens < 100]
compare: { opens: exact, read_p50: { max-increase: 10% } }
`;

const quick: FakeProgram = async (p) => {
  p.print("working\n");
  await p.sleep(10);
  return 0;
};

function world(opens: Record<string, number>, buckets: [number, number, number][], work = quick): FakeWorld {
  const made = new FakeWorld({ work });
  made.maps = {
    x: [
      { name: "@opens", keyed: true },
      { name: "@read_ns", value: "hist" },
    ],
  };
  made.traces = [
    {
      maps: [[countMap("@opens", opens), histMap("@read_ns", buckets)]],
      output: "a probe says hello\n",
      cost: [{ probes: ["tracepoint:a:b"], hits: 2000n, ns: 300_000n }],
    },
  ];
  return made;
}

/** The report without what differs from run to run. */
async function report(project: TestProject, machine: FakeWorld, style: Partial<ReportStyle> = {}): Promise<string> {
  const { result } = await project.run(machine);
  return scenarioReport(result.scenarios[0]!, { ...PLAIN, ...style }).replaceAll(project.file, "test.yml");
}

describe("the report of a scenario", () => {
  it("shows metrics, assertions, histograms and what the probes cost", async () => {
    expect(
      await report(
        new TestProject(YAML),
        world({ a: 3 }, [
          [1024, 2048, 30],
          [2048, 4096, 15],
        ]),
      ),
    ).toBe(
      `✓ opens  3 runs in 40 ms  test.yml:2
  metric        now  spread
  opens           3   exact
  read_p50  1.79 us   exact
  duration    10 ms   exact
  ✓ opens < 100: 3
  @read_ns:
    [1K, 2K)  30 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
    [2K, 4K)  15 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |
  probes: 2,000 hits a run on all CPUs, 150 ns each, together 300 us (3.0% of the duration)
  without probes: 10 ms (1 run), with them +0.00%`,
    );
  });

  it("puts the baseline beside, and says why something regressed", async () => {
    const project = new TestProject(YAML);
    await project.run(world({ a: 3, old: 1 }, [[1024, 2048, 30]]), "update");
    const text = await report(
      project,
      world({ a: 9, new: 200 }, [
        [1024, 2048, 10],
        [8192, 16384, 50],
      ]),
    );
    expect(text).toBe(
      `✗ FAILED opens  3 runs in 40 ms  test.yml:2
  metric        now  spread  baseline  change
  opens         209   exact         4    +205  regression
  read_p50  11.5 us   exact   1.54 us   +647%  regression
  duration    10 ms   exact         -
  regression: opens: worse in every run than in any of the baseline
    cause: +200 new; +6 a
  regression: read_p50: the median worsened by more than the limits
    cause: at the same time: +200 new; +6 a
  ✗ opens < 100: 209 (109 over)
  what changed in opens:
    new   @opens["new"]  0 -> 200
    grew  @opens["a"]      3 -> 9
    gone  @opens["old"]    1 -> 0
  @read_ns:
               now                                        baseline
    [1K, 2K)   10 |@@@@@@@                             |  30 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
    ...
    [8K, 16K)  50 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|   0 |                                    |
  probes: 2,000 hits a run on all CPUs, 150 ns each, together 300 us (3.0% of the duration)
  without probes: 10 ms (1 run), with them +0.00%`,
    );
  });

  it("says why a run is invalid, with the end of what was printed", async () => {
    const failing: FakeProgram = (p) => {
      for (let i = 1; i <= 30; i++) p.print(`line ${i}\n`);
      p.print("\u001b[2Jboom\ttab\n", "stderr");
      return 3;
    };
    const text = await report(new TestProject(YAML), world({}, [], failing));
    expect(text.split("\n").slice(1, 5)).toEqual([
      "  invalid: the workload `work` ended with status 3",
      "    help: if that is right, say `expect-exit: 3`",
      "  stdout, the last 20 of 30 lines:",
      "    | line 11",
    ]);
    expect(text).toContain("  stderr:\n    | \\x1b[2Jboom    tab");
    expect(await report(new TestProject(YAML), world({}, [], failing), { detail: "verbose" })).toContain("| line 1\n");
  });

  it("says which program a scenario was skipped for, also when asked to be quiet", async () => {
    const skipped = YAML.replace("workload:", "requires: [zebra]\nworkload:");
    for (const detail of ["normal", "quiet"] as const) {
      const text = await report(new TestProject(skipped), world({ a: 1 }, []), { detail });
      expect(text).toBe(`- SKIPPED opens  test.yml:2
  skipped: \`zebra\` was not found in PATH
    help: install zebra to have this measured`);
    }
  });

  it("tells of a comparison both sides, bounds, causes and shifts", () => {
    expect(scenarioReport(COMPARISON.scenarios[0]!, PLAIN)).toMatchInlineSnapshot(`
      "✗ FAILED server  10 pairs in 40 ms  scenarios/all.yml:3
        metric   base     head  change  bounds
        opens      40      452    +412  exact          regression
        latency  1 us  1.12 us    +12%  +8.1% to +17%  regression
        regression: opens: 412 more in every run
          cause: +412 openat, 398 of them under node_modules
        regression: latency: slower beyond the limits
        @read_ns as a whole: +12% (+8.1% to +17%)  regression: the distribution moved up
          p99 4 us -> 5 us (+12%)
        what changed in opens:
          grew  @opens["a.txt"]  3 -> 17"
    `);
  });

  it("tells of a scenario that only one side of a comparison has", () => {
    const report = (sides: "head" | "base", status: ScenarioResult["status"]): string => {
      const metrics = [metric({ name: "opens", values: [3], reason: "the base has no such scenario" })];
      return scenarioReport(scenario({ name: "s", sides, status, metrics, warnings: ["so"] }), PLAIN);
    };
    expect(report("head", "passed")).toMatchInlineSnapshot(`
      "✓ s  3 runs in 40 ms  scenarios/all.yml:3
        metric  now  spread
        opens     3
        warning: so"
    `);
    expect(report("base", "skipped")).toMatch(/^- REMOVED s {2}scenarios/);
  });

  it("says how many changed keys it does not show", () => {
    const changes = Array.from({ length: 50 }, (_, i): KeyChange => {
      return { map: "@a", key: [`k${i}`], kind: "new", before: 0, now: 1, unit: "count" };
    });
    const report = (shown: number, moreChanges?: number): string => {
      const changed = metric({ name: "m", values: [1], changes: changes.slice(0, shown), moreChanges });
      return scenarioReport(scenario({ name: "s", metrics: [changed] }), PLAIN);
    };
    expect(report(50, 7)).toContain("    and 47 more keys");
    expect(report(11)).toMatch(/ {4}and 1 more key$/m);
    expect(report(10)).not.toContain("more key");
  });

  it("tells more when asked to", async () => {
    const text = await report(new TestProject(YAML), world({ a: 3, b: 7 }, []), { detail: "verbose" });
    expect(text).toContain("[10 10 10]");
    expect(text).toContain('@opens (script at line 5):\n    ["b"]: 7\n    ["a"]: 3\n');
    expect(text).toContain("printed by the probes in run 2:\n    | a probe says hello\n");
    expect(text).toContain("stdout:\n    | working");
    expect(text).toContain("context_switches");
  });

  it("tells nothing of what passed when asked to be quiet", async () => {
    expect(await report(new TestProject(YAML), world({ a: 1 }, []), { detail: "quiet" })).toBe("");
    expect(await report(new TestProject(YAML), world({ a: 100 }, []), { detail: "quiet" })).toContain("FAILED opens");
  });

  it("never lets a map, a name or an output act on the terminal", async () => {
    const nasty = "\u001b[31m\u0007\r\nnext\u202eevil";
    const project = new TestProject(YAML);
    await project.run(world({}, []), "update");
    const text = await report(
      project,
      world({ [nasty]: 200 }, [], (p) => {
        p.print(nasty);
        return 0;
      }),
      { detail: "verbose" },
    );
    expect(text).toContain('new  @opens["\\\\u001b[31m\\\\u0007\\\\r\\\\nnext\\u202eevil"]'.replaceAll("\\\\", "\\"));
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });

  it("fits into narrow terminals", async () => {
    const project = new TestProject(YAML);
    await project.run(world({ a: 3 }, [[1024, 2048, 30]]), "update");
    const text = await report(project, world({ a: 9 }, [[1024, 2048, 10]]), { width: 60 });
    const lines = text.split("\n").filter((line) => /^ {2}(metric|opens|read|duration)| {4}\[/.test(line));
    expect(lines.length).toBeGreaterThan(4);
    for (const line of lines) expect(textWidth(line), line).toBeLessThanOrEqual(60);
  });

  it("paints by verdict, and with the plain palette not at all", async () => {
    const project = new TestProject(YAML);
    await project.run(world({ a: 3 }, []), "update");
    expect(await report(project, world({ a: 9 }, []), { palette: TAGS })).toContain(
      "<e>regression</e>: opens: worse in every run",
    );
    expect(await report(project, world({ a: 9 }, []))).not.toMatch(/\x1b/);
  });
});

describe("the last line", () => {
  it("counts, and names rarer outcomes only when there are any", async () => {
    const { result } = await new TestProject(YAML).run(world({ a: 1 }, []));
    const line = (summary: Partial<typeof result.summary>): string =>
      summaryLine({ ...result, summary: { ...result.summary, ...summary }, durationNs: 12_345_678_901 }, PLAIN);
    expect(line({ passed: 8, failed: 1 })).toBe("8 passed, 1 failed, 0 invalid in 12.3 s");
    expect(line({ passed: 0, inconclusive: 1, interrupted: 2, skipped: 3 })).toBe(
      "0 passed, 0 failed, 0 invalid, 1 inconclusive, 2 interrupted, 3 skipped in 12.3 s",
    );
  });
});

describe("histograms", () => {
  const key = (...runs: [number | null, number | null, number][][]) => ({
    key: [],
    values: runs.map((buckets) => ({ buckets })),
  });

  it("show each bucket's median over the runs", () => {
    const now = key(
      [[1, 2, 9]],
      [
        [1, 2, 1],
        [2, 4, 8],
      ],
      [
        [1, 2, 3],
        [2, 4, 4],
      ],
    );
    expect(histogramPicture(now, undefined, 24).lines).toEqual([
      "[1]     3 |@@@@@@@@@   |",
      "[2, 4)  4 |@@@@@@@@@@@@|",
    ]);
  });
  it("name open bounds and multiples of 1024", () => {
    const now = key([
      [null, 0, 1],
      [0, 1, 1],
      [1000, 1024, 1],
      [1024, 2 ** 20, 1],
      [2 ** 40, null, 1],
    ]);
    expect(histogramPicture(now, undefined, 60).lines.map((line) => line.split("  ")[0]!.trim())).toEqual([
      "(..., 0)",
      "[0]",
      "...",
      "[1000, 1K)",
      "[1K, 1M)",
      "...",
      "[1T, ...)",
    ]);
  });
  it("fold fine buckets into powers of two when there are many", () => {
    const fine = Array.from({ length: 32 }, (_, i): [number, number, number] => [64 + 2 * i, 66 + 2 * i, 1]);
    expect(histogramPicture(key(fine), undefined, 60).lines).toEqual([
      expect.stringMatching(/^\[64, 128\) {2}32 \|@+\|$/),
    ]);
    expect(histogramPicture(key(fine), undefined, 60, true).lines).toHaveLength(32);
  });
  it("are nothing when nothing was counted", () => {
    expect(histogramPicture(key([]), undefined, 60).lines).toEqual([]);
  });
});

describe("text", () => {
  it.each([
    ["a\u001bb", "a\\x1bb", "a\\x1bb"],
    ["a\nb\tc", "a\\nb\\tc", "a\nb\tc"],
    ["\r\u009b\u0000", "\\x0d\\x9b\\x00", "\\x0d\\x9b\\x00"],
    ["\u202e\u2066\u200f", "\\u202e\\u2066\\u200f", "\\u202e\\u2066\\u200f"],
    ["größe 日本 ✓", "größe 日本 ✓", "größe 日本 ✓"],
  ])("%j is made harmless", (text, line, lines) => {
    expect(inline(text)).toBe(line);
    expect(block(text)).toBe(lines);
  });
  it.each([
    ["abcdef", 6, "abcdef"],
    ["abcdef", 5, "abcd…"],
    ["😀😀😀", 2, "😀…"],
    ["abc", 0, "…"],
  ])("%s cut to %d", (text, width, expected) => {
    expect(truncate(text, width)).toBe(expected);
  });
  it("stands in columns, and the flexible ones give way", () => {
    const columns = [{ align: "left", flexible: true }, { align: "right" }] as const;
    const rows = [
      [{ text: "a long name of something" }, { text: "1" }],
      [{ text: "b" }, { text: "1000" }],
    ];
    expect(table(columns, rows, 80)).toEqual(["a long name of something     1", "b                         1000"]);
    expect(table(columns, rows, 20)).toEqual(["a long name o…     1", "b               1000"]);
  });
});

describe("the progress line", () => {
  const stream = (isTTY: boolean) => {
    const written: string[] = [];
    return { isTTY, columns: 20, written, write: (text: string) => written.push(text) };
  };
  it("is replaced and erased", () => {
    const tty = stream(true);
    const line = new ProgressLine(tty, true);
    line.erase();
    line.show("first\nline that is too long");
    line.erase();
    line.erase();
    expect(tty.written).toEqual(["\r\x1b[Kfirst\\nline that i…", "\r\x1b[K"]);
  });
  it.each([
    ["without a terminal", false, true],
    ["when it is not wanted", true, false],
  ])("is not there %s", (_, isTTY, enabled) => {
    const out = stream(isTTY);
    const line = new ProgressLine(out, enabled);
    line.show("text");
    line.erase();
    expect(out.written).toEqual([]);
  });
});
