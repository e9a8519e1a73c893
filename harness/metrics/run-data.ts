/**
 * What one run of a workload measured, as the metric expressions see it: decoded maps and the free metrics. The
 * tracing layer and the runner produce it; it holds no file descriptors and no bytes.
 */
import type { Histogram } from "../stats/histogram.ts";
import type { MapKey, Num } from "./ast.ts";

/** A decoded map value. */
export type MapValue =
  /** A plain assignment of an integer. */
  | { readonly kind: "integer"; readonly value: Num }
  | { readonly kind: "count" | "sum" | "min" | "max"; readonly value: Num }
  | { readonly kind: "avg" | "stats"; readonly count: Num; readonly total: Num }
  /** Both kinds of histogram decode to the same neutral buckets. */
  | { readonly kind: "hist" | "lhist"; readonly histogram: Histogram }
  /** Strings, tuples and whatever else has no numeric meaning, as text. */
  | { readonly kind: "other"; readonly text: string }
  /** A series is to be looked at: which of its intervals there are depends on when the run ended. */
  | { readonly kind: "tseries"; readonly text: string };

export type MapValueKind = MapValue["kind"];

/** What is known of a map before anything ran: it comes out of the compiler. */
export interface MapShape {
  /** With the `@`: "@opens", or "@" for the nameless map. */
  readonly name: string;
  readonly kind: MapValueKind;
  readonly keyed: boolean;
}

export interface MapEntry {
  /** Empty for a map without keys. */
  readonly key: MapKey;
  readonly value: MapValue;
}

export interface MapData extends MapShape {
  /** No entries: the map was never touched in this run. */
  readonly entries: readonly MapEntry[];
}

export interface RunData {
  /** By name, with the `@`. Every map of the scripts is present, touched or not. */
  readonly maps: ReadonlyMap<string, MapData>;
  /** By name, see FREE_METRICS. A metric that could not be measured is left out. */
  readonly free: ReadonlyMap<string, Num>;
}

export type FreeMetricName = "duration" | "cpu_user" | "cpu_system" | "max_rss" | "page_faults" | "context_switches";

/** Measured for every run without any probe. Times are nanoseconds, sizes are bytes. */
export const FREE_METRICS: Readonly<Record<FreeMetricName, { unit: "ns" | "B" | "count"; description: string }>> = {
  duration: { unit: "ns", description: "wall-clock time from the workload's first instruction to its end" },
  cpu_user: { unit: "ns", description: "CPU time in user mode, of the workload and all it started" },
  cpu_system: { unit: "ns", description: "CPU time in the kernel, of the workload and all it started" },
  max_rss: { unit: "B", description: "largest resident set of any of the workload's processes" },
  page_faults: { unit: "count", description: "minor and major page faults" },
  context_switches: { unit: "count", description: "voluntary and involuntary context switches" },
};
