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
  rival: Rival | undefined;
  target: Target | undefined;
}

export interface Rival {
  name: string;
  values: Summary;
  /** What it says of its version, where the target asks for one. */
  version?: string;
}

/**
 * What must not be exceeded: so many times the rival, or so much. `since` is the rival's release that the target is stated against: an
 * older one is another yardstick.
 */
export type Target = { kind: "ratio"; max: number; since?: string } | { kind: "value"; max: number };

/** `unknown`: the rival is not here to compare with; `older`: only one from before what the target is stated against. */
export type Verdict = "met" | "missed" | "unknown" | "older" | "none";

/** A table without a verdict. */
export interface Detail {
  title: string;
  columns: string[];
  rows: string[][];
}

/** Ours over the rival's, by the medians. */
export function ratioOf({ ours, rival }: Row): number | undefined {
  return rival && quotient(ours.median, rival.values.median);
}

/** What is not above zero was lost in the noise, and has no ratio to anything: a NaN, which meets no target. */
export function quotient(ours: number, rival: number): number {
  return ours > 0 && rival > 0 ? ours / rival : Number.NaN;
}

export function verdictOf(row: Row): Verdict {
  const { target, ours } = row;
  if (target === undefined) return "none";
  const value = target.kind === "value" ? ours.median : ratioOf(row);
  if (value === undefined) return "unknown";
  if (target.kind === "ratio" && target.since && isOlder(row.rival?.version ?? "", target.since)) return "older";
  // As it is shown: no measurement here is good for a fourth digit. A NaN is no success.
  return Number(value.toPrecision(3)) <= target.max ? "met" : "missed";
}

/** Whether a text with a version in it, such as `bpftrace v0.17.0`, names a release before the given one. One without might be any. */
function isOlder(text: string, release: string): boolean {
  const version = numbersIn(text);
  const given = numbersIn(release);
  const differs = given.findIndex((number, i) => number !== (version[i] ?? 0));
  return differs >= 0 && (version[differs] ?? 0) < given[differs]!;
}

function numbersIn(text: string): number[] {
  return (/\d+(\.\d+)*/.exec(text)?.[0] ?? "").split(".").map(Number);
}
