/** How the loader reaches the file system: an interface, so that tests need none, and the real thing. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

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

/** The nearest folder above this file that holds a package.json: the same from the sources and from dist/. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}
