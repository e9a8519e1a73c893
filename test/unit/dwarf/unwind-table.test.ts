/** Tables for following stacks, from call frame information that was put together by hand. */
import { describe, expect, it } from "vitest";
import { Cfa } from "../../../compiler/dwarf/constants.ts";
import { FrameWriter, oneFunction, textOf } from "../../support/call-frames.ts";

const ENTERED = "cfa=sp+8 ra=*cfa-8 sp=cfa";

describe("rows", () => {
  it("begin where something else holds, and end with the function", () => {
    const pushed = [Cfa.advance_loc + 1, Cfa.def_cfa_offset, 16, Cfa.offset + 6, 2];
    const framed = [Cfa.advance_loc + 3, Cfa.def_cfa_register, 6];
    const left = [Cfa.advance_loc1, 0x80, Cfa.def_cfa, 7, 8];
    expect(textOf(oneFunction([...pushed, ...framed, ...left]))).toEqual([
      `1000: ${ENTERED}`,
      "1001: cfa=sp+16 bp=*cfa-16 ra=*cfa-8 sp=cfa",
      "1004: cfa=bp+16 bp=*cfa-16 ra=*cfa-8 sp=cfa",
      "1084: cfa=sp+8 bp=*cfa-16 ra=*cfa-8 sp=cfa",
      "1100: unknown",
    ]);
  });

  it("are sorted, and one where functions lie next to each other", () => {
    const writer = new FrameWriter().common();
    for (const start of [0x3000, 0x1000, 0x1010, 0x2000]) writer.function({ start, size: 0x10 });
    expect(textOf(writer.section)).toEqual([
      `1000: ${ENTERED}`,
      "1020: unknown",
      `2000: ${ENTERED}`,
      "2010: unknown",
      `3000: ${ENTERED}`,
      "3010: unknown",
    ]);
  });
});
