/** What a benchmark is, and what comes out of it: rows that compare us with one rival each, and tables for information. */
import type { Summary } from "./statistics.ts";
import type { Tools } from "./tools.ts";

export interface Benchmark {
  /** By which it is selected on the command line. */
  name: string;
  title: string;
  run(context: Context): Promise<Result>;
}

export interface Context {
  /** Fewer repetitions: good for a look, not for a verdict. */
  quick: boolean;
  tools: Tools;
  /** A temporary folder, gone at the end. */
  folder: string;
  /** Numbers in [0, 1) that the printed seed determines. */
  random: () => number;
  /** Says what is being done now. */
  progress: (text: string) => void;
  /** Ends the running benchmark when it is aborted. */
  signal: AbortSignal;
}

export interface Result {
  rows: Row[];
  details: Detail[];
}

export type Unit = "ms" | "ns" | "MiB" | "x";

export interface Row {
  /** What was measured, in words. */
  what: string;
  unit: Unit;
  ours: Summary;
  /** Undefined where the target is a number of its own, and where the rival is not installed. */
  rival: { name: string; values: Summary } | undefined;
  target: Target | undefined;
}

/** What must not be exceeded: so many times the rival, or so much. */
export type Target = { kind: "ratio"; max: number } | { kind: "value"; max: number };

/** `unknown`: the rival is not here to compare with. */
export type Verdict = "met" | "missed" | "unknown" | "none";

/** A table without a verdict. */
export interface Detail {
  title: string;
  columns: string[];
  rows: string[][];
}

/** Ours over the rival's, by the medians. */
export function ratioOf({ ours, rival }: Row): number | undefined {
  return rival && ours.median / rival.values.median;
}

export function verdictOf(row: Row): Verdict {
  const { target, ours } = row;
  if (target === undefined) return "none";
  const value = target.kind === "value" ? ours.median : ratioOf(row);
  if (value === undefined) return "unknown";
  // As it is shown: no measurement here is good for a fourth digit. A NaN is no success.
  return Number(value.toPrecision(3)) <= target.max ? "met" : "missed";
}
