import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outermost, span, spanText } from "../../../compiler/source.ts";
import { brief, FILE, load, loadGood, minimal, template } from "./helpers.ts";

const CONTRACT = `version: 1
name: config-loader
description: reading the configuration must stay cheap
workload:
  command: [node, server.js, --once]
  cwd: ./app
  env: { NODE_ENV: production }
  stdin: fixtures/input.txt
  user: nobody
  setup: [rm, -rf, cache]
  timeout: 30s
  expect-exit: 0
  ready: { tcp: 8080 }
  driver: { command: [wrk, -d5s, "http://127.0.0.1:8080"] }
runs: { warmup: 1, count: 10, max: 40, control: 3 }
scope: workload
probes:
  - file: probes/reads.bt
    params: { min_bytes: 4096 }
  - bpftrace: |
      tracepoint:syscalls:sys_enter_openat { @opens[str(args.filename)] = count(); }
metrics:
  opens:      sum(@opens)
  config:     '@opens["app/config.json"]'
  read_p99:   { value: p99(@read_ns), unit: ns, better: lower }
  per_open:   duration / opens
assert:
  - opens <= 40
  - config == 1
  - read_p99 < 200us
compare:
  default:  { max-increase: 5%, min-delta: 0, confidence: 99% }
  opens:    exact
  read_p99: { max-increase: 10%, min-delta: 5us }
`;

describe("a whole scenario", () => {
  const [scenario] = loadGood(CONTRACT, { "/suite/probes/reads.bt": "BEGIN { exit(); }" });

  it("has its workload, with absolute paths", () => {
    expect(scenario).toMatchObject({
      name: "config-loader",
      description: "reading the configuration must stay cheap",
      file: FILE,
      workload: {
        command: { kind: "argv", argv: ["node", "server.js", "--once"] },
        cwd: "/suite/app",
        env: { NODE_ENV: "production" },
        stdin: "/suite/fixtures/input.txt",
        user: "nobody",
        setup: [
          {
            command: { kind: "argv", argv: ["rm", "-rf", "cache"] },
            cwd: "/suite/app",
            env: { NODE_ENV: "production" },
          },
        ],
        before: [],
        after: [],
        teardown: [],
        timeoutMs: 30_000,
        expectExit: 0,
        ready: { kind: "tcp", host: "127.0.0.1", port: 8080, timeoutMs: 10_000 },
        driver: {
          command: { kind: "argv", argv: ["wrk", "-d5s", "http://127.0.0.1:8080"] },
          timeoutMs: 30_000,
          expectExit: 0,
        },
      },
      runs: { warmup: 1, count: 10, max: 40, control: 3 },
      matrix: {},
    });
  });

  it("has its scripts", () => {
    expect(scenario!.probes).toMatchObject([
      {
        origin: { kind: "file", path: "/suite/probes/reads.bt" },
        label: "probes/reads.bt",
        source: { name: "/suite/probes/reads.bt", text: "BEGIN { exit(); }", origin: undefined },
        params: { positional: [], named: { min_bytes: "4096" } },
        scope: "workload",
      },
      { origin: { kind: "inline" }, label: "script at line 20", params: { positional: [], named: {} } },
    ]);
  });

  it("has its metrics, assertions and comparison rules", () => {
    expect(scenario!.metrics).toMatchObject([
      { name: "opens", unit: "count", better: "lower", counter: true },
      { name: "config", unit: "count", counter: true },
      { name: "read_p99", unit: "ns", scale: 1n, counter: false },
      { name: "per_open", unit: "ns", counter: false },
    ]);
    expect(scenario!.assertions.map(({ text }) => text)).toEqual(["opens <= 40", "config == 1", "read_p99 < 200us"]);
    const fallback = { kind: "limits", maxIncrease: 0.05, minDelta: 0, confidence: 0.99 };
    expect([...scenario!.compare]).toEqual([
      ["opens", { kind: "exact" }],
      ["config", fallback],
      ["read_p99", { kind: "limits", maxIncrease: 0.1, minDelta: 5000, confidence: 0.99 }],
      ["per_open", fallback],
    ]);
  });

  it("knows where everything stands", () => {
    const texts = (spans: readonly { span: Parameters<typeof spanText>[0] }[]) =>
      spans.map((s) => spanText(outermost(s.span)));
    expect(spanText(scenario!.span)).toBe("config-loader");
    expect(spanText(scenario!.workload.span)).toBe("workload");
    expect(texts(scenario!.metrics)).toEqual(["opens", "config", "read_p99", "per_open"]);
    expect(texts(scenario!.assertions)).toEqual(["opens <= 40", "config == 1", "read_p99 < 200us"]);
    expect(texts(scenario!.metrics.map(({ expression }) => expression))).toEqual([
      "sum(@opens)",
      '@opens["app/config.json"]',
      "p99(@read_ns)",
      "duration / opens",
    ]);
    const { source } = scenario!.probes[1]!;
    const at = source.text.indexOf("args.filename");
    expect(spanText(outermost(span(source, at, at + 13)))).toBe("args.filename");
    expect(outermost(span(source, at, at)).source.name).toBe(FILE);
  });
});

describe("defaults of a scenario", () => {
  it("are filled in", () => {
    const [scenario] = loadGood(minimal());
    expect(scenario).toMatchObject({
      description: "",
      workload: {
        command: { kind: "argv", argv: ["true"] },
        cwd: "/suite",
        env: {},
        stdin: undefined,
        user: undefined,
        timeoutMs: 60_000,
        expectExit: 0,
        ready: undefined,
        driver: undefined,
      },
      runs: { warmup: 1, count: 5, max: 20, control: 1 },
      probes: [],
      metrics: [],
      assertions: [],
    });
    expect(scenario!.compare.size).toBe(0);
  });
});

describe("workloads", () => {
  const workload = (lines: string) =>
    loadGood(`version: 1\nname: n\nworkload:\n${lines.replace(/^/gm, "  ")}`)[0]!.workload;

  it.each<[lines: string, expected: object]>([
    ["shell: a | b > c", { command: { kind: "shell", script: "a | b > c" } }],
    [
      "command: [sleep, 0.10, 010, true, null, ~, 1e3]",
      { command: { argv: ["sleep", "0.10", "010", "true", "null", "~", "1e3"] } },
    ],
    ["command:\n  - a b\n  - 'c''d'\n  - \"e\\n\"", { command: { argv: ["a b", "c'd", "e\n"] } }],
    ["command: [a]\nenv: { N: 1, B: no, V: 0.50, E: '' }", { env: { N: "1", B: "no", V: "0.50", E: "" } }],
    ["command: [a]\ncwd: /abs", { cwd: "/abs" }],
    ["command: [a]\ncwd: ../up", { cwd: "/up" }],
    ["command: [a]\nuser: 1000", { user: "1000" }],
    ["command: [a]\ntimeout: 1.5s", { timeoutMs: 1500 }],
    ["command: [a]\nexpect-exit: 3", { expectExit: 3 }],
    [
      "command: [a]\nready: { log: listening, timeout: 2s }",
      { ready: { kind: "log", text: "listening", timeoutMs: 2000 } },
    ],
    ["command: [a]\nready: { file: run/pid }", { ready: { kind: "file", path: "/suite/run/pid" } }],
    ["command: [a]\nready: { tcp: '[::1]:80' }", { ready: { kind: "tcp", host: "::1", port: 80 } }],
    ["command: [a]\nready: { tcp: 'localhost:80' }", { ready: { kind: "tcp", host: "localhost", port: 80 } }],
    [
      "command: [a]\ndriver: { shell: x }",
      { expectExit: undefined, driver: { command: { kind: "shell", script: "x" }, expectExit: 0 } },
    ],
    [
      "command: [a]\nexpect-exit: 143\ndriver: { shell: x, expect-exit: 2, timeout: 1s }",
      { expectExit: 143, driver: { expectExit: 2, timeoutMs: 1000 } },
    ],
    [
      "command: [a]\ncwd: d\nenv: { A: 1 }\ndriver: { shell: x, cwd: e, env: { B: 2 } }",
      { driver: { cwd: "/suite/e", env: { A: "1", B: "2" } } },
    ],
    ["command: [a]\nsetup: { shell: x }", { setup: [{ command: { kind: "shell", script: "x" }, timeoutMs: 60_000 }] }],
    [
      "command: [a]\nsetup: [{ shell: x, timeout: 1s }, [b, c]]",
      { setup: [{ timeoutMs: 1000 }, { command: { argv: ["b", "c"] } }] },
    ],
    ["command: [a]\ncwd: d\nafter: { command: [b], cwd: e }", { after: [{ cwd: "/suite/e" }] }],
    ["command: [a]\nsetup: []", { setup: [] }],
    ["command: [a]\nteardown: [[b], [c]]", { teardown: [{ command: { argv: ["b"] } }, { command: { argv: ["c"] } }] }],
  ])("%j", (lines, expected) => expect(workload(lines)).toMatchObject(expected));

  it.each<[lines: string, code: string, underlined: string, help?: RegExp]>([
    ["cwd: x", "bad-value", "workload"],
    ["command: [a]\nshell: b", "bad-value", "shell", /keep one/],
    ["command: node x.js", "wrong-type", "node x.js", /shell:/],
    ["command: []", "bad-value", "command"],
    ["command: [a, [b]]", "wrong-type", "[b]"],
    ["command: {}", "wrong-type", "command"],
    ["shell: ''", "bad-value", "''"],
    ["shell: [a]", "wrong-type", "shell"],
    ["command: [a]\ncommnd: [a]", "unknown-key", "commnd", /`command`/],
    ["command: [a]\nenv: [A=1]", "wrong-type", "env"],
    ["command: [a]\nenv: { A: }", "wrong-type", "A", /""/],
    ["command: [a]\nenv: { A: [1] }", "wrong-type", "A"],
    ["command: [a]\nenv: { '': 1 }", "bad-key", "''"],
    ["command: [a]\nenv: { A=B: 1 }", "bad-key", "A=B"],
    ["command: [a]\nstdin: 5", "wrong-type", "5"],
    ["command: [a]\nuser: [root]", "wrong-type", "user"],
    ["command: [a]\nuser: -1", "bad-value", "-1"],
    ["command: [a]\ntimeout: 30", "bad-value", "30", /30s/],
    ["command: [a]\ntimeout: 30sec", "bad-value", "30sec", /`30s`/],
    ["command: [a]\ntimeout: 5 minutes", "bad-value", "5 minutes", /`5m`/],
    ["command: [a]\ntimeout: soon", "bad-value", "soon", /units are/],
    ["command: [a]\ntimeout: 0s", "bad-value", "0s"],
    ["command: [a]\ntimeout: 1000h", "bad-value", "1000h"],
    ["command: [a]\ntimeout: 4KiB", "bad-value", "4KiB"],
    ["command: [a]\ntimeout: [1s]", "bad-value", "timeout"],
    ["command: [a]\nexpect-exit: 256", "bad-value", "256"],
    ["command: [a]\nexpect-exit: -1", "bad-value", "-1"],
    ["command: [a]\nexpect-exit: ok", "wrong-type", "ok"],
    ["command: [a]\nexpect_exit: 0", "unknown-key", "expect_exit", /`expect-exit`/],
    ["command: [a]\nready: {}", "bad-value", "ready"],
    ["command: [a]\nready: 8080", "wrong-type", "8080"],
    ["command: [a]\nready: { tcp: 80, log: x }", "bad-value", "log", /keep one/],
    ["command: [a]\nready: { tcp: 0 }", "bad-value", "0", /8080/],
    ["command: [a]\nready: { tcp: 70000 }", "bad-value", "70000"],
    ["command: [a]\nready: { tcp: http }", "bad-value", "http"],
    ["command: [a]\ndriver: {}", "bad-value", "driver"],
    ["command: [a]\ndriver: { command: [b], shell: c }", "bad-value", "shell"],
    ["command: [a]\ndriver: { command: [b], stdin: c }", "unknown-key", "stdin"],
    ["command: [a]\nsetup: rm x", "wrong-type", "rm x", /shell/],
    ["command: [a]\nsetup: [rm, [x]]", "wrong-type", "[x]"],
    ["command: [a]\nsetup: [[rm], { shel: x }]", "bad-value", "{ shel: x }"],
    ["command: [a]\nbefore: { command: [b], shell: c }", "bad-value", "shell"],
    ["command: [a]\ncount: 3", "unknown-key", "count"],
  ])("refuses %j", (lines, code, underlined, help) => {
    const { scenarios, diags } = load(`version: 1\nname: n\nworkload:\n${lines.replace(/^/gm, "  ")}`);
    expect(scenarios).toEqual([]);
    const [first] = diags.items;
    expect(brief(first!).slice(1)).toEqual([code, underlined]);
    if (help) expect(first!.help).toMatch(help);
  });
});

describe("required programs", () => {
  it.each<[lines: string, expected: string[]]>([
    ["", []],
    ["requires: []", []],
    ["requires: [sqlite3, g++]", ["sqlite3", "g++"]],
  ])("%j", (lines, expected) => expect(loadGood(minimal(lines))[0]!.requires).toEqual(expected));

  it.each<[lines: string, code: string, underlined: string]>([
    ["requires: sqlite3", "wrong-type", "sqlite3"],
    ["requires: [[a]]", "wrong-type", "[a]"],
    ["requires: [4]", "wrong-type", "4"],
    ["requires: ['']", "bad-value", "''"],
    ["requires: [/bin/ls]", "bad-value", "/bin/ls"],
    ["requires: [ls -l]", "bad-value", "ls -l"],
    ["require: [ls]", "unknown-key", "require"],
  ])("refuses %j", (lines, code, underlined) => {
    expect(load(minimal(lines)).diags.items.map((item) => brief(item).slice(1))).toEqual([[code, underlined]]);
  });

  it("do not change what is run", () => {
    const [plain, requiring] = ["", "requires: [a]"].map((lines) => loadGood(minimal(lines))[0]!.contentHash);
    expect(requiring).toBe(plain);
  });
});

describe("files and their top level", () => {
  it.each<[text: string, place: string, code: string, help?: RegExp]>([
    ["name: n\nworkload: { command: [a] }", "io.yml:1:1", "missing-key", /version: 1/],
    ["version: 2\nname: n\nworkload: { command: [a] }", "io.yml:1:10", "wrong-type", /newer probewright/],
    ["version: '1'\nname: n\nworkload: { command: [a] }", "io.yml:1:10", "wrong-type"],
    ["version: 1\nworkload: { command: [a] }", "io.yml:1:1", "missing-key"],
    ["version: 1\nname: n", "io.yml:1:1", "missing-key"],
    ["version: 1\nname: n\nworkload:", "io.yml:3:1", "wrong-type"],
    ["version: 1\nname: [n]\nworkload: { command: [a] }", "io.yml:2:1", "wrong-type"],
    ["version: 1\nname: ''\nworkload: { command: [a] }", "io.yml:2:7", "bad-value"],
    ['version: 1\nname: "a\\nb"\nworkload: { command: [a] }', "io.yml:2:7", "bad-value"],
    [`version: 1\nname: ${"x".repeat(201)}\nworkload: { command: [a] }`, "io.yml:2:7", "bad-value"],
    [minimal("descripton: x"), "io.yml:4:1", "unknown-key", /`description`/],
    [minimal("tags: [x]"), "io.yml:4:1", "unknown-key", /keys here are/],
    [minimal("count: 5"), "io.yml:4:1", "unknown-key", /`runs:`/],
    [minimal("command: [a]"), "io.yml:4:1", "unknown-key", /`workload:`/],
    [minimal("bpftrace: x"), "io.yml:4:1", "unknown-key", /`probes:`/],
    [minimal("runs: { count: 0 }"), "io.yml:4:16", "bad-value"],
    [minimal("runs: { count: 1.5 }"), "io.yml:4:16", "wrong-type"],
    [minimal("runs: { count: many }"), "io.yml:4:16", "wrong-type"],
    [minimal("runs: { warmup: -1 }"), "io.yml:4:17", "bad-value"],
    [minimal("runs: { count: 10, max: 5 }"), "io.yml:4:25", "bad-value"],
    [minimal("runs: 10"), "io.yml:4:7", "wrong-type"],
    [minimal("scope: sytem"), "io.yml:4:8", "wrong-type", /`system`/],
    [minimal("defaults: {}"), "io.yml:4:1", "unknown-key"],
    ["- a", "io.yml:1:1", "wrong-type"],
    ["just text", "io.yml:1:1", "wrong-type"],
    ["a: [", "io.yml:1:5", "yaml-syntax"],
  ])("refuses %j", (text, place, code, help) => {
    const { scenarios, diags } = load(text);
    expect(scenarios).toEqual([]);
    const [first] = diags.items;
    expect(brief(first!).slice(0, 2)).toEqual([place, code]);
    if (help) expect(first!.help).toMatch(help);
  });

  it("says which file cannot be read", () => {
    const { scenarios, diags } = load(minimal("probes: [{ file: gone.bt }]"));
    expect(scenarios).toEqual([]);
    expect(diags.items.map(({ message }) => message)).toEqual(["cannot read /suite/gone.bt: no such file"]);
    expect(brief(diags.items[0]!)).toEqual(["io.yml:4:18", "unreadable-file", "gone.bt"]);
  });

  it("reports everything together, in the order of the file", () => {
    const { diags } = load(`version: 1
nme: x
workload: { command: a, timeout: 3 }
runs: { count: x }
probes: [{ use: nothing }, { file: gone.bt }]
metrics:
  a: sum(@x
  b: sum(@x)
  duration: 5
assert: [b < , c < 5, b]
compare: { b: { max-increase: 5 }, d: exact }
`);
    expect(diags.items.map((d) => brief(d).slice(0, 2).join(" "))).toEqual([
      "io.yml:1:1 missing-key",
      "io.yml:2:1 unknown-key",
      "io.yml:3:22 wrong-type",
      "io.yml:3:34 bad-value",
      "io.yml:4:16 wrong-type",
      "io.yml:5:17 unknown-preset",
      "io.yml:5:36 unreadable-file",
      "io.yml:7:12 syntax",
      "io.yml:9:3 reserved-metric",
      "io.yml:10:13 syntax",
      "io.yml:10:16 unknown-metric",
      "io.yml:10:23 not-a-condition",
      "io.yml:11:31 bad-value",
      "io.yml:11:36 unknown-metric",
    ]);
  });

  it("never throws, whatever is done to a file", () => {
    const edit = fc.record({
      at: fc.integer({ min: 0, max: CONTRACT.length }),
      remove: fc.integer({ min: 0, max: 30 }),
      insert: fc.oneof(
        fc.constantFrom(
          "\n",
          "  ",
          ": ",
          "- ",
          "[",
          "}",
          "'",
          '"',
          "*a",
          "&a ",
          "<<: ",
          "null",
          "5",
          template("x"),
          "@",
          "#",
        ),
        fc.string({ unit: "binary", maxLength: 5 }),
      ),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 5 }), (edits) => {
        const text = edits.reduce(
          (t, { at, remove, insert }) => t.slice(0, at) + insert + t.slice(at + remove),
          CONTRACT,
        );
        const { scenarios, diags } = load(text, { "/suite/probes/reads.bt": "" });
        expect(scenarios.length > 0).toBe(!diags.hasErrors);
      }),
      { numRuns: 400 },
    );
  });

  it("never throws on keys of the wrong type anywhere", () => {
    const leaf = fc.constantFrom(
      "null",
      "5",
      "-1.5",
      "true",
      "text",
      "''",
      "[]",
      "{}",
      "[[]]",
      "{ a: b }",
      "[a, b]",
      "{ __proto__: { a: 1 } }",
      "5%",
      "3s",
      "'@x'",
    );
    const key = fc.constantFrom(
      "name",
      "workload",
      "runs",
      "scope",
      "probes",
      "metrics",
      "assert",
      "compare",
      "matrix",
      "defaults",
      "scenarios",
      "description",
    );
    fc.assert(
      fc.property(fc.dictionary(key, leaf), (entries) => {
        const text = Object.entries(entries)
          .map(([k, v]) => `${k}: ${v}`)
          .join("\n");
        const { scenarios, diags } = load(`version: 1\n${text}`);
        expect(scenarios.length === 0 || !diags.hasErrors).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
