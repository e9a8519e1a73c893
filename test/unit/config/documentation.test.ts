import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { scenarioJsonSchema } from "../../../harness/config/json-schema.ts";
import { loadProject } from "../../../harness/config/project.ts";
import { FUNCTIONS } from "../../../harness/metrics/functions.ts";
import { FREE_METRICS } from "../../../harness/metrics/run-data.ts";
import { UNITS } from "../../../harness/metrics/units.ts";
import { blocksOf } from "../../support/markdown.ts";
import { hostOf, load, minimal } from "./helpers.ts";

const REFERENCE = "docs/scenario-reference.md";
const documents = ["README.md", "CONTRIBUTING.md", ...readdirSync("docs").map((file) => `docs/${file}`)];

/** YAML blocks by document, line and kind: a scenario or a part of one, or what stands behind the fence's `yaml`. */
const blocks = documents.flatMap((document) =>
  blocksOf(readFileSync(document, "utf8"))
    .filter(({ language }) => language === "yaml")
    .map(({ line, mark, text }) => [document, line, mark || "scenario", text] as const),
);

/** A fragment becomes a whole scenario. */
function complete(text: string): string {
  if (text.includes("version: 1")) return text;
  return text.includes("workload:") ? `version: 1\nname: n\n${text}` : minimal(text);
}

const PRESETS = Object.fromEntries(
  ["syscalls", "files"].map((name) => [`/presets/${name}.yml`, readFileSync(`scenarios/presets/${name}.yml`, "utf8")]),
);

describe("the documentation", () => {
  it.each(blocks)("%s, line %d, has an example (%s) that loads", (_document, _line, kind, text) => {
    if (kind === "workflow") {
      expect(parse(text)).toMatchObject({ jobs: expect.any(Object) });
      return;
    }
    if (kind === "config") {
      const diags = new Diagnostics();
      loadProject("/suite/config.yml", "config.yml", hostOf({ "/suite/config.yml": text }), diags);
      expect(diags.items.map(({ message }) => message)).toEqual([]);
      return;
    }
    expect(["scenario", "preset"]).toContain(kind);
    const { diags } =
      kind === "preset"
        ? load(minimal("probes: [{ use: example }]"), { "/presets/example.yml": text })
        : load(complete(text), { "/suite/probes/reads.bt": "", ...PRESETS });
    expect(diags.items.map(({ message }) => message)).toEqual([]);
  });
});

describe(REFERENCE, () => {
  const reference = readFileSync(REFERENCE, "utf8");
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
