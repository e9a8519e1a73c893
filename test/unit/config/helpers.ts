/** A loader without a file system: files are a record from path to text. */
import { type Diagnostic, Diagnostics, location, renderDiagnostics } from "../../../compiler/diagnostics.ts";
import { outermost, spanText } from "../../../compiler/source.ts";
import type { ConfigHost } from "../../../harness/config/host.ts";
import { loadScenarios } from "../../../harness/config/load.ts";
import type { Scenario } from "../../../harness/config/scenario.ts";

export const FILE = "/suite/io.yml";
const PRESETS = "/presets/";

/** Files under /presets/ are presets by their base name. */
export function hostOf(files: Readonly<Record<string, string>>): ConfigHost {
  return {
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error("no such file");
      return text;
    },
    presets: () =>
      new Map(
        Object.keys(files).flatMap((path) =>
          path.startsWith(PRESETS) ? [[path.slice(PRESETS.length, -".yml".length), path]] : [],
        ),
      ),
  };
}

export interface Loaded {
  readonly scenarios: Scenario[];
  readonly diags: Diagnostics;
}

export function load(text: string, files: Readonly<Record<string, string>> = {}): Loaded {
  const diags = new Diagnostics();
  const scenarios = loadScenarios(FILE, hostOf({ ...files, [FILE]: text }), diags);
  return { scenarios, diags };
}

/** The scenarios of a file that must be right. */
export function loadGood(text: string, files?: Readonly<Record<string, string>>): Scenario[] {
  const { scenarios, diags } = load(text, files);
  if (diags.items.length > 0) throw new Error(renderDiagnostics(diags.items));
  return scenarios;
}

/** A scenario with the least that it needs, and the given lines. */
export function minimal(lines = ""): string {
  return `version: 1\nname: n\nworkload: { command: [true] }\n${lines}`;
}

/** What a diagnostic says, as one line of a table: where, its code, and the underlined text of the file. */
export function brief(diagnostic: Diagnostic): [place: string, code: string, underlined: string] {
  const place = location(diagnostic.span).replace(/^.*\/([^/]+)$/, "$1");
  return [place, diagnostic.code, spanText(outermost(diagnostic.span))];
}

/** `${{ matrix.NAME }}` */
export function template(name: string): string {
  return `\${{ matrix.${name} }}`;
}
