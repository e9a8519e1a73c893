/** Damaged call frames: whatever a section says, it ends soon in a table, which leads nowhere outside of itself, or in a DwarfError. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FrameSection } from "../../../compiler/dwarf/call-frames.ts";
import { DwarfError } from "../../../compiler/dwarf/reader.ts";
import { type UnwindTable, unwindTable } from "../../../compiler/dwarf/unwind-table.ts";
import { MAX_STEPS, ROW, RULE, STEP, STEP_FLAGS, UNWIND_REGISTERS } from "../../../compiler/unwind-table.ts";
import { sectionOf } from "../../../harness/tracing/elf/debug-sections.ts";
import { ElfFile, withFile } from "../../../harness/tracing/elf/file.ts";
import { readUnwindTable, unwindTableOfImage } from "../../../harness/tracing/unwind/file-table.ts";
import { viewOf } from "../../support/bytes.ts";
import { build, GCC } from "../../support/debug-program.ts";

const ROUNDS = 2000;

/** Frames that grow, are aligned by hand, call back through a table of jumps, and have no caller. */
const PROGRAM = `
#include <alloca.h>
#include <string.h>
__attribute__((noinline)) int use(void *p) { return strlen(p) + 1; }
__attribute__((noinline)) int grown(int n) {
  volatile char b[3000] __attribute__((aligned(64)));
  b[n] = n;
  char *p = alloca(n);
  p[0] = b[n];
  return use(p);
}
__attribute__((noinline)) int many(int n, int *a) {
  return n ? many(n - 1, a) + a[n] * many(n - 2 < 0 ? 0 : n - 2, a + 1) + use(a) : grown(n);
}
int main(int c, char **v) { int a[64] = { c }; return c > 9 ? many(c, a) : many(1, a); }
`;

/** Throws if a table contradicts its own format. */
function checkTable({ cells, rows }: UnwindTable): void {
  const view = viewOf(cells);
  const count = cells.length / ROW.size;
  let before = -1;
  for (let row = 0; row < rows; row++) {
    const address = view.getUint32(row * ROW.size + ROW.address, true);
    if (address <= before) throw new Error(`row ${row} is not behind the one before it`);
    before = address;
    checkRule(view, view.getUint32(row * ROW.size + ROW.rule, true), rows, count);
  }
  const last = view.getUint32((rows - 1) * ROW.size + ROW.rule, true);
  if (last !== RULE.unknown) throw new Error("the last function has no end");
}

function checkRule(view: DataView, rule: number, rows: number, count: number): void {
  if (rule === RULE.unknown || rule === RULE.outermost) return;
  if (rule < rows) throw new Error(`a rule begins in row ${rule}`);
  for (let steps = 1; steps <= MAX_STEPS; steps++, rule++) {
    if (rule >= count) throw new Error("a rule goes on behind the table");
    const at = rule * STEP.size;
    const [target, base] = [view.getUint8(at + STEP.target), view.getUint8(at + STEP.base)];
    if (target >= UNWIND_REGISTERS.count || base >= UNWIND_REGISTERS.count) throw new Error("an unknown register");
    if (steps === 1 && target !== UNWIND_REGISTERS.cfa)
      throw new Error("the first step is another one than to the CFA");
    if ((view.getUint8(at + STEP.flags) & STEP_FLAGS.last) !== 0) return;
  }
  throw new Error("a rule has too many steps");
}

/** Whether there is a table. */
function attempt(read: () => UnwindTable | undefined): boolean {
  let table: UnwindTable | undefined;
  try {
    table = read();
  } catch (error) {
    if (!(error instanceof DwarfError)) throw error;
    return false;
  }
  if (table) checkTable(table);
  return table !== undefined;
}

function sectionsOf(path: string): FrameSection[] {
  return withFile(path, (read) => {
    const elf = new ElfFile(read);
    return (["eh_frame", "debug_frame"] as const).flatMap((kind) => {
      const bytes = sectionOf(elf, read, `.${kind}`);
      return bytes ? [{ kind, bytes: new Uint8Array(bytes), address: elf.section(`.${kind}`)!.address }] : [];
    });
  });
}

describe.skipIf(!GCC || process.arch !== "x64").each([
  ["in memory", ["-O2"], 1],
  ["for debuggers", ["-O2", "-fno-asynchronous-unwind-tables"], 2],
])("damaged call frames %s", (_, flags, count) => {
  let folder: string;
  let path: string;
  let sections: FrameSection[];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-test-"));
    path = build(folder, "program", PROGRAM, { flags });
    sections = sectionsOf(path);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("are read whole first", () => {
    expect(sections).toHaveLength(count);
    expect(attempt(() => unwindTable(sections))).toBe(true);
    expect(readUnwindTable(path)).toEqual(unwindTable(sections));
    expect(unwindTableOfImage(readFileSync(path), "an image")).toEqual(unwindTable(sections));
  });

  it("end in tables or errors where bytes are others", () => {
    const change = fc.record({ section: fc.nat(count - 1), at: fc.nat(), value: fc.nat(255) });
    let tables = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const changed = sections.map((section) => ({ ...section, bytes: section.bytes.slice() }));
        for (const { section, at, value } of changes) {
          const { bytes } = changed[section]!;
          bytes[at % bytes.length] = value;
        }
        if (attempt(() => unwindTable(changed))) tables++;
      }),
      { numRuns: ROUNDS },
    );
    expect(tables).toBeGreaterThan(0);
  });

  it("end likewise where they are cut off, or are others' bytes", () => {
    for (let length = 0; length <= sections[0]!.bytes.length; length++) {
      attempt(() => unwindTable([{ ...sections[0]!, bytes: sections[0]!.bytes.slice(0, length) }]));
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const kind of ["eh_frame", "debug_frame"] as const) {
          attempt(() => unwindTable([{ kind, bytes, address: 0x1000 }]));
        }
      }),
    );
  });

  it("end likewise where any byte of the file is another", () => {
    const whole = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        attempt(() => unwindTableOfImage(bytes, "an image"));
      }),
      { numRuns: 500 },
    );
  });

  it("are told with the file that they are in", () => {
    const bytes = Buffer.from(readFileSync(path));
    const at = bytes.indexOf(sections[0]!.bytes.subarray(0, 64));
    bytes[at + 8] = 99;
    const damaged = join(folder, "damaged");
    writeFileSync(damaged, bytes);
    expect(() => readUnwindTable(damaged)).toThrow(
      expect.objectContaining({
        file: damaged,
        sentence: expect.stringMatching(/damaged cannot be read: .*version 99$/),
      }),
    );
  });
});

describe("what has no call frames", () => {
  it("has no table", () => {
    expect(readUnwindTable("/proc/self/no-such-file")).toBeUndefined();
    expect(readUnwindTable("/dev/null")).toBeUndefined();
    expect(readUnwindTable(import.meta.filename)).toBeUndefined();
    expect(unwindTableOfImage(new Uint8Array(0), "nothing")).toBeUndefined();
  });
});
