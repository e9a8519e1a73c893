/**
 * Assertions: conditions over metrics that hold or fail in one run, and over all runs of a scenario. A failure says
 * by how much. "No data" is neither true nor false, and only what is true passes.
 */
import { Diagnostics } from "../../compiler/diagnostics.ts";
import { spanText } from "../../compiler/source.ts";
import type { ComparisonOp, Expression } from "./ast.ts";
import { inferType, type Names } from "./check.ts";
import { UNKNOWN, unify, unitOf } from "./dimension.ts";
import { evaluate, type MetricValue } from "./evaluate.ts";
import { formatValue } from "./format.ts";
import { arithmetic, compare, negate } from "./number.ts";
import { COMPARISONS } from "./parser.ts";
import type { RunData } from "./run-data.ts";
import type { Unit } from "./units.ts";

export type AssertionStatus = "pass" | "fail" | "no-data";

/** One comparison inside an assertion, evaluated. */
export interface ComparisonOutcome {
  readonly text: string;
  readonly op: ComparisonOp;
  readonly left: MetricValue;
  readonly right: MetricValue;
  readonly unit: Unit;
  readonly status: AssertionStatus;
  /** `43 (3 over)`, `38`, `no data (@h was never touched)`. */
  readonly message: string;
}

export interface AssertionOutcome {
  readonly status: AssertionStatus;
  /** In the order of the text. */
  readonly comparisons: readonly ComparisonOutcome[];
  /** `opens <= 40: 43 (3 over)` */
  readonly message: string;
}

/** What evaluation needs to know of an assertion; `Assertion` of a scenario is one. */
export interface EvaluableAssertion {
  readonly text: string;
  readonly expression: Expression;
}

/** One run with its metrics evaluated (see evaluateMetrics). */
export interface EvaluatedRun {
  readonly run: RunData;
  readonly values: ReadonlyMap<string, MetricValue>;
}

/** Evaluates an assertion in one run. `names` gives the dimensions of the metrics (for printing with units). */
export function evaluateAssertion(
  assertion: EvaluableAssertion,
  names: Names,
  evaluated: EvaluatedRun,
): AssertionOutcome {
  const comparisons: ComparisonOutcome[] = [];
  const status = judge(assertion.expression, names, evaluated, comparisons);
  return { status, comparisons, message: `${assertion.text}: ${explain(status, comparisons)}` };
}

/** A single comparison speaks for itself; of several, those are named that decided the outcome. */
function explain(status: AssertionStatus, comparisons: readonly ComparisonOutcome[]): string {
  if (comparisons.length === 1) return comparisons[0]!.message;
  const telling = comparisons.filter((comparison) => comparison.status === status);
  return (telling.length > 0 ? telling : comparisons).map(({ text, message }) => `${text}: ${message}`).join("; ");
}

export interface AssertionVerdict {
  readonly status: AssertionStatus;
  /** The message of the worst run, with the number of failing runs if not all failed. */
  readonly message: string;
  readonly outcomes: readonly AssertionOutcome[];
}

/** An assertion must hold in every run. Without any run it has no data. */
export function evaluateAssertionOverRuns(
  assertion: EvaluableAssertion,
  names: Names,
  runs: readonly EvaluatedRun[],
): AssertionVerdict {
  const outcomes = runs.map((run) => evaluateAssertion(assertion, names, run));
  const bad = outcomes.filter(({ status }) => status !== "pass");
  const worst = bad.find(({ status }) => status === "no-data") ?? furthest(bad);
  const shown = worst ?? furthest(outcomes);
  if (!shown) return { status: "no-data", message: `${assertion.text}: no data (no run was measured)`, outcomes };
  const share = bad.length > 0 && bad.length < runs.length ? `, in ${bad.length} of ${runs.length} runs` : "";
  return { status: shown.status, message: shown.message + share, outcomes };
}

/** The outcome whose first comparison is furthest from equality in the direction of failing. */
function furthest(outcomes: readonly AssertionOutcome[]): AssertionOutcome | undefined {
  let worst: { outcome: AssertionOutcome; excess: number } | undefined;
  for (const outcome of outcomes) {
    const first = outcome.comparisons[0];
    const excess = first ? excessOf(first) : 0;
    if (!worst || excess > worst.excess) worst = { outcome, excess };
  }
  return worst?.outcome;
}

function excessOf({ op, left, right }: ComparisonOutcome): number {
  if (left.kind === "no-data" || right.kind === "no-data") return 0;
  const over = Number(arithmetic("-", left.value, right.value));
  if (op === "<" || op === "<=") return over;
  return op === ">" || op === ">=" ? -over : Math.abs(over);
}

function judge(
  e: Expression,
  names: Names,
  evaluated: EvaluatedRun,
  comparisons: ComparisonOutcome[],
): AssertionStatus {
  const inner = (operand: Expression): AssertionStatus => judge(operand, names, evaluated, comparisons);
  if (e.kind === "unary" && e.op === "!") {
    const status = inner(e.operand);
    return status === "no-data" ? status : status === "pass" ? "fail" : "pass";
  }
  if (e.kind === "binary") {
    // Both sides are evaluated, so that a report shows all that matters; "no data" decides only where the other side does not.
    if (e.op === "&&" || e.op === "||") {
      const decisive: AssertionStatus = e.op === "&&" ? "fail" : "pass";
      const sides = [inner(e.left), inner(e.right)];
      if (sides.includes(decisive)) return decisive;
      return sides.includes("no-data") ? "no-data" : sides[0]!;
    }
    if (isComparison(e.op)) {
      const outcome = compareSides(e.op, e.left, e.right, spanText(e.span), names, evaluated);
      comparisons.push(outcome);
      return outcome.status;
    }
  }
  throw new Error(`an assertion that is no condition passed the checks: ${spanText(e.span)}`);
}

function isComparison(op: string): op is ComparisonOp {
  return COMPARISONS.has(op);
}

function compareSides(
  op: ComparisonOp,
  leftSide: Expression,
  rightSide: Expression,
  text: string,
  names: Names,
  { run, values }: EvaluatedRun,
): ComparisonOutcome {
  const lookup = (name: string): MetricValue =>
    values.get(name) ?? { kind: "no-data", reason: `\`${name}\` was not measured` };
  const left = evaluate(leftSide, run, lookup);
  const right = evaluate(rightSide, run, lookup);
  const shared = { text, op, left, right, unit: commonUnit(leftSide, rightSide, names) };
  const { unit } = shared;
  if (left.kind === "no-data") return { ...shared, status: "no-data", message: `no data (${left.reason})` };
  if (right.kind === "no-data") return { ...shared, status: "no-data", message: `no data (${right.reason})` };
  const holds = compare(op, left.value, right.value);
  // With the constant on the left, the other side is the one that was measured: `40 >= opens`.
  const flipped = leftSide.kind === "number" && rightSide.kind !== "number";
  const [subject, reference, referenceSide] = flipped ? [right, left, leftSide] : [left, right, rightSide];
  const shown = formatValue(subject.value, unit);
  const against = referenceSide.kind === "number" ? "" : ` against ${formatValue(reference.value, unit)}`;
  const gap = arithmetic("-", subject.value, reference.value);
  const distance =
    Number(gap) === 0 ? "equal" : `${formatValue(gap < 0 ? negate(gap) : gap, unit)} ${gap < 0 ? "under" : "over"}`;
  return {
    ...shared,
    status: holds ? "pass" : "fail",
    message: holds ? shown + against : `${shown}${against} (${distance})`,
  };
}

function commonUnit(left: Expression, right: Expression, names: Names): Unit {
  // The checks have run when the scenario was loaded; here only the result is wanted.
  const unheard = new Diagnostics();
  const [a, b] = [left, right].map((side) => {
    const type = inferType(side, names, unheard);
    return type.kind === "number" ? type.dimension : UNKNOWN;
  });
  return unitOf(unify(a!, b!));
}
