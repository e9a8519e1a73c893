/**
 * The compiled addon: finding it, loading it when first needed, and the exact shape of what it exports. Only files of
 * this folder see these raw functions. All of them take numbers and buffers and answer with a non-negative number or
 * -errno; sizes of buffers are the caller's to check, because the kernel writes wherever it is told to.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface RawMapSpec {
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  innerMapFd: number;
  name: string;
  btfFd: number;
  btfKeyTypeId: number;
  btfValueTypeId: number;
  extra: bigint;
}

export interface RawProgSpec {
  type: number;
  expectedAttachType: number;
  insns: Uint8Array;
  license: string;
  name: string;
  flags: number;
  kernVersion: number;
  attachBtfId: number;
  /** attach_prog_fd or attach_btf_obj_fd, 0 for none: the kernel has them share a field. */
  attachFd: number;
  fdArray: Int32Array | null;
  btfFd: number;
  funcInfo: Uint8Array | null;
  funcInfoRecordSize: number;
  lineInfo: Uint8Array | null;
  lineInfoRecordSize: number;
  logLevel: number;
  log: Uint8Array | null;
}

export interface RawPerfSpec {
  type: number;
  config: bigint;
  /** A string is passed by address, as the kprobe and uprobe PMUs want it. */
  config1: bigint | string;
  config2: bigint;
  samplePeriod: bigint;
  sampleType: bigint;
  attrFlags: bigint;
  wakeupEvents: number;
  bpType: number;
  pid: number;
  cpu: number;
  groupFd: number;
  openFlags: number;
}

export interface RawSpawnSpec {
  /** Paths to try in order, as execvp(3) does. */
  files: string[];
  argv: string[];
  envp: string[];
  cwd: string | null;
  /** -1 leaves the id alone. */
  uid: number;
  gid: number;
  groups: Uint32Array | null;
  cgroupFd: number;
  /** 0 the caller's group, 1 a new process group, 2 a new session. */
  group: number;
  noNewPrivs: boolean;
  noAslr: boolean;
  killOnParentDeath: boolean;
  /** For 0, 1, 2: a descriptor to duplicate, or one of the negative Stdio codes. */
  stdio: Int32Array;
  /** False takes the path of kernels and sandboxes without clone3(2). */
  clone3: boolean;
}

/** A mapped ring buffer; an object so that the garbage collector and the end of a thread unmap it. */
export interface RawRingBuffer {
  /** Copies whole records, each behind an 8-byte frame whose first four bytes are its length, and consumes them. */
  drain(into: Uint8Array): number;
  pending(): number;
  close(): void;
}

/** A watched descriptor. */
export interface RawPoller {
  ref(): void;
  unref(): void;
  close(): void;
}

/** Mapped array memory. */
export interface RawMapping {
  readonly buffer: ArrayBuffer;
  close(): void;
}

export interface Binding {
  close(fd: number): number;
  /** Has a descriptor closed when the thread's environment ends, however it ends; or no longer. */
  closeAtEnd(fd: number, on: boolean): void;
  /** A descriptor that only names the folder (O_PATH). */
  openDirectory(path: string): number;

  mapCreate(spec: RawMapSpec): number;
  mapLookup(fd: number, key: Uint8Array, value: Uint8Array, flags: bigint): number;
  mapUpdate(fd: number, key: Uint8Array, value: Uint8Array, flags: bigint): number;
  mapDelete(fd: number, key: Uint8Array): number;
  mapLookupAndDelete(fd: number, key: Uint8Array, value: Uint8Array): number;
  mapGetNextKey(fd: number, key: Uint8Array | null, next: Uint8Array): number;
  /** `command` is one of the four BPF_MAP_*_BATCH; `count[0]` goes in as room and comes out as entries done. */
  mapBatch(
    command: number,
    fd: number,
    inBatch: Uint8Array | null,
    outBatch: Uint8Array | null,
    keys: Uint8Array,
    values: Uint8Array | null,
    count: Uint32Array,
  ): number;
  mapFreeze(fd: number): number;

  progLoad(spec: RawProgSpec): number;
  /** `result` receives the return value and the nanoseconds per run. */
  progTestRun(
    fd: number,
    context: Uint8Array | null,
    data: Uint8Array | null,
    flags: number,
    cpu: number,
    repeat: number,
    result: Uint32Array,
  ): number;
  rawTracepointOpen(name: string | null, progFd: number, cookie: bigint): number;
  linkCreate(progFd: number, targetFd: number, attachType: number, flags: number): number;
  linkCreatePerfEvent(progFd: number, targetFd: number, attachType: number, cookie: bigint): number;
  linkCreateTracing(progFd: number, targetFd: number, attachType: number, btfId: number, cookie: bigint): number;
  linkCreateIter(progFd: number, attachType: number, info: Uint8Array | null): number;
  linkCreateKprobeMulti(
    progFd: number,
    attachType: number,
    flags: number,
    symbols: string[] | null,
    addresses: BigUint64Array | null,
    cookies: BigUint64Array | null,
  ): number;
  linkCreateUprobeMulti(
    progFd: number,
    attachType: number,
    flags: number,
    path: string,
    offsets: BigUint64Array,
    refCounterOffsets: BigUint64Array | null,
    cookies: BigUint64Array | null,
    pid: number,
  ): number;
  linkDetach(fd: number): number;
  iterCreate(linkFd: number): number;
  btfLoad(data: Uint8Array, logLevel: number, log: Uint8Array | null): number;

  objPin(fd: number, path: string): number;
  objGet(path: string, flags: number): number;
  /** Answers with the number of bytes the kernel filled in. */
  objGetInfo(fd: number, info: Uint8Array): number;
  /** `command` is a BPF_*_GET_NEXT_ID. */
  getNextId(command: number, start: number): number;
  /** `command` is a BPF_*_GET_FD_BY_ID. */
  getFdById(command: number, id: number): number;
  /** Bytes 0-3 receive the id, 4-7 the data's size, 8-11 whether the kernel made it; the name comes after. */
  btfInfo(fd: number, info: Uint8Array): number;
  enableStats(kind: number): number;
  /** bpf(2) itself; each pointer's address is written into `attr` at its offset first. */
  bpf(command: number, attr: Uint8Array, pointers: { offset: number; bytes: Uint8Array }[]): number;

  perfEventOpen(spec: RawPerfSpec): number;
  perfIoctl(fd: number, request: number, argument: number): number;
  /** `counter` receives the value, the time enabled and the time running. */
  perfRead(fd: number, counter: BigUint64Array): number;
  /** `type` is the uprobe PMU's number. */
  runByUprobe(progFd: number, type: number): number;
  breakpointsFire(): number;

  ringbufOpen(fd: number, size: number): RawRingBuffer | number;
  /** With `readOnly` a copy of a file's pages, where writing ends the process. */
  mapMemory(fd: number, length: number, readOnly: boolean): RawMapping | number;
  /** Watches a duplicate of `fd`; `onEvent` gets 0 when readable, or -errno. */
  pollerOpen(fd: number, onEvent: (status: number) => void): RawPoller | number;
  /** poll(2) for input: 1 when readable, 0 on time-out. */
  pollWait(fd: number, timeoutMs: number): number;

  /** `out` receives pid, pidfd, control, stdin, stdout, stderr; on failure the index of the stage in out[0]. */
  spawn(spec: RawSpawnSpec, out: Int32Array): number;
  /** Lets a stopped process run; on failure of the exec the index of the stage in out[0]. */
  spawnRelease(controlFd: number, timeoutMs: number, out: Int32Array): number;
  /** 1 when the process ended and `out` is filled, 0 while it runs. */
  waitPidfd(pidfd: number, out: Float64Array): number;
  pidfdOpen(pid: number): number;
  pidfdSendSignal(pidfd: number, signal: number): number;
  killProcessGroup(group: number, signal: number): number;
  setChildSubreaper(on: boolean): number;

  /** `word` receives what a request answers with; null for those that answer with nothing. */
  ptrace(request: number, pid: number, address: bigint, data: bigint, word: BigUint64Array | null): number;
  /** Whether a child or tracee has ended or stopped, which stays so: 1 with si_code and si_status in `out`, or 0. */
  peekWait(pid: number, out: Int32Array): number;

  demangle(name: string): string | undefined;

  gettid(): number;
  /** `out` receives the low and the high word of the effective set. */
  capget(out: Uint32Array): number;
  /** `out[0]` receives f_type. */
  statfs(path: string, out: BigUint64Array): number;
  /** `out` receives the soft and the hard limit. */
  getrlimitMemlock(out: BigUint64Array): number;
  setrlimitMemlock(soft: bigint, hard: bigint): number;
  /** `out[0]` receives nanoseconds. */
  clockGettime(clock: number, out: BigInt64Array): number;
  /** `mask` is the cpu_set as bytes; answers with the bytes filled in. */
  schedGetaffinity(pid: number, mask: Uint8Array): number;
  schedSetaffinity(pid: number, mask: Uint8Array): number;
}

/** The addon is missing or unfit for this machine; the message says where it was looked for and what to do. */
export class AddonError extends Error {
  override readonly name = "AddonError";
}

let loaded: Binding | undefined;

/** The addon, loaded on the first call. Throws AddonError when there is none. */
export function binding(): Binding {
  loaded ??= load(packageRoot(import.meta.dirname));
  return loaded;
}

function load(root: string): Binding {
  if (process.platform !== "linux") {
    throw new AddonError(`probewright measures through the Linux kernel and cannot run on ${process.platform}`);
  }
  const require = createRequire(import.meta.filename);
  // Where node-gyp-build finds what was compiled here; asking it takes longer than loading.
  const built = join(root, "build/Release/probewright.node");
  try {
    if (!process.env.PREBUILDS_ONLY && existsSync(built)) return require(built) as Binding;
    return (require("node-gyp-build") as (directory: string) => Binding)(root);
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).trim().split("\n")[0];
    throw new AddonError(
      `the native addon for linux-${process.arch} could not be loaded from ${root} (build/Release or prebuilds): ${reason}\n` +
        `help: build it with \`npm rebuild probewright\`, or \`npm run install\` in a checkout; it needs g++, make and python3`,
      { cause },
    );
  }
}

/** The package's own folder, whether this file runs as native/addon.ts or as dist/native/addon.js. */
function packageRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (packageName(folder) === "probewright") return folder;
    if (folder === dirname(folder)) throw new AddonError(`no package.json of probewright at or above ${start}`);
  }
}

function packageName(folder: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: string }).name;
  } catch {
    return undefined; // most folders on the way up have none, and a broken one is not ours
  }
}
