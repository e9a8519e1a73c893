import { describe, expect, it } from "vitest";
import { Source, span } from "../../../compiler/source.ts";
import type { Script } from "../../../compiler/syntax/ast.ts";
import { print } from "../../../compiler/syntax/printer.ts";
import { SCRIPTS } from "./scripts.ts";
import { parseClean, parseText, roundTrip } from "./support.ts";

/** What a statement becomes. */
const format = (text: string): string => {
  const printed = roundTrip(parseClean(`BEGIN { ${text} }`));
  return printed
    .replace(/^BEGIN \{\n?/, "")
    .replace(/\n?\}\n$/, "")
    .replace(/^ {2}/gm, "");
};

describe("statements", () => {
  it.each<[string, string]>([
    ["f( 1,2 )", "f(1, 2);"],
    ["f!( 1 )", "f(1);"],
    ["$x=1", "$x = 1;"],
    ["@x [ 1,2 ]+=3", "@x[1, 2] += 3;"],
    ["@x[(1,2)]=3", "@x[1, 2] = 3;"],
    ["_=f()", "_ = f();"],
    ["let $x:uint64=1", "let $x: uint64 = 1;"],
    ["return", "return;"],
    ["return(1)", "return 1;"],
    ["if pid==1{f()}", "if (pid == 1) {\n  f();\n}"],
    ["if(1){}else if(2){}else{}", "if (1) {} else if (2) {} else {}"],
    ["while(1){break}", "while (1) {\n  break;\n}"],
    ["unroll(3){f()}", "unroll (3) {\n  f();\n}"],
    ["for $x:@y{f()}", "for ($x : @y) {\n  f();\n}"],
    ["for($x:0..1+2){}", "for ($x : 0..(1 + 2)) {}"],
    ["{f();g()}", "{\n  f();\n  g();\n}"],
    ["f();;g()", "f();\ng();"],
    ["f();\n\n\n\ng()", "f();\n\ng();"],
    ["\n\nf();\n\n", "f();"],
    ["({1});", "({ 1 });"],
    ["f({1}+2);", "f(({ 1 }) + 2);"],
  ])("%s", (text, expected) => expect(format(text)).toBe(expected));
});

describe("expressions", () => {
  it.each<[string, string]>([
    // Spelling
    ["0x1F", "0x1F"],
    ["1_000ms", "1_000ms"],
    ['"a\\x41\\"é"', '"a\\x41\\"é"'],
    // Parentheses that are needed, that help, and that do neither
    ["((1))", "1"],
    ["(1+2)*3", "(1 + 2) * 3"],
    ["1+(2*3)", "1 + 2 * 3"],
    ["1-(2-3)", "1 - (2 - 3)"],
    ["(1-2)-3", "1 - 2 - 3"],
    ["1+(2+3)", "1 + (2 + 3)"],
    ["a||b&&c", "a || (b && c)"],
    ["a&&(b||c)", "a && (b || c)"],
    ["a&b==c", "a & (b == c)"],
    ["(a&b)==c", "(a & b) == c"],
    ["a|b&c", "a | (b & c)"],
    ["a|b|c", "a | b | c"],
    ["1<<2+3", "1 << (2 + 3)"],
    ["a*b%c", "(a * b) % c"],
    ["a%b", "a % b"],
    ["a*b/c", "a * b / c"],
    ["!(a==b)", "!(a == b)"],
    ["-(1+2)", "-(1 + 2)"],
    ["- -1", "-(-1)"],
    ["- --$x", "-(--$x)"],
    ["-(+1)", "-+1"],
    ["!!a", "!!a"],
    ["~-1", "~-1"],
    ["(*$p).x", "(*$p).x"],
    ["*($p.x)", "*$p.x"],
    ["((struct a*)b)->c", "((struct a *)b)->c"],
    ["(struct a**)b", "(struct a **)b"],
    ["(uint64)(a+b)", "(uint64)(a + b)"],
    ["(int8 [ 4 ])x", "(int8[4])x"],
    ["(int8*[4])x", "(int8 *[4])x"],
    ["(1 ?2:3)?4:5", "(1 ? 2 : 3) ? 4 : 5"],
    ["1?2:(3?4:5)", "1 ? 2 : 3 ? 4 : 5"],
    ["a?:b", "a ?: b"],
    ["if 1{2}else{3}", "if (1) { 2 } else { 3 }"],
    ["{1}", "{ 1 }"],
    ["{f();1}", "{\n  f();\n  1\n}"],
    ["f({f();})", "f({\n  f();\n})"],
    ["(1,)", "(1,)"],
    ["( )", "()"],
    ["(a=1,b=(1,2))", "(a = 1, b = (1, 2))"],
    ["$t . 0 . 1", "$t.0.1"],
    ["sizeof( struct a )", "sizeof(struct a)"],
    ["sizeof( a[4] )", "sizeof(a[4])"],
    ["sizeof( (a[4]) )", "sizeof((a[4]))"],
    ["offsetof(struct a,b . c)", "offsetof(struct a, b.c)"],
    ["comptime(1)", "comptime 1"],
  ])("%s", (text, expected) => expect(format(`_ = ${text};`)).toBe(`_ = ${expected};`));
});

describe("long lines", () => {
  const name = "x".repeat(40);

  it.each<[string, string, string]>([
    ["a call", `f("${name}", ${name}, ${name}, 1)`, `f("${name}", ${name},\n    ${name}, 1);`],
    ["a key", `@m[${name}, ${name}, ${name}] = 1`, `@m[${name}, ${name},\n    ${name}] = 1;`],
    ["a chain", `$x = ${name} + ${name} + ${name}`, `$x = ${name} +\n    ${name} +\n    ${name};`],
    ["a choice", `$x = ${name} ? ${name} : ${name}`, `$x = ${name}\n    ? ${name}\n    : ${name};`],
    ["a single long argument", `f("${name}${name}${name}")`, `f("${name}${name}${name}");`],
    ["a block", `$x = { ${name} + ${name} + ${name} }`, `$x = {\n  ${name} +\n      ${name} +\n      ${name}\n};`],
  ])("%s", (_, text, expected) => expect(format(text)).toBe(expected));

  it("lines stay within 100 columns where they can be broken", () => {
    for (const text of SCRIPTS) {
      for (const line of roundTrip(parseClean(text)).split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    }
  });
});

describe("probes and other items", () => {
  it.each<[string, string]>([
    ["BEGIN{}", "BEGIN {}\n"],
    ["k:a,k:b{f()}", "k:a,\nk:b {\n  f();\n}\n"],
    ["k:a/pid==1/{}", "k:a /pid == 1/ {}\n"],
    ["k:a,k:b/pid==1/{}", "k:a,\nk:b\n/pid == 1/\n{}\n"],
    ["k:a / *$p / {}", "k:a / *$p/ {}\n"],
    ['u:"/a b":f,u:$1:"g$1" {}', 'u:"/a b":f,\nu:$1:"g$1" {}\n'],
    ["BEGIN{}END{}", "BEGIN {}\n\nEND {}\n"],
    ["macro m{1}macro n($a,b,@c){}", "macro m() {\n  1\n}\n\nmacro n($a, b, @c) {}\n"],
    ["fn f($a:int32):int32*{}", "fn f($a: int32): int32 * {}\n"],
    ["config={a=1;b=c}", "config = {\n  a = 1;\n  b = c;\n}\n"],
    ["config={}", "config = {}\n"],
    ['import "a";import "b";', 'import "a";\nimport "b";\n'],
    ["let @a=hash(1)let @b=hash(2);BEGIN{}", "let @a = hash(1);\nlet @b = hash(2);\n\nBEGIN {}\n"],
    ["#define A 1\n#define B 2\n\n\n#define C 3\nBEGIN{}", "#define A 1\n#define B 2\n\n#define C 3\n\nBEGIN {}\n"],
    ["struct a {\n\tint x;\n};\nBEGIN{}", "struct a {\n\tint x;\n};\n\nBEGIN {}\n"],
  ])("%s", (text, expected) => expect(roundTrip(parseClean(text))).toBe(expected));

  it("a predicate that does not fit has its own lines", () => {
    const long = "x".repeat(46);
    expect(roundTrip(parseClean(`k:a /${long} && ${long}/ {}`))).toBe(`k:a\n/${long} && ${long}/\n{}\n`);
  });
});

describe("comments", () => {
  it.each<[string, string]>([
    ["BEGIN { // a\n f(); }", "BEGIN { // a\n  f();\n}\n"],
    ["BEGIN {\n // a\n f(); // b\n // c\n }", "BEGIN {\n  // a\n  f(); // b\n  // c\n}\n"],
    ["BEGIN { /* a */ }", "BEGIN {\n  /* a */\n}\n"],
    ["BEGIN { // a\n }", "BEGIN { // a\n}\n"],
    ["BEGIN { f() /* a */;\n }", "BEGIN {\n  f(); /* a */\n}\n"],
    ["BEGIN { f(/* a */ 1); }", "BEGIN {\n  f(/* a */ 1);\n}\n"],
    ["BEGIN { f(1 /* a */); }", "BEGIN {\n  f(1 /* a */);\n}\n"],
    ["BEGIN { $x = 1 + // a\n 2; }", "BEGIN {\n  $x = 1 +\n      // a\n      2;\n}\n"],
    ["BEGIN { if (1) { } // a\n else { } }", "BEGIN {\n  if (1) {} else // a\n  {}\n}\n"],
    ["// a\n\n// b\nBEGIN { }\n// c\n\n// d\n", "// a\n\n// b\nBEGIN {}\n// c\n\n// d\n"],
    ["BEGIN { } // a\nEND { }", "BEGIN {} // a\n\nEND {}\n"],
    ["BEGIN { }\n// a\nEND { }", "BEGIN {}\n\n// a\nEND {}\n"],
    ["k:a, // a\nk:b { }", "k:a, // a\nk:b {}\n"],
    ["k:a // a\n{ }", "k:a // a\n{}\n"],
    ["k:a / /* a */ 1 / { }", "k:a / /* a */ 1/ {}\n"],
    ["config = { // a\n a = 1; // b\n}", "config = {\n  // a\n  a = 1; // b\n}\n"],
    ["BEGIN {\n  /*\n      * a\n   */\n}", "BEGIN {\n  /*\n   * a\n   */\n}\n"],
    ["BEGIN {\n  /* a\n b */\n}", "BEGIN {\n  /* a\n b */\n}\n"],
    ["#!/bin/x\nBEGIN { }", "#!/bin/x\nBEGIN {}\n"],
  ])("%j", (text, expected) => expect(roundTrip(parseClean(text))).toBe(expected));

  it("none is lost, and none moves before another", () => {
    for (const text of SCRIPTS) {
      const comments = (s: Script): string[] => s.comments.map((c) => c.text.replace(/\s*\n\s*/g, "\n"));
      const script = parseClean(text);
      expect(comments(parseClean(print(script)))).toEqual(comments(script));
    }
  });
});

it.each(SCRIPTS.map((text, i) => [i, text] as const))(
  "script %i keeps its meaning, and its form the second time",
  (_, text) => {
    const printed = roundTrip(parseClean(text));
    expect(printed).not.toMatch(/[ \t]$/m);
    expect(printed).not.toMatch(/\n\n\n/);
  },
);

it("prints what could be read of a script with errors", () => {
  const { script } = parseText("BEGIN { f(); $x = ; g(); } k:f END { h(); }");
  expect(print(script)).toBe("BEGIN {\n  f();\n  g();\n}\n\nEND {\n  h();\n}\n");
});

it("spells a literal anew when its source says something else", () => {
  const source = new Source("other", "???");
  const where = span(source, 0, 3);
  const script = parseClean('BEGIN { f(1, "a"); }');
  const [statement] = script.probes[0]!.body.statements;
  if (statement?.kind !== "expression-statement" || statement.expression.kind !== "call") throw new Error("no call");
  statement.expression.args = [
    { kind: "integer", span: where, value: 42n },
    { kind: "string", span: where, value: '\n"\\\x00\xff' },
  ];
  expect(print(script)).toBe('BEGIN {\n  f(42, "\\n\\"\\\\\\x00\\xff");\n}\n');
});
