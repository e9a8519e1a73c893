/**
 * BPF maps. A MapFd knows the sizes of its keys and values, so that every buffer is checked before the kernel reads or
 * writes through it: a buffer too short would be memory corruption and not an error.
 */
import { MapType } from "./abi.ts";
import { binding } from "./addon.ts";
import { check, checkFound, type ErrorObject } from "./errors.ts";
import { Fd } from "./fd.ts";
import { beyondMemlock, possibleCpus } from "./sys.ts";

export interface MapSpec {
  /** A MapType. */
  type: number;
  keySize: number;
  /** Bytes of one value, as the program sees it. */
  valueSize: number;
  maxEntries: number;
  /** MapFlag bits. */
  flags?: number;
  /** For maps of maps: a map whose shape the inner ones share. */
  innerMap?: MapFd;
  /** Any text; the kernel keeps 15 characters of it. */
  name: string;
  btf?: { fd: Fd; keyTypeId: number; valueTypeId: number };
  /** map_extra, such as the hash count of a bloom filter. */
  extra?: bigint;
}

const PER_CPU_TYPES: ReadonlySet<number> = new Set([
  MapType.PERCPU_HASH,
  MapType.PERCPU_ARRAY,
  MapType.LRU_PERCPU_HASH,
  MapType.PERCPU_CGROUP_STORAGE,
]);

export interface MapShape {
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
}

/** A map's descriptor together with its shape. */
export class MapFd extends Fd implements MapShape {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /**
   * Bytes of one value in user space. For per-CPU maps that is one slot a possible CPU, each padded to 8 bytes, in
   * CPU order; `valueStride` is the distance between the slots.
   */
  readonly userValueSize: number;
  readonly valueStride: number;

  constructor(value: number, label: string, shape: MapShape) {
    super(value, label);
    this.type = shape.type;
    this.keySize = shape.keySize;
    this.valueSize = shape.valueSize;
    this.maxEntries = shape.maxEntries;
    const perCpu = PER_CPU_TYPES.has(shape.type);
    this.valueStride = perCpu ? Math.ceil(shape.valueSize / 8) * 8 : shape.valueSize;
    this.userValueSize = this.valueStride * (perCpu ? possibleCpus() : 1);
  }
}

/** BPF_MAP_CREATE. */
export function mapCreate(spec: MapSpec): MapFd {
  const raw = {
    type: spec.type,
    keySize: spec.keySize,
    valueSize: spec.valueSize,
    maxEntries: spec.maxEntries,
    flags: spec.flags ?? 0,
    innerMapFd: spec.innerMap?.value ?? 0,
    name: objectName(spec.name),
    btfFd: spec.btf?.fd.value ?? 0,
    btfKeyTypeId: spec.btf?.keyTypeId ?? 0,
    btfValueTypeId: spec.btf?.valueTypeId ?? 0,
    extra: spec.extra ?? 0n,
  };
  const result = beyondMemlock(() => binding().mapCreate(raw));
  return new MapFd(check(result, "BPF_MAP_CREATE", { map: spec.name }), `map ${spec.name}`, spec);
}

/** Copies the value of `key` into `value` (userValueSize bytes). False when there is no such key. */
export function mapLookup(map: MapFd, key: Uint8Array, value: Uint8Array): boolean {
  checkSize(map, "key", key, map.keySize);
  checkSize(map, "value", value, map.userValueSize);
  return checkFound(binding().mapLookup(map.value, key, value, 0n), "BPF_MAP_LOOKUP_ELEM", about(map));
}

/** Stores `value` (userValueSize bytes) under `key`. `flags` is an UpdateFlag; E2BIG means that the map is full. */
export function mapUpdate(map: MapFd, key: Uint8Array, value: Uint8Array, flags = 0): void {
  checkSize(map, "key", key, map.keySize);
  checkSize(map, "value", value, map.userValueSize);
  check(binding().mapUpdate(map.value, key, value, BigInt(flags)), "BPF_MAP_UPDATE_ELEM", about(map));
}

/** Removes `key`. False when there was none. */
export function mapDelete(map: MapFd, key: Uint8Array): boolean {
  checkSize(map, "key", key, map.keySize);
  return checkFound(binding().mapDelete(map.value, key), "BPF_MAP_DELETE_ELEM", about(map));
}

/** Copies the value of `key` into `value` and removes it in one step; queues and stacks take an empty key. */
export function mapLookupAndDelete(map: MapFd, key: Uint8Array, value: Uint8Array): boolean {
  checkSize(map, "key", key, map.keySize);
  checkSize(map, "value", value, map.userValueSize);
  return checkFound(binding().mapLookupAndDelete(map.value, key, value), "BPF_MAP_LOOKUP_AND_DELETE_ELEM", about(map));
}

/** Writes the key after `key`, or the first one after null, into `next`. False at the end. */
export function mapGetNextKey(map: MapFd, key: Uint8Array | null, next: Uint8Array): boolean {
  if (key !== null) checkSize(map, "key", key, map.keySize);
  checkSize(map, "next key", next, map.keySize);
  return checkFound(binding().mapGetNextKey(map.value, key, next), "BPF_MAP_GET_NEXT_KEY", about(map));
}

export interface BatchResult {
  /** Entries that were read. */
  count: number;
  /** True when the map has no further entries. */
  done: boolean;
}

/** Bytes that a position for mapLookupBatch needs: the kernel keeps a bucket number or a key there. */
export function batchPositionSize(map: MapFd): number {
  return Math.max(4, map.keySize);
}

/**
 * Reads up to `count` entries that follow position `inBatch` (null: from the start) into `keys` and `values`, and
 * the new position into `outBatch`. Throws SysError ENOSPC when one hash bucket holds more than `count` entries:
 * retry with more room. EINVAL or ENOTSUPP: this map type has no batches, so walk it by key.
 */
export function mapLookupBatch(
  map: MapFd,
  inBatch: Uint8Array | null,
  outBatch: Uint8Array,
  keys: Uint8Array,
  values: Uint8Array,
  count: number,
): BatchResult {
  if (inBatch !== null) checkRoom(map, "position", inBatch, batchPositionSize(map));
  checkRoom(map, "next position", outBatch, batchPositionSize(map));
  checkRoom(map, "keys", keys, map.keySize * count);
  checkRoom(map, "values", values, map.userValueSize * count);
  const done = new Uint32Array([count]);
  const result = binding().mapBatch(LOOKUP_BATCH, map.value, inBatch, outBatch, keys, values, done);
  const more = checkFound(result, "BPF_MAP_LOOKUP_BATCH", about(map));
  return { count: done[0]!, done: !more };
}

/** Stores the first `count` entries of `keys` and `values`; answers how many were stored before a failure threw. */
export function mapUpdateBatch(map: MapFd, keys: Uint8Array, values: Uint8Array, count: number): void {
  checkRoom(map, "keys", keys, map.keySize * count);
  checkRoom(map, "values", values, map.userValueSize * count);
  const done = new Uint32Array([count]);
  const result = binding().mapBatch(UPDATE_BATCH, map.value, null, null, keys, values, done);
  check(result, "BPF_MAP_UPDATE_BATCH", { ...about(map), stored: done[0]! });
}

/** Removes the first `count` of `keys`. Answers how many were removed: fewer when a key on the way was not there. */
export function mapDeleteBatch(map: MapFd, keys: Uint8Array, count: number): number {
  checkRoom(map, "keys", keys, map.keySize * count);
  const done = new Uint32Array([count]);
  const result = binding().mapBatch(DELETE_BATCH, map.value, null, null, keys, null, done);
  checkFound(result, "BPF_MAP_DELETE_BATCH", about(map));
  return done[0]!;
}

/** BPF_MAP_FREEZE: user space can no longer write to the map. */
export function mapFreeze(map: MapFd): void {
  check(binding().mapFreeze(map.value), "BPF_MAP_FREEZE", about(map));
}

/** The name the kernel keeps for an object: at most 15 of the characters that it accepts. */
export function objectName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_.]/g, "_").slice(0, 15);
}

const LOOKUP_BATCH = 24;
const UPDATE_BATCH = 26;
const DELETE_BATCH = 27;

function about(map: MapFd): ErrorObject {
  return { descriptor: map.label };
}

function checkSize(map: MapFd, what: string, bytes: Uint8Array, size: number): void {
  if (bytes.byteLength !== size) {
    throw new RangeError(`${map.label}: ${what} has ${bytes.byteLength} bytes, the map needs ${size}`);
  }
}

function checkRoom(map: MapFd, what: string, bytes: Uint8Array, size: number): void {
  if (bytes.byteLength < size) {
    throw new RangeError(`${map.label}: ${what} has ${bytes.byteLength} bytes, the call needs ${size}`);
  }
}
