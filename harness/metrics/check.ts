/**
 * The static rules of metric expressions: names exist, units go together, functions get what they can read. What can
 * be said from the YAML file alone is said by `inferType`; what needs the compiled scripts is said by `checkMaps`.
 */
import { type Diagnostics, didYouMean, nearestAll } from "../../compiler/diagnostics.ts";
import { type Span, spanText } from "../../compiler/source.ts";
import { unreachable } from "../../compiler/unreachable.ts";
import type { Expression } from "./ast.ts";
import {
  COUNT,
  combine,
  type Dimension,
  describeDimension,
  dimensionOf,
  LITERAL,
  mismatch,
  UNKNOWN,
  unify,
  unitOf,
} from "./dimension.ts";
import { FUNCTIONS, functionsFor, PLAIN_KINDS } from "./functions.ts";
import { COMPARISONS } from "./parser.ts";
import { FREE_METRICS, type MapShape } from "./run-data.ts";
import { UNITS, type Unit } from "./units.ts";

export type Type =
  | { readonly kind: "boolean" }
  | { readonly kind: "number"; readonly dimension: Dimension }
  /** A name that does not exist: reported once, and then it goes along with everything. */
  | { readonly kind: "unknown" };

/** The dimensions of the names that an expression may use. */
export type Names = ReadonlyMap<string, Dimension>;

export const FREE_METRIC_DIMENSIONS: Names = new Map(
  Object.entries(FREE_METRICS).map(([name, { unit }]) => [name, dimensionOf(unit)]),
);

/** The names that assertions over these metrics may use: the metrics themselves and the free ones. */
export function namesOf(metrics: readonly { readonly name: string; readonly dimension: Dimension }[]): Names {
  return new Map([...FREE_METRIC_DIMENSIONS, ...metrics.map(({ name, dimension }) => [name, dimension] as const)]);
}

/** The type of an expression. Problems are added to `diags`, once each; the result is then a best guess. */
export function inferType(e: Expression, names: Names, diags: Diagnostics): Type {
  const number = (dimension: Dimension): Type => ({ kind: "number", dimension });

  const numeric = (operand: Expression, of: string): Dimension => {
    const type = inferType(operand, names, diags);
    if (type.kind === "number") return type.dimension;
    if (type.kind === "boolean")
      diags.error("not-a-number", operand.span, `${of} needs a number, but this is a comparison`);
    return UNKNOWN;
  };
  const logical = (operand: Expression, op: string): void => {
    if (inferType(operand, names, diags).kind !== "number") return;
    const help = op === "!" ? "write `!(a < b)`" : "compare it with something, as in `x > 0`";
    diags.error("not-a-condition", operand.span, `\`${op}\` needs a comparison, but this is a number`, { help });
  };

  switch (e.kind) {
    case "number":
      return number(e.unit === undefined ? LITERAL : dimensionOf(UNITS[e.unit]!.base));
    case "map":
      return number(UNKNOWN);
    case "name": {
      const dimension = names.get(e.name);
      if (dimension) return number(dimension);
      reportUnknownName(e, names, diags);
      return { kind: "unknown" };
    }
    case "call":
      checkCall(e, diags);
      return number(e.name === "count" || e.name === "len" ? COUNT : UNKNOWN);
    case "unary":
      if (e.op === "-") return number(numeric(e.operand, "`-`"));
      logical(e.operand, e.op);
      return { kind: "boolean" };
    case "binary": {
      if (e.op === "&&" || e.op === "||") {
        logical(e.left, e.op);
        logical(e.right, e.op);
        return { kind: "boolean" };
      }
      const left = numeric(e.left, `\`${e.op}\``);
      const right = numeric(e.right, `\`${e.op}\``);
      if (e.op === "*" || e.op === "/") return number(combine(left, right, e.op === "*" ? 1 : -1));
      checkUnits(e, left, right, diags);
      return COMPARISONS.has(e.op) ? { kind: "boolean" } : number(unify(left, right));
    }
    default:
      return unreachable(e);
  }
}

function reportUnknownName(e: Expression & { kind: "name" }, names: Names, diags: Diagnostics): void {
  const near = nearestAll(e.name, names.keys(), 3);
  const help =
    near.length > 0
      ? `did you mean ${alternatives(near)}?`
      : `known are ${[...names.keys()].join(", ")}; maps are written with @`;
  diags.error("unknown-metric", e.span, `there is no metric \`${e.name}\``, { help });
}

function checkUnits(e: Expression & { kind: "binary" }, left: Dimension, right: Dimension, diags: Diagnostics): void {
  const problem = mismatch(left, right);
  switch (problem) {
    case undefined:
      return;
    case "unit-missing": {
      const [bare, dimension] = left.literal ? [e.left, right] : [e.right, left];
      if (isZero(bare)) return;
      const examples: Partial<Record<Unit, string>> = { ns: "us", B: "KiB" };
      const suffix = examples[unitOf(dimension)];
      diags.error(
        "unit-missing",
        bare.span,
        `\`${spanText(bare.span)}\` needs a unit beside ${describeDimension(dimension)}`,
        {
          help: suffix && bare.kind === "number" ? `write for example \`${spanText(bare.span)}${suffix}\`` : undefined,
        },
      );
      return;
    }
    case "unit-mismatch": {
      const message = `\`${e.op}\` between ${describeDimension(left)} and ${describeDimension(right)}`;
      diags.error("unit-mismatch", e.span, message, { help: "both sides must measure the same thing" });
      return;
    }
    case "percent-of-what": {
      const percent = left.percent ? e.left : e.right;
      diags.error(
        "unit-mismatch",
        percent.span,
        `a percentage beside ${describeDimension(left.percent ? right : left)}: of what?`,
        {
          help: "divide first, as in `a / b < 5%`",
        },
      );
      return;
    }
    default:
      unreachable(problem);
  }
}

function isZero(e: Expression): boolean {
  return e.kind === "number" && Number(e.value) === 0;
}

function checkCall(e: Expression & { kind: "call" }, diags: Diagnostics): void {
  const f = FUNCTIONS[e.name]!;
  const [map, second] = e.args;
  const wanted = f.kind === "quantile" && f.quantile === undefined ? 2 : 1;
  if (e.args.length !== wanted) {
    const usage = wanted === 2 ? `${e.name}(@map, 0.99)` : `${e.name}(@map)`;
    const message = `\`${e.name}\` takes ${wanted === 2 ? "two arguments" : "one argument"}, but ${e.args.length === 0 ? "none is" : `${e.args.length} are`} given`;
    diags.error("wrong-arguments", e.span, message, { help: `write \`${usage}\`` });
  }
  if (map && map.kind !== "map")
    diags.error("needs-a-map", map.span, `\`${e.name}\` reads a map`, {
      help: map.kind === "name" ? `did you mean \`${e.name}(@${map.name})\`?` : `write \`${e.name}(@map)\``,
    });
  if (wanted === 2 && second && quantileOf(e) === undefined)
    diags.error("bad-quantile", second.span, "a quantile is a number from 0 to 1", { help: "write `0.99` or `99%`" });
}

/** The quantile that a call asks for; undefined if its second argument is not a number from 0 to 1. */
export function quantileOf(e: Expression & { kind: "call" }): number | undefined {
  const f = FUNCTIONS[e.name]!;
  if (f.kind === "quantile" && f.quantile !== undefined) return f.quantile;
  const second = e.args[1];
  if (second?.kind !== "number" || (second.unit !== undefined && second.unit !== "%")) return undefined;
  const q = Number(second.value);
  return q >= 0 && q <= 1 ? q : undefined;
}

/**
 * A pure count: no time, quantile or mean in it, so that repetition may show it to be exact. `isCounter` answers for
 * the names in it.
 */
export function isCounting(e: Expression, isCounter: (name: string) => boolean): boolean {
  switch (e.kind) {
    case "number":
    case "map":
      return true;
    case "name":
      return isCounter(e.name);
    case "call":
      return FUNCTIONS[e.name]!.kind === "aggregate" && e.name !== "avg";
    case "unary":
      return isCounting(e.operand, isCounter);
    case "binary":
      return isCounting(e.left, isCounter) && isCounting(e.right, isCounter);
    default:
      return unreachable(e);
  }
}

/** All names (metrics, free metrics) in an expression, with their places. */
export function namesIn(e: Expression): { name: string; span: Span }[] {
  return leaves(e).flatMap((leaf) => (leaf.kind === "name" ? [{ name: leaf.name, span: leaf.span }] : []));
}

/** The names of all maps in an expression. */
export function mapsIn(e: Expression): Set<string> {
  return new Set(leaves(e).flatMap((leaf) => (leaf.kind === "map" ? [leaf.name] : [])));
}

function leaves(e: Expression): Expression[] {
  switch (e.kind) {
    case "number":
    case "map":
    case "name":
      return [e];
    case "call":
      return e.args.flatMap(leaves);
    case "unary":
      return leaves(e.operand);
    case "binary":
      return [...leaves(e.left), ...leaves(e.right)];
    default:
      return unreachable(e);
  }
}

/**
 * Checks the maps of an expression against those that the compiled scripts have: each exists, is read by a function
 * that understands its values, and has keys where a key is given.
 */
export function checkMaps(e: Expression, shapes: ReadonlyMap<string, MapShape>, diags: Diagnostics): void {
  switch (e.kind) {
    case "number":
    case "name":
      return;
    case "map":
      checkPlainMap(e, shapes, diags);
      return;
    case "call": {
      const [map] = e.args;
      if (map?.kind !== "map") return;
      const shape = findShape(map, shapes, diags);
      if (!shape || FUNCTIONS[e.name]!.accepts.has(shape.kind)) return;
      const message = `\`${e.name}\` cannot read \`${map.name}\`, which holds ${KIND_NAMES[shape.kind]}`;
      diags.error("wrong-map-kind", e.span, message, { help: suggestFunctions(map, shape) });
      return;
    }
    case "unary":
      checkMaps(e.operand, shapes, diags);
      return;
    case "binary":
      checkMaps(e.left, shapes, diags);
      checkMaps(e.right, shapes, diags);
      return;
    default:
      unreachable(e);
  }
}

/** `@x` or `@x[key]` without a function around it. */
function checkPlainMap(
  map: Expression & { kind: "map" },
  shapes: ReadonlyMap<string, MapShape>,
  diags: Diagnostics,
): void {
  const shape = findShape(map, shapes, diags);
  if (!shape) return;
  if (!PLAIN_KINDS.has(shape.kind))
    diags.error("not-a-number", map.span, `\`${map.name}\` holds ${KIND_NAMES[shape.kind]}, which is not one number`, {
      help: suggestFunctions(map, shape),
    });
  else if (shape.keyed && !map.key)
    diags.error("key-missing", map.span, `\`${map.name}\` has keys, so it is not one number`, {
      help: `write \`sum(${map.name})\` or \`${map.name}["key"]\``,
    });
}

function findShape(
  map: Expression & { kind: "map" },
  shapes: ReadonlyMap<string, MapShape>,
  diags: Diagnostics,
): MapShape | undefined {
  const shape = shapes.get(map.name);
  if (!shape) {
    const known = shapes.size > 0 ? `the scripts have ${[...shapes.keys()].join(", ")}` : "the scripts have no maps";
    diags.error("unknown-map", map.span, `no script has a map \`${map.name}\``, {
      help: didYouMean(map.name, shapes.keys()) ?? known,
    });
  } else if (map.key && !shape.keyed)
    diags.error("unexpected-key", map.span, `\`${map.name}\` has no keys`, { help: `write \`${map.name}\`` });
  return shape;
}

const KIND_NAMES: Readonly<Record<MapShape["kind"], string>> = {
  integer: "integers",
  count: "counts",
  sum: "sums",
  min: "minima",
  max: "maxima",
  avg: "averages",
  stats: "statistics",
  hist: "a histogram",
  lhist: "a histogram",
  other: "values without numeric meaning",
  tseries: "a time series",
};

function suggestFunctions(map: Expression & { kind: "map" }, shape: MapShape): string {
  const functions = functionsFor(shape.kind);
  if (functions.length === 0)
    return "a time series is for looking at; measure with a count(), sum() or hist() beside it";
  return `write ${alternatives(
    functions.slice(0, 4).map((name) => `${name}(${spanText(map.span)}${name === "quantile" ? ", 0.99" : ""})`),
  )}`;
}

function alternatives(texts: readonly string[]): string {
  const quoted = texts.map((text) => `\`${text}\``);
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}
