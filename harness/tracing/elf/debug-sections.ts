/**
 * The files with a program's debug information, as the compiler's reader wants them: sections by name, unpacked. Only those that are asked
 * for are read, because there may be gigabytes. They are not mapped: a file that somebody cuts short meanwhile would end the process.
 */
import { existsSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import type { DebugFile, DebugFiles } from "../../../compiler/dwarf/files.ts";
import { DwarfError } from "../../../compiler/dwarf/reader.ts";
import { errnoOf } from "../facts/capability-error.ts";
import { belongs, findDebugFile } from "./debug-file.ts";
import { bytesOf, ElfError, ElfFile, type ReadAt, type Section, textAt, wide, withFile } from "./file.ts";
import { zlib } from "./zlib.ts";

const SHT_NOBITS = 8;
const SHF_COMPRESSED = 0x800;
const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
const COMPRESSION_HEADER = 24;
/** What a section may be unpacked to; a damaged header may claim anything. */
const MAX_UNPACKED = 1 << 30;

/** The debug information of a program: its own, or that of its debug file. Undefined when there is none. */
export function debugFilesOf(path: string, folders: readonly string[] = []): DebugFiles | undefined {
  const own = openFile(path);
  if (!own) return undefined;
  if (own.has(".debug_info")) return filesAround(own, path, path, folders);
  const debugPath = own.open((elf) => findDebugFile(elf, path, folders));
  const debug = debugPath === undefined ? undefined : openFile(debugPath);
  return debug?.has(".debug_info") ? filesAround(debug, debugPath!, path, folders) : undefined;
}

/** `path` is where the debug information is, `program` the file that it is about. */
function filesAround(main: SectionFile, path: string, program: string, folders: readonly string[]): DebugFiles {
  const opened = new Map<string, SectionFile | undefined>();
  const firstOf = (paths: readonly string[]): SectionFile | undefined => {
    const found = paths.find((each) => existsSync(each));
    if (found === undefined) return undefined;
    if (!opened.has(found)) opened.set(found, openFile(found));
    return opened.get(found);
  };
  const besides = [...new Set([dirname(program), dirname(path)])];
  const extra = folders.map((folder) => folder.replace(/^\+/, ""));
  const searched = [...besides, ...extra.map((folder) => (isAbsolute(folder) ? folder : join(besides[0]!, folder)))];
  return {
    main,
    supplement: () => firstOf(main.open((elf) => supplements(elf, path))),
    // Where it was built; and beside the program, if both have been moved.
    split: (name, folder) =>
      firstOf([
        isAbsolute(name) ? name : join(folder, name),
        ...searched.flatMap((beside) => [join(beside, name), join(beside, basename(name))]),
      ]),
    package: () =>
      firstOf([`${program}.dwp`, `${path}.dwp`, ...searched.map((f) => join(f, `${basename(program)}.dwp`))]),
  };
}

/** The files that .gnu_debugaltlink may mean: a name, and the build id behind it. */
function supplements(elf: ElfFile, path: string): string[] {
  const section = elf.section(".gnu_debugaltlink");
  if (!section) return [];
  const content = bytesOf(elf.content(section));
  const name = textAt(content, 0);
  if (!name) return [];
  const id = content.toString("hex", Buffer.byteLength(name) + 1);
  const named = isAbsolute(name) ? name : join(dirname(path), name);
  const byId = join("/usr/lib/debug/.build-id", id.slice(0, 2), `${id.slice(2)}.debug`);
  const usual = join("/usr/lib/debug/.dwz", basename(name));
  return [named, byId, usual].filter((file) => existsSync(file) && belongs(file, id));
}

class SectionFile implements DebugFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Throws ElfError, and what open throws. */
  open<T>(use: (elf: ElfFile, read: ReadAt) => T): T {
    return withFile(this.path, (read) => use(new ElfFile(read), read));
  }

  has(name: string): boolean {
    return (
      ifReadable(() => this.open((elf) => [name, oldName(name)].some((each) => present(elf, each).length > 0))) ?? false
    );
  }

  section(name: string): Uint8Array | undefined {
    try {
      return this.open((elf, read) => sectionOf(elf, read, name));
    } catch (error) {
      if (error instanceof ElfError || errnoOf(error) !== undefined) throw new DwarfError((error as Error).message);
      throw error;
    }
  }
}

export function sectionOf(elf: ElfFile, read: ReadAt, name: string): Uint8Array | undefined {
  const contentOf = ({ offset, size }: Section): Uint8Array => bytesOf(read(offset, size));
  const found = present(elf, name).map((each) => {
    const content = contentOf(each);
    return (each.flags & SHF_COMPRESSED) === 0 ? content : unpacked(content, name);
  });
  // What is in groups, of which a linker would keep one each: nothing refers from one to another by its place.
  if (found.length > 0) return found.length === 1 ? found[0] : Buffer.concat(found);
  const [old] = present(elf, oldName(name));
  return old && unpackedOld(contentOf(old), name);
}

function present(elf: ElfFile, name: string): Section[] {
  return elf.sectionsOf(name).filter(({ type }) => type !== SHT_NOBITS);
}

function openFile(path: string): SectionFile | undefined {
  const file = new SectionFile(path);
  return ifReadable(() => file.open(() => file));
}

/** Undefined for what is no ELF file, or cannot be read. */
export function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ElfError || errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}

function unpacked(content: Uint8Array, name: string): Uint8Array {
  if (content.length < COMPRESSION_HEADER) throw new DwarfError(`${name} is packed, and too short for that`);
  const header = new DataView(content.buffer, content.byteOffset, COMPRESSION_HEADER);
  const type = header.getUint32(0, true);
  const size = wide(header, 8);
  const data = content.subarray(COMPRESSION_HEADER);
  if (type === ELFCOMPRESS_ZLIB) return unpackWith(zlib().inflateSync, data, size, name);
  if (type === ELFCOMPRESS_ZSTD) {
    const { zstdDecompressSync: unpack } = zlib() as ReturnType<typeof zlib> & { zstdDecompressSync?: Unpack };
    if (unpack) return unpackWith(unpack, data, size, name);
    throw new DwarfError(
      `${name} is packed with zstd, which this version of Node cannot read: \`objcopy --decompress-debug-sections\` unpacks it`,
    );
  }
  throw new DwarfError(`${name} is packed in the way ${type}, which is not known`);
}

/** Before there was a flag for it, packed sections had other names: .zdebug_info. */
function oldName(name: string): string {
  return name.replace(/^\.debug_/, ".zdebug_");
}

function unpackedOld(content: Uint8Array, name: string): Uint8Array {
  const header = new DataView(content.buffer, content.byteOffset, content.byteLength);
  if (content.length < 12 || header.getUint32(0, false) !== 0x5a4c4942) throw new DwarfError(`${name} is not packed`);
  return unpackWith(zlib().inflateSync, content.subarray(12), Number(header.getBigUint64(4, false)), name);
}

type Unpack = (data: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

function unpackWith(unpack: Unpack, data: Uint8Array, size: number, name: string): Uint8Array {
  if (size > MAX_UNPACKED) throw new DwarfError(`${name} claims to be ${size} bytes unpacked`);
  try {
    const found = unpack(data, { maxOutputLength: Math.max(1, size) });
    if (found.length === size) return found;
    throw new DwarfError(`${name} is ${found.length} bytes unpacked, and not ${size}`);
  } catch (error) {
    if (error instanceof DwarfError) throw error;
    throw new DwarfError(`${name} cannot be unpacked: ${(error as Error).message}`);
  }
}
