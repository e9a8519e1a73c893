/**
 * Remarks on a place in the script, in the form of bpftrace 0.27, which tools and editors look for: where, how bad, what, and the
 * place itself, underlined. The compiler's diagnostics and what the running script complains about look the same.
 */
import { type Diagnostic, firstOf, type Palette, plainPalette, type Severity } from "../../../compiler/diagnostics.ts";
import { outermost, type Span, ways } from "../../../compiler/source.ts";
import { printable, printableMessage, shownLine } from "../../../compiler/source-line.ts";
import { place } from "./sink.ts";

/** What stands in front of a message; painted if it stands alone on a terminal. */
export const SEVERITY: Readonly<Record<Severity, string>> = { error: "ERROR", warning: "WARNING" };

/**
 *     stdin:1:9-13: ERROR: unknown builtin `pids`
 *     begin { pids }
 *             ~~~~
 *     HINT: did you mean `pid`?
 *     CODE: unknown-builtin
 *
 * Other places that matter follow in the same form.
 */
export function diagnosticText(d: Diagnostic, palette: Palette = plainPalette): string {
  const { severity, message, span, elsewhere } = d;
  return [
    elsewhere ? headline(severity, message, undefined, palette) : remark(severity, span, message, palette),
    elsewhere && span.end > span.start ? remark(severity, span, "asked for here", palette) : "",
    ...(d.labels ?? []).map((label) => remark(severity, label.span, label.message, palette)),
    hint(d.help),
    ...ways(span).map((way) => remark(severity, way.span, `${way.what} from`, palette)),
    palette.dim(`CODE: ${d.code}`),
    "\n",
  ].join("");
}

/** All of them: what is an error first. */
export function diagnosticsText(items: readonly Diagnostic[], palette?: Palette): string {
  const ranked = [...items].sort((a, b) => Number(a.severity === "warning") - Number(b.severity === "warning"));
  const { shown, more } = firstOf(ranked);
  return shown.map((d) => diagnosticText(d, palette)).join("") + (more === undefined ? "" : `${more}\n`);
}

/** An error that has no place in the script, and what to do about it. */
export function errorText(message: string, help: string | undefined, palette?: Palette): string {
  return headline("error", message, undefined, palette) + hint(help);
}

/** A headline, and the place below it. */
export function remark(severity: Severity, span: Span, message: string, palette?: Palette): string {
  return headline(severity, message, span, palette) + excerpt(span);
}

/** `ERROR: message`, with the place in front if there is one. */
export function headline(severity: Severity, message: string, span?: Span, palette = plainPalette): string {
  const where = span === undefined ? "" : `${location(span)}: `;
  return `${where}${palette[severity](`${SEVERITY[severity]}:`)} ${palette.bold(printableMessage(message))}\n`;
}

/** What to do, or what there is to be known. */
export function hint(help: string | undefined): string {
  return help === undefined ? "" : `HINT: ${printableMessage(help)}\n`;
}

/** `file:line:column-column`, or `file:line-line` for a span of several lines. */
export function location(span: Span): string {
  const { file, start, end } = place(span);
  const where = start.line === end.line ? `${start.line}:${start.column}-${end.column}` : `${start.line}-${end.line}`;
  return printable(`${file}:${where}`);
}

/** Of a span of more lines only the first are shown. */
const MOST_LINES = 20;

/** The lines of a span; a single line is underlined. */
export function excerpt(span: Span): string {
  const { start, end } = place(span);
  const { source } = outermost(span);
  if (start.line === end.line) {
    const { text, indent, width } = shownLine(source.line(start.line), start.column - 1, end.column - 1);
    return `${text}\n${indent}${"~".repeat(width)}\n`;
  }
  const last = Math.min(end.line, start.line + MOST_LINES - 1);
  let text = "";
  for (let line = start.line; line <= last; line++) text += `${shownLine(source.line(line), 0, 0).text}\n`;
  return last < end.line ? `${text}...\n` : text;
}
