/** Loading BPF programs, running them by hand, and attaching them. */
import { binding, type RawProgSpec } from "./addon.ts";
import { check, type ErrorObject, LoadError } from "./errors.ts";
import { adopt, Fd } from "./fd.ts";
import { type MapFd, objectName } from "./map.ts";
import { beyondMemlock } from "./sys.ts";

export interface ProgSpec {
  /** A ProgType. */
  type: number;
  /** An AttachType, where the program type distinguishes them. */
  expectedAttachType?: number;
  /** Instructions of 8 bytes each, map descriptors already filled in. */
  insns: Uint8Array;
  license: string;
  /** Any text; the kernel keeps 15 characters of it. */
  name: string;
  /** The BTF type that a TRACING or LSM program attaches to. */
  attachBtfId?: number;
  /** The BTF that `attachBtfId` counts in (a module's; none means vmlinux), or the program that is being extended. */
  attachTo?: Fd;
  /** ProgFlag bits. */
  flags?: number;
  /** LINUX_VERSION_CODE, which kprobes had to name before 5.0. */
  kernVersion?: number;
  /** What BPF_PSEUDO_MAP_IDX and kfunc offsets in the instructions index. */
  fdArray?: readonly Fd[];
  btf?: {
    fd: Fd;
    funcInfo?: { records: Uint8Array; recordSize: number };
    lineInfo?: { records: Uint8Array; recordSize: number };
  };
  /** 0 no log, 1 or 2 the verifier's reasoning, 4 only its statistics. */
  logLevel?: number;
  /** Bytes of room for the log, default 64 KiB; a log that does not fit fails the load with ENOSPC. */
  logSize?: number;
}

export interface LoadedProg {
  fd: Fd;
  /** What the verifier wrote, empty at log level 0. */
  log: string;
}

/** BPF_PROG_LOAD. A failure is a LoadError, which carries the log as far as it fitted. */
export function progLoad(spec: ProgSpec): LoadedProg {
  const log = logBuffer(spec.logLevel, spec.logSize);
  const raw: RawProgSpec = {
    type: spec.type,
    expectedAttachType: spec.expectedAttachType ?? 0,
    insns: spec.insns,
    license: spec.license,
    name: objectName(spec.name),
    flags: spec.flags ?? 0,
    kernVersion: spec.kernVersion ?? 0,
    attachBtfId: spec.attachBtfId ?? 0,
    attachFd: spec.attachTo?.value ?? 0,
    fdArray: spec.fdArray === undefined ? null : Int32Array.from(spec.fdArray, (fd) => fd.value),
    btfFd: spec.btf?.fd.value ?? 0,
    funcInfo: spec.btf?.funcInfo?.records ?? null,
    funcInfoRecordSize: spec.btf?.funcInfo?.recordSize ?? 0,
    lineInfo: spec.btf?.lineInfo?.records ?? null,
    lineInfoRecordSize: spec.btf?.lineInfo?.recordSize ?? 0,
    logLevel: spec.logLevel ?? 0,
    log,
  };
  const result = beyondMemlock(() => binding().progLoad(raw));
  return loaded(result, "BPF_PROG_LOAD", log, `program ${spec.name}`, { program: spec.name });
}

/** BPF_BTF_LOAD: `data` is a whole .BTF section. A failure is a LoadError. */
export function btfLoad(data: Uint8Array, options: { logLevel?: number; logSize?: number } = {}): LoadedProg {
  const log = logBuffer(options.logLevel, options.logSize);
  return loaded(binding().btfLoad(data, options.logLevel ?? 0, log), "BPF_BTF_LOAD", log, "btf", {});
}

export interface TestRunOptions {
  /** The context: for RAW_TRACEPOINT the array of u64 arguments. */
  ctxIn?: Uint8Array;
  /** A packet, for program types that take one. */
  dataIn?: Uint8Array;
  /** TestRunFlag bits. */
  flags?: number;
  /** Where to run, with TestRunFlag.ON_CPU. */
  cpu?: number;
  repeat?: number;
}

export interface TestRunResult {
  /** What the program returned, as an unsigned 32-bit number. */
  retval: number;
  /** Nanoseconds of one run on average; 0 where the program type is not timed. */
  durationNs: number;
}

/** BPF_PROG_TEST_RUN: runs the program once, now, in this thread (or on `cpu`). */
export function progTestRun(prog: Fd, options: TestRunOptions = {}): TestRunResult {
  const result = new Uint32Array(2);
  const { ctxIn = null, dataIn = null, flags = 0, cpu = 0, repeat = 0 } = options;
  const status = binding().progTestRun(prog.value, ctxIn, dataIn, flags, cpu, repeat, result);
  check(status, "BPF_PROG_TEST_RUN", about(prog));
  return { retval: result[0]!, durationNs: result[1]! };
}

/**
 * Runs a KPROBE program once, now, in this thread, on kernels that cannot do so by themselves: as a uprobe on a function of the
 * addon, which is called. `type` is the number of the kernel's uprobe PMU.
 */
export function progRunByUprobe(prog: Fd, type: number): void {
  check(binding().runByUprobe(prog.value, type), "a run by a uprobe", about(prog));
}

/**
 * BPF_RAW_TRACEPOINT_OPEN: attaches a RAW_TRACEPOINT program to the tracepoint `name`, or with null a TRACING program
 * to the BTF type it was loaded for (tp_btf, fentry, fexit). Closing the result detaches it. A non-zero cookie needs 6.10.
 */
export function rawTracepointOpen(name: string | null, prog: Fd, cookie = 0n): Fd {
  const label = `link ${name ?? prog.label}`;
  const object = name === null ? about(prog) : { tracepoint: name, ...about(prog) };
  return adopt(binding().rawTracepointOpen(name, prog.value, cookie), "BPF_RAW_TRACEPOINT_OPEN", label, object);
}

/** What an iterator goes through. Cgroups: all of them, each before those below it. */
export type IteratorTarget = { map: MapFd } | { tid: number } | { pid: number } | { cgroups: "descendants" };

/** What a link needs beyond program, target and attach type. */
export type LinkOptions =
  | { kind: "plain"; flags?: number }
  | { kind: "perf-event"; cookie: bigint }
  | { kind: "tracing"; targetBtfId?: number; cookie?: bigint }
  | { kind: "iter"; over?: IteratorTarget }
  | {
      kind: "kprobe-multi";
      /** Either symbols or addresses. */
      at: { symbols: readonly string[] } | { addresses: BigUint64Array };
      /** One for each place. */
      cookies?: BigUint64Array;
      /** Run at the function's return. */
      onReturn?: boolean;
    }
  | {
      kind: "uprobe-multi";
      path: string;
      /** File offsets of the probed instructions. */
      offsets: BigUint64Array;
      /** File offsets of the USDT semaphores, one for each place, 0 for none. */
      refCounterOffsets?: BigUint64Array;
      cookies?: BigUint64Array;
      /** Only this process. */
      pid?: number;
      onReturn?: boolean;
    };

/**
 * BPF_LINK_CREATE: attaches `prog` to `target` (a perf event, a cgroup, a program; null where the kind needs none).
 * Closing the result detaches it.
 */
export function linkCreate(
  prog: Fd,
  target: Fd | null,
  attachType: number,
  options: LinkOptions = { kind: "plain" },
): Fd {
  const result = createLink(prog.value, target?.value ?? 0, attachType, options);
  return adopt(result, "BPF_LINK_CREATE", `link ${prog.label}`, { kind: options.kind, ...about(prog) });
}

function createLink(prog: number, target: number, attachType: number, options: LinkOptions): number {
  switch (options.kind) {
    case "plain":
      return binding().linkCreate(prog, target, attachType, options.flags ?? 0);
    case "perf-event":
      return binding().linkCreatePerfEvent(prog, target, attachType, options.cookie);
    case "tracing":
      return binding().linkCreateTracing(prog, target, attachType, options.targetBtfId ?? 0, options.cookie ?? 0n);
    case "iter":
      return binding().linkCreateIter(prog, attachType, iterInfo(options.over));
    case "kprobe-multi": {
      const places = "symbols" in options.at ? options.at.symbols.length : options.at.addresses.length;
      checkLength("cookies", options.cookies, places);
      return binding().linkCreateKprobeMulti(
        prog,
        attachType,
        options.onReturn ? MULTI_RETURN : 0,
        "symbols" in options.at ? [...options.at.symbols] : null,
        "addresses" in options.at ? options.at.addresses : null,
        options.cookies ?? null,
      );
    }
    case "uprobe-multi":
      checkLength("cookies", options.cookies, options.offsets.length);
      checkLength("refCounterOffsets", options.refCounterOffsets, options.offsets.length);
      return binding().linkCreateUprobeMulti(
        prog,
        attachType,
        options.onReturn ? MULTI_RETURN : 0,
        options.path,
        options.offsets,
        options.refCounterOffsets ?? null,
        options.cookies ?? null,
        options.pid ?? 0,
      );
    default: {
      const missing: never = options;
      throw new Error(`no such link kind: ${JSON.stringify(missing)}`);
    }
  }
}

/** union bpf_iter_link_info: { map_fd } or { order, cgroup_fd, cgroup_id } or { tid, pid, pid_fd }. */
function iterInfo(over: IteratorTarget | undefined): Uint8Array | null {
  if (over === undefined) return null;
  return new Uint8Array(Uint32Array.from(iterInfoWords(over)).buffer);
}

function iterInfoWords(over: IteratorTarget): number[] {
  if ("map" in over) return [over.map.value, 0, 0, 0];
  if ("tid" in over) return [over.tid, 0, 0, 0];
  if ("pid" in over) return [0, over.pid, 0, 0];
  return [DESCENDANTS_PRE, 0, 0, 0];
}

/** BPF_CGROUP_ITER_DESCENDANTS_PRE */
const DESCENDANTS_PRE = 2;

/** BPF_LINK_DETACH: detaches now, though the descriptor stays open. EOPNOTSUPP for most tracing links: close those. */
export function linkDetach(link: Fd): void {
  check(binding().linkDetach(link.value), "BPF_LINK_DETACH", about(link));
}

/** BPF_ITER_CREATE: a descriptor whose reads run the iterator program and yield what it writes. */
export function iterCreate(link: Fd): Fd {
  return adopt(binding().iterCreate(link.value), "BPF_ITER_CREATE", `iter ${link.label}`, about(link));
}

/** BPF_F_KPROBE_MULTI_RETURN and BPF_F_UPROBE_MULTI_RETURN. */
const MULTI_RETURN = 1;

function about(fd: Fd): ErrorObject {
  return { descriptor: fd.label };
}

function checkLength(what: string, values: BigUint64Array | undefined, length: number): void {
  if (values !== undefined && values.length !== length) {
    throw new RangeError(`${what} has ${values.length} entries, the link has ${length} places`);
  }
}

function logBuffer(level = 0, size = 64 * 1024): Uint8Array | null {
  return level === 0 ? null : new Uint8Array(size);
}

function loaded(
  result: number,
  operation: string,
  log: Uint8Array | null,
  label: string,
  object: ErrorObject,
): LoadedProg {
  const text = log === null ? "" : textUntilNul(log);
  if (result < 0) throw new LoadError(operation, -result, text, object);
  return { fd: new Fd(result, label), log: text };
}

function textUntilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
