/** The pieces that the HTML report is put together from: badges, cells, sortable tables. */
import { decodeNumber, type JsonNumber } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import type { Unit } from "../metrics/units.ts";
import { Html, html } from "./markup.ts";
import type { ReportMetric, ReportScenario } from "./model.ts";
import { statusText } from "./wording.ts";

export const STATUS_MARKS: Readonly<Record<ReportScenario["status"], string>> = {
  passed: "✓",
  failed: "✗",
  invalid: "!",
  inconclusive: "?",
  interrupted: "–",
  skipped: "–",
};

export function statusBadge(scenario: ReportScenario): Html {
  const { status } = scenario;
  return html`<span class="badge ${status}"><span aria-hidden="true">${STATUS_MARKS[status]}</span> ${statusText(scenario)}</span>`;
}

export function verdictBadge(verdict: ReportMetric["verdict"]): Html {
  return verdict === "new" ? html`` : html`<span class="badge ${verdict}">${verdict}</span>`;
}

export function value(number: JsonNumber | undefined, unit: Unit): string {
  return number === undefined ? "" : formatValue(decodeNumber(number), unit);
}

/**
 * A cell with a number: aligned, and sorted by what it is rather than by how it is written. `head` is said again where
 * the table becomes a list, on narrow screens.
 */
export function numberCell(text: string, sortBy: JsonNumber | undefined, head?: string): Html {
  const again = head === undefined ? "" : html` data-head="${head}"`;
  return html`<td class="number" data-sort="${sortBy === undefined ? "" : String(Number(sortBy))}"${again}>${text}</td>`;
}

export function anchor(index: number): string {
  return `scenario-${index + 1}`;
}

/** The heading of a column, and whether numbers stand below it. */
interface Head {
  readonly text: string;
  readonly number: boolean;
}

export function words(...texts: readonly string[]): Head[] {
  return texts.map((text) => ({ text, number: false }));
}

export function numbers(...texts: readonly string[]): Head[] {
  return texts.map((text) => ({ text, number: true }));
}

/** `sortable` tables get buttons in their heads. */
export function dataTable(caption: string, heads: readonly Head[], rows: readonly Html[]): Html {
  return html`<div class="scroll"><table class="sortable"><caption>${caption}</caption>
<thead><tr>${heads.map(({ text, number }) => html`<th scope="col"${number && new Html(' class="number"')}>${text}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`${row}\n`)}</tbody></table></div>`;
}

export function count(number: number): string {
  return formatValue(number, "count");
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function isCompared({ metrics }: ReportScenario): boolean {
  return metrics.some(({ baseline }) => baseline !== undefined);
}
