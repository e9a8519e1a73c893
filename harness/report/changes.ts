/**
 * Why a metric moved: the keys of its maps that are new, gone, or have other numbers than in the baseline, the largest
 * change first. A count says that something grew; its keys say what.
 */
import type { MapTable, MapTableKey } from "../baseline/values.ts";
import { decodeKey, magnitude } from "../baseline/values.ts";
import type { Scenario } from "../config/scenario.ts";
import type { Expression } from "../metrics/ast.ts";
import { keyIdentity } from "../metrics/print.ts";
import type { KeyChange } from "./result.ts";

/** A change before it is known in which unit it is told. */
export type Change = Omit<KeyChange, "unit">;

/** The maps that a metric reads as a whole, also through other metrics. A single named key explains itself. */
export function wholeMaps(name: string, { metrics }: Scenario): Set<string> {
  const found = new Set<string>();
  const visited = new Set<string>();
  const visitMetric = (metric: string): void => {
    if (visited.has(metric)) return;
    visited.add(metric);
    const definition = metrics.find((candidate) => candidate.name === metric);
    if (definition) visit(definition.expression);
  };
  const visit = (e: Expression): void => {
    switch (e.kind) {
      case "number":
        return;
      case "name":
        visitMetric(e.name);
        return;
      case "map":
        if (e.key === undefined) found.add(e.name);
        return;
      case "call":
        e.args.forEach(visit);
        return;
      case "unary":
        visit(e.operand);
        return;
      case "binary":
        visit(e.left);
        visit(e.right);
    }
  };
  visitMetric(name);
  return found;
}

/** The keys of the named maps that differ, by the medians over the runs. */
export function keyChanges(
  names: ReadonlySet<string>,
  before: readonly MapTable[],
  now: readonly MapTable[],
): Change[] {
  const changes = [...names].flatMap((name) => {
    const [old, current] = [before, now].map((tables) => tables.find((table) => table.name === name && table.keyed));
    // A map without keys has nothing to tell beyond the metric itself.
    return current === undefined ? [] : tableChanges(old, current);
  });
  return changes.sort(largestFirst);
}

/**
 * Keys of any map that differ in every run of the one side from every run of the other: what changed at the same time,
 * where a metric has no maps of its own. What only wavers from run to run explains nothing.
 */
export function clearChanges(before: readonly MapTable[], now: readonly MapTable[]): Change[] {
  return now
    .flatMap((table) => {
      const old = before.find(({ name, script }) => name === table.name && script === table.script);
      return table.keyed ? tableChanges(old, table, areApart) : [];
    })
    .sort(largestFirst);
}

function largestFirst(a: Change, b: Change): number {
  return Math.abs(b.now - b.before) - Math.abs(a.now - a.before);
}

type Counts = MapTableKey["values"];

interface Row {
  readonly key: MapTableKey["key"];
  readonly sides: { before: Counts; now: Counts };
}

function tableChanges(
  before: MapTable | undefined,
  now: MapTable,
  counts: (sides: Row["sides"]) => boolean = () => true,
): Change[] {
  const rows = new Map<string, Row>();
  const fill = (side: keyof Row["sides"], { key, values }: MapTableKey): void => {
    const id = keyIdentity(decodeKey(key));
    const row = rows.get(id) ?? { key, sides: { before: [], now: [] } };
    row.sides[side] = values;
    rows.set(id, row);
  };
  for (const entry of before?.keys ?? []) fill("before", entry);
  for (const entry of now.keys) fill("now", entry);
  return [...rows.values()].flatMap(({ key, sides }): Change[] => {
    const [old, current] = [median(sides.before), median(sides.now)];
    if (old === current || !counts(sides)) return [];
    return [{ map: now.name, key, kind: kindOf(old, current), before: old, now: current }];
  });
}

/** Whether the sides do not overlap. A side without the key has 0 throughout. */
function areApart({ before, now }: Row["sides"]): boolean {
  const [low, high] = [before, now].map((values) => (values.length === 0 ? [0] : values.map(magnitude)));
  return Math.max(...low!) < Math.min(...high!) || Math.min(...low!) > Math.max(...high!);
}

function kindOf(before: number, now: number): Change["kind"] {
  if (before === 0) return "new";
  if (now === 0) return "gone";
  return now > before ? "grew" : "shrank";
}

/** Median over the runs; a key that is absent in a run counts as 0 there. */
export function typical({ values }: MapTableKey): number {
  return median(values);
}

function median(values: Counts): number {
  const sorted = values.map(magnitude).sort((a, b) => a - b);
  if (sorted.length === 0) return 0;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
