/** `probewright run`: scenarios, their assertions, and the stored baseline. */
import { type Command, InvalidArgumentError } from "commander";
import type { Phase } from "../runner/run-scenario.ts";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import {
  finish,
  interruption,
  makeDisplay,
  makeHost,
  type OutputFlags,
  outputOptions,
  PATHS_ARGUMENT,
  printDiagnostics,
  requireAll,
} from "./measuring.ts";
import { writeAll } from "./write-all.ts";

/** What both `run` and `baseline update` understand. */
export interface RunFlags extends OutputFlags {
  filter?: string;
  runs?: number;
  updateBaseline?: boolean;
  /** A file, or false for --no-baseline. */
  baseline?: string | boolean;
  list?: boolean;
  bail?: boolean;
  /** False for --no-skip. */
  skip?: boolean;
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

/** The arguments and options of all commands that run scenarios as they are. */
export function runOptions(command: Command): Command {
  return outputOptions(
    command
      .argument(...PATHS_ARGUMENT)
      .option("--filter <text>", "only scenarios whose name contains the text")
      .option("--runs <n>", "measured runs, in place of what the scenarios say", positiveInteger)
      .option("--no-skip", "fail where a required program is missing, as PROBEWRIGHT_REQUIRE_ALL=1 does")
      .option("--baseline <file>", "the baseline file (default: .probewright/baseline.json of each project)"),
  );
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError("expected a whole number from 1 to 99999.");
  return Number(text);
}

/** Runs scenarios and answers the exit code. Throws Failure for what makes no sense. */
export async function run(paths: readonly string[], flags: RunFlags): Promise<number> {
  const { scenarioFiles } = await import("./scenario-files.ts");
  const files = scenarioFiles(paths);
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
  const scenarios = loadSuite(files, fileHost, diags).scenarios.filter(({ name }) => name.includes(filter));
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
        requireAll: requireAll(flags),
        baseline: baselineUse(flags),
        interrupt: signals.interrupt,
        abandon: signals.abandon,
        onProgress: ({ name }, phase, index, count) => {
          display.progress(`${name}: ${PHASES[phase]}${count > 1 ? ` ${index}/${count}` : ""}`);
        },
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

const PHASES: Readonly<Record<Phase, string>> = {
  setup: "setting up",
  warmup: "warming up",
  run: "run",
  control: "run without probes",
  teardown: "tearing down",
};

function baselineUse({ updateBaseline, baseline }: RunFlags): { mode: "compare" | "update" | "off"; file?: string } {
  const file = typeof baseline === "string" ? baseline : undefined;
  if (updateBaseline) return { mode: "update", file };
  return { mode: baseline === false ? "off" : "compare", file };
}
