/**
 * Decodes the kernel's type information. The kernel's own has well over a hundred thousand types, of which a script
 * needs a handful: opening only notes where each type starts, and everything else happens when it is asked for.
 */
import {
  type Blob,
  candidates,
  countOf,
  ELEMENT_WORDS,
  eachRecord,
  HEAD_WORDS,
  KINDS,
  Kind,
  kindOf,
  openBlob,
  recordAt,
  recordStart,
} from "./blob.ts";
import { decodeType } from "./decode.ts";
import { fieldOf, fieldsOf } from "./fields.ts";
import { NameIndex } from "./name-index.ts";
import { formatDefinition, formatType } from "./print.ts";
import { readSpelling } from "./spelling.ts";
import { encodeName, StringTable } from "./strings.ts";
import {
  type BtfEnum,
  BtfError,
  type BtfField,
  type BtfFunction,
  type BtfKind,
  type BtfParam,
  type BtfTracepoint,
  type BtfType,
  type TypeId,
} from "./types.ts";

/** So many names are looked for one by one; an index of all takes as long to make. */
const FEW_SEARCHES = 4;

/** Typedefs and qualifiers in a row, more than any compiler emits; a cycle exceeds it. */
const MAX_CHAIN = 64;
const VOID: BtfType = { kind: "void", id: 0 };

export class Btf {
  /** Number of types including void and those of the base: ids are below it. */
  readonly typeCount: number;
  readonly #base: Btf | undefined;
  readonly #firstId: TypeId;
  readonly #blob: Blob;
  readonly #strings: StringTable;
  readonly #decoded = new Map<TypeId, BtfType>();
  /** What was asked for: a script reads the same few members of the same few structs over and over. */
  readonly #fields = new Map<string, BtfField | undefined>();
  readonly #found = new Map<string, readonly number[]>();
  // Functions are most of all names, and few scripts ask for one: they have an index of their own.
  #searches = 0;
  #typeNames: NameIndex | undefined;
  #functionNames: NameIndex | undefined;
  #enumeratorNames: NameIndex | undefined;

  private constructor(bytes: Uint8Array, base: Btf | undefined) {
    this.#base = base;
    this.#firstId = base?.typeCount ?? 1;
    this.#blob = openBlob(bytes, this.#firstId, base !== undefined);
    this.#strings = new StringTable(this.#blob.strings, base ? base.#strings : undefined);
    this.typeCount = this.#firstId + this.#blob.count;
  }

  /**
   * Opens a whole BTF blob, which stays in use and must not change; `base` is the kernel's for a module's. Throws
   * BtfError when the blob is malformed.
   */
  static parse(bytes: Uint8Array, base?: Btf): Btf {
    return new Btf(bytes, base);
  }

  /** The first type of that name among the kinds given (any named kind without); own types before the base's. */
  find(name: string, ...kinds: BtfKind[]): TypeId | undefined {
    if (name === "") return undefined;
    const wanted = (kind: BtfKind): boolean => kinds.length === 0 || kinds.includes(kind);
    if (kinds.length === 0 || kinds.some((kind) => kind !== "func")) {
      for (const position of this.#named(name, false)) if (wanted(this.#kindAt(position))) return this.#idAt(position);
    }
    if (wanted("func")) {
      for (const position of this.#named(name, true)) return this.#idAt(position);
    }
    return this.#base?.find(name, ...kinds);
  }

  /** A type by its C spelling: `struct sock`, `enum pid_type`, `unsigned long`, `pid_t`; no pointers. */
  findSpelling(spelling: string): TypeId | undefined {
    const { names, kinds } = readSpelling(spelling) ?? { names: [], kinds: [] };
    for (const name of names) {
      const id = this.find(name, ...kinds);
      if (id !== undefined) return id;
    }
    return undefined;
  }

  /** Ids and names of all named types of a kind, the base's first; for listings and wildcards. */
  *named(kind: BtfKind): Generator<{ id: TypeId; name: string }> {
    if (this.#base) yield* this.#base.named(kind);
    yield* this.ownNamed(kind);
  }

  /** The same without the base's: what a module adds to the kernel. */
  *ownNamed(kind: BtfKind): Generator<{ id: TypeId; name: string }> {
    const positions: number[] = [];
    if (hasName(kind)) {
      eachRecord(this.#blob, (position, number) => {
        if (KINDS[number] === kind) positions.push(position);
      });
    }
    for (const position of positions) {
      const name = this.#strings.text(this.#blob.words[position]!);
      if (name !== "") yield { id: this.#idAt(position), name };
    }
  }

  /** One type, decoded. Throws BtfError for an id that does not exist. */
  type(id: TypeId): BtfType {
    if (id === 0) return VOID;
    if (id < this.#firstId && this.#base) return this.#base.type(id);
    const known = this.#decoded.get(id);
    if (known) return known;
    const position = recordStart(this.#blob, id - this.#firstId);
    if (position === undefined) throw new BtfError(`BTF type ${id} does not exist: there are ${this.typeCount}`);
    const decoded = decodeType(this.#blob.words, position, this.#strings, id);
    this.#decoded.set(id, decoded);
    return decoded;
  }

  /** What lies below typedefs, const, volatile, restrict and tags. Throws BtfError when they form a cycle. */
  resolve(id: TypeId): BtfType {
    let type = this.type(id);
    for (let steps = 0; isTransparent(type); steps++) {
      if (steps === MAX_CHAIN) throw new BtfError(`BTF type ${id} is a cycle of typedefs or qualifiers`);
      type = this.type(type.type);
    }
    return type;
  }

  /** Bytes; undefined for types without a size (void, functions, forward declarations). */
  sizeOf(id: TypeId): number | undefined {
    let type = this.resolve(id);
    let factor = 1;
    for (let depth = 0; type.kind === "array"; depth++) {
      if (depth === MAX_CHAIN) throw new BtfError(`BTF type ${id} is an array of itself`);
      factor *= type.count;
      type = this.resolve(type.element);
    }
    const size = type.kind === "ptr" ? 8 : "size" in type ? type.size : undefined;
    if (size === undefined) return undefined;
    if (!Number.isSafeInteger(size * factor)) throw new BtfError(`BTF type ${id} is larger than any memory`);
    return size * factor;
  }

  /** What a pointer points to (through typedefs and qualifiers), undefined when `id` is no pointer. */
  pointee(id: TypeId): TypeId | undefined {
    const type = this.resolve(id);
    return type.kind === "ptr" ? type.type : undefined;
  }

  /** A member of a struct or union (through typedefs and qualifiers), also of anonymous structs and unions inside it. */
  field(id: TypeId, name: string): BtfField | undefined {
    const key = `${id}.${name}`;
    if (!this.#fields.has(key)) this.#fields.set(key, fieldOf(this, id, name));
    return this.#fields.get(key);
  }

  /** All named members in order, those of anonymous structs and unions included; none for other types. */
  fields(id: TypeId): BtfField[] {
    return fieldsOf(this, id);
  }

  /** A constant of any enum; the first of that name. */
  enumerator(name: string): { value: bigint; type: BtfEnum } | undefined {
    for (const position of name === "" ? [] : this.#enumerators().find(name)) {
      const type = this.type(this.#idAt(position));
      if (type.kind !== "enum") continue;
      const value = type.values.find((v) => v.name === name);
      if (value) return { value: value.value, type };
    }
    return this.#base?.enumerator(name);
  }

  /** A function that the BTF knows. Throws BtfError when its prototype is none. */
  func(name: string): BtfFunction | undefined {
    const id = this.find(name, "func");
    if (id === undefined) return undefined;
    const type = this.type(id);
    const proto = type.kind === "func" ? this.type(type.type) : type;
    if (proto.kind !== "func_proto") throw new BtfError(`BTF function ${name} has no prototype`);
    return { id, name, proto };
  }

  /** A raw tracepoint, without its category. Throws BtfError when its typedef is no pointer to a function. */
  tracepoint(name: string): BtfTracepoint | undefined {
    const id = this.find(`btf_trace_${name}`, "typedef");
    if (id === undefined) return undefined;
    const proto = this.resolve(this.pointee(id) ?? 0);
    if (proto.kind !== "func_proto" || proto.params.length === 0)
      throw new BtfError(`BTF type btf_trace_${name} is no pointer to a function`);
    const params = proto.params.slice(1);
    const nameParams = (): BtfParam[] => this.#nameParams(name, params);
    return {
      id,
      get params() {
        return nameParams();
      },
    };
  }

  /** The type in C, or a declaration of `name` with that type: `struct sock *`, `char comm[16]`. */
  format(id: TypeId, name?: string): string {
    return formatType(this, id, name);
  }

  /** A struct, union, enum or typedef as C, over several lines, with what is anonymous in it written out. */
  definition(id: TypeId): string {
    return formatDefinition(this, id);
  }

  /** The typedef of a tracepoint has no parameter names; the functions that the kernel makes from the same macro have. */
  #nameParams(tracepoint: string, params: BtfParam[]): BtfParam[] {
    if (params.every((p) => p.name !== "")) return params;
    for (const prefix of ["__traceiter_", "__probestub_", "__bpf_trace_"]) {
      const named = this.func(`${prefix}${tracepoint}`)?.proto.params.slice(1);
      if (named?.length !== params.length || named.some((p) => p.name === "")) continue;
      return params.map((p, i) => ({ name: named[i]!.name, type: p.type }));
    }
    return params;
  }

  #kindAt(position: number): BtfKind {
    return KINDS[kindOf(this.#blob.words[position + 1]!)]!;
  }

  /** The type whose record covers a position. */
  #idAt(position: number): TypeId {
    return this.#firstId + recordAt(this.#blob, position);
  }

  /** The records of functions, or of other types, with a name. */
  #named(name: string, functions: boolean): readonly number[] {
    const key = `${functions}.${name}`;
    let found = this.#found.get(key);
    if (!found) {
      found = this.#look(name, functions);
      this.#found.set(key, found);
    }
    return found;
  }

  /** Looks for them as long as few are looked for, then in an index. */
  #look(name: string, functions: boolean): readonly number[] {
    const index = functions ? this.#functionNames : this.#typeNames;
    if (index) return index.find(name);
    if (this.#searches++ < FEW_SEARCHES) return this.#search(name, functions);
    const made = new NameIndex(this.#blob.words, this.#strings, this.#positionsOf(functions));
    if (functions) this.#functionNames = made;
    else this.#typeNames = made;
    return made.find(name);
  }

  #search(name: string, functions: boolean): number[] {
    const bytes = encodeName(name);
    const { words } = this.#blob;
    const { start } = this.#strings;
    return candidates(this.#blob, { start, first: bytes[0]!, length: bytes.length, functions }).filter((position) =>
      this.#strings.equals(words[position]!, bytes),
    );
  }

  #positionsOf(functions: boolean): Int32Array {
    const { words } = this.#blob;
    const positions: number[] = [];
    eachRecord(this.#blob, (position, kind) => {
      if (words[position] !== 0 && (kind === Kind.FUNC) === functions) positions.push(position);
    });
    return Int32Array.from(positions);
  }

  #enumerators(): NameIndex {
    if (this.#enumeratorNames) return this.#enumeratorNames;
    const { words } = this.#blob;
    const positions: number[] = [];
    eachRecord(this.#blob, (position, kind) => {
      if (kind !== Kind.ENUM && kind !== Kind.ENUM64) return;
      const count = countOf(words[position + 1]!);
      for (let i = 0; i < count; i++) positions.push(position + HEAD_WORDS + i * ELEMENT_WORDS[kind]!);
    });
    this.#enumeratorNames = new NameIndex(words, this.#strings, Int32Array.from(positions));
    return this.#enumeratorNames;
  }
}

/** Decl tags are named too, but by what they say about a type: nobody looks for them. */
function hasName(kind: BtfKind): boolean {
  return kind !== "ptr" && kind !== "array" && kind !== "func_proto";
}

type Transparent = Extract<BtfType, { kind: "typedef" | "const" | "volatile" | "restrict" | "type_tag" }>;

function isTransparent(type: BtfType): type is Transparent {
  switch (type.kind) {
    case "typedef":
    case "const":
    case "volatile":
    case "restrict":
    case "type_tag":
      return true;
    default:
      return false;
  }
}
