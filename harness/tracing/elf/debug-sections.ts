/**
 * The files with a program's debug information, as the compiler's reader wants them: sections by name, unpacked. Files are mapped and
 * not read, because there may be gigabytes of it.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import * as zlib from "node:zlib";
import type { DebugFile, DebugFiles } from "../../../compiler/dwarf/files.ts";
import { DwarfError } from "../../../compiler/dwarf/reader.ts";
import { mapFile, SysError } from "../../../native/index.ts";
import { errnoOf } from "../facts/capability-error.ts";
import { belongs, findDebugFile } from "./debug-file.ts";
import { bytesOf, ElfError, ElfFile, type Section, textAt, wide } from "./file.ts";

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
  const debugPath = findDebugFile(own.elf, path, folders);
  const debug = debugPath === undefined ? undefined : openFile(debugPath);
  return debug?.has(".debug_info") ? filesAround(debug, debugPath!, path, folders) : undefined;
}

/** `path` is where the debug information is, `program` the file that it is about. */
function filesAround(main: MappedFile, path: string, program: string, folders: readonly string[]): DebugFiles {
  const opened = new Map<string, MappedFile | undefined>();
  const firstOf = (paths: readonly string[]): MappedFile | undefined => {
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
    supplement: () => firstOf(supplements(main.elf, path)),
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

class MappedFile implements DebugFile {
  readonly path: string;
  readonly elf: ElfFile;
  readonly #bytes: Uint8Array;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.#bytes = bytes;
    this.elf = new ElfFile((offset, length) => {
      if (offset + length > bytes.length) throw new ElfError(`the file ends before byte ${offset + length}`);
      return new DataView(bytes.buffer, bytes.byteOffset + offset, length);
    });
  }

  has(name: string): boolean {
    return this.#find(name).length > 0 || this.#find(oldName(name)).length > 0;
  }

  section(name: string): Uint8Array | undefined {
    const found = this.#find(name).map((each) => {
      const content = this.#content(each);
      return (each.flags & SHF_COMPRESSED) === 0 ? content : unpacked(content, name);
    });
    // What is in groups, of which a linker would keep one each: nothing refers from one to another by its place.
    if (found.length > 0) return found.length === 1 ? found[0] : Buffer.concat(found);
    const [old] = this.#find(oldName(name));
    return old && unpackedOld(this.#content(old), name);
  }

  #find(name: string): Section[] {
    return this.elf.sectionsOf(name).filter(({ type }) => type !== SHT_NOBITS);
  }

  #content({ offset, size }: Section): Uint8Array {
    if (offset + size > this.#bytes.length) throw new DwarfError(`the file ends before byte ${offset + size}`);
    return this.#bytes.subarray(offset, offset + size);
  }
}

/** Undefined for what is no ELF file, or cannot be read. */
function openFile(path: string): MappedFile | undefined {
  try {
    return new MappedFile(path, contentOf(path));
  } catch (error) {
    if (error instanceof ElfError || errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}

function contentOf(path: string): Uint8Array {
  try {
    return mapFile(path);
  } catch (error) {
    if (error instanceof SysError) return readFileSync(path);
    throw error;
  }
}

function unpacked(content: Uint8Array, name: string): Uint8Array {
  if (content.length < COMPRESSION_HEADER) throw new DwarfError(`${name} is packed, and too short for that`);
  const header = new DataView(content.buffer, content.byteOffset, COMPRESSION_HEADER);
  const type = header.getUint32(0, true);
  const size = wide(header, 8);
  const data = content.subarray(COMPRESSION_HEADER);
  if (type === ELFCOMPRESS_ZLIB) return unpackWith(zlib.inflateSync, data, size, name);
  if (type === ELFCOMPRESS_ZSTD) {
    const { zstdDecompressSync: unpack } = zlib as typeof zlib & { zstdDecompressSync?: Unpack };
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
  return unpackWith(zlib.inflateSync, content.subarray(12), Number(header.getBigUint64(4, false)), name);
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
