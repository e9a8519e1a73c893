/** The rules of statements. */
import type { Span } from "../source.ts";
import type * as ast from "../syntax/ast.ts";
import { unreachable } from "../unreachable.ts";
import type { Checker } from "./check.ts";
import type { Checks } from "./check-expressions.ts";
import { truth } from "./constants.ts";
import { int64, isAggregate, isNumericAggregate, string, type Type, typeName, unknown } from "./types.ts";

const MAX_UNROLL = 100n;

export class StatementChecks {
  readonly #c: Checker;
  readonly #checks: Checks;
  #loops = 0;

  constructor(checker: Checker, checks: Checks) {
    this.#c = checker;
    this.#checks = checks;
  }

  all(list: readonly ast.Statement[]): void {
    for (const statement of list) this.#statement(statement);
    const last = list.findIndex(leaves);
    const unreached = last < 0 ? undefined : list[last + 1];
    if (unreached) this.#c.warn("unreachable", unreached.span, "Unreachable statement.");
  }

  #block(block: ast.Block): void {
    this.#c.scoped(() => this.all(block.statements));
  }

  #loop(body: () => void): void {
    this.#loops++;
    body();
    this.#loops--;
  }

  #statement(node: ast.Statement): void {
    switch (node.kind) {
      case "expression-statement":
        this.#expressionStatement(node.expression);
        return;
      case "assignment":
        this.#assignment(node);
        return;
      case "let":
        this.#let(node);
        return;
      case "if":
        this.#if(node);
        return;
      case "while":
        this.#c.condition(node.condition);
        this.#loop(() => this.#block(node.body));
        return;
      case "unroll":
        this.#unroll(node);
        return;
      case "for":
        this.#for(node);
        return;
      case "return":
        if (node.value) this.#c.integer(node.value, "a probe's result");
        return;
      case "break":
      case "continue":
        if (this.#loops === 0) this.#c.error("loop-control", node.span, `\`${node.kind}\` stands outside of a loop`);
        return;
      case "block":
        this.#block(node);
        return;
      case "import":
        this.#c.error("nested-import", node.span, "imports stand at the top of a script");
        return;
      default:
        unreachable(node);
    }
  }

  #expressionStatement(node: ast.Expression): void {
    const type = this.#c.type(node);
    if (type.kind === "void" || type.kind === "unknown" || isAggregate(type) || isDoneForEffect(node)) return;
    this.#c.warn("discarded-value", node.span, "Return value discarded.", "write `_ = ...` if that is intended");
  }

  #if({ condition, then, otherwise }: ast.If): void {
    const type = this.#c.condition(condition);
    if (condition.kind === "comptime") {
      const chosen = truth(type);
      if (chosen !== undefined) this.#blockIf(chosen ? then : otherwise, true);
      return;
    }
    const known = truth(type);
    this.#blockIf(then, known !== false);
    this.#blockIf(otherwise, known !== true);
  }

  #blockIf(block: ast.Block | undefined, runs: boolean): void {
    if (!block) return;
    if (runs) this.#block(block);
    else this.#c.unreached(() => this.#block(block));
  }

  #assignment(node: ast.Assignment): void {
    const { target, value } = node;
    if (!target) {
      this.#c.type(value);
      return;
    }
    if (target.kind === "field") {
      this.#c.type(target.object);
      this.#c.type(value);
      this.#c.error("assignment-target", target.span, "fields of kernel and user memory cannot be written");
      return;
    }
    const plain = node.operator === "=";
    if (target.kind === "variable") {
      if (plain) {
        this.#c.assign(target, this.#c.type(value), value);
        return;
      }
      const before = this.#c.type(target);
      this.#c.assign(target, this.#checks.compound(node, before, this.#c.type(value)), undefined);
      return;
    }
    const info = this.#c.useMap(target);
    const call = plain ? resultingCall(value) : undefined;
    if (call) this.#c.assignedCalls.add(call);
    const type = this.#c.type(value);
    if (plain) {
      if (isAggregate(type) && !call) {
        // Only a map that is known to hold numbers takes the number that the aggregate stands for.
        if (isNumericAggregate(type) && !isAggregate(info.value) && info.value.kind !== "unknown") {
          this.#c.store(info, this.#checks.coerced(type), node.span);
          return;
        }
        const help = isNumericAggregate(type)
          ? `for its number, write \`(${typeName(this.#checks.coerced(type))})\``
          : undefined;
        const message = `Map value '${typeName(type)}' cannot be assigned from one map to another`;
        this.#c.error("aggregate-value", value.span, message, help);
        return;
      }
      this.#c.store(info, type, node.span, value);
      return;
    }
    if (isAggregate(info.value)) {
      this.#c.error(
        "aggregate-value",
        target.span,
        `\`${info.name}\` is a ${info.value.kind}; it cannot be changed by \`${node.operator}\``,
      );
      return;
    }
    this.#c.note(target, info.value);
    this.#c.store(info, this.#checks.compound(node, info.value, type), node.span);
  }

  #let({ variable, type, value }: ast.Let): void {
    const declared = type ? this.#c.queries.declared(type) : unknown;
    const given = value && this.#c.type(value);
    if (!this.#isNew(variable)) return;
    // A string without a size takes that of what it is assigned.
    if (type && this.#c.queries.isUnsizedString(type)) this.#c.declare(variable, string(1));
    else this.#c.declare(variable, declared, declared.kind !== "unknown");
    if (given) this.#c.assign(variable, given, value);
  }

  #isNew({ name, span }: ast.Variable): boolean {
    const other = this.#c.visible(name);
    if (!other) return true;
    this.#c.error(
      "duplicate-variable",
      span,
      `\`${name}\` is declared already, and a variable cannot hide another`,
      "choose another name",
    );
    return false;
  }

  #unroll(node: ast.Unroll): void {
    const count = this.#c.constant(node.count, "the number of rounds");
    if (count !== undefined && count < 1n) {
      this.#c.error("unroll-count", node.count.span, "unroll minimum value is 1");
    } else if (count !== undefined && count > MAX_UNROLL) {
      this.#c.error("unroll-count", node.count.span, `unroll maximum value is ${MAX_UNROLL}`);
    }
    this.#loop(() => this.#block(node.body));
    if (this.#c.unit.weights.isLoop(node)) this.#require("loop", "an `unroll` of so much code", "5.17", node.span);
  }

  #for(node: ast.For): void {
    const { over, variable, body } = node;
    let element: Type;
    if (over.kind === "range") {
      this.#c.integer(over.start, "the start of a range");
      this.#c.integer(over.end, "the end of a range");
      this.#require("loop", "for loops over ranges", "5.17", node.span);
      element = int64;
    } else {
      const info = this.#c.map(over);
      if (info.keyed === false) {
        this.#c.error("map-key", over.span, `\`${info.name}\` has no keys, so there is nothing to go through`);
      }
      if (isAggregate(info.value) && !isNumericAggregate(info.value)) {
        this.#c.error("loop-map", over.span, `Loop expression does not support type: ${info.value.kind}_t`);
      }
      this.#require("forEachMapElem", "for loops over maps", "5.13", node.span);
      info.iterated = true;
      element = { kind: "tuple", elements: [info.key, this.#checks.plainValue(info.value)] };
    }
    this.#isNew(variable);
    this.#c.scoped(() => {
      this.#c.declare(variable, element);
      this.#loop(() => this.#block(body));
    });
  }

  #require(feature: "loop" | "forEachMapElem", what: string, version: string, span: Span): void {
    if (this.#c.facts.features[feature]) return;
    this.#c.error("kernel-feature", span, `this kernel cannot run ${what}`, `they came with Linux ${version}`);
  }
}

/** The call whose result an expression is. */
function resultingCall(node: ast.Expression): ast.Call | undefined {
  if (node.kind === "block-expression") return node.value && resultingCall(node.value);
  return node.kind === "call" ? node : undefined;
}

/** What gives a value on the side. */
function isDoneForEffect(node: ast.Expression): boolean {
  return node.kind === "increment" || (node.kind === "call" && node.callee.text === "delete");
}

/** Whether nothing behind a statement can run. */
function leaves(node: ast.Statement): boolean {
  switch (node.kind) {
    case "return":
    case "break":
    case "continue":
      return true;
    case "expression-statement":
      return node.expression.kind === "call" && node.expression.callee.text === "exit";
    case "block":
      return node.statements.some(leaves);
    case "if":
      return node.condition.kind !== "comptime" && [node.then, node.otherwise].every((block) => block && leaves(block));
    default:
      return false;
  }
}
