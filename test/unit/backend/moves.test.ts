/** Parallel moves in sequence: whatever they are, every destination ends up with what its source held before. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { R0, R1, R2, R3, type Reg } from "../../../compiler/asm/instructions.ts";
import { type Move, type Place, sequence } from "../../../compiler/backend/moves.ts";

const register = (number: number): Place => ({ register: number as Reg });
const cell = (number: number): Place => ({ cell: number });
const load = (base: number): Place => ({ load: { base: base as Reg, offset: 8, size: 8, signed: false } });

/** Contents of registers and cells, by name. */
type State = Map<string, string>;

function nameOf(place: Place): string {
  return "register" in place ? `r${place.register}` : "cell" in place ? `c${place.cell}` : "";
}

function read(state: State, place: Place): string {
  if ("imm" in place) return `#${place.imm}`;
  if ("load" in place) return `*${state.get(`r${place.load.base}`)}`;
  return state.get(nameOf(place)) ?? `old ${nameOf(place)}`;
}

function run(moves: readonly Move[]): State {
  const state: State = new Map(Array.from({ length: 10 }, (_, i) => [`r${i}`, `old r${i}`]));
  for (const { from, to } of moves) state.set(nameOf(to), read(state, from));
  return state;
}

const destination = fc.oneof(fc.nat(9).map(register), fc.nat(4).map(cell));
const source = fc.oneof(
  { weight: 6, arbitrary: fc.nat(9).map(register) },
  { weight: 3, arbitrary: fc.nat(4).map(cell) },
  { weight: 1, arbitrary: fc.nat(9).map(load) },
  { weight: 1, arbitrary: fc.bigInt(0n, 9n).map((imm): Place => ({ imm })) },
);
const moves = fc.uniqueArray(fc.record({ from: source, to: destination }), {
  selector: ({ to }) => nameOf(to),
  maxLength: 14,
});

describe("parallel moves", () => {
  it("keep their meaning in sequence, with and without free registers", () => {
    fc.assert(
      fc.property(moves, fc.nat(2), (parallel, limit) => {
        const used = new Set(
          parallel.flatMap(({ from, to }) => [nameOf(from), nameOf(to), "load" in from ? `r${from.load.base}` : ""]),
        );
        const free = Array.from({ length: 10 }, (_, i) => i as Reg).filter((r) => !used.has(`r${r}`));
        const given = free.slice(0, limit);
        const steps = sequence(parallel, () => given);
        const before = run([]);
        const after = run(steps);
        for (const { from, to } of parallel) expect(read(after, to)).toBe(read(before, from));
        // Everything else is as it was, but for the registers that were free.
        const written = new Set(parallel.map(({ to }) => nameOf(to)));
        for (const [name, value] of before) {
          if (!written.has(name) && !given.some((r) => name === `r${r}`)) expect(after.get(name)).toBe(value);
        }
        // No instruction copies memory to memory.
        for (const { from, to } of steps) if ("cell" in to) expect("register" in from).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it.each<[string, Move[], number]>([
    [
      "a chain",
      [
        { from: { register: R1 }, to: { register: R2 } },
        { from: { register: R2 }, to: { register: R3 } },
      ],
      2,
    ],
    [
      "an exchange",
      [
        { from: { register: R1 }, to: { register: R2 } },
        { from: { register: R2 }, to: { register: R1 } },
      ],
      3,
    ],
    ["a move to itself", [{ from: { register: R1 }, to: { register: R1 } }], 0],
    [
      "one source for two",
      [
        { from: { register: R1 }, to: { register: R2 } },
        { from: { register: R1 }, to: { register: R3 } },
      ],
      2,
    ],
    ["a load over its base", [{ from: load(1), to: { register: R1 } }], 1],
  ])("take as few steps as possible: %s", (_, parallel, steps) => {
    expect(sequence(parallel, () => [R0, R0]).length).toBe(steps);
  });

  it("refuse two values for one place, and places that cannot be written", () => {
    const twice: Move[] = [
      { from: { register: R1 }, to: { register: R3 } },
      { from: { register: R2 }, to: { register: R3 } },
    ];
    expect(() => sequence(twice, () => [])).toThrow("two moves write r3");
    expect(() => sequence([{ from: { register: R1 }, to: { imm: 1n } }], () => [])).toThrow("needs a destination");
  });
});
