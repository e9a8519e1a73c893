/** The formats of written reports, by name and by file name. Each is loaded only when it is asked for. */
import { InvalidArgumentError } from "commander";
import type { Report } from "../report/model.ts";
import type { SuiteResult } from "../report/result.ts";

const FORMATS = {
  html: {
    suffixes: [".html", ".htm"],
    render: async (report: Report) => {
      const [{ htmlReport }, { reportAssets }] = await Promise.all([
        import("../report/html.ts"),
        import("../report/html-assets.ts"),
      ]);
      return htmlReport(report, reportAssets());
    },
  },
  markdown: {
    suffixes: [".md", ".markdown"],
    render: async (report: Report, limit?: number) =>
      (await import("../report/markdown.ts")).markdownReport(report, { limit }),
  },
  junit: {
    suffixes: [".xml"],
    render: async (report: Report) => (await import("../report/junit.ts")).junitReport(report),
  },
} as const;

export type ReportFormat = keyof typeof FORMATS;

export const REPORT_FORMATS = Object.keys(FORMATS) as ReportFormat[];

/** The format that a file's name speaks of, if any. */
export function formatOf(file: string): ReportFormat | undefined {
  return REPORT_FORMATS.find((format) => FORMATS[format].suffixes.some((suffix) => file.endsWith(suffix)));
}

/** What the file of a report is called, where nobody has said it. */
export function reportFileName(format: ReportFormat): string {
  return `report${FORMATS[format].suffixes[0]}`;
}

/** The text of a report: the whole, or, of Markdown, what fits into `limit` bytes. */
export function renderReport(report: Report, format: ReportFormat, limit?: number): Promise<string> {
  return FORMATS[format].render(report, limit);
}

/** A report that a command is to write beside its other output. */
export interface ReportTarget {
  readonly format: ReportFormat;
  readonly file: string;
}

export const REPORT_OPTION = [
  "--report <format=file>",
  `also write a report: ${REPORT_FORMATS.join(", ")} (repeatable)`,
] as const;

/** For commander: reads `html=FILE` and adds it to those before. */
export function addReportTarget(text: string, before: readonly ReportTarget[] = []): ReportTarget[] {
  const [name, ...rest] = text.split("=");
  const format = REPORT_FORMATS.find((known) => known === name);
  const file = rest.join("=");
  if (format === undefined || file === "")
    throw new InvalidArgumentError(`expected FORMAT=FILE with one of the formats ${REPORT_FORMATS.join(", ")}.`);
  return [...before, { format, file }];
}

/** Writes reports of a result. Throws WriteError. */
export async function writeReports(result: SuiteResult, targets: readonly ReportTarget[]): Promise<void> {
  if (targets.length === 0) return;
  const [{ reportOf }, { writeFileAtomically }] = await Promise.all([
    import("../report/model.ts"),
    import("../baseline/atomic-file.ts"),
  ]);
  for (const { format, file } of targets) writeFileAtomically(file, await renderReport(reportOf(result), format));
}
