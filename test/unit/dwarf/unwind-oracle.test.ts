/** The table of the C library, row by row beside what binutils' readelf makes of the same call frames. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { readUnwindTable } from "../../../harness/tracing/unwind/file-table.ts";
import { REGISTERS, tableText } from "../../support/call-frames.ts";
import { tool } from "../../support/debug-program.ts";

const READELF = tool("readelf");
const LIBC = process.arch === "x64" ? libraryOf("libc.so.6") : undefined;

/** A library that this process has loaded. */
function libraryOf(name: string): string | undefined {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  return sharedObjects.find((path) => path.endsWith(`/${name}`));
}

interface Row {
  address: number;
  /** Sorted words, `bx=*cfa-16 cfa=sp+16 ra=*cfa-8`; `=exp` for all that is computed. */
  rule: string;
}

interface Described {
  start: number;
  end: number;
  rows: Row[];
}

/** The functions as readelf prints them: those that say nothing of their own have the row of what is common to them. */
function describedBy(path: string): Described[] {
  const args = ["-W", "--debug-dump=frames-interp", path];
  const { stdout } = spawnSync(READELF!, args, { encoding: "utf8", maxBuffer: 1 << 28, env: { LC_ALL: "C" } });
  const common = new Map<string, Row[]>();
  const functions: { start: number; end: number; rows: Row[]; common: string }[] = [];
  let rows: Row[] = [];
  let registers: string[] = [];
  for (const line of stdout.split("\n")) {
    // Registers that are in others stand there twice: r3 (rbx).
    const words = line
      .trim()
      .replace(/ \(r\w+\)/g, "")
      .split(/\s+/);
    const range = /FDE cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.([0-9a-f]+)/.exec(line);
    if (range) {
      rows = [];
      functions.push({ start: parseInt(range[2]!, 16), end: parseInt(range[3]!, 16), rows, common: range[1]! });
    } else if (words[3] === "CIE") {
      rows = [];
      common.set(words[0]!, rows);
    } else if (words[0] === "LOC") registers = words.slice(2);
    else if (/^[0-9a-f]{16}$/.test(words[0]!)) {
      const [address, cfa, ...places] = words;
      rows.push({ address: parseInt(address!, 16), rule: ruleOf(cfa!, registers, places) });
    }
  }
  return functions.map((fn) => ({
    ...fn,
    rows: fn.rows.length > 0 ? fn.rows : common.get(fn.common)!.map((row) => ({ ...row, address: fn.start })),
  }));
}

/** `rsp+16`, and of each register `c-16` (in memory), `v+0` (that value), `u` and `s` (nothing), `exp`, or another register. */
function ruleOf(cfa: string, registers: readonly string[], places: readonly string[]): string {
  if (places[registers.indexOf("ra")] === "u") return "outermost";
  const words = registers.flatMap((register, i) => {
    const place = places[i]!;
    if (place === "u" || place === "s") return [];
    const from = place.replace(/^c/, "*cfa").replace(/^v/, "cfa");
    return [`${ourName(register)}=${ourName(from)}`];
  });
  return [`cfa=${ourName(cfa)}`, ...words].sort().join(" ").replace(/\+0\b/g, "");
}

/** As we call them: `rax` without its first letter, and `r1`, as it stands for what is in a register, by its name. */
function ourName(name: string): string {
  return name.replace(/^r([0-7])$/, (_, number) => REGISTERS[Number(number)]!).replace(/^r(?=[a-z]{2}\b)/, "");
}

/** All of it as a table would have it. */
function expected(path: string): Row[] {
  const functions = describedBy(path).sort((a, b) => a.start - b.start);
  return merged(functions.flatMap(({ rows, end }) => [...rows, { address: end, rule: "unknown" }]));
}

/** The last row of each address, if it says something else than the one before. */
function merged(rows: readonly Row[]): Row[] {
  const last = rows.filter(({ address }, i) => rows[i + 1]?.address !== address);
  return last.filter(({ rule }, i) => last[i - 1]?.rule !== rule);
}

/** One of our rows in the same words. */
function described(line: string): Row {
  const [address, rule] = line.split(": ") as [string, string];
  const words = new Map<string, string>();
  for (const word of rule
    .replace("interrupted ", "")
    .replace(/ sp=cfa$/, "")
    .split(" ")) {
    const [target, from] = word.split("=") as [string, string | undefined];
    const simple = target === "cfa" ? /^[a-z]\w+([+-]\d+)?$/ : /^(\*?cfa([+-]\d+)?|[a-z]\w+)$/;
    if (from === undefined) words.set(target, target);
    else words.set(target, words.has(target) || !simple.test(from) ? `${target}=exp` : word);
  }
  return { address: parseInt(address, 16), rule: [...words.values()].sort().join(" ") };
}

describe.skipIf(!READELF || !LIBC)("the table of the C library", () => {
  it("says what readelf says, of every place", () => {
    const ours = merged(tableText(readUnwindTable(LIBC!)).map(described));
    const theirs = expected(LIBC!);
    const different = theirs.findIndex(
      ({ address, rule }, i) => ours[i]?.address !== address || ours[i]?.rule !== rule,
    );
    expect(ours[different]).toEqual(theirs[different]);
    expect(ours.length).toBe(theirs.length);
    expect(ours.length).toBeGreaterThan(1000);
  });
});
