/**
 * When a hash takes the memory for its entries: for all of them when it is made, or for each when it is added. The first takes
 * time and memory that most scripts do not need, above all for entries that every CPU has a copy of. The second may fail: a
 * program that runs with interrupts off finds room for one new entry, or a few small ones, and memory for copies on all
 * CPUs comes in small amounts to everybody.
 */
import { isSystemCall, type ProbeEvent } from "../sema/probes.ts";
import type { TypedScript } from "../sema/typed.ts";
import type { MapName, Node } from "../syntax/ast.ts";
import { nodesOf } from "../syntax/nodes.ts";

/** The most bytes that a map takes beforehand; more if programs that run with interrupts off add to it. */
const CHEAP = 1 << 20;
const CHEAP_ENOUGH_IF_NEEDED = 32 << 20;

/** Events, besides system calls, whose programs the kernel runs with interrupts on. */
const WITH_INTERRUPTS: ReadonlySet<ProbeEvent["kind"]> = new Set([
  "begin",
  "end",
  "signal",
  "bench",
  "test",
  "uprobe",
  "usdt",
]);

export class Allocation {
  readonly #withoutInterrupts: ReadonlySet<string>;
  readonly #cpus: number;

  constructor(script: TypedScript, cpus: number) {
    this.#withoutInterrupts = mapsWithoutInterrupts(script);
    this.#cpus = cpus;
  }

  /** Whether a script's map is better made with all its entries. */
  isBeforehand(name: string, map: { keySize: number; valueSize: number; perCpu: boolean; entries: number }): boolean {
    const bytes = (map.keySize + map.valueSize * (map.perCpu ? this.#cpus : 1)) * map.entries;
    return bytes <= (this.#withoutInterrupts.has(name) ? CHEAP_ENOUGH_IF_NEEDED : CHEAP);
  }
}

function mapsWithoutInterrupts({ units }: TypedScript): Set<string> {
  const names = new Set<string>();
  for (const { block, probes } of units) {
    if (probes.every(({ event }) => isSystemCall(event) || WITH_INTERRUPTS.has(event.kind))) continue;
    const calls = nodesOf(block, "call").filter(({ callee }) => ADD_NOTHING.has(callee.text));
    const spared = new Set(calls.map(({ args }) => firstMap(args)));
    for (const node of nodesOf(block, "map")) if (!spared.has(node)) names.add(node.name);
  }
  return names;
}

/** Functions that never add to the map that they are given. */
const ADD_NOTHING = new Set(["print", "clear", "zero", "delete", "has_key", "len"]);

function firstMap([first]: readonly Node[]): MapName | undefined {
  if (first?.kind === "map") return first;
  return first?.kind === "map-access" ? first.map : undefined;
}
