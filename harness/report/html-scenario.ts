/** One scenario in the HTML report: all that was measured, and what it cost. */
import { type MapTable, magnitude } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import { plural } from "../plural.ts";
import { typical } from "./changes.ts";
import { withoutText } from "./findings.ts";
import { figures } from "./html-figures.ts";
import {
  anchor,
  capital,
  count,
  dataTable,
  isCompared,
  numberCell,
  numbers,
  statusBadge,
  value,
  verdictBadge,
  words,
} from "./html-parts.ts";
import { Html, html, lines, prose } from "./markup.ts";
import { probeRows, type Report, type ReportMetric, type ReportScenario } from "./model.ts";
import type { OutputResult, ProblemResult } from "./result.ts";
import { costSentences, keyText, percent } from "./wording.ts";

type Sides = Report["sides"];

export function scenarioSection(scenario: ReportScenario, index: number, { sides }: Report): Html {
  const { name, description, file, line, status, plan, problems, warnings } = scenario;
  return html`<section class="scenario" id="${anchor(index)}" data-status="${status}">
<details${status === "passed" ? "" : new Html(" open")}>
<summary><h2>${name}</h2> ${statusBadge(scenario)} <span class="dim">${plan}</span></summary>
<p class="where"><code>${file}:${line}</code>${description !== "" && html` · ${prose(description)}`}</p>
${problems.map((problem) => problemCallout(problem, status))}
${warnings.map((warning) => html`<div class="callout warning"><p>${prose(warning)}</p></div>`)}
${assertionList(scenario)}
${metricsTable(scenario, sides)}
${changesTables(scenario, sides)}
${figures(scenario, sides)}
${shiftsTables(scenario, sides)}
${probesTable(scenario)}
${mapTables(scenario)}
${enlargedList(scenario)}
${printedTexts(scenario)}
${scenario.output !== undefined && outputTexts(scenario.output)}
</details>
</section>`;
}

function problemCallout({ message, help, output }: ProblemResult, status: ReportScenario["status"]): Html {
  return html`<div class="callout ${status === "invalid" ? "error" : "warning"}"><p><strong>${status}</strong>: ${prose(message)}</p>
${help !== undefined && html`<p class="dim">help: ${prose(help)}</p>`}
${output !== undefined && outputTexts(output, true)}</div>`;
}

function assertionList({ assertions }: ReportScenario): Html {
  if (assertions.length === 0) return html``;
  return html`<h3>Assertions</h3>
<ul class="assertions">${assertions.map(({ text, line, status, message }) => {
    const failed = status === "pass" ? "passed" : "failed";
    const word = status === "no-data" ? "no data" : failed;
    return html`<li><span class="badge ${failed}">${word}</span> <code>${text}</code><span class="dim">: ${withoutText(message, text)} · line ${line}</span></li>`;
  })}</ul>`;
}

function metricsTable(scenario: ReportScenario, sides: Sides): Html {
  const { metrics, name } = scenario;
  if (metrics.length === 0) return html``;
  const compared = isCompared(scenario);
  const bounded = metrics.some(({ interval }) => interval !== "");
  const heads = [
    ...words("Metric"),
    ...numbers(...(compared ? [capital(sides.base)] : []), capital(sides.now), "Spread"),
  ];
  const more = compared ? [...numbers("Change", ...(bounded ? ["Interval"] : [])), ...words("Verdict")] : [];
  return html`<h3>Metrics</h3>
${dataTable(
  `Metrics of ${name}: medians over the runs`,
  [...heads, ...more],
  [...metrics]
    .sort((a, b) => Number(a.secondary) - Number(b.secondary))
    .map((metric) => metricRow(metric, compared, bounded)),
)}`;
}

function metricRow(metric: ReportMetric, compared: boolean, bounded: boolean): Html {
  const { name, description, unit, summary, baseline, spread, change, verdict, reason, noData, secondary } = metric;
  const now = summary === undefined ? "no data" : value(summary.median, unit);
  const width = summary === undefined ? undefined : Number(summary.max) - Number(summary.min);
  const unremarkable = verdict === "pass" || verdict === "new";
  const why = [unremarkable ? undefined : reason, noData].filter((part) => part !== undefined).join("; ");
  return html`<tr${secondary && new Html(' class="secondary"')}>
<th scope="row"><code>${name}</code>${description !== "" && html` <span class="dim">${prose(description)}</span>`}</th>
${compared && numberCell(value(baseline?.median, unit), baseline?.median)}
${numberCell(now, summary?.median)}
${numberCell(spread, width)}
${compared && numberCell(change, metric.worsening)}
${compared && bounded && html`<td class="number">${metric.interval}</td>`}
${compared && html`<td class="why">${verdictBadge(verdict)}${why !== "" && html` <span class="dim">${prose(why)}</span>`}</td>`}</tr>`;
}

/** Why metrics moved: by groups of keys where they are known, and key by key. */
function changesTables({ metrics }: ReportScenario, sides: Sides): Html {
  return html`${metrics
    .filter(({ changes, causes }) => changes.length > 0 || causes.length > 0)
    .map(
      (metric) => html`<h3>What changed in <code>${metric.name}</code></h3>
${metric.cause !== undefined && html`<p>${capital(metric.cause)}</p>`}
${causesTable(metric, sides)}
${
  metric.causes.length > 0 && metric.changes.length > 0
    ? html`<details class="more"><summary>Key by key</summary>${keysTable(metric, sides)}</details>`
    : keysTable(metric, sides)
}`,
    )}`;
}

function causesTable({ name, causes }: ReportMetric, { base, now }: Sides): Html {
  if (causes.length === 0) return html``;
  return dataTable(
    `Groups of keys behind ${name}, the largest share first`,
    [...words("Keys", "Kind"), ...numbers("Keys changed", capital(base), capital(now), "Share of the change")],
    causes.map(
      ({
        map,
        label,
        kind,
        keys,
        before,
        now,
        unit,
        share,
      }) => html`<tr><th scope="row"><code>${map}[${label}]</code></th>
${kindCell(kind, now - before)}${numberCell(count(keys), keys)}
${numberCell(formatValue(before, unit), before)}${numberCell(formatValue(now, unit), now)}${numberCell(percent(share), share)}</tr>`,
    ),
  );
}

function keysTable({ name, changes, moreChanges }: ReportMetric, { base, now }: Sides): Html {
  if (changes.length === 0) return html``;
  const rest = moreChanges > 0 && html`<p class="dim">and ${plural(moreChanges, "more key")}</p>`;
  return html`${dataTable(
    `Keys behind ${name}, the largest change first`,
    [...words("Key", "Kind"), ...numbers(capital(base), capital(now), "Change")],
    changes.map(({ kind, key, before, now, unit }) => {
      const moved = now - before;
      return html`<tr><th scope="row"><code>${key}</code></th>${kindCell(kind, moved)}
${numberCell(formatValue(before, unit), before)}${numberCell(formatValue(now, unit), now)}
${numberCell(`${moved > 0 ? "+" : "-"}${formatValue(Math.abs(moved), unit)}`, moved)}</tr>`;
    }),
  )}${rest}`;
}

function kindCell(kind: string, moved: number): Html {
  return html`<td><span class="badge ${moved > 0 ? "regression" : "improvement"}">${kind}</span></td>`;
}

/** How histograms moved as a whole. */
function shiftsTables({ shifts }: ReportScenario, { base, now }: Sides): Html {
  return html`${shifts.map(
    ({ map, verdict, reason, interval, unit, quantiles }) => html`<h3><code>${map}</code> as a whole</h3>
<p>${verdict !== undefined && html`${verdictBadge(verdict)} `}${prose(reason)}${interval !== "" && html` · ${interval}`}</p>
${
  quantiles.length > 0 &&
  dataTable(
    `Quantiles of ${map}: medians over the runs`,
    [...words("Quantile"), ...numbers(capital(base), capital(now), "Interval of the change")],
    quantiles.map(
      (quantile) => html`<tr><th scope="row">${quantile.name}</th>
${numberCell(formatValue(quantile.base, unit), quantile.base)}${numberCell(formatValue(quantile.head, unit), quantile.head)}
<td class="number">${quantile.interval}</td></tr>`,
    ),
  )
}`,
  )}`;
}

function probesTable(scenario: ReportScenario): Html {
  const rows = probeRows(scenario);
  const { cost } = scenario;
  if (scenario.runs === 0) return html``;
  if (cost === undefined)
    return html`<h3>Probe cost</h3>\n<p class="dim">The kernel did not say what the probes cost.</p>`;
  return html`<h3>Probe cost</h3>
<p>${costSentences(cost).map((sentence, i) => html`${i > 0 && new Html("<br>")}${capital(sentence)}.`)}</p>
${
  rows.length > 0 &&
  dataTable(
    "What each kernel program has cost in a run",
    [...words("Probes"), ...numbers("Hits", "ns per hit", "Total", "Share of the duration")],
    rows.map(
      ({ probes, label, hits, ns, nsPerHit, share }) => html`<tr><th scope="row">${probesCell(probes, label)}</th>
${numberCell(count(hits), hits)}${numberCell(nsPerHit === undefined ? "" : count(Math.round(nsPerHit)), nsPerHit)}
${numberCell(formatValue(ns, "ns"), ns)}${numberCell(share, ns)}</tr>`,
    ),
  )
}`;
}

/** Hundreds of system calls are served by one program. */
function probesCell(probes: readonly string[], label: string): Html {
  const all = probes.map((probe, i) => html`${i > 0 && new Html("<br>")}<code>${probe}</code>`);
  if (label === probes.join(", ")) return html`${all}`;
  return html`<details class="more"><summary><code>${label}</code></summary>${all}</details>`;
}

const MOST_MAP_ROWS = 100;

function mapTables({ tables }: ReportScenario): Html {
  return html`${tables.map((map) => {
    const shown = map.keys.slice(0, MOST_MAP_ROWS);
    const hidden = map.keys.length - shown.length + map.dropped;
    return html`<details class="more"><summary>Map <code>${map.name}</code> <span class="dim">${plural(map.keys.length + map.dropped, "key")}, ${map.script}</span></summary>
${dataTable(
  `${map.name}: medians over the runs`,
  [...words("Key"), ...numbers("Value"), ...words("All runs")],
  shown.map(
    (row) => html`<tr><th scope="row"><code>${map.keyed ? keyText(row.key) : "(no key)"}</code></th>
${numberCell(mapValue(row.values[0] ?? null) ?? count(typical(row)), typical(row))}
<td class="dim">${row.values.map((one) => mapValue(one) ?? count(magnitude(one))).join(" ")}</td></tr>`,
  ),
)}
${hidden > 0 && html`<p class="dim">and ${plural(hidden, "more key")}</p>`}</details>`;
  })}`;
}

/** What is no number. */
function mapValue(one: MapTable["keys"][number]["values"][number]): string | undefined {
  return one !== null && typeof one === "object" && "text" in one ? one.text : undefined;
}

function enlargedList({ enlarged }: ReportScenario): Html {
  return html`${enlarged.map(
    ({ map, from, to }) =>
      html`<p class="dim"><code>${map}</code> was full with ${count(from)} entries and was given ${count(to)}.</p>`,
  )}`;
}

function printedTexts({ printed }: ReportScenario): Html {
  const texts = printed.flatMap((text, run) => (text === "" ? [] : [{ text, run: run + 1 }]));
  if (texts.length === 0) return html``;
  return html`<details class="more"><summary>Printed by the probes</summary>
${texts.map(({ text, run }) => html`<p class="dim">run ${run}</p><pre>${lines(text)}</pre>`)}</details>`;
}

/** What a process printed. */
function outputTexts(output: OutputResult, open = false): Html {
  return html`${(["stdout", "stderr"] as const).map((name) => {
    const { head, tail, cut } = output[name];
    if (head === "") return html``;
    const text = cut === 0 ? head : `${head}\n[... ${cut} bytes not kept ...]\n${tail}`;
    return html`<details class="more"${open ? new Html(" open") : ""}><summary>${name} of the ${open ? "process" : "workload's last run"}</summary><pre>${lines(text)}</pre></details>`;
  })}`;
}
