/** Where the arguments of functions are when these begin: by the debug information where it says so, else by the ABI. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeArguments } from "../../../compiler/dwarf/arguments.ts";
import type { Dwarf } from "../../../compiler/dwarf/dwarf.ts";
import { build, CLANG, functionOf, GCC, GPLUS, LLD, open, places } from "../../support/debug-program.ts";

const HEAD = `
typedef struct { int a, b; } pair;
typedef struct { long a; int b; } wide;
typedef struct { long a[4]; } large;
typedef struct { double x, y; } point;
typedef struct { double x; long n; } mixed;
typedef struct { float f[3]; } floats;
typedef struct __attribute__((packed)) { char c; long n; } packed;
typedef struct { unsigned low : 3, high : 40 - 9; long rest; } bits;
typedef union { long n; double d; } either;
typedef struct { __int128 n; } huge;
typedef struct { } empty;
typedef struct { long double x; } extended;
#define KEEP __attribute__((noinline, noclone, used))
`;

/** Parameters in C, and where they are on x86-64. */
const CASES: readonly [parameters: string, expected: string][] = [
  ["int a", "a: di"],
  ["char *a, short b, _Bool c, unsigned char d, long e, void (*f)(int)", "a: di, b: si, c: dx, d: cx, e: r8, f: r9"],
  [
    "int a, int b, int c, int d, int e, int f, int g, char h",
    "a: di, b: si, c: dx, d: cx, e: r8, f: r9, g: *sp+8, h: *sp+16",
  ],
  ["double a, int b, float c, long d", "a: -, b: di, c: -, d: si"],
  ["long double a, int b, int c", "a: *sp+8, b: di, c: si"],
  ["_Complex double a, int b, _Complex float c, long d", "a: -, b: di, c: -, d: si"],
  ["pair a, int b", "a: di, b: si"],
  ["wide a, int b", "a: di si, b: dx"],
  ["large a, int b", "a: *sp+8, b: di"],
  ["point a, int b", "a: -, b: di"],
  ["mixed a, int b", "a: -, b: si"],
  ["floats a, int b", "a: -, b: di"],
  ["packed a, int b", "a: *sp+8, b: di"],
  ["bits a, int b", "a: di si, b: dx"],
  ["either a, int b", "a: di, b: si"],
  ["huge a, int b", "a: di si, b: dx"],
  ["empty a, int b", "a: -, b: di"],
  ["extended a, int b", "a: *sp+8, b: di"],
  ["__int128 a, long b", "a: di si, b: dx"],
  ["int a, int b, int c, int d, int e, wide f, int g", "a: di, b: si, c: dx, d: cx, e: r8, f: *sp+8, g: r9"],
  ["int a, int b, int c, int d, int e, __int128 f, int g", "a: di, b: si, c: dx, d: cx, e: r8, f: *sp+8, g: r9"],
  [
    "double a, double b, double c, double d, double e, double f, double g, double h, double i, int j",
    "a: -, b: -, c: -, d: -, e: -, f: -, g: -, h: -, i: *sp+8, j: di",
  ],
  ["enum { A, B } a, const volatile int *restrict b", "a: di, b: si"],
  ["int a[10], int (*b)[3]", "a: di, b: si"],
  ["const char *a, ...", "a: di"],
];

/** What comes before the arguments. */
const RESULTS: readonly [result: string, expected: string][] = [
  ["large", "a: si, b: dx"],
  ["wide", "a: di, b: si"],
  ["point", "a: di, b: si"],
  ["extended", "a: di, b: si"],
  ["packed", "a: si, b: dx"],
  ["long double", "a: di, b: si"],
  ["__int128", "a: di, b: si"],
];

const SOURCE = [
  HEAD,
  ...CASES.map(([parameters], i) => `KEEP int f${i}(${parameters}) { ${use(parameters)} return ${i}; }`),
  ...RESULTS.map(
    ([result], i) => `KEEP ${result} r${i}(int a, long b) { ${result} r = { 0 }; ${use("int a, long b")} return r; }`,
  ),
  "int main(void) { return 0; }",
].join("\n");

/** Makes use of each parameter, so that an optimiser has to keep it. */
function use(parameters: string): string {
  const names = parameters
    .split(/,(?![^(]*\))/)
    .flatMap((text) => /(?:\(\*)?\b([a-j])\b[^a-j]*$/.exec(text)?.[1] ?? []);
  return names.map((name) => `__asm__ volatile("" : : "m"(${name}));`).join(" ");
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "probewright-test-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function compile(name: string, options: Parameters<typeof build>[3], text = SOURCE): { dwarf: Dwarf; path: string } {
  const path = build(folder, name, text, options);
  return { dwarf: open(path)!, path };
}

describe.each([
  ["gcc", GCC],
  ["clang", CLANG],
])("by %s", (compilerName, compiler) => {
  describe.skipIf(compiler === undefined).each(["-O0", "-O1", "-O2"])("%s", (level) => {
    let program: { dwarf: Dwarf; path: string };

    beforeAll(() => {
      program = compile(`c-${compilerName}${level}`, { compiler: compiler!, flags: [level, "-w"] });
    });

    it.each(CASES.map(([parameters, expected], i) => [parameters, expected, i] as const))("%s", (_, expected, i) => {
      expect(places(program.dwarf, program.path, `f${i}`)).toBe(expected);
    });

    it.each(RESULTS.map(([result, expected], i) => [result, expected, i] as const))(
      "a result: %s",
      (_, expected, i) => {
        expect(places(program.dwarf, program.path, `r${i}`)).toBe(expected);
      },
    );
  });
});

const CPLUS = `
#define KEEP __attribute__((noinline, used))
struct Plain { long a, b, c; };
struct Small { int a; };
struct Owner { Owner(); Owner(const Owner &); ~Owner(); int n; };
struct Holder { Owner owner; };
struct Virtual { virtual int get(); long n; };
struct Nothing { };
struct Base { long first; };
struct Derived : Base { long second; };
Owner::Owner() : n(1) {}
Owner::Owner(const Owner &o) : n(o.n) {}
Owner::~Owner() {}
int Virtual::get() { return 1; }
KEEP int byValue(Owner o, int after) { return o.n + after; }
KEEP int nested(Holder h, int after) { return h.owner.n + after; }
KEEP int withTable(Virtual v, int after) { return v.n + after; }
KEEP int small(Small s, int after) { return s.a + after; }
KEEP int derived(Derived d, int after) { return d.second + after; }
KEEP int plain(Plain p, int after) { return p.b + after; }
KEEP int nothing(Nothing, int after) { return after; }
KEEP int references(int &a, const Owner &b, Small &&c) { return a + b.n + c.a; }
KEEP Owner makes(int a) { Owner o; o.n = a; return o; }
struct Server {
  int port;
  KEEP int handle(int fd, Small s) { return fd + s.a + port; }
  KEEP static int start(int port) { return port; }
  KEEP Owner owner(int n) { Owner o; o.n = n + port; return o; }
};
namespace inside { KEEP int hidden(int x) { return x; } }
int main() {
  Server server = { 3 };
  Owner o; Holder h; Virtual v; int n = 1; Derived d; Plain p = {};
  return byValue(o, 1) + nested(h, 2) + withTable(v, 3) + small({ 1 }, 2) + derived(d, 3) + plain(p, 1) + nothing({}, 2)
    + references(n, o, { 2 }) + makes(3).n + server.handle(1, { 2 }) + Server::start(3) + server.owner(4).n + inside::hidden(1);
}
`;

const CPLUS_CASES: readonly [symbol: string, expected: string][] = [
  ["_Z7byValue5Owneri", "o: *di, after: si"],
  ["_Z6nested6Holderi", "h: *di, after: si"],
  ["_Z9withTable7Virtuali", "v: *di, after: si"],
  ["_Z5small5Smalli", "s: di, after: si"],
  ["_Z7derived7Derivedi", "d: di si, after: dx"],
  ["_Z5plain5Plaini", "p: *sp+8, after: di"],
  ["_Z7nothing7Nothingi", ": -, after: di"],
  ["_Z10referencesRiRK5OwnerO5Small", "a: di, b: si, c: dx"],
  ["_Z5makesi", "a: si"],
  ["_ZN6Server6handleEi5Small", "this: di, fd: si, s: dx"],
  ["_ZN6Server5startEi", "port: di"],
  ["_ZN6Server5ownerEi", "this: si, n: dx"],
  ["_ZN6inside6hiddenEi", "x: di"],
];

describe.each([
  ["g++", GPLUS, "-gdwarf-5"],
  ["g++", GPLUS, "-gdwarf-4"],
  ["clang", CLANG, "-gdwarf-5"],
  ["clang", CLANG, "-gdwarf-4"],
])("in C++ by %s %s, %s", (name, compiler, version) => {
  describe.skipIf(compiler === undefined).each(["-O0", "-O1"])("%s", (level) => {
    let program: { dwarf: Dwarf; path: string };

    beforeAll(() => {
      const flags = [
        level,
        version,
        "-w",
        ...(name === "clang" ? ["-nostdlib++", "-Wl,--unresolved-symbols=ignore-all"] : []),
      ];
      program = compile(`cc-${name}${version}${level}`, { compiler: compiler!, language: "cc", flags }, CPLUS);
    });

    it.each(CPLUS_CASES)("%s", (symbol, expected) => {
      expect(places(program.dwarf, program.path, symbol)).toBe(expected);
    });
  });
});

describe.skipIf(!GCC)("what the compiler has changed", () => {
  const STATIC = `
    static __attribute__((noinline)) int part(int *unused, int a, int b) { __asm__ volatile(""); return a * b; }
    int main(int argc, char **argv) { return part(&argc, argc, 5) + part(&argc, argc + 1, 5); }`;

  it("is told from the debug information alone, or not at all", () => {
    const { dwarf, path } = compile("static", { flags: ["-O2"] }, STATIC);
    const symbol = [
      "part.constprop.0.isra.0",
      "part.isra.0.constprop.0",
      "part.isra.0",
      "part.constprop.0",
      "part",
    ].find((name) => {
      try {
        return functionOf(dwarf, path, name) !== undefined;
      } catch {
        return false;
      }
    });
    const placed = placeArguments(dwarf, functionOf(dwarf, path, symbol!), symbol!, "x64");
    const place = (name: string) => placed.find(({ parameter }) => parameter.name === name)?.place;
    // Whatever register holds it now, `a` is in no other one than the debug information says; the constant is nowhere.
    expect(place("a")).toMatchObject({ in: "registers" });
    expect(place("b")).toMatchObject({ in: "nowhere" });
    expect(place("unused")).toMatchObject({ in: "nowhere" });
  });
});

describe.skipIf(!CLANG || !LLD)("on arm64", () => {
  const ARM: readonly [parameters: string, expected: string][] = [
    [
      "int a, char *b, long c, long d, long e, long f, long g, long h, int i, char j",
      "a: r0, b: r1, c: r2, d: r3, e: r4, f: r5, g: r6, h: r7, i: *sp, j: *sp+8",
    ],
    ["double a, int b", "a: -, b: r0"],
    ["pair a, int b", "a: r0, b: r1"],
    ["wide a, int b", "a: r0 r1, b: r2"],
    ["large a, int b", "a: *r0, b: r1"],
    ["point a, int b", "a: -, b: r0"],
    ["mixed a, int b", "a: r0 r1, b: r2"],
    ["floats a, int b", "a: -, b: r0"],
    ["int a, __int128 b, int c", "a: r0, b: r2 r3, c: r4"],
    ["int a, huge b, int c", "a: r0, b: r2 r3, c: r4"],
    [
      "long a, long b, long c, long d, long e, long f, long g, wide h, int i",
      "a: r0, b: r1, c: r2, d: r3, e: r4, f: r5, g: r6, h: *sp, i: *sp+16",
    ],
    ["empty a, int b", "a: -, b: r0"],
  ];

  it.each(["-O0", "-O2"])("%s", (level) => {
    const text = [
      HEAD,
      ...ARM.map(([parameters], i) => `KEEP int f${i}(${parameters}) { ${use(parameters)} return ${i}; }`),
      "KEEP large result(int a) { large r = { 0 }; return r; }",
    ].join("\n");
    const flags = ["--target=aarch64-linux-gnu", "-nostdlib", "-fuse-ld=lld", "-Wl,-e,f0", "-w", level];
    const program = compile(`arm${level}`, { compiler: CLANG!, flags }, text);
    for (const [i, [, expected]] of ARM.entries()) {
      expect(places(program.dwarf, program.path, `f${i}`, "arm64")).toBe(expected);
    }
    expect(places(program.dwarf, program.path, "result", "arm64")).toBe("a: r0");
  });
});
