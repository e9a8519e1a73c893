/**
 * How results are put into words, the same in every report: spreads, changes, percentages, and what the probes cost.
 * Nothing here is made safe for any output; whoever prints it does that.
 */
import { decodeKey, decodeNumber, type JsonNumber } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import { keyIdentity } from "../metrics/print.ts";
import type { Unit } from "../metrics/units.ts";
import { plural } from "../plural.ts";
import type { KeyChange, MetricResult, PairedTestResult, ScenarioResult } from "./result.ts";

/** `12%`, `1.3%`, `0.04%` of a fraction. */
export function percent(fraction: number): string {
  const value = fraction * 100;
  return `${value >= 10 ? Math.round(value) : value >= 0.1 ? value.toFixed(1) : value.toFixed(2)}%`;
}

/** A scenario that the head of a comparison has no more could only be left out. */
export function statusText({ status, sides }: Pick<ScenarioResult, "status" | "sides">): string {
  return sides === "base" ? "removed" : status;
}

/** Half the distance between the extreme runs, as a share of the median; "" where there is nothing to say. */
export function spreadText({ summary, values }: Pick<MetricResult, "summary" | "values">): string {
  if (summary === undefined || values.length < 2) return "";
  const [min, median, max] = [Number(summary.min), Number(summary.median), Number(summary.max)];
  if (min === max) return "exact";
  return median === 0 ? `${min}..${max}` : `±${percent((max - min) / 2 / Math.abs(median))}`;
}

/**
 * The change against the baseline: `+412` for what is exact or came from nothing, else `+12%`; "" without one. Of medians,
 * or, where runs were made in pairs, as the pairs say, which is what was judged.
 */
export function changeText({
  baseline,
  delta,
  ratio,
  unit,
  class: behaviour,
  paired,
}: Pick<MetricResult, "baseline" | "delta" | "ratio" | "unit" | "class" | "paired">): string {
  if (baseline === undefined || delta === undefined) return "";
  if (paired?.test !== undefined) return effectText(paired.test.estimate, paired.test.scale, unit);
  const moved = decodeNumber(delta);
  if (moved === 0n || moved === 0) return "=";
  const sign = moved > 0 ? "+" : "-";
  if (ratio === undefined || behaviour === "exact") return sign + formatValue(moved < 0 ? -moved : moved, unit);
  return sign + percent(Math.abs(ratio - 1));
}

/** `+3.1%` of 1.031, `-4 ms` of a difference, `=` where there is none. */
export function effectText(effect: number, scale: PairedTestResult["scale"], unit: Unit): string {
  const change = scale === "ratio" ? effect - 1 : effect;
  if (change === 0) return "=";
  const size = scale === "ratio" ? percent(Math.abs(change)) : formatValue(Math.abs(change), unit);
  return `${change < 0 ? "-" : "+"}${size}`;
}

/** The bounds of a paired test: `+3.1% to +12%`; "" when there were too few pairs for any. */
export function intervalText({ scale, low, high }: PairedTestResult, unit: Unit): string {
  if (low === undefined && high === undefined) return "";
  const say = (bound: number): string => effectText(bound, scale, unit);
  // No spread at all: the change is what it is.
  if (low === high) return say(low!);
  if (low === undefined) return `at most ${say(high!)}`;
  return high === undefined ? `at least ${say(low)}` : `${say(low)} to ${say(high)}`;
}

/** A map's key as it is written in an expression. */
export function keyText(key: KeyChange["key"]): string {
  return keyIdentity(decodeKey(key));
}

const MOST_PROBES = 3;

/** The probes that one kernel program serves: `tracepoint:syscalls:sys_enter_… (369 probes)` where they are many. */
export function probesText(probes: readonly string[]): string {
  if (probes.length <= MOST_PROBES) return probes.join(", ");
  const [shared] = /^.*[:_]/.exec(commonPrefix(probes)) ?? [];
  return shared === undefined
    ? `${probes[0]} and ${plural(probes.length - 1, "other")}`
    : `${shared}… (${plural(probes.length, "probe")})`;
}

function commonPrefix(texts: readonly string[]): string {
  const sorted = [...texts].sort();
  const [first = "", last = ""] = [sorted[0], sorted.at(-1)];
  let length = 0;
  while (length < first.length && first[length] === last[length]) length++;
  return first.slice(0, length);
}

/** What tracing has cost a run, by the medians over the runs. */
export interface ProbeCost {
  /** On all CPUs: programs run for every task of the machine, and leave at the filter for those outside the scope. */
  readonly hits: number;
  /** Time in the programs, all hits together. */
  readonly ns: number;
  /** Of the workload's duration; undefined when that is not known. */
  readonly share: number | undefined;
  /** Beside runs without probes; undefined when there were none. */
  readonly control: { readonly runs: number; readonly durationNs: number; readonly difference: number } | undefined;
}

/** Undefined when the kernel did not count, and no run went without probes. */
export function probeCost({
  probes,
  control,
  metrics,
}: Pick<ScenarioResult, "probes" | "control" | "metrics">): ProbeCost | undefined {
  const hits = sum(probes.map((probe) => probe.hits));
  const ns = sum(probes.map((probe) => probe.ns));
  const duration = Number(metrics.find(({ name }) => name === "duration")?.summary?.median ?? 0);
  const without = control
    .flatMap(({ duration }) => (duration === undefined ? [] : [Number(duration)]))
    .sort((a, b) => a - b);
  const middle = without[without.length >> 1];
  if (hits === 0 && middle === undefined) return undefined;
  return {
    hits,
    ns,
    share: duration > 0 ? ns / duration : undefined,
    control:
      middle === undefined || middle === 0 || duration === 0
        ? undefined
        : { runs: without.length, durationNs: middle, difference: duration / middle - 1 },
  };
}

function sum(values: readonly JsonNumber[]): number {
  return values.reduce<number>((total, value) => total + Number(value), 0);
}

/** The cost in sentences: one about the programs, one about the runs without them. */
export function costSentences({ hits, ns, share, control }: ProbeCost): string[] {
  const sentences: string[] = [];
  if (hits > 0) {
    const of = share === undefined ? "" : ` (${percent(share)} of the duration)`;
    const each = `${Math.round(ns / hits)} ns each, together ${formatValue(Math.round(ns), "ns")}${of}`;
    sentences.push(`probes: ${formatValue(hits, "count")} hits a run on all CPUs, ${each}`);
  }
  if (control !== undefined) {
    const { runs, durationNs, difference } = control;
    const sign = difference < 0 ? "-" : "+";
    const which = runs === 1 ? "1 run" : `median of ${runs} runs`;
    sentences.push(
      `without probes: ${formatValue(durationNs, "ns")} (${which}), with them ${sign}${percent(Math.abs(difference))}`,
    );
  }
  return sentences;
}
