import { describe, expect, it } from "vitest";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { tokenize } from "../../../compiler/syntax/lexer.ts";
import { PUNCTUATORS } from "../../../compiler/syntax/token.ts";
import { place } from "./support.ts";

function lex(text: string): { tokens: string[]; comments: string[]; errors: string[] } {
  const diags = new Diagnostics();
  const stream = tokenize(new Source("test.bt", text), diags);
  const tokens = stream.tokens.map((t) => (t.kind === t.text || t.kind === "end" ? t.kind : `${t.kind}=${t.text}`));
  return { tokens: tokens.slice(0, -1), comments: stream.comments.map((c) => c.text), errors: diags.items.map(place) };
}

/** The tokens of a statement, without those of the probe around it. */
function code(text: string): string {
  const { tokens, errors } = lex(`BEGIN{${text}\n}`);
  expect(errors).toEqual([]);
  return tokens.slice(2, -1).join(" ");
}

/** The value of the only token of a statement. */
function value(text: string): bigint | string | undefined {
  const diags = new Diagnostics();
  const token = tokenize(new Source("test.bt", `BEGIN{${text}}`), diags).tokens[2];
  expect(diags.items).toEqual([]);
  return token?.kind === "integer" || token?.kind === "string" ? token.value : undefined;
}

describe("numbers", () => {
  it.each<[string, bigint]>([
    ["0", 0n],
    ["7", 7n],
    ["42", 42n],
    ["1_000_000", 1_000_000n],
    ["999999999999999", 999_999_999_999_999n],
    ["1234567890123456789", 1_234_567_890_123_456_789n],
    ["18446744073709551615", 18_446_744_073_709_551_615n],
    ["00", 0n],
    ["0755", 0o755n],
    ["0_7", 7n],
    ["01777777777777777777777", 18_446_744_073_709_551_615n],
    ["0x0", 0n],
    ["0x1f", 31n],
    ["0XFF", 255n],
    ["0xffff_ffff", 4_294_967_295n],
    ["0xffffffffffffffff", 18_446_744_073_709_551_615n],
    ["0x0000000000000000000000001", 1n],
    ["0x10UL", 16n],
    ["1e6", 1_000_000n],
    ["9E3", 9_000n],
    ["1e1_0", 10_000_000_000n],
    ["1e19", 10_000_000_000_000_000_000n],
    ["2e3s", 2_000_000_000_000n],
    ["123u", 123n],
    ["123UL", 123n],
    ["123ull", 123n],
    ["123LL", 123n],
    ["123l", 123n],
    ["5ns", 5n],
    ["5us", 5_000n],
    ["5ms", 5_000_000n],
    ["1s", 1_000_000_000n],
    ["1m", 60_000_000_000n],
    ["1h", 3_600_000_000_000n],
    ["1d", 86_400_000_000_000n],
    ["1_000ms", 1_000_000_000n],
  ])("%s", (text, expected) => expect(value(text)).toBe(expected));

  it.each<[string, string]>([
    ["18446744073709551616", "number-too-large 1:7"],
    ["0x1ffffffffffffffff", "number-too-large 1:7"],
    ["99999999999999999999999999", "number-too-large 1:7"],
    ["1e20", "number-too-large 1:7"],
    ["1e99999999999", "number-too-large 1:7"],
    ["300000d", "number-too-large 1:7"],
    ["02000000000000000000000", "number-too-large 1:7"],
    ["0x", "bad-number 1:7"],
    ["0x_", "bad-number 1:7"],
    ["0xgg", "bad-number 1:7"],
    ["0x1s", "bad-number 1:7"],
    ["0b101", "bad-number 1:7"],
    ["08", "bad-number 1:7"],
    ["1_", "bad-number 1:7"],
    ["1e6_", "bad-number 1:7"],
    ["10e3", "bad-number 1:7"],
    ["0e3", "bad-number 1:7"],
    ["1e", "bad-number 1:7"],
    ["5x", "bad-number 1:7"],
    ["5S", "bad-number 1:7"],
    ["5msec", "bad-number 1:7"],
    ["5ulll", "bad-number 1:7"],
    ["1.5", "bad-number 1:7"],
    ["1.5s", "bad-number 1:7"],
  ])("%s is refused", (text, expected) => expect(lex(`BEGIN{${text}}`).errors).toEqual([expected]));
});

describe("strings", () => {
  it.each<[string, string]>([
    ['""', ""],
    ['"plain text"', "plain text"],
    ['"a\\nb\\tc\\rd"', "a\nb\tc\rd"],
    ['"\\\\ \\""', '\\ "'],
    ['"\\0"', "\0"],
    ['"\\033[0m"', "\x1b[0m"],
    ['"\\1234"', "S4"],
    ['"\\377"', "\xff"],
    ['"\udcff\udc80ä"', "\xff\x80\xc3\xa4"],
    ['"\ud83d"', "\xef\xbf\xbd"],
    ['"\\x41\\X42"', "AB"],
    ['"\\x4g"', "\x04g"],
    ['"\\x414"', "A4"],
    ['"é€"', "\xc3\xa9\xe2\x82\xac"],
    ['"😀"', "\xf0\x9f\x98\x80"],
    ['"\ud83d"', "\xef\xbf\xbd"],
    ['"// no comment /* */"', "// no comment /* */"],
    ['"it\'s"', "it's"],
  ])("%s", (text, expected) => expect(value(text)).toBe(expected));

  it.each<[string, string[]]>([
    ['"abc', ["unterminated-string 1:7"]],
    ['"abc\n"', ["unterminated-string 1:7", "unterminated-string 2:1"]],
    ['"abc\\', ["unterminated-string 1:7", "unknown-escape 1:11"]],
    ['"a\\qb"', ["unknown-escape 1:9"]],
    ['"\\x"', ["unknown-escape 1:8"]],
    ['"\\xg\\8"', ["unknown-escape 1:8", "unknown-escape 1:11"]],
    ['"\\400"', ["unknown-escape 1:8"]],
    ['"\\😀"', ["unknown-escape 1:8"]],
    ["'a'", ["single-quotes 1:7"]],
    ["'a\nb", ["single-quotes 1:7"]],
  ])("%s is refused", (text, expected) => expect(lex(`BEGIN{${text}`).errors).toEqual(expected));
});

describe("names", () => {
  it.each<[string, string]>([
    ["pid _a1 if", "word=pid word=_a1 word=if"],
    ["$x $_ $X1", "variable=$x variable=$_ variable=$X1"],
    ["$1 $10 $#", "positional=$1 positional=$10 positional=$#"],
    ["@ @x @_1", "map=@ map=@x map=@_1"],
    ["@[1]", "map=@ [ integer=1 ]"],
    ["@ x", "map=@ word=x"],
    ["$1x", "positional=$1 word=x"],
  ])("%s", (text, expected) => expect(code(text)).toBe(expected));
});

describe("punctuators", () => {
  it.each(PUNCTUATORS.filter((p) => !"{}".includes(p)))("%s", (p) => expect(code(p)).toBe(p));

  it.each<[string, string]>([
    ["a+++b", "word=a ++ + word=b"],
    ["a--->b", "word=a -- -> word=b"],
    ["a<<=b>>=c", "word=a <<= word=b >>= word=c"],
    ["a<-b", "word=a < - word=b"],
    ["a&&&b", "word=a && & word=b"],
    ["0..10", "integer=0 .. integer=10"],
    ["$a..ncpus", "variable=$a .. word=ncpus"],
    ["$t.0.1", "variable=$t . integer=0 . integer=1"],
    ["a/b/c", "word=a / word=b / word=c"],
    ["a /* x */ / b", "word=a / word=b"],
    ["a // x", "word=a"],
  ])("%s", (text, expected) => expect(code(text)).toBe(expected));

  it.each<[string, string]>([
    ["=>", "unknown-operator 1:7"],
    ["===", "unknown-operator 1:7"],
    ["!==", "unknown-operator 1:7"],
    ["<>", "unknown-operator 1:7"],
    ["#", "unexpected-character 1:7"],
    ["`", "unexpected-character 1:7"],
    ["\\", "unexpected-character 1:7"],
    ["$", "unexpected-character 1:7"],
    ["$-", "unexpected-character 1:7"],
    ["“", "unexpected-character 1:7"],
    ["é", "unexpected-character 1:7"],
    ["😀", "unexpected-character 1:7"],
    ["\u00a0", "unexpected-character 1:7"],
    ["\0", "unexpected-character 1:7"],
    ["\x1b", "unexpected-character 1:7"],
    ["\udcff", "unexpected-character 1:7"],
    ["\ud800", "unexpected-character 1:7"],
    ["/* abc", "unterminated-comment 1:7"],
  ])("%j is refused", (text, expected) => expect(lex(`BEGIN{${text}`).errors).toEqual([expected]));
});

describe("the top level", () => {
  it.each<[string, string]>([
    ["BEGIN{}", "attach-point=BEGIN { }"],
    ["kprobe:f,kprobe:g{}", "attach-point=kprobe:f , attach-point=kprobe:g { }"],
    ["uprobe:/bin/a//b:f {}", "attach-point=uprobe:/bin/a//b:f { }"],
    ["uprobe:/lib/*.so:* {}", "attach-point=uprobe:/lib/*.so:* { }"],
    ["uprobe:/a:f/pid/ {}", "attach-point=uprobe:/a:f/pid/ { }"],
    ["iter:task:/sys/fs/bpf/x {}", "attach-point=iter:task:/sys/fs/bpf/x { }"],
    ["kprobe:f/pid/ {}", "attach-point=kprobe:f predicate-start=/ word=pid predicate-end=/ { }"],
    ["n=t:a:b/pid/ {}", "attach-point=n=t:a:b predicate-start=/ word=pid predicate-end=/ { }"],
    ["BEGIN/1/{}", "attach-point=BEGIN predicate-start=/ integer=1 predicate-end=/ { }"],
    ['uprobe:"/a b/c":"f(int, {int})" {}', 'attach-point=uprobe:"/a b/c":"f(int, {int})" { }'],
    ['usdt:./x:"a\\"b" {}', 'attach-point=usdt:./x:"a\\"b" { }'],
    ["k:f / a / b / {}", "attach-point=k:f predicate-start=/ word=a / word=b predicate-end=/ { }"],
    ["k:f / a / // x\n {}", "attach-point=k:f predicate-start=/ word=a predicate-end=/ { }"],
    ["k:f / {1} / {2}", "attach-point=k:f predicate-start=/ { integer=1 } predicate-end=/ { integer=2 }"],
    [
      "k:f /if a {1} else {2}/ {}",
      "attach-point=k:f predicate-start=/ word=if word=a { integer=1 } word=else { integer=2 } predicate-end=/ { }",
    ],
    ["k:f /a {}", "attach-point=k:f predicate-start=/ word=a { }"],
    ["BEGIN{{}} END{}", "attach-point=BEGIN { { } } attach-point=END { }"],
    ["config={a=1} BEGIN{}", "word=config = { word=a = integer=1 } attach-point=BEGIN { }"],
    ['import "a"; k:f{}', 'word=import string="a" ; attach-point=k:f { }'],
    ["let @a=hash(1) k:f{}", "word=let map=@a = word=hash ( integer=1 ) attach-point=k:f { }"],
    ["let @a=hash(1); k:f{}", "word=let map=@a = word=hash ( integer=1 ) ; attach-point=k:f { }"],
    ["macro m($a){} k:f{}", "word=macro word=m ( variable=$a ) { } attach-point=k:f { }"],
    ["config:f {}", "attach-point=config:f { }"],
    ["struct:f {}", "attach-point=struct:f { }"],
    ["struct a { int x; };BEGIN{}", "c-definition=struct a { int x; }; attach-point=BEGIN { }"],
    [
      "struct a { struct { int x; } y; } BEGIN{}",
      "c-definition=struct a { struct { int x; } y; } attach-point=BEGIN { }",
    ],
    ["enum { A, B } BEGIN{}", "c-definition=enum { A, B } attach-point=BEGIN { }"],
    ["struct a;BEGIN{}", "c-definition=struct a; attach-point=BEGIN { }"],
    ["typedef struct { int x; } t;BEGIN{}", "c-definition=typedef struct { int x; } t; attach-point=BEGIN { }"],
    [
      "struct __attribute__((packed)) a { int x; } __attribute__((aligned(4))); BEGIN{}",
      "c-definition=struct __attribute__((packed)) a { int x; } __attribute__((aligned(4))); attach-point=BEGIN { }",
    ],
    [
      "struct a { /* } */ char c; // }\n} BEGIN{}",
      "c-definition=struct a { /* } */ char c; // }\n} attach-point=BEGIN { }",
    ],
    ["#define A 1 // x  \nBEGIN{}", "c-definition=#define A 1 // x attach-point=BEGIN { }"],
    ["#define A \\\n 1\nBEGIN{}", "c-definition=#define A \\\n 1 attach-point=BEGIN { }"],
    ["#include <a.h>", "c-definition=#include <a.h>"],
    ["} ; ,", "} ; ,"],
    ["\ufeffBEGIN{}", "attach-point=BEGIN { }"],
    ["BEGIN {\nkprobe:f {}", "attach-point=BEGIN { attach-point=kprobe:f { }"],
    ["BEGIN {\nEND\n{}", "attach-point=BEGIN { attach-point=END { }"],
    ["BEGIN {\nend = 1;}", "attach-point=BEGIN { word=end = integer=1 ; }"],
    ["BEGIN { 1 ?\nkprobe: 2}", "attach-point=BEGIN { integer=1 ? word=kprobe : integer=2 }"],
  ])("%s", (text, expected) => {
    const { tokens, errors } = lex(text);
    expect(errors).toEqual([]);
    expect(tokens.join(" ")).toBe(expected);
  });

  it.each<[string, string[]]>([
    ["struct a { int x;", ["missing-brace 1:10"]],
    ["typedef struct { int x; t;", ["missing-brace 1:16"]],
    ["typedef struct { int x; } t\nBEGIN{ f(); }", ["missing-semicolon 1:1"]],
    ["typedef int t", ["missing-semicolon 1:1"]],
    ["struct a {} __attribute__ (packed) BEGIN{}", ["bad-attribute 1:13"]],
    ["struct a {} __attribute__ ((packed) BEGIN{}", ["bad-attribute 1:13"]],
    ['uprobe:"abc {}', ["unterminated-string 1:8"]],
  ])("%s is refused", (text, expected) => expect(lex(text).errors).toEqual(expected));

  it("keeps comments apart from tokens", () => {
    const { tokens, comments } = lex("#!/usr/bin/x -q\n// a \nBEGIN { /* b\n c */ } // d");
    expect(tokens).toEqual(["attach-point=BEGIN", "{", "}"]);
    expect(comments).toEqual(["#!/usr/bin/x -q", "// a", "/* b\n c */", "// d"]);
  });

  it("gives every token the place where its text stands", () => {
    const text = '#define A 1\nk:f,t:a:b /pid == 1/ { @x[1] += 5ms; printf("%d\\n", $1); /* c */ }\n';
    const { tokens } = tokenize(new Source("test.bt", text), new Diagnostics());
    for (const token of tokens) expect(text.slice(token.start, token.end)).toBe(token.text);
    for (const [i, token] of tokens.slice(1).entries()) expect(token.start).toBeGreaterThanOrEqual(tokens[i]!.end);
  });
});
