import { describe, expect, it } from "vitest";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { findProjectFile, loadProject, type Project } from "../../../harness/config/project.ts";
import { brief, hostOf, template } from "./helpers.ts";

const FILE = "/repo/packages/api/probewright.config.yml";

function load(text: string): { project: Project | undefined; diags: Diagnostics } {
  const diags = new Diagnostics();
  const project = loadProject(FILE, "probewright.config.yml", hostOf({ [FILE]: text }), diags);
  return { project, diags };
}

describe("the project's configuration", () => {
  it("is found in the folder or the nearest one above", () => {
    const there =
      (...paths: string[]) =>
      (path: string) =>
        paths.includes(path);
    const [inner, outer] = [FILE, "/repo/probewright.config.yml"];
    expect(findProjectFile("/repo/packages/api/src", there(inner, outer))).toBe(inner);
    expect(findProjectFile("/repo/packages", there(inner, outer))).toBe(outer);
    expect(findProjectFile("/repo", there(outer), "/repo")).toBe(outer);
    expect(findProjectFile("/repo/packages", there("/probewright.config.yml"), "/repo")).toBeUndefined();
    expect(findProjectFile("/", there())).toBeUndefined();
  });

  it("has paths that are relative to its folder", () => {
    const { project } = load("version: 1\nscenarios: [perf, ../web/perf/home.yml]\nbuild: [make, -j2]");
    expect(project).toMatchObject({
      scenarios: ["/repo/packages/api/perf", "/repo/packages/web/perf/home.yml"],
      build: [{ command: { argv: ["make", "-j2"] }, cwd: "/repo/packages/api", timeoutMs: 30 * 60_000 }],
    });
    expect(load("version: 1\nscenarios: perf").project).toMatchObject({ scenarios: ["/repo/packages/api/perf"] });
  });

  it("may have several steps with surroundings of their own", () => {
    const { project } = load(
      "version: 1\nbuild:\n  - { shell: npm ci && npm run build, timeout: 90s, cwd: web, env: { CI: 1 } }\n  - [make, 0.10]",
    );
    expect(project?.build).toMatchObject([
      { command: { kind: "shell" }, cwd: "/repo/packages/api/web", env: { CI: "1" }, timeoutMs: 90_000 },
      { command: { argv: ["make", "0.10"] } },
    ]);
    expect(load("version: 1").project).toEqual({ scenarios: undefined, build: [] });
  });

  it.each<[string, [string, string, string]]>([
    ["build: [make]", ["probewright.config.yml:1:1", "missing-key", "build: [make]"]],
    ["version: 2", ["probewright.config.yml:1:10", "wrong-type", "2"]],
    ["version: 1\nbuidl: [make]", ["probewright.config.yml:2:1", "unknown-key", "buidl"]],
    ["version: 1\nbuild: make all", ["probewright.config.yml:2:8", "wrong-type", "make all"]],
    ["version: 1\nbuild: { command: [make], shell: make }", ["probewright.config.yml:2:27", "bad-value", "shell"]],
    ["version: 1\nbuild: { shell: make, timeout: 5 }", ["probewright.config.yml:2:32", "bad-value", "5"]],
    ["version: 1\nscenarios: []", ["probewright.config.yml:2:1", "bad-value", "scenarios"]],
    ["version: 1\nscenarios: { a: b }", ["probewright.config.yml:2:1", "wrong-type", "scenarios"]],
    [
      `version: 1\nbuild: { shell: make, timeout: "${template("t")}" }`,
      ["probewright.config.yml:1:1", "bad-template", "version: 1"],
    ],
    ["version: 1\nbuild: [", ["probewright.config.yml:2:9", "yaml-syntax", ""]],
    ["", ["probewright.config.yml:1:1", "empty-file", ""]],
  ])("refuses %j", (text, expected) => {
    const { project, diags } = load(text);
    expect(project).toBeUndefined();
    expect(diags.items.map(brief)).toEqual([expected]);
  });

  it("says that it cannot be read", () => {
    const diags = new Diagnostics();
    expect(loadProject(FILE, "probewright.config.yml", hostOf({}), diags)).toBeUndefined();
    expect(diags.items.map(({ code }) => code)).toEqual(["unreadable-file"]);
  });
});
