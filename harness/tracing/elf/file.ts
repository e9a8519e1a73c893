/**
 * ELF files as far as tracing needs them: headers, sections by name, where an address of the program lies in the file.
 * Only what is asked for is read, since a browser's symbols are few beside its code.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** A file that is no 64-bit little-endian ELF file, or contradicts itself. */
export class ElfError extends Error {
  override readonly name = "ElfError";
}

/** `length` bytes from `offset`. Throws ElfError when the file has fewer. */
export type ReadAt = (offset: number, length: number) => DataView;

export interface Segment {
  offset: number;
  address: number;
  fileSize: number;
  executable: boolean;
}

export interface Section {
  /** SHT_* */
  type: number;
  /** SHF_* */
  flags: number;
  address: number;
  offset: number;
  size: number;
  /** Index of the section that belongs to it, the names of a symbol table. */
  link: number;
  /** Where its name stands in the table of section names. */
  nameOffset: number;
}

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
const PT_LOAD = 1;
const PF_X = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
/** No table is larger; a damaged header may claim anything. */
const MAX_TABLE_BYTES = 1 << 30;

export class ElfFile {
  readonly type: "executable" | "dynamic" | "other";
  /** EM_* */
  readonly machine: number;
  readonly segments: readonly Segment[];
  readonly sections: readonly Section[];
  readonly #read: ReadAt;
  readonly #nameTable: number;
  #names: Buffer | undefined;

  /** Throws ElfError. */
  constructor(read: ReadAt) {
    const header = read(0, HEADER_BYTES);
    if (header.getUint32(0, false) !== 0x7f454c46) throw new ElfError("not an ELF file");
    if (header.getUint8(4) !== 2) throw new ElfError("not a 64-bit ELF file");
    if (header.getUint8(5) !== 1) throw new ElfError("not a little-endian ELF file");
    const type = header.getUint16(16, true);
    this.type = type === ET_EXEC ? "executable" : type === ET_DYN ? "dynamic" : "other";
    this.machine = header.getUint16(18, true);
    this.#read = read;
    this.#nameTable = header.getUint16(62, true);
    this.segments = readSegments(read, header);
    this.sections = readSections(read, header);
  }

  /** The section of that name. */
  section(name: string): Section | undefined {
    return this.sections.find((section) => this.#isCalled(section, name));
  }

  /** All sections of that name: before it is linked, a file may have several. */
  sectionsOf(name: string): Section[] {
    return this.sections.filter((section) => this.#isCalled(section, name));
  }

  /** The content of a section. Throws ElfError. */
  content({ offset, size }: Section): DataView {
    if (size > MAX_TABLE_BYTES) throw new ElfError("a symbol table is too large");
    return this.#read(offset, size);
  }

  /** Where an address of the running program lies in the file; undefined when it is in no loaded part of it. */
  fileOffset(address: number): number | undefined {
    const segment = this.segments.find((s) => address >= s.address && address - s.address < s.fileSize);
    return segment && address - segment.address + segment.offset;
  }

  /** The address of a byte of the file once it is loaded, as the headers count. */
  addressAt(fileOffset: number): number | undefined {
    const segment = this.segments.find((s) => fileOffset >= s.offset && fileOffset - s.offset < s.fileSize);
    return segment && fileOffset - segment.offset + segment.address;
  }

  /** The id that the linker gave the build, in hexadecimal. */
  get buildId(): string | undefined {
    const section = this.section(".note.gnu.build-id");
    if (!section || section.size < 16) return undefined;
    const note = this.content(section);
    const nameSize = note.getUint32(0, true);
    const size = note.getUint32(4, true);
    const start = 12 + Math.ceil(nameSize / 4) * 4;
    if (start + size > note.byteLength) return undefined;
    return Buffer.from(note.buffer, note.byteOffset + start, size).toString("hex");
  }

  #isCalled({ nameOffset }: Section, name: string): boolean {
    this.#names ??= this.#sectionNames();
    return textAt(this.#names, nameOffset) === name;
  }

  #sectionNames(): Buffer {
    const section = this.sections[this.#nameTable];
    return section === undefined ? Buffer.alloc(0) : bytesOf(this.content(section));
  }
}

/** Opens a file for as long as `use` needs it. `base` is where in the file the ELF begins. Throws what open throws. */
export function withFile<T>(path: string, use: (read: ReadAt, size: number) => T, base = 0): T {
  const fd = openSync(path, "r");
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new ElfError("not a regular file");
    return use((offset, length) => {
      // Before any memory is taken for it.
      if (base + offset + length > stat.size) throw truncated(offset, length);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const n = readSync(fd, bytes, done, length - done, base + offset + done);
        if (n === 0) throw truncated(offset, length);
        done += n;
      }
      return new DataView(bytes.buffer);
    }, stat.size - base);
  } finally {
    closeSync(fd);
  }
}

/** Reads a file whose bytes are all there. */
export function imageReader(image: Uint8Array): ReadAt {
  return (offset, length) => {
    if (offset + length > image.length) throw truncated(offset, length);
    return new DataView(image.buffer, image.byteOffset + offset, length);
  };
}

/** The same bytes as a Buffer. */
export function bytesOf(view: DataView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

/** The text up to its NUL; undefined where there is none. */
export function textAt(table: Buffer, start: number): string | undefined {
  const end = table.indexOf(0, start);
  return end < 0 ? undefined : table.toString("utf8", start, end);
}

/** A 64-bit field. Offsets and addresses of files are far below 2^53; one that is not belongs to no part of the file. */
export function wide(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

function truncated(offset: number, length: number): ElfError {
  return new ElfError(`the file ends before byte ${offset + length}`);
}

function readSegments(read: ReadAt, header: DataView): Segment[] {
  const count = header.getUint16(56, true);
  const headers = table(read, wide(header, 32), count, header.getUint16(54, true), PROGRAM_HEADER_BYTES);
  return headers
    .filter((segment) => segment.getUint32(0, true) === PT_LOAD)
    .map((segment) => ({
      offset: wide(segment, 8),
      address: wide(segment, 16),
      fileSize: wide(segment, 32),
      executable: (segment.getUint32(4, true) & PF_X) !== 0,
    }));
}

function readSections(read: ReadAt, header: DataView): Section[] {
  const count = header.getUint16(60, true);
  const headers = table(read, wide(header, 40), count, header.getUint16(58, true), SECTION_HEADER_BYTES);
  return headers.map((section) => ({
    nameOffset: section.getUint32(0, true),
    type: section.getUint32(4, true),
    flags: wide(section, 8),
    address: wide(section, 16),
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
