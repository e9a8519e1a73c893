import { describe, expect, it, test } from "vitest";
import { Defines } from "../../../compiler/c/defines.ts";
import { Diagnostics, renderDiagnostics } from "../../../compiler/diagnostics.ts";
import { expand } from "../../../compiler/expand/expand.ts";
import { Source } from "../../../compiler/source.ts";
import { parse } from "../../../compiler/syntax/parser.ts";
import { print } from "../../../compiler/syntax/printer.ts";
import { cpuMs } from "../../support/cpu-time.ts";

const NO_DEFINES = new Defines(new Map(), () => undefined);

function run(text: string): { text: string; diags: Diagnostics } {
  const diags = new Diagnostics();
  const script = parse(new Source("test.bt", text), diags);
  const before = JSON.stringify(script, plain);
  const isBuiltin = (name: string): boolean => ["print", "printf", "exit", "pid", "cpu", "sum"].includes(name);
  const result = expand(script, { defines: NO_DEFINES, isBuiltin, diags });
  expect(JSON.stringify(script, plain)).toBe(before);
  return { text: print(result).replace(/\s+/g, " ").trim(), diags };
}

function plain(key: string, value: unknown): unknown {
  if (key === "span") return undefined;
  return typeof value === "bigint" ? String(value) : value;
}

/** The body of the only probe behind the macros. */
function expanded(text: string): string {
  const { text: result, diags } = run(text);
  expect(diags.items).toEqual([]);
  return result.replace(/^begin /, "");
}

function problems(text: string): string[] {
  return run(text).diags.items.map(({ code, span, severity }) => {
    const { line, column } = span.source.position(span.start);
    return `${severity === "warning" ? "warning " : ""}${code} ${line}:${column}`;
  });
}

describe("expansion", () => {
  test.each([
    ["macro one() { 1 } begin { print(one); print(one()); }", "{ print(1); print(1); }"],
    ["macro one() { 1 } begin { print(one!()); }", "{ print(1); }"],
    ["macro one { 1 } begin { print(one); }", "{ print(1); }"],
    ["macro add(x) { x + 1 } begin { print(add(2) * 3); }", "{ print((2 + 1) * 3); }"],
    ["macro inc($x) { $x += 1; } begin { $a = 1; inc($a); }", "{ $a = 1; { $a += 1; } }"],
    ["macro set(@x) { @x[1] = 2; } begin { set(@a); }", "{ { @a[1] = 2; } }"],
    ["macro m(x) { $y = x; $y } begin { $y = 1; $z = m($y); }", "{ $y = 1; $z = { $y'1 = { $y }; $y'1 }; }"],
    ["macro m(x) { x; x } begin { print(m({ print(1); })); }", "{ print({ { print(1); } { print(1); } }); }"],
    ["macro a(x) { b(x) + 1 } macro b(y) { y * 2 } begin { print(a(3)); }", "{ print(3 * 2 + 1); }"],
    ["macro b($y) { $y++; } macro a($x) { b($x); } begin { $v = 1; a($v); }", "{ $v = 1; { { $v++; } } }"],
    ["macro m(x) { x } begin { print(m(m(m(1)))); }", "{ print(1); }"],
    ["macro add() { 2 } macro m(add) { add } begin { print(m(1)); }", "{ print(1); }"],
    [
      "macro m($x) { 1 } macro m(@x) { 2 } macro m(x) { 3 } begin { print((m($a), m(@a), m(5))); }",
      "{ print((1, 2, 3)); }",
    ],
    [
      "macro m() { 0 } macro m(x) { 1 } macro m(x, y) { 2 } begin { print((m, m(1), m(1, 2))); }",
      "{ print((0, 1, 2)); }",
    ],
    ["macro m(t) { sizeof(t) } begin { print(m(typeof(uint64*))); }", "{ print(sizeof(uint64 *)); }"],
    [
      "macro one() { 1 } macro m(t) { sizeof(t) } macro o(z) { m(z) } begin { print((m(pid), o(comm), m(one), o(one))); }",
      "{ print((sizeof(pid), sizeof(comm), sizeof(1), sizeof(1))); }",
    ],
    ["macro m(t) { sizeof(t*) } begin { print(m(typeof(uint64*[2]))); }", "{ print(sizeof(uint64 *[2]*)); }"],
    ["macro m(t) { sizeof(struct t) } begin { print(m(typeof(foo))); }", "{ print(sizeof(struct foo)); }"],
    ["macro m(t) { (t*)0 } begin { print(m(typeof(struct foo))); }", "{ print((struct foo *)0); }"],
    ["macro m(t) { let $x: t = 0; } begin { m(typeof(uint32)); }", "{ { let $x'1: uint32 = 0; } }"],
    [
      "macro i(t) { sizeof(t) } macro o(z) { i(typeof(z[2])) } begin { print(o(typeof(int8))); }",
      "{ print(sizeof(int8[2])); }",
    ],
    ["macro i(t) { sizeof(t) } macro o(z) { i(z) } begin { print(o(typeof(int8))); }", "{ print(sizeof(int8)); }"],
    [
      "macro m(t, f) { offsetof(t, f) } begin { print(m(typeof(struct s), a.b)); }",
      "{ print(offsetof(struct s, a.b)); }",
    ],
    [
      "macro size_x() { 1 } begin { print((sizeof(size_x), sizeof(size_x()))); }",
      "{ print((sizeof(size_x), sizeof(1))); }",
    ],
    ["macro cpu() { 5 } begin { print(cpu); }", "{ print(5); }"],
    ["macro pid() { 5 } begin { print((pid, pid())); }", "{ print((pid, 5)); }"],
    ["macro print(x, y, z, v) { x } begin { print(1); }", "{ print(1); }"],
    [
      "macro m($n) { for ($i : 0..$n) { if ($i) { break; } } } begin { $i = 1; m($i); }",
      "{ $i = 1; { for ($i'1 : 0..$i) { if ($i'1) { break; } } } }",
    ],
    ["macro m() { 1 } begin /m()/ { exit(); }", "/1/ { exit(); }"],
  ])("%s", (text, body) => {
    expect(expanded(text)).toBe(body);
  });

  it("keeps the two names of nested expansions apart", () => {
    expect(expanded("macro m(x) { $y = x; $y } begin { print(m(m(1))); }")).toBe(
      "{ print({ $y'1 = { $y'2 = 1; $y'2 }; $y'1 }); }",
    );
  });

  it("reaches predicates and the sizes of maps", () => {
    expect(run("macro size() { 100 } let @a = hash(size()); begin { exit(); }").text).toContain("hash(100)");
  });
});

describe("errors", () => {
  test.each([
    ["macro m($x) { $x } begin { m(1); }", "macro-arguments 1:30"],
    ["macro m($x) { $x } begin { m(@a); }", "macro-arguments 1:30"],
    ["macro m(@x) { @x } begin { m($a); }", "macro-arguments 1:30"],
    ["macro m(@x) { @x[1] } begin { m(@a[1]); }", "macro-arguments 1:33"],
    ["macro m(x) { x } begin { m(1, 2); }", "macro-arguments 1:26"],
    ["macro m(x) { x } begin { print(m); }", "macro-arguments 1:32"],
    ["macro m(x, x) { x } begin { m(1, 2); }", "duplicate-parameter 1:12"],
    ["macro m($x, $x) { 1 } begin { exit(); }", "duplicate-parameter 1:13"],
    ["macro m(x) { x } macro m(y) { y } begin { exit(); }", "duplicate-macro 1:24"],
    ["macro m(x) { x } macro m($x) { $x } begin { exit(); }", "duplicate-macro 1:24"],
    ["macro m() { @x = 1; } begin { m(); }", "unhygienic-map 1:13"],
    ["macro m($x) { let $x = 1; } begin { $a = 1; m($a); }", "shadowed-parameter 1:19"],
    ["macro m(x) { m(x) } begin { m(1); }", "recursive-macro 1:14"],
    ["macro a() { b() } macro b() { a() } begin { a(); }", "recursive-macro 1:31"],
    ["macro m() { return; } begin { exit(); }", "jump-in-macro 1:13"],
    ["macro m() { break; } begin { exit(); }", "jump-in-macro 1:13"],
    ["macro m(t) { t + 1 } begin { print(m(typeof(uint64))); }", "type-as-value 1:14"],
    ["macro m(t) { sizeof(t*) } begin { print(m(1)); }", "macro-type 1:21"],
    ["macro m(t) { sizeof(struct t) } begin { print(m(typeof(uint64*))); }", "macro-type 1:21"],
    ["fn f($a: int32): int32 { return 1; } begin { exit(); }", "unsupported 1:1"],
    ['begin { import "x.h"; }', "nested-import 1:9"],
    ["macro m() { $z } begin { $z = 1; print(m()); }", "warning unhygienic-variable 1:13"],
  ])("%s", (text, expected) => {
    expect(problems(text)[0]).toBe(expected);
  });

  it("shows the definition and every call on the way", () => {
    const { diags } = run("macro a() { @x = 1; }\nmacro b() { a(); }\nbegin { b(); }");
    expect(renderDiagnostics(diags.items)).toMatch(
      /test\.bt:1:13[\s\S]*test\.bt:2:13[\s\S]*expanded from here[\s\S]*test\.bt:3:9/,
    );
  });

  it("names the whole chain of a recursion", () => {
    const [error] = run("macro a() { b() } macro b() { c() } macro c() { a() } begin { a(); }").diags.errors;
    expect(error?.message).toContain("a -> b -> c -> a");
  });
});

describe("limits", () => {
  it("gives up on macros that grow without bounds, and quickly", () => {
    const macros = Array.from({ length: 40 }, (_, i) => `macro m${i}(x) { m${i + 1}(x) + m${i + 1}(x) }`);
    const script = `${macros.join("\n")}\nmacro m40(x) { x }\nbegin { print(m0(1)); }`;
    expect(cpuMs(() => expect(problems(script)).toEqual(["macro-too-large 42:15"]))).toBeLessThan(3000);
  });

  it("expands arguments nested as deeply as the parser takes them, or says that they are too deep", () => {
    const nested = `${"m(".repeat(150)}1${")".repeat(150)}`;
    const found = problems(`macro m(x) { (x + 1) * 2 }\nbegin { print(${nested}); }`);
    expect(found.every((problem) => problem.startsWith("macro-too-large"))).toBe(true);
  });
});
