import { describe, expect, it } from "vitest";
import { printable, printableMessage, shownLine } from "../../compiler/source-line.ts";

const long = (count: number) => "x".repeat(count);

describe("messages", () => {
  it.each([
    ["plain", "plain"],
    ["\x1b[2J\x9b", "\\x1b[2J\\x9b"],
    ["\udc80\udcff", "\\x80\\xff"],
    ["😀", "😀"],
  ])("%j is shown as %j", (text, shown) => {
    expect(printable(text)).toBe(shown);
    expect(printableMessage(text)).toBe(shown);
  });

  it("have both their ends where they are long", () => {
    expect(printableMessage(`a${long(5000)}b`)).toBe(`a${long(999)} ... ${long(999)}b`);
    expect(printableMessage("😀".repeat(2001).slice(1))).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
  });
});

describe("shownLine", () => {
  it.each([
    ["a short line", "a = bad;", 4, 7, "a = bad;", "    ~~~"],
    ["an empty place", "a", 1, 1, "a", " ~"],
    ["what ends on another line", "a (b", 2, 40, "a (b", "  ~~"],
    ["tabs", "\tx\tbad", 3, 6, "\tx\tbad", "\t \t~~~"],
    ["control characters in front of it", "\x1b[2Jbad", 4, 7, "\\x1b[2Jbad", "       ~~~"],
    ["control characters in it", "a\rb", 1, 2, "a\\x0db", " ~~~~"],
    ["bytes that are no text", "a\udcffb", 1, 2, "a\\xffb", " ~~~~"],
    ["wide characters", '"日本" bad', 5, 8, '"日本" bad', "       ~~~"],
    ["a wide character outside of the first plane", "😀 bad", 3, 6, "😀 bad", "   ~~~"],
    ["combining characters", "e\u0301 bad", 3, 6, "e\u0301 bad", "  ~~~"],
  ])("shows %s", (_what, line, from, to, text, mark) => {
    const shown = shownLine(line, from, to);
    expect(shown.text).toBe(text);
    expect(`${shown.indent}${"~".repeat(shown.width)}`).toBe(mark);
  });

  it.each([
    ["at its beginning", `bad${long(1000)}`, 0, /^badx{397}\.\.\.$/, ""],
    ["in its middle", `${long(1000)}bad${long(1000)}`, 1000, /^\.\.\.x{100}badx{297}\.\.\.$/, " ".repeat(103)],
    ["at its end", `${long(1000)}bad`, 1000, /^\.\.\.x{397}bad$/, " ".repeat(400)],
  ])("shows the surroundings of a place %s of a long line", (_where, line, from, text, indent) => {
    expect(shownLine(line, from, from + 3)).toEqual({ text: expect.stringMatching(text), indent, width: 3 });
  });

  it("shows as much of a long place as there is room for", () => {
    expect(shownLine(long(1000), 0, 1000).width).toBe(400);
  });

  it("cuts no character in two", () => {
    expect(shownLine("😀".repeat(500), 501, 503).text).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
  });
});
