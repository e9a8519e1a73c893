/** The interpreter of the tests against the kernel: arithmetic, comparisons, byte swaps and atomics on random numbers. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { assemble } from "../../compiler/asm/assemble.ts";
import {
  type AluName,
  alu32,
  alu64,
  atomicFetch,
  branch32,
  branch64,
  bswap,
  exit,
  type Instruction,
  imm,
  label,
  ldImm64,
  ldsx,
  ldx,
  mov64,
  movsx64,
  neg64,
  R0,
  R1,
  R2,
  R6,
  R10,
  st,
  toBigEndian,
  toLittleEndian,
} from "../../compiler/asm/instructions.ts";
import type { Condition } from "../../compiler/ir/ir.ts";
import { relocate } from "../../harness/tracing/relocate.ts";
import { MapType, mapCreate, mapLookup, ProgType, progLoad, progTestRun } from "../../native/index.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import { number64 } from "../support/random-ir.ts";
import { Vm } from "../vm/interpreter.ts";
import { number32 } from "../vm/maps.ts";

/** Cases in one program; each leaves 8 bytes in the map. */
const CASES = 64;

/** Computes with r1 and r2, and leaves the result in r1. */
type Case = (id: number) => Instruction[];

const operations: AluName[] = [
  ...(["mov", "add", "sub", "mul", "div", "mod", "sdiv", "smod", "and", "or", "xor", "lsh", "rsh", "arsh"] as const),
];
const conditions: Condition[] = ["eq", "ne", "lt", "le", "gt", "ge", "slt", "sle", "sgt", "sge", "set"];
const isShift = (op: AluName): boolean => op === "lsh" || op === "rsh" || op === "arsh";

const bits = fc.constantFrom<32 | 64>(32, 64);
const size = fc.constantFrom<1 | 2 | 4>(1, 2, 4);
const immediate = fc.oneof(fc.integer(), fc.constantFrom(1, 2, 3, 7, -1, -2, 255, 65_535, -(2 ** 31), 2 ** 31 - 1));

const arithmetic: fc.Arbitrary<Case> = fc
  .tuple(fc.constantFrom(...operations), bits, fc.option(immediate))
  .map(([op, width, constant]) => {
    const make = width === 64 ? alu64 : alu32;
    if (constant === null) return () => [make(op, R1, R2)];
    // The verifier refuses constant zero divisors and shifts that are too wide.
    const legal = isShift(op) ? constant & (width - 1) : constant === 0 ? 1 : constant;
    return () => [make(op, R1, imm(legal))];
  });

const comparison: fc.Arbitrary<Case> = fc
  .tuple(fc.constantFrom(...conditions), bits, fc.option(immediate))
  .map(([condition, width, constant]) => (id) => {
    const branch = width === 64 ? branch64 : branch32;
    return [
      mov64(R0, imm(1)),
      branch(condition, R1, constant === null ? R2 : imm(constant), `yes${id}`),
      mov64(R0, imm(0)),
      label(`yes${id}`),
      mov64(R1, R0),
    ];
  });

const conversion: fc.Arbitrary<Case> = fc.oneof(
  size.map(
    (s): Case =>
      () => [movsx64(R1, R2, s)],
  ),
  fc.tuple(fc.constantFrom(toBigEndian, toLittleEndian, bswap), fc.constantFrom<2 | 4 | 8>(2, 4, 8)).map(
    ([swap, s]): Case =>
      () => [swap(R1, s)],
  ),
  fc.constant((): Instruction[] => [neg64(R1)]),
  size.map(
    (s): Case =>
      () => [st(8, R10, -8, R1), ldsx(s, R1, R10, -8)],
  ),
);

const atomicOperation: fc.Arbitrary<Case> = fc
  .tuple(fc.constantFrom("add", "or", "and", "xor", "xchg", "cmpxchg"), fc.constantFrom<4 | 8>(4, 8), fc.boolean())
  .map(([op, s, hit]) => () => [
    // The map takes part, because the verifier follows what is on the stack.
    st(8, R6, 0, R1),
    mov64(R0, hit ? R1 : R2),
    atomicFetch(op as "add", s, R6, 0, R2),
    ldx(8, R1, R6, 0),
    alu64("xor", R1, R2),
    alu64("mul", R1, imm(3)),
    alu64("xor", R1, R0),
  ]);

const oneCase = fc.tuple(fc.oneof(arithmetic, comparison, conversion, atomicOperation), number64, number64);

/** All cases in a row: *(map + 8 * (i + 1)) = case(a, b), with the first word as scratch memory. */
function program(cases: readonly (readonly [Case, bigint, bigint])[]): Instruction[] {
  return [
    ldImm64(R6, { mapValue: 0, offset: 0 }),
    ...cases.flatMap(([make, a, b], i) => [
      ldImm64(R1, { value: a }),
      ldImm64(R2, { value: b }),
      // Through memory, so that the verifier cannot know the numbers.
      st(8, R6, 0, R1),
      ldx(8, R1, R6, 0),
      st(8, R6, 0, R2),
      ldx(8, R2, R6, 0),
      ...make(i),
      st(8, R6, 8 * (i + 1), R1),
    ]),
    mov64(R0, imm(0)),
    exit(),
  ];
}

describeKernel("the interpreter", () => {
  it("computes as the kernel does", { timeout: patient(120_000) }, () => {
    const valueSize = 8 * (CASES + 1);
    fc.assert(
      fc.property(fc.array(oneCase, { minLength: CASES, maxLength: CASES }), (cases) => {
        const assembled = assemble(program(cases));
        if (!assembled.ok) throw new Error(assembled.error.code);
        const vm = new Vm({
          maps: [{ name: "results", type: "array", keySize: 4, valueSize, maxEntries: 1, flags: 0 }],
        });
        vm.run(assembled);

        using map = mapCreate({ type: MapType.ARRAY, keySize: 4, valueSize, maxEntries: 1, name: "results" });
        const insns = relocate({ name: "cases", ...assembled }, { mapFd: () => map.value, constant: () => 0n });
        using prog = progLoad({ type: ProgType.RAW_TRACEPOINT, insns, license: "GPL", name: "cases", logLevel: 1 }).fd;
        expect(progTestRun(prog).retval).toBe(0);
        const value = new Uint8Array(valueSize);
        mapLookup(map, number32(0), value);
        expect(Array.from(new BigInt64Array(value.buffer))).toEqual(
          Array.from(new BigInt64Array(vm.maps[0]!.values(number32(0))![0]!.buffer)),
        );
      }),
      { numRuns: 100 },
    );
  });
});
