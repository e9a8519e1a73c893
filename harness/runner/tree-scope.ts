/**
 * A scope for machines where no cgroup can be made: the processes that descend from those we spawned. Orphans come back
 * to us, because the tool declares itself their reaper.
 */
import type { Clock } from "./host.ts";
import type { ProcessTable } from "./processes.ts";
import { Cell, type Scope } from "./scope.ts";

let count = 0;

export function openTreeScope(table: ProcessTable, clock: Clock): Scope {
  const name = `probewright-${table.self}-${++count}`;
  const support = new Cell({ marker: `${name}.support`, cgroup: undefined, table, clock });
  const workload = new Cell({ marker: `${name}.workload`, cgroup: undefined, table, clock, sibling: support });
  support.begin();
  return { kind: "tree", workload, support, close: async () => undefined };
}
