/** Builds what is measured and judged: the metrics of a scenario and its presets, assertions, and comparison rules. */
import { type Diagnostics, didYouMean } from "../../compiler/diagnostics.ts";
import type { Source, Span } from "../../compiler/source.ts";
import type { Expression } from "../metrics/ast.ts";
import { inferType, type Names } from "../metrics/check.ts";
import { parseExpression } from "../metrics/parser.ts";
import { type MetricDefinition, resolveMetrics } from "../metrics/resolve.ts";
import { FREE_METRICS } from "../metrics/run-data.ts";
import { UNITS, type Unit } from "../metrics/units.ts";
import { type Better, type ComparePolicy, DEFAULT_LIMITS } from "../stats/policy.ts";
import type { JudgedInput, PresetInput, Quantity } from "./definition.ts";
import type { Located, LocatedMap } from "./document.ts";
import { embed } from "./mapped-text.ts";
import type { BuiltProbes } from "./probes.ts";
import type { Assertion, Metric } from "./scenario.ts";
import { keySpanAt, valueAt } from "./validate.ts";

/** Bounds the work that a file can cause. */
const MAX_METRICS = 500;

export interface Judgement {
  readonly metrics: readonly Metric[];
  readonly assertions: readonly Assertion[];
  readonly compare: ReadonlyMap<string, ComparePolicy>;
}

export function buildJudgement(
  tree: LocatedMap,
  input: JudgedInput,
  source: Source,
  presets: BuiltProbes["presets"],
  diags: Diagnostics,
): Judgement {
  const drafts = collectDrafts(tree, input, source, presets, diags);
  if (drafts.size > MAX_METRICS) {
    diags.error("too-many-metrics", keySpanAt(tree, ["metrics"]), `a scenario has at most ${MAX_METRICS} metrics`);
    return { metrics: [], assertions: [], compare: new Map() };
  }
  const definitions = [...drafts.values()].flatMap((draft): MetricDefinition[] => {
    const expression = parseExpression(draft.source, diags);
    return expression ? [{ name: draft.name, expression, declared: draft.declared }] : [];
  });
  const resolved = resolveMetrics(definitions, diags, drafts.keys());
  const metrics = resolved.metrics.map((metric): Metric => {
    const { description, better, span } = drafts.get(metric.name)!;
    return { ...metric, description, better, span };
  });
  checkCompareNames(tree, drafts.keys(), diags);
  return {
    metrics,
    assertions: buildAssertions(tree, source, resolved.names, diags),
    compare: buildCompare(tree, input.compare ?? {}, metrics, diags),
  };
}

/** A metric before its expression is parsed. */
interface Draft {
  readonly name: string;
  readonly source: Source;
  readonly declared: { readonly unit: string; readonly span: Span } | undefined;
  readonly better: Better;
  readonly description: string;
  readonly span: Span;
}

/** The presets' metrics, then the scenario's own, which replace a preset's metric of the same name. */
function collectDrafts(
  tree: LocatedMap,
  input: JudgedInput,
  source: Source,
  presets: BuiltProbes["presets"],
  diags: Diagnostics,
): Map<string, Draft> {
  const drafts = new Map<string, Draft>();
  const own = draftsOf(tree, input.metrics, source, diags);
  const ownNames = new Set(own.map(({ name }) => name));
  for (const { preset, use } of presets)
    for (const draft of draftsOf(preset.tree, preset.input.metrics, preset.source, diags)) {
      const other = drafts.get(draft.name);
      if (other && other.source.text !== draft.source.text && !ownNames.has(draft.name))
        diags.error("duplicate-metric", use, `two presets define the metric \`${draft.name}\``, {
          labels: [{ span: other.span, message: "first here" }],
          help: `define \`${draft.name}\` in the scenario`,
        });
      drafts.set(draft.name, draft);
    }
  for (const draft of own) drafts.set(draft.name, draft);
  return drafts;
}

function draftsOf(tree: LocatedMap, input: PresetInput["metrics"], source: Source, diags: Diagnostics): Draft[] {
  const located = tree.entries.get("metrics")?.value;
  if (located?.kind !== "map") return [];
  return [...located.entries].flatMap(([name, { keySpan, value }]): Draft[] => {
    if (Object.hasOwn(FREE_METRICS, name) || name === "default") {
      const why =
        name === "default"
          ? "the name `default` is taken by `compare:`"
          : `\`${name}\` is measured for every scenario already`;
      diags.error("reserved-metric", keySpan, why, { help: "choose another name" });
      return [];
    }
    const settings = input?.[name];
    const unit = valueAt(value, ["unit"]);
    const expression = expressionSource(value.kind === "map" ? valueAt(value, ["value"]) : value, source);
    if (!expression) return [];
    const declared =
      unit?.kind === "scalar" && Object.hasOwn(UNITS, unit.text.text)
        ? { unit: unit.text.text, span: unit.span }
        : undefined;
    const { better = "lower", description = "" } = typeof settings === "object" ? settings : {};
    return [{ name, source: expression, declared, better, description, span: keySpan }];
  });
}

/** An expression as a source whose errors are shown inside the YAML file. */
function expressionSource(value: Located | undefined, source: Source): Source | undefined {
  if (value?.kind !== "scalar") return undefined;
  return embed(value.text, `${source.name}@${value.span.start}`, source);
}

function buildAssertions(tree: LocatedMap, source: Source, names: Names, diags: Diagnostics): Assertion[] {
  const list = tree.entries.get("assert")?.value;
  if (list?.kind !== "list") return [];
  return list.items.flatMap((item): Assertion[] => {
    const text = expressionSource(item, source);
    const expression = text && parseExpression(text, diags);
    if (!expression) return [];
    if (isCondition(expression, names, diags)) return [{ text: text.text.trim(), expression, span: item.span }];
    diags.error("not-a-condition", expression.span, "an assertion is a comparison, but this is a number", {
      help: "write for example `opens <= 40`",
    });
    return [];
  });
}

function isCondition(expression: Expression, names: Names, diags: Diagnostics): boolean {
  return inferType(expression, names, diags).kind !== "number";
}

/** `known` are all metric names, those included whose expressions are broken. */
function checkCompareNames(tree: LocatedMap, known: Iterable<string>, diags: Diagnostics): void {
  const located = tree.entries.get("compare")?.value;
  if (located?.kind !== "map") return;
  const candidates = [...known, ...Object.keys(FREE_METRICS)];
  for (const [name, { keySpan }] of located.entries) {
    if (name === "default" || candidates.includes(name)) continue;
    diags.error("unknown-metric", keySpan, `there is no metric \`${name}\` to compare`, {
      help: didYouMean(name, candidates) ?? `known are ${candidates.join(", ")}`,
    });
  }
}

function buildCompare(
  tree: LocatedMap,
  rules: NonNullable<JudgedInput["compare"]>,
  metrics: readonly Metric[],
  diags: Diagnostics,
): Map<string, ComparePolicy> {
  const fallback = rules.default;
  const policies = new Map<string, ComparePolicy>();
  for (const { name, unit } of metrics) policies.set(name, policyFor(undefined, fallback, unit));
  const units = new Map<string, Unit>(metrics.map(({ name, unit }) => [name, unit]));
  for (const [name, { unit }] of Object.entries(FREE_METRICS)) units.set(name, unit);
  for (const [name, rule] of Object.entries(rules)) {
    const unit = units.get(name);
    if (unit === undefined || name === "default") continue;
    const minDelta = typeof rule === "object" ? rule["min-delta"] : undefined;
    if (minDelta && !fits(minDelta, unit))
      reportMinDelta(valueAt(tree, ["compare", name, "min-delta"])!, name, unit, diags);
    policies.set(name, policyFor(rule, fallback, unit));
  }
  return policies;
}

type Rule = NonNullable<JudgedInput["compare"]>[string];

/** What a rule leaves open comes from the default rule, then from the built-in limits. */
function policyFor(rule: Rule | undefined, fallback: Rule | undefined, unit: Unit): ComparePolicy {
  const chosen = rule ?? fallback;
  if (chosen === undefined) return { kind: "auto" };
  if (chosen === "exact") return { kind: "exact" };
  const base = typeof fallback === "object" ? fallback : {};
  // A default of `5us` says nothing about metrics that are no times.
  const shared = base["min-delta"] && fits(base["min-delta"], unit) ? base["min-delta"] : undefined;
  const minDelta = chosen === fallback ? shared : (chosen["min-delta"] ?? shared);
  return {
    kind: "limits",
    maxIncrease: chosen["max-increase"] ?? base["max-increase"] ?? DEFAULT_LIMITS.maxIncrease,
    minDelta: minDelta ? Number(minDelta.value) : DEFAULT_LIMITS.minDelta,
    confidence: chosen.confidence ?? base.confidence ?? DEFAULT_LIMITS.confidence,
  };
}

/** Whether a quantity can be a difference of values in this unit. */
function fits({ value, unit }: Quantity, of: Unit): boolean {
  if (Number(value) === 0) return true;
  return unit === undefined ? of !== "ns" && of !== "B" : UNITS[unit]!.base === of;
}

function reportMinDelta(value: Located, name: string, unit: Unit, diags: Diagnostics): void {
  const examples: Readonly<Record<Unit, string>> = {
    ns: "5us",
    B: "4KiB",
    count: "10",
    "%": "1%",
    "B/ns": "0",
    "1/ns": "0",
  };
  diags.error("unit-mismatch", value.span, `this \`min-delta\` does not fit \`${name}\``, {
    help: `write for example \`${examples[unit]}\``,
  });
}
