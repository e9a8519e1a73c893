/** `probewright report`: a result as a page to read, as Markdown for a pull request, or as JUnit XML for other tools. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import { formatOf, REPORT_FORMATS, type ReportFormat, renderReport } from "./report-formats.ts";
import { writeAll } from "./write-all.ts";

interface ReportFlags {
  format?: ReportFormat;
  output?: string;
  limit?: number;
}

/** What the verdict and the description of the machine take is not left out, so less than this promises nothing. */
const SMALLEST_LIMIT = 8192;

export function register(program: Command): void {
  program
    .command("report")
    .description("make a report from a result that `run --output` wrote")
    .argument("<result>", "the result file")
    .addOption(
      new Option("--format <format>", "what to make (default: by the name of the output file)").choices(REPORT_FORMATS),
    )
    .option("-o, --output <file>", "write to a file instead of standard output")
    .option("--limit <bytes>", "of Markdown: leave out details that do not fit (a comment on GitHub has 65536)", limit)
    .action(async (result: string, flags: ReportFlags) => {
      await report(result, flags);
    });
}

function limit(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < SMALLEST_LIMIT)
    throw new InvalidArgumentError(`expected a whole number from ${SMALLEST_LIMIT}.`);
  return number;
}

async function report(path: string, { format, output, limit }: ReportFlags): Promise<void> {
  const wanted = format ?? (output === undefined ? undefined : formatOf(output));
  if (wanted === undefined) {
    throw new Failure("which format is wanted is not clear", ExitCode.invalidInput, {
      help: `say --format ${REPORT_FORMATS.join(", --format ")}`,
    });
  }
  if (limit !== undefined && wanted !== "markdown")
    throw new Failure("--limit is for Markdown only", ExitCode.invalidInput, { help: "other formats are whole" });
  const { readReport, ResultFileError } = await import("../report/read.ts");
  const { writeFileAtomically, WriteError } = await import("../baseline/atomic-file.ts");
  try {
    const text = await renderReport(readReport(path), wanted, limit);
    if (output === undefined) writeAll(1, text);
    else writeFileAtomically(output, text);
  } catch (error) {
    if (error instanceof ResultFileError) throw new Failure(error.message, ExitCode.invalidInput);
    if (error instanceof WriteError) throw new Failure(error.message, ExitCode.invalidMeasurement);
    throw error;
  }
}
