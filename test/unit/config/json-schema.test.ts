import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { configSchemaText, scenarioJsonSchema, scenarioSchemaText } from "../../../harness/config/json-schema.ts";
import { minimal, template } from "./helpers.ts";
import { accepts } from "./json-schema-validator.ts";

describe("the JSON Schema", () => {
  it("is the file that ships with the package (a run with `--update` writes it anew)", async () => {
    await expect(scenarioSchemaText()).toMatchFileSnapshot("../../../schema/scenario.schema.json");
  });

  it("of the configuration ships with the package as well", async () => {
    await expect(configSchemaText()).toMatchFileSnapshot("../../../schema/config.schema.json");
  });

  const schema = scenarioJsonSchema();

  it.each([
    minimal(),
    minimal("runs: { count: 3, warmup: 0 }\nscope: system"),
    minimal(`runs: { count: "${template("n")}" }\nscope: "${template("s")}"`),
    minimal(
      "metrics: { a: sum(@x), b: { value: a, unit: ns, better: higher } }\nassert: [a < 4]\ncompare: { a: exact, default: { max-increase: 5% } }",
    ),
    minimal("probes: [{ use: x, params: { a: 1 } }, { file: y, scope: system }, { bpftrace: z, params: [1] }]"),
    "version: 1\nname: n\nworkload: { shell: x, timeout: 3s, setup: [a, b], before: [[a], { shell: b }], ready: { tcp: 80 }, driver: { command: [c, 1] } }",
    `version: 1\nname: n\nworkload: { shell: x, timeout: "${template("t")}", ready: { tcp: "${template("p")}" } }`,
    "version: 1\ndefaults: { workload: { command: [a] } }\nscenarios: [{ name: n }]",
  ])("accepts %j", (text) => expect(accepts(schema, parse(text))).toBe(true));

  it.each([
    "version: 2\nname: n\nworkload: { command: [a] }",
    "name: n\nworkload: { command: [a] }",
    "version: 1\nworkload: { command: [a] }",
    "version: 1\nname: n",
    minimal("oops: 1"),
    minimal("runs: { count: 0 }"),
    minimal("runs: { count: many }"),
    minimal("scope: all"),
    minimal("metrics: { 1a: x }"),
    minimal("metrics: { a: { unit: ns } }"),
    minimal("assert: a < 4"),
    minimal("compare: { a: { max-increase: 5 } }"),
    minimal("compare: { a: { min-delta: much } }"),
    "version: 1\nname: n\nworkload: { command: [a], timeout: 30 }",
    "version: 1\nname: n\nworkload: { command: [a], expect-exit: 256 }",
    "version: 1\nname: n\nworkload: { command: [a], shell: b }",
    "version: 1\nname: n\nworkload: { cwd: x }",
    "version: 1\nname: n\nworkload: { command: [a], ready: {} }",
    "version: 1\ndefaults: { workload: { command: [a], shell: b } }\nscenarios: [{ name: n }]",
    minimal("probes: [{ use: a, file: b }]"),
    minimal("probes: [{ params: [1] }]"),
    "version: 1\nscenarios: []",
    "version: 1\nscenarios: [{ description: d }]",
  ])("refuses %j", (text) => expect(accepts(schema, parse(text))).toBe(false));

  it("describes every key of a scenario", () => {
    const single = scenarioJsonSchema().else as { properties: Record<string, { description?: string }> };
    for (const [key, value] of Object.entries(single.properties))
      if (key !== "name") expect([key, value.description]).toEqual([key, expect.any(String)]);
  });
});
