/**
 * Local time as the C library keeps it: from the machine's zone file (RFC 9636, TZif) and the TZ variable. Node knows
 * the offset of a moment, but not the abbreviation (`CET`) that %Z has to print.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What local clocks showed. */
export interface LocalTime {
  /** Seconds east of UTC. */
  readonly offset: number;
  readonly abbreviation: string;
}

export interface Zone {
  /** Of a moment in seconds since 1970 UTC. */
  at(seconds: number): LocalTime;
}

export const UTC: Zone = { at: () => ({ offset: 0, abbreviation: "UTC" }) };

/** The host's files and environment; given by tests. */
export interface ZoneSource {
  readonly tz: string | undefined;
  /** Undefined: there is no such file. */
  read(path: string): Uint8Array | undefined;
}

const ZONEINFO = "/usr/share/zoneinfo";

/** The zone that TZ names, or the machine's; UTC if there is none or it cannot be understood, as in the C library. */
export function localZone(source: ZoneSource = HOST): Zone {
  const { tz } = source;
  if (tz === undefined) return fileZone(source, "/etc/localtime") ?? UTC;
  const name = tz.replace(/^:/, "");
  if (name === "") return UTC;
  return fileZone(source, name.startsWith("/") ? name : join(ZONEINFO, name)) ?? ruleZone(name) ?? UTC;
}

const HOST: ZoneSource = {
  get tz() {
    return process.env.TZ;
  },
  read(path) {
    try {
      return readFileSync(path);
    } catch {
      // Whatever the reason, the C library goes on with UTC.
      return undefined;
    }
  },
};

function fileZone(source: ZoneSource, path: string): Zone | undefined {
  const bytes = source.read(path);
  return bytes && parseZoneFile(bytes);
}

const HEADER = 44;

/** Reads a zone file; undefined if it is none. */
export function parseZoneFile(bytes: Uint8Array): Zone | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (view.getUint32(0) !== 0x545a6966) return undefined;
    const first = header(view, 0);
    if (view.getUint8(4) === 0) return tableZone(view, first, 4, undefined);
    // From version 2 on the same data follow once more with 64-bit times, and then a rule for all later times.
    const second = header(view, first.start + dataSize(first, 4));
    const footer = Buffer.from(bytes.subarray(second.start + dataSize(second, 8))).toString("latin1");
    return tableZone(view, second, 8, ruleZone(footer.split("\n")[1] ?? ""));
  } catch (error) {
    if (error instanceof RangeError) return undefined; // the file is shorter than it says
    throw error;
  }
}

interface Header {
  /** Where the data begin. */
  start: number;
  times: number;
  types: number;
  characters: number;
  leaps: number;
  standards: number;
  universals: number;
}

function header(view: DataView, at: number): Header {
  const count = (i: number) => view.getUint32(at + 20 + 4 * i);
  const [universals, standards, leaps, times, types, characters] = [0, 1, 2, 3, 4, 5].map(count);
  return {
    start: at + HEADER,
    times: times!,
    types: types!,
    characters: characters!,
    leaps: leaps!,
    standards: standards!,
    universals: universals!,
  };
}

function dataSize(h: Header, time: 4 | 8): number {
  return h.times * (time + 1) + h.types * 6 + h.characters + h.leaps * (time + 4) + h.standards + h.universals;
}

function tableZone(view: DataView, h: Header, timeSize: 4 | 8, rule: Zone | undefined): Zone {
  const indices = h.start + h.times * timeSize;
  const typesAt = indices + h.times;
  const names = typesAt + h.types * 6;
  const times = Array.from({ length: h.times }, (_, i) => {
    const at = h.start + i * timeSize;
    return timeSize === 8 ? Number(view.getBigInt64(at)) : view.getInt32(at);
  });
  const types = Array.from({ length: h.types }, (_, i): LocalTime => {
    const at = typesAt + 6 * i;
    return { offset: view.getInt32(at), abbreviation: cString(view, names + view.getUint8(at + 5)) };
  });
  const typeAt = (i: number): LocalTime => types[i < 0 ? 0 : view.getUint8(indices + i)] ?? UTC.at(0);
  const last = times.at(-1);
  return {
    at(seconds) {
      if (rule !== undefined && (last === undefined || seconds >= last)) return rule.at(seconds);
      return typeAt(times.findLastIndex((time) => time <= seconds));
    },
  };
}

function cString(view: DataView, at: number): string {
  let text = "";
  for (let i = at; view.getUint8(i) !== 0; i++) text += String.fromCharCode(view.getUint8(i));
  return text;
}

const NAME = "([A-Za-z]{3,}|<[A-Za-z0-9+-]+>)";
const TIME = "([+-]?\\d{1,3}(?::\\d{2}){0,2})";
const RULE = new RegExp(`^${NAME}${TIME}(?:${NAME}${TIME}?(?:,([^,]+),([^,]+))?)?$`);

/** The dates that the C library takes where TZ names summer time but no dates: those of the United States. */
const DEFAULT_DATES = ["M3.2.0", "M11.1.0"] as const;

/** A zone written as POSIX has it, `CET-1CEST,M3.5.0,M10.5.0/3`; undefined if it is not written so. */
export function ruleZone(text: string): Zone | undefined {
  const match = RULE.exec(text);
  if (!match) return undefined;
  const [, standardName, standardOffset, summerName, summerOffset, from, to] = match;
  // POSIX counts offsets westwards.
  const standard: LocalTime = { offset: -duration(standardOffset!), abbreviation: plainName(standardName!) };
  if (summerName === undefined) return { at: () => standard };
  const summer: LocalTime = {
    offset: summerOffset === undefined ? standard.offset + 3600 : -duration(summerOffset),
    abbreviation: plainName(summerName),
  };
  const starts = dateRule(from ?? DEFAULT_DATES[0]);
  const ends = dateRule(to ?? DEFAULT_DATES[1]);
  if (!starts || !ends) return undefined;
  return {
    at(seconds) {
      const year = new Date((seconds + standard.offset) * 1000).getUTCFullYear();
      const start = starts(year) - standard.offset;
      const end = ends(year) - summer.offset;
      const isSummer = start < end ? seconds >= start && seconds < end : seconds >= start || seconds < end;
      return isSummer ? summer : standard;
    },
  };
}

function plainName(name: string): string {
  return name.replace(/^<|>$/g, "");
}

/** Seconds of `[+-]h[:mm[:ss]]`. */
function duration(text: string): number {
  const [hours, minutes = 0, seconds = 0] = text.replace(/^[+-]/, "").split(":").map(Number);
  const value = hours! * 3600 + minutes * 60 + seconds;
  return text.startsWith("-") ? -value : value;
}

const DAY = 86_400;
const DATE = new RegExp(`^(?:M(\\d{1,2})\\.([1-5])\\.([0-6])|J(\\d{1,3})|(\\d{1,3}))(?:/${TIME})?$`);

/** The moment of a rule such as `M10.5.0/3` in a year, in seconds of local time since 1970. */
function dateRule(text: string): ((year: number) => number) | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [, month, week, weekday, julian, day, time = "2"] = match;
  const seconds = duration(time);
  const midnight = (year: number): number => {
    if (month !== undefined) return nthWeekday(year, Number(month), Number(week), Number(weekday));
    // J counts from 1 and leaves out 29 February; the other form counts from 0 and has it.
    if (julian !== undefined) return utc(year, 1, Number(julian)) + (isLeap(year) && Number(julian) > 59 ? DAY : 0);
    return utc(year, 1, 1 + Number(day));
  };
  return (year) => midnight(year) + seconds;
}

/** The week-th such weekday of a month; week 5 is the last one. */
function nthWeekday(year: number, month: number, week: number, weekday: number): number {
  const first = utc(year, month, 1);
  const firstWeekday = new Date(first * 1000).getUTCDay();
  const day = 1 + ((weekday - firstWeekday + 7) % 7) + 7 * (week - 1);
  const days = (utc(year, month + 1, 1) - first) / DAY;
  return utc(year, month, day > days ? day - 7 : day);
}

function utc(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / 1000;
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}
