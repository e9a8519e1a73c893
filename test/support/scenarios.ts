/** Scenarios from YAML text without files, through the real loader. */
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { ConfigHost } from "../../harness/config/host.ts";
import { loadSuite } from "../../harness/config/load.ts";
import type { Scenario } from "../../harness/config/scenario.ts";

/** Loads one file's text, as if it lay at `path`; throws with all diagnostics when there are errors. */
export function scenariosOf(yaml: string, path = "/project/test.yml"): Scenario[] {
  const host: ConfigHost = {
    readFile: (file) => {
      if (file === path) return yaml;
      throw new Error(`no such file: ${file}`);
    },
    presets: () => new Map(),
  };
  const diags = new Diagnostics();
  const { scenarios } = loadSuite([path], host, diags);
  if (diags.hasErrors) throw new Error(renderDiagnostics(diags.items));
  return scenarios;
}

/** The only scenario of a file that says nothing but what the test is about. */
export function scenarioOf(yaml: string, path?: string): Scenario {
  const [scenario] = scenariosOf(`version: 1\nname: test\n${yaml}`, path);
  return scenario!;
}
