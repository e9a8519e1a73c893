/**
 * Maps that were full. A map without a declared size is made larger and the run repeated: how many keys a workload has
 * is not for the user to know beforehand. There is a bound, because kernel memory is not for a script to exhaust.
 */
import type { CompiledProgram } from "../../compiler/program.ts";
import type { PreparedScript } from "./prepare.ts";
import type { Problem } from "./problems.ts";

const FACTOR = 8;
const MOST_ENTRIES = 1 << 22;

export interface FullMap {
  /** Index of the script. */
  readonly program: number;
  readonly map: string;
  /** Updates that found no room. */
  readonly failed: bigint;
}

export interface Enlargement {
  readonly program: number;
  readonly map: string;
  /** Entries. */
  readonly from: number;
  readonly to: number;
}

export type Growth =
  | {
      readonly kind: "grown";
      readonly programs: readonly CompiledProgram[];
      /** Those of now behind those of earlier. */
      readonly enlargements: readonly Enlargement[];
    }
  | { readonly kind: "impossible"; readonly problems: readonly Problem[] };

/** Compiles the scripts whose maps were full anew, with more room; `earlier` says what was enlarged before. */
export function growMaps(
  full: readonly FullMap[],
  scripts: readonly PreparedScript[],
  programs: readonly CompiledProgram[],
  earlier: readonly Enlargement[],
): Growth {
  const wanted = full.map(({ program, map }): Enlargement => {
    const from = capacity(programs[program]!, map);
    return { program, map, from, to: Math.min(from * FACTOR, MOST_ENTRIES) };
  });
  const enlargements = [...earlier, ...wanted];
  const grown = programs.map((program, i) => {
    const own = enlargements.filter((enlargement) => enlargement.program === i);
    return wanted.some((e) => e.program === i)
      ? scripts[i]!.enlarge(Object.fromEntries(own.map(({ map, to }) => [map, to])))
      : program;
  });
  // A map that is as large as before has reached the bound, or its script declares its size.
  const stuck = full.filter(({ program, map }, i) => capacity(grown[program]!, map) <= wanted[i]!.from);
  if (stuck.length > 0) return { kind: "impossible", problems: stuck.map((map) => mapFull(map, programs)) };
  return { kind: "grown", programs: grown, enlargements };
}

function mapFull({ program, map, failed }: FullMap, programs: readonly CompiledProgram[]): Problem {
  const entries = capacity(programs[program]!, map);
  return {
    kind: "map-full",
    message: `the map ${map} was full: it has room for ${entries} entries, and ${failed} updates were lost`,
    help: "give it fewer distinct keys, delete those that are done with, or declare it larger",
  };
}

/** How many entries a map has room for. */
function capacity(program: CompiledProgram, name: string): number {
  const storage = program.scriptMaps.find((map) => map.name === name)?.storage;
  if (storage?.kind !== "hash") return 1;
  const entries = program.maps[storage.map]!.maxEntries;
  return entries === "auto" ? 0 : entries;
}
