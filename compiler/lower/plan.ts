/**
 * Where everything lives: which kernel maps there are, which script map is kept how, which events are sent. The plan
 * grows while programs are lowered (scratch memory, events) and is frozen when all of them are.
 *
 * Scalar maps need no lookup at all. They live in one-entry arrays whose value the programs address directly: plain values
 * in one shared array, aggregates in another that holds one copy per CPU, `stride` bytes apart. The harness maps both
 * into its memory.
 */
import { isSince, type KernelFacts } from "../kernel-facts.ts";
import { type NameTableKind, nameTable } from "../name-tables.ts";
import type {
  EntryTable,
  EventLayout,
  KernelMap,
  Loss,
  MapStorage,
  OwnMap,
  PacketPlan,
  ScriptMap,
  StackMode,
  ValueLayout,
} from "../program.ts";
import { frameSize, HEALTH_SLOTS, REFUSALS, SCOPE_SWITCH } from "../program.ts";
import { aggregateSize, alignOf, type LayoutContext, layoutOf, placed, sizeOf } from "../sema/layout.ts";
import type { MapInfo, TypedScript } from "../sema/typed.ts";
import {
  type Aggregate,
  isAggregate,
  isNumericAggregate,
  NAME_SIZE,
  type TimeSeriesType,
  type Type,
} from "../sema/types.ts";
import { MAPPING, ROW } from "../unwind-table.ts";
import { Allocation } from "./allocation.ts";
import { accumulatedMaps, assignedMaps } from "./map-uses.ts";
import { SLOTS_PER_CPU, type SlotMemory } from "./slots.ts";
import { type Entries, entriesOf, layOut, type PlannedTable } from "./tables.ts";
import { SHARED_PLACES, THREAD_PLACES, type ValueTable } from "./value-tables.ts";

const BPF_F_NO_PREALLOC = 1;
const BPF_F_MMAPABLE = 1 << 10;
const BPF_F_RDONLY_PROG = 1 << 7;

/** Different stacks that a script may record. Each takes memory only once it is there. */
const MAX_STACKS = 131_072;

/** Processes whose stacks are followed, and files that they have mapped. */
const MAX_UNWOUND = { processes: 16_384, files: 4096 } as const;

/** Of maps with at least so many entries some may lie elsewhere, where there is more room for them. */
const MANY_ENTRIES = 1024;
const ALL_TABLES_BYTES = 1 << 21;
/** Bytes of a short string in a key, with its end. */
export const SHORT_TEXT = 64;

/** Copies in the per-CPU array lie on cache lines of their own. */
const CACHE_LINE = 64;

export interface PlannedMap {
  info: MapInfo;
  /** Index in the compiled program's script maps. */
  index: number;
  storage: PlannedStorage;
}

export type PlannedStorage =
  | {
      kind: "hash";
      map: number;
      perCpu: boolean;
      /** Each CPU's copy lies in the entry's one value, so far apart. */
      stride?: number;
      /** Of a map that programs only add to: made when it is asked for. */
      table?: PlannedTable;
      /** Of a map whose values are set. */
      values?: ValueTable;
      short?: { map: number; keySize: number };
      /** Of a time series: where the interval's number lies in the key. */
      interval?: number;
    }
  /** Offsets into the shared array. */
  | { kind: "shared"; map: number; offset: number; presence: number }
  /** Offsets into each CPU's copy. Programs set the presence of a sum; every other aggregate shows that it was touched. */
  | { kind: "per-cpu"; map: number; offset: number; presence: number };

/** A one-entry array that grows until the plan is frozen. */
interface Section {
  map: number;
  size: number;
}

export interface PlanOptions {
  maxEntries: number;
  /** By map name; wins over the default. */
  entriesOf: Readonly<Record<string, number>>;
  scopeTree: boolean;
  scopeSwitch: boolean;
  probeNames: () => [id: number, name: string][];
}

const MAP_TYPES: Record<string, { type: KernelMap["type"]; perCpu: boolean }> = {
  hash: { type: "hash", perCpu: false },
  lruhash: { type: "lru_hash", perCpu: false },
  percpuhash: { type: "percpu_hash", perCpu: true },
  percpulruhash: { type: "lru_percpu_hash", perCpu: true },
};

export class Plan {
  readonly maps: KernelMap[] = [];
  readonly events: EventLayout[] = [];
  /** Of the per-CPU array, in bytes: the operand is filled in when the plan is frozen. */
  readonly stride: { imm: bigint } = { imm: 0n };
  /** Copies in the per-CPU array: a power of two, so that a mask proves the bound to the verifier. */
  readonly copies: number;
  readonly #facts: KernelFacts;
  readonly #options: PlanOptions;
  readonly #byName = new Map<string, PlannedMap>();
  readonly #names = new Set<string>();
  readonly #assignedMaps: { threads: ReadonlySet<string>; shared: ReadonlySet<string> };
  readonly #accumulatedMaps: ReadonlySet<string>;
  readonly #allocation: Allocation;
  #shared: Section | undefined;
  #perCpu: Section | undefined;
  #zeroes: Section | undefined;
  #tables: (Section & { stride: { imm: bigint } }) | undefined;
  #slots: (Section & { slack: number; stride: { imm: bigint }; cpuStride: { imm: bigint } }) | undefined;
  readonly #stackMaps = new Map<string, number>();
  readonly #nameTables = new Map<NameTableKind, number>();
  #ended: { map: number; offset: number } | undefined;
  #ringBuffer: number | undefined;
  #health: number | undefined;
  #scopeTree: number | undefined;
  #scopeSwitch: number | undefined;
  #unwind: { processes: number; files: number } | undefined;
  #packets: PacketPlan | undefined;
  /** Bytes behind the last copy, so that every object in scratch memory has its size once more behind it. */
  #slack = 0;

  constructor(script: TypedScript, facts: KernelFacts, options: PlanOptions) {
    this.#facts = facts;
    this.#options = options;
    this.copies = 2 ** Math.ceil(Math.log2(Math.max(1, facts.possibleCpus)));
    this.#assignedMaps = assignedMaps(script, facts.inFirstPidNamespace);
    this.#accumulatedMaps = accumulatedMaps(script);
    this.#allocation = new Allocation(script, facts.possibleCpus);
    for (const info of script.maps.values()) {
      if (info.value.kind === "unknown") continue;
      this.#byName.set(info.name, { info, index: this.#byName.size, storage: this.#place(info) });
    }
    if (options.scopeTree) {
      this.#scopeTree = this.#add("scope_tree", "hash", 4, 1, 65_536, 0);
    }
    if (options.scopeSwitch) {
      this.#scopeSwitch = this.#add("scope_switch", "array", 4, SCOPE_SWITCH.size, 1, BPF_F_MMAPABLE);
    }
  }

  map(name: string): PlannedMap {
    const planned = this.#byName.get(name);
    if (!planned) throw new Error(`map ${name} was not planned`);
    return planned;
  }

  /** The kernel's map that a script's map with keys is; none for those without. */
  kernelMap(name: string): number[] {
    const storage = this.#byName.get(name)?.storage;
    return storage?.kind === "hash" ? [storage.map] : [];
  }

  /** The table in front of a map that programs only add to, if there is room for one. */
  cpuTable({ info, storage }: PlannedMap): PlannedTable | undefined {
    if (storage.kind !== "hash" || !this.#isAccumulated(info)) return undefined;
    storage.table ??= this.#cpuTable(entriesOf(info));
    return storage.table;
  }

  #cpuTable(entries: Entries): PlannedTable | undefined {
    const { copies } = this;
    const shape = layOut(entries, copies);
    const size = shape ? shape.places * shape.placeSize : 0;
    if (!shape || ((this.#tables?.size ?? 0) + size) * copies > ALL_TABLES_BYTES) return undefined;
    this.#tables ??= { map: this.#add("tables", "array", 4, 0, 1, BPF_F_MMAPABLE), size: 0, stride: { imm: 0n } };
    const { map, stride } = this.#tables;
    return { ...shape, entries, map, offset: allocate(this.#tables, size, CACHE_LINE), stride, copies };
  }

  /** A hash for the short ones among a map's keys, if they end with a long string. Only maps that programs only add to have it. */
  shortKeys({ info, storage }: PlannedMap): { map: number; keySize: number } | undefined {
    const offset = longTextIn(info.key);
    // Before 5.11 something of what lies behind a string came with it.
    if (storage.kind !== "hash" || offset === undefined || !this.#isAccumulated(info)) return undefined;
    if (!isSince(this.#facts, 5, 11)) return undefined;
    if (!storage.short) {
      // It takes its memory when the other one does.
      const { type, valueSize, maxEntries, flags, name } = this.maps[storage.map]!;
      const keySize = offset + SHORT_TEXT;
      storage.short = { map: this.#add(name, type, keySize, valueSize, maxEntries, flags), keySize };
    }
    return storage.short;
  }

  /** Whether what belongs to a key of a map may lie in several pieces. A map that is to be small has as many entries as were asked for. */
  #isAccumulated(info: MapInfo): boolean {
    return this.#accumulatedMaps.has(info.name) && this.#entriesFor(info) >= MANY_ENTRIES;
  }

  #entriesFor({ name, entries }: MapInfo): number {
    return this.#options.entriesOf[name] ?? entries ?? this.#options.maxEntries;
  }

  /** An array through which the parts of one program call each other; its size is to be filled in. */
  programArray(): number {
    return this.#add("parts", "prog_array", 4, 4, 0, 0);
  }

  get ringBuffer(): number {
    this.#ringBuffer ??= this.#add("events", "ringbuf", 0, 0, "auto", 0);
    return this.#ringBuffer;
  }

  /** The health counters and the offset of one of them, or of the first of a map's. */
  health(slot: Loss | OwnMap | PlannedMap): { map: number; offset: number } {
    this.#health ??= this.#add(
      "health",
      "array",
      4,
      (HEALTH_SLOTS.firstMap + this.#byName.size * REFUSALS) * 8,
      1,
      BPF_F_MMAPABLE,
    );
    const index = typeof slot === "string" ? HEALTH_SLOTS[slot] : HEALTH_SLOTS.firstMap + slot.index * REFUSALS;
    return { map: this.#health, offset: index * 8 };
  }

  /** A word that is not 0 once the script has called exit(). */
  get ended(): { map: number; offset: number } {
    if (this.#ended === undefined) {
      const section = this.#sharedSection();
      this.#ended = { map: section.map, offset: allocate(section, 8, 8) };
    }
    return this.#ended;
  }

  get scopeTree(): number {
    if (this.#scopeTree === undefined) throw new Error("no process-tree scope was planned");
    return this.#scopeTree;
  }

  get scopeSwitch(): number {
    if (this.#scopeSwitch === undefined) throw new Error("no scope with a switch was planned");
    return this.#scopeSwitch;
  }

  /** What stacks are followed by without frame pointers. */
  get unwind(): { processes: number; files: number } {
    this.#unwind ??= {
      processes: this.#addArrays("processes", "hash_of_maps", MAX_UNWOUND.processes, MAPPING.size),
      files: this.#addArrays("files", "array_of_maps", MAX_UNWOUND.files, ROW.size),
    };
    return this.#unwind;
  }

  /** The map through which packets for a file are sent, and the number of the call. */
  packets(path: string, offset: number): { map: number; call: number } {
    this.#packets ??= { map: this.#add("packets", "perf_event_array", 4, 4, this.#facts.possibleCpus, 0), calls: [] };
    const { map, calls } = this.#packets;
    const known = calls.findIndex((call) => call.path === path && call.offset === offset);
    return { map, call: known < 0 ? calls.push({ path, offset }) - 1 : known };
  }

  /** Bytes of every CPU's copy for a program's own use. */
  scratch(size: number): { map: number; offset: number } {
    const section = this.#perCpuSection();
    this.#slack = Math.max(this.#slack, size);
    return { map: section.map, offset: allocate(section, size, 8) };
  }

  /** Slots that programs claim, large enough for this one's objects: how far they lie apart, and those of two CPUs. */
  slots({ size, largest }: SlotMemory): { map: number; stride: { imm: bigint }; cpuStride: { imm: bigint } } {
    this.#slots ??= {
      map: this.#add("slots", "array", 4, 0, 1, 0),
      size: 0,
      slack: 0,
      stride: { imm: 0n },
      cpuStride: { imm: 0n },
    };
    this.#slots.size = Math.max(this.#slots.size, size);
    this.#slots.slack = Math.max(this.#slots.slack, largest);
    return this.#slots;
  }

  get perCpuMap(): number {
    return this.#perCpuSection().map;
  }

  /** The hash that stacks of such a shape are kept in, by the numbers that programs give them. */
  stackMap({ mode, limit }: { mode: StackMode; limit: number }): number {
    const size = Math.max(1, limit) * frameSize(mode);
    const key = mode === "build_id" ? `build ids ${limit}` : `addresses ${limit}`;
    let map = this.#stackMaps.get(key);
    if (map === undefined) {
      const lazy = this.#allocatesSafely();
      const entries = lazy ? MAX_STACKS : this.#options.maxEntries;
      map = this.#add(`stacks_${limit}`, "hash", 8, size, entries, lazy ? BPF_F_NO_PREALLOC : 0);
      this.#stackMaps.set(key, map);
    }
    return map;
  }

  /** Whether maps may allocate entries when programs add them, in any context: the kernel can since 6.1. */
  #allocatesSafely(): boolean {
    return isSince(this.#facts, 6, 1);
  }

  /** At least `size` bytes that are always zero. */
  zeroes(size: number): { map: number; offset: number } {
    this.#zeroes ??= { map: this.#add("zeroes", "array", 4, 0, 1, BPF_F_RDONLY_PROG), size: 0 };
    this.#zeroes.size = Math.max(this.#zeroes.size, Math.ceil(size / 8) * 8);
    return { map: this.#zeroes.map, offset: 0 };
  }

  /** All texts of a table, NAME_SIZE bytes for each and the one for other numbers behind the last, in memory that is only read. */
  nameTable(kind: NameTableKind): { map: number; count: number } {
    const { names, other } = nameTable(kind, this.#facts.arch);
    let map = this.#nameTables.get(kind);
    if (map === undefined) {
      const bytes = new Uint8Array((names.length + 1) * NAME_SIZE);
      for (const [i, name] of [...names, other].entries()) {
        bytes.set(new TextEncoder().encode(name), i * NAME_SIZE);
      }
      map = this.#add(kind, "array", 4, bytes.length, 1, BPF_F_RDONLY_PROG);
      this.maps[map]!.initial = bytes;
      this.#nameTables.set(kind, map);
    }
    return { map, count: names.length };
  }

  /** The index of an event's layout, with which its records begin. */
  event(layout: EventLayout): number {
    return this.events.push(layout) - 1;
  }

  layout(type: Type): ValueLayout {
    return layoutOf(type, this.#layouts);
  }

  readonly #layouts: LayoutContext = {
    namesOf: (kind) => {
      if (kind === "probe") return { names: this.#options.probeNames() };
      const { names, other } = nameTable(kind, this.#facts.arch);
      return { names: [...names.entries()], other };
    },
    stackMap: (stack) => this.stackMap(stack),
  };

  /** Fixes all sizes. */
  freeze(): {
    maps: KernelMap[];
    scriptMaps: ScriptMap[];
    ringBuffer: number | undefined;
    health: number | undefined;
    scopeTree: number | undefined;
    scopeSwitch: number | undefined;
    unwind: { processes: number; files: number } | undefined;
    packets: PacketPlan | undefined;
  } {
    if (this.#perCpu) {
      const stride = Math.max(CACHE_LINE, Math.ceil(this.#perCpu.size / CACHE_LINE) * CACHE_LINE);
      this.stride.imm = BigInt(stride);
      this.maps[this.#perCpu.map]!.valueSize = stride * this.copies + roundUp(this.#slack, 8);
    }
    if (this.#slots) {
      const stride = roundUp(this.#slots.size, CACHE_LINE);
      this.#slots.stride.imm = BigInt(stride);
      this.#slots.cpuStride.imm = BigInt(stride * SLOTS_PER_CPU);
      const all = stride * SLOTS_PER_CPU * this.copies;
      this.maps[this.#slots.map]!.valueSize = all + roundUp(this.#slots.slack, 8);
    }
    if (this.#tables) {
      const stride = roundUp(this.#tables.size, CACHE_LINE);
      this.#tables.stride.imm = BigInt(stride);
      this.maps[this.#tables.map]!.valueSize = stride * this.copies;
    }
    if (this.#shared) this.maps[this.#shared.map]!.valueSize = Math.ceil(this.#shared.size / 8) * 8;
    if (this.#zeroes) {
      const map = this.maps[this.#zeroes.map]!;
      map.valueSize = this.#zeroes.size;
      map.initial = new Uint8Array(this.#zeroes.size);
    }
    const scriptMaps = [...this.#byName.values()].map((planned) => this.#scriptMap(planned));
    return {
      maps: this.maps,
      scriptMaps,
      ringBuffer: this.#ringBuffer,
      health: this.#health,
      scopeTree: this.#scopeTree,
      scopeSwitch: this.#scopeSwitch,
      unwind: this.#unwind,
      packets: this.#packets,
    };
  }

  #scriptMap({ info, storage }: PlannedMap): ScriptMap {
    const key = info.keyed ? this.layout(info.key) : undefined;
    return { name: info.name, key, value: this.layout(info.value), storage: this.#finalStorage(storage) };
  }

  #finalStorage(storage: PlannedStorage): MapStorage {
    switch (storage.kind) {
      case "hash": {
        const { kind, map, perCpu, stride, short, interval } = storage;
        const table = storage.table ?? storage.values;
        return { kind, map, perCpu, stride, table: table && finalTable(table), short, interval };
      }
      case "shared": {
        const { map, offset, presence } = storage;
        return { kind: "global", map, offset, stride: 0, copies: 1, presence };
      }
      case "per-cpu": {
        const { map, offset, presence } = storage;
        return { kind: "global", map, offset, stride: Number(this.stride.imm), copies: this.copies, presence };
      }
    }
  }

  #place(info: MapInfo): PlannedStorage {
    const { value } = info;
    if (value.kind === "tseries") return this.#seriesHash(info, value);
    if (info.keyed) return this.#hash(info);
    if (!isAggregate(value)) {
      const section = this.#sharedSection();
      const offset = allocate(section, sizeOf(value), Math.max(8, alignOf(value)));
      return { kind: "shared", map: section.map, offset, presence: allocate(section, 1, 1) };
    }
    const section = this.#perCpuSection();
    const offset = allocate(section, aggregateSize(value), 8);
    return { kind: "per-cpu", map: section.map, offset, presence: allocate(section, 8, 8) };
  }

  #hash(info: MapInfo): PlannedStorage {
    const { value, declaration } = info;
    const declared = declaration && MAP_TYPES[declaration.mapType.text];
    const perCpu = isAggregate(value) || (declared?.perCpu ?? false);
    let type: KernelMap["type"] = perCpu ? "percpu_hash" : "hash";
    if (declared?.type.startsWith("lru_")) type = perCpu ? "lru_percpu_hash" : "lru_hash";
    const size = isAggregate(value) ? aggregateSize(value as Aggregate) : Math.max(1, sizeOf(value));
    const entries = this.#entriesFor(info);
    if (isNumericAggregate(value) && (info.read || info.iterated) && !this.#facts.features.lookupPercpuElem) {
      // A program cannot reach what other CPUs have in a kernel's per-CPU hash, but in a plain one's value it can.
      const shared = type === "lru_percpu_hash" ? "lru_hash" : "hash";
      const map = this.#addHash(info.name, shared, sizeOf(info.key), size * this.copies, entries);
      return { kind: "hash", map, perCpu, stride: size };
    }
    const valueSize = roundUp(size, perCpu ? 8 : 1);
    const map = this.#addHash(info.name, type, sizeOf(info.key), valueSize, entries);
    return { kind: "hash", map, perCpu, values: this.#valueTable(info) };
  }

  /** A kernel hash for a script's map. Those that forget by themselves have all their entries from the start. */
  #addHash(name: string, type: KernelMap["type"], keySize: number, valueSize: number, entries: number): number {
    const perCpu = type === "percpu_hash";
    const mayWait = (perCpu || type === "hash") && this.#allocatesSafely();
    const lazy = mayWait && !this.#allocation.isBeforehand(name, { keySize, valueSize, perCpu, entries });
    return this.#add(`m_${name.slice(1)}`, type, keySize, valueSize, entries, lazy ? BPF_F_NO_PREALLOC : 0);
  }

  /** Each interval of each key has an entry. */
  #seriesHash({ name, keyed, key, entries, declaration }: MapInfo, type: TimeSeriesType): PlannedStorage {
    const interval = keyed ? roundUp(sizeOf(key), 8) : 0;
    const enough = keyed ? Math.max(type.intervals, entries ?? this.#options.maxEntries) : type.intervals;
    const room = this.#options.entriesOf[name] ?? enough;
    const recent = declaration && MAP_TYPES[declaration.mapType.text]?.type === "lru_percpu_hash";
    const kind = recent ? "lru_percpu_hash" : "percpu_hash";
    const map = this.#addHash(name, kind, interval + 8, aggregateSize(type), room);
    return { kind: "hash", map, perCpu: true, interval };
  }

  #valueTable(info: MapInfo): ValueTable | undefined {
    const { arch, features } = this.#facts;
    const { threads, shared } = this.#assignedMaps;
    if (!features.atomicFetch || this.#entriesFor(info) < MANY_ENTRIES) return undefined;
    if (threads.has(info.name)) {
      const overflowed = allocate(this.#sharedSection(), 8, 8);
      return { kind: "thread", ...THREAD_PLACES, ...this.#oneTable(info, THREAD_PLACES), overflowed };
    }
    // On other machines who sees that a key is there may still see its value of before.
    if (!shared.has(info.name) || arch !== "x64") return undefined;
    return { kind: "shared", ...SHARED_PLACES, ...this.#oneTable(info, SHARED_PLACES) };
  }

  #oneTable(info: MapInfo, { places, placeSize }: { places: number; placeSize: number }) {
    const section = this.#sharedSection();
    const offset = allocate(section, places * placeSize, CACHE_LINE);
    return { entries: entriesOf(info), map: section.map, offset, stride: { imm: 0n }, copies: 1 };
  }

  #sharedSection(): Section {
    this.#shared ??= { map: this.#add("globals", "array", 4, 0, 1, BPF_F_MMAPABLE), size: 0 };
    return this.#shared;
  }

  #perCpuSection(): Section {
    this.#perCpu ??= { map: this.#add("percpu", "array", 4, 0, 1, BPF_F_MMAPABLE), size: 0 };
    return this.#perCpu;
  }

  /** A map whose entries are arrays. */
  #addArrays(name: string, type: KernelMap["type"], entries: number, valueSize: number): number {
    const map = this.#add(name, type, 4, 4, entries, 0);
    this.maps[map]!.inner = { valueSize };
    return map;
  }

  #add(
    name: string,
    type: KernelMap["type"],
    keySize: number,
    valueSize: number,
    maxEntries: number | "auto",
    flags: number,
  ): number {
    const base = name.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, 15);
    let unique = base;
    for (let n = 1; this.#names.has(unique); n++) unique = `${base.slice(0, 14 - String(n).length)}_${n}`;
    this.#names.add(unique);
    return this.maps.push({ name: unique, type, keySize, valueSize, maxEntries, flags }) - 1;
  }
}

function finalTable({ map, offset, stride, copies, places, placeSize, key, present, value }: PlannedTable): EntryTable {
  return { map, offset, stride: Number(stride.imm), copies, places, placeSize, key, present, value };
}

/** Where a long string lies that is the last part of a key. */
function longTextIn(key: Type): number | undefined {
  const parts = key.kind === "tuple" ? key.elements : [key];
  const last = parts.at(-1);
  return last?.kind === "string" && last.size >= 2 * SHORT_TEXT ? placed(parts).offsets.at(-1) : undefined;
}

function allocate(section: Section, size: number, align: number): number {
  const offset = roundUp(section.size, align);
  section.size = offset + size;
  return offset;
}

function roundUp(size: number, to: number): number {
  return Math.ceil(size / to) * to;
}
