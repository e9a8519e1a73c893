/** `probewright run`: scenarios, their assertions, and the stored baseline. */
import { type Command, InvalidArgumentError } from "commander";
import type { ScenarioResult } from "../report/result.ts";
import type { SuiteOutcome } from "../runner/suite.ts";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import { writeAll } from "./write-all.ts";

/** What both `run` and `baseline update` understand. */
export interface RunFlags {
  filter?: string;
  runs?: number;
  json?: boolean;
  output?: string;
  updateBaseline?: boolean;
  /** A file, or false for --no-baseline. */
  baseline?: string | boolean;
  list?: boolean;
  bail?: boolean;
  /** False for --no-skip. */
  skip?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

export function register(program: Command): void {
  runOptions(program.command("run").description("run scenarios and check their assertions and baselines"))
    .option("--update-baseline", "make the new runs the baseline, instead of comparing with it")
    .option("--no-baseline", "compare with no baseline")
    .option("--list", "print the scenarios and run nothing")
    .option("--bail", "stop after the first scenario that does not pass")
    .action(async (paths: string[], flags: RunFlags) => {
      process.exitCode = await run(paths, flags);
    });
}

/** The arguments and options that all commands have that run scenarios. */
export function runOptions(command: Command): Command {
  return command
    .argument("[paths...]", "scenario files, or folders that are searched for them (default: scenarios)")
    .option("--filter <text>", "only scenarios whose name contains the text")
    .option("--runs <n>", "measured runs, in place of what the scenarios say", positiveInteger)
    .option("--no-skip", "fail where a required program is missing, as PROBEWRIGHT_REQUIRE_ALL=1 does")
    .option("--json", "print the result as JSON instead of the report")
    .option("-o, --output <file>", "also write the result as JSON to a file")
    .option("--baseline <file>", "the baseline file (default: .probewright/baseline.json of each project)")
    .option("-q, --quiet", "report only what did not pass")
    .option("-v, --verbose", "report also each run's values, and everything that was printed");
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError("expected a whole number from 1 to 99999.");
  return Number(text);
}

const DEFAULT_PATHS = ["scenarios"];

/** Runs scenarios and answers the exit code. Throws Failure for what makes no sense. */
export async function run(paths: readonly string[], flags: RunFlags): Promise<number> {
  const { discover, DiscoverError } = await import("../runner/discover.ts");
  let files: string[];
  try {
    files = discover(paths.length > 0 ? paths : DEFAULT_PATHS);
  } catch (error) {
    if (error instanceof DiscoverError) throw new Failure(error.message, ExitCode.invalidInput);
    throw error;
  }
  return flags.list ? list(files, flags) : measure(files, flags);
}

async function list(files: readonly string[], { filter = "", json }: RunFlags): Promise<number> {
  const [{ Diagnostics }, { loadSuite }, { fileHost }, { inline }] = await Promise.all([
    import("../../compiler/diagnostics.ts"),
    import("../config/load.ts"),
    import("../config/host.ts"),
    import("../report/text.ts"),
  ]);
  const diags = new Diagnostics();
  const scenarios = loadSuite(files, fileHost, diags).filter(({ name }) => name.includes(filter));
  await printDiagnostics(diags.items);
  if (diags.hasErrors) return ExitCode.invalidInput;
  const entries = scenarios.map(({ name, file, description }) => ({ name, file, description }));
  const width = Math.max(0, ...entries.map(({ name }) => name.length));
  const lines = entries.map(({ name, file, description }) =>
    `${inline(name).padEnd(width)}  ${inline(file)}  ${inline(description)}`.trimEnd(),
  );
  writeAll(1, json ? `${JSON.stringify(entries, undefined, 2)}\n` : lines.map((line) => `${line}\n`).join(""));
  return ExitCode.ok;
}

async function measure(files: readonly string[], flags: RunFlags): Promise<number> {
  const [{ runSuite, EmptySuiteError }, { BaselineError }, { WriteError }, host, display] = await Promise.all([
    import("../runner/suite.ts"),
    import("../baseline/store.ts"),
    import("../baseline/atomic-file.ts"),
    makeHost(),
    makeDisplay(flags),
  ]);
  const signals = interruption();
  try {
    const outcome = await runSuite(
      {
        files,
        filter: flags.filter,
        runs: flags.runs,
        bail: flags.bail,
        requireAll: flags.skip === false || process.env.PROBEWRIGHT_REQUIRE_ALL === "1",
        baseline: baselineUse(flags),
        interrupt: signals.interrupt,
        abandon: signals.abandon,
        onProgress: ({ name }, phase, index, count) => display.progress(name, phase, index, count),
        onScenario: (result) => display.scenario(result),
      },
      host,
    );
    display.erase();
    await finish(outcome, flags, display);
    return outcome.result.exitCode;
  } catch (error) {
    display.erase();
    if (error instanceof EmptySuiteError || error instanceof BaselineError)
      throw new Failure(error.message, ExitCode.invalidInput);
    if (error instanceof WriteError) throw new Failure(error.message, ExitCode.invalidMeasurement);
    throw error;
  } finally {
    signals.release();
  }
}

function baselineUse({ updateBaseline, baseline }: RunFlags): { mode: "compare" | "update" | "off"; file?: string } {
  const file = typeof baseline === "string" ? baseline : undefined;
  if (updateBaseline) return { mode: "update", file };
  return { mode: baseline === false ? "off" : "compare", file };
}

async function makeHost() {
  const [{ nativeHost }, { hostFacts }, { fileHost }, { hostFingerprint }, { packageVersion }] = await Promise.all([
    import("../runner/native-host.ts"),
    import("../tracing/facts/host-facts.ts"),
    import("../config/host.ts"),
    import("../baseline/fingerprint.ts"),
    import("../version.ts"),
  ]);
  const runner = await nativeHost(hostFacts());
  return { runner, config: fileHost, machine: hostFingerprint(packageVersion(), runner.scopes.kind) };
}

/** What is shown while the suite runs and after it. */
interface Display {
  progress(name: string, phase: string, index: number, count: number): void;
  scenario(result: ScenarioResult): void;
  erase(): void;
  summary(outcome: SuiteOutcome): void;
}

const PHASES: Readonly<Record<string, string>> = {
  setup: "setting up",
  warmup: "warming up",
  run: "run",
  control: "run without probes",
  teardown: "tearing down",
};

async function makeDisplay(flags: RunFlags): Promise<Display> {
  const [{ scenarioReport, summaryLine }, { ProgressLine }, { paletteFor }] = await Promise.all([
    import("../report/terminal.ts"),
    import("../report/progress.ts"),
    import("./palette.ts"),
  ]);
  const line = new ProgressLine(process.stderr, !flags.json);
  const detail = flags.quiet ? "quiet" : flags.verbose ? "verbose" : "normal";
  const style = { palette: paletteFor(1), width: process.stdout.columns ?? 120, detail } as const;
  const say = (text: string): void => {
    line.erase();
    if (text !== "" && !flags.json) writeAll(1, `${text}\n`);
  };
  return {
    progress: (name, phase, index, count) => {
      const which = count > 1 ? ` ${index}/${count}` : "";
      line.show(`${name}: ${PHASES[phase]}${which}`);
    },
    scenario: (result) => {
      const report = scenarioReport(result, style);
      if (report !== "") say(`${report}\n`);
    },
    erase: () => line.erase(),
    summary: ({ result, recorded }) => {
      for (const [path, names] of recorded) {
        const scenarios = names.length === 1 ? "1 scenario" : `${names.length} scenarios`;
        say(`recorded ${scenarios} in ${path}`);
      }
      if (result.scenarios.length > 0) say(summaryLine(result, style));
    },
  };
}

async function finish(outcome: SuiteOutcome, flags: RunFlags, display: Display): Promise<void> {
  const { result, diagnostics } = outcome;
  if (!flags.json || result.diagnostics.some(({ severity }) => severity === "error"))
    await printDiagnostics(diagnostics);
  const json = `${JSON.stringify(result, undefined, 2)}\n`;
  if (flags.json) writeAll(1, json);
  display.summary(outcome);
  if (flags.output === undefined) return;
  const { writeFileAtomically } = await import("../baseline/atomic-file.ts");
  writeFileAtomically(flags.output, json);
}

async function printDiagnostics(diagnostics: SuiteOutcome["diagnostics"]): Promise<void> {
  if (diagnostics.length === 0) return;
  const [{ renderDiagnostics }, { paletteFor }] = await Promise.all([
    import("../../compiler/diagnostics.ts"),
    import("./palette.ts"),
  ]);
  writeAll(2, `${renderDiagnostics(diagnostics, paletteFor(2))}\n`);
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first signal ends the runs and leads to the teardown, the second ends the teardown too. */
function interruption(): { interrupt: AbortSignal; abandon: AbortSignal; release(): void } {
  const interrupt = new AbortController();
  const abandon = new AbortController();
  const onSignal = (): void => (interrupt.signal.aborted ? abandon : interrupt).abort();
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    interrupt: interrupt.signal,
    abandon: abandon.signal,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
