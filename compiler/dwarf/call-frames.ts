/**
 * Call frame information (.eh_frame, .debug_frame): where functions lie, and the instructions that tell how each place in them finds its caller.
 * What many functions have in common stands in entries of its own (CIE), to which those of functions (FDE) refer.
 */
import { NumberList } from "./number-list.ts";
import { type PointerFormat, readDistance, readPointer, skipPointer } from "./pointers.ts";
import { DwarfError, Reader } from "./reader.ts";

/** A section, and where it lies in the memory of a program that was not moved. */
export interface FrameSection {
  kind: "eh_frame" | "debug_frame";
  bytes: Uint8Array;
  address: number;
}

/** What functions have in common. */
export interface CommonFrame {
  codeAlignment: number;
  dataAlignment: number;
  /** The register that stands for it. */
  returnAddress: number;
  /** Such a function was not called: a signal came in between. */
  interrupted: boolean;
  pointers: PointerFormat;
  /** The entries of functions have a part of their own length before the instructions. */
  augmented: boolean;
  /** Which come before those of each function. */
  instructions: Uint8Array;
}

/** A function, or a part of one. */
export interface Frame {
  common: CommonFrame;
  start: number;
  /** The first address behind it. */
  end: number;
  section: FrameSection;
  instructions: Reader;
}

const VERSIONS: readonly number[] = [1, 3, 4];
/** Tables have addresses of 32 bits. */
const END_OF_ADDRESSES = 2 ** 32;
/** Bytes. */
const SMALLEST_ENTRY = 16;

/**
 * All functions, sorted by where they begin: each ends where the next one begins, and of those that begin at the same address the first one counts. What
 * lies beyond 4 GiB is left out, and so is what a linker has thrown away, whose address is zero. Throws DwarfError.
 */
export function* framesByAddress(sections: readonly FrameSection[]): Generator<Frame> {
  const lists = sections.map((section) => new FrameList(section));
  // An address above, a function's number below: pairs are sorted as numbers of 64 bits.
  const keys = new BigUint64Array(lists.reduce((sum, { count }) => sum + count, 0));
  const halves = new Uint32Array(keys.buffer);
  let used = 0;
  let sorted = true;
  let number = 0;
  for (const list of lists) {
    for (let index = 0; index < list.count; index++, number++) {
      const { start, end } = list.read(index);
      if (!(start > 0 && end > start && end < END_OF_ADDRESSES)) continue;
      if (used > 0 && start < halves[2 * used - 1]!) sorted = false;
      halves[2 * used] = number;
      halves[2 * used + 1] = start;
      used++;
    }
  }
  if (!sorted) keys.subarray(0, used).sort();
  for (let i = 0, next = 0; i < used; i = next) {
    const start = halves[2 * i + 1]!;
    for (next = i + 1; next < used && halves[2 * next + 1] === start; ) next++;
    const frame = entryOf(lists, halves[2 * i]!);
    if (next < used) frame.end = Math.min(frame.end, halves[2 * next + 1]!);
    yield frame;
  }
}

function entryOf(lists: readonly FrameList[], number: number): Frame {
  for (const list of lists) {
    if (number < list.count) return list.read(number);
    number -= list.count;
  }
  throw new RangeError(`no list has the entry ${number}`);
}

/** The entries of a section. */
class FrameList {
  readonly #section: FrameSection;
  readonly #common = new Map<number, CommonFrame>();
  /** Where those of functions begin. */
  readonly #functions: NumberList;
  readonly #reader: Reader;

  constructor(section: FrameSection) {
    this.#section = section;
    this.#functions = new NumberList(Math.ceil(section.bytes.length / SMALLEST_ENTRY));
    const reader = new Reader(section.bytes);
    this.#reader = reader;
    while (!reader.done) {
      const start = reader.at;
      const entry = nextEntry(section.kind, reader);
      if (!entry) continue;
      if (entry.common === undefined) this.#common.set(start, readCommon(entry.content));
      else this.#functions.push(start);
    }
  }

  get count(): number {
    return this.#functions.length;
  }

  read(index: number): Frame {
    const section = this.#section;
    const at = this.#functions.at(index);
    this.#reader.at = at;
    const entry = nextEntry(section.kind, this.#reader)!;
    const common = this.#common.get(entry.common!);
    if (!common) throw new DwarfError(`the call frame at byte ${at} refers to byte ${entry.common}, where nothing is`);
    const instructions = entry.content;
    const start = readPointer(instructions, common.pointers, section.address);
    const end = start + readDistance(instructions, common.pointers);
    if (common.augmented) instructions.skip(instructions.uleb());
    return { common, start, end, section, instructions };
  }
}

interface Entry {
  content: Reader;
  /** Where that is which a function refers to; undefined if the entry is of this kind itself. */
  common: number | undefined;
}

/** Undefined for an entry of no length, which ends a file's part of the section. */
function nextEntry(kind: FrameSection["kind"], reader: Reader): Entry | undefined {
  const { length, offsetSize } = reader.initialLength();
  if (length === 0) return undefined;
  const content = reader.part(length);
  const { at } = content;
  if (kind === "eh_frame") {
    const distance = content.u32();
    return { content, common: distance === 0 ? undefined : at - distance };
  }
  const offset = content.unsigned(offsetSize);
  // All ones, which is 2^64 after it was rounded.
  return { content, common: offset >= 2 ** (8 * offsetSize) - 1 ? undefined : offset };
}

function readCommon(reader: Reader): CommonFrame {
  const { at } = reader;
  const version = reader.u8();
  if (!VERSIONS.includes(version)) throw new DwarfError(`the call frames at byte ${at} have version ${version}`);
  const augmentation = reader.text();
  const addressSize = version === 4 ? reader.u8() : 8;
  if (addressSize !== 4 && addressSize !== 8) {
    throw new DwarfError(`the call frames at byte ${at} have addresses of ${addressSize} bytes`);
  }
  if (version === 4 && reader.u8() !== 0) throw new DwarfError(`the call frames at byte ${at} have segments`);
  const codeAlignment = reader.uleb();
  const dataAlignment = reader.sleb();
  const returnAddress = version === 1 ? reader.u8() : reader.uleb();
  const augmented = augmentation.startsWith("z");
  const data = augmented ? reader.part(reader.uleb()) : undefined;
  let encoding = 0;
  let interrupted = false;
  for (const letter of augmentation.slice(augmented ? 1 : 0)) {
    if (letter === "R" && data) encoding = data.u8();
    else if (letter === "P" && data) skipPointer(data, { encoding: data.u8(), addressSize });
    // Where exceptions are handled.
    else if (letter === "L" && data) data.skip(1);
    else if (letter === "S") interrupted = true;
    // How arm64 signs return addresses and tags memory.
    else if (letter !== "B" && letter !== "G") {
      throw new DwarfError(`the call frames at byte ${at} are of the kind "${augmentation}", which is not known`);
    }
  }
  const pointers = { encoding, addressSize };
  const instructions = reader.block(reader.end - reader.at);
  return { codeAlignment, dataAlignment, returnAddress, interrupted, pointers, augmented, instructions };
}
