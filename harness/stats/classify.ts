/**
 * What repetition says about a metric. The kernel counts some things the same in every run; those deserve a sharper
 * rule than times, which never repeat.
 */
import { difference, type Num, same, summarise } from "./summary.ts";

/**
 * - `exact`: no spread at all, so any change is a change of behaviour.
 * - `bounded`: whole numbers in a narrow band; the band moved if all new runs lie outside it.
 * - `noisy`: everything else, times above all.
 */
export type MetricClass = "exact" | "bounded" | "noisy";

/** A single run cannot show that nothing varies. */
const MIN_RUNS = 2;

/** A band is narrow up to this share of the median, or one event. */
const BAND = 0.1;

/**
 * Classifies by the spread within each side (baseline, new runs): the less regular side decides. `counter` says that
 * the metric counts something; what is not a counter is noisy however it looks.
 */
export function classify(sides: readonly (readonly Num[])[], counter: boolean): MetricClass {
  if (!counter) return "noisy";
  const classes = sides.map(classifySide);
  if (classes.includes("noisy")) return "noisy";
  return classes.includes("bounded") ? "bounded" : "exact";
}

function classifySide(values: readonly Num[]): MetricClass {
  const summary = summarise(values);
  if (!summary || summary.n < MIN_RUNS) return "noisy";
  if (same(summary.min, summary.max)) return "exact";
  const whole = values.every((value) => typeof value === "bigint" || Number.isInteger(value));
  const band = Math.max(1, Math.abs(Number(summary.median)) * BAND);
  return whole && Number(difference(summary.max, summary.min)) <= band ? "bounded" : "noisy";
}
