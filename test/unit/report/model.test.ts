import { describe, expect, it } from "vitest";
import { findingsOf } from "../../../harness/report/findings.ts";
import { probeRows, reportOf } from "../../../harness/report/model.ts";
import { parseReport, ResultFileError } from "../../../harness/report/read.ts";
import { verdictOf } from "../../../harness/report/verdict.ts";
import { intervalText, probeCost, probesText } from "../../../harness/report/wording.ts";
import { COMPARISON, FAILED, MISTAKES, metric, RUN, scenario, suite } from "../../support/sample-result.ts";

describe("findings", () => {
  const shown = (result: typeof RUN): string[] =>
    findingsOf(reportOf(result)).map(
      ({ severity, scenario, line, subject, kind, message }) =>
        `${severity} ${scenario?.name ?? "-"}:${line} ${subject ?? "-"} ${kind}: ${message}`,
    );

  it("come with the worst first", () => {
    expect(shown(RUN)).toMatchInlineSnapshot(`
      [
        "error config-loader:3 opens regression: worse in every run than in any of the baseline",
        "error config-loader:18 opens < 100 failed: 209 (109 over)",
        "error config-loader:20 p99(@x) < 1 failed: no data: the map is empty",
        "error broken:40 - invalid: the workload \`work\` ended with status 3 (if that is right, say \`expect-exit: 3\`)",
        "warning noisy:60 wait inconclusive: fewer than 3 runs cannot tell a change from noise",
        "warning needs-sqlite:50 - skipped: there is no program \`sqlite3\` here",
        "warning -:9 - warning: the map \`@y\` is never read",
        "good config-loader:3 read_p50 improvement: the median improved by more than the limits; the histogram is empty",
      ]
    `);
    expect(shown(MISTAKES)).toEqual(["error -:14 - error: unknown builtin `pids` (did you mean `pid`?)"]);
  });

  it("rank regressions by how much worse it became", () => {
    const regression = (name: string, more: object) =>
      metric({ name, verdict: "regression", reason: "r", baseline: { min: 1, median: 1, max: 1 }, ...more });
    const result = suite([
      scenario({
        name: "s",
        status: "failed",
        metrics: [
          regression("twice", { ratio: 2, delta: 5 }),
          regression("half of what should be high", { ratio: 0.25, delta: -5, better: "higher" }),
          regression("from nothing", { delta: 1 }),
          regression("also from nothing", { delta: 2 }),
          regression("unknown", { ratio: undefined, delta: undefined }),
        ],
      }),
    ]);
    expect(findingsOf(reportOf(result)).map(({ subject }) => subject)).toEqual([
      "from nothing",
      "also from nothing",
      "half of what should be high",
      "twice",
      "unknown",
    ]);
  });
});

describe("verdict", () => {
  const counts = { passed: 0, failed: 0, invalid: 0, inconclusive: 0, interrupted: 0, skipped: 0 };
  it.each([
    [0, {}, "pass"],
    [1, { failed: 1 }, "regression"],
    [2, {}, "invalid-input"],
    [3, { invalid: 1 }, "missing-capability"],
    [4, { invalid: 1, inconclusive: 1 }, "invalid"],
    [4, { inconclusive: 1 }, "inconclusive"],
    [130, {}, "interrupted"],
  ])("of exit code %i with %j", (exitCode, some, verdict) => {
    expect(verdictOf({ exitCode, summary: { ...counts, ...some }, diagnostics: [] })).toBe(verdict);
  });
});

describe("the cost of probes", () => {
  it("adds up hits and time, and knows its share of the duration", () => {
    expect(probeCost(FAILED)).toEqual({
      hits: 2000,
      ns: 300_000,
      share: 300_000 / 11_000_000,
      control: { runs: 1, durationNs: 10_000_000, difference: expect.closeTo(0.1, 10) },
    });
  });

  it("is unknown where the kernel did not count", () => {
    expect(probeCost(scenario({ name: "s" }))).toBeUndefined();
  });

  it("is listed program by program, the dearest first", () => {
    expect(probeRows(reportOf(suite([FAILED])).scenarios[0]!)).toEqual([
      {
        probes: ["tracepoint:syscalls:sys_enter_openat", "kprobe:vfs_read"],
        label: "tracepoint:syscalls:sys_enter_openat, kprobe:vfs_read",
        hits: 1500,
        ns: 250_000,
        nsPerHit: 250_000 / 1500,
        share: "2.3%",
      },
      {
        probes: ["tracepoint:syscalls:sys_exit_read"],
        label: "tracepoint:syscalls:sys_exit_read",
        hits: 500,
        ns: 50_000,
        nsPerHit: 100,
        share: "0.5%",
      },
    ]);
  });

  it.each<[string[], string]>([
    [["t:a:x"], "t:a:x"],
    [["t:a:x", "t:a:y", "k:f"], "t:a:x, t:a:y, k:f"],
    [
      ["t:s:sys_enter_read", "t:s:sys_enter_openat", "t:s:sys_enter_open", "t:s:sys_enter_dup"],
      "t:s:sys_enter_… (4 probes)",
    ],
    [["t:sched:a", "t:sched:b", "t:sched:c", "t:sched:b_d"], "t:sched:… (4 probes)"],
    [["a:1", "b:1", "c:1", "d:1"], "a:1 and 3 others"],
  ])("names the probes %j of a program in short", (probes, text) => {
    expect(probesText(probes)).toBe(text);
  });
});

describe("intervals", () => {
  const test = { pairs: 5, estimate: 1, confidence: 0.99, p: 0.1 };
  it.each([
    [{ ...test, scale: "ratio", low: 1.031, high: 1.12 }, "+3.1% to +12%"],
    [{ ...test, scale: "ratio", low: 0.88, high: 1.5 }, "-12% to +50%"],
    [{ ...test, scale: "difference", low: -1500, high: 2500 }, "-1.5 us to +2.5 us"],
    [{ ...test, scale: "ratio", low: 1.2 }, "at least +20%"],
    [{ ...test, scale: "ratio", high: 0.8 }, "at most -20%"],
    [{ ...test, scale: "ratio" }, ""],
  ] as const)("%j", (interval, text) => {
    expect(intervalText(interval, "ns")).toBe(text);
  });
});

describe("reading a result", () => {
  it.each([RUN, COMPARISON, MISTAKES])("takes what the runner writes (%#)", (result) => {
    expect(parseReport(JSON.stringify(result), "r.json")).toEqual(reportOf(result));
  });

  it.each([
    ["", "r.json is not JSON: Unexpected end of JSON input"],
    ["[1, 2]", "r.json is not a result of probewright (`probewright.result/v1`): it does not say what it is"],
    ["null", "r.json is not a result of probewright (`probewright.result/v1`): it does not say what it is"],
    ['{"schema":"other/v2"}', "r.json is not a result of probewright (`probewright.result/v1`): it says `other/v2`"],
    [
      JSON.stringify({ ...RUN, exitCode: "1" }),
      "r.json is a broken result: exitCode: Invalid input: expected number, received string",
    ],
    [
      JSON.stringify({ ...RUN, scenarios: [{ ...FAILED, line: 0, status: "fine" }] }),
      /^r\.json is a broken result: scenarios\[0\]\.(line|status): .* \(and 1 more\)$/,
    ],
  ])("refuses %j", (text, message) => {
    expect(() => parseReport(text, "r.json")).toThrow(message);
    expect(() => parseReport(text, "r.json")).toThrow(ResultFileError);
  });
});
