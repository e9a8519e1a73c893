/** Every rule of the IR verifier, broken once; and the printer, which the cases go through on their way. */
import { describe, expect, it } from "vitest";
import { Dominators, removeUnreachable, reversePostorder } from "../../../compiler/ir/cfg.ts";
import { cloneFunction } from "../../../compiler/ir/clone.ts";
import { printFunction, printProgram } from "../../../compiler/ir/print.ts";
import { findProblems, verifyFunction, verifyProgram } from "../../../compiler/ir/verify.ts";
import { parseFunction } from "../../support/ir-text.ts";

const EVERYTHING = `
fn everything(v0, v1)
  slot s0: 8 bytes, key
  slot s1: 16 bytes, value
b0:
  v2 = const -5
  v3 = host cpid
  v4 = map map1
  v5 = &map0[0]+8
  v6 = &s0
  v7 = &s1+8
  v8 = func 1
  v9 = v2
  v10 = v2 s/ v3
  v11 = v10 + 7
  v12 = s32(v11)
  v13 = u8(v11)
  v14 = bswap16(v11)
  v15 = v14 s< v11
  v16 = u64 [v0+8] invariant
  v17 = s16 [v5-2]
  u64 [v6] = v2
  u32 [v7+4] = 3
  atomic add u64 [v5], v2
  v18 = atomic xchg u64 [v5], v2
  v19 = atomic cmpxchg u32 [v5+4], v2, v3
  v20 = call get_current_pid_tgid() pure
  v21 = call map_update_elem(v4, v6, v7, 0)
  v22 = call loop(10, v8, 0, 0)
  v23 = call fn1(v2, 3)
  v24 = lookup map1[u32 v2]
  v25 = lookup map1[u64 7]
  v26 = lookup map1[*v6]
  if v24 == 0 then b1(v2, v3) else b2 likely
b1(v27, v28):
  jump b3(v27)
b2:
  if v2 &? 4 then b3(v2) else b4 unlikely
b3(v29):
  exit v29
b4:
  exit 0`.trim();

describe("the printer", () => {
  it("writes what the tests' parser reads back", () => {
    const fn = parseFunction(EVERYTHING);
    expect(printFunction(fn)).toBe(EVERYTHING);
    expect(findProblems(fn, 2)).toEqual([]);
  });

  it("names maps", () => {
    const fn = parseFunction("v1 = lookup map0[u64 7]\nexit v1");
    expect(printFunction(fn, { maps: ["AT_start"] })).toContain("v1 = lookup AT_start[u64 7]");
  });

  it("prints programs", () => {
    const fn = parseFunction("exit 0");
    const program = { name: "p", type: "tracing", attach: { kind: "begin" }, probes: [], functions: [fn, fn] } as const;
    expect(printProgram({ ...program, probes: [], functions: [fn, fn] })).toBe(
      "program p tracing\n\nfn test(v0)\nb0:\n  exit 0\n\nfn test(v0)\nb0:\n  exit 0",
    );
  });
});

describe("a clone", () => {
  it("is equal and shares nothing that a pass changes", () => {
    const fn = parseFunction(EVERYTHING);
    const copy = cloneFunction(fn);
    expect(printFunction(copy)).toBe(EVERYTHING);
    for (const block of copy.blocks) {
      for (const insn of block!.insns) {
        if ("args" in insn) insn.args.push({ imm: 1n });
        if (insn.op === "lookup" && "value" in insn.key) insn.key.size = 1;
        if ("dst" in insn) insn.dst = undefined as never;
      }
      block!.params.length = 0;
      block!.insns.length = 0;
      if (block!.end.op === "jump") block!.end.to.args.length = 0;
      if (block!.end.op === "branch") block!.end.then.args.length = 0;
    }
    copy.slots[0]!.size = 99;
    copy.params.length = 0;
    expect(printFunction(fn)).toBe(EVERYTHING);
  });
});

describe("the verifier", () => {
  it.each<[string, string]>([
    ["v1 is defined twice", "v1 = const 0\nv1 = const 1\nexit v1"],
    ["v0 is defined twice", "v0 = const 0\nexit v0"],
    ["v2 is not defined", "v1 = v2 + 1\nexit v1"],
    ["v1 is read before it is defined", "v2 = v1 + 1\nv1 = const 0\nexit v2"],
    ["v1 is read before it is defined", "v1 = v1 + 1\nexit v1"],
    ["v3 is not defined on every path", "if v0 == 0 then b1 else b2\nb1:\nv3 = const 1\njump b2\nb2:\nexit v3"],
    ["v3 is not defined on every path", "if v0 == 0 then b1(v3) else b2\nb1(v3):\nexit v3\nb2:\nexit 0"],
    ["b0 passes 1 arguments to b1, which takes 0", "jump b1(v0)\nb1:\nexit 0"],
    ["b0 leads to b7, which does not exist", "jump b7"],
    ["b1 leads to the entry", "jump b1\nb1:\njump b0"],
    ["the entry block has parameters", "b0(v1):\nexit v1"],
    ["b1 cannot be reached", "exit 0\nb1:\nexit 0"],
    ["takes 2 arguments", "v1 = map map0\nv2 = call map_lookup_elem(v1)\nexit 0"],
    ["argument 1 is not a map", "v1 = const 0\nv2 = call map_delete_elem(v1, v0)\nexit 0"],
    ["argument 2 is not an address", "v1 = map map0\nv2 = call map_delete_elem(v1, 5)\nexit 0"],
    ["argument 2 is not a func", "v2 = call loop(1, v0, 0, 0)\nexit 0"],
    ["is the result of a helper that has none", "v1 = call ringbuf_submit(v0, 0)\nexit v1"],
    ["there is no slot s3", "v1 = &s3\nexit 0"],
    ["the offset lies outside of the slot", "slot s0: 8 bytes, x\nv1 = &s0+9\nexit 0"],
    ["accesses memory outside of the slot", "slot s0: 8 bytes, x\nv1 = &s0+4\nu64 [v1] = 0\nexit 0"],
    ["accesses memory outside of the slot", "slot s0: 8 bytes, x\nv1 = &s0\nv2 = u8 [v1-1]\nexit 0"],
    ["the access to the stack is not aligned", "slot s0: 8 bytes, x\nv1 = &s0+2\nu32 [v1] = 0\nexit 0"],
    ["the offset does not fit 16 bits", "v1 = u8 [v0+32768]\nexit v1"],
    ["cmpxchg and only cmpxchg expects a value", "v1 = atomic add u64 [v0], v0, v0\nexit v1"],
    ["cmpxchg and only cmpxchg expects a value", "v1 = atomic cmpxchg u64 [v0], v0\nexit v1"],
    ["shifts by more than 63 bits", "v1 = v0 << 64\nexit v1"],
    ["shifts by more than 63 bits", "v1 = v0 >> -1\nexit v1"],
    ["9223372036854775808 is not a signed 64-bit number", "v1 = const 9223372036854775808\nexit v1"],
    ["9223372036854775808 is not a signed 64-bit number", "v1 = v0 + 9223372036854775808\nexit v1"],
    ["-9223372036854775809 is not a signed 64-bit number", "exit -9223372036854775809"],
    ["not the index of a callback or subprogram", "v1 = func 0\nexit v1"],
    ["not the index of a callback or subprogram", "v1 = call fn4()\nexit v1"],
    ["more than five arguments", "v1 = call fn1(1, 2, 3, 4, 5, 6)\nexit v1"],
    ["not the index of a map", "v1 = map map0\nexit v1".replace("map0", "map00")],
  ])("%s", (problem, text) => {
    const fn = parseFunction(text);
    // An index that no text can express.
    for (const insn of fn.blocks[0]!.insns) if (text.includes("map00") && insn.op === "map") insn.map = -1;
    expect(findProblems(fn, 4).join("\n")).toContain(problem);
  });

  it("throws with the dump", () => {
    expect(() => verifyFunction(parseFunction("exit v5"))).toThrow(/v5 is not defined\nfn test/);
  });

  it("knows how many functions a program has", () => {
    const fn = parseFunction("v1 = func 1\nexit 0");
    const program = { name: "p", type: "tracing" as const, attach: { kind: "begin" as const }, probes: [] };
    expect(() => verifyProgram({ ...program, functions: [fn] })).toThrow("not the index of a callback");
    expect(() => verifyProgram({ ...program, functions: [fn, parseFunction("exit 0")] })).not.toThrow();
  });

  it("reports a block that has the wrong number, and a missing entry", () => {
    const fn = parseFunction("exit 0");
    fn.blocks[0]!.id = 3;
    expect(findProblems(fn)).toEqual(["block 0 says that it is 3"]);
    fn.blocks[0] = undefined;
    expect(findProblems(fn)).toEqual(["no entry block"]);
  });
});

describe("the graph", () => {
  const LOOP = `
    if v0 == 0 then b5 else b1
    b1:
    jump b2
    b2:
    if v0 == 1 then b3 else b4
    b3:
    jump b2
    b4:
    jump b5
    b5:
    exit 0`;

  it("visits blocks before their successors", () => {
    expect(reversePostorder(parseFunction(LOOP)).map((block) => block.id)).toEqual([0, 1, 2, 4, 3, 5]);
  });

  it("knows dominators, and walks over them", () => {
    const fn = parseFunction(LOOP);
    const dominators = new Dominators(fn);
    expect([0, 1, 2, 3, 4, 5].map((id) => dominators.parent(id))).toEqual([undefined, 0, 1, 2, 2, 0]);
    expect(dominators.dominates(1, 4)).toBe(true);
    expect(dominators.dominates(2, 2)).toBe(true);
    expect(dominators.dominates(3, 4)).toBe(false);
    expect(dominators.dominates(4, 5)).toBe(false);
    const walk: string[] = [];
    dominators.walk(
      (id) => walk.push(`in ${id}`),
      (id) => walk.push(`out ${id}`),
    );
    expect(walk.join(", ")).toBe("in 0, in 1, in 2, in 4, out 4, in 3, out 3, out 2, out 1, in 5, out 5, out 0");
  });

  it("removes what cannot be reached", () => {
    const fn = parseFunction("exit 0\nb1:\njump b2\nb2:\njump b1");
    expect(removeUnreachable(fn)).toBe(true);
    expect(fn.blocks.slice(1)).toEqual([undefined, undefined]);
    expect(removeUnreachable(fn)).toBe(false);
  });

  it("survives a chain of 100,000 blocks", () => {
    const fn = parseFunction("exit 0");
    const count = 100_000;
    fn.blocks = Array.from({ length: count }, (_, id) => ({
      id,
      params: [],
      insns: [],
      end: id + 1 < count ? { op: "jump", to: { block: id + 1, args: [] } } : { op: "exit", value: { imm: 0n } },
    }));
    expect(findProblems(fn)).toEqual([]);
  });
});
