/** Findings as text for people and as JSON for programs. */

import { type Palette, plainPalette } from "../../compiler/diagnostics.ts";
import { printable } from "../../compiler/source-line.ts";
import { plural } from "../plural.ts";
import { canTrace, type Finding, GROUPS, type Group, type Status } from "./finding.ts";

export interface RenderOptions {
  palette?: Palette;
  /** Columns to keep within. */
  width?: number;
  /** Lists the parts of findings about many things. */
  all?: boolean;
}

const TITLES: Readonly<Record<Group, string>> = {
  privileges: "Privileges",
  kernel: "Kernel",
  tracing: "Tracing",
  bpf: "BPF",
  measuring: "Measuring",
};

const MARKS: Readonly<Record<Status, { text: string; paint: (palette: Palette) => (text: string) => string }>> = {
  ok: { text: "ok", paint: (palette) => palette.dim },
  info: { text: "note", paint: (palette) => palette.note },
  warning: { text: "warn", paint: (palette) => palette.warning },
  missing: { text: "MISS", paint: (palette) => palette.error },
};
const MARK_WIDTH = 4;

/**
 * A table, each gap followed by what it costs and what to do:
 *
 *     Tracing
 *       MISS  tracepoints (tracefs)  tracefs is not mounted
 *             no tracepoint: probe can be attached
 *             -> run as root: mount -t tracefs none /sys/kernel/tracing
 */
export function renderFindings(findings: readonly Finding[], options: RenderOptions = {}): string {
  const { palette = plainPalette, width = 100, all = false } = options;
  const subjectWidth = Math.max(0, ...findings.map((finding) => finding.subject.length));
  const lines: string[] = [];
  for (const group of GROUPS) {
    const members = findings.filter((finding) => finding.group === group);
    if (members.length === 0) continue;
    if (lines.length > 0) lines.push("");
    lines.push(palette.bold(TITLES[group]));
    for (const finding of members) lines.push(...renderFinding(finding, { palette, width, all, subjectWidth }));
  }
  return `${[...lines, "", conclusion(findings, palette)].join("\n")}\n`;
}

interface Layout extends Required<RenderOptions> {
  subjectWidth: number;
}

function renderFinding(finding: Finding, { palette, width, all, subjectWidth }: Layout): string[] {
  const mark = MARKS[finding.status];
  const indent = " ".repeat(2 + MARK_WIDTH + 2);
  const beforeValue = indent.length + subjectWidth + 2;
  const [value = "", ...more] = wrap(finding.value, width - beforeValue);
  const first = `  ${mark.paint(palette)(mark.text.padEnd(MARK_WIDTH))}  ${finding.subject.padEnd(subjectWidth)}  ${value}`;
  const explanation = finding.consequence ? wrap(finding.consequence, width - indent.length) : [];
  const remedy = finding.remedy ? wrap(finding.remedy, width - indent.length - 3) : [];
  const details = all && finding.details ? wrap(detailText(finding.details), width - indent.length) : [];
  return [
    first.trimEnd(),
    ...more.map((line) => " ".repeat(beforeValue) + line),
    ...explanation.map((line) => indent + line),
    ...remedy.map((line, i) => `${indent}${i === 0 ? "-> " : "   "}${palette.bold(line)}`),
    ...details.map((line) => palette.dim(indent + line)),
  ];
}

function detailText(details: NonNullable<Finding["details"]>): string {
  return Object.entries(details)
    .map(([name, answer]) => (answer === "yes" ? name : `${name}=${answer}`))
    .join(" ");
}

function conclusion(findings: readonly Finding[], palette: Palette): string {
  const missing = findings.filter((finding) => finding.status === "missing").length;
  const warnings = findings.filter((finding) => finding.status === "warning").length;
  if (missing > 0) return palette.error(`Scenarios cannot run here: ${plural(missing, "thing")} missing.`);
  if (warnings > 0) return `Scenarios can run here, with ${plural(warnings, "limitation")}.`;
  return "Scenarios can run here.";
}

/** Lines of at most `width` characters, harmless on a terminal. A word that is longer stays whole, to be copied. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of printable(text).split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** `{ version, canTrace, findings }`, indented, with a newline at the end. */
export function findingsJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ version: 1, canTrace: canTrace(findings), findings }, null, 2)}\n`;
}
