import { describe, expect, it } from "vitest";
import { Random } from "../../../harness/stats/random.ts";

const draws = (random: Random, n: number): number[] => Array.from({ length: n }, () => random.next());

describe("random numbers", () => {
  it("are those of xoshiro128** with a state filled by splitmix32", () => {
    // Computed by an implementation in another language, with 64-bit integers.
    expect(draws(new Random(0), 4)).toEqual([1789933344, 44971166, 2521387044, 3848737593]);
    expect(draws(new Random(1), 4)).toEqual([393288148, 2174103013, 3814759091, 2092745082]);
  });

  it("follow from the seed, and from the purpose", () => {
    expect(draws(new Random(7), 5)).toEqual(draws(new Random(7), 5));
    expect(draws(new Random(7), 5)).not.toEqual(draws(new Random(8), 5));
    expect(draws(Random.for(7, "order"), 5)).toEqual(draws(Random.for(7, "order"), 5));
    expect(draws(Random.for(7, "order"), 5)).not.toEqual(draws(Random.for(7, "test"), 5));
    expect(draws(Random.for(7, "order"), 5)).not.toEqual(draws(Random.for(8, "order"), 5));
  });

  it("are uniform", () => {
    const random = new Random(42);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) counts[Math.floor(random.uniform() * 10)]!++;
    // chi-square with 9 degrees of freedom: above 27.9 once in a thousand seeds
    expect(counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0)).toBeLessThan(27.9);
  });

  it("are below a limit without favour", () => {
    const random = new Random(3);
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) counts[random.below(3)]!++;
    expect(counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0)).toBeLessThan(13.8);
    expect(draws(new Random(3), 100).every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32)).toBe(true);
  });

  it("shuffle into every order equally often", () => {
    const random = new Random(5);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6_000; i++) {
      const order = random.shuffled(["a", "b", "c"]).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"]);
    expect([...counts.values()].reduce((sum, n) => sum + (n - 1_000) ** 2 / 1_000, 0)).toBeLessThan(20.5);
  });
});
