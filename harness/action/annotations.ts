/** Findings as annotations of the lines that they are about. GitHub shows ten of a step, so the worst come first. */
import { isAbsolute, relative, resolve } from "node:path";
import { decodeNumber } from "../baseline/values.ts";
import { formatValue } from "../metrics/format.ts";
import { type Finding, findingsOf } from "../report/findings.ts";
import type { Report } from "../report/model.ts";
import { inline, truncate } from "../report/text.ts";

export interface Annotation {
  readonly level: "error" | "warning";
  readonly title: string;
  readonly message: string;
  /** Relative to the workspace; undefined for a file outside of it. */
  readonly file: string | undefined;
  readonly line: number;
}

export const MOST_ANNOTATIONS = 10;
const LONGEST_TITLE = 120;
const LONGEST_MESSAGE = 1000;

/** At most `limit`. Files in the report are relative to `directory`. */
export function annotationsOf(report: Report, directory: string, workspace: string, limit: number): Annotation[] {
  return findingsOf(report)
    .filter(({ severity }) => severity !== "good")
    .slice(0, limit)
    .map((finding) => ({
      level: finding.severity === "error" ? "error" : "warning",
      title: truncate(inline(titleOf(finding)), LONGEST_TITLE),
      message: truncate(inline(messageOf(finding, report)), LONGEST_MESSAGE),
      file: inWorkspace(resolve(directory, finding.file), workspace),
      line: finding.line,
    }));
}

/** A path as the repository has it; undefined for one outside of the workspace. */
export function inWorkspace(path: string, workspace: string): string | undefined {
  const inside = relative(workspace, path);
  return inside === ".." || inside.startsWith("../") || isAbsolute(inside) ? undefined : inside;
}

function titleOf({ scenario, subject }: Finding): string {
  return [
    "probewright",
    ...(scenario === undefined ? [] : [scenario.name]),
    ...(subject === undefined ? [] : [subject]),
  ].join(": ");
}

function messageOf({ kind, message, metric }: Finding, { sides }: Report): string {
  const said = `${kind}: ${message}`;
  if (metric?.baseline === undefined || metric.summary === undefined) return said;
  const [before, now] = [metric.baseline, metric.summary].map(({ median }) =>
    formatValue(decodeNumber(median), metric.unit),
  );
  return `${said} (${sides.base} ${before}, ${sides.now} ${now}, ${metric.change})`;
}
