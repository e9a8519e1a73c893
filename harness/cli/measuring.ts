/** What all commands share that measure scenarios: the machine, what is shown, where results go, and Ctrl-C. */
import type { Command } from "commander";
import type { ScenarioResult } from "../report/result.ts";
import type { ReportStyle } from "../report/terminal-parts.ts";
import type { SuiteOutcome } from "../runner/suite.ts";
import { addReportTarget, REPORT_OPTION, type ReportTarget, writeReports } from "./report-formats.ts";
import { writeAll } from "./write-all.ts";

export interface OutputFlags {
  json?: boolean;
  output?: string;
  report?: readonly ReportTarget[];
  quiet?: boolean;
  verbose?: boolean;
}

/** The paths that all these commands take. */
export const PATHS_ARGUMENT = [
  "[paths...]",
  "scenario files, or folders that are searched for them (default: those of the configuration, else scenarios)",
] as const;

export function outputOptions(command: Command): Command {
  return command
    .option("--json", "print the result as JSON instead of the report")
    .option("-o, --output <file>", "also write the result as JSON to a file")
    .option(...REPORT_OPTION, addReportTarget)
    .option("-q, --quiet", "report only what did not pass")
    .option("-v, --verbose", "report also each run's values, and everything that was printed");
}

/** Whether scenarios fail for want of a program, instead of being skipped. */
export function requireAll({ skip }: { skip?: boolean }): boolean {
  return skip === false || process.env.PROBEWRIGHT_REQUIRE_ALL === "1";
}

/** The real machine, to run scenarios on. */
export async function makeHost() {
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
export interface Display {
  /** Says what is being done now, where that can be taken back. */
  progress(text: string): void;
  /** Lines that stay. */
  lines(lines: readonly string[]): void;
  scenario(result: ScenarioResult): void;
  erase(): void;
  readonly style: ReportStyle;
  summary(outcome: SuiteOutcome): void;
}

export async function makeDisplay(flags: OutputFlags): Promise<Display> {
  const [{ scenarioReport, summaryLine }, { ProgressLine }, { paletteFor }] = await Promise.all([
    import("../report/terminal.ts"),
    import("../report/progress.ts"),
    import("./palette.ts"),
  ]);
  const line = new ProgressLine(process.stderr, !flags.json);
  const detail = flags.quiet ? "quiet" : flags.verbose ? "verbose" : "normal";
  const style = { palette: paletteFor(1), width: process.stdout.columns || 120, detail } as const;
  const say = (text: string): void => {
    line.erase();
    if (text !== "" && !flags.json) writeAll(1, `${text}\n`);
  };
  return {
    style,
    progress: (text) => line.show(text),
    lines: (lines) => say(lines.join("\n")),
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

/** Prints and writes what has come out. Throws WriteError. */
export async function finish(outcome: SuiteOutcome, flags: OutputFlags, display: Display): Promise<void> {
  const { result, diagnostics } = outcome;
  if (!flags.json || result.diagnostics.some(({ severity }) => severity === "error"))
    await printDiagnostics(diagnostics);
  const json = `${JSON.stringify(result, undefined, 2)}\n`;
  if (flags.json) writeAll(1, json);
  display.summary(outcome);
  if (flags.output !== undefined) {
    const { writeFileAtomically } = await import("../baseline/atomic-file.ts");
    writeFileAtomically(flags.output, json);
  }
  await writeReports(result, flags.report ?? []);
}

export async function printDiagnostics(diagnostics: SuiteOutcome["diagnostics"]): Promise<void> {
  if (diagnostics.length === 0) return;
  const [{ renderDiagnostics }, { paletteFor }] = await Promise.all([
    import("../../compiler/diagnostics.ts"),
    import("./palette.ts"),
  ]);
  writeAll(2, `${renderDiagnostics(diagnostics, paletteFor(2))}\n`);
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first signal ends the runs and leads to the teardown, the second ends the teardown too. */
export function interruption(): { interrupt: AbortSignal; abandon: AbortSignal; release(): void } {
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
