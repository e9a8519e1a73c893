/**
 * Looking over a text from an offset on, without making tokens: what the lexer uses to see how far something goes and
 * what follows it.
 */

export const CODE = {
  tab: 0x09,
  newline: 0x0a,
  return: 0x0d,
  space: 0x20,
  bang: 0x21,
  quote: 0x22,
  hash: 0x23,
  dollar: 0x24,
  apostrophe: 0x27,
  rightParenthesis: 0x29,
  star: 0x2a,
  comma: 0x2c,
  dot: 0x2e,
  slash: 0x2f,
  colon: 0x3a,
  semicolon: 0x3b,
  at: 0x40,
  backslash: 0x5c,
  rightBracket: 0x5d,
  leftBrace: 0x7b,
  rightBrace: 0x7d,
  byteOrderMark: 0xfeff,
} as const;

// Character codes may be NaN, which is what stands behind the end of a text.

export const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
export const isWordStart = (c: number): boolean => (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || c === 0x5f;
export const isSpace = (c: number): boolean => c === CODE.space || (c >= CODE.tab && c <= CODE.return);

/** Behind the letters, digits and underscores at `start`. */
export function wordEnd(text: string, start: number): number {
  WORD.lastIndex = start;
  WORD.test(text);
  return WORD.lastIndex;
}

const WORD = /\w*/y;

/** Before the line break behind `start`, or at the text's end. */
export function lineEnd(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end < 0 ? text.length : end;
}

export function isComment(text: string, at: number): boolean {
  if (text.charCodeAt(at) !== CODE.slash) return false;
  const next = text.charCodeAt(at + 1);
  return next === CODE.slash || next === CODE.star;
}

/** Behind the blanks, line breaks and comments at `start`. */
export function afterLayout(text: string, start: number): number {
  let at = start;
  for (;;) {
    if (isSpace(text.charCodeAt(at))) at++;
    else if (!isComment(text, at)) return at;
    else if (text.charCodeAt(at + 1) === CODE.slash) at = lineEnd(text, at);
    else {
      const close = text.indexOf("*/", at + 2);
      at = close < 0 ? text.length : close + 2;
    }
  }
}

/** Blanks and closing brackets: what stands behind a statement's last word. */
const ENDS_STATEMENT: ReadonlySet<number> = new Set([
  CODE.space,
  CODE.tab,
  CODE.return,
  CODE.rightParenthesis,
  CODE.rightBracket,
  CODE.rightBrace,
  CODE.semicolon,
]);

/**
 * Where the literal that opens at `start` ends: behind its quote; or, if the line has none, before the brackets and
 * semicolons at the line's end, which hardly belong to it.
 */
export function stringEnd(text: string, start: number): { end: number; closed: boolean } {
  const quote = text.charCodeAt(start);
  let lastOfString = start;
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === quote) return { end: i + 1, closed: true };
    if (c === CODE.newline) break;
    if (c === CODE.backslash && i + 1 < text.length && text.charCodeAt(i + 1) !== CODE.newline) i++;
    if (!ENDS_STATEMENT.has(c)) lastOfString = i;
  }
  return { end: lastOfString + 1, closed: false };
}

/** Behind the bracket that closes the one at `start`, comments and strings left out; or at the text's end. */
export function bracketEnd(text: string, start: number, open: string, close: string): { end: number; closed: boolean } {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const c = text[at];
    if (c === '"' || c === "'") at = stringEnd(text, at).end;
    else if (isComment(text, at)) at = afterLayout(text, at);
    else {
      if (c === open) depth++;
      if (c === close) depth--;
      at++;
      if (depth <= 0) return { end: at, closed: depth === 0 };
    }
  }
  return { end: at, closed: false };
}
