import { describe, expect, it, test } from "vitest";
import type { FileHost } from "../../../compiler/file-host.ts";
import type { Expression } from "../../../compiler/syntax/ast.ts";
import { fakeFiles, type ReadOptions, readC } from "../../support/c-definitions.ts";
import { cpuMs } from "../../support/cpu-time.ts";

function codes(text: string, options: ReadOptions = {}): string[] {
  return readC(text, options).diagnostics.map(({ code, severity }) =>
    severity === "error" ? code : `${severity} ${code}`,
  );
}

/** What a `#define` is, as text. */
function defined(text: string, name: string, options: ReadOptions = {}): string | undefined {
  const body = readC(text, options).definitions.defines.get(name)?.body;
  return body && shown(body);
}

function shown(node: Expression): string {
  switch (node.kind) {
    case "integer":
      return String(node.value);
    case "string":
      return JSON.stringify(node.value);
    case "unary":
      return `${node.operator}${shown(node.operand)}`;
    case "identifier":
      return node.name;
    case "binary":
      return `(${shown(node.left)} ${node.operator} ${shown(node.right)})`;
    default:
      return node.kind;
  }
}

describe("constants", () => {
  test.each([
    ["enum e { A, B = 5, C };", { A: 0n, B: 5n, C: 6n }],
    ["enum e { A = 1 << 4, B = A | 3, C = ~0 };", { A: 16n, B: 19n, C: -1n }],
    ["enum e { A = 'a', B = sizeof(long), C = (char)300 };", { A: 97n, B: 8n, C: 44n }],
    ["enum e { A = 1 ? 2 : 3, B = 1 || 1 / 0, C = -7 / 2 };", { A: 2n, B: 1n, C: -3n }],
    ["#define N 3\nenum e { A = N * (N + 1), B = -1U > 0 };", { A: 12n, B: 1n }],
    ["#define CAT(a, b) a ## b\nenum e { CAT(A, B) = 7 };", { AB: 7n }],
    ["#define F(x, ...) (x + 0)\nenum e { A = F(2, 3, 4) };", { A: 2n }],
    ["#define A A\nenum e { A = 4 };", { A: 4n }],
    ["enum e { A = 0x100000000 };", { A: 0x100000000n }],
  ])("%s", (text, expected) => {
    const { definitions, diagnostics } = readC(text);
    expect(diagnostics).toEqual([]);
    for (const [name, value] of Object.entries(expected)) expect(definitions.enumerator(name)?.value).toBe(value);
  });
});

describe("#define", () => {
  test.each([
    ["#define X 5", "5"],
    ["#define X (1 + 2)", "(1 + 2)"],
    ['#define X "a\\n"', '"a\\n"'],
    ['#define X "a" "b"', '"ab"'],
    ["#define X 'a'", "97"],
    ["#define X (unsigned long)-1", "18446744073709551615"],
    ["#define X Y", "Y"],
    ["#define X 1 + \\\n 2", "(1 + 2)"],
    ["#define X 1 /* one */ + 2 // two", "(1 + 2)"],
    ["#define X", undefined],
    ["#define X abc def", undefined],
    ["#define X 1\n#undef X", undefined],
    ["#define X(a, b) ((a) + (b))", "(a + b)"],
  ])("%s", (text, expected) => {
    expect(defined(text, "X")).toBe(expected);
  });
});

describe("conditions", () => {
  test.each([
    ["#if 1\n#define X 1\n#else\n#define X 2\n#endif", "1"],
    ["#if 0\n#define X 1\n#elif 1\n#define X 2\n#else\n#define X 3\n#endif", "2"],
    ["#ifdef NOPE\n#define X 1\n#else\n#define X 2\n#endif", "2"],
    ["#ifndef NOPE\n#define X 1\n#endif", "1"],
    ["#define Y\n#if defined(Y) && !defined NOPE\n#define X 1\n#endif", "1"],
    ["#if 0\n#if 1\n#define X 1\n#endif\n#else\n#define X 2\n#endif", "2"],
    ["#if __SIZEOF_LONG__ == 8 && defined __x86_64__\n#define X 1\n#endif", "1"],
    ["#ifdef BPFTRACE_HAVE_BTF\n#define X 1\n#else\n#define X 2\n#endif", "2"],
    ["#if __has_include(<nope.h>)\n#define X 1\n#else\n#define X 2\n#endif", "2"],
  ])("%s", (text, expected) => {
    expect(codes(text)).toEqual([]);
    expect(defined(text, "X")).toBe(expected);
  });

  it("may stand among the arguments of a macro", () => {
    const group = "#define GROUP(name, members...) struct { members } name;\n";
    const text = `${group}struct s { GROUP(g,\n int a;\n#ifdef NOPE\n int b;\n#else\n long c;\n#endif\n) };`;
    const { definitions, diagnostics } = readC(text);
    expect(diagnostics).toEqual([]);
    expect(definitions.layouts.extent(definitions.tagged("struct", "s")!)).toMatchObject({ size: 16 });
  });

  it("knows whether the kernel tells its types", () => {
    const text = "#ifdef BPFTRACE_HAVE_BTF\n#define X 1\n#endif";
    expect(defined(text, "X", { hasBtf: true })).toBe("1");
  });
});

describe("headers", () => {
  const files = fakeFiles({
    "/usr/include/a.h":
      '#ifndef A_H\n#define A_H\n#include "b.h"\nstruct a { struct b b; };\n#define A_SIZE 4\n#endif\n',
    "/usr/include/b.h": "#pragma once\nstruct b { int x; };\n",
    "/usr/include/strange.h":
      "class nonsense : public more { int x };\nstatic inline int f(void) { return 1; }\nstruct ok { int x; };\n",
    "/usr/include/loop.h": "#include <loop.h>\n",
    "local.h": "struct local { char c; };\n",
  });

  it("are included, once where they say so", () => {
    const text = '#include <a.h>\n#include <a.h>\n#include "local.h"\nstruct s { struct a a; struct local l; };';
    const { definitions, diagnostics } = readC(text, { files });
    expect(diagnostics).toEqual([]);
    expect(definitions.layouts.extent(definitions.tagged("struct", "s")!)).toMatchObject({ size: 8 });
    expect(defined(text, "A_SIZE", { files })).toBe("4");
  });

  it("may contain what cannot be understood", () => {
    const { definitions, diagnostics } = readC("#include <strange.h>\n", { files });
    expect(diagnostics).toEqual([]);
    expect(definitions.tagged("struct", "ok")).toBeDefined();
  });

  it("come from the command line as well", () => {
    expect(readC("", { files, includes: ["<a.h>"] }).definitions.tagged("struct", "b")).toBeDefined();
  });

  it("of the kernel are read with its configuration", () => {
    const kernel = fakeFiles({
      "/usr/include/linux/kconfig.h": "#define CONFIG_LONG 1\n",
      "/usr/include/linux/a.h": "#ifdef __KERNEL__\n#ifdef CONFIG_LONG\nstruct a { long x; };\n#endif\n#endif\n",
    });
    const sizeIn = (files: FileHost): number | undefined => {
      const { definitions, diagnostics } = readC("#include <linux/a.h>\n#include <linux/a.h>\n", { files });
      expect(diagnostics).toEqual([]);
      const found = definitions.tagged("struct", "a");
      return found && definitions.layouts.extent(found)?.size;
    };
    expect(sizeIn({ ...kernel, hasKernelHeaders: true })).toBe(8);
    expect(sizeIn(kernel)).toBeUndefined();
    const withoutHeaders = readC("struct s { int x; };\n", { files: { ...kernel, hasKernelHeaders: true } });
    expect(withoutHeaders.definitions.defines.has("__KERNEL__")).toBe(false);
  });

  it("of the compiler are there without a system", () => {
    const text =
      "#include <stddef.h>\n#include <stdint.h>\n#include <stdbool.h>\nstruct s { uint32_t a; size_t b; bool c; };";
    const { definitions, diagnostics } = readC(text);
    expect(diagnostics).toEqual([]);
    expect(definitions.layouts.extent(definitions.tagged("struct", "s")!)).toMatchObject({ size: 24 });
  });

  test.each([
    ["#include <lol/no.h>", {}, ["header-not-found"]],
    ["#include <net/sock.h>", {}, ["header-not-found"]],
    ["#include <net/sock.h>", { hasBtf: true }, ["warning header-not-found"]],
    ["#include <lol/no.h>", { hasBtf: true }, ["header-not-found"]],
    ["#include 5", {}, ["bad-include"]],
    ["#include <loop.h>", { files }, ["include-depth"]],
  ] as const)("%s %o", (text, options, expected) => {
    expect(codes(text, options)).toEqual(expected);
  });
});

describe("mistakes", () => {
  test.each([
    ["struct s { foo_t x; };", ["unknown-type"]],
    ["struct s { struct later x; };", ["unknown-type"]],
    ["struct s { struct s x; };", ["unknown-type"]],
    ["struct s { int x; int x; };", ["duplicate-field"]],
    ["struct s { int x; }; struct s { long x; };", ["duplicate-type"]],
    ["struct s { int x; }; struct s { int x; };", []],
    ["struct s { int x; struct s *next; };", []],
    ["struct s { int x : 40; };", ["bit-field-width"]],
    ["struct s { int x[-1]; };", ["array-length"]],
    ["struct s { int x[n]; };", ["c-constant"]],
    ["struct s { int x[]; int y; };", ["flexible-array"]],
    ["struct s { int x y; };", ["c-syntax"]],
    ["enum e { 5 };", ["c-syntax"]],
    ["#endif", ["misplaced-directive"]],
    ["#if 1\n", ["unclosed-condition"]],
    ["#if )\n#endif", ["bad-condition"]],
    ["#define 5", ["bad-define"]],
    ["#wrong", ["unknown-directive"]],
    ["#error no way", ["c-error"]],
  ])("%s", (text, expected) => {
    expect(codes(text)).toEqual(expected);
  });

  it("reports several at once", () => {
    expect(codes("struct a { foo_t x; };\nstruct b { int x : 99; };\nstruct c { bar_t y; };")).toEqual([
      "bit-field-width",
      "unknown-type",
      "unknown-type",
    ]);
  });
});

describe("hostile input", () => {
  it("of macros that multiply ends", () => {
    const lines = Array.from({ length: 60 }, (_, i) => `#define M${i} M${i + 1} M${i + 1}`);
    const header = `${lines.join("\n")}\nint M0;`;
    expect(cpuMs(() => expect(codes(header)).toContain("macro-too-large"))).toBeLessThan(5000);
  });

  test.each(["{", "(", "[", "struct s {", "struct s { int (", "#define F(", "enum {", "/*", '"', "int (((((((("])(
    "%s many times over does no harm",
    (piece) => {
      expect(() => readC(piece.repeat(500))).not.toThrow();
      expect(() => readC(`struct s { int x; };\n${piece}`)).not.toThrow();
    },
  );
});
