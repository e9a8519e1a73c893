/** Whatever a result holds, a report stays what it is: the same elements, no commands for a runner, no control characters. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { plainPalette } from "../../../compiler/diagnostics.ts";
import { htmlReport } from "../../../harness/report/html.ts";
import { junitReport } from "../../../harness/report/junit.ts";
import { markdownReport } from "../../../harness/report/markdown.ts";
import { type Report, reportOf } from "../../../harness/report/model.ts";
import type { SuiteResult } from "../../../harness/report/result.ts";
import { scenarioReport } from "../../../harness/report/terminal.ts";
import { COMPARISON, HOSTILE, MISTAKES, RUN, withTexts } from "../../support/sample-result.ts";
import { describeWithTool } from "../../support/tools.ts";

const ASSETS = { script: "0", style: "b{}" };
const FORMATS: Readonly<Record<string, (report: Report) => string>> = {
  html: (report) => htmlReport(report, ASSETS),
  junit: junitReport,
  markdown: (report) => markdownReport(report, { link: (file, line) => `https://example.org/${file}#L${line}` }),
};
const RESULTS: Readonly<Record<string, SuiteResult>> = { run: RUN, comparison: COMPARISON, mistakes: MISTAKES };

const CASES = Object.keys(FORMATS).flatMap((format) => Object.keys(RESULTS).map((result) => [format, result] as const));

/** Names of elements with the names of their attributes, in order. */
function skeleton(markup: string): string[] {
  return [...markup.matchAll(/<([/!?]?[a-z][\w-]*)((?:\s+[\w-]+="[^"]*")*)\s*[/?]?>/gi)].map(
    ([, name, attributes]) =>
      `${name} ${[...attributes!.matchAll(/\s([\w-]+)="[^"]*"/g)].map(([, key]) => key).join(" ")}`,
  );
}

describe.each(CASES)("%s of a hostile %s", (format, kind) => {
  const render = (replacement: string): string => FORMATS[format]!(reportOf(withTexts(RESULTS[kind]!, replacement)));
  const text = render(HOSTILE);

  it("has no line that a runner takes for a command", () => {
    expect(text.split(/\r\n|[\n\r\u0085\u2028\u2029]/).filter((line) => line.trimStart().startsWith("::"))).toEqual([]);
    expect(text).not.toContain("##[");
  });

  it("has no control characters, nothing that reorders, no half characters", () => {
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/);
    expect(text).not.toMatch(/[\ud800-\udfff]/u);
    expect(text.replaceAll("&#92;", "\\")).toContain("\\x1b");
  });

  if (format !== "markdown") {
    it("has the elements of a harmless one, and no others", () => {
      expect(skeleton(text)).toEqual(skeleton(render("x y")));
      expect(text).not.toMatch(/<img|<script>alert|onerror="|\]\]>(?!$)/);
    });
  }
});

describeWithTool("cmark-gfm", (cmark) => {
  const render = (markdown: string): string => {
    const extensions = ["table", "autolink", "strikethrough", "tasklist"].flatMap((name) => ["-e", name]);
    const { stdout, status } = spawnSync(cmark, [...extensions, "--unsafe"], { input: markdown, encoding: "utf8" });
    expect(status).toBe(0);
    return stdout;
  };

  it.each(Object.keys(RESULTS))("a hostile %s, as GitHub reads it", (kind) => {
    const [hostile, harmless] = [HOSTILE, "x y"].map((replacement) =>
      render(FORMATS.markdown!(reportOf(withTexts(RESULTS[kind]!, replacement)))),
    );
    // Entities between comments are how mentions are parted.
    const elements = skeleton(hostile!.replaceAll("<!-- -->", ""));
    expect(elements).toEqual(skeleton(harmless!));
    for (const [, address] of hostile!.matchAll(/href="([^"]*)"/g))
      expect(address).toMatch(/^https:\/\/example\.org\//);
    // Outside of code, a mention or a reference has a comment after its sign.
    const prose = hostile!.replace(/<(code|pre)>[\s\S]*?<\/\1>|<\w[^>]*>/g, "");
    expect(prose).not.toMatch(/[@#](?!<!-- -->)\w/);
    expect(prose).toContain("@<!-- -->everyone");
  });
});

describe("the terminal's report of a hostile result", () => {
  it("has no commands and no control characters either", () => {
    const { scenarios } = withTexts(RUN, HOSTILE);
    const style = { palette: plainPalette, width: 120, detail: "verbose" } as const;
    const text = scenarios.map((scenario) => scenarioReport(scenario, style)).join("\n");
    expect(text).not.toContain("##[");
    expect(text.split("\n").filter((line) => line.trimStart().startsWith("::"))).toEqual([]);
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028]/);
  });
});
