import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { parseExpression } from "../../../harness/metrics/parser.ts";
import { printExpression } from "../../../harness/metrics/print.ts";
import { brief, parse } from "./helpers.ts";

describe("expressions", () => {
  // Every case is printed with all structure shown, and the print reads back as the same tree.
  it.each([
    ["40", "40"],
    ["1_000", "1000"],
    ["0x1F", "31"],
    ["1.5", "1.5"],
    ["2e3", "2000"],
    ["200us", "200000"],
    ["200 us", "200000"],
    ["1.5ms", "1500000"],
    ["2s", "2000000000"],
    ["4KiB", "4096"],
    ["4KB", "4000"],
    ["0.5MiB", "524288"],
    ["5%", "0.05"],
    ["18446744073709551615", "18446744073709551615"],
    ["@", "@"],
    ["@x", "@x"],
    ['@x["a", 3]', '@x["a", 3]'],
    ["@x['a b']", '@x["a b"]'],
    ['@x["a\\"b\\n\\x41\\u0042"]', '@x["a\\"b\\nAB"]'],
    ["@x[-1]", "@x[-1]"],
    ["@x[0x10]", "@x[16]"],
    ["@x[(1, 2), true]", "@x[(1, 2), true]"],
    ["opens", "opens"],
    ["count", "count"],
    ["sum(@opens)", "sum(@opens)"],
    ['p99(@h["r"])', 'p99(@h["r"])'],
    ["quantile(@h, 99.9%)", "quantile(@h, 0.999)"],
    ["a + b * c", "a + (b * c)"],
    ["a - b - c", "(a - b) - c"],
    ["a / b / c", "(a / b) / c"],
    ["(a + b) * c", "(a + b) * c"],
    ["-a * b", "-a * b"],
    ["-(a * b)", "-(a * b)"],
    ["--a", "--a"],
    ["a < b && c >= d || !(e == f)", "((a < b) && (c >= d)) || !(e == f)"],
    ["a != b || c < d && e > f", "(a != b) || ((c < d) && (e > f))"],
    ["5% < a", "0.05 < a"],
    ["a<5%&&b", "(a < 0.05) && b"],
    ["  a\n +\tb ", "a + b"],
    ["5 s", "5000000000"],
  ])("%s", (text, printed) => {
    expect(printExpression(parse(text))).toBe(printed);
    expect(printExpression(parse(printed))).toBe(printed);
  });

  it.each<[text: string, code: string, underlined: string, help?: RegExp]>([
    ["", "syntax", ""],
    ["   ", "syntax", ""],
    ["sum(@x", "syntax", ""],
    ["sum(@x,", "syntax", ""],
    ["sum(@x))", "syntax", ")"],
    ["a +", "syntax", ""],
    ["* a", "syntax", "*"],
    ["a b", "syntax", "b"],
    ["a and b", "syntax", "and", /&&/],
    ["a or b", "syntax", "or", /\|\|/],
    ["a is b", "syntax", "is", /==/],
    ["a = 1", "unexpected-character", "=", /==/],
    ["a & b", "unexpected-character", "&", /&&/],
    ["a | b", "unexpected-character", "|", /\|\|/],
    ["$x", "unexpected-character", "$", /@/],
    ["@s.count", "unexpected-character", ".", /avg\(@x\)/],
    ["5 % 3", "unexpected-character", "%", /5%/],
    ["a ? b : c", "unexpected-character", "?"],
    ["a < 😀", "unexpected-character", "😀"],
    ["1 < a < 3", "chained-comparison", "<", /&&/],
    ["(1 < a) == b", "chained-comparison", "=="],
    ["200usec", "unknown-unit", "usec", /200us`/],
    ["5 opens", "syntax", "opens"],
    ["10kib", "unknown-unit", "kib", /10KiB/],
    ["10Mb", "unknown-unit", "Mb", /10MB/],
    ["10parsecs", "unknown-unit", "parsecs", /units are/],
    ["1.2.3", "unexpected-character", "."],
    ["1e400", "bad-number", "1e400"],
    ['"text"', "unexpected-text", '"text"', /map keys/],
    ['@x["a]', "unterminated-string", '"a]', /add "/],
    ["@x['", "unterminated-string", "'"],
    ["@x[]", "syntax", "]"],
    ["@x[a]", "syntax", "a", /"a"/],
    ["@x[1.5]", "syntax", "1.5"],
    ["@x[1", "syntax", ""],
    ["@x[1,]", "syntax", "]"],
    ["@x[(1]", "syntax", "]"],
    ["summ(@x)", "unknown-function", "summ", /`sum`/],
    ["median(@x)", "unknown-function", "median", /functions are/],
    ["p100(@x)", "unknown-function", "p100"],
    [")", "syntax", ")"],
    ["!", "syntax", ""],
  ])("refuses %s", (text, code, underlined, help) => {
    const diags = new Diagnostics();
    expect(parseExpression(new Source("expression", text), diags)).toBeUndefined();
    expect(diags.items.map(brief)).toEqual([[code, underlined]]);
    if (help) expect(diags.items[0]!.help).toMatch(help);
  });

  it.each([
    ["parentheses", "(".repeat(100_000)],
    ["signs", "-".repeat(100_000)],
    ["a long sum", Array(100_000).fill("a").join("+")],
    ["a nested key", `@x[${"(".repeat(100_000)}`],
    ["a number", "9".repeat(100_000)],
  ])("bounds %s", (_, text) => {
    const diags = new Diagnostics();
    const expression = parseExpression(new Source("expression", text), diags);
    expect(expression === undefined).toBe(diags.hasErrors);
  });

  it("never throws, and reports exactly one error where it fails", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ..."@x sum ( ) [ ] , + - * / < <= == != && || ! 5 5us 1.5 % p99 quantile a".split(" "),
        '"k"',
        "'",
        " ",
      ),
      fc.string({ unit: "binary", maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const diags = new Diagnostics();
        const expression = parseExpression(new Source("expression", pieces.join("")), diags);
        expect(diags.items.length).toBe(expression ? 0 : 1);
        if (expression) printExpression(expression);
      }),
      { numRuns: 2000 },
    );
  });
});
