import { describe, expect, it } from "vitest";
import { markdownCode, markdownLink, markdownProse } from "../../../harness/report/escape.ts";
import { markdownReport } from "../../../harness/report/markdown.ts";
import { reportOf } from "../../../harness/report/model.ts";
import { COMPARISON, FAILED, MISTAKES, PASSED, RUN, scenario, suite } from "../../support/sample-result.ts";

describe("the Markdown report", () => {
  const text = markdownReport(reportOf(RUN));

  it("begins with the verdict and one table, the worst first", () => {
    expect(text.split("\n\n").slice(0, 2).join("\n\n")).toMatchInlineSnapshot(`
      "## ❌ probewright: 1 of 5 scenarios failed

      | | Scenario | | Baseline | Now | Change | |
      |:-:|:--|:--|--:|--:|--:|:--|
      | ❌ | \`config-loader\` | \`opens\` | 4 | 209 | +205 | regression: worse in every run than in any of the baseline |
      | ❌ | \`config-loader\` | \`opens < 100\` |  |  |  | failed: 209 (109 over) |
      | ❌ | \`config-loader\` | \`p99(@x) < 1\` |  |  |  | failed: no data: the map is empty |
      | ❌ | \`broken\` |  |  |  |  | invalid: the workload \`work\` ended with status 3 (if that is right, say \`expect-exit: 3\`) |
      | ⚠️ | \`noisy\` | \`wait\` | 2 | 10 | +400% | inconclusive: fewer than 3 runs cannot tell a change from noise |
      | ⚠️ | \`needs-sqlite\` |  |  |  |  | skipped: there is no program \`sqlite3\` here |
      | ⚠️ | \`scenarios/all.yml:9\` |  |  |  |  | warning: the map \`@y\` is never read |
      | ✅ | \`config-loader\` | \`read_p50\` | 2.1 us | 1.8 us | -14% | improvement: the median improved by more than the limits; the histogram is empty |
      | ✅ | \`list-folder\` | 1 assertion, 1 metric compared |  |  |  |  |"
    `);
  });

  it("folds one section for each scenario, the worst first", () => {
    expect([...text.matchAll(/<summary>(.*)<\/summary>/g)].map(([, title]) => title)).toEqual([
      "❌ <code>config-loader</code>: 3 runs (and 1 to warm up, 1 without probes) in 2.5 s",
      "❌ <code>broken</code>: no finished run in 40 ms",
      "⚠️ <code>noisy</code>: 3 runs in 40 ms",
      "⚠️ <code>needs-sqlite</code>: no finished run in 40 ms",
      "✅ <code>list-folder</code>: 3 runs in 40 ms",
      "Where it was measured",
    ]);
  });

  it("tells everything about a scenario that failed", () => {
    const section = markdownReport(reportOf(suite([FAILED]))).split("<details>")[1];
    expect(section).toMatchInlineSnapshot(`
      "<summary>❌ <code>config-loader</code>: 3 runs (and 1 to warm up, 1 without probes) in 2.5 s</summary>

      | metric | baseline | now | spread | change |  |
      | :-- | --: | --: | --: | --: | :-- |
      | \`opens\` | 4 | 209 | exact | +205 | regression |
      | \`read_p50\` | 2.1 us | 1.8 us | ±0.3% | -14% | improvement; the histogram is empty |
      | \`duration\` |  | 11 ms | ±9.1% |  |  |

      - ❌ \`opens < 100\` 209 (109 over)
      - ✅ \`read_p50 < 1ms\` 1.8 us
      - ❌ \`p99(@x) < 1\` no data: the map is empty

      What changed in \`opens\`:

      |  | key | baseline | now |
      | :-- | :-- | --: | --: |
      | new | \`@opens["/etc/new.conf"]\` | 0 | 200 |
      | grew | \`@opens["a.txt"]\` | 3 | 9 |
      | gone | \`@opens["old"]\` | 1 | 0 |

      \`@read_ns\`: ░ baseline, █ now

      <pre>
      [0]         0
                  2 ██
      [1K, 2K)   30 ░░░░░░░░░░░░░░░░░░░░░░░░
                 10 ████████
      [8K, 16K)   0
                 50 ████████████████████████████████████████
      </pre>

      \`@sizes["cat", 3]\`

      <pre>
      (..., 0)    1 ██████
      [0, 100)    7 ████████████████████████████████████████
      [100, ...)  2 ███████████
      </pre>

      What the probes cost in a run:

      | probe | hits | ns per hit | of the duration |
      | :-- | --: | --: | --: |
      | \`tracepoint:syscalls:sys_enter_openat, kprobe:vfs_read\` | 1,500 | 167 | 2.3% |
      | \`tracepoint:syscalls:sys_exit_read\` | 500 | 100 | 0.5% |

      probes: 2,000 hits a run on all CPUs, 150 ns each, together 300 us (2.7% of the duration)<br>
      without probes: 10 ms (1 run), with them +10%

      - \`@opens\` was full with 4096 entries and was given 8192
      - ⚠️ the governor is \`powersave\`

      stdout:

      <pre>
      working
      </pre>

      </details>

      The probes cost at most 2.7% of a duration (\`config-loader\`).

      "
    `);
  });

  it("tells of a comparison both sides, intervals, causes and shifts", () => {
    expect(markdownReport(reportOf(COMPARISON))).toMatchInlineSnapshot(`
      "## ❌ probewright: 1 of 2 scenarios failed

      | | Scenario | | Base | Head | Change | |
      |:-:|:--|:--|--:|--:|--:|:--|
      | ❌ | \`server\` | \`opens\` | 40 | 452 | +412 | regression: 412 more in every run; +412 openat, 398 of them under node_modules |
      | ❌ | \`server\` | \`latency\` | 1 us | 1.12 us | +12% | regression: slower beyond the limits |
      | ❌ | \`server\` | \`@read_ns\` |  |  |  | regression: the distribution moved up: +8.1% to +17% |
      | ✅ | \`brand-new\` |  |  |  |  | new |

      <details><summary>❌ <code>server</code>: 10 runs in 40 ms</summary>

      | metric | base | head | spread | change | interval |  |
      | :-- | --: | --: | --: | --: | --: | :-- |
      | \`opens\` | 40 | 452 | exact | +412 |  | regression |
      | \`latency\` | 1 us | 1.12 us | ±0.9% | +12% | +8.1% to +17% | regression |

      What changed in \`opens\`:

      |  | keys | base | head | share |
      | :-- | :-- | --: | --: | --: |
      | new | \`@opens[node_modules/]\`, 37 keys | 0 | 398 | 97% |
      | grew | \`@opens[a.txt]\` | 3 | 17 | 3.4% |

      \`@read_ns\` as a whole: regression, the distribution moved up, +8.1% to +17%

      | quantile | base | head | interval |
      | :-- | --: | --: | --: |
      | p99 | 4 us | 5 us | +8.1% to +17% |

      </details>

      <details><summary>✅ <code>brand-new</code>: 3 runs (only in the head) in 40 ms</summary>



      </details>

      <details><summary>Where it was measured</summary>

      |  |  |
      | :-- | :-- |
      | base | main: 0123456789ab Faster start |
      | head | working tree: fedcba987654 Loader, with 2 changed files |
      | pairs of runs | 10, in the order of seed 42 |
      | CPU | Test CPU, 4 cores, x64 |
      | kernel | 6.1 |
      | C library | glibc 2.36 |
      | frequency governor | none |
      | mitigations | none |
      | scope of the workload | cgroup |
      | fingerprint | 0123456789abcdef |

      </details>

      _probewright 1.0.0, 2026-01-02 03&#58;04&#58;05 UTC, 1.5 s_
      "
    `);
  });

  it("links to the lines of scenario files", () => {
    const link = (file: string, line: number): string => `https://example.org/a b/${file}#L${line}`;
    expect(markdownReport(reportOf(RUN), { link })).toContain(
      "| ❌ | [`config-loader`](<https://example.org/a%20b/scenarios/all.yml#L18>) | `opens < 100` |",
    );
  });

  it.each([
    [MISTAKES, "## ❌ probewright: 1 error in scenario files"],
    [suite([PASSED]), "## ✅ probewright: the scenario passed"],
    [suite([PASSED, PASSED]), "## ✅ probewright: all 2 scenarios passed"],
    [
      suite([PASSED, scenario({ name: "s", status: "skipped" })]),
      "## ✅ probewright: 1 of 2 scenarios passed, 1 skipped",
    ],
    [suite([scenario({ name: "s", status: "invalid" })]), "## ❌ probewright: the scenario could not be measured"],
    [
      suite([scenario({ name: "s", status: "inconclusive" }), PASSED]),
      "## ⚠️ probewright: 1 of 2 scenarios is inconclusive",
    ],
    [suite([], { exitCode: 3 }), "## ❌ probewright: this machine lacks something that tracing needs"],
    [suite([], { exitCode: 130 }), "## ⚠️ probewright: interrupted before the end"],
  ])("says the verdict %#", (result, heading) => {
    expect(markdownReport(reportOf(result)).split("\n")[0]).toBe(heading);
  });

  it("keeps within its limit, saying what it leaves out", () => {
    const many = suite(
      Array.from({ length: 300 }, (_, i) =>
        i === 299 ? FAILED : { ...PASSED, name: `scenario ${i} ${"é".repeat(100)}` },
      ),
    );
    const whole = markdownReport(reportOf(many));
    for (const limit of [20_000, 65_536, 100_000]) {
      const cut = markdownReport(reportOf(many), { limit });
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(limit);
      expect(Buffer.byteLength(cut)).toBeGreaterThan(limit * 0.8);
      expect(cut).toMatch(/_The details of \d+ scenarios are left out, for want of room\._/);
      expect(cut).toContain("<summary>❌ <code>config-loader</code>");
    }
    expect(markdownReport(reportOf(many), { limit: 20_000 })).toMatch(/_and \d+ more rows_/);
    expect(Buffer.byteLength(whole)).toBeLessThan(1024 * 1024);
    expect(whole).not.toContain("left out");
  });
});

describe("foreign text in Markdown", () => {
  it.each([
    ["plain", "`plain`"],
    ["a <b> & *c* @d #1", "`a <b> & *c* @d #1`"],
    ["", "<code></code>"],
    [" a", "<code> a</code>"],
    ["a`b", "<code>a&#96;b</code>"],
    ["a|b", "<code>a&#124;b</code>"],
    ["a\\b@c#1", "<code>a&#92;b&#64;<!-- -->c&#35;<!-- -->1</code>"],
    ["two\nlines\t", "<code>two&#92;nlines&#92;t</code>"],
  ])("code %j", (text, expected) => {
    expect(markdownCode(text)).toBe(expected);
  });

  it.each([
    ["209 (109 over)", "209 (109 over)"],
    ["+12.5%, from 1 us: ok", "+12.5%, from 1 us: ok"],
    ["the workload `ls | wc` ended", "the workload <code>ls &#124; wc</code> ended"],
    ["one ` alone", "one &#96; alone"],
    ["node_modules _x_ __y__ a_", "node_modules &#95;x&#95; &#95;&#95;y&#95;&#95; a&#95;"],
    ["1. no list", "1&#46; no list"],
    ["- no list", "&#45; no list"],
    ["www.example.org", "www&#46;example&#46;org"],
    ["http://x :tada:", "http&#58;//x &#58;tada:"],
    [
      "@user #1 <b> [l](u) *x* _y_ ~z~ $m$ |",
      "&#64;<!-- -->user &#35;<!-- -->1 &#60;b&#62; &#91;l&#93;(u) &#42;x&#42; &#95;y&#95; &#126;z&#126; &#36;m&#36; &#124;",
    ],
  ])("prose %j", (text, expected) => {
    expect(markdownProse(text)).toBe(expected);
  });

  it.each([
    ["https://example.org/a b#L1", "[t](<https://example.org/a%20b#L1>)"],
    ["https://example.org/<x>|y\\", "[t](<https://example.org/%3Cx%3E%7Cy%5C>)"],
    ["x\n&#60;\ud800", "[t](<x%5Cn%26#60;%5Cud800>)"],
  ])("link to %j", (address, expected) => {
    expect(markdownLink("t", address)).toBe(expected);
  });
});
