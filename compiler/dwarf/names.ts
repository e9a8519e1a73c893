/**
 * Which units can have an entry of some name. Going through all entries of a large program takes seconds; looking for the bytes
 * of a name, and then for the numbers by which entries refer to these, takes a hundredth of it and leaves few units to go through.
 */
import { textTable } from "./die.ts";
import type { Sections } from "./files.ts";
import { Reader } from "./reader.ts";
import type { Unit } from "./unit.ts";

/** Tells of a unit whether the name may be in it; what it refuses does not have it. */
export type NameFinder = (unit: Unit) => boolean;

/** So many places of a text are looked for one by one: a short one is the end of many others. */
const MAX_TEXTS = 16;
/** Where there are more places than that, no unit is left out. */
const MAX_PLACES = 100_000;

/** Offsets in ascending order; undefined when they are too many. */
type Places = readonly number[] | undefined;

interface Traces {
  /** In the section of the units: the name itself, or a number that refers to it. */
  entries: Places;
  /** In the table of references that several entries share. */
  shared: Places;
}

export function nameFinder(name: string): NameFinder {
  const known = new Map<Sections, Map<Uint8Array, Traces>>();
  const text = new TextEncoder().encode(`${name}\0`);
  return (unit) => {
    const { sections, bytes } = unit;
    let traces = known.get(sections);
    if (!traces) {
      traces = new Map();
      known.set(sections, traces);
    }
    let found = traces.get(bytes);
    if (!found) {
      found = tracesOf(unit, text);
      traces.set(bytes, found);
    }
    const { offset, end } = unit.header;
    return isWithin(found.entries, offset, end) || isShared(unit, found.shared);
  };
}

function tracesOf({ sections, bytes, around }: Unit, text: Uint8Array): Traces {
  const own = allPlaces(sections.get(".debug_str"), text, MAX_TEXTS);
  const foreign = allPlaces(around.supplementTexts(), text, MAX_TEXTS);
  if (!own || !foreign) return { entries: undefined, shared: undefined };
  const lists = [allPlaces(bytes, text, MAX_PLACES)];
  for (const offset of [...own, ...foreign]) lists.push(allPlaces(bytes, word(offset), MAX_PLACES));
  const offsets = sections.get(".debug_str_offsets");
  const shared = own.map((offset) => allPlaces(offsets, word(offset), MAX_PLACES));
  return { entries: merged(lists), shared: merged(shared) };
}

function isShared(unit: Unit, places: Places): boolean {
  if (places?.length === 0) return false;
  const { version, offsetSize } = unit.header;
  // Before version 5 no table says how long it is.
  if (version < 5) return true;
  const start = textTable(unit);
  const lengthAt = start - (offsetSize === 8 ? 16 : 8);
  if (lengthAt < 0) return true;
  const { length } = new Reader(unit.sections.get(".debug_str_offsets"), lengthAt).initialLength();
  return isWithin(places, start, start + length);
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function merged(lists: readonly Places[]): Places {
  const all: number[] = [];
  for (const list of lists) {
    if (list === undefined) return undefined;
    all.push(...list);
  }
  return all.sort((a, b) => a - b);
}

function isWithin(places: Places, start: number, end: number): boolean {
  if (places === undefined) return true;
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle]! < start) low = middle + 1;
    else high = middle;
  }
  return low < places.length && places[low]! < end;
}

/** Every place of a pattern, by way of its rarest byte, since looking for one is what typed arrays are fast at. */
function allPlaces(bytes: Uint8Array, pattern: Uint8Array, limit: number): Places {
  const places: number[] = [];
  const pick = rarest(pattern);
  const first = pattern[pick]!;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    const start = at - pick;
    if (start < 0 || start + pattern.length > bytes.length) continue;
    let same = 0;
    while (same < pattern.length && bytes[start + same] === pattern[same]) same++;
    if (same < pattern.length) continue;
    if (places.length === limit) return undefined;
    places.push(start);
  }
  return places;
}

/** Small numbers are everywhere in debug information; among letters those that few words have are rare. */
function rarest(pattern: Uint8Array): number {
  let best = 0;
  for (let i = 1; i < pattern.length; i++) if (commonness(pattern[i]!) < commonness(pattern[best]!)) best = i;
  return best;
}

const COMMON = "etaoinsrhld_cumfpgwy";

function commonness(byte: number): number {
  if (byte < 0x20) return 100 - byte;
  const place = COMMON.indexOf(String.fromCharCode(byte));
  return place < 0 ? 0 : COMMON.length - place;
}
