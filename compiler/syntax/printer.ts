/**
 * The canonical formatter. A script is printed from its tree, not from its tokens, so that every script of the same
 * meaning gets the same shape; numbers and strings keep their spelling, comments their place, and blank lines stay
 * (one at a time). Parsing what was printed gives an equal tree, and printing that gives the same text.
 */
import { unreachable } from "../unreachable.ts";
import type {
  AttachPoint,
  AttachPointPart,
  CDefinition,
  ConfigBlock,
  ConfigEntry,
  FunctionDefinition,
  Import,
  Macro,
  MapDeclaration,
  Probe,
  Script,
} from "./ast.ts";
import {
  concat,
  type Document,
  firstCharacter,
  group,
  hardLine,
  indent,
  join,
  line,
  render,
  verbatim,
} from "./layout.ts";
import { Comments, type Entry } from "./printer-comments.ts";
import { expressionDocument, integerText, stringText, typeDocument } from "./printer-expressions.ts";
import { blockDocument } from "./printer-statements.ts";

const WIDTH = 100;

type Item = CDefinition | ConfigBlock | Import | MapDeclaration | Macro | FunctionDefinition | Probe;

/** Formats a script, comments included. What had errors when it was parsed is not in the tree, and so not printed. */
export function print(script: Script): string {
  const { definitions, config, imports, mapDeclarations, macros, functions, probes } = script;
  const items: Item[] = [...definitions, ...imports, ...mapDeclarations, ...macros, ...functions, ...probes];
  if (config) items.push(config);
  items.sort((a, b) => a.span.start - b.span.start);
  const comments = new Comments(script);
  const entries = items.map((i): Entry => ({ span: i.span, print: () => item(comments, i), solid: isSolid(i) }));
  const text = render(concat(...comments.sequence(entries, Number.POSITIVE_INFINITY)), WIDTH);
  return text === "" ? "" : `${text}\n`;
}

/** What has a body stands apart; one-line items may stand close together. */
function isSolid(item: Item): boolean {
  if (item.kind === "c-definition") return item.text.includes("{");
  return item.kind !== "import" && item.kind !== "map-declaration";
}

function item(c: Comments, node: Item): Document {
  switch (node.kind) {
    case "c-definition":
      return verbatim(node.text);
    case "config":
      return config(c, node);
    case "import":
      return `import ${stringText(node.path.value, node.path.span)};`;
    case "map-declaration":
      return concat(`let ${node.map.name} = ${node.mapType.text}(`, expressionDocument(c, node.maxEntries), ");");
    case "macro":
      return macro(c, node);
    case "function":
      return functionDefinition(c, node);
    case "probe":
      return probe(c, node);
    default:
      return unreachable(node);
  }
}

function config(c: Comments, { entries, span }: ConfigBlock): Document {
  const lines = c.sequence(
    entries.map((entry) => ({ span: entry.span, print: () => configEntry(entry), solid: false })),
    span.end - 1,
  );
  if (lines.length === 0) return "config = {}";
  return concat("config = {", indent(concat(hardLine, ...lines)), hardLine, "}");
}

function configEntry({ name, value }: ConfigEntry): string {
  return `${name.text} = ${configValue(value)};`;
}

function configValue(value: ConfigEntry["value"]): string {
  switch (value.kind) {
    case "integer":
      return integerText(value.value, value.span);
    case "string":
      return stringText(value.value, value.span);
    default:
      return value.value;
  }
}

function macro(c: Comments, { name, parameters, body }: Macro): Document {
  const list = parameters.map((parameter) => expressionDocument(c, parameter));
  return concat(`macro ${name.text}(`, join(list, ", "), ") ", blockDocument(c, body));
}

function functionDefinition(c: Comments, { name, parameters, returnType, body }: FunctionDefinition): Document {
  const list = parameters.map((p) => concat(expressionDocument(c, p.variable), ": ", typeDocument(c, p.type)));
  const head = concat(`fn ${name.text}(`, join(list, ", "), "): ", typeDocument(c, returnType), " ");
  return concat(head, blockDocument(c, body));
}

/** Several attach points stand below each other. A predicate that does not fit behind them has lines of its own. */
function probe(c: Comments, { attachPoints, predicate, body }: Probe): Document {
  const points = attachPoints.flatMap((point, i): Document[] => {
    const next = attachPoints[i + 1];
    const document = concat(c.before(point.span), attachPoint(point));
    return next ? [document, ",", c.trailing(point.span.end, next.span.start), hardLine] : [document];
  });
  if (!predicate) return concat(...points, " ", blockDocument(c, body));
  const condition = predicateDocument(expressionDocument(c, predicate));
  return concat(group(...points, line, condition, line), blockDocument(c, body));
}

/** A slash and a star, or two slashes, would begin a comment. */
function predicateDocument(condition: Document): Document {
  return concat(/[*/]/.test(firstCharacter(condition)) ? "/ " : "/", condition, "/");
}

// Attach points

function attachPoint({ name, provider, parts }: AttachPoint): string {
  let text = name ? `${name.text}=${provider.text}` : provider.text;
  let previous = ":";
  for (const part of parts) {
    const isSeparator = part.text === "@" && !part.quoted;
    text += isSeparator || previous === "@" ? attachPointPart(part) : `:${attachPointPart(part)}`;
    previous = isSeparator ? "@" : ":";
  }
  return text;
}

function attachPointPart({ text, quoted, parameters }: AttachPointPart): string {
  let written = "";
  let at = 0;
  for (const { start, end } of parameters) {
    written += quotedPiece(text.slice(at, start), quoted) + text.slice(start, end);
    at = end;
  }
  const rest = text.slice(at);
  // A quoted part that is empty keeps its quotes.
  return written + (rest === "" && quoted && written === "" ? '""' : quotedPiece(rest, quoted));
}

function quotedPiece(text: string, quoted: boolean): string {
  return quoted && text !== "" ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
}
