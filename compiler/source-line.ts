/** A line of a source as it is shown below a message, and where in it the mark goes. */

/** Text from a script or a path, safe for a terminal: control characters are shown, not obeyed, and so are bytes that are no text. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\udc80-\udcff]/gu, (c) => {
    return `\\x${(c.charCodeAt(0) & 0xff).toString(16).padStart(2, "0")}`;
  });
}

/** The same of a message, which may name what is long in the script: then its ends are shown. */
export function printableMessage(text: string): string {
  if (text.length <= LONGEST_MESSAGE) return printable(text);
  const half = LONGEST_MESSAGE / 2;
  return printable(`${text.slice(0, boundary(text, half))} ... ${text.slice(boundary(text, text.length - half))}`);
}

const LONGEST_MESSAGE = 2000;

/** Of a longer line only the surroundings of the place are shown. */
const LONGEST = 400;
/** Of these, what stands in front of the place. */
const BEFORE = 100;
const CUT = "...";

/** Characters that terminals give two columns. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
/** Characters that stand on the one before. */
const COMBINING = /\p{Mn}|\p{Me}|[\u200b\u200c]|\u200d|\ufe0f/u;

export interface ShownLine {
  text: string;
  /** What goes in front of the mark, so that it stands in the right column at any tab width. */
  indent: string;
  /** Columns of the mark. */
  width: number;
}

/** `from` and `to` are the place's ends in the line, in UTF-16 code units. */
export function shownLine(line: string, from: number, to: number): ShownLine {
  const isLong = line.length > LONGEST;
  const start = isLong ? boundary(line, Math.max(0, Math.min(from - BEFORE, line.length - LONGEST))) : 0;
  const end = isLong ? boundary(line, start + LONGEST) : line.length;
  const before = printable(line.slice(start, from));
  const marked = printable(line.slice(from, Math.min(to, end)));
  const after = printable(line.slice(Math.max(from, Math.min(to, end)), end));
  const opening = start > 0 ? CUT : "";
  return {
    text: `${opening}${before}${marked}${after}${end < line.length ? CUT : ""}`,
    indent: [...opening, ...before].map((c) => (c === "\t" ? c : " ".repeat(columns(c)))).join(""),
    width: Math.max(
      1,
      [...marked].reduce((sum, c) => sum + columns(c), 0),
    ),
  };
}

/** No character is cut in two. */
function boundary(line: string, at: number): number {
  return /[\ud800-\udbff]/.test(line[at - 1] ?? "") ? at - 1 : at;
}

function columns(character: string): number {
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
