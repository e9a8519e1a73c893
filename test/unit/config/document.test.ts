import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source, spanText } from "../../../compiler/source.ts";
import { type Located, parseDocument } from "../../../harness/config/document.ts";
import { template } from "./helpers.ts";

function parse(text: string): { tree: Located | undefined; diags: Diagnostics } {
  const diags = new Diagnostics();
  return { tree: parseDocument(new Source("f.yml", text), diags), diags };
}

function plain(value: Located): unknown {
  switch (value.kind) {
    case "scalar":
      return value.value;
    case "list":
      return value.items.map(plain);
    case "map":
      return Object.fromEntries([...value.entries].map(([key, entry]) => [key, plain(entry.value)]));
  }
}

describe("documents", () => {
  it.each<[text: string, value: unknown]>([
    ["a: 1", { a: 1 }],
    ["a: [x, 2.5, true, null, ~, 'true']", { a: ["x", 2.5, true, null, null, "true"] }],
    ["a:\nb:", { a: null, b: null }],
    ["1: x\ntrue: y", { "1": "x", true: "y" }],
    ["a: 010\nb: 0x10\nc: 1e3", { a: 10, b: 16, c: 1000 }],
    ["a: yes\nb: on\nc: 2020-01-01", { a: "yes", b: "on", c: "2020-01-01" }],
    ["a: &x { b: 1 }\nc: *x", { a: { b: 1 }, c: { b: 1 } }],
    ["a: &x { b: 1, c: 2 }\nd: { <<: *x, c: 3 }", { a: { b: 1, c: 2 }, d: { b: 1, c: 3 } }],
    [
      "a: &x { b: 1 }\ny: &y { b: 2, c: 2 }\nd: { <<: [*x, *y] }",
      { a: { b: 1 }, y: { b: 2, c: 2 }, d: { b: 1, c: 2 } },
    ],
    ["\uFEFFa: 1", { a: 1 }],
    ["---\na: 1\n...\n", { a: 1 }],
    ["# only a comment\na: 1", { a: 1 }],
    ["__proto__: { a: 1 }", JSON.parse('{"__proto__": {"a": 1}}')],
  ])("%j", (text, value) => {
    const { tree, diags } = parse(text);
    expect(diags.items).toEqual([]);
    expect(plain(tree!)).toEqual(value);
  });

  it.each<[text: string, code: string, underlined: string, help?: RegExp]>([
    ["", "empty-file", "", /version/],
    ["# nothing\n", "empty-file", ""],
    ["a: [1", "yaml-syntax", ""],
    ["a: b: c", "yaml-syntax", "b", /quotes/],
    ["\ta: 1", "yaml-syntax", "\t", /spaces/],
    ["a: 'x", "yaml-syntax", ""],
    ["a: @opens", "yaml-syntax", "@", /quotes/],
    ["a: `x`", "yaml-syntax", "`", /quotes/],
    ["a: !(b < c)", "yaml-syntax", "!(b", /quotes/],
    [`a: [${template("x")}]`, "yaml-syntax", "{", /template/],
    ["a: !foo x", "yaml-syntax", "!foo", /quotes/],
    ["a: !!binary aGk=", "yaml-type", "aGk=", /quotes/],
    ["a: 1\n---\nb: 2", "several-documents", "-", /scenarios/],
    ["a: 1\nb: 2\na: 3", "duplicate-key", "a"],
    ["a: { b: 1, 'b': 2 }", "duplicate-key", "'b'"],
    ["? [x]\n: 1", "bad-key", ""],
    ["a: *x", "bad-alias", "*x"],
    ["a: &x [*x]", "bad-alias", "*x"],
    ["a: &x { b: { c: *x } }", "bad-alias", "*x"],
    ["a: { <<: 5 }", "bad-merge", "5"],
    ["a: { <<: [5] }", "bad-merge", "5"],
    ['a: "x\\0y"', "nul-character", '"x\\0y"'],
  ])("refuses %j", (text, code, underlined, help) => {
    const { tree, diags } = parse(text);
    expect(tree).toBeUndefined();
    const [first] = diags.items;
    expect(first?.code).toBe(code);
    if (underlined) expect(spanText(first!.span)).toBe(underlined);
    if (help) expect(first!.help).toMatch(help);
  });

  it("points at the first of two equal keys", () => {
    const [first] = parse("a: 1\na: 2").diags.items;
    expect(first!.labels!.map(({ span }) => span.start)).toEqual([0]);
  });

  it("reports several problems at once", () => {
    expect(parse("a: *x\nb: 1\nb: 2\nc: { <<: 1 }").diags.items.map(({ code }) => code)).toEqual([
      "bad-alias",
      "duplicate-key",
      "bad-merge",
    ]);
  });

  it.each([
    ["brackets", "[".repeat(50_000)],
    ["closed brackets", "[".repeat(50_000) + "]".repeat(50_000)],
    ["braces", "{a: ".repeat(50_000)],
    ["dashes", `${"- ".repeat(5_000)}a`],
    ["question marks", "? ".repeat(5_000)],
    ["indentation", Array.from({ length: 2_000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")],
    ["aliases on aliases", nestedAliases(1_000)],
  ])("bounds the depth of %s", (_, text) => {
    const { tree, diags } = parse(text);
    expect(tree).toBeUndefined();
    expect(diags.hasErrors).toBe(true);
  });

  it("bounds what aliases multiply", () => {
    const laughs = Array.from(
      { length: 12 },
      (_, i) =>
        `k${i}: &a${i} [${Array(10)
          .fill(i === 0 ? "x" : `*a${i - 1}`)
          .join(", ")}]`,
    );
    expect(parse(laughs.join("\n")).diags.items.map(({ code }) => code)).toEqual(["file-too-large"]);
  });

  it("survives any text", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "a: ",
        "- ",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        "&x ",
        "*x",
        "<<: ",
        "|\n",
        ">-\n",
        "'",
        '"',
        "# ",
        "? ",
        "!!",
        "---\n",
        "\t",
        ":",
        ",",
        "%",
        "\0",
        "\uFEFF",
        "\r\n",
      ),
      fc.string({ unit: "binary", maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const { tree, diags } = parse(pieces.join(""));
        expect(tree === undefined).toBe(diags.hasErrors);
      }),
      { numRuns: 3000 },
    );
  });
});

/** Every anchor wraps the one before it in 40 lists. */
function nestedAliases(levels: number): string {
  return Array.from(
    { length: levels },
    (_, i) => `k${i}: &a${i} ${"[".repeat(40)}${i === 0 ? "x" : `*a${i - 1}`}${"]".repeat(40)}`,
  ).join("\n");
}
