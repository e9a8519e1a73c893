/** Whatever the text: no exception, no endless loop, tokens and diagnostics inside of the text. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Diagnostics, renderDiagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import type { Node } from "../../../compiler/syntax/ast.ts";
import { tokenize } from "../../../compiler/syntax/lexer.ts";
import { print } from "../../../compiler/syntax/printer.ts";
import { PUNCTUATORS } from "../../../compiler/syntax/token.ts";
import { walk } from "../../../compiler/syntax/walk.ts";
import { SCRIPTS } from "./scripts.ts";
import { parseText, roundTrip } from "./support.ts";

const RUNS = { numRuns: 500, seed: 20_240_601 };

function survives(text: string): void {
  const { script, diags } = parseText(text);
  for (const d of diags.items) {
    for (const { span } of [d, ...(d.labels ?? [])]) {
      expect(span.start).toBeGreaterThanOrEqual(0);
      expect(span.end).toBeGreaterThanOrEqual(span.start);
      expect(span.end).toBeLessThanOrEqual(text.length);
    }
  }
  renderDiagnostics(diags.items);
  walk(script, (node: Node) => {
    expect(node.span.end).toBeGreaterThanOrEqual(node.span.start);
    expect(node.span.end).toBeLessThanOrEqual(text.length);
  });
  if (diags.hasErrors) print(script);
  else roundTrip(script);
}

const WORDS = [
  ..."BEGIN END kprobe:f uprobe:/a/b:c t:a:b k:*,k:$1 config import macro fn let if else while for unroll return".split(
    " ",
  ),
  ..."break continue struct union enum typedef sizeof offsetof typeof typeinfo comptime true false _ pid x f".split(
    " ",
  ),
  ...'uint64 int8 $x $1 $# @ @x 0 1 10 0x1f 5ms 1e3 08 99999999999999999999 1.5 "s" "\\n" \'q\' " \' /'.split(" "),
  ...["// c\n", "/* c */", "/*", "\n", "#define A 1\n", "#!x\n", "=>", "===", "\\", "$", "é", "(struct a *)", "{ }"],
  ...PUNCTUATORS,
];

const soup = fc.array(fc.constantFrom(...WORDS), { maxLength: 60 });
const separator = fc.constantFrom("", " ", "\n");

describe("texts at random", () => {
  it("characters", () => fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), survives), RUNS));

  it("tokens", () => {
    fc.assert(
      fc.property(soup, separator, (words, between) => survives(words.join(between))),
      RUNS,
    );
  });

  it("tokens in a block", () => {
    fc.assert(
      fc.property(soup, (words) => survives(`BEGIN { ${words.join(" ")} }`)),
      RUNS,
    );
  });

  it("tokens in a predicate", () => {
    fc.assert(
      fc.property(soup, (words) => survives(`kprobe:f /${words.join(" ")}/ { f(); }`)),
      RUNS,
    );
  });

  it("tokens cover the text in order", () => {
    fc.assert(
      fc.property(soup, separator, (words, between) => {
        const text = words.join(between);
        let end = 0;
        for (const token of tokenize(new Source("test.bt", text), new Diagnostics()).tokens) {
          expect(token.start).toBeGreaterThanOrEqual(end);
          expect(token.text).toBe(text.slice(token.start, token.end));
          end = token.end;
        }
        expect(end).toBe(text.length);
      }),
      RUNS,
    );
  });
});

describe("broken scripts", () => {
  const script = fc.constantFrom(...SCRIPTS);
  const at = fc.double({ min: 0, max: 1, noNaN: true });
  const place = (text: string, where: number): number => Math.floor(where * text.length);

  it("cut off", () => {
    fc.assert(
      fc.property(script, at, (text, where) => survives(text.slice(0, place(text, where)))),
      RUNS,
    );
  });

  it("with something taken out", () => {
    fc.assert(
      fc.property(script, at, fc.integer({ min: 1, max: 40 }), (text, where, length) => {
        const start = place(text, where);
        survives(text.slice(0, start) + text.slice(start + length));
      }),
      RUNS,
    );
  });

  it("with something put in", () => {
    fc.assert(
      fc.property(
        script,
        fc.array(fc.tuple(at, fc.constantFrom(...WORDS)), { minLength: 1, maxLength: 4 }),
        (text, all) => {
          let broken = text;
          for (const [where, word] of all) {
            const start = place(broken, where);
            broken = broken.slice(0, start) + word + broken.slice(start);
          }
          survives(broken);
        },
      ),
      RUNS,
    );
  });

  it("with parts exchanged", () => {
    fc.assert(
      fc.property(script, script, at, at, (a, b, x, y) => survives(a.slice(0, place(a, x)) + b.slice(place(b, y)))),
      RUNS,
    );
  });
});
