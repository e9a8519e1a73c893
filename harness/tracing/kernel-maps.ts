/** Creates the kernel maps that a compiled program names, with read-only data written and frozen. */
import { readFileSync } from "node:fs";
import type { KernelMap, KernelMapType } from "../../compiler/program.ts";
import { type MapFd, MapType, mapCreate, mapFreeze, mapUpdate } from "../../native/index.ts";

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
};

/** Creates one map. Throws SysError; nothing is left open then. */
export function createMap(map: KernelMap): MapFd {
  const fd = mapCreate({
    name: map.name,
    type: MAP_TYPES[map.type],
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.maxEntries === "auto" ? ringBufferBytes(availableKiB()) : map.maxEntries,
    flags: map.flags,
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

/**
 * Size of a ring buffer on a machine with that much memory to spare: 4 MiB, less on a small machine, never below 256 KiB;
 * a power of two. It holds the events of some tenth of a second when they come a million a second. More would be felt: the
 * buffer is mapped twice in a row, page by page, and both count as memory of this process.
 */
export function ringBufferBytes(availableKiB: number): number {
  const kib = Math.min(4 * 1024, Math.max(256, availableKiB / 16));
  return 2 ** Math.floor(Math.log2(kib)) * 1024;
}

function availableKiB(): number {
  const found = /^MemAvailable:\s*(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"));
  return found ? Number(found[1]) : 0;
}
