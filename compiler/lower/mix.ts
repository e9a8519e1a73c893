/** Numbers that are made of many others, and differ when one of these does. */
import type { FunctionBuilder } from "../ir/builder.ts";
import type { VReg } from "../ir/ir.ts";

/** An odd number whose bits look random: 2^64 divided by the golden ratio. */
const MULTIPLIER = BigInt.asIntN(64, 0x9e37_79b9_7f4a_7c15n);

// h = (h ^ word) * MULTIPLIER; h ^= h >> 29
export function mix(b: FunctionBuilder, hash: VReg, word: VReg): VReg {
  const product = b.alu("mul", b.alu("xor", hash, word), b.const(MULTIPLIER));
  return b.alu("xor", product, b.alu("rsh", product, { imm: 29n }));
}
