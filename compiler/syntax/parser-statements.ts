/**
 * Statements and blocks. Whether a block is a statement or a value shows only at its end, and so does whether an `if`
 * at its end is one; blocks are therefore read into a Body first, and made into what the place asks for.
 */
import { didYouMean } from "../diagnostics.ts";
import type { Span } from "../source.ts";
import type {
  Assignment,
  AssignmentOperator,
  Block,
  BlockExpression,
  Expression,
  For,
  If,
  Import,
  Let,
  MapName,
  Range,
  Return,
  Statement,
  Ternary,
} from "./ast.ts";
import { type Cursor, RECOVER, RESUME } from "./cursor.ts";
import { condition, expression, variable } from "./parser-expressions.ts";
import { type } from "./parser-types.ts";
import type { Token, TokenKind } from "./token.ts";

/** What stands between two braces. `last` has no semicolon behind it, and may be the block's value. */
interface Body {
  kind: "body";
  span: Span;
  statements: Statement[];
  last: Expression | Choice | Body | undefined;
}

/** An `if` with all that belongs to it. */
interface Choice {
  kind: "choice";
  span: Span;
  condition: Expression;
  then: Body;
  otherwise: Body | Choice | undefined;
}

const ASSIGNMENT_OPERATORS: ReadonlySet<TokenKind> = new Set<AssignmentOperator>([
  "=",
  "+=",
  "-=",
  "*=",
  "/=",
  "%=",
  "&=",
  "|=",
  "^=",
  "<<=",
  ">>=",
]);

function isAssignmentOperator(kind: TokenKind): kind is AssignmentOperator {
  return ASSIGNMENT_OPERATORS.has(kind);
}

/** Other spellings of `else if`. */
const ELSE_IF: ReadonlySet<string> = new Set(["elif", "elsif", "elseif"]);

/** Statements that other languages have. */
export const FOREIGN_STATEMENTS: ReadonlyMap<string, string> = new Map([
  ["switch", "there is no `switch`: use `if` and `else if`"],
  ["do", "there is no `do`: use `while`, or `for ($i : 0..10)`"],
  ["goto", "there is no `goto`: use `if`, loops and `return`"],
  ["foreach", "there is no `foreach`: write `for ($kv : @map)`"],
  ["function", "there is no `function`: write `macro name($x) { ... }` outside of the probes"],
  ["def", "there is no `def`: write `macro name($x) { ... }` outside of the probes"],
]);
/** Words that have a block behind them. */
const BLOCK_WORDS = ["if", "else", "while", "for", "unroll"];
const C_TYPES: ReadonlySet<string> = new Set(
  "int long short char unsigned auto var const int8 int16 int32 int64 uint8 uint16 uint32 uint64 string bool".split(
    " ",
  ),
);

// Blocks

/** A block of statements: the body of a probe, a loop or a function. `what` ends the phrase "the body of". */
export function block(p: Cursor, what: string): Block {
  return asBlock(body(p, what));
}

/** The body of a macro, or a block that one takes as its argument: a value if it ends with one. */
export function blockOrValue(p: Cursor, what: string): Block | BlockExpression {
  const inner = body(p, what);
  return asValue(inner) ?? asBlock(inner);
}

/** A block where a value has to be. */
export function blockExpression(p: Cursor): BlockExpression {
  const inner = body(p, "a block");
  return asValue(inner) ?? withoutValue(p, inner);
}

function withoutValue(p: Cursor, { span }: Body): never {
  const end = { source: span.source, start: span.end - 1, end: span.end };
  p.fail("missing-value", end, "this block has no value", {
    help: "its last statement has to be an expression without a semicolon",
    labels: [{ span: { ...span, end: span.start + 1 }, message: "the block begins here" }],
  });
}

function body(p: Cursor, what: string): Body {
  const open = p.peek();
  if (open.kind !== "{") {
    p.unexpected(`\`{\` to begin the body of ${what}`, { help: "statements always stand in braces" }, "missing-body");
  }
  p.next();
  return p.nested(() => {
    const statements: Statement[] = [];
    let last: Body["last"];
    while (!p.at("}")) {
      if (p.at("end") || p.at("attach-point") || p.at("c-definition")) unclosed(p, open);
      const found = recovering(p, () => p.statement(() => statement(p)));
      if (found?.kind === "last") last = found.value;
      else if (found) statements.push(found);
    }
    p.next();
    return { kind: "body", span: p.from(open), statements, last };
  });
}

function unclosed(p: Cursor, open: Token): never {
  const label = { span: p.span(open), message: "this block is not closed" };
  p.unexpected("`}` to close a block", { labels: [label] }, "missing-brace");
}

/** The result of `parse`, or nothing behind the statement that it failed in. */
function recovering<T>(p: Cursor, parse: () => T): T | undefined {
  const before = p.progress;
  try {
    return parse();
  } catch (error) {
    if (error === RESUME) return undefined;
    if (error !== RECOVER) throw error;
    p.skipStatement();
    // A token that neither begins a statement nor ends one.
    if (p.progress === before && !p.at("}") && !p.at("end") && !p.at("attach-point")) p.next();
    return undefined;
  }
}

function asBlock({ span, statements, last }: Body): Block {
  return { kind: "block", span, statements: last ? [...statements, asStatement(last)] : statements };
}

function asStatement(last: Expression | Choice | Body): Statement {
  switch (last.kind) {
    case "body":
      return asBlock(last);
    case "choice":
      return asIf(last);
    default:
      return { kind: "expression-statement", span: last.span, expression: last };
  }
}

function asValue({ span, statements, last }: Body): BlockExpression | undefined {
  const value = last && asExpression(last);
  return value && { kind: "block-expression", span, statements, value };
}

function asExpression(last: Expression | Choice | Body): Expression | undefined {
  switch (last.kind) {
    case "body":
      return asValue(last);
    case "choice":
      return asTernary(last);
    default:
      return last;
  }
}

function asTernary({ span, condition, then, otherwise }: Choice): Ternary | undefined {
  const thenValue = asValue(then);
  const otherwiseValue = otherwise && asExpression(otherwise);
  if (!thenValue || !otherwiseValue) return undefined;
  return { kind: "ternary", span, form: "if", condition, then: thenValue, otherwise: otherwiseValue };
}

function asIf({ span, condition, then, otherwise }: Choice): If {
  const block = otherwise && (otherwise.kind === "body" ? asBlock(otherwise) : blockOf(asIf(otherwise)));
  return { kind: "if", span, condition, then: asBlock(then), otherwise: block };
}

function blockOf(statement: Statement): Block {
  return { kind: "block", span: statement.span, statements: [statement] };
}

// Statements

/** A statement; or, if it stands before the closing brace without a semicolon, what may be the block's value. */
type Found = Statement | { kind: "last"; value: Expression | Choice | Body };

function statement(p: Cursor): Found | undefined {
  const token = p.peek();
  if (token.kind === ";") {
    p.next();
    return undefined;
  }
  if (token.kind === "{") return maybeLast(p, body(p, "a block"));
  if (token.kind !== "word") return expressionStatement(p);
  switch (token.text) {
    case "if":
      return maybeLast(p, choice(p));
    case "else":
      return p.unexpected("a statement", { help: "an `else` follows the `}` of its `if`" });
    case "while":
      return p.nested(() => whileLoop(p));
    case "unroll":
      return p.nested(() => unroll(p));
    case "for":
      return p.nested(() => forLoop(p));
    case "let":
      return letStatement(p);
    case "return":
      return returnStatement(p);
    case "break":
    case "continue":
      p.next();
      endStatement(p);
      return { kind: token.text, span: p.span(token) };
    case "import":
      if (p.peek(1).kind !== "string") break;
      return importStatement(p);
    case "_":
      if (p.peek(1).kind !== "=") break;
      return assignment(p, undefined, p.next());
  }
  return expressionStatement(p);
}

function maybeLast(p: Cursor, value: Choice | Body): Found {
  return p.at("}") ? { kind: "last", value } : asStatement(value);
}

/** Takes the semicolon, which may be left out before `}`. One that is missing at the end of a line ends nothing else. */
function endStatement(p: Cursor, help?: string): void {
  if (p.accept(";") || p.at("}")) return;
  const { kind } = p.peek();
  if (kind === "end" || kind === "attach-point" || kind === "error") return;
  const end = p.previous.end;
  const labels = [{ span: { source: p.source, start: end, end }, message: "a `;` is missing here" }];
  if (!p.onNewLine) p.unexpected("`;` to end the statement", { help }, "missing-semicolon");
  recovering(p, () => p.unexpected("`;` to end the statement", { labels, help }, "missing-semicolon"));
}

function choice(p: Cursor): Choice {
  return p.nested(() => {
    const start = p.next();
    const test = p.head(() => condition(p));
    const then = body(p, "`if`");
    const rest = otherwise(p);
    return { kind: "choice", span: p.from(start), condition: test ?? resume(), then, otherwise: rest };
  });
}

/** For a statement whose head is broken, behind its block. */
function resume(): never {
  throw RESUME;
}

function otherwise(p: Cursor): Body | Choice | undefined {
  const token = p.peek();
  if (token.kind === "word" && ELSE_IF.has(token.text)) {
    p.report("unknown-keyword", p.span(token), `there is no \`${token.text}\``, { help: "write `else if`" });
    return choice(p);
  }
  if (!p.acceptWord("else")) return undefined;
  return p.atWord("if") ? choice(p) : body(p, "`else`");
}

/** An `if` where a value has to be. */
export function ifValue(p: Cursor): Ternary {
  const found = choice(p);
  const value = asTernary(found);
  if (value) return value;
  return p.fail("missing-value", { ...found.span, end: found.span.start + 2 }, "this `if` has no value", {
    help: "it needs an `else`, and each block has to end with an expression without a semicolon",
  });
}

function whileLoop(p: Cursor): Statement {
  const start = p.next();
  const test = p.head(() => condition(p));
  const inner = block(p, "`while`");
  return { kind: "while", span: p.from(start), condition: test ?? resume(), body: inner };
}

function unroll(p: Cursor): Statement {
  const start = p.next();
  const count = p.head(() => condition(p));
  const inner = block(p, "`unroll`");
  return { kind: "unroll", span: p.from(start), count: count ?? resume(), body: inner };
}

const LOOP_HELP = "loops run over a map, `for ($kv : @map)`, or over a range, `for ($i : 0..10)`";

function forLoop(p: Cursor): For {
  const start = p.next();
  const head = p.head(() => loopHead(p));
  const inner = block(p, "`for`");
  return { kind: "for", span: p.from(start), ...(head ?? resume()), body: inner };
}

function loopHead(p: Cursor): Pick<For, "variable" | "over"> {
  const open = p.peek();
  const parenthesised = p.accept("(");
  if (!p.at("variable")) p.unexpected("the variable of the loop", { help: LOOP_HELP });
  const loopVariable = variable(p);
  p.expect(":", "behind the variable of the loop", LOOP_HELP);
  const over = loopRange(p);
  if (parenthesised) p.close({ ...open, kind: "(" }, "the head of the loop");
  return { variable: loopVariable, over };
}

function loopRange(p: Cursor): MapName | Range {
  const start = expression(p);
  if (p.accept("..")) {
    const end = expression(p);
    return { kind: "range", span: p.from(start.span), start, end };
  }
  if (start.kind === "map") return start;
  return p.fail("bad-loop", start.span, "a loop runs over a whole map or a range", { help: LOOP_HELP });
}

function letStatement(p: Cursor): Let {
  const start = p.next();
  if (p.at("map")) {
    const help = "maps need no declaration; to set a map's type, write the `let` outside of the probes";
    p.unexpected("a variable such as `$x` behind `let`", { help });
  }
  const declared = variable(p);
  let declaredType = p.accept(":") ? type(p) : undefined;
  // `let $p: struct s *= x`: the star belongs to the type, although the lexer reads it with what follows.
  const star = declaredType !== undefined && p.accept("*=");
  if (star) declaredType = { ...declaredType!, modifiers: [...declaredType!.modifiers, "*"] };
  const value = star || p.accept("=") ? expression(p) : undefined;
  const span = p.from(start);
  endStatement(p);
  return { kind: "let", span, variable: declared, type: declaredType, value };
}

function returnStatement(p: Cursor): Return {
  const start = p.next();
  const value = p.at(";") || p.at("}") ? undefined : expression(p);
  const span = p.from(start);
  endStatement(p);
  return { kind: "return", span, value };
}

/** `import "path";` */
export function importStatement(p: Cursor): Import {
  const start = p.next();
  const path = p.expect("string", "with the path to import");
  const span = p.from(start);
  p.expect(";", "behind the import");
  return { kind: "import", span, path: { kind: "string", span: p.span(path), value: path.value } };
}

function expressionStatement(p: Cursor): Found {
  const start = p.peek();
  const found = expression(p);
  if (isAssignmentOperator(p.peek().kind)) return assignment(p, found, start);
  if (p.at("}")) return { kind: "last", value: found };
  const span = p.from(start);
  endStatement(p, start.kind === "word" ? habit(p, start) : undefined);
  if (found.kind === "binary" && found.operator === "==" && isAssignable(found.left)) {
    p.warn("unused-comparison", span, "this comparison has no effect", { help: "to assign, write `=`" });
  }
  return { kind: "expression-statement", span, expression: found };
}

/** A hint for a statement that begins with this word and then goes on in a way that the language does not know. */
function habit(p: Cursor, start: Token): string | undefined {
  const foreign = FOREIGN_STATEMENTS.get(start.text);
  if (foreign !== undefined) return foreign;
  if (p.at("{")) return didYouMean(start.text, BLOCK_WORDS);
  if (!C_TYPES.has(start.text)) return undefined;
  const next = p.peek();
  const called = next.kind === "variable" ? next.text : `$${next.text}`;
  return `variables are declared without a type: \`${called} = ...\``;
}

function assignment(p: Cursor, target: Expression | undefined, start: Token): Assignment {
  const operator = p.next().kind;
  if (!isAssignmentOperator(operator)) return p.unexpected("an assignment");
  const checked = target && assignable(p, target);
  const value = expression(p);
  const span = p.from(start);
  if (isAssignmentOperator(p.peek().kind)) {
    p.unexpected("`;` to end the statement", { help: "an assignment has no value: write two statements" });
  }
  endStatement(p);
  return { kind: "assignment", span, target: checked, operator, value };
}

function isAssignable(target: Expression): target is NonNullable<Assignment["target"]> {
  return ["variable", "map", "map-access", "field"].includes(target.kind);
}

function assignable(p: Cursor, target: Expression): NonNullable<Assignment["target"]> {
  if (isAssignable(target)) return target;
  return p.fail("invalid-assignment-target", target.span, "nothing can be assigned to this", {
    help: assignmentHelp(target),
  });
}

function assignmentHelp(target: Expression): string | undefined {
  switch (target.kind) {
    case "identifier":
      return `did you mean the variable \`$${target.name}\` or the map \`@${target.name}\`?`;
    case "index":
      return "only maps have elements that can be set: `@x[key] = value`";
    case "tuple-access":
      return "a tuple cannot be changed: make a new one";
    case "positional":
      return "parameters cannot be changed: use a variable with a name";
    case "binary":
      return target.operator === "==" ? "assign with a single `=`" : undefined;
    default:
      return undefined;
  }
}
