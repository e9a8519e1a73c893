/**
 * Expressions, by recursive descent; binary operators by precedence climbing, with the precedences of C.
 */
import type {
  BinaryOperator,
  Block,
  Call,
  Expression,
  Identifier,
  Increment,
  MapAccess,
  MapName,
  Name,
  Positional,
  RecordExpression,
  TypeName,
  Unary,
  Variable,
} from "./ast.ts";
import { type Cursor, WORD_OPERATORS } from "./cursor.ts";
import { blockExpression, blockOrValue, FOREIGN_STATEMENTS, ifValue } from "./parser-statements.ts";
import { atCast, atTypeAlone, beginsOperand, type, typeName, typeOf, typeOrExpression } from "./parser-types.ts";
import { KEYWORDS, type Token, type TokenKind } from "./token.ts";

/** Higher binds tighter; all are left-associative. */
export const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  "||": 1,
  "&&": 2,
  "|": 3,
  "^": 4,
  "&": 5,
  "==": 6,
  "!=": 6,
  "<": 7,
  "<=": 7,
  ">": 7,
  ">=": 7,
  "<<": 8,
  ">>": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
  "%": 10,
};

function isBinary(kind: TokenKind): kind is BinaryOperator {
  return Object.hasOwn(PRECEDENCE, kind);
}

export function expression(p: Cursor): Expression {
  return p.nested(() => ternary(p));
}

/** The rest of an expression whose first operand may have been read. */
function ternary(p: Cursor, first?: Expression): Expression {
  const condition = binary(p, 1, first);
  if (!p.accept("?")) return condition;
  const short = p.at(":");
  const then = short ? condition : expression(p);
  p.expect(":", "between the two values of `?`");
  const otherwise = expression(p);
  return { kind: "ternary", span: p.from(condition.span), form: "operator", condition, then, otherwise };
}

function binary(p: Cursor, lowest: number, first = unary(p)): Expression {
  let left = first;
  for (;;) {
    const { kind: operator } = p.peek();
    if (!isBinary(operator) || PRECEDENCE[operator] < lowest) return left;
    p.next();
    p.link();
    const right = binary(p, PRECEDENCE[operator] + 1);
    left = { kind: "binary", span: p.from(left.span), operator, left, right };
  }
}

function unary(p: Cursor): Expression {
  const token = p.peek();
  switch (token.kind) {
    case "-":
    case "+":
    case "!":
    case "~":
    case "*":
    case "&": {
      p.next();
      const operand = p.nested(() => unary(p));
      if (token.kind === "&" && operand.kind !== "variable" && operand.kind !== "map") {
        p.report("address-of", operand.span, "`&` takes the address of a variable or a map only");
      }
      return { kind: "unary", span: p.from(token), operator: token.kind, operand } satisfies Unary;
    }
    case "++":
    case "--": {
      p.next();
      const operand = p.nested(() => unary(p));
      return increment(p, token.kind, true, operand, token);
    }
    default:
      return postfix(p, primary(p));
  }
}

function increment(p: Cursor, operator: "++" | "--", prefix: boolean, operand: Expression, start: Token): Increment {
  if (operand.kind !== "variable" && operand.kind !== "map" && operand.kind !== "map-access") {
    p.fail("invalid-increment", operand.span, `\`${operator}\` changes a variable or a map, and this is neither`);
  }
  const span = prefix ? p.from(start) : p.from(operand.span);
  return { kind: "increment", span, operator, prefix, target: operand };
}

function postfix(p: Cursor, first: Expression): Expression {
  let object = first;
  for (;;) {
    const token = p.peek();
    switch (token.kind) {
      case ".":
      case "->":
        p.next();
        object = member(p, object, token.kind);
        break;
      case "[":
        object = index(p, object);
        break;
      case "++":
      case "--":
        p.next();
        object = increment(p, token.kind, false, object, token);
        break;
      default:
        return object;
    }
    p.link();
  }
}

function member(p: Cursor, object: Expression, operator: "." | "->"): Expression {
  const token = p.peek();
  if (token.kind === "integer" && operator === ".") {
    p.next();
    if (!/^\d{1,6}$/.test(token.text)) p.report("bad-number", p.span(token), "a tuple's element is a plain number");
    return { kind: "tuple-access", span: p.from(object.span), object, index: Number(token.value) };
  }
  const help =
    token.kind === "string" || token.kind === "variable" ? "a field is named without quotes or `$`" : undefined;
  const field = name(p.expect("word", `of a field behind \`${operator}\``, help), p);
  return { kind: "field", span: p.from(object.span), object, field, arrow: operator === "->" };
}

function index(p: Cursor, object: Expression): Expression {
  const open = p.expect("[", "of an index");
  const inner = expression(p);
  p.close(open, "the index");
  return { kind: "index", span: p.from(object.span), object, index: inner };
}

export function name(token: Token, p: Cursor): Name {
  return { text: token.text, span: p.span(token) };
}

function primary(p: Cursor): Expression {
  const token = p.peek();
  switch (token.kind) {
    case "integer":
      p.next();
      return { kind: "integer", span: p.span(token), value: token.value };
    case "string":
      p.next();
      return { kind: "string", span: p.span(token), value: token.value };
    case "variable":
      return variable(p);
    case "map":
      return mapOrAccess(p);
    case "positional":
      return positional(p);
    case "(":
      return parenthesised(p);
    case "{":
      return blockExpression(p);
    case "word":
      return word(p);
    default:
      return p.unexpected("an expression", {}, "expected-expression");
  }
}

export function variable(p: Cursor): Variable {
  const token = p.expect("variable", "here");
  return { kind: "variable", span: p.span(token), name: token.text };
}

export function map(p: Cursor): MapName {
  const token = p.expect("map", "here");
  return { kind: "map", span: p.span(token), name: token.text };
}

function mapOrAccess(p: Cursor): MapName | MapAccess {
  const target = map(p);
  const open = p.peek();
  if (open.kind !== "[") return target;
  p.next();
  const keys = [expression(p)];
  while (p.accept(",")) keys.push(expression(p));
  p.close({ ...open, kind: "[" }, `the key of \`${target.name}\``);
  const span = p.from(target.span);
  const [first] = keys;
  const key: Expression = keys.length === 1 && first ? first : { kind: "tuple", span, elements: keys };
  return { kind: "map-access", span, map: target, key };
}

function positional(p: Cursor): Positional {
  const token = p.next();
  const index = token.text === "$#" ? 0 : Number(token.text.slice(1));
  if (token.text !== "$#" && (index < 1 || index > 0x7fff_ffff)) {
    p.report("bad-positional", p.span(token), `there is no parameter \`${token.text}\``, {
      help: "they begin at `$1`",
    });
  }
  return { kind: "positional", span: p.span(token), index };
}

function word(p: Cursor): Expression {
  const token = p.peek();
  const called = p.peek(1).kind === "(";
  switch (token.text) {
    case "true":
    case "false":
      p.next();
      return { kind: "boolean", span: p.span(token), value: token.text === "true" };
    case "if":
      return ifValue(p);
    case "comptime": {
      p.next();
      const operand = p.nested(() => unary(p));
      return { kind: "comptime", span: p.from(token), operand };
    }
    case "sizeof":
    case "typeinfo":
      if (!called) break;
      return measure(p, token.text);
    case "offsetof":
      if (!called) break;
      return offsetOf(p);
    case "typeof":
      if (!called) break;
      return typeOf(p, false);
  }
  if (KEYWORDS.has(token.text)) p.unexpected("an expression", {}, "expected-expression");
  if (called || (p.peek(1).kind === "!" && p.peek(2).kind === "(")) return call(p);
  return identifier(p);
}

export function identifier(p: Cursor): Identifier {
  const token = p.expect("word", "here");
  const operator = WORD_OPERATORS.get(token.text);
  if (operator !== undefined && beginsOperand(p, 0, false)) {
    p.fail("unknown-operator", p.span(token), `there is no operator \`${token.text}\``, {
      help: `did you mean \`${operator}\`?`,
    });
  }
  return { kind: "identifier", span: p.span(token), name: token.text };
}

function measure(p: Cursor, kind: "sizeof" | "typeinfo"): Expression {
  const start = p.next();
  const open = p.expect("(", `behind \`${kind}\``);
  const of = p.nested(() => typeOrExpression(p));
  p.close(open, `\`${kind}\``);
  return { kind, span: p.from(start), of };
}

/** `offsetof(struct x, a.b)` */
function offsetOf(p: Cursor): Expression {
  const start = p.next();
  const open = p.expect("(", "behind `offsetof`");
  const of = p.nested(() => typeOrExpression(p));
  p.expect(",", "between the type and the field");
  const path: Name[] = [];
  do path.push(name(p.expect("word", "of a field"), p));
  while (p.accept("."));
  p.close(open, "`offsetof`");
  return { kind: "offsetof", span: p.from(start), of, path };
}

function call(p: Cursor): Call {
  const callee = name(p.next(), p);
  p.accept("!");
  const open = p.expect("(", "of a call");
  const args: Call["args"] = [];
  if (!p.at(")")) {
    do args.push(argument(p));
    while (p.accept(","));
  }
  p.close(open, `the arguments of \`${callee.text}\``, FOREIGN_STATEMENTS.get(callee.text));
  return { kind: "call", span: p.from(callee.span), callee, args };
}

function argument(p: Cursor): Expression | TypeName | Block {
  if (atTypeAlone(p, false)) return typeName(p);
  if (!p.at("{")) return expression(p);
  const braces = blockOrValue(p, "a block");
  return braces.kind === "block" ? braces : p.nested(() => ternary(p, postfix(p, braces)));
}

// What begins with a parenthesis: (x), (x, y), (x,), (), (a=1), (type)x

function parenthesised(p: Cursor): Expression {
  if (p.peek(1).kind === "word" && p.peek(2).kind === "=") return record(p);
  if (atCast(p)) return cast(p);
  const open = p.expect("(", "here");
  if (p.accept(")")) return { kind: "tuple", span: p.from(open), elements: [] };
  if (p.atWord("typeof") && p.peek(1).kind === "(") return typeOfInParentheses(p, open);
  return tupleOrGroup(p, open, expression(p));
}

function cast(p: Cursor): Expression {
  const open = p.expect("(", "of a cast");
  const target = type(p);
  p.close(open, "the type of the cast");
  const operand = p.nested(() => unary(p));
  return { kind: "cast", span: p.from(open), type: target, operand };
}

/** `(typeof(x))y` is a cast, `(typeof(x), y)` a tuple. */
function typeOfInParentheses(p: Cursor, open: Token & { kind: "(" }): Expression {
  const target = typeOf(p, true);
  if (p.at(")") && beginsOperand(p, 1, true)) {
    p.next();
    const operand = p.nested(() => unary(p));
    return { kind: "cast", span: p.from(open), type: target, operand };
  }
  return tupleOrGroup(p, open, target);
}

function tupleOrGroup(p: Cursor, open: Token & { kind: "(" }, first: Expression): Expression {
  const elements = [first];
  const isTuple = p.at(",");
  while (p.accept(",") && !p.at(")")) elements.push(expression(p));
  p.close(open, isTuple ? "the tuple" : "the parenthesis");
  return isTuple ? { kind: "tuple", span: p.from(open), elements } : first;
}

function record(p: Cursor): RecordExpression {
  const open = p.expect("(", "of a record");
  const fields: RecordExpression["fields"] = [];
  const seen = new Set<string>();
  do {
    const field = name(p.expect("word", "of a field"), p);
    if (seen.has(field.text))
      p.report("duplicate-field", field.span, `this record already has a field \`${field.text}\``);
    seen.add(field.text);
    p.expect("=", `behind the field \`${field.text}\``);
    fields.push({ name: field, value: expression(p) });
  } while (p.accept(","));
  p.close(open, "the record");
  return { kind: "record", span: p.from(open), fields };
}

/** The condition of an `if` or `while`, the count of an `unroll`, with or without parentheses. */
export function condition(p: Cursor): Expression {
  const looksAssigned = p.at("(") && p.peek(2).kind === "=";
  const looksEmpty = p.at("(") && p.peek(1).kind === ")";
  const result = expression(p);
  if (looksAssigned && result.kind === "record") assignmentInCondition(p, result);
  if (looksEmpty && result.kind === "tuple") {
    p.fail("expected-expression", result.span, "expected a condition between the parentheses");
  }
  return result;
}

function assignmentInCondition(p: Cursor, { fields: [field], span }: RecordExpression): never {
  const at = field?.name.span ?? span;
  p.fail("assignment-in-condition", at, "a condition compares; `=` assigns", { help: "write `==`" });
}
