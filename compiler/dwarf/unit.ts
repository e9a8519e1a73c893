/**
 * Units: what one run of a compiler has left behind. A unit's header says how its entries are written; its entries are
 * decoded one by one, when somebody asks for them.
 */
import { type Abbreviation, type Abbreviations, hasSibling, skipAttributes } from "./abbreviations.ts";
import { At, UnitType } from "./constants.ts";
import { Die } from "./die.ts";
import type { Sections } from "./files.ts";
import { DwarfError, Reader } from "./reader.ts";

export interface UnitHeader {
  /** Where it begins in its section, and where it ends. */
  offset: number;
  end: number;
  version: number;
  offsetSize: 4 | 8;
  addressSize: number;
  type: number;
  abbreviations: number;
  /** The number by which a unit and its content that was split off find each other. */
  splitId: bigint | undefined;
  /** Of a unit for one type: by which number others name it, and which entry it is. */
  signature: bigint | undefined;
  typeOffset: number;
  firstDie: number;
}

/** Where a unit's parts begin in the sections of a package, in which many units lie one behind the other. */
export type Contributions = Partial<
  Record<"abbrev" | "str_offsets" | "loc" | "loclists" | "rnglists" | "line", number>
>;

/** What units need of those around them. */
export interface Surroundings {
  /** The unit of the same section that covers an offset. */
  unitAt(offset: number): Unit;
  /** The entry of a type that has a unit of its own. */
  signed(signature: bigint): Die | undefined;
  /** An entry of the file that several programs share. */
  supplementDie(offset: number): Die;
  supplementText(offset: number): string;
  /** All texts of that file; empty when there is none. */
  supplementTexts(): Uint8Array;
}

export class Unit {
  readonly header: UnitHeader;
  readonly sections: Sections;
  /** The section that it lies in. */
  readonly bytes: Uint8Array;
  readonly around: Surroundings;
  readonly contributions: Contributions;
  /** The unit that stands in the program for this one, which was split off. */
  readonly skeleton: Unit | undefined;
  #abbreviations: Abbreviations | undefined;
  #root: Die | undefined;

  constructor(
    header: UnitHeader,
    place: Pick<Unit, "sections" | "bytes" | "around"> & Partial<Pick<Unit, "contributions" | "skeleton">>,
  ) {
    this.header = header;
    this.sections = place.sections;
    this.bytes = place.bytes;
    this.around = place.around;
    this.contributions = place.contributions ?? {};
    this.skeleton = place.skeleton;
  }

  get isType(): boolean {
    return this.header.type === UnitType.type || this.header.type === UnitType.split_type;
  }

  /** The entry that stands for the whole unit. */
  get root(): Die {
    this.#root ??= this.die(this.header.firstDie);
    return this.#root;
  }

  /** The unit in the program's own file, which knows what is only known when the program is linked. */
  get linked(): Unit {
    return this.skeleton ?? this;
  }

  /** The entry at an offset of the section. Throws DwarfError when none begins there. */
  die(offset: number): Die {
    const { firstDie, end } = this.header;
    if (!(offset >= firstDie && offset < end)) throw new DwarfError(`no entry lies at 0x${offset.toString(16)}`);
    const reader = new Reader(this.bytes, offset, end);
    const code = reader.uleb();
    if (code === 0) throw new DwarfError(`no entry begins at 0x${offset.toString(16)}`);
    return new Die(this, offset, this.#abbreviation(code), reader);
  }

  /** The entries right below one. */
  *children(parent: Die): Generator<Die> {
    if (!parent.hasChildren) return;
    const { end } = this.header;
    for (let at = parent.next; at < end; ) {
      // The end of the list.
      if (this.bytes[at] === 0) return;
      const child = this.die(at);
      yield child;
      at = this.#behind(child);
    }
  }

  /** Calls `visit` for all entries in their order, until it answers true. `depth` of the root is 0. */
  scan(visit: (offset: number, tag: number, depth: number) => boolean): void {
    const { firstDie, end } = this.header;
    const reader = new Reader(this.bytes, firstDie, end);
    let depth = 0;
    while (reader.at < end) {
      const offset = reader.at;
      const code = reader.uleb();
      if (code === 0) {
        if (--depth <= 0) return;
        continue;
      }
      const abbreviation = this.#abbreviation(code);
      if (visit(offset, abbreviation.tag, depth)) return;
      skipAttributes(reader, abbreviation, this.header);
      if (abbreviation.hasChildren) depth++;
      else if (depth === 0) return;
    }
  }

  #behind(die: Die): number {
    if (!die.hasChildren) return die.next;
    const sibling = hasSibling(die.abbreviation) ? die.referenceOffset(At.sibling) : undefined;
    // One that leads back would never end.
    if (sibling !== undefined && sibling > die.next) return sibling;
    const { end } = this.header;
    const reader = new Reader(this.bytes, die.next, end);
    for (let depth = 1; depth > 0 && reader.at < end; ) {
      const code = reader.uleb();
      if (code === 0) {
        depth--;
        continue;
      }
      const abbreviation = this.#abbreviation(code);
      skipAttributes(reader, abbreviation, this.header);
      if (abbreviation.hasChildren) depth++;
    }
    return reader.at;
  }

  #abbreviation(code: number): Abbreviation {
    this.#abbreviations ??= this.sections.abbreviations(
      (this.contributions.abbrev ?? 0) + this.header.abbreviations,
      this.header,
    );
    return this.#abbreviations.row(code);
  }
}

/** The headers of all units of a section. Throws DwarfError at one that claims what cannot be. */
export function* readHeaders(section: Uint8Array, kind: "info" | "types"): Generator<UnitHeader> {
  const reader = new Reader(section);
  while (!reader.done) {
    const header = readHeader(reader, kind);
    if (header) yield header;
  }
}

/** Undefined for a unit of a version that nobody knows; the reader stands behind it. */
function readHeader(reader: Reader, kind: "info" | "types"): UnitHeader | undefined {
  const offset = reader.at;
  const { length, offsetSize } = reader.initialLength();
  const rest = reader.part(length);
  const { end } = rest;
  // Linkers fill up with empty ones.
  if (length === 0) return undefined;
  const version = rest.u16();
  if (version < 2 || version > 5) return undefined;
  let type: number = kind === "types" ? UnitType.type : UnitType.compile;
  let addressSize: number;
  let abbreviations: number;
  if (version >= 5) {
    type = rest.u8();
    addressSize = rest.u8();
    abbreviations = rest.unsigned(offsetSize);
  } else {
    abbreviations = rest.unsigned(offsetSize);
    addressSize = rest.u8();
  }
  let splitId: bigint | undefined;
  let signature: bigint | undefined;
  let typeOffset = 0;
  if (type === UnitType.skeleton || type === UnitType.split_compile) splitId = rest.u64();
  if (type === UnitType.type || type === UnitType.split_type) {
    signature = rest.u64();
    typeOffset = offset + rest.unsigned(offsetSize);
  }
  const sizes = { version, offsetSize, addressSize };
  return { offset, end, ...sizes, type, abbreviations, splitId, signature, typeOffset, firstDie: rest.at };
}
