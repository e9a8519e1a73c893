import { describe, expect, it } from "vitest";
import { type EvaluatedRun, evaluateAssertion, evaluateAssertionOverRuns } from "../../../harness/metrics/assertion.ts";
import type { Num } from "../../../harness/metrics/ast.ts";
import { namesOf } from "../../../harness/metrics/check.ts";
import { evaluateMetrics } from "../../../harness/metrics/evaluate.ts";
import { hist, map, parse, resolve, runOf } from "./helpers.ts";

const { metrics } = resolve({
  opens: "sum(@opens)",
  reads: "sum(@reads)",
  share: ["sum(@reads) / sum(@opens)", "%"],
  p99: ["p99(@h)", "ns"],
  missing: "p99(@never)",
});
const names = namesOf(metrics);

function runWith(opens: Num, reads: Num = 0n): EvaluatedRun {
  const maps = [
    map("@opens", "count", [["a"], opens]),
    map("@reads", "count", [["a"], reads]),
    map("@h", "hist", [[], hist([200_000, 200_001, 5])]),
    map("@never", "hist"),
  ];
  const run = runOf(maps, { duration: 1_500_000n, max_rss: 2n ** 20n });
  return { run, values: evaluateMetrics(metrics, run) };
}

const assertion = (text: string) => ({ text, expression: parse(text) });
const judge = (text: string, run = runWith(43n, 2n)) => evaluateAssertion(assertion(text), names, run);

describe("one run", () => {
  it.each([
    ["opens <= 43", "opens <= 43: 43"],
    ["opens == 43", "opens == 43: 43"],
    ["opens != 40", "opens != 40: 43"],
    ["44 > opens", "44 > opens: 43"],
    ["opens > reads", "opens > reads: 43 against 2"],
    ["p99 == 200us", "p99 == 200us: 200 us"],
    ["duration < 2ms", "duration < 2ms: 1.5 ms"],
    ["max_rss <= 1MiB", "max_rss <= 1MiB: 1 MiB"],
    ["share < 5%", "share < 5%: 4.65%"],
    ["p99(@h) < 1ms", "p99(@h) < 1ms: 200 us"],
    ["!(opens < 40)", "!(opens < 40): 43 (3 over)"],
    ["opens == 43 && reads == 2", "opens == 43 && reads == 2: opens == 43: 43; reads == 2: 2"],
    ["opens == 0 || reads == 2", "opens == 0 || reads == 2: reads == 2: 2"],
    ["missing < 5us || opens == 43", "missing < 5us || opens == 43: opens == 43: 43"],
  ])("%s holds", (text, message) => {
    expect(judge(text)).toMatchObject({ status: "pass", message });
  });

  it.each([
    ["opens <= 40", "opens <= 40: 43 (3 over)"],
    ["opens < 43", "opens < 43: 43 (equal)"],
    ["opens != 43", "opens != 43: 43 (equal)"],
    ["opens == 44", "opens == 44: 43 (1 under)"],
    ["opens >= 1000000", "opens >= 1000000: 43 (999,957 under)"],
    ["40 >= opens", "40 >= opens: 43 (3 over)"],
    ["opens <= reads", "opens <= reads: 43 against 2 (41 over)"],
    ["p99 < 150us", "p99 < 150us: 200 us (50 us over)"],
    ["p99(@h) < 150us", "p99(@h) < 150us: 200 us (50 us over)"],
    ["max_rss < 512KiB", "max_rss < 512KiB: 1 MiB (512 KiB over)"],
    ["share > 5%", "share > 5%: 4.65% (0.349% under)"],
    ["!(opens > 40)", "!(opens > 40): 43"],
    ["opens == 43 && reads == 0", "opens == 43 && reads == 0: reads == 0: 2 (2 over)"],
    ["opens == 0 || reads == 0", "opens == 0 || reads == 0: opens == 0: 43 (43 over); reads == 0: 2 (2 over)"],
    ["missing < 5us && opens == 0", "missing < 5us && opens == 0: opens == 0: 43 (43 over)"],
  ])("%s fails", (text, message) => {
    expect(judge(text)).toMatchObject({ status: "fail", message });
  });

  it.each([
    ["missing < 5us", "missing < 5us: no data (@never was never touched)"],
    ["missing >= 0", "missing >= 0: no data (@never was never touched)"],
    ["5us > missing", "5us > missing: no data (@never was never touched)"],
    ["missing == missing", "missing == missing: no data (@never was never touched)"],
    ["missing != 1", "missing != 1: no data (@never was never touched)"],
    ["!(missing < 5us)", "!(missing < 5us): no data (@never was never touched)"],
    ["page_faults < 5", "page_faults < 5: no data (`page_faults` was not measured)"],
    ["opens / 0 < 5", "opens / 0 < 5: no data (division by zero)"],
    ["missing < 5us && opens == 43", "missing < 5us && opens == 43: missing < 5us: no data (@never was never touched)"],
    ["missing < 5us || opens == 0", "missing < 5us || opens == 0: missing < 5us: no data (@never was never touched)"],
  ])("%s has no data and does not pass", (text, message) => {
    expect(judge(text)).toMatchObject({ status: "no-data", message });
  });

  it.each<[text: string, opens: bigint, status: string, message: string]>([
    ["opens == 18446744073709551615", 2n ** 64n - 1n, "pass", "18,446,744,073,709,551,615"],
    ["opens == 18446744073709551615", 2n ** 64n - 2n, "fail", "18,446,744,073,709,551,614 (1 under)"],
    ["opens <= 9007199254740992", 9007199254740993n, "fail", "9,007,199,254,740,993 (1 over)"],
    ["opens < 9007199254740993", 9007199254740992n, "pass", "9,007,199,254,740,992"],
  ])("%s is exact for %s", (text, opens, status, message) => {
    expect(judge(text, runWith(opens))).toMatchObject({ status, message: `${text}: ${message}` });
  });
});

describe("all runs", () => {
  const over = (text: string, ...opens: bigint[]) =>
    evaluateAssertionOverRuns(
      assertion(text),
      names,
      opens.map((value) => runWith(value)),
    );

  it.each<[text: string, opens: bigint[], status: string, message: string]>([
    ["opens <= 40", [38n, 40n, 39n], "pass", "opens <= 40: 40"],
    ["opens <= 40", [38n, 43n, 41n], "fail", "opens <= 40: 43 (3 over), in 2 of 3 runs"],
    ["opens <= 40", [43n, 43n], "fail", "opens <= 40: 43 (3 over)"],
    ["opens >= 40", [38n, 43n, 30n], "fail", "opens >= 40: 30 (10 under), in 2 of 3 runs"],
    ["opens == 40", [40n, 40n, 41n], "fail", "opens == 40: 41 (1 over), in 1 of 3 runs"],
    [
      "opens / (opens - 40) < 100",
      [41n, 40n],
      "no-data",
      "opens / (opens - 40) < 100: no data (division by zero), in 1 of 2 runs",
    ],
    ["opens <= 40", [], "no-data", "opens <= 40: no data (no run was measured)"],
  ])("%s over %s", (text, opens, status, message) => {
    const verdict = over(text, ...opens);
    expect(verdict).toMatchObject({ status, message });
    expect(verdict.outcomes).toHaveLength(opens.length);
  });
});
