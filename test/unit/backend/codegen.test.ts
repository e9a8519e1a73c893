/** The code for single constructs, instruction by instruction, and what holds for the code of every program. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { disassemble, disassembleInstructions } from "../../../compiler/asm/disassemble.ts";
import { compileIr, type Generated } from "../../../compiler/backend/compile-ir.ts";
import { generateDiagnostic } from "../../../compiler/backend/errors.ts";
import type { IrProgram } from "../../../compiler/ir/ir.ts";
import { optimise } from "../../../compiler/opt/optimise.ts";
import { Source } from "../../../compiler/source.ts";
import { parseFunction } from "../../support/ir-text.ts";
import { buildProgram, statements, variables } from "../../support/random-ir.ts";

/** A program of this function and two that it may call. */
function program(text: string): IrProgram {
  const functions = [text.replaceAll(";", "\n"), "fn f(v0, v1)\nexit 0", "fn g(v0)\nexit 0"].map(parseFunction);
  return { name: "test", type: "raw_tracepoint", attach: { kind: "begin" }, probes: [], functions };
}

function generate(text: string, cpuV4 = true): Generated {
  const generated = compileIr(program(text), { cpuV4 });
  if (!generated.ok) throw new Error(generated.error.code);
  return generated;
}

/** Instructions without slot numbers and opcodes, one after the other. */
function code(text: string, cpuV4 = true): string {
  const generated = generate(text, cpuV4);
  return disassembleInstructions(generated.code, generated)
    .map((insn) => insn.text.replace(/^\(..\) /, ""))
    .join("; ");
}

describe("code", () => {
  it.each<[string, string]>([
    ["v1 = v0 + 5; exit v1", "r1 += 5; r0 = r1; exit"],
    [
      "v1 = u64 [v0]; v2 = u64 [v0+8]; v3 = v1 - v2; exit v3",
      "r0 = *(u64 *)(r1 +0); r1 = *(u64 *)(r1 +8); r0 -= r1; exit",
    ],
    [
      "v1 = u64 [v0]; v2 = u64 [v0+8]; v3 = v2 - v1; v4 = v3 ^ v1; exit v4",
      "r2 = *(u64 *)(r1 +0); r0 = *(u64 *)(r1 +8); r0 -= r2; r0 ^= r2; exit",
    ],
    ["v1 = const 0; v2 = u64 [v0]; v3 = v1 - v2; exit v3", "r0 = *(u64 *)(r1 +0); r0 = -r0; exit"],
    ["v1 = u64 [v0]; v2 = v1 & 4294967295; exit v2", "r0 = *(u64 *)(r1 +0); w0 &= -1; exit"],
    ["v1 = u64 [v0]; v2 = v1 & 4042322160; exit v2", "r0 = *(u64 *)(r1 +0); w0 &= -252645136; exit"],
    ["v1 = u64 [v0]; v2 = v1 & 1099511627775; exit v2", "r0 = *(u64 *)(r1 +0); r1 = 0xffffffffff; r0 &= r1; exit"],
    ["v1 = u64 [v0]; v2 = v1 + 4294967296; exit v2", "r0 = *(u64 *)(r1 +0); r1 = 0x100000000; r0 += r1; exit"],
    [
      "v1 = &map0[0]+0; u64 [v1+40000] = 1; v2 = u32 [v1+40008]; exit v2",
      "r1 = map[#0][0]+0; r1 += 40000; *(u64 *)(r1 +0) = 1; r1 = map[#0][0]+0; r1 += 40008; r0 = *(u32 *)(r1 +0); exit",
    ],
    ["exit 4294967295", "w0 = -1; exit"],
    ["exit 4294967296", "r0 = 0x100000000; exit"],
    ["v1 = u64 [v0]; v2 = s8(v1); exit v2", "r0 = *(u64 *)(r1 +0); r0 = (s8)r0; exit"],
    ["v1 = u64 [v0]; v2 = u16(v1); exit v2", "r0 = *(u64 *)(r1 +0); r0 &= 65535; exit"],
    ["v1 = s32 [v0]; exit v1", "r0 = *(s32 *)(r1 +0); exit"],
    ["v1 = u64 [v0]; v2 = bswap32(v1); exit v2", "r0 = *(u64 *)(r1 +0); r0 = be32 r0; exit"],
    [
      "v1 = u64 [v0]; v2 = log2(v1); exit v2",
      "r1 = *(u64 *)(r1 +0); r0 = r1; r1 >>= 32; if r1 == 0x0 goto pc+2; r0 = r1; r1 = 32; if r0 < 0x10000 goto pc+2; r0 >>= 16; r1 += 16; if r0 < 0x100 goto pc+2; r0 >>= 8; r1 += 8; if r0 < 0x10 goto pc+2; r0 >>= 4; r1 += 4; if r0 < 0x4 goto pc+2; r0 >>= 2; r1 += 2; if r0 < 0x2 goto pc+1; r1 += 1; r0 = r1; exit",
    ],
    ["v1 = u64 [v0]; v2 = v1 s> 5; exit v2", "r1 = *(u64 *)(r1 +0); r0 = 1; if r1 s> 0x5 goto pc+1; r0 = 0; exit"],
    ["v1 = u64 [v0]; v2 = v1 / 0; exit v2", "r1 = *(u64 *)(r1 +0); r0 = 0; exit"],
    ["v1 = u64 [v0]; v2 = v1 s% 0; exit v2", "r0 = *(u64 *)(r1 +0); exit"],
    ["v1 = u64 [v0]; v2 = v1 s/ -7; exit v2", "r0 = *(u64 *)(r1 +0); r0 s/= -7; exit"],
    [
      "v1 = u64 [v0]; v2 = u64 [v0+8]; v3 = v1 s% v2; exit v3",
      "r0 = *(u64 *)(r1 +0); r1 = *(u64 *)(r1 +8); r0 s%= r1; exit",
    ],
    [
      "slot s0: 8 bytes, x; slot s1: 16 bytes, y; v1 = &s0; u64 [v1] = 4294967296; v2 = &s1+8; u32 [v2+4] = 4294967295; v3 = u64 [v1]; exit v3",
      "r1 = 0x100000000; *(u64 *)(r10 -24) = r1; *(u32 *)(r10 -4) = -1; r0 = *(u64 *)(r10 -24); exit",
    ],
    [
      "v1 = lookup map2[u32 4294967295]; if v1 == 0 then b1 else b2; b1:; exit 0; b2:; v2 = u64 [v1]; exit v2",
      "*(u32 *)(r10 -8) = -1; r1 = map[#2]; r2 = r10; r2 += -8; call bpf_map_lookup_elem#1; if r0 == 0x0 goto pc+2; r0 = *(u64 *)(r0 +0); exit; r0 = 0; exit",
    ],
    [
      "v1 = &map0[0]+8; v2 = u64 [v1]; v3 = v2 + 1; u64 [v1] = v3; v4 = &map0[0]+24; u64 [v4] = v3; exit 0",
      "r1 = map[#0][0]+8; r2 = *(u64 *)(r1 +0); r2 += 1; *(u64 *)(r1 +0) = r2; *(u64 *)(r1 +16) = r2; r0 = 0; exit",
    ],
    [
      "v1 = host cpid; v2 = call get_current_pid_tgid(); v3 = v2 == v1; exit v3",
      "call bpf_get_current_pid_tgid#14; r1 = host[cpid]; r2 = 1; if r0 == r1 goto pc+1; r2 = 0; r0 = r2; exit",
    ],
    [
      "v1 = u64 [v0]; v2 = atomic add u64 [v0+8], v1; exit v2",
      "r0 = *(u64 *)(r1 +0); r0 = atomic64_fetch_add((u64 *)(r1 +8), r0); exit",
    ],
    ["v1 = u64 [v0]; atomic add u64 [v0+8], v1; exit v1", "r0 = *(u64 *)(r1 +0); lock *(u64 *)(r1 +8) += r0; exit"],
    [
      "v1 = u64 [v0]; v2 = u64 [v0+16]; v3 = atomic cmpxchg u64 [v0+8], v2, v1; exit v3",
      "r2 = *(u64 *)(r1 +0); r0 = *(u64 *)(r1 +16); r0 = atomic64_cmpxchg((u64 *)(r1 +8), r0, r2); exit",
    ],
    [
      "v1 = u64 [v0]; v2 = u64 [v0+8]; v3 = call fn1(v2, v1); v4 = v3 + v1; exit v4",
      "r6 = *(u64 *)(r1 +0); r1 = *(u64 *)(r1 +8); r2 = r6; call pc+2; r0 += r6; exit; r0 = 0; exit",
    ],
    [
      "v1 = func 2; v2 = call loop(5, v1, 0, 0); exit v2",
      "r1 = 5; r2 = func[pc+5]; r3 = 0; r4 = 0; call bpf_loop#181; exit; r0 = 0; exit",
    ],
    [
      "v1 = u64 [v0]; if v1 &? 6 then b1 else b2; b1:; exit 1; b2:; exit 2",
      "r1 = *(u64 *)(r1 +0); if r1 & 0x6 goto pc+2; r0 = 2; exit; r0 = 1; exit",
    ],
    [
      "v1 = u64 [v0]; if v1 == 7 then b1(v1) else b1(v0); b1(v2):; v3 = u64 [v2]; exit v3",
      "r2 = *(u64 *)(r1 +0); if r2 == 0x7 goto pc+1; r2 = r1; r0 = *(u64 *)(r2 +0); exit",
    ],
    // A sum may take the place of its second part, unless that adds an address on another function's stack to a number.
    [
      "fn e(v0); v1 = u64 [v0]; v2 = u64 [v0+8]; v3 = v1 + v2; v4 = v3 ^ v1; exit v4",
      "r0 = *(u64 *)(r1 +0); r1 = *(u64 *)(r1 +8); r1 += r0; r1 ^= r0; r0 = r1; exit",
    ],
    [
      "fn e(v0, v5); v1 = u64 [v0]; v2 = u64 [v0+8]; v3 = v1 + v2; v4 = v3 ^ v1; exit v4",
      "r0 = *(u64 *)(r1 +0); r1 = *(u64 *)(r1 +8); r2 = r0; r2 += r1; r2 ^= r0; r0 = r2; exit",
    ],
  ])("%s", (ir, expected) => {
    expect(code(ir)).toBe(expected);
  });
});

describe("code for kernels before cpu v4", () => {
  it.each<[string, string]>([
    ["v1 = s16 [v0]; exit v1", "r0 = *(u16 *)(r1 +0); r0 <<= 48; r0 s>>= 48; exit"],
    ["v1 = u64 [v0]; v2 = s8(v1); exit v2", "r0 = *(u64 *)(r1 +0); r0 <<= 56; r0 s>>= 56; exit"],
    [
      "v1 = u64 [v0]; v2 = v1 s/ -7; exit v2",
      "r0 = *(u64 *)(r1 +0); r1 = r0; r1 s>>= 63; r0 ^= r1; r0 -= r1; r1 ^= -1; r0 /= 7; r0 ^= r1; r0 -= r1; exit",
    ],
    [
      "v1 = u64 [v0]; v2 = v1 s% 7; exit v2",
      "r0 = *(u64 *)(r1 +0); r1 = r0; r1 s>>= 63; r0 ^= r1; r0 -= r1; r0 %= 7; r0 ^= r1; r0 -= r1; exit",
    ],
  ])("%s", (ir, expected) => {
    expect(code(ir, false)).toBe(expected);
  });
});

describe("registers", () => {
  it("keep what lives across a call, the context only if it does", () => {
    expect(code("v1 = call ktime_get_ns(); v2 = u64 [v0]; v3 = v2 - v1; exit v3")).toBe(
      "r6 = r1; call bpf_ktime_get_ns#5; r1 = *(u64 *)(r6 +0); r1 -= r0; r0 = r1; exit",
    );
    expect(code("v2 = u64 [v0]; v1 = call ktime_get_ns(); v3 = v1 - v2; exit v3")).toBe(
      "r6 = *(u64 *)(r1 +0); call bpf_ktime_get_ns#5; r0 -= r6; exit",
    );
  });

  it("move a parameter only on the way that needs it behind a call", () => {
    expect(
      code(
        "v1 = u64 [v0]; if v1 == 0 then b1 else b2 unlikely; b1:; v2 = call ktime_get_ns(); v3 = u64 [v0]; exit v3; b2:; exit v1",
      ),
    ).toBe(
      "r0 = *(u64 *)(r1 +0); if r0 == 0x0 goto pc+1; exit; r6 = r1; call bpf_ktime_get_ns#5; r0 = *(u64 *)(r6 +0); exit",
    );
  });

  it("hold a loop's variables without moves", () => {
    expect(
      code(`v1 = const 0; v2 = const 10; jump b1(v1, v2)
        b1(v3, v4):; if v3 < 10 then b2 else b3
        b2:; v5 = v3 + 1; v6 = call get_prandom_u32(); v7 = v4 + v6; jump b1(v5, v7)
        b3:; exit v4`),
    ).toBe(
      "r6 = 0; r7 = 10; if r6 >= 0xa goto pc+4; r6 += 1; call bpf_get_prandom_u32#7; r7 += r0; goto pc-5; r0 = r7; exit",
    );
  });

  it("give way to the stack when five values live across a call, and to the context where that is enough", () => {
    const names = ["v1", "v2", "v3", "v4", "v5"];
    const sum = "; v7 = v1 + v2; v8 = v7 + v3; v9 = v8 + v4; v10 = v9 + v5";
    const results = names.map((v) => `${v} = call get_prandom_u32()`).join("; ");
    expect(code(`${results}; v6 = call ktime_get_ns()${sum}; exit v10`)).toContain("*(u64 *)(r10 -8) = r0");

    const loads = names.map((v, i) => `${v} = u64 [v0+${8 * i}] invariant`).join("; ");
    const again = code(`${loads}; v6 = call ktime_get_ns()${sum}; v11 = u64 [v0+64]; v12 = v10 + v11; exit v12`);
    expect(again).not.toContain("r10");
    // The context and three of the five values have registers; the other two are loaded twice.
    expect(again.split("; ").filter((insn) => insn.includes("*(u64 *)")).length).toBe(8);
  });

  it("exchange their values when a loop does", () => {
    expect(
      code(
        "v1 = u64 [v0]; v2 = u64 [v0+8]; jump b1(v1, v2); b1(v3, v4):; if v3 < v4 then b1(v4, v3) else b2; b2:; exit v3",
      ),
    ).toMatch(/r(\d) = r(\d); r\2 = r(\d); r\3 = r\1/);
  });
});

describe("order of blocks", () => {
  const branch = (hint: string): string =>
    code(
      `v1 = u64 [v0]; if v1 == 5 then b1 else b2${hint}; b1:; u8 [v1] = 1; jump b3; b2:; u8 [v1] = 2; jump b3; b3:; exit v1`,
    );

  it("has the likely way fall through and the other one behind the end", () => {
    expect(branch(" likely")).toBe(
      "r0 = *(u64 *)(r1 +0); if r0 != 0x5 goto pc+2; *(u8 *)(r0 +0) = 1; exit; *(u8 *)(r0 +0) = 2; goto pc-3",
    );
    expect(branch(" unlikely")).toBe(
      "r0 = *(u64 *)(r1 +0); if r0 == 0x5 goto pc+2; *(u8 *)(r0 +0) = 2; exit; *(u8 *)(r0 +0) = 1; goto pc-3",
    );
  });

  it("has both ways before the meeting point when nothing is known", () => {
    expect(branch("")).toBe(
      "r0 = *(u64 *)(r1 +0); if r0 == 0x5 goto pc+2; *(u8 *)(r0 +0) = 2; goto pc+1; *(u8 *)(r0 +0) = 1; exit",
    );
  });

  it("takes keys for found and maps for changeable", () => {
    const text = `v1 = lookup map0[u32 7]; if v1 == 0 then b1 else b2
      b1:; v2 = map map0; v3 = call map_delete_elem(v2, v0); if v3 != 0 then b3 else b4
      b2:; exit 1; b3:; exit 2; b4:; exit 3`;
    expect(code(text).split("; ").slice(6)).toEqual([
      "if r0 == 0x0 goto pc+2",
      "r0 = 1",
      "exit",
      "r1 = map[#0]",
      "r2 = r6",
      "call bpf_map_delete_elem#3",
      "if r0 != 0x0 goto pc+2",
      "r0 = 3",
      "exit",
      "r0 = 2",
      "exit",
    ]);
  });
});

describe("the stack", () => {
  const fill = (slot: number, size: number): string =>
    `v${100 + slot} = &s${slot}; v${200 + slot} = call get_current_comm(v${100 + slot}, ${size})`;

  it("is shared by what is not in use at the same time", () => {
    const slots = "slot s0: 256 bytes, a; slot s1: 256 bytes, b; slot s2: 256 bytes, c";
    expect(generate(`${slots}; ${fill(0, 256)}; ${fill(1, 256)}; ${fill(2, 256)}; exit 0`).stack).toBe(256);
  });

  it("is not shared by what is read later, on any way", () => {
    const text = `slot s0: 64 bytes, a; slot s1: 64 bytes, b
      v1 = const 0; ${fill(0, 64)}; jump b1(v1)
      b1(v2):; v3 = &s0; v4 = u64 [v3]; ${fill(1, 64)}; if v4 == 0 then b1(v4) else b2
      b2:; exit 0`;
    expect(generate(text).stack).toBe(128);
  });

  it("is not shared with a slot whose address is computed with", () => {
    const text = `slot s0: 64 bytes, a; slot s1: 64 bytes, b
      ${fill(0, 64)}; v1 = &s0; v2 = u64 [v0]; v3 = v2 & 7; v4 = v1 + v3; ${fill(1, 64)}; v5 = u8 [v4]; exit v5`;
    expect(generate(text).stack).toBe(128);
  });

  // Two slots, s0 and s1, one after the other in each round; `$` is 0 and 1. Only one that is free between the rounds shares its place.
  it.each<[string, string, "shared" | "kept"]>([
    ["written at once", "u64 [v1$] = 5; v2$ = u64 [v1$]", "shared"],
    ["written in pieces", "u32 [v1$] = 5; u8 [v1$+4] = 6; v2$ = u32 [v1$]; v3$ = u8 [v1$+4]", "shared"],
    ["written in pieces, on several ways", "u32 [v1$] = 5; AND; u32 [v1$+4] = 6; v2$ = u64 [v1$]", "shared"],
    ["written again", "u64 [v1$] = 5; v2$ = u64 [v1$]; u32 [v1$] = 6; v3$ = u64 [v1$]", "shared"],
    ["never read", "u32 [v1$] = 5", "shared"],
    ["with a key of fewer bytes", "u32 [v1$] = 5; v4$ = map map2; v2$ = call map_lookup_elem(v4$, v1$)", "shared"],
    ["filled by a call, and read by nobody", "v2$ = call get_current_comm(v1$, 64)", "shared"],
    ["filled by a call, all of it", "v2$ = call probe_read_kernel(v1$, 64, v0); v3$ = u64 [v1$+56]", "shared"],
    [
      "filled by a call, half of it",
      "v2$ = call probe_read_kernel(v1$, 32, v0); v3$ = u64 [v1$+24]; v4$ = u64 [v1$+32]; u64 [v1$+32] = 5",
      "kept",
    ],
    ["read before it is written", "v2$ = u64 [v1$]; u64 [v1$] = 5", "kept"],
    ["written in part", "u32 [v1$] = 5; v2$ = u64 [v1$]; u32 [v1$+4] = 6", "kept"],
    [
      "written on one way",
      "v5$ = u64 [v0]; if v5$ == 0 then b2$ else b3$; b2$:; u64 [v1$] = 5; jump b3$; b3$:; v2$ = u64 [v1$]",
      "kept",
    ],
    [
      "filled by a call, in part perhaps",
      "u32 [v1$] = 5; v2$ = call get_current_comm(v1$, 64); v3$ = u64 [v1$]",
      "kept",
    ],
    ["changed by a callback", "u32 [v1$] = 5; v4$ = func 1; v2$ = call loop(5, v4$, v1$, 0)", "kept"],
    ["changed by a function", "u32 [v1$] = 5; v2$ = call fn1(v1$, v1$)", "kept"],
    ["added to", "v3$ = u64 [v0]; atomic add u64 [v1$], v3$", "kept"],
  ])("is free between the rounds of a loop that read nothing of an earlier one: %s", (_, uses, expected) => {
    const way = "v6$ = u64 [v0+8]; if v6$ == 0 then b4$ else b5$; b4$:; v7$ = call get_prandom_u32(); jump b5$; b5$:";
    const round = (slot: number): string => `v1$ = &s$; ${uses.replace("AND", way)}`.replaceAll("$", String(slot));
    const text = `slot s0: 64 bytes, a; slot s1: 64 bytes, b; jump b1; b1:; ${round(0)}; ${round(1)}
      v80 = u64 [v0]; if v80 == 7 then b1 else b9; b9:; exit 0`;
    expect(generate(text).stack < 2 * 64 ? "shared" : "kept").toBe(expected);
  });

  it("counts what calls need together", () => {
    const text = program(
      "slot s0: 300 bytes, a; v1 = &s0; v2 = call get_current_comm(v1, 300); v3 = call fn1(v2, v2); exit 0",
    );
    expect(generate("v3 = call fn1(v0, v0); exit 0").stack).toBe(64);
    text.functions[1] = parseFunction(
      "fn f(v0, v1)\nslot s0: 208 bytes, b\nv2 = &s0\nv3 = call get_current_comm(v2, 208)\nexit 0",
    );
    const result = compileIr(text, { cpuV4: true });
    expect(result.ok ? undefined : result.error).toEqual({
      code: "stack-overflow",
      used: 320 + 224,
      limit: 512,
      contents: [
        { note: "a", size: 300 },
        { note: "b", size: 208 },
      ],
      span: undefined,
    });
  });

  it("that is too small is the script's error, with what fills it and where", () => {
    const source = new Source("a.bt", "comm");
    const span = { source, start: 0, end: 4 };
    const text = program(`slot s0: 256 bytes, name; slot s1: 264 bytes, key; ${fill(0, 256)}; ${fill(1, 264)}
      v1 = &s0; v2 = u8 [v1]; v3 = &s1; v4 = u8 [v3]; exit v4`);
    for (const insn of text.functions[0]!.blocks[0]!.insns) insn.span = span;
    const result = compileIr(text, { cpuV4: true });
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(generateDiagnostic(result.error, { source, start: 0, end: 0 })).toEqual({
      code: "stack-overflow",
      severity: "error",
      span,
      message: expect.stringMatching(/needs 5\d\d bytes of stack, and the kernel gives a program 512/),
      help: expect.stringContaining("key (264 bytes), name (256 bytes)"),
    });
  });
});

describe("errors", () => {
  const span = { source: new Source("a.bt", "x"), start: 0, end: 1 };
  it.each([
    [{ code: "jump-too-far", distance: -40_000, span: undefined }, /40000 instructions/],
    [
      { code: "program-too-long", slots: 1_000_001, limit: 1_000_000, span: undefined },
      /1000001 instructions, and the kernel takes 1000000/,
    ],
  ] as const)("%j", (error, message) => {
    const diagnostic = generateDiagnostic(error, span);
    expect(diagnostic).toMatchObject({ code: error.code, span, severity: "error" });
    expect(diagnostic.message).toMatch(message);
  });

  it("come from compiling", () => {
    const block = (i: number): string => `b${i}:\nu64 [v0] = ${i}\njump b${i + 1}`;
    const many = Array.from({ length: 33_000 }, (_, i) => block(i + 1)).join("\n");
    const text = `if v0 == 0 then b1 else b33002\n${many}\nb33001:\nu8 [v0] = 1\njump b33002\nb33002:\nexit 0`;
    const old = compileIr(program(text), { cpuV4: false });
    expect(old.ok ? "" : old.error.code).toBe("jump-too-far");
    expect(compileIr(program(text), { cpuV4: true }).ok).toBe(true);
  });
});

describe("callbacks", () => {
  it("bring the type information that the kernel wants, and nothing else does", () => {
    expect(generate("exit 0").btf).toBeUndefined();
    expect(generate("v1 = call fn1(v0, v0); exit v1").btf).toBeUndefined();
    const { btf, code: bytes } = generate("v1 = func 2; v2 = call loop(5, v1, 0, 0); exit v2");
    // Two functions: the entry and the callback; the one that is not called is left out.
    expect(new Uint32Array(btf!.functions.buffer)).toEqual(Uint32Array.of(0, 3, bytes.length / 8 - 2, 5));
    expect(Buffer.from(btf!.types).toString("latin1")).toContain("\0test\0");
  });
});

describe("every program", () => {
  it("has no jump to the next instruction, and is left unchanged by compiling", () => {
    fc.assert(
      fc.property(statements, variables, fc.boolean(), (body, count, optimised) => {
        const random = buildProgram(body, count);
        if (optimised) optimise(random);
        const before = JSON.stringify(random.functions, (_, value) =>
          typeof value === "bigint" ? `${value}n` : value,
        );
        const compiled = compileIr(random, { cpuV4: true });
        expect(JSON.stringify(random.functions, (_, value) => (typeof value === "bigint" ? `${value}n` : value))).toBe(
          before,
        );
        if (!compiled.ok) throw new Error(compiled.error.code);
        expect(disassemble(compiled.code)).not.toMatch(/goto pc\+0$/m);
      }),
      { numRuns: 100 },
    );
  });
});
