/** The notes of sys/sdt.h in ELF files made by hand, sound and damaged. */
import { rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UsdtMark } from "../../../compiler/kernel-facts.ts";
import { ElfError, ElfFile } from "../../../harness/tracing/elf/file.ts";
import { usdtMarks } from "../../../harness/tracing/elf/stapsdt.ts";
import { readElf } from "../../../harness/tracing/facts/elf.ts";
import { buildElf, type ElfSectionSpec } from "../../support/elf-builder.ts";
import { temporaryTree } from "../../support/temporary.ts";

interface NoteSpec {
  owner?: string;
  type?: number;
  address?: number;
  base?: number;
  semaphore?: number;
  /** Provider, name and arguments, each with its NUL. */
  text?: string;
}

function note({ owner = "stapsdt", type = 3, text = "app\0start\0-4@%edi\0", ...places }: NoteSpec = {}): Buffer {
  const { address = 0x401010, base = 0x402000, semaphore = 0 } = places;
  const name = Buffer.from(`${owner}\0`);
  const description = Buffer.alloc(24 + Buffer.byteLength(text));
  for (const [i, value] of [address, base, semaphore].entries()) description.writeBigUInt64LE(BigInt(value), 8 * i);
  description.write(text, 24);
  const header = Buffer.alloc(12);
  for (const [i, value] of [name.length, description.length, type].entries()) header.writeUInt32LE(value, 4 * i);
  return Buffer.concat([header, padded(name), padded(description)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

function marks(content: Uint8Array, more: ElfSectionSpec[] = []): readonly UsdtMark[] {
  return marksOf(buildElf({ sections: [{ name: ".note.stapsdt", content }, ...more] }));
}

function marksOf(bytes: Uint8Array): UsdtMark[] {
  const read = (offset: number, length: number): DataView => {
    if (offset + length > bytes.length) throw new ElfError(`the file ends before byte ${offset + length}`);
    return new DataView(bytes.buffer, bytes.byteOffset + offset, length);
  };
  return usdtMarks(new ElfFile(read));
}

const MARK: UsdtMark = { provider: "app", name: "start", address: 0x401010, semaphore: 0, arguments: "-4@%edi" };

describe("the notes of sys/sdt.h", () => {
  it("have names, places and arguments", () => expect(marks(note())).toEqual([MARK]));

  it("follow one another, whatever their lengths are", () => {
    const texts = ["a\0b\0\0", "ab\0c\0\0", "ab\0cd\0" + "8@%rax\0", "abc\0de\0\0"];
    const found = marks(Buffer.concat(texts.map((text) => note({ text }))));
    expect(found.map(({ provider, name, arguments: args }) => `${provider}:${name}:${args}`)).toEqual([
      "a:b:",
      "ab:c:",
      "ab:cd:8@%rax",
      "abc:de:",
    ]);
  });

  it("stand beside notes of others", () => {
    const notes = [note({ owner: "other" }), note(), note({ type: 4 }), note({ owner: "" })];
    expect(marks(Buffer.concat(notes))).toEqual([MARK]);
  });

  it("have names that are no names of C", () => {
    expect(marks(note({ text: 'a:b\0"ü"\0\0' }))).toEqual([{ ...MARK, provider: "a:b", name: '"ü"', arguments: "" }]);
  });

  it("move along with a program that was prelinked, as does the semaphore", () => {
    const base = (address: number): ElfSectionSpec => ({ name: ".stapsdt.base", address, content: Buffer.alloc(1) });
    const notes = Buffer.concat([note({ semaphore: 0x404020 }), note()]);
    const places = (address: number) => marks(notes, [base(address)]).map((m) => [m.address, m.semaphore]);
    expect(places(0x402000)).toEqual([
      [0x401010, 0x404020],
      [0x401010, 0],
    ]);
    expect(places(0x402000 + 0x5000)).toEqual([
      [0x406010, 0x409020],
      [0x406010, 0],
    ]);
    expect(places(0x402000 - 0x1000)[0]).toEqual([0x400010, 0x403020]);
  });

  it("stay where they are when they know of no base", () => {
    const base = { name: ".stapsdt.base", address: 0x402000, content: Buffer.alloc(1) };
    expect(marks(note({ base: 0 }), [base])).toEqual([MARK]);
  });
});

describe("damaged notes are left out", () => {
  const length = (at: number, value: number): Buffer => {
    const bytes = note();
    bytes.writeUInt32LE(value, at);
    return bytes;
  };
  it.each<[string, Uint8Array]>([
    ["empty", Buffer.alloc(0)],
    ["a piece of a header", note().subarray(0, 11)],
    ["a header alone", note().subarray(0, 12)],
    ["without names", note({ text: "" })],
    ["without a provider", note({ text: "\0start\0\0" })],
    ["without a name", note({ text: "app\0\0\0" })],
    ["cut in the name", note({ text: "app\0sta" })],
    ["cut in the addresses", note().subarray(0, 40)],
    ["a huge owner", length(0, 0xffff_ffff)],
    ["a huge description of nothing", Buffer.concat([length(4, 0xffff_ffff).subarray(0, 20)])],
    ["too short a description", length(4, 23)],
  ])("%s", (_, content) => expect(marks(content)).toEqual([]));

  it("whatever the bytes are", () => {
    const piece = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(note()));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
        for (const { provider, name } of marks(Buffer.concat(pieces))) expect([provider, name]).not.toContain("");
      }),
      { numRuns: 50 },
    );
  });
});

it("a file without notes has none", () => {
  expect(marksOf(buildElf())).toEqual([]);
  expect(marksOf(buildElf({ sections: [{ name: ".note", content: note() }] }))).toEqual([]);
});

it("a file that is cut off, or gone by the time it is asked for, has none", () => {
  const whole = buildElf({ sections: [{ name: ".note.stapsdt", content: note() }] });
  const root = temporaryTree({ whole, gone: whole });
  const [kept, gone] = ["whole", "gone"].map((file) => readElf(join(root, file)));
  truncateSync(join(root, "whole"), whole.length - 60);
  rmSync(join(root, "gone"));
  expect([kept!.marks(), gone!.marks()]).toEqual([[], []]);
});
