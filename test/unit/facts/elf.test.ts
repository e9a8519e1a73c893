/** Functions of ELF files made by hand, sound and damaged. */

import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ElfFunction } from "../../../compiler/kernel-facts.ts";
import { ElfError, ElfFile } from "../../../harness/tracing/elf/file.ts";
import { elfSymbols } from "../../../harness/tracing/elf/symbols.ts";
import { placed, readElf } from "../../../harness/tracing/facts/elf.ts";
import { buildElf } from "../../support/elf-builder.ts";
import { temporaryTree } from "../../support/temporary.ts";

function parseElf(bytes: Uint8Array): ElfFunction[] {
  const elf = new ElfFile((offset, length) => {
    if (offset + length > bytes.length) throw new ElfError(`the file ends before byte ${offset + length}`);
    return new DataView(bytes.buffer, bytes.byteOffset + offset, length);
  });
  return placed(elf, elfSymbols(elf));
}

describe("functions", () => {
  it("have the file offset of their code", () => {
    const elf = buildElf({
      address: 0x401000,
      offset: 0x1000,
      symbols: [{ name: "main", address: 0x401136, size: 40 }],
    });
    expect(parseElf(elf)).toEqual([{ name: "main", address: 0x401136, offset: 0x1136, size: 40 }]);
  });

  it.each([
    ["an object, not a function", { type: 1 }],
    ["defined elsewhere", { section: 0 }],
    ["before the segment", { address: 0x400fff }],
    ["behind the segment", { address: 0x402000 }],
    ["nameless", { name: "" }],
  ])("not %s", (_, change) => {
    expect(parseElf(buildElf({ symbols: [{ name: "x", address: 0x401000, ...change }] }))).toEqual([]);
  });

  it("include those that are chosen at run time", () => {
    expect(parseElf(buildElf({ symbols: [{ name: "memcpy", address: 0x401000, type: 10 }] }))).toHaveLength(1);
  });

  it("come from both tables, each once", () => {
    const shared = { name: "exported", address: 0x401100 };
    const elf = buildElf({ symbols: [shared, { name: "hidden", address: 0x401200 }], dynamic: [shared] });
    expect(parseElf(elf).map((f) => f.name)).toEqual(["exported", "hidden"]);
  });

  it("may share a place or a name", () => {
    const symbols = [
      { name: "a", address: 0x401000 },
      { name: "b", address: 0x401000 },
      { name: "a", address: 0x401010 },
    ];
    expect(parseElf(buildElf({ symbols })).map((f) => `${f.name}@${f.offset.toString(16)}`)).toEqual([
      "a@1000",
      "b@1000",
      "a@1010",
    ]);
  });

  it("of a stripped file are none", () => expect(parseElf(buildElf())).toEqual([]));
});

describe("files that are refused", () => {
  const good = buildElf({ symbols: [{ name: "main", address: 0x401000 }] });
  const changed = (at: number, ...bytes: number[]): Uint8Array => {
    const copy = good.slice();
    copy.set(bytes, at);
    return copy;
  };
  it.each<[string, Uint8Array, RegExp]>([
    ["empty", new Uint8Array(0), /ends before byte 64/],
    ["a script", new TextEncoder().encode("#!/bin/sh\n".repeat(10)), /not an ELF file/],
    ["32 bits", changed(4, 1), /not a 64-bit/],
    ["big-endian", changed(5, 2), /not a little-endian/],
    ["cut off", good.slice(0, 100), /ends before/],
    ["short headers", changed(58, 8), /too short/],
    ["a table far behind the end", changed(40, 0, 0, 0, 0, 0, 0, 0, 0x7f), /ends before/],
    ["a table without names", changed(64 + 56 + 64 + 40, 99), /no names/],
    ["a huge table", changed(64 + 56 + 64 + 32, 0, 0, 0, 0, 0, 1), /too large/],
  ])("%s", (_, bytes, message) => {
    expect(() => parseElf(bytes)).toThrow(ElfError);
    expect(() => parseElf(bytes)).toThrow(message);
  });

  it("survives changed bytes", () => {
    const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(edits, (changes) => {
        const bytes = good.slice();
        for (const [where, value] of changes) bytes[where] = value;
        try {
          parseElf(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ElfError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe("from disk", () => {
  it("reads a file", () => {
    const root = temporaryTree({ program: buildElf({ symbols: [{ name: "main", address: 0x401000 }] }) });
    expect(readElf(join(root, "program")).functions()).toEqual([
      { name: "main", address: 0x401000, offset: 0x1000, size: 16 },
    ]);
  });

  it.each<[string, string, RegExp]>([
    ["missing", "nothing", /ENOENT/],
    ["a directory", ".", /not a regular file/],
    ["too short", "short", /ends before byte 64/],
  ])("refuses what is %s", (_, path, message) => {
    const root = temporaryTree({ short: "x" });
    expect(() => readElf(join(root, path))).toThrow(message);
  });
});
