/**
 * Rounds in which every contestant is measured once, in an order drawn anew each time: whatever slows the machine down
 * for a while slows all of them.
 */
import type { Context } from "./benchmark.ts";
import { shuffled } from "./statistics.ts";

export interface Contestant<T> {
  name: string;
  /** Fewer than the others', for one that takes very long. */
  rounds?: number;
  measure(): Promise<T>;
}

/** What each contestant's measurements were, by its name, in the order of the rounds. */
export async function interleave<T>(
  contestants: readonly Contestant<T>[],
  rounds: number,
  { random, progress, signal }: Pick<Context, "random" | "progress" | "signal">,
): Promise<Map<string, T[]>> {
  const measured = new Map<string, T[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const taking = contestants.filter((contestant) => round < (contestant.rounds ?? rounds));
    for (const { name, measure } of shuffled(taking, random)) {
      signal.throwIfAborted();
      progress(`round ${round + 1} of ${rounds}: ${name}`);
      measured.get(name)!.push(await measure());
    }
  }
  return measured;
}
