import { describe, expect, it } from "vitest";
import { Diagnostics, renderDiagnostics } from "../../../compiler/diagnostics.ts";
import { cpuMs } from "../../support/cpu-time.ts";
import { parseText, place, shape } from "./support.ts";

const errors = (text: string): string[] => parseText(text).diags.items.map(place);

describe("one mistake, one message", () => {
  it.each<[string, string]>([
    // Expressions
    ["BEGIN { $x = ; }", "expected-expression 1:14"],
    ["BEGIN { $x = 1 + ; }", "expected-expression 1:18"],
    ["BEGIN { f(1, ); }", "expected-expression 1:14"],
    ["BEGIN { f(, 1); }", "expected-expression 1:11"],
    ["BEGIN { @x[] = 1; }", "expected-expression 1:12"],
    ["BEGIN { @x[1,] = 1; }", "expected-expression 1:14"],
    ["BEGIN { (1 + 2; }", "unexpected-token 1:15"],
    ["BEGIN { f(1, 2; }", "unexpected-token 1:15"],
    ["BEGIN { @a[1, 2; }", "unexpected-token 1:16"],
    ["BEGIN { a[1; }", "unexpected-token 1:12"],
    ["BEGIN { (1, 2; }", "unexpected-token 1:14"],
    ["BEGIN { (a = 1, 2) }", "unexpected-token 1:17"],
    ["BEGIN { (a = 1, a = 2) }", "duplicate-field 1:17"],
    ["BEGIN { $x.; }", "unexpected-token 1:12"],
    ['BEGIN { $x->"a"; }', "unexpected-token 1:13"],
    ["BEGIN { $x->1; }", "unexpected-token 1:13"],
    ["BEGIN { $t.0x1; }", "bad-number 1:12"],
    ["BEGIN { 1 ? 2; }", "unexpected-token 1:14"],
    ["BEGIN { 5++; }", "invalid-increment 1:9"],
    ["BEGIN { ++f(); }", "invalid-increment 1:11"],
    ["BEGIN { ++$x++; }", "invalid-increment 1:11"],
    ["BEGIN { $x.y++; }", "invalid-increment 1:9"],
    ["BEGIN { &5; }", "address-of 1:10"],
    ["BEGIN { &@x[1]; }", "address-of 1:10"],
    ["BEGIN { $0; }", "bad-positional 1:9"],
    ["BEGIN { $99999999999; }", "bad-positional 1:9"],
    ["BEGIN { $x = while; }", "expected-expression 1:14"],
    ["BEGIN { $x = struct foo; }", "expected-expression 1:14"],
    ["BEGIN { sizeof(); }", "expected-expression 1:16"],
    ["BEGIN { sizeof(1; }", "unexpected-token 1:17"],
    ["BEGIN { offsetof(struct x); }", "unexpected-token 1:26"],
    ["BEGIN { offsetof(struct x, 1); }", "unexpected-token 1:28"],
    ["BEGIN { (struct)1; }", "unexpected-token 1:16"],
    ["BEGIN { (struct x *); }", "expected-expression 1:21"],
    ["BEGIN { (int8[99999999999])x; }", "number-too-large 1:15"],
    ["BEGIN { $x = { 1; }; }", "missing-value 1:19"],
    ["BEGIN { $x = { }; }", "missing-value 1:16"],
    ["BEGIN { $x = if 1 { 2 }; }", "missing-value 1:14"],
    ["BEGIN { $x = if 1 { 2 } else { 3; }; }", "missing-value 1:14"],
    ["BEGIN { if (not $x) { } }", "unknown-operator 1:13"],
    ["BEGIN { $x = $a and $b; }", "missing-semicolon 1:17"],
    // Statements
    ["BEGIN { x = 1; }", "invalid-assignment-target 1:9"],
    ["BEGIN { $x[1] = 1; }", "invalid-assignment-target 1:9"],
    ["BEGIN { (1, 2).0 = 1; }", "invalid-assignment-target 1:9"],
    ["BEGIN { $1 = 2; }", "invalid-assignment-target 1:9"],
    ["BEGIN { *$p = 2; }", "invalid-assignment-target 1:9"],
    ["BEGIN { f() += 2; }", "invalid-assignment-target 1:9"],
    ["BEGIN { 1 == 2 = 3; }", "invalid-assignment-target 1:9"],
    ["BEGIN { $a = $b = 1; }", "unexpected-token 1:17"],
    ["BEGIN { $x == 5; }", "unused-comparison 1:9"],
    ["BEGIN { $x = 1 $y = 2; }", "missing-semicolon 1:16"],
    ["BEGIN { $x = 1\n$y = 2; }", "missing-semicolon 2:1"],
    ["BEGIN { f()\ng() }", "missing-semicolon 2:1"],
    ["BEGIN { f()) }", "missing-semicolon 1:12"],
    ["BEGIN { int $x = 5; }", "missing-semicolon 1:13"],
    ["BEGIN { return 1 2; }", "missing-semicolon 1:18"],
    ["BEGIN { break 1; }", "missing-semicolon 1:15"],
    ["BEGIN { let @x; }", "unexpected-token 1:13"],
    ["BEGIN { let x; }", "unexpected-token 1:13"],
    ["BEGIN { let $x: = 1; }", "unexpected-token 1:17"],
    ['BEGIN { import "a" }', "unexpected-token 1:20"],
    ["BEGIN { if (1) { } elif (2) { } }", "unknown-keyword 1:20"],
    ["BEGIN { if (1) { } elseif (2) { } }", "unknown-keyword 1:20"],
    ["BEGIN { else { } }", "unexpected-token 1:9"],
    ["BEGIN { if (1) f(); }", "missing-body 1:16"],
    ["BEGIN { if (1) { } else f(); }", "missing-body 1:25"],
    ["BEGIN { while (1) f(); }", "missing-body 1:19"],
    ["BEGIN { unroll 5 }", "missing-body 1:18"],
    ["BEGIN { if ($x = 1) { } }", "unexpected-token 1:16"],
    ["BEGIN { if (x = 1) { } }", "assignment-in-condition 1:13"],
    ["BEGIN { if () { } }", "expected-expression 1:12"],
    ["BEGIN { while (x = 1) { } }", "assignment-in-condition 1:16"],
    ["BEGIN { for ($i = 0; $i < 10; $i++) { } }", "unexpected-token 1:17"],
    ["BEGIN { for $x in @y { } }", "unexpected-token 1:16"],
    ["BEGIN { for ($k, $v : @y) { } }", "unexpected-token 1:16"],
    ["BEGIN { for (@y) { } }", "unexpected-token 1:14"],
    ["BEGIN { for ($x : 5) { } }", "bad-loop 1:19"],
    ["BEGIN { for ($x : @y[1]) { } }", "bad-loop 1:19"],
    ["BEGIN { foreach ($x in @y) { } }", "unexpected-token 1:21"],
    ["BEGIN { switch ($x) { case 1: f(); } }", "missing-semicolon 1:21"],
    // Literals
    ['BEGIN { f("hi); }', "unterminated-string 1:11"],
    ["BEGIN { f('hi'); }", "single-quotes 1:11"],
    ['BEGIN { f("a\\q"); }', "unknown-escape 1:13"],
    ["BEGIN { $x = 99999999999999999999; }", "number-too-large 1:14"],
    ["BEGIN { $x = 1.5; }", "bad-number 1:14"],
    ["BEGIN { if ($x => 1) { } }", "unknown-operator 1:16"],
    ["BEGIN { # a\n }", "unexpected-character 1:9"],
    // Braces
    ["BEGIN { f();", "missing-brace 1:13"],
    ["BEGIN { if (1) { f(); ", "missing-brace 1:22"],
    ["BEGIN { if (1) { f(); }\n\n", "missing-brace 1:24"],
    ["BEGIN {\n  f();\n\nkprobe:f { }", "missing-brace 4:1"],
    ["BEGIN {\n  if (1) {\n    f();\n\nEND { }", "missing-brace 5:1"],
    ["BEGIN { } }", "unmatched-brace 1:11"],
    ["}", "unmatched-brace 1:1"],
    // Probes
    ["{ f(); }", "expected-probe 1:1"],
    ["/pid/ { f(); }", "expected-probe 1:1"],
    ["BEGIN", "missing-body 1:1"],
    ["kprobe:f\nkprobe:g { }", "missing-body 1:1"],
    ["kprobe:f kprobe:g { }", "missing-body 1:10"],
    ["kprobe: f { }", "missing-body 1:9"],
    ["kprobe:f,", "unexpected-token 1:10"],
    ["kprobe:f /pid/", "missing-body 1:1"],
    [":f { }", "expected-probe 1:1"],
    ["=k:f { }", "expected-probe 1:1"],
    ["kprobe(f) { }", "expected-probe 1:1"],
    ["@x = 1", "expected-probe 1:1"],
    ["$x = 1;", "expected-probe 1:1"],
    ['printf("hi");', "expected-probe 1:1"],
    ["kprobe:$a { }", "bad-positional 1:8"],
    ["kprobe:a$ { }", "bad-positional 1:9"],
    ["kprobe:$0 { }", "bad-positional 1:8"],
    ["kprobe:f /pid = 1/ { }", "assignment-in-condition 1:15"],
    ["kprobe:f /pid == 1 { }", "unexpected-token 1:20"],
    ["kprobe:f /pid ==/ { }", "expected-expression 1:17"],
    ["kprobe:f // { }", "missing-body 1:1"],
    ["kprobe:f / / { }", "expected-expression 1:12"],
    ["kprobe:f /pid/ f(); }", "unexpected-token 1:19"],
    ["BEGIN { };", "unexpected-token 1:10"],
    // Other items
    ["config { a = 1 }", "unexpected-token 1:8"],
    ["config = { a }", "unexpected-token 1:14"],
    ["config = { a = }", "unexpected-token 1:16"],
    ["config = { a = 1 b = 2 }", "unexpected-token 1:18"],
    ["config = { a = 1", "unexpected-token 1:17"],
    ["config = { 1 = 2; }", "unexpected-token 1:12"],
    ["config = { } config = { }", "duplicate-config 1:14"],
    ["BEGIN { } config = { }", "misplaced-item 1:11"],
    ["macro m() { } config = { }", "misplaced-item 1:15"],
    ['BEGIN { } import "a";', "misplaced-item 1:11"],
    ["BEGIN { }\n#define A 1", "misplaced-item 2:1"],
    ["config = { } struct a { };", "misplaced-item 1:14"],
    ["import a;", "unexpected-token 1:8"],
    ['import "a"\nBEGIN { }', "unexpected-token 2:1"],
    ["let $x = 1;", "unexpected-token 1:5"],
    ["let @x;", "unexpected-token 1:7"],
    ["let @x = 5;", "unexpected-token 1:10"],
    ["let @x = hash();", "expected-expression 1:15"],
    ["macro { }", "unexpected-token 1:7"],
    ["macro m(1) { }", "unexpected-token 1:9"],
    ["macro m($a, ) { }", "unexpected-token 1:13"],
    ["macro m(pid) { }", "reserved-name 1:9"],
    ["macro m()", "missing-body 1:10"],
    ["fn f() { }", "unexpected-token 1:8"],
    ["fn f($a) : int32 { }", "unexpected-token 1:8"],
    ["fn f(a : int32) : int32 { }", "unexpected-token 1:6"],
    ["struct a { int x;", "missing-brace 1:10"],
    ["BEGIN { } /* abc", "unterminated-comment 1:11"],
  ])("%s", (text, expected) => expect(errors(text)).toEqual([expected]));
});

describe("several mistakes appear at once", () => {
  it.each<[string, string[]]>([
    ["BEGIN { $x = ; $y = ; }", ["expected-expression 1:14", "expected-expression 1:21"]],
    [
      "BEGIN { f(; $y = ; } END { g( }",
      ["expected-expression 1:11", "expected-expression 1:18", "expected-expression 1:31"],
    ],
    ["BEGIN { if (1) { $x = ; } $y = ; }", ["expected-expression 1:23", "expected-expression 1:32"]],
    [
      "BEGIN { if ($x =) { $y = ; } else { $z = ; } x = 1; }",
      [
        "unexpected-token 1:16",
        "expected-expression 1:26",
        "expected-expression 1:42",
        "invalid-assignment-target 1:46",
      ],
    ],
    [
      "BEGIN { for ($i = 0; $i < 5; $i++) { $x = ; } x = 1; }",
      ["unexpected-token 1:17", "expected-expression 1:43", "invalid-assignment-target 1:47"],
    ],
    ["k:f /pid =/ { x = 1; }", ["assignment-in-condition 1:10", "invalid-assignment-target 1:15"]],
    [
      "BEGIN { x = 1; }\nk:g\nEND { y = 1; }",
      ["invalid-assignment-target 1:9", "missing-body 2:1", "invalid-assignment-target 3:7"],
    ],
    [
      "config = { a; b = }\nmacro m( { }\nEND { x = 1; }",
      ["unexpected-token 1:13", "unexpected-token 1:19", "unexpected-token 2:10", "invalid-assignment-target 3:7"],
    ],
    [
      "BEGIN {\n  if (1) {\n    x = 1;\n\nkprobe:f { y = 1; }",
      ["invalid-assignment-target 3:5", "missing-brace 5:1", "invalid-assignment-target 5:12"],
    ],
    ["} } BEGIN { } }", ["unmatched-brace 1:1", "unmatched-brace 1:3", "unmatched-brace 1:15"]],
  ])("%s", (text, expected) => expect(errors(text)).toEqual(expected));

  it("what is right is kept", () => {
    const { script } = parseText("BEGIN { f(); $x = ; g(); if (1) { h(; i(); } } k:f END { j(); }");
    expect(script.probes.map((p) => shape(p.body))).toEqual(["{f(); g(); if 1 {i();};}", "{j();}"]);
  });
});

describe("messages", () => {
  const rendered = (text: string): string => renderDiagnostics(parseText(text).diags.items);

  it("an unclosed block points at its brace", () => {
    expect(rendered("BEGIN {\n  f();\n\nkprobe:f { }")).toBe(
      [
        "error[missing-brace]: expected `}` to close a block, found the probe `kprobe:f`",
        "  test.bt:4:1",
        "    4 | kprobe:f { }",
        "      | ^^^^^^^^",
        "  test.bt:1:7",
        "    1 | BEGIN {",
        "      |       ^ this block is not closed",
      ].join("\n"),
    );
  });

  it("a missing semicolon points at both lines", () => {
    const { diags } = parseText("BEGIN {\n  $x = 1\n  $y = 2;\n}");
    const [d] = diags.items;
    expect(d?.message).toBe("expected `;` to end the statement, found `$y`");
    expect(d?.labels?.map((l) => [l.span.source.position(l.span.start), l.message])).toEqual([
      [{ line: 2, column: 9 }, "a `;` is missing here"],
    ]);
  });

  it.each<[string, string, string]>([
    ["BEGIN { if ($x = 1) { } }", "expected `)` to close the parenthesis, found `=`", "write `==`"],
    ["BEGIN { if ($x => 1) { } }", "there is no operator `=>`", "did you mean `>=`?"],
    ["BEGIN { if (1) { } elif (2) { } }", "there is no `elif`", "write `else if`"],
    ["BEGIN { x = 1; }", "nothing can be assigned to this", "the variable `$x` or the map `@x`"],
    ["BEGIN { $x[1] = 1; }", "nothing can be assigned to this", "`@x[key] = value`"],
    ["BEGIN { $x and $y; }", "found `and`", "did you mean `&&`?"],
    ["BEGIN { for ($i = 0;;) { } }", "expected `:` behind the variable of the loop, found `=`", "`for ($i : 0..10)`"],
    ["BEGIN { foreach ($x in @y) { } }", "found `in`", "`for ($kv : @map)`"],
    ["BEGIN { int x = 5; }", "expected `;` to end the statement, found `x`", "`$x = ...`"],
    ["BEGIN { f('a'); }", "single quotes mean nothing here", "double quotes"],
    ["BEGIN { $x = 1e-3; }", "an exponent needs digits, and no sign", "`2e3` is 2000"],
    ["BEGIN { “a” }", "`“` means nothing here", 'the plain quote `"`'],
    ["BEGIN {\u00a0}", "the character U+00A0 means nothing here", "ordinary space"],
    ["BEGIN { \x07 }", "the character U+0007 means nothing here", ""],
    ["BEGIN { \udcff }", "the byte 0xff, which is not UTF-8, means nothing here", ""],
    ["BEGIN { wile (1) { } }", "expected `;` to end the statement, found `{`", "did you mean `while`?"],
    ["BEGIN { if (1) { } esle { } }", "found `{`", "did you mean `else`?"],
    ["BEGIN { unrol (2) { } }", "found `{`", "did you mean `unroll`?"],
    ["printf(1);", "expected a probe, found `printf(1)`", "in the block of a probe"],
    ["kprobe: f { }", "expected `{` to begin the block of the probe", "without blanks"],
    ["kprobe:$a { }", "a parameter's number has to follow `$`", "into quotes"],
    ["BEGIN { f(1", "expected `)` to close the arguments of `f`, found the end of the script", ""],
    [`BEGIN { f(1 "${"long".repeat(20)}") }`, "expected `)` to close the arguments of `f`, found a string", ""],
    [`BEGIN { f(1 ${"x".repeat(99)}) }`, `found \`${"x".repeat(37)}...\``, ""],
  ])("%s", (text, message, help) => {
    const [d] = parseText(text).diags.items;
    expect(d?.message).toContain(message);
    expect(d?.help ?? "").toContain(help);
  });

  it("never holds a control character of the script", () => {
    expect(rendered("BEGIN { \x1b[31m }")).not.toContain("\x1b");
  });
});

describe("limits", () => {
  const nested: [string, (n: number) => string][] = [
    ["parentheses", (n) => `BEGIN { $x = ${"(".repeat(n)}1${")".repeat(n)}; }`],
    ["blocks", (n) => `BEGIN { ${"{".repeat(n)}${"}".repeat(n)} }`],
    ["values of blocks", (n) => `BEGIN { $x = ${"{".repeat(n)}1${"}".repeat(n)}; }`],
    ["ifs", (n) => `BEGIN { ${"if (1) { ".repeat(n)}${"}".repeat(n)} }`],
    ["else ifs", (n) => `BEGIN { if (1) { }${" else if (1) { }".repeat(n)} }`],
    ["loops", (n) => `BEGIN { ${"while (1) { ".repeat(n)}${"}".repeat(n)} }`],
    ["signs", (n) => `BEGIN { $x = ${"- ".repeat(n)}1; }`],
    ["casts", (n) => `BEGIN { $x = ${"(uint8)".repeat(n)}1; }`],
    ["calls", (n) => `BEGIN { $x = ${"f(".repeat(n)}${")".repeat(n)}; }`],
    ["keys", (n) => `BEGIN { $x = ${"@x[".repeat(n)}1${"]".repeat(n)}; }`],
    ["records", (n) => `BEGIN { $x = ${"(a=".repeat(n)}1${")".repeat(n)}; }`],
    ["ternaries", (n) => `BEGIN { $x = ${"1 ? 2 : ".repeat(n)}3; }`],
    ["sizeofs", (n) => `BEGIN { $x = ${"sizeof(".repeat(n)}1${")".repeat(n)}; }`],
    ["typeofs", (n) => `BEGIN { $x = ${"(typeof(".repeat(n)}1${"))1".repeat(n)}; }`],
    ["comptimes", (n) => `BEGIN { $x = ${"comptime ".repeat(n)}1; }`],
  ];
  const chains: [string, (n: number) => string][] = [
    ["sums", (n) => `BEGIN { $x = 1${" + 1".repeat(n)}; }`],
    ["fields", (n) => `BEGIN { $x = $y${".a".repeat(n)}; }`],
    ["indexes", (n) => `BEGIN { $x = $y${"[1]".repeat(n)}; }`],
    ["pointers", (n) => `BEGIN { $x = (foo ${"*".repeat(n)})1; }`],
  ];

  it.each(nested)("nested %s", (_, build) => {
    expect(errors(build(50))).toEqual([]);
    expect(parseText(build(20_000)).diags.items.map((d) => d.code)).toEqual(["nested-too-deep"]);
  });

  it.each(chains)("chained %s", (_, build) => {
    expect(errors(build(900))).toEqual([]);
    expect(parseText(build(20_000)).diags.items.map((d) => d.code)).toEqual(["nested-too-deep"]);
  });

  it("the statements of a block do not share the limit of a chain", () => {
    expect(errors(`BEGIN { ${`$x = 1${" + 1".repeat(900)};`.repeat(20)} }`)).toEqual([]);
  });

  it("the probe behind one that is too deep is read", () => {
    const { script, diags } = parseText(`BEGIN { $x = ${"(".repeat(500)}1; }\nEND { f(); }\n`);
    expect(diags.items.map((d) => d.code)).toEqual(["nested-too-deep"]);
    expect(script.probes).toHaveLength(1);
  });
});

describe("speed", () => {
  it.each<[string, (n: number) => string]>([
    ["slashes in a predicate", (n) => `k:f /${" 1 / /* a */".repeat(n)}`],
    ["words that may begin a definition", (n) => "struct ".repeat(n)],
    ["attach points", (n) => "k:f,".repeat(n)],
    ["unclosed braces", (n) => `BEGIN ${"{ f(".repeat(n)}`],
    ["closing braces", (n) => "}".repeat(n)],
    ["broken statements", (n) => `BEGIN {${"$x = ;".repeat(n)}`],
    ["quotes", (n) => `BEGIN { ${'"'.repeat(n)}`],
    ["unclosed comments", (n) => "/*".repeat(n)],
    ["continued lines", (n) => "#define A \\\n".repeat(n)],
  ])("%s take linear time", (_, build) => {
    // Quadratic behaviour would take minutes here.
    expect(cpuMs(() => parseText(build(100_000)))).toBeLessThan(10_000);
  });
});

it("the same mistake in two sources is reported for both", () => {
  const diags = new Diagnostics();
  for (const text of ["BEGIN { x = 1; }", "END { y = 1; }"]) {
    for (const d of parseText(text).diags.items) diags.add(d);
  }
  expect(diags.items).toHaveLength(2);
});
