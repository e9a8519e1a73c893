/** What checking found out about a script: side tables beside the tree, which stays as it was. */
import type { Span } from "../source.ts";
import type { Expression, MapDeclaration, Probe, Variable } from "../syntax/ast.ts";
import type { Weights } from "../syntax/weight.ts";
import type { ResolvedProbe } from "./probes.ts";
import type { Type } from "./types.ts";

export interface VariableInfo {
  name: string;
  type: Type;
  /** The occurrence that declares it: a `let`, or the first assignment. */
  declaration: Variable;
  /** Declared with a type, which then stays as it is; others grow with what they are assigned. */
  isTyped?: boolean;
  /** Its address is taken, so it lives in memory whatever its type is. */
  addressed?: boolean;
}

export interface MapInfo {
  name: string;
  /** Whether it is used with a key; undefined until it is known. */
  keyed: boolean | undefined;
  /** Type of the key; `unknown` for scalar maps. */
  key: Type;
  value: Type;
  /** First use, and first assignment if there is any. */
  span: Span;
  assigned: Span | undefined;
  /** Whether its values are asked for. */
  read: boolean;
  /** Whether a loop goes through it. */
  iterated: boolean;
  declaration: MapDeclaration | undefined;
  /** How many entries it is declared to have. */
  entries: number | undefined;
}

/** A block as it stands for probes that offer the same arguments: the piece that is type-checked once. */
export interface Unit {
  block: Probe;
  probes: ResolvedProbe[];
  types: Map<Expression, Type>;
  /** The variable that each occurrence refers to. */
  variables: Map<Variable, VariableInfo>;
  weights: Weights;
}

export interface TypedScript {
  units: Unit[];
  /** In order of first appearance. */
  maps: Map<string, MapInfo>;
}
