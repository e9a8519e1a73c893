/** The results as text: one line a comparison, and the tables behind them. */
import { type Column, table } from "../harness/report/text.ts";
import { type Detail, type Row, ratioOf, type Target, type Verdict, verdictOf } from "./benchmark.ts";
import type { Summary } from "./statistics.ts";

const VERDICTS: Readonly<Record<Verdict, string>> = {
  ...{ met: "met", missed: "MISSED", unknown: "not judged", older: "not judged: an older rival", none: "" },
};

/** All comparisons in one table. */
export function renderRows(rows: readonly Row[]): string {
  const header = ["", "probewright", "rival", "", "ratio", "target", ""];
  const cells = rows.map((row) => {
    const ratio = ratioOf(row);
    return [
      row.what,
      renderValue(row.ours, row.unit),
      row.rival ? renderValue(row.rival.values, row.unit) : "",
      row.rival?.name ?? "",
      ratio === undefined ? "" : `${significant(ratio)}x`,
      row.target ? renderTarget(row.target, row.unit) : "",
      VERDICTS[verdictOf(row)],
    ];
  });
  return renderTable([header, ...cells], [LEFT, RIGHT, RIGHT, LEFT, RIGHT, RIGHT, LEFT]);
}

export function renderDetail({ title, columns, rows }: Detail): string {
  return `${title}\n${renderTable([columns, ...rows], [LEFT, ...columns.slice(1).map(() => RIGHT)])}`;
}

/** How many targets were met, missed and not judged. */
export function renderVerdicts(rows: readonly Row[]): string {
  const count = (verdict: Verdict): number => rows.filter((row) => verdictOf(row) === verdict).length;
  const unknown = count("unknown") + count("older");
  return `${count("met")} targets met, ${count("missed")} missed${unknown ? `, ${unknown} not judged` : ""}`;
}

const LEFT: Column = { align: "left" };
const RIGHT: Column = { align: "right" };

function renderTable(rows: readonly (readonly string[])[], columns: readonly Column[]): string {
  const cells = rows.map((row) => row.map((text) => ({ text })));
  return table(columns, cells, Number.POSITIVE_INFINITY)
    .map((line) => `  ${line}`)
    .join("\n");
}

/** The median and the median absolute deviation. */
function renderValue({ median, mad }: Summary, unit: string): string {
  return `${significant(median)} ± ${significant(mad, 2)} ${unit}`;
}

function renderTarget(target: Target, unit: string): string {
  if (target.kind === "value") return `<= ${target.max} ${unit}`;
  return `<= ${target.max}x${target.since ? ` of ${target.since}` : ""}`;
}

/** That many digits that count, and all in front of the point. */
function significant(value: number, digits = 3): string {
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(MOST_DECIMALS, Math.max(0, digits - 1 - magnitude)));
}

const MOST_DECIMALS = 6;
