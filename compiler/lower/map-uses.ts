/**
 * What a script does with its maps, as far as it decides where their entries are kept (tables.ts). A map is used in one of these
 * ways if each place that names it is one that goes with it.
 */
import type { MapInfo, TypedScript } from "../sema/typed.ts";
import { isAggregate, isScalar } from "../sema/types.ts";
import type * as ast from "../syntax/ast.ts";
import { walk } from "../syntax/walk.ts";

/** Functions that take whole maps and leave the work to the harness. */
const WHOLE_MAP_FUNCTIONS = new Set(["print", "clear", "zero"]);

/**
 * Maps whose values are set, read and deleted by their keys, and never added to. `threads`: every key is `tid`, as in the measurement of a latency,
 * so that an entry is touched by one thread only. `shared`: the others.
 */
export function assignedMaps(script: TypedScript): { threads: Set<string>; shared: Set<string> } {
  const deleted = new Set<string>();
  const compound = new Set<string>();
  const byOthers = new Set<string>();
  const used = mapsOnly(script, (node) => {
    switch (node.kind) {
      case "call": {
        const { text } = node.callee;
        const [first, second] = node.args;
        if (text === "delete") for (const { name } of mapIn(first)) deleted.add(name);
        if ((text !== "delete" && text !== "has_key") || first?.kind !== "map" || !second) return [];
        if (!isTid(second)) byOthers.add(first.name);
        return [first];
      }
      case "assignment":
        if (node.operator !== "=" && node.target?.kind === "map-access") compound.add(node.target.map.name);
        return [];
      case "increment":
        if (node.target.kind === "map-access") compound.add(node.target.map.name);
        return [];
      case "map-access":
        if (!isTid(node.key)) byOthers.add(node.map.name);
        return [node.map];
      default:
        return [];
    }
  });
  // What is added to a value that is just being taken away would be lost in part: those stay in the hash.
  const scalars = used.filter(({ name, value }) => isScalar(value) && !isAggregate(value) && !compound.has(name));
  const isThreads = ({ name }: MapInfo): boolean => deleted.has(name) && !byOthers.has(name);
  const isShared = (map: MapInfo): boolean => isScalar(map.key) && !isThreads(map);
  return { threads: namesOf(scalars.filter(isThreads)), shared: namesOf(scalars.filter(isShared)) };
}

/**
 * Maps that programs only add to: aggregates that nobody reads but the harness. What belongs to one key may lie in several
 * pieces, which are put together when they are read.
 */
export function accumulatedMaps(script: TypedScript): Set<string> {
  const used = mapsOnly(script, (node) =>
    node.kind === "assignment" && node.target?.kind === "map-access" ? [node.target.map] : [],
  );
  return namesOf(used.filter(({ value }) => isAggregate(value) && value.kind !== "tseries"));
}

/** What a table saves is paid with a larger program at each place: a map with more of them stays in the hash. */
const MAX_PLACES = 64;

/** Maps with keys and without a declared type that are named only where `permitted` says so, in not too many places, and as a whole. */
function mapsOnly({ maps, units }: TypedScript, permitted: (node: ast.Node) => readonly ast.MapName[]): MapInfo[] {
  const excluded = new Set<string>();
  const places = new Map<string, number>();
  for (const block of new Set(units.map((unit) => unit.block))) {
    const seen = new Set<ast.Node>();
    walk(block, (node) => {
      for (const map of permitted(node)) seen.add(map);
      if (node.kind === "call" && node.args[0]?.kind === "map" && WHOLE_MAP_FUNCTIONS.has(node.callee.text))
        seen.add(node.args[0]);
      if (node.kind !== "map") return;
      const count = (places.get(node.name) ?? 0) + 1;
      places.set(node.name, count);
      if (!seen.has(node) || count > MAX_PLACES) excluded.add(node.name);
    });
  }
  return [...maps.values()].filter(({ name, keyed, declaration }) => keyed && !declaration && !excluded.has(name));
}

function mapIn(node: ast.Call["args"][number] | undefined): ast.MapName[] {
  if (node?.kind === "map-access") return [node.map];
  return node?.kind === "map" ? [node] : [];
}

function isTid(node: ast.Call["args"][number]): boolean {
  return node.kind === "identifier" && node.name === "tid";
}

function namesOf(maps: readonly MapInfo[]): Set<string> {
  return new Set(maps.map(({ name }) => name));
}
