/**
 * The functions of an executable or library, for uprobes: their names, and where in the file their code lies. Only the
 * headers and the symbol tables are read, since a browser's symbols are few beside its code.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { ElfSymbols } from "../../../compiler/kernel-facts.ts";

/** A file that is no 64-bit little-endian ELF file, or contradicts itself. */
export class ElfError extends Error {
  override readonly name = "ElfError";
}

/** `length` bytes from `offset`. Throws ElfError when the file has fewer. */
export type ReadAt = (offset: number, length: number) => DataView;

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
/** No symbol table is larger; a damaged header may claim anything. */
const MAX_TABLE_BYTES = 1 << 30;

interface Segment {
  offset: number;
  address: number;
  fileSize: number;
}

interface Section {
  type: number;
  offset: number;
  size: number;
  link: number;
}

export interface ElfFunction {
  name: string;
  /** Bytes from the file's start, which is what the kernel wants for a uprobe. */
  offset: number;
  /** Bytes. */
  size: number;
}

/** Opens a file and reads its functions, both tables, each name and place once. Throws ElfError, or what open throws. */
export function readElf(path: string): ElfSymbols {
  const functions = withFile(path, elfFunctions);
  return { functions: () => functions };
}

function withFile<T>(path: string, use: (read: ReadAt) => T): T {
  const fd = openSync(path, "r");
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new ElfError("not a regular file");
    return use((offset, length) => {
      // Before any memory is taken for it.
      if (offset + length > stat.size) throw truncated(offset, length);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const n = readSync(fd, bytes, done, length - done, offset + done);
        if (n === 0) throw truncated(offset, length);
        done += n;
      }
      return new DataView(bytes.buffer);
    });
  } finally {
    closeSync(fd);
  }
}

function truncated(offset: number, length: number): ElfError {
  return new ElfError(`the file ends before byte ${offset + length}`);
}

/** The functions of an ELF file, wherever its bytes are. Throws ElfError. */
export function elfFunctions(read: ReadAt): ElfFunction[] {
  const header = read(0, HEADER_BYTES);
  if (header.getUint32(0, false) !== 0x7f454c46) throw new ElfError("not an ELF file");
  if (header.getUint8(4) !== 2) throw new ElfError("not a 64-bit ELF file");
  if (header.getUint8(5) !== 1) throw new ElfError("not a little-endian ELF file");
  const segments = readSegments(read, header);
  const sections = readSections(read, header);
  const seen = new Set<string>();
  const functions: ElfFunction[] = [];
  for (const section of sections) {
    if (section.type !== SHT_SYMTAB && section.type !== SHT_DYNSYM) continue;
    for (const symbol of readSymbols(read, section, sections[section.link])) {
      const offset = fileOffset(segments, symbol.address);
      if (offset === undefined) continue;
      const key = `${symbol.name}\0${offset}`;
      if (seen.has(key)) continue;
      seen.add(key);
      functions.push({ name: symbol.name, offset, size: symbol.size });
    }
  }
  return functions;
}

function readSegments(read: ReadAt, header: DataView): Segment[] {
  const count = header.getUint16(56, true);
  const headers = table(read, wide(header, 32), count, header.getUint16(54, true), PROGRAM_HEADER_BYTES);
  return headers
    .filter((segment) => segment.getUint32(0, true) === PT_LOAD)
    .map((segment) => ({ offset: wide(segment, 8), address: wide(segment, 16), fileSize: wide(segment, 32) }));
}

function readSections(read: ReadAt, header: DataView): Section[] {
  const count = header.getUint16(60, true);
  const headers = table(read, wide(header, 40), count, header.getUint16(58, true), SECTION_HEADER_BYTES);
  return headers.map((section) => ({
    type: section.getUint32(4, true),
    offset: wide(section, 24),
    size: wide(section, 32),
    link: section.getUint32(40, true),
  }));
}

/** `count` records of `size` bytes, of which the first `used` matter. */
function table(read: ReadAt, offset: number, count: number, size: number, used: number): DataView[] {
  if (count === 0) return [];
  if (size < used) throw new ElfError(`headers of ${size} bytes are too short`);
  const bytes = read(offset, count * size);
  return Array.from({ length: count }, (_, i) => new DataView(bytes.buffer, bytes.byteOffset + i * size, used));
}

function* readSymbols(
  read: ReadAt,
  section: Section,
  strings: Section | undefined,
): Generator<{ name: string; address: number; size: number }> {
  if (strings === undefined) throw new ElfError("a symbol table has no names");
  if (section.size > MAX_TABLE_BYTES || strings.size > MAX_TABLE_BYTES)
    throw new ElfError("a symbol table is too large");
  const symbols = read(section.offset, section.size);
  const names = read(strings.offset, strings.size);
  const text = Buffer.from(names.buffer, names.byteOffset, names.byteLength);
  for (let at = 0; at + SYMBOL_BYTES <= section.size; at += SYMBOL_BYTES) {
    const type = symbols.getUint8(at + 4) & 0xf;
    const definedIn = symbols.getUint16(at + 6, true);
    if ((type !== STT_FUNC && type !== STT_GNU_IFUNC) || definedIn === 0) continue;
    const start = symbols.getUint32(at, true);
    const end = text.indexOf(0, start);
    if (start === 0 || end < 0) continue;
    yield { name: text.toString("utf8", start, end), address: wide(symbols, at + 8), size: wide(symbols, at + 16) };
  }
}

/** Where an address of the running program lies in the file; undefined when it is in no loaded part of it. */
function fileOffset(segments: readonly Segment[], address: number): number | undefined {
  const segment = segments.find((s) => address >= s.address && address - s.address < s.fileSize);
  return segment && address - segment.address + segment.offset;
}

/** A 64-bit field. Offsets and addresses of files are far below 2^53; one that is not belongs to no part of the file. */
function wide(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}
