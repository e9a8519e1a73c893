/**
 * Where lines are broken. A document says where breaks are possible and what belongs together; `render` puts each
 * group on one line if it fits and breaks its lines if it does not.
 */

export type Document =
  | string
  | { kind: "concat"; parts: readonly Document[]; hard: boolean }
  | { kind: "indent"; inner: Document; hard: boolean }
  | { kind: "group"; inner: Document; hard: boolean }
  /** `flat` is what stands for the break in a group that fits. */
  | { kind: "line"; flat: string; hard: boolean }
  /** A break without indentation, inside of text that is kept as it is. */
  | { kind: "literal-line"; hard: true };

const isHard = (d: Document): boolean => typeof d !== "string" && d.hard;

export function concat(...parts: Document[]): Document {
  return { kind: "concat", parts, hard: parts.some(isHard) };
}

/** Lines that break inside of `inner` are indented one step further. */
export function indent(inner: Document): Document {
  return { kind: "indent", inner, hard: isHard(inner) };
}

/** All direct breaks of a group are breaks, or none is. One that holds a hard line always breaks. */
export function group(...parts: Document[]): Document {
  const inner = concat(...parts);
  return { kind: "group", inner, hard: isHard(inner) };
}

/** A blank, or a break. */
export const line: Document = { kind: "line", flat: " ", hard: false };
/** Always a break. */
export const hardLine: Document = { kind: "line", flat: "", hard: true };

export function join(parts: readonly Document[], separator: Document): Document {
  return concat(...parts.flatMap((part, i) => (i === 0 ? [part] : [separator, part])));
}

/** An empty line, without blanks in it. */
export const blankLine: Document = concat({ kind: "literal-line", hard: true }, hardLine);

/** Text that may hold line breaks; what follows them is not indented. */
export function verbatim(text: string): Document {
  const [first = "", ...rest] = text.split("\n");
  return concat(first, ...rest.flatMap((part): Document[] => [{ kind: "literal-line", hard: true }, part]));
}

interface Command {
  document: Document;
  indent: number;
  flat: boolean;
}

const INDENT = 2;

/** The text, with lines of up to `width` columns where the breaks allow it. */
export function render(document: Document, width: number): string {
  const text: string[] = [];
  let column = 0;
  const newLine = (indentation: number): void => {
    text.push(`\n${" ".repeat(indentation)}`);
    column = indentation;
  };
  const stack: Command[] = [{ document, indent: 0, flat: false }];
  for (let command = stack.pop(); command; command = stack.pop()) {
    const { document: d, indent: indentation, flat } = command;
    if (typeof d === "string") {
      text.push(d);
      column += d.length;
      continue;
    }
    switch (d.kind) {
      case "concat":
        for (let i = d.parts.length - 1; i >= 0; i--) stack.push({ ...command, document: d.parts[i]! });
        break;
      case "indent":
        stack.push({ document: d.inner, indent: indentation + INDENT, flat });
        break;
      case "group":
        stack.push({
          document: d.inner,
          indent: indentation,
          flat: flat || (!d.hard && fits(d, width - column, stack)),
        });
        break;
      case "line":
        if (flat && !d.hard) {
          text.push(d.flat);
          column += d.flat.length;
        } else newLine(indentation);
        break;
      case "literal-line":
        newLine(0);
        break;
    }
  }
  return text.join("");
}

/** Whether `document`, and what follows it up to the next possible break, fits into `room` columns. */
function fits(document: Document, room: number, rest: readonly Command[]): boolean {
  let left = room;
  let next = rest.length;
  const stack: { document: Document; flat: boolean }[] = [{ document, flat: true }];
  while (left >= 0) {
    const command = stack.pop() ?? rest[--next];
    if (command === undefined) return true;
    const { document: d, flat } = command;
    if (typeof d === "string") left -= d.length;
    else if (d.kind === "concat")
      for (let i = d.parts.length - 1; i >= 0; i--) stack.push({ document: d.parts[i]!, flat });
    else if (d.kind === "indent" || d.kind === "group") stack.push({ document: d.inner, flat: flat && !d.hard });
    else if (d.kind === "line" && flat && !d.hard) left -= d.flat.length;
    else return true;
  }
  return false;
}

/** The first character that the document will show. */
export function firstCharacter(document: Document): string {
  if (typeof document === "string") return document[0] ?? "";
  switch (document.kind) {
    case "concat":
      for (const part of document.parts) {
        const first = firstCharacter(part);
        if (first !== "") return first;
      }
      return "";
    case "indent":
    case "group":
      return firstCharacter(document.inner);
    case "line":
      return document.hard ? "\n" : document.flat;
    case "literal-line":
      return "\n";
  }
}
