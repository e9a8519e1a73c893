/** `probewright compare`: two commits side by side on this machine. */
import { randomInt } from "node:crypto";
import { type Command, InvalidArgumentError } from "commander";
import type { CompareHost, CompareOptions, Progress } from "../compare/compare.ts";
import { MOST_PAIRS } from "../compare/limits.ts";
import type { Step } from "../compare/measure.ts";
import type { Host } from "../runner/host.ts";
import type { ProcessOutput } from "../runner/problems.ts";
import { LARGEST_SEED } from "../stats/random.ts";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import {
  type Display,
  finish,
  interruption,
  makeDisplay,
  makeHost,
  type OutputFlags,
  outputOptions,
  PATHS_ARGUMENT,
  requireAll,
} from "./measuring.ts";
import { writeAll } from "./write-all.ts";

interface CompareFlags extends OutputFlags {
  base: string;
  head?: string;
  pairs: number;
  seed?: number;
  filter?: string;
  /** False for --no-skip. */
  skip?: boolean;
}

const DEFAULT_PAIRS = 10;
/** More of a failed build than of a failed run: the first error is what counts, and much may follow it. */
const BUILD_LINES = 60;

export function register(program: Command): void {
  const command = program
    .command("compare")
    .description("run the scenarios of two commits in turns, and find what became worse")
    .argument(...PATHS_ARGUMENT)
    .requiredOption("--base <ref>", "the commit to compare with: a branch, a tag, a hash")
    .option("--head <ref>", "the commit that is compared (default: the working tree as it is)")
    .option("--pairs <n>", "pairs of runs at first; where it is unclear there are more", pairs, DEFAULT_PAIRS)
    .option("--seed <n>", "repeats the order of the runs (default: a random one, which is printed)", seed)
    .option("--filter <text>", "only scenarios whose name contains the text")
    .option("--no-skip", "fail where a required program is missing, as PROBEWRIGHT_REQUIRE_ALL=1 does");
  outputOptions(command).action(async (paths: string[], flags: CompareFlags) => {
    process.exitCode = await run(paths, flags);
  });
}

function pairs(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > MOST_PAIRS)
    throw new InvalidArgumentError(`expected a whole number from 1 to ${MOST_PAIRS}.`);
  return number;
}

function seed(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > LARGEST_SEED)
    throw new InvalidArgumentError(`expected a whole number from 0 to ${LARGEST_SEED}.`);
  return number;
}

async function run(paths: readonly string[], flags: CompareFlags): Promise<number> {
  const [{ compare }, { CompareError }, { comparisonLines }, { EmptySuiteError }, { WriteError }] = await Promise.all([
    import("../compare/compare.ts"),
    import("../compare/error.ts"),
    import("../report/compare-terminal.ts"),
    import("../runner/suite.ts"),
    import("../baseline/atomic-file.ts"),
  ]);
  const [host, display] = await Promise.all([compareHost(), makeDisplay(flags)]);
  const signals = interruption();
  try {
    const options: CompareOptions = {
      base: flags.base,
      head: flags.head,
      paths,
      filter: flags.filter,
      pairs: flags.pairs,
      seed: flags.seed ?? randomInt(LARGEST_SEED + 1),
      requireAll: requireAll(flags),
      interrupt: signals.interrupt,
      abandon: signals.abandon,
      onProgress: (progress) => display.progress(progressText(progress)),
    };
    const outcome = await compare(options, host);
    const { comparison, scenarios, exitCode } = outcome.result;
    if (comparison !== undefined) display.lines([...comparisonLines(comparison, display.style), ""]);
    for (const scenario of scenarios) display.scenario(scenario);
    await finish(outcome, flags, display);
    return exitCode;
  } catch (error) {
    display.erase();
    if (error instanceof CompareError) {
      await printOutput(error.output, display);
      throw new Failure(error.message, error.exitCode, { help: error.help });
    }
    if (error instanceof EmptySuiteError) throw new Failure(error.message, ExitCode.invalidInput);
    if (error instanceof WriteError) throw new Failure(error.message, ExitCode.invalidMeasurement);
    throw error;
  } finally {
    display.erase();
    signals.release();
  }
}

/** Each side has a compiler of its own. */
async function compareHost(): Promise<CompareHost> {
  const [{ compile }, { hostFacts }, { runner, ...rest }] = await Promise.all([
    import("../../compiler/compile.ts"),
    import("../tracing/facts/host-facts.ts"),
    makeHost(),
  ]);
  const facts = hostFacts();
  const base: Host = { ...runner, compile: (source, diags, options) => compile(source, facts, diags, options) };
  return { ...rest, runner: { base, head: runner } };
}

const STEPS: Readonly<Record<Step["kind"], string>> = {
  setup: "setting up",
  warmup: "warming up",
  run: "pair",
  control: "run without probes",
  teardown: "tearing down",
};

function progressText(progress: Progress): string {
  switch (progress.kind) {
    case "checking-out":
      return `checking out the ${progress.side}`;
    case "building":
      return `building the ${progress.side}`;
    case "running": {
      const { scenario, step } = progress;
      const which = step.count > 1 ? ` ${step.index}/${step.count}` : "";
      return `${scenario.name}: ${STEPS[step.kind]}${which}, ${step.side}`;
    }
  }
}

async function printOutput(output: ProcessOutput | undefined, display: Display): Promise<void> {
  if (output === undefined) return;
  const { outputLines } = await import("../report/terminal.ts");
  writeAll(
    2,
    outputLines(output, display.style, BUILD_LINES)
      .map((line) => `${line}\n`)
      .join(""),
  );
}
