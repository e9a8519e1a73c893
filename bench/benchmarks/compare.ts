/** Rows from what `interleave` measured. */
import type { Row, Target, Unit } from "../benchmark.ts";
import { summarise } from "../statistics.ts";
import { OURS } from "../tools.ts";

interface Comparison<T> {
  what: string;
  unit: Unit;
  rival: string;
  /** What the rival says of its version, for a target that asks for one. */
  version?: string | undefined;
  target?: Target;
  of(measurement: T): number;
}

/** Us against one rival. Without measurements of the rival the row has none. */
export function compare<T>(
  measured: ReadonlyMap<string, readonly T[]>,
  { what, unit, rival, version, target, of }: Comparison<T>,
): Row {
  const theirs = measured.get(rival);
  return {
    what,
    unit,
    ours: summarise(measured.get(OURS)!.map(of)),
    rival: theirs && { name: rival, values: summarise(theirs.map(of)), ...(version === undefined ? {} : { version }) },
    target,
  };
}
