import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDocument as readYaml, Scalar, stringify } from "yaml";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { outermost, Source, span, spanText } from "../../../compiler/source.ts";
import { type LocatedScalar, parseDocument } from "../../../harness/config/document.ts";
import { embed, replaceAll, verbatim } from "../../../harness/config/mapped-text.ts";

/** The value of the key `k` (of the innermost mapping that has it). */
function scalarOf(file: string): LocatedScalar {
  let value = parseDocument(new Source("f.yml", file), new Diagnostics());
  while (value?.kind === "map") value = value.entries.get("k")?.value ?? value.entries.get("outer")?.value;
  if (value?.kind !== "scalar") throw new Error("no scalar");
  return value;
}

/** The text of the file under a word of the decoded text. */
function underlined(file: string, word: string): string {
  const { text, span: where } = scalarOf(file);
  const embedded = embed(text, "embedded", where.source);
  const at = embedded.text.indexOf(word);
  expect(at).toBeGreaterThanOrEqual(0);
  return spanText(outermost(span(embedded, at, at + word.length)));
}

describe("scalars in a file", () => {
  it.each<[title: string, file: string, word: string, underlined?: string]>([
    ["plain", "k: one two three", "two"],
    ["plain over lines", "k: one\n  two\n\n  three", "three"],
    ["single-quoted", "k: 'it''s two'", "two"],
    ["a doubled quote", "k: 'it''s two'", "it's", "it''s"],
    ["double-quoted", 'k: "one\\ttwo"', "two"],
    ["an escape", 'k: "one\\x41two"', "A", "\\"],
    ["behind a long escape", 'k: "\\U0001F600two"', "two"],
    ["behind an escaped line break", 'k: "one \\\n    two"', "two"],
    ["behind escaped CRLF", 'k: "one \\\r\n    two"', "two"],
    ["behind an escaped quote", 'k: "\\"two"', "two"],
    ["folded quotes", 'k: "one\n   two\n\n   three"', "three"],
    ["literal", "k: |\n  one\n  two\n", "two"],
    ["literal, first line", "k: |\n  one\n  two\n", "one"],
    ["literal, indented", "k: |\n  one {\n    two\n  }\n", "two"],
    ["literal, closing brace", "k: |\n  one {\n    two\n  }\n", "}"],
    ["literal, deep", "outer:\n    k: |\n        one\n        two\n", "two"],
    ["literal with chomping and comment", "k: |-  # a comment\n  one\n  two", "two"],
    ["literal with indentation indicator", "k: |2\n    one\n  two\n", "two"],
    ["literal with empty lines", "k: |\n\n\n  one\n\n\n  two\n", "two"],
    ["literal with CRLF", "k: |\r\n  one\r\n    two\r\n  three\r\n", "three"],
    ["literal with tabs inside", "k: |\n  one\n  \ttwo\n", "two"],
    ["literal with repeated words", "k: |\n  a a\n  a a two\n", "two"],
    ["folded", "k: >\n  one\n  two\n\n  three\n", "three"],
    ["folded, more indented", "k: >\n  one\n\n    two\n\n  three\n", "three"],
    ["non-ASCII before it", "k: |\n  äöü 😀 two\n", "two"],
  ])("%s", (_, file, word, expected = word) => expect(underlined(file, word)).toBe(expected));

  it("keep every visible character at its place, in every style, for any text", () => {
    const word = fc.string({ unit: fc.constantFrom(..."ab{}@[]$#:'\"\\,/é😀"), minLength: 1, maxLength: 5 });
    const text = fc
      .array(fc.tuple(word, fc.constantFrom(" ", "  ", "\n", "\n\n", "\n  ", "\t")), { minLength: 1, maxLength: 12 })
      .map((parts) => parts.flat().join("").trim());
    const style = fc.constantFrom("PLAIN", "QUOTE_SINGLE", "QUOTE_DOUBLE", "BLOCK_LITERAL", "BLOCK_FOLDED");
    fc.assert(
      fc.property(text, style, fc.integer({ min: 1, max: 6 }), (value, type, indent) => {
        const scalar = new Scalar(value);
        scalar.type = type as Scalar.Type;
        const file = stringify({ outer: { k: scalar } }, { indent, lineWidth: 20 });
        // Some texts cannot be written in some styles, and the writer does not always notice.
        fc.pre(readYaml(file).errors.length === 0);
        const { text: mapped } = scalarOf(file);
        // Writing and reading may differ in white space when long lines are folded; the rest is the same.
        expect(mapped.text.replace(/\s+/g, "")).toBe(value.replace(/\s+/g, ""));
        expect(mapped.offsets).toHaveLength(mapped.text.length + 1);
        let visible = -1;
        for (let i = 0; i < mapped.text.length; i++) {
          const offset = mapped.offsets[i]!;
          expect(mapped.offsets[i + 1]!).toBeGreaterThanOrEqual(offset);
          if (/\s/.test(mapped.text[i]!)) continue;
          expect([mapped.text[i], "\\"]).toContain(file[offset]);
          // Only the two halves of one escaped character may share a place.
          if (file[offset] !== "\\") expect(offset).toBeGreaterThan(visible);
          visible = offset;
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("replacement", () => {
  it("keeps the places of what remains, and gives a replacement the place of what it replaces", () => {
    const mapped = replaceAll(verbatim("a <x> b <y> c", 100), /<(\w)>/g, ([, name]) => name!.repeat(5));
    expect(mapped.text).toBe("a xxxxx b yyyyy c");
    expect(mapped.offsets[mapped.text.indexOf("b")]).toBe(106);
    expect(mapped.offsets[mapped.text.indexOf("yy") + 3]).toBe(108);
    expect(mapped.offsets[mapped.text.indexOf("c")]).toBe(112);
    expect(mapped.offsets.at(-1)).toBe(113);
  });

  it("leaves a text without matches as it is", () => {
    expect(replaceAll(verbatim("abc", 3), /x/g, () => "y")).toEqual(verbatim("abc", 3));
  });
});
