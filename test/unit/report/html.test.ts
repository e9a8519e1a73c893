import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { htmlReport } from "../../../harness/report/html.ts";
import { reportOf } from "../../../harness/report/model.ts";
import { COMPARISON, FAILED, MISTAKES, RUN, suite } from "../../support/sample-result.ts";

const ASSETS = { script: "let answer = 42;", style: "b { color: red }" };
const page = (result: typeof RUN): string => htmlReport(reportOf(result), ASSETS);

/** Words of the page as a reader sees them. */
function words(html: string): string {
  return html
    .replace(/<(style|script)>.*?<\/\1>/gs, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/\s+/g, " ");
}

describe("the HTML report", () => {
  it("is one file that asks the network for nothing", () => {
    const text = page(RUN);
    expect(text).not.toMatch(/\b(src|href)="(?!#|data:)/);
    expect(text).not.toMatch(/@import|url\(/);
  });

  it("admits its own script and style and no others", () => {
    const digest = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    expect(page(RUN)).toContain(
      `default-src &#39;none&#39;; script-src ${digest(ASSETS.script)}; style-src ${digest(ASSETS.style)};`.replaceAll(
        "'",
        "&#39;",
      ),
    );
  });

  it.each([
    { script: "a = '</script>'", style: "" },
    { script: "<!--", style: "" },
    { script: "", style: "</style>" },
  ])("refuses an asset that would end its element: %j", (assets) => {
    expect(() => htmlReport(reportOf(RUN), assets)).toThrow("end its own element");
  });

  it("has all numbers in its tables, without any script", () => {
    const text = words(page(suite([FAILED])));
    for (const part of [
      "The scenario failed",
      "config-loader opens 4 209 +205 regression worse in every run",
      "opens < 100 : 209 (109 over) · line 18",
      '@opens["/etc/new.conf"] new 0 200 +200',
      "tracepoint:syscalls:sys_enter_openat kprobe:vfs_read 1,500 167 250 us 2.3%",
      "Probes: 2,000 hits a run on all CPUs, 150 ns each, together 300 us (2.7% of the duration). Without probes: 10 ms (1 run), with them +10%.",
      "[1K, 2K) 30 10",
      "(..., 0) 1",
      "@last : medians over the runs Key Value All runs (no key) some text some text",
      "@opens was full with 4,096 entries and was given 8,192.",
      "run 1 a probe says hello",
      "Test CPU, 4 cores, x64",
    ])
      expect(text.replaceAll(" :", ":")).toContain(part.replaceAll(" :", ":"));
  });

  it("says of a comparison what was compared, and how sure it is", () => {
    const text = words(page(COMPARISON));
    for (const part of [
      "head against base",
      "main: 0123456789ab Faster start",
      "working tree: fedcba987654 Loader, with 2 changed files",
      "10, in the order of seed 42",
      "latency 1 us 1.12 us ±0.9% +12% +8.1% to +17% regression",
      "+412 openat, 398 of them under node_modules",
      "@opens [node_modules/] new 37 0 398 97%",
      "p99 4 us 5 us +8.1% to +17%",
      "3 runs (only in the head)",
    ])
      expect(text.replaceAll(" [", "[")).toContain(part.replaceAll(" [", "["));
  });

  it("shows mistakes in files alone, when nothing ran", () => {
    const text = words(page(MISTAKES));
    expect(text).toContain("error : unknown builtin pids scenarios/io.yml:14:22 · help: did you mean pid ?");
    expect(text).not.toContain("All scenarios");
  });
});
