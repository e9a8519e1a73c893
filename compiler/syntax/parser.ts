/**
 * The parser: a source becomes a Script, whatever the source holds. Errors go to the diagnostics; the parser goes on
 * behind the next semicolon or brace, so that several appear at once. Here are the items of the top level; statements,
 * expressions and types have files of their own.
 */
import type { Diagnostics } from "../diagnostics.ts";
import { type Source, span } from "../source.ts";
import type {
  AttachPoint,
  Block,
  CDefinition,
  ConfigBlock,
  ConfigEntry,
  Expression,
  FunctionDefinition,
  Macro,
  MapDeclaration,
  Script,
} from "./ast.ts";
import { attachPoint } from "./attach-point.ts";
import { Cursor, isReported, RECOVER } from "./cursor.ts";
import { tokenize } from "./lexer.ts";
import { expression, identifier, map, name, variable } from "./parser-expressions.ts";
import { block, blockOrValue, importStatement } from "./parser-statements.ts";
import { type } from "./parser-types.ts";
import { isReservedBuiltin, type Token } from "./token.ts";

/**
 * Parses a whole script. Never throws on account of its input; where the diagnostics hold errors afterwards, the script
 * lacks the statements and items that have them.
 */
export function parse(source: Source, diags: Diagnostics): Script {
  const { tokens, comments } = tokenize(source, diags);
  const p = new Cursor(source, tokens, diags);
  const script: Script = {
    kind: "script",
    span: span(source, 0, source.text.length),
    definitions: [],
    config: undefined,
    imports: [],
    mapDeclarations: [],
    macros: [],
    functions: [],
    probes: [],
    comments,
  };
  const order = new Order(p);
  while (!p.at("end")) {
    const before = p.progress;
    try {
      item(p, script, order);
    } catch (error) {
      if (!isReported(error)) throw error;
      if (p.progress === before) p.next();
      p.skipItem();
    }
  }
  return script;
}

/** Parses a text that is one expression; undefined where it is none, which was reported then. */
export function parseExpression(source: Source, diags: Diagnostics): Expression | undefined {
  const { tokens } = tokenize(source, diags, "code");
  const p = new Cursor(source, tokens, diags);
  try {
    const found = expression(p);
    if (!p.at("end")) p.unexpected("the end of the expression");
    return diags.hasErrors ? undefined : found;
  } catch (error) {
    if (!isReported(error)) throw error;
    return undefined;
  }
}

/** The items of a script stand in groups: C definitions, then config and imports, then everything else. */
class Order {
  readonly #p: Cursor;
  #group = 0;
  #last: Token | undefined;

  constructor(p: Cursor) {
    this.#p = p;
  }

  check(group: 0 | 1 | 2, token: Token, what: string): void {
    if (group < this.#group && this.#last) {
      const before = group === 0 ? "everything else" : "probes, macros and map declarations";
      this.#p.report("misplaced-item", this.#p.span(token), `${what} has to stand before ${before}`, {
        help: "move it up",
        labels: [{ span: this.#p.span(this.#last), message: "this has to come later" }],
      });
    } else if (group > this.#group || this.#last === undefined) {
      this.#group = group;
      this.#last = token;
    }
  }
}

function item(p: Cursor, script: Script, order: Order): void {
  const token = p.peek();
  if (token.kind === "c-definition") {
    order.check(0, token, "a C definition");
    script.definitions.push(definition(p));
    return;
  }
  if (token.kind === "word" && (token.text === "config" || token.text === "import")) {
    order.check(1, token, token.text === "config" ? "the `config` block" : "an import");
    if (token.text === "import") script.imports.push(importStatement(p));
    else script.config = config(p, script.config);
    return;
  }
  order.check(2, token, "");
  switch (token.kind === "word" ? token.text : token.kind) {
    case "macro":
      script.macros.push(macro(p));
      return;
    case "fn":
      script.functions.push(functionDefinition(p));
      return;
    case "let":
      script.mapDeclarations.push(mapDeclaration(p));
      return;
    case "attach-point":
      probe(p, script);
      return;
    default:
      notAnItem(p, token);
  }
}

function notAnItem(p: Cursor, token: Token): void {
  switch (token.kind) {
    case "{":
    case "predicate-start":
      p.report("expected-probe", p.span(token), `expected a probe before \`${token.text}\``, {
        help: "write what the block is for: `begin { ... }`, `kprobe:vfs_read { ... }`",
      });
      if (token.kind === "predicate-start") predicate(p);
      block(p, "a probe");
      return;
    case "}":
      p.next();
      p.report("unmatched-brace", p.span(token), "this `}` closes nothing", {
        help: "remove it, or look for a `}` too many above",
      });
      return;
    case ";":
      p.next();
      p.report("unexpected-token", p.span(token), "no `;` stands between probes", { help: "remove it" });
      return;
    default:
      p.unexpected("a probe", {}, "expected-probe");
  }
}

function definition(p: Cursor): CDefinition {
  const { start, end, text } = p.next();
  const word = /^#?\s*(\w*)/.exec(text)?.[1] ?? "";
  return { kind: "c-definition", span: span(p.source, start, end), form: FORMS.get(word) ?? "other", text };
}

const FORMS: ReadonlyMap<string, CDefinition["form"]> = new Map(
  (["struct", "union", "enum", "define", "include", "typedef"] as const).map((form) => [form, form]),
);

/** `config = { name = value; ... }` */
function config(p: Cursor, earlier: ConfigBlock | undefined): ConfigBlock {
  const start = p.next();
  p.expect("=", "behind `config`");
  const open = p.expect("{", "to begin the `config` block");
  const entries: ConfigEntry[] = [];
  while (!p.at("}")) {
    if (p.at("end") || p.at("attach-point") || p.at("c-definition")) p.close(open, "the `config` block");
    try {
      entries.push(configEntry(p));
    } catch (error) {
      if (!isReported(error)) throw error;
      p.skipStatement();
    }
  }
  p.next();
  const where = p.from(start);
  if (earlier) {
    const labels = [{ span: earlier.span, message: "the first one is here" }];
    p.report("duplicate-config", p.span(start), "there is more than one `config` block", { labels });
  }
  return { kind: "config", span: where, entries: earlier ? [...earlier.entries, ...entries] : entries };
}

function configEntry(p: Cursor): ConfigEntry {
  const key = p.expect("word", "of a setting");
  p.expect("=", `behind \`${key.text}\``);
  const value = configValue(p);
  const where = p.from(key);
  if (!p.at("}") && !p.at("end")) p.expect(";", "between two settings");
  return { kind: "config-entry", span: where, name: name(key, p), value };
}

function configValue(p: Cursor): ConfigEntry["value"] {
  const token = p.peek();
  switch (token.kind) {
    case "integer":
    case "string":
      p.next();
      return token.kind === "integer"
        ? { kind: "integer", value: token.value, span: p.span(token) }
        : { kind: "string", value: token.value, span: p.span(token) };
    case "word":
      p.next();
      return { kind: "word", value: token.text, span: p.span(token) };
    default:
      return p.unexpected("a number, a string or a word");
  }
}

/** `let @a = lruhash(100);` */
function mapDeclaration(p: Cursor): MapDeclaration {
  const start = p.next();
  if (!p.at("map")) {
    const help = "only maps are declared outside of the probes: `let @name = hash(100);`";
    p.unexpected("a map behind `let`", { help });
  }
  const target = map(p);
  p.expect("=", `behind \`${target.name}\``);
  const mapType = name(p.expect("word", "of a type of map"), p);
  const open = p.expect("(", `behind \`${mapType.text}\``);
  const maxEntries = expression(p);
  p.close(open, "the map's size");
  const where = p.from(start);
  p.accept(";");
  return { kind: "map-declaration", span: where, map: target, mapType, maxEntries };
}

/** `macro name($a, b, @c) { ... }` */
function macro(p: Cursor): Macro {
  const start = p.next();
  const macroName = name(p.expect("word", "of a macro"), p);
  const parameters: Macro["parameters"] = [];
  const open = p.peek();
  if (p.accept("(")) {
    if (!p.at(")")) {
      do parameters.push(macroParameter(p));
      while (p.accept(","));
    }
    p.close({ ...open, kind: "(" }, `the parameters of \`${macroName.text}\``);
  }
  const body = blockOrValue(p, `the macro \`${macroName.text}\``);
  return { kind: "macro", span: p.from(start), name: macroName, parameters, body };
}

function macroParameter(p: Cursor): Macro["parameters"][number] {
  switch (p.peek().kind) {
    case "variable":
      return variable(p);
    case "map":
      return map(p);
    case "word": {
      const parameter = identifier(p);
      if (isReservedBuiltin(parameter.name)) {
        const message = `a parameter cannot be called \`${parameter.name}\`: that is a builtin`;
        p.report("reserved-name", parameter.span, message);
      }
      return parameter;
    }
    default:
      return p.unexpected("a parameter: a name, `$x` or `@x`");
  }
}

/** `fn name($a : int32) : int64 { ... }` */
function functionDefinition(p: Cursor): FunctionDefinition {
  const start = p.next();
  const functionName = name(p.expect("word", "of a function"), p);
  const open = p.expect("(", `behind \`${functionName.text}\``);
  const parameters: FunctionDefinition["parameters"] = [];
  if (!p.at(")")) {
    do parameters.push(functionParameter(p));
    while (p.accept(","));
  }
  p.close(open, `the parameters of \`${functionName.text}\``);
  p.expect(":", "and the type of the result");
  const returnType = type(p);
  const body = block(p, `the function \`${functionName.text}\``);
  return { kind: "function", span: p.from(start), name: functionName, parameters, returnType, body };
}

function functionParameter(p: Cursor): FunctionDefinition["parameters"][number] {
  const parameter = variable(p);
  p.expect(":", `and the type of \`${parameter.name}\``);
  return { variable: parameter, type: type(p) };
}

/** `kprobe:a, kprobe:b /predicate/ { ... }` */
function probe(p: Cursor, script: Script): void {
  const start = p.peek();
  const attachPoints = [attachPoint(p)];
  while (p.accept(",") && !p.at("predicate-start") && !p.at("{")) attachPoints.push(attachPoint(p));
  const condition = p.at("predicate-start") ? predicate(p) : undefined;
  if (condition === "broken" && !p.at("{")) throw RECOVER;
  const body = probeBody(p, attachPoints);
  if (body === undefined || condition === "broken") return;
  script.probes.push({ kind: "probe", span: p.from(start), attachPoints, predicate: condition, body });
}

/** A probe without a block is reported; the next one is read all the same. */
function probeBody(p: Cursor, attachPoints: readonly AttachPoint[]): Block | undefined {
  const token = p.peek();
  if (token.kind === "{") return block(p, "a probe");
  const last = attachPoints.at(-1)!;
  const torn = last.parts.at(-1)?.text === "" && token.kind === "attach-point";
  const help = torn
    ? "write it without blanks"
    : "put the statements in braces behind the probe; a comma joins several probes to one block";
  const where = token.kind === "end" || p.onNewLine ? last.span : p.span(token);
  if (token.kind !== "error") p.report("missing-body", where, "expected `{` to begin the block of the probe", { help });
  if (token.kind !== "attach-point" && token.kind !== "end") throw RECOVER;
  if (torn) {
    p.next();
    if (p.at("{")) block(p, "a probe");
  }
  return undefined;
}

/** `/ condition /`: where it is broken, the probe's body is read all the same. */
function predicate(p: Cursor): Expression | "broken" {
  const start = p.next();
  try {
    const condition = p.statement(() => expression(p));
    if (p.accept("predicate-end")) return condition;
    if (p.at("=")) {
      p.fail("assignment-in-condition", p.span(p.peek()), "a predicate compares; `=` assigns", { help: "write `==`" });
    }
    const labels = [{ span: p.span(start), message: "the predicate begins here" }];
    p.unexpected("`/` to close the predicate", { labels });
  } catch (error) {
    if (!isReported(error)) throw error;
    while (!p.at("{") && !p.at("end") && !p.at("attach-point")) if (p.next().kind === "predicate-end") break;
    return "broken";
  }
}
