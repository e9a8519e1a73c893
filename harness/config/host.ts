/** How the loader reaches the file system: an interface, so that tests need none, and the real thing. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../version.ts";

export interface ConfigHost {
  /** The text of a file by its absolute path; throws an Error with a readable message. */
  readFile(path: string): string;
  /** Absolute paths of the preset files by preset name. */
  presets(): ReadonlyMap<string, string>;
}

const PRESET_SUFFIX = ".yml";

/** The real file system, with the presets that ship with the package. */
export const fileHost: ConfigHost = {
  readFile: (path) => readFileSync(path, "utf8"),
  presets: () => {
    const folder = join(packageRoot(), "scenarios", "presets");
    const files = readdirSync(folder).filter((file) => file.endsWith(PRESET_SUFFIX));
    return new Map(files.sort().map((file) => [file.slice(0, -PRESET_SUFFIX.length), join(folder, file)]));
  },
};
