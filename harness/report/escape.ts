/**
 * Foreign text (from workloads, maps, scenario files, result files that somebody sent) made literal in HTML, XML and
 * Markdown. Controls and what reorders text become visible first, as in the terminal. A report may also be printed on a
 * GitHub runner, which takes a line that begins with two colons for a command: so they never stand side by side.
 */
import { block, inline } from "./text.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function entities(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c]!).replace(/:(?=:)/g, "&#58;");
}

/** One line of foreign text, for the content and the attributes of HTML and XML elements. */
export function markup(text: string): string {
  return entities(inline(text));
}

/** Foreign text of several lines, likewise. */
export function markupBlock(text: string): string {
  return entities(block(text));
}

/** A character of Markdown by its number. A comment parts the sign of a mention or reference from the name. */
function numeric(c: string): string {
  return `&#${c.codePointAt(0)};${c === "@" || c === "#" ? "<!-- -->" : ""}`;
}

/** What cannot stand in a code span of a table as it is, or would lose its spaces there. */
const NOT_IN_CODE_SPAN = /[`|\\]|^ | $|^$/;

/** Foreign text in the typeface of code, in Markdown, also within tables. Nothing in it is a mention or a link. */
export function markdownCode(text: string): string {
  const line = inline(text);
  if (!NOT_IN_CODE_SPAN.test(line)) return `\`${line}\``;
  return `<code>${line.replace(/[^\p{L}\p{N} ]/gu, numeric)}</code>`;
}

/**
 * What is not known to mean nothing in Markdown. Marks that mean something only before a letter (`www.`, `http:`), or
 * at the beginning of a line, are left alone elsewhere, so that the source can be read too.
 */
const MEANINGFUL =
  /[^\p{L}\p{N}_ ,.:()%+/='";!?±…-]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|:(?! |$)|\.(?=\p{L})|^[+=-](?= |$)|(?<=^\d{1,9})[.)](?= |$)/gu;

/**
 * A foreign sentence in Markdown, also within tables. What it has between backticks is set as code, as all our messages
 * mean it.
 */
export function markdownProse(text: string): string {
  const parts = inline(text).split("`");
  const prose = (part: string): string => part.replace(MEANINGFUL, numeric);
  // An odd number of backticks quotes nothing.
  if (parts.length % 2 === 0) return prose(parts.join("`"));
  return parts.map((part, i) => (i % 2 === 0 ? prose(part) : markdownCode(part))).join("");
}

/** A link in Markdown, also within tables. `text` is finished Markdown, the address may have foreign parts. */
export function markdownLink(text: string, address: string): string {
  return `[${text}](<${encodeURI(inline(address)).replace(/[<>|\\&]/g, encodeURIComponent)}>)`;
}
