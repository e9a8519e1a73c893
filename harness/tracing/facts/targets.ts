/** Which files a probe on user code means: one by its name or path, many by a pattern. */
import { existsSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { splitArchivePath } from "../elf/archive.ts";
import { ElfError, ElfFile, withFile } from "../elf/file.ts";
import { type Binaries, findBinary } from "./binaries.ts";
import { errnoOf } from "./capability-error.ts";
import { glob } from "./glob.ts";
import { mappedFiles, reachablePath, readMappings } from "./processes.ts";

export interface TargetOptions {
  /** The process that is traced, whose files are meant. */
  pid: number | undefined;
  /** Any file will do that is named, even one that is no ELF file. */
  anyFile: boolean;
}

/** The files, best match first; see KernelFacts.binaries(). */
export function findTargets(name: string, where: Binaries, { pid, anyFile }: TargetOptions): string[] {
  const { root } = where;
  if (name === "*") return mappedFiles(pid, root).filter((path) => isProgram(join(root, path)));
  if (name.includes("*")) return patternTargets(name, where, pid);
  const archive = splitArchivePath(name);
  if (archive) return existsSync(at(root, archive.file)) ? [name] : [];
  const mapped = pid === undefined ? undefined : mappedLibrary(name, pid, root);
  if (mapped) return [mapped];
  if (name.includes("/")) {
    const path = pid === undefined ? name : reachablePath(pid, name, root);
    return isWanted(at(root, path), anyFile) ? [path] : [];
  }
  const found = findBinary(name, where);
  if (found) return [found];
  return isWanted(name, anyFile) ? [name] : [];
}

function patternTargets(pattern: string, { root, path }: Binaries, pid: number | undefined): string[] {
  const folders = pattern.includes("/") ? [] : path.split(delimiter).filter((folder) => folder !== "");
  const local = pid === undefined || !pattern.startsWith("/") ? pattern : reachablePath(pid, pattern, root);
  const paths = [local, ...folders.map((folder) => join(folder, pattern))].flatMap((each) => glob(each, root));
  return [...new Set(paths)].filter((each) => isProgram(at(root, each)));
}

/** The library of that name that a process uses: it may not be the one that others get. */
function mappedLibrary(name: string, pid: number, root: string): string | undefined {
  if (name.includes("/") || !name.startsWith("lib")) return undefined;
  const mapping = readMappings(pid, root).find(({ executable, path }) => {
    const file = path.slice(path.lastIndexOf("/") + 1);
    return executable && path.startsWith("/") && (file === name || file.startsWith(`${name}.so`));
  });
  return mapping && reachablePath(pid, mapping.path, root);
}

function at(root: string, path: string): string {
  return path.startsWith("/") ? join(root, path) : path;
}

function isWanted(path: string, anyFile: boolean): boolean {
  return anyFile ? existsSync(path) : isProgram(path);
}

/** Whether a file is an executable, which must be marked as such, or a library. */
function isProgram(path: string): boolean {
  try {
    const { type } = withFile(path, (read) => new ElfFile(read));
    return type === "dynamic" || (type === "executable" && (statSync(path).mode & 0o100) !== 0);
  } catch (error) {
    if (error instanceof ElfError || errnoOf(error) !== undefined) return false;
    throw error;
  }
}
