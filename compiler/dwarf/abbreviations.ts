/**
 * The tables that say, by a number, which attributes an entry has and how each is written. Most entries are only passed
 * over on the way to others, so that each row also knows the shortest way to its end.
 */
import { At, Form } from "./constants.ts";
import { DwarfError, Reader } from "./reader.ts";

export interface Abbreviation {
  tag: number;
  hasChildren: boolean;
  attributes: readonly AttributeForm[];
  /** Bytes to pass over, or one of {@link Skip}. */
  steps: readonly number[];
}

export interface AttributeForm {
  at: number;
  form: number;
  /** The value itself, which stands here instead of in the entry. */
  constant: number;
}

/** What the sizes of values depend on. */
export interface Widths {
  version: number;
  offsetSize: 4 | 8;
  addressSize: number;
}

/** Steps whose length only the entry tells. */
export const Skip = { leb: -1, text: -2, block1: -3, block2: -4, block4: -5, block: -6, indirect: -7 } as const;

/** One table. It is read no further than to the row that is asked for: thousands of units are only asked for their first entry. */
export class Abbreviations {
  readonly #reader: Reader;
  readonly #widths: Widths;
  readonly #rows = new Map<number, Abbreviation>();
  #complete = false;

  constructor(section: Uint8Array, offset: number, widths: Widths) {
    this.#reader = new Reader(section, offset);
    this.#widths = widths;
  }

  /** Throws DwarfError when there is no such row. */
  row(code: number): Abbreviation {
    for (;;) {
      const found = this.#rows.get(code);
      if (found) return found;
      if (this.#complete) throw new DwarfError(`an entry of kind ${code}, which its unit does not know`);
      this.#readRow();
    }
  }

  /** A row has no more attributes, whatever it claims, than the section has bytes. */
  #readRow(): void {
    const reader = this.#reader;
    const code = reader.uleb();
    if (code === 0) {
      this.#complete = true;
      return;
    }
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    const attributes: AttributeForm[] = [];
    for (;;) {
      const at = reader.uleb();
      const form = reader.uleb();
      const constant = form === Form.implicit_const ? reader.sleb() : 0;
      if (at === 0 && form === 0) break;
      attributes.push({ at, form, constant });
    }
    this.#rows.set(code, { tag, hasChildren, attributes, steps: stepsOver(attributes, this.#widths) });
  }
}

function stepsOver(attributes: readonly AttributeForm[], widths: Widths): number[] {
  const steps: number[] = [];
  for (const { form } of attributes) {
    const step = stepOver(form, widths);
    const last = steps.at(-1);
    if (step >= 0 && last !== undefined && last >= 0) steps[steps.length - 1] = last + step;
    else steps.push(step);
  }
  return steps;
}

/** Bytes that a form takes, or how to find that out. */
export function stepOver(form: number, { version, offsetSize, addressSize }: Widths): number {
  switch (form) {
    case Form.flag_present:
    case Form.implicit_const:
      return 0;
    case Form.data1:
    case Form.flag:
    case Form.ref1:
    case Form.strx1:
    case Form.addrx1:
      return 1;
    case Form.data2:
    case Form.ref2:
    case Form.strx2:
    case Form.addrx2:
      return 2;
    case Form.strx3:
    case Form.addrx3:
      return 3;
    case Form.data4:
    case Form.ref4:
    case Form.strx4:
    case Form.addrx4:
    case Form.ref_sup4:
      return 4;
    case Form.data8:
    case Form.ref8:
    case Form.ref_sig8:
    case Form.ref_sup8:
      return 8;
    case Form.data16:
      return 16;
    case Form.addr:
      return addressSize;
    case Form.strp:
    case Form.line_strp:
    case Form.sec_offset:
    case Form.strp_sup:
    case Form.GNU_ref_alt:
    case Form.GNU_strp_alt:
      return offsetSize;
    case Form.ref_addr:
      return version <= 2 ? addressSize : offsetSize;
    case Form.sdata:
    case Form.udata:
    case Form.ref_udata:
    case Form.strx:
    case Form.addrx:
    case Form.loclistx:
    case Form.rnglistx:
    case Form.GNU_addr_index:
    case Form.GNU_str_index:
      return Skip.leb;
    case Form.string:
      return Skip.text;
    case Form.block1:
      return Skip.block1;
    case Form.block2:
      return Skip.block2;
    case Form.block4:
      return Skip.block4;
    case Form.block:
    case Form.exprloc:
      return Skip.block;
    case Form.indirect:
      return Skip.indirect;
    default:
      throw new DwarfError(`values are written in the form 0x${form.toString(16)}, which is not known`);
  }
}

/** Passes over the attributes of an entry. */
export function skipAttributes(reader: Reader, { steps }: Abbreviation, widths: Widths): void {
  for (const step of steps) takeStep(reader, step, widths);
}

function takeStep(reader: Reader, step: number, widths: Widths): void {
  if (step >= 0) reader.skip(step);
  else if (step === Skip.leb) reader.skipLeb();
  else if (step === Skip.text) reader.skipText();
  else if (step === Skip.indirect) takeStep(reader, stepOver(indirectForm(reader), widths), widths);
  else reader.skip(blockLength(reader, step));
}

function blockLength(reader: Reader, step: number): number {
  switch (step) {
    case Skip.block1:
      return reader.u8();
    case Skip.block2:
      return reader.u16();
    case Skip.block4:
      return reader.u32();
    default:
      return reader.uleb();
  }
}

/** The form that stands in front of a value, in place of one that its row gives. */
export function indirectForm(reader: Reader): number {
  const form = reader.uleb();
  if (form === Form.indirect || form === Form.implicit_const)
    throw new DwarfError(`a value whose form is 0x${form.toString(16)}`);
  return form;
}

/** Whether entries of the row say where the next one at their level begins. */
export function hasSibling({ attributes }: Abbreviation): boolean {
  return attributes.some(({ at }) => at === At.sibling);
}
