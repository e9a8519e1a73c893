/**
 * Units: how a user writes quantities (`200us`, `4KiB`, `5%`) and what they are held in. Every value inside the
 * harness is in the base unit of its dimension: nanoseconds, bytes, or a plain number.
 */
import { nearest } from "../../compiler/diagnostics.ts";
import type { Num } from "./ast.ts";

/**
 * The unit in which a metric's value is held. `count` is any plain number; `%` is a fraction (0.05) that is printed
 * as a percentage; the rates come from divisions by a time.
 */
export type Unit = "ns" | "B" | "count" | "%" | "B/ns" | "1/ns";

export interface UnitInfo {
  readonly base: Unit;
  /** One of this unit is `factor / divisor` of the base unit; both are integers so that whole numbers stay exact. */
  readonly factor: bigint;
  readonly divisor: bigint;
}

const whole = (base: Unit, factor: bigint): UnitInfo => ({ base, factor, divisor: 1n });

/** Units that may follow a number or stand behind `unit:`. */
export const UNITS: Readonly<Record<string, UnitInfo>> = {
  ns: whole("ns", 1n),
  us: whole("ns", 1_000n),
  ms: whole("ns", 1_000_000n),
  s: whole("ns", 1_000_000_000n),
  m: whole("ns", 60_000_000_000n),
  h: whole("ns", 3_600_000_000_000n),
  B: whole("B", 1n),
  KB: whole("B", 1_000n),
  KiB: whole("B", 1_024n),
  MB: whole("B", 1_000_000n),
  MiB: whole("B", 1_048_576n),
  GB: whole("B", 1_000_000_000n),
  GiB: whole("B", 1_073_741_824n),
  "%": { base: "%", factor: 1n, divisor: 100n },
  count: whole("count", 1n),
};

/** A decimal number without sign, as in `1.5` or `1_000`. */
const DECIMAL = /^(\d[\d_]*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,2}))?$/;

/**
 * The exact value of a decimal text times a unit's factor: a bigint where the result is whole, else a number.
 * Undefined if the text is no decimal number, or out of range.
 */
export function parseDecimal(text: string, unit: UnitInfo = UNITS.count!): Num | undefined {
  const match = DECIMAL.exec(text);
  if (!match) return undefined;
  const fraction = match[2] ?? "";
  const exponent = Number(match[3] ?? 0) - fraction.length;
  const digits = BigInt(match[1]!.replaceAll("_", "") + fraction) * unit.factor;
  const numerator = exponent > 0 ? digits * 10n ** BigInt(exponent) : digits;
  const denominator = exponent < 0 ? 10n ** BigInt(-exponent) * unit.divisor : unit.divisor;
  if (numerator % denominator === 0n) return numerator / denominator;
  const ratio = Number(numerator) / Number(denominator);
  return Number.isFinite(ratio) ? ratio : undefined;
}

/** A duration for a timer, `30s` or `1.5ms`, in milliseconds; undefined if the text is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(.*\d)([a-z]+)$/.exec(text);
  const unit = match && Object.hasOwn(UNITS, match[2]!) ? UNITS[match[2]!] : undefined;
  if (!match || unit?.base !== "ns") return undefined;
  const nanoseconds = parseDecimal(match[1]!, unit);
  return nanoseconds === undefined ? undefined : Number(nanoseconds) / 1e6;
}

/** A percentage, `5%`, as a fraction; undefined if the text is none. */
export function parsePercent(text: string): number | undefined {
  if (!text.endsWith("%")) return undefined;
  const value = parseDecimal(text.slice(0, -1), UNITS["%"]);
  return value === undefined ? undefined : Number(value);
}

/** The unit that was probably meant by `usec`, `kb`, `Seconds`. */
export function nearestUnit(text: string): string | undefined {
  const word = text.toLowerCase();
  const alias = UNIT_ALIASES.find(([pattern]) => pattern.test(word));
  return (
    alias?.[1] ?? Object.keys(UNITS).find((unit) => unit.toLowerCase() === word) ?? nearest(text, Object.keys(UNITS))
  );
}

const UNIT_ALIASES: readonly (readonly [RegExp, string])[] = [
  [/^(nsecs?|nanos?|nanosec.*)$/, "ns"],
  [/^(usecs?|µs|μs|micros?|microsec.*)$/, "us"],
  [/^(msecs?|millis?|millisec.*)$/, "ms"],
  [/^(secs?|seconds?)$/, "s"],
  [/^(mins?|minutes?)$/, "m"],
  [/^(hrs?|hours?)$/, "h"],
  [/^(bytes?)$/, "B"],
  [/^(k|kb)$/, "KB"],
  [/^(kib|ki)$/, "KiB"],
  [/^(mb|meg.*)$/, "MB"],
  [/^(mib|mi)$/, "MiB"],
  [/^(g|gb)$/, "GB"],
  [/^(gib|gi)$/, "GiB"],
  [/^(percent|pct)$/, "%"],
];
