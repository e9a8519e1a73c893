/** Creates the kernel maps that a compiled program names, with read-only data written and frozen. */
import { readFileSync } from "node:fs";
import {
  type AttachTarget,
  type CompiledProgram,
  codeOf,
  type KernelMap,
  type KernelMapType,
} from "../../compiler/program.ts";
import { type MapFd, MapFlag, MapType, mapCreate, mapFreeze, mapUpdate } from "../../native/index.ts";
import { pageSize } from "./page-size.ts";

const MAP_TYPES: Readonly<Record<KernelMapType, number>> = {
  hash: MapType.HASH,
  array: MapType.ARRAY,
  percpu_hash: MapType.PERCPU_HASH,
  percpu_array: MapType.PERCPU_ARRAY,
  lru_hash: MapType.LRU_HASH,
  lru_percpu_hash: MapType.LRU_PERCPU_HASH,
  ringbuf: MapType.RINGBUF,
  stack_trace: MapType.STACK_TRACE,
  prog_array: MapType.PROG_ARRAY,
  hash_of_maps: MapType.HASH_OF_MAPS,
  array_of_maps: MapType.ARRAY_OF_MAPS,
  perf_event_array: MapType.PERF_EVENT_ARRAY,
};

/** Creates one of the program's maps. Throws SysError; nothing is left open then. */
export function createMap(map: KernelMap, compiled: CompiledProgram): MapFd {
  // What maps of maps take is told by an example, which the kernel looks at only now.
  using innerMap = map.inner && createInnerArray(map.name, map.inner.valueSize, 1);
  const fd = mapCreate({
    name: map.name,
    type: MAP_TYPES[map.type],
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.maxEntries === "auto" ? ringBytes(compiled) : map.maxEntries,
    flags: map.flags,
    ...(innerMap && { innerMap }),
  });
  try {
    if (map.initial !== undefined) {
      mapUpdate(fd, new Uint8Array(map.keySize), map.initial);
      mapFreeze(fd);
    }
    return fd;
  } catch (error) {
    fd.close();
    throw error;
  }
}

/** An array that can be put into a map of maps, whatever its length, and is filled as memory: a million entries take 0.1 s and not 0.5. */
export function createInnerArray(name: string, valueSize: number, maxEntries: number): MapFd {
  const flags = MapFlag.INNER_MAP | MapFlag.MMAPABLE;
  return mapCreate({ name, type: MapType.ARRAY, keySize: 4, valueSize, maxEntries, flags });
}

/**
 * Size of a ring buffer on a machine with that much memory to spare: 8 MiB for records that come with every event, 1 MiB
 * for others, less on a small machine, never below 256 KiB; a power of two. The difference can be felt: the buffer is
 * mapped twice in a row, page by page, which takes milliseconds and counts as memory of this process.
 */
export function ringBufferBytes(availableKiB: number, often: boolean): number {
  const kib = Math.min(often ? 8 * 1024 : 1024, Math.max(256, availableKiB / 16));
  return 2 ** Math.floor(Math.log2(kib)) * 1024;
}

function ringBytes(compiled: CompiledProgram): number {
  const { ringPages } = compiled.config;
  if (ringPages === 0) return ringBufferBytes(availableKiB(), printsOften(compiled));
  return Math.min(powerOfTwo(ringPages) * pageSize(), MOST_RING_BYTES);
}

/** What the number of a map's entries, which is that of a ring's bytes, can say. */
const MOST_RING_BYTES = 2 ** 31;

/**
 * Size of the ring that a CPU has for packets, of which one can be 64 KiB large. All rings together have the pages that were asked
 * for, as one has that is shared; or else as much as one that is written to often.
 */
export function packetRingBytes(pages: number, cpus: number, page = pageSize(), free = availableKiB()): number {
  if (pages > 0) return powerOfTwo(Math.ceil(pages / cpus)) * page;
  return Math.max(powerOfTwo(Math.ceil(ringBufferBytes(free, true) / cpus)), LEAST_PACKET_RING);
}

const LEAST_PACKET_RING = 256 * 1024;

/** The least that is no less. */
function powerOfTwo(number: number): number {
  return 2 ** Math.ceil(Math.log2(number));
}

/** Whether the events of the system, and not only of a clock, put records into the ring buffer. */
function printsOften({ programs, ringBuffer }: CompiledProgram): boolean {
  return programs
    .filter(({ attach }) => !SELDOM.has(attach.kind))
    .flatMap(codeOf)
    .some(({ relocations }) => relocations.some((r) => r.kind === "map" && r.map === ringBuffer));
}

const SELDOM: ReadonlySet<AttachTarget["kind"]> = new Set(["begin", "end", "interval"]);

function availableKiB(): number {
  const found = /^MemAvailable:\s*(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"));
  return found ? Number(found[1]) : 0;
}
