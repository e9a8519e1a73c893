/** The formats of written reports, by name and by file name. Each is loaded only when it is asked for. */
import type { Report } from "../report/model.ts";

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
    render: async (report: Report) => (await import("../report/markdown.ts")).markdownReport(report),
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

/** The whole text of a report. */
export function renderReport(report: Report, format: ReportFormat): Promise<string> {
  return FORMATS[format].render(report);
}
