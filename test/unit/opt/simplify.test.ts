/** Every rule of the simplifier, and the cases next to it where it must not apply. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluateAlu, evaluateCondition, evaluateExtend } from "../../../compiler/ir/arithmetic.ts";
import type { AluOp, Condition, Insn, VReg } from "../../../compiler/ir/ir.ts";
import { removeDeadCode } from "../../../compiler/opt/dce.ts";
import { decide, type Facts, factsOf, fitsType, refine } from "../../../compiler/opt/facts.ts";
import { simplify } from "../../../compiler/opt/simplify.ts";
import { expectPass } from "../../support/passes.ts";
import { number64 } from "../../support/random-ir.ts";

const passes = [simplify, removeDeadCode];

describe("arithmetic", () => {
  it.each<[string, string]>([
    // Constants
    ["v1 = const 6; v2 = const 7; v3 = v1 * v2; exit v3", "exit 42"],
    ["v1 = const -1; v2 = v1 >> 60; exit v2", "exit 15"],
    ["v1 = const 9223372036854775807; v2 = v1 + 1; exit v2", "exit -9223372036854775808"],
    ["v1 = const 300; v2 = u8(v1); exit v2", "exit 44"],
    ["v1 = const 200; v2 = s8(v1); exit v2", "exit -56"],
    ["v1 = const 258; v2 = bswap16(v1); exit v2", "exit 513"],
    ["v1 = const 258; v2 = log2(v1); exit v2", "exit 8"],
    ["v1 = const 0; v2 = log2(v1); exit v2", "exit 0"],
    ["v1 = const -1; v2 = log2(v1); exit v2", "exit 63"],
    ["v1 = const 5; v2 = v1 s< 6; exit v2", "exit 1"],
    ["v1 = const 5; v2 = v1 + v0; exit v2", "v2 = v0 + 5; exit v2"],
    ["v1 = const 5; v2 = v1 - v0; exit v2", "v1 = const 5; v2 = v1 - v0; exit v2"],
    // Nothing to do
    ["v1 = v0 + 0; exit v1", "exit v0"],
    ["v1 = v0 - 0; exit v1", "exit v0"],
    ["v1 = v0 * 1; exit v1", "exit v0"],
    ["v1 = v0 / 1; exit v1", "exit v0"],
    ["v1 = v0 s/ 1; exit v1", "exit v0"],
    ["v1 = v0 & -1; exit v1", "exit v0"],
    ["v1 = v0 | 0; exit v1", "exit v0"],
    ["v1 = v0 ^ 0; exit v1", "exit v0"],
    ["v1 = v0 << 0; exit v1", "exit v0"],
    ["v1 = v0 & v0; exit v1", "exit v0"],
    ["v1 = v0 | v0; exit v1", "exit v0"],
    // Known results
    ["v1 = v0 * 0; exit v1", "exit 0"],
    ["v1 = v0 & 0; exit v1", "exit 0"],
    ["v1 = v0 | -1; exit v1", "exit -1"],
    ["v1 = v0 - v0; exit v1", "exit 0"],
    ["v1 = v0 ^ v0; exit v1", "exit 0"],
    ["v1 = v0 % 1; exit v1", "exit 0"],
    ["v1 = v0 s% -1; exit v1", "exit 0"],
    ["v1 = v0 / 0; exit v1", "exit 0"],
    ["v1 = v0 % 0; exit v1", "exit v0"],
    ["v1 = v0 s/ 0; exit v1", "exit 0"],
    ["v1 = v0 s% 0; exit v1", "exit v0"],
    // Cheaper ones
    ["v1 = v0 - 5; exit v1", "v1 = v0 + -5; exit v1"],
    ["v1 = v0 * 8; exit v1", "v1 = v0 << 3; exit v1"],
    ["v1 = v0 * 7; exit v1", "v1 = v0 * 7; exit v1"],
    ["v1 = v0 / 16; exit v1", "v1 = v0 >> 4; exit v1"],
    ["v1 = v0 / 10; exit v1", "v1 = v0 / 10; exit v1"],
    ["v1 = v0 / -9223372036854775808; exit v1", "v1 = v0 >> 63; exit v1"],
    ["v1 = v0 % 16; exit v1", "v1 = v0 & 15; exit v1"],
    ["v1 = v0 & 4294967295; exit v1", "v1 = u32(v0); exit v1"],
    ["v1 = v0 s/ -1; exit v1", "v2 = const 0; v1 = v2 - v0; exit v1"],
    ["v1 = v0 s/ 8; exit v1", "v2 = v0 s>> 63; v3 = v2 >> 61; v4 = v0 + v3; v1 = v4 s>> 3; exit v1"],
    ["v1 = v0 s/ 2; exit v1", "v3 = v0 >> 63; v4 = v0 + v3; v1 = v4 s>> 1; exit v1"],
    ["v1 = v0 s% 8; exit v1", "v2 = v0 s>> 63; v3 = v2 >> 61; v4 = v0 + v3; v5 = v4 & 7; v1 = v5 - v3; exit v1"],
    ["v1 = u32(v0); v2 = v1 s/ 8; exit v2", "v1 = u32(v0); v2 = v1 >> 3; exit v2"],
    ["v1 = u32(v0); v2 = v1 s% 10; exit v2", "v1 = u32(v0); v2 = v1 % 10; exit v2"],
    ["v1 = u32(v0); v2 = v1 s>> 3; exit v2", "v1 = u32(v0); v2 = v1 >> 3; exit v2"],
    // Two in a row
    ["v1 = v0 + 3; v2 = v1 + 4; exit v2", "v2 = v0 + 7; exit v2"],
    ["v1 = v0 + 3; v2 = v1 - 3; exit v2", "exit v0"],
    ["v1 = v0 & 255; v2 = v1 & 15; exit v2", "v2 = v0 & 15; exit v2"],
    ["v1 = v0 << 3; v2 = v1 << 4; exit v2", "v2 = v0 << 7; exit v2"],
    ["v1 = v0 >> 40; v2 = v1 >> 40; exit v2", "exit 0"],
    ["v1 = v0 s>> 40; v2 = v1 s>> 40; exit v2", "v2 = v0 s>> 63; exit v2"],
    ["v1 = const 0; v2 = v1 - v0; v3 = v0 + v2; exit v3", "exit 0"],
    // Shifts take six bits of a register
    ["v1 = const 65; v2 = v0 << v1; exit v2", "v2 = v0 << 1; exit v2"],
  ])("%s", (before, expected) => expectPass(passes, before, expected));
});

describe("extensions and masks", () => {
  it.each<[string, string]>([
    ["v1 = u32 [v0]; v2 = u32(v1); exit v2", "v1 = u32 [v0]; exit v1"],
    ["v1 = u16 [v0]; v2 = u32(v1); exit v2", "v1 = u16 [v0]; exit v1"],
    ["v1 = u16 [v0]; v2 = s32(v1); exit v2", "v1 = u16 [v0]; exit v1"],
    ["v1 = s16 [v0]; v2 = s32(v1); exit v2", "v1 = s16 [v0]; exit v1"],
    ["v1 = s16 [v0]; v2 = u32(v1); exit v2", "v1 = s16 [v0]; v2 = u32(v1); exit v2"],
    ["v1 = v0 >> 32; v2 = u32(v1); exit v2", "v1 = v0 >> 32; exit v1"],
    ["v1 = v0 s>> 32; v2 = s32(v1); exit v2", "v1 = v0 s>> 32; exit v1"],
    ["v1 = v0 >> 31; v2 = u32(v1); exit v2", "v1 = v0 >> 31; v2 = u32(v1); exit v2"],
    ["v1 = v0 & 255; v2 = u8(v1); exit v2", "v1 = v0 & 255; exit v1"],
    ["v1 = v0 & 255; v2 = s8(v1); exit v2", "v2 = s8(v0); exit v2"],
    ["v1 = u32(v0); v2 = u8(v1); exit v2", "v2 = u8(v0); exit v2"],
    ["v1 = u32(v0); v2 = s32(v1); exit v2", "v2 = s32(v0); exit v2"],
    ["v1 = u8(v0); v2 = s32(v1); exit v2", "v1 = u8(v0); exit v1"],
    ["v1 = u8 [v0]; v2 = v1 & 255; exit v2", "v1 = u8 [v0]; exit v1"],
    ["v1 = u8 [v0]; v2 = v1 & 127; exit v2", "v1 = u8 [v0]; v2 = v1 & 127; exit v2"],
    ["v1 = v0 & 3; v2 = v1 << 2; v3 = v2 & 12; exit v3", "v1 = v0 & 3; v2 = v1 << 2; exit v2"],
    // The load extends itself, unless somebody else reads it too.
    ["v1 = u32 [v0]; v2 = s32(v1); exit v2", "v1 = s32 [v0]; exit v1"],
    ["v1 = s8 [v0]; v2 = u8(v1); exit v2", "v1 = u8 [v0]; exit v1"],
    ["v1 = u32 [v0]; v2 = s32(v1); v3 = v1 ^ v2; exit v3", "v1 = u32 [v0]; v2 = s32(v1); v3 = v1 ^ v2; exit v3"],
    [
      "v1 = u32 [v0]; v2 = s32(v1); v3 = u32(v2); v4 = v2 ^ v3; exit v4",
      "v1 = s32 [v0]; v3 = u32(v1); v4 = v1 ^ v3; exit v4",
    ],
    // A store takes the low bytes of anything.
    ["v1 = u32(v0); u32 [v0] = v1; exit 0", "u32 [v0] = v0; exit 0"],
    ["v1 = s8(v0); u8 [v0] = v1; exit 0", "u8 [v0] = v0; exit 0"],
    ["v1 = u8(v0); u32 [v0] = v1; exit 0", "v1 = u8(v0); u32 [v0] = v1; exit 0"],
    ["v1 = v0 & 65535; u16 [v0] = v1; exit 0", "u16 [v0] = v0; exit 0"],
    ["v1 = v0 & 255; u16 [v0] = v1; exit 0", "v1 = v0 & 255; u16 [v0] = v1; exit 0"],
    ["v1 = u32(v0); v2 = lookup map0[u32 v1]; exit v2", "v2 = lookup map0[u32 v0]; exit v2"],
    ["v1 = u32(v0); v2 = lookup map0[u64 v1]; exit v2", "v1 = u32(v0); v2 = lookup map0[u64 v1]; exit v2"],
    // The verifier knows nothing about quotients, so neither do we.
    ["v1 = v0 % 10; v2 = v1 & 15; exit v2", "v1 = v0 % 10; v2 = v1 & 15; exit v2"],
  ])("%s", (before, expected) => expectPass(passes, before, expected));
});

describe("addresses", () => {
  it.each<[string, string]>([
    ["v1 = v0 + 8; v2 = u64 [v1+8]; exit v2", "v2 = u64 [v0+16]; exit v2"],
    ["v1 = v0 - 8; u64 [v1] = 1; exit 0", "u64 [v0-8] = 1; exit 0"],
    ["v1 = v0 + 32767; v2 = u8 [v1+1]; exit v2", "v1 = v0 + 32767; v2 = u8 [v1+1]; exit v2"],
    ["v1 = &map0[0]+8; v2 = v1 + 8; v3 = u64 [v2]; exit v3", "v2 = &map0[0]+16; v3 = u64 [v2]; exit v3"],
    [
      "slot s0: 16 bytes, x; v1 = &s0; v2 = v1 + 8; u64 [v2] = v0; v3 = u64 [v2]; exit v3",
      "v2 = &s0+8; u64 [v2] = v0; v3 = u64 [v2]; exit v3",
    ],
    ["v1 = &map0[0]; v2 = v1 == 0; exit v2", "exit 0"],
  ])("%s", (before, expected) => expectPass(passes, before, expected));

  it("of bounded values are left as the verifier has seen them", () => {
    const text = `
      v1 = v0 + 3
      if v1 < 8 then b1 else b2
      b1:
      v2 = v1 + 4
      exit v2
      b2:
      exit 0`;
    expectPass(passes, text, text);
  });
});

describe("comparisons", () => {
  it.each<[string, string]>([
    ["v1 = const 5; v2 = v1 s< v0; exit v2", "v2 = v0 s> 5; exit v2"],
    ["v1 = v0 < 1; exit v1", "v1 = v0 == 0; exit v1"],
    ["v1 = v0 >= 1; exit v1", "v1 = v0 != 0; exit v1"],
    ["v1 = v0 < 0; exit v1", "exit 0"],
    ["v1 = v0 >= 0; exit v1", "exit 1"],
    ["v1 = v0 s< 0; exit v1", "v1 = v0 >> 63; exit v1"],
    ["v1 = v0 s<= -1; exit v1", "v1 = v0 >> 63; exit v1"],
    ["v1 = v0 &? 1; exit v1", "v1 = v0 & 1; exit v1"],
    ["v1 = v0 &? 8; exit v1", "v2 = v0 >> 3; v1 = v2 & 1; exit v1"],
    ["v1 = v0 &? 9; exit v1", "v1 = v0 &? 9; exit v1"],
    ["v1 = v0 == 7; v2 = v1 != 0; exit v2", "v1 = v0 == 7; exit v1"],
    ["v1 = v0 == 7; v2 = v1 == 0; exit v2", "v2 = v0 != 7; exit v2"],
    ["v1 = v0 &? 9; v2 = v1 == 0; exit v2", "v1 = v0 &? 9; v2 = v1 ^ 1; exit v2"],
    ["v1 = u8 [v0]; v2 = v1 < 256; exit v2", "exit 1"],
    ["v1 = u8 [v0]; v2 = v1 s< 0; exit v2", "exit 0"],
    ["v1 = s8 [v0]; v2 = v1 s< -128; exit v2", "exit 0"],
    ["v1 = v0 & 12; v2 = v1 &? 3; exit v2", "exit 0"],
  ])("%s", (before, expected) => expectPass(passes, before, expected));
});

describe("branches", () => {
  const branch = (test: string, hint = ""): string => `${test} then b1 else b2${hint}\nb1:\nexit 1\nb2:\nexit 2`;

  it.each<[string, string, string]>([
    ["a comparison", "v1 = v0 s> 7\nif v1 != 0", "if v0 s> 7 then b1 else b2"],
    ["its opposite", "v1 = v0 s> 7\nif v1 == 0", "if v0 s> 7 then b2 else b1"],
    ["equal to one", "v1 = v0 s> 7\nif v1 == 1", "if v0 s> 7 then b1 else b2"],
    ["not equal to one", "v1 = v0 s> 7\nif v1 != 1", "if v0 s> 7 then b2 else b1"],
    ["negated truth", "v1 = v0 &? 12\nv2 = v1 ^ 1\nif v2 != 0", "if v0 &? 12 then b2 else b1"],
    ["a mask", "v1 = v0 & 12\nif v1 != 0", "if v0 &? 12 then b1 else b2"],
    [
      "a mask that no instruction holds",
      "v1 = v0 & 4294967296\nif v1 != 0",
      "v1 = v0 & 4294967296\nif v1 != 0 then b1 else b2",
    ],
    ["the sign", "v1 = v0 >> 63\nif v1 != 0", "if v0 s< 0 then b1 else b2"],
    ["a shifted bit", "v1 = v0 >> 4\nv2 = v1 & 3\nif v2 != 0", "if v0 &? 48 then b1 else b2"],
    ["a constant on the left", "v1 = const 3\nif v1 s< v0", "if v0 s> 3 then b1 else b2"],
    ["below one", "if v0 < 1", "if v0 == 0 then b1 else b2"],
  ])("on %s", (_, before, expected) => {
    expectPass(passes, branch(before), `${expected}\nb1:\nexit 1\nb2:\nexit 2`);
  });

  it("keep what is likely when the ways are exchanged", () => {
    expectPass(
      passes,
      branch("v1 = v0 == 7\nif v1 == 0", " likely"),
      "if v0 == 7 then b2 else b1 unlikely\nb1:\nexit 1\nb2:\nexit 2",
    );
  });

  it.each<[string, string]>([
    ["v1 = const 1\nif v1 == 1", "jump b1\nb1:\nexit 1"],
    ["v1 = u8 [v0]\nif v1 > 255", "v1 = u8 [v0]\njump b2\nb2:\nexit 2"],
  ])("that are decided become jumps: %s", (before, expected) => {
    expectPass([simplify], branch(before), before.includes("const") ? `v1 = const 1\n${expected}` : expected);
  });
});

describe("facts", () => {
  const ops: AluOp[] = [
    ...(["add", "sub", "mul", "div", "mod", "sdiv", "smod", "and", "or", "xor", "lsh", "rsh", "arsh"] as const),
  ];
  const conditions: Condition[] = ["eq", "ne", "lt", "le", "gt", "ge", "slt", "sle", "sgt", "sge", "set"];

  function contains(facts: Facts, value: bigint): boolean {
    const unsigned = BigInt.asUintN(64, value);
    const inBounds = facts.min <= unsigned && unsigned <= facts.max && facts.smin <= value && value <= facts.smax;
    return inBounds && (unsigned & ~facts.bits) === 0n;
  }

  /** Facts that hold for a number, more or less sharp. */
  const known = fc
    .tuple(number64, fc.constantFrom<1 | 2 | 4>(1, 2, 4), fc.boolean(), fc.nat(3))
    .map(([value, size, signed, kind]) => {
      const any: Facts = factsOf(
        { op: "load", dst: 0 as VReg, base: 0 as VReg, offset: 0, size: 8, signed: false, invariant: false },
        () => any,
      );
      if (kind === 0) return { value, facts: any };
      if (kind === 1) return { value, facts: factsOf({ op: "const", dst: 0 as VReg, value }, () => any) };
      const narrow = evaluateExtend(value, size, signed);
      const extend: Insn = { op: "extend", dst: 0 as VReg, src: 1 as VReg, size, signed };
      if (kind === 2) return { value: narrow, facts: factsOf(extend, () => any) };
      return {
        value: narrow,
        facts: refine(
          factsOf(extend, () => any),
          "sge",
          narrow,
        ),
      };
    });

  it("hold for every result", () => {
    fc.assert(
      fc.property(known, known, fc.constantFrom(...ops), (a, b, alu) => {
        const insn: Insn = { op: "alu", alu, dst: 2 as VReg, a: 0 as VReg, b: 1 as VReg };
        const facts = factsOf(insn, (operand) => (operand === 0 ? a.facts : b.facts));
        expect(contains(facts, evaluateAlu(alu, a.value, b.value))).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it("decide conditions rightly", () => {
    fc.assert(
      fc.property(known, known, fc.constantFrom(...conditions), (a, b, condition) => {
        const decided = decide(condition, a.facts, b.facts);
        if (decided !== undefined) expect(decided).toBe(evaluateCondition(condition, a.value, b.value));
      }),
      { numRuns: 5000 },
    );
  });

  it("are refined without losing the number", () => {
    fc.assert(
      fc.property(known, number64, fc.constantFrom(...conditions), (a, constant, condition) => {
        fc.pre(evaluateCondition(condition, a.value, constant));
        expect(contains(refine(a.facts, condition, constant), a.value)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it("tell what a type holds", () => {
    fc.assert(
      fc.property(known, fc.constantFrom(1, 2, 4), fc.boolean(), ({ value, facts }, size, signed) => {
        if (fitsType(facts, size, signed)) expect(evaluateExtend(value, size, signed)).toBe(value);
      }),
      { numRuns: 2000 },
    );
  });
});
