/**
 * From parsed metric definitions to metrics that can be evaluated: names are checked, cycles refused, units inferred
 * or matched with the declared one, and the meaning is digested.
 */
import { createHash } from "node:crypto";
import type { Diagnostics } from "../../compiler/diagnostics.ts";
import { type Span, spanText } from "../../compiler/source.ts";
import type { Expression } from "./ast.ts";
import { FREE_METRIC_DIMENSIONS, inferType, isCounting, type Names, namesIn } from "./check.ts";
import { type Dimension, describeDimension, dimensionOf, UNKNOWN, unitOf } from "./dimension.ts";
import { printExpression } from "./print.ts";
import { FREE_METRICS, type FreeMetricName } from "./run-data.ts";
import { UNITS, type Unit } from "./units.ts";

export interface MetricDefinition {
  readonly name: string;
  readonly expression: Expression;
  /** What `unit:` says: a name of UNITS, and where it stands. */
  readonly declared: { readonly unit: string; readonly span: Span } | undefined;
}

export interface ResolvedMetric {
  readonly name: string;
  readonly expression: Expression;
  readonly unit: Unit;
  readonly scale: bigint;
  readonly dimension: Dimension;
  readonly counter: boolean;
  /** A digest of the meaning: equal for equal expressions, however written, over equally defined metrics. */
  readonly definition: string;
}

export interface ResolvedMetrics {
  /** In the order of the definitions; those in a cycle are left out. */
  readonly metrics: readonly ResolvedMetric[];
  /** The dimensions of all names that an assertion may use: these metrics and the free ones. */
  readonly names: Names;
}

/** Bounds the recursion of this file and of the evaluator. */
const MAX_CHAIN = 20;

/**
 * Resolves the metrics of one scenario. Names must be unique. `alsoKnown` are metrics that exist but could not be
 * parsed: using them is no second error.
 */
export function resolveMetrics(
  definitions: readonly MetricDefinition[],
  diags: Diagnostics,
  alsoKnown: Iterable<string> = [],
): ResolvedMetrics {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
  const resolved = new Map<string, ResolvedMetric>();
  // Every name is known from the start, so that suggestions see all of them; dimensions become exact on the way.
  const names = new Map<string, Dimension>(FREE_METRIC_DIMENSIONS);
  for (const name of [...byName.keys(), ...alsoKnown]) if (!names.has(name)) names.set(name, UNKNOWN);
  const path: string[] = [];
  const visited = new Set<string>();

  const visit = (definition: MetricDefinition): void => {
    if (visited.has(definition.name)) return;
    visited.add(definition.name);
    path.push(definition.name);
    for (const use of namesIn(definition.expression)) {
      const next = byName.get(use.name);
      if (!next) continue;
      if (path.includes(use.name)) reportCycle([...path.slice(path.indexOf(use.name)), use.name], use.span, diags);
      else if (path.length < MAX_CHAIN) visit(next);
      else diags.error("nested-too-deeply", use.span, `metrics build on each other over more than ${MAX_CHAIN} steps`);
    }
    path.pop();
    const metric = resolveOne(definition, names, resolved, diags);
    resolved.set(metric.name, metric);
    names.set(metric.name, metric.dimension);
  };
  for (const definition of definitions) visit(definition);
  return { metrics: definitions.map(({ name }) => resolved.get(name)!), names };
}

function reportCycle(cycle: readonly string[], span: Span, diags: Diagnostics): void {
  const help = cycle.length === 2 ? "a metric cannot use itself" : "break the circle";
  diags.error("metric-cycle", span, `the metric is defined by itself: ${cycle.join(" -> ")}`, { help });
}

function resolveOne(
  { name, expression, declared }: MetricDefinition,
  names: Names,
  resolved: ReadonlyMap<string, ResolvedMetric>,
  diags: Diagnostics,
): ResolvedMetric {
  const type = inferType(expression, names, diags);
  if (type.kind === "boolean")
    diags.error("not-a-number", expression.span, "a metric is a number, but this is a comparison", {
      help: "conditions belong under `assert:`",
    });
  const inferred = type.kind === "number" ? type.dimension : UNKNOWN;
  const { dimension, scale } = declared ? declareUnit(inferred, declared, diags) : { dimension: inferred, scale: 1n };
  const unit = unitOf(dimension);
  const text = printExpression(expression, (used) => resolved.get(used)?.definition);
  const isCounter = (used: string): boolean => resolved.get(used)?.counter ?? isFreeCounter(used);
  return {
    name,
    expression,
    unit,
    scale,
    // A literal metric (`limit: 40`) is a count for those who use it.
    dimension: { ...dimension, literal: false },
    counter: dimension.time === 0 && isCounting(expression, isCounter),
    definition: createHash("sha256").update(`(${text}) * ${scale}`).digest("hex"),
  };
}

/** Of the free metrics those that are neither times nor sizes. */
function isFreeCounter(name: string): boolean {
  return Object.hasOwn(FREE_METRICS, name) && FREE_METRICS[name as FreeMetricName].unit === "count";
}

/** What a declared unit means for an expression: a scale where its numbers have no unit yet, else a check. */
function declareUnit(
  inferred: Dimension,
  { unit, span }: { unit: string; span: Span },
  diags: Diagnostics,
): { dimension: Dimension; scale: bigint } {
  const { base, factor } = UNITS[unit]!;
  const dimension = dimensionOf(base);
  const hasUnit = inferred.time !== 0 || inferred.bytes !== 0;
  const bare = !hasUnit && (!inferred.known || inferred.literal);
  // A fraction is shown as a percentage; it is not scaled.
  if (base === "%" && (bare || (!hasUnit && inferred.count === 0))) return { dimension, scale: 1n };
  if (base === "count" && !hasUnit) return { dimension, scale: 1n };
  if (base !== "%" && bare) return { dimension, scale: factor };
  if (hasUnit && inferred.time === dimension.time && inferred.bytes === dimension.bytes)
    return { dimension, scale: 1n };
  const message = `the expression is ${describeDimension(inferred)}, which has no unit \`${spanText(span)}\``;
  diags.error("unit-mismatch", span, message, { help: "leave `unit` out: it is inferred here" });
  return { dimension: inferred, scale: 1n };
}
