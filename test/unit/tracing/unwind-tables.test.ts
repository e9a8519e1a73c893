/** What programs are told of processes whose stacks they follow: where files lie in memory, in which order, and which table holds when. */
import { describe, expect, it } from "vitest";
import { MAPPING } from "../../../compiler/unwind-table.ts";
import type { Segment } from "../../../harness/tracing/elf/file.ts";
import type { Mapping } from "../../../harness/tracing/facts/processes.ts";
import type { MappingEvent } from "../../../harness/tracing/symbols/mapping-events.ts";
import {
  baseOf,
  type CodeRange,
  encodeRanges,
  MAX_RANGES,
  takeMark,
} from "../../../harness/tracing/unwind/code-map.ts";
import type { ArrayStore } from "../../../harness/tracing/unwind/map-of-arrays.ts";
import { UnwindTables } from "../../../harness/tracing/unwind/unwind-tables.ts";
import { decodeRanges } from "../../support/process-table.ts";

function mapping(start: number, size: number, offset = 0, path = "/bin/a", executable = true): Mapping {
  return {
    start: BigInt(start),
    end: BigInt(start + size),
    offset: BigInt(offset),
    executable,
    device: "08:01",
    inode: 1n,
    path,
  };
}

describe("the base of a file in memory", () => {
  const segment = (offset: number, address: number, fileSize: number, executable = true): Segment => ({
    offset,
    address,
    fileSize,
    executable,
  });
  const base = (segments: Segment[], ...[start, size, offset]: [number, number, number]): bigint | undefined =>
    baseOf(mapping(start, size, offset), segments);

  it.each([
    ["without relocation", [segment(0, 0x400000, 0x5000)], [0x400000, 0x5000, 0], 0n],
    ["with it", [segment(0x1000, 0x1000, 0x5000)], [0x7f1000, 0x5000, 0x1000], 0x7f0000n],
    ["where addresses differ from offsets", [segment(0x1000, 0x3000, 0x800)], [0x7f3000, 0x1000, 0x1000], 0x7f0000n],
    ["where a segment begins within a page", [segment(0x1234, 0x2234, 0x800)], [0x7f2000, 0x1000, 0x1000], 0x7f0000n],
    ["of a part of a segment", [segment(0x1000, 0x3000, 0x4000)], [0x7f5000, 0x1000, 0x3000], 0x7f0000n],
    ["below the file's own addresses", [segment(0, 0x400000, 0x1000)], [0x1000, 0x1000, 0], 2n ** 64n - 0x3ff000n],
    ["of nothing", [], [0x7f1000, 0x1000, 0], undefined],
    ["behind the segments", [segment(0, 0, 0x1000)], [0x7f1000, 0x1000, 0x1000], undefined],
    [
      "of a page that two segments share: that with code",
      [segment(0, 0, 0x1f00, false), segment(0x1f00, 0x2f00, 0x200)],
      [0x7f2000, 0x1000, 0x1000],
      0x7f0000n,
    ],
    [
      "of pages with several segments of code: that which fills most",
      [segment(0, 0, 0x1010), segment(0x1010, 0x2010, 0x3000)],
      [0x7f2000, 0x4000, 0x1000],
      0x7f0000n,
    ],
  ] as [string, Segment[], [number, number, number], bigint | undefined][])("%s", (_, segments, where, expected) => {
    expect(base(segments, ...where)).toBe(expected);
  });
});

describe("the entries of a process", () => {
  const range = (start: number, end: number, rows = 0): CodeRange => ({
    start: BigInt(start),
    end: BigInt(end),
    base: BigInt(start * 2),
    file: rows > 0 ? start : 0,
    rows,
  });

  it.each([
    ["none", [], []],
    ["by their start", [range(30, 40, 1), range(10, 20, 2)], [range(10, 20, 2), range(30, 40, 1)]],
    ["neighbours with tables are two", [range(1, 2, 1), range(2, 3, 1)], [range(1, 2, 1), range(2, 3, 1)]],
    ["neighbours without are one", [range(2, 3), range(1, 2), range(4, 5)], [range(1, 3), range(4, 5)]],
    [
      "neighbours of both kinds are two",
      [range(1, 2), range(2, 3, 1), range(3, 4)],
      [range(1, 2), range(2, 3, 1), range(3, 4)],
    ],
  ])("%s", (_, ranges, expected) => {
    expect(decode(encodeRanges(ranges))).toEqual(expected);
  });

  it("are no more than can be looked through, and then those that say something", () => {
    const known = Array.from({ length: 3000 }, (_, i) => range(4 * i + 2, 4 * i + 3, 1));
    const unknown = Array.from({ length: 3000 }, (_, i) => range(4 * i, 4 * i + 1));
    const kept = decode(encodeRanges([...unknown, ...known]));
    expect(kept).toHaveLength(MAX_RANGES);
    expect(kept.filter(({ rows }) => rows > 0)).toHaveLength(known.length);
    expect(kept.every(({ start }, i) => i === 0 || start > kept[i - 1]!.start)).toBe(true);
  });
});

it("a mark is in the head of a process's array, and is taken once", () => {
  const bytes = encodeRanges([{ start: 1n, end: 2n, base: 0n, file: 0, rows: 0 }]);
  const before = bytes.slice();
  expect(takeMark(bytes.subarray(0, MAPPING.size))).toBe(false);
  new DataView(bytes.buffer).setBigUint64(MAPPING.end, 1n, true);
  expect(takeMark(bytes.subarray(0, MAPPING.size))).toBe(true);
  expect(bytes).toEqual(before);
});

function decode(bytes: Uint8Array): CodeRange[] {
  const ranges = decodeRanges(bytes);
  expect(bytes.length).toBe((ranges.length + 1) * MAPPING.size);
  return ranges;
}

/** A table as programs see it: where each range begins. */
type Starts = number[];

class FakeStore implements ArrayStore<Disposable> {
  readonly room: number;
  readonly seen = new Map<number, Starts>();
  readonly #content = new Map<Disposable, Starts>();
  readonly #marked = new Set<Disposable>();
  /** What happened, in order. */
  readonly log: string[] = [];

  constructor(room = 100) {
    this.room = room;
  }

  /** Arrays that somebody still holds. */
  get open(): number {
    return this.#content.size;
  }

  create(values: Uint8Array): Disposable {
    const array: Disposable = {
      [Symbol.dispose]: () => {
        this.#content.delete(array);
      },
    };
    this.#content.set(
      array,
      decode(values).map(({ start }) => Number(start)),
    );
    return array;
  }

  put(entries: readonly (readonly [number, Disposable])[]): void {
    for (const [key, array] of entries) this.seen.set(key, this.#content.get(array)!);
    if (entries.length > 0) this.log.push(`put ${entries.map(([key]) => key).join(" ")}`);
  }

  /** As a program does that has met code which is not in the table. */
  mark(key: number): void {
    for (const [array, starts] of this.#content) if (starts === this.seen.get(key)) this.#marked.add(array);
  }

  takeMark(array: Disposable): boolean {
    return this.#marked.delete(array);
  }

  remove(keys: readonly number[]): void {
    for (const key of keys) if (!this.seen.delete(key)) throw new Error(`${key} is not there`);
    if (keys.length > 0) this.log.push(`remove ${keys.join(" ")}`);
  }
}

/** Processes by what they have mapped now, and the tables of those that are followed. */
class World {
  readonly store: FakeStore;
  readonly processes = new Map<number, Starts>();
  readonly warnings: string[] = [];
  readonly tables: UnwindTables<Disposable>;

  constructor(room?: number) {
    this.store = new FakeStore(room);
    this.tables = new UnwindTables({
      processes: this.store,
      code: {
        rangeOf: (_, { start, end }) => ({ start, end, base: 0n, file: 0, rows: 1 }),
        flush: () => this.store.log.push("flush"),
      },
      mappingsOf: (pid) => [
        ...(this.processes.get(pid) ?? []).map((start) => mapping(start, 1)),
        ...(this.processes.has(pid) ? [mapping(99, 1, 0, "/data", false)] : []),
      ],
      // As if they were in a namespace of their own.
      kernelPid: (pid) => {
        if (pid < 0) throw new Error(`there is no process ${pid}`);
        return pid + 1000;
      },
      takeMark: (array) => this.store.takeMark(array),
      warn: (message) => this.warnings.push(message),
    });
  }

  hear(...events: (Omit<MappingEvent, "time" | "range"> & { parent?: number })[]): void {
    this.tables.hear(events as unknown as MappingEvent[]);
  }

  get seen(): Record<number, Starts> {
    return Object.fromEntries(this.store.seen);
  }
}

function worldWith(processes: Record<number, Starts>, room?: number): World {
  const world = new World(room);
  for (const [pid, starts] of Object.entries(processes)) world.processes.set(Number(pid), starts);
  return world;
}

describe("processes that are followed", () => {
  it("have a table by their kernel's number, after the files that it names", () => {
    const world = worldWith({ 1: [10, 20], 2: [30] });
    world.tables.follow(1);
    expect(world.seen).toEqual({ 1001: [10, 20] });
    expect(world.store.log).toEqual(["flush", "put 1001"]);
  });

  it("get another when they map or execute something", () => {
    const world = worldWith({ 1: [10] });
    world.tables.follow(1);
    world.processes.set(1, [10, 20]);
    world.hear({ kind: "map", pid: 1 });
    expect(world.seen).toEqual({ 1001: [10, 20] });
    world.processes.set(1, [40]);
    world.hear({ kind: "exec", pid: 1 }, { kind: "map", pid: 1 });
    expect(world.seen).toEqual({ 1001: [40] });
    expect(world.store.open).toBe(1);
  });

  it("keep theirs when nothing of it has changed", () => {
    const world = worldWith({ 1: [10] });
    world.tables.follow(1);
    world.hear({ kind: "map", pid: 1 });
    world.tables.follow(1);
    expect(world.store.log.filter((line) => line !== "flush")).toEqual(["put 1001"]);
  });

  it("are no others", () => {
    const world = worldWith({ 1: [10], 2: [20], 3: [20] });
    world.tables.follow(1);
    world.hear(
      { kind: "map", pid: 2 },
      { kind: "fork", pid: 3, parent: 2 },
      { kind: "exec", pid: 3 },
      { kind: "exit", pid: 2 },
    );
    expect(world.seen).toEqual({ 1001: [10] });
  });

  it("have children with the same table, until these change", () => {
    const world = worldWith({ 1: [10], 2: [10], 3: [10] });
    world.tables.follow(1);
    world.hear({ kind: "fork", pid: 2, parent: 1 }, { kind: "fork", pid: 3, parent: 2 });
    expect(world.seen).toEqual({ 1001: [10], 1002: [10], 1003: [10] });
    expect(world.store.open).toBe(1);
    world.processes.set(2, [20]);
    world.hear({ kind: "exec", pid: 2 });
    expect(world.seen).toEqual({ 1001: [10], 1002: [20], 1003: [10] });
    expect(world.store.open).toBe(2);
  });

  it("have children that see what was mapped right before", () => {
    const world = worldWith({ 1: [10], 2: [10, 20] });
    world.tables.follow(1);
    world.processes.set(1, [10, 20]);
    world.hear({ kind: "map", pid: 1 }, { kind: "fork", pid: 2, parent: 1 });
    expect(world.seen).toEqual({ 1001: [10, 20], 1002: [10, 20] });
  });

  it("keep their table when they have ended before it was looked at them", () => {
    const world = worldWith({ 1: [10] });
    world.tables.follow(1);
    world.processes.delete(1);
    world.hear({ kind: "map", pid: 1 }, { kind: "exit", pid: 1 });
    expect(world.seen).toEqual({ 1001: [10] });
  });

  it("lose it to whoever gets their number", () => {
    const world = worldWith({ 1: [10], 2: [20] });
    world.tables.follow(1);
    world.hear({ kind: "exit", pid: 1 }, { kind: "fork", pid: 1, parent: 2 }, { kind: "map", pid: 1 });
    expect(world.seen).toEqual({});
    expect(world.store.open).toBe(0);
  });

  it("are followed again under a number that was given back", () => {
    const world = worldWith({ 1: [10], 2: [20] });
    world.tables.follow(1);
    world.hear({ kind: "fork", pid: 2, parent: 1 }, { kind: "exit", pid: 2 }, { kind: "fork", pid: 2, parent: 1 });
    expect(world.seen).toEqual({ 1001: [10], 1002: [10] });
  });

  it("are forgotten when many have ended", () => {
    const pids = Array.from({ length: 600 }, (_, i) => i + 2);
    const world = worldWith({ 1: [10] }, 10_000);
    world.tables.follow(1);
    for (const pid of pids) world.hear({ kind: "fork", pid, parent: 1 }, { kind: "exit", pid });
    expect(world.store.seen.size).toBeLessThan(513);
    expect(world.seen[1001]).toEqual([10]);
    expect(world.seen[1601]).toEqual([10]);
    expect(world.seen[1002]).toBeUndefined();
  });

  it("are no more than there is room for; those that have ended make room", () => {
    const world = worldWith({ 1: [10], 5: [50] }, 3);
    world.tables.follow(1);
    world.hear(...[2, 3, 4].map((pid) => ({ kind: "fork", pid, parent: 1 }) as const));
    expect(Object.keys(world.seen)).toEqual(["1001", "1002", "1003"]);
    expect(world.warnings).toEqual(["stacks of more than 3 processes cannot be unwound at a time"]);
    world.hear({ kind: "fork", pid: 6, parent: 1 }, { kind: "exit", pid: 3 }, { kind: "fork", pid: 4, parent: 1 });
    expect(Object.keys(world.seen)).toEqual(["1001", "1002", "1004"]);
    expect(world.warnings).toHaveLength(1);
  });

  it("are read anew where a program has met code that is not in their table", () => {
    const world = worldWith({ 1: [10], 2: [10], 3: [30] });
    world.tables.follow(1);
    world.tables.follow(3);
    world.hear({ kind: "fork", pid: 2, parent: 1 });
    for (const pid of [1, 2, 3]) world.processes.set(pid, [pid, 77]);
    world.tables.lookAgain();
    expect(world.seen).toEqual({ 1001: [10], 1002: [10], 1003: [30] });
    world.store.mark(1002);
    world.tables.lookAgain();
    expect(world.seen).toEqual({ 1001: [1, 77], 1002: [2, 77], 1003: [30] });
  });

  it("keep their table when they are marked and gone", () => {
    const world = worldWith({ 1: [10] });
    world.tables.follow(1);
    world.store.mark(1001);
    world.processes.delete(1);
    world.hear({ kind: "exit", pid: 1 });
    world.tables.lookAgain();
    expect(world.seen).toEqual({ 1001: [10] });
  });

  it("must exist when they are asked for, and their children need not any more", () => {
    const world = worldWith({ 1: [10] });
    expect(() => world.tables.follow(-1)).toThrow("there is no process -1");
    world.tables.follow(1);
    world.hear({ kind: "fork", pid: -2, parent: 1 }, { kind: "exec", pid: -2 });
    expect(world.seen).toEqual({ 1001: [10] });
  });

  it("may have nothing mapped yet", () => {
    const world = worldWith({ 1: [] });
    world.tables.follow(1);
    expect(world.seen).toEqual({});
    world.processes.set(1, [10]);
    world.hear({ kind: "exec", pid: 1 });
    expect(world.seen).toEqual({ 1001: [10] });
  });

  it("are let go of at the end", () => {
    const world = worldWith({ 1: [10], 2: [20] });
    world.tables.follow(1);
    world.tables.follow(2);
    world.hear({ kind: "fork", pid: 3, parent: 1 });
    world.tables.close();
    expect(world.store.open).toBe(0);
  });
});
