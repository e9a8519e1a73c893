/** `probewright baseline`: what is recorded, and recording it anew. */
import type { Command } from "commander";
import type { BaselineEntry } from "../baseline/store.ts";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import { type RunFlags, run, runOptions } from "./run.ts";
import { writeAll } from "./write-all.ts";

interface ListFlags {
  json?: boolean;
  baseline?: string;
}

export function register(program: Command): void {
  const baseline = program.command("baseline").description("list and record what later runs are compared with");
  runOptions(baseline.command("update").description("run scenarios and make their results the baseline")).action(
    async (paths: string[], flags: RunFlags) => {
      process.exitCode = await run(paths, { ...flags, updateBaseline: true });
    },
  );
  baseline
    .command("list")
    .description("list what is recorded")
    .argument("[folder]", "a folder of the project", ".")
    .option("--baseline <file>", "the baseline file (default: .probewright/baseline.json of the project)")
    .option("--json", "print JSON")
    .action(async (folder: string, flags: ListFlags) => {
      await list(folder, flags);
    });
}

async function list(folder: string, flags: ListFlags): Promise<void> {
  const { BaselineError, baselineLocation, readBaseline } = await import("../baseline/store.ts");
  const [{ join, resolve }, { fingerprintId }] = await Promise.all([
    import("node:path"),
    import("../baseline/fingerprint.ts"),
  ]);
  const path = flags.baseline ?? baselineLocation(join(resolve(folder), "any.yml")).path;
  let entries: readonly BaselineEntry[];
  try {
    ({ entries } = readBaseline(path));
  } catch (error) {
    if (error instanceof BaselineError) throw new Failure(error.message, ExitCode.invalidInput);
    throw error;
  }
  const rows = entries.map((entry) => ({
    scenario: entry.scenario,
    file: entry.file,
    recordedAt: entry.recordedAt,
    runs: Math.max(0, ...Object.values(entry.metrics).map(({ values }) => values.length)),
    metrics: Object.keys(entry.metrics),
    machine: { id: fingerprintId(entry.fingerprint), ...entry.fingerprint },
  }));
  if (flags.json) {
    writeAll(1, `${JSON.stringify({ path, entries: rows }, undefined, 2)}\n`);
    return;
  }
  if (rows.length === 0) {
    writeAll(1, `nothing is recorded in ${path}; \`probewright baseline update\` records\n`);
    return;
  }
  const { inline, table } = await import("../report/text.ts");
  const columns = [{ align: "left" }, { align: "right" }, { align: "left" }, { align: "left" }] as const;
  const cells = rows.map(({ scenario, runs, recordedAt, machine }) =>
    [
      inline(scenario),
      `${runs} ${runs === 1 ? "run" : "runs"}`,
      recordedAt.slice(0, 16).replace("T", " "),
      inline(`${machine.cpu}, kernel ${machine.kernel}`),
    ].map((text) => ({ text })),
  );
  writeAll(1, `${[path, ...table(columns, cells, process.stdout.columns || 200)].join("\n")}\n`);
}
