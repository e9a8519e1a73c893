/**
 * What the names of types and constants mean in a script: the language's own types, then what the script defines or
 * includes in C, then what the probed program and the kernel tell about themselves.
 */
import { type CDefinitions, readDefinitions } from "../c/definitions.ts";
import { type Diagnostics, nearest } from "../diagnostics.ts";
import type { FileHost } from "../file-host.ts";
import type { KernelFacts } from "../kernel-facts.ts";
import type { CDefinition } from "../syntax/ast.ts";
import { kernelType, outsideOf, type TypeSource, typeFromC } from "./c-types.ts";
import type { ProgramTypes } from "./program-types.ts";
import { type AddressSpace, boolean, integer, type Type, voidType } from "./types.ts";

/** Types that have a name of their own. */
const OWN_TYPES: Readonly<Record<string, Type>> = {
  bool: boolean,
  void: voidType,
  char: integer(1, true),
  short: integer(2, true),
  int: integer(4, true),
  long: integer(8, true),
  uint8: integer(1, false),
  uint16: integer(2, false),
  uint32: integer(4, false),
  uint64: integer(8, false),
  int8: integer(1, true),
  int16: integer(2, true),
  int32: integer(4, true),
  int64: integer(8, true),
  uint8_t: integer(1, false),
  uint16_t: integer(2, false),
  uint32_t: integer(4, false),
  uint64_t: integer(8, false),
  int8_t: integer(1, true),
  int16_t: integer(2, true),
  int32_t: integer(4, true),
  int64_t: integer(8, true),
  size_t: integer(8, false),
  uintptr_t: integer(8, false),
};

/** Those that have no size of their own. */
const SIZED = ["string", "buffer"];

function ownType(name: string): Type | undefined {
  return Object.hasOwn(OWN_TYPES, name) ? OWN_TYPES[name] : undefined;
}

export interface NameOptions {
  facts: KernelFacts;
  files: FileHost | undefined;
  /** Headers to include before everything else. */
  includes: readonly string[];
  diags: Diagnostics;
}

export class Names {
  readonly definitions: CDefinitions;
  readonly #facts: KernelFacts;
  readonly #source: TypeSource;
  readonly #program: ProgramTypes | undefined;

  constructor(definitions: CDefinitions, facts: KernelFacts, program?: ProgramTypes) {
    this.definitions = definitions;
    this.#facts = facts;
    this.#program = program;
    this.#source = {
      layouts: definitions.layouts,
      outside: (spelling, space) => ownType(spelling) ?? kernelType(facts.btf(), spelling, space),
    };
  }

  /** The same names where a program's own types come before the kernel's. */
  within(program: ProgramTypes | undefined): Names {
    return program ? new Names(this.definitions, this.#facts, program) : this;
  }

  /** Reads the C of a script. */
  static read(definitions: readonly CDefinition[], { facts, files, includes, diags }: NameOptions): Names {
    // Asked for only if there is C to read: opening the kernel's type information takes time.
    const isNeeded = definitions.length > 0 || includes.length > 0;
    const btf = isNeeded ? facts.btf() : undefined;
    const outside = outsideOf(btf, ownType);
    const { arch } = facts;
    const read = readDefinitions(definitions, { arch, files, includes, outside, hasBtf: btf !== undefined, diags });
    return new Names(read, facts);
  }

  /** A type by its name; a struct may also be named without its tag. */
  type(tag: "struct" | "union" | "enum" | undefined, name: string, space: AddressSpace): Type | undefined {
    const { definitions } = this;
    const found = tag ? definitions.tagged(tag, name) : definitions.typedef(name);
    if (!tag) {
      const own = ownType(name);
      if (own) return own;
    }
    if (found) return typeFromC(found, space, this.#source);
    const record = tag ? undefined : definitions.tagged("struct", name);
    if (record) return typeFromC(record, space, this.#source);
    const programs = this.#program?.type(tag, name);
    if (programs) return programs;
    if (tag) return kernelType(this.#facts.btf(), `${tag} ${name}`, space);
    const btf = this.#facts.btf();
    return kernelType(btf, name, space) ?? kernelType(btf, `struct ${name}`, space);
  }

  /** A struct of the kernel's or a program's is the script's own if that defines one of the same name; so it is behind pointers. */
  own(type: Type, space: AddressSpace = "kernel"): Type {
    switch (type.kind) {
      case "struct": {
        const [kind, name = ""] = type.shape.name.split(" ");
        const found = this.definitions.tagged(kind === "union" ? "union" : "struct", name);
        return found ? typeFromC(found, type.shape.space ?? space, this.#source) : type;
      }
      case "pointer": {
        const to = this.own(type.to, type.space);
        return to === type.to ? type : { ...type, to };
      }
      default:
        return type;
    }
  }

  /** A constant of an enum. */
  constant(name: string): Type | undefined {
    const found = this.definitions.enumerator(name) ?? this.#facts.btf()?.enumerator(name);
    if (!found) return undefined;
    const { value, type } = found;
    return { kind: "enum", name: type.name, size: 8, signed: type.signed, values: type.values ?? [], value };
  }

  /** Of what the script has in C that can stand for a value. */
  constantNames(): Iterable<string> {
    return [...this.definitions.enumeratorNames(), ...this.definitions.defines.names()];
  }

  /** A type that `name` may have been meant to be: one of the script's, else of the language's or the kernel's. */
  similarType(tag: "struct" | "union" | "enum" | undefined, name: string): string | undefined {
    const own = nearest(name, [...this.definitions.typeNames(), ...(tag ? [] : [...Object.keys(OWN_TYPES), ...SIZED])]);
    const kernels = () => [...(this.#facts.btf()?.named(tag ?? "typedef") ?? [])].map((type) => type.name);
    const found = own ?? nearest(name, kernels());
    return found !== undefined && tag ? `${tag} ${found}` : found;
  }
}
