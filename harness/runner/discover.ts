/** Which files hold the scenarios that the user named by files and folders. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { CONFIG_FILE } from "../config/project.ts";

/** A path that leads to no scenarios; the message says why. */
export class DiscoverError extends Error {
  override readonly name = "DiscoverError";
}

/** Folders that are never entered: presets are parts of scenarios, and the others are not the user's own. */
const SKIPPED: ReadonlySet<string> = new Set(["presets", "node_modules"]);

/** Files are taken as they are; folders are searched for scenario files, sorted by name. Throws DiscoverError. */
export function discover(paths: readonly string[]): string[] {
  const files = new Set<string>();
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) throw new DiscoverError(`there is no file or folder \`${path}\``);
    if (!stat.isDirectory()) {
      files.add(path);
      continue;
    }
    const found = scenarioFiles(path);
    if (found.length === 0) throw new DiscoverError(`there are no scenarios (*.yml) below \`${path}\``);
    for (const file of found) files.add(file);
  }
  return [...files];
}

function scenarioFiles(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) || entry.name.startsWith(".") ? [] : scenarioFiles(path);
    if (entry.name === CONFIG_FILE) return [];
    return /\.ya?ml$/.test(entry.name) && looksLikeScenario(readFileSync(path, "utf8")) ? [path] : [];
  });
}

/** Other tools have YAML files too. One key of a scenario is enough, so that one with mistakes is not passed over. */
function looksLikeScenario(text: string): boolean {
  return /^["']?(workload|scenarios|probes|metrics|assert)["']?\s*:/m.test(text);
}
