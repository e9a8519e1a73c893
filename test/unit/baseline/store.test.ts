import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Fingerprint } from "../../../harness/baseline/fingerprint.ts";
import {
  Baseline,
  type BaselineEntry,
  baselineLocation,
  parseBaseline,
  projectRoot,
  readBaseline,
  writeBaseline,
} from "../../../harness/baseline/store.ts";
import { scenarioOf } from "../../support/scenarios.ts";
import { temporaryTree } from "../../support/temporary.ts";

const HERE: Fingerprint = {
  arch: "x64",
  cpu: "A",
  cpuFlags: "f",
  cores: 4,
  kernel: "6.1",
  mitigations: "m",
  governor: "none",
  libc: "glibc 2.36",
  tool: "1.0",
  scope: "cgroup",
};
const ELSEWHERE: Fingerprint = { ...HERE, kernel: "5.10" };
const SCENARIO = scenarioOf("workload: { command: [a] }\nprobes: [{ bpftrace: x }]");

function entry(more: Partial<BaselineEntry> = {}): BaselineEntry {
  return {
    scenario: "test",
    file: "test.yml",
    contentHash: SCENARIO.contentHash,
    scriptHash: SCENARIO.scriptHash,
    fingerprint: HERE,
    recordedAt: "2026-01-01T00:00:00.000Z",
    metrics: { opens: { definition: "d", values: [1, "18446744073709551615", null] } },
    maps: [],
    ...more,
  };
}

describe("finding the entry for a scenario", () => {
  const later = "2026-02-01T00:00:00.000Z";
  it.each<[string, BaselineEntry[], object]>([
    ["none", [], { kind: "none" }],
    ["one of another scenario", [entry({ scenario: "other" })], { kind: "none" }],
    ["the same", [entry()], { kind: "same" }],
    [
      "another machine's",
      [entry({ fingerprint: ELSEWHERE })],
      { kind: "other-machine", differences: ["kernel 5.10 -> 6.1"] },
    ],
    [
      "this machine's before another's newer one",
      [entry(), entry({ fingerprint: ELSEWHERE, recordedAt: later })],
      { kind: "same" },
    ],
    [
      "the newer of two other machines",
      [entry({ fingerprint: ELSEWHERE }), entry({ fingerprint: { ...HERE, cores: 8 }, recordedAt: later })],
      { kind: "other-machine", differences: ["CPUs 8 -> 4"] },
    ],
    ["another workload's", [entry({ contentHash: "x" })], { kind: "changed", what: "workload" }],
    ["other probes'", [entry({ scriptHash: "x" })], { kind: "changed", what: "probes" }],
    [
      "another machine's that fits, before ours that does not",
      [entry({ contentHash: "x" }), entry({ fingerprint: ELSEWHERE })],
      { kind: "other-machine" },
    ],
  ])("%s", (_, entries, expected) => {
    expect(new Baseline(entries).find(SCENARIO, HERE)).toMatchObject(expected);
  });
});

describe("adding an entry", () => {
  it("replaces that of the same scenario on the same machine and keeps all others", () => {
    const others = [entry({ scenario: "other" }), entry({ fingerprint: ELSEWHERE })];
    const baseline = new Baseline([...others, entry({ contentHash: "old" })]).with(entry());
    expect(baseline.entries).toEqual([...others, entry()]);
  });
});

describe("the baseline file", () => {
  it("comes back as it was written, sorted", () => {
    const path = join(temporaryTree(), ".probewright/baseline.json");
    writeBaseline(path, new Baseline([entry({ scenario: "z" }), entry({ scenario: "a" })]));
    expect(readBaseline(path).entries).toEqual([entry({ scenario: "a" }), entry({ scenario: "z" })]);
    const before = readFileSync(path, "utf8");
    writeBaseline(path, readBaseline(path));
    expect(readFileSync(path, "utf8")).toBe(before);
  });

  it("that does not exist is empty", () => {
    expect(readBaseline("/nonexistent/baseline.json").entries).toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    ["is empty", "", /is damaged: .*restore it, or delete it and record a new one/],
    ["was cut off", '{"version": 1, "entries": [', /is damaged: /],
    ["is no object", "[]", /is damaged: the whole file: /],
    ["has no version", '{"entries": []}', /is damaged: version: /],
    ["has a strange version", '{"version": "1", "entries": []}', /is damaged: version: /],
    [
      "has wrong parts",
      JSON.stringify({ version: 1, entries: [{ ...entry(), metrics: 3 }] }),
      /is damaged: entries\.0\.metrics: /,
    ],
    ["has parts that nobody knows", JSON.stringify({ version: 1, entries: [], more: 1 }), /is damaged: /],
    [
      "has values that are no numbers",
      JSON.stringify({ version: 1, entries: [entry({ metrics: { a: { definition: "", values: ["x"] } } })] }),
      /is damaged: entries\.0\.metrics\.a\.values\.0: /,
    ],
    [
      "comes from a newer version",
      '{"version": 2, "entries": [{"shiny": true}]}',
      /has format 2, and this probewright knows formats up to 1: it was written by a newer version; update/,
    ],
  ])("that %s is refused", (_, text, message) => {
    expect(() => parseBaseline(text, "b.json")).toThrow(message);
  });

  it("that cannot be read is refused", () => {
    expect(() => readBaseline(temporaryTree())).toThrow(/cannot read the baseline .*EISDIR/);
  });

  it("is intact when the disk is full", () => {
    const root = temporaryTree();
    const path = join(root, "baseline.json");
    writeBaseline(path, new Baseline([entry()]));
    expect(() => writeBaseline("/dev/full", new Baseline([entry({ scenario: "new" })]))).toThrow("the disk is full");
    expect(readBaseline(path).entries).toEqual([entry()]);
  });
});

describe("where baselines are kept", () => {
  it.each<[string, Record<string, string | undefined>, string]>([
    ["beside package.json", { "p/package.json": "{}", "p/scenarios/deep/a.yml": "" }, "p"],
    ["at the repository's root", { "p/.git": undefined, "p/scenarios/deep/a.yml": "" }, "p"],
    [
      "where some are already",
      { "p/.git": undefined, "p/scenarios/.probewright": undefined, "p/scenarios/deep/a.yml": "" },
      "p/scenarios",
    ],
  ])("%s", (_, files, root) => {
    const base = temporaryTree(files);
    const file = join(base, "p/scenarios/deep/a.yml");
    expect(projectRoot(file)).toBe(join(base, root));
    expect(baselineLocation(file).path).toBe(join(base, root, ".probewright/baseline.json"));
    expect(join(base, root, baselineLocation(file).file)).toBe(file);
  });

  it("beside the file itself when nothing tells", () => {
    expect(projectRoot("/nonexistent/folder/a.yml")).toBe("/nonexistent/folder");
  });

  it("is not disturbed by relative paths", () => {
    writeFileSync(join(temporaryTree(), "x"), "");
    expect(projectRoot("package.json")).toBe(process.cwd());
  });
});
