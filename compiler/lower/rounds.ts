/**
 * Loops of the compiler's own: over the bytes of strings, the frames of stacks, the copies that CPUs have of a value. All of
 * them end after a number of rounds that is known, so that every verifier accepts them by going through the rounds one by one; but it
 * takes note of each branch in each round, and gives up when there are some 8,000 in a program. A kernel that counts rounds
 * itself spares it that.
 */
import type { FunctionBuilder } from "../ir/builder.ts";
import type { KernelFacts } from "../kernel-facts.ts";

/** So many rounds are better gone through. */
const FEW = 16;

export interface Rounds {
  /** There are at most so many. */
  most: number;
  /** Variables that the rounds change, and that decide how it goes on: what is known of them is forgotten. */
  changed: readonly object[];
  /** Where the loop is left. */
  done: number;
}

/** To be called at the head of a loop, of which `done` is not sealed yet. */
export function countRounds({ features }: KernelFacts, b: FunctionBuilder, { most, changed, done }: Rounds): void {
  if (most <= FEW || !features.mayGoto) return;
  for (const variable of changed) {
    const src = b.read(variable);
    b.write(
      variable,
      b.define((dst) => ({ op: "forget", dst, src })),
    );
  }
  const goOn = b.newBlock();
  const exhausted = b.define((dst) => ({ op: "exhausted", dst }));
  b.branch("ne", exhausted, { imm: 0n }, done, goOn);
  b.enterSealed(goOn);
}
