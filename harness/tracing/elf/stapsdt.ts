/** The places of a program that are marked as USDT probes, out of the notes that sys/sdt.h leaves in its file. */
import type { UsdtMark } from "../../../compiler/kernel-facts.ts";
import { bytesOf, type ElfFile, textAt, wide } from "./file.ts";

const SECTION = ".note.stapsdt";
/** Moves along with the program when that is prelinked, which does not touch the notes. */
const BASE_SECTION = ".stapsdt.base";
const OWNER = "stapsdt";
const TYPE = 3;
const HEADER_BYTES = 12;
/** The instruction's address, that of the base section when the program was linked, and the semaphore's, or 0. */
const ADDRESS_BYTES = 24;

/** In the order of the file; damaged notes are left out. Throws ElfError. */
export function usdtMarks(elf: ElfFile): UsdtMark[] {
  const section = elf.section(SECTION);
  if (!section) return [];
  const base = elf.section(BASE_SECTION)?.address;
  return [...descriptions(bytesOf(elf.content(section)))].flatMap((note) => mark(note, base) ?? []);
}

function* descriptions(notes: Buffer): Generator<Buffer> {
  for (let at = 0; at + HEADER_BYTES <= notes.length; ) {
    const [nameSize, size, type] = [0, 4, 8].map((field) => notes.readUInt32LE(at + field)) as [number, number, number];
    const name = at + HEADER_BYTES;
    const start = name + padded(nameSize);
    if (type === TYPE && textAt(notes.subarray(name, name + nameSize), 0) === OWNER) {
      yield notes.subarray(start, start + size);
    }
    at = start + padded(size);
  }
}

function padded(size: number): number {
  return Math.ceil(size / 4) * 4;
}

function mark(note: Buffer, base: number | undefined): UsdtMark | undefined {
  if (note.length < ADDRESS_BYTES) return undefined;
  const view = new DataView(note.buffer, note.byteOffset, note.length);
  const [address, linkedBase, semaphore] = [0, 8, 16].map((offset) => wide(view, offset)) as [number, number, number];
  const [provider, name, text] = note.toString("utf8", ADDRESS_BYTES).split("\0");
  if (!provider || !name || text === undefined) return undefined;
  const moved = base === undefined || linkedBase === 0 ? 0 : base - linkedBase;
  return {
    provider,
    name,
    address: address + moved,
    semaphore: semaphore === 0 ? 0 : semaphore + moved,
    arguments: text,
  };
}
