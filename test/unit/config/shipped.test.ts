import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Diagnostics, renderDiagnostics } from "../../../compiler/diagnostics.ts";
import { type ConfigHost, fileHost } from "../../../harness/config/host.ts";
import { loadSuite } from "../../../harness/config/load.ts";
import { FILE, minimal } from "./helpers.ts";

/** The loader's complaints about files, as the user would read them. */
function complaints(paths: readonly string[], host: ConfigHost): string {
  const diags = new Diagnostics();
  loadSuite(paths, host, diags);
  return renderDiagnostics(diags.items);
}

describe("what ships with the package", () => {
  const scenarios = readdirSync("scenarios").filter((file) => file.endsWith(".yml"));

  it("loads as one suite", () => {
    expect(scenarios.length).toBeGreaterThan(0);
    expect(
      complaints(
        scenarios.map((file) => `scenarios/${file}`),
        fileHost,
      ),
    ).toBe("");
  });

  it.each([...fileHost.presets().keys()])("has a sound preset %s", (name) => {
    const host = {
      ...fileHost,
      readFile: (path: string) => (path === FILE ? minimal(`probes: [{ use: ${name} }]`) : fileHost.readFile(path)),
    };
    expect(complaints([FILE], host)).toBe("");
  });

  it("has no preset that does not exist, and says what cannot be read", () => {
    const host = {
      ...fileHost,
      readFile: (path: string) => (path === FILE ? minimal("probes: [{ file: gone.bt }]") : fileHost.readFile(path)),
    };
    expect(complaints([FILE], host)).toMatch(/cannot read \/suite\/gone.bt: ENOENT: no such file or directory$/m);
  });
});
