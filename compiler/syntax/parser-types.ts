/**
 * Type names, and the question whether a parenthesis or an argument holds a type or a value. The language has no
 * declarations to look a name up in, so the question is answered from the shape: what follows the name, and what
 * the name is known for.
 */
import type { Expression, TypeModifier, TypeName, TypeOf } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import { expression } from "./parser-expressions.ts";
import { KEYWORDS, type TokenKind } from "./token.ts";

const TYPE_NAMES: ReadonlySet<string> = new Set(
  (
    "bool void int8 int16 int32 int64 uint8 uint16 uint32 uint64 string buffer inet username " +
    "int char short long unsigned signed float double timestamp u8 u16 u32 u64 s8 s16 s32 s64"
  ).split(" "),
);

const TYPE_PATTERN = /_t$|^__[usbl]e?(?:8|16|32|64)$/;

/** Builtins that people put into parentheses; a name that is neither here nor known as a type may be either. */
const VALUE_NAMES: ReadonlySet<string> = new Set(
  (
    "args ctx kstack ustack nsecs pid tid uid gid comm cpu cgroup elapsed rand cpid ppid probe probetype func retval " +
    "curtask ncpus numaid usermode jiffies username pgid sid tgid true false"
  ).split(" "),
);
const VALUE_PATTERN = /^s?arg\d+$|^[A-Z][A-Z0-9_]+$|^__builtin_/;

const TAGS: ReadonlySet<string> = new Set(["struct", "union", "enum"]);

const isKnownType = (name: string): boolean => TYPE_NAMES.has(name) || TYPE_PATTERN.test(name);
const isKnownValue = (name: string): boolean => VALUE_NAMES.has(name) || VALUE_PATTERN.test(name);

/** What only an operand begins with; a name in parentheses before it is a cast. */
const STARTS_OPERAND: ReadonlySet<TokenKind> = new Set([
  "integer",
  "string",
  "variable",
  "map",
  "positional",
  "!",
  "~",
  "++",
  "--",
]);
/** What may begin an operand or go on with an expression. */
const AMBIGUOUS: ReadonlySet<TokenKind> = new Set(["-", "*", "&", "+", "("]);

/** Whether the parenthesis that comes next holds the type of a cast. A `typeof` in it is not looked at. */
export function atCast(p: Cursor): boolean {
  const name = p.peek(1);
  if (name.kind !== "word") return false;
  if (TAGS.has(name.text)) return true;
  if (KEYWORDS.has(name.text) || isKnownValue(name.text)) return false;
  const end = modifiersEnd(p, 2);
  if (p.peek(end).kind !== ")") return false;
  if (p.peek(end - 1).kind === "*") return true;
  return beginsOperand(p, end + 1, true);
}

/** Whether an operand stands `ahead`; `preferred` decides about what may as well be a binary operator. */
export function beginsOperand(p: Cursor, ahead: number, preferred: boolean): boolean {
  const { kind, text } = p.peek(ahead);
  if (kind === "word") return !KEYWORDS.has(text) || text === "if";
  return STARTS_OPERAND.has(kind) || (preferred && AMBIGUOUS.has(kind));
}

/** The distance of the first token behind `*`, `[]` and `[4]`. */
function modifiersEnd(p: Cursor, from: number): number {
  let ahead = from;
  for (;;) {
    if (p.peek(ahead).kind === "*") ahead++;
    else if (p.peek(ahead).kind !== "[") return ahead;
    else if (p.peek(ahead + 1).kind === "]") ahead += 2;
    else if (p.peek(ahead + 1).kind === "integer" && p.peek(ahead + 2).kind === "]") ahead += 3;
    else return ahead;
  }
}

/** Where a type or a value may stand alone: in `sizeof`, `offsetof`, `typeof`, `typeinfo`. */
export function typeOrExpression(p: Cursor): Expression | TypeName {
  return atTypeAlone(p, true) ? typeName(p) : expression(p);
}

/**
 * Whether a type stands alone before `)` or `,`. A name with an index behind it, `x[4]`, is taken for a type only where
 * `arrays` says so.
 */
export function atTypeAlone(p: Cursor, arrays: boolean): boolean {
  const { kind, text } = p.peek();
  if (kind !== "word") return false;
  if (TAGS.has(text)) return true;
  if (KEYWORDS.has(text) || isKnownValue(text)) return false;
  const end = modifiersEnd(p, 1);
  const after = p.peek(end).kind;
  if (after !== ")" && after !== ",") return false;
  return isKnownType(text) || p.peek(end - 1).kind === "*" || (arrays && end > 1);
}

/** Whether an expression, written alone where `atTypeAlone` looks, would be taken for a type. */
export function readsAsType(node: Expression, arrays: boolean): boolean {
  let base = node;
  while (base.kind === "index") base = base.object;
  if (base.kind !== "identifier" || isKnownValue(base.name)) return false;
  return isKnownType(base.name) || (arrays && node.kind === "index");
}

/** `uint64`, `struct task_struct *`, `int8[16]` */
export function typeName(p: Cursor): TypeName {
  const start = p.peek();
  const tag = start.kind === "word" && isTag(start.text) ? start.text : undefined;
  if (tag !== undefined) p.next();
  const name = p.expect("word", tag === undefined ? "of a type" : `behind \`${tag}\``).text;
  const modifiers = typeModifiers(p);
  return { kind: "type-name", span: p.from(start), tag, name, modifiers };
}

function isTag(text: string): text is "struct" | "union" | "enum" {
  return TAGS.has(text);
}

function typeModifiers(p: Cursor): TypeModifier[] {
  const modifiers: TypeModifier[] = [];
  for (;;) {
    if (p.accept("*")) modifiers.push("*");
    else if (p.at("[")) modifiers.push(arrayModifier(p));
    else return modifiers;
    p.link();
  }
}

function arrayModifier(p: Cursor): TypeModifier {
  const open = p.expect("[", "of an array type");
  if (p.accept("]")) return "[]";
  const size = p.expect("integer", "of elements in an array type");
  if (size.value > 0xffff_ffffn) p.report("number-too-large", p.span(size), "an array cannot be that long");
  p.close(open, "the array type");
  return Number(size.value);
}

/** `typeof(x)`; what makes a type of it, as in `typeof(x)*`, only where a type is expected. */
export function typeOf(p: Cursor, inType: boolean): TypeOf {
  const start = p.next();
  const open = p.expect("(", "behind `typeof`");
  const of = p.nested(() => typeOrExpression(p));
  p.close(open, "`typeof`");
  const modifiers = inType ? typeModifiers(p) : [];
  return { kind: "typeof", span: p.from(start), of, modifiers };
}

/** A type where nothing else may stand: behind the colon of a declaration, in a cast. */
export function type(p: Cursor): TypeName | TypeOf {
  return p.atWord("typeof") && p.peek(1).kind === "(" ? typeOf(p, true) : typeName(p);
}
