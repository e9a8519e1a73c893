/**
 * What trace() answers: what was counted, ready to be looked at, and metric expressions over it. A number that cannot be
 * attributed is kept apart and never mixed into the counts.
 */
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import type { Metric, Scenario } from "../config/scenario.ts";
import { type AssertionOutcome, type EvaluableAssertion, evaluateAssertion } from "../metrics/assertion.ts";
import type { Expression, Num } from "../metrics/ast.ts";
import { checkMaps, inferType, mapsIn, namesIn, namesOf } from "../metrics/check.ts";
import { evaluate, evaluateMetrics, type MetricValue } from "../metrics/evaluate.ts";
import { parseExpression } from "../metrics/parser.ts";
import type { MapData, RunData } from "../metrics/run-data.ts";
import type { Calls, Counts, FailedOpen, OpenedFile, Processes } from "./calls.ts";
import { TraceError } from "./errors.ts";

/** What threads did of which it cannot be said whether they did it for the traced function. */
export interface Unattributed extends Calls {
  /** Why that is so, and what to do. */
  readonly reason: string;
}

export interface TraceData extends Calls {
  readonly processes: Processes;
  readonly durationNs: number;
  /** Undefined in all but rare cases, and never with commands. */
  readonly unattributed: Unattributed | undefined;
  /** The probes' own maps. */
  readonly maps: readonly MapData[];
  /** What the probes printed. */
  readonly printed: string;
  readonly free: RunData["free"];
}

/** A trace of either kind. */
export abstract class Trace {
  abstract readonly kind: "function" | "command";
  /** System calls by the names that the manual gives them. */
  readonly syscalls: Counts;
  /** Files opened, in the order of their paths. */
  readonly opened: readonly OpenedFile[];
  /** Attempts to open a file that failed. */
  readonly failed: readonly FailedOpen[];
  readonly processes: Processes;
  readonly durationNs: number;
  readonly unattributed: Unattributed | undefined;
  /** The maps of the probes, by name with the at sign; also @syscalls, @opened and @failed, of what is always counted. */
  readonly maps: ReadonlyMap<string, MapData>;
  readonly printed: string;
  readonly #metrics: readonly Metric[];
  readonly #run: RunData;
  /** Maps that hold what unattributed calls did as well. */
  readonly #shared: ReadonlySet<string>;

  constructor(data: TraceData, scenario: Pick<Scenario, "metrics">) {
    this.syscalls = data.syscalls;
    this.opened = data.opened;
    this.failed = data.failed;
    this.processes = data.processes;
    this.durationNs = data.durationNs;
    this.unattributed = data.unattributed;
    this.printed = data.printed;
    this.maps = new Map([...countedMaps(data), ...data.maps].map((map) => [map.name, map]));
    this.#metrics = scenario.metrics;
    this.#run = { maps: this.maps, free: data.free };
    this.#shared = new Set(data.unattributed === undefined ? [] : this.maps.keys());
  }

  /**
   * The value of a metric expression, such as `p99(@read_ns)` or the name of a metric: nanoseconds, bytes or a plain number.
   * Throws TraceError for an expression that makes no sense, or that has no value here.
   */
  metric(expression: string): Num {
    const value = this.measure(expression);
    if (value.kind === "no-data") throw new TraceError(`\`${expression}\` has no value: ${value.reason}`);
    return value.value;
  }

  /** The same with the bounds between which the true value lies, and without complaint where there is none. */
  measure(expression: string): MetricValue {
    const parsed = this.#parse(expression, "number");
    const values = evaluateMetrics(this.#metrics, this.#run);
    const missing = (name: string): MetricValue => ({ kind: "no-data", reason: `\`${name}\` was not measured` });
    return evaluate(parsed, this.#run, (name) => values.get(name) ?? missing(name));
  }

  /** How a condition such as `p99(@read_ns) < 200us` comes out. */
  check(condition: string): AssertionOutcome {
    return this.#judge({ text: condition, expression: this.#parse(condition, "condition") }, this.#metrics);
  }

  /** How the assertions of a scenario come out, with its metrics. Throws TraceError where this trace lacks their maps. */
  judge({ metrics, assertions }: Pick<Scenario, "metrics" | "assertions">): AssertionOutcome[] {
    const diags = new Diagnostics();
    for (const { expression } of [...metrics, ...assertions]) checkMaps(expression, this.maps, diags);
    refuse(diags);
    return assertions.map((assertion) => this.#judge(assertion, metrics));
  }

  #judge(assertion: EvaluableAssertion, metrics: readonly Metric[]): AssertionOutcome {
    this.#mustBeAttributed(assertion.expression, metrics);
    const values = evaluateMetrics(metrics, this.#run);
    return evaluateAssertion(assertion, namesOf(metrics), { run: this.#run, values });
  }

  #parse(text: string, wanted: "number" | "condition"): Expression {
    const diags = new Diagnostics();
    const expression = parseExpression(new Source("expression", text), diags);
    if (expression !== undefined) {
      const type = inferType(expression, namesOf(this.#metrics), diags);
      if (!diags.hasErrors && (type.kind === "boolean") !== (wanted === "condition"))
        diags.error("wrong-kind", expression.span, `a ${wanted} is needed here`);
      checkMaps(expression, this.maps, diags);
    }
    refuse(diags);
    this.#mustBeAttributed(expression!, this.#metrics);
    return expression!;
  }

  #mustBeAttributed(expression: Expression, metrics: readonly Metric[]): void {
    const doubtful = [...mapsBehind(expression, metrics)].find((map) => this.#shared.has(map));
    if (doubtful !== undefined) throw new TraceError(`${doubtful} cannot be trusted: ${this.unattributed?.reason}`);
  }
}

function refuse(diags: Diagnostics): void {
  if (diags.hasErrors) throw new TraceError(renderDiagnostics(diags.errors));
}

/** The maps of an expression and of the metrics in it. */
function mapsBehind(expression: Expression, metrics: readonly Metric[]): Set<string> {
  const byName = new Map(metrics.map((metric) => [metric.name, metric.expression]));
  const maps = new Set<string>();
  const used = new Set([expression]);
  // grows on the way
  for (const one of used) {
    for (const map of mapsIn(one)) maps.add(map);
    for (const { name } of namesIn(one)) {
      const metric = byName.get(name);
      if (metric !== undefined) used.add(metric);
    }
  }
  return maps;
}

/** What all programs of the probes have cost, by the kernel's own statistics; events of others that they saw included. */
export interface ProbeCost {
  readonly hits: number;
  readonly ns: number;
}

/** The trace of a function. */
export class FunctionTrace<T> extends Trace {
  override readonly kind = "function";
  /** What the function returned, or what its promise came to. */
  readonly value: T;
  /** Undefined unless the tracer keeps account, which makes every hit dearer. */
  readonly probeCost: ProbeCost | undefined;
  /** Whether a descriptor is one over which the runtime talks to itself: what went over those is in no count. */
  readonly isInternal: (descriptor: number) => boolean;

  constructor(
    value: T,
    data: TraceData,
    scenario: Pick<Scenario, "metrics">,
    more: Partial<Pick<FunctionTrace<T>, "probeCost" | "isInternal">> = {},
  ) {
    super(data, scenario);
    this.value = value;
    this.probeCost = more.probeCost;
    this.isInternal = more.isInternal ?? (() => false);
  }
}

/** The trace of a command. */
export class CommandTrace extends Trace {
  override readonly kind = "command";
  /** Null after a death by signal. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;

  constructor(
    end: Pick<CommandTrace, "exitCode" | "signal" | "stdout" | "stderr">,
    data: TraceData,
    scenario: Pick<Scenario, "metrics">,
  ) {
    super(data, scenario);
    this.exitCode = end.exitCode;
    this.signal = end.signal;
    this.stdout = end.stdout;
    this.stderr = end.stderr;
  }
}

/** What is always counted, as maps for metric expressions. */
function countedMaps({ syscalls, opened, failed }: Calls): MapData[] {
  return [
    countMap(
      "@syscalls",
      Object.entries(syscalls).map(([name, count]) => ({ key: [name], count })),
    ),
    countMap(
      "@opened",
      opened.map(({ path, count }) => ({ key: [path], count })),
    ),
    countMap(
      "@failed",
      failed.map(({ path, error, count }) => ({ key: [path, error], count })),
    ),
  ];
}

function countMap(name: string, entries: readonly { key: readonly string[]; count: number }[]): MapData {
  const sums = new Map<string, { key: readonly string[]; value: { kind: "count"; value: bigint } }>();
  for (const { key, count } of entries) {
    const id = JSON.stringify(key);
    const value = BigInt(count) + (sums.get(id)?.value.value ?? 0n);
    sums.set(id, { key, value: { kind: "count", value } });
  }
  return { name, kind: "count", keyed: true, entries: [...sums.values()] };
}
