/**
 * Source texts and spans. A span is a pair of offsets; line and column are computed only when a message is
 * printed. A script that was embedded in another file (a block scalar of a YAML scenario) keeps its origin, so
 * that every diagnostic can be shown where the user wrote it.
 */

/**
 * A byte of a script that is not UTF-8, which is 0x80 or more, stands in its text as itself and this: one half of a surrogate pair, which no
 * UTF-8 can give.
 */
export const RAW_BYTE = 0xdc00;

export function isRawByte(codePoint: number): boolean {
  return codePoint >= RAW_BYTE + 0x80 && codePoint <= RAW_BYTE + 0xff;
}

export interface Origin {
  source: Source;
  /** Maps an offset in the embedded text to an offset in the surrounding one. Monotonic. */
  toOuter(offset: number): number;
}

export interface Position {
  /** 1-based. */
  line: number;
  /** 1-based, in UTF-16 code units. */
  column: number;
}

export class Source {
  readonly name: string;
  readonly text: string;
  readonly origin: Origin | undefined;
  /** The `import` that brought this file into the script. */
  readonly importedBy: Span | undefined;
  #lineStarts: number[] | undefined;

  constructor(name: string, text: string, origin?: Origin, importedBy?: Span) {
    this.name = name;
    this.text = text;
    this.origin = origin;
    this.importedBy = importedBy;
  }

  position(offset: number): Position {
    const starts = this.#starts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (starts[mid]! <= offset) low = mid;
      else high = mid - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  }

  /** The text of a 1-based line, without its line break. */
  line(line: number): string {
    const starts = this.#starts();
    const start = starts[line - 1] ?? this.text.length;
    const end = starts[line] ?? this.text.length;
    return this.text.slice(start, end).replace(/\r?\n$/, "");
  }

  get lineCount(): number {
    return this.#starts().length;
  }

  #starts(): number[] {
    if (!this.#lineStarts) {
      const starts = [0];
      for (let i = this.text.indexOf("\n"); i >= 0; i = this.text.indexOf("\n", i + 1)) starts.push(i + 1);
      this.#lineStarts = starts;
    }
    return this.#lineStarts;
  }
}

/** A half-open range of offsets in one source. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
  /** Where the macro was called whose body this is. */
  readonly expandedFrom?: Span;
}

export function span(source: Source, start: number, end: number): Span {
  return { source, start, end };
}

/** From the start of `a` to the end of `b`; both lie in the same source. */
export function join(a: Span, b: Span): Span {
  return a.source === b.source ? { ...a, end: Math.max(a.end, b.end) } : a;
}

/** The calls and imports through which a place came into the script, innermost first. */
export function ways(s: Span): { span: Span; what: "expanded" | "imported" }[] {
  const found: { span: Span; what: "expanded" | "imported" }[] = [];
  let place = s;
  for (;;) {
    const { expandedFrom, source } = place;
    const next = expandedFrom ?? source.importedBy;
    if (next === undefined) return found;
    found.push({ span: next, what: expandedFrom ? "expanded" : "imported" });
    place = next;
  }
}

export function spanText(s: Span): string {
  return s.source.text.slice(s.start, s.end);
}

/** The same place in the outermost source: what the user sees in an editor. */
export function outermost(s: Span): Span {
  let { source, start, end } = s;
  while (source.origin) {
    const { origin } = source;
    const outerStart = origin.toOuter(start);
    // The end is mapped through its last character, so that a span never swallows the indentation that follows it.
    end = end > start ? origin.toOuter(end - 1) + 1 : outerStart;
    start = outerStart;
    source = origin.source;
  }
  return { source, start, end: Math.max(start, end) };
}
