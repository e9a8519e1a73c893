/**
 * The syntax tree of a script. Nodes are plain immutable data with a span each; what later passes learn about a
 * node (its type, its resolved name) lives in side tables keyed by the node, so the tree is never changed.
 */
import type { Span } from "../source.ts";

export interface Script {
  kind: "script";
  span: Span;
  /** `struct`, `union`, `enum`, `#define`, `#include`: the text, to be read by the C definitions' own parser. */
  definitions: CDefinition[];
  config: ConfigBlock | undefined;
  imports: Import[];
  mapDeclarations: MapDeclaration[];
  macros: Macro[];
  functions: FunctionDefinition[];
  probes: Probe[];
  comments: Comment[];
}

export interface Comment {
  kind: "comment";
  span: Span;
  /** Including its `//` or slash-star markers; a `#!` line at the top of a script counts as a comment. */
  text: string;
}

export interface CDefinition {
  kind: "c-definition";
  span: Span;
  form: "struct" | "union" | "enum" | "define" | "include" | "typedef" | "other";
  text: string;
}

export interface ConfigBlock {
  kind: "config";
  span: Span;
  entries: ConfigEntry[];
}

export interface ConfigEntry {
  kind: "config-entry";
  span: Span;
  name: Name;
  /** A number, a string, or a bare word such as `perf` or `true`. */
  value: { kind: "integer"; value: bigint; span: Span } | { kind: "string" | "word"; value: string; span: Span };
}

/** Among the first items of a script, or a statement in a block. */
export interface Import {
  kind: "import";
  span: Span;
  path: StringLiteral;
}

/** `let @a = lruhash(100);` */
export interface MapDeclaration {
  kind: "map-declaration";
  span: Span;
  map: MapName;
  mapType: Name;
  maxEntries: Expression;
}

export interface Macro {
  kind: "macro";
  span: Span;
  name: Name;
  parameters: (Variable | MapName | Identifier)[];
  body: Block | BlockExpression;
}

/** `fn name($a : int32) : int64 { ... }` */
export interface FunctionDefinition {
  kind: "function";
  span: Span;
  name: Name;
  parameters: { variable: Variable; type: TypeName | TypeOf }[];
  returnType: TypeName | TypeOf;
  body: Block;
}

export interface Probe {
  kind: "probe";
  span: Span;
  attachPoints: AttachPoint[];
  predicate: Expression | undefined;
  body: Block;
}

/**
 * `name=provider:part:part`; the parts are kept as written (quotes removed), wildcards included. An `@` that stands
 * outside quotes is a part of its own: `uprobe:/bin/x@file.c:12` has the parts `/bin/x`, `@`, `file.c` and `12`.
 */
export interface AttachPoint {
  kind: "attach-point";
  span: Span;
  name: Name | undefined;
  provider: Name;
  parts: AttachPointPart[];
}

export interface AttachPointPart extends Name {
  /** Whether some of it stood in quotes. */
  quoted: boolean;
  /** Where `$1` and its like stand in the text; one in quotes is no parameter. */
  parameters: { start: number; end: number; index: number }[];
}

/** A word together with where it stands. */
export interface Name {
  text: string;
  span: Span;
}

// Statements

export type Statement =
  | ExpressionStatement
  | Assignment
  | Let
  | If
  | While
  | For
  | Unroll
  | Return
  | Jump
  | Block
  | Import;

export interface Block {
  kind: "block";
  span: Span;
  statements: Statement[];
}

export interface ExpressionStatement {
  kind: "expression-statement";
  span: Span;
  expression: Expression;
}

export type AssignmentOperator = "=" | "+=" | "-=" | "*=" | "/=" | "%=" | "&=" | "|=" | "^=" | "<<=" | ">>=";

/** `target op value`; a discard (`_ = value`) has the target undefined. */
export interface Assignment {
  kind: "assignment";
  span: Span;
  target: Variable | MapName | MapAccess | FieldAccess | undefined;
  operator: AssignmentOperator;
  value: Expression;
}

/** `let $x;`, `let $x: uint64;`, `let $x = 1;` */
export interface Let {
  kind: "let";
  span: Span;
  variable: Variable;
  type: TypeName | TypeOf | undefined;
  value: Expression | undefined;
}

export interface If {
  kind: "if";
  span: Span;
  condition: Expression;
  then: Block;
  /** An `else if` is a block of one `if`. */
  otherwise: Block | undefined;
}

export interface While {
  kind: "while";
  span: Span;
  condition: Expression;
  body: Block;
}

/** `for ($kv : @map)` or `for ($i : start..end)` */
export interface For {
  kind: "for";
  span: Span;
  variable: Variable;
  over: MapName | Range;
  body: Block;
}

export interface Range {
  kind: "range";
  span: Span;
  start: Expression;
  end: Expression;
}

export interface Unroll {
  kind: "unroll";
  span: Span;
  count: Expression;
  body: Block;
}

export interface Return {
  kind: "return";
  span: Span;
  value: Expression | undefined;
}

export interface Jump {
  kind: "break" | "continue";
  span: Span;
}

// Expressions

export type Expression =
  | IntegerLiteral
  | StringLiteral
  | BooleanLiteral
  | Identifier
  | Positional
  | Variable
  | MapName
  | MapAccess
  | Unary
  | Increment
  | Binary
  | Ternary
  | FieldAccess
  | IndexAccess
  | TupleAccess
  | TupleExpression
  | RecordExpression
  | Call
  | Cast
  | SizeOf
  | OffsetOf
  | TypeOf
  | TypeInfo
  | Comptime
  | BlockExpression;

export interface IntegerLiteral {
  kind: "integer";
  span: Span;
  /** 0 .. 2^64-1; a minus sign is a unary operator. */
  value: bigint;
}

export interface StringLiteral {
  kind: "string";
  span: Span;
  /** With escapes resolved; each character is one byte (0-255) of the script's UTF-8 text or of an escape. */
  value: string;
}

export interface BooleanLiteral {
  kind: "boolean";
  span: Span;
  value: boolean;
}

/** A builtin, an enumerator, a C constant, a macro called without parentheses or a macro's parameter. */
export interface Identifier {
  kind: "identifier";
  span: Span;
  name: string;
}

/** `$1` (index 1) or `$#` (index 0). */
export interface Positional {
  kind: "positional";
  span: Span;
  index: number;
}

export interface Variable {
  kind: "variable";
  span: Span;
  /** With its dollar sign: `$x`. */
  name: string;
}

/** A whole map, or a scalar map's value: `@x`, `@`. */
export interface MapName {
  kind: "map";
  span: Span;
  /** With its at sign: `@x`. */
  name: string;
}

/** `@x[key]`; `@x[a, b]` has a tuple as its key. */
export interface MapAccess {
  kind: "map-access";
  span: Span;
  map: MapName;
  key: Expression;
}

export interface Unary {
  kind: "unary";
  span: Span;
  operator: "-" | "+" | "!" | "~" | "*" | "&";
  operand: Expression;
}

export interface Increment {
  kind: "increment";
  span: Span;
  operator: "++" | "--";
  prefix: boolean;
  target: Variable | MapName | MapAccess;
}

export type BinaryOperator =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "&"
  | "|"
  | "^"
  | "<<"
  | ">>"
  | "&&"
  | "||"
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">=";

export interface Binary {
  kind: "binary";
  span: Span;
  operator: BinaryOperator;
  left: Expression;
  right: Expression;
}

/**
 * `a ? b : c`, or an `if` that stands for a value (its branches are block expressions then, or another ternary after
 * `else if`). In the short form `a ?: c` the same node is both condition and `then`, and is evaluated once.
 */
export interface Ternary {
  kind: "ternary";
  span: Span;
  form: "operator" | "if";
  condition: Expression;
  then: Expression;
  otherwise: Expression;
}

/** `a.b` and `a->b` mean the same. */
export interface FieldAccess {
  kind: "field";
  span: Span;
  object: Expression;
  field: Name;
  arrow: boolean;
}

export interface IndexAccess {
  kind: "index";
  span: Span;
  object: Expression;
  index: Expression;
}

/** `$t.0` */
export interface TupleAccess {
  kind: "tuple-access";
  span: Span;
  object: Expression;
  index: number;
}

export interface TupleExpression {
  kind: "tuple";
  span: Span;
  elements: Expression[];
}

/** `(a=1, b="x")` */
export interface RecordExpression {
  kind: "record";
  span: Span;
  fields: { name: Name; value: Expression }[];
}

export interface Call {
  kind: "call";
  span: Span;
  callee: Name;
  /** A type, or a block without a value, stands as an argument only where a function or a macro takes one. */
  args: (Expression | TypeName | Block)[];
}

export interface Cast {
  kind: "cast";
  span: Span;
  type: TypeName | TypeOf;
  operand: Expression;
}

export interface SizeOf {
  kind: "sizeof";
  span: Span;
  of: Expression | TypeName;
}

export interface OffsetOf {
  kind: "offsetof";
  span: Span;
  of: Expression | TypeName;
  path: Name[];
}

export interface TypeOf {
  kind: "typeof";
  span: Span;
  of: Expression | TypeName;
  /** As in a type name: `typeof(x)*`, `typeof(x)[4]`. */
  modifiers: TypeModifier[];
}

/** `typeinfo(x)`: a record that describes a type. */
export interface TypeInfo {
  kind: "typeinfo";
  span: Span;
  of: Expression | TypeName;
}

/** `comptime x`: `x` has to be known when the script is compiled. */
export interface Comptime {
  kind: "comptime";
  span: Span;
  operand: Expression;
}

/**
 * `{ statements; value }`: the last expression has no semicolon. Only where the body of a macro that gives no value has
 * taken the place of its call, there is none.
 */
export interface BlockExpression {
  kind: "block-expression";
  span: Span;
  statements: Statement[];
  value: Expression | undefined;
}

/**
 * What a type is made into, one step: a pointer to it, an array of so many of it, or an array whose length follows from
 * the value (`[]`). After `string` and `buffer` the number is the size in bytes.
 */
export type TypeModifier = "*" | "[]" | number;

/** `uint64`, `struct task_struct *`, `int8[16]`, `string[64]`, `int32*[4]` */
export interface TypeName {
  kind: "type-name";
  span: Span;
  /** `struct`, `union` or `enum` where it was written. */
  tag: "struct" | "union" | "enum" | undefined;
  name: string;
  /** Applied from left to right: `int32*[4]` is an array of four pointers. */
  modifiers: TypeModifier[];
}

export type Node =
  | Script
  | Comment
  | CDefinition
  | ConfigBlock
  | ConfigEntry
  | Import
  | MapDeclaration
  | Macro
  | FunctionDefinition
  | Probe
  | AttachPoint
  | Range
  | TypeName
  | Statement
  | Expression;
