/**
 * What the syntax tests share: parsing a text, a tree without its spans for comparisons, and a tree's shape as a short
 * text in prefix notation, so that a case fits on a line.
 */
import { type Diagnostic, Diagnostics, renderDiagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import type { Call, Expression, Script, Statement, TypeName, TypeOf } from "../../../compiler/syntax/ast.ts";
import { parse } from "../../../compiler/syntax/parser.ts";
import { print } from "../../../compiler/syntax/printer.ts";
import { unreachable } from "../../../compiler/unreachable.ts";

export function parseText(text: string): { script: Script; diags: Diagnostics } {
  const diags = new Diagnostics();
  return { script: parse(new Source("test.bt", text), diags), diags };
}

/** The tree of a text that has to be without any diagnostic. */
export function parseClean(text: string): Script {
  const { script, diags } = parseText(text);
  if (diags.items.length > 0) throw new Error(`unexpected diagnostics:\n${renderDiagnostics(diags.items)}\n${text}`);
  return script;
}

/** The tree of a text that may have warnings, but no errors. */
export function parseValid(text: string): Script {
  const { script, diags } = parseText(text);
  if (diags.hasErrors) throw new Error(`unexpected errors:\n${renderDiagnostics(diags.errors)}\n${text}`);
  return script;
}

/** "code line:column" of a diagnostic, and the text it is about. */
export function place(d: Diagnostic): string {
  const { line, column } = d.span.source.position(d.span.start);
  return `${d.code} ${line}:${column}`;
}

/** A tree to compare: without spans, with bigints as text, comments without their indentation. */
export function withoutSpans(node: unknown): unknown {
  return JSON.parse(
    JSON.stringify(node, (key, value) => {
      if (key === "span") return undefined;
      if (typeof value === "bigint") return `${value}n`;
      if (value?.kind === "comment") return value.text.replace(/\s*\n\s*/g, "\n");
      return value;
    }),
  );
}

/** Prints a script, and checks that the text means the same and is printed the same again. Returns the text. */
export function roundTrip(script: Script): string {
  const printed = print(script);
  const again = parseValid(printed);
  const [before, after] = [withoutSpans(script), withoutSpans(again)].map((tree) => JSON.stringify(tree, null, 1));
  if (before !== after) throw new Error(`another tree behind printing:\n${printed}\n${before}\n${after}`);
  const second = print(again);
  if (second !== printed) throw new Error(`printed differently the second time:\n${printed}\n---\n${second}`);
  return printed;
}

/** The only statement of `BEGIN { ... }`. */
export function statementOf(text: string): { statement: Statement; script: Script } {
  const script = parseClean(`BEGIN { ${text} }`);
  const statements = script.probes[0]?.body.statements ?? [];
  if (statements.length !== 1) throw new Error(`${statements.length} statements in ${text}`);
  return { statement: statements[0]!, script };
}

/** The expression of `BEGIN { _ = ...; }`. */
export function expressionOf(text: string): { expression: Expression; script: Script } {
  const { statement, script } = statementOf(`_ = ${text};`);
  if (statement.kind !== "assignment") throw new Error(`a ${statement.kind}`);
  return { expression: statement.value, script };
}

export function shapeOfType(type: TypeName | TypeOf): string {
  const modifiers = type.modifiers.map((m) => (typeof m === "number" ? `[${m}]` : m)).join("");
  if (type.kind === "typeof") return `typeof(${shape(type.of)})${modifiers}`;
  return `${type.tag ? `${type.tag} ` : ""}${type.name}${modifiers}`;
}

export function shape(node: Call["args"][number]): string {
  switch (node.kind) {
    case "integer":
    case "boolean":
      return String(node.value);
    case "string":
      return JSON.stringify(node.value);
    case "identifier":
    case "variable":
    case "map":
      return node.name;
    case "positional":
      return `param${node.index}`;
    case "map-access":
      return `${node.map.name}[${shape(node.key)}]`;
    case "unary":
      return `(${node.operator} ${shape(node.operand)})`;
    case "increment":
      return node.prefix ? `(${node.operator} ${shape(node.target)})` : `(${shape(node.target)} ${node.operator})`;
    case "binary":
      return `(${node.operator} ${shape(node.left)} ${shape(node.right)})`;
    case "ternary": {
      const then = node.then === node.condition ? "=" : shape(node.then);
      return `(${node.form === "if" ? "if" : "?"} ${shape(node.condition)} ${then} ${shape(node.otherwise)})`;
    }
    case "field":
      return `${shape(node.object)}${node.arrow ? "->" : "."}${node.field.text}`;
    case "tuple-access":
      return `${shape(node.object)}.${node.index}`;
    case "index":
      return `${shape(node.object)}[${shape(node.index)}]`;
    case "tuple":
      return `(tuple${node.elements.map((e) => ` ${shape(e)}`).join("")})`;
    case "record":
      return `(record${node.fields.map((f) => ` ${f.name.text}=${shape(f.value)}`).join("")})`;
    case "call":
      return `${node.callee.text}(${node.args.map(shape).join(", ")})`;
    case "cast":
      return `(cast ${shapeOfType(node.type)} ${shape(node.operand)})`;
    case "sizeof":
    case "typeinfo":
      return `(${node.kind} ${shape(node.of)})`;
    case "offsetof":
      return `(offsetof ${shape(node.of)} ${node.path.map((p) => p.text).join(".")})`;
    case "typeof":
    case "type-name":
      return `<${shapeOfType(node)}>`;
    case "comptime":
      return `(comptime ${shape(node.operand)})`;
    case "block":
      return shapeOfStatements(node.statements);
    case "block-expression": {
      const statements = node.statements.map((s) => `${shapeOfStatement(s)}; `).join("");
      return `{${statements}${node.value ? shape(node.value) : ""}}`;
    }
    default:
      return unreachable(node);
  }
}

function shapeOfStatements(statements: readonly Statement[]): string {
  return `{${statements.map((s) => `${shapeOfStatement(s)};`).join(" ")}}`;
}

export function shapeOfStatement(node: Statement): string {
  switch (node.kind) {
    case "expression-statement":
      return shape(node.expression);
    case "assignment":
      return `${node.target ? shape(node.target) : "_"} ${node.operator} ${shape(node.value)}`;
    case "let": {
      const type = node.type ? `: ${shapeOfType(node.type)}` : "";
      return `let ${node.variable.name}${type}${node.value ? ` = ${shape(node.value)}` : ""}`;
    }
    case "if": {
      const otherwise = node.otherwise ? ` else ${shape(node.otherwise)}` : "";
      return `if ${shape(node.condition)} ${shape(node.then)}${otherwise}`;
    }
    case "while":
      return `while ${shape(node.condition)} ${shape(node.body)}`;
    case "unroll":
      return `unroll ${shape(node.count)} ${shape(node.body)}`;
    case "for": {
      const { over } = node;
      const range = over.kind === "map" ? over.name : `${shape(over.start)}..${shape(over.end)}`;
      return `for ${node.variable.name} : ${range} ${shape(node.body)}`;
    }
    case "return":
      return node.value ? `return ${shape(node.value)}` : "return";
    case "break":
    case "continue":
      return node.kind;
    case "block":
      return shape(node);
    case "import":
      return `import ${shape(node.path)}`;
    default:
      return unreachable(node);
  }
}
