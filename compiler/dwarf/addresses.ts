/** Addresses of the program, which many units keep in a table of their own, and the ranges of them that an entry is about. */
import { At, Form } from "./constants.ts";
import type { Die } from "./die.ts";
import { DwarfError, Reader } from "./reader.ts";
import type { Unit } from "./unit.ts";

export interface Range {
  start: number;
  /** The first address behind it. */
  end: number;
}

/** A part of a list: where something is so, and how, which is only said of locations. */
export interface Listed extends Range {
  expression: Uint8Array | undefined;
}

/** The n-th address of a unit's table, which is always in the program's own file. */
export function indexedAddress(unit: Unit, index: number): number {
  const { linked } = unit;
  const { addressSize } = linked.header;
  const base = linked.root.number(At.addr_base) ?? linked.root.number(At.GNU_addr_base) ?? 0;
  return new Reader(linked.sections.get(".debug_addr"), base + index * addressSize).unsigned(addressSize);
}

/** Where the code of an entry lies; empty when it says nothing. */
export function rangesOf(die: Die): Range[] {
  const start = die.has(At.low_pc) ? die.address(At.low_pc) : undefined;
  if (die.has(At.high_pc) && start !== undefined) {
    // An address, or the distance to one.
    const high = isAddress(die.form(At.high_pc)) ? die.address(At.high_pc) : start + (die.number(At.high_pc) ?? 0);
    return high !== undefined && high > start ? [{ start, end: high }] : [];
  }
  if (die.has(At.ranges)) return [...readList(die, At.ranges, "ranges")];
  return [];
}

function isAddress(form: number | undefined): boolean {
  return (
    form === Form.addr ||
    form === Form.addrx ||
    form === Form.GNU_addr_index ||
    (form !== undefined && form >= Form.addrx1 && form <= Form.addrx4)
  );
}

type ListKind = "ranges" | "locations";

/** The list that an attribute names. */
export function readList(die: Die, at: number, kind: ListKind): Generator<Listed> {
  const { unit } = die;
  const value = die.number(at) ?? 0;
  const base = baseAddress(unit);
  if (unit.header.version >= 5) {
    const name = kind === "ranges" ? "rnglists" : "loclists";
    const section = unit.sections.get(`.debug_${name}`);
    const isIndex = die.form(at) === Form.rnglistx || die.form(at) === Form.loclistx;
    const own = unit.contributions[name] ?? 0;
    const offset = isIndex ? indexedList(unit, section, name, value) : own + value;
    return entries(unit, new Reader(section, offset), base, kind);
  }
  if (kind === "locations" && unit.sections.isSplit) {
    const offset = (unit.contributions.loc ?? 0) + value;
    return splitLocations(unit, new Reader(unit.sections.get(".debug_loc"), offset), base);
  }
  const { linked } = unit;
  const section = linked.sections.get(kind === "ranges" ? ".debug_ranges" : ".debug_loc");
  const shift = unit === linked ? 0 : (linked.root.number(At.GNU_ranges_base) ?? 0);
  return pairs(linked, new Reader(section, shift + value), base, kind);
}

function baseAddress(unit: Unit): number {
  return unit.linked.root.address(At.low_pc) ?? 0;
}

/** A table of lists begins with their places, counted from there. */
function indexedList(unit: Unit, section: Uint8Array, name: "rnglists" | "loclists", index: number): number {
  const { offsetSize } = unit.header;
  const header = offsetSize === 8 ? 20 : 12;
  const at = name === "rnglists" ? At.rnglists_base : At.loclists_base;
  const base = unit.sections.isSplit ? (unit.contributions[name] ?? 0) + header : (unit.root.number(at) ?? header);
  return base + new Reader(section, base + index * offsetSize).unsigned(offsetSize);
}

/** Kinds of a list's parts as version 5 numbers them for ranges. */
const Part = {
  end: 0,
  base_addressx: 1,
  startx_endx: 2,
  startx_length: 3,
  offset_pair: 4,
  base_address: 5,
  start_end: 6,
  start_length: 7,
} as const;

/** Among locations these two have numbers of their own, and push the others behind them. */
const DEFAULT_LOCATION = 5;
const VIEW_PAIR = 9;

function* entries(unit: Unit, reader: Reader, base: number, kind: ListKind): Generator<Listed> {
  const { addressSize } = unit.header;
  const indexed = (): number => indexedAddress(unit, reader.uleb());
  const plain = (): number => reader.unsigned(addressSize);
  for (;;) {
    const code = reader.u8();
    let range: Range | undefined;
    if (kind === "locations" && code === VIEW_PAIR) {
      reader.skipLeb();
      reader.skipLeb();
      continue;
    }
    if (kind === "locations" && code === DEFAULT_LOCATION) range = { start: 0, end: Number.MAX_SAFE_INTEGER };
    else {
      switch (kind === "locations" && code > DEFAULT_LOCATION ? code - 1 : code) {
        case Part.end:
          return;
        case Part.base_addressx:
          base = indexed();
          break;
        case Part.base_address:
          base = plain();
          break;
        case Part.startx_endx:
          range = { start: indexed(), end: indexed() };
          break;
        case Part.startx_length: {
          const start = indexed();
          range = { start, end: start + reader.uleb() };
          break;
        }
        case Part.offset_pair:
          range = { start: base + reader.uleb(), end: base + reader.uleb() };
          break;
        case Part.start_end:
          range = { start: plain(), end: plain() };
          break;
        case Part.start_length: {
          const start = plain();
          range = { start, end: start + reader.uleb() };
          break;
        }
        default:
          throw new DwarfError(`a list of ${kind} has a part of kind ${code}, which is not known`);
      }
    }
    if (!range) continue;
    const expression = kind === "locations" ? reader.block(reader.uleb()) : undefined;
    yield { ...range, expression };
  }
}

/** Before version 5: pairs of addresses, the last one zero. */
function* pairs(unit: Unit, reader: Reader, base: number, kind: ListKind): Generator<Listed> {
  const { addressSize } = unit.header;
  const largest = addressSize === 8 ? 2 ** 64 : 2 ** (addressSize * 8) - 1;
  for (;;) {
    const start = reader.unsigned(addressSize);
    const end = reader.unsigned(addressSize);
    if (start === 0 && end === 0) return;
    // A number of all ones, which is 2^64 after it was rounded.
    if (start >= largest) base = end;
    else {
      const expression = kind === "locations" ? reader.block(reader.u16()) : undefined;
      yield { start: base + start, end: base + end, expression };
    }
  }
}

/** Those of units that were split off before version 5, which name addresses by their index. */
function* splitLocations(unit: Unit, reader: Reader, base: number): Generator<Listed> {
  for (;;) {
    const code = reader.u8();
    let range: Range;
    switch (code) {
      case 0:
        return;
      case 1:
        base = indexedAddress(unit, reader.uleb());
        continue;
      case 2:
        range = { start: indexedAddress(unit, reader.uleb()), end: indexedAddress(unit, reader.uleb()) };
        break;
      case 3: {
        const start = indexedAddress(unit, reader.uleb());
        range = { start, end: start + reader.u32() };
        break;
      }
      case 4:
        range = { start: base + reader.u32(), end: base + reader.u32() };
        break;
      default:
        throw new DwarfError(`a list of locations has a part of kind ${code}, which is not known`);
    }
    yield { ...range, expression: reader.block(reader.u16()) };
  }
}

/**
 * Which unit's code lies where, as the table of all addresses says (.debug_aranges): its offset, and the ranges. Not every unit
 * need be in it.
 */
export function* addressTable(section: Uint8Array): Generator<Range & { unit: number }> {
  const reader = new Reader(section);
  while (!reader.done) {
    const start = reader.at;
    const { length, offsetSize } = reader.initialLength();
    const set = reader.part(length);
    if (length === 0) continue;
    const version = set.u16();
    const unit = set.unsigned(offsetSize);
    const addressSize = set.u8();
    const segmentSize = set.u8();
    if (version !== 2 || segmentSize !== 0 || (addressSize !== 4 && addressSize !== 8)) continue;
    // Pairs lie at a multiple of their own size.
    const align = 2 * addressSize;
    set.skip((align - ((set.at - start) % align)) % align);
    while (set.at + align <= set.end) {
      const address = set.unsigned(addressSize);
      const size = set.unsigned(addressSize);
      if (address === 0 && size === 0) break;
      yield { start: address, end: address + size, unit };
    }
  }
}
