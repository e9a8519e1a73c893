/** A headless Chromium with nothing in it, and pages that must not complain. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import type { ReportAssets } from "../../harness/report/html.ts";

const OPTIONS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A page, and all that it said or asked for. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings of the console, exceptions, dialogs. */
  readonly complaints: string[];
  readonly requests: string[];
}

/** Opens pages; the browser lives as long as the tests of the `describe` that calls this. */
export function browserOf(executablePath: string): {
  open(html: string, options?: BrowserContextOptions): Promise<WatchedPage>;
} {
  let context: (options: BrowserContextOptions) => Promise<BrowserContext>;
  let close: () => Promise<void>;
  beforeAll(async () => {
    // An empty folder of its own for each start: nothing is left from earlier, nothing stays.
    const browser = await chromium.launch({ executablePath, args: OPTIONS });
    context = (options) => browser.newContext({ offline: true, ...options });
    close = () => browser.close();
  });
  afterAll(() => close());
  return {
    open: async (html, options = {}) => {
      const page = await (await context({ viewport: { width: 1280, height: 900 }, ...options })).newPage();
      const complaints: string[] = [];
      const requests: string[] = [];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
      });
      page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
      page.on("dialog", (dialog) => {
        complaints.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      page.on("request", (request) => requests.push(request.url()));
      await page.route("**/*", (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: html }));
      await page.goto("http://report.test/");
      return { page, complaints, requests };
    },
  };
}

/** Script and style of the HTML report, made from the sources of now. */
export function builtAssets(): ReportAssets {
  const folder = mkdtempSync(join(tmpdir(), "probewright-assets-"));
  try {
    const bundler = fileURLToPath(new URL("../../harness/report/client/bundle.mjs", import.meta.url));
    execFileSync(process.execPath, [bundler, folder]);
    const read = (file: string): string => readFileSync(join(folder, file), "utf8");
    return { script: read("main.js"), style: read("main.css") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
