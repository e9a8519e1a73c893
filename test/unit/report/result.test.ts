import { describe, expect, it } from "vitest";
import { exitCodeOf } from "../../../harness/report/exit-code.ts";
import {
  type DiagnosticResult,
  type ProblemResult,
  resultJsonSchema,
  resultSchema,
  resultSchemaText,
  type ScenarioResult,
  type SuiteResult,
} from "../../../harness/report/result.ts";
import { FakeWorld } from "../../support/fake-host.ts";
import { countMap, histMap, TestProject } from "../../support/suite.ts";
import { accepts } from "../config/json-schema-validator.ts";

const YAML = `name: everything
description: a bit of each
matrix: { size: [1, 2] }
workload: { command: [work] }
runs: { warmup: 0, count: 2, control: 1 }
probes: [{ bpftrace: x }]
metrics:
  opens: sum(@opens)
  p99: { value: p99(@h), unit: ns }
assert: [opens < 100]
`;

/** A result with something of every kind in it: passes, regressions, histograms, large numbers, diagnostics, output. */
async function everything(): Promise<SuiteResult> {
  const world = (opens: Record<string, number>): FakeWorld => {
    const made = new FakeWorld({
      work: (p) => {
        p.print("text\u0000\u001b[31m");
        return 0;
      },
    });
    made.maps = {
      x: [
        { name: "@opens", keyed: true },
        { name: "@h", value: "hist" },
      ],
    };
    made.traces = [
      {
        maps: [[countMap("@opens", opens), histMap("@h", [[8, 16, 4]])]],
        output: "printed\n",
        cost: [{ probes: ["tracepoint:a:b"], hits: 10n, ns: 2n ** 60n }],
      },
    ];
    return made;
  };
  const project = new TestProject(YAML);
  await project.run(world({ a: 1 }), "update");
  return (await project.run(world({ a: 1, b: 2 }))).result;
}

async function invalid(): Promise<SuiteResult> {
  const world = new FakeWorld({
    work: (p) => {
      p.print("no\n", "stderr");
      return 1;
    },
  });
  return (await new TestProject("name: bad\nworkload: { command: [work] }\n").run(world)).result;
}

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("results", () => {
  it.each<[string, () => Promise<SuiteResult>]>([
    ["with everything in it", everything],
    ["of an invalid run", invalid],
    ["of a file with errors", async () => (await new TestProject("name: x\nbogus: 1\n").run(new FakeWorld({}))).result],
  ])("%s are what the schemas say", async (_, make) => {
    const json = throughJson(await make());
    expect(resultSchema.parse(json)).toEqual(json);
    expect(accepts(resultJsonSchema(), json)).toBe(true);
  });

  it("have what the test needs to mean something", async () => {
    const result = await everything();
    expect(result.scenarios).toHaveLength(2);
    expect(result.scenarios[0]).toMatchObject({
      status: "failed",
      matrix: { size: 1 },
      baseline: { use: "same", histograms: [{ name: "@h" }] },
      probes: [{ hits: 10, ns: "1152921504606846976" }],
      printed: ["printed\n", "printed\n"],
      output: { stdout: { head: "text\u0000\u001b[31m" } },
      maps: [{ name: "@opens" }, { name: "@h" }],
    });
    const [opens, p99] = result.scenarios[0]!.metrics;
    expect(opens).toMatchObject({ verdict: "regression", changes: [{ key: ["b"], kind: "new" }] });
    expect(p99).toMatchObject({
      unit: "ns",
      bounds: [
        [8, 15],
        [8, 15],
      ],
    });
  });

  it.each<[string, (result: Record<string, unknown>) => void]>([
    ["another version", (result) => Object.assign(result, { schema: "probewright.result/v2" })],
    ["an unknown key", (result) => Object.assign(result, { more: 1 })],
    ["a missing part", (result) => Reflect.deleteProperty(result, "machine")],
    ["a wrong type", (result) => Object.assign(result, { exitCode: "0" })],
    ["an unknown status", (result) => Object.assign((result.scenarios as object[])[0]!, { status: "fine" })],
  ])("with %s are refused by both schemas", async (_, change) => {
    const json = throughJson(await everything()) as Record<string, unknown>;
    change(json);
    expect(resultSchema.safeParse(json).success).toBe(false);
    expect(accepts(resultJsonSchema(), json)).toBe(false);
  });

  it("publish their schema as text", async () => {
    expect(JSON.parse(resultSchemaText())).toEqual(resultJsonSchema());
    expect(resultSchemaText()).toContain("https://json-schema.org/draft/2020-12/schema");
    await expect(resultSchemaText()).toMatchFileSnapshot("../../../schema/result.schema.json");
  });
});

describe("the exit code", () => {
  const scenario = (status: ScenarioResult["status"], kind?: ProblemResult["kind"]) =>
    ({ status, problems: kind ? [{ kind, message: "" }] : [] }) as unknown as ScenarioResult;
  const passed = scenario("passed");
  const error = { severity: "error" } as DiagnosticResult;
  const warning = { severity: "warning" } as DiagnosticResult;

  it.each<[string, number, ScenarioResult[], DiagnosticResult[], boolean]>([
    ["nothing ran", 0, [], [], false],
    ["all passed", 0, [passed, passed], [warning], false],
    ["one was skipped", 0, [passed, scenario("skipped")], [], false],
    ["one was skipped for want of a program", 0, [passed, scenario("skipped", "missing-program")], [], false],
    ["a program was missing that had to be there", 3, [scenario("invalid", "missing-program")], [], false],
    ["one failed", 1, [passed, scenario("failed")], [], false],
    ["there were errors in files", 2, [], [error], false],
    ["the kernel refused a script", 2, [scenario("invalid", "verifier")], [], false],
    ["the machine lacks something", 3, [scenario("invalid", "capability")], [], false],
    ["one was invalid", 4, [passed, scenario("invalid", "timeout")], [], false],
    ["one was inconclusive", 4, [passed, scenario("inconclusive")], [], false],
    ["one failed and another was invalid", 1, [scenario("invalid", "timeout"), scenario("failed")], [], false],
    [
      "one failed and the machine lacks something",
      3,
      [scenario("failed"), scenario("invalid", "capability")],
      [],
      false,
    ],
    ["the user interrupted", 130, [scenario("failed")], [error], true],
  ])("when %s is %d", (_, code, scenarios, diagnostics, interrupted) => {
    expect(exitCodeOf(scenarios, diagnostics, interrupted)).toBe(code);
  });
});
