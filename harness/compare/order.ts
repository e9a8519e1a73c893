/** In which order the runs of pairs are made. */
import type { Random } from "../stats/random.ts";
import type { SideName } from "./checkouts.ts";

/**
 * Which side goes first in each of `pairs` pairs, at random: what the first run leaves behind for the second (a warm
 * cache, a hot CPU) must not favour a side, so each goes first equally often, or once more by the toss of a coin.
 */
export function firstSides(pairs: number, random: Random): SideName[] {
  const even = Array.from({ length: pairs - (pairs % 2) }, (_, i): SideName => (i % 2 === 0 ? "base" : "head"));
  const odd: SideName[] = pairs % 2 === 0 ? [] : [random.below(2) === 0 ? "base" : "head"];
  return random.shuffled([...even, ...odd]);
}
