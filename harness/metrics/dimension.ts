/**
 * The dimension of a value: exponents of time, bytes and events. What a map holds is not known before a script says
 * so, hence `known`: an unknown value goes along with everything, and is shown by the best guess.
 */
import type { Unit } from "./units.ts";

export interface Dimension {
  readonly time: number;
  readonly bytes: number;
  readonly count: number;
  readonly known: boolean;
  /** A number without unit in the expression itself: it may stand beside counts and ratios. */
  readonly literal: boolean;
  /** A percentage in the expression itself: it may stand beside ratios only. */
  readonly percent: boolean;
}

const NOTHING: Dimension = { time: 0, bytes: 0, count: 0, known: true, literal: false, percent: false };
export const UNKNOWN: Dimension = { ...NOTHING, known: false };
export const COUNT: Dimension = { ...NOTHING, count: 1 };
export const LITERAL: Dimension = { ...NOTHING, literal: true };

const OF_UNIT: Readonly<Record<Unit, Dimension>> = {
  ns: { ...NOTHING, time: 1 },
  B: { ...NOTHING, bytes: 1 },
  count: COUNT,
  "%": { ...NOTHING, percent: true },
  "B/ns": { ...NOTHING, bytes: 1, time: -1 },
  "1/ns": { ...NOTHING, count: 1, time: -1 },
};

export function dimensionOf(unit: Unit): Dimension {
  return OF_UNIT[unit];
}

/** The dimension of a product (sign 1) or a quotient (sign -1). */
export function combine(a: Dimension, b: Dimension, sign: 1 | -1): Dimension {
  return {
    time: a.time + sign * b.time,
    bytes: a.bytes + sign * b.bytes,
    count: a.count + sign * b.count,
    known: a.known && b.known,
    literal: a.literal && b.literal,
    percent: false,
  };
}

/** Why two values cannot be added or compared, if they cannot. */
export type Mismatch = "unit-mismatch" | "unit-missing" | "percent-of-what";

export function mismatch(a: Dimension, b: Dimension): Mismatch | undefined {
  if (!a.known || !b.known) return undefined;
  if (a.time !== b.time || a.bytes !== b.bytes) return a.literal || b.literal ? "unit-missing" : "unit-mismatch";
  return (a.percent && b.count !== 0) || (b.percent && a.count !== 0) ? "percent-of-what" : undefined;
}

/** The dimension of a sum or comparison of two values that go together: the more telling one. */
export function unify(a: Dimension, b: Dimension): Dimension {
  if (!a.known) return b.known && !b.literal ? b : a;
  if (!b.known) return a.literal ? b : a;
  return a.literal || b.percent ? b : a;
}

/** The unit in which values of this dimension are shown. */
export function unitOf(d: Dimension): Unit {
  if (d.percent) return "%";
  if (d.time === 1 && d.bytes === 0) return "ns";
  if (d.time === 0 && d.bytes === 1) return "B";
  if (d.time === -1 && d.bytes === 1) return "B/ns";
  if (d.time === -1 && d.bytes === 0) return "1/ns";
  return "count";
}

/** In words, for messages. */
export function describeDimension(d: Dimension): string {
  if (d.literal) return "a plain number";
  if (d.percent) return "a percentage";
  const unit = unitOf(d);
  if (unit === "count" && (d.time !== 0 || d.bytes !== 0)) return "a product of units";
  return {
    ns: "a time",
    B: "a size",
    count: "a count",
    "%": "a percentage",
    "B/ns": "a size per time",
    "1/ns": "a rate",
  }[unit];
}
