/** `probewright doctor`: what this machine permits, and the remedy for what it does not. */
import type { Command } from "commander";
import { ExitCode } from "./exit-code.ts";
import { writeAll } from "./write-all.ts";

interface DoctorOptions {
  json?: true;
  all?: true;
}

export function register(program: Command): void {
  program
    .command("doctor")
    .description("say what this machine permits, and the remedy for each gap")
    .option("--json", "print the findings as JSON")
    .option("--all", "list each program type, map type and helper function")
    .action(async (options: DoctorOptions) => {
      process.exitCode = await run(options);
    });
}

async function run({ json, all }: DoctorOptions): Promise<number> {
  const { doctor } = await import("../doctor/doctor.ts");
  const { canTrace } = await import("../doctor/finding.ts");
  const { findingsJson, renderFindings } = await import("../doctor/render.ts");
  const { paletteFor } = await import("./palette.ts");
  const findings = doctor();
  // A terminal at the end of a serial line has no width that anybody knows.
  const width = process.stdout.columns || undefined;
  const text = json ? findingsJson(findings) : renderFindings(findings, { palette: paletteFor(1), width, all });
  writeAll(1, text);
  return canTrace(findings) ? ExitCode.ok : ExitCode.lacksCapability;
}
