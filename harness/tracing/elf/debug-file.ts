/**
 * Stripped programs: distributions keep their symbols and their debug information in a file of its own, named after the build id, by a
 * link, or like the program. What belongs to another build is left alone.
 */
import { existsSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { errnoOf } from "../facts/capability-error.ts";
import { bytesOf, ElfError, ElfFile, textAt, withFile } from "./file.ts";
import { zlib } from "./zlib.ts";

/** Where debug files are looked for, as distributions and debuggers have it; "" is the program's own folder. */
const USUAL_FOLDERS: readonly string[] = ["", ".debug", "/usr/lib/debug"];

interface Link {
  name: string;
  /** Of the whole file that is meant. */
  checksum: number;
}

/**
 * The file with the symbols and the debug information of a stripped one, if there is one on this machine. `folders` are searched
 * before the usual ones; relative ones start at the program's, and a `+` in front has the content checked as well.
 */
export function findDebugFile(elf: ElfFile, path: string, folders: readonly string[] = []): string | undefined {
  const link = debugLink(elf);
  for (const { file, checked } of candidates(elf, path, link, folders)) {
    if (file === path || !existsSync(file)) continue;
    if (belongs(file, elf.buildId) && (!checked || hasChecksum(file, link))) return file;
  }
  return undefined;
}

/** A file that carries the same build id, or none at all. */
export function belongs(file: string, buildId: string | undefined): boolean {
  try {
    const own = withFile(file, (read) => new ElfFile(read).buildId);
    return buildId === undefined || own === undefined || own === buildId;
  } catch (error) {
    if (error instanceof ElfError || errnoOf(error) !== undefined) return false;
    throw error;
  }
}

function* candidates(
  elf: ElfFile,
  path: string,
  link: Link | undefined,
  folders: readonly string[],
): Generator<{ file: string; checked: boolean }> {
  const { buildId } = elf;
  const own = dirname(path);
  const names = link ? [link.name] : [`${basename(path)}.debug`];
  for (const folder of [...folders, ...USUAL_FOLDERS]) {
    const checked = folder.startsWith("+");
    const plain = checked ? folder.slice(1) : folder;
    const base = isAbsolute(plain) ? plain : join(own, plain);
    if (buildId) yield { file: join(base, ".build-id", buildId.slice(0, 2), `${buildId.slice(2)}.debug`), checked };
    for (const name of names) {
      yield { file: join(base, name), checked };
      if (isAbsolute(plain)) yield { file: join(base, own, name), checked };
    }
  }
}

/** What .gnu_debuglink gives: a name without folders, and a checksum. */
function debugLink(elf: ElfFile): Link | undefined {
  const section = elf.section(".gnu_debuglink");
  if (!section) return undefined;
  const content = elf.content(section);
  const name = textAt(bytesOf(content), 0);
  if (!name || content.byteLength < 4) return undefined;
  return { name: basename(name), checksum: content.getUint32(content.byteLength - 4, true) };
}

function hasChecksum(file: string, link: Link | undefined): boolean {
  if (link === undefined) return true;
  return withFile(file, (read, size) => {
    let checksum = 0;
    for (let at = 0; at < size; at += CHUNK) {
      checksum = zlib().crc32(bytesOf(read(at, Math.min(CHUNK, size - at))), checksum);
    }
    return checksum === link.checksum;
  });
}

const CHUNK = 1 << 20;
