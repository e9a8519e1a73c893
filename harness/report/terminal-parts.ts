/** What all parts of the report on the terminal share. */
import type { Palette } from "../../compiler/diagnostics.ts";
import { decodeNumber, type JsonNumber } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import type { Unit } from "../metrics/units.ts";
import type { MetricResult, ScenarioResult } from "./result.ts";
import { inline } from "./text.ts";

export interface ReportStyle {
  readonly palette: Palette;
  /** Columns of the terminal. */
  readonly width: number;
  /** quiet: only what did not pass; verbose: also values of each run, and everything that was printed. */
  readonly detail: "quiet" | "normal" | "verbose";
}

export const INDENT = "  ";

/** What comes for free is shown where it was compared, and the duration always. */
export function shownMetrics({ metrics }: ScenarioResult, { detail }: ReportStyle): MetricResult[] {
  return metrics.filter(
    ({ free, name, class: compared }) => !free || name === "duration" || compared !== undefined || detail === "verbose",
  );
}

export function valueText(value: JsonNumber | null, unit: Unit): string {
  return value === null ? "-" : formatValue(decodeNumber(value), unit);
}

export function verdictText({ verdict, noData }: MetricResult): string {
  if (noData !== undefined) return inline(noData);
  return verdict === "new" ? "" : verdict;
}

export function verdictPaint({ verdict }: Pick<MetricResult, "verdict">, palette: Palette): (text: string) => string {
  switch (verdict) {
    case "regression":
    case "invalid":
      return palette.error;
    case "inconclusive":
      return palette.warning;
    case "improvement":
      return palette.note;
    case "pass":
    case "new":
      return palette.dim;
  }
}
