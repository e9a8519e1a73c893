/** Tables for following stacks, from call frame information that was put together by hand. */
import { describe, expect, it } from "vitest";
import type { FrameSection } from "../../../compiler/dwarf/call-frames.ts";
import { Cfa, Op } from "../../../compiler/dwarf/constants.ts";
import { DwarfError } from "../../../compiler/dwarf/reader.ts";
import { unwindTable } from "../../../compiler/dwarf/unwind-table.ts";
import { u16, u32, u64 } from "../../support/bytes.ts";
import {
  at,
  type Common,
  expression,
  FrameWriter,
  type Instructions,
  oneFunction,
  RELATIVE,
  SECTION_ADDRESS,
  textOf,
} from "../../support/call-frames.ts";

const ENTERED = "cfa=sp+8 ra=*cfa-8 sp=cfa";
const ONE_ROW = [`1000: ${ENTERED}`, "1100: unknown"];

/** Registers by DWARF's numbers. */
const [BX, DI, BP, SP, R10, RA] = [3, 5, 6, 7, 10, 16];

/** What follows from a function's instructions alone, its first row. */
function ruleAfter(instructions: Instructions, common?: Common): string {
  const [first] = textOf(oneFunction(instructions, common));
  return first?.slice("1000: ".length) ?? "unknown";
}

describe("rows", () => {
  it("begin where something else holds, and end with the function", () => {
    const pushed = [Cfa.advance_loc + 1, Cfa.def_cfa_offset, 16, Cfa.offset + BP, 2];
    const framed = [Cfa.advance_loc + 3, Cfa.def_cfa_register, BP];
    const left = [Cfa.advance_loc1, 0x80, Cfa.def_cfa, SP, 8];
    expect(textOf(oneFunction([...pushed, ...framed, ...left]))).toEqual([
      `1000: ${ENTERED}`,
      "1001: cfa=sp+16 bp=*cfa-16 ra=*cfa-8 sp=cfa",
      "1004: cfa=bp+16 bp=*cfa-16 ra=*cfa-8 sp=cfa",
      "1084: cfa=sp+8 bp=*cfa-16 ra=*cfa-8 sp=cfa",
      "1100: unknown",
    ]);
  });

  const MOVED = [Cfa.def_cfa_offset, 16];
  it.each<[string, Instructions, string]>([
    ["advance_loc", [Cfa.advance_loc + 0x3f], "103f"],
    ["advance_loc1", [Cfa.advance_loc1, 0xff], "10ff"],
    ["advance_loc2", [Cfa.advance_loc2, 0xfe, 0], "10fe"],
    ["advance_loc4", [Cfa.advance_loc4, 0x10, 0, 0, 0], "1010"],
    ["MIPS_advance_loc8", [Cfa.MIPS_advance_loc8, 0x10, 0, 0, 0, 0, 0, 0, 0], "1010"],
    ["two in a row", [Cfa.advance_loc + 1, Cfa.nop, Cfa.advance_loc + 2], "1003"],
  ])("%s moves on", (_, advance, address) => {
    expect(textOf(oneFunction([...advance, ...MOVED]))[1]).toBe(`${address}: cfa=sp+16 ra=*cfa-8 sp=cfa`);
  });

  it("set_loc names an address", () => {
    const instructions = [Cfa.set_loc, ...u64(0x1020), ...MOVED];
    const writer = new FrameWriter("debug_frame").common().function({ start: 0x1000, size: 0x100, instructions });
    expect(textOf(writer.section)[1]).toBe("1020: cfa=sp+16 ra=*cfa-8 sp=cfa");
  });

  it("count in units of the code's alignment", () => {
    expect(textOf(oneFunction([Cfa.advance_loc + 4, ...MOVED], { codeAlignment: 4 }))[1]).toMatch(/^1010: /);
  });

  it.each<[string, Instructions]>([
    ["what is said twice", [Cfa.advance_loc + 1, Cfa.def_cfa_offset, 8]],
    ["what concerns other registers", [Cfa.advance_loc + 1, Cfa.offset + 17, 2, Cfa.undefined, 0x80, 1]],
    ["the size of arguments", [Cfa.advance_loc + 1, Cfa.GNU_args_size, 0x90, 1]],
    ["a register that keeps its value", [Cfa.advance_loc + 1, Cfa.same_value, BX]],
    ["a register that is lost", [Cfa.advance_loc + 1, Cfa.undefined, BX]],
    ["what comes behind the end", [Cfa.advance_loc4, 0, 1, 0, 0, Cfa.def_cfa_offset, 64, 0x3f]],
  ])("do not begin with %s", (_, instructions) => {
    expect(textOf(oneFunction(instructions))).toEqual(ONE_ROW);
  });

  it("go back to what was remembered, as deep as it was", () => {
    const inner = [Cfa.advance_loc + 1, Cfa.remember_state, Cfa.def_cfa_offset, 32, Cfa.offset + BX, 4];
    const outer = [Cfa.advance_loc + 1, Cfa.remember_state, Cfa.def_cfa_offset, 16];
    const back = [Cfa.advance_loc + 1, Cfa.restore_state];
    expect(textOf(oneFunction([...outer, ...inner, ...back, ...back]))).toEqual([
      `1000: ${ENTERED}`,
      "1001: cfa=sp+16 ra=*cfa-8 sp=cfa",
      "1002: cfa=sp+32 bx=*cfa-32 ra=*cfa-8 sp=cfa",
      "1003: cfa=sp+16 ra=*cfa-8 sp=cfa",
      `1004: ${ENTERED}`,
      "1100: unknown",
    ]);
  });

  it("share the steps of a rule", () => {
    const [push, pop] = [
      [Cfa.advance_loc + 1, Cfa.def_cfa_offset, 16],
      [Cfa.advance_loc + 1, Cfa.def_cfa_offset, 8],
    ];
    const { cells, rows } = unwindTable([oneFunction([...push!, ...pop!, ...push!, ...pop!])])!;
    expect(rows).toBe(6);
    expect(cells.length / 8 - rows).toBe(2 * 3);
  });
});

describe("functions", () => {
  const table = (...functions: [start: number, size: number][]): string[] => {
    const writer = new FrameWriter().common();
    // Each of them by its number.
    functions.forEach(([start, size], i) => {
      writer.function({ start, size, instructions: [Cfa.def_cfa_offset, 8 * (i + 1)] });
    });
    return textOf(writer.section).map((row) => row.replace(/ ra=.*$/, ""));
  };

  it.each<[string, [number, number][], string]>([
    [
      "are sorted",
      [
        [0x3000, 0x10],
        [0x1000, 0x10],
        [0x2000, 0x10],
      ],
      "1000: cfa=sp+16, 1010: unknown, 2000: cfa=sp+24, 2010: unknown, 3000: cfa=sp+8, 3010: unknown",
    ],
    [
      "need nothing between them",
      [
        [0x1000, 0x10],
        [0x1010, 0x10],
      ],
      "1000: cfa=sp+8, 1010: cfa=sp+16, 1020: unknown",
    ],
    [
      "end where the next one begins",
      [
        [0x1000, 0x100],
        [0x1010, 0x10],
      ],
      "1000: cfa=sp+8, 1010: cfa=sp+16, 1020: unknown",
    ],
    [
      "count once at an address",
      [
        [0x1000, 0x10],
        [0x1000, 0x20],
        [0x1008, 8],
      ],
      "1000: cfa=sp+8, 1008: cfa=sp+24, 1010: unknown",
    ],
    [
      "of no size are none",
      [
        [0x1000, 0],
        [0x2000, 0x10],
      ],
      "2000: cfa=sp+16, 2010: unknown",
    ],
    [
      "at zero have been thrown away",
      [
        [0, 0x10],
        [0x2000, 0x10],
      ],
      "2000: cfa=sp+16, 2010: unknown",
    ],
    [
      "may lie below the section and above",
      [
        [0x10, 0x10],
        [0x7fff0000, 0x10],
      ],
      "10: cfa=sp+8, 20: unknown, 7fff0000: cfa=sp+16, 7fff0010: unknown",
    ],
  ])("%s", (_, functions, expected) => {
    expect(table(...functions).join(", ")).toBe(expected);
  });

  it("beyond 4 GiB are left out", () => {
    const writer = new FrameWriter("debug_frame").common();
    for (const start of [0x1000, 0xffffff00, 0x100000000, 0xffffffff_fffffffen]) {
      writer.entry(u32(0), u64(start), u64(0x100));
    }
    expect(textOf(writer.section)).toEqual(ONE_ROW);
  });

  it("have what their own common entry says", () => {
    const writer = new FrameWriter().common();
    const second = writer.length;
    writer.common({ instructions: [Cfa.def_cfa, BP, 16, Cfa.offset + RA, 1] });
    writer.function({ start: 0x1000, size: 0x10, common: second }).function({ start: 0x2000, size: 0x10 });
    expect(textOf(writer.section).map((row) => row.replace(/ ra=.*$/, ""))).toEqual([
      "1000: cfa=bp+16",
      "1010: unknown",
      "2000: cfa=sp+8",
      "2010: unknown",
    ]);
  });

  it("stand in a section for debuggers, behind which the common entry may come", () => {
    const writer = new FrameWriter("debug_frame").function({ start: 0x1000, size: 0x100, common: 24 });
    expect(textOf(writer.common().section)).toEqual(ONE_ROW);
  });

  it("of both sections come together, where the one that is in memory counts first", () => {
    const memory = new FrameWriter().common().function({ start: 0x1000, size: 0x10 });
    const debugging = new FrameWriter("debug_frame").common({
      instructions: [Cfa.def_cfa, BP, 16, Cfa.offset + RA, 1],
    });
    debugging.function({ start: 0x1000, size: 0x10 }).function({ start: 0x2000, size: 0x10 });
    expect(textOf(memory.section, debugging.section)).toEqual([
      `1000: ${ENTERED}`,
      "1010: unknown",
      "2000: cfa=bp+16 ra=*cfa-8 sp=cfa",
      "2010: unknown",
    ]);
  });

  it("are none in what is empty", () => {
    expect(unwindTable([])).toBeUndefined();
    expect(unwindTable([new FrameWriter().section])).toBeUndefined();
    expect(unwindTable([new FrameWriter().common().section])).toBeUndefined();
    expect(unwindTable([new FrameWriter().raw(u32(0), u32(0)).section])).toBeUndefined();
  });

  it("come behind entries of no length, too", () => {
    const writer = new FrameWriter().raw(u32(0)).common().raw(u32(0));
    expect(textOf(writer.function({ start: 0x1000, size: 0x100, common: 4 }).raw(u32(0)).section)).toEqual(ONE_ROW);
  });
});

describe("common entries", () => {
  it.each<[string, Common]>([
    ["version 1", { version: 1 }],
    ["version 3", { version: 3 }],
    ["version 4", { version: 4 }],
    ["a handler of exceptions", { augmentation: "zPLR", data: [0x9b, 1, 2, 3, 4, 0x1b, RELATIVE] }],
    ["a handler that is left out", { augmentation: "zPLR", data: [0xff, 0xff, RELATIVE] }],
    ["data behind what is known", { augmentation: "zR", data: [RELATIVE, 1, 2, 3] }],
    ["signed return addresses", { augmentation: "zRB", data: [RELATIVE] }],
  ])("may have %s", (_, common) => {
    expect(textOf(oneFunction([], common))).toEqual(ONE_ROW);
  });

  it.each<[string, number, Uint8Array]>([
    ["whole addresses", 0x00, u64(0x1000, 0x100)],
    ["addresses of 2 bytes", 0x02, new Uint8Array([...u16(0x1000), ...u16(0x100)])],
    ["addresses of 4 bytes", 0x03, new Uint8Array([...u32(0x1000), ...u32(0x100)])],
    ["addresses of 8 bytes", 0x04, u64(0x1000, 0x100)],
    ["addresses in groups of bits", 0x01, new Uint8Array([0x80, 0x20, 0x80, 0x02])],
    ["signed ones in groups of bits", 0x09, new Uint8Array([0x80, 0x20, 0x80, 0x02])],
    ["signed ones of 2 bytes", 0x0a, new Uint8Array([...u16(0x1000), ...u16(0x100)])],
    ["relative ones of 8 bytes", 0x1c, u64(-0x1000 - 0x20, 0x100)],
    ["relative ones of 2 bytes", 0x1a, new Uint8Array([...u16(-0x1000 - 0x20), ...u16(0x100)])],
    ["relative whole ones", 0x10, u64(-0x1000 - 0x20, 0x100)],
  ])("may announce %s", (_, encoding, addresses) => {
    const writer = new FrameWriter().common({
      data: [encoding],
      instructions: [...[Cfa.def_cfa, SP, 8, Cfa.offset + RA, 1], 0, 0],
    });
    expect(SECTION_ADDRESS + writer.length + 8).toBe(0x2020);
    expect(textOf(writer.entry(u32(writer.length + 4), addresses, [0]).section)).toEqual(ONE_ROW);
  });

  it("may have lengths and references of 64 bits", () => {
    const one = 0xffffffff;
    const content = [...u64(-1), 4, 0, 8, 0, 1, 0x78, RA, Cfa.def_cfa, SP, 8, Cfa.offset + RA, 1];
    const writer = new FrameWriter("debug_frame").raw(u32(one), u64(content.length), content);
    writer.raw(u32(one), u64(24), u64(0, 0x1000, 0x100));
    expect(textOf(writer.section)).toEqual(ONE_ROW);
  });

  it("tell functions that a signal came into", () => {
    expect(ruleAfter([], { augmentation: "zRS" })).toBe(`interrupted ${ENTERED}`);
  });

  it("name the register that stands for the return address", () => {
    const instructions = [Cfa.def_cfa, SP, 8, Cfa.offset + 20, 1];
    expect(ruleAfter([], { returnAddress: 20, instructions })).toBe(ENTERED);
  });
});

describe("rules", () => {
  it.each<[string, Instructions, string]>([
    ["offset", [Cfa.offset + BX, 3], "cfa=sp+8 bx=*cfa-24 ra=*cfa-8 sp=cfa"],
    ["offset_extended", [Cfa.offset_extended, BX, 3], "cfa=sp+8 bx=*cfa-24 ra=*cfa-8 sp=cfa"],
    ["offset_extended_sf", [Cfa.offset_extended_sf, BX, 0x7e], "cfa=sp+8 bx=*cfa+16 ra=*cfa-8 sp=cfa"],
    ["GNU_negative_offset_extended", [Cfa.GNU_negative_offset_extended, BX, 2], "cfa=sp+8 bx=*cfa+16 ra=*cfa-8 sp=cfa"],
    ["val_offset", [Cfa.val_offset, BX, 2], "cfa=sp+8 bx=cfa-16 ra=*cfa-8 sp=cfa"],
    ["val_offset_sf", [Cfa.val_offset_sf, BX, 0x7e], "cfa=sp+8 bx=cfa+16 ra=*cfa-8 sp=cfa"],
    ["register", [Cfa.register, RA, DI], "cfa=sp+8 ra=di sp=cfa"],
    ["undefined", [Cfa.undefined, RA], "outermost"],
    ["restore", [Cfa.offset + BX, 3, Cfa.offset + RA, 9, Cfa.restore + BX, Cfa.restore + RA], ENTERED],
    ["restore_extended", [Cfa.undefined, RA, Cfa.restore_extended, RA], ENTERED],
    ["def_cfa", [Cfa.def_cfa, BP, 16], "cfa=bp+16 ra=*cfa-8 sp=cfa"],
    ["def_cfa_sf", [Cfa.def_cfa_sf, BP, 0x7e], "cfa=bp+16 ra=*cfa-8 sp=cfa"],
    ["def_cfa_register", [Cfa.def_cfa_register, BX], "cfa=bx+8 ra=*cfa-8 sp=cfa"],
    ["def_cfa_offset", [Cfa.def_cfa_offset, 0xb8, 0x17], "cfa=sp+3000 ra=*cfa-8 sp=cfa"],
    ["def_cfa_offset_sf", [Cfa.def_cfa_offset_sf, 0x7e], "cfa=sp+16 ra=*cfa-8 sp=cfa"],
    ["the stack pointer, where it is said", [Cfa.val_offset, SP, 2], "cfa=sp+8 ra=*cfa-8 sp=cfa-16"],
    ["the stack pointer, as it was", [Cfa.same_value, SP], ENTERED],
  ])("%s", (_, instructions, expected) => {
    expect(ruleAfter(instructions)).toBe(expected);
  });

  it.each<[string, Instructions]>([
    ["a return address that nothing is said of", [Cfa.same_value, RA]],
    ["a CFA from a register beyond the general ones", [Cfa.def_cfa, 17, 8]],
    ["a CFA from the address itself", [Cfa.def_cfa, RA, 8]],
    ["a CFA too far from its register", [Cfa.def_cfa_offset, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ["a register too far from the CFA", [Cfa.offset_extended, BX, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ["a number without end", [Cfa.offset_extended, BX, ...Array(200).fill(0xff), 1]],
    ["a value in another kind of register", [Cfa.register, BX, 17]],
    ["registers that change places", [Cfa.register, BX, DI, Cfa.register, DI, BX]],
  ])("%s cannot be followed", (_, instructions) => {
    expect(ruleAfter(instructions)).toBe("unknown");
  });

  it("have no step that takes what an earlier one has destroyed", () => {
    const chain = [...[Cfa.register, BX, DI], ...[Cfa.register, DI, R10], ...[Cfa.offset + R10, 2]];
    expect(ruleAfter(chain)).toBe("cfa=sp+8 bx=di di=r10 r10=*cfa-16 ra=*cfa-8 sp=cfa");
    const back = [...[Cfa.register, R10, DI], ...[Cfa.register, DI, BX], ...[Cfa.offset + BX, 2]];
    expect(ruleAfter(back)).toBe("cfa=sp+8 r10=di di=bx bx=*cfa-16 ra=*cfa-8 sp=cfa");
  });

  it("are no more than tables have room for", () => {
    const twice = expression(...at(SP, 8), Op.deref, Op.plus_uconst, 8, Op.deref);
    const all = (count: number): number[] =>
      Array.from({ length: count }, (_, i) => [Cfa.expression, i, ...twice]).flat();
    expect(ruleAfter(all(7)).split(" ").length).toBe(7 * 2 + 3);
    expect(ruleAfter(all(9))).toBe("unknown");
  });
});

describe("expressions", () => {
  const COMPUTED = [Cfa.def_cfa_offset, 56, Cfa.def_cfa_expression, ...expression(...at(BP, 8), Op.deref)];
  it.each<[string, Instructions, string]>([
    ["stays as it is when its distance is said", [...COMPUTED, Cfa.def_cfa_offset, 48], "cfa=*bp+8"],
    ["ends with a register, at the last distance", [...COMPUTED, Cfa.def_cfa_register, BX], "cfa=bx+56"],
    [
      "ends with a distance said meanwhile",
      [...COMPUTED, Cfa.def_cfa_offset, 48, Cfa.def_cfa_register, BX],
      "cfa=bx+48",
    ],
    ["ends with both", [...COMPUTED, Cfa.def_cfa, SP, 8], "cfa=sp+8"],
  ])("a CFA that is computed %s", (_, instructions, expected) => {
    expect(ruleAfter(instructions)).toBe(`${expected} ra=*cfa-8 sp=cfa`);
  });

  const cfa = (...operations: number[]): string =>
    ruleAfter([Cfa.def_cfa_expression, ...expression(...operations)]).replace(" ra=*cfa-8 sp=cfa", "");
  const of = (how: number, ...operations: number[]): string =>
    ruleAfter([how, BX, ...expression(...operations)])
      .replace("cfa=sp+8 ", "")
      .replace(" ra=*cfa-8 sp=cfa", "");

  it.each<[string, number[], string]>([
    ["a register and a distance", at(BP, 16), "cfa=bp+16"],
    ["a register by its number", [Op.bregx, R10, 8], "cfa=r10+8"],
    ["what is in memory", [...at(BP, -8), Op.deref], "cfa=*bp-8"],
    ["something behind what is in memory", [...at(SP, 8), Op.deref, Op.plus_uconst, 8], "cfa=*sp+8 cfa=cfa+8"],
    ["what is in memory twice", [...at(SP, 8), Op.deref, Op.deref], "cfa=**sp+8"],
    [
      "what is in memory behind memory",
      [...at(SP, 8), Op.deref, Op.plus_uconst, 16, Op.deref],
      "cfa=*sp+8 cfa=*cfa+16",
    ],
    ["a sum", [...at(SP, 0), Op.lit0 + 24, Op.plus], "cfa=sp+24"],
    ["a sum the other way round", [Op.lit0 + 24, ...at(SP, 0), Op.plus], "cfa=sp+24"],
    ["a sum of numbers", [...at(SP, 0), Op.lit0 + 1, Op.lit0 + 2, Op.plus, Op.plus], "cfa=sp+3"],
    ["a difference", [...at(SP, 0), Op.const1u, 200, Op.minus], "cfa=sp-200"],
    ["const1s", [...at(SP, 0), Op.const1s, 0xf8, Op.plus], "cfa=sp-8"],
    ["const2u", [...at(SP, 0), Op.const2u, 0, 0x80, Op.plus], "cfa=sp+32768"],
    ["const2s", [...at(SP, 0), Op.const2s, 0, 0x80, Op.plus], "cfa=sp-32768"],
    ["const4u", [...at(SP, 0), Op.const4u, 0, 0, 1, 0, Op.plus], "cfa=sp+65536"],
    ["const4s", [...at(SP, 0), Op.const4s, ...u32(-9), Op.plus], "cfa=sp-9"],
    ["const8u", [...at(SP, 0), Op.const8u, ...u64(9), Op.plus], "cfa=sp+9"],
    ["const8s", [...at(SP, 0), Op.const8s, ...u64(-9), Op.plus], "cfa=sp-9"],
    ["constu", [...at(SP, 0), Op.constu, 0x80, 1, Op.plus], "cfa=sp+128"],
    ["drop", [Op.lit0 + 9, ...at(SP, 8), Op.lit0, Op.drop], "cfa=sp+8"],
    ["consts", [...at(SP, 0), Op.consts, 0x7f, Op.plus], "cfa=sp-1"],
  ])("%s", (_, operations, expected) => {
    expect(cfa(...operations)).toBe(expected);
  });

  it.each<[string, number[]]>([
    ["two registers", [...at(SP, 8), ...at(BX, 0), Op.plus]],
    ["a difference of registers", [...at(SP, 8), ...at(BX, 0), Op.minus]],
    ["a product", [...at(SP, 8), Op.lit0 + 8, 0x1e]],
    ["a number", [Op.lit0 + 8]],
    ["what is in memory at a number", [Op.lit0 + 8, Op.deref]],
    ["nothing", []],
    ["the address itself", at(RA, 0)],
    ["a register beyond the general ones", at(17, 0)],
    ["a place too far away", [...at(SP, 0), Op.const4u, ...u32(-1), Op.plus]],
    ["a branch", [...at(SP, 8), 0x28, 0, 0]],
    ["very many values", Array(40).fill(Op.lit0)],
    ["very much memory", [...at(SP, 8), ...Array(10).fill([Op.deref, Op.plus_uconst, 8]).flat()]],
    ["more than is looked at", [...at(SP, 8), ...Array(70).fill(0x96)]],
  ])("%s cannot be followed", (_, operations) => {
    expect(cfa(...operations)).toBe("unknown");
    expect(ruleAfter([Cfa.val_expression, BX, ...expression(...operations)])).toMatch(
      operations.length === 0 ? / bx=cfa / : /^unknown$/,
    );
  });

  it.each<[string, number, number[], string]>([
    ["the place of a register", Cfa.expression, at(BP, -8), "bx=*bp-8"],
    ["a register", Cfa.val_expression, at(BP, -8), "bx=bp-8"],
    ["a place from the CFA", Cfa.expression, [Op.plus_uconst, 8], "bx=*cfa+8"],
    ["a value from the CFA", Cfa.val_expression, [Op.lit0 + 8, Op.minus], "bx=cfa-8"],
    ["a place in memory elsewhere", Cfa.expression, [...at(BP, -8), Op.deref], "bx=**bp-8"],
    ["a place behind it", Cfa.expression, [...at(BP, -8), Op.deref, Op.plus_uconst, 4], "bx=*bp-8 bx=*bx+4"],
    ["something else than the CFA", Cfa.expression, [Op.drop, ...at(BP, -8)], "bx=*bp-8"],
    ["the register that is sought", Cfa.val_expression, at(BX, 8), "bx=bx+8"],
  ])("tell %s", (_, how, operations, expected) => {
    expect(of(how, ...operations)).toBe(expected);
  });

  it.each([9, 10, 11, 15])("of linkage tables are known, with the number %d", (number) => {
    const stub = [
      ...at(SP, 8),
      ...at(RA, 0),
      Op.lit0 + 15,
      Op.and,
      Op.lit0 + number,
      Op.ge,
      Op.lit0 + 3,
      Op.shl,
      Op.plus,
    ];
    expect(cfa(...stub)).toBe(`cfa=sp+8+stub${number}`);
    expect(cfa(...stub.slice(0, 6), Op.lit0 + 16, ...stub.slice(7))).toBe("unknown");
    expect(cfa(...stub.slice(0, 6), Op.lit0, ...stub.slice(7))).toBe("unknown");
    expect(cfa(...stub, Op.deref)).toBe("unknown");
  });

  it("describe frames that are aligned by hand", () => {
    const saved = [Cfa.expression, BP, ...expression(...at(BP, 0)), Cfa.expression, R10, ...expression(...at(BP, -16))];
    expect(ruleAfter([Cfa.def_cfa_expression, ...expression(...at(BP, -8), Op.deref), ...saved])).toBe(
      "cfa=*bp-8 r10=*bp-16 bp=*bp ra=*cfa-8 sp=cfa",
    );
  });

  it("describe what the kernel saves for a signal's handler", () => {
    const saved = Array.from({ length: 17 }, (_, i) => [
      Cfa.expression,
      i,
      ...expression(Op.breg0 + SP, 40 + i),
    ]).flat();
    const instructions = [Cfa.def_cfa_expression, ...expression(...at(SP, 40), Op.deref), ...saved];
    const words = ruleAfter(instructions, { augmentation: "zRS", instructions: [] }).split(" ");
    expect(words).toHaveLength(19);
    expect(words.slice(0, 2)).toEqual(["interrupted", "cfa=*sp+40"]);
    expect(words.slice(-2)).toEqual(["ra=*sp+56", "sp=*sp+47"]);
  });
});

describe("damaged call frames", () => {
  const cut = (section: FrameSection, length: number): FrameSection => ({
    ...section,
    bytes: section.bytes.slice(0, length),
  });

  it.each<[string, FrameSection, RegExp]>([
    ["an entry that is too long", new FrameWriter().raw(u32(100), u32(0)).section, /100 bytes from byte 4/],
    ["a length without an end", new FrameWriter().raw([1, 2]).section, /4 bytes from byte 0/],
    ["a reserved length", new FrameWriter().raw(u32(0xfffffff5)).section, /a length of 0xfffffff5/],
    ["a length of 64 bits that is too long", new FrameWriter().raw(u32(-1), u64(-1)).section, /bytes from byte 12/],
    ["an entry without a reference", new FrameWriter().entry([0, 0]).section, /4 bytes from byte 4/],
    ["version 2", oneFunction([], { version: 2 }), /version 2$/],
    ["version 5", oneFunction([], { version: 5 }), /version 5$/],
    ["addresses of 3 bytes", oneFunction([], { version: 4, addressSize: 3 }), /addresses of 3 bytes/],
    ["segments", oneFunction([], { version: 4, segmentSize: 4 }), /segments/],
    ["an unknown augmentation", oneFunction([], { augmentation: "armcc+" }), /"armcc\+"/],
    ["an unknown letter", oneFunction([], { augmentation: "zRX" }), /"zRX"/],
    ["a letter without its data", oneFunction([], { augmentation: "R" }), /"R"/],
    ["data that is too short", oneFunction([], { augmentation: "zLR", data: [RELATIVE] }), /1 bytes from byte/],
    [
      "a handler without its address",
      oneFunction([], { augmentation: "zPR", data: [0x9b, RELATIVE] }),
      /4 bytes from byte/,
    ],
    ["indirect addresses", oneFunction([], { data: [0x9b] }), /the format 0x9b/],
    ["addresses from the start of a function", oneFunction([], { data: [0x4b] }), /the format 0x4b/],
    ["addresses of a kind that is not", oneFunction([], { data: [0x1f] }), /the format 0x1f/],
    ["addresses that are left out", oneFunction([], { data: [0xff] }), /the format 0xff/],
    [
      "a function of nothing",
      new FrameWriter().common().function({ start: 0x1000, size: 1, common: 4 }).section,
      /refers to byte 4/,
    ],
    [
      "a function of another function",
      new FrameWriter().common().function({ start: 4096, size: 1 }).function({ start: 8192, size: 1, common: 28 })
        .section,
      /refers to byte 28/,
    ],
    [
      "a function of something before the section",
      new FrameWriter().common().function({ start: 4096, size: 1, common: -64 }).section,
      /refers to byte -64/,
    ],
    ["a function without its size", new FrameWriter().common().entry(u32(26), u32(0)).section, /4 bytes from byte/],
    ["an unknown instruction", oneFunction([0x3f]), /the instruction 0x3f/],
    ["an unknown instruction of a common entry", oneFunction([], { instructions: [0x20] }), /the instruction 0x20/],
    ["an instruction without its number", oneFunction([Cfa.def_cfa, 7]), /1 bytes from byte/],
    ["a number without an end", oneFunction([Cfa.def_cfa_offset, 0x80, 0x80]), /1 bytes from byte/],
    ["an expression that is too long", oneFunction([Cfa.def_cfa_expression, 9, 0]), /9 bytes from byte/],
    ["an expression that ends too early", oneFunction([Cfa.def_cfa_expression, 1, Op.breg0]), /1 bytes from byte/],
    ["an expression without values", oneFunction([Cfa.def_cfa_expression, 1, Op.plus]), /takes values/],
    ["an expression that drops none", oneFunction([Cfa.def_cfa_expression, 1, Op.drop]), /takes values/],
    ["a way back to nothing", oneFunction([Cfa.restore_state]), /has not remembered/],
    ["endless remembering", oneFunction(Array(65).fill(Cfa.remember_state)), /remembers more/],
    ["a step back", oneFunction([Cfa.set_loc, ...u32(-0x1100)]), /bytes back/],
  ])("%s", (_, section, message) => {
    expect(() => unwindTable([section])).toThrow(DwarfError);
    expect(() => unwindTable([section])).toThrow(message);
  });

  it("end in tables or errors wherever they are cut off", () => {
    const { section } = new FrameWriter()
      .common()
      .function({ start: 0x1000, size: 16, instructions: [Cfa.advance_loc + 1] });
    const whole: number[] = [];
    for (let length = 0; length <= section.bytes.length; length++) {
      try {
        unwindTable([cut(section, length)]);
        whole.push(length);
      } catch (error) {
        if (!(error instanceof DwarfError)) throw error;
      }
    }
    expect(whole).toEqual([0, 22, section.bytes.length]);
  });
});
