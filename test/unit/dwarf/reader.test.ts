/** Numbers in groups of seven bits, of any length. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DwarfError, Reader } from "../../../compiler/dwarf/reader.ts";

describe("signed numbers in groups of bits", () => {
  it.each<[number[], number]>([
    [[0x00], 0],
    [[0x3f], 63],
    [[0x40], -64],
    [[0x7f], -1],
    [[0xff, 0x00], 127],
    [[0x80, 0x7f], -128],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f], 2 ** 48 - 1],
    [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40], -(2 ** 48)],
    [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xc0, 0x00], 2 ** 48],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], -1],
    [[...Array(20).fill(0x80), 0x00], 0],
    [[...Array(40).fill(0xff), 0x7f], -1],
  ])("%j", (bytes, value) => {
    const reader = new Reader(Uint8Array.from([...bytes, 0x55]));
    expect(reader.sleb()).toBe(value);
    expect(reader.at).toBe(bytes.length);
  });

  it("are the same whichever way they are read", () => {
    const groups = fc.array(fc.integer({ min: 0x80, max: 0xff }), { maxLength: 12 });
    fc.assert(
      fc.property(groups, fc.nat(0x7f), (first, last) => {
        const bytes = Uint8Array.from([...first, last]);
        expect(new Reader(bytes).sleb()).toBe(Number(new Reader(bytes).bigSleb()));
      }),
    );
  });

  it.each([[[]], [[0x80]], [[0xff, 0xff]], [Array(9).fill(0x80)]])("have an end: %j", (bytes) => {
    expect(() => new Reader(Uint8Array.from(bytes)).sleb()).toThrow(DwarfError);
  });
});
