/** Programs compiled for a test, with debug information of one kind or another, and what the reader makes of it. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { placeArguments } from "../../compiler/dwarf/arguments.ts";
import { Dwarf } from "../../compiler/dwarf/dwarf.ts";
import type { Arch } from "../../compiler/dwarf/passing.ts";
import type { DwarfFunction } from "../../compiler/dwarf/types.ts";
import { debugFilesOf } from "../../harness/tracing/elf/debug-sections.ts";
import { readElf } from "../../harness/tracing/facts/elf.ts";

/** A compiler, or another tool, under the first of its names that is there. */
export function tool(...names: string[]): string | undefined {
  return names.find((name) => spawnSync(name, ["--version"]).status === 0);
}

export const GCC = tool("gcc");
export const GPLUS = tool("g++");
export const CLANG = tool("clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14");
/** Links for other machines, too. */
export const LLD = tool("ld.lld", "ld.lld-19", "ld.lld-18");

/** Compiles a text and answers the program's path. */
export function build(
  folder: string,
  name: string,
  text: string,
  { compiler = GCC!, language = "c", flags = [] }: { compiler?: string; language?: "c" | "cc"; flags?: string[] } = {},
): string {
  const source = `${name}.${language}`;
  writeFileSync(join(folder, source), text);
  run(folder, compiler, ["-g", ...flags, "-o", name, source]);
  return join(folder, name);
}

/** Runs a tool in a folder. Throws what it has to say when it fails. */
export function run(folder: string, command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { cwd: folder, encoding: "utf8", timeout: 20_000 });
  if (status !== 0) throw error ?? new Error(stderr);
}

export function open(path: string, folders?: readonly string[]): Dwarf | undefined {
  const files = debugFilesOf(path, folders);
  return files && Dwarf.open(files);
}

export function functionOf(dwarf: Dwarf, path: string, symbol: string): DwarfFunction {
  const [found] = readElf(path).functions(symbol);
  if (!found) throw new Error(`there is no ${symbol} in ${path}`);
  const fn = dwarf.functionAt(found.address);
  if (!fn) throw new Error(`nothing is known of ${symbol}`);
  return fn;
}

/** Where the arguments of a function are: `a: di`, `b: sp+8`, `c: *di`, `d: **sp+8`, `e: -` for what cannot be had. */
export function places(dwarf: Dwarf, path: string, symbol: string, arch: Arch = "x64"): string {
  const placed = placeArguments(dwarf, functionOf(dwarf, path, symbol), symbol, arch);
  return placed
    .map(({ parameter, place }) => {
      if (place.in === "nowhere") return `${parameter.name}: -`;
      if (place.in === "registers") return `${parameter.name}: ${place.registers.join(" ")}`;
      const stars = place.indirect ? "**" : "*";
      return `${parameter.name}: ${stars}${place.register}${place.offset === 0 ? "" : `+${place.offset}`}`;
    })
    .join(", ");
}
