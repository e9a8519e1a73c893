import { ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Fd, MapFd, MapType, mapCreate, ProgType, progLoad, progTestRun, RingBuffer } from "../../native/index.ts";
import { describeKernel } from "../support/privileges.ts";
import { context, outputTo, submitEven } from "./support/instructions.ts";
import { expectNoLeaks } from "./support/leaks.ts";
import { errorOf } from "./support/values.ts";

const PAGE = 4096;
const ringMap = (maxEntries = PAGE): MapFd =>
  mapCreate({ type: MapType.RINGBUF, keySize: 0, valueSize: 0, maxEntries, name: "events" });
const load = (insns: Uint8Array): Fd =>
  progLoad({ type: ProgType.RAW_TRACEPOINT, insns, license: "GPL", name: "p" }).fd;

/** Runs the program with that argument; what it returned. */
const emit = (prog: Fd, value: number): number => progTestRun(prog, { ctxIn: context(BigInt(value)) }).retval;

/** Drains everything; every record must hold its value in all of its whole words. */
function values(ring: RingBuffer, size: number): number[] {
  const seen: number[] = [];
  ring.drain((view, offset, length) => {
    expect(length).toBe(size);
    const words = new Set(Array.from({ length: length >> 3 }, (_, i) => view.getBigUint64(offset + 8 * i, true)));
    expect(words.size).toBe(1);
    seen.push(Number([...words][0]));
  });
  return seen;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describeKernel("ring buffers", () => {
  expectNoLeaks();

  it("starts empty", () => {
    using map = ringMap();
    using ring = new RingBuffer(map);
    expect(ring.pendingBytes()).toBe(0);
    expect(values(ring, 8)).toEqual([]);
  });

  it.each([8, 9, 15, 16, 100])("brings records of %i bytes in order", (size) => {
    using map = ringMap();
    using ring = new RingBuffer(map);
    using prog = load(outputTo(map, size));
    for (const value of range(0, 5)) expect(emit(prog, value)).toBe(0);
    expect(ring.pendingBytes()).toBe(5 * (8 + Math.ceil(size / 8) * 8));
    expect(values(ring, size)).toEqual(range(0, 5));
    expect(ring.pendingBytes()).toBe(0);
    expect(values(ring, size)).toEqual([]);
  });

  it("keeps records whole that wrap around the end", () => {
    using map = ringMap();
    using ring = new RingBuffer(map);
    using prog = load(outputTo(map, 104)); // 112 bytes with the header, which do not divide 4096
    for (let round = 0; round < 50; round++) {
      const batch = range(round * 30, round * 30 + 30);
      for (const value of batch) expect(emit(prog, value)).toBe(0);
      expect(values(ring, 104)).toEqual(batch);
    }
  });

  it("refuses records when it is full, and takes them again after a drain", () => {
    using map = ringMap();
    using ring = new RingBuffer(map);
    using prog = load(outputTo(map, 104));
    const accepted = range(0, 100).filter((value) => emit(prog, value) === 0);
    expect(accepted).toEqual(range(0, 36));
    expect(emit(prog, 7) | 0).toBe(-11); // EAGAIN
    expect(values(ring, 104)).toEqual(accepted);
    expect(emit(prog, 7)).toBe(0);
    expect(values(ring, 104)).toEqual([7]);
  });

  it("passes over discarded records", () => {
    using map = ringMap();
    using ring = new RingBuffer(map);
    using prog = load(submitEven(map));
    for (const value of range(0, 9)) emit(prog, value);
    expect(values(ring, 8)).toEqual([0, 2, 4, 6, 8]);
    emit(prog, 1);
    expect(ring.pendingBytes()).toBe(16);
    expect(values(ring, 8)).toEqual([]);
    expect(ring.pendingBytes()).toBe(0);
  });

  it("brings more than fits into one copy", () => {
    using map = ringMap(1 << 20);
    using ring = new RingBuffer(map);
    using prog = load(outputTo(map, 504));
    for (const value of range(0, 2000)) emit(prog, value);
    expect(values(ring, 504)).toEqual(range(0, 2000));
  });

  it("goes on after a visitor that threw, or that had enough", () => {
    using map = ringMap();
    using ring = new RingBuffer(map);
    using prog = load(outputTo(map, 8));
    for (const value of range(0, 5)) emit(prog, value);
    const fail = () => {
      throw new Error("enough");
    };
    expect(() => ring.drain(fail)).toThrow("enough");
    expect(ring.drain(() => false)).toBe(1);
    expect(ring.pendingBytes()).toBe(3 * 16);
    expect(values(ring, 8)).toEqual([2, 3, 4]);
  });

  it("lets producers who never stop not hold the thread", () => {
    using map = ringMap();
    using ring = new RingBuffer(map);
    using prog = load(outputTo(map, 8));
    emit(prog, 0);
    const seen = ring.drain(() => emit(prog, 1));
    expect(seen).toBe(PAGE / 16);
    expect(values(ring, 8)).toEqual([1]);
  });

  it("can be drained from within a drain", () => {
    using map = ringMap();
    using ring = new RingBuffer(map);
    using prog = load(outputTo(map, 8));
    for (const value of range(0, 4)) emit(prog, value);
    const inner: number[] = [];
    expect(ring.drain(() => inner.push(...values(ring, 8)))).toBe(1);
    expect(inner).toEqual([1, 2, 3]);
  });

  it("is closed by a visitor without harm", () => {
    using map = ringMap();
    using ring = new RingBuffer(map);
    using prog = load(outputTo(map, 8));
    for (const value of range(0, 4)) emit(prog, value);
    expect(ring.drain(() => ring.close())).toBe(1);
    expect(ring.drain(() => true)).toBe(0);
    expect(ring.pendingBytes()).toBe(0);
    ring.close();
    expect(ring.closed).toBe(true);
  });

  it("blocks until there is something", () => {
    using map = ringMap();
    using ring = new RingBuffer(map);
    using prog = load(outputTo(map, 8));
    const start = performance.now();
    expect(ring.pollWait(30)).toBe(false);
    expect(performance.now() - start).toBeGreaterThan(25);
    emit(prog, 1);
    expect(ring.pollWait(-1)).toBe(true);
    values(ring, 8);
    expect(ring.pollWait(0)).toBe(false);
  });

  it("calls back from the event loop for as long as there is something", async () => {
    using map = ringMap();
    using ring = new RingBuffer(map);
    using prog = load(outputTo(map, 8));
    const seen: number[] = [];
    let calls = 0;
    ring.onReadable(() => {
      if (++calls > 1) seen.push(...values(ring, 8)); // the first call leaves them
    });
    for (const value of range(0, 3)) emit(prog, value);
    while (seen.length < 3) await setTimeout(1);
    expect(seen).toEqual([0, 1, 2]);
    const before = calls;
    await setTimeout(20);
    expect(calls).toBe(before);
    emit(prog, 9);
    while (seen.length < 4) await setTimeout(1);
    ring.offReadable();
    emit(prog, 9);
    await setTimeout(20);
    expect(seen).toEqual([0, 1, 2, 9]);
  });

  it.each([
    ["a map of another type", { type: MapType.HASH, keySize: 4, valueSize: 8, maxEntries: 4096 }],
    ["a queue", { type: MapType.QUEUE, keySize: 0, valueSize: 8, maxEntries: 4096 }],
  ])("refuses %s", (_, spec) => {
    using map = mapCreate({ ...spec, name: "m" });
    expect(() => new RingBuffer(map)).toThrow(RangeError);
  });

  it("refuses a map that is closed", () => {
    const map = ringMap();
    map.close();
    expect(errorOf(() => new RingBuffer(map)).code).toBe("EBADF");
  });

  it("refuses a size that is not the map's", () => {
    const map = ringMap();
    const { type, keySize, valueSize } = map;
    using wrong = new MapFd(map.take(), "wrong", { type, keySize, valueSize, maxEntries: 1 << 20 });
    expect(errorOf(() => new RingBuffer(wrong)).code).toMatch(/EINVAL|EPERM/);
  });
});

/** The kernel's layout in a file: what a busy producer looks like cannot be arranged with a real one. */
describe("the layout of a ring buffer", () => {
  const BUSY = 0x8000_0000;
  const DISCARD = 0x4000_0000;
  let folder: string;
  let file: number;
  let ring: RingBuffer;
  let map: MapFd;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-ring-"));
    file = openSync(join(folder, "ring"), "w+");
    ftruncateSync(file, 2 * PAGE + 2 * PAGE);
    map = new MapFd(file, "file", { type: MapType.RINGBUF, keySize: 0, valueSize: 0, maxEntries: PAGE });
    ring = new RingBuffer(map);
  });
  afterEach(() => {
    ring.close();
    map.close();
    rmSync(folder, { recursive: true });
  });

  const put = (position: number, length: number, text: string): void => {
    const record = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8);
    record.writeUInt32LE(length >>> 0);
    record.write(text, 8);
    writeSync(file, record, 0, record.length, 2 * PAGE + position);
  };
  const produced = (position: number): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(position));
    writeSync(file, bytes, 0, 8, PAGE);
  };
  const texts = (): string[] => {
    const seen: string[] = [];
    ring.drain((view, offset, length) => seen.push(Buffer.from(view.buffer, offset, length).toString()));
    return seen;
  };

  it("stops at a record that is being written, and goes on when it is done", () => {
    put(0, 3, "one");
    put(16, BUSY | 3, "two");
    put(32, 5, "three");
    produced(48);
    expect(texts()).toEqual(["one"]);
    expect(ring.pendingBytes()).toBe(32);
    expect(texts()).toEqual([]);
    put(16, 3, "two");
    expect(texts()).toEqual(["two", "three"]);
    expect(ring.pendingBytes()).toBe(0);
  });

  it("passes over what was discarded, and stops where that is being written too", () => {
    put(0, DISCARD | 3, "no!");
    put(16, 3, "yes");
    put(32, BUSY | DISCARD | 3, "???");
    produced(48);
    expect(texts()).toEqual(["yes"]);
    expect(ring.pendingBytes()).toBe(16);
  });

  it("brings records without content", () => {
    put(0, 0, "");
    put(8, 1, "x");
    produced(24);
    expect(texts()).toEqual(["", "x"]);
  });

  it("reads a record across the end in one piece", () => {
    // the second half of the data stands for the mirror image of the first
    put(PAGE - 16, 10, "0123456789");
    writeSync(file, Buffer.from("89"), 0, 2, 3 * PAGE);
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(PAGE - 16));
    writeSync(file, start, 0, 8, 0);
    produced(PAGE + 8);
    expect(texts()).toEqual(["0123456789"]);
  });
});
