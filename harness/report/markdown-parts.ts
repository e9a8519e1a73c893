/** The pieces that Markdown reports are put together from: tables, folded sections, marks. It is GitHub's Markdown. */
import { decodeNumber } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import { plural } from "../plural.ts";
import { markdownCode } from "./escape.ts";
import type { Finding } from "./findings.ts";
import type { ReportMetric, ReportScenario } from "./model.ts";
import { truncate } from "./text.ts";
import type { SuiteVerdict } from "./verdict.ts";

export const MARKS: Readonly<Record<SuiteVerdict | ReportScenario["status"] | Finding["severity"], string>> = {
  pass: "✅",
  passed: "✅",
  regression: "❌",
  failed: "❌",
  invalid: "❌",
  "invalid-input": "❌",
  "missing-capability": "❌",
  error: "❌",
  inconclusive: "⚠️",
  interrupted: "⚠️",
  skipped: "⚠️",
  warning: "⚠️",
  good: "✅",
};

export interface Column<T> {
  readonly head: string;
  readonly align: ":--" | "--:" | ":-:";
  /** Finished Markdown. */
  readonly cell: (item: T) => string;
}

export function left<T>(head: string, cell: (item: T) => string): Column<T> {
  return { head, align: ":--", cell };
}

export function right<T>(head: string, cell: (item: T) => string): Column<T> {
  return { head, align: "--:", cell };
}

/** "" without items. */
export function table<T>(columns: readonly Column<T>[], items: readonly T[]): string {
  if (items.length === 0) return "";
  return [
    row(columns.map(({ head }) => head)),
    row(columns.map(({ align }) => align)),
    ...items.map((item) => row(columns.map(({ cell }) => cell(item)))),
  ].join("\n");
}

/** A table of the first `most` items, and how many more there are. */
export function shortened<T>(
  items: readonly T[],
  most: number,
  noun: string,
  columns: readonly Column<T>[],
  missing = 0,
): string {
  const rest = Math.max(0, items.length - most) + missing;
  return table(columns, items.slice(0, most)) + (rest > 0 ? `\n\n_and ${plural(rest, `more ${noun}`)}_` : "");
}

export function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Both are finished; the blank lines are what makes the body Markdown again. */
export function folded(title: string, body: string): string {
  return `<details><summary>${title}</summary>\n\n${body}\n\n</details>\n`;
}

export const LONGEST_NAME = 160;

/** A name or a key, cut to a readable length. */
export function short(text: string): string {
  return markdownCode(truncate(text, LONGEST_NAME));
}

/** The median of a summary of this metric; "" without one. */
export function median(summary: ReportMetric["summary"], { unit }: Pick<ReportMetric, "unit">): string {
  return summary === undefined ? "" : formatValue(decodeNumber(summary.median), unit);
}
