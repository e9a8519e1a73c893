import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { scenarioJsonSchema } from "../../../harness/config/json-schema.ts";
import { FUNCTIONS } from "../../../harness/metrics/functions.ts";
import { FREE_METRICS } from "../../../harness/metrics/run-data.ts";
import { UNITS } from "../../../harness/metrics/units.ts";
import { load, minimal } from "./helpers.ts";

const reference = readFileSync("docs/scenario-reference.md", "utf8");
const blocks = [...reference.matchAll(/^```yaml( \w+)?\n(.*?)^```$/gms)].map(
  ([, kind = "", text = ""]) => [kind.trim(), text] as const,
);

/** A fragment becomes a whole scenario. */
function complete(text: string): string {
  if (text.includes("version: 1")) return text;
  return text.includes("workload:") ? `version: 1\nname: n\n${text}` : minimal(text);
}

describe("docs/scenario-reference.md", () => {
  it.each(blocks)("has an example (%s) that loads: %s", (kind, text) => {
    const files = {
      "/suite/probes/reads.bt": "",
      "/presets/syscalls.yml": "version: 1\ndescription: d\nprobes: [{ bpftrace: x }]",
    };
    const { diags } =
      kind === "preset"
        ? load(minimal("probes: [{ use: example }]"), { "/presets/example.yml": text })
        : load(complete(text), files);
    expect(diags.items.map(({ message }) => message)).toEqual([]);
  });

  const mentioned = (name: string): boolean => reference.includes(`\`${name}`);

  it.each([
    ["function", Object.keys(FUNCTIONS)],
    ["free metric", Object.keys(FREE_METRICS)],
    ["unit", Object.keys(UNITS)],
    ["key", keysOf(scenarioJsonSchema())],
  ])("names every %s", (_, names) => expect(names.filter((name) => !mentioned(name))).toEqual([]));
});

/** All keys of all mappings with fixed keys in a schema. */
function keysOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const properties = "properties" in schema ? Object.keys(schema.properties as object) : [];
  return [...new Set([...properties, ...Object.values(schema).flatMap(keysOf)])];
}
