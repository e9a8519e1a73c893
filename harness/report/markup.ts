/**
 * HTML in template literals where every inserted text is escaped, because it may come from a workload. Only what was
 * made by `html` itself goes in as it is.
 */
import { markup, markupBlock } from "./escape.ts";

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Inserted = string | number | undefined | false | Html | readonly Inserted[];

/** `html\`<td>${name}</td>\``. Lists are joined; undefined and false leave nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Inserted[]): Html {
  return new Html(strings.map((part, i) => part + (i < values.length ? literal(values[i]) : "")).join(""));
}

/** Foreign text of several lines, for `<pre>`. */
export function lines(text: string): Html {
  return new Html(markupBlock(text));
}

/** A foreign sentence; what it has between backticks is set as code, as all our messages mean it. */
export function prose(text: string): Html {
  const parts = text.split("`");
  // An odd number of backticks quotes nothing.
  if (parts.length % 2 === 0) return html`${text}`;
  return html`${parts.map((part, i) => (i % 2 === 0 ? part : html`<code>${part}</code>`))}`;
}

function literal(value: Inserted): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(literal).join("");
  return markup(String(value));
}
