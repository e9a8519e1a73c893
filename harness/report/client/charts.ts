/**
 * Every chart of the page, drawn when it comes into view, redrawn when the colours change, and read by mouse or by arrow
 * keys: for assistive technology a chart is a slider whose value is the dot or bucket it stands on.
 */
import uPlot from "uplot";
import type { ChartData } from "../chart-data.ts";
import { histogramPlot } from "./histogram-plot.ts";
import type { Plot } from "./plot.ts";
import { runsPlot } from "./runs-plot.ts";

const HEIGHTS: Readonly<Record<ChartData["kind"], number>> = { runs: 130, histogram: 200 };

export function drawCharts(): void {
  const charts = [...document.querySelectorAll<HTMLElement>(".chart[data-chart]")].map((element) => new Chart(element));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries)
        if (isIntersecting) charts.find(({ element }) => element === target)?.draw();
    },
    { rootMargin: "200px" },
  );
  for (const { element } of charts) seen.observe(element);
  const redraw = (): void => {
    for (const chart of charts) chart.redraw();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("resize", redraw);
  addEventListener("beforeprint", () => {
    for (const chart of charts) chart.draw();
  });
}

class Chart {
  readonly element: HTMLElement;
  readonly #data: ChartData;
  readonly #stops: Plot["stops"];
  readonly #readout = document.createElement("span");
  #u: uPlot | undefined;
  #position = -1;

  constructor(element: HTMLElement) {
    this.element = element;
    this.#data = JSON.parse(element.dataset.chart!) as ChartData;
    this.#stops = plotOf(this.#data).stops;
    this.#readout.className = "readout";
    element.previousElementSibling?.append(this.#readout);
    element.tabIndex = 0;
    element.setAttribute("role", "slider");
    element.setAttribute("aria-valuemin", "1");
    element.setAttribute("aria-valuemax", String(this.#stops.length));
    this.#describe();
    element.addEventListener("focus", () => this.draw());
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("blur", () => this.#u?.setCursor({ left: -10, top: -10 }));
  }

  draw(): void {
    const width = this.element.clientWidth;
    if (this.#u !== undefined || width === 0) return;
    const { options, data } = plotOf(this.#data);
    const height = HEIGHTS[this.#data.kind];
    const hooks: uPlot.Hooks.Arrays = { ...options.hooks, setCursor: [(u) => this.#moved(u)] };
    this.#u = new uPlot({ ...options, width, height, hooks, legend: { show: false } }, data, this.element);
    this.#u.root.setAttribute("aria-hidden", "true");
  }

  /** With the colours and in the width of now. */
  redraw(): void {
    if (this.#u === undefined) return;
    this.#u.destroy();
    this.#u = undefined;
    this.draw();
  }

  #describe(): void {
    const shown = Math.max(0, this.#position);
    this.element.setAttribute("aria-valuenow", String(shown + 1));
    this.element.setAttribute("aria-valuetext", this.#stops[shown]?.text ?? "");
  }

  #key(event: KeyboardEvent): void {
    const u = this.#u;
    const last = this.#stops.length - 1;
    const position = MOVES[event.key]?.(this.#position, last);
    if (u === undefined || position === undefined) return;
    event.preventDefault();
    const stop = this.#stops[Math.min(last, Math.max(0, position))];
    if (stop !== undefined) u.setCursor({ left: u.valToPos(stop.x, "x"), top: u.bbox.height / devicePixelRatio / 2 });
  }

  /** Tells what the cursor stands on. */
  #moved(u: uPlot): void {
    const left = u.cursor.left ?? -1;
    if (left < 0 || this.#stops.length === 0) {
      this.#readout.textContent = "";
      return;
    }
    const x = u.posToVal(left, "x");
    const distance = (position: number): number => Math.abs(this.#stops[position]!.x - x);
    this.#position = this.#stops.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0);
    this.#readout.textContent = this.#stops[this.#position]!.text;
    this.#describe();
  }
}

function plotOf(data: ChartData): Plot {
  return data.kind === "runs" ? runsPlot(data) : histogramPlot(data);
}

const MOVES: Readonly<Record<string, (position: number, last: number) => number>> = {
  ArrowLeft: (position) => position - 1,
  ArrowDown: (position) => position - 1,
  ArrowRight: (position) => position + 1,
  ArrowUp: (position) => position + 1,
  Home: () => 0,
  End: (_, last) => last,
};
