/** Damaged debug information: whatever a file says, every question ends soon, in an answer or in a DwarfError. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeArguments } from "../../../compiler/dwarf/arguments.ts";
import { Dwarf } from "../../../compiler/dwarf/dwarf.ts";
import type { DebugFile } from "../../../compiler/dwarf/files.ts";
import { DwarfError } from "../../../compiler/dwarf/reader.ts";
import { sourcePlaces } from "../../../compiler/dwarf/source-places.ts";
import { declaration } from "../../../compiler/dwarf/spelling.ts";
import { typeFromDwarf } from "../../../compiler/sema/dwarf-types.ts";
import { typeName } from "../../../compiler/sema/types.ts";
import { debugFilesOf } from "../../../harness/tracing/elf/debug-sections.ts";
import { readElf } from "../../../harness/tracing/facts/elf.ts";
import { build, GCC } from "../../support/debug-program.ts";

const ROUNDS = 1500;

const PROGRAM = `
typedef struct node { struct node *next; int few : 3, some : 9; union { long n; char text[8]; }; int grid[2][3]; enum { ONE, TWO } e; } node_t;
static inline int twice(int n) { return n * 2; }
__attribute__((noinline)) int walk(const node_t *node, struct node copy, double d, int depth) { return depth ? walk(node->next, copy, d, twice(depth)) : copy.few; }
int main(void) { node_t n = { &n }; return walk(&n, n, 1.5, 0); }
`;

const NAMES = [
  ...["info", "abbrev", "str", "line", "line_str", "aranges", "loclists", "rnglists", "loc", "ranges", "types"],
  ...["addr", "str_offsets"],
].map((name) => `.debug_${name}`);

type Sections = ReadonlyMap<string, Uint8Array>;

function contentOf(file: DebugFile): Sections {
  const all = [...NAMES, ...NAMES.map((name) => `${name}.dwo`)];
  return new Map(
    all.flatMap((name) => {
      const bytes = file.section(name);
      return bytes ? [[name, bytes.slice()] as const] : [];
    }),
  );
}

function fileOf(sections: Sections): DebugFile {
  return { path: "program", section: (name) => sections.get(name) };
}

/** Every question; counts the answers. */
function interrogate(main: Sections, split: Sections, addresses: readonly number[]): number {
  let answers = 0;
  const ask = (question: () => unknown): void => {
    try {
      question();
      answers++;
    } catch (error) {
      if (!(error instanceof DwarfError)) throw error;
    }
  };
  ask(() => {
    const dwarf = Dwarf.open({
      main: fileOf(main),
      split: () => (split.size > 0 ? fileOf(split) : undefined),
      supplement: () => undefined,
      package: () => undefined,
    });
    if (!dwarf) return;
    for (const address of addresses) {
      ask(() => {
        const fn = dwarf.functionAt(address);
        if (!fn) return;
        ask(() => placeArguments(dwarf, fn, fn.name, "x64"));
        ask(() => placeArguments(dwarf, fn, fn.name, "arm64"));
        for (const { type, name } of fn.parameters) {
          ask(() => typeName(typeFromDwarf(dwarf, type)));
          ask(() => declaration(type, name));
        }
      });
    }
    for (const [kind, name] of [
      ["struct", "node"],
      ["plain", "node_t"],
      ["enum", "x"],
      ["union", "never"],
    ] as const) {
      ask(() => {
        const type = typeFromDwarf(dwarf, dwarf.findType(kind, name));
        if (type.kind !== "struct") return;
        ask(() => type.shape.fields().map((field) => typeName(field.type)));
        ask(() => type.shape.field("text"));
      });
    }
    for (const line of [3, 4, 99]) ask(() => sourcePlaces(dwarf, { file: "program.c", line, column: undefined }));
  });
  return answers;
}

interface Sample {
  main: Sections;
  split: Sections;
  addresses: number[];
}

describe.skipIf(!GCC).each([
  ["version 4", ["-gdwarf-4", "-O1"]],
  ["version 5", ["-gdwarf-5", "-O1"]],
  ["version 4, split off", ["-gdwarf-4", "-gsplit-dwarf", "-O1"]],
  ["version 5, split off", ["-gdwarf-5", "-gsplit-dwarf", "-O1"]],
  ["version 4, types apart", ["-gdwarf-4", "-fdebug-types-section"]],
])("damaged debug information of %s", (_, flags) => {
  let folder: string;
  let sample: Sample;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-test-"));
    const path = build(folder, "program", PROGRAM, { flags });
    const files = debugFilesOf(path)!;
    const split = flags.includes("-gsplit-dwarf") ? files.split("program.dwo", folder) : undefined;
    const addresses = ["walk", "main"].map((name) => readElf(path).functions(name)[0]!.address);
    sample = { main: contentOf(files.main), split: split ? contentOf(split) : new Map(), addresses };
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("is read whole first", () => {
    expect(interrogate(sample.main, sample.split, sample.addresses)).toBeGreaterThan(20);
  });

  it("ends in answers or errors where bytes are others", () => {
    const { main, split, addresses } = sample;
    const places = [
      ...[...main].map(([name, bytes]) => ({ name, bytes, of: "main" })),
      ...[...split].map(([name, bytes]) => ({ name, bytes, of: "split" })),
    ];
    const change = fc.record({ place: fc.nat(places.length - 1), at: fc.nat(), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const changed = { main: new Map(main), split: new Map(split) };
        for (const { place, at, value } of changes) {
          const { name, bytes, of } = places[place]!;
          if (bytes.length === 0) continue;
          const into = of === "main" ? changed.main : changed.split;
          const copy = into.get(name)!.slice();
          copy[at % copy.length] = value;
          into.set(name, copy);
        }
        interrogate(changed.main, changed.split, addresses);
      }),
      { numRuns: ROUNDS },
    );
  });

  it("ends likewise where sections are cut off, or are gone", () => {
    const { main, split, addresses } = sample;
    for (const [which, sections] of [
      ["main", main],
      ["split", split],
    ] as const) {
      for (const [name, bytes] of sections) {
        const step = Math.max(1, Math.floor(bytes.length / 60));
        for (let length = 0; length <= bytes.length; length += step) {
          const cut = new Map(sections).set(name, bytes.slice(0, length));
          interrogate(which === "main" ? cut : main, which === "main" ? split : cut, addresses);
        }
        const without = new Map(sections);
        without.delete(name);
        interrogate(which === "main" ? without : main, which === "main" ? split : without, addresses);
      }
    }
  });
});

describe.skipIf(!GCC)("a damaged file", () => {
  it("has no debug information, or says what is wrong", () => {
    const folder = mkdtempSync(join(tmpdir(), "probewright-test-"));
    try {
      const path = build(folder, "program", PROGRAM, { flags: ["-gz", "-gdwarf-5"] });
      const whole = readFileSync(path);
      const sizes = fc.nat(whole.length - 1);
      fc.assert(
        fc.property(sizes, fc.nat(255), (at, value) => {
          const bytes = Buffer.from(whole);
          bytes[at] = value;
          const file = join(folder, "changed");
          writeFileSync(file, bytes);
          try {
            const files = debugFilesOf(file);
            if (files) interrogate(contentOf(files.main), new Map(), []);
          } catch (error) {
            if (!(error instanceof DwarfError)) throw error;
          }
        }),
        { numRuns: 200 },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("may be cut short, or go, while it is read", () => {
    const folder = mkdtempSync(join(tmpdir(), "probewright-test-"));
    try {
      const path = build(folder, "program", PROGRAM, { flags: ["-gdwarf-5"] });
      const { main } = debugFilesOf(path)!;
      truncateSync(path, 4096);
      expect(() => main.section(".debug_info")).toThrow(DwarfError);
      rmSync(path);
      expect(() => main.section(".debug_info")).toThrow(/ENOENT/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
