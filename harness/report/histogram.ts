/**
 * Histograms as text, in bpftrace's manner: a line per bucket with a bar of @ signs, and, where there is a baseline, its
 * bar beside. Shown is each bucket's median over the runs, so that one odd run does not shape the picture.
 */
import { histogramOf, type MapTableKey } from "../baseline/values.ts";
import type { Bucket, Histogram } from "../stats/histogram.ts";

/** One bucket on both sides: values v with low <= v < high; null is no limit. */
export interface HistogramRow {
  readonly low: bigint | null;
  readonly high: bigint | null;
  readonly now: bigint;
  readonly before: bigint;
}

type Row = { -readonly [K in keyof HistogramRow]: HistogramRow[K] };

export interface HistogramPicture {
  readonly lines: readonly string[];
  /** Width of the bucket column and of one bar with its count: where headings belong. */
  readonly columns: { readonly label: number; readonly bar: number };
}

const WIDEST_BAR = 52;
const NARROWEST_BAR = 8;

/** With more rows than this, a picture shows powers of two instead of the finer buckets. */
const MOST_ROWS = 24;

/** The histogram of one key, with that of the baseline at its side if given. No lines when it is empty. */
export function histogramPicture(
  now: MapTableKey,
  before: MapTableKey | undefined,
  width: number,
  fine = false,
): HistogramPicture {
  const all = histogramRows(now, before);
  const rows = fine ? all : coarse(all);
  const labels = rows.map(bucketLabel);
  const labelWidth = Math.max(0, ...labels.map((text) => text.length));
  const countWidth = Math.max(1, ...rows.flatMap((row) => [String(row.now).length, String(row.before).length]));
  const sides = before === undefined ? 1 : 2;
  // label, then for each side: gap, count, " |", bar, "|"
  const room = Math.floor((width - labelWidth) / sides) - countWidth - 5;
  const barWidth = Math.max(NARROWEST_BAR, Math.min(WIDEST_BAR, room));
  const bars = [barsOf(rows, "now", countWidth, barWidth)];
  if (before !== undefined) bars.push(barsOf(rows, "before", countWidth, barWidth));
  return {
    lines: rows.flatMap((row, i) => [
      // Empty buckets between are left out, and that is to be seen.
      ...(i > 0 && rows[i - 1]!.high !== row.low ? ["..."] : []),
      [labels[i]!.padEnd(labelWidth), ...bars.map((side) => side[i]!)].join("  "),
    ]),
    columns: { label: labelWidth, bar: countWidth + barWidth + 3 },
  };
}

/** The buckets of either side that are not empty, ascending. */
export function histogramRows(now: MapTableKey, before: MapTableKey | undefined): HistogramRow[] {
  return rowsOf(typicalHistogram(now), before && typicalHistogram(before));
}

/** For the eye: powers of two in place of finer buckets, where there are many. */
export function coarse(rows: readonly HistogramRow[]): readonly HistogramRow[] {
  return rows.length > MOST_ROWS ? byPowers(rows) : rows;
}

function barsOf(rows: readonly HistogramRow[], side: "now" | "before", countWidth: number, barWidth: number): string[] {
  const most = Math.max(1, ...rows.map((row) => Number(row[side])));
  return rows.map((row) => {
    const length = Math.floor((Number(row[side]) * barWidth) / most);
    return `${String(row[side]).padStart(countWidth)} |${"@".repeat(length).padEnd(barWidth)}|`;
  });
}

/** The buckets from the first to the last that is not empty on either side. */
function rowsOf(now: Histogram, before: Histogram | undefined): Row[] {
  const rows = new Map<string, Row>();
  const add = ({ low, high, count }: Bucket, side: "now" | "before"): void => {
    const id = `${low}:${high}`;
    const row = rows.get(id) ?? { low, high, now: 0n, before: 0n };
    row[side] = count;
    rows.set(id, row);
  };
  for (const bucket of now.buckets) add(bucket, "now");
  for (const bucket of before?.buckets ?? []) add(bucket, "before");
  return [...rows.values()].filter((row) => row.now > 0n || row.before > 0n).sort(byLow);
}

/** Rows joined within each power of two. Rows that cross one, as those of linear histograms may, are left as they are. */
function byPowers(rows: readonly HistogramRow[]): Row[] {
  const joined = new Map<string, Row>();
  for (const row of rows) {
    const power =
      row.low !== null && row.low > 0n && row.high !== null ? 1n << BigInt(row.low.toString(2).length - 1) : 0n;
    const fits = power > 0n && row.high! <= 2n * power;
    const id = fits ? `power ${power}` : `${row.low}:${row.high}`;
    const known = joined.get(id);
    if (known !== undefined) {
      known.now += row.now;
      known.before += row.before;
    } else {
      joined.set(id, fits ? { ...row, low: power, high: 2n * power } : { ...row });
    }
  }
  return [...joined.values()];
}

function byLow(a: Row, b: Row): number {
  if (a.low === b.low) return 0;
  if (a.low === null) return -1;
  if (b.low === null) return 1;
  return a.low < b.low ? -1 : 1;
}

/** Each bucket's median over the runs, rounded up, so that what is there in most runs is seen. */
function typicalHistogram({ values }: MapTableKey): Histogram {
  const buckets = new Map<string, { bucket: Bucket; counts: bigint[] }>();
  for (const value of values) {
    for (const bucket of histogramOf(value)?.buckets ?? []) {
      const id = `${bucket.low}:${bucket.high}`;
      const known = buckets.get(id) ?? { bucket, counts: [] };
      known.counts.push(bucket.count);
      buckets.set(id, known);
    }
  }
  return {
    buckets: [...buckets.values()].map(({ bucket, counts }) => {
      const all = [...counts, ...new Array<bigint>(values.length - counts.length).fill(0n)].sort((a, b) =>
        a < b ? -1 : a > b ? 1 : 0,
      );
      const upper = all[all.length >> 1]!;
      const lower = all[(all.length - 1) >> 1]!;
      return { ...bucket, count: (lower + upper + 1n) / 2n };
    }),
  };
}

/** `[2K, 4K)`, as bpftrace writes it. */
export function bucketLabel({ low, high }: Pick<HistogramRow, "low" | "high">): string {
  if (low === null) return high === null ? "(...)" : `(..., ${short(high)})`;
  if (high === null) return `[${short(low)}, ...)`;
  return high === low + 1n ? `[${low}]` : `[${short(low)}, ${short(high)})`;
}

const SUFFIXES = ["", "K", "M", "G", "T", "P", "E"];

/** Whole multiples of 1024 are shortened. */
function short(value: bigint): string {
  let power = 0;
  let rest = value;
  while (rest !== 0n && rest % 1024n === 0n && power < SUFFIXES.length - 1) {
    rest /= 1024n;
    power++;
  }
  return `${rest}${SUFFIXES[power]}`;
}
