import { describe, expect, it } from "vitest";
import { bytesAt, escapeControls, fromText, toBytes, toText } from "../../../harness/tracing/bytestring.ts";
import { bytes, u8, viewOf } from "../../support/bytes.ts";

const E_ACUTE = "\xc3\xa9";
const GRIN = "\xf0\x9f\x98\x80";

describe("byte strings", () => {
  it("hold every byte", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const string = bytesAt(viewOf(all), 0, 256);
    expect(string.length).toBe(256);
    expect(toBytes(string)).toEqual(Buffer.from(all));
  });

  it("respect the offset of the view that they come from", () => {
    const view = new DataView(bytes(u8(1), u8(65), u8(66), u8(67)).buffer, 1);
    expect(bytesAt(view, 1, 2)).toBe("BC");
  });

  it.each([
    ["é", E_ACUTE],
    ["😀", GRIN],
    ["plain", "plain"],
    ["", ""],
  ])("are the UTF-8 of %j", (text, string) => {
    expect(fromText(text)).toBe(string);
    expect(toText(string)).toBe(text);
  });

  it.each([
    ["a stray byte", "a\xffb", "a\\xffb"],
    ["a cut sequence", "x\xc3", "x\\xc3"],
    ["a cut sequence before text", "\xe2\x82x", "\\xe2\\x82x"],
    ["an overlong form", "\xc0\xaf", "\\xc0\\xaf"],
    ["a surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"],
    ["beyond Unicode", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"],
    ["both", `${E_ACUTE}\x80${GRIN}`, "é\\x80😀"],
    ["NUL", "a\0b", "a\0b"],
  ])("show what is no UTF-8: %s", (_, string, text) => {
    expect(toText(string)).toBe(text);
  });

  it("are read in full when they are long", () => {
    expect(toText(`${E_ACUTE.repeat(100_000)}\xff`)).toBe(`${"é".repeat(100_000)}\\xff`);
  });
});

describe("escapeControls", () => {
  it.each([
    ["an escape sequence", "\x1b[2J", "\\x1b[2J"],
    ["a carriage return", "a\rb", "a\\x0db"],
    ["a bell and a backspace", "\x07\b", "\\x07\\x08"],
    ["NUL and DEL", "\0\x7f", "\\x00\\x7f"],
    ["a control character above ASCII", "\xc2\x9b31m", "\\xc2\\x9b31m"],
    ["a control byte that is no UTF-8", "\x9b31m", "\\x9b31m"],
    ["newline and tab", "a\n\tb", "a\n\tb"],
    ["text", `caf${E_ACUTE} ${GRIN}`, `caf${E_ACUTE} ${GRIN}`],
    ["the first character that is none", "\xc2\xa0", "\xc2\xa0"],
    ["nothing", "", ""],
  ])("%s", (_, string, safe) => {
    expect(escapeControls(string)).toBe(safe);
  });
});
