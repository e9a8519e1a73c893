/** What the two kinds of plot have in common: their shape, colours from the style sheet, and axes. */
import type uPlot from "uplot";

export interface Plot {
  readonly options: Omit<uPlot.Options, "width" | "height">;
  readonly data: uPlot.AlignedData;
  /** Where a reader can stand, from left to right. */
  readonly stops: readonly { readonly x: number; readonly text: string }[];
}

/** A custom property of the page, as it is under the present colour scheme. */
export function colour(name: "now" | "base" | "dim" | "grid" | "surface"): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The same with an alpha of `opacity`; style sheet colours are #rrggbb. */
export function translucent(name: Parameters<typeof colour>[0], opacity: number): string {
  return (
    colour(name) +
    Math.round(opacity * 255)
      .toString(16)
      .padStart(2, "0")
  );
}

const FONT = "12px system-ui, sans-serif";
const CHARACTER = 7;

/** Quiet lines and labels; `size` of a vertical axis follows its longest label. */
export function axis(more: uPlot.Axis): uPlot.Axis {
  return {
    stroke: colour("dim"),
    font: FONT,
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { show: false },
    gap: 6,
    ...more,
  };
}

export function labelWidth(_: uPlot, labels: string[] | null): number {
  return 14 + CHARACTER * Math.max(1, ...(labels ?? []).map((label) => label.length));
}

export const CURSOR: uPlot.Cursor = { y: false, drag: { x: false, y: false }, points: { show: false } };
