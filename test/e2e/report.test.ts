/** `probewright report` as users start it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { COMPARISON, RUN } from "../support/sample-result.ts";
import { temporaryTree } from "../support/temporary.ts";

const files = { "result.json": JSON.stringify(RUN), "compare.json": JSON.stringify(COMPARISON), "other.json": "{}" };

describe("probewright report", () => {
  it.each([
    ["markdown", "## ❌ probewright: 1 of 5 scenarios failed\n"],
    ["junit", '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="probewright"'],
    ["html", '<!doctype html>\n<html lang="en">'],
  ])("prints %s", async (format, beginning) => {
    const cwd = temporaryTree(files);
    const { status, out, err } = await runCli(["report", "result.json", "--format", format], "", { cwd });
    expect([status, err]).toEqual([0, ""]);
    expect(out.startsWith(beginning)).toBe(true);
  });

  it.each(["a.html", "sub/a.md", "a.xml"])("knows the format of %s by its name", async (name) => {
    const cwd = temporaryTree(files);
    const { status, out } = await runCli(["report", "compare.json", "-o", name], "", { cwd });
    expect([status, out]).toEqual([0, ""]);
    expect(readFileSync(join(cwd, name), "utf8")).toContain("node_modules");
  });

  it("puts the whole script and style into the page", async () => {
    const cwd = temporaryTree(files);
    await runCli(["report", "result.json", "-o", "a.html"], "", { cwd });
    const page = readFileSync(join(cwd, "a.html"), "utf8");
    expect(page).toContain("Contains uPlot");
    expect(page).toContain("Permission is hereby granted");
    expect(page.length).toBeGreaterThan(60_000);
  });

  it.each([
    [["nothing.json", "--format", "html"], "error: cannot read nothing.json"],
    [["other.json", "--format", "html"], "error: other.json is not a result of probewright"],
    [
      ["result.json"],
      "error: which format is wanted is not clear\n  help: say --format html, --format markdown, --format junit",
    ],
    [["result.json", "-o", "x.txt"], "error: which format is wanted is not clear"],
    [["result.json", "--format", "html", "--limit", "60000"], "error: --limit is for Markdown only"],
    [["result.json", "--format", "markdown", "--limit", "10"], "expected a whole number from 8192"],
    [["result.json", "--format", "pdf"], "Allowed choices are html, markdown, junit"],
    [[], "missing required argument 'result'"],
  ])("refuses %j", async (args, message) => {
    const cwd = temporaryTree(files);
    const { status, out, err } = await runCli(["report", ...args], "", { cwd });
    expect([status, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(existsSync(join(cwd, "x.txt"))).toBe(false);
  });

  it("makes Markdown of what fits into a comment", async () => {
    const scenarios = Array.from({ length: 100 }, (_, i) => ({ ...RUN.scenarios[1]!, name: `scenario ${i}` }));
    const cwd = temporaryTree({ "result.json": JSON.stringify({ ...RUN, scenarios }) });
    const args = ["report", "result.json", "--format", "markdown", "--limit", "60000"];
    const { status, out } = await runCli(args, "", { cwd });
    expect(status).toBe(0);
    expect(Buffer.byteLength(out)).toBeLessThanOrEqual(60_000);
    expect(out).toMatch(/_The details of \d+ scenarios are left out, for want of room\._/);
  });

  it("says where it cannot write", async () => {
    const cwd = temporaryTree(files);
    const { status, err } = await runCli(["report", "result.json", "-o", "result.json/x.html"], "", { cwd });
    expect(status).toBe(4);
    expect(err).toContain("error: cannot write result.json/x.html: part of its path is no directory");
  });
});

describe("run --report", () => {
  it.each(["html", "pdf=x", "html="])("refuses %j before anything runs", async (target) => {
    const { status, err } = await runCli(["run", "--report", target]);
    expect(status).toBe(2);
    expect(err).toContain("expected FORMAT=FILE with one of the formats html, markdown, junit");
  });
});
