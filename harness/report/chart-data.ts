/** What the charts of the HTML report are drawn from: the page carries it, its script reads it. */
import type { Unit } from "../metrics/units.ts";

/** One dot for each run; null is no data. */
export interface RunsChart {
  readonly kind: "runs";
  readonly unit: Unit;
  readonly now: readonly (number | null)[];
  /** The runs of the other side, or its summary alone, which is what a stored baseline tells. */
  readonly base:
    | { readonly values: readonly (number | null)[] }
    | { readonly min: number; readonly median: number; readonly max: number }
    | undefined;
  readonly sides: { readonly base: string; readonly now: string };
}

/** Counts of buckets, the two sides over each other. */
export interface HistogramChart {
  readonly kind: "histogram";
  /** Where buckets lie: by value, or by its binary logarithm. */
  readonly scale: "linear" | "log2";
  /** Ascending; `from` and `to` are values, also for buckets without limit, which get a limit for the picture's sake. */
  readonly buckets: readonly {
    readonly label: string;
    readonly from: number;
    readonly to: number;
    readonly now: number;
    readonly base: number;
  }[];
  readonly compared: boolean;
  readonly sides: { readonly base: string; readonly now: string };
}

export type ChartData = RunsChart | HistogramChart;
