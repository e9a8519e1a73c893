import { describe, expect, it } from "vitest";
import { parseFormat } from "../../../compiler/format-string.ts";
import { escapeControls } from "../../../harness/tracing/bytestring.ts";
import { formatPrintf } from "../../../harness/tracing/output/printf.ts";
import type { Printable } from "../../../harness/tracing/printable.ts";
import { array, bool, buf, int, named, raw, rec, str, tuple } from "../../support/output.ts";

const U64_MAX = (1n << 64n) - 1n;

function printf(format: string, ...args: readonly Printable[]): string {
  return formatPrintf(parseFormat(format), args);
}

describe("as bpftrace 0.27.1 prints it", () => {
  it.each<[string, Printable[], string]>([
    // The length modifier decides how many bits count.
    ["%d", [int(5_000_000_000n)], "705032704"],
    ["%d", [int(U64_MAX)], "-1"],
    ["%x", [int(-1)], "ffffffff"],
    [
      "%x %hx %hhx %lx %llx",
      [int(-1), int(-1), int(-1), int(-1), int(-1)],
      "ffffffff ffff ff ffffffffffffffff ffffffffffffffff",
    ],
    ["%u %lu %hu %hhu", [int(-1), int(-1), int(-1), int(-1)], "4294967295 18446744073709551615 65535 255"],
    ["%hd %hhd %i %li", [int(65_535), int(255), int(-1), int(-1)], "-1 -1 -1 -1"],
    ["%lld %lld %llu", [int(U64_MAX), int(5_000_000_000n), int(-1)], "-1 5000000000 18446744073709551615"],
    ["%zd %jd %td", [int(0xfffffffffn), int(0xfffffffffn), int(0xfffffffffn)], "68719476735 68719476735 68719476735"],
    ["%jx %zx %tx", [int(-1), int(-1), int(-1)], "ffffffffffffffff ffffffffffffffff ffffffffffffffff"],
    ["%Lx", [int(0x1_0000_00ffn)], "ff"],
    // Flags and widths.
    ["[%+d] [%5d] [%-5d]", [int(4), int(6), int(7)], "[+4] [    6] [7    ]"],
    ["[%+5d] [%-+5d]", [int(3), int(3)], "[   +3] [+3   ]"],
    ["[%08x] [%-8x] [%+x]", [int(255), int(255), int(255)], "[000000ff] [ff      ] [ff]"],
    ["[%#10x] [%-#10x]", [int(255), int(255)], "[      0xff] [0xff      ]"],
    ["%o %#o %#x %#X %X %#x %#o", [8, 8, 255, 255, 255, 0, 0].map(int), "10 010 0xff 0XFF FF 0 0"],
    ["%014d", [int(42)], "00000000000042"],
    // Characters.
    ["[%c] [%5c] [%-5c]", [int(65), int(66), int(67)], "[A] [    B] [C    ]"],
    ["%c|%c|", [int(0), int(200)], "\0|\xc8|"],
    ["%5c%%|%-3d%%", [int(65), int(5)], "    A%|5  %"],
    // Pointers.
    [
      "%p %p [%20p] [%-20p]",
      [int(0), int(4096), int(4096), int(4096)],
      "0 0x1000 [              0x1000] [0x1000              ]",
    ],
    ["%5s|%-5s|%s", [named("0x10", 16), named("0xff", 255), named("0x0", 0)], " 0x10|0xff |0x0"],
    ["%d", [named("0x10", 16)], "16"],
    // Strings, and %s of everything.
    ["[%s] [%10s] [%-10s]", [str("foo"), str("foo"), str("foo")], "[foo] [       foo] [foo       ]"],
    ["[%05s]", [str("foo")], "[00foo]"],
    ["%s %s %s", [bool(true), int(5), int(-5)], "true 5 -5"],
    ["%s %20s|%-20s|", [bool(true), bool(false), bool(true)], "true                false|true                |"],
    ["%d %s %x %5s", [bool(true), bool(false), bool(true), bool(true)], "1 false 1  true"],
    ["%s", [int(U64_MAX)], "18446744073709551615"],
    ["%s %d %x %10s|", [named("A", 1), named("B", 5), named("B", 5), named("B", 5)], "A 5 5          B|"],
    ["%s", [tuple(int(1), str("a"))], "(1, a)"],
    ["%s", [array(int(1), int(2))], "[1,2]"],
    ["%s", [rec({ a: int(1), b: int(2) })], "{ .a = 1, .b = 2 }"],
    // Buffers.
    [
      "%r %rx %rh|%10rh|%-12r|",
      [buf("/tmp"), buf("/tmp"), buf("/tmp"), buf("/t"), buf("/t")],
      "/tmp \\x2f\\x74\\x6d\\x70 2f 74 6d 70|     2f 74|/t          |",
    ],
    ["%r", [buf("ab\xff\0c")], "ab\\xff\\x00c"],
    ["%s", [buf("ab\xff\0c")], "ab\\xff\\x00c"],
    ["%rh|%r", [buf(""), buf("")], "|"],
    ["%gr|%gr|%gr", [int(0xcc0), int(0x822), int(0)], "GFP_KERNEL|GFP_ATOMIC|__GFP_HIGHMEM|0"],
    ["%gr", [int(0x4c0)], "__GFP_IO|__GFP_FS|__GFP_DIRECT_RECLAIM"],
    ["%gr", [int(0x80000001)], "GFP_DMA|0x80000000"],
    // What is no conversion.
    ["no args 100%", [], "no args 100%"],
    ["100%% done %5% |", [], "100% done % |"],
    ["%y %d", [int(1)], "%y 1"],
  ])("%j", (format, args, expected) => {
    expect(printf(format, ...args)).toBe(expected);
  });
});

describe("as C has it, where bpftrace 0.27.1 forgets the flag or the precision", () => {
  it.each<[string, Printable[], string]>([
    ["[% d] [% d] [% 5d]", [int(5), int(-5), int(3)], "[ 5] [-5] [    3]"],
    ["[%+ d]", [int(5)], "[+5]"],
    ["[%05d] [%+05d] [% 05d]", [int(-3), int(3), int(3)], "[-0003] [+0003] [ 0003]"],
    ["[%-05d]", [int(3)], "[3    ]"],
    ["[%#08x] [%#06o]", [int(255), int(8)], "[0x0000ff] [000010]"],
    ["[%.3d] [%8.3d] [%-8.3d] [%08.3d]", [int(8), int(9), int(-9), int(9)], "[008] [     009] [-009    ] [     009]"],
    ["[%.0d] [%.d] [%.0d]", [int(0), int(0), int(1)], "[] [] [1]"],
    ["[%#.0o] [%#.4o] [%#.4x]", [int(0), int(8), int(255)], "[0] [0010] [0x00ff]"],
    ["[%.2s] [%10.2s] [%.0s]", [str("foo"), str("foo"), str("foo")], "[fo] [        fo] []"],
    ["[%0-5d] [%+-5d]", [int(3), int(3)], "[3    ] [+3   ]"],
    ["[%*d] [%-*d] [%*d]", [int(5), int(3), int(5), int(3), int(-5), int(3)], "[    3] [3    ] [3    ]"],
    ["[%.*s] [%.*s]", [int(2), str("foo"), int(-1), str("foo")], "[fo] [foo]"],
    ["[%*.*x]", [int(6), int(4), int(255)], "[  00ff]"],
    ["[%10s]", [tuple(int(1), int(2))], "[    (1, 2)]"],
  ])("%j", (format, args, expected) => {
    expect(printf(format, ...args)).toBe(expected);
  });
});

describe("bytes", () => {
  it("pass through, and count one column each", () => {
    expect(printf("[%4s]", raw("\xc3\xa9"))).toBe("[  \xc3\xa9]");
    expect(printf("\xff%s", raw("\x1b[0m"))).toBe("\xff\x1b[0m");
  });

  it("are guarded in arguments, not in the format", () => {
    const guarded = (format: string, ...args: readonly Printable[]): string =>
      formatPrintf(parseFormat(format), args, escapeControls);
    expect(guarded("\x1b[1m%s\x1b[0m", raw("a\x1b[2J"))).toBe("\x1b[1ma\\x1b[2J\x1b[0m");
    expect(guarded("%c", int(27))).toBe("\\x1b");
    expect(guarded("[%6s]", raw("\x07"))).toBe("[  \\x07]");
  });
});

describe("memory", () => {
  it("is not exhausted by a width", () => {
    expect(printf("%*d", int(2 ** 31 - 1), int(1)).length).toBe(65_535);
    expect(printf("%.*d", int(2 ** 31 - 1), int(1)).length).toBe(65_535);
    expect(printf("%999999999999s", str("x")).length).toBe(65_535);
  });
});

describe("what the checker must not let through", () => {
  it.each<[string, Printable[], string]>([
    ["%d", [], "more than its 0 arguments"],
    ["%*d", [int(1)], "more than its 1 arguments"],
    ["x", [int(1)], "takes 0 arguments, not 1"],
    ["%d", [int(1), int(2)], "takes 1 arguments, not 2"],
    ["%d", [str("x")], "a text is no number"],
    ["%p", [tuple()], "a tuple is no number"],
    ["%*d", [str("x"), int(1)], "a text is no number"],
    ["%f", [int(1)], "there is no conversion %f"],
    ["%n", [int(1)], "there is no conversion %n"],
  ])("%j", (format, args, message) => {
    expect(() => printf(format, ...args)).toThrow(message);
  });
});
