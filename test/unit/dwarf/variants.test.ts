/** One program, compiled with debug information of every kind there is: each time the same is known of it. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Dwarf } from "../../../compiler/dwarf/dwarf.ts";
import { typeFromDwarf } from "../../../compiler/sema/dwarf-types.ts";
import { type Type, typeName } from "../../../compiler/sema/types.ts";
import { build, CLANG, functionOf, GCC, open, places, run, tool } from "../../support/debug-program.ts";
import { temporaryTree } from "../../support/temporary.ts";

const PROGRAM = `
typedef unsigned long ulong_t;
enum colour { RED, GREEN = 5, LOW = -1 };
struct later;
struct inner { short s; union { int u; char bytes[4]; }; };
struct outer {
  unsigned few : 3;
  int some : 5;
  unsigned long many : 40;
  struct inner in;
  const struct inner *link;
  char text[12];
  int grid[2][3];
  enum colour colour;
  _Bool ok;
  double real;
  ulong_t number;
  struct later *hidden;
  void (*call)(int);
  struct { int x, y; } at;
};
struct unused { int never; };
__attribute__((noinline)) int first(struct outer *o, char c, const char *text, enum colour colour) { return o->some + c + text[0] + colour; }
__attribute__((noinline)) long second(volatile ulong_t n, _Bool flag) { return n + flag; }
struct later { int late; };
int main(int argc, char **argv) {
  struct outer o = { .some = argc };
  struct later later = { 3 };
  o.hidden = &later;
  return first(&o, 'x', argv[0], GREEN) + second(argc, 1) + o.hidden->late;
}
`;

const SHAPE = [
  "few uint32 0 bits 0+3/1",
  "some int32 0 bits 3+5/1",
  "many uint64 0 bits 8+40/8",
  "in struct inner 8",
  "link struct inner * 16",
  "text string[12] 24",
  "grid int32[3][2] 36",
  "colour enum colour 60",
  "ok bool 64",
  "real float 72",
  "number uint64 80",
  "hidden struct later * 88",
  "call void * 96",
  "at struct <anonymous> 104",
];

function shapeOf(dwarf: Dwarf, name: string): string[] {
  const die = dwarf.findType("struct", name);
  const type: Type | undefined = die && typeFromDwarf(dwarf, die);
  if (type?.kind !== "struct") return [];
  return type.shape.fields().map((field) => {
    const bits = field.bits ? ` bits ${field.bits.offset}+${field.bits.size}/${field.bits.unit}` : "";
    return `${field.name} ${typeName(field.type)} ${field.offset}${bits}`;
  });
}

/** The word that a bit-field is loaded in depends on who wrote its offset; where its bits are does not. */
function normalised(shape: readonly string[]): string[] {
  return shape.map((line) => {
    const found = /^(.*) (\d+) bits (\d+)\+(\d+)\/\d$/.exec(line);
    return found ? `${found[1]} bit ${Number(found[2]) * 8 + Number(found[3])}+${found[4]}` : line;
  });
}

function expectKnown(dwarf: Dwarf | undefined, path: string): void {
  if (!dwarf) throw new Error("no debug information was found");
  expect(normalised(shapeOf(dwarf, "outer"))).toEqual(normalised(SHAPE));
  expect(shapeOf(dwarf, "inner")).toEqual(["s int16 0", "u int32 4", "bytes string[4] 4"]);
  expect(shapeOf(dwarf, "later")).toEqual(["late int32 0"]);
  expect(shapeOf(dwarf, "nothing_of_the_kind")).toEqual([]);
  expect(places(dwarf, path, "first")).toBe("o: di, c: si, text: dx, colour: cx");
  expect(places(dwarf, path, "second")).toBe("n: di, flag: si");
  const types = functionOf(dwarf, path, "first").parameters.map(({ type }) => typeName(typeFromDwarf(dwarf, type)));
  expect(types).toEqual(["struct outer *", "int8", "int8 *", "enum colour"]);
  const colour = typeFromDwarf(dwarf, dwarf.findType("enum", "colour"));
  expect(colour).toMatchObject({
    kind: "enum",
    size: 4,
    signed: true,
    values: [
      { name: "RED", value: 0n },
      { name: "GREEN", value: 5n },
      { name: "LOW", value: -1n },
    ],
  });
  expect(typeName(typeFromDwarf(dwarf, dwarf.findType("plain", "ulong_t")))).toBe("uint64");
}

const FORMATS = [
  ["version 4", ["-gdwarf-4"]],
  ["version 5", ["-gdwarf-5"]],
  ["version 3", ["-gdwarf-3"]],
  ["version 5 with 64-bit offsets", ["-gdwarf-5", "-gdwarf64"]],
  ["version 4, packed", ["-gdwarf-4", "-gz"]],
  ["version 5, packed", ["-gdwarf-5", "-gz"]],
  ["version 4, types apart", ["-gdwarf-4", "-fdebug-types-section"]],
  ["version 5, types apart", ["-gdwarf-5", "-fdebug-types-section"]],
  ["version 4, split off", ["-gdwarf-4", "-gsplit-dwarf"]],
  ["version 5, split off", ["-gdwarf-5", "-gsplit-dwarf"]],
  ["version 4, split off, types apart", ["-gdwarf-4", "-gsplit-dwarf", "-fdebug-types-section"]],
  ["version 5, split off, types apart", ["-gdwarf-5", "-gsplit-dwarf", "-fdebug-types-section"]],
] as const;

describe.each([
  ["gcc", GCC],
  ["clang", CLANG],
])("%s", (_, compiler) => {
  describe.skipIf(compiler === undefined).each(["-O0", "-O2"])("%s", (level) => {
    it.each(FORMATS)("%s", (_name, flags) => {
      const folder = temporaryTree();
      const path = build(folder, "program", PROGRAM, { compiler: compiler!, flags: [level, ...flags] });
      expectKnown(open(path), path);
    });
  });
});

describe.skipIf(!GCC)("units that were split off", () => {
  const packer = tool("llvm-dwp-19", "llvm-dwp-18");
  // GNU's packs version 4 only.
  const gnu = tool("dwp");

  it.each([
    [GCC, gnu, "-gdwarf-4", []],
    [GCC, gnu, "-gdwarf-4", ["-fdebug-types-section"]],
    [CLANG, packer, "-gdwarf-4", []],
    [CLANG, packer, "-gdwarf-5", []],
    [CLANG, packer, "-gdwarf-5", ["-fdebug-types-section"]],
  ] as const)("are found in a package: %s, %s, %s, %s", (compiler, command, version, more) => {
    if (compiler === undefined || command === undefined) return;
    const folder = temporaryTree();
    const path = build(folder, "program", PROGRAM, { compiler, flags: [version, "-gsplit-dwarf", ...more] });
    run(folder, command, ["-e", "program", "-o", "program.dwp"]);
    rmSync(join(folder, "program.dwo"), { force: true });
    expectKnown(open(path), path);
  });

  it("are missing without harm where their file is gone: only what the program itself says is known", () => {
    const folder = temporaryTree();
    const path = build(folder, "program", PROGRAM, { flags: ["-gsplit-dwarf", "-gdwarf-5"] });
    rmSync(join(folder, "program.dwo"));
    const dwarf = open(path);
    expect(dwarf).toBeDefined();
    expect(shapeOf(dwarf!, "outer")).toEqual([]);
    expect(() => functionOf(dwarf!, path, "first")).toThrow("nothing is known of first");
  });

  it("that are of another build are left alone", () => {
    const folder = temporaryTree();
    const flags = ["-gsplit-dwarf", "-gdwarf-5"];
    build(folder, "program", `${PROGRAM}int more;`, { flags });
    run(folder, "cp", ["program.dwo", "kept"]);
    const path = build(folder, "program", PROGRAM, { flags });
    run(folder, "mv", ["kept", "program.dwo"]);
    expect(shapeOf(open(path)!, "outer")).toEqual([]);
  });
});

describe.skipIf(!GCC || !tool("objcopy"))("stripped programs", () => {
  const ID = "-Wl,--build-id=0x0123456789abcdef";

  function stripped(flags: string[]): { folder: string; path: string } {
    const folder = temporaryTree({ "debug/": undefined, ".debug/": undefined, "bin/": undefined });
    build(folder, "program", PROGRAM, { flags });
    run(folder, "objcopy", ["--only-keep-debug", "program", "program.debug"]);
    return { folder, path: join(folder, "bin/program") };
  }

  it.each<[string, string, readonly string[]]>([
    ["a link, beside the program", "bin/program.debug", []],
    ["a link, in .debug", "bin/.debug/program.debug", []],
    ["a link, in a folder that is named", "debug/program.debug", ["../debug"]],
    ["a link, checked", "debug/program.debug", ["+../debug"]],
    ["the build id", "debug/.build-id/01/23456789abcdef.debug", ["../debug"]],
    ["the build id, in the second folder", "debug/.build-id/01/23456789abcdef.debug", ["nowhere", "../debug"]],
  ])("find their debug file by %s", (_, place, folders) => {
    const { folder, path } = stripped([ID]);
    run(folder, "objcopy", ["--strip-debug", "--add-gnu-debuglink=program.debug", "program", "bin/program"]);
    run(folder, "mkdir", ["-p", join(place, "..")]);
    run(folder, "mv", ["program.debug", place]);
    expectKnown(open(path, folders), path);
  });

  it("find one that is called like them", () => {
    const { folder, path } = stripped([ID]);
    run(folder, "objcopy", ["--strip-debug", "program", "bin/program"]);
    run(folder, "mv", ["program.debug", "debug/program.debug"]);
    expectKnown(open(path, [join(folder, "debug")]), path);
    expect(open(path)).toBeUndefined();
  });

  it.each<[string, readonly string[], boolean]>([
    ["another build id", ["debug"], false],
    ["another checksum, if that is asked for", ["+debug"], true],
  ])("leave alone a file with %s", (_, folders, sameId) => {
    const { folder, path } = stripped([ID]);
    run(folder, "objcopy", ["--strip-debug", "--add-gnu-debuglink=program.debug", "program", "bin/program"]);
    const id = sameId ? ID : "-Wl,--build-id=0xffffffff";
    build(folder, "other", `${PROGRAM}int more = 1;`, { flags: [id] });
    run(folder, "objcopy", ["--only-keep-debug", "other", "debug/program.debug"]);
    rmSync(join(folder, "program.debug"));
    expect(
      open(
        path,
        folders.map((name) => name.replace("debug", join(folder, "debug"))),
      ),
    ).toBeUndefined();
  });
});
