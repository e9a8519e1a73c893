/**
 * User errors are data: a pass adds them to a collector and goes on, so that several appear at once. Bugs throw.
 * Rendering happens at the very end, and shows every place in the file that the user edits.
 */
import { outermost, type Span, ways } from "./source.ts";
import { printableMessage, shownLine } from "./source-line.ts";

export type Severity = "error" | "warning";

export interface Label {
  span: Span;
  message: string;
}

export interface Diagnostic {
  /** Stable kebab-case name, e.g. "unknown-builtin". */
  code: string;
  severity: Severity;
  message: string;
  span: Span;
  /** The fault lies outside of the script, in its parameters or in a program that it probes; the span is what asks for it. */
  elsewhere?: true;
  /** Other places that explain the first one. */
  labels?: Label[];
  /** What to do next. */
  help?: string;
}

type More = Pick<Diagnostic, "help" | "labels" | "elsewhere">;

export class Diagnostics {
  readonly items: Diagnostic[] = [];
  readonly #seen = new Set<string>();

  /** Adds a diagnostic; an identical one at the same place is dropped (loops and fixpoints visit nodes twice). */
  add(diagnostic: Diagnostic): void {
    const { code, message, span } = diagnostic;
    const key = `${span.source.name}\0${span.start}\0${span.end}\0${code}\0${message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.items.push(diagnostic);
  }

  error(code: string, span: Span, message: string, more: More = {}): void {
    this.add({ code, severity: "error", message, span, ...more });
  }

  warning(code: string, span: Span, message: string, more: More = {}): void {
    this.add({ code, severity: "warning", message, span, ...more });
  }

  get errors(): Diagnostic[] {
    return this.items.filter((d) => d.severity === "error");
  }

  get warnings(): Diagnostic[] {
    return this.items.filter((d) => d.severity === "warning");
  }

  get hasErrors(): boolean {
    return this.items.some((d) => d.severity === "error");
  }
}

/** How parts of a message are coloured; the identity for every part gives plain text. */
export interface Palette {
  error(text: string): string;
  warning(text: string): string;
  note(text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

const same = (text: string): string => text;
export const plainPalette: Palette = { error: same, warning: same, note: same, dim: same, bold: same };

/**
 * Renders one diagnostic:
 *
 *     error[unknown-builtin]: unknown builtin `pids`
 *       scenarios/io.yml:14:22
 *        14 |     @opens[pids] = count();
 *           |            ^^^^ help: did you mean `pid`?
 */
export function renderDiagnostic(d: Diagnostic, palette: Palette = plainPalette): string {
  const paint = palette[d.severity];
  const help = d.help ? ` help: ${printableMessage(d.help)}` : "";
  const lines = [`${paint(`${d.severity}[${d.code}]`)}${palette.bold(`: ${printableMessage(d.message)}`)}`];
  lines.push(...excerpt(d.span, `${help}`, paint, palette));
  for (const label of d.labels ?? [])
    lines.push(...excerpt(label.span, ` ${printableMessage(label.message)}`, palette.note, palette));
  for (const { span, what } of ways(d.span)) lines.push(...excerpt(span, ` ${what} from here`, palette.note, palette));
  return lines.join("\n");
}

export function renderDiagnostics(items: readonly Diagnostic[], palette: Palette = plainPalette): string {
  const { shown, more } = firstOf(items);
  return [...shown.map((d) => renderDiagnostic(d, palette)), ...(more === undefined ? [] : [more])].join("\n\n");
}

/** Whoever mends so many will see the others. */
const MOST_SHOWN = 50;

/** What is shown of many diagnostics, and what is said of the others. */
export function firstOf(items: readonly Diagnostic[]): { shown: readonly Diagnostic[]; more: string | undefined } {
  if (items.length <= MOST_SHOWN) return { shown: items, more: undefined };
  return { shown: items.slice(0, MOST_SHOWN), more: `... and ${items.length - MOST_SHOWN} more` };
}

/** `file:line:column` of a span in the file that the user edits. */
export function location(s: Span): string {
  const outer = outermost(s);
  const { line, column } = outer.source.position(outer.start);
  return `${outer.source.name}:${line}:${column}`;
}

function excerpt(s: Span, note: string, paint: (text: string) => string, palette: Palette): string[] {
  const { source, start, end } = outermost(s);
  const { line, column } = source.position(start);
  const gutter = String(line).padStart(5);
  const { text, indent, width } = shownLine(source.line(line), column - 1, column - 1 + end - start);
  return [
    `  ${palette.dim(location(s))}`,
    `${palette.dim(`${gutter} |`)} ${text}`,
    `${palette.dim(`${" ".repeat(gutter.length)} |`)} ${indent}${paint("^".repeat(width) + note)}`,
  ];
}

/** The candidate nearest to `name` within a third of its length (edit distance with transpositions), if any. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  return nearestAll(name, candidates, 1)[0];
}

/** A hint that asks whether one of the candidates was meant, if one is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const near = nearest(name, candidates);
  return near && `did you mean \`${near}\`?`;
}

/** Up to `limit` candidates near to `name`, nearest first. */
export function nearestAll(name: string, candidates: Iterable<string>, limit: number): string[] {
  // Of names as short as `$x` all are near to each other; only the case of their letters tells something.
  const bound = name.length < 3 ? 0 : Math.floor(name.length / 3);
  const found: { candidate: string; distance: number }[] = [];
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) > bound) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance <= bound) found.push({ candidate, distance });
  }
  found.sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1));
  // Only what is about as near as the best: the rest would be noise.
  const best = found[0]?.distance ?? 0;
  return found
    .filter((f) => f.distance <= best + 1)
    .slice(0, limit)
    .map((f) => f.candidate);
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, beforeLast[j - 2]! + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
