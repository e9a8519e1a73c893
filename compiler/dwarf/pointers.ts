/** Addresses as .eh_frame writes them: in a format of numbers, counted from one place or another. */
import { DwarfError, type Reader } from "./reader.ts";

/** What a byte says of addresses: the lower four bits which numbers they are, the next three what these count from (DW_EH_PE_*). */
export interface PointerFormat {
  encoding: number;
  /** Bytes of numbers that are written as the machine would. */
  addressSize: number;
}

const OMITTED = 0xff;
/** The address is where the pointer points to. */
const INDIRECT = 0x80;
const NUMBER = 0x0f;
const BASE = 0x70;
const FROM_NOTHING = 0x00;
const FROM_ITSELF = 0x10;

/** Addresses of 64 bits that are far above all others count from the end, as those do that are added to one. */
const NUMBERS: Readonly<Record<number, (reader: Reader, addressSize: number) => number>> = {
  0: (reader, addressSize) => (addressSize === 8 ? reader.wideSigned() : reader.u32()),
  1: (reader) => reader.uleb(),
  2: (reader) => reader.u16(),
  3: (reader) => reader.u32(),
  4: (reader) => reader.wideSigned(),
  8: (reader, addressSize) => (addressSize === 8 ? reader.wideSigned() : reader.u32() | 0),
  9: (reader) => reader.sleb(),
  10: (reader) => (reader.u16() << 16) >> 16,
  11: (reader) => reader.u32() | 0,
  12: (reader) => reader.wideSigned(),
};

/** An address in a section that lies at `sectionAddress`. Throws DwarfError. */
export function readPointer(reader: Reader, format: PointerFormat, sectionAddress: number): number {
  const place = sectionAddress + reader.at;
  const base = format.encoding & BASE;
  if ((base !== FROM_NOTHING && base !== FROM_ITSELF) || (format.encoding & INDIRECT) !== 0) throw unknown(format);
  return readDistance(reader, format) + (base === FROM_ITSELF ? place : 0);
}

/** A number in the same format that counts from nothing. */
export function readDistance(reader: Reader, format: PointerFormat): number {
  const read = NUMBERS[format.encoding & NUMBER];
  if (!read || format.encoding === OMITTED) throw unknown(format);
  return read(reader, format.addressSize);
}

/** A pointer that does not matter, of whatever kind. */
export function skipPointer(reader: Reader, format: PointerFormat): void {
  if (format.encoding !== OMITTED) readDistance(reader, format);
}

function unknown({ encoding }: PointerFormat): DwarfError {
  return new DwarfError(`addresses are written in the format 0x${encoding.toString(16)}, which is not known`);
}
