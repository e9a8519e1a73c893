/**
 * Expressions as documents, with the parentheses that their meaning asks for, and a few that help a reader who does
 * not have the precedence of the bitwise operators at heart.
 */
import { type Span, spanText } from "../source.ts";
import { unreachable } from "../unreachable.ts";
import type {
  Binary,
  BinaryOperator,
  Call,
  Cast,
  Expression,
  MapAccess,
  RecordExpression,
  Ternary,
  TupleExpression,
  TypeModifier,
  TypeName,
  TypeOf,
  Unary,
} from "./ast.ts";
import { concat, type Document, firstCharacter, group, indent, line } from "./layout.ts";
import { readInteger, readString, writeString } from "./literals.ts";
import { PRECEDENCE } from "./parser-expressions.ts";
import { readsAsType } from "./parser-types.ts";
import type { Comments } from "./printer-comments.ts";
import { blockDocument, choiceValue, valueBlock } from "./printer-statements.ts";

/** How tightly a node holds together; binary operators have theirs in PRECEDENCE. */
const LOOSE = 0;
const UNARY = 11;
const POSTFIX = 12;

export function expressionDocument(c: Comments, node: Expression): Document {
  return concat(c.before(node.span), bare(c, node));
}

function bare(c: Comments, node: Expression): Document {
  switch (node.kind) {
    case "integer":
      return integerText(node.value, node.span);
    case "string":
      return stringText(node.value, node.span);
    case "boolean":
      return String(node.value);
    case "identifier":
    case "variable":
    case "map":
      return node.name;
    case "positional":
      return node.index === 0 ? "$#" : `$${node.index}`;
    case "map-access":
      return mapAccess(c, node);
    case "unary":
      return unary(c, node);
    case "increment": {
      const target = operand(c, node.target, POSTFIX);
      return node.prefix ? concat(node.operator, target) : concat(target, node.operator);
    }
    case "binary":
      return binary(c, node);
    case "ternary":
      return node.form === "if" ? choiceValue(c, node) : ternary(c, node);
    case "field":
      return concat(object(c, node.object), node.arrow ? "->" : ".", node.field.text);
    case "tuple-access":
      return concat(object(c, node.object), ".", String(node.index));
    case "index":
      return concat(indexed(c, node.object), "[", expressionDocument(c, node.index), c.closing(node.span), "]");
    case "tuple":
      return tuple(c, node);
    case "record":
      return record(c, node);
    case "call":
      return call(c, node);
    case "cast":
      return cast(c, node);
    case "sizeof":
    case "typeinfo":
      return concat(node.kind, "(", typeOrExpression(c, node.of), c.closing(node.span), ")");
    case "offsetof": {
      const path = node.path.map(({ text }) => text).join(".");
      return concat("offsetof(", typeOrExpression(c, node.of), ", ", path, c.closing(node.span), ")");
    }
    case "typeof":
      return node.modifiers.length > 0 ? concat("(", typeDocument(c, node), ")") : typeDocument(c, node);
    case "comptime":
      return concat("comptime ", operand(c, node.operand, UNARY));
    case "block-expression":
      return valueBlock(c, node);
    default:
      return unreachable(node);
  }
}

// Literals keep their spelling as long as it says what the tree says

export function integerText(value: bigint, where: Span): string {
  const written = spanText(where);
  return /^\d/.test(written) && readInteger(written) === value ? written : String(value);
}

export function stringText(value: string, where: Span): string {
  const written = spanText(where);
  const isLiteral = written.length > 1 && written.startsWith('"') && written.endsWith('"');
  return isLiteral && readString(written.slice(1, -1)).value === value ? written : writeString(value);
}

// Operators

function level(node: Expression): number {
  switch (node.kind) {
    case "ternary":
    case "block-expression":
      return LOOSE;
    case "binary":
      return PRECEDENCE[node.operator];
    case "unary":
    case "cast":
    case "comptime":
      return UNARY;
    case "increment":
      return node.prefix ? UNARY : POSTFIX;
    default:
      return POSTFIX;
  }
}

/** A part of a larger expression that has to hold together at least as tightly as `lowest`. */
export function operand(c: Comments, node: Expression, lowest: number): Document {
  return level(node) >= lowest ? expressionDocument(c, node) : inParentheses(c, node);
}

function inParentheses(c: Comments, node: Expression): Document {
  return concat("(", expressionDocument(c, node), ")");
}

/** What stands before a dot or a bracket. A number there would look like a fraction. */
function object(c: Comments, node: Expression): Document {
  return node.kind === "integer" ? inParentheses(c, node) : operand(c, node, POSTFIX);
}

/** A map before a bracket would get a key. */
function indexed(c: Comments, node: Expression): Document {
  return node.kind === "map" ? inParentheses(c, node) : object(c, node);
}

/** `- -x` and `- --x` need something between the signs. */
function unary(c: Comments, { operator, operand: inner }: Unary): Document {
  const document = operand(c, inner, UNARY);
  const sticks = (operator === "-" || operator === "+" || operator === "&") && firstCharacter(document) === operator;
  return sticks ? concat(operator, "(", document, ")") : concat(operator, document);
}

/** A chain of operators of one precedence is broken behind all of them or behind none. */
function binary(c: Comments, node: Binary): Document {
  const chain: Binary[] = [node];
  for (let left = node.left; left.kind === "binary" && continues(left, chain.at(-1)!); left = left.left)
    chain.push(left);
  chain.reverse();
  const first = binaryOperand(c, chain[0]!.left, chain[0]!, false);
  const rest = chain.flatMap((link): Document[] => [
    ` ${link.operator}`,
    line,
    binaryOperand(c, link.right, link, true),
  ]);
  return group(first, indent(indent(concat(...rest))));
}

function continues(left: Binary, outer: Binary): boolean {
  return PRECEDENCE[left.operator] === PRECEDENCE[outer.operator] && !unclear(left.operator, outer.operator);
}

function binaryOperand(c: Comments, node: Expression, outer: Binary, isRight: boolean): Document {
  if (node.kind === "binary" && unclear(node.operator, outer.operator)) return inParentheses(c, node);
  return operand(c, node, PRECEDENCE[outer.operator] + (isRight ? 1 : 0));
}

const BITWISE: ReadonlySet<BinaryOperator> = new Set<BinaryOperator>(["&", "|", "^", "<<", ">>"]);

/** Whether parentheses around `inner` help, though they change nothing. */
function unclear(inner: BinaryOperator, outer: BinaryOperator): boolean {
  if (inner === outer) return false;
  if (BITWISE.has(outer)) return true;
  if (outer === "||" && inner === "&&") return true;
  return (outer === "%" || inner === "%") && PRECEDENCE[inner] === PRECEDENCE[outer];
}

function ternary(c: Comments, node: Ternary): Document {
  const condition = operand(c, node.condition, PRECEDENCE["||"]);
  if (node.then === node.condition) return group(condition, " ?: ", expressionDocument(c, node.otherwise));
  const then = expressionDocument(c, node.then);
  const otherwise = expressionDocument(c, node.otherwise);
  return group(condition, indent(indent(concat(line, "? ", then, line, ": ", otherwise))));
}

// Brackets

/** As many to a line as fit, so that a long `printf` stays compact. */
export function fill(parts: readonly Document[]): Document {
  const rest = parts.slice(1).map((part) => concat(",", group(line, part)));
  return indent(indent(concat(parts[0] ?? "", ...rest)));
}

function mapAccess(c: Comments, { map, key, span }: MapAccess): Document {
  const several = key.kind === "tuple" && key.elements.length > 1;
  const keys = several
    ? fill(key.elements.map((element) => expressionDocument(c, element)))
    : expressionDocument(c, key);
  return concat(map.name, "[", keys, c.closing(span), "]");
}

function tuple(c: Comments, { elements, span }: TupleExpression): Document {
  const parts = fill(elements.map((element) => expressionDocument(c, element)));
  return concat("(", parts, elements.length === 1 ? "," : "", c.closing(span), ")");
}

function record(c: Comments, { fields, span }: RecordExpression): Document {
  const parts = fields.map(({ name, value }) =>
    concat(c.before(name.span), name.text, " = ", expressionDocument(c, value)),
  );
  return concat("(", fill(parts), c.closing(span), ")");
}

function call(c: Comments, { callee, args, span }: Call): Document {
  const parts = args.map((arg) => argument(c, arg));
  // A block at the end is indented like the statement that it stands in.
  const last = args.at(-1)?.kind.startsWith("block") ? parts.pop() : undefined;
  const separator = last !== undefined && parts.length > 0 ? ", " : "";
  return concat(callee.text, "(", fill(parts), separator, last ?? "", c.closing(span), ")");
}

function argument(c: Comments, node: Call["args"][number]): Document {
  switch (node.kind) {
    case "type-name":
      return concat(c.before(node.span), typeDocument(c, node));
    case "block":
      return blockDocument(c, node);
    default:
      return readsAsType(node, false) ? inParentheses(c, node) : expressionDocument(c, node);
  }
}

// Types

function cast(c: Comments, { type, operand: inner }: Cast): Document {
  return concat("(", typeDocument(c, type), ")", operand(c, inner, UNARY));
}

export function typeDocument(c: Comments, type: TypeName | TypeOf): Document {
  const suffix = modifiers(type.modifiers);
  if (type.kind === "typeof") return concat("typeof(", typeOrExpression(c, type.of), ")", suffix);
  return concat(type.tag ? `${type.tag} ${type.name}` : type.name, suffix);
}

function modifiers(all: readonly TypeModifier[]): string {
  const text = all.map((m) => (typeof m === "number" ? `[${m}]` : m)).join("");
  return text.startsWith("*") ? ` ${text}` : text;
}

function typeOrExpression(c: Comments, node: Expression | TypeName): Document {
  if (node.kind === "type-name") return concat(c.before(node.span), typeDocument(c, node));
  return readsAsType(node, true) ? inParentheses(c, node) : expressionDocument(c, node);
}
