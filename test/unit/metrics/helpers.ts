/** Shorthands for tests of metric expressions. */
import { type Diagnostic, Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source, spanText } from "../../../compiler/source.ts";
import type { Expression, MapKey, Num } from "../../../harness/metrics/ast.ts";
import { evaluate, evaluateMetrics, type MetricValue } from "../../../harness/metrics/evaluate.ts";
import { parseExpression } from "../../../harness/metrics/parser.ts";
import { type MetricDefinition, type ResolvedMetrics, resolveMetrics } from "../../../harness/metrics/resolve.ts";
import type { MapData, MapValue, MapValueKind, RunData } from "../../../harness/metrics/run-data.ts";

export function parse(text: string): Expression {
  const diags = new Diagnostics();
  const expression = parseExpression(new Source("expression", text), diags);
  if (!expression) throw new Error(diags.items.map(({ message }) => message).join("\n"));
  return expression;
}

/** What a diagnostic says, as one line of a table: its code and the text that it underlines. */
export function brief({ code, span }: Diagnostic): [code: string, underlined: string] {
  return [code, spanText(span)];
}

/** A map in the making: kind, and entries by key. */
export function map(name: string, kind: MapValueKind, ...entries: [key: MapKey, value: Num | MapValue][]): MapData {
  return {
    name,
    kind,
    keyed: entries.some(([key]) => key.length > 0),
    entries: entries.map(([key, value]) => ({ key, value: typeof value === "object" ? value : number(kind, value) })),
  };
}

function number(kind: MapValueKind, value: Num): MapValue {
  if (kind === "integer" || kind === "count" || kind === "sum" || kind === "min" || kind === "max")
    return { kind, value };
  throw new Error(`a map of ${kind} needs its values in full`);
}

/** A histogram from [low, high, count] rows; null is "no limit". */
export function hist(...rows: [low: number | null, high: number | null, count: number][]): MapValue {
  const bound = (value: number | null): bigint | null => (value === null ? null : BigInt(value));
  const buckets = rows.map(([low, high, count]) => ({ low: bound(low), high: bound(high), count: BigInt(count) }));
  return { kind: "hist", histogram: { buckets } };
}

export function runOf(maps: readonly MapData[], free: Record<string, Num> = {}): RunData {
  return { maps: new Map(maps.map((data) => [data.name, data])), free: new Map(Object.entries(free)) };
}

/** Evaluates one expression; free metrics are its names. */
export function evaluateText(text: string, run: RunData): MetricValue {
  const free = evaluateMetrics([], run);
  return evaluate(parse(text), run, (name) => free.get(name) ?? { kind: "no-data", reason: "unknown" });
}

/** Resolves metrics given as `name: expression` or `name: [expression, unit]`. */
export function resolve(
  metrics: Record<string, string | [expression: string, unit: string]>,
  diags = new Diagnostics(),
): ResolvedMetrics {
  const definitions = Object.entries(metrics).map(([name, entry]): MetricDefinition => {
    const [text, unit] = typeof entry === "string" ? [entry] : entry;
    const source = new Source("unit", unit ?? "");
    const declared = unit === undefined ? undefined : { unit, span: { source, start: 0, end: unit.length } };
    return { name, expression: parse(text), declared };
  });
  return resolveMetrics(definitions, diags);
}
