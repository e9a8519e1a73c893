/** Blocks and statements as documents. */
import { unreachable } from "../unreachable.ts";
import type { Assignment, Block, BlockExpression, Expression, For, If, Let, Statement, Ternary } from "./ast.ts";
import { concat, type Document, group, hardLine, indent, line } from "./layout.ts";
import type { Comments, Entry } from "./printer-comments.ts";
import { expressionDocument, operand, stringText, typeDocument } from "./printer-expressions.ts";

/** Tighter than any operator: the ends of a range are single things, or in parentheses. */
const TIGHTEST = 12;

/** A block over several lines; its last line is the value if it has one. */
export function blockDocument(c: Comments, block: Block | BlockExpression): Document {
  const { span } = block;
  const before = c.before(span);
  const opening = c.trailing(span.start + 1, span.end);
  const entries = block.statements.map((s): Entry => ({ span: s.span, print: () => statement(c, s), solid: false }));
  if (block.kind === "block-expression") {
    const { value } = block;
    if (value) entries.push({ span: value.span, print: () => expressionDocument(c, value), solid: false });
  }
  const lines = c.sequence(entries, span.end - 1);
  if (lines.length === 0 && opening === "") return concat(before, "{}");
  const inner = lines.length === 0 ? "" : indent(concat(hardLine, ...lines));
  return concat(before, "{", opening, inner, hardLine, "}");
}

/** A block as a value: `{ 1 }` stays on one line. */
export function valueBlock(c: Comments, block: BlockExpression): Document {
  const { statements, value, span } = block;
  if (statements.length > 0 || !value || c.pending(span.end)) return blockDocument(c, block);
  return group("{", indent(concat(line, expressionDocument(c, value))), line, "}");
}

function statement(c: Comments, node: Statement): Document {
  switch (node.kind) {
    case "expression-statement":
      return concat(statementExpression(c, node.expression), ";");
    case "assignment":
      return assignment(c, node);
    case "let":
      return letDocument(c, node);
    case "if":
      return choice(c, node);
    case "while":
    case "unroll": {
      const head = node.kind === "while" ? node.condition : node.count;
      return concat(node.kind, " (", expressionDocument(c, head), ") ", blockDocument(c, node.body));
    }
    case "for":
      return loop(c, node);
    case "return":
      return node.value ? concat("return ", expressionDocument(c, node.value), ";") : "return;";
    case "break":
    case "continue":
      return `${node.kind};`;
    case "block":
      return blockDocument(c, node);
    case "import":
      return `import ${stringText(node.path.value, node.path.span)};`;
    default:
      return unreachable(node);
  }
}

/** At the start of a statement a brace or an `if` would begin a statement of its own. */
function statementExpression(c: Comments, node: Expression): Document {
  const isBlock = node.kind === "block-expression" || (node.kind === "ternary" && node.form === "if");
  return isBlock ? concat("(", expressionDocument(c, node), ")") : expressionDocument(c, node);
}

function assignment(c: Comments, { target, operator, value }: Assignment): Document {
  const left = target ? expressionDocument(c, target) : "_";
  return concat(left, ` ${operator} `, expressionDocument(c, value), ";");
}

function letDocument(c: Comments, { variable, type, value }: Let): Document {
  const declared = concat("let ", expressionDocument(c, variable), type ? concat(": ", typeDocument(c, type)) : "");
  return value ? concat(declared, " = ", expressionDocument(c, value), ";") : concat(declared, ";");
}

function choice(c: Comments, { condition, then, otherwise }: If): Document {
  const head = concat("if ", conditionDocument(c, condition), " ", blockDocument(c, then));
  if (!otherwise) return head;
  const [only] = otherwise.statements;
  // The block of an `else if` is its `if`, and has no braces of its own.
  const isElseIf = only?.kind === "if" && otherwise.statements.length === 1;
  return concat(head, " else ", isElseIf ? concat(c.before(only.span), choice(c, only)) : blockDocument(c, otherwise));
}

/** `if comptime x` reads as one thing, and needs no parentheses. */
function conditionDocument(c: Comments, condition: Expression): Document {
  const document = expressionDocument(c, condition);
  return condition.kind === "comptime" ? document : concat("(", document, ")");
}

/** An `if` that stands for a value. */
export function choiceValue(c: Comments, { condition, then, otherwise }: Ternary): Document {
  const head = concat("if ", conditionDocument(c, condition), " ", expressionDocument(c, then), " else ");
  return concat(head, expressionDocument(c, otherwise));
}

function loop(c: Comments, { variable, over, body }: For): Document {
  const range =
    over.kind === "map"
      ? expressionDocument(c, over)
      : concat(operand(c, over.start, TIGHTEST), "..", operand(c, over.end, TIGHTEST));
  return concat("for (", expressionDocument(c, variable), " : ", range, ") ", blockDocument(c, body));
}
