/**
 * What debug information says, as plain data: types one level at a time, functions with their parameters. The reader makes
 * these values; the compiler reads them.
 */
import type { Die } from "./die.ts";

export type DwarfType =
  | { kind: "void" | "function" }
  | { kind: "integer"; name: string; size: number; signed: boolean; isChar: boolean }
  | { kind: "boolean"; name: string; size: number }
  /** `parts` is 2 for a complex number. */
  | { kind: "float"; name: string; size: number; parts: 1 | 2 }
  /** References of C++ are pointers that are written in another way. */
  | { kind: "pointer"; to: Die | undefined; reference: "" | "&" | "&&" }
  /** `size` is 16 for a pointer to a function of a class. */
  | { kind: "member-pointer"; size: number }
  /** Undefined as a count is an array without an end. */
  | { kind: "array"; element: Die; counts: readonly (number | undefined)[]; isVector: boolean }
  | DwarfRecord
  | DwarfEnum
  /** What no other kind fits; its size may be known. */
  | { kind: "other"; name: string; size: number | undefined };

export interface DwarfRecord {
  kind: "struct" | "union" | "class";
  die: Die;
  /** Empty for an anonymous one. */
  name: string;
  /** Undefined as long as it is only declared. */
  size: number | undefined;
  /** Said by `alignas`. */
  align: number | undefined;
}

export interface DwarfEnum {
  kind: "enum";
  name: string;
  size: number;
  signed: boolean;
  values: readonly { name: string; value: bigint }[];
}

export interface DwarfMember {
  /** Empty for an anonymous struct or union, or for what a class inherits. */
  name: string;
  type: Die;
  /** Bits from the start of the record. */
  bitOffset: number;
  /** Bits of a bit-field, 0 for an ordinary member. */
  bitSize: number;
  inherited: boolean;
}

export interface DwarfFunction {
  die: Die;
  name: string;
  /** Undefined is void. */
  returns: Die | undefined;
  parameters: readonly DwarfParameter[];
  /** Where it begins. */
  entry: number;
  /** It can be called from elsewhere, so that it is called as everybody expects. */
  external: boolean;
  language: number;
  convention: number | undefined;
}

export interface DwarfParameter {
  die: Die;
  /** Empty for one without a name. */
  name: string;
  /** Undefined where the entry does not say it. */
  type: Die | undefined;
  /** Not the program's own: `this`, for instance. */
  isArtificial: boolean;
  /** The function as it was compiled knows nothing of it any more. */
  dropped: boolean;
}
