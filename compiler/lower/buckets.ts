/** Which bucket of a histogram a value falls into, computed without a loop and nearly without branches. */
import { lhistBuckets, lhistLimit } from "../histogram.ts";
import type { VReg } from "../ir/ir.ts";
import type { Lowering } from "./lowering.ts";

/** The bucket of hist(): see compiler/histogram.ts. */
export function histBucketOf(l: Lowering, value: VReg, bits: number): VReg {
  const { b } = l;
  const given = l.tested(value);
  const exact = 1n << BigInt(bits);
  return l.choose(
    "slt",
    given,
    { imm: 0n },
    () => b.const(0),
    () =>
      l.choose(
        "lt",
        given,
        { imm: exact },
        () => b.alu("add", given, { imm: 1n }),
        () => {
          const power = b.log2(given);
          if (bits === 0) return b.alu("add", power, { imm: 2n });
          const shift = b.alu("sub", power, { imm: BigInt(bits) });
          const first = b.alu("lsh", b.alu("add", shift, { imm: 1n }), { imm: BigInt(bits) });
          const mantissa = b.alu("and", b.alu("rsh", given, shift), { imm: exact - 1n });
          return b.alu("add", b.alu("add", first, mantissa), { imm: 1n });
        },
      ),
  );
}

/** The bucket of lhist(): see compiler/histogram.ts. */
export function lhistBucketOf(l: Lowering, value: VReg, type: { min: number; max: number; step: number }): VReg {
  const { b } = l;
  const given = l.tested(value);
  return l.choose(
    "slt",
    given,
    { imm: BigInt(type.min) },
    () => b.const(0),
    () =>
      l.choose(
        "sge",
        given,
        { imm: BigInt(lhistLimit(type.min, type.max, type.step)) },
        () => b.const(lhistBuckets(type.min, type.max, type.step) - 1),
        () => {
          const above = b.alu("sub", given, { imm: BigInt(type.min) });
          return b.alu("add", b.alu("div", above, { imm: BigInt(type.step) }), { imm: 1n });
        },
      ),
  );
}
