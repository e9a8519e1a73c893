/**
 * Where the members of structs and unions lie: the rules of the System V ABI for x86-64 and of the one for arm64, which
 * differ in unnamed bit-fields only.
 */
import { type CMember, type CRecord, type CType, cTypeName } from "./types.ts";

export interface Extent {
  /** Bytes. */
  size: number;
  align: number;
}

export interface PlacedMember {
  member: CMember;
  /** Bits from the start of the record. */
  bitOffset: number;
}

export interface RecordLayout extends Extent {
  /** Named members, and anonymous structs and unions; no padding. */
  members: readonly PlacedMember[];
}

/** Types that the definitions name but do not explain. */
export interface Outside {
  /** A typedef. */
  named(name: string): Extent | undefined;
  /** A struct, union or enum that is only declared. */
  tagged(kind: "struct" | "union" | "enum", name: string): Extent | undefined;
}

/** A type whose size cannot be known. */
export class IncompleteType extends Error {
  readonly type: CType;

  constructor(type: CType) {
    super(`\`${cTypeName(type)}\` is declared, but not defined`);
    this.type = type;
  }
}

const POINTER = { size: 8, align: 8 };

export class Layouts {
  readonly #arch: "x64" | "arm64";
  readonly #outside: Outside;
  readonly #records = new Map<CRecord, RecordLayout | "open">();

  constructor(arch: "x64" | "arm64", outside: Outside) {
    this.#arch = arch;
    this.#outside = outside;
  }

  /** Throws IncompleteType. */
  extent(type: CType): Extent {
    switch (type.kind) {
      case "void":
      case "function":
        return { size: 1, align: 1 };
      case "boolean":
        return { size: 1, align: 1 };
      case "integer":
        return { size: type.size, align: type.size };
      case "float":
        return { size: type.size, align: type.align ?? type.size };
      case "pointer":
        return POINTER;
      case "array": {
        const { size, align } = this.extent(type.element);
        return { size: size * (type.count ?? 0), align };
      }
      case "aligned":
        return { ...this.extent(type.type), align: type.align };
      case "struct":
      case "union":
        return this.record(type);
      case "enum":
        if (type.values) return { size: type.size, align: type.size };
        return this.#known(type, this.#outside.tagged("enum", type.name));
      case "named":
        return this.#known(type, this.#outside.named(type.name));
    }
  }

  #known(type: CType, extent: Extent | undefined): Extent {
    if (!extent) throw new IncompleteType(type);
    return extent;
  }

  /** Throws IncompleteType. */
  record(record: CRecord): RecordLayout {
    const known = this.#records.get(record);
    if (known && known !== "open") return known;
    if (!record.members) {
      return { ...this.#known(record, this.#outside.tagged(record.kind, record.name)), members: [] };
    }
    if (known === "open") throw new IncompleteType(record);
    this.#records.set(record, "open");
    try {
      const layout = this.#place(record, record.members);
      this.#records.set(record, layout);
      return layout;
    } finally {
      if (this.#records.get(record) === "open") this.#records.delete(record);
    }
  }

  #place(record: CRecord, all: readonly CMember[]): RecordLayout {
    const members: PlacedMember[] = [];
    let align = record.align;
    let end = 0;
    let size = 0;
    for (const member of all) {
      const start = record.kind === "union" ? 0 : end;
      const placed =
        member.bits === undefined ? this.#plain(record, member, start) : this.#bitField(record, member, start);
      end = placed.bitOffset + placed.bitSize;
      size = Math.max(size, end);
      align = Math.max(align, placed.align);
      if (member.bits === undefined || member.name !== "") members.push({ member, bitOffset: placed.bitOffset });
    }
    return { size: alignUp(Math.ceil(size / 8), align), align, members };
  }

  #plain(record: CRecord, member: CMember, start: number): Place {
    const { size, align: natural } = this.extent(member.type);
    const wanted = Math.max(record.packed || member.packed ? 1 : natural, member.align);
    const align = Math.min(wanted, record.maxAlign ?? wanted);
    return { bitOffset: alignUp(start, align * 8), bitSize: size * 8, align };
  }

  /**
   * A bit-field does not cross the boundaries between units of its type, unless something packs it. One of no bits ends the
   * unit, packed or not. An unnamed one counts for the record's alignment on arm64 only.
   */
  #bitField({ packed, maxAlign }: CRecord, member: CMember, start: number): Place {
    const { size, align: natural } = this.extent(member.type);
    const bitSize = member.bits ?? 0;
    const counts = member.name !== "" || this.#arch === "arm64";
    if (bitSize === 0) return { bitOffset: alignUp(start, natural * 8), bitSize, align: counts ? natural : 1 };
    const isPacked = packed || member.packed;
    const wanted = Math.min(member.align, maxAlign ?? member.align);
    const aligned = wanted > 1 ? alignUp(start, wanted * 8) : start;
    const unit = natural * 8;
    const spans = Math.ceil(((aligned % unit) + bitSize) / unit) > size / natural;
    const bitOffset = spans && !isPacked && maxAlign === undefined ? alignUp(aligned, unit) : aligned;
    const own = maxAlign !== undefined ? Math.min(natural, maxAlign) : isPacked ? 1 : natural;
    return { bitOffset, bitSize, align: counts ? Math.max(own, wanted) : wanted };
  }
}

interface Place {
  bitOffset: number;
  bitSize: number;
  /** What the member asks of the record's alignment. */
  align: number;
}

function alignUp(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}
