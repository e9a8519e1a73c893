/** Scripts that nobody writes by hand: however deep, long or large, each is compiled or refused with a reason. */
import { describe, expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { fakeFacts } from "../support/fake-facts.ts";

const facts = fakeFacts();
const LONGEST_MESSAGE = 100_000;

/** The code of the first error; `compiled` if there is none. */
function outcome(text: string): string {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), facts, diags);
  expect(program === undefined).toBe(diags.hasErrors);
  expect(renderDiagnostics(diags.items.slice(0, 1)).length).toBeLessThan(LONGEST_MESSAGE);
  return diags.errors[0]?.code ?? "compiled";
}

const many = (count: number, text: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => text(i)).join("");
const around = (count: number, open: string, inner: string, close: string): string =>
  open.repeat(count) + inner + close.repeat(count);

describe("expressions and statements", () => {
  it.each([
    ["parentheses", `@ = ${around(10_000, "(", "1", ")")}`, "nested-too-deep"],
    ["blocks", around(10_000, "{ ", "@ = 1", " }"), "nested-too-deep"],
    ["conditions", around(5000, "if (pid) { ", "@ = 1;", "}"), "nested-too-deep"],
    ["choices", `@ = ${around(5000, "pid ? ", "2", " : 1")}`, "nested-too-deep"],
    ["tuples", `@ = ${around(5000, "(1, ", "1", ")")}`, "nested-too-deep"],
    ["records", `@ = ${around(5000, "(a=", "1", ")")}`, "nested-too-deep"],
    ["keys", `@ = ${around(5000, "@[", "1", "]")}`, "nested-too-deep"],
    ["calls", `@ = ${around(5000, "strlen(", '"a"', ")")}`, "nested-too-deep"],
    ["casts", `@ = ${"(uint8)".repeat(10_000)}1`, "nested-too-deep"],
    ["negations", `@ = ${"-".repeat(10_000)}pid`, "nested-too-deep"],
    ["types", `let $x: ${around(5000, "typeof(", "1", ")")}`, "nested-too-deep"],
    ["additions", `@ = 1${" + pid".repeat(100_000)}`, "nested-too-deep"],
    ["members", `@ = $x${".a".repeat(10_000)}`, "nested-too-deep"],
    ["a thousand operators in parentheses", `@ = ${around(190, "(", `1${" + pid".repeat(990)}`, ")")}`, "compiled"],
    ["loops in one another", `${many(8, (i) => `for ($i${i} : 0..2) { `)} @++ ${"}".repeat(8)}`, "calls-too-deep"],
    ["rounds of rounds", around(4, "unroll (100) { ", "@++", " }"), "compiled"],
    ["a line of a million characters", `${" ".repeat(1_000_000)}@ = 1`, "compiled"],
    ["a name without end", `@ = ${"a".repeat(90_000)}`, "unknown-builtin"],
    ["a text of a million characters", `@ = "${"a".repeat(1_000_000)}"`, "value-too-large"],
    ["zero characters", "@ = 1;\0 @x = 2", "unexpected-character"],
  ])("%s", (_, body, expected) => expect(outcome(`begin { ${body} }`)).toBe(expected));
});

describe("values", () => {
  it.each([
    [`$t0 = (1, 1); ${many(40, (i) => `$t${i + 1} = ($t${i}, $t${i});`)}`, "value-too-large"],
    ['@s = "abc"; @s = str_concat(@s, @s)', "value-too-large"],
    [`$s = "abc"; ${"$s = str_concat($s, $s);".repeat(40)}`, "value-too-large"],
    ["let $x: uint8[1000000000]; print($x)", "value-too-large"],
    ["let $x: uint8[1000][1000][1000][1000]; print($x)", "value-too-large"],
    ["let $x: uint8[40000]; let $y: uint8[40000]; @ = $x == $y", "compiled"],
    [`$s = "${"a".repeat(4000)}"; $t = "${"b".repeat(4000)}"; @ = $s == $t`, "compiled"],
    ["let $x: uint8[40000]; let $y: uint8[40000]; $y = $x; @ = $x[39999]", "compiled"],
    ["@x = (1, @y); @y = (1, @x)", "unresolved-type"],
  ])("%s", (body, expected) => expect(outcome(`begin { ${body} }`)).toBe(expected));
});

describe("macros and definitions", () => {
  it.each([
    [
      "a chain of macros",
      `macro m0(x) { x } ${many(1000, (i) => `macro m${i + 1}(x) { m${i}(x) } `)} begin { @ = m1000(1) }`,
      "macro-too-large",
    ],
    [
      "macros that double",
      `macro m0(x) { x } ${many(40, (i) => `macro m${i + 1}(x) { m${i}(x) + m${i}(x) } `)} begin { @ = m40(1) }`,
      "macro-too-large",
    ],
    [
      "definitions in a chain",
      `#define A0 1\n${many(5000, (i) => `#define A${i + 1} (A${i} + 1)\n`)}begin { @ = A5000 }`,
      "macro-too-large",
    ],
    ["declarators", `struct a { int ${around(5000, "(*", "x", ")(void)")}; };\nbegin { @ = 1 }`, "nested-too-deep"],
    ["constants", `enum a { B = ${around(10_000, "(", "1", ")")} };\nbegin { @ = B }`, "c-constant"],
    ["conditions", `${"#if 1\n".repeat(10_000)}${"#endif\n".repeat(10_000)}begin { @ = 1 }`, "compiled"],
  ])("%s", (_, text, expected) => expect(outcome(text)).toBe(expected));
});
