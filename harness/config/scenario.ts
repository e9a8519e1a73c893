/**
 * The scenario: what one YAML entry means once presets, defaults, matrix and paths have been resolved. The loader
 * produces it; runner, baseline and reports consume it. It is immutable plain data (apart from the Source objects
 * behind the spans), every default is filled in, every path is absolute.
 *
 * Timer values are milliseconds and say so in their names (`timeoutMs`); measurements are nanoseconds.
 */
import type { Source, Span } from "../../compiler/source.ts";
import type { Expression } from "../metrics/ast.ts";
import type { Dimension } from "../metrics/dimension.ts";
import type { Unit } from "../metrics/units.ts";
import type { Better, ComparePolicy } from "../stats/policy.ts";

export interface Scenario {
  /** Unique in its suite. Carries the matrix values of its combination: `copy [size=4096]`. */
  readonly name: string;
  /** "" when the file gives none. */
  readonly description: string;
  /** The YAML file, as it was given to the loader. */
  readonly file: string;
  /** The scenario's name in the YAML file (or its start, if the file has no such key). */
  readonly span: Span;
  /** The values of this matrix combination; empty without `matrix:`. */
  readonly matrix: Readonly<Record<string, string | number | boolean>>;
  /** Names of programs that have to be in PATH, as the workload sees it; where one is not, the scenario is skipped. */
  readonly requires: readonly string[];
  readonly workload: Workload;
  readonly runs: RunPlan;
  readonly probes: readonly ProbeScript[];
  /** In the order of the file, a preset's metrics before the scenario's own. Free metrics are not listed. */
  readonly metrics: readonly Metric[];
  readonly assertions: readonly Assertion[];
  /**
   * What is compared with a baseline, and how: all of the scenario's own metrics, and those free metrics that are
   * named under `compare:`. Defaults are resolved.
   */
  readonly compare: ReadonlyMap<string, ComparePolicy>;
  /**
   * What is run and how: workload and warm-up. Not part of it: descriptions, what is required, timeouts, assertions, limits,
   * the number of runs, and the metrics (each has its own `definition`). SHA-256 in hex; the same in every checkout of the file.
   */
  readonly contentHash: string;
  /** The texts, parameters and scopes of all probe scripts in order. SHA-256 in hex. */
  readonly scriptHash: string;
}

/** What to execute: an argument vector, or a line for `/bin/sh -c`. */
export type Command =
  | { readonly kind: "argv"; readonly argv: readonly [string, ...string[]] }
  | { readonly kind: "shell"; readonly script: string };

/** A command with its surroundings: a step of setup/before/after/teardown, or the driver. */
export interface Step {
  readonly command: Command;
  /** Absolute. */
  readonly cwd: string;
  /** Added to the environment of the caller; includes the workload's `env`. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly span: Span;
}

export interface Workload extends Step {
  /** Absolute path of the file for standard input; undefined: /dev/null. */
  readonly stdin: string | undefined;
  /** User name or decimal uid; undefined: the user who called sudo, else the current one. */
  readonly user: string | undefined;
  /** Once, before the first run. */
  readonly setup: readonly Step[];
  /** Before every run (warm-up and control runs included), not traced. */
  readonly before: readonly Step[];
  /** After every run, not traced. */
  readonly after: readonly Step[];
  /** Once, after the last run, also when a run failed. */
  readonly teardown: readonly Step[];
  /**
   * The required exit status; a death by signal N is 128 + N. Undefined (possible only with a driver): the workload
   * is a server that the harness ends once the driver is done, and any status is accepted then.
   */
  readonly expectExit: number | undefined;
  readonly ready: Ready | undefined;
  /** Runs beside the workload once that is ready, is not traced, and its end is the end of the run. */
  readonly driver: Driver | undefined;
}

/** How the harness learns that a server accepts work. */
export type Ready =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly timeoutMs: number }
  /** The text appears in the workload's stdout or stderr. */
  | { readonly kind: "log"; readonly text: string; readonly timeoutMs: number }
  /** The file exists. Absolute path. */
  | { readonly kind: "file"; readonly path: string; readonly timeoutMs: number };

export interface Driver extends Step {
  readonly expectExit: number;
}

export interface RunPlan {
  /** Runs whose numbers are thrown away. */
  readonly warmup: number;
  /** Measured runs, at least 1. */
  readonly count: number;
  /** How many measured runs there may be at most when the statistics ask for more; >= count. */
  readonly max: number;
  /** Runs without probes, which price the probes. */
  readonly control: number;
}

/** `workload`: only the workload's processes and all they fork; `system`: everything. */
export type Scope = "workload" | "system";

/** One bpftrace script to compile and attach. */
export interface ProbeScript {
  readonly origin:
    | { readonly kind: "inline" }
    | { readonly kind: "file"; readonly path: string }
    | { readonly kind: "preset"; readonly preset: string };
  /** For reports: `inline script`, `probes/reads.bt`, `preset syscalls`. */
  readonly label: string;
  /** The script. Compile this very object: diagnostics then appear at the right place of the YAML file. */
  readonly source: Source;
  readonly params: ScriptParams;
  readonly scope: Scope;
  /** The entry under `probes:`. */
  readonly span: Span;
}

/** Parameters as a command line would give them: `$1 $2 ...`, and `--name=value` for getopt(). */
export interface ScriptParams {
  readonly positional: readonly string[];
  readonly named: Readonly<Record<string, string>>;
}

export interface Metric {
  readonly name: string;
  readonly description: string;
  readonly expression: Expression;
  /** How to print it. Declared, or inferred from the expression. Values are in the base unit (ns, bytes, plain). */
  readonly unit: Unit;
  /** What evaluateAssertion needs to print a comparison with this metric. */
  readonly dimension: Dimension;
  /**
   * The evaluator multiplies the expression's value by this to get the base unit: 1000n for a metric declared in
   * `us` whose maps hold microseconds, 1n where the expression is in the base unit already.
   */
  readonly scale: bigint;
  readonly better: Better;
  /** A pure count (no time, quantile or mean in it): repetition may show it to be exact. */
  readonly counter: boolean;
  /**
   * A digest of the meaning (the expression and the metrics that it uses). A baseline stores it per metric: a value
   * measured under another definition is no baseline (verdict `new`).
   */
  readonly definition: string;
  /** The name under `metrics:`. */
  readonly span: Span;
}

/** One line under `assert:`. It must hold in every measured run. */
export interface Assertion {
  /** As written, without surrounding white space. */
  readonly text: string;
  /** A comparison, or comparisons joined by && || !. */
  readonly expression: Expression;
  readonly span: Span;
}
