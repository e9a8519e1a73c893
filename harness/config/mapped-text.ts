/**
 * The decoded text of a YAML scalar that still knows where each of its characters stands in the file: indentation,
 * folding, quotes and escapes are gone from the text, not from the map. This is what lets an error inside a script or
 * an expression be shown at its line of the YAML file.
 */
import { Source } from "../../compiler/source.ts";

export type ScalarStyle = "plain" | "single" | "double" | "literal" | "folded";

export interface MappedText {
  readonly text: string;
  /** Offset in the file for every offset in the text, and one more for its end. Never descending. */
  readonly offsets: readonly number[];
}

/** The text as a source of its own whose positions lead back into `outer`. */
export function embed(mapped: MappedText, name: string, outer: Source): Source {
  const { offsets } = mapped;
  return new Source(name, mapped.text, {
    source: outer,
    toOuter: (offset) => offsets[Math.max(0, Math.min(offset, offsets.length - 1))]!,
  });
}

/**
 * Aligns a decoded scalar with its raw text (`file` from `start` to `end`). Every character that is not white space
 * finds its own place; white space that YAML made up (folding, chomping) takes the place of what it stands for.
 */
export function alignScalar(file: string, start: number, end: number, style: ScalarStyle, text: string): MappedText {
  const block = style === "literal" || style === "folded";
  let at = start;
  if (block) {
    // The header line, `|2- # comment`, is no content.
    const lineEnd = file.indexOf("\n", start);
    at = lineEnd < 0 || lineEnd >= end ? end : lineEnd + 1;
  } else if (style !== "plain") at++;

  const offsets: number[] = [];
  let i = 0;
  while (i < text.length) {
    const escaped = style === "double" && at < end && file[at] === "\\" ? escapeAt(file, at) : undefined;
    if (escaped?.decoded === 0) {
      // An escaped line break joins two lines and leaves nothing in the text.
      at = skipSpace(file, at + escaped.length, end);
    } else if (escaped) {
      for (let k = 0; k < escaped.decoded; k++) offsets[i++] = at;
      at += escaped.length;
    } else if (!block && at < end && isSpace(file[at]!)) {
      // Between quotes and in plain texts, a run with line breaks is folded: one becomes a space, n become n - 1 breaks.
      const next = skipSpace(file, at, end);
      const breaks = file.slice(at, next).split("\n").length - 1;
      const decoded = breaks === 0 ? next - at : Math.max(1, breaks - 1);
      for (let k = 0; k < decoded; k++) offsets[i++] = breaks === 0 ? at + k : at;
      at = next;
    } else if (isSpace(text[i]!)) {
      offsets[i] = Math.min(at, end);
      if (file.startsWith("\r\n", at) && text[i] === "\n") at += 2;
      else if (at < end && file[at] === text[i]) at++;
      i++;
    } else if (at < end && isSpace(file[at]!)) {
      at = skipSpace(file, at, end);
    } else {
      offsets[i++] = Math.min(at, end);
      at += style === "single" && file.startsWith("''", at) ? 2 : 1;
    }
  }
  offsets.length = text.length;
  offsets.push(Math.min(at, end));
  return { text, offsets };
}

/** A text that stands in the file exactly as it is. */
export function verbatim(text: string, start: number): MappedText {
  return { text, offsets: Array.from({ length: text.length + 1 }, (_, i) => start + i) };
}

/** Replaces parts of a text; every character of a replacement stands at the start of what it replaces. */
export function replaceAll(
  mapped: MappedText,
  pattern: RegExp,
  replacement: (match: RegExpExecArray, at: MappedText) => string,
): MappedText {
  let text = "";
  const offsets: number[] = [];
  let from = 0;
  const copy = (to: number): void => {
    text += mapped.text.slice(from, to);
    for (let i = from; i < to; i++) offsets.push(mapped.offsets[i]!);
    from = to;
  };
  for (const match of mapped.text.matchAll(pattern)) {
    copy(match.index);
    const end = match.index + match[0].length;
    const inserted = replacement(match, { text: match[0], offsets: mapped.offsets.slice(match.index, end + 1) });
    text += inserted;
    for (let i = 0; i < inserted.length; i++) offsets.push(mapped.offsets[match.index]!);
    from = end;
  }
  copy(mapped.text.length);
  offsets.push(mapped.offsets.at(-1)!);
  return { text, offsets };
}

function skipSpace(file: string, at: number, end: number): number {
  let next = at;
  while (next < end && isSpace(file[next]!)) next++;
  return next;
}

function isSpace(character: string): boolean {
  return character === " " || character === "\n" || character === "\t" || character === "\r";
}

const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** The escape sequence of a double-quoted scalar at `at`: its length, and how many UTF-16 units it stands for. */
function escapeAt(file: string, at: number): { length: number; decoded: number } {
  const kind = file[at + 1] ?? "";
  if (kind === "\n") return { length: 2, decoded: 0 };
  if (kind === "\r") return { length: file[at + 2] === "\n" ? 3 : 2, decoded: 0 };
  const digits = HEX_DIGITS[kind] ?? 0;
  const code = digits > 0 ? Number.parseInt(file.slice(at + 2, at + 2 + digits), 16) : 0;
  return { length: 2 + digits, decoded: code > 0xffff ? 2 : 1 };
}
