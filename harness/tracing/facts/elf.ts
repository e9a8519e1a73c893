/**
 * Symbols of executables and libraries for uprobes: the functions with the places of their code, and variables; and the
 * places that are marked as USDT probes. The symbols of a stripped file are taken from its debug file, where one is installed.
 */
import type { ElfFunction, ElfSymbols, UsdtMark } from "../../../compiler/kernel-facts.ts";
import { findInArchive, splitArchivePath } from "../elf/archive.ts";
import { findDebugFile } from "../elf/debug-file.ts";
import { bytesOf, ElfError, ElfFile, withFile } from "../elf/file.ts";
import { beginsInstruction } from "../elf/instructions.ts";
import { usdtMarks } from "../elf/stapsdt.ts";
import { type ElfSymbol, elfSymbols } from "../elf/symbols.ts";
import { errnoOf } from "./capability-error.ts";

/** Reads a file's headers; its symbols are read when they are asked for. Throws ElfError, or what open throws. */
export function readElf(path: string): ElfSymbols {
  const archive = splitArchivePath(path);
  const file = archive?.file ?? path;
  const base = archive === undefined ? 0 : findInArchive(archive.file, archive.entry);
  const elf = withFile(file, (read) => new ElfFile(read), base);
  const symbols = (wanted?: string): ElfSymbol[] => {
    const own = withFile(file, (read) => [...elfSymbols(new ElfFile(read), wanted)], base);
    const debug = archive === undefined ? debugSymbols(path, wanted) : [];
    return [...own, ...debug];
  };
  let all: ElfFunction[] | undefined;
  let marks: UsdtMark[] | undefined;
  const functions = (wanted?: string): ElfFunction[] => {
    if (wanted === undefined && all) return all;
    const found = placed(elf, symbols(wanted), base);
    if (wanted === undefined) all = found;
    return found;
  };
  return {
    functions,
    symbol(name) {
      const found = symbols(name);
      return found.find(({ kind }) => kind === "object") ?? found[0];
    },
    marks: () => (marks ??= readMarks(file, base)),
    fileOffset: (address) => shifted(elf.fileOffset(address), base),
    isInstruction: ({ offset, size }, within) =>
      size > 0
        ? withFile(file, (read) => beginsInstruction(elf.machine, bytesOf(read(offset, size)), within))
        : undefined,
    relocated: elf.type === "dynamic",
    file,
  };
}

/** Functions whose code is in the file, each name and place once. */
export function placed(elf: ElfFile, symbols: Iterable<ElfSymbol>, base = 0): ElfFunction[] {
  const seen = new Set<string>();
  const functions: ElfFunction[] = [];
  for (const { name, address, size, kind } of symbols) {
    if (kind !== "function") continue;
    const offset = shifted(elf.fileOffset(address), base);
    const key = `${name}\0${offset}`;
    if (offset === undefined || seen.has(key)) continue;
    seen.add(key);
    functions.push({ name, address, offset, size });
  }
  return functions;
}

/** None where the file is damaged, or gone by now: patterns look at all files that some process has mapped. */
function readMarks(file: string, base: number): UsdtMark[] {
  try {
    return withFile(file, (read) => usdtMarks(new ElfFile(read)), base);
  } catch (error) {
    if (error instanceof ElfError || errnoOf(error) !== undefined) return [];
    throw error;
  }
}

function shifted(offset: number | undefined, base: number): number | undefined {
  return offset === undefined ? undefined : offset + base;
}

function debugSymbols(path: string, wanted: string | undefined): ElfSymbol[] {
  const file = withFile(path, (read) => findDebugFile(new ElfFile(read), path));
  if (file === undefined) return [];
  try {
    return withFile(file, (read) => [...elfSymbols(new ElfFile(read), wanted)]);
  } catch (error) {
    // The program is as good without a damaged companion.
    if (error instanceof ElfError) return [];
    throw error;
  }
}
