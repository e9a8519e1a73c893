/**
 * Writes BTF, so that tests need no copy of a kernel's. Types are numbered in the order in which they are made, like
 * in the format itself; an id may be used before its type exists.
 */
import type { TypeId } from "../../compiler/btf/types.ts";

export interface MemberSpec {
  name: string;
  type: TypeId;
  /** Bits from the start of the struct. */
  bit: number;
  /** Width of a bit-field. */
  bits?: number;
}

/** A member at a byte offset. */
export function at(offset: number, name: string, type: TypeId): MemberSpec {
  return { name, type, bit: offset * 8 };
}

/** A bit-field at a bit offset. */
export function bitsAt(bit: number, bits: number, name: string, type: TypeId): MemberSpec {
  return { name, type, bit, bits };
}

export const INT_SIGNED = 1;
export const INT_CHAR = 2;
export const INT_BOOL = 4;

export class BtfBuilder {
  readonly #records: number[][] = [];
  readonly #firstId: TypeId;
  readonly #stringBase: number;
  readonly #baseStrings: ReadonlyMap<string, number>;
  readonly #offsets = new Map<string, number>();
  #strings: number[] = [];

  /** With a base, a module's split BTF: ids and string offsets continue the base's. */
  constructor(base?: BtfBuilder) {
    this.#firstId = base ? base.nextId : 1;
    this.#baseStrings = base ? base.#offsets : new Map();
    this.#stringBase = base ? base.#strings.length : 0;
    if (!base) this.#string("");
  }

  /** The id that the next type will get. */
  get nextId(): TypeId {
    return this.#firstId + this.#records.length;
  }

  /** Any record: for malformed ones too. */
  raw(name: string, kind: number, third: number, body: number[] = [], count = 0, flag = false): TypeId {
    const info = ((flag ? 0x80000000 : 0) | (kind << 24) | count) >>> 0;
    this.#records.push([this.#string(name), info, third >>> 0, ...body.map((word) => word >>> 0)]);
    return this.nextId - 1;
  }

  /** The offset of a name, for the bodies of raw records. */
  nameOffset(name: string): number {
    return this.#string(name);
  }

  int(name: string, size: number, encoding = 0, bits = size * 8): TypeId {
    return this.raw(name, 1, size, [(encoding << 24) | bits]);
  }

  ptr(type: TypeId): TypeId {
    return this.raw("", 2, type);
  }

  array(element: TypeId, count: number): TypeId {
    return this.raw("", 3, 0, [element, 0, count]);
  }

  struct(name: string, size: number, members: MemberSpec[]): TypeId {
    return this.#composite(4, name, size, members);
  }

  union(name: string, size: number, members: MemberSpec[]): TypeId {
    return this.#composite(5, name, size, members);
  }

  enum(name: string, values: Record<string, number>, { signed = false, size = 4 } = {}): TypeId {
    const body = Object.entries(values).flatMap(([key, value]) => [this.#string(key), value]);
    return this.raw(name, 6, size, body, body.length / 2, signed);
  }

  enum64(name: string, values: Record<string, bigint>, { signed = false } = {}): TypeId {
    const body = Object.entries(values).flatMap(([key, value]) => [
      this.#string(key),
      Number(BigInt.asUintN(32, value)),
      Number(BigInt.asUintN(32, value >> 32n)),
    ]);
    return this.raw(name, 19, 8, body, body.length / 3, signed);
  }

  fwd(name: string, of: "struct" | "union"): TypeId {
    return this.raw(name, 7, 0, [], 0, of === "union");
  }

  typedef(name: string, type: TypeId): TypeId {
    return this.raw(name, 8, type);
  }

  volatile(type: TypeId): TypeId {
    return this.raw("", 9, type);
  }

  const(type: TypeId): TypeId {
    return this.raw("", 10, type);
  }

  restrict(type: TypeId): TypeId {
    return this.raw("", 11, type);
  }

  func(name: string, proto: TypeId, linkage = 1): TypeId {
    return this.raw(name, 12, proto, [], linkage);
  }

  proto(returns: TypeId, params: readonly [name: string, type: TypeId][]): TypeId {
    const body = params.flatMap(([name, type]) => [this.#string(name), type]);
    return this.raw("", 13, returns, body, params.length);
  }

  var(name: string, type: TypeId, linkage = 1): TypeId {
    return this.raw(name, 14, type, [linkage]);
  }

  datasec(name: string, size: number, variables: [type: TypeId, offset: number, size: number][]): TypeId {
    return this.raw(name, 15, size, variables.flat(), variables.length);
  }

  float(name: string, size: number): TypeId {
    return this.raw(name, 16, size);
  }

  declTag(name: string, type: TypeId, component: number): TypeId {
    return this.raw(name, 17, type, [component]);
  }

  typeTag(name: string, type: TypeId): TypeId {
    return this.raw(name, 18, type);
  }

  /** A raw tracepoint: the typedef that programs attach to, and the function that knows the parameters' names. */
  tracepoint(name: string, params: [name: string, type: TypeId][]): TypeId {
    const data = this.ptr(0);
    const unnamed = this.proto(0, [["", data], ...params.map(([, type]): [string, TypeId] => ["", type])]);
    this.func(`__traceiter_${name}`, this.proto(0, [["__data", data], ...params]), 0);
    return this.typedef(`btf_trace_${name}`, this.ptr(unnamed));
  }

  build(): Uint8Array {
    const types = this.#records.flat();
    const bytes = new Uint8Array(24 + types.length * 4 + this.#strings.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, 0xeb9f, true);
    view.setUint8(2, 1);
    view.setUint32(4, 24, true);
    view.setUint32(8, 0, true);
    view.setUint32(12, types.length * 4, true);
    view.setUint32(16, types.length * 4, true);
    view.setUint32(20, this.#strings.length, true);
    types.forEach((word, i) => {
      view.setUint32(24 + i * 4, word, true);
    });
    bytes.set(this.#strings, 24 + types.length * 4);
    return bytes;
  }

  #composite(kind: number, name: string, size: number, members: MemberSpec[]): TypeId {
    const flag = members.some((m) => m.bits !== undefined);
    const body = members.flatMap((m) => [this.#string(m.name), m.type, flag ? ((m.bits ?? 0) << 24) | m.bit : m.bit]);
    return this.raw(name, kind, size, body, members.length, flag);
  }

  #string(text: string): number {
    const known = this.#baseStrings.get(text) ?? this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.#stringBase + this.#strings.length;
    this.#offsets.set(text, offset);
    this.#strings = [...this.#strings, ...new TextEncoder().encode(text), 0];
    return offset;
  }
}
