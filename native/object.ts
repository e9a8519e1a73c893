/** What all BPF objects have in common: ids, pins, and the information that the kernel keeps about them. */
import { readlinkSync } from "node:fs";
import { binding } from "./addon.ts";
import { check, ENOENT } from "./errors.ts";
import { adopt, Fd } from "./fd.ts";
import { MapFd } from "./map.ts";

export type ObjectKind = "prog" | "map" | "btf" | "link";

const NEXT_ID: Readonly<Record<ObjectKind, number>> = { prog: 11, map: 12, btf: 23, link: 31 };
const FD_BY_ID: Readonly<Record<ObjectKind, number>> = { prog: 13, map: 14, btf: 19, link: 30 };

/** The smallest id above `start` of that kind, or null when there is none. Needs CAP_SYS_ADMIN. */
export function getNextId(kind: ObjectKind, start: number): number | null {
  const result = binding().getNextId(NEXT_ID[kind], start);
  if (result === -ENOENT) return null;
  return check(result, `BPF_${kind.toUpperCase()}_GET_NEXT_ID`);
}

/** Opens an object by id; ENOENT when it is gone. */
export function getFdById(kind: Exclude<ObjectKind, "map">, id: number): Fd {
  return adopt(binding().getFdById(FD_BY_ID[kind], id), `BPF_${kind.toUpperCase()}_GET_FD_BY_ID`, `${kind} ${id}`, {
    id,
  });
}

export function mapGetFdById(id: number): MapFd {
  const fd = adopt(binding().getFdById(FD_BY_ID.map, id), "BPF_MAP_GET_FD_BY_ID", `map ${id}`, { id });
  return asMap(fd);
}

/** BPF_OBJ_PIN: gives an object a name in a bpffs, where it outlives its descriptors. */
export function objPin(fd: Fd, path: string): void {
  check(binding().objPin(fd.value, path), "BPF_OBJ_PIN", { descriptor: fd.label, path });
}

/** BPF_OBJ_GET: opens what was pinned at `path`. Pass a map's descriptor on to `asMap`. */
export function objGet(path: string): Fd {
  return adopt(binding().objGet(path, 0), "BPF_OBJ_GET", `pinned ${path}`, { path });
}

/**
 * Turns the descriptor of a map, however it came about, into a MapFd that owns it. Throws TypeError for anything else: the
 * kernel would describe a program just as readily, and buffers would be measured by nonsense.
 */
export function asMap(fd: Fd): MapFd {
  try {
    const target = readlinkSync(`/proc/self/fd/${fd.value}`);
    if (target !== "anon_inode:bpf-map") throw new TypeError(`${fd.label} is no map but ${target}`);
    const info = mapInfo(fd);
    const { label } = fd;
    return new MapFd(fd.take(), label, info);
  } finally {
    fd.close();
  }
}

/**
 * BPF_OBJ_GET_INFO_BY_FD: copies struct bpf_prog_info, bpf_map_info, bpf_link_info or bpf_btf_info into `into`, as much
 * as fits, and answers how many bytes the kernel filled in. Pointers in it must be zero.
 */
export function objGetInfo(fd: Fd, into: Uint8Array): number {
  return check(binding().objGetInfo(fd.value, into), "BPF_OBJ_GET_INFO_BY_FD", { descriptor: fd.label });
}

export interface ProgInfo {
  id: number;
  type: number;
  name: string;
  /** Bytes of machine code; 0 when the JIT is off. */
  jitedLen: number;
  /** Bytes of BPF after the verifier's rewriting. */
  xlatedLen: number;
  /** Time in the program while statistics were enabled. */
  runTimeNs: bigint;
  /** Runs while statistics were enabled. */
  runCnt: bigint;
  /** Runs that were skipped because the program was already active on that CPU; since 5.12. */
  recursionMisses: bigint;
  /** Instructions that the verifier walked; since 5.16. */
  verifiedInsns: number;
}

/** What the kernel knows about a loaded program. Fields younger than the kernel are 0. */
export function progInfo(prog: Fd): ProgInfo {
  const view = info(prog, 224);
  return {
    type: view.getUint32(0, LE),
    id: view.getUint32(4, LE),
    jitedLen: view.getUint32(16, LE),
    xlatedLen: view.getUint32(20, LE),
    name: nameAt(view, 64),
    runTimeNs: view.getBigUint64(192, LE),
    runCnt: view.getBigUint64(200, LE),
    recursionMisses: view.getBigUint64(208, LE),
    verifiedInsns: view.getUint32(216, LE),
  };
}

export interface MapInfo {
  id: number;
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  name: string;
}

export function mapInfo(map: Fd): MapInfo {
  const view = info(map, 40);
  return {
    type: view.getUint32(0, LE),
    id: view.getUint32(4, LE),
    keySize: view.getUint32(8, LE),
    valueSize: view.getUint32(12, LE),
    maxEntries: view.getUint32(16, LE),
    flags: view.getUint32(20, LE),
    name: nameAt(view, 24),
  };
}

export interface BtfInfo {
  id: number;
  /** Bytes of the type data. */
  size: number;
  /** True for vmlinux and modules. */
  kernel: boolean;
  /** `vmlinux` or the module's name; empty for BTF that user space loaded. */
  name: string;
}

export function btfInfo(btf: Fd): BtfInfo {
  const bytes = new Uint8Array(12 + BTF_NAME_SIZE);
  check(binding().btfInfo(btf.value, bytes), "BPF_OBJ_GET_INFO_BY_FD", { descriptor: btf.label });
  const view = new DataView(bytes.buffer);
  return {
    id: view.getUint32(0, LE),
    size: view.getUint32(4, LE),
    kernel: view.getUint32(8, LE) !== 0,
    name: nameAt(view, 12, BTF_NAME_SIZE),
  };
}

/** BPF_ENABLE_STATS for run times: runTimeNs and runCnt count for as long as the result is open. Needs CAP_SYS_ADMIN. */
export function enableStats(): Fd {
  return adopt(binding().enableStats(RUN_TIME), "BPF_ENABLE_STATS", "run-time statistics");
}

/** A buffer whose address belongs into the attribute at `offset`. */
export interface AttrPointer {
  offset: number;
  bytes: Uint8Array;
}

/** Commands that answer with a descriptor. */
const RETURNS_FD: ReadonlySet<number> = new Set([0, 5, 7, 13, 14, 17, 18, 19, 28, 30, 32, 33, 36]);

/**
 * bpf(2) with a hand-made attribute, for probing what a kernel permits: 0 when the command succeeded (a descriptor that
 * came of it is closed again), else the errno. `attr` is updated in place by commands that answer there.
 */
export function bpfProbe(command: number, attr: Uint8Array, pointers: readonly AttrPointer[] = []): number {
  for (const { offset } of pointers) {
    if (offset < 0 || offset + 8 > attr.byteLength) throw new RangeError(`no room for a pointer at ${offset}`);
  }
  const result = binding().bpf(command, attr, [...pointers]);
  if (result < 0) return -result;
  if (RETURNS_FD.has(command)) new Fd(result, `probe of command ${command}`).close();
  return 0;
}

const LE = true; // both supported architectures are little-endian
const BTF_NAME_SIZE = 64;
const RUN_TIME = 0;

function info(fd: Fd, size: number): DataView {
  const bytes = new Uint8Array(size);
  objGetInfo(fd, bytes);
  return new DataView(bytes.buffer);
}

function nameAt(view: DataView, offset: number, room = 16): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, room);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
