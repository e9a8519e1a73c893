/** Trees made at random, printed and parsed: the formatter puts parentheses wherever the parser needs them. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Source, span } from "../../../compiler/source.ts";
import type {
  Block,
  BlockExpression,
  Expression,
  Script,
  Statement,
  TypeModifier,
  TypeName,
  TypeOf,
} from "../../../compiler/syntax/ast.ts";
import { PRECEDENCE } from "../../../compiler/syntax/parser-expressions.ts";
import { print } from "../../../compiler/syntax/printer.ts";
import { parseClean, parseValid, withoutSpans } from "./support.ts";

const SPAN = span(new Source("none", ""), 0, 0);
type Of<K extends Expression["kind"] | Statement["kind"]> = Extract<Expression | Statement, { kind: K }>;

const at = <T extends object>(node: T): T & { span: typeof SPAN } => ({ ...node, span: SPAN });
const name = (text: string): { text: string; span: typeof SPAN } => ({ text, span: SPAN });

const word = fc.constantFrom("a", "pid", "FLAG", "uint64", "and", "config");
const variable = fc.constantFrom("$x", "$y").map((n) => at({ kind: "variable", name: n }) as Of<"variable">);
const map = fc.constantFrom("@", "@m").map((n) => at({ kind: "map", name: n }) as Of<"map">);
const modifier: fc.Arbitrary<TypeModifier> = fc.constantFrom<TypeModifier>("*", "[]", 4);

const typeName: fc.Arbitrary<TypeName> = fc
  .record({
    tag: fc.constantFrom("struct" as const, undefined),
    name: fc.constantFrom("uint8", "foo", "string"),
    modifiers: fc.array(modifier, { maxLength: 3 }),
  })
  .map((t) => at({ kind: "type-name" as const, ...t }));

const depth = { depthSize: "small" as const, withCrossShrink: true };

const { expression, block } = fc.letrec<{
  expression: Expression;
  statement: Statement;
  block: Block;
  value: BlockExpression;
  choice: Of<"ternary">;
  type: TypeName | TypeOf;
}>((tie) => {
  const e = tie("expression");
  const statements = fc.array(tie("statement"), { maxLength: 2 });
  const target = fc.oneof<fc.MaybeWeightedArbitrary<Of<"variable"> | Of<"map"> | Of<"map-access">>[]>(
    variable,
    map,
    fc.tuple(map, e).map(([m, key]) => at({ kind: "map-access" as const, map: m, key })),
  );
  const leaf: fc.Arbitrary<Expression> = fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((value) => at({ kind: "integer" as const, value })),
    fc
      .string({ unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)), maxLength: 4 })
      .map((value) => at({ kind: "string" as const, value })),
    fc.boolean().map((value) => at({ kind: "boolean" as const, value })),
    fc.nat(9).map((index) => at({ kind: "positional" as const, index })),
    word.map((n) => at({ kind: "identifier" as const, name: n })),
    variable,
    map,
  );
  return {
    expression: fc.oneof(
      depth,
      { arbitrary: leaf, weight: 3 },
      fc
        .record({ operator: fc.constantFrom("-", "+", "!", "~", "*"), operand: e })
        .map((n) => at({ kind: "unary", ...n }) as Expression),
      fc.oneof(variable, map).map((operand) => at({ kind: "unary" as const, operator: "&" as const, operand })),
      fc
        .record({ operator: fc.constantFrom("++", "--"), prefix: fc.boolean(), target })
        .map((n) => at({ kind: "increment", ...n }) as Expression),
      {
        arbitrary: fc
          .record({ operator: fc.constantFrom(...Object.keys(PRECEDENCE)), left: e, right: e })
          .map((n) => at({ kind: "binary", ...n }) as Expression),
        weight: 4,
      },
      fc
        .record({ condition: e, then: e, otherwise: e })
        .map((n) => at({ kind: "ternary" as const, form: "operator" as const, ...n })),
      fc
        .record({ condition: e, otherwise: e })
        .map((n) => at({ kind: "ternary" as const, form: "operator" as const, then: n.condition, ...n })),
      tie("choice"),
      fc.record({ object: e, arrow: fc.boolean() }).map((n) => at({ kind: "field" as const, field: name("f"), ...n })),
      fc.record({ object: e, index: fc.nat(12) }).map((n) => at({ kind: "tuple-access" as const, ...n })),
      fc.record({ object: e, index: e }).map((n) => at({ kind: "index" as const, ...n })),
      target,
      fc.array(e, { maxLength: 3 }).map((elements) => at({ kind: "tuple" as const, elements })),
      e.map((value) => at({ kind: "record" as const, fields: [{ name: name("f"), value }] })),
      fc
        .array(
          fc.oneof(
            e,
            typeName.filter((t) => t.name !== "foo" || t.tag !== undefined),
            tie("block"),
          ),
          { maxLength: 3 },
        )
        .map((args) => at({ kind: "call" as const, callee: name("f"), args })),
      fc.record({ type: tie("type"), operand: e }).map((n) => at({ kind: "cast" as const, ...n })),
      fc
        .tuple(fc.constantFrom("sizeof" as const, "typeinfo" as const), fc.oneof(e, typeName.filter(standsAlone)))
        .map(([kind, of]) => at({ kind, of })),
      fc
        .oneof(e, typeName.filter(standsAlone))
        .map((of) => at({ kind: "offsetof" as const, of, path: [name("f"), name("g")] })),
      e.map((operand) => at({ kind: "comptime" as const, operand })),
      tie("value"),
    ),
    type: fc.oneof(
      depth,
      typeName,
      fc
        .record({ of: fc.oneof(e, typeName.filter(standsAlone)), modifiers: fc.array(modifier, { maxLength: 2 }) })
        .map((n) => at({ kind: "typeof" as const, ...n })),
    ),
    value: fc.record({ statements, value: e }).map((n) => at({ kind: "block-expression" as const, ...n })),
    choice: fc
      .record({ condition: e, then: tie("value"), otherwise: fc.oneof(depth, tie("value"), tie("choice")) })
      .map((n) => at({ kind: "ternary" as const, form: "if" as const, ...n })),
    block: statements.map((all) => at({ kind: "block" as const, statements: all })),
    statement: fc.oneof(
      depth,
      e.map((inner) => at({ kind: "expression-statement" as const, expression: inner })),
      fc
        .record({ target: fc.option(target, { nil: undefined }), value: e })
        .map((n) => at({ kind: "assignment" as const, operator: "=" as const, ...n })),
      fc
        .record({ variable, type: fc.option(tie("type"), { nil: undefined }), value: fc.option(e, { nil: undefined }) })
        .map((n) => at({ kind: "let" as const, ...n })),
      fc
        .record({ condition: e, then: tie("block"), otherwise: fc.option(tie("block"), { nil: undefined }) })
        .map((n) => at({ kind: "if" as const, ...n })),
      fc.record({ condition: e, body: tie("block") }).map((n) => at({ kind: "while" as const, ...n })),
      fc.record({ count: e, body: tie("block") }).map((n) => at({ kind: "unroll" as const, ...n })),
      fc
        .record({
          variable,
          over: fc.oneof(
            map,
            fc.record({ start: e, end: e }).map((n) => at({ kind: "range" as const, ...n })),
          ),
          body: tie("block"),
        })
        .map((n) => at({ kind: "for" as const, ...n })),
      fc.option(e, { nil: undefined }).map((value) => at({ kind: "return" as const, value })),
      tie("block"),
    ),
  };
});

/** Without a tag or a modifier, a name that is no known type is an expression. */
function standsAlone(type: TypeName): boolean {
  return type.name !== "foo" || type.tag !== undefined || type.modifiers.length > 0;
}

const SKELETON = parseClean("kprobe:f /1/ { }");

function comesBack(script: Script): void {
  const printed = print(script);
  const again = parseValid(printed);
  expect(withoutSpans(again)).toEqual(withoutSpans(script));
  expect(print(again)).toBe(printed);
}

it("blocks", () => {
  fc.assert(
    fc.property(block, (body) => comesBack({ ...SKELETON, probes: [{ ...SKELETON.probes[0]!, body }] })),
    { numRuns: 1000, seed: 42 },
  );
});

it("predicates", () => {
  fc.assert(
    fc.property(expression, (predicate) => comesBack({ ...SKELETON, probes: [{ ...SKELETON.probes[0]!, predicate }] })),
    { numRuns: 1000, seed: 42 },
  );
});
