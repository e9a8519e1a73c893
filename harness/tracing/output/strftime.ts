/**
 * strftime(3) in the C locale, with the extensions of the GNU library (flags, widths, %s, %P, %k, %l), because a script's
 * time formats are written for it. Formats are byte strings, as all strings of a script are.
 */
import type { ByteString } from "../bytestring.ts";
import type { Zone } from "./timezone.ts";

const NS_PER_SECOND = 1_000_000_000n;

/** strftime() of a script: `ns` since 1970 UTC; %f is microseconds, %k nanoseconds, %l milliseconds of the second. */
export function formatTimestamp(format: ByteString, ns: bigint, zone: Zone): ByteString {
  const seconds = floorDivide(ns, NS_PER_SECOND);
  const rest = (ns - seconds * NS_PER_SECOND).toString().padStart(9, "0");
  const fractions: Readonly<Record<string, string>> = { f: rest.slice(0, 6), k: rest, l: rest.slice(0, 3) };
  const expanded = format.replace(/%([%fkl])/g, (spec, letter: string) => fractions[letter] ?? spec);
  return strftime(expanded, Number(seconds), zone);
}

/** time() of a script, which is plain strftime(3). `seconds` since 1970 UTC. */
export function strftime(format: ByteString, seconds: number, zone: Zone): ByteString {
  const { offset, abbreviation } = zone.at(seconds);
  return expand(format, { seconds, offset, abbreviation, ...calendar(seconds + offset) });
}

interface Moment {
  seconds: number;
  offset: number;
  abbreviation: string;
  year: number;
  /** 0 to 11. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** 0 is Sunday. */
  weekday: number;
  /** 0 to 365. */
  yearDay: number;
}

function calendar(local: number): Omit<Moment, "seconds" | "offset" | "abbreviation"> {
  const date = new Date(local * 1000);
  const year = date.getUTCFullYear();
  return {
    year,
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    weekday: date.getUTCDay(),
    yearDay: Math.floor((date.getTime() - Date.UTC(year, 0, 1)) / 86_400_000),
  };
}

type Field =
  /** A number with so many digits, filled up with zeros or spaces. */
  | { kind: "number"; value: number; digits: number; fill: "0" | " " }
  /** What the # flag makes of a text. */
  | { kind: "text"; text: string; swapped: "upper" | "lower" }
  /** A text that no flag changes. */
  | { kind: "fixed"; text: string }
  | { kind: "format"; format: string };

const number = (value: number, digits: number, fill: "0" | " " = "0"): Field => ({
  kind: "number",
  value,
  digits,
  fill,
});
const text = (value: string, swapped: "upper" | "lower" = "upper"): Field => ({ kind: "text", text: value, swapped });
const fixed = (value: string): Field => ({ kind: "fixed", text: value });
const format = (value: string): Field => ({ kind: "format", format: value });

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const day = (t: Moment): string => DAYS[t.weekday]!;
const month = (t: Moment): string => MONTHS[t.month]!;
const half = (t: Moment): string => (t.hour < 12 ? "AM" : "PM");
const hour12 = (t: Moment): number => ((t.hour + 11) % 12) + 1;

const FIELDS: Readonly<Record<string, (t: Moment) => Field>> = {
  a: (t) => text(day(t).slice(0, 3)),
  A: (t) => text(day(t)),
  b: (t) => text(month(t).slice(0, 3)),
  B: (t) => text(month(t)),
  c: () => format("%a %b %e %H:%M:%S %Y"),
  C: (t) => number(Math.floor(t.year / 100), 2),
  d: (t) => number(t.day, 2),
  D: () => format("%m/%d/%y"),
  e: (t) => number(t.day, 2, " "),
  F: () => format("%Y-%m-%d"),
  g: (t) => number(((isoWeek(t).year % 100) + 100) % 100, 2),
  G: (t) => number(isoWeek(t).year, 1),
  h: (t) => text(month(t).slice(0, 3)),
  H: (t) => number(t.hour, 2),
  I: (t) => number(hour12(t), 2),
  j: (t) => number(t.yearDay + 1, 3),
  k: (t) => number(t.hour, 2, " "),
  l: (t) => number(hour12(t), 2, " "),
  m: (t) => number(t.month + 1, 2),
  M: (t) => number(t.minute, 2),
  n: () => text("\n"),
  p: (t) => text(half(t), "lower"),
  P: (t) => fixed(half(t).toLowerCase()),
  r: () => format("%I:%M:%S %p"),
  R: () => format("%H:%M"),
  s: (t) => fixed(String(t.seconds)),
  S: (t) => number(t.second, 2),
  t: () => text("\t"),
  T: () => format("%H:%M:%S"),
  u: (t) => number(((t.weekday + 6) % 7) + 1, 1),
  U: (t) => number(Math.floor((t.yearDay - t.weekday + 7) / 7), 2),
  V: (t) => number(isoWeek(t).week, 2),
  w: (t) => number(t.weekday, 1),
  W: (t) => number(Math.floor((t.yearDay - ((t.weekday + 6) % 7) + 7) / 7), 2),
  x: () => format("%m/%d/%y"),
  X: () => format("%H:%M:%S"),
  y: (t) => number(((t.year % 100) + 100) % 100, 2),
  Y: (t) => number(t.year, 1),
  z: (t) => fixed(zoneOffset(t.offset)),
  Z: (t) => text(t.abbreviation, "lower"),
  "%": () => text("%"),
};

/** The modifiers E and O ask for another locale's forms; the C locale has none. */
const SPEC = /%([_0^#-]*)(\d*)[EO]?([A-Za-z%])/g;
/** A width must not exhaust the memory. */
const MAX_WIDTH = 1024;

function expand(source: string, t: Moment): string {
  // What is no conversion is printed as it stands.
  return source.replace(SPEC, (spec, flags: string, width: string, letter: string) => {
    const field = FIELDS[letter]?.(t);
    return field ? render(field, t, flags, Math.min(Number(width), MAX_WIDTH)) : spec;
  });
}

function render(field: Field, t: Moment, flags: string, width: number): string {
  // Of several, the last flag about filling counts.
  const fill = /([_0-])[^_0-]*$/.exec(flags)?.[1];
  switch (field.kind) {
    case "number": {
      if (fill === "-") return String(field.value).padStart(width);
      const filler = fill === undefined ? field.fill : fill === "_" ? " " : "0";
      return signed(field.value, Math.max(field.digits, width), filler);
    }
    case "fixed":
      return field.text.padStart(width, fill === "0" ? "0" : " ");
    case "text":
      return cased(field.text, flags, field.swapped).padStart(width, fill === "0" ? "0" : " ");
    case "format": {
      const expanded = expand(field.format, t);
      return (flags.includes("^") ? expanded.toUpperCase() : expanded).padStart(width, fill === "0" ? "0" : " ");
    }
  }
}

/** The sign stands before the zeros, and behind the spaces. */
function signed(value: number, digits: number, filler: string): string {
  const sign = value < 0 ? "-" : "";
  const magnitude = String(Math.abs(value));
  return filler === "0"
    ? sign + magnitude.padStart(digits - sign.length, "0")
    : (sign + magnitude).padStart(digits, filler);
}

function cased(value: string, flags: string, swapped: "upper" | "lower"): string {
  if (flags.includes("#")) return swapped === "upper" ? value.toUpperCase() : value.toLowerCase();
  return flags.includes("^") ? value.toUpperCase() : value;
}

/** `+hhmm` */
function zoneOffset(seconds: number): string {
  const minutes = Math.trunc(Math.abs(seconds) / 60);
  const pair = (n: number) => String(n).padStart(2, "0");
  return `${seconds < 0 ? "-" : "+"}${pair(Math.trunc(minutes / 60))}${pair(minutes % 60)}`;
}

/** ISO 8601: weeks begin on Monday, and the first one is that with the year's first Thursday. */
function isoWeek(t: Moment): { year: number; week: number } {
  const weekday = (t.weekday + 6) % 7;
  const week = Math.floor((t.yearDay - weekday + 10) / 7);
  if (week < 1) return { year: t.year - 1, week: isoWeeks(t.year - 1) };
  if (week > isoWeeks(t.year)) return { year: t.year + 1, week: 1 };
  return { year: t.year, week };
}

/** 53 in years that begin or end on a Thursday. */
function isoWeeks(year: number): number {
  const weekday = (month: number, day: number) => new Date(Date.UTC(year, month, day)).getUTCDay();
  return weekday(0, 1) === 4 || weekday(11, 31) === 4 ? 53 : 52;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
