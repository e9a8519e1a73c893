/** Which files have an unwinding table, and from which of their sections. */
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { DwarfError } from "../../../compiler/dwarf/reader.ts";
import { unwindTableOfImage } from "../../../harness/tracing/unwind/file-table.ts";
import { bytes, u64, viewOf } from "../../support/bytes.ts";
import { FrameWriter, SECTION_ADDRESS, tableText } from "../../support/call-frames.ts";
import { buildElf, type ElfSectionSpec } from "../../support/elf-builder.ts";

const ENTERED = "cfa=sp+8 ra=*cfa-8 sp=cfa";
const MEMORY = frames("eh_frame", 0x1000);
const DEBUGGERS = frames("debug_frame", 0x2000);

function frames(kind: "eh_frame" | "debug_frame", start: number): ElfSectionSpec {
  const { section } = new FrameWriter(kind).common().function({ start, size: 0x100 });
  return { name: `.${kind}`, address: kind === "eh_frame" ? SECTION_ADDRESS : 0, content: section.bytes };
}

interface Image {
  machine?: number;
  /** Of its code. */
  address?: number;
}

function image(sections: ElfSectionSpec[], { machine = 62, address = 0x1000 }: Image = {}): Uint8Array {
  const elf = buildElf({ sections, address });
  viewOf(elf).setUint16(18, machine, true);
  viewOf(elf).setUint32(64 + 4, 5, true);
  return elf;
}

function table(sections: ElfSectionSpec[], options?: Image): string[] {
  return tableText(unwindTableOfImage(image(sections, options), "a file"));
}

describe("a file's unwinding table", () => {
  it.each<[string, ElfSectionSpec[], string[]]>([
    ["what is in memory", [MEMORY], [`1000: ${ENTERED}`, "1100: unknown"]],
    ["what is for debuggers", [DEBUGGERS], [`2000: ${ENTERED}`, "2100: unknown"]],
    ["both", [DEBUGGERS, MEMORY], [`1000: ${ENTERED}`, "1100: unknown", `2000: ${ENTERED}`, "2100: unknown"]],
    ["what is packed, in the old way", [packed(DEBUGGERS)], [`2000: ${ENTERED}`, "2100: unknown"]],
  ])("comes from %s", (_, sections, expected) => {
    expect(table(sections)).toEqual(expected);
  });

  it.each<[string, ElfSectionSpec[], Image]>([
    ["without call frames", [], {}],
    ["with empty ones", [{ ...MEMORY, content: new Uint8Array(4) }], {}],
    ["for another processor", [MEMORY], { machine: 183 }],
    ["for 32 bits", [MEMORY], { machine: 3 }],
    ["whose code lies beyond 4 GiB", [MEMORY], { address: 2 ** 32 }],
    ["whose code ends there", [MEMORY], { address: 2 ** 32 - 0x1000 }],
  ])("is not there for one %s", (_, sections, options) => {
    expect(table(sections, options)).toEqual([]);
  });

  it("is not made of a section that claims any size", () => {
    const elf = image([MEMORY]);
    // The size of the first section that has a name.
    viewOf(elf).setBigUint64(64 + 56 + 64 + 32, 1n << 40n, true);
    const read = (): unknown => unwindTableOfImage(elf, "a file");
    expect(read).toThrow(DwarfError);
    expect(read).toThrow(/^\.eh_frame claims to be 1099511627776 bytes long$/);
    expect(read).toThrow(expect.objectContaining({ file: "a file" }));
  });

  it("is not there where the file ends too early", () => {
    const elf = image([MEMORY]);
    for (let length = 0; length < elf.length; length += 16) {
      expect(tableText(unwindTableOfImage(elf.subarray(0, length), "a file"))).toEqual([]);
    }
  });
});

function packed({ name, content }: ElfSectionSpec): ElfSectionSpec {
  const size = u64(content.length).reverse();
  const magic = [..."ZLIB"].map((letter) => letter.charCodeAt(0));
  return { name: name.replace(".debug", ".zdebug"), content: bytes(magic, size, deflateSync(content)) };
}
