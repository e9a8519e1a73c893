/**
 * The charts of the HTML report: run by run for metrics, overlaid for histograms. Each is an element that carries its
 * data, with the same numbers as a table beneath for those who read without pictures.
 */
import type { JsonNumber } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import { plural } from "../plural.ts";
import type { ChartData, HistogramChart, RunsChart } from "./chart-data.ts";
import { bucketLabel, type HistogramRow } from "./histogram.ts";
import { type Html, html } from "./markup.ts";
import type { Report, ReportHistogram, ReportMetric, ReportScenario } from "./model.ts";

type Sides = Report["sides"];

/** The figures of a scenario, with their headings. */
export function figures({ metrics, histograms }: ReportScenario, sides: Sides): Html {
  const measured = metrics.filter(({ secondary, values }) => !secondary && values.some((value) => value !== null));
  return html`${
    measured.length > 0 &&
    html`<h3>Run by run</h3>\n<div class="figures">${measured.map((metric) => runsFigure(metric, sides))}</div>`
  }${
    histograms.length > 0 &&
    html`<h3>Histograms</h3>\n<div class="figures wide">${histograms.map((histogram) => histogramFigure(histogram, sides))}</div>`
  }`;
}

function figure(title: string, data: ChartData, description: string, table: Html, legend: Html): Html {
  return html`<figure><figcaption><code>${title}</code>${legend}</figcaption>
<div class="chart" role="img" aria-label="${title}: ${description}" data-chart="${JSON.stringify(data)}"></div>
<details class="more"><summary>Numbers</summary>${table}</details></figure>
`;
}

function legendOf(compared: boolean, { base, now }: Sides): Html {
  return compared
    ? html`<span class="legend"><span class="key base">${base}</span><span class="key now">${now}</span></span>`
    : html``;
}

// Run by run

function runsFigure(metric: ReportMetric, sides: Sides): Html {
  const { name, unit, values, baseValues, summary, baseline } = metric;
  const say = (value: JsonNumber | null): string => (value === null ? "no data" : formatValue(Number(value), unit));
  const range = summary === undefined ? "" : `, from ${say(summary.min)} to ${say(summary.max)}`;
  const before = baseline === undefined ? "" : `; ${sides.base} median ${say(baseline.median)}`;
  const runs = [...Array(Math.max(values.length, baseValues?.length ?? 0)).keys()];
  const table = html`<div class="scroll"><table><thead><tr><th scope="col">Run</th>${baseValues !== undefined && html`<th scope="col" class="number">${sides.base}</th>`}<th scope="col" class="number">${sides.now}</th></tr></thead><tbody>${runs.map(
    (run) =>
      html`<tr><th scope="row">${run + 1}</th>${baseValues !== undefined && html`<td class="number">${say(baseValues[run] ?? null)}</td>`}<td class="number">${say(values[run] ?? null)}</td></tr>`,
  )}</tbody></table></div>`;
  const data: RunsChart = {
    kind: "runs",
    unit,
    now: values.map(numberOrNull),
    base: baseOf(metric),
    sides,
  };
  const description = `${plural(values.length, "run")}${range}${before}`;
  return figure(name, data, description, table, legendOf(baseline !== undefined, sides));
}

function baseOf({ baseValues, baseline }: ReportMetric): RunsChart["base"] {
  if (baseValues !== undefined) return { values: baseValues.map(numberOrNull) };
  return baseline && { min: Number(baseline.min), median: Number(baseline.median), max: Number(baseline.max) };
}

function numberOrNull(value: JsonNumber | null): number | null {
  return value === null ? null : Number(value);
}

// Histograms

function histogramFigure({ title, rows, compared, scale }: ReportHistogram, sides: Sides): Html {
  const table = html`<div class="scroll"><table><thead><tr><th scope="col">Bucket</th>${compared && html`<th scope="col">${sides.base}</th>`}<th scope="col">${sides.now}</th></tr></thead><tbody>${rows.map(
    (row) =>
      html`<tr><th scope="row"><code>${bucketLabel(row)}</code></th>${compared && html`<td class="number">${String(row.before)}</td>`}<td class="number">${String(row.now)}</td></tr>`,
  )}</tbody></table></div>`;
  const data: HistogramChart = { kind: "histogram", scale, buckets: rows.map(bucketOf), compared, sides };
  const total = rows.reduce((sum, { now }) => sum + now, 0n);
  const fullest = rows.reduce((a, b) => (b.now > a.now ? b : a));
  const description = `${plural(Number(total), "event")} a run, most of them in ${bucketLabel(fullest)}`;
  return figure(title, data, description, table, legendOf(compared, sides));
}

function bucketOf(row: HistogramRow, index: number, rows: readonly HistogramRow[]): HistogramChart["buckets"][number] {
  const { low, high, now, before } = row;
  // A bucket without limit is drawn as wide as its neighbour.
  const neighbour = rows[index === 0 ? 1 : index - 1];
  const width =
    neighbour?.low === null || neighbour?.high === null || neighbour === undefined
      ? 1
      : Number(neighbour.high - neighbour.low);
  const from = low === null ? (high === null ? 0 : Number(high) - width) : Number(low);
  const to = high === null ? from + width : Number(high);
  return { label: bucketLabel(row), from, to, now: Number(now), base: Number(before) };
}
