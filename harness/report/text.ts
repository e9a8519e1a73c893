/**
 * Text for a terminal: what comes from workloads, maps and files is made harmless first, then laid out in columns. Widths
 * are counted in code points of the bare text; colours are put on afterwards.
 */
import { printable } from "../../compiler/source-line.ts";

/** Characters that reorder or break what stands around them, and what no encoding or XML can hold: halves of pairs. */
const TREACHEROUS = /[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]/gu;

/** Wherever on a line this stands, a GitHub runner may take what follows for a command. */
const COMMAND_PREFIX = /##\[/g;

/** Foreign text on one line: nothing in it moves the cursor, colours, reorders or breaks the line. */
export function inline(text: string): string {
  return block(text).replace(/[\n\t]/g, (c) => (c === "\n" ? "\\n" : "\\t"));
}

/** Foreign text that may have several lines. */
export function block(text: string): string {
  return printable(text)
    .replace(TREACHEROUS, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .replace(COMMAND_PREFIX, "##\\x5b");
}

export function textWidth(text: string): number {
  return [...text].length;
}

/** Cuts to `width` code points; what was cut shows as an ellipsis. */
export function truncate(text: string, width: number): string {
  const points = [...text];
  return points.length <= width ? text : `${points.slice(0, Math.max(0, width - 1)).join("")}…`;
}

export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

export interface Column {
  readonly align: "left" | "right";
  /** Gives way first when the table is too wide. */
  readonly flexible?: boolean;
}

const GAP = "  ";
/** A column that gives way keeps at least this much. */
const LEAST_WIDTH = 8;

/** Rows in columns that are as wide as needed, and in all no wider than `width`. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], width: number): string[] {
  const widths = columns.map((_, c) => Math.max(0, ...rows.map((row) => textWidth(row[c]?.text ?? ""))));
  let excess = widths.reduce((sum, w) => sum + w, 0) + GAP.length * (columns.length - 1) - width;
  for (const [c, column] of columns.entries()) {
    if (!column.flexible || excess <= 0) continue;
    const given = Math.min(excess, Math.max(0, widths[c]! - LEAST_WIDTH));
    widths[c] = widths[c]! - given;
    excess -= given;
  }
  return rows.map((row) =>
    columns
      .map(({ align }, c) => {
        const { text, paint = same } = row[c] ?? { text: "" };
        const cut = truncate(text, widths[c]!);
        const padding = " ".repeat(widths[c]! - textWidth(cut));
        return align === "left" ? paint(cut) + padding : padding + paint(cut);
      })
      .join(GAP)
      .trimEnd(),
  );
}

function same(text: string): string {
  return text;
}
