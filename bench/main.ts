/** `npm run bench`: measures, prints, judges, and leaves nothing behind. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExitCode } from "../harness/cli/exit-code.ts";
import { writeAll } from "../harness/cli/write-all.ts";
import { type Detail, type Row, ratioOf, verdictOf } from "./benchmark.ts";
import { BENCHMARKS } from "./benchmarks/index.ts";
import { describeMachine, disturbances, type Machine, machineLine } from "./machine.ts";
import { OptionError, type Options, parseOptions, usage } from "./options.ts";
import { ProcessError } from "./process.ts";
import { Progress } from "./progress.ts";
import { renderDetail, renderRows, renderVerdicts } from "./render.ts";
import { randomNumbers } from "./statistics.ts";
import { findTools, missing } from "./tools.ts";

/** From dist/bench. */
const ROOT = join(import.meta.dirname, "../..");

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interruption.abort());
  try {
    const options = parseOptions(argv, BENCHMARKS, () => Math.floor(Math.random() * 2 ** 32));
    if (options.help) {
      writeAll(1, usage(BENCHMARKS));
      return ExitCode.ok;
    }
    if (process.getuid?.() !== 0) {
      writeAll(2, "bench: tracing needs root\n");
      return ExitCode.lacksCapability;
    }
    return await bench(options, interruption.signal);
  } catch (error) {
    if (interruption.signal.aborted) return ExitCode.interrupted;
    if (error instanceof OptionError || error instanceof ProcessError) {
      writeAll(2, `bench: ${error.message}\n`);
      return error instanceof OptionError ? ExitCode.invalidInput : ExitCode.invalidMeasurement;
    }
    throw error;
  }
}

async function bench(options: Options, signal: AbortSignal): Promise<number> {
  const { quick, seed, benchmarks } = options;
  const tools = findTools(ROOT);
  const machine = describeMachine(tools);
  writeAll(1, `${machineLine(machine)} | seed ${seed}${quick ? " | quick" : ""}\n`);
  for (const text of [...missing(tools), ...disturbances(machine)]) writeAll(2, `*** ${text}\n`);

  const folder = mkdtempSync(join(tmpdir(), "probewright-bench-"));
  const progress = new Progress(process.stderr);
  const context = { quick, tools, folder, signal, random: randomNumbers(seed), progress: progress.step.bind(progress) };
  const rows: Row[] = [];
  const details: Detail[] = [];
  try {
    for (const benchmark of benchmarks) {
      progress.begin(benchmark.name);
      const result = await benchmark.run(context);
      rows.push(...result.rows);
      details.push(...result.details);
    }
  } finally {
    progress.clear();
    rmSync(folder, { recursive: true, force: true });
  }
  for (const detail of details) writeAll(1, `\n${renderDetail(detail)}\n`);
  writeAll(1, `\nmedian ± median absolute deviation; the ratio is that of the medians\n${renderRows(rows)}\n`);
  writeAll(1, `\n${renderVerdicts(rows)}\n`);
  if (options.json !== undefined) writeFileSync(options.json, toJson(options, machine, rows, details));
  return exitCodeOf(rows);
}

function toJson({ quick, seed }: Options, machine: Machine, rows: readonly Row[], details: readonly Detail[]): string {
  const judged = rows.map((row) => ({ ...row, ratio: ratioOf(row), verdict: verdictOf(row) }));
  return `${JSON.stringify({ version: 1, machine, quick, seed, rows: judged, details }, null, 2)}\n`;
}

function exitCodeOf(rows: readonly Row[]): number {
  const verdicts = rows.map(verdictOf);
  if (verdicts.includes("missed")) return ExitCode.regression;
  return verdicts.includes("unknown") || verdicts.includes("older") ? ExitCode.lacksCapability : ExitCode.ok;
}
