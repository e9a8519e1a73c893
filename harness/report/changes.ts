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

/** More than this explains nothing. */
const MOST_CHANGES = 50;

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
): KeyChange[] {
  const changes = [...names].flatMap((name) => {
    const [old, current] = [before, now].map((tables) => tables.find((table) => table.name === name && table.keyed));
    // A map without keys has nothing to tell beyond the metric itself.
    return current === undefined ? [] : tableChanges(old, current);
  });
  return changes.sort((a, b) => Math.abs(b.now - b.before) - Math.abs(a.now - a.before)).slice(0, MOST_CHANGES);
}

function tableChanges(before: MapTable | undefined, now: MapTable): KeyChange[] {
  const rows = new Map<string, { key: MapTableKey["key"]; before: number; now: number }>();
  const row = (key: MapTableKey["key"]): { key: MapTableKey["key"]; before: number; now: number } => {
    const id = keyIdentity(decodeKey(key));
    const known = rows.get(id) ?? { key, before: 0, now: 0 };
    rows.set(id, known);
    return known;
  };
  for (const entry of before?.keys ?? []) row(entry.key).before = typical(entry);
  for (const entry of now.keys) row(entry.key).now = typical(entry);
  return [...rows.values()]
    .filter((entry) => entry.before !== entry.now)
    .map((entry) => ({ map: now.name, ...entry, kind: kindOf(entry.before, entry.now) }));
}

function kindOf(before: number, now: number): KeyChange["kind"] {
  if (before === 0) return "new";
  if (now === 0) return "gone";
  return now > before ? "grew" : "shrank";
}

/** Median over the runs; a key that is absent in a run counts as 0 there. */
export function typical({ values }: MapTableKey): number {
  const sorted = values.map(magnitude).sort((a, b) => a - b);
  if (sorted.length === 0) return 0;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
