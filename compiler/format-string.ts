/**
 * printf's format language, in one place: the checker asks it which arguments a format takes, the harness prints
 * by it. C's conversions for integers, characters, strings and pointers, and bpftrace's %r, %rx and %rh for buffers and
 * %gr for flags of the kernel's page allocator.
 */

/** What a conversion does with its argument. */
export type Conversion = "d" | "i" | "u" | "o" | "x" | "X" | "c" | "s" | "p" | "r" | "rx" | "rh" | "gr";

/** C's conversions that have no meaning here: no floating point, no writing through pointers. */
export type UnsupportedConversion = "e" | "E" | "f" | "F" | "g" | "G" | "a" | "A" | "n";

export type LengthModifier = "" | "hh" | "h" | "l" | "ll" | "j" | "z" | "t" | "L";

/** A number, or "*": taken from an argument of its own that stands before the value. */
export type FieldSize = number | "*" | undefined;

export interface FormatFlags {
  /** `-` */
  left: boolean;
  /** `+` */
  sign: boolean;
  /** a space */
  space: boolean;
  /** `#` */
  alternate: boolean;
  /** `0` */
  zero: boolean;
}

export interface FormatSpec {
  /** As written, for messages. */
  text: string;
  /** Where it stands in the format. */
  start: number;
  flags: FormatFlags;
  width: FieldSize;
  precision: FieldSize;
  length: LengthModifier;
  conversion: Conversion | UnsupportedConversion;
}

/** Text to print as it is (with %% already a percent sign), or a conversion. */
export type FormatPiece = string | FormatSpec;

const SPEC =
  /%(?<flags>[-+ #0]*)(?<width>\*|\d+)?(?:\.(?<precision>\*|\d*))?(?<length>hh|h|ll|l|j|z|t|L)?(?<conversion>%|rx|rh|gr|[diuoxXcsprnaAeEfFgG])/g;

/** More than this many columns or digits are cut down to it: a width must not exhaust the memory. */
export const MAX_FIELD_SIZE = 65_535;

/** Splits a format. What is no conversion (`100%`, `%y`) stays text, as it does in bpftrace. */
export function parseFormat(format: string): FormatPiece[] {
  const pieces: FormatPiece[] = [];
  let text = "";
  let end = 0;
  for (const match of format.matchAll(SPEC)) {
    text += format.slice(end, match.index);
    end = match.index + match[0].length;
    const { flags = "", width, precision, length = "", conversion = "" } = match.groups ?? {};
    if (conversion === "%") {
      text += "%";
      continue;
    }
    if (text !== "") pieces.push(text);
    text = "";
    pieces.push({
      text: match[0],
      start: match.index,
      flags: readFlags(flags),
      width: fieldSize(width),
      precision: fieldSize(precision),
      length: length as LengthModifier,
      conversion: conversion as FormatSpec["conversion"],
    });
  }
  text += format.slice(end);
  if (text !== "") pieces.push(text);
  return pieces;
}

/** What an argument of a format is for. */
export interface FormatParameter {
  role: "width" | "precision" | "value";
  spec: FormatSpec;
}

/** The arguments that a format takes, in order. */
export function formatParameters(pieces: readonly FormatPiece[]): FormatParameter[] {
  const parameters: FormatParameter[] = [];
  for (const spec of pieces) {
    if (typeof spec === "string") continue;
    if (spec.width === "*") parameters.push({ role: "width", spec });
    if (spec.precision === "*") parameters.push({ role: "precision", spec });
    parameters.push({ role: "value", spec });
  }
  return parameters;
}

/** What a conversion takes: numbers are integers, truth values, enums and pointers. */
const CONVERSION_TAKES: Readonly<Record<Conversion, "number" | "buffer" | "anything">> = {
  d: "number",
  i: "number",
  u: "number",
  o: "number",
  x: "number",
  X: "number",
  c: "number",
  p: "number",
  s: "anything",
  r: "buffer",
  rx: "buffer",
  rh: "buffer",
  gr: "number",
};

export function isSupported(conversion: FormatSpec["conversion"]): conversion is Conversion {
  return Object.hasOwn(CONVERSION_TAKES, conversion);
}

function readFlags(flags: string): FormatFlags {
  return {
    left: flags.includes("-"),
    sign: flags.includes("+"),
    space: flags.includes(" "),
    alternate: flags.includes("#"),
    zero: flags.includes("0"),
  };
}

/** A precision without digits is 0, as in C. */
function fieldSize(text: string | undefined): FieldSize {
  if (text === undefined || text === "*") return text;
  return text === "" ? 0 : Math.min(Number(text), MAX_FIELD_SIZE);
}
