import { describe, expect, it } from "vitest";
import { outermost, span } from "../../../compiler/source.ts";
import { brief, load, loadGood, minimal } from "./helpers.ts";

const PRESETS = {
  "/presets/files.yml": `version: 1
description: which files are opened
params: { depth: 3, path: { description: where }, odd: { default: 0x10, description: d } }
probes:
  - bpftrace: |
      BEGIN { @depth = $1; }
  - file: more.bt
    scope: system
metrics:
  opens: { value: sum(@opens), description: files opened }
  twice: opens * 2
`,
  "/presets/more.bt": "END { }",
  "/presets/syscalls.yml": `version: 1
description: d
probes: [{ bpftrace: "BEGIN { }" }]
metrics: { calls: sum(@calls) }
`,
  "/presets/clash.yml": `version: 1
description: d
probes: [{ bpftrace: "BEGIN { }" }]
metrics: { calls: len(@calls) }
`,
  "/presets/broken.yml": "version: 1\ndescription: d\nprobs: []\nmetrics: { a: 1 }\n",
  "/presets/wrong.yml": "version: 1\ndescription: d\nprobes: [{ bpftrace: x }]\nmetrics: { a: oops }\n",
};

const good = (lines: string, files: Record<string, string> = {}) =>
  loadGood(minimal(lines), { ...PRESETS, ...files })[0]!;

describe("scripts", () => {
  it.each<[lines: string, expected: object[]]>([
    ["probes: []", []],
    [
      "probes: [{ bpftrace: 'BEGIN { }' }]",
      [{ origin: { kind: "inline" }, scope: "workload", source: { text: "BEGIN { }" } }],
    ],
    [
      "scope: system\nprobes: [{ bpftrace: x }, { bpftrace: y, scope: workload }]",
      [{ scope: "system" }, { scope: "workload" }],
    ],
    [
      "probes: [{ bpftrace: x, params: [1, a b, 0x10, true, 0.50] }]",
      [{ params: { positional: ["1", "a b", "0x10", "true", "0.50"], named: {} } }],
    ],
    [
      "probes: [{ bpftrace: x, params: { a: 1, b: no } }]",
      [{ params: { positional: [], named: { a: "1", b: "no" } } }],
    ],
    [
      "probes: [{ file: ../s.bt }]",
      [{ origin: { kind: "file", path: "/s.bt" }, label: "../s.bt", source: { name: "/s.bt", text: "END { }" } }],
    ],
  ])("%j", (lines, expected) => expect(good(lines, { "/s.bt": "END { }" }).probes).toMatchObject(expected));

  it.each<[lines: string, code: string, underlined: string, help?: RegExp]>([
    ["probes: { bpftrace: x }", "wrong-type", "probes"],
    ["probes: [{}]", "bad-value", "{}"],
    ["probes: [BEGIN]", "wrong-type", "BEGIN"],
    ["probes: [{ bpftrace: 5 }]", "wrong-type", "5"],
    ["probes: [{ bpftrace: '' }]", "bad-value", "''"],
    ["probes: [{ bpftrace: x, file: y }]", "bad-value", "file", /keep one/],
    ["probes: [{ file: y, use: x }]", "bad-value", "use", /keep one/],
    ["probes: [{ bpftrce: x }]", "bad-value", "{ bpftrce: x }"],
    ["probes: [{ bpftrace: x, scope: all }]", "wrong-type", "all"],
    ["probes: [{ bpftrace: x, params: 5 }]", "wrong-type", "5"],
    ["probes: [{ bpftrace: x, params: [[1]] }]", "wrong-type", "[1]"],
    ["probes: [{ bpftrace: x, params: { a: [1] } }]", "wrong-type", "a"],
    ["probes: [{ bpftrace: x, params: { 1: a } }]", "bad-key", "1", /list/],
    ["probes: [{ file: gone.bt }]", "unreadable-file", "gone.bt"],
    ["probes: [{ use: syscals }]", "unknown-preset", "syscals", /`syscalls`/],
    ["probes: [{ use: ../../etc/passwd }]", "unknown-preset", "../../etc/passwd", /presets are files/],
    ["probes: [{ use: constructor }]", "unknown-preset", "constructor"],
    ["probes: [{ use: files }]", "missing-parameter", "files", /path/],
    ["probes: [{ use: files, params: [1] }]", "missing-parameter", "files"],
    ["probes: [{ use: files, params: { path: x, dept: 1 } }]", "unknown-parameter", "dept", /`depth`/],
    ["probes: [{ use: syscalls, params: { x: 1 } }]", "unknown-parameter", "x", /none/],
    ["probes: [{ use: syscalls }, { use: clash }]", "duplicate-metric", "clash", /scenario/],
  ])("refuses %j", (lines, code, underlined, help) => {
    const { scenarios, diags } = load(minimal(lines), PRESETS);
    expect(scenarios).toEqual([]);
    const [first] = diags.items;
    expect(brief(first!).slice(1)).toEqual([code, underlined]);
    if (help) expect(first!.help).toMatch(help);
  });
});

describe("presets", () => {
  it("bring scripts with their parameters, named and in order, and their metrics", () => {
    const scenario = good("probes: [{ use: files, params: { path: /tmp } }]\nmetrics: { own: opens + 1 }");
    const params = { positional: ["3", "/tmp", "0x10"], named: { depth: "3", path: "/tmp", odd: "0x10" } };
    expect(scenario.probes).toMatchObject([
      {
        origin: { kind: "preset", preset: "files" },
        label: "preset files",
        params,
        scope: "workload",
        source: { text: "BEGIN { @depth = $1; }\n" },
      },
      { origin: { kind: "preset", preset: "files" }, params, scope: "system", source: { name: "/presets/more.bt" } },
    ]);
    expect(scenario.metrics.map(({ name, description }) => [name, description])).toEqual([
      ["opens", "files opened"],
      ["twice", ""],
      ["own", ""],
    ]);
  });

  it.each<[lines: string, scopes: string[]]>([
    ["probes: [{ use: files, params: { path: x } }]", ["workload", "system"]],
    ["scope: system\nprobes: [{ use: files, params: { path: x } }]", ["system", "system"]],
    ["probes: [{ use: files, params: { path: x }, scope: workload }]", ["workload", "workload"]],
  ])("choose the scope that is named nearest: %j", (lines, scopes) => {
    expect(good(lines).probes.map(({ scope }) => scope)).toEqual(scopes);
  });

  it.each<[lines: string, definitionsOf: string]>([
    ["probes: [{ use: syscalls }]\nmetrics: { calls: len(@calls) }", "len"],
    ["probes: [{ use: syscalls }, { use: clash }]\nmetrics: { calls: len(@calls) }", "len"],
    ["probes: [{ use: syscalls }, { use: syscalls }]", "sum"],
  ])("yield to the scenario's own metrics: %j", (lines, call) => {
    expect(good(lines).metrics).toMatchObject([{ name: "calls", expression: { kind: "call", name: call } }]);
  });

  it("are shown in their own file when they are wrong, once", () => {
    const { diags } = load(minimal("probes: [{ use: broken }, { use: broken }, { use: wrong }]"), PRESETS);
    expect(diags.items.map(brief)).toEqual([
      ["broken.yml:1:1", "missing-key", "version: 1"],
      ["broken.yml:3:1", "unknown-key", "probs"],
      ["wrong.yml:4:15", "unknown-metric", "oops"],
    ]);
  });

  it("keep the places of their scripts", () => {
    const { source } = good("probes: [{ use: files, params: { path: x } }]").probes[0]!;
    const at = source.text.indexOf("@depth");
    const place = outermost(span(source, at, at + 6));
    expect([place.source.name, place.source.position(place.start)]).toEqual([
      "/presets/files.yml",
      { line: 6, column: 15 },
    ]);
  });
});
