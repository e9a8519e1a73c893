/**
 * What the kernel's type information (BTF) says, as plain data. The decoder makes these values; the compiler reads
 * them. Names are those of the format's documentation, in lower case.
 */

/** Index of a type; 0 is void. The ids of a module's own types follow those of the kernel. */
export type TypeId = number;

export type BtfType =
  | { kind: "void"; id: TypeId }
  /** `bits` is the number of value bits, which may be less than 8 * size in old BTF. */
  | { kind: "int"; id: TypeId; name: string; size: number; bits: number; signed: boolean; encoding: IntEncoding }
  | { kind: "float"; id: TypeId; name: string; size: number }
  | { kind: "ptr"; id: TypeId; type: TypeId }
  | { kind: "array"; id: TypeId; element: TypeId; index: TypeId; count: number }
  | BtfComposite
  /** ENUM and ENUM64 alike; an enum without values is a forward declaration. */
  | BtfEnum
  | { kind: "fwd"; id: TypeId; name: string; of: "struct" | "union" }
  | { kind: "typedef"; id: TypeId; name: string; type: TypeId }
  | { kind: "const" | "volatile" | "restrict"; id: TypeId; type: TypeId }
  | { kind: "type_tag"; id: TypeId; name: string; type: TypeId }
  /** `type` is the prototype. */
  | { kind: "func"; id: TypeId; name: string; type: TypeId; linkage: Linkage }
  | BtfPrototype
  | { kind: "var"; id: TypeId; name: string; type: TypeId; linkage: Linkage }
  | { kind: "datasec"; id: TypeId; name: string; size: number; variables: readonly SectionVariable[] }
  /** `component` is the index of a member or parameter, -1 for the whole of `type`. */
  | { kind: "decl_tag"; id: TypeId; name: string; type: TypeId; component: number };

export type BtfKind = BtfType["kind"];

export type IntEncoding = "plain" | "char" | "bool";

export type Linkage = "static" | "global" | "extern";

/** A struct or a union; anonymous ones have an empty name. */
export interface BtfComposite {
  kind: "struct" | "union";
  id: TypeId;
  name: string;
  /** Bytes. */
  size: number;
  members: readonly BtfMember[];
}

export interface BtfMember {
  /** Empty for an anonymous struct or union, or for unnamed padding. */
  name: string;
  type: TypeId;
  /** Bits from the start of the struct. */
  bitOffset: number;
  /** Bits of a bit-field, 0 for an ordinary member. */
  bitSize: number;
}

export interface BtfEnum {
  kind: "enum";
  id: TypeId;
  name: string;
  /** Bytes. */
  size: number;
  signed: boolean;
  values: readonly { name: string; value: bigint }[];
}

export interface BtfPrototype {
  kind: "func_proto";
  id: TypeId;
  returns: TypeId;
  /** Names may be empty. */
  params: readonly BtfParam[];
  /** Ends in `...`. */
  variadic: boolean;
}

export interface BtfParam {
  name: string;
  type: TypeId;
}

export interface SectionVariable {
  type: TypeId;
  /** Bytes from the start of the section. */
  offset: number;
  /** Bytes. */
  size: number;
}

/**
 * Where a member lies, counted from the struct that was asked about, however deep in anonymous structs and unions it is.
 * To read it: load `size` bytes at `offset`; for a bit-field shift right by `bits.offset` and keep `bits.size` bits.
 */
export interface BtfField {
  name: string;
  type: TypeId;
  /** Bytes. */
  offset: number;
  /** Bytes: of the type, or for a bit-field of the unit to load (1, 2, 4, 8; 16 only if it spans nine bytes or more). */
  size: number;
  /** Bits, counted from the least significant one of the loaded unit. */
  bits: { offset: number; size: number } | undefined;
}

/** A function with its signature. */
export interface BtfFunction {
  id: TypeId;
  name: string;
  proto: BtfPrototype;
}

/** A tracepoint as its BPF programs (raw and tp_btf) see it. */
export interface BtfTracepoint {
  /** Of the typedef `btf_trace_<name>`, which is what a tp_btf program attaches to. */
  id: TypeId;
  /** Arguments without the leading `void *` that the kernel keeps for itself. Named where the BTF knows names. */
  params: readonly BtfParam[];
}

/** BTF that breaks the format's rules, with the place. */
export class BtfError extends Error {
  override readonly name = "BtfError";
}
