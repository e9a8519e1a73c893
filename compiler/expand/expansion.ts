/**
 * Puts the bodies of macros where they are called. Variables that a body makes get names that nothing else can have, and an
 * argument is put in with the names of the place where it was written, so that neither sees the other's. Every node of a
 * body keeps its place in the macro and remembers the call.
 */
import type { Diagnostics } from "../diagnostics.ts";
import type { Span } from "../source.ts";
import type {
  Call,
  Expression,
  Identifier,
  MapName,
  Name,
  OffsetOf,
  Statement,
  TypeModifier,
  TypeName,
  TypeOf,
  Variable,
} from "../syntax/ast.ts";
import { isReservedBuiltin } from "../syntax/token.ts";
import { TreeCopy } from "../syntax/tree-copy.ts";
import { type Argument, type MacroDefinition, mismatch, reportMismatch } from "./macros.ts";

/** Macros that call each other with themselves as arguments grow without bounds; no script has this many nodes. */
const MAX_NODES = 250_000;
/** How deep the tree may become; later passes recurse over it. */
const MAX_DEPTH = 1500;
/** How many macros may call one another; each takes far more of the stack than a node. */
const MAX_CALLS = 100;

/** Where macros are looked up, and what all expansions of a script share. */
export interface Session {
  readonly diags: Diagnostics;
  /** Macros of the script, of the standard library, and of C, by name. */
  script(name: string): readonly MacroDefinition[];
  stdlib(name: string): readonly MacroDefinition[];
  /** What `#define` made of a name that is used alone or called; undefined also where that is of no use (and reported). */
  define(name: string, called: boolean, use: Span): MacroDefinition | undefined;
  /** Names that mean something without any macro. */
  isBuiltin(name: string): boolean;
  /** Expansions so far, and the outermost call of those that are under way. */
  expansions: number;
  outermost: Span | undefined;
  /** Nodes that expansions have made, and the depth of the place that is being copied. */
  nodes: number;
  depth: number;
}

/** Thrown when an expansion becomes too large: the script is given up. */
export class TooLarge extends Error {}

/** A call that is being expanded. */
interface Frame {
  macro: MacroDefinition;
  call: Span;
  /** The frame that the call stands in. */
  outer: Frame | undefined;
  /** What parameters stand for; an argument is looked at in the expansion that it was written in. */
  bindings: ReadonlyMap<string, Binding>;
  /** Ends the names of the body's own variables. */
  mark: string;
  /** Variables that the body has assigned or declared so far. */
  own: Set<string>;
  /** Calls that this one stands in. */
  level: number;
}

interface Binding {
  node: Argument;
  context: Expansion;
}

export class Expansion extends TreeCopy {
  readonly #session: Session;
  readonly #frame: Frame | undefined;

  constructor(session: Session, frame?: Frame) {
    super();
    this.#session = session;
    this.#frame = frame;
  }

  override span(span: Span): Span {
    if (this.#session.outermost && ++this.#session.nodes > MAX_NODES) throw new TooLarge("this becomes too large");
    return this.#frame ? { ...span, expandedFrom: this.#frame.call } : span;
  }

  // Statements

  override statement(node: Statement): Statement {
    switch (node.kind) {
      case "expression-statement":
        return this.#expressionStatement(node.expression, node.span);
      case "let":
        this.#declares(node.variable);
        return super.statement(node);
      case "for":
        this.#owns(node.variable);
        return super.statement(node);
      case "assignment":
        if (node.target?.kind === "variable") this.#owns(node.target);
        return super.statement(node);
      case "import":
        this.#session.diags.error("nested-import", node.span, "imports stand at the top of a script");
        return super.statement(node);
      default:
        return this.#deeper(() => super.statement(node));
    }
  }

  /** A macro as a statement leaves its statements, and no value that would be thrown away. */
  #expressionStatement(node: Expression, span: Span): Statement {
    const expression = this.expression(node);
    const isBody = expression.kind === "block-expression" && node.kind !== "block-expression";
    if (!isBody) return { kind: "expression-statement", span: this.span(span), expression };
    const { statements, value } = expression;
    const last: Statement[] = value ? [{ kind: "expression-statement", span: value.span, expression: value }] : [];
    return { kind: "block", span: expression.span, statements: [...statements, ...last] };
  }

  #declares(variable: Variable): void {
    if (this.#frame?.bindings.has(variable.name)) {
      const { name, span } = variable;
      this.#session.diags.error("shadowed-parameter", span, `\`${name}\` is a parameter and cannot be declared again`, {
        help: "give the variable another name",
      });
    }
    this.#owns(variable);
  }

  #owns({ name }: Variable): void {
    if (this.#frame && !this.#frame.bindings.has(name)) this.#frame.own.add(name);
  }

  // Names

  override variable(node: Variable): Variable {
    const frame = this.#frame;
    const copy = super.variable(node);
    if (!frame || frame.macro.origin === "c") return copy;
    const bound = frame.bindings.get(node.name);
    if (bound?.node.kind === "variable") return { ...copy, name: bound.context.variable(bound.node).name };
    if (frame.own.has(node.name)) return { ...copy, name: `${node.name}${frame.mark}` };
    this.#session.diags.warning(
      "unhygienic-variable",
      copy.span,
      `\`${node.name}\` is a variable of the place where the macro is called`,
      { help: `make it a parameter: \`macro ${frame.macro.name}(${node.name})\`` },
    );
    return copy;
  }

  override map(node: MapName): MapName {
    const frame = this.#frame;
    const copy = super.map(node);
    if (!frame || frame.macro.origin === "c") return copy;
    const bound = frame.bindings.get(node.name);
    if (bound?.node.kind === "map") return { ...copy, name: bound.context.map(bound.node).name };
    this.#session.diags.error("unhygienic-map", copy.span, `a macro can use \`${node.name}\` only as a parameter`, {
      help: `pass it: \`macro ${frame.macro.name}(${node.name})\``,
    });
    return copy;
  }

  // Expressions

  override expression(node: Expression): Expression {
    return this.#deeper(() => (node.kind === "identifier" ? this.#identifier(node) : super.expression(node)));
  }

  #identifier(node: Identifier): Expression {
    const bound = this.#frame?.bindings.get(node.name);
    if (bound) return this.#argumentValue(node, bound);
    if (isReservedBuiltin(node.name)) return this.#reserved(node);
    const macro = this.#find(node.name, undefined, node.span);
    return macro ? this.#expand(macro, [], node.span) : super.expression(node);
  }

  /** `__builtin_x` is the builtin `x`, whatever macros there are. */
  #reserved(node: Identifier): Expression {
    const copy: Identifier = { ...node, span: this.span(node.span) };
    const plain = node.name.replace(/^__builtin_/, "");
    return this.#session.isBuiltin(plain) ? { ...copy, name: plain } : copy;
  }

  /** An argument where a value must be. Variables and maps become copies that the macro cannot change. */
  #argumentValue(parameter: Identifier, { node, context }: Binding): Expression {
    switch (node.kind) {
      case "variable":
      case "map":
        return {
          kind: "block-expression",
          span: this.span(parameter.span),
          statements: [],
          value: context.expression(node),
        };
      case "block": {
        const { span, statements } = context.block(node);
        return { kind: "block-expression", span, statements, value: undefined };
      }
      case "type-name":
      case "typeof": {
        const message = `\`${parameter.name}\` is a type here, where a value has to be`;
        const labels = [{ span: node.span, message: "the type that was given" }];
        this.#session.diags.error("type-as-value", this.span(parameter.span), message, { labels });
        return super.expression(parameter);
      }
      default:
        return context.expression(node);
    }
  }

  override call(node: Call): Expression {
    const macro = this.#find(node.callee.text, node.args, node.span);
    return macro ? this.#expand(macro, node.args, node.span) : super.call(node);
  }

  /** The macro that a name means; `args` is undefined for a name without parentheses. */
  #find(name: string, args: readonly Argument[] | undefined, span: Span): MacroDefinition | undefined {
    const session = this.#session;
    const given = args ?? [];
    const fits = (macro: MacroDefinition): boolean => mismatch(macro, given) === 0;
    // The standard library does not see what a script calls by one of its names.
    const script = this.#frame?.macro.origin === "stdlib" ? [] : session.script(name);
    const stdlib = session.stdlib(name);
    const found = script.find(fits) ?? stdlib.find(fits);
    if (found) return found;
    const define = session.isBuiltin(name) ? undefined : session.define(name, args !== undefined, span);
    if (define && !this.#isOpen(define)) {
      if (fits(define)) return define;
      reportMismatch([define], given, this.span(span), session.diags);
      return undefined;
    }
    const candidates = [...script, ...stdlib];
    if (candidates.length > 0 && !session.isBuiltin(name)) {
      reportMismatch(candidates, given, this.span(span), session.diags);
    }
    return undefined;
  }

  /** C does not expand a macro inside of itself. */
  #isOpen(macro: MacroDefinition): boolean {
    for (let frame = this.#frame; frame; frame = frame.outer) if (frame.macro.name === macro.name) return true;
    return false;
  }

  #expand(macro: MacroDefinition, args: readonly Argument[], where: Span): Expression {
    const session = this.#session;
    const call = this.span(where);
    if (this.#isRecursive(macro, call))
      return { kind: "block-expression", span: call, statements: [], value: undefined };
    const level = (this.#frame?.level ?? 0) + 1;
    if (level > MAX_CALLS) throw new TooLarge(`more than ${MAX_CALLS} macros call one another`);
    const frame: Frame = {
      macro,
      call,
      outer: this.#frame,
      bindings: new Map(macro.parameters.map(({ name }, i) => [name, { node: args[i]!, context: this }])),
      mark: `'${++session.expansions}`,
      own: new Set(),
      level,
    };
    const expansion = new Expansion(session, frame);
    if (session.outermost) return expansion.#body();
    session.outermost = call;
    const body = expansion.#body();
    session.outermost = undefined;
    return body;
  }

  #isRecursive(macro: MacroDefinition, call: Span): boolean {
    const chain = [macro.name];
    for (let frame = this.#frame; frame; frame = frame.outer) {
      chain.unshift(frame.macro.name);
      if (frame.macro !== macro) continue;
      const message = `the macro \`${macro.name}\` calls itself: ${chain.join(" -> ")}`;
      this.#session.diags.error("recursive-macro", call, message, { help: "use a loop" });
      return true;
    }
    return false;
  }

  /** What stands where the call stood. */
  #body(): Expression {
    const { macro, call } = this.#frame!;
    const { body } = macro;
    if (body.kind === "block") {
      return { kind: "block-expression", span: call, statements: this.block(body).statements, value: undefined };
    }
    if (body.kind !== "block-expression" || macro.origin === "c") return this.expression(body);
    const { statements, value } = this.blockExpression(body);
    const isPlain = statements.length === 0 && value && value.kind !== "variable" && value.kind !== "map";
    return isPlain ? value : { kind: "block-expression", span: call, statements, value };
  }

  #deeper<T>(copy: () => T): T {
    const session = this.#session;
    if (++session.depth > MAX_DEPTH) throw new TooLarge("this is nested too deeply");
    const copied = copy();
    session.depth--;
    return copied;
  }

  // Types

  /** What a name of the macro stands for. */
  bindingOf(name: string): Binding | undefined {
    return this.#frame?.bindings.get(name);
  }

  override typeName(node: TypeName): TypeName | TypeOf {
    const bound = this.#frame?.bindings.get(node.name);
    if (!bound) return super.typeName(node);
    const type = typeOfArgument(bound);
    const combined = type && (node.tag ? tagged(node, type) : modified(type, node.modifiers));
    if (combined) return { ...combined, span: this.span(node.span) };
    const message = `\`${node.name}\` has to be a type here`;
    const labels = [{ span: bound.node.span, message: "this was given; pass a type with `typeof(...)`" }];
    this.#session.diags.error("macro-type", this.span(node.span), message, { labels });
    return super.typeName(node);
  }

  /** A bare name in such a place is a parameter or a type, and never a macro. */
  override typeOrExpression(node: Expression | TypeName): Expression | TypeName {
    if (node.kind !== "identifier") return super.typeOrExpression(node);
    const bound = this.#frame?.bindings.get(node.name);
    if (!bound) return super.expression(node);
    const plain = plainName(bound);
    if (plain) return plain.context.#isMacro(plain.node.name) ? plain.context.expression(plain.node) : plain.node;
    const type = typeOfArgument(bound);
    if (type?.kind === "typeof" && type.modifiers.length === 0) return type.of;
    if (type) return type;
    return bound.node.kind === "block" || bound.node.kind === "type-name"
      ? this.expression(node)
      : bound.context.expression(bound.node);
  }

  #isMacro(name: string): boolean {
    const { isBuiltin, script, stdlib } = this.#session;
    return !isBuiltin(name) && (script(name).length > 0 || stdlib(name).length > 0);
  }

  override offsetOf(node: OffsetOf): OffsetOf {
    const copy = super.offsetOf(node);
    const [only] = node.path;
    const bound = node.path.length === 1 ? this.#frame?.bindings.get(only!.text) : undefined;
    const path = bound && fieldPath(bound);
    return path ? { ...copy, path: path.map((name) => this.name(name)) } : copy;
  }
}

/** The argument, if it is a bare name: a builtin, a macro or a type. */
function plainName({ node, context }: Binding): { node: Identifier; context: Expansion } | undefined {
  if (node.kind !== "identifier") return undefined;
  const outer = context.bindingOf(node.name);
  return outer ? plainName(outer) : { node, context };
}

/** The type that an argument stands for, in a place of its own; a bare name may be one. */
function typeOfArgument({ node, context }: Binding): TypeName | TypeOf | undefined {
  switch (node.kind) {
    case "type-name":
      return context.typeName(node);
    case "typeof":
      return context.typeOf(node);
    case "identifier": {
      const outer = context.bindingOf(node.name);
      if (outer) return typeOfArgument(outer);
      return { kind: "type-name", span: node.span, tag: undefined, name: node.name, modifiers: [] };
    }
    default:
      return undefined;
  }
}

/** `type*` where a type is given for `type`. */
function modified(type: TypeName | TypeOf, modifiers: readonly TypeModifier[]): TypeName | TypeOf {
  const plain = type.kind === "typeof" && type.of.kind === "type-name" ? withModifiers(type.of, type.modifiers) : type;
  return withModifiers(plain, modifiers);
}

function withModifiers<T extends TypeName | TypeOf>(type: T, modifiers: readonly TypeModifier[]): T {
  return { ...type, modifiers: [...type.modifiers, ...modifiers] };
}

/** `struct type` where a plain name is given for `type`. */
function tagged(node: TypeName, type: TypeName | TypeOf): TypeName | undefined {
  if (type.modifiers.length > 0) return undefined;
  const name = type.kind === "type-name" ? type : type.of;
  if (name.kind === "identifier") return { ...node, name: name.name };
  if (name.kind !== "type-name" || name.tag || name.modifiers.length > 0) return undefined;
  return { ...node, name: name.name };
}

/** `a.b.c` as the path to a field. */
function fieldPath({ node, context }: Binding): Name[] | undefined {
  if (node.kind === "identifier") {
    const outer = context.bindingOf(node.name);
    return outer ? fieldPath(outer) : [{ text: node.name, span: node.span }];
  }
  if (node.kind !== "field") return undefined;
  const before = fieldPath({ node: node.object, context });
  return before && [...before, node.field];
}
