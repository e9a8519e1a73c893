import { expect, it } from "vitest";
import { call, imm, ldImm64, mov64, R1, R2, R3, st } from "../../compiler/asm/instructions.ts";
import type { ScriptMap } from "../../compiler/program.ts";
import { compiled, globals, hash, program } from "../support/compiled.ts";
import { describeKernel } from "../support/privileges.ts";
import { COUNTER, count, fill, keyed, number, returnZero, sessionsOfTests, sum, total } from "../support/sessions.ts";

describeKernel("maps of a session", () => {
  const { load } = sessionsOfTests();

  it.each([
    { what: "a hash", map: hash("h", { maxEntries: 20_000 }), perCpu: false },
    { what: "a per-CPU hash", map: hash("h", { type: "percpu_hash", maxEntries: 20_000 }), perCpu: true },
    { what: "an LRU hash", map: hash("h", { type: "lru_hash", maxEntries: 20_000 }), perCpu: false },
  ])("reads, zeroes and clears $what", ({ map, perCpu }) => {
    const entries = 9000;
    const parts = compiled({
      maps: [map],
      scriptMaps: [keyed(0, perCpu)],
      programs: [program({ kind: "begin" }, [...fill(0, entries), ...returnZero])],
    });
    const session = load(parts);
    const script = parts.scriptMaps[0]!;
    session.begin();
    const read = session.readMap(script).entries;
    expect(read.map(({ key }) => number(key)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: entries }, (_, i) => i),
    );
    expect(read.every(({ key, copies }) => copies.map(number).reduce((a, b) => a + b) === number(key))).toBe(true);
    session.zero(script);
    expect(session.readMap(script).entries).toHaveLength(entries);
    expect(sum(session.readMap(script).entries)).toBe(0);
    session.clear(script);
    expect(session.readMap(script).entries).toEqual([]);
    session.clear(script);
    session.begin();
    session.reset();
    expect(session.readMap(script).entries).toEqual([]);
  });

  it("walks a map that has no batches key by key", () => {
    const frames = 16;
    const stacks = {
      ...hash("stacks"),
      type: "stack_trace",
      keySize: 4,
      valueSize: 8 * frames,
      maxEntries: 64,
    } as const;
    const code = [ldImm64(R2, { map: 0 }), mov64(R3, imm(0)), call("get_stackid"), ...returnZero];
    const parts = compiled({
      maps: [stacks],
      scriptMaps: [keyed(0)],
      programs: [program({ kind: "begin" }, code)],
    });
    const session = load(parts);
    session.begin();
    expect(session.readMap(parts.scriptMaps[0]!).entries).toHaveLength(1);
    session.reset();
    expect(session.readMap(parts.scriptMaps[0]!).entries).toEqual([]);
  });

  it("tells an untouched scalar from one that is zero", () => {
    const storage = { kind: "global", map: 0, offset: 0, stride: 8, copies: 1, presence: 8 } as const;
    const scalar: ScriptMap = { ...COUNTER, storage };
    const assign = [ldImm64(R1, { mapValue: 0, offset: 0 }), st(8, R1, 0, imm(0)), st(1, R1, 8, imm(1)), ...returnZero];
    const parts = compiled({
      maps: [globals(16)],
      scriptMaps: [scalar],
      programs: [program({ kind: "begin" }, assign)],
    });
    const session = load(parts);
    expect(session.readMap(scalar).entries).toEqual([]);
    session.begin();
    expect(session.readMap(scalar).entries).toEqual([{ key: new Uint8Array(0), copies: [new Uint8Array(8)] }]);
    session.zero(scalar);
    expect(session.readMap(scalar).entries).toHaveLength(1);
    session.clear(scalar);
    expect(session.readMap(scalar).entries).toEqual([]);
  });

  it("reads one copy a CPU of an aggregated scalar, and leaves its neighbours alone", () => {
    const storage = { kind: "global", map: 0, offset: 8, stride: 16, copies: 2, presence: undefined } as const;
    const pair: ScriptMap = { ...COUNTER, name: "@pair", storage };
    const behind: ScriptMap = { ...COUNTER, name: "@behind", storage: { ...storage, offset: 40, copies: 1 } };
    const parts = compiled({
      maps: [globals(64)],
      scriptMaps: [COUNTER, pair, behind],
      programs: [program({ kind: "begin" }, [...count(0), ...count(8), ...count(24), ...count(40), ...returnZero])],
    });
    const session = load(parts);
    session.begin();
    session.begin();
    expect(session.readMap(pair).entries[0]?.copies.map(number)).toEqual([2, 2]);
    session.clear(pair);
    expect([total(session, 0), total(session, 1), total(session, 2)]).toEqual([2, 0, 2]);
  });

  it("lets a process into the process-tree scope, for one run", () => {
    const tree = hash("tree", { keySize: 4, valueSize: 1 });
    const scope: ScriptMap = {
      name: "@tree",
      key: { kind: "integer", size: 4, signed: false },
      value: { kind: "integer", size: 1, signed: false },
      storage: { kind: "hash", map: 0, perCpu: false },
    };
    const session = load(compiled({ maps: [tree], scriptMaps: [scope], scopeTree: 0 }));
    session.addToScope(1234);
    expect(session.readMap(scope).entries).toEqual([
      { key: new Uint8Array(Uint32Array.of(1234).buffer), copies: [Uint8Array.of(1)] },
    ]);
    session.reset();
    expect(session.readMap(scope).entries).toEqual([]);
    expect(() => load(compiled()).addToScope(1)).toThrow("not compiled with the process-tree scope");
  });
});
