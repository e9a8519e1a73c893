/**
 * The inside of an attach point: `name=provider:part:"quoted part"@file.c:12`. Quotes protect colons, blanks and
 * braces; a backslash in quotes protects the character behind it.
 */
import { type Span, span } from "../source.ts";
import type { AttachPoint, AttachPointPart } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import type { Token } from "./token.ts";

const PROVIDER = /^(?:[A-Za-z_*?[\]-]|\$?\d)+$/;
/** A map, a variable, a call: what begins a statement. */
const STATEMENT = /^(?:@|\$\D|\w+\()/;
const PROBE_HELP = "a probe looks like `kprobe:vfs_read`, `interval:s:1` or `begin`";
const STATEMENT_HELP = "statements stand in the block of a probe: `begin { ... }`";

export function attachPoint(p: Cursor): AttachPoint {
  const token = p.expect("attach-point", "such as `kprobe:vfs_read` or `begin`");
  if (STATEMENT.test(token.text)) noAttachPoint(p, token, STATEMENT_HELP);
  const [front, ...parts] = split(p, token);
  const equals = front.quoted ? -1 : front.text.indexOf("=");
  const name = equals > 0 ? slice(front, 0, equals) : undefined;
  const provider = slice(front, equals + 1, front.text.length);
  if (!PROVIDER.test(provider.text) || equals === 0) noAttachPoint(p, token, PROBE_HELP);
  return { kind: "attach-point", span: p.span(token), name, provider, parts };
}

/** What stands on the same line is given up, too: it would all look like broken probes. */
function noAttachPoint(p: Cursor, token: Token, help: string): never {
  while (!p.onNewLine && (p.at("attach-point") || p.at(","))) p.next();
  p.fail("expected-probe", p.span(token), `expected a probe, found \`${token.text}\``, { help });
}

function slice(part: AttachPointPart, start: number, end: number): { text: string; span: Span } {
  const from = part.span.start + start;
  return { text: part.text.slice(start, end), span: span(part.span.source, from, part.span.start + end) };
}

/** Splits at colons, and around an `@`, outside of quotes. */
function split(p: Cursor, { text, start, end }: Token): [AttachPointPart, ...AttachPointPart[]] {
  const parts: AttachPointPart[] = [];
  let part = emptyPart(p, start);
  const finish = (at: number): AttachPointPart => ({ ...part, span: { ...part.span, end: at } });
  let inQuotes = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"') {
      inQuotes = !inQuotes;
      part.quoted = true;
    } else if (inQuotes) {
      part.text += c === "\\" && i + 1 < text.length ? text[++i] : c;
    } else if (c === ":" || c === "@") {
      parts.push(finish(start + i));
      if (c === "@")
        parts.push({ ...emptyPart(p, start + i), text: "@", span: span(p.source, start + i, start + i + 1) });
      part = emptyPart(p, start + i + 1);
    } else if (c === "$") {
      const digits = parameterDigits(p, text, start, i);
      const at = part.text.length;
      part.text += c + digits;
      if (digits) part.parameters.push({ start: at, end: at + 1 + digits.length, index: Number(digits) });
      i += digits.length;
    } else {
      part.text += c;
    }
  }
  const last = finish(end);
  const [first, ...rest] = [...parts, last];
  return [first ?? last, ...rest];
}

function emptyPart(p: Cursor, at: number): AttachPointPart {
  return { text: "", span: span(p.source, at, at), quoted: false, parameters: [] };
}

function parameterDigits(p: Cursor, text: string, start: number, dollar: number): string {
  const digits = /^[1-9]\d{0,8}/.exec(text.slice(dollar + 1, dollar + 10))?.[0] ?? "";
  if (digits === "") {
    const where = span(p.source, start + dollar, start + dollar + 1);
    p.report("bad-positional", where, "a parameter's number has to follow `$`", {
      help: "put the part into quotes if the dollar sign belongs to the name",
    });
  }
  return digits;
}
