/**
 * A suite from its files to its result: everything is loaded, compiled and checked, the baselines are read, and only
 * then does the first scenario run.
 */
import { type Diagnostic, Diagnostics } from "../../compiler/diagnostics.ts";
import { type Fingerprint, fingerprintId } from "../baseline/fingerprint.ts";
import { type Baseline, type BaselineMatch, baselineLocation, readBaseline, writeBaseline } from "../baseline/store.ts";
import { encodeNumber } from "../baseline/values.ts";
import type { ConfigHost } from "../config/host.ts";
import { loadSuite } from "../config/load.ts";
import type { Scenario } from "../config/scenario.ts";
import { baselineEntry, diagnosticResult, scenarioResult } from "../report/build.ts";
import { exitCodeOf } from "../report/exit-code.ts";
import { RESULT_SCHEMA, type ScenarioResult, type SuiteResult } from "../report/result.ts";
import type { Host } from "./host.ts";
import { judge } from "./judge.ts";
import { checkScripts, type PreparedScenario, prepare } from "./prepare.ts";
import { type Phase, runScenario } from "./run-scenario.ts";

export interface SuiteOptions {
  readonly files: readonly string[];
  /** Only scenarios whose name contains this. */
  readonly filter?: string;
  /** Measured runs, in place of what the scenarios say. */
  readonly runs?: number;
  /** Ends the suite after the first scenario that does not pass. */
  readonly bail?: boolean;
  /** Scenarios whose programs are not there are invalid, and not skipped. */
  readonly requireAll?: boolean;
  readonly baseline: BaselineUse;
  readonly interrupt: AbortSignal;
  readonly abandon: AbortSignal;
  readonly onProgress?: (scenario: Scenario, phase: Phase, index: number, count: number) => void;
  readonly onScenario?: (result: ScenarioResult) => void;
}

/** `update` makes the new runs the baseline and compares with nothing. Without a `file` each project has its own. */
export interface BaselineUse {
  readonly mode: "compare" | "update" | "off";
  readonly file?: string;
}

export interface SuiteHost {
  readonly runner: Host;
  readonly config: ConfigHost;
  readonly machine: Fingerprint;
}

/** Nothing to run; the message says why. */
export class EmptySuiteError extends Error {
  override readonly name = "EmptySuiteError";
}

export interface SuiteOutcome {
  readonly result: SuiteResult;
  /** Errors in files and scripts, with which nothing has run, and programs that the kernel refused. */
  readonly diagnostics: readonly Diagnostic[];
  /** Baseline files that were written, with the scenarios recorded in each. */
  readonly recorded: ReadonlyMap<string, readonly string[]>;
}

/** Runs a suite. Throws EmptySuiteError, BaselineError, and WriteError when a baseline cannot be written. */
export async function runSuite(options: SuiteOptions, host: SuiteHost): Promise<SuiteOutcome> {
  const startedAt = new Date();
  const start = host.runner.clock.now();
  const diags = new Diagnostics();
  const prepared = prepareSuite(options, host, diags);
  const store = new BaselineFiles(options.baseline);
  for (const { scenario } of prepared) store.open(scenario);
  const scenarios: ScenarioResult[] = [];
  for (const scenario of prepared) {
    if (options.interrupt.aborted) break;
    const result = await runOne(scenario, options, host, store, startedAt, diags);
    scenarios.push(result);
    options.onScenario?.(result);
    if (options.bail && result.status !== "passed" && result.status !== "skipped") break;
  }
  const recorded = store.write();
  const diagnostics = diags.items.map(diagnosticResult);
  const result: SuiteResult = {
    schema: RESULT_SCHEMA,
    kind: "run",
    tool: { name: "probewright", version: host.machine.tool },
    startedAt: startedAt.toISOString(),
    durationNs: encodeNumber(host.runner.clock.now() - start),
    exitCode: exitCodeOf(scenarios, diagnostics, options.interrupt.aborted),
    summary: summaryOf(scenarios),
    machine: { id: fingerprintId(host.machine), ...host.machine },
    diagnostics,
    scenarios,
  };
  return { result, diagnostics: diags.items, recorded };
}

/** The scenarios to run; none when there are errors. */
function prepareSuite(options: SuiteOptions, host: SuiteHost, diags: Diagnostics): readonly PreparedScenario[] {
  const { scenarios: all, scripts } = loadSuite(options.files, host.config, diags);
  if (diags.hasErrors) {
    checkScripts(scripts, host.runner, diags);
    return [];
  }
  const { filter, runs } = options;
  const wanted = filter === undefined ? all : all.filter(({ name }) => name.includes(filter));
  if (wanted.length === 0) {
    const known = all.map(({ name }) => name).join(", ");
    throw new EmptySuiteError(`no scenario's name contains \`${filter}\`; there are: ${known}`);
  }
  const counted = runs === undefined ? wanted : wanted.map((scenario) => withRuns(scenario, runs));
  return prepare(counted, host.runner, diags) ?? [];
}

function withRuns(scenario: Scenario, count: number): Scenario {
  return { ...scenario, runs: { ...scenario.runs, count, max: Math.max(count, scenario.runs.max) } };
}

async function runOne(
  prepared: PreparedScenario,
  options: SuiteOptions,
  { runner, machine }: SuiteHost,
  store: BaselineFiles,
  startedAt: Date,
  diags: Diagnostics,
): Promise<ScenarioResult> {
  const { scenario } = prepared;
  const { interrupt, abandon, requireAll, onProgress } = options;
  const run = await runScenario(prepared, runner, {
    interrupt,
    abandon,
    requireAll,
    onProgress: (phase, index, count) => onProgress?.(scenario, phase, index, count),
  });
  // What the kernel's verifier refuses is known only now, but has its place in the file like any other error.
  for (const { diagnostic } of run.end.kind === "invalid" ? run.end.problems : [])
    if (diagnostic) diags.add(diagnostic);
  const baseline = store.find(scenario, machine);
  const judgement = judge(run, baseline);
  const entry = baselineEntry(run, judgement, {
    file: store.nameOf(scenario),
    fingerprint: machine,
    recordedAt: startedAt.toISOString(),
  });
  if (entry !== undefined && judgement.status === "passed") store.record(scenario, entry);
  return scenarioResult(run, judgement, baseline);
}

/** How many scenarios ended how. */
export function summaryOf(scenarios: readonly ScenarioResult[]): SuiteResult["summary"] {
  const summary = { passed: 0, failed: 0, invalid: 0, inconclusive: 0, interrupted: 0, skipped: 0 };
  for (const { status } of scenarios) summary[status]++;
  return summary;
}

const NO_BASELINE: BaselineMatch = { kind: "none" };

/** The baseline files of a suite: read before anything runs, written after everything has. */
class BaselineFiles {
  readonly #use: BaselineUse;
  readonly #read = new Map<string, Baseline>();
  readonly #added = new Map<string, Parameters<Baseline["with"]>[0][]>();

  constructor(use: BaselineUse) {
    this.#use = use;
  }

  /** Reads the file for a scenario, unless that was done already. Throws BaselineError. */
  open(scenario: Scenario): void {
    const { path } = this.#location(scenario);
    if (this.#use.mode !== "off" && !this.#read.has(path)) this.#read.set(path, readBaseline(path));
  }

  find(scenario: Scenario, machine: Fingerprint): BaselineMatch {
    if (this.#use.mode !== "compare") return NO_BASELINE;
    return this.#read.get(this.#location(scenario).path)?.find(scenario, machine) ?? NO_BASELINE;
  }

  nameOf(scenario: Scenario): string {
    return this.#location(scenario).file;
  }

  record(scenario: Scenario, entry: Parameters<Baseline["with"]>[0]): void {
    if (this.#use.mode !== "update") return;
    const { path } = this.#location(scenario);
    this.#added.set(path, [...(this.#added.get(path) ?? []), entry]);
  }

  /** Reads each file once more, since another tool may have written it meanwhile, and adds to it. */
  write(): Map<string, string[]> {
    const recorded = new Map<string, string[]>();
    for (const [path, entries] of this.#added) {
      writeBaseline(
        path,
        entries.reduce((baseline, entry) => baseline.with(entry), readBaseline(path)),
      );
      recorded.set(
        path,
        entries.map(({ scenario }) => scenario),
      );
    }
    return recorded;
  }

  #location({ file }: Scenario): { path: string; file: string } {
    const location = baselineLocation(file);
    return this.#use.file === undefined ? location : { ...location, path: this.#use.file };
  }
}
