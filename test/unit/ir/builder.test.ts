/** What the builder takes again instead of computing it anew: see `once`. */
import { describe, expect, it } from "vitest";
import { FunctionBuilder } from "../../../compiler/ir/builder.ts";
import type { Operand, VReg } from "../../../compiler/ir/ir.ts";

const call = (b: FunctionBuilder, ...args: Operand[]): VReg =>
  b.call("get_current_ancestor_cgroup_id", args, { pure: true });

/** Two blocks behind a branch, and the one where they meet. */
function fork(b: FunctionBuilder): { then: number; otherwise: number; after: number } {
  const [then, otherwise, after] = b.newBlocks(3);
  b.branch("eq", b.function.params[0]!, { imm: 0n }, then, otherwise);
  return { then, otherwise, after };
}

describe("a pure call", () => {
  it("is made once for equal arguments, and again for others", () => {
    const b = new FunctionBuilder("f", 2);
    const [first, second] = b.function.params as [VReg, VReg];
    expect(call(b, first)).toBe(call(b, first));
    expect(call(b, first)).not.toBe(call(b, second));
    expect(call(b, { imm: 1n })).toBe(call(b, { imm: 1n }));
    expect(call(b, { imm: 1n })).not.toBe(call(b, { imm: 2n }));
  });

  it("of the block before is taken on both ways, and behind them", () => {
    const b = new FunctionBuilder("f", 1);
    const before = call(b);
    const { then, otherwise, after } = fork(b);
    for (const block of [then, otherwise]) {
      b.enterSealed(block);
      expect(call(b)).toBe(before);
      b.jump(after);
    }
    b.enterSealed(after);
    expect(call(b)).toBe(before);
  });

  it("of one way is not there on the other, nor behind them", () => {
    const b = new FunctionBuilder("f", 1);
    const { then, otherwise, after } = fork(b);
    b.enterSealed(then);
    const inside = call(b);
    b.jump(after);
    b.enterSealed(otherwise);
    expect(call(b)).not.toBe(inside);
    b.jump(after);
    b.enterSealed(after);
    expect(call(b)).not.toBe(inside);
  });

  it("behind the end of a block was never made", () => {
    const b = new FunctionBuilder("f", 1);
    const next = b.newBlock();
    b.jump(next);
    const lost = call(b);
    b.enterSealed(next);
    expect(call(b)).not.toBe(lost);
  });

  it("is made anew in a loop, whose ways in are not all known", () => {
    const b = new FunctionBuilder("f", 1);
    const before = call(b);
    const head = b.newBlock();
    b.jump(head);
    b.enter(head);
    expect(call(b)).not.toBe(before);
    b.jump(head);
    b.seal(head);
  });

  it("is found a long way down", () => {
    const b = new FunctionBuilder("f", 1);
    const before = call(b);
    for (let i = 0; i < 1000; i++) {
      const { then, otherwise, after } = fork(b);
      b.enterSealed(then);
      b.jump(after);
      b.enterSealed(otherwise);
      b.jump(after);
      b.enterSealed(after);
      expect(call(b)).toBe(before);
    }
  });
});
