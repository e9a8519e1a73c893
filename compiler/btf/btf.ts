/**
 * Decodes the kernel's type information. The kernel's own has well over a hundred thousand types, of which a script
 * needs a handful: opening only notes where each type starts, and everything else happens when it is asked for.
 */
import type { BtfEnum, BtfField, BtfFunction, BtfKind, BtfTracepoint, BtfType, TypeId } from "./types.ts";

export declare class Btf {
  /** Number of types including void and those of the base: ids are below it. */
  readonly typeCount: number;
  /** Opens a whole BTF blob; `base` is the kernel's for a module's. Throws BtfError when it is malformed. */
  static parse(bytes: Uint8Array, base?: Btf): Btf;

  /** The first type of that name among the kinds given (any named kind without); own types before the base's. */
  find(name: string, ...kinds: BtfKind[]): TypeId | undefined;
  /** A type by its C spelling: `struct sock`, `enum pid_type`, `unsigned long`, `pid_t`; no pointers. */
  findSpelling(spelling: string): TypeId | undefined;
  /** Ids and names of all types of a kind, for listings and wildcards. */
  named(kind: BtfKind): Iterable<{ id: TypeId; name: string }>;

  /** One type, decoded. Throws BtfError for an id that does not exist. */
  type(id: TypeId): BtfType;
  /** What lies below typedefs, const, volatile, restrict and tags. */
  resolve(id: TypeId): BtfType;
  /** Bytes; undefined for types without a size (void, functions, forward declarations). */
  sizeOf(id: TypeId): number | undefined;
  /** What a pointer points to (through typedefs and qualifiers), undefined when `id` is no pointer. */
  pointee(id: TypeId): TypeId | undefined;

  /** A member of a struct or union (through typedefs and qualifiers), also of anonymous structs and unions inside it. */
  field(id: TypeId, name: string): BtfField | undefined;
  /** All named members in order, those of anonymous structs and unions included. */
  fields(id: TypeId): BtfField[];

  /** A constant of any enum. */
  enumerator(name: string): { value: bigint; type: BtfEnum } | undefined;
  /** A function that the BTF knows. */
  func(name: string): BtfFunction | undefined;
  /** A raw tracepoint, without its category. */
  tracepoint(name: string): BtfTracepoint | undefined;

  /** The type in C, or a declaration of `name` with that type: `struct sock *`, `char comm[16]`. */
  format(id: TypeId, name?: string): string;
  /** A struct, union or enum with its members, as C, over several lines. */
  definition(id: TypeId): string;
}
