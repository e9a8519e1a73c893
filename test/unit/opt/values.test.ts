/** Merging equal values, dead code, shared keys, and where computations and stores end up. */
import { describe, expect, it } from "vitest";
import { printFunction } from "../../../compiler/ir/print.ts";
import { removeDeadCode } from "../../../compiler/opt/dce.ts";
import { removeDeadStores } from "../../../compiler/opt/dead-stores.ts";
import { storeEarly } from "../../../compiler/opt/early-stores.ts";
import { mergeEqualValues } from "../../../compiler/opt/gvn.ts";
import { shareKeys } from "../../../compiler/opt/keys.ts";
import { sinkComputations } from "../../../compiler/opt/sink.ts";
import { parseFunction } from "../../support/ir-text.ts";
import { expectPass } from "../../support/passes.ts";

/** `v1` and `v2` are the two values in question; the rest of the text goes between them. */
const twice = (value: string, between = "", before = ""): string =>
  `${before}\nv1 = ${value}\n${between}\nv2 = ${value}\nv3 = v1 ^ v2\nexit v3`;

describe("equal values", () => {
  it.each<[string, string, string?]>([
    ["v0 + 1", ""],
    ["u8(v0)", ""],
    ["v0 s< 5", ""],
    ["call get_current_pid_tgid() pure", "v9 = call ktime_get_ns()"],
    ["u64 [v0+8] invariant", "v9 = call fn1(v0)"],
    ["u64 [v0+8]", "v9 = call ktime_get_ns()"],
    ["u64 [v0+8]", "v9 = call get_current_comm(v8, 16)", "slot s0: 16 bytes, x\nv8 = &s0"],
    ["u64 [v0+8]", "u64 [v8] = 1", "slot s0: 16 bytes, x\nv8 = &s0"],
    ["u64 [v8]", "u64 [v9] = 1", "v8 = &map0[0]\nv9 = &map1[0]"],
    ["u64 [v8]", "u64 [v0] = 1", "slot s0: 8 bytes, x\nv8 = &s0\nu64 [v8] = v0"],
    ["lookup map0[u32 v0]", "v9 = lookup map1[u32 v0]"],
    ["lookup map0[u32 7]", "u64 [v0] = 1"],
    ["lookup map0[u32 7]", "v9 = map map1\nv10 = call map_delete_elem(v9, v0)"],
    ["lookup map0[*v8]", "v9 = lookup map1[*v8]", "slot s0: 8 bytes, x\nv8 = &s0\nu64 [v8] = v0"],
  ])("%s is computed once, %s between", (value, between, before) => {
    const fn = parseFunction(twice(value, between, before));
    mergeEqualValues(fn);
    expect(printFunction(fn)).toContain("v1 ^ v1");
  });

  it.each<[string, string, string?]>([
    ["call get_current_pid_tgid()", ""],
    ["call ktime_get_ns()", ""],
    ["u64 [v0+8]", "u64 [v0+16] = 1"],
    ["u64 [v0+8]", "v9 = atomic add u64 [v0+8], v0"],
    ["u64 [v0+8]", "v9 = call fn1(v0)"],
    ["u64 [v0+8]", "v9 = call probe_read_kernel(v0, 8, 0)"],
    ["u64 [v0+8]", "v8 = func 1\nv9 = call loop(3, v8, 0, 0)"],
    ["u64 [v0+8]", "v8 = map map0\nv9 = call map_update_elem(v8, v0, v0, 0)"],
    ["u64 [v8]", "u64 [v9] = 1", "v8 = &map0[0]\nv9 = &map0[0]+8"],
    ["u64 [v8]", "u64 [v0] = 1", "v8 = &map0[0]"],
    ["u64 [v8]", "u64 [v9] = 1", "v8 = &map0[0]\nv10 = v8 + v0\nv9 = v10 + 8"],
    ["u64 [v8]", "u64 [v9] = 1", "v8 = lookup map0[u32 1]\nv9 = lookup map0[u32 2]"],
    ["u64 [v8]", "v9 = call get_current_comm(v8, 16)", "slot s0: 16 bytes, x\nv8 = &s0\nu64 [v8] = 1"],
    ["u64 [v8]", "v9 = call fn1(v8)", "slot s0: 8 bytes, x\nv8 = &s0\nu64 [v8] = v0"],
    ["u64 [v8]", "u64 [v0] = 1", "slot s0: 8 bytes, x\nv8 = &s0\nu64 [v8] = v0\nu64 [v0+8] = v8"],
    ["lookup map0[u32 v0]", "v8 = map map0\nv9 = call map_update_elem(v8, v0, v0, 0)"],
    ["lookup map0[u32 v0]", "v8 = map map0\nv9 = call map_delete_elem(v8, v0)"],
    ["lookup map0[u32 v0]", "v9 = call fn1(v0)"],
    ["lookup map0[*v8]", "u64 [v8] = 3", "slot s0: 8 bytes, x\nv8 = &s0\nu64 [v8] = v0"],
  ])("%s is computed again after %s", (value, between, before) => {
    const fn = parseFunction(twice(value, between, before));
    mergeEqualValues(fn);
    expect(printFunction(fn)).toContain("v1 ^ v2");
  });

  it.each<[string, string, string]>([
    [
      "operands of commutative operations in either order",
      "v1 = v0 + 5; v2 = v0 * v1; v3 = v1 * v0; v4 = v2 ^ v3; exit v4",
      "v1 = v0 + 5; v2 = v0 * v1; v4 = v2 ^ v2; exit v4",
    ],
    ["a load behind a store", "u64 [v0+8] = v0; v1 = u64 [v0+8]; exit v1", "u64 [v0+8] = v0; v1 = v0; exit v1"],
    [
      "a narrow load behind a store",
      "u32 [v0+8] = v0; v1 = s32 [v0+8]; exit v1",
      "u32 [v0+8] = v0; v1 = s32(v0); exit v1",
    ],
    [
      "a load behind a constant store",
      "u8 [v0] = 511; v1 = u8 [v0]; v2 = s8 [v0]; exit v1",
      "u8 [v0] = 511; v1 = const 255; v2 = const -1; exit v1",
    ],
    ["a load of another size", "u32 [v0] = 5; v1 = u8 [v0]; exit v1", "u32 [v0] = 5; v1 = u8 [v0]; exit v1"],
    [
      "a store that may have hit",
      "u64 [v0] = 5; u64 [v0+4] = 6; v1 = u64 [v0]; exit v1",
      "u64 [v0] = 5; u64 [v0+4] = 6; v1 = u64 [v0]; exit v1",
    ],
  ])("%s", (_, before, expected) => expectPass([mergeEqualValues], before, expected));

  it("counts on dominators only", () => {
    const text = `
      if v0 == 0 then b1 else b2
      b1:
      v1 = v0 + 1
      jump b3(v1)
      b2:
      v2 = v0 + 1
      jump b3(v2)
      b3(v3):
      v4 = v0 + 1
      v5 = v3 ^ v4
      exit v5`;
    expectPass([mergeEqualValues], text, text);
  });

  it("knows that memory changes on the way round a loop", () => {
    const text = (store: string): string => `
      v1 = u64 [v0]
      jump b1
      b1:
      v2 = u64 [v0]
      ${store}
      if v2 == 7 then b2 else b1
      b2:
      exit v1`;
    expectPass([mergeEqualValues], text("u64 [v0] = 1"), text("u64 [v0] = 1"));
    expectPass([mergeEqualValues], text(""), text("").replace("v2 = u64 [v0]", "").replace("v2 ==", "v1 =="));
  });

  it("computes again what the verifier must see bounded", () => {
    const text = `
      v1 = v0 << 3
      if v0 < 8 then b1 else b2
      b1:
      v2 = v0 << 3
      v3 = v1 ^ v2
      exit v3
      b2:
      exit 0`;
    expectPass([mergeEqualValues], text, text);
    const equal = text.replace("< 8", "== 8");
    expectPass([mergeEqualValues], equal, equal.replace("v2 = v0 << 3", "").replace("v1 ^ v2", "v1 ^ v1"));
  });
});

describe("dead code", () => {
  it.each<[string, string, string]>([
    ["unused values", "v1 = v0 + 1; v2 = v1 * 2; v3 = u64 [v2]; exit 0", "exit 0"],
    ["unused lookups and pure calls", "v1 = lookup map0[u32 1]; v2 = call ktime_get_ns(); exit 0", "exit 0"],
    [
      "calls with an effect stay",
      "v1 = map map0; v2 = call map_delete_elem(v1, v0); exit 0",
      "v1 = map map0; v2 = call map_delete_elem(v1, v0); exit 0",
    ],
    [
      "calls that fill memory stay",
      "v1 = call probe_read_kernel(v0, 8, 0); exit 0",
      "v1 = call probe_read_kernel(v0, 8, 0); exit 0",
    ],
    [
      "local calls, stores and atomics stay",
      "v1 = call fn1(); u8 [v0] = 1; atomic add u64 [v0], v0; exit 0",
      "v1 = call fn1(); u8 [v0] = 1; atomic add u64 [v0], v0; exit 0",
    ],
    [
      "slots that nobody reads",
      "slot s0: 16 bytes, x; v1 = &s0; u64 [v1] = v0; v2 = &s0+8; u64 [v2] = 1; exit 0",
      "exit 0",
    ],
    [
      "slots that only helpers fill",
      "slot s0: 16 bytes, x; v1 = &s0; v2 = call get_current_comm(v1, 16); exit 0",
      "exit 0",
    ],
    [
      "a helper that fills a slot, and whose result counts",
      "slot s0: 16 bytes, x; v1 = &s0; v2 = call get_current_comm(v1, 16); exit v2",
      "v1 = &s0; v2 = call get_current_comm(v1, 16); exit v2",
    ],
    [
      "slots that are read",
      "slot s0: 8 bytes, x; v1 = &s0; u64 [v1] = v0; v2 = &s0; v3 = u8 [v2]; exit v3",
      "v1 = &s0; u64 [v1] = v0; v2 = &s0; v3 = u8 [v2]; exit v3",
    ],
    [
      "slots whose address is kept",
      "slot s0: 8 bytes, x; v1 = &s0; u64 [v1] = 1; u64 [v0] = v1; exit 0",
      "v1 = &s0; u64 [v1] = 1; u64 [v0] = v1; exit 0",
    ],
    [
      "parameters that only feed themselves",
      "v1 = const 0; jump b1(v1); b1(v2):; v3 = v2 + 1; if v0 == 0 then b1(v3) else b2; b2:; exit 0",
      "jump b1; b1:; if v0 == 0 then b1 else b2; b2:; exit 0",
    ],
    [
      "parameters that count stay",
      "v1 = const 0; jump b1(v1); b1(v2):; v3 = v2 + 1; if v3 == 9 then b2 else b1(v3); b2:; exit 0",
      "v1 = const 0; jump b1(v1); b1(v2):; v3 = v2 + 1; if v3 == 9 then b2 else b1(v3); b2:; exit 0",
    ],
  ])("%s", (_, before, expected) => expectPass([removeDeadCode], before, expected));
});

describe("dead stores", () => {
  const slots = "slot s0: 16 bytes, x\nslot s1: 8 bytes, y\nv1 = &s0\n";
  it.each<[string, string, string]>([
    [
      "overwritten before they are read",
      "u64 [v1] = 1; u64 [v1] = v0; v2 = u64 [v1]; exit v2",
      "u64 [v1] = v0; v2 = u64 [v1]; exit v2",
    ],
    [
      "overwritten piece by piece",
      "u64 [v1] = 1; u32 [v1] = 2; u32 [v1+4] = 3; v2 = u64 [v1]; exit v2",
      "u32 [v1] = 2; u32 [v1+4] = 3; v2 = u64 [v1]; exit v2",
    ],
    [
      "never read again",
      "u64 [v1] = v0; v2 = u64 [v1]; u64 [v1] = 1; exit v2",
      "u64 [v1] = v0; v2 = u64 [v1]; exit v2",
    ],
    [
      "overwritten in part",
      "u64 [v1] = 1; u32 [v1] = 2; v2 = u64 [v1]; exit v2",
      "u64 [v1] = 1; u32 [v1] = 2; v2 = u64 [v1]; exit v2",
    ],
    [
      "read in between",
      "u64 [v1] = 1; v2 = u8 [v1]; u64 [v1] = 2; v3 = u8 [v1]; exit v3",
      "u64 [v1] = 1; v2 = u8 [v1]; u64 [v1] = 2; v3 = u8 [v1]; exit v3",
    ],
    [
      "read by a helper",
      "u64 [v1] = 1; v2 = map map0; v3 = call map_delete_elem(v2, v1); u64 [v1] = 2; v4 = u64 [v1]; exit v4",
      "u64 [v1] = 1; v2 = map map0; v3 = call map_delete_elem(v2, v1); u64 [v1] = 2; v4 = u64 [v1]; exit v4",
    ],
    [
      "read behind a branch",
      "u64 [v1] = 1; if v0 == 0 then b1 else b2; b1:; v2 = u64 [v1]; exit v2; b2:; exit 0",
      "u64 [v1] = 1; if v0 == 0 then b1 else b2; b1:; v2 = u64 [v1]; exit v2; b2:; exit 0",
    ],
    [
      "read on the way round a loop",
      "u64 [v1] = 1; jump b1; b1:; v2 = u64 [v1]; u64 [v1] = 2; if v2 == 1 then b1 else b2; b2:; exit 0",
      "u64 [v1] = 1; jump b1; b1:; v2 = u64 [v1]; u64 [v1] = 2; if v2 == 1 then b1 else b2; b2:; exit 0",
    ],
    [
      "read through an address that was computed",
      "u64 [v1+8] = 1; v2 = v1 + v0; v3 = u8 [v2]; u64 [v1+8] = 2; exit v3",
      "u64 [v1+8] = 1; v2 = v1 + v0; v3 = u8 [v2]; u64 [v1+8] = 2; exit v3",
    ],
    [
      "behind an exchange",
      "v9 = &s1; u64 [v9] = 1; v2 = atomic xchg u64 [v9], v0; exit v2",
      "v9 = &s1; u64 [v9] = 1; v2 = atomic xchg u64 [v9], v0; exit v2",
    ],
  ])("%s", (_, before, expected) => expectPass([removeDeadStores], `${slots}${before}`, `v1 = &s0; ${expected}`));
});

describe("keys", () => {
  it("of a lookup serve the update behind it", () => {
    expectPass(
      [shareKeys, removeDeadCode],
      `slot s0: 4 bytes, key
      v1 = lookup map0[u32 v0]
      if v1 == 0 then b1 else b2
      b1:
      v2 = map map0
      v3 = &s0
      u32 [v3] = v0
      v4 = call map_update_elem(v2, v3, v0, 0)
      exit 0
      b2:
      exit 1`,
      `v5 = &s1
      u32 [v5] = v0
      v1 = lookup map0[*v5]
      if v1 == 0 then b1 else b2
      b1:
      v2 = map map0
      v3 = &s1
      v4 = call map_update_elem(v2, v3, v0, 0)
      exit 0
      b2:
      exit 1`,
    );
  });

  it("are written again where they may not be there yet", () => {
    expectPass(
      [shareKeys],
      `if v0 == 0 then b1 else b2
      b1:
      v1 = lookup map0[u32 v0]
      jump b2
      b2:
      v2 = lookup map1[u32 v0]
      exit v2`,
      `if v0 == 0 then b1 else b2
      b1:
      v3 = &s0
      u32 [v3] = v0
      v1 = lookup map0[*v3]
      jump b2
      b2:
      v4 = &s0
      u32 [v4] = v0
      v2 = lookup map1[*v4]
      exit v2`,
    );
  });

  it.each<[string, string]>([
    ["a single lookup", "v1 = lookup map0[u32 v0]; exit v1"],
    ["two different keys", "v1 = lookup map0[u32 v0]; v2 = lookup map0[u32 1]; exit v2"],
    ["two sizes of a key", "v1 = lookup map0[u32 v0]; v2 = lookup map1[u64 v0]; exit v2"],
    [
      "a slot that is also a value",
      "slot s0: 8 bytes, x; v1 = lookup map0[u64 v0]; v2 = &s0; u64 [v2] = v0; v3 = map map0; v4 = call map_update_elem(v3, v2, v2, 0); exit v4",
    ],
    [
      "a slot with two contents",
      "slot s0: 8 bytes, x; v1 = lookup map0[u64 v0]; v2 = &s0; u64 [v2] = v0; v3 = map map0; v4 = call map_delete_elem(v3, v2); u64 [v2] = 1; v5 = call map_delete_elem(v3, v2); exit v4",
    ],
    [
      "a slot of several fields",
      "slot s0: 16 bytes, x; v1 = lookup map0[u64 v0]; v2 = &s0; u64 [v2] = v0; u64 [v2+8] = v0; v3 = map map0; v4 = call map_delete_elem(v3, v2); exit v4",
    ],
  ])("are left alone: %s", (_, text) => expectPass([shareKeys], text, text.replace(/slot [^;]*; /, "")));
});

describe("stores", () => {
  const slots = "slot s0: 8 bytes, x\nslot s1: 8 bytes, y\n";

  it("move up in front of a call that their value would have to outlive", () => {
    expectPass(
      [storeEarly],
      `${slots}v1 = call ktime_get_ns(); v2 = call get_current_pid_tgid(); v3 = &s0; u64 [v3] = v1; v4 = map map0
       v5 = call map_delete_elem(v4, v3); exit v2`,
      `v1 = call ktime_get_ns(); v6 = &s0; u64 [v6] = v1; v2 = call get_current_pid_tgid(); v3 = &s0; v4 = map map0
       v5 = call map_delete_elem(v4, v3); exit v2`,
    );
  });

  it.each<[string, string]>([
    ["without a call between", "v1 = v0 + 1; v2 = v0 + 2; v3 = &s0; u64 [v3] = v1; v4 = u64 [v3]; exit v4"],
    [
      "when the value is needed otherwise",
      "v1 = call ktime_get_ns(); v2 = call ktime_get_ns(); v3 = &s0; u64 [v3] = v1; exit v1",
    ],
    [
      "past a use of the slot",
      "v3 = &s0; u64 [v3] = 1; v1 = call ktime_get_ns(); v2 = map map0; v4 = call map_delete_elem(v2, v3); u64 [v3] = v1; v5 = call map_delete_elem(v2, v3); exit 0",
    ],
    ["to other memory", "v1 = call ktime_get_ns(); v2 = call ktime_get_ns(); u64 [v0] = v1; exit v2"],
  ])("stay %s", (_, text) => expectPass([storeEarly], `${slots}${text}`, text));
});

describe("sinking", () => {
  it("brings a chain of loads to the only way that needs it", () => {
    expectPass(
      [sinkComputations],
      `v1 = u64 [v0] invariant
      v2 = u64 [v1+8] invariant
      v3 = u64 [v0+8] invariant
      if v3 == 5 then b1 else b2
      b1:
      v4 = v2 + v3
      exit v4
      b2:
      exit 0`,
      `v3 = u64 [v0+8] invariant
      if v3 == 5 then b1 else b2
      b1:
      v1 = u64 [v0] invariant
      v2 = u64 [v1+8] invariant
      v4 = v2 + v3
      exit v4
      b2:
      exit 0`,
    );
  });

  it("goes no farther than the next call", () => {
    const rest = `
      v2 = call ktime_get_ns()
      if v2 == 5 then b2 else b3
      b2:
      exit v1
      b3:
      exit 0`;
    expectPass(
      [sinkComputations],
      `v1 = u64 [v0] invariant
      if v0 == 1 then b1 else b3
      b1:${rest}`,
      `if v0 == 1 then b1 else b3
      b1:
      v1 = u64 [v0] invariant${rest}`,
    );
  });

  it.each<[string, string]>([
    ["what changes", "v1 = u64 [v0]"],
    ["what has two inputs", "v9 = v0 + 1\nv1 = v0 * v9"],
    ["past a call", "v1 = u64 [v0] invariant\nv9 = call ktime_get_ns()"],
  ])("leaves %s", (_, value) => {
    const text = `${value}\nif v0 == 5 then b1 else b2\nb1:\nexit v1\nb2:\nexit 0`;
    expectPass([sinkComputations], text, text);
  });

  it("leaves what is needed at once, or on both ways, or in a loop", () => {
    const both = "v1 = u64 [v0] invariant; if v0 == 5 then b1 else b2; b1:; exit v1; b2:; v2 = v1 + 1; exit v2";
    expectPass([sinkComputations], both, both);
    const test = "v1 = u64 [v0] invariant; if v1 == 5 then b1 else b2; b1:; exit v1; b2:; exit 0";
    expectPass([sinkComputations], test, test);
    const loop =
      "v1 = u64 [v0] invariant; jump b1; b1:; v2 = u64 [v0]; u64 [v0] = v1; if v2 == 5 then b1 else b2; b2:; exit 0";
    expectPass([sinkComputations], loop, loop);
  });
});
