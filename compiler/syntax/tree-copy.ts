/**
 * Makes a tree anew, node by node. A pass that changes some nodes overrides the methods for these and leaves the rest to
 * this class; since every node of the result is a new one, side tables keyed by node stay apart.
 */
import type { Span } from "../source.ts";
import { unreachable } from "../unreachable.ts";
import type {
  Assignment,
  Block,
  BlockExpression,
  Call,
  Expression,
  FieldAccess,
  Increment,
  MapAccess,
  MapDeclaration,
  MapName,
  Name,
  OffsetOf,
  Probe,
  Range,
  Statement,
  TypeName,
  TypeOf,
  Variable,
} from "./ast.ts";

export class TreeCopy {
  /** Where a copy lies. */
  span(span: Span): Span {
    return span;
  }

  probe(node: Probe): Probe {
    const predicate = node.predicate && this.expression(node.predicate);
    return { ...node, span: this.span(node.span), predicate, body: this.block(node.body) };
  }

  mapDeclaration(node: MapDeclaration): MapDeclaration {
    return { ...node, span: this.span(node.span), maxEntries: this.expression(node.maxEntries) };
  }

  // Statements

  block(node: Block): Block {
    return { kind: "block", span: this.span(node.span), statements: this.statements(node.statements) };
  }

  statements(list: readonly Statement[]): Statement[] {
    return list.map((node) => this.statement(node));
  }

  statement(node: Statement): Statement {
    const span = this.span(node.span);
    switch (node.kind) {
      case "expression-statement":
        return { kind: node.kind, span, expression: this.expression(node.expression) };
      case "assignment":
        return { ...node, span, target: node.target && this.target(node.target), value: this.expression(node.value) };
      case "let": {
        const type = node.type && this.type(node.type);
        const value = node.value && this.expression(node.value);
        return { kind: "let", span, variable: this.variable(node.variable), type, value };
      }
      case "if": {
        const condition = this.expression(node.condition);
        const otherwise = node.otherwise && this.block(node.otherwise);
        return { kind: "if", span, condition, then: this.block(node.then), otherwise };
      }
      case "while":
        return { kind: "while", span, condition: this.expression(node.condition), body: this.block(node.body) };
      case "for":
        return {
          kind: "for",
          span,
          variable: this.variable(node.variable),
          over: node.over.kind === "map" ? this.map(node.over) : this.range(node.over),
          body: this.block(node.body),
        };
      case "unroll":
        return { kind: "unroll", span, count: this.expression(node.count), body: this.block(node.body) };
      case "return":
        return { kind: "return", span, value: node.value && this.expression(node.value) };
      case "break":
      case "continue":
        return { kind: node.kind, span };
      case "block":
        return this.block(node);
      case "import":
        return { ...node, span };
      default:
        return unreachable(node);
    }
  }

  target(node: NonNullable<Assignment["target"]>): NonNullable<Assignment["target"]> {
    switch (node.kind) {
      case "variable":
        return this.variable(node);
      case "map":
        return this.map(node);
      case "map-access":
        return this.mapAccess(node);
      case "field":
        return this.field(node);
      default:
        return unreachable(node);
    }
  }

  range(node: Range): Range {
    return {
      kind: "range",
      span: this.span(node.span),
      start: this.expression(node.start),
      end: this.expression(node.end),
    };
  }

  // Expressions

  expression(node: Expression): Expression {
    const span = this.span(node.span);
    switch (node.kind) {
      case "integer":
      case "string":
      case "boolean":
      case "identifier":
      case "positional":
        return { ...node, span };
      case "variable":
        return this.variable(node);
      case "map":
        return this.map(node);
      case "map-access":
        return this.mapAccess(node);
      case "unary":
        return { ...node, span, operand: this.expression(node.operand) };
      case "increment":
        return { ...node, span, target: this.incremented(node.target) };
      case "binary":
        return { ...node, span, left: this.expression(node.left), right: this.expression(node.right) };
      case "ternary": {
        const condition = this.expression(node.condition);
        // In `a ?: b` the condition is the same node as the value.
        const then = node.then === node.condition ? condition : this.expression(node.then);
        return { ...node, span, condition, then, otherwise: this.expression(node.otherwise) };
      }
      case "field":
        return this.field(node);
      case "index":
        return { ...node, span, object: this.expression(node.object), index: this.expression(node.index) };
      case "tuple-access":
        return { ...node, span, object: this.expression(node.object) };
      case "tuple":
        return { ...node, span, elements: node.elements.map((element) => this.expression(element)) };
      case "record":
        return {
          ...node,
          span,
          fields: node.fields.map(({ name, value }) => ({ name: this.name(name), value: this.expression(value) })),
        };
      case "call":
        return this.call(node);
      case "cast":
        return { ...node, span, type: this.type(node.type), operand: this.expression(node.operand) };
      case "sizeof":
      case "typeinfo":
        return { ...node, span, of: this.typeOrExpression(node.of) };
      case "offsetof":
        return this.offsetOf(node);
      case "typeof":
        return this.typeOf(node);
      case "comptime":
        return { ...node, span, operand: this.expression(node.operand) };
      case "block-expression":
        return this.blockExpression(node);
      default:
        return unreachable(node);
    }
  }

  name({ text, span }: Name): Name {
    return { text, span: this.span(span) };
  }

  variable(node: Variable): Variable {
    return { ...node, span: this.span(node.span) };
  }

  map(node: MapName): MapName {
    return { ...node, span: this.span(node.span) };
  }

  mapAccess(node: MapAccess): MapAccess {
    return { kind: "map-access", span: this.span(node.span), map: this.map(node.map), key: this.expression(node.key) };
  }

  incremented(node: Increment["target"]): Increment["target"] {
    switch (node.kind) {
      case "variable":
        return this.variable(node);
      case "map":
        return this.map(node);
      case "map-access":
        return this.mapAccess(node);
      default:
        return unreachable(node);
    }
  }

  field(node: FieldAccess): FieldAccess {
    return { ...node, span: this.span(node.span), object: this.expression(node.object), field: this.name(node.field) };
  }

  call(node: Call): Expression {
    return {
      kind: "call",
      span: this.span(node.span),
      callee: this.name(node.callee),
      args: node.args.map((arg) => this.argument(arg)),
    };
  }

  argument(node: Call["args"][number]): Call["args"][number] {
    switch (node.kind) {
      case "type-name":
        return this.typeName(node);
      case "block":
        return this.block(node);
      default:
        return this.expression(node);
    }
  }

  blockExpression(node: BlockExpression): BlockExpression {
    const statements = this.statements(node.statements);
    const value = node.value && this.expression(node.value);
    return { kind: "block-expression", span: this.span(node.span), statements, value };
  }

  offsetOf(node: OffsetOf): OffsetOf {
    const path = node.path.map((name) => this.name(name));
    return { kind: "offsetof", span: this.span(node.span), of: this.typeOrExpression(node.of), path };
  }

  // Types

  /** Where a type must stand. */
  type(node: TypeName | TypeOf): TypeName | TypeOf {
    return node.kind === "typeof" ? this.typeOf(node) : this.typeName(node);
  }

  /** Where a type or a value may stand: in `sizeof`, `offsetof`, `typeof`, `typeinfo`. */
  typeOrExpression(node: Expression | TypeName): Expression | TypeName {
    return node.kind === "type-name" ? this.typeName(node) : this.expression(node);
  }

  typeName(node: TypeName): TypeName | TypeOf {
    return { ...node, span: this.span(node.span) };
  }

  typeOf(node: TypeOf): TypeOf {
    return { ...node, span: this.span(node.span), of: this.typeOrExpression(node.of) };
  }
}
