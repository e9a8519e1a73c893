/** Results as the runner publishes them, with everything in them that a report can show, and hostile ones. */
import type { MetricResult, ScenarioResult, SuiteResult } from "../../harness/report/result.ts";
import { resultSchema } from "../../harness/report/result.ts";
import { MACHINE } from "./suite.ts";

export function metric(more: Partial<MetricResult> & Pick<MetricResult, "name">): MetricResult {
  const { values = [10, 10, 10] } = more;
  const sorted = values.filter((value) => value !== null).sort((a, b) => Number(a) - Number(b));
  const summary = { min: sorted[0]!, median: sorted[sorted.length >> 1]!, max: sorted.at(-1)! };
  return {
    description: "",
    unit: "count",
    better: "lower",
    free: false,
    definition: more.name,
    values,
    summary: sorted.length === 0 ? undefined : summary,
    verdict: "new",
    reason: "there is no baseline",
    ...more,
  };
}

export function scenario(more: Partial<ScenarioResult> & Pick<ScenarioResult, "name">): ScenarioResult {
  return {
    description: "",
    file: "scenarios/all.yml",
    line: 3,
    matrix: {},
    contentHash: "c",
    scriptHash: "s",
    status: "passed",
    problems: [],
    warnings: [],
    durationNs: 40_000_000,
    runs: 3,
    warmup: 0,
    metrics: [],
    assertions: [],
    maps: [],
    printed: [],
    probes: [],
    control: [],
    enlarged: [],
    ...more,
  };
}

export function suite(scenarios: ScenarioResult[], more: Partial<SuiteResult> = {}): SuiteResult {
  const summary = { passed: 0, failed: 0, invalid: 0, inconclusive: 0, interrupted: 0, skipped: 0 };
  for (const { status } of scenarios) summary[status]++;
  return {
    schema: "probewright.result/v1",
    tool: { name: "probewright", version: "1.0.0" },
    startedAt: "2026-01-02T03:04:05.678Z",
    durationNs: 1_500_000_000,
    exitCode: summary.failed > 0 ? 1 : summary.invalid + summary.inconclusive > 0 ? 4 : 0,
    summary,
    machine: { id: "0123456789abcdef", ...MACHINE },
    diagnostics: [],
    scenarios,
    ...more,
  };
}

const text = (head: string): { head: string; tail: string; cut: number } => ({ head, tail: "", cut: 0 });

/** Regressed, with all that explains it. */
export const FAILED = scenario({
  name: "config-loader",
  description: "reading the configuration must stay cheap",
  status: "failed",
  warmup: 1,
  durationNs: 2_500_000_000,
  metrics: [
    metric({
      name: "opens",
      values: [209, 209, 209],
      verdict: "regression",
      reason: "worse in every run than in any of the baseline",
      class: "exact",
      baseline: { min: 4, median: 4, max: 4 },
      delta: 205,
      ratio: 52.25,
      changes: [
        { map: "@opens", key: ["/etc/new.conf"], kind: "new", before: 0, now: 200, unit: "count" },
        { map: "@opens", key: ["a.txt"], kind: "grew", before: 3, now: 9, unit: "count" },
        { map: "@opens", key: ["old"], kind: "gone", before: 1, now: 0, unit: "count" },
      ],
    }),
    metric({
      name: "read_p50",
      unit: "ns",
      values: [1790, 1800, null],
      noData: "the histogram is empty",
      verdict: "improvement",
      reason: "the median improved by more than the limits",
      class: "noisy",
      baseline: { min: 2000, median: 2100, max: 2200 },
      delta: -300,
      ratio: 0.857,
    }),
    metric({ name: "duration", unit: "ns", free: true, values: [10_000_000, 11_000_000, 12_000_000] }),
    metric({ name: "max_rss", unit: "B", free: true, description: "largest resident set", values: [4096, 8192, 8192] }),
  ],
  assertions: [
    { text: "opens < 100", line: 18, status: "fail", message: "opens < 100: 209 (109 over)" },
    { text: "read_p50 < 1ms", line: 19, status: "pass", message: "read_p50 < 1ms: 1.8 us" },
    { text: "p99(@x) < 1", line: 20, status: "no-data", message: "p99(@x) < 1: no data: the map is empty" },
  ],
  maps: [
    {
      name: "@read_ns",
      script: "script at line 8",
      kind: "hist",
      keyed: false,
      dropped: 0,
      keys: [
        {
          key: [],
          values: [
            {
              buckets: [
                [0, 1, 2],
                [1024, 2048, 10],
                [8192, 16384, 50],
              ],
            },
          ],
        },
      ],
    },
    {
      name: "@sizes",
      script: "script at line 8",
      kind: "lhist",
      keyed: true,
      dropped: 0,
      keys: [
        {
          key: ["cat", 3],
          values: [
            {
              buckets: [
                [null, 0, 1],
                [0, 100, 7],
                [100, null, 2],
              ],
            },
          ],
        },
      ],
    },
    {
      name: "@opens",
      script: "script at line 8",
      kind: "count",
      keyed: true,
      dropped: 3,
      keys: [
        { key: ["a.txt"], values: [9, 9, null] },
        { key: ["/etc/new.conf"], values: [200, 200, 200] },
      ],
    },
    {
      name: "@last",
      script: "script at line 8",
      kind: "other",
      keyed: false,
      dropped: 0,
      keys: [{ key: [], values: [{ text: "some text" }] }],
    },
  ],
  baseline: {
    recordedAt: "2026-01-01T00:00:00Z",
    use: "same",
    differences: [],
    histograms: [
      {
        name: "@read_ns",
        script: "script at line 8",
        kind: "hist",
        keyed: false,
        dropped: 0,
        keys: [{ key: [], values: [{ buckets: [[1024, 2048, 30]] }] }],
      },
    ],
  },
  printed: ["a probe says hello\n", ""],
  output: { stdout: text("working\n"), stderr: text("") },
  probes: [
    { probes: ["tracepoint:syscalls:sys_exit_read"], hits: 500, ns: 50_000 },
    { probes: ["tracepoint:syscalls:sys_enter_openat", "kprobe:vfs_read"], hits: 1500, ns: 250_000 },
  ],
  control: [{ duration: 10_000_000 }],
  warnings: ["the governor is `powersave`"],
  enlarged: [{ map: "@opens", from: 4096, to: 8192 }],
});

export const PASSED = scenario({
  name: "list-folder",
  line: 30,
  metrics: [
    metric({
      name: "opens",
      verdict: "pass",
      reason: "unchanged",
      class: "exact",
      baseline: { min: 10, median: 10, max: 10 },
      delta: 0,
      ratio: 1,
    }),
  ],
  assertions: [{ text: "opens > 0", line: 33, status: "pass", message: "opens > 0: 10" }],
});

export const INVALID = scenario({
  name: "broken",
  line: 40,
  status: "invalid",
  runs: 0,
  problems: [
    {
      kind: "exit-status",
      message: "the workload `work` ended with status 3",
      help: "if that is right, say `expect-exit: 3`",
      output: { stdout: text("line 1\nline 2\n"), stderr: { head: "boom", tail: "the end", cut: 12 } },
    },
  ],
});

export const SKIPPED = scenario({
  name: "needs-sqlite",
  line: 50,
  status: "skipped",
  runs: 0,
  problems: [{ kind: "missing-program", message: "there is no program `sqlite3` here" }],
});

const INCONCLUSIVE = scenario({
  name: "noisy",
  line: 60,
  status: "inconclusive",
  metrics: [
    metric({
      name: "wait",
      verdict: "inconclusive",
      reason: "fewer than 3 runs cannot tell a change from noise",
      baseline: { min: 1, median: 2, max: 3 },
      delta: 8,
      ratio: 5,
    }),
  ],
});

/** Everything that a run can come to. */
export const RUN: SuiteResult = suite([PASSED, FAILED, INVALID, SKIPPED, INCONCLUSIVE], {
  diagnostics: [
    {
      severity: "warning",
      code: "unused",
      message: "the map `@y` is never read",
      file: "scenarios/all.yml",
      line: 9,
      column: 5,
    },
  ],
});

/** Nothing could run. */
export const MISTAKES: SuiteResult = suite([], {
  exitCode: 2,
  diagnostics: [
    {
      severity: "error",
      code: "unknown-builtin",
      message: "unknown builtin `pids`",
      file: "scenarios/io.yml",
      line: 14,
      column: 22,
      help: "did you mean `pid`?",
    },
  ],
});

const TEST = { scale: "ratio", pairs: 10, estimate: 1.12, low: 1.081, high: 1.17, confidence: 0.99, p: 0.001 } as const;

/** Two commits beside each other. */
export const COMPARISON: SuiteResult = suite(
  [
    scenario({
      name: "server",
      status: "failed",
      runs: 10,
      sides: "both",
      metrics: [
        metric({
          name: "opens",
          values: [452, 452, 452],
          verdict: "regression",
          reason: "412 more in every run",
          class: "exact",
          baseline: { min: 40, median: 40, max: 40 },
          delta: 412,
          ratio: 11.3,
          paired: { base: [40, 40, 40] },
          cause: "+412 openat, 398 of them under node_modules",
          causes: [
            {
              map: "@opens",
              label: "node_modules/",
              folder: true,
              keys: 37,
              kind: "new",
              before: 0,
              now: 398,
              unit: "count",
              share: 0.966,
            },
            {
              map: "@opens",
              label: "a.txt",
              folder: false,
              keys: 1,
              kind: "grew",
              before: 3,
              now: 17,
              unit: "count",
              share: 0.034,
            },
          ],
          changes: [{ map: "@opens", key: ["a.txt"], kind: "grew", before: 3, now: 17, unit: "count" }],
        }),
        metric({
          name: "latency",
          unit: "ns",
          values: [1120, 1130, 1110],
          verdict: "regression",
          reason: "slower beyond the limits",
          class: "noisy",
          baseline: { min: 990, median: 1000, max: 1010 },
          delta: 120,
          ratio: 1.12,
          paired: { base: [990, 1010, null], test: TEST },
        }),
      ],
      shifts: [
        {
          map: "@read_ns",
          script: "script at line 8",
          metric: "latency",
          verdict: "regression",
          reason: "the distribution moved up",
          test: TEST,
          quantiles: [{ q: 0.99, base: 4000, head: 5000, test: TEST }],
        },
      ],
    }),
    scenario({ name: "brand-new", sides: "head" }),
  ],
  {
    kind: "compare",
    comparison: {
      base: { name: "main", commit: "0123456789abcdef0123456789abcdef01234567", subject: "Faster start", changes: 0 },
      head: { name: "working tree", commit: "fedcba9876543210fedcba9876543210fedcba98", subject: "Loader", changes: 2 },
      seed: 42,
      pairs: 10,
      notes: [],
    },
  },
);

/** What a workload may call its files, and worse. Without backticks: between two of them text is meant to be code. */
export const HOSTILE =
  "\n::error file=x::forged\n ##[error]forged \u0000\u001b[2J\r\u009b31m\u202e\u2028\ud800\ufffe" +
  "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>]]>-->&amp;&#60;b&#62;</pre></details></code>" +
  " | \\| [link](javascript:alert(3)) ![image](https://evil.example/x.png) https://evil.example www.evil.example " +
  "@everyone #1 a@evil.example $x$ :tada: __bold__ ~~gone~~ <!-- {{ }} %0A%25";

/** The same result with each text replaced that is not one of a few fixed words. */
export function withTexts(result: SuiteResult, replacement: string): SuiteResult {
  let current: unknown = result;
  for (const path of textPaths(result)) {
    const changed = withText(current, path, replacement);
    if (resultSchema.safeParse(changed).success) current = changed;
  }
  return resultSchema.parse(current);
}

type Path = readonly (string | number)[];

function textPaths(value: unknown, path: Path = []): Path[] {
  if (typeof value === "string") return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textPaths(inner, [...path, key]));
}

function withText(value: unknown, [key, ...rest]: Path, replacement: string): unknown {
  if (key === undefined) return replacement;
  const inner = withText((value as Record<string | number, unknown>)[key], rest, replacement);
  return Array.isArray(value) ? value.with(Number(key), inner) : { ...(value as object), [key]: inner };
}
