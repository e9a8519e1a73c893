import { describe, expect, it } from "vitest";
import {
  type FormatPiece,
  formatParameters,
  isSupported,
  MAX_FIELD_SIZE,
  parseFormat,
} from "../../../compiler/format-string.ts";

/** Text as it is, a conversion as its parts. */
function sketch(pieces: readonly FormatPiece[]): unknown[] {
  return pieces.map((piece) => {
    if (typeof piece === "string") return piece;
    const { flags, width, precision, length, conversion } = piece;
    const set = Object.entries(flags).flatMap(([name, on]) => (on ? [name] : []));
    return [set.join("+"), width, precision, length, conversion];
  });
}

const plain = (conversion: string): unknown[] => ["", undefined, undefined, "", conversion];

describe("parseFormat", () => {
  it.each<[string, unknown[]]>([
    ["", []],
    ["text", ["text"]],
    ["%d", [plain("d")]],
    ["a%db%sc", ["a", plain("d"), "b", plain("s"), "c"]],
    ["%d%d", [plain("d"), plain("d")]],
    ["100%%", ["100%"]],
    ["100%", ["100%"]],
    ["%", ["%"]],
    ["%%d", ["%d"]],
    ["%%%d", ["%", plain("d")]],
    ["%5%|", ["%|"]],
    ["%y %d", ["%y ", plain("d")]],
    ["%5", ["%5"]],
    ["%-+ #05.3lld", [["left+sign+space+alternate+zero", 5, 3, "ll", "d"]]],
    ["%0-5d", [["left+zero", 5, undefined, "", "d"]]],
    ["%--d", [["left", undefined, undefined, "", "d"]]],
    ["%.d", [["", undefined, 0, "", "d"]]],
    ["%*d", [["", "*", undefined, "", "d"]]],
    ["%-*.*s", [["left", "*", "*", "", "s"]]],
    [
      "%hhx%hx%lx%llx%jx%zx%tx%Lx",
      ["hh", "h", "l", "ll", "j", "z", "t", "L"].map((l) => ["", undefined, undefined, l, "x"]),
    ],
    ["%r%rx%rh%rd", [plain("r"), plain("rx"), plain("rh"), plain("r"), "d"]],
    ["%gr%g", [plain("gr"), plain("g")]],
    ["%99999999999d", [["", MAX_FIELD_SIZE, undefined, "", "d"]]],
    ["\xc3\xa9%s", ["\xc3\xa9", plain("s")]],
  ])("%j", (format, expected) => {
    expect(sketch(parseFormat(format))).toEqual(expected);
  });

  it("keeps where and how a conversion was written", () => {
    expect(parseFormat("ab%-5d")[1]).toMatchObject({ text: "%-5d", start: 2 });
    expect(parseFormat("%%%x")[1]).toMatchObject({ text: "%x", start: 2 });
  });
});

describe("formatParameters", () => {
  it.each<[string, string[]]>([
    ["no conversion 5%", []],
    ["%d %s", ["value %d", "value %s"]],
    ["%*d", ["width %*d", "value %*d"]],
    ["%.*s", ["precision %.*s", "value %.*s"]],
    ["%*.*x %d", ["width %*.*x", "precision %*.*x", "value %*.*x", "value %d"]],
  ])("%j", (format, expected) => {
    expect(formatParameters(parseFormat(format)).map(({ role, spec }) => `${role} ${spec.text}`)).toEqual(expected);
  });
});

describe("isSupported", () => {
  it.each(["d", "i", "u", "o", "x", "X", "c", "s", "p", "r", "rx", "rh", "gr"] as const)("%s", (c) => {
    expect(isSupported(c)).toBe(true);
  });
  it.each(["e", "E", "f", "F", "g", "G", "a", "A", "n"] as const)("not %s", (c) => {
    expect(isSupported(c)).toBe(false);
  });
});
