/**
 * Paths within a checkout, as if they were in the user's own repository: a key such as the path of an opened file has
 * to be the same on both sides, and has to be one that the user knows.
 */
import type { KeyPart } from "../metrics/ast.ts";
import type { MapData } from "../metrics/run-data.ts";
import type { MeasuredRun } from "../runner/session.ts";

/** The same run with all keys that begin with the path `from` beginning with `to`. */
export function relocate(run: MeasuredRun, from: string, to: string): MeasuredRun {
  const moved = new Map<MapData, MapData>();
  const move = (map: MapData): MapData => {
    const known = moved.get(map) ?? moveMap(map, from, to);
    moved.set(map, known);
    return known;
  };
  return {
    ...run,
    maps: run.maps.map((maps) => maps.map(move)),
    data: { ...run.data, maps: new Map([...run.data.maps].map(([name, map]) => [name, move(map)])) },
  };
}

function moveMap(map: MapData, from: string, to: string): MapData {
  const entries = map.entries.map((entry) => ({ ...entry, key: entry.key.map((part) => movePart(part, from, to)) }));
  return { ...map, entries };
}

function movePart(part: KeyPart, from: string, to: string): KeyPart {
  if (typeof part === "object") return part.map((inner) => movePart(inner, from, to));
  if (typeof part !== "string") return part;
  return part === from || part.startsWith(`${from}/`) ? to + part.slice(from.length) : part;
}
