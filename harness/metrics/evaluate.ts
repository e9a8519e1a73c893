/**
 * Evaluates metric expressions over the data of one run. A value keeps its uncertainty (the bounds of a histogram
 * bucket) through arithmetic. What was not measured is "no data" with a reason, never a made-up number.
 */
import { unreachable } from "../../compiler/unreachable.ts";
import { type Histogram, histogramCount, histogramQuantile, mergeHistograms } from "../stats/histogram.ts";
import type { ArithmeticOp, Expression, Num } from "./ast.ts";
import { quantileOf } from "./check.ts";
import { type Aggregate, FUNCTIONS } from "./functions.ts";
import { arithmetic, exact, isFiniteNum, largest, negate, smallest } from "./number.ts";
import { keyIdentity } from "./print.ts";
import type { MapEntry, MapValue, RunData } from "./run-data.ts";

/** `low` and `high` enclose the true value; they equal `value` where it is exact. All in the base unit. */
export interface Measured {
  readonly kind: "value";
  readonly value: Num;
  readonly low: Num;
  readonly high: Num;
}

export interface NoData {
  readonly kind: "no-data";
  readonly reason: string;
}

export type MetricValue = Measured | NoData;

/** What evaluation needs to know of a metric; `Metric` of a scenario is one. */
export interface EvaluableMetric {
  readonly name: string;
  readonly expression: Expression;
  readonly scale: bigint;
}

/** Looks up a name (metric or free metric) in the run under evaluation. */
export type Lookup = (name: string) => MetricValue;

/** The value of every given metric and of every free metric in one run, by name. The metrics must be free of cycles. */
export function evaluateMetrics(metrics: readonly EvaluableMetric[], run: RunData): ReadonlyMap<string, MetricValue> {
  const values = new Map<string, MetricValue>();
  for (const [name, value] of run.free) values.set(name, measured(value));
  const byName = new Map(metrics.map((metric) => [metric.name, metric]));
  const lookup: Lookup = (name) => {
    const known = values.get(name);
    if (known) return known;
    const metric = byName.get(name);
    const value = metric
      ? scaled(evaluate(metric.expression, run, lookup), metric.scale)
      : noData(`\`${name}\` was not measured`);
    values.set(name, value);
    return value;
  };
  for (const { name } of metrics) lookup(name);
  return values;
}

/** The value of a numeric expression. Comparisons and logic are no numbers: see assertion.ts. */
export function evaluate(e: Expression, run: RunData, lookup: Lookup): MetricValue {
  switch (e.kind) {
    case "number":
      return measured(e.value);
    case "name":
      return lookup(e.name);
    case "map":
      return readMap(e, run);
    case "call":
      return call(e, run);
    case "unary": {
      const operand = evaluate(e.operand, run, lookup);
      if (e.op === "!" || operand.kind === "no-data")
        return e.op === "!" ? noData("a condition is no number") : operand;
      return { kind: "value", value: negate(operand.value), low: negate(operand.high), high: negate(operand.low) };
    }
    case "binary":
      switch (e.op) {
        case "+":
        case "-":
        case "*":
        case "/":
          return calculate(e.op, evaluate(e.left, run, lookup), evaluate(e.right, run, lookup));
        default:
          return noData("a condition is no number");
      }
    default:
      return unreachable(e);
  }
}

export function measured(value: Num): MetricValue {
  const whole = exact(value);
  return isFiniteNum(whole)
    ? { kind: "value", value: whole, low: whole, high: whole }
    : noData("the value is not finite");
}

export function noData(reason: string): NoData {
  return { kind: "no-data", reason };
}

function scaled(value: MetricValue, scale: bigint): MetricValue {
  return scale === 1n ? value : calculate("*", value, measured(scale));
}

/** Interval arithmetic: the bounds of the result are the extremes over the bounds of the operands. */
function calculate(op: ArithmeticOp, a: MetricValue, b: MetricValue): MetricValue {
  if (a.kind === "no-data") return a;
  if (b.kind === "no-data") return b;
  if (op === "/" && Number(b.value) === 0) return noData("division by zero");
  const value = arithmetic(op, a.value, b.value);
  if (!isFiniteNum(value)) return noData("the value is not finite");
  if (op === "/" && b.low <= 0 && b.high >= 0) return { kind: "value", value, low: -Infinity, high: Infinity };
  const corners = [a.low, a.high].flatMap((x) => [b.low, b.high].map((y) => arithmetic(op, x, y)));
  return { kind: "value", value, low: smallest(corners), high: largest(corners) };
}

/** The entries that an expression names: all, those of one key, or "the run has no such map". */
function entriesOf(e: Expression & { kind: "map" }, run: RunData): readonly MapEntry[] {
  const entries = run.maps.get(e.name)?.entries ?? [];
  if (!e.key) return entries;
  const wanted = keyIdentity(e.key);
  return entries.filter(({ key }) => keyIdentity(key) === wanted);
}

/** `@x` or `@x[key]` as one number. */
function readMap(e: Expression & { kind: "map" }, run: RunData): MetricValue {
  const map = run.maps.get(e.name);
  if (map?.keyed && !e.key) return noData(`\`${e.name}\` has keys and is not one number`);
  const value = entriesOf(e, run)[0]?.value;
  if (value) return scalar(value) ?? noData(`\`${e.name}\` does not hold one number`);
  const zero = map === undefined || map.kind === "integer" || map.kind === "count" || map.kind === "sum";
  return zero ? measured(0n) : untouched(e);
}

function untouched(e: Expression & { kind: "map" }): NoData {
  const key = e.key ? `[${keyIdentity(e.key)}]` : "";
  return noData(`${e.name}${key} was never touched`);
}

function call(e: Expression & { kind: "call" }, run: RunData): MetricValue {
  const f = FUNCTIONS[e.name]!;
  const map = e.args[0];
  if (map?.kind !== "map") return noData(`\`${e.name}\` reads a map`);
  const entries = entriesOf(map, run);
  const misfit = entries.find(({ value }) => !f.accepts.has(value.kind));
  if (misfit) return noData(`\`${e.name}\` cannot read \`${map.name}\``);
  const values = entries.map(({ value }) => value);
  if (f.kind === "aggregate") return AGGREGATES[f.aggregate](values) ?? untouched(map);
  const q = quantileOf(e);
  return q === undefined ? noData("the quantile is not from 0 to 1") : (quantile(values, q) ?? untouched(map));
}

/** Undefined: nothing was measured, and nothing is not zero. */
const AGGREGATES: Readonly<Record<Aggregate, (values: readonly MapValue[]) => MetricValue | undefined>> = {
  sum: (values) => measured(total(values.map(sumOf))),
  count: (values) => measured(total(values.map(countOf))),
  len: (values) => measured(BigInt(values.length)),
  avg: (values) => {
    const count = total(values.map((value) => (isMean(value) ? value.count : 1n)));
    return Number(count) === 0 ? undefined : calculate("/", measured(total(values.map(sumOf))), measured(count));
  },
  min: (values) => (values.length === 0 ? undefined : measured(smallest(values.map(sumOf)))),
  max: (values) => (values.length === 0 ? undefined : measured(largest(values.map(sumOf)))),
};

function quantile(values: readonly MapValue[], q: number): MetricValue | undefined {
  const histograms = values.flatMap((value): Histogram[] => ("histogram" in value ? [value.histogram] : []));
  const merged = mergeHistograms(histograms);
  if (!merged) return noData("the histograms have different buckets");
  const result = histogramQuantile(merged, q);
  switch (result.kind) {
    case "value":
      return { kind: "value", value: exact(result.value), low: result.low, high: result.high };
    case "empty":
      return undefined;
    case "beyond":
      return noData(`the quantile lies ${result.side} the histogram's limit ${result.bound}`);
    default:
      return unreachable(result);
  }
}

function scalar(value: MapValue): MetricValue | undefined {
  switch (value.kind) {
    case "integer":
    case "count":
    case "sum":
    case "min":
    case "max":
      return measured(value.value);
    case "avg":
      return AGGREGATES.avg([value]) ?? noData("nothing was averaged");
    case "stats":
    case "hist":
    case "lhist":
    case "other":
    case "tseries":
      return undefined;
    default:
      return unreachable(value);
  }
}

function isMean(value: MapValue): value is MapValue & { kind: "avg" | "stats" } {
  return value.kind === "avg" || value.kind === "stats";
}

/** What an entry adds to a sum. */
function sumOf(value: MapValue): Num {
  if (isMean(value)) return value.total;
  return "value" in value ? value.value : 0n;
}

/** How many events an entry stands for; a plain number counts as one. */
function countOf(value: MapValue): Num {
  if (isMean(value)) return value.count;
  if ("histogram" in value) return histogramCount(value.histogram);
  return value.kind === "count" ? value.value : 1n;
}

function total(numbers: readonly Num[]): Num {
  return numbers.map(exact).reduce((a, b) => arithmetic("+", a, b), 0n);
}
