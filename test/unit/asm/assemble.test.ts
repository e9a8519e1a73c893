/** The encoder against encodings written down by hand from RFC 9669, and the disassembler against the verifier's notation. */
import { describe, expect, it } from "vitest";
import { type Assembled, assemble } from "../../../compiler/asm/assemble.ts";
import { disassemble, disassembleInstructions } from "../../../compiler/asm/disassemble.ts";
import {
  add64,
  alu32,
  alu64,
  and32,
  arsh64,
  atomic,
  atomicFetch,
  branch32,
  bswap,
  call,
  callLocal,
  div64,
  exit,
  type Instruction,
  imm,
  ja,
  jeq,
  jset,
  jsgt,
  jslt,
  label,
  ldImm64,
  ldsx,
  ldx,
  mod64,
  mov32,
  mov64,
  movsx64,
  neg64,
  R0,
  R1,
  R2,
  R3,
  R6,
  R9,
  R10,
  rsh64,
  sdiv64,
  smod64,
  st,
  sub64,
  toBigEndian,
  toLittleEndian,
} from "../../../compiler/asm/instructions.ts";
import { Source } from "../../../compiler/source.ts";

function bytes(instructions: Instruction[], longJumps = false): Assembled {
  const result = assemble(instructions, { longJumps });
  if (!result.ok) throw new Error(result.error.code);
  return result;
}

const hex = (code: Uint8Array): string => Buffer.from(code).toString("hex");

describe("one instruction", () => {
  it.each<[Instruction, string, string]>([
    [mov64(R0, imm(0)), "b700000000000000", "(b7) r0 = 0"],
    [mov64(R6, R1), "bf16000000000000", "(bf) r6 = r1"],
    [mov32(R1, R1), "bc11000000000000", "(bc) w1 = w1"],
    [mov32(R1, imm(-1)), "b4010000ffffffff", "(b4) w1 = -1"],
    [add64(R2, imm(-8)), "07020000f8ffffff", "(07) r2 += -8"],
    [add64(R0, R1), "0f10000000000000", "(0f) r0 += r1"],
    [sub64(R0, R9), "1f90000000000000", "(1f) r0 -= r9"],
    [alu64("mul", R1, imm(100)), "2701000064000000", "(27) r1 *= 100"],
    [div64(R1, R2), "3f21000000000000", "(3f) r1 /= r2"],
    [sdiv64(R1, R2), "3f21010000000000", "(3f) r1 s/= r2"],
    [mod64(R1, imm(3)), "9701000003000000", "(97) r1 %= 3"],
    [smod64(R1, imm(3)), "9701010003000000", "(97) r1 s%= 3"],
    [alu64("or", R1, imm(1)), "4701000001000000", "(47) r1 |= 1"],
    [and32(R1, imm(255)), "54010000ff000000", "(54) w1 &= 255"],
    [alu32("xor", R1, R2), "ac21000000000000", "(ac) w1 ^= w2"],
    [alu64("lsh", R1, imm(3)), "6701000003000000", "(67) r1 <<= 3"],
    [rsh64(R0, imm(32)), "7700000020000000", "(77) r0 >>= 32"],
    [arsh64(R0, R3), "cf30000000000000", "(cf) r0 s>>= r3"],
    [neg64(R3), "8703000000000000", "(87) r3 = -r3"],
    [movsx64(R1, R2, 1), "bf21080000000000", "(bf) r1 = (s8)r2"],
    [movsx64(R1, R2, 4), "bf21200000000000", "(bf) r1 = (s32)r2"],
    [toBigEndian(R1, 2), "dc01000010000000", "(dc) r1 = be16 r1"],
    [toLittleEndian(R1, 8), "d401000040000000", "(d4) r1 = le64 r1"],
    [bswap(R1, 4), "d701000020000000", "(d7) r1 = bswap32 r1"],
    [ldx(8, R1, R2, 8), "7921080000000000", "(79) r1 = *(u64 *)(r2 +8)"],
    [ldx(4, R1, R10, -4), "61a1fcff00000000", "(61) r1 = *(u32 *)(r10 -4)"],
    [ldx(2, R1, R2, 0), "6921000000000000", "(69) r1 = *(u16 *)(r2 +0)"],
    [ldx(1, R1, R2, 0), "7121000000000000", "(71) r1 = *(u8 *)(r2 +0)"],
    [ldsx(1, R1, R2, 0), "9121000000000000", "(91) r1 = *(s8 *)(r2 +0)"],
    [ldsx(2, R1, R2, 0), "8921000000000000", "(89) r1 = *(s16 *)(r2 +0)"],
    [ldsx(4, R1, R2, 0), "8121000000000000", "(81) r1 = *(s32 *)(r2 +0)"],
    [st(8, R10, -8, imm(5)), "7a0af8ff05000000", "(7a) *(u64 *)(r10 -8) = 5"],
    [st(1, R10, -8, imm(5)), "720af8ff05000000", "(72) *(u8 *)(r10 -8) = 5"],
    [st(4, R10, -8, R1), "631af8ff00000000", "(63) *(u32 *)(r10 -8) = r1"],
    [atomic("add", 8, R0, 0, R1), "db10000000000000", "(db) lock *(u64 *)(r0 +0) += r1"],
    [atomic("or", 4, R0, 4, R1), "c310040040000000", "(c3) lock *(u32 *)(r0 +4) |= r1"],
    [atomicFetch("add", 8, R0, 0, R1), "db10000001000000", "(db) r1 = atomic64_fetch_add((u64 *)(r0 +0), r1)"],
    [atomic("xchg", 8, R0, 0, R1), "db100000e1000000", "(db) r1 = atomic64_xchg((u64 *)(r0 +0), r1)"],
    [atomic("cmpxchg", 4, R2, 0, R1), "c3120000f1000000", "(c3) r0 = atomic32_cmpxchg((u32 *)(r2 +0), r0, r1)"],
    [ldImm64(R1, { value: -1n }), "18010000ffffffff00000000ffffffff", "(18) r1 = 0xffffffffffffffff"],
    [ldImm64(R1, { value: 1n << 32n }), "18010000000000000000000001000000", "(18) r1 = 0x100000000"],
    [call("map_lookup_elem"), "8500000001000000", "(85) call bpf_map_lookup_elem#1"],
    [call("task_from_pid", 65918), "852000007e010100", "(85) call kernel function#65918"],
    [exit(), "9500000000000000", "(95) exit"],
  ])("%o", (insn, code, text) => {
    const assembled = bytes([insn]);
    expect(hex(assembled.code)).toBe(code);
    expect(disassembleInstructions(assembled.code)).toEqual([{ slot: 0, text }]);
  });
});

describe("labels", () => {
  it("resolves forward, backward and local calls, counting wide immediates twice", () => {
    const { code } = bytes([
      label("top"),
      jeq(R0, imm(0), "end"),
      ldImm64(R1, { function: "callback" }),
      jset(R0, R1, "top"),
      jslt(R0, imm(-1), "end"),
      branch32("gt", R0, imm(1), "end"),
      callLocal("callback"),
      ja("top"),
      label("end"),
      exit(),
      label("callback"),
      exit(),
    ]);
    expect(disassemble(code)).toBe(
      [
        "   0: (15) if r0 == 0x0 goto pc+7",
        "   1: (18) r1 = func[pc+7]",
        "   3: (4d) if r0 & r1 goto pc-4",
        "   4: (c5) if r0 s< 0xffffffff goto pc+3",
        "   5: (26) if w0 > 0x1 goto pc+2",
        "   6: (85) call pc+2",
        "   7: (05) goto pc-8",
        "   8: (95) exit",
        "   9: (95) exit\n",
      ].join("\n"),
    );
  });

  it.each<[string, Instruction[]]>([
    ["is not placed", [ja("nowhere")]],
    ["is placed twice", [label("a"), label("a")]],
    ["does not fit 16 bits", [ldx(8, R1, R2, 40_000)]],
    ["does not fit 32 bits", [mov64(R1, imm(2 ** 31))]],
    ["does not fit 32 bits", [mov64(R1, imm(0.5))]],
  ])("throws when something %s", (message, program) => {
    expect(() => assemble(program)).toThrow(message);
  });
});

describe("far jumps", () => {
  const filler = (n: number): Instruction[] => Array.from({ length: n }, () => mov64(R0, imm(0)));
  const source = new Source("far.bt", "x");
  const span = { source, start: 0, end: 1 };

  it.each<[number, boolean]>([
    [0x7fff, true],
    [0x8000, false],
  ])("a distance of %i slots", (distance, ok) => {
    const result = assemble([{ ...ja("end"), span }, ...filler(distance), label("end"), exit()]);
    expect(result.ok).toBe(ok);
    if (!result.ok) expect(result.error).toEqual({ code: "jump-too-far", distance, span });
  });

  it.each<[string, Instruction, string[]]>([
    ["a jump", ja("end"), ["(06) gotol pc+32768"]],
    ["a branch", jsgt(R1, imm(2), "end"), ["(d5) if r1 s<= 0x2 goto pc+1", "(06) gotol pc+32768"]],
    ["a bit test", jset(R1, R2, "end"), ["(4d) if r1 & r2 goto pc+1", "(05) goto pc+1", "(06) gotol pc+32768"]],
  ])("%s is made long where the kernel knows gotol", (_, insn, expected) => {
    const { code } = bytes([insn, ...filler(0x8000), label("end"), exit()], true);
    const texts = disassembleInstructions(code).map(({ text }) => text);
    expect(texts.slice(0, expected.length)).toEqual(expected);
    expect(texts.length).toBe(expected.length + 0x8000 + 1);
  });

  it("a jump that is made long can push another one out of reach", () => {
    const { code } = bytes(
      [
        jeq(R0, imm(0), "end"),
        jeq(R1, imm(0), "far"),
        ...filler(0x7ffe),
        label("end"),
        ...filler(9),
        label("far"),
        exit(),
      ],
      true,
    );
    const texts = disassembleInstructions(code).map(({ text }) => text);
    expect(texts.slice(0, 4)).toEqual([
      "(55) if r0 != 0x0 goto pc+1",
      "(06) gotol pc+32768",
      "(55) if r1 != 0x0 goto pc+1",
      "(06) gotol pc+32775",
    ]);
  });

  it("refuses what the kernel would not take at any length of jump", () => {
    const result = assemble(filler(1_000_001));
    expect(result).toEqual({
      ok: false,
      error: { code: "program-too-long", slots: 1_000_001, limit: 1_000_000, span: undefined },
    });
  });
});

describe("what the loader patches", () => {
  const program = [
    ldImm64(R1, { map: 1 }),
    ldImm64(R2, { mapValue: 0, offset: 16 }),
    ldImm64(R3, { constant: "cpid" }),
    exit(),
  ];

  it("is listed by slot", () => {
    expect(bytes(program).relocations).toEqual([
      { kind: "map", slot: 0, map: 1 },
      { kind: "map_value", slot: 2, map: 0, offset: 16 },
      { kind: "constant", slot: 4, constant: "cpid" },
    ]);
  });

  it("carries the pseudo source registers and the offset", () => {
    expect(hex(bytes(program).code)).toBe(
      "18110000000000000000000000000000" +
        "18220000000000000000000010000000" +
        "18030000000000000000000000000000" +
        "9500000000000000",
    );
  });

  it("is named in the disassembly", () => {
    const { code, relocations } = bytes(program);
    expect(disassembleInstructions(code, { relocations, maps: ["global", "opens"] }).map(({ text }) => text)).toEqual([
      "(18) r1 = map[opens]",
      "(18) r2 = map[global][0]+16",
      "(18) r3 = host[cpid]",
      "(95) exit",
    ]);
  });

  it("shows its numbers once it is patched", () => {
    const { code } = bytes(program);
    expect(disassembleInstructions(code).map(({ text }) => text)).toEqual([
      "(18) r1 = map[fd:0]",
      "(18) r2 = map[fd:0][0]+16",
      "(18) r3 = 0x0",
      "(95) exit",
    ]);
  });
});

describe("the line table", () => {
  it("has an entry where the place in the script changes, and none for instructions without one", () => {
    const source = new Source("a.bt", "one two");
    const one = { source, start: 0, end: 3 };
    const two = { source, start: 4, end: 7 };
    const { lines } = bytes([
      { ...mov64(R0, imm(0)), span: one },
      { ...mov64(R1, imm(0)), span: { ...one } },
      mov64(R2, imm(0)),
      { ...ldImm64(R2, { value: 0n }), span: two },
      { ...exit(), span: one },
    ]);
    expect(lines).toEqual([
      { slot: 0, span: one },
      { slot: 3, span: two },
      { slot: 5, span: one },
    ]);
  });
});

describe("code that this assembler did not write", () => {
  it.each<[string, string]>([
    ["0000000000000000", "(00) unknown dst=0 src=0 off=0 imm=0"],
    ["ff21050001000000", "(ff) unknown dst=1 src=2 off=5 imm=1"],
    ["8500000010270000", "(85) call unknown#10000"],
    ["db10000077000000", "(db) unknown dst=0 src=1 off=0 imm=119"],
    ["1891000000000000", "(18) r1 = pseudo9(0, 0)"],
  ])("%s is printed, not refused", (code, text) => {
    expect(disassembleInstructions(Buffer.from(code, "hex"))).toEqual([{ slot: 0, text }]);
  });

  it("half an instruction is refused", () => {
    expect(() => disassembleInstructions(new Uint8Array(9))).toThrow(RangeError);
  });
});
