/** The index of a file into which all units that were split off have been packed: where the parts of each begin. */
import { DwarfError, Reader } from "./reader.ts";
import type { Contributions } from "./unit.ts";

type Part = "info" | "types" | keyof Contributions | undefined;

/** What the columns stand for, by the version of the index. */
const COLUMNS: Readonly<Record<number, readonly Part[]>> = {
  2: [undefined, "info", "types", "abbrev", "line", "loc", "str_offsets"],
  5: [undefined, "info", undefined, "abbrev", "line", "loclists", "str_offsets", undefined, "rnglists"],
};

/** `info` or `types` is the unit itself, in the section of that name. */
export type PackedUnit = Contributions & { info?: number; types?: number };

export class PackageIndex {
  readonly #section: Uint8Array;
  readonly #version: number;
  readonly #columns: number;
  readonly #rows: number;
  readonly #slots: number;

  private constructor(section: Uint8Array, version: number, columns: number, rows: number, slots: number) {
    this.#section = section;
    this.#version = version;
    this.#columns = columns;
    this.#rows = rows;
    this.#slots = slots;
  }

  /** Undefined for an empty section. */
  static read(section: Uint8Array): PackageIndex | undefined {
    if (section.length === 0) return undefined;
    const reader = new Reader(section);
    // Four bytes before version 5, two and padding since.
    const word = reader.u32();
    const version = word === 2 ? 2 : word & 0xffff;
    const columns = reader.u32();
    const rows = reader.u32();
    const slots = reader.u32();
    if (!Object.hasOwn(COLUMNS, version)) throw new DwarfError(`the index of a package has version ${version}`);
    if ((slots & (slots - 1)) !== 0) throw new DwarfError(`the index of a package has ${slots} slots`);
    return new PackageIndex(section, version, columns, rows, slots);
  }

  /** Where the parts of a unit begin in their sections. */
  find(id: bigint): PackedUnit | undefined {
    const row = this.#row(id);
    return row === undefined ? undefined : this.#read(row);
  }

  *all(): Generator<PackedUnit> {
    for (let row = 1; row <= this.#rows; row++) yield this.#read(row);
  }

  #read(row: number): PackedUnit {
    const table = HEADER_BYTES + this.#slots * 12;
    const names = new Reader(this.#section, table);
    const offsets = new Reader(this.#section, table + row * this.#columns * 4);
    const found: PackedUnit = {};
    for (let i = 0; i < this.#columns; i++) {
      const part = COLUMNS[this.#version]![names.u32()];
      const offset = offsets.u32();
      if (part) found[part] = offset;
    }
    return found;
  }

  /** A hash table with open addresses: the low half of the id tells the slot, the high half the step to the next one. */
  #row(id: bigint): number | undefined {
    const mask = this.#slots - 1;
    const step = (Number((id >> 32n) & 0xffffffffn) & mask) | 1;
    let slot = Number(id & 0xffffffffn) & mask;
    for (let tried = 0; tried < this.#slots; tried++) {
      const row = new Reader(this.#section, HEADER_BYTES + this.#slots * 8 + slot * 4).u32();
      if (row === 0) return undefined;
      if (new Reader(this.#section, HEADER_BYTES + slot * 8).u64() === id) return row;
      slot = (slot + step) & mask;
    }
    return undefined;
  }
}

const HEADER_BYTES = 16;
