/** Passes that change the graph: parameters, conditions, threading, blocks; and all passes together. */
import { describe, expect, it } from "vitest";
import { tidyBlocks } from "../../../compiler/opt/blocks.ts";
import { decideConditions } from "../../../compiler/opt/conditions.ts";
import { type AfterPass, optimiseFunction } from "../../../compiler/opt/optimise.ts";
import { removeParams } from "../../../compiler/opt/params.ts";
import { threadJumps } from "../../../compiler/opt/threading.ts";
import { cpuMs } from "../../support/cpu-time.ts";
import { parseFunction } from "../../support/ir-text.ts";
import { after, expectPass } from "../../support/passes.ts";

describe("parameters", () => {
  const diamond = (thenArgs: string, otherwiseArgs: string, rest: string, head = "v9 = v0 + 1"): string =>
    `${head}; if v0 == 0 then b1 else b2; b1:; jump b3${thenArgs}; b2:; jump b3${otherwiseArgs}; ${rest}`;

  it.each<[string, string, string]>([
    ["that are the same on every way", diamond("(v9)", "(v9)", "b3(v1):; exit v1"), diamond("", "", "b3:; exit v9")],
    ["that differ stay", diamond("(v9)", "(v0)", "b3(v1):; exit v1"), diamond("(v9)", "(v0)", "b3(v1):; exit v1")],
    [
      "that equal each other",
      diamond("(v9, v0, v9)", "(v0, v9, v0)", "b3(v1, v2, v3):; v4 = v1 ^ v3; v5 = v4 ^ v2; exit v5"),
      diamond("(v9, v0)", "(v0, v9)", "b3(v1, v2):; v4 = v1 ^ v1; v5 = v4 ^ v2; exit v5"),
    ],
    [
      "that are the same constant made twice",
      diamond("(v8)", "(v9)", "b3(v1):; exit v1", "v8 = const 5; v9 = const 5"),
      diamond("", "", "b3:; v10 = const 5; exit v10", "v8 = const 5; v9 = const 5"),
    ],
    [
      "of a loop that never changes them",
      "jump b1(v0); b1(v1):; v2 = u64 [v1]; if v2 == 0 then b1(v1) else b2; b2:; exit v1",
      "jump b1; b1:; v2 = u64 [v0]; if v2 == 0 then b1 else b2; b2:; exit v0",
    ],
    ["behind each other", "jump b1(v0); b1(v1):; jump b2(v1); b2(v2):; exit v2", "jump b1; b1:; jump b2; b2:; exit v0"],
  ])("%s", (_, before, expected) => expectPass([removeParams], before, expected));
});

describe("conditions", () => {
  /** What the second test becomes where the first one held, and where it did not. */
  const nested = (first: string, second: string): string => `
    v1 = u64 [v0]
    v2 = u64 [v0+8]
    if ${first} then b1 else b2
    b1:
    v3 = ${second}
    exit v3
    b2:
    v4 = ${second}
    exit v4`;

  it.each<[string, string, string, string]>([
    ["v1 == v2", "v1 == v2", "const 1", "const 0"],
    ["v1 == v2", "v2 != v1", "const 0", "const 1"],
    ["v1 == v2", "v1 s<= v2", "const 1", "?"],
    ["v1 < v2", "v1 == v2", "const 0", "?"],
    ["v1 < v2", "v2 > v1", "const 1", "const 0"],
    ["v1 < v2", "v1 s< v2", "?", "?"],
    ["v1 <= v2", "v1 < v2", "?", "const 0"],
    ["v1 &? v2", "v1 &? v2", "const 1", "const 0"],
    ["v1 < 10", "v1 < 20", "const 1", "?"],
    ["v1 < 10", "v1 == 10", "const 0", "?"],
    ["v1 < 10", "v1 >= 5", "?", "const 1"],
    ["v1 s< 10", "v1 < 10", "?", "const 0"],
    ["v1 == 7", "v1 == 8", "const 0", "?"],
    ["v1 == 7", "v1 == 7", "const 1", "const 0"],
    ["v1 != 0", "v1 == 0", "const 0", "const 1"],
    ["v1 s> -1", "v1 s>= 0", "const 1", "const 0"],
    ["v1 &? 4", "v1 == 0", "?", "?"],
  ])("%s, then %s", (first, second, held, failed) => {
    const expected = nested(first, second)
      .replace(`v3 = ${second}`, `v3 = ${held === "?" ? second : held}`)
      .replace(`v4 = ${second}`, `v4 = ${failed === "?" ? second : failed}`);
    expectPass([decideConditions], nested(first, second), expected);
  });

  it("decide branches, and what cannot be reached goes", () => {
    expectPass(
      [decideConditions],
      "if v0 < 5 then b1 else b2; b1:; if v0 < 9 then b2 else b3; b2:; exit 1; b3:; exit 2",
      "if v0 < 5 then b1 else b2; b1:; jump b2; b2:; exit 1",
    );
  });

  it.each<[string, string]>([
    ["v1 = v0 + -454; if v1 <= 150", "v1 = v0 + -454; if v0 <= 604"],
    ["v1 = v0 + -454; if v1 == 150", "v1 = v0 + -454; if v0 == 604"],
    ["v1 = v0 + 5; if v1 == 3", "v1 = v0 + 5; if v0 == -2"],
    // May wrap around, is needed elsewhere, or is ordered otherwise.
    ["v1 = v0 + -501; if v1 <= 15", "v1 = v0 + -501; if v1 <= 15"],
    ["v1 = v0 + -454; u64 [v0] = v1; if v1 <= 15", "v1 = v0 + -454; u64 [v0] = v1; if v1 <= 15"],
    ["v1 = v0 + -454; if v1 s<= 15", "v1 = v0 + -454; if v1 s<= 15"],
    ["v1 = v0 + -454; if v1 <= -1000", "v1 = v0 + -454; if v1 <= -1000"],
    ["v1 = v0 + 5; if v1 > 3", "v1 = v0 + 5; if v1 > 3"],
  ])("compare without an offset: %s", (before, expected) => {
    const inside = (test: string): string =>
      `if v0 >= 500 then b1 else b2; b1:; ${test} then b2 else b3; b2:; exit 1; b3:; exit 2`;
    expectPass([decideConditions], inside(before), inside(expected));
  });

  it("say nothing where other ways come in", () => {
    const text = "if v0 < 5 then b1 else b2; b1:; jump b2; b2:; v1 = v0 < 5; exit v1";
    expectPass([decideConditions], text, text);
  });
});

describe("threading", () => {
  const SHORT_CIRCUIT = `
    v1 = const 0
    v2 = u64 [v0]
    if v0 == 0 then b2(v1) else b1
    b1:
    v3 = v2 s> 5
    jump b2(v3)
    b2(v4):
    if v4 != 0 then b3 else b4
    b3:
    exit 1
    b4:
    exit 2`;

  it("passes by a test whose outcome the way decides, and moves it to where its value is computed", () => {
    expectPass(
      [threadJumps],
      SHORT_CIRCUIT,
      `v1 = const 0
      v2 = u64 [v0]
      if v0 == 0 then b4 else b1
      b1:
      v3 = v2 s> 5
      if v3 != 0 then b3 else b4
      b3:
      exit 1
      b4:
      exit 2`,
    );
  });

  it.each<[string, string, string]>([
    [
      "looks through what the block computes",
      "v1 = const 6; jump b1(v1); b1(v2):; v3 = v2 & 3; v4 = v3 == 2; if v4 != 0 then b2 else b3; b2:; exit 1; b3:; exit 2",
      "v1 = const 6; jump b2; b2:; exit 1",
    ],
    [
      "carries arguments along",
      "v1 = const 6; jump b1(v1, v0); b1(v2, v3):; if v2 == 6 then b2(v3) else b3; b2(v4):; exit v4; b3:; exit 2",
      "v1 = const 6; jump b2(v0); b2(v4):; exit v4",
    ],
    [
      "knows what the branch before has tested",
      "if v0 < 5 then b2 else b1; b1:; u8 [v0] = 1; jump b2; b2:; if v0 < 5 then b3 else b4; b3:; exit 1; b4:; exit 2",
      "if v0 < 5 then b3 else b1; b1:; u8 [v0] = 1; jump b2; b2:; if v0 < 5 then b3 else b4; b3:; exit 1; b4:; exit 2",
    ],
  ])("%s", (_, before, expected) => expectPass([threadJumps], before, expected));

  it.each<[string, string]>([
    [
      "an effect",
      "v1 = const 6; jump b1(v1); b1(v2):; u8 [v0] = 1; if v2 == 6 then b2 else b3; b2:; exit 1; b3:; exit 2",
    ],
    [
      "a parameter that is needed later",
      "v1 = const 6; jump b1(v1); b1(v2):; if v2 == 6 then b2 else b3; b2:; exit v2; b3:; exit 2",
    ],
    [
      "a value that is passed on",
      "v1 = const 6; jump b1(v1); b1(v2):; v3 = v2 + v0; if v2 == 6 then b2(v3) else b3; b2(v4):; exit v4; b3:; exit 2",
    ],
    [
      "a loop's test of its counter",
      "v1 = const 0; jump b1(v1); b1(v2):; if v2 < 5 then b2 else b3; b2:; v3 = v2 + 1; jump b1(v3); b3:; exit 2",
    ],
  ])("stops at %s", (_, text) => expectPass([threadJumps], text, text));
});

describe("blocks", () => {
  it.each<[string, string, string]>([
    [
      "that follow each other are one",
      "v1 = v0 + 1; jump b1(v1); b1(v2):; v3 = v2 + 1; jump b2; b2:; exit v3",
      "v1 = v0 + 1; v3 = v1 + 1; exit v3",
    ],
    [
      "without content are passed by",
      "if v0 == 0 then b1(v0) else b2; b1(v1):; jump b3(v1); b2:; v2 = v0 + 1; jump b3(v2); b3(v3):; exit v3",
      "if v0 == 0 then b3(v0) else b2; b2:; v2 = v0 + 1; jump b3(v2); b3(v3):; exit v3",
    ],
    [
      "that end alike are shared",
      "if v0 == 0 then b1 else b2; b1:; exit 0; b2:; if v0 == 1 then b3 else b4; b3:; exit 0; b4:; exit 1",
      "if v0 == 0 then b1 else b2; b1:; exit 0; b2:; if v0 == 1 then b1 else b4; b4:; exit 1",
    ],
    [
      "to which both ways lead need no branch",
      "if v0 == 0 then b1 else b2; b1:; jump b3; b2:; jump b3; b3:; exit v0",
      "exit v0",
    ],
    [
      "with different arguments need one",
      "v1 = v0 + 1; if v0 == 0 then b1(v0) else b1(v1); b1(v2):; exit v2",
      "v1 = v0 + 1; if v0 == 0 then b1(v0) else b1(v1); b1(v2):; exit v2",
    ],
    [
      "that circle are left alone",
      "if v0 == 0 then b1 else b3; b1:; jump b2; b2:; jump b1; b3:; exit 0",
      "if v0 == 0 then b1 else b3; b1:; jump b1; b3:; exit 0",
    ],
  ])("%s", (_, before, expected) => expectPass([tidyBlocks], before, expected));
});

describe("all passes", () => {
  const optimise = (text: string): string[] => after([(fn) => optimiseFunction(fn)], text);

  it("leave the least of a counter", () => {
    expect(
      optimise(`
        v1 = call get_current_pid_tgid() pure
        v2 = v1 >> 32
        v3 = u32(v2)
        v4 = lookup map0[u32 v3]
        v5 = v4 == 0
        if v5 != 0 then b1 else b2
        b1:
        jump b3
        b2:
        v6 = u64 [v4]
        v7 = const 1
        v8 = v6 + v7
        u64 [v4] = v8
        jump b3
        b3:
        v9 = call get_current_pid_tgid() pure
        exit 0`),
    ).toEqual([
      "v1 = call get_current_pid_tgid() pure",
      "v2 = v1 >> 32",
      "v4 = lookup map0[u32 v2]",
      "if v4 == 0 then b3 else b2",
      "b2:",
      "v6 = u64 [v4]",
      "v8 = v6 + 1",
      "u64 [v4] = v8",
      "jump b3",
      "b3:",
      "exit 0",
    ]);
  });

  it("find everything of a short-circuited condition", () => {
    expect(
      optimise(`
        v1 = const 0
        v2 = u64 [v0]
        v3 = v2 > 5
        if v3 != 0 then b1 else b2(v1)
        b1:
        v4 = v2 < 9
        jump b2(v4)
        b2(v5):
        v6 = v5 != 0
        if v6 != 0 then b3 else b4
        b3:
        u64 [v0] = 1
        jump b4
        b4:
        exit 0`),
    ).toEqual([
      "v2 = u64 [v0]",
      "if v2 > 5 then b1 else b4",
      "b1:",
      "if v2 < 9 then b3 else b4",
      "b3:",
      "u64 [v0] = 1",
      "jump b4",
      "b4:",
      "exit 0",
    ]);
  });

  it("stop when there is nothing left to find", () => {
    const fn = parseFunction("v1 = v0 + 1\nexit v1");
    const seen: [string, boolean][] = [];
    const note: AfterPass = (pass, _, changed) => seen.push([pass.name, changed]);
    optimiseFunction(fn, note);
    expect(seen.every(([, changed]) => !changed)).toBe(true);
    // Only the blocks are tidied beforehand as well.
    const names = seen.map(([name]) => name);
    expect(names.filter((name, i) => names.indexOf(name) < i)).toEqual(["blocks"]);
  });

  it("stay fast on thousands of blocks", () => {
    const blocks = 4000;
    const chain = Array.from({ length: blocks }, (_, i) => {
      const [test, body, next] = [3 * i + 1, 3 * i + 2, 3 * i + 4];
      return `b${test}:\nv${i + 1} = u64 [v0+${8 * (i % 64)}] invariant\nif v${i + 1} == ${i} then b${body} else b${next}
        b${body}:\nu64 [v0] = ${i}\njump b${next}`;
    });
    const text = `jump b1\n${chain.join("\n")}\nb${3 * blocks + 1}:\nexit 0`;
    expect(cpuMs(() => expect(optimise(text).length).toBeGreaterThan(3 * blocks))).toBeLessThan(20_000);
  });
});
