/** Whole-map operations on kernel hashes: in batches where the kernel has them for the map's type, else key by key. */
import {
  batchPositionSize,
  type MapFd,
  mapDelete,
  mapDeleteBatch,
  mapGetNextKey,
  mapLookup,
  mapLookupBatch,
  mapUpdate,
  SysError,
  UpdateFlag,
} from "../../native/index.ts";

/** Calls `visit` for every entry. Both buffers are the visitor's to keep; the value has `map.userValueSize` bytes. */
export function forEachEntry(map: MapFd, visit: (key: Uint8Array, value: Uint8Array) => void): void {
  try {
    visitByBatch(map, visit);
  } catch (error) {
    if (!(error instanceof SysError) || !NO_BATCH.has(error.code)) throw error;
    visitByKey(map, visit);
  }
}

/** Removes every entry that was there when the call began, and most of those that come meanwhile. */
export function clearMap(map: MapFd): void {
  const keys: Uint8Array[] = [];
  forEachKey(map, (key) => keys.push(key));
  if (keys.length === 0) return;
  try {
    deleteByBatch(map, keys);
  } catch (error) {
    if (!(error instanceof SysError) || !NO_BATCH.has(error.code)) throw error;
    for (const key of keys) mapDelete(map, key);
  }
}

/** Sets every value to zero; the keys stay. */
export function zeroMap(map: MapFd): void {
  const zero = new Uint8Array(map.userValueSize);
  forEachEntry(map, (key) => {
    try {
      mapUpdate(map, key, zero, UpdateFlag.EXIST);
    } catch (error) {
      // a program may have deleted the key meanwhile
      if (!(error instanceof SysError) || error.code !== "ENOENT") throw error;
    }
  });
}

/** What kernels say for a map type that has no batches. */
const NO_BATCH: ReadonlySet<string> = new Set(["EINVAL", "ENOTSUPP", "EOPNOTSUPP", "ENOTSUP"]);
const BATCH_BYTES = 1024 * 1024;
const BATCH_ENTRIES = 4096;
/** Most maps are small, and memory that is asked for has to be zeroed. */
const FIRST_BATCH = 64;

function visitByBatch(map: MapFd, visit: (key: Uint8Array, value: Uint8Array) => void): void {
  const limit = Math.max(
    FIRST_BATCH,
    Math.min(BATCH_ENTRIES, map.maxEntries, Math.floor(BATCH_BYTES / map.userValueSize)),
  );
  let room = FIRST_BATCH;
  let position: Uint8Array | null = null;
  for (let done = false; !done; ) {
    const keys = new Uint8Array(room * map.keySize);
    const values = new Uint8Array(room * map.userValueSize);
    const next = new Uint8Array(batchPositionSize(map));
    const batch = lookUp(map, position, next, keys, values, room);
    if (batch === "too-small") {
      room *= 2;
      continue;
    }
    for (let i = 0; i < batch.count; i++) {
      visit(
        keys.subarray(i * map.keySize, (i + 1) * map.keySize),
        values.subarray(i * map.userValueSize, (i + 1) * map.userValueSize),
      );
    }
    position = next;
    done = batch.done;
    room = Math.max(room, Math.min(limit, 4 * room));
  }
}

/** "too-small" when one bucket of the hash holds more entries than there is room for. */
function lookUp(
  map: MapFd,
  position: Uint8Array | null,
  next: Uint8Array,
  keys: Uint8Array,
  values: Uint8Array,
  room: number,
): { count: number; done: boolean } | "too-small" {
  try {
    return mapLookupBatch(map, position, next, keys, values, room);
  } catch (error) {
    if (error instanceof SysError && error.code === "ENOSPC" && room <= map.maxEntries) return "too-small";
    throw error;
  }
}

function visitByKey(map: MapFd, visit: (key: Uint8Array, value: Uint8Array) => void): void {
  forEachKey(map, (key) => {
    const value = new Uint8Array(map.userValueSize);
    if (mapLookup(map, key, value)) visit(key, value);
  });
}

/**
 * Calls `visit` once for every key. The walk starts over when its key is deleted under it, so keys are remembered, and
 * it ends after as many steps as restarts could plausibly cost.
 */
function forEachKey(map: MapFd, visit: (key: Uint8Array) => void): void {
  const seen = new Set<string>();
  let key: Uint8Array | null = null;
  for (let steps = 0; steps < 4 * map.maxEntries; steps++) {
    const next: Uint8Array = new Uint8Array(map.keySize);
    if (!mapGetNextKey(map, key, next)) return;
    const name = Buffer.from(next.buffer).toString("latin1");
    if (!seen.has(name)) visit(next);
    seen.add(name);
    key = next;
  }
}

/** A batch stops at a key that is gone already; it goes on behind that one. */
function deleteByBatch(map: MapFd, keys: readonly Uint8Array[]): void {
  const all = new Uint8Array(keys.length * map.keySize);
  keys.forEach((key, i) => {
    all.set(key, i * map.keySize);
  });
  for (let first = 0; first < keys.length; ) {
    const rest = keys.length - first;
    const removed = mapDeleteBatch(map, all.subarray(first * map.keySize), rest);
    first += removed + 1;
    if (removed === rest) return;
  }
}
