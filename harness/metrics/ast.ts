/**
 * The syntax tree of a metric expression. It is plain data with a span on every node, so that an error found at any
 * later point (unknown map, wrong unit, division by zero) can be shown inside the YAML file.
 */
import type { Span } from "../../compiler/source.ts";

/** Integers are exact (u64 counters exceed 2^53); only division, quantiles and fractions leave the integers. */
export type Num = number | bigint;

/** One part of a map key: `@x["key", 3]` has the parts "key" and 3n. A tuple inside a key is a nested list. */
export type KeyPart = string | bigint | boolean | readonly KeyPart[];
export type MapKey = readonly KeyPart[];

export type ComparisonOp = "<" | "<=" | ">" | ">=" | "==" | "!=";
export type ArithmeticOp = "+" | "-" | "*" | "/";
export type LogicalOp = "&&" | "||";
export type BinaryOp = ComparisonOp | ArithmeticOp | LogicalOp;

export type Expression =
  /** `40`, `1.5`, `200us` (held in nanoseconds), `4KiB` (held in bytes), `5%` (held as 0.05). */
  | { readonly kind: "number"; readonly value: Num; readonly unit: string | undefined; readonly span: Span }
  /** `@x` or `@x[key]`; the name includes the `@`. */
  | { readonly kind: "map"; readonly name: string; readonly key: MapKey | undefined; readonly span: Span }
  /** Another metric of the scenario or a free metric such as `duration`. */
  | { readonly kind: "name"; readonly name: string; readonly span: Span }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[]; readonly span: Span }
  | { readonly kind: "unary"; readonly op: "-" | "!"; readonly operand: Expression; readonly span: Span }
  | {
      readonly kind: "binary";
      readonly op: BinaryOp;
      readonly left: Expression;
      readonly right: Expression;
      readonly span: Span;
    };
