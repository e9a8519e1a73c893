/** One entry of debug information (a DIE): its attributes, decoded when it is made, and what each of them means. */
import type { Abbreviation } from "./abbreviations.ts";
import { indexedAddress } from "./addresses.ts";
import { At, Form } from "./constants.ts";
import { indirectForm, type Value } from "./forms.ts";
import { DwarfError, Reader } from "./reader.ts";
import type { Unit } from "./unit.ts";

interface Attribute {
  form: number;
  value: Value;
}

/** Entries that stand for one another in a row, more than any compiler makes. */
const MAX_CHAIN = 32;

export class Die {
  readonly unit: Unit;
  /** Of the section that the unit lies in. */
  readonly offset: number;
  readonly abbreviation: Abbreviation;
  /** Where the entry behind this one, or the first below it, begins. */
  readonly next: number;
  readonly #attributes = new Map<number, Attribute>();

  /** `reader` stands behind the entry's kind. */
  constructor(unit: Unit, offset: number, abbreviation: Abbreviation, reader: Reader) {
    this.unit = unit;
    this.offset = offset;
    this.abbreviation = abbreviation;
    for (const { at, as = indirectForm(reader) } of abbreviation.attributes) {
      this.#attributes.set(at, { form: as.form, value: as.read(reader, unit.header) });
    }
    this.next = reader.at;
  }

  get tag(): number {
    return this.abbreviation.tag;
  }

  get hasChildren(): boolean {
    return this.abbreviation.hasChildren;
  }

  children(): Generator<Die> {
    return this.unit.children(this);
  }

  has(at: number): boolean {
    return this.#attributes.has(at);
  }

  form(at: number): number | undefined {
    return this.#attributes.get(at)?.form;
  }

  /** A number that is written out; undefined for what is none. */
  number(at: number): number | undefined {
    const value = this.#attributes.get(at)?.value;
    return typeof value === "number" ? value : typeof value === "bigint" ? Number(value) : undefined;
  }

  /** The same with all its digits. `signed` decides what fixed sizes mean, which do not say it. */
  big(at: number, signed: boolean): bigint | undefined {
    const found = this.#attributes.get(at);
    if (typeof found?.value !== "number" && typeof found?.value !== "bigint") return undefined;
    const value = BigInt(found.value);
    const bits = FIXED_BITS[found.form];
    return bits === undefined ? value : signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  }

  flag(at: number): boolean {
    const found = this.#attributes.get(at);
    return found !== undefined && found.value !== 0;
  }

  bytes(at: number): Uint8Array | undefined {
    const value = this.#attributes.get(at)?.value;
    return value instanceof Uint8Array ? value : undefined;
  }

  text(at: number): string | undefined {
    const found = this.#attributes.get(at);
    return found && textOf(this.unit, found.form, found.value);
  }

  /** An address of the program. */
  address(at: number): number | undefined {
    const found = this.#attributes.get(at);
    if (found === undefined || typeof found.value !== "number") return undefined;
    return isAddressIndex(found.form) ? indexedAddress(this.unit, found.value) : found.value;
  }

  /** The entry that an attribute names. Throws DwarfError when it names none. */
  reference(at: number): Die | undefined {
    const found = this.#attributes.get(at);
    if (found === undefined) return undefined;
    const { unit } = this;
    switch (found.form) {
      case Form.ref_sig8:
        return unit.around.signed(BigInt(found.value as bigint));
      case Form.GNU_ref_alt:
      case Form.ref_sup4:
      case Form.ref_sup8:
        return unit.around.supplementDie(Number(found.value));
      case Form.ref_addr: {
        const offset = Number(found.value);
        const isOwn = offset >= unit.header.offset && offset < unit.header.end;
        return (isOwn ? unit : unit.around.unitAt(offset)).die(offset);
      }
      default: {
        const offset = this.referenceOffset(at);
        return offset === undefined ? undefined : unit.die(offset);
      }
    }
  }

  /** Where the entry that an attribute names lies in the section, if it is of the same unit. */
  referenceOffset(at: number): number | undefined {
    const found = this.#attributes.get(at);
    if (found === undefined || typeof found.value !== "number") return undefined;
    return LOCAL_REFERENCES.has(found.form) ? this.unit.header.offset + found.value : undefined;
  }

  /** This entry and those that it completes: what one does not say, the next one may. */
  *origins(): Generator<Die> {
    let die: Die | undefined = this;
    for (let steps = 0; die !== undefined; steps++) {
      if (steps === MAX_CHAIN) throw new DwarfError(`the entry at 0x${this.offset.toString(16)} completes itself`);
      yield die;
      die = die.reference(At.abstract_origin) ?? die.reference(At.specification);
    }
  }

  /** The name, its own or that of the entry that it completes. */
  get name(): string | undefined {
    for (const die of this.origins()) {
      const name = die.text(At.name);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  /** The entry of its type, likewise. Undefined is void. */
  get type(): Die | undefined {
    for (const die of this.origins()) if (die.has(At.type)) return die.reference(At.type);
    return undefined;
  }

  equals(other: Die): boolean {
    return this.unit === other.unit && this.offset === other.offset;
  }
}

const LOCAL_REFERENCES: ReadonlySet<number> = new Set([
  ...[Form.ref1, Form.ref2, Form.ref4, Form.ref8],
  Form.ref_udata,
]);

const FIXED_BITS: Readonly<Record<number, number>> = {
  [Form.data1]: 8,
  [Form.data2]: 16,
  [Form.data4]: 32,
  [Form.data8]: 64,
};

function isAddressIndex(form: number): boolean {
  return (form >= Form.addrx1 && form <= Form.addrx4) || form === Form.addrx || form === Form.GNU_addr_index;
}

function textOf(unit: Unit, form: number, value: Value): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "number") return undefined;
  switch (form) {
    case Form.strp:
      return new Reader(unit.sections.get(".debug_str"), value).text();
    case Form.line_strp:
      return new Reader(unit.sections.get(".debug_line_str"), value).text();
    case Form.strp_sup:
    case Form.GNU_strp_alt:
      return unit.around.supplementText(value);
    case Form.strx:
    case Form.strx1:
    case Form.strx2:
    case Form.strx3:
    case Form.strx4:
    case Form.GNU_str_index:
      return new Reader(unit.sections.get(".debug_str"), indexedText(unit, value)).text();
    default:
      return undefined;
  }
}

function indexedText(unit: Unit, index: number): number {
  const { offsetSize } = unit.header;
  return new Reader(unit.sections.get(".debug_str_offsets"), textTable(unit) + index * offsetSize).unsigned(offsetSize);
}

/** Where a unit's table of texts begins: the unit says it, except for one that was split off. */
export function textTable(unit: Unit): number {
  const { version, offsetSize } = unit.header;
  const own = unit.contributions.str_offsets ?? 0;
  if (!unit.sections.isSplit) return unit.root.number(At.str_offsets_base) ?? 0;
  return own + (version >= 5 ? (offsetSize === 8 ? 16 : 8) : 0);
}
