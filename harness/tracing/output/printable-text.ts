/** Values as text: what print(), %s and the keys and values of maps look like. */
import { unreachable } from "../../../compiler/unreachable.ts";
import { type ByteString, fromText } from "../bytestring.ts";
import type { Printable } from "../printable.ts";
import type { Bound, HistogramRow } from "./histogram.ts";
import { seriesText } from "./series-text.ts";

/** Makes bytes of unknown origin fit for where they go; see escapeControls(). */
export type Guard = (bytes: ByteString) => ByteString;

export function printableText(value: Printable): ByteString {
  switch (value.kind) {
    case "integer":
      return value.value.toString();
    case "boolean":
      return String(value.value);
    case "none":
      return "null";
    case "text":
      return value.bytes;
    case "symbolic":
      return value.text;
    case "buffer":
      return bufferText(value.bytes, "mixed");
    case "tuple":
      return `(${value.elements.map(printableText).join(", ")})`;
    case "array":
      return `[${value.elements.map(printableText).join(",")}]`;
    case "record":
      return recordText(value.fields);
    case "histogram":
      return histogramText(value.rows);
    case "series":
      return seriesText(value.points, value.signed);
    default:
      return unreachable(value, "printable");
  }
}

function recordText(fields: readonly { readonly name: string; readonly value: Printable }[]): ByteString {
  if (fields.length === 0) return "{}";
  return `{ ${fields.map(({ name, value }) => `.${fromText(name)} = ${printableText(value)}`).join(", ")} }`;
}

/** The key of a map between its brackets: a tuple goes without its parentheses. */
export function keyText(key: Printable): ByteString {
  const text = printableText(key);
  return text.length >= 2 && text.startsWith("(") && text.endsWith(")") ? text.slice(1, -1) : text;
}

/** "mixed" shows ASCII as it is and other bytes as `\x0a`, "escaped" all as `\x0a`, "spaced" all as `0a` with spaces. */
export function bufferText(bytes: ByteString, style: "mixed" | "escaped" | "spaced"): ByteString {
  const hex = (byte: string): string => byte.charCodeAt(0).toString(16).padStart(2, "0");
  if (style === "spaced") return Array.from(bytes, hex).join(" ");
  const escaped = style === "mixed" ? /[^\x20-\x7e]/g : /[\x00-\xff]/g;
  return bytes.replace(escaped, (byte) => `\\x${hex(byte)}`);
}

const BAR_WIDTH = 52;

/** A line for each bucket, each ending in a line break. */
function histogramText(rows: readonly HistogramRow[]): ByteString {
  const most = Math.max(0, ...rows.map(({ count }) => Number(count)));
  return rows
    .map((row) => {
      const bar = "@".repeat(barLength(Number(row.count), most)).padEnd(BAR_WIDTH);
      return `${interval(row).padEnd(16)}${row.count.toString().padStart(8)} |${bar}|\n`;
    })
    .join("");
}

/** In single precision, so that every bar ends where bpftrace ends it. */
function barLength(count: number, most: number): number {
  if (most === 0) return 0;
  const share = Math.fround(Math.fround(count) / Math.fround(most));
  return Math.trunc(Math.fround(share * BAR_WIDTH));
}

function interval({ low, high, single }: HistogramRow): string {
  const name = (bound: Bound | undefined): string => bound?.text ?? "...";
  if (single) return `[${name(low)}]`;
  return `${low === undefined ? "(" : "["}${name(low)}, ${name(high)})`;
}
