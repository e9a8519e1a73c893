/** `probewright report`: a result as a page to read, as Markdown for a pull request, or as JUnit XML for other tools. */
import { type Command, Option } from "commander";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import { formatOf, REPORT_FORMATS, type ReportFormat, renderReport } from "./report-formats.ts";
import { writeAll } from "./write-all.ts";

interface ReportFlags {
  format?: ReportFormat;
  output?: string;
}

export function register(program: Command): void {
  program
    .command("report")
    .description("make a report from a result that `run --output` wrote")
    .argument("<result>", "the result file")
    .addOption(
      new Option("--format <format>", "what to make (default: by the name of the output file)").choices(REPORT_FORMATS),
    )
    .option("-o, --output <file>", "write to a file instead of standard output")
    .action(async (result: string, flags: ReportFlags) => {
      await report(result, flags);
    });
}

async function report(path: string, { format, output }: ReportFlags): Promise<void> {
  const wanted = format ?? (output === undefined ? undefined : formatOf(output));
  if (wanted === undefined) {
    throw new Failure("which format is wanted is not clear", ExitCode.invalidInput, {
      help: `say --format ${REPORT_FORMATS.join(", --format ")}`,
    });
  }
  const { readReport, ResultFileError } = await import("../report/read.ts");
  const { writeFileAtomically, WriteError } = await import("../baseline/atomic-file.ts");
  try {
    const text = await renderReport(readReport(path), wanted);
    if (output === undefined) writeAll(1, text);
    else writeFileAtomically(output, text);
  } catch (error) {
    if (error instanceof ResultFileError) throw new Failure(error.message, ExitCode.invalidInput);
    if (error instanceof WriteError) throw new Failure(error.message, ExitCode.invalidMeasurement);
    throw error;
  }
}
