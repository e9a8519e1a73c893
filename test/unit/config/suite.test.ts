import { describe, expect, it } from "vitest";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { outermost, span, spanText } from "../../../compiler/source.ts";
import { loadSuite } from "../../../harness/config/load.ts";
import { brief, FILE, hostOf, load, loadGood, minimal, template } from "./helpers.ts";

const names = (text: string): string[] => loadGood(text).map(({ name }) => name);

describe("several scenarios and their defaults", () => {
  const list = (defaults: string, ...items: string[]): string =>
    `version: 1\ndefaults: ${defaults}\nscenarios:\n${items.map((item) => `  - ${item}`).join("\n")}\n`;

  it.each<[title: string, defaults: string, item: string, expected: object]>([
    ["fill in", "{ workload: { command: [a] } }", "{ name: n }", { workload: { command: { argv: ["a"] } } }],
    ["give way", "{ description: d, workload: { command: [a] } }", "{ name: n, description: e }", { description: "e" }],
    [
      "merge mappings",
      "{ workload: { command: [a], env: { A: 1, B: 2 } } }",
      "{ name: n, workload: { env: { B: 3, C: 4 } } }",
      { workload: { env: { A: "1", B: "3", C: "4" } } },
    ],
    [
      "merge runs",
      "{ workload: { command: [a] }, runs: { count: 3, warmup: 2 } }",
      "{ name: n, runs: { count: 4 } }",
      { runs: { count: 4, warmup: 2, max: 16 } },
    ],
    [
      "replace lists",
      "{ workload: { command: [a, b] }, assert: [duration < 1s] }",
      "{ name: n, workload: { command: [c] }, assert: [] }",
      { workload: { command: { argv: ["c"] } }, assertions: [] },
    ],
    [
      "drop the other choice",
      "{ workload: { command: [a] } }",
      "{ name: n, workload: { shell: b } }",
      { workload: { command: { kind: "shell", script: "b" } } },
    ],
    [
      "drop the other way to be ready",
      "{ workload: { command: [a], ready: { tcp: 80, timeout: 1s } } }",
      "{ name: n, workload: { ready: { log: up } } }",
      { workload: { ready: { kind: "log", text: "up", timeoutMs: 1000 } } },
    ],
    [
      "are no choice among variables",
      "{ workload: { command: [a], env: { shell: x } } }",
      "{ name: n, workload: { env: { command: y } } }",
      { workload: { env: { shell: "x", command: "y" } } },
    ],
    [
      "undo steps",
      "{ workload: { command: [a], setup: [b] } }",
      "{ name: n, workload: { setup: [] } }",
      { workload: { setup: [] } },
    ],
  ])("%s", (_, defaults, item, expected) => expect(loadGood(list(defaults, item))[0]).toMatchObject(expected));

  it("merge metrics and rules by name", () => {
    const [scenario] = loadGood(
      list(
        "{ workload: { command: [a] }, metrics: { a: sum(@a), b: sum(@b) }, compare: { a: exact } }",
        "{ name: n, metrics: { b: len(@b) }, compare: { b: exact } }",
      ),
    );
    expect(scenario!.metrics.map(({ name, expression }) => [name, spanText(expression.span)])).toEqual([
      ["a", "sum(@a)"],
      ["b", "len(@b)"],
    ]);
    expect([...scenario!.compare.values()]).toEqual([{ kind: "exact" }, { kind: "exact" }]);
  });

  it("keep the order of the list", () => {
    expect(names(list("{ workload: { command: [a] } }", "{ name: z }", "{ name: a }"))).toEqual(["z", "a"]);
  });

  it.each<[text: string, problems: [place: string, code: string][]]>([
    [list("{ workload: { command: [a] } }", "{ name: n }", "{ name: n }"), [["io.yml:5:13", "duplicate-scenario"]]],
    [list("{ workload: { command: [a] } }", "{ description: d }"), [["io.yml:4:5", "missing-key"]]],
    [list("{}", "{ name: n }"), [["io.yml:4:5", "missing-key"]]],
    [list("{ workload: { cwd: x } }", "{ name: n }"), [["io.yml:2:13", "bad-value"]]],
    [list("{ workload: { command: [a] }, nme: x }", "{ name: n }"), [["io.yml:2:41", "unknown-key"]]],
    [list("{ name: x, workload: { command: [a] } }", "{ name: n }"), [["io.yml:2:13", "unknown-key"]]],
    [
      list("{ workload: { command: [a], timeout: 3 } }", "{ name: n, workload: { timeout: 1s } }"),
      [["io.yml:2:48", "bad-value"]],
    ],
    [list("{ workload: { command: [a], shell: b } }", "{ name: n }"), [["io.yml:2:39", "bad-value"]]],
    [list("[a]", "{ name: n, workload: { command: [a] } }"), [["io.yml:2:1", "wrong-type"]]],
    [list("{ workload: { command: [a] } }", "just text", "{ name: n }"), [["io.yml:4:5", "wrong-type"]]],
    ["version: 1\nscenarios: []", [["io.yml:2:1", "bad-value"]]],
    ["version: 1\nscenarios: { a: b }", [["io.yml:2:1", "wrong-type"]]],
    [
      "version: 1\nworkload: { command: [a] }\nscenarios: [{ name: n, workload: { command: [a] } }]",
      [["io.yml:2:1", "unknown-key"]],
    ],
    [
      list("{ workload: { command: [a] } }", "{ name: n, asert: [] }", "{ name: m, scope: all }"),
      [
        ["io.yml:4:16", "unknown-key"],
        ["io.yml:5:23", "wrong-type"],
      ],
    ],
    // A mistake in the defaults is one mistake, however many scenarios share it.
    [
      list("{ workload: { command: [a] }, metrics: { a: oops } }", "{ name: n }", "{ name: m }"),
      [["io.yml:2:55", "unknown-metric"]],
    ],
  ])("refuses %j", (text, problems) => {
    const { scenarios, diags } = load(text);
    expect(scenarios).toEqual([]);
    expect(diags.items.map((d) => brief(d).slice(0, 2))).toEqual(problems);
  });

  it("points at the first of two scenarios with one name", () => {
    const [problem] = load(list("{ workload: { command: [a] } }", "{ name: n }", "{ name: n }")).diags.items;
    expect(problem!.labels!.map((label) => label.span.source.position(label.span.start).line)).toEqual([4]);
  });

  it("has unique names over all files", () => {
    const diags = new Diagnostics();
    const host = hostOf({ "/a.yml": minimal(), "/b.yml": minimal() });
    expect(loadSuite(["/a.yml", "/b.yml"], host, diags).scenarios).toEqual([]);
    expect(diags.items.map((d) => brief(d).slice(0, 2))).toEqual([["b.yml:2:7", "duplicate-scenario"]]);
    expect(diags.items[0]!.labels![0]!.span.source.name).toBe("/a.yml");
  });

  it("says which file does not exist", () => {
    const diags = new Diagnostics();
    expect(loadSuite(["/gone.yml"], hostOf({}), diags).scenarios).toEqual([]);
    expect(diags.items.map(({ code, message }) => [code, message])).toEqual([
      ["unreadable-file", "cannot read /gone.yml: no such file"],
    ]);
  });
});

describe("matrix", () => {
  const x = template("x");

  it.each<[lines: string, names: string[]]>([
    ["matrix: { x: [1, 2] }", ["n [x=1]", "n [x=2]"]],
    ["matrix: { x: [1, 2], y: [a, b] }", ["n [x=1, y=a]", "n [x=1, y=b]", "n [x=2, y=a]", "n [x=2, y=b]"]],
    ["matrix: { x: [0.10, true, 0x1F] }", ["n [x=0.10]", "n [x=true]", "n [x=0x1F]"]],
    ["matrix: {}", ["n"]],
  ])("names %j", (lines, expected) => expect(names(minimal(lines))).toEqual(expected));

  it("leaves a name alone that has the values in it", () => {
    const text = `version: 1\nname: copy ${x} bytes\nworkload: { command: [cp, "${x}"] }\nmatrix: { x: [1, 2] }`;
    expect(names(text)).toEqual(["copy 1 bytes", "copy 2 bytes"]);
  });

  it("replaces templates in every value, and gives a lone one the type of what it stands for", () => {
    const text = `version: 1
name: n
matrix: { x: [3], s: [system], t: [0.50] }
workload:
  command: [cp, "a${x}b", "${template("t")}"]
  timeout: "${x}s"
runs: { count: "${x}" }
scope: ${template("s")}
probes:
  - bpftrace: |
      BEGIN { @x = ${x}; @y = nsecs; }
    params: ["${x}"]
metrics: { m: "sum(@x) * ${x}" }
assert:
  - m < ${x} && m > 1
`;
    const [scenario] = loadGood(text);
    expect(scenario).toMatchObject({
      matrix: { x: 3, s: "system", t: 0.5 },
      workload: { command: { argv: ["cp", "a3b", "0.50"] }, timeoutMs: 3000 },
      runs: { count: 3 },
      probes: [{ scope: "system", source: { text: "BEGIN { @x = 3; @y = nsecs; }\n" }, params: { positional: ["3"] } }],
      assertions: [{ text: "m < 3 && m > 1" }],
    });
    const { source } = scenario!.probes[0]!;
    const place = (word: string): string => {
      const at = source.text.indexOf(word);
      return spanText(outermost(span(source, at, at + word.length)));
    };
    expect(place("nsecs")).toBe("nsecs");
    expect(outermost(span(source, 13, 14)).start).toBe(text.indexOf(`= ${x}`) + 2);
  });

  it("shows an error behind a template at its place", () => {
    const { diags } = load(minimal(`matrix: { x: [12345] }\nassert: ["duration < ${x}ms && oops"]`));
    expect(diags.items.map(brief)).toEqual([["io.yml:5:43", "unknown-metric", "oops"]]);
  });

  it("comes from the defaults as well", () => {
    const text =
      "version: 1\ndefaults: { matrix: { x: [1, 2] }, workload: { command: [a] } }\nscenarios: [{ name: a }, { name: b, matrix: { x: [3] } }]";
    expect(names(text)).toEqual(["a [x=1]", "a [x=2]", "b [x=3]"]);
  });

  it("gives every combination its own content hash", () => {
    const scenarios = loadGood(`version: 1\nname: n\nmatrix: { x: [1, 2] }\nworkload: { command: [a, "${x}"] }`);
    expect(new Set(scenarios.map(({ contentHash }) => contentHash)).size).toBe(2);
  });

  it.each<[lines: string, code: string, underlined: string, help?: RegExp]>([
    ["matrix: [1]", "wrong-type", "matrix"],
    ["matrix: { x: 1 }", "wrong-type", "1"],
    ["matrix: { x: [] }", "bad-value", "x"],
    ["matrix: { x: [[1]] }", "wrong-type", "[1]"],
    ["matrix: { x: [null] }", "wrong-type", "null"],
    ["matrix: { 1x: [1] }", "bad-key", "1x"],
    ["matrix: { x: [1, 1] }", "duplicate-scenario", "n"],
    [`description: ${x}`, "unknown-template", x, /matrix:/],
    [`matrix: { y: [1] }\ndescription: a ${x} b`, "unknown-template", x, /^the matrix has y$/],
    [`matrix: { size: [1] }\ndescription: ${template("siez")}`, "unknown-template", template("siez"), /matrix.size/],
    [
      `matrix: { y: [1] }\ndescription: a $\{{ env.HOME }} b`,
      "bad-template",
      template("x").replace("matrix.x", "env.HOME"),
      /matrix.y/,
    ],
    [`matrix: { x: [1] }\nmetrics:\n  "m${x}": '1'`, "template-in-key", `"m${x}"`],
    [`matrix: { x: [ten] }\nruns: { count: "${x}" }`, "wrong-type", `"${x}"`],
    [`matrix: { x: [soon] }\nruns: { count: 1 }\nprobes: [{ bpftrace: x, scope: "${x}" }]`, "wrong-type", `"${x}"`],
    [
      `matrix: { ${"abcdefg"
        .split("")
        .map((name) => `${name}: [1, 2, 3]`)
        .join(", ")} }`,
      "matrix-too-large",
      "matrix",
    ],
  ])("refuses %j", (lines, code, underlined, help) => {
    const { scenarios, diags } = load(minimal(lines));
    expect(scenarios).toEqual([]);
    const [first] = diags.items;
    expect(brief(first!).slice(1)).toEqual([code, underlined]);
    if (help) expect(first!.help).toMatch(help);
  });
});

describe("hashes", () => {
  const hashes = (lines: string): [content: string, script: string] => {
    const [scenario] = loadGood(`version: 1\nname: n\n${lines}`, { "/suite/s.bt": "x" });
    return [scenario!.contentHash, scenario!.scriptHash];
  };
  const base = "workload: { command: [a, '1'], env: { A: x, B: y } }\nprobes: [{ bpftrace: x, params: { p: 1 } }]";

  it.each([
    [
      "order of keys",
      "probes: [{ params: { p: 1 }, bpftrace: x }]\nworkload: { env: { B: y, A: x }, command: [a, '1'] }",
    ],
    [
      "quotes and comments",
      "workload: { command: ['a', 1], env: { A: 'x', B: y } } # c\nprobes: [{ bpftrace: 'x', params: { p: '1' } }]",
    ],
    ["description", `${base}\ndescription: d`],
    ["assertions and rules", `${base}\nassert: [duration < 1s]\ncompare: { duration: exact }`],
    ["metrics", `${base}\nmetrics: { a: sum(@x) }`],
    ["number of runs", `${base}\nruns: { count: 50, control: 0 }`],
    ["timeout", base.replace("command", "timeout: 1h, command")],
    ["defaults written out", `${base}\nscope: workload\nruns: { warmup: 1 }`],
    ["the same script in a file", base.replace("bpftrace: x", "file: s.bt")],
  ])("do not change with %s", (_, lines) => expect(hashes(lines)).toEqual(hashes(base)));

  it.each([
    ["argument", base.replace("'1'", "'2'")],
    ["variable", base.replace("A: x", "A: z")],
    ["shell", base.replace("command: [a, '1']", "shell: a 1")],
    ["folder", base.replace("command", "cwd: d, command")],
    ["input", base.replace("command", "stdin: f, command")],
    ["user", base.replace("command", "user: nobody, command")],
    ["steps", base.replace("command", "before: [a], command")],
    ["exit status", base.replace("command", "expect-exit: 1, command")],
    ["driver", base.replace("command", "driver: { shell: d }, command")],
    ["warm-up", `${base}\nruns: { warmup: 0 }`],
  ])("of the content change with %s", (_, lines) => {
    expect(hashes(lines)[0]).not.toBe(hashes(base)[0]);
    expect(hashes(lines)[1]).toBe(hashes(base)[1]);
  });

  it.each([
    ["script", base.replace("bpftrace: x", "bpftrace: y")],
    ["parameters", base.replace("p: 1", "p: 2")],
    ["scope", `${base}\nscope: system`],
    ["number of scripts", base.replace("probes: [", "probes: [{ bpftrace: x }, ")],
  ])("of the scripts change with %s", (_, lines) => {
    expect(hashes(lines)[1]).not.toBe(hashes(base)[1]);
    expect(hashes(lines)[0]).toBe(hashes(base)[0]);
  });

  it("are the same in every checkout", () => {
    const text =
      "version: 1\nname: n\nworkload: { command: [a], cwd: d, stdin: f, ready: { file: r }, before: { shell: x, cwd: e } }";
    const diags = new Diagnostics();
    const at = (path: string) => loadSuite([path], hostOf({ [path]: text }), diags).scenarios[0]!.contentHash;
    expect(at("/one/a.yml")).toBe(at("/other/place/b.yml"));
    expect(at(FILE)).toMatch(/^[0-9a-f]{64}$/);
  });
});
