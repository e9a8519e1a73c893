/**
 * Histograms as rows to print: from the first bucket with a count to the last one, with bounds named as bpftrace names
 * them (`[1K, 2K)`).
 */
import { histRange, lhistRange } from "../../../compiler/histogram.ts";
import type { Value } from "../decode.ts";

export interface Bound {
  readonly text: string;
  readonly value: bigint;
}

/** A bucket: values v with low <= v < high. A bound that is undefined is no limit. */
export interface HistogramRow {
  readonly low: Bound | undefined;
  readonly high: Bound | undefined;
  readonly count: bigint;
  /** Whether it is printed as `[3]`: the bucket of one value, with bounds that are written out. */
  readonly single: boolean;
}

type Hist = Extract<Value, { kind: "hist" }>;
type Lhist = Extract<Value, { kind: "lhist" }>;

export function histogramRows({ buckets, bits }: Hist, divisor: bigint): HistogramRow[] {
  return usedBuckets(buckets, (i) => {
    const { low, high } = histRange(i, bits);
    return {
      low: low === undefined ? undefined : powerBound(low, bits),
      high: powerBound(high, bits),
      count: buckets[i]! / divisor,
      single: low !== undefined && high === low + 1n,
    };
  });
}

export function linearHistogramRows({ buckets, min, max, step }: Lhist): HistogramRow[] {
  return usedBuckets(buckets, (i) => {
    const { low, high } = lhistRange(i, min, max, step);
    return {
      low: low === undefined ? undefined : linearBound(low, step),
      high: high === undefined ? undefined : linearBound(high, step),
      count: buckets[i]!,
      single: low !== undefined && high === low + 1,
    };
  });
}

function usedBuckets(buckets: readonly bigint[], row: (bucket: number) => HistogramRow): HistogramRow[] {
  const first = buckets.findIndex((n) => n > 0n);
  const last = buckets.findLastIndex((n) => n > 0n);
  if (first < 0) return [];
  return Array.from({ length: last - first + 1 }, (_, i) => row(first + i));
}

const SUFFIXES = ["", "K", "M", "G", "T", "P", "E"];

/**
 * A bound of hist(n, bits). The suffix goes by the bucket's width (2^10, 2^20 ...), not by the bound: with 3 bits
 * 1024 is the start of a bucket 128 wide, and is written out.
 */
function powerBound(value: bigint, bits: number): Bound {
  if (value < 2n << BigInt(bits)) return { text: value.toString(), value };
  const width = value.toString(2).length - 1 - bits;
  const thousands = Math.floor(width / 10);
  return { text: `${value >> BigInt(10 * thousands)}${SUFFIXES[thousands]}`, value };
}

const KIBI = 1024;
const MEBI = 1024 * 1024;

/** A bound of lhist(): shortened only where every bound is a multiple of 1024. */
function linearBound(value: number, step: number): Bound {
  return { text: step % KIBI === 0 ? shortened(value) : String(value), value: BigInt(value) };
}

function shortened(value: number): string {
  if (value !== 0 && value % MEBI === 0) return `${value / MEBI}M`;
  if (value !== 0 && value % KIBI === 0) return `${value / KIBI}K`;
  return String(value);
}
