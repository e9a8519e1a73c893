/**
 * The inside of an attach point: `name=provider:part:"quoted part"@file.c:12`. Quotes protect colons, blanks and
 * braces; a backslash in quotes protects the character behind it.
 */
import { type Span, span } from "../source.ts";
import type { AttachPoint, AttachPointPart } from "./ast.ts";
import { type Cursor, describe } from "./cursor.ts";
import type { Token } from "./token.ts";

const PROVIDER = /^[A-Za-z_*$[][\w*?$[\]-]*$/;
const PROBE_HELP = "a probe looks like `kprobe:vfs_read`, `interval:s:1` or `BEGIN`";
const STATEMENT_HELP = "statements stand in the block of a probe: `BEGIN { ... }`";

export function attachPoint(p: Cursor): AttachPoint {
  const token = p.expect("attach-point", "such as `kprobe:vfs_read` or `BEGIN`");
  const [front, ...parts] = split(p, token);
  const equals = front.quoted ? -1 : front.text.indexOf("=");
  const name = equals > 0 ? slice(front, 0, equals) : undefined;
  const provider = slice(front, equals + 1, front.text.length);
  if (!PROVIDER.test(provider.text) || equals === 0) {
    const help = /^[@$]|^\w+\(/.test(token.text) ? STATEMENT_HELP : PROBE_HELP;
    p.fail("expected-probe", p.span(token), `expected a probe, found ${describe(token)}`, { help });
  }
  return { kind: "attach-point", span: p.span(token), name, provider, parts };
}

function slice(part: AttachPointPart, start: number, end: number): { text: string; span: Span } {
  const from = part.span.start + start;
  return { text: part.text.slice(start, end), span: span(part.span.source, from, part.span.start + end) };
}

/** Splits at colons, and around an `@`, outside of quotes. */
function split(p: Cursor, { text, start, end }: Token): [AttachPointPart, ...AttachPointPart[]] {
  const parts: AttachPointPart[] = [];
  let part = "";
  let quoted = false;
  let inQuotes = false;
  let parameter = false;
  let partStart = start;
  const finish = (at: number): AttachPointPart => {
    const where = span(p.source, partStart, at);
    if (quoted && parameter) {
      p.report("bad-positional", where, "a parameter and a quoted text cannot share a part of a probe");
    }
    return { text: part, span: where, quoted };
  };
  const begin = (at: number): void => {
    [part, quoted, parameter, partStart] = ["", false, false, at];
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"') {
      inQuotes = !inQuotes;
      quoted = true;
    } else if (inQuotes && c === "\\" && i + 1 < text.length) {
      part += text[++i];
    } else if (!inQuotes && (c === ":" || c === "@")) {
      parts.push(finish(start + i));
      if (c === "@") parts.push({ text: "@", span: span(p.source, start + i, start + i + 1), quoted: false });
      begin(start + i + 1);
    } else {
      part += c;
      if (c === "$" && !inQuotes) {
        parameter = true;
        checkParameter(p, start + i, text[i + 1]);
      }
    }
  }
  const last = finish(end);
  const [first, ...rest] = [...parts, last];
  return [first ?? last, ...rest];
}

function checkParameter(p: Cursor, at: number, next: string | undefined): void {
  if (next !== undefined && /[1-9]/.test(next)) return;
  p.report("bad-positional", span(p.source, at, at + 1), "a parameter's number has to follow `$`", {
    help: "put the part into quotes if the dollar sign belongs to the name",
  });
}
