/** The forms in which values are written: how far each reaches, and what is read. */
import { Form } from "./constants.ts";
import { DwarfError, type Reader } from "./reader.ts";

/** As it is written: a number, an offset or an index; more than a number can hold; or bytes. */
export type Value = number | bigint | string | Uint8Array;

/** What the sizes of values depend on. */
export interface Widths {
  version: number;
  offsetSize: 4 | 8;
  addressSize: number;
}

/** What has no size ends where it says itself. These stand among sizes, and so are no sizes. */
export const End = { leb: -1, text: -2, block1: -3, block2: -4, block4: -5, block: -6, indirect: -7 } as const;

interface Layout {
  /** Its size in bytes, or one of {@link End}. */
  step: number | ((widths: Widths) => number);
  read(reader: Reader, widths: Widths): Value;
}

export interface KnownForm extends Layout {
  readonly form: number;
}

/** Values of one size, or with one way to end. */
function fixed(step: number, read: (reader: Reader) => Value): Layout {
  return { step, read };
}

/** Numbers of as many bytes as their unit says. */
function sized(size: (widths: Widths) => number): Layout {
  return { step: size, read: (reader, widths) => reader.unsigned(size(widths)) };
}

function block(end: number): Layout {
  return fixed(end, (reader) => reader.block(blockLength(reader, end)));
}

const u8 = fixed(1, (reader) => reader.u8());
const u16 = fixed(2, (reader) => reader.u16());
const u24 = fixed(3, (reader) => reader.u24());
const u32 = fixed(4, (reader) => reader.u32());
const u64 = fixed(8, (reader) => reader.u64());
const place = fixed(8, (reader) => reader.wide());
const address = sized(({ addressSize }) => addressSize);
const offset = sized(({ offsetSize }) => offsetSize);
const anyPlace = sized(({ version, addressSize, offsetSize }) => (version <= 2 ? addressSize : offsetSize));
const index = fixed(End.leb, (reader) => reader.uleb());

/** All but those whose value stands elsewhere, or which stand for another. */
const LAYOUTS: Readonly<Record<Exclude<keyof typeof Form, "implicit_const" | "indirect">, Layout>> = {
  addr: address,
  block2: block(End.block2),
  block4: block(End.block4),
  data2: u16,
  data4: u32,
  data8: u64,
  string: fixed(End.text, (reader) => reader.text()),
  block: block(End.block),
  block1: block(End.block1),
  data1: u8,
  flag: u8,
  sdata: fixed(End.leb, (reader) => reader.bigSleb()),
  strp: offset,
  udata: fixed(End.leb, (reader) => reader.bigUleb()),
  ref_addr: anyPlace,
  ref1: u8,
  ref2: u16,
  ref4: u32,
  ref8: place,
  ref_udata: index,
  sec_offset: offset,
  exprloc: block(End.block),
  flag_present: fixed(0, () => 1),
  strx: index,
  addrx: index,
  ref_sup4: u32,
  strp_sup: offset,
  data16: fixed(16, (reader) => reader.block(16)),
  line_strp: offset,
  ref_sig8: u64,
  loclistx: index,
  rnglistx: index,
  ref_sup8: place,
  strx1: u8,
  strx2: u16,
  strx3: u24,
  strx4: u32,
  addrx1: u8,
  addrx2: u16,
  addrx3: u24,
  addrx4: u32,
  GNU_addr_index: index,
  GNU_str_index: index,
  GNU_ref_alt: offset,
  GNU_strp_alt: offset,
};

const KNOWN: ReadonlyMap<number, KnownForm> = new Map(
  (Object.keys(LAYOUTS) as (keyof typeof LAYOUTS)[]).map((name) => [
    Form[name],
    { form: Form[name], ...LAYOUTS[name] },
  ]),
);

/** Throws DwarfError where nobody knows what its values are. */
export function knownForm(form: number): KnownForm {
  const known = KNOWN.get(form);
  if (!known) throw new DwarfError(`a value in the form 0x${form.toString(16)}, which is not known`);
  return known;
}

/** A form whose value stands with it, wherever it is used. */
export function constantForm(value: number): KnownForm {
  return { form: Form.implicit_const, ...fixed(0, () => value) };
}

/** The form that stands in front of a value, in place of one that its row gives. */
export function indirectForm(reader: Reader): KnownForm {
  return knownForm(reader.uleb());
}

/** How to pass over a value. */
export function stepOver({ step }: KnownForm, widths: Widths): number {
  return typeof step === "number" ? step : step(widths);
}

export function skipForm(reader: Reader, form: number, widths: Widths): void {
  takeStep(reader, stepOver(knownForm(form), widths), widths);
}

/** Passes over a value, or over several of which the sizes were added up. */
export function takeStep(reader: Reader, step: number, widths: Widths): void {
  if (step >= 0) reader.skip(step);
  else if (step === End.leb) reader.skipLeb();
  else if (step === End.text) reader.skipText();
  else if (step === End.indirect) skipForm(reader, reader.uleb(), widths);
  else reader.skip(blockLength(reader, step));
}

function blockLength(reader: Reader, end: number): number {
  switch (end) {
    case End.block1:
      return reader.u8();
    case End.block2:
      return reader.u16();
    case End.block4:
      return reader.u32();
    default:
      return reader.uleb();
  }
}
