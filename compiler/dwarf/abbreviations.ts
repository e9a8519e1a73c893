/**
 * The tables that say, by a number, which attributes an entry has and how each is written. Most entries are only passed
 * over on the way to others, so that each row also knows the shortest way to its end.
 */
import { At, Form } from "./constants.ts";
import { constantForm, End, type KnownForm, knownForm, stepOver, takeStep, type Widths } from "./forms.ts";
import { DwarfError, Reader } from "./reader.ts";

export interface Abbreviation {
  tag: number;
  hasChildren: boolean;
  attributes: readonly WrittenAttribute[];
  /** The shortest way to the end of an entry. */
  steps: readonly number[];
}

export interface WrittenAttribute {
  at: number;
  /** Undefined where the form stands in front of each value. */
  as: KnownForm | undefined;
}

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
    const attributes: WrittenAttribute[] = [];
    for (;;) {
      const at = reader.uleb();
      const form = reader.uleb();
      if (at === 0 && form === 0) break;
      attributes.push({ at, as: formOf(form, reader) });
    }
    this.#rows.set(code, { tag, hasChildren, attributes, steps: stepsOver(attributes, this.#widths) });
  }
}

function formOf(form: number, reader: Reader): KnownForm | undefined {
  if (form === Form.implicit_const) return constantForm(reader.sleb());
  return form === Form.indirect ? undefined : knownForm(form);
}

function stepsOver(attributes: readonly WrittenAttribute[], widths: Widths): number[] {
  const steps: number[] = [];
  for (const { as } of attributes) {
    const step = as ? stepOver(as, widths) : End.indirect;
    const last = steps.at(-1);
    if (step >= 0 && last !== undefined && last >= 0) steps[steps.length - 1] = last + step;
    else steps.push(step);
  }
  return steps;
}

/** Passes over the attributes of an entry. */
export function skipAttributes(reader: Reader, { steps }: Abbreviation, widths: Widths): void {
  for (const step of steps) takeStep(reader, step, widths);
}

/** Whether entries of the row say where the next one at their level begins. */
export function hasSibling({ attributes }: Abbreviation): boolean {
  return attributes.some(({ at }) => at === At.sibling);
}
