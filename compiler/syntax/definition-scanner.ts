/**
 * How far a C definition goes: the lexer makes one token of it, and the C definitions' own parser reads its inside.
 */
import { afterLayout, bracketEnd, isWordStart, lineEnd, wordEnd } from "./scan.ts";

export const DEFINITION_WORDS: ReadonlySet<string> = new Set(["struct", "union", "enum", "typedef"]);

export interface DefinitionEnd {
  end: number;
  problem?: { code: string; start: number; end: number; message: string; help?: string };
}

/** Behind a `#define` or `#include` line and the lines that a backslash continues it on, without blanks at the end. */
export function directiveEnd(text: string, start: number): number {
  let end = lineEnd(text, start);
  while (end < text.length && /\\\r?$/.test(text.slice(Math.max(start, end - 2), end))) end = lineEnd(text, end + 1);
  return start + text.slice(start, end).trimEnd().length;
}

/**
 * Whether a definition begins with the word that ends at `end`: names, attributes and then `{` or `;` follow it. An
 * attach point never looks like that.
 */
export function startsDefinition(text: string, word: string, end: number): boolean {
  let at = afterLayout(text, end);
  if (word === "typedef") return isWordStart(text.charCodeAt(at));
  // A definition has few words before its brace; the bound keeps hostile input from being scanned again and again.
  for (let words = 0; words < 16; words++) {
    if (text[at] === "{" || (text[at] === ";" && words > 0)) return true;
    if (isWordStart(text.charCodeAt(at))) at = wordEnd(text, at);
    else if (text.startsWith("((", at)) at = bracketEnd(text, at, "(", ")").end;
    else return false;
    at = afterLayout(text, at);
  }
  return false;
}

/** Behind the definition at `start`, its attributes and its semicolon. */
export function definitionEnd(text: string, start: number, word: string): DefinitionEnd {
  let end = start;
  while (end < text.length && text[end] !== "{" && text[end] !== ";") end++;
  if (text[end] === "{") {
    const braces = bracketEnd(text, end, "{", "}");
    if (!braces.closed) {
      const message = `the brace of this \`${word}\` is never closed`;
      const problem = { code: "missing-brace", start: end, end: end + 1, message, help: "close it with `}`" };
      return { end: braces.end, problem };
    }
    end = braces.end;
  }
  return word === "typedef" ? typedefEnd(text, start, end) : attributesEnd(text, end);
}

/** The semicolon is not asked for: `struct a { int x; }` is enough. */
function attributesEnd(text: string, braceEnd: number): DefinitionEnd {
  let end = braceEnd;
  for (;;) {
    const next = afterLayout(text, end);
    if (text[next] === ";") return { end: next + 1 };
    if (!text.startsWith("__attribute__", next)) return { end };
    const nameEnd = next + "__attribute__".length;
    const open = afterLayout(text, nameEnd);
    const parentheses = bracketEnd(text, open, "(", ")");
    if (!text.startsWith("((", open) || !parentheses.closed) {
      const message = "an attribute has two pairs of parentheses: `__attribute__((packed))`";
      return { end: open, problem: { code: "bad-attribute", start: next, end: nameEnd, message } };
    }
    end = parentheses.end;
  }
}

function typedefEnd(text: string, start: number, braceEnd: number): DefinitionEnd {
  let end = braceEnd;
  while (end < text.length && !"{};".includes(text[end]!)) end++;
  if (text[end] === ";") return { end: end + 1 };
  const line = text.slice(braceEnd, Math.min(end, lineEnd(text, braceEnd)));
  const message = "this `typedef` does not end with `;`";
  const problem = { code: "missing-semicolon", start, end: start + "typedef".length, message };
  return { end: braceEnd + line.trimEnd().length, problem };
}
