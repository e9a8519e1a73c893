/**
 * Writes down what code processes map from now on, so that their addresses have names when they are gone: the kernel
 * tells of every file that is mapped as code, of every exec and every fork, as it does for a profiler. Processes that
 * run already are read from /proc, a few at a time.
 */
import {
  type Fd,
  PerfRing,
  PerfSoftware,
  PerfType,
  Poller,
  perfEnable,
  perfEventOpen,
  type RecordVisitor,
  SysError,
} from "../../../native/index.ts";
import { onlineCpus } from "../cpus.ts";
import { allProcesses, readMappings } from "../facts/processes.ts";
import { pageSize } from "../page-size.ts";
import { type MappingEvent, parseMappingEvent } from "./mapping-events.ts";
import { MemoryMap } from "./memory-map.ts";
import type { MappingRecord } from "./user-symbols.ts";

const RING_BYTES = 128 * 1024;
/** The rings are emptied this often; each has room for a thousand mappings. */
const PERIOD_MS = 100;
/** Whoever listens hears in groups of what is told within so short a time. */
const PAUSE_MS = 1;
/** How long to read /proc in a row. */
const SLICE_MS = 5;
/** Processes that are remembered after their end, more than any stack that is printed is likely to be of. */
const MAX_GONE = 4096;
/** PERF_SAMPLE_TIME, for the order of records from several CPUs. */
const SAMPLE_TIME = 1n << 2n;

/** Receives, in the order of time, what the kernel has told since the last time. */
export type MappingListener = (events: readonly MappingEvent[]) => void;

export class ProcessMappings implements MappingRecord {
  readonly #events: Fd[] = [];
  readonly #rings: PerfRing[] = [];
  readonly #maps = new Map<number, MemoryMap>();
  /** Processes that have ended, oldest first. */
  readonly #gone = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  readonly #listener: MappingListener | undefined;
  readonly #pollers: Poller[] = [];
  #soon: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(pageSize: number, listener: MappingListener | undefined) {
    this.#listener = listener;
    try {
      for (const cpu of onlineCpus()) {
        const event = perfEventOpen({ ...WHAT_TO_NOTE, ...(listener && WAKING), cpu });
        this.#events.push(event);
        this.#rings.push(new PerfRing(event, RING_BYTES, pageSize));
        if (listener) this.#watch(event);
      }
      for (const event of this.#events) perfEnable(event);
    } catch (error) {
      this.#release();
      throw error;
    }
    this.#timer = setInterval(() => this.drain(), PERIOD_MS).unref();
  }

  /**
   * Begins to write down; undefined where the kernel does not let us. With `pid` only that one is read from /proc. `listener` hears what
   * is told from now on, as soon as it is.
   */
  static open(pid?: number, listener?: MappingListener): ProcessMappings | undefined {
    try {
      const record = new ProcessMappings(pageSize(), listener);
      record.#readRunning(pid === undefined ? allProcesses() : [pid]);
      return record;
    } catch (error) {
      if (error instanceof SysError) return undefined;
      throw error;
    }
  }

  mapOf(pid: number): MemoryMap | undefined {
    this.drain();
    return this.#maps.get(pid);
  }

  #watch(event: Fd): void {
    const poller = new Poller(event, () => this.#drainSoon());
    poller.unref();
    this.#pollers.push(poller);
  }

  #drainSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.drain();
    }, PAUSE_MS).unref();
  }

  close(): void {
    if (this.#closed) return;
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#release();
  }

  #release(): void {
    this.#closed = true;
    for (const poller of this.#pollers) poller.close();
    for (const ring of this.#rings) ring.close();
    for (const event of this.#events) event.close();
  }

  /** Takes in what the kernel has told up to now. */
  drain(): void {
    const events: MappingEvent[] = [];
    const visit: RecordVisitor = (view, offset, length) => {
      const event = parseMappingEvent(new DataView(view.buffer, view.byteOffset + offset, length));
      if (event) events.push(event);
    };
    for (const ring of this.#rings) ring.drain(visit);
    // Only the records of one CPU come in their order.
    events.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    for (const event of events) this.#note(event);
    if (events.length > 0) this.#listener?.(events);
  }

  #note(event: MappingEvent): void {
    switch (event.kind) {
      case "map": {
        const map = this.#maps.get(event.pid) ?? new MemoryMap(readMappings(event.pid));
        map.add(event.range);
        this.#maps.set(event.pid, map);
        return;
      }
      case "exec":
        this.#maps.set(event.pid, new MemoryMap());
        this.#gone.delete(event.pid);
        return;
      case "fork": {
        const parent = this.#maps.get(event.parent);
        if (parent) this.#maps.set(event.pid, parent.copy());
        else this.#maps.delete(event.pid);
        this.#gone.delete(event.pid);
        return;
      }
      case "exit":
        this.#forget(event.pid);
    }
  }

  #forget(pid: number): void {
    this.#gone.add(pid);
    if (this.#gone.size <= MAX_GONE) return;
    const [oldest] = this.#gone;
    this.#gone.delete(oldest!);
    this.#maps.delete(oldest!);
  }

  #readRunning(pids: readonly number[]): void {
    const waiting = [...pids];
    const slice = (): void => {
      const end = performance.now() + SLICE_MS;
      while (waiting.length > 0 && performance.now() < end && !this.#closed) {
        const pid = waiting.shift()!;
        if (!this.#maps.has(pid)) this.#readProcess(pid);
      }
      if (waiting.length > 0 && !this.#closed) setImmediate(slice).unref();
    };
    slice();
  }

  #readProcess(pid: number): void {
    const mappings = readMappings(pid).filter(({ executable }) => executable);
    if (mappings.length > 0) this.#maps.set(pid, new MemoryMap(mappings));
  }
}

const WHAT_TO_NOTE = {
  type: PerfType.SOFTWARE,
  config: PerfSoftware.DUMMY,
  sampleType: SAMPLE_TIME,
  sampleIdAll: true,
  mmap: true,
  mmap2: true,
  comm: true,
  commExec: true,
  task: true,
  disabled: true,
  name: "mappings",
} as const;

/** Each record wakes who waits for it, which costs the process that it is about a little. */
const WAKING = { watermark: true, wakeupEvents: 1 } as const;
