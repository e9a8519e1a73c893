import { beforeEach, describe, expect, it } from "vitest";
import {
  batchPositionSize,
  countCpus,
  Fd,
  MapFd,
  MapFlag,
  type MapSpec,
  MapType,
  mapCreate,
  mapDelete,
  mapDeleteBatch,
  mapFreeze,
  mapGetNextKey,
  mapInfo,
  mapLookup,
  mapLookupAndDelete,
  mapLookupBatch,
  mapUpdate,
  mapUpdateBatch,
  objectName,
  openFds,
  possibleCpus,
  UpdateFlag,
} from "../../native/index.ts";
import { describeKernel } from "../support/privileges.ts";
import { expectNoLeaks } from "./support/leaks.ts";
import { isOlderThan } from "./support/release.ts";
import { errorOf, fromU32, fromU64, u32, u64 } from "./support/values.ts";

const HASH: MapSpec = { type: MapType.HASH, keySize: 4, valueSize: 8, maxEntries: 4, name: "h" };

describe("names of objects", () => {
  it.each([
    ["counts", "counts"],
    ["@reads[pid]", "_reads_pid_"],
    ["a_very_long_name_indeed", "a_very_long_nam"],
    ["", ""],
    ["naïve", "na_ve"],
  ])("%s becomes %s", (name, kept) => expect(objectName(name)).toBe(kept));
});

describe("lists of CPUs", () => {
  it.each([
    ["0\n", 1],
    ["0-3", 4],
    ["0-1,4,8-11", 7],
  ])("%s", (list, count) => expect(countCpus(list)).toBe(count));
  it.each(["", "x", "3-1"])("refuses %s", (list) => expect(() => countCpus(list)).toThrow("not a list of CPUs"));
});

describeKernel("maps", () => {
  expectNoLeaks();

  it.each([
    ["HASH", HASH],
    ["ARRAY", { ...HASH, type: MapType.ARRAY }],
    ["PERCPU_HASH", { ...HASH, type: MapType.PERCPU_HASH }],
    ["PERCPU_ARRAY", { ...HASH, type: MapType.PERCPU_ARRAY }],
    ["LRU_HASH", { ...HASH, type: MapType.LRU_HASH, maxEntries: 128 }],
    ["STACK_TRACE", { ...HASH, type: MapType.STACK_TRACE, valueSize: 8 * 127 }],
    ["PERF_EVENT_ARRAY", { ...HASH, type: MapType.PERF_EVENT_ARRAY, valueSize: 4 }],
    ["PROG_ARRAY", { ...HASH, type: MapType.PROG_ARRAY, valueSize: 4 }],
    ["QUEUE", { ...HASH, type: MapType.QUEUE, keySize: 0 }],
    ["RINGBUF", { ...HASH, type: MapType.RINGBUF, keySize: 0, valueSize: 0, maxEntries: 4096 }],
    ["HASH without preallocation", { ...HASH, flags: MapFlag.NO_PREALLOC }],
    ["mmapable ARRAY", { ...HASH, type: MapType.ARRAY, flags: MapFlag.MMAPABLE }],
  ])("creates a %s", (_, spec) => expectCreated(spec));

  it.skipIf(isOlderThan(5, 16))("creates a bloom filter", () => {
    expectCreated({ ...HASH, type: MapType.BLOOM_FILTER, keySize: 0, extra: 3n });
  });

  function expectCreated(spec: MapSpec): void {
    using map = mapCreate(spec);
    const { type, keySize, valueSize, maxEntries } = spec;
    expect(mapInfo(map)).toMatchObject({ type, keySize, valueSize, name: "h" });
    expect(mapInfo(map).maxEntries).toBeGreaterThanOrEqual(maxEntries);
  }

  it.each([
    ["an unknown type", { ...HASH, type: 9999 }, "EINVAL"],
    ["no entries", { ...HASH, maxEntries: 0 }, "EINVAL"],
    ["no key", { ...HASH, keySize: 0 }, "EINVAL"],
    ["an array with a key that is no u32", { ...HASH, type: MapType.ARRAY, keySize: 8 }, "EINVAL"],
    ["a ring of half a page", { ...HASH, type: MapType.RINGBUF, keySize: 0, valueSize: 0, maxEntries: 2048 }, "EINVAL"],
    ["unknown flags", { ...HASH, flags: 1 << 30 }, "EINVAL"],
    ["a value beyond all bounds", { ...HASH, valueSize: 0x7fff_ffff }, "E2BIG"],
  ])("refuses %s", (_, spec, code) => {
    const error = errorOf(() => mapCreate(spec));
    expect(error).toMatchObject({ operation: "BPF_MAP_CREATE", code, object: { map: "h" } });
    expect(openFds()).toEqual([]);
  });

  it("looks up, updates and deletes", () => {
    using map = mapCreate(HASH);
    const value = new Uint8Array(8);
    expect(mapLookup(map, u32(1), value)).toBe(false);
    mapUpdate(map, u32(1), u64(42n));
    expect(mapLookup(map, u32(1), value)).toBe(true);
    expect(fromU64(value)).toEqual([42n]);
    expect(mapDelete(map, u32(1))).toBe(true);
    expect(mapDelete(map, u32(1))).toBe(false);
  });

  it("takes views into larger buffers", () => {
    using map = mapCreate(HASH);
    const buffer = new Uint8Array(32);
    mapUpdate(map, u32(7), u64(9n));
    mapLookup(map, new Uint8Array(u32(0, 7).buffer, 4, 4), buffer.subarray(16, 24));
    expect(fromU64(buffer)).toEqual([0n, 0n, 9n, 0n]);
  });

  it.skipIf(isOlderThan(5, 14))("looks up and deletes in one step", () => {
    using map = mapCreate(HASH);
    const value = new Uint8Array(8);
    mapUpdate(map, u32(1), u64(5n));
    expect(mapLookupAndDelete(map, u32(1), value)).toBe(true);
    expect(fromU64(value)).toEqual([5n]);
    expect(mapLookupAndDelete(map, u32(1), value)).toBe(false);
  });

  it("pops a queue without a key", () => {
    using map = mapCreate({ ...HASH, type: MapType.QUEUE, keySize: 0 });
    const none = new Uint8Array(0);
    const value = new Uint8Array(8);
    mapUpdate(map, none, u64(1n));
    mapUpdate(map, none, u64(2n));
    expect(mapLookupAndDelete(map, none, value)).toBe(true);
    expect(fromU64(value)).toEqual([1n]);
  });

  it.each([
    [UpdateFlag.NOEXIST, 1, "EEXIST"],
    [UpdateFlag.EXIST, 2, "ENOENT"],
    [1 << 20, 1, "EINVAL"],
  ])("honours the update flag %i", (flag, key, code) => {
    using map = mapCreate(HASH);
    mapUpdate(map, u32(1), u64(1n));
    expect(errorOf(() => mapUpdate(map, u32(key), u64(1n), flag))).toMatchObject({
      code,
      object: { descriptor: "map h" },
    });
  });

  it("says E2BIG when it is full", () => {
    using map = mapCreate(HASH);
    for (let key = 0; key < 4; key++) mapUpdate(map, u32(key), u64(1n));
    expect(errorOf(() => mapUpdate(map, u32(4), u64(1n)))).toMatchObject({ code: "E2BIG" });
  });

  it("walks all keys", () => {
    using map = mapCreate(HASH);
    for (const key of [3, 1, 2]) mapUpdate(map, u32(key), u64(1n));
    const seen: number[] = [];
    const key = new Uint8Array(4);
    for (let more = mapGetNextKey(map, null, key); more; more = mapGetNextKey(map, key, key))
      seen.push(...fromU32(key));
    expect(seen.sort()).toEqual([1, 2, 3]);
  });

  it("finds no key in an empty map", () => {
    using map = mapCreate(HASH);
    expect(mapGetNextKey(map, null, new Uint8Array(4))).toBe(false);
  });

  it("keeps a value for every possible CPU", () => {
    using map = mapCreate({ ...HASH, type: MapType.PERCPU_ARRAY, valueSize: 4 });
    expect(map).toMatchObject({ valueStride: 8, userValueSize: 8 * possibleCpus() });
    const values = u64(...Array.from({ length: possibleCpus() }, (_, cpu) => BigInt(cpu + 10)));
    mapUpdate(map, u32(2), values);
    const read = new Uint8Array(map.userValueSize);
    expect(mapLookup(map, u32(2), read)).toBe(true);
    expect(fromU64(read)).toEqual(fromU64(values));
  });

  it("nests maps", () => {
    using inner = mapCreate({ ...HASH, name: "inner" });
    using outer = mapCreate({ ...HASH, type: MapType.HASH_OF_MAPS, valueSize: 4, innerMap: inner });
    mapUpdate(outer, u32(1), u32(inner.value));
    const id = new Uint8Array(4);
    expect(mapLookup(outer, u32(1), id)).toBe(true);
    expect(fromU32(id)).toEqual([mapInfo(inner).id]);
  });

  it("refuses writes once frozen", () => {
    using map = mapCreate({ ...HASH, type: MapType.ARRAY });
    mapFreeze(map);
    expect(errorOf(() => mapUpdate(map, u32(0), u64(1n)))).toMatchObject({ code: "EPERM" });
  });

  it.each([
    ["lookup with a short key", (map: MapFd) => mapLookup(map, new Uint8Array(3), new Uint8Array(8))],
    ["lookup with a short value", (map: MapFd) => mapLookup(map, new Uint8Array(4), new Uint8Array(7))],
    ["lookup with a long value", (map: MapFd) => mapLookup(map, new Uint8Array(4), new Uint8Array(16))],
    ["update with a short value", (map: MapFd) => mapUpdate(map, new Uint8Array(4), new Uint8Array(0))],
    ["delete with a long key", (map: MapFd) => mapDelete(map, new Uint8Array(8))],
    ["next key into too little", (map: MapFd) => mapGetNextKey(map, null, new Uint8Array(2))],
    ["pop into too little", (map: MapFd) => mapLookupAndDelete(map, new Uint8Array(4), new Uint8Array(2))],
    ["batch into too few keys", (map: MapFd) => batchOf(map, 4, { keys: 12 })],
    ["batch into too few values", (map: MapFd) => batchOf(map, 4, { values: 24 })],
    ["batch with too short a position", (map: MapFd) => batchOf(map, 4, { position: 2 })],
    ["update of more than is there", (map: MapFd) => mapUpdateBatch(map, u32(1), u64(1n), 2)],
    ["deletion of more than is there", (map: MapFd) => mapDeleteBatch(map, u32(1), 2)],
  ])("checks sizes before the kernel sees them: %s", (_, action) => {
    using map = mapCreate(HASH);
    expect(() => action(map)).toThrow(RangeError);
  });

  function batchOf(map: MapFd, count: number, room: { keys?: number; values?: number; position?: number } = {}) {
    const position = new Uint8Array(room.position ?? batchPositionSize(map));
    const keys = new Uint8Array(room.keys ?? 4 * count);
    const values = new Uint8Array(room.values ?? map.userValueSize * count);
    return { ...mapLookupBatch(map, null, position, keys, values, count), position, keys, values };
  }

  describe("in batches", () => {
    let filled: () => MapFd;
    beforeEach(() => {
      filled = () => {
        const map = mapCreate({ ...HASH, maxEntries: 1000 });
        const keys = u32(...Array.from({ length: 1000 }, (_, i) => i));
        mapUpdateBatch(map, keys, u64(...Array.from({ length: 1000 }, (_, i) => BigInt(i * 2))), 1000);
        return map;
      };
    });

    it("reads everything in one", () => {
      using map = filled();
      const { count, done, keys, values } = batchOf(map, 1000);
      expect({ count, done }).toEqual({ count: 1000, done: true });
      expect(fromU64(values)).toEqual(fromU32(keys).map((key) => BigInt(key * 2)));
      expect(new Set(fromU32(keys)).size).toBe(1000);
    });

    it("reads everything in several", () => {
      using map = filled();
      const seen = new Set<number>();
      const keys = new Uint8Array(4 * 100);
      const values = new Uint8Array(8 * 100);
      let position: Uint8Array | null = null;
      for (let done = false; !done; ) {
        const next = new Uint8Array(batchPositionSize(map));
        const result = mapLookupBatch(map, position, next, keys, values, 100);
        for (const key of fromU32(keys).slice(0, result.count)) seen.add(key);
        done = result.done;
        position = next;
      }
      expect(seen.size).toBe(1000);
    });

    it("finds nothing in an empty map", () => {
      using map = mapCreate(HASH);
      expect(batchOf(map, 4)).toMatchObject({ count: 0, done: true });
    });

    it("reads per-CPU values", () => {
      using map = mapCreate({ ...HASH, type: MapType.PERCPU_HASH });
      const value = u64(...Array.from({ length: possibleCpus() }, (_, cpu) => BigInt(cpu)));
      mapUpdate(map, u32(3), value);
      const { count, values } = batchOf(map, 4);
      expect(count).toBe(1);
      expect(values.subarray(0, map.userValueSize)).toEqual(value);
    });

    it("deletes", () => {
      using map = filled();
      expect(mapDeleteBatch(map, u32(1, 2, 3), 3)).toBe(3);
      expect(batchOf(map, 1000).count).toBe(997);
    });

    it("stops deleting at a key that is not there, and says how far it came", () => {
      using map = filled();
      expect(mapDeleteBatch(map, u32(1, 5000, 3), 3)).toBe(1);
    });

    it("says how many it stored before the map was full", () => {
      using map = mapCreate(HASH);
      const error = errorOf(() => mapUpdateBatch(map, u32(1, 2, 3, 4, 5, 6), u64(1n, 1n, 1n, 1n, 1n, 1n), 6));
      expect(error).toMatchObject({ code: "E2BIG", object: { stored: 4 } });
    });

    it("is refused by maps that have none", () => {
      using map = mapCreate({ ...HASH, type: MapType.QUEUE, keySize: 0 });
      const call = () => mapLookupBatch(map, null, new Uint8Array(4), new Uint8Array(0), new Uint8Array(8), 1);
      expect(errorOf(call)).toMatchObject({ code: "ENOTSUPP" });
    });
  });

  it("does not use a descriptor that is closed, not even when its number is in use again", () => {
    const map = mapCreate(HASH);
    const number = map.value;
    map.close();
    using other = mapCreate(HASH);
    expect(other.value).toBe(number);
    expect(errorOf(() => mapLookup(map, u32(1), new Uint8Array(8)))).toMatchObject({ code: "EBADF" });
  });

  it("may be closed twice, and closes only once", () => {
    const map = mapCreate(HASH);
    map.close();
    using other = mapCreate(HASH);
    map.close();
    expect(map.closed).toBe(true);
    expect(mapLookup(other, u32(1), new Uint8Array(8))).toBe(false);
  });

  it("lists what is open, with labels", () => {
    using _first = mapCreate({ ...HASH, name: "first" });
    using _second = mapCreate({ ...HASH, name: "@second" });
    expect(openFds().map((fd) => fd.label)).toEqual(["map first", "map @second"]);
  });

  it("hands its number over and then knows it no more", () => {
    const map = mapCreate(HASH);
    const number = map.take();
    expect(map.closed).toBe(true);
    map.close();
    using again = new MapFd(number, "again", HASH);
    expect(mapLookup(again, u32(1), new Uint8Array(8))).toBe(false);
  });

  it("says EBADF for a number that is no descriptor", () => {
    const stray = new MapFd(1_000_000, "stray", HASH);
    expect(errorOf(() => mapLookup(stray, u32(1), new Uint8Array(8)))).toMatchObject({ errno: 9 });
    stray.close();
  });

  it("says EINVAL for a descriptor that is no map", () => {
    const stdin = new Fd(0, "stdin");
    expect(errorOf(() => mapInfo(stdin))).toMatchObject({ code: "EINVAL" });
    stdin.take();
  });
});
