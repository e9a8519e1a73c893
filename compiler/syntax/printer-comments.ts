/**
 * The comments of a script while it is printed. They belong to no node; each is put out in front of the first thing
 * that stood behind it in the source, on a line of its own, at the end of a line, or in the middle, as it was.
 */
import type { Span } from "../source.ts";
import type { Comment, Script } from "./ast.ts";
import { blankLine, concat, type Document, hardLine, join, verbatim } from "./layout.ts";

/** One of the things that stand below each other: items of a script, statements of a block. */
export interface Entry {
  span: Span;
  print: () => Document;
  /** Whether an empty line sets it off from its neighbours. */
  solid: boolean;
}

export class Comments {
  readonly #script: Script;
  readonly #text: string;
  #next = 0;

  constructor(script: Script) {
    this.#script = script;
    this.#text = script.span.source.text;
  }

  /** The next comment that has not been printed, if it begins before `offset`. */
  #take(offset: number): Comment | undefined {
    const comment = this.#script.comments[this.#next];
    if (comment === undefined || comment.span.start >= offset) return undefined;
    this.#next++;
    return comment;
  }

  /** Whether a comment stands before `offset` that has not been printed. */
  pending(offset: number): boolean {
    const comment = this.#script.comments[this.#next];
    return comment !== undefined && comment.span.start < offset;
  }

  /** The comments that stand right before a node, each with what separates it from what follows. */
  before({ source, start }: Span): Document {
    const parts: Document[] = [];
    if (source !== this.#script.span.source) return "";
    for (let c = this.#take(start); c; c = this.#take(start))
      parts.push(commentDocument(c), isLine(c) ? hardLine : " ");
    return parts.length === 0 ? "" : concat(...parts);
  }

  /** The comments that stand before the closing bracket with which a node ends. */
  closing({ source, end }: Span): Document {
    const parts: Document[] = [];
    if (source !== this.#script.span.source) return "";
    for (let c = this.#take(end); c; c = this.#take(end))
      parts.push(" ", commentDocument(c), isLine(c) ? hardLine : "");
    return parts.length === 0 ? "" : concat(...parts);
  }

  /** The comments that end the line on which `from` lies, as long as they begin before `limit`. */
  trailing(from: number, limit: number): Document {
    const parts: Document[] = [];
    let end = from;
    for (;;) {
      const comment = this.#script.comments[this.#next];
      if (comment === undefined || comment.span.start >= limit || !this.#endsLine(end, comment)) break;
      this.#next++;
      parts.push(" ", commentDocument(comment));
      end = comment.span.end;
    }
    return parts.length === 0 ? "" : concat(...parts);
  }

  #endsLine(from: number, { text, span }: Comment): boolean {
    if (!/^[ \t;,]*$/.test(this.#text.slice(from, span.start))) return false;
    return text.startsWith("//") || /^[ \t\r;]*(?:\n|$|\/\/|\/\*)/.test(this.#text.slice(span.end, span.end + 200));
  }

  /** Entries below each other, with the comments between them and up to `end`; one empty line stays where some were. */
  sequence(entries: readonly Entry[], end: number): Document[] {
    const lines: Document[] = [];
    let setOff = false;
    const put = (document: Document, start: number): void => {
      if (lines.length > 0) lines.push(setOff || this.#followsBlankLine(start) ? blankLine : hardLine);
      lines.push(document);
      setOff = false;
    };
    let previous: Entry | undefined;
    for (const entry of entries) {
      setOff = previous !== undefined && (previous.solid || entry.solid);
      for (let c = this.#take(entry.span.start); c; c = this.#take(entry.span.start))
        put(commentDocument(c), c.span.start);
      put(entry.print(), entry.span.start);
      lines.push(this.trailing(entry.span.end, end));
      previous = entry;
    }
    for (let c = this.#take(end); c; c = this.#take(end)) put(commentDocument(c), c.span.start);
    return lines;
  }

  #followsBlankLine(start: number): boolean {
    let newlines = 0;
    for (let i = start - 1; i >= 0 && /\s/.test(this.#text[i]!); i--) if (this.#text[i] === "\n") newlines++;
    return newlines > 1;
  }
}

const isLine = ({ text }: Comment): boolean => !text.startsWith("/*");

/** A comment's text. A column of stars is moved along with the indentation, anything else is kept as it is. */
function commentDocument({ text }: Comment): Document {
  if (!text.includes("\n")) return text;
  const [first = "", ...rest] = text.split("\n").map((part) => part.trim());
  return rest.every((part) => part.startsWith("*"))
    ? join([first, ...rest.map((part) => ` ${part}`)], hardLine)
    : verbatim(text);
}
