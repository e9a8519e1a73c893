/** Every form of values: what is read, and that passing over it ends where reading it does. */
import { describe, expect, it } from "vitest";
import { Abbreviations, skipAttributes } from "../../../compiler/dwarf/abbreviations.ts";
import { Form } from "../../../compiler/dwarf/constants.ts";
import { knownForm, skipForm, type Widths } from "../../../compiler/dwarf/forms.ts";
import { DwarfError, Reader } from "../../../compiler/dwarf/reader.ts";

const NOW: Widths = { version: 5, offsetSize: 4, addressSize: 8 };
const LARGE: Widths = { ...NOW, offsetSize: 8 };
const OLD: Widths = { version: 2, offsetSize: 4, addressSize: 8 };

/** More than any of them takes, each byte another. */
const BYTES = new Uint8Array([
  0x82,
  0x01,
  3,
  4,
  5,
  6,
  7,
  0,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
  17,
  ...new Array(300).fill(1),
]);

type Row = [name: keyof typeof Form, length: number, value: unknown, widths?: Widths];

const ROWS: Row[] = [
  ...(["data1", "flag", "ref1", "strx1", "addrx1"] as const).map((name): Row => [name, 1, 0x82]),
  ...(["data2", "ref2", "strx2", "addrx2"] as const).map((name): Row => [name, 2, 0x0182]),
  ...(["strx3", "addrx3"] as const).map((name): Row => [name, 3, 0x030182]),
  ...(["data4", "ref4", "strx4", "addrx4", "ref_sup4"] as const).map((name): Row => [name, 4, 0x04030182]),
  ...(["data8", "ref_sig8"] as const).map((name): Row => [name, 8, 0x0007060504030182n]),
  ...(["ref8", "ref_sup8"] as const).map((name): Row => [name, 8, 0x0007060504030182]),
  ["data16", 16, BYTES.subarray(0, 16)],
  ["addr", 8, 0x0007060504030182],
  ["addr", 4, 0x04030182, { ...NOW, addressSize: 4 }],
  ...(["strp", "line_strp", "sec_offset", "strp_sup", "GNU_ref_alt", "GNU_strp_alt"] as const).flatMap(
    (name): Row[] => [
      [name, 4, 0x04030182],
      [name, 8, 0x0007060504030182, LARGE],
    ],
  ),
  ["ref_addr", 4, 0x04030182],
  ["ref_addr", 8, 0x0007060504030182, LARGE],
  ["ref_addr", 8, 0x0007060504030182, OLD],
  ...(["ref_udata", "strx", "addrx", "loclistx", "rnglistx"] as const).map((name): Row => [name, 2, 130]),
  ...(["GNU_addr_index", "GNU_str_index"] as const).map((name): Row => [name, 2, 130]),
  ["udata", 2, 130n],
  ["sdata", 2, 130n],
  ["string", 8, new TextDecoder().decode(BYTES.subarray(0, 7))],
  ["block1", 131, BYTES.subarray(1, 131)],
  ["block", 132, BYTES.subarray(2, 132)],
  ["exprloc", 132, BYTES.subarray(2, 132)],
  ["flag_present", 0, 1],
];

describe("forms", () => {
  it.each(ROWS)("%s takes %i bytes", (name, length, value, widths = NOW) => {
    const reader = new Reader(BYTES);
    expect(knownForm(Form[name]).read(reader, widths)).toEqual(value);
    expect(reader.at).toBe(length);
    const passing = new Reader(BYTES);
    skipForm(passing, Form[name], widths);
    expect(passing.at).toBe(length);
  });

  it.each([
    ["block2", [2, 0, 7, 8], 4],
    ["block4", [1, 0, 0, 0, 7, 8], 5],
  ] as const)("%s says its length in several bytes", (name, bytes, length) => {
    const reader = new Reader(new Uint8Array(bytes));
    skipForm(reader, Form[name], NOW);
    expect(reader.at).toBe(length);
    const value = knownForm(Form[name]).read(new Reader(new Uint8Array(bytes)), NOW);
    expect(value).toEqual(new Uint8Array(bytes.slice(bytes.indexOf(7), length)));
  });

  it("no other form is missing here", () => {
    const tested = new Set<string>([...ROWS.map(([name]) => name), "block2", "block4", "implicit_const", "indirect"]);
    expect(Object.keys(Form).filter((name) => !tested.has(name))).toEqual([]);
  });

  it.each([0, 0x02, 0x2d, 0x1f03, Form.implicit_const, Form.indirect])("%i is no form of a value", (form) => {
    expect(() => knownForm(form)).toThrow(DwarfError);
  });

  it.each(["data8", "string", "block1", "udata"] as const)("%s that ends too early is an error", (name) => {
    const short = () => new Reader(new Uint8Array([0x85, 0x81]));
    expect(() => knownForm(Form[name]).read(short(), NOW)).toThrow(DwarfError);
    expect(() => skipForm(short(), Form[name], NOW)).toThrow(DwarfError);
  });
});

describe("rows of abbreviations", () => {
  /** A row with the number 1 for entries of some kind without children. */
  const row = (...attributes: number[]) =>
    new Abbreviations(new Uint8Array([1, 0x34, 0, ...attributes, 0, 0, 0]), 0, NOW).row(1);

  it.each([
    {
      what: "sizes add up",
      attributes: [3, Form.data1, 4, Form.data4, 5, Form.addr],
      steps: [13],
      length: 13,
    },
    {
      what: "a text parts them",
      attributes: [3, Form.data1, 4, Form.string, 5, Form.data2],
      steps: [1, -2, 2],
      length: 10,
    },
    {
      what: "a constant takes no room",
      attributes: [3, Form.implicit_const, 0x7f, 4, Form.data1],
      steps: [1],
      length: 1,
    },
  ])("$what", ({ attributes, steps, length }) => {
    const found = row(...attributes);
    expect(found.steps).toEqual(steps);
    const reader = new Reader(BYTES);
    skipAttributes(reader, found, NOW);
    expect(reader.at).toBe(length);
  });

  it("a constant is read with its sign", () => {
    const [attribute] = row(3, Form.implicit_const, 0x7f).attributes;
    expect(attribute!.as!.read(new Reader(BYTES), NOW)).toBe(-1);
  });

  it("a form may stand in front of the value, and only one that is known", () => {
    const found = row(3, Form.indirect, 4, Form.data1);
    const over = (...bytes: number[]): number => {
      const reader = new Reader(new Uint8Array(bytes));
      skipAttributes(reader, found, NOW);
      return reader.at;
    };
    expect(over(Form.data2, 1, 2, 3)).toBe(4);
    for (const form of [Form.indirect, Form.implicit_const, 0x7f])
      expect(() => over(form, 1, 2, 3)).toThrow(DwarfError);
  });
});
