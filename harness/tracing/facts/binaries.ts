/**
 * Which file a probe means by `bash` or `libc`: the one that the shell or the dynamic linker would take.
 */
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { KernelFacts } from "../../../compiler/kernel-facts.ts";
import { errnoOf } from "./capability-error.ts";

export interface Binaries {
  arch: KernelFacts["arch"];
  /** Where executables are looked for, as in $PATH. */
  path: string;
  /** The root of the file system, "/" but in tests. */
  root: string;
}

/**
 * The file that a name stands for: a path as it is, else an executable of $PATH, else a library with or without its
 * version (`libc`, `libc.so.6`). Undefined when there is none.
 */
export function findBinary(name: string, where: Binaries): string | undefined {
  if (name === "") return undefined;
  if (name.includes("/")) return isFile(join(where.root, name)) ? name : undefined;
  return findExecutable(name, where) ?? findLibrary(name, where);
}

/** The first executable of that name in the folders of a PATH. */
export function findExecutable(name: string, { path, root }: Pick<Binaries, "path" | "root">): string | undefined {
  for (const directory of path.split(delimiter)) {
    // An empty entry means the current directory, which is nobody's intention.
    if (directory === "") continue;
    const candidate = join(directory, name);
    if (isFile(join(root, candidate), constants.X_OK)) return candidate;
  }
  return undefined;
}

function findLibrary(name: string, { arch, root }: Binaries): string | undefined {
  const cached = libraryCache(root, arch).find(
    (library) => matches(library.name, name) && isFile(join(root, library.path)),
  );
  if (cached) return cached.path;
  for (const directory of LIBRARY_DIRECTORIES[arch]) {
    for (const file of [name, `${name}.so`]) {
      const candidate = join(directory, file);
      if (isFile(join(root, candidate))) return candidate;
    }
  }
  return undefined;
}

/** `libc.so.6` is meant by itself, by `libc.so` and by `libc`. */
function matches(library: string, name: string): boolean {
  return (
    library === name || library.startsWith(`${name}.so`) || (name.endsWith(".so") && library.startsWith(`${name}.`))
  );
}

const LIBRARY_DIRECTORIES: Readonly<Record<KernelFacts["arch"], readonly string[]>> = {
  x64: ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"],
  arm64: ["/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"],
};

interface CachedLibrary {
  name: string;
  path: string;
}

// What ldconfig writes: "glibc-ld.so.cache1.1", u32 count, u32 bytes of strings, 20 bytes, then entries of
// { i32 flags, u32 name, u32 path, u32 version, u64 hwcap }, where name and path are offsets from the beginning. Older
// systems put a header of another format before it.
const MAGIC = "glibc-ld.so.cache1.1";
const HEADER_BYTES = 48;
const ENTRY_BYTES = 24;
/** libc6, 64 bits. */
const FLAGS: Readonly<Record<KernelFacts["arch"], number>> = { x64: 0x0303, arm64: 0x0a03 };

function libraryCache(root: string, arch: KernelFacts["arch"]): CachedLibrary[] {
  let file: Buffer;
  try {
    file = readFileSync(join(root, "/etc/ld.so.cache"));
  } catch (error) {
    // musl has none.
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "EACCES") return [];
    throw error;
  }
  return parseLibraryCache(file, FLAGS[arch]);
}

/** Entries of an ld.so.cache with these flags; none when it is damaged. */
export function parseLibraryCache(file: Buffer, flags: number): CachedLibrary[] {
  const start = file.indexOf(MAGIC, 0, "latin1");
  if (start < 0 || file.length < start + HEADER_BYTES) return [];
  const cache = file.subarray(start);
  const count = Math.min(cache.readUInt32LE(20), Math.floor((cache.length - HEADER_BYTES) / ENTRY_BYTES));
  const text = (offset: number): string | undefined => {
    const end = cache.indexOf(0, offset);
    return offset < cache.length && end >= 0 ? cache.toString("utf8", offset, end) : undefined;
  };
  const libraries: CachedLibrary[] = [];
  for (let i = 0; i < count; i++) {
    const entry = HEADER_BYTES + i * ENTRY_BYTES;
    const name = text(cache.readUInt32LE(entry + 4));
    const path = text(cache.readUInt32LE(entry + 8));
    if (cache.readInt32LE(entry) === flags && name && path) libraries.push({ name, path });
  }
  return libraries;
}

function isFile(path: string, mode = constants.R_OK): boolean {
  try {
    accessSync(path, mode);
    return statSync(path).isFile();
  } catch (error) {
    // A name of the user's, at which anything may be wrong: it is no file of ours then.
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}
