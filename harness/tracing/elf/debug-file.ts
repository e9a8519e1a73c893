/** Stripped programs: distributions keep their symbols in a file of its own, named after the build id or by a link. */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { bytesOf, type ElfFile, textAt } from "./file.ts";

const DEBUG_ROOT = "/usr/lib/debug";

/** The file with the symbols of a stripped one, if there is one on this machine. */
export function findDebugFile(elf: ElfFile, path: string): string | undefined {
  return candidates(elf, path).find((file) => file !== path && existsSync(file));
}

function candidates(elf: ElfFile, path: string): string[] {
  const files: string[] = [];
  const { buildId } = elf;
  if (buildId) files.push(join(DEBUG_ROOT, ".build-id", buildId.slice(0, 2), `${buildId.slice(2)}.debug`));
  const link = debugLink(elf);
  if (link) {
    const folder = dirname(path);
    files.push(join(folder, link), join(folder, ".debug", link), join(DEBUG_ROOT, folder, link));
  }
  return files;
}

/** The name that .gnu_debuglink gives; only its last part, which is all that it may have. */
function debugLink(elf: ElfFile): string | undefined {
  const section = elf.section(".gnu_debuglink");
  const name = section && textAt(bytesOf(elf.content(section)), 0);
  return name ? basename(name) : undefined;
}
