import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import type { CDefinitions } from "../../../compiler/c/definitions.ts";
import type { CRecord, CType } from "../../../compiler/c/types.ts";
import { readC } from "../../support/c-definitions.ts";
import { type RandomStruct, randomStructs } from "../../support/random-structs.ts";
import { temporaryTree } from "../../support/temporary.ts";

/** `size:align name@offset name@offset.bit:width` of a struct or union `s`. */
function layout(text: string, arch: "x64" | "arm64" = "x64"): string {
  const { definitions, diagnostics } = readC(text, { arch });
  expect(diagnostics).toEqual([]);
  const record = (definitions.tagged("struct", "s") ?? definitions.tagged("union", "s")) as CRecord;
  const { size, align, members } = definitions.layouts.record(record);
  const parts = members.map(({ member, bitOffset }) => {
    const bit = bitOffset % 8 === 0 ? "" : `.${bitOffset % 8}`;
    const width = member.bits === undefined ? "" : `:${member.bits}`;
    return `${member.name || "-"}@${Math.floor(bitOffset / 8)}${bit}${width}`;
  });
  return [`${size}:${align}`, ...parts].join(" ");
}

describe("layouts", () => {
  test.each([
    ["struct s { char a; int b; char c; };", "12:4 a@0 b@4 c@8"],
    ["struct s { char a; int b; char c; } __attribute__((packed));", "6:1 a@0 b@1 c@5"],
    ["struct __attribute__((packed)) s { char a; long b; };", "9:1 a@0 b@1"],
    ["struct s { int x; char y; int z; } __attribute__((packed)) __attribute__((aligned(1)));", "9:1 x@0 y@4 z@5"],
    ["struct s { char a; } __attribute__((aligned(16)));", "16:16 a@0"],
    ["struct s { char a; } __attribute__((aligned));", "16:16 a@0"],
    ["struct s { char a; int b __attribute__((aligned(8))); };", "16:8 a@0 b@8"],
    ["struct s { char a; int b __attribute__((packed)); };", "5:1 a@0 b@1"],
    ["struct s { char a; char *p; };", "16:8 a@0 p@8"],
    ["struct s { int a[3]; short b; };", "16:4 a@0 b@12"],
    ["struct s { char n; long rest[]; };", "8:8 n@0 rest@8"],
    ["struct s { int m[0]; char c; };", "4:4 m@0 c@0"],
    ["union s { char a[5]; int b; };", "8:4 a@0 b@0"],
    ["struct s { int a; struct { char b; long c; }; char d; };", "32:8 a@0 -@8 d@24"],
    ["struct s { struct { int m[1] } y; struct { int n } a; }", "8:4 y@0 a@4"],
    ["struct s { unsigned a : 3, b : 5; int c : 10; };", "4:4 a@0:3 b@0.3:5 c@1:10"],
    ["struct s { int a : 20; int b : 20; };", "8:4 a@0:20 b@4:20"],
    ["struct s { int a : 20; int b : 20; } __attribute__((packed));", "5:1 a@0:20 b@2.4:20"],
    ["struct s { char a; int b : 4; };", "4:4 a@0 b@1:4"],
    ["struct s { int a : 3; int : 0; int b : 3; };", "8:4 a@0:3 b@4:3"],
    ["struct s { unsigned long long x : 40; unsigned y : 30; };", "16:8 x@0:40 y@8:30"],
    ["enum e { A, B }; struct s { char c; enum e e; };", "8:4 c@0 e@4"],
    ["enum e { A, B } __attribute__((packed)); struct s { char c; enum e e; };", "2:1 c@0 e@1"],
    ["enum e { A = 1L << 40 }; struct s { char c; enum e e; };", "16:8 c@0 e@8"],
    ["typedef struct { char a; short b; } t; struct s { char c; t t[2]; };", "10:2 c@0 t@2"],
    ["typedef long big __attribute__((aligned(2))); struct s { char c; big b; };", "10:2 c@0 b@2"],
    ["struct s { int (*f)(int, char *); int *(*g[2])(void); int (*h)[4]; };", "32:8 f@0 g@8 h@24"],
    ["struct s { long double a; char b; _Bool c; double d; };", "32:16 a@0 b@16 c@17 d@24"],
    ["#pragma pack(push, 2)\nstruct s { char a; long b; };\n#pragma pack(pop)\n", "10:2 a@0 b@2"],
    ["#define N 4\nstruct s { char a[N * 2 + 1]; int b : N; };", "12:4 a@0 b@9:4"],
    ["struct a { char x; int y; }; struct s { char p[sizeof(struct a) + sizeof(int *)]; };", "16:1 p@0"],
    ["struct a { char x; int y; }; struct s { char p[__builtin_offsetof(struct a, y)]; };", "4:1 p@0"],
  ])("%s", (text, expected) => {
    expect(layout(text)).toBe(expected);
  });

  it("counts unnamed bit-fields for the alignment on arm64 only", () => {
    const text = "struct s { char a; int : 3; };";
    expect([layout(text), layout(text, "arm64")]).toEqual(["2:1 a@0", "4:4 a@0"]);
  });
});

/** Compiles random structs and compares what the compiler says about them. */
describe.each([
  { arch: "x64", machine: "x64", command: "gcc" },
  { arch: "arm64", machine: "arm64", command: "aarch64-linux-gnu-gcc" },
] as const)("layouts of random structs as $command has them", ({ arch, machine, command }) => {
  const isThere = spawnSync(command, ["--version"]).status === 0 && (command !== "gcc" || process.arch === machine);
  if (!isThere) console.warn(`SKIPPED: ${command} for ${arch} is not here, so layouts are not compared with it`);

  test.skipIf(!isThere).each([1, 2, 3, 4, 5, 6])("seed %d", (seed) => {
    const structs = randomStructs(seed * 7919, 60);
    const text = structs.map((s) => s.text).join("\n");
    const { definitions, diagnostics } = readC(text, { arch });
    expect(diagnostics).toEqual([]);
    const questions = structs.flatMap(({ name, members }) => [
      `sizeof(struct ${name})`,
      `_Alignof(struct ${name})`,
      ...members.map((member) => `__builtin_offsetof(struct ${name}, ${member})`),
    ]);
    const answers = structs.flatMap(({ name, members }) => {
      const record = definitions.tagged("struct", name) as CRecord;
      const { size, align } = definitions.layouts.record(record);
      return [size, align, ...members.map((path) => bitOffsetOf(definitions, record, path) / 8)];
    });
    const told = ask(command, text, questions);
    const wrong = questions.flatMap((question, i) =>
      told[i] === answers[i] ? [] : `${question} is ${told[i]}, not ${answers[i]}: ${textOf(question, structs)}`,
    );
    expect(wrong).toEqual([]);
  });

  test.skipIf(!isThere || command !== "gcc").each([11, 12, 13, 14])("bits of bit-fields, seed %d", (seed) => {
    const structs = randomStructs(seed * 104_729, 40).filter(({ bitFields }) => bitFields.length > 0);
    const all = randomStructs(seed * 104_729, 40);
    const text = all.map((s) => s.text).join("\n");
    const { definitions } = readC(text, { arch });
    const masks = maskProgram(
      text,
      structs.flatMap(({ name, bitFields }) => bitFields.map((path) => [name, path] as const)),
    );
    const own = structs.flatMap(({ name, bitFields }) => {
      const record = definitions.tagged("struct", name) as CRecord;
      return bitFields.map((path) => {
        const start = bitOffsetOf(definitions, record, path);
        return `${name}.${path} ${start} ${widthOf(definitions, record, path)}`;
      });
    });
    expect(masks).toEqual(own);
  });
});

/** Lets the compiler answer questions, each an integer constant, without running anything. */
function ask(command: string, text: string, questions: readonly string[]): number[] {
  const source = `struct later;\n${text}\nunsigned answers[] = { ${questions.join(", ")} };\n`;
  const { stdout, stderr, status } = spawnSync(command, ["-w", "-O0", "-S", "-x", "c", "-o", "-", "-"], {
    input: source,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const assembly = stdout.slice(stdout.indexOf("answers:"));
  const numbers: number[] = [];
  for (const [, directive, value] of assembly.matchAll(/^\s*\.(long|word|zero)\s+(\d+)/gm)) {
    if (directive === "zero") for (let i = 0; i < Number(value); i += 4) numbers.push(0);
    else numbers.push(Number(value));
  }
  return numbers.slice(0, questions.length);
}

/** The definition of the struct that a question is about. */
function textOf(question: string, structs: readonly RandomStruct[]): string | undefined {
  const name = /struct (s\d+)/.exec(question)?.[1];
  return structs.find((s) => s.name === name)?.text.replaceAll("\n", " ");
}

/** `struct.field start width` of bit-fields, found by setting all of their bits. */
function maskProgram(text: string, fields: readonly (readonly [string, string])[]): string[] {
  const prints = fields.map(
    ([name, path]) =>
      `{ struct ${name} v; memset(&v, 0, sizeof v); v.${path} = -1; show("${name}.${path}", &v, sizeof v); }`,
  );
  const program = `#include <stdio.h>
#include <string.h>
struct later;
${text}
static void show(const char *name, const void *at, unsigned size) {
  const unsigned char *bytes = at;
  unsigned first = 0, count = 0;
  for (unsigned i = 0; i < size * 8; i++) if (bytes[i / 8] >> i % 8 & 1) { if (count++ == 0) first = i; }
  printf("%s %u %u\\n", name, first, count);
}
int main(void) { ${prints.join("\n")} return 0; }
`;
  const folder = temporaryTree({ "bits.c": program });
  const [source, binary] = [join(folder, "bits.c"), join(folder, "bits")];
  const compiled = spawnSync("gcc", ["-w", "-o", binary, source], { encoding: "utf8" });
  expect(compiled.stderr).toBe("");
  return spawnSync(binary, [], { encoding: "utf8" }).stdout.trimEnd().split("\n");
}

function bitOffsetOf(definitions: CDefinitions, record: CRecord, path: string): number {
  return find(definitions, record, path).bitOffset;
}

function widthOf(definitions: CDefinitions, record: CRecord, path: string): number {
  return find(definitions, record, path).bits ?? 0;
}

function find(
  definitions: CDefinitions,
  record: CRecord,
  path: string,
): { bitOffset: number; bits: number | undefined } {
  let bitOffset = 0;
  let bits: number | undefined;
  let type: CType = record;
  for (const name of path.split(".")) {
    const found = member(definitions, type as CRecord, name);
    if (!found) throw new Error(`no ${path}`);
    bitOffset += found.bitOffset;
    bits = found.bits;
    type = found.type;
  }
  return { bitOffset, bits };
}

function member(
  definitions: CDefinitions,
  record: CRecord,
  name: string,
): { bitOffset: number; bits: number | undefined; type: CType } | undefined {
  for (const { member: m, bitOffset } of definitions.layouts.record(record).members) {
    if (m.name === name) return { bitOffset, bits: m.bits, type: m.type };
    if (m.name !== "" || (m.type.kind !== "struct" && m.type.kind !== "union")) continue;
    const inner = member(definitions, m.type, name);
    if (inner) return { ...inner, bitOffset: bitOffset + inner.bitOffset };
  }
  return undefined;
}
