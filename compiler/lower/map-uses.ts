/**
 * What a script does with its maps, as far as it decides where their entries are kept (tables.ts). A map is used in one of these
 * ways if each place that names it is one that goes with it.
 */
import type { MapInfo, TypedScript } from "../sema/typed.ts";
import { isAggregate, isScalar } from "../sema/types.ts";
import type * as ast from "../syntax/ast.ts";
import { nodesOf } from "../syntax/nodes.ts";

/** Functions that take whole maps and leave the work to the harness. */
const WHOLE_MAP_FUNCTIONS = new Set(["print", "clear", "zero"]);

/**
 * Maps whose values are set, read and deleted by their keys, and never added to. `threads`: every key is `tid`, as in the measurement of a latency,
 * so that an entry is touched by one thread only, if each thread has a number of its own (`numbered`). `shared`: the others.
 */
export function assignedMaps(script: TypedScript, numbered: boolean): { threads: Set<string>; shared: Set<string> } {
  const deleted = new Set<string>();
  const compound = new Set<string>();
  const byOthers = new Set<string>();
  const used = mapsOnly(script, (block) => {
    const permitted: ast.MapName[] = [];
    for (const { callee, args } of nodesOf(block, "call")) {
      const [first, second] = args;
      const isDelete = callee.text === "delete";
      if (isDelete) for (const { name } of mapIn(first)) deleted.add(name);
      if ((!isDelete && callee.text !== "has_key") || first?.kind !== "map" || !second) continue;
      if (!isTid(second)) byOthers.add(first.name);
      permitted.push(first);
    }
    for (const { operator, target } of nodesOf(block, "assignment")) {
      if (operator !== "=" && target?.kind === "map-access") compound.add(target.map.name);
    }
    for (const { target } of nodesOf(block, "increment")) {
      if (target.kind === "map-access") compound.add(target.map.name);
    }
    for (const { map, key } of nodesOf(block, "map-access")) {
      if (!isTid(key)) byOthers.add(map.name);
      permitted.push(map);
    }
    return permitted;
  });
  // What is added to a value that is just being taken away would be lost in part: those stay in the hash.
  const scalars = used.filter(({ name, value }) => isScalar(value) && !isAggregate(value) && !compound.has(name));
  const isThreads = ({ name }: MapInfo): boolean => numbered && deleted.has(name) && !byOthers.has(name);
  const isShared = (map: MapInfo): boolean => isScalar(map.key) && !isThreads(map);
  return { threads: namesOf(scalars.filter(isThreads)), shared: namesOf(scalars.filter(isShared)) };
}

/**
 * Maps that programs only add to: aggregates that nobody reads but the harness. What belongs to one key may lie in several
 * pieces, which are put together when they are read.
 */
export function accumulatedMaps(script: TypedScript): Set<string> {
  const used = mapsOnly(script, (block) =>
    nodesOf(block, "assignment").flatMap(({ target }) => (target?.kind === "map-access" ? [target.map] : [])),
  );
  return namesOf(used.filter(({ value }) => isAggregate(value) && value.kind !== "tseries"));
}

/** What a table saves is paid with a larger program at each place: a map with more of them stays in the hash. */
const MAX_PLACES = 64;

/** Maps with keys and without a declared type that are named only in places that are permitted, in not too many, and as a whole. */
function mapsOnly({ maps, units }: TypedScript, permitted: (block: ast.Probe) => readonly ast.MapName[]): MapInfo[] {
  const excluded = new Set<string>();
  const places = new Map<string, number>();
  for (const block of new Set(units.map((unit) => unit.block))) {
    const good = new Set([...permitted(block), ...wholeMaps(block)]);
    for (const node of nodesOf(block, "map")) {
      const count = (places.get(node.name) ?? 0) + 1;
      places.set(node.name, count);
      if (!good.has(node) || count > MAX_PLACES) excluded.add(node.name);
    }
  }
  return [...maps.values()].filter(({ name, keyed, declaration }) => keyed && !declaration && !excluded.has(name));
}

function wholeMaps(block: ast.Probe): ast.MapName[] {
  return nodesOf(block, "call").flatMap(({ callee, args: [first] }) =>
    first?.kind === "map" && WHOLE_MAP_FUNCTIONS.has(callee.text) ? [first] : [],
  );
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
