/**
 * Builtins are rows of tables: a name, how a use is checked, and how it is lowered. Adding one touches one file (and one
 * test); nothing else in the compiler knows a builtin by name.
 */
import type { VReg } from "../ir/ir.ts";
import type { Lowering } from "../lower/lowering.ts";
import type { Place } from "../lower/place.ts";
import type { Checker } from "../sema/check.ts";
import type { Type } from "../sema/types.ts";
import type { Call, Identifier } from "../syntax/ast.ts";

/** How a value comes to be: in a register, or written to a place in memory, or nothing at all. */
export type Lowered<N> =
  | { value(l: Lowering, node: N): VReg }
  | {
      /** Writes the value to `to`; every byte of it when `padded`. */
      into(l: Lowering, node: N, to: Place, padded: boolean): void;
      /** Where the value lies already, for those who only load from it. */
      inPlace?(l: Lowering): Place | undefined;
    }
  | { effect(l: Lowering, node: N): void }
  /** Never reaches lowering by itself: aggregates are lowered with the map that they are assigned to. */
  | { aggregate: true };

/** A builtin without arguments: `pid`; it may also be written `pid()`. */
export interface BuiltinVariable {
  check(c: Checker, node: Identifier | Call): Type;
  lower: Lowered<Identifier | Call>;
}

export interface BuiltinFunction {
  /** Fewest and most arguments. */
  args: readonly [number, number];
  /** How a call looks, for messages: `str(pointer[, length])`. */
  form: string;
  /** Needs --unsafe. */
  unsafe?: true;
  /** Checks the arguments and says what the call gives. The number of arguments was checked before. */
  check(c: Checker, call: Call): Type;
  lower: Lowered<Call>;
}

export type Variables = Record<string, BuiltinVariable>;
export type Functions = Record<string, BuiltinFunction>;
