/**
 * The script's own maps, wherever they are stored: read as bytes, cleared, set to zero. A map with keys is a kernel hash, with some
 * of its entries elsewhere; one without is a region of an array that is mapped into this process, and costs no system call.
 */
import { type CompiledProgram, type MapStorage, SCOPE_SWITCH, type ScriptMap } from "../../compiler/program.ts";
import { unreachable } from "../../compiler/unreachable.ts";
import { type MapFd, MapFlag, MappedArray } from "../../native/index.ts";
import { clearTable, forEachPlace, zeroTable } from "./entry-table.ts";
import { clearMap, forEachEntry, zeroMap } from "./hash-map.ts";

/** What a script map held at one moment. */
export interface MapSnapshot {
  readonly map: ScriptMap;
  /** In the kernel's order. A map without keys has one entry, or none while it is untouched. */
  readonly entries: readonly EntrySnapshot[];
}

export interface EntrySnapshot {
  /** Empty for a map without keys. */
  readonly key: Uint8Array;
  /** One value, or several, to be combined as the map's value layout says: at least one for each possible CPU. */
  readonly copies: readonly Uint8Array[];
}

type Hash = Extract<MapStorage, { kind: "hash" }>;
type Global = Extract<MapStorage, { kind: "global" }>;

/** Reads and writes the script maps of one session. */
export class ScriptMaps {
  readonly #compiled: CompiledProgram;
  readonly #fds: readonly MapFd[];
  readonly #memory = new Map<number, MappedArray>();

  constructor(compiled: CompiledProgram, fds: readonly MapFd[]) {
    this.#compiled = compiled;
    this.#fds = fds;
  }

  readAll(): MapSnapshot[] {
    return this.#compiled.scriptMaps.map((map) => this.read(map));
  }

  read(map: ScriptMap): MapSnapshot {
    const { storage } = map;
    switch (storage.kind) {
      case "hash":
        return {
          map,
          entries: entriesOf(map, storage, {
            forEach: (index, visit) => this.#forEachInHash(index, storage, map.value.size, visit),
            memory: (index) => this.memory(index).bytes,
          }),
        };
      case "global":
        return { map, entries: this.#readGlobal(map, storage) };
      default:
        return unreachable(storage, "map storage");
    }
  }

  /** Forgets everything: the map is as before its first assignment. */
  clear(map: ScriptMap): void {
    const { storage } = map;
    if (storage.kind === "hash") {
      for (const hash of hashesOf(storage)) clearMap(this.#fds[hash]!);
      if (storage.table) clearTable(this.memory(storage.table.map).bytes, storage.table);
    } else {
      this.#zeroRegion(storage, map.value.size);
      this.#setPresence(storage, 0);
    }
  }

  /** Sets the values to zero and keeps the keys. */
  zero(map: ScriptMap): void {
    const { storage } = map;
    if (storage.kind === "hash") {
      for (const hash of hashesOf(storage)) zeroMap(this.#fds[hash]!);
      if (storage.table) zeroTable(this.memory(storage.table.map).bytes, storage.table);
    } else if (this.#isTouched(storage, map.value.size)) {
      this.#zeroRegion(storage, map.value.size);
      this.#setPresence(storage, 1);
    }
  }

  /**
   * Brings every map into the state right after loading: the script's, and those that the compiler added. Read-only data
   * stays, and so do ring buffers, which their consumer empties.
   */
  reset(): void {
    const { maps, scopeTree } = this.#compiled;
    const forked = this.#hasForked();
    maps.forEach(({ type, flags, initial }, i) => {
      if (initial !== undefined || (i === scopeTree && !forked)) return;
      if (CLEARABLE.has(type)) clearMap(this.#fds[i]!);
      else if (type === "array" && (flags & MapFlag.MMAPABLE) !== 0) this.memory(i).bytes.fill(0);
    });
  }

  /** Whether the set of traced processes may hold more than it was given; a program with a switch keeps account of that. */
  #hasForked(): boolean {
    const { scopeSwitch } = this.#compiled;
    return scopeSwitch === undefined || this.memory(scopeSwitch).view.getBigUint64(SCOPE_SWITCH.forks, true) > 0n;
  }

  /** The memory of a mmap-able array, by its index in the compiled program. Mapped at the first use. */
  memory(index: number): MappedArray {
    let memory = this.#memory.get(index);
    if (memory === undefined) {
      memory = new MappedArray(this.#fds[index]!);
      this.#memory.set(index, memory);
    }
    return memory;
  }

  /** Unmaps what was mapped; the descriptors belong to somebody else. Closing again does nothing. */
  close(): void {
    for (const memory of this.#memory.values()) memory.close();
  }

  /** The entries of one of the kernel's hashes. */
  #forEachInHash(index: number, { perCpu, stride }: Hash, size: number, visit: VisitEntry): void {
    const fd = this.#fds[index]!;
    forEachEntry(fd, (key, value) => {
      const copies: Uint8Array[] = [];
      const end = perCpu ? value.length : fd.valueStride;
      for (let at = 0; at < end; at += stride ?? fd.valueStride) copies.push(value.subarray(at, at + size));
      visit(key, copies);
    });
  }

  #readGlobal(map: ScriptMap, storage: Global): EntrySnapshot[] {
    if (!this.#isTouched(storage, map.value.size)) return [];
    const { bytes } = this.memory(storage.map);
    const copies = starts(storage).map((start) => bytes.slice(start, start + map.value.size));
    return [{ key: NO_KEY, copies }];
  }

  /** A map that was assigned holds something other than zeros, or says so in the byte kept for that. */
  #isTouched(storage: Global, size: number): boolean {
    const { bytes } = this.memory(storage.map);
    return starts(storage).some((start, i) => {
      if (storage.presence !== undefined && bytes[storage.presence + i * storage.stride] !== 0) return true;
      return bytes.subarray(start, start + size).some((byte) => byte !== 0);
    });
  }

  #zeroRegion(storage: Global, size: number): void {
    const { bytes } = this.memory(storage.map);
    for (const start of starts(storage)) bytes.fill(0, start, start + size);
  }

  #setPresence(storage: Global, value: 0 | 1): void {
    const { presence, stride, copies, map } = storage;
    if (presence === undefined) return;
    const { bytes } = this.memory(map);
    for (let i = 0; i < copies; i++) bytes[presence + i * stride] = i === 0 ? value : 0;
  }
}

type VisitEntry = (key: Uint8Array, copies: readonly Uint8Array[]) => void;

/** The entries of a map with keys, wherever they are: what belongs to one key is put together. */
export function entriesOf(
  { key, value }: ScriptMap,
  storage: Hash,
  kernel: { forEach(map: number, visit: VisitEntry): void; memory(map: number): Uint8Array },
): EntrySnapshot[] {
  const entries = new Map<string, { key: Uint8Array; copies: Uint8Array[] }>();
  const add: VisitEntry = (key, copies) => {
    const name = Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
    const entry = entries.get(name);
    if (entry) entry.copies.push(...copies);
    else entries.set(name, { key, copies: [...copies] });
  };
  const keySize = key?.size ?? 0;
  const { table, short } = storage;
  kernel.forEach(storage.map, add);
  if (short) kernel.forEach(short.map, (key, copies) => add(lengthened(key, keySize), copies));
  if (table) {
    const sizes = { keySize, valueSize: value.size };
    forEachPlace(kernel.memory(table.map), table, sizes, (key, value) => add(key, [value]));
  }
  return [...entries.values()];
}

function hashesOf({ map, short }: Hash): number[] {
  return short ? [map, short.map] : [map];
}

function lengthened(key: Uint8Array, size: number): Uint8Array {
  const whole = new Uint8Array(size);
  whole.set(key);
  return whole;
}

/** Where each copy of a value begins. Other maps' values lie between the copies. */
function starts({ offset, stride, copies }: Global): number[] {
  return Array.from({ length: copies }, (_, i) => offset + i * stride);
}

const NO_KEY = new Uint8Array(0);
/** Kernel map types whose entries come and go. */
const CLEARABLE: ReadonlySet<string> = new Set(["hash", "percpu_hash", "lru_hash", "lru_percpu_hash", "stack_trace"]);
