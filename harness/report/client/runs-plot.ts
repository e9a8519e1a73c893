/** Run by run: a dot for each run, and behind them the band of the baseline's runs or a ring for each. */
import uPlot from "uplot";
import { formatValue } from "../../metrics/format.ts";
import type { RunsChart } from "../chart-data.ts";
import { axis, CURSOR, colour, labelWidth, type Plot, translucent } from "./plot.ts";

type Values = readonly (number | null)[];

export function runsPlot(chart: RunsChart): Plot {
  const { now, base, unit, sides } = chart;
  const baseRuns = base !== undefined && "values" in base ? base.values : undefined;
  const count = Math.max(now.length, baseRuns?.length ?? 0);
  const runs = Array.from({ length: count }, (_, i) => i + 1);
  const padded = (values: Values): (number | null)[] => runs.map((_, i) => values[i] ?? null);
  const say = (value: number | null | undefined): string =>
    value === null || value === undefined ? "no data" : formatValue(value, unit);
  const [low, high] = range(chart);
  return {
    data: [runs, padded(now), ...(baseRuns === undefined ? [] : [padded(baseRuns)])],
    stops: runs.map((run, i) => {
      const before = baseRuns === undefined ? "" : `, ${sides.base} ${say(baseRuns[i])}`;
      return { x: run, text: `run ${run}: ${say(now[i])}${before}` };
    }),
    options: {
      padding: [10, 10, 0, 0],
      cursor: CURSOR,
      scales: { x: { time: false, range: [0.5, count + 0.5] }, y: { range: [low, high] } },
      axes: [
        axis({ incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], grid: { show: false }, size: 26, space: 22 }),
        axis({
          values: (_, ticks) => ticks.map((tick) => formatValue(tick, unit)),
          size: labelWidth,
          space: 28,
          // Bytes are shown in binary units, so their ticks are powers of two.
          ...(unit === "B" ? { incrs: Array.from({ length: 60 }, (_, i) => 2 ** i) } : {}),
        }),
      ],
      series: [
        {},
        dots({ fill: colour("now"), stroke: colour("surface"), size: 9 }),
        ...(baseRuns === undefined ? [] : [dots({ fill: "transparent", stroke: colour("base"), size: 9, width: 2 })]),
      ],
      hooks: { drawAxes: [(u) => drawBand(u, base)] },
    },
  };
}

function dots(points: uPlot.Series.Points): uPlot.Series {
  return { paths: () => null, points: { show: true, width: 1, ...points } };
}

/** All values of both sides with some air, also when all are equal. */
function range({ now, base }: RunsChart): [low: number, high: number] {
  const before = base === undefined ? [] : "values" in base ? base.values : [base.min, base.max];
  const values = [...now, ...before].filter((value) => value !== null);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const air = min === max ? Math.max(1, Math.abs(min) * 0.1) : (max - min) * 0.15;
  // What is never negative is not shown below zero.
  return [min >= 0 ? Math.max(0, min - air) : min - air, max + air];
}

/** Between the extreme runs of the baseline, with a line for its median. */
function drawBand(u: uPlot, base: RunsChart["base"]): void {
  if (base === undefined || "values" in base) return;
  const { ctx } = u;
  const { left, width } = u.bbox;
  const y = (value: number): number => u.valToPos(value, "y", true);
  ctx.save();
  ctx.fillStyle = translucent("base", 0.18);
  ctx.fillRect(left, y(base.max), width, Math.max(1, y(base.min) - y(base.max)));
  ctx.strokeStyle = colour("base");
  ctx.lineWidth = uPlot.pxRatio * 1.5;
  ctx.setLineDash([6, 4].map((part) => part * uPlot.pxRatio));
  ctx.beginPath();
  ctx.moveTo(left, y(base.median));
  ctx.lineTo(left + width, y(base.median));
  ctx.stroke();
  ctx.restore();
}
