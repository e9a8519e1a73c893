/** Histograms as outlines that can lie over each other: the baseline's behind, that of now in front. */
import uPlot from "uplot";
import { formatValue } from "../../metrics/format.ts";
import type { HistogramChart } from "../chart-data.ts";
import { axis, CURSOR, colour, labelWidth, type Plot, translucent } from "./plot.ts";

type Place = (value: number) => number;

/** On a logarithmic axis zero has a place too, and negative values lie mirrored. */
const PLACES: Readonly<Record<HistogramChart["scale"], Place>> = {
  linear: (value) => value,
  log2: (value) => Math.sign(value) * Math.log2(1 + Math.abs(value)),
};

export function histogramPlot({ buckets, compared, scale, sides }: HistogramChart): Plot {
  const place = PLACES[scale];
  const [from, to] = [place(buckets[0]!.from), place(buckets.at(-1)!.to)];
  const ticks = scale === "log2" ? powerTicks(buckets[0]!.from, buckets.at(-1)!.to) : undefined;
  const outline = outlineOf(buckets, place);
  return {
    data: compared ? [outline.x, outline.base, outline.now] : [outline.x, outline.now],
    stops: buckets.map((bucket) => ({
      x: (place(bucket.from) + place(bucket.to)) / 2,
      text: compared
        ? `${bucket.label}: ${sides.now} ${count(bucket.now)}, ${sides.base} ${count(bucket.base)}`
        : `${bucket.label}: ${count(bucket.now)}`,
    })),
    options: {
      padding: [10, 14, 0, 0],
      cursor: CURSOR,
      scales: { x: { time: false, range: [from, to] }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.05)] } },
      axes: [
        axis({
          size: 26,
          grid: { show: false },
          ...(ticks === undefined
            ? { values: (_, splits) => splits.map((split) => formatValue(split, "count")) }
            : {
                splits: (u) => thinned(ticks, place, u),
                values: (_, splits) => splits.map((split) => unplaced(split)),
              }),
        }),
        axis({ values: (_, splits) => splits.map((split) => count(split)), size: labelWidth, space: 32 }),
      ],
      series: [{}, ...(compared ? [steps("base", 0.22)] : []), steps("now", 0.28)],
    },
  };
}

function count(value: number): string {
  return formatValue(value, "count");
}

function steps(side: "now" | "base", opacity: number): uPlot.Series {
  const path = uPlot.paths.stepped!({ align: 1 });
  return {
    stroke: colour(side),
    fill: translucent(side, opacity),
    width: 1.5,
    paths: path,
    points: { show: false },
  };
}

/** The corners of both outlines; between buckets that do not touch they lie on the ground. */
function outlineOf(buckets: HistogramChart["buckets"], place: Place): { x: number[]; now: number[]; base: number[] } {
  const outline = { x: [] as number[], now: [] as number[], base: [] as number[] };
  const corner = (x: number, now: number, base: number): void => {
    outline.x.push(x);
    outline.now.push(now);
    outline.base.push(base);
  };
  for (const [i, { from, to, now, base }] of buckets.entries()) {
    corner(place(from), now, base);
    if (buckets[i + 1]?.from !== to) corner(place(to), 0, 0);
  }
  return outline;
}

/** Zero, the powers of two of the range, and their negatives. */
function powerTicks(from: number, to: number): number[] {
  const powers = Array.from({ length: 64 }, (_, i) => 2 ** i);
  return [...powers.map((power) => -power).reverse(), 0, ...powers].filter((tick) => tick >= from && tick <= to);
}

/** As many of them as have room, evenly chosen. */
function thinned(ticks: readonly number[], place: Place, u: uPlot): number[] {
  const room = Math.max(2, Math.floor(u.bbox.width / uPlot.pxRatio / 56));
  const step = Math.ceil(ticks.length / room);
  return ticks.filter((_, i) => i % step === 0).map(place);
}

const SUFFIXES = ["", "K", "M", "G", "T", "P", "E"];

/** The label at a place on the logarithmic axis, in bpftrace's manner: 512, 1K, 64K. */
function unplaced(split: number): string {
  const value = Math.sign(split) * Math.round(2 ** Math.abs(split) - 1);
  let rest = value;
  let power = 0;
  while (rest !== 0 && rest % 1024 === 0 && power < SUFFIXES.length - 1) {
    rest /= 1024;
    power++;
  }
  return `${rest}${SUFFIXES[power]}`;
}
