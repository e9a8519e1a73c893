/** The HTML report in a real browser: with mouse and keyboard, in both colour schemes, with hostile texts, without script. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { htmlReport } from "../../harness/report/html.ts";
import { junitReport } from "../../harness/report/junit.ts";
import { reportOf } from "../../harness/report/model.ts";
import type { SuiteResult } from "../../harness/report/result.ts";
import { browserOf, builtAssets } from "../support/browser.ts";
import { COMPARISON, HOSTILE, MISTAKES, RUN, scenario, suite, withTexts } from "../support/sample-result.ts";
import { describeWithTool } from "../support/tools.ts";

describeWithTool("chromium", (path) => {
  const browser = browserOf(path);
  const assets = builtAssets();
  const pageOf = (result: SuiteResult): string => htmlReport(reportOf(result), assets);
  const column = (page: Page, table: string, index: number): Promise<string[]> =>
    page.locator(`${table} tbody tr > :nth-child(${index})`).allInnerTexts();

  it.each([
    ["a run", RUN],
    ["a comparison", COMPARISON],
    ["mistakes", MISTAKES],
  ])("opens the report of %s without a complaint, and asks for nothing", async (_, result) => {
    const { page, complaints, requests } = await browser.open(pageOf(result));
    await page
      .getByRole("button", { name: "Open all" })
      .click({ timeout: 1000 })
      .catch(() => undefined);
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await page.waitForTimeout(100);
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith("data:"))).toEqual(["http://report.test/"]);
    // Nothing sticks out sideways.
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  });

  it("draws a chart for each metric and histogram, when it comes into view", async () => {
    const { page } = await browser.open(pageOf(RUN));
    const charts = page.locator("#scenario-2 .chart");
    expect(await charts.count()).toBe(5);
    for (let i = 0; i < 5; i++) {
      await charts.nth(i).scrollIntoViewIfNeeded();
      await charts.nth(i).locator("canvas").waitFor();
      expect(await inked(page, i)).toBeGreaterThan(100);
    }
    // The scenario that passed is closed, so nothing of it is drawn.
    expect(await page.locator("#scenario-1 canvas").count()).toBe(0);
    await page.locator("#scenario-1 summary").first().click();
    await page.locator("#scenario-1 canvas").first().waitFor();
  });

  it("reads charts out by arrow keys", async () => {
    const { page } = await browser.open(pageOf(RUN));
    const histogram = page.getByRole("slider", { name: /^@read_ns/ });
    await page.locator("#scenario-2 .chart").nth(3).scrollIntoViewIfNeeded();
    await histogram.focus();
    expect(await histogram.getAttribute("aria-label")).toContain("62 events a run, most of them in [8K, 16K)");
    const said: (string | null)[] = [];
    for (const key of ["ArrowRight", "ArrowRight", "End", "ArrowRight", "Home", "ArrowLeft"]) {
      await page.keyboard.press(key);
      said.push(await histogram.getAttribute("aria-valuetext"));
    }
    expect(said).toEqual([
      "[0]: now 2, baseline 0",
      "[1K, 2K): now 10, baseline 30",
      "[8K, 16K): now 50, baseline 0",
      "[8K, 16K): now 50, baseline 0",
      "[0]: now 2, baseline 0",
      "[0]: now 2, baseline 0",
    ]);
    expect(await page.locator("#scenario-2 .readout").nth(3).textContent()).toBe("[0]: now 2, baseline 0");
    const runs = page.getByRole("slider", { name: /^read_p50/ });
    await runs.focus();
    await page.keyboard.press("End");
    expect(await runs.getAttribute("aria-valuetext")).toBe("run 3: no data");
    expect(await runs.getAttribute("aria-valuenow")).toBe("3");
  });

  it("shows a dot and a ring for each pair of a comparison", async () => {
    const { page } = await browser.open(pageOf(COMPARISON));
    const runs = page.getByRole("slider", { name: /^latency/ });
    await page.locator("#scenario-1 .chart").nth(1).scrollIntoViewIfNeeded();
    await runs.focus();
    await page.keyboard.press("Home");
    expect(await runs.getAttribute("aria-valuetext")).toBe("run 1: 1.12 us, base 990 ns");
    await page.keyboard.press("End");
    expect(await runs.getAttribute("aria-valuetext")).toBe("run 3: 1.11 us, base no data");
  });

  it("sorts tables by keyboard, numbers as numbers and what is missing last", async () => {
    const { page } = await browser.open(pageOf(RUN));
    const table = "section[aria-labelledby=scenarios] table";
    const hits = page.locator(table).getByRole("button", { name: "Probe hits a run" });
    const name = page.locator(table).getByRole("button", { name: "Scenario" });
    const suite = ["list-folder", "config-loader", "broken", "needs-sqlite", "noisy"];
    expect(await column(page, table, 1)).toEqual(suite);
    await hits.focus();
    await page.keyboard.press("Enter");
    expect((await column(page, table, 1))[0]).toBe("config-loader");
    expect(
      await page.locator(`${table} th[aria-sort]`).evaluateAll((all) => all.map((th) => th.getAttribute("aria-sort"))),
    ).toEqual(["descending"]);
    await page.keyboard.press("Space");
    expect((await column(page, table, 1))[0]).toBe("config-loader");
    expect(await page.locator(`${table} th[aria-sort]`).getAttribute("aria-sort")).toBe("ascending");
    await name.focus();
    await page.keyboard.press("Enter");
    expect(await column(page, table, 1)).toEqual([...suite].sort());
    await page.keyboard.press("Enter");
    expect(await column(page, table, 1)).toEqual([...suite].sort().reverse());
    const probes = "#scenario-2 table:has(caption:text('kernel program'))";
    await page.locator(probes).getByRole("button", { name: "ns per hit" }).press("Enter");
    expect(await column(page, probes, 3)).toEqual(["167", "100"]);
    await page.locator(probes).getByRole("button", { name: "ns per hit" }).press("Enter");
    expect(await column(page, probes, 3)).toEqual(["100", "167"]);
  });

  it("filters by status and opens what a link leads to", async () => {
    const { page } = await browser.open(pageOf(RUN));
    const visible = (): Promise<string[]> => page.locator(".scenario:visible h2").allInnerTexts();
    const failed = page.getByRole("button", { name: "1 failed" });
    await failed.press("Enter");
    expect(await visible()).toEqual(["config-loader"]);
    expect(await failed.getAttribute("aria-pressed")).toBe("true");
    await page.getByRole("button", { name: "1 passed" }).press("Enter");
    expect(await visible()).toEqual(["list-folder"]);
    expect(await failed.getAttribute("aria-pressed")).toBe("false");
    await page.getByRole("button", { name: "1 passed" }).press("Enter");
    expect(await visible()).toHaveLength(5);
    await page.locator("section[aria-labelledby=scenarios]").getByRole("link", { name: "list-folder" }).press("Enter");
    expect(await page.locator("#scenario-1 > details").getAttribute("open")).not.toBeNull();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain("list-folder");
  });

  it("reaches everything by the Tab key", async () => {
    const { page } = await browser.open(pageOf(RUN));
    const reached = new Set<string>();
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      reached.add(
        await page.evaluate(
          () => document.activeElement?.getAttribute("role") ?? document.activeElement?.tagName ?? "",
        ),
      );
    }
    expect([...reached].sort()).toEqual(expect.arrayContaining(["A", "BUTTON", "SUMMARY", "slider"]));
  });

  it.each(["light", "dark"] as const)("can be read in the %s colour scheme", async (colorScheme) => {
    const { page, complaints } = await browser.open(pageOf(RUN), { colorScheme });
    await page.getByRole("button", { name: "Open all" }).click();
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(background).toBe(colorScheme === "light" ? "rgb(246, 247, 249)" : "rgb(15, 19, 24)");
    expect(await page.evaluate(poorlyLegible)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it("draws charts anew when the colour scheme changes", async () => {
    const { page } = await browser.open(pageOf(RUN), { colorScheme: "light" });
    await page.locator("#scenario-2 .chart").first().scrollIntoViewIfNeeded();
    await page.locator("#scenario-2 canvas").first().waitFor();
    const before = await colours(page);
    await page.emulateMedia({ colorScheme: "dark" });
    expect(before).toContain("31,111,235");
    await expect.poll(() => colours(page)).toContain("88,166,255");
    expect(await colours(page)).not.toContain("31,111,235");
  });

  it("fits a narrow window", async () => {
    const { page } = await browser.open(pageOf(RUN), { viewport: { width: 375, height: 700 } });
    await page.getByRole("button", { name: "Open all" }).click();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(375);
    // What is to be looked at can be read without scrolling sideways, reasons included.
    const reasons = await page
      .locator("section[aria-labelledby=findings] .why")
      .evaluateAll((all) => all.map((cell) => cell.getBoundingClientRect()).map(({ left, right }) => [left, right]));
    expect(reasons).not.toEqual([]);
    for (const [left, right] of reasons) expect([left! >= 0, right! <= 375]).toEqual([true, true]);
  });

  it("folds the names of hundreds of probes", async () => {
    const probes = Array.from({ length: 300 }, (_, i) => `tracepoint:syscalls:sys_enter_${i}`);
    const result = suite([scenario({ name: "all", status: "failed", probes: [{ probes, hits: 1000, ns: 1000 }] })]);
    const { page } = await browser.open(pageOf(result));
    const folded = page.getByText("tracepoint:syscalls:sys_enter_… (300 probes)");
    expect(await page.getByText("tracepoint:syscalls:sys_enter_299").isVisible()).toBe(false);
    await folded.click();
    expect(await page.getByText("tracepoint:syscalls:sys_enter_299").isVisible()).toBe(true);
  });

  it("shows everything without its script", async () => {
    const { page } = await browser.open(pageOf(RUN), { javaScriptEnabled: false });
    const text = await page.locator("#scenario-2").textContent();
    for (const part of [
      "worse in every run than in any of the baseline",
      "tracepoint:syscalls:sys_exit_read",
      "209 (109 over)",
    ])
      expect(text).toContain(part);
    expect(await page.locator("button").count()).toBe(0);
  });

  describe("of a hostile result", () => {
    it.each([
      ["run", RUN],
      ["comparison", COMPARISON],
      ["file", MISTAKES],
    ])("runs nothing that a %s brought along", async (_, result) => {
      const { page, complaints, requests } = await browser.open(pageOf(withTexts(result, HOSTILE)));
      await page
        .getByRole("button", { name: "Open all" })
        .click({ timeout: 1000 })
        .catch(() => undefined);
      await page.waitForTimeout(100);
      expect(complaints).toEqual([]);
      expect(requests.filter((url) => !url.startsWith("data:"))).toEqual(["http://report.test/"]);
      expect(await page.evaluate(() => document.scripts.length)).toBe(1);
      expect(await page.locator("img, iframe, object, embed, form, base, [onerror], [onclick]").count()).toBe(0);
      expect(await page.locator("main").textContent()).toContain("<script>alert(1)</script>");
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    });

    it("is well-formed as JUnit XML, and keeps its texts", async () => {
      const { page } = await browser.open("<!doctype html><title>x</title>");
      for (const result of [RUN, COMPARISON, MISTAKES]) {
        const parsed = await page.evaluate(
          (xml) => {
            const document = new DOMParser().parseFromString(xml, "application/xml");
            const names = [...document.querySelectorAll("testcase")].map((element) => element.getAttribute("name"));
            return {
              error: document.querySelector("parsererror")?.textContent,
              root: document.documentElement.tagName,
              names,
            };
          },
          junitReport(reportOf(withTexts(result, HOSTILE))),
        );
        expect(parsed.error).toBeUndefined();
        expect(parsed.root).toBe("testsuites");
        expect(parsed.names.join()).toContain("<script>alert(1)</script>");
        expect(parsed.names.join()).toContain("]]>");
      }
    });

    it("would be stopped by the page's own policy", async () => {
      const forged = pageOf(RUN).replace("</main>", "<script>alert(1)</script><img src=x onerror=alert(2)></main>");
      const { page, complaints } = await browser.open(forged);
      await page.waitForTimeout(100);
      expect(complaints.filter((text) => text.startsWith("dialog"))).toEqual([]);
      expect(complaints.filter((text) => text.includes("Content Security Policy"))).not.toEqual([]);
    });
  });
});

/** Pixels of the i-th chart's canvas that are not empty. */
function inked(page: Page, index: number): Promise<number> {
  return page.evaluate((i) => {
    const canvas = document.querySelectorAll<HTMLCanvasElement>("#scenario-2 .chart canvas")[i]!;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at]! > 0) count++;
    return count;
  }, index);
}

/** All fully opaque colours on the first canvas, as r,g,b. */
function colours(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>("#scenario-2 .chart canvas")!;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    const found = new Set<string>();
    for (let at = 0; at < data.length; at += 4)
      if (data[at + 3] === 255) found.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
    return [...found];
  });
}

/** Runs in the page: texts whose contrast with what is behind them is below 4.5. */
function poorlyLegible(): string[] {
  const channels = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([r = 0, g = 0, b = 0]: number[]): number => {
    const linear = (c: number): number => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const behind = (element: Element | null): number[] => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (element === null || element.closest("script, style") || walker.currentNode.textContent?.trim() === "") continue;
    const [front, back] = [luminance(channels(getComputedStyle(element).color)), luminance(behind(element))];
    const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)} ${walker.currentNode.textContent}`);
  }
  return found;
}
