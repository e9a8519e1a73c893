/**
 * What the compiler hands to the harness: byte code, the kernel maps that it names, where to attach it, and how to
 * read what comes out. Plain data without file descriptors, but for the way to the same in smaller parts; every number that only the running host knows is a
 * relocation that the loader patches.
 */
import type { Span } from "./source.ts";

export interface CompiledProgram {
  /** Kernel maps to create, in this order; relocations and script maps refer to them by index. */
  maps: KernelMap[];
  /** In the order of the script. `begin` programs run in this order before attaching, `end` ones after detaching. */
  programs: Program[];
  /** The script's own maps (`@x`), in order of first appearance. */
  scriptMaps: ScriptMap[];
  /** Layouts of ring buffer records; a record starts with a 64-bit index into this list. */
  events: EventLayout[];
  /** Index of the ring buffer in `maps`, if anything is ever sent through it. */
  ringBuffer: number | undefined;
  /** Index of the health map in `maps`; see {@link HEALTH_SLOTS}. */
  health: number | undefined;
  /**
   * Index in `maps` of the set of traced processes (hash: u32 process id -> u8), where the program was compiled with the
   * process-tree scope. The harness puts the workload's process in; the program's own fork and exit probes keep it true.
   */
  scopeTree: number | undefined;
  /** Index in `maps` of the switch of the process or thread scope; see {@link SCOPE_SWITCH}. */
  scopeSwitch: number | undefined;
  /**
   * Indices in `maps` of what stacks are followed by without frame pointers; see compiler/unwind-table.ts. `processes`: the hash of
   * maps by process id (u32), as the kernel counts processes. `files`: the array of maps by the number of a file.
   */
  unwind: { processes: number; files: number } | undefined;
  /** Where packets go that are written to files. */
  packets: PacketPlan | undefined;
  config: RuntimeConfig;
  /**
   * The same in smaller parts, for when the kernel's verifier finds one too large to go through; undefined where that would be no
   * different. Compiles again, as only the kernel knows when it has to be.
   */
  smaller?(): CompiledProgram | undefined;
}

/**
 * Which tasks' events count; the compiler puts the test in front of every probe that fires in a task's context.
 *
 * `cgroup`: those in a cgroup. `tree`: those of a process and its descendants. `process` and `thread` can be switched on
 * and off by a write to memory: they let through one process (or one thread) and what that started while switched on,
 * child processes and, with `thread`, further threads.
 */
export type ScopeFilter = "system" | "cgroup" | "tree" | "process" | "thread";

/**
 * The switch is a one-entry mmap-able array of 64-bit numbers, by their offsets in bytes. `id`: the process or thread that
 * is let through, as the kernel counts them; 0: nothing is. `process`: the process id, of which the `thread` scope tells
 * its own threads from those of other processes. `forks`: how often a program has added to the set of processes.
 */
export const SCOPE_SWITCH = { id: 0, process: 8, forks: 16, size: 24 } as const;

export interface RuntimeConfig {
  license: string;
  /** Whether non-empty maps are printed at the end. */
  printMapsOnExit: boolean;
  stackMode: StackMode;
  missingProbes: "error" | "warn" | "ignore";
  maxCatBytes: number;
  cppDemangle: boolean;
  strTruncTrailer: string;
  /** Bytes for what the kernel's verifier writes about a program, where that is asked for. */
  logSize: number;
  /** Pages of memory for each ring that programs send through; 0 lets the loader choose by memory. */
  ringPages: number;
}

// Kernel maps

export type KernelMapType =
  | "hash"
  | "array"
  | "percpu_hash"
  | "percpu_array"
  | "lru_hash"
  | "lru_percpu_hash"
  | "ringbuf"
  | "stack_trace"
  | "prog_array"
  | "hash_of_maps"
  | "array_of_maps"
  | "perf_event_array";

export interface KernelMap {
  /** At most 15 characters of [A-Za-z0-9_.], as the kernel wants it. */
  name: string;
  type: KernelMapType;
  /** Bytes; 0 for ring buffers. */
  keySize: number;
  valueSize: number;
  /** For ring buffers the size in bytes; "auto" lets the loader choose by memory. */
  maxEntries: number | "auto";
  /** BPF_F_* bits. */
  flags: number;
  /** Of the maps in a map of maps: arrays of such values, each of a length of its own. */
  inner?: { valueSize: number } | undefined;
  /** Bytes that the loader writes before any program runs (read-only data); freezes the map. */
  initial?: Uint8Array;
}

// Programs

export type ProgramType = "tracing" | "raw_tracepoint" | "tracepoint" | "kprobe" | "perf_event" | "xdp";

export interface Program extends ProgramCode {
  /** At most 15 characters, for the kernel; unique in the script. */
  name: string;
  type: ProgramType;
  attach: AttachTarget;
  /** Script probes (as printed by the `probe` builtin) that this program serves. */
  probes: string[];
  /**
   * What did not fit into one program of the kernel: further ones of the same type and for the same target, which are not attached
   * but called through the array of programs `map`. The first of them has index 1 there.
   */
  further?: { map: number; parts: ProgramCode[] } | undefined;
}

export interface ProgramCode {
  /** 8 bytes an instruction slot. */
  code: Uint8Array;
  relocations: Relocation[];
  /** Which part of the script an instruction slot came from; sorted, each entry holds until the next. */
  lines: { slot: number; span: Span }[];
  /** Type information of the program's functions, which must be loaded with a program that hands one to a helper. */
  btf?: ProgramBtf | undefined;
}

/** All code of a program, the part that is attached first. */
export function codeOf(program: Program): ProgramCode[] {
  return [program, ...(program.further?.parts ?? [])];
}

export interface ProgramBtf {
  /** For BPF_BTF_LOAD. */
  types: Uint8Array;
  /** func_info of BPF_PROG_LOAD: records of 8 bytes (u32 slot, u32 BTF id). */
  functions: Uint8Array;
}

/** How a program gets its events. */
export type AttachTarget =
  /**
   * Run once before everything else is attached, or after everything is detached: with BPF_PROG_RUN, or if its type is "kprobe"
   * by an event that the tool makes itself.
   */
  | { kind: "begin" | "end" }
  /** Run once in the same way for each such signal that the tool gets. */
  | { kind: "signal"; signal: string }
  /** Run with BPF_PROG_RUN when the script's benchmarks or tests are asked for. */
  | { kind: "bench" | "test"; name: string }
  /** tp_btf (type "tracing": attach by the BTF id of `btf_trace_<name>`) or a raw tracepoint. */
  | { kind: "raw_tracepoint"; tracepoint: string; btfId: number | undefined; btfModule: string | undefined }
  /** perf-based tracepoint: its id is read by the host from events/<category>/<name>/id. */
  | { kind: "tracepoint"; category: string; name: string }
  /** One perf event on one CPU (interval) or on each online CPU (profile). */
  | { kind: "interval"; periodNs: number }
  | { kind: "profile"; period: { ns: number } | { hz: number } }
  /** PERF_COUNT_SW_* or PERF_COUNT_HW_* on each online CPU, firing once in `period` events. */
  | { kind: "perf_counter"; class: "software" | "hardware"; config: number; period: number }
  /** Many places may share the program, which tells them apart by the cookie. */
  | { kind: "kprobe"; places: KernelPlace[]; returns: boolean; multi: boolean }
  | { kind: "uprobe"; places: UserPlace[]; returns: boolean; multi: boolean }
  | { kind: "fentry"; function: string; btfId: number; btfModule: string | undefined; returns: boolean }
  /** One hardware breakpoint on each online CPU; the address in decimal. */
  | { kind: "watchpoint"; address: string; length: number; mode: "r" | "w" | "rw" | "x" }
  /** Run for each object of a kind while the host reads from the iterator, to which it adds a byte for each. */
  | { kind: "iter"; iterator: string; btfId: number };

export interface KernelPlace {
  /** Empty for a bare address. */
  symbol: string;
  module: string | undefined;
  /** Bytes behind the symbol, or the address; in decimal. */
  offset: string;
  cookie: number;
}

export interface UserPlace {
  path: string;
  /** Of the instruction, in bytes from the file's start. */
  offset: number;
  /** Of the counter of a USDT probe, likewise; 0 without one. */
  semaphore: number;
  cookie: number;
}

/** A place in the code that the loader fills in. Slots count 8-byte units; both halves of an ld_imm64 are patched. */
export type Relocation =
  /** src_reg = BPF_PSEUDO_MAP_FD. */
  | { kind: "map"; slot: number; map: number }
  /** src_reg = BPF_PSEUDO_MAP_VALUE; imm of the second half = offset into the single value. */
  | { kind: "map_value"; slot: number; map: number; offset: number }
  /** A 64-bit number that the loader knows. */
  | { kind: "constant"; slot: number; constant: HostConstant };

export type HostConstant =
  /** The id and the depth (root = 0) of the cgroup that the scope filter lets through. */
  | "scope_cgroup_id"
  | "scope_cgroup_level"
  /** Process id of the workload (`cpid`), 0 without one. */
  | "cpid"
  /** CLOCK_BOOTTIME, CLOCK_MONOTONIC ns when tracing started (`elapsed`), in the clock that the compiler asks for. */
  | "start_time_boot"
  | "start_time_monotonic"
  /** CLOCK_REALTIME minus CLOCK_BOOTTIME, ns: turns bpf_ktime_get_boot_ns into wall-clock time. */
  | "boot_to_real"
  /** CLOCK_TAI minus CLOCK_BOOTTIME, ns. */
  | "boot_to_tai"
  /** Device and inode of the tool's PID namespace. */
  | "pidns_dev"
  | "pidns_ino"
  /** The process given by -p, 0 without one. */
  | "target_pid";

// Script maps

export interface ScriptMap {
  /** With its at sign. */
  name: string;
  /** undefined for a scalar map. A key of several parts is a tuple. */
  key: ValueLayout | undefined;
  value: ValueLayout;
  storage: MapStorage;
}

export type MapStorage =
  /** A kernel hash of its own; per-CPU values are padded to 8 bytes and to be combined by the layout's kind. */
  | {
      kind: "hash";
      map: number;
      perCpu: boolean;
      /** Set when the kernel's map has one value for an entry, and each CPU its copy in there, so far apart. */
      stride?: number | undefined;
      /** Where entries are besides. */
      table?: EntryTable | undefined;
      /** A second hash, for keys that end within so many bytes: those are all of the kernel's key, and zeros follow in the script's. */
      short?: { map: number; keySize: number } | undefined;
      /** Time series have an entry for each of their intervals, whose u64 number lies here in the kernel's key. */
      interval?: number | undefined;
    }
  /**
   * A region of a one-entry mmap-able array. Plain values have one copy; aggregates have one for each CPU, `stride` bytes
   * apart, with other maps' values between them. `presence` is the offset of a byte (in each copy) that is set when the map
   * was assigned a value that may be all zeros.
   */
  | { kind: "global"; map: number; offset: number; stride: number; copies: number; presence: number | undefined };

/** The first word of a place that is just being filled. */
export const BUSY = 1n << 62n;

/**
 * Entries of a map with keys in a one-entry mmap-able array: `copies` tables, `stride` bytes apart, of `places`. The first word of a
 * place is 0 while it is free. `key` and `value` are offsets in it; without `key` the key is an integer, and the first word one more.
 * Where there is a word `present`, a place stays its key's, and the word is 0 while the key is not in the map.
 */
export interface EntryTable {
  map: number;
  offset: number;
  stride: number;
  copies: number;
  places: number;
  placeSize: number;
  key: number | undefined;
  present?: number | undefined;
  value: number;
}

// Values

export type StackMode = "bpftrace" | "perf" | "raw" | "build_id";

/** Bytes of one frame in a stack map: an address, or struct bpf_stack_build_id. */
export function frameSize(mode: StackMode): number {
  return mode === "build_id" ? 32 : 8;
}

/** How bytes in a map or a record are to be read. `size` is always in bytes and includes padding. */
export type ValueLayout =
  | { kind: "integer"; size: 1 | 2 | 4 | 8; signed: boolean }
  | { kind: "boolean"; size: 1 }
  /**
   * Up to the first NUL. Without one in `size` bytes the string was cut, and is shown with the trailer of the config; an array
   * of `chars` was just full.
   */
  | { kind: "string"; size: number; chars?: true | undefined }
  /** Something that has no value to show: a floating-point number. */
  | { kind: "none"; size: number }
  /** u32 length, then bytes. */
  | { kind: "buffer"; size: number }
  | { kind: "tuple"; size: number; elements: { offset: number; layout: ValueLayout }[] }
  | { kind: "record"; size: number; fields: { name: string; offset: number; layout: ValueLayout }[] }
  | { kind: "array"; size: number; element: ValueLayout; count: number }
  | {
      kind: "struct";
      size: number;
      name: string;
      fields: { name: string; offset: number; layout: ValueLayout; bits?: { offset: number; size: number } }[];
    }
  | { kind: "pointer"; size: 8 }
  | {
      kind: "enum";
      size: 1 | 2 | 4 | 8;
      signed: boolean;
      name: string;
      values: [value: string, name: string][];
    }
  /** u64 that stands for a text: that of its number in `names` (sparse, as pairs), else `other`. */
  | { kind: "name"; size: 8; names: [number: number, name: string][]; other?: string }
  | { kind: "ksym"; size: 8 }
  /** u64 address, u64 process id. */
  | { kind: "usym"; size: 16 }
  /**
   * s64 id (negative: an error number), u32 frames, u32 process id (0: kernel). The frames are the value under that id, as a
   * 64-bit number, in the hash at `map`: `limit` of them, zeros behind the last.
   */
  | { kind: "kstack" | "ustack"; size: number; map: number; mode: StackMode; limit: number }
  /** u64 ns and the strftime format. */
  | { kind: "timestamp"; size: 8; format: string; clock: "boot" | "realtime" | "monotonic" }
  /** u32 family (AF_INET 2, AF_INET6 10) padded to 8, 16 address bytes. */
  | { kind: "inet"; size: 24 }
  | { kind: "mac"; size: 6 }
  /** u64 cgroup id; the path is looked up below `filter`. */
  | { kind: "cgroup_path"; size: 8; filter: string }
  | { kind: "username"; size: 8 }
  // Aggregations (map values only). Each CPU's copy has this shape; all numbers are 64 bit.
  | { kind: "count"; size: 8 }
  | { kind: "sum"; size: 8; signed: boolean }
  /** [value, isSet] */
  | { kind: "min" | "max"; size: 16; signed: boolean }
  /** [count, total] */
  | { kind: "avg"; size: 16; signed: boolean }
  | { kind: "stats"; size: 16; signed: boolean }
  /** u64 buckets: see compiler/histogram.ts for which value falls where. */
  | { kind: "hist"; size: number; bits: number }
  | { kind: "lhist"; size: number; min: number; max: number; step: number }
  /**
   * One interval of a time series: [value, weight, epoch]. The epoch counts intervals since 1970, and is 0 while there is no
   * value. The weight is the time of the last value, or the number of values that are averaged.
   */
  | { kind: "tseries"; size: 24; signed: boolean; intervalNs: number; intervals: number; aggregation: Aggregation };

/** What a time series keeps of the values of one interval. */
export type Aggregation = "last" | "avg" | "max" | "min" | "sum";

// Events

export type EventLayout =
  /**
   * Arguments lie behind the 8-byte event index. `size` is the whole record's size. `format` holds one character a byte,
   * as string literals do; compiler/format-string.ts reads it.
   */
  | {
      kind: "printf" | "errorf" | "warnf" | "system" | "cat";
      size: number;
      format: string;
      args: EventField[];
      span: Span;
    }
  /** print(value) */
  | { kind: "print"; size: number; value: EventField; span: Span }
  /** print(@map[, top[, div]]); the numbers are part of the record where they are not constant. */
  | { kind: "print_map"; size: number; map: number; top: EventField | undefined; div: EventField | undefined }
  /** print(@map[key]): the value was copied into the record, and is printed alone. */
  | { kind: "print_map_value"; size: number; map: number; key: EventField; value: EventField }
  | { kind: "clear_map" | "zero_map"; size: number; map: number }
  | { kind: "unwatch"; size: number; address: EventField }
  | { kind: "exit"; size: number; code: EventField | undefined }
  | { kind: "time"; size: number; format: string }
  | { kind: "join"; size: number; separator: string; args: EventField[] }
  /** Something went wrong at run time; failed helpers are told only on request. */
  | { kind: "runtime_error"; size: number; error: Mishap; span: Span }
  | { kind: "runtime_error"; size: number; error: "helper"; helper: string; result: EventField; span: Span };

/** What a program goes on after, but tells of. */
export type Mishap = "division-by-zero" | "out-of-bounds" | "no-command" | "no-process" | "no-unwind-data";

export interface EventField {
  offset: number;
  layout: ValueLayout;
}

// Packets

export interface PacketPlan {
  /** Index in the program's maps of an array of perf events by CPU, whose rings take the records. */
  map: number;
  /** The calls that send packets: the file's path, one character a byte, and how many bytes at a packet's beginning are left out. */
  calls: { path: string; offset: number }[];
}

/**
 * What precedes a packet in its record, by offsets in bytes: u64 `time` (CLOCK_BOOTTIME, ns), u32 `length` of the whole packet, u32
 * `copied` bytes of it that follow, u32 `call`. The kernel fills the record up to its own size.
 */
export const PACKET_HEADER = { time: 0, length: 8, copied: 12, call: 16, size: 24 } as const;

/** Bytes of a packet that find room in a record: its size has 16 bits, and two headers and the filling are a part of it. */
export const MAX_PACKET_BYTES = 65_528 - 8 - 4 - PACKET_HEADER.size;

// Health

/**
 * The health map is a one-entry mmap-able array of 64-bit counters, each incremented atomically. A run with a counter
 * above zero has lost something. Slot 0: ring buffer records that found no room. Slot 1: loops that the kernel has ended before
 * they were done. Then each map has its own, one for every error by which the kernel refused to change it: the maps in which stacks are
 * kept together, the set of traced processes, the rings for packets, and from `firstMap` on the script's.
 */
export const HEALTH_SLOTS = {
  lostEvents: 0,
  endlessLoops: 1,
  stacks: 2,
  processes: 130,
  packets: 258,
  firstMap: 386,
} as const;

/** Numbers of errors that are told apart: a power of two. */
export const REFUSALS = 128;

/** Maps whose refused updates are counted and that are not the script's. */
export type OwnMap = "stacks" | "processes" | "packets";

/** The slot of updates of a map that failed with `errno`: what the helper returns is found there without a branch. A script map is known by its index. */
export function refusalSlot(map: number | OwnMap, errno: number): number {
  const first = typeof map === "string" ? HEALTH_SLOTS[map] : HEALTH_SLOTS.firstMap + map * REFUSALS;
  return first + (-errno & (REFUSALS - 1));
}

const ENOMEM = 12;
const E2BIG = 7;

/** By which error the kernel says that a map has no room: one that forgets by itself finds no entry that it could forget. */
export function errnoOfFull(type: KernelMapType): number {
  return type.startsWith("lru_") ? ENOMEM : E2BIG;
}

/** What a program can count as lost besides updates of maps. */
export type Loss = "lostEvents" | "endlessLoops";
