/** Where instructions begin, in hand-picked bytes and, where objdump is here, in all of the C library. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { beginsInstruction } from "../../../harness/tracing/elf/instructions.ts";
import { instructionLength } from "../../../harness/tracing/elf/x86-instructions.ts";

const X86_64 = 62;
const AARCH64 = 183;

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(" ").map((byte) => Number.parseInt(byte, 16)));
}

describe("lengths", () => {
  it.each([
    ["55", 1, "push %rbp"],
    ["c3", 1, "ret"],
    ["48 89 e5", 3, "mov %rsp,%rbp"],
    ["48 83 ec 10", 4, "sub $0x10,%rsp"],
    ["48 81 ec 00 01 00 00", 7, "sub $0x100,%rsp"],
    ["66 81 c3 34 12", 5, "add $0x1234,%bx"],
    ["b8 01 00 00 00", 5, "mov $1,%eax"],
    ["48 b8 01 02 03 04 05 06 07 08", 10, "movabs"],
    ["66 b8 01 00", 4, "mov $1,%ax"],
    ["a1 01 02 03 04 05 06 07 08", 9, "movabs (address),%eax"],
    ["67 a1 01 02 03 04", 6, "addr32 mov"],
    ["8b 45 fc", 3, "mov -4(%rbp),%eax"],
    ["8b 44 24 08", 4, "mov 8(%rsp),%eax"],
    ["8b 04 25 00 00 00 00", 7, "mov 0x0,%eax"],
    ["8b 05 00 00 00 00", 6, "mov 0(%rip),%eax"],
    ["8b 84 24 00 01 00 00", 7, "mov 0x100(%rsp),%eax"],
    ["f6 c3 01", 3, "test $1,%bl"],
    ["f6 d3", 2, "not %bl"],
    ["f7 c3 01 00 00 00", 6, "test $1,%ebx"],
    ["66 f7 c3 01 00", 5, "test $1,%bx"],
    ["e8 00 00 00 00", 5, "call"],
    ["0f 84 00 00 00 00", 6, "je"],
    ["f3 0f 1e fa", 4, "endbr64"],
    ["66 2e 0f 1f 84 00 00 00 00 00", 10, "cs nopw 0(%rax,%rax,1)"],
    ["c8 10 00 00", 4, "enter"],
    ["0f ba e0 05", 4, "bt $5,%eax"],
    ["66 0f 3a 0f c1 08", 6, "palignr $8"],
    ["66 0f 38 00 c1", 5, "pshufb"],
    ["c5 f8 77", 3, "vzeroupper"],
    ["c5 fd 6f 06", 4, "vmovdqa (%rsi),%ymm0"],
    ["c4 e3 7d 39 c1 01", 6, "vextracti128 $1"],
    ["62 f1 fe 48 6f 46 01", 7, "vmovdqu64 64(%rsi),%zmm0"],
    ["8f e8 78 c2 ec 0e", 6, "vprotd $14"],
    ["8f 00", 2, "pop (%rax)"],
    ["f0 48 0f b1 0e", 5, "lock cmpxchg"],
  ])("%s has %i (%s)", (text, length) => {
    expect(instructionLength(bytes(text), 0)).toBe(length);
  });

  it.each([["06"], ["48 89"], ["e8 00"], ["0f 04"], ["c4 e4 7d 39 c1"], [""], ["66 66"]])("none in `%s`", (text) => {
    expect(instructionLength(text === "" ? new Uint8Array(0) : bytes(text), 0)).toBeUndefined();
  });
});

describe("beginnings", () => {
  const code = bytes("55 48 89 e5 c3");
  it.each([
    [X86_64, 0, true],
    [X86_64, 1, true],
    [X86_64, 2, false],
    [X86_64, 3, false],
    [X86_64, 4, true],
    [AARCH64, 4, true],
    [AARCH64, 2, false],
    [40, 2, undefined],
  ])("on machine %i, offset %i: %s", (machine, offset, expected) => {
    expect(beginsInstruction(machine, code, offset)).toBe(expected);
  });
});

const LIBRARY = "/lib/x86_64-linux-gnu/libc.so.6";
const hasObjdump = existsSync(LIBRARY) && spawnSync("objdump", ["--version"]).status === 0;

it.skipIf(!hasObjdump)("lengths are those of objdump, all over the C library", { timeout: 120_000 }, () => {
  const listing = execFileSync("objdump", ["-d", "-w", LIBRARY], { maxBuffer: 1 << 30, encoding: "latin1" });
  const wrong: string[] = [];
  let seen = 0;
  for (const line of listing.split("\n")) {
    const match = /^ +[0-9a-f]+:\t((?:[0-9a-f]{2} )+) *\t(?!\(bad\)|\.byte)/.exec(line);
    if (!match) continue;
    seen++;
    const code = bytes(match[1]!.trim());
    if (instructionLength(code, 0) !== code.length) wrong.push(line);
  }
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(100_000);
});
