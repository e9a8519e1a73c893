/**
 * The report as one HTML file that needs nothing else: no network, no other file. All numbers stand in tables, which are
 * there without any script; the script makes the tables sortable and draws charts beside them. A content security policy
 * admits that one script and no other, should foreign text ever get past the escaping.
 */
import { createHash } from "node:crypto";
import { decodeNumber } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import { type Finding, findingsOf } from "./findings.ts";
import {
  anchor,
  capital,
  count,
  dataTable,
  isCompared,
  numberCell,
  numbers,
  STATUS_MARKS,
  statusBadge,
  value,
  words,
} from "./html-parts.ts";
import { scenarioSection } from "./html-scenario.ts";
import { Html, html, prose } from "./markup.ts";
import type { Report, ReportScenario } from "./model.ts";
import type { DiagnosticResult } from "./result.ts";
import { percent } from "./wording.ts";

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

function findingRow(finding: Finding, { scenarios, sides }: Report): Html {
  const { severity, scenario, subject, metric, kind, message } = finding;
  const index = scenarios.indexOf(scenario!);
  return html`<tr class="${severity}" data-status="${scenario!.status}">
<th scope="row"><a href="#${anchor(index)}">${scenario!.name}</a></th>
<td>${subject !== undefined && html`<code>${subject}</code>`}</td>
${numberCell(metric === undefined ? "" : value(metric.baseline?.median, metric.unit), metric?.baseline?.median, sides.base)}
${numberCell(metric === undefined ? "" : value(metric.summary?.median, metric.unit), metric?.summary?.median, sides.now)}
${numberCell(metric?.change ?? "", metric === undefined ? undefined : metric.worsening, "change")}
<td class="why"><span class="badge ${severity}">${kind}</span> ${prose(message)}</td></tr>`;
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

function overviewRow(scenario: ReportScenario, index: number, compared: boolean): Html {
  const { name, status, runs, metrics, assertions, cost } = scenario;
  const duration = metrics.find((metric) => metric.name === "duration")?.summary?.median;
  const passed = assertions.filter((assertion) => assertion.status === "pass").length;
  const regressions = metrics.filter(({ verdict }) => verdict === "regression").length;
  const each = cost && cost.hits > 0 ? cost.ns / cost.hits : undefined;
  return html`<tr data-status="${status}">
<th scope="row"><a href="#${anchor(index)}">${name}</a></th>
<td data-sort="${Object.keys(STATUS_MARKS).indexOf(status)}">${statusBadge(scenario)}</td>
${numberCell(String(runs), runs)}
${numberCell(value(duration, "ns"), duration)}
${numberCell(assertions.length === 0 ? "" : `${passed}/${assertions.length}`, passed - assertions.length)}
${compared && numberCell(isCompared(scenario) ? String(regressions) : "", regressions)}
${numberCell(cost === undefined ? "" : count(cost.hits), cost?.hits)}
${numberCell(each === undefined ? "" : count(Math.round(each)), each)}
${numberCell(cost?.share === undefined ? "" : percent(cost.share), cost?.share)}</tr>`;
}

function machineSection({ facts }: Report): Html {
  return html`<section aria-labelledby="machine"><h2 id="machine">Machine</h2>
<dl class="facts">${facts.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`;
}
