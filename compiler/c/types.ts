/** The types of C declarations, as they were written: layouts are computed when they are asked for. */
import type { Span } from "../source.ts";

export type CType =
  | { kind: "void" | "boolean" | "function" }
  /** `plain` marks a char without `signed` or `unsigned`. */
  | { kind: "integer"; size: 1 | 2 | 4 | 8 | 16; signed: boolean; plain?: true }
  | { kind: "float"; size: 2 | 4 | 8 | 16; align?: number }
  | { kind: "pointer"; to: CType }
  /** `count` is undefined for `[]`. */
  | { kind: "array"; element: CType; count: number | undefined }
  /** A type with an alignment of its own: `__attribute__((aligned(8)))`. */
  | { kind: "aligned"; type: CType; align: number }
  | CRecord
  | CEnum
  /** A name that no definition explains: the kernel's types may. */
  | { kind: "named"; name: string; span: Span };

/** A struct or a union. */
export interface CRecord {
  kind: "struct" | "union";
  /** Empty for an anonymous one. */
  name: string;
  /** Undefined as long as it is only declared. */
  members: readonly CMember[] | undefined;
  packed: boolean;
  /** At least this alignment, in bytes. */
  align: number;
  /** At most this alignment of members, by `#pragma pack`. */
  maxAlign: number | undefined;
  span: Span;
}

export interface CMember {
  /** Empty for an anonymous struct or union, or for an unnamed bit-field. */
  name: string;
  type: CType;
  /** Width of a bit-field. */
  bits: number | undefined;
  packed: boolean;
  /** At least this alignment, in bytes. */
  align: number;
  span: Span;
}

export interface CEnum {
  kind: "enum";
  /** Empty for an anonymous one. */
  name: string;
  size: 1 | 2 | 4 | 8;
  signed: boolean;
  /** Undefined as long as it is only declared. */
  values: readonly { name: string; value: bigint }[] | undefined;
  span: Span;
}

/** A type as C would write it, for messages. */
export function cTypeName(type: CType): string {
  switch (type.kind) {
    case "struct":
    case "union":
    case "enum":
      return `${type.kind} ${type.name || "<anonymous>"}`;
    case "named":
      return type.name;
    case "pointer":
      return `${cTypeName(type.to)} *`;
    case "array":
      return `${cTypeName(type.element)}[${type.count ?? ""}]`;
    case "aligned":
      return cTypeName(type.type);
    default:
      return type.kind;
  }
}
