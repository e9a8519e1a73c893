/**
 * Entries in tables in front of hashes: any order of uses, by threads whose keys want the same place and on all CPUs, leaves what a map
 * would have.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import { BUSY, type CompiledProgram } from "../../compiler/program.ts";
import { Source } from "../../compiler/source.ts";
import { fakeFacts } from "../support/fake-facts.ts";
import { asOf } from "../support/kernel-releases.ts";
import { resultOf } from "../support/script-results.ts";
import { snapshotsOf } from "../support/script-vm.ts";
import { cases } from "../support/soak.ts";
import { Vm } from "./interpreter.ts";

const CPUS = 4;
const facts = fakeFacts({ possibleCpus: CPUS });

/** Runs the `begin` blocks of a script one by one, as often as is asked for. */
class Machine {
  readonly #program: CompiledProgram;
  readonly vm: Vm;

  constructor(text: string, kernel: KernelFacts = facts) {
    const diags = new Diagnostics();
    const program = compile(new Source("test.bt", text), kernel, diags);
    if (!program) throw new Error(renderDiagnostics(diags.errors));
    this.#program = program;
    this.vm = new Vm({ maps: program.maps, cpus: CPUS });
  }

  run(block: number): void {
    this.vm.run(this.#program.programs[block]!, { context: [0n, 0n] });
  }

  get maps(): Record<string, Record<string, unknown>> {
    return resultOf(this.#program, snapshotsOf(this.#program, this.vm), []).maps;
  }

  /** The first words of a map's table. */
  marks(name: string): BigUint64Array {
    const { storage } = this.#program.scriptMaps.find((map) => map.name === name)!;
    if (storage.kind !== "hash" || !storage.table) throw new Error(`${name} has no table`);
    const { map, offset, stride, copies, places, placeSize } = storage.table;
    const { buffer, byteOffset } = this.vm.maps[map]!.directValue().bytes;
    return new BigUint64Array(buffer, byteOffset + offset, (stride * (copies - 1) + places * placeSize) / 8);
  }

  /** How many entries of a script's map the kernel's hash has. */
  hashed(name: string): number {
    const { storage } = this.#program.scriptMaps.find((map) => map.name === name)!;
    return this.vm.maps[storage.map]!.keys().length;
  }
}

/** Threads of which many want the same place. */
function collidingThreads(count: number): number[] {
  const place = (tid: number): bigint => BigInt.asUintN(64, BigInt(tid) * 0x9e3779b97f4a7c15n) >> 40n;
  const wanted = place(100) & 4095n;
  const found: number[] = [];
  for (let tid = 100; found.length < count; tid++) if ((place(tid) & 4095n) === wanted) found.push(tid);
  return found;
}

const THREADS = [0, 7, 8, ...collidingThreads(4)];
const THREAD_SCRIPT = `begin { @s[tid] = (uint32)nsecs | 1; @now = @s[tid]; }
  begin { @value = @s[tid]; @is = has_key(@s, tid); }
  begin { @deleted = delete(@s, tid); }`;

describe("a map that threads have to themselves", () => {
  it.each([
    ["in a table", facts],
    ["in a hash alone, where programs cannot claim a place", asOf(facts, [5, 10])],
  ])("%s", (_, kernel) => {
    const use = fc.record({ what: fc.constantFrom("set", "get", "delete"), tid: fc.constantFrom(...THREADS) });
    const property = fc.property(fc.array(use, { maxLength: 60 }), (uses) => {
      const machine = new Machine(THREAD_SCRIPT, kernel);
      const model = new Map<number, bigint>();
      for (const { what, tid } of uses) {
        machine.vm.world.tid = tid;
        if (what === "set") {
          machine.run(0);
          model.set(tid, machine.maps["@now"]![""] as bigint);
        } else if (what === "get") {
          machine.run(1);
          expect(machine.maps["@value"]![""]).toBe(model.get(tid) ?? 0n);
          expect(machine.maps["@is"]![""]).toBe(model.has(tid));
        } else {
          machine.run(2);
          expect(machine.maps["@deleted"]![""]).toBe(model.delete(tid));
        }
        const all = Object.fromEntries([...model].map(([tid, value]) => [String(tid), value]));
        expect(machine.maps["@s"] ?? {}).toEqual(all);
      }
    });
    fc.assert(property, cases(30));
  });

  it("goes to the hash only with a thread that finds its place taken", () => {
    const machine = new Machine(THREAD_SCRIPT);
    const hashed = THREADS.map((tid) => {
      machine.vm.world.tid = tid;
      machine.run(0);
      return machine.hashed("@s");
    });
    expect(hashed).toEqual([0, 0, 0, 0, 1, 2, 3]);
  });
});

const KEYS = {
  "4 bytes": { cast: "(int32)", values: [0, -1, 7, 8, ...collidingThreads(4)] },
  "8 bytes": { cast: "(int64)", values: [0, 1, 2 ** 33, Number(BUSY) - 1, -1, ...collidingThreads(4)] },
};

describe.each(Object.entries(KEYS))("a map that all programs set, with keys of %s", (_, { cast, values }) => {
  const script = (key: number): string => {
    return `begin { @s[${cast}${key}] = (uint32)nsecs | 1; @now = @s[${cast}${key}]; }
      begin { @value = @s[${cast}${key}]; @is = has_key(@s, ${cast}${key}); }
      begin { @deleted = delete(@s, ${cast}${key}); }`;
  };
  const WHAT = ["set", "get", "delete"] as const;

  it.each([
    ["in a table", facts],
    ["in a hash alone, where programs cannot claim a place", asOf(facts, [5, 10])],
  ])("%s", (_, kernel) => {
    const use = fc.record({ what: fc.constantFrom(...WHAT), key: fc.constantFrom(...values) });
    const text = values.map(script).join("\n");
    const property = fc.property(fc.array(use, { maxLength: 60 }), (uses) => {
      const machine = new Machine(text, kernel);
      const model = new Map<number, bigint>();
      for (const { what, key } of uses) {
        machine.run(3 * values.indexOf(key) + WHAT.indexOf(what));
        if (what === "set") model.set(key, machine.maps["@now"]![""] as bigint);
        if (what === "get") {
          expect(machine.maps["@value"]![""]).toBe(model.get(key) ?? 0n);
          expect(machine.maps["@is"]![""]).toBe(model.has(key));
        }
        if (what === "delete") expect(machine.maps["@deleted"]![""]).toBe(model.delete(key));
        const all = Object.fromEntries([...model].map(([key, value]) => [String(key), value]));
        expect(machine.maps["@s"] ?? {}).toEqual(all);
      }
    });
    fc.assert(property, cases(30));
  });

  it("goes to the hash only with a key that finds its place taken, or whose mark would be 0", () => {
    const machine = new Machine(values.map(script).join("\n"));
    const hashed = values.map((_, i) => {
      machine.run(3 * i);
      return machine.hashed("@s");
    });
    expect(hashed.at(-1)).toBe(cast === "(int64)" ? 4 : 3);
    for (const i of values.keys()) machine.run(3 * i + 2);
    expect(machine.hashed("@s")).toBe(0);
  });
});

describe("a map that programs set and add to", () => {
  it.each([
    ["begin { @[7] += 5; @[7]++; @[8]--; @[7] -= 2; }", { 7: 4n, 8: -1n }],
    ["begin { @[7] = 5; @[7]++; @v = ++@[7]; @w = @[7]--; }", { 7: 6n }],
    ["begin { @[7] = 5; @[7] *= 3; @[(int64)-1] |= 2; }", { 7: 15n, "-1": 2n }],
    ["begin { @[7] = 5; @[7]++; delete(@, 7); @[7]++; }", { 7: 1n }],
    ["begin { @[tid] = 5; @[tid]++; }", { 100: 6n }],
  ])("%s", (text, expected) => {
    const machine = new Machine(text);
    machine.vm.world.tid = 100;
    machine.run(0);
    expect(machine.maps["@"]).toEqual(expected);
  });

  it.each([
    ["whose entries are gone through", "begin { @[7] = 5; for ($kv : @) { print($kv.0) } }"],
    ["whose entries are counted", "begin { @[7] = 5; @n = len(@); }"],
    ["that is added to", "begin { @[7] = 5; @[7]++; }"],
    ["that is declared", "let @ = hash(4096); begin { @[7] = 5; }"],
    ["that is to be small", "config = { max_map_keys = 100 } begin { @[7] = 5; }"],
    ["with texts as keys", 'begin { @["a"] = 5; }'],
    ["with texts as values", 'begin { @[7] = "a"; }'],
  ])("has no table: one %s", (_, text) => {
    const machine = new Machine(text);
    machine.run(0);
    expect(machine.hashed("@")).toBe(1);
  });
});

describe("a map that programs only add to", () => {
  const BLOCKS = "0123456789".split("");

  it.each([
    ["count()", { count: 2n }],
    ["sum(3)", { sum: 6n }],
    ["max(5)", { best: 5n }],
    ["min(-5)", { best: -5n }],
  ])("%s, on all CPUs and with more keys than places", (call, twice) => {
    // A CPU has 512 places.
    const text = BLOCKS.map((d) => `begin { for ($i : 0..200) { @[$i * 10 + ${d}] = ${call} } }`).join("\n");
    const machine = new Machine(text);
    const expected: Record<string, object> = {};
    for (const [block, cpu] of [...BLOCKS.keys()].flatMap(
      (i) =>
        [
          [i, i % CPUS],
          [i, 0],
        ] as const,
    )) {
      machine.vm.world.cpu = cpu;
      machine.run(block);
      for (let i = 0; i < 200; i++) expected[i * 10 + block] = twice;
    }
    expect(machine.maps["@"]).toEqual(expected);
    expect(machine.hashed("@")).toBeGreaterThan(500);
  });

  it.each([
    "(int8)-1 ; (int8)1 ; (int64)-1 << 40",
    "(uint64)0xffffffffffffffff ; (uint64)0",
    "(uint32)0xffffffff ; (uint32)0",
    '"" ; "a" ; "0123456789012345678901234567890"',
    '(1, "a") ; (1, "b") ; (2, "a")',
    "(1, (int64)2, (int64)3, (int64)-4) ; (1, (int64)2, (int64)3, (int64)4)",
  ])("keys of all kinds: %s", (list) => {
    const keys = list.split(" ; ");
    const machine = new Machine(`begin { ${keys.map((key) => `@[${key}] = count(); @n = count();`).join(" ")} }`);
    machine.run(0);
    machine.run(0);
    expect(Object.values(machine.maps["@"]!)).toEqual(keys.map(() => ({ count: 2n })));
    expect(machine.hashed("@")).toBe(0);
  });

  it.each([
    ["one that is declared", "let @ = percpuhash(4096); begin { @[1] = count(); }"],
    ["one that is to be small", "config = { max_map_keys = 100 } begin { @[1] = count(); }"],
    ["one that a program reads", "begin { @[1] = count(); } begin { @x = (int64)@[1] }"],
    ["one that a program goes through", "begin { @[1] = count(); } begin { for ($kv : @) { } }"],
    ["one with large keys", 'begin { @["0123456789012345678901234567890123456789"] = count(); }'],
  ])("has no table: %s", (_, text) => {
    const machine = new Machine(text);
    machine.run(0);
    expect(machine.hashed("@")).toBe(1);
  });
});

describe("a map that programs add to which may interrupt each other", () => {
  // The one may come in between at any instruction of the other.
  const script = (body: string): string =>
    `tracepoint:sched:sched_wakeup { ${body} } tracepoint:sched:sched_switch { ${body} } begin { @done = 1 }`;

  it.each([
    ["@[(int64)7] = count()", { count: 2n }],
    ["@[(int32)7] = sum(5)", { sum: 10n }],
    ["@[1, 2] = max(5)", { best: 5n }],
    ['@["abc"] = min(5)', { best: 5n }],
  ])("%s", (body, value) => {
    const machine = new Machine(script(body));
    machine.run(0);
    machine.run(1);
    expect(new Set(Object.values(machine.maps["@"]!))).toEqual(new Set([value]));
    expect(machine.hashed("@")).toBe(0);
  });

  it.each(["@[(int64)7] = count()", "@[(int32)7] = count()"])(
    "%s goes to the hash while the place is being filled",
    (body) => {
      const machine = new Machine(script(body));
      machine.run(0);
      const marks = machine.marks("@");
      const at = marks.findIndex((mark) => mark !== 0n);
      marks[at] = BUSY;
      machine.run(0);
      expect(machine.hashed("@")).toBe(1);
      expect(Object.values(machine.maps["@"]!)).toEqual([{ count: 1n }]);
    },
  );

  it("is in a hash alone, where programs cannot claim a place", () => {
    const machine = new Machine(script("@[(int32)7] = count()"), asOf(facts, [5, 10]));
    machine.run(0);
    expect(machine.hashed("@")).toBe(1);
  });
});
