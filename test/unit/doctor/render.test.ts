/** The doctor's report: a table that lines up, JSON, and nothing that a terminal would obey. */
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { register } from "../../../harness/cli/doctor.ts";
import { ansiPalette } from "../../../harness/cli/palette.ts";
import type { Finding } from "../../../harness/doctor/finding.ts";
import { findingsJson, renderFindings } from "../../../harness/doctor/render.ts";

const OK: Finding = { id: "user", group: "privileges", subject: "user", status: "ok", value: "root" };
const GAP: Finding = {
  id: "tracefs",
  group: "tracing",
  subject: "tracepoints (tracefs)",
  status: "missing",
  value: "tracefs is not mounted",
  consequence: "no tracepoint: probe can be attached",
  remedy: "run as root: mount -t tracefs none /sys/kernel/tracing",
};
const WARNING: Finding = { ...GAP, id: "helpers", status: "warning", details: { loop: "no", map_lookup_elem: "yes" } };

it("lines up, with the remedy below the gap", () => {
  expect(renderFindings([OK, GAP])).toBe(
    [
      "Privileges",
      "  ok    user                   root",
      "",
      "Tracing",
      "  MISS  tracepoints (tracefs)  tracefs is not mounted",
      "        no tracepoint: probe can be attached",
      "        -> run as root: mount -t tracefs none /sys/kernel/tracing",
      "",
      "Scenarios cannot run here: 1 thing missing.",
      "",
    ].join("\n"),
  );
});

it.each<[string, Finding[], string]>([
  ["nothing", [], "Scenarios can run here."],
  ["sound", [OK], "Scenarios can run here."],
  ["one limitation", [OK, WARNING], "Scenarios can run here, with 1 limitation."],
  ["two gaps", [GAP, { ...GAP, id: "other" }, WARNING], "Scenarios cannot run here: 2 things missing."],
])("ends with the verdict: %s", (_, findings, last) => {
  expect(renderFindings(findings).trimEnd().split("\n").at(-1)).toBe(last);
});

it("keeps within the width, but never breaks a word", () => {
  const long = { ...GAP, value: "many words that do not fit ".repeat(5), remedy: "x".repeat(200) };
  const lines = renderFindings([long], { width: 60 }).split("\n");
  for (const line of lines) if (!line.includes("xxx")) expect(line.length).toBeLessThanOrEqual(60);
  expect(lines.some((line) => line.includes("x".repeat(200)))).toBe(true);
});

it("lists parts only when asked", () => {
  expect(renderFindings([WARNING])).not.toContain("loop");
  expect(renderFindings([WARNING], { all: true })).toContain("loop=no map_lookup_elem");
});

describe("on a terminal", () => {
  it("has colours only with a palette for them", () => {
    expect(renderFindings([OK, GAP, WARNING])).not.toContain("\x1b");
    expect(renderFindings([GAP], { palette: ansiPalette })).toContain("\x1b[31;1mMISS\x1b[0m");
  });

  it("obeys nothing that a file of the machine says", () => {
    const evil = { ...GAP, value: "\x1b]0;title\x07\x9b31m", remedy: "a\u202eb\rc" };
    expect(renderFindings([evil])).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  });
});

it("JSON says the same", () => {
  expect(JSON.parse(findingsJson([OK, GAP]))).toEqual({ version: 1, canTrace: false, findings: [OK, GAP] });
  expect(JSON.parse(findingsJson([OK]))).toMatchObject({ canTrace: true });
});

it("the command registers its options", () => {
  const program = new Command();
  register(program);
  const command = program.commands.find((c) => c.name() === "doctor");
  expect(command?.options.map((o) => o.long)).toEqual(["--json", "--all"]);
});
