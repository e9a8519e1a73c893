/**
 * Expressions back to text, fully parenthesised where precedence would not show the tree. The canonical text is what
 * a baseline stores as a metric's definition, so it must not depend on spacing or on how a number was written.
 */
import { unreachable } from "../../compiler/unreachable.ts";
import type { Expression, KeyPart, Num } from "./ast.ts";

/** `substitute` may give the text for a name (another metric's definition). */
export function printExpression(
  e: Expression,
  substitute: (name: string) => string | undefined = () => undefined,
): string {
  const print = (inner: Expression): string => printExpression(inner, substitute);
  const operand = (inner: Expression): string => (inner.kind === "binary" ? `(${print(inner)})` : print(inner));
  switch (e.kind) {
    case "number":
      return printNum(e.value);
    case "map":
      return e.key ? `${e.name}[${e.key.map(printKeyPart).join(", ")}]` : e.name;
    case "name": {
      const text = substitute(e.name);
      return text === undefined ? e.name : `(${text})`;
    }
    case "call":
      return `${e.name}(${e.args.map(print).join(", ")})`;
    case "unary":
      return `${e.op}${operand(e.operand)}`;
    case "binary":
      return `${operand(e.left)} ${e.op} ${operand(e.right)}`;
    default:
      return unreachable(e);
  }
}

/** A key part as it is written in an expression; also the identity of a key (see keyIdentity). */
function printKeyPart(part: KeyPart): string {
  if (typeof part === "string") return JSON.stringify(part);
  if (typeof part === "object") return `(${part.map(printKeyPart).join(", ")})`;
  return String(part);
}

/** Equal texts for equal keys. */
export function keyIdentity(key: readonly KeyPart[]): string {
  return key.map(printKeyPart).join(", ");
}

/** Shortest text that reads back as the same value. */
function printNum(value: Num): string {
  return String(value);
}
