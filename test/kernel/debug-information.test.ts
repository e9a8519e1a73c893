/** Scripts on programs with debug information: arguments by name, types of the program, lines of its source. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import { compileC, trace } from "../support/traced.ts";

const PROGRAM = `
#define KEEP __attribute__((noinline, noclone))
#define MARK __asm__ volatile("" : : : "memory")
typedef struct { int a, b; } pair;
typedef struct { long a; int b; } wide;
typedef struct { long a[4]; } large;
struct node { struct node *next; unsigned few : 3; int some : 5; union { long n; char text[8]; }; short list[3]; enum { ONE = 1, TWO } kind; _Bool ok; };
KEEP int scalars(char c, short s, unsigned char u, _Bool flag, const char *text) { MARK; return c + s + u + flag + text[0]; }
KEEP int behind(double d, int n, float f, long m) { MARK; return n + m + (d > f); }
KEEP int values(pair p, wide w, large l, int last) { MARK; return p.a + w.b + l.a[1] + last; }
KEEP int many(int a, int b, int c, int d, int e, int f, long g, pair h, int i) { MARK; return a + b + c + d + e + f + g + h.b + i; }
KEEP large result(int a, long b) { MARK; large l = { { a, b } }; return l; }
KEEP int walk(struct node *node) { MARK; return node->next ? walk(node->next) : node->some; }
static inline __attribute__((always_inline)) int inlined(int n) {
  n *= 3;
  return n + 1;
}
KEEP int one(int n) { MARK; return inlined(n); }
KEEP int two(int n) { MARK; return inlined(n) + inlined(n + 1); }
int main(void) {
  struct node last = { .some = -3, .few = 5, .text = "end", .list = { 1, -2, 3 }, .kind = TWO, .ok = 1 };
  struct node first = { .next = &last };
  char text[] = "hello";
  scalars('x', -5, 200, 1, text);
  behind(1.5, 7, 2.5f, 9);
  values((pair){ 1, 2 }, (wide){ 3, 4 }, (large){ { 5, 6, 7, 8 } }, 9);
  many(1, 2, 3, 4, 5, 6, 7, (pair){ 8, 9 }, 10);
  result(11, 12);
  walk(&first);
  return one(1) + two(2) == 0;
}
`;

const LINE = 1 + PROGRAM.split("\n").findIndex((line) => line.includes("n *= 3"));

describeKernel("debug information", () => {
  let folder: string;
  const programs: Record<string, string> = {};

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-test-"));
    for (const level of ["-O0", "-O2"]) {
      programs[level] = compileC(folder, `program${level}`, PROGRAM, "-g", level);
    }
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function output(script: string, level: string): Promise<string> {
    const path = programs[level]!;
    return (await trace(script.replaceAll("BIN", path), [path])).output.trim();
  }

  describe.each(["-O0", "-O2"])("of a program that was compiled with %s", (level) => {
    it.each<[string, string]>([
      [
        'uprobe:BIN:scalars { printf("%c %d %d %d %s", args.c, args.s, args.u, args.flag, str(args.text)); }',
        "x -5 200 1 hello",
      ],
      ["uprobe:BIN:behind { print((args.n, args.m)); }", "(7, 9)"],
      [
        "uprobe:BIN:values { print(args); }",
        "{ .p = { .a = 1, .b = 2 }, .w = { .a = 3, .b = 4 }, .l = { .a = [5,6,7,8] }, .last = 9 }",
      ],
      ["uprobe:BIN:values { print((args.p.b, args.w.b, args.l.a[2], args.last)); }", "(2, 4, 7, 9)"],
      ["uprobe:BIN:values { $p = args.p; $l = args.l; print(($p.a, $l.a[3])); }", "(1, 8)"],
      ["uprobe:BIN:values { @[args.p, args.last] = args.w; }", "@[{ .a = 1, .b = 2 }, 9]: { .a = 3, .b = 4 }"],
      ["uprobe:BIN:many { print((args.a, args.f, args.g, args.h.b, args.i)); }", "(1, 6, 7, 9, 10)"],
      ["uprobe:BIN:result { print((args.a, args.b)); }", "(11, 12)"],
      [
        "uprobe:BIN:walk /args.node.next == 0/ { print((args.node.few, args.node.text, args.node.list, args.node.kind, args.node.ok)); }",
        "(5, end, [1,-2,3], TWO, true)",
      ],
      ["uprobe:BIN:walk /((struct node *)arg0)->next == 0/ { print(((struct node *)arg0)->list[1]); }", "-2"],
      ["uprobe:BIN:walk /args->node->next != 0/ { print(args->node->next->list[2]); }", "3"],
      ["uprobe:BIN:result { print((sizeof(struct node), sizeof(pair), offsetof(struct node, list))); }", "(40, 8, 24)"],
      ["struct node { long next; char few; } uprobe:BIN:walk /args.node.next == 0/ { print(args.node.few & 7); }", "5"],
      ["uprobe:BIN:walk { let $n: struct node * = args.node; @[$n->next == 0] = count(); }", "@[false]: 1\n@[true]: 1"],
    ])("%s", async (script, expected) => {
      expect((await output(script, level)).split("\n\n")[0]).toBe(expected);
    });
  });

  it(
    "has the places of a line, one for each copy that was made of it",
    async () => {
      const script = `uprobe:BIN@program-O2.c:${LINE} { @[func] = count(); }`;
      const lines = (await output(script, "-O2")).split("\n").sort();
      expect(lines.map((line) => line.replace(/\d+$/, ""))).toEqual(["@[one]: ", "@[two]: ", "@[two]: "]);
    },
    patient(60_000),
  );

  it(
    "has the beginning of a function at the line of its brace",
    async () => {
      const line = 1 + PROGRAM.split("\n").findIndex((text) => text.includes("KEEP int walk"));
      const script = `uprobe:BIN@program-O0.c:${line} { print(args.node.some == 0); }`;
      expect((await output(script, "-O0")).split("\n")[0]).toBe("true");
    },
    patient(60_000),
  );

  it.each<[string, string]>([
    ["uprobe:BIN:behind { print(args.d); }", "`d` cannot be had: it is passed in a register for floating point"],
    ["uprobe:BIN:behind { print(args); }", "`d`, one of all arguments, cannot be had"],
    ["uprobe:BIN:behind { print(args.nothing); }", "has no field `nothing`"],
    ["uprobe:BIN:behind+0 { print(args.n); } uprobe:BIN:_start { print(args.n); }", "Cannot read function parameters"],
    ["uprobe:BIN@program-O0.c:1 { }", "Unable to map 'program-O0.c:1' to address"],
    ["uprobe:BIN@elsewhere.c:1 { }", "No compilation unit matches elsewhere.c"],
    ["uprobe:BIN:walk { print(((struct unknown_to_all *)arg0)->n); }", "unknown type `struct unknown_to_all`"],
  ])("%s is an error", async (script, message) => {
    await expect(output(script, "-O0")).rejects.toThrow(message);
  });
});
