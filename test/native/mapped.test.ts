import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  MapFlag,
  MappedArray,
  type MapSpec,
  MapType,
  mapCreate,
  mapFile,
  mapFreeze,
  mapLookup,
  mapUpdate,
} from "../../native/index.ts";
import { describeKernel } from "../support/privileges.ts";
import { expectNoLeaks } from "./support/leaks.ts";
import { errorOf, fromU64, u32, u64 } from "./support/values.ts";

const ARRAY: MapSpec = {
  type: MapType.ARRAY,
  keySize: 4,
  valueSize: 8,
  maxEntries: 1000,
  flags: MapFlag.MMAPABLE,
  name: "m",
};

describe("mapped files", () => {
  expectNoLeaks();

  it("show what the file holds", () => {
    const path = fileURLToPath(import.meta.url);
    expect(Buffer.from(mapFile(path)).equals(readFileSync(path))).toBe(true);
  });

  it.each([
    ["/dev", "ENODEV"],
    ["/proc/self/status", "EINVAL"], // which pretends to be empty
  ])("%s: %s", (path, code) => expect(errorOf(() => mapFile(path))).toMatchObject({ code }));

  it("must exist", () => expect(() => mapFile("/nonexistent")).toThrow("ENOENT"));
});

describeKernel("mapped arrays", () => {
  expectNoLeaks();

  it("show what the map holds", () => {
    using map = mapCreate(ARRAY);
    mapUpdate(map, u32(3), u64(77n));
    using memory = new MappedArray(map);
    expect(memory.length).toBe(8000);
    expect(memory.bytes.length).toBe(8000);
    expect(memory.view.getBigUint64(24, true)).toBe(77n);
    mapUpdate(map, u32(3), u64(78n));
    expect(memory.view.getBigUint64(24, true)).toBe(78n);
  });

  it("write through", () => {
    using map = mapCreate(ARRAY);
    using memory = new MappedArray(map);
    memory.view.setBigUint64(999 * 8, 5n, true);
    const value = new Uint8Array(8);
    mapLookup(map, u32(999), value);
    expect(fromU64(value)).toEqual([5n]);
  });

  it("pad values to eight bytes", () => {
    using map = mapCreate({ ...ARRAY, valueSize: 12, maxEntries: 3 });
    using memory = new MappedArray(map);
    mapUpdate(map, u32(1), new Uint8Array(12).fill(9));
    expect(memory.length).toBe(48);
    expect([memory.bytes[15], memory.bytes[16], memory.bytes[27], memory.bytes[28]]).toEqual([0, 9, 9, 0]);
  });

  it("live on after the map's descriptor", () => {
    using map = mapCreate(ARRAY);
    using memory = new MappedArray(map);
    map.close();
    memory.view.setUint8(0, 1);
    expect(memory.bytes[0]).toBe(1);
  });

  it("throw instead of touching memory that is gone", () => {
    using map = mapCreate(ARRAY);
    const memory = new MappedArray(map);
    const { bytes, view } = memory;
    memory.close();
    memory.close();
    expect(memory.closed).toBe(true);
    expect(() => memory.view).toThrow(TypeError);
    expect(() => memory.bytes).toThrow("the memory of map m is no longer mapped");
    expect(() => view.getUint8(0)).toThrow(TypeError);
    expect(bytes.length).toBe(0);
    expect(bytes[0]).toBe(undefined);
    bytes[0] = 1;
    expect(() => bytes.fill(1)).toThrow(TypeError);
    expect(bytes.buffer.byteLength).toBe(0);
  });

  // Some versions of Node let memory go that they do not own, and others refuse.
  it.each([
    ["by structuredClone", (buffer: ArrayBuffer) => structuredClone(buffer, { transfer: [buffer] })],
    ["by ArrayBuffer.transfer", (buffer: ArrayBuffer & { transfer?(): ArrayBuffer }) => buffer.transfer?.()],
  ])("stay mapped for a buffer that was transferred: %s", (_, transfer) => {
    using map = mapCreate(ARRAY);
    const memory = new MappedArray(map);
    memory.view.setUint8(0, 7);
    const { buffer } = memory.bytes;
    let moved: ArrayBuffer | undefined;
    try {
      moved = transfer(buffer);
    } catch (error) {
      expect((error as Error).name).toBe("DataCloneError");
    }
    memory.close();
    expect(buffer.byteLength).toBe(0);
    if (moved !== undefined) expect(new Uint8Array(moved)[0]).toBe(7);
  });

  it("may be forgotten", () => {
    using map = mapCreate(ARRAY);
    for (let i = 0; i < 100; i++) new MappedArray(map);
  });

  describe("are refused for", () => {
    it("a map of another type", () => {
      using map = mapCreate({ ...ARRAY, type: MapType.HASH, flags: 0 });
      expect(() => new MappedArray(map)).toThrow(RangeError);
    });

    it("an array that is not mmapable", () => {
      using map = mapCreate({ ...ARRAY, flags: 0 });
      expect(errorOf(() => new MappedArray(map)).code).toMatch(/ENOTSUPP|EINVAL/);
    });

    it("a frozen map", () => {
      using map = mapCreate(ARRAY);
      mapFreeze(map);
      expect(errorOf(() => new MappedArray(map)).code).toBe("EPERM");
    });

    it("a map that is closed", () => {
      const map = mapCreate(ARRAY);
      map.close();
      expect(errorOf(() => new MappedArray(map)).code).toBe("EBADF");
    });
  });

  it("keep a map from being frozen while they can write", () => {
    using map = mapCreate(ARRAY);
    using _memory = new MappedArray(map);
    expect(errorOf(() => mapFreeze(map)).code).toBe("EBUSY");
  });
});
