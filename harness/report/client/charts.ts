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
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries)
      if (isIntersecting) charts.find(({ element }) => element === target)?.draw();
  });
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
  readonly #readout = document.createElement("span");
  #drawn: { readonly plot: Plot; readonly u: uPlot } | undefined;
  #position = -1;

  constructor(element: HTMLElement) {
    this.element = element;
    this.#data = JSON.parse(element.dataset.chart!) as ChartData;
    this.#readout.className = "readout";
    element.previousElementSibling?.append(this.#readout);
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("blur", () => this.#drawn?.u.setCursor({ left: -10, top: -10 }));
  }

  draw(): void {
    const width = this.element.clientWidth;
    if (this.#drawn !== undefined || width === 0) return;
    const data = this.#data;
    const plot = data.kind === "runs" ? runsPlot(data) : histogramPlot(data);
    const options: uPlot.Options = {
      ...plot.options,
      width,
      height: HEIGHTS[data.kind],
      legend: { show: false },
      hooks: { ...plot.options.hooks, setCursor: [(u) => this.#moved(u)] },
    };
    const u = new uPlot(options, plot.data, this.element);
    u.root.setAttribute("aria-hidden", "true");
    this.#drawn = { plot, u };
    this.#describe(plot);
  }

  /** With the colours and in the width of now. */
  redraw(): void {
    if (this.#drawn === undefined) return;
    this.#drawn.u.destroy();
    this.#drawn = undefined;
    this.draw();
  }

  #describe({ stops }: Plot): void {
    const { element } = this;
    element.tabIndex = 0;
    element.setAttribute("role", "slider");
    element.setAttribute("aria-valuemin", "1");
    element.setAttribute("aria-valuemax", String(stops.length));
    element.setAttribute("aria-valuenow", String(Math.max(1, this.#position + 1)));
    element.setAttribute("aria-valuetext", stops[Math.max(0, this.#position)]?.text ?? "");
  }

  #key(event: KeyboardEvent): void {
    if (this.#drawn === undefined) return;
    const { u, plot } = this.#drawn;
    const last = plot.stops.length - 1;
    const position = MOVES[event.key]?.(this.#position, last);
    if (position === undefined) return;
    event.preventDefault();
    const stop = plot.stops[Math.min(last, Math.max(0, position))];
    if (stop !== undefined) u.setCursor({ left: u.valToPos(stop.x, "x"), top: u.bbox.height / devicePixelRatio / 2 });
  }

  /** Tells what the cursor stands on. */
  #moved(u: uPlot): void {
    const left = u.cursor.left ?? -1;
    const stops = this.#drawn?.plot.stops ?? [];
    if (left < 0 || stops.length === 0) {
      this.#readout.textContent = "";
      return;
    }
    const x = u.posToVal(left, "x");
    const distance = (stop: (typeof stops)[number]): number => Math.abs(stop.x - x);
    this.#position = stops.reduce((best, stop, i) => (distance(stop) < distance(stops[best]!) ? i : best), 0);
    this.#readout.textContent = stops[this.#position]!.text;
    this.#describe(this.#drawn!.plot);
  }
}

const MOVES: Readonly<Record<string, (position: number, last: number) => number>> = {
  ArrowLeft: (position) => position - 1,
  ArrowDown: (position) => position - 1,
  ArrowRight: (position) => position + 1,
  ArrowUp: (position) => position + 1,
  Home: () => 0,
  End: (_, last) => last,
};
