/**
 * The configuration of a project, `probewright.config.yml`: what holds for all its scenarios. Commands find it in the
 * folder in which they are called, or in the nearest one above.
 */
import { dirname, join } from "node:path";
import type { Diagnostics } from "../../compiler/diagnostics.ts";
import { Source, span } from "../../compiler/source.ts";
import { projectFile } from "./definition.ts";
import { parseDocument } from "./document.ts";
import type { ConfigHost } from "./host.ts";
import { absolute, type Folder } from "./paths.ts";
import { readText } from "./presets.ts";
import type { Step } from "./scenario.ts";
import { keySpanAt, validate, valueAt } from "./validate.ts";
import { buildSteps } from "./workload.ts";

export const CONFIG_FILE = "probewright.config.yml";

/** Builds take longer than workloads. */
const BUILD_TIMEOUT_MS = 30 * 60_000;

export interface Project {
  /** Absolute paths of scenario files and folders; undefined when the configuration names none. */
  readonly scenarios: readonly string[] | undefined;
  /** What prepares a checkout, in order. */
  readonly build: readonly Step[];
}

/** The nearest configuration file in `folder` (absolute) or above it, but no higher than `top`. */
export function findProjectFile(folder: string, exists: (path: string) => boolean, top = "/"): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, CONFIG_FILE);
    if (exists(path)) return path;
    if (at === top || at === dirname(at)) return undefined;
  }
}

/** Loads the file at `path` (absolute), which messages call `shown`. Undefined after adding diagnostics. */
export function loadProject(path: string, shown: string, host: ConfigHost, diags: Diagnostics): Project | undefined {
  const text = readText(host, path, span(new Source(shown, ""), 0, 0), diags);
  if (text === undefined) return undefined;
  const tree = parseDocument(new Source(shown, text), diags);
  if (tree === undefined) return undefined;
  const before = diags.errors.length;
  const input = validate(projectFile, tree, diags);
  if (input === undefined) {
    // In a scenario a template stands for a value that will be right, so nothing was said of it.
    if (diags.errors.length === before)
      diags.error("bad-template", keySpanAt(tree, []), "there is nothing here that a template could stand for");
    return undefined;
  }
  const folder: Folder = { path: dirname(path), shown: dirname(shown) };
  const { scenarios } = input;
  const paths = typeof scenarios === "string" ? [scenarios] : scenarios;
  const around = { cwd: folder.path, env: {}, timeoutMs: BUILD_TIMEOUT_MS };
  return {
    scenarios: paths?.map((path) => absolute(folder, path)),
    build: buildSteps(valueAt(tree, ["build"]), input.build, folder, around),
  };
}
