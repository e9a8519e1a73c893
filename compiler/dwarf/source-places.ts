/** The instructions that a line of a source file begins with, one in each function that has a copy of it. */
import { rangesOf } from "./addresses.ts";
import { Tag } from "./constants.ts";
import type { Dwarf } from "./dwarf.ts";
import { type LineRow, type LineTable, normalised, pathOf, readLines } from "./lines.ts";
import type { Unit } from "./unit.ts";

export interface SourcePlace {
  file: string;
  line: number;
  column: number | undefined;
}

export type SourceAnswer =
  | { found: "code"; addresses: readonly number[] }
  /** Several files have a path that ends so. */
  | { found: "several"; paths: readonly string[] }
  | { found: "no-file"; files: readonly string[] }
  /** `near` are lines of the file that have code. */
  | { found: "no-code"; path: string; near: readonly number[] };

interface Candidate {
  unit: Unit;
  table: LineTable;
  /** The numbers that the file has in the table. */
  files: ReadonlySet<number>;
}

/** `file` is a path, or the last parts of one. */
export function sourcePlaces(dwarf: Dwarf, { file, line, column }: SourcePlace): SourceAnswer {
  const wanted = normalised(file);
  const last = wanted.slice(wanted.lastIndexOf("/") + 1);
  const paths = new Set<string>();
  const others = new Set<string>();
  const candidates: Candidate[] = [];
  for (const unit of dwarf.units()) {
    const table = readLines(unit);
    if (!table) continue;
    const files = new Set<number>();
    for (const [number, source] of table.files) {
      others.add(source.name);
      // Most files are not meant, which their name alone tells.
      if (!source.name.endsWith(last)) continue;
      const path = pathOf(source);
      if (path !== wanted && !path.endsWith(`/${wanted}`)) continue;
      files.add(number);
      paths.add(path);
    }
    if (files.size > 0) candidates.push({ unit, table, files });
  }
  const [path] = paths;
  if (path === undefined)
    return { found: "no-file", files: [...others].map((name) => name.slice(name.lastIndexOf("/") + 1)) };
  if (paths.size > 1) return { found: "several", paths: [...paths] };
  const lines = new Set<number>();
  const addresses = candidates.flatMap(({ unit, table, files }) => {
    const rows: LineRow[] = [];
    for (const row of table.rows()) {
      if (!files.has(row.file) || !row.isStatement) continue;
      lines.add(row.line);
      if (row.line === line && (column === undefined || row.column === column)) rows.push(row);
    }
    return firstOfEach(unit, rows);
  });
  if (addresses.length > 0) return { found: "code", addresses: [...new Set(addresses)].sort((a, b) => a - b) };
  const near = [...lines].sort((a, b) => Math.abs(a - line) - Math.abs(b - line)).slice(0, 2);
  return { found: "no-code", path, near: near.sort((a, b) => a - b) };
}

/** A line has many instructions, and a loop comes back to some; what counts is the first one in a function, inlined or not. */
function firstOfEach(unit: Unit, rows: readonly LineRow[]): number[] {
  if (rows.length <= 1) return rows.map(({ address }) => address);
  const addresses = [...new Set(rows.map(({ address }) => address))].sort((a, b) => a - b);
  const around = new Map<number, { scope: number; depth: number }>();
  unit.scan((offset, tag, depth) => {
    if (tag !== Tag.subprogram && tag !== Tag.inlined_subroutine) return false;
    const ranges = rangesOf(unit.die(offset));
    for (const address of addresses) {
      const isInside = ranges.some(({ start, end }) => address >= start && address < end);
      if (isInside && depth >= (around.get(address)?.depth ?? 0)) around.set(address, { scope: offset, depth });
    }
    return false;
  });
  const seen = new Set<number | undefined>();
  return addresses.filter((address) => {
    const scope = around.get(address)?.scope;
    if (seen.has(scope)) return false;
    seen.add(scope);
    return true;
  });
}
