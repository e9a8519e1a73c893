/**
 * The report as one HTML file that needs nothing else: no network, no other file. All numbers stand in tables, which are
 * there without any script; the script makes the tables sortable and draws charts beside them. A content security policy
 * admits that one script and no other, should foreign text ever get past the escaping.
 */
import { createHash } from "node:crypto";
import { decodeNumber, type JsonNumber, type MapTable, magnitude } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import type { Unit } from "../metrics/units.ts";
import { typical } from "./changes.ts";
import { type Finding, findingsOf, withoutText } from "./findings.ts";
import { figures } from "./html-figures.ts";
import { Html, html, lines, prose } from "./markup.ts";
import { probeRows, type Report, type ReportMetric, type ReportScenario } from "./model.ts";
import type { DiagnosticResult, OutputResult, ProblemResult } from "./result.ts";
import { costSentences, keyText, percent, plural } from "./wording.ts";

/** Script and style of the page. */
export interface ReportAssets {
  readonly script: string;
  readonly style: string;
}

/** The whole page. */
export function htmlReport(report: Report, assets: ReportAssets): string {
  const { script, style } = assets;
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) throw new Error("an asset would end its own element");
  const policy = `default-src 'none'; script-src '${digest(script)}'; style-src '${digest(style)}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>\n${
    html`<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="probewright ${report.version}">
<title>${report.headline} · probewright</title>
<link rel="icon" href="data:,">
<style>${new Html(style)}</style>
</head>
<body>
<a class="skip" href="#scenarios">Skip to the scenarios</a>
${header(report)}
<main>
${diagnosticsSection(report.diagnostics)}
${findingsSection(report)}
${scenariosSection(report)}
${report.scenarios.map((scenario, i) => scenarioSection(scenario, i, report))}
${machineSection(report)}
</main>
<script>${new Html(script)}</script>
</body>
</html>
`.text
  }`;
}

/** As a content security policy names a script or style. */
function digest(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

// Words

const STATUS_MARKS: Readonly<Record<ReportScenario["status"], string>> = {
  passed: "✓",
  failed: "✗",
  invalid: "!",
  inconclusive: "?",
  interrupted: "–",
  skipped: "–",
};

function statusBadge(status: ReportScenario["status"]): Html {
  return html`<span class="badge ${status}"><span aria-hidden="true">${STATUS_MARKS[status]}</span> ${status}</span>`;
}

function verdictBadge(verdict: ReportMetric["verdict"]): Html {
  return verdict === "new" ? html`` : html`<span class="badge ${verdict}">${verdict}</span>`;
}

function value(number: JsonNumber | undefined, unit: Unit): string {
  return number === undefined ? "" : formatValue(decodeNumber(number), unit);
}

/** A cell with a number: aligned, and sorted by what it is rather than by how it is written. */
function numberCell(text: string, sortBy: JsonNumber | undefined): Html {
  return html`<td class="number" data-sort="${sortBy === undefined ? "" : String(Number(sortBy))}">${text}</td>`;
}

function anchor(index: number): string {
  return `scenario-${index + 1}`;
}

/** The heading of a column, and whether numbers stand below it. */
interface Head {
  readonly text: string;
  readonly number: boolean;
}

function words(...texts: readonly string[]): Head[] {
  return texts.map((text) => ({ text, number: false }));
}

function numbers(...texts: readonly string[]): Head[] {
  return texts.map((text) => ({ text, number: true }));
}

/** `sortable` tables get buttons in their heads. */
function dataTable(caption: string, heads: readonly Head[], rows: readonly Html[]): Html {
  return html`<div class="scroll"><table class="sortable"><caption>${caption}</caption>
<thead><tr>${heads.map(({ text, number }) => html`<th scope="col"${number && new Html(' class="number"')}>${text}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`${row}\n`)}</tbody></table></div>`;
}

function count(number: number): string {
  return formatValue(number, "count");
}

// The top

function header({ verdict, headline, version, startedAt, durationNs, scenarios, sides }: Report): Html {
  const compared = scenarios.some(isCompared);
  const about = [
    `probewright ${version}`,
    `${startedAt.slice(0, 19).replace("T", " ")} UTC`,
    formatValue(decodeNumber(durationNs), "ns"),
    ...(compared ? [`${sides.now} against ${sides.base}`] : []),
  ];
  return html`<header class="${verdict}">
<p class="brand">probewright</p>
<h1>${capital(headline)}</h1>
<p class="about">${about.join(" · ")}</p>
${statusFilter(scenarios)}
</header>`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** How many scenarios have which status; the script makes them switches. */
function statusFilter(scenarios: Report["scenarios"]): Html {
  const statuses = (Object.keys(STATUS_MARKS) as ReportScenario["status"][]).map((status) => ({
    status,
    number: scenarios.filter((scenario) => scenario.status === status).length,
  }));
  return html`<ul class="counts" aria-label="Scenarios by status">${statuses
    .filter(({ number }) => number > 0)
    .map(
      ({ status, number }) =>
        html`<li data-status="${status}"><span class="badge ${status}">${number} ${status}</span></li>`,
    )}</ul>`;
}

function diagnosticsSection(diagnostics: readonly DiagnosticResult[]): Html {
  if (diagnostics.length === 0) return html``;
  return html`<section aria-labelledby="files"><h2 id="files">Scenario files</h2>
${diagnostics.map(
  ({ severity, message, file, line, column, help }) => html`<div class="callout ${severity}">
<p><strong>${severity}</strong>: ${prose(message)}</p>
<p class="dim"><code>${file}:${line}:${column}</code>${help !== undefined && html` · help: ${prose(help)}`}</p>
</div>`,
)}
</section>`;
}

function findingsSection(report: Report): Html {
  const findings = findingsOf(report).filter(({ scenario }) => scenario !== undefined);
  if (findings.length === 0) return html``;
  const [base, now] = [capital(report.sides.base), capital(report.sides.now)];
  return html`<section aria-labelledby="findings"><h2 id="findings">What to look at</h2>
${dataTable(
  "Everything that did not simply pass, the worst first",
  [...words("Scenario", "Metric or assertion"), ...numbers(base, now, "Change"), ...words("Why")],
  findings.map((finding) => findingRow(finding, report)),
)}
</section>`;
}

function findingRow({ severity, scenario, subject, metric, message }: Finding, { scenarios }: Report): Html {
  const index = scenarios.indexOf(scenario!);
  const [kind = "", ...why] = message.split(": ");
  return html`<tr class="${severity}" data-status="${scenario!.status}">
<th scope="row"><a href="#${anchor(index)}">${scenario!.name}</a></th>
<td>${subject !== undefined && html`<code>${subject}</code>`}</td>
${numberCell(metric === undefined ? "" : value(metric.baseline?.median, metric.unit), metric?.baseline?.median)}
${numberCell(metric === undefined ? "" : value(metric.summary?.median, metric.unit), metric?.summary?.median)}
${numberCell(metric?.change ?? "", metric === undefined ? undefined : metric.worsening)}
<td class="why"><span class="badge ${severity}">${kind}</span> ${prose(why.join(": "))}</td></tr>`;
}

function scenariosSection(report: Report): Html {
  if (report.scenarios.length === 0) return html``;
  const compared = report.scenarios.some(isCompared);
  return html`<section aria-labelledby="scenarios"><h2 id="scenarios">Scenarios</h2>
${dataTable(
  "All scenarios",
  [
    ...words("Scenario", "Status"),
    ...numbers("Runs", "Duration", "Assertions", ...(compared ? ["Regressions"] : [])),
    ...numbers("Probe hits a run", "ns per hit", "Probes’ share"),
  ],
  report.scenarios.map((scenario, i) => overviewRow(scenario, i, compared)),
)}
</section>`;
}

function isCompared({ metrics }: ReportScenario): boolean {
  return metrics.some(({ baseline }) => baseline !== undefined);
}

function overviewRow(scenario: ReportScenario, index: number, compared: boolean): Html {
  const { name, status, runs, metrics, assertions, cost } = scenario;
  const duration = metrics.find((metric) => metric.name === "duration")?.summary?.median;
  const passed = assertions.filter((assertion) => assertion.status === "pass").length;
  const regressions = metrics.filter(({ verdict }) => verdict === "regression").length;
  const each = cost && cost.hits > 0 ? cost.ns / cost.hits : undefined;
  return html`<tr data-status="${status}">
<th scope="row"><a href="#${anchor(index)}">${name}</a></th>
<td data-sort="${Object.keys(STATUS_MARKS).indexOf(status)}">${statusBadge(status)}</td>
${numberCell(String(runs), runs)}
${numberCell(value(duration, "ns"), duration)}
${numberCell(assertions.length === 0 ? "" : `${passed}/${assertions.length}`, passed - assertions.length)}
${compared && numberCell(isCompared(scenario) ? String(regressions) : "", regressions)}
${numberCell(cost === undefined ? "" : count(cost.hits), cost?.hits)}
${numberCell(each === undefined ? "" : count(Math.round(each)), each)}
${numberCell(cost?.share === undefined ? "" : percent(cost.share), cost?.share)}</tr>`;
}

// One scenario

function scenarioSection(scenario: ReportScenario, index: number, { sides }: Report): Html {
  const { name, description, file, line, status, plan, durationNs, problems, warnings } = scenario;
  return html`<section class="scenario" id="${anchor(index)}" data-status="${status}">
<details${status === "passed" ? "" : new Html(" open")}>
<summary><h2>${name}</h2> ${statusBadge(status)} <span class="dim">${plan} in ${value(durationNs, "ns")}</span></summary>
<p class="where"><code>${file}:${line}</code>${description !== "" && html` · ${prose(description)}`}</p>
${problems.map(problemCallout)}
${warnings.map((warning) => html`<div class="callout warning"><p>${prose(warning)}</p></div>`)}
${assertionList(scenario)}
${metricsTable(scenario, sides)}
${changesTables(scenario, sides)}
${figures(scenario, sides)}
${probesTable(scenario)}
${mapTables(scenario)}
${enlargedList(scenario)}
${printedTexts(scenario)}
${scenario.output !== undefined && outputTexts(scenario.output)}
</details>
</section>`;
}

function problemCallout({ message, help, output }: ProblemResult): Html {
  return html`<div class="callout error"><p><strong>invalid</strong>: ${prose(message)}</p>
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

function metricsTable(scenario: ReportScenario, sides: Report["sides"]): Html {
  const { metrics, name } = scenario;
  if (metrics.length === 0) return html``;
  const compared = isCompared(scenario);
  const heads = [
    ...words("Metric"),
    ...numbers(...(compared ? [capital(sides.base)] : []), capital(sides.now), "Spread"),
  ];
  const more = compared ? [...numbers("Change"), ...words("Verdict")] : [];
  return html`<h3>Metrics</h3>
${dataTable(
  `Metrics of ${name}: medians over the runs`,
  [...heads, ...more],
  [...metrics].sort((a, b) => Number(a.secondary) - Number(b.secondary)).map((metric) => metricRow(metric, compared)),
)}`;
}

function metricRow(metric: ReportMetric, compared: boolean): Html {
  const { name, description, unit, summary, baseline, spread, change, verdict, reason, noData, secondary } = metric;
  const now = summary === undefined ? "no data" : value(summary.median, unit);
  const width = summary === undefined ? undefined : Number(summary.max) - Number(summary.min);
  const why = noData ?? (verdict === "pass" || verdict === "new" ? undefined : reason);
  return html`<tr${secondary ? new Html(' class="secondary"') : ""}>
<th scope="row"><code>${name}</code>${description !== "" && html` <span class="dim">${prose(description)}</span>`}</th>
${compared && numberCell(value(baseline?.median, unit), baseline?.median)}
${numberCell(now, summary?.median)}
${numberCell(spread, width)}
${compared && numberCell(change, metric.worsening)}
${compared && html`<td class="why">${verdictBadge(verdict)}${why !== undefined && html` <span class="dim">${why}</span>`}</td>`}</tr>`;
}

function changesTables({ metrics }: ReportScenario, sides: Report["sides"]): Html {
  return html`${metrics
    .filter(({ changes }) => changes.length > 0)
    .map(
      ({ name, unit, changes }) => html`<h3>What changed in <code>${name}</code></h3>
${dataTable(
  `Keys behind ${name}, the largest change first`,
  [...words("Key", "Kind"), ...numbers(capital(sides.base), capital(sides.now), "Change")],
  changes.map(({ kind, key, before, now }) => {
    const moved = now - before;
    const badge = moved > 0 ? "regression" : "improvement";
    return html`<tr><th scope="row"><code>${key}</code></th><td><span class="badge ${badge}">${kind}</span></td>
${numberCell(formatValue(before, unit), before)}${numberCell(formatValue(now, unit), now)}
${numberCell(`${moved > 0 ? "+" : "-"}${formatValue(Math.abs(moved), unit)}`, moved)}</tr>`;
  }),
)}`,
    )}`;
}

function probesTable(scenario: ReportScenario): Html {
  const rows = probeRows(scenario);
  const { cost } = scenario;
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
      ({
        probes,
        hits,
        ns,
        nsPerHit,
        share,
      }) => html`<tr><th scope="row">${probes.map((probe, i) => html`${i > 0 && new Html("<br>")}<code>${probe}</code>`)}</th>
${numberCell(count(hits), hits)}${numberCell(nsPerHit === undefined ? "" : count(Math.round(nsPerHit)), nsPerHit)}
${numberCell(formatValue(ns, "ns"), ns)}${numberCell(share, ns)}</tr>`,
    ),
  )
}`;
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

function machineSection({ facts }: Report): Html {
  return html`<section aria-labelledby="machine"><h2 id="machine">Machine</h2>
<dl class="facts">${facts.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`;
}
