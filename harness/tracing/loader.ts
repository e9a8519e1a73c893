/**
 * Turns a compiled program into kernel objects: maps are created, the code gets their descriptors and the host's
 * numbers, the verifier judges it. Everything that was opened is closed again when any step fails.
 */
import type { AttachTarget, CompiledProgram, HostConstant, Program, ProgramType } from "../../compiler/program.ts";
import {
  AttachType,
  btfInfo,
  btfLoad,
  Fd,
  getFdById,
  getNextId,
  LoadError,
  type LoadedProg,
  type MapFd,
  mapUpdate,
  type ProgSpec,
  ProgType,
  progLoad,
} from "../../native/index.ts";
import { createMap } from "./kernel-maps.ts";
import { relocate } from "./relocate.ts";
import { loadFailure, TrimmedLogError } from "./verifier-error.ts";

export interface LoadedProgram {
  readonly program: Program;
  readonly fd: Fd;
}

export type ConstantSource = (name: HostConstant) => bigint;

/** Creates all maps, in their order. */
export function createMaps(compiled: CompiledProgram): MapFd[] {
  return allOrNone(compiled.maps, (map) => createMap(map, compiled));
}

/** Receives what the verifier has to say about a program that it accepts. */
export type VerifierListener = (program: Program, log: string) => void;

/** What programs are loaded with, besides themselves. */
export interface LoadContext {
  maps: readonly MapFd[];
  constant: ConstantSource;
  onVerified: VerifierListener | undefined;
  /** Whether to ask for the reason why a program is too large, which takes as long as finding it out did, several times. */
  explainSize: boolean;
}

/**
 * Loads all programs, in their order. Throws VerifierError for a program that the kernel refuses (but see `explainSize`),
 * TrimmedLogError for one whose log finds no room, else SysError.
 */
export function loadPrograms(compiled: CompiledProgram, context: LoadContext): LoadedProgram[] {
  const opened = allOrNone(compiled.programs, (program) => loadProgram(program, compiled, context));
  return opened.map((fd, i) => ({ fd, program: compiled.programs[i]! }));
}

/** A program and, before it, the parts that it goes on in. */
function loadProgram(program: Program, compiled: CompiledProgram, context: LoadContext): Fd {
  const { further } = program;
  if (further) {
    const array = context.maps[further.map]!;
    further.parts.forEach((part, i) => {
      const fd = loadCode({ ...program, ...part }, compiled, context);
      try {
        // The array keeps the program as long as it exists itself.
        mapUpdate(array, number32(i + 1), number32(fd.value));
      } finally {
        fd.close();
      }
    });
  }
  return loadCode(program, compiled, context);
}

function number32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function loadCode(program: Program, compiled: CompiledProgram, context: LoadContext): Fd {
  const { maps, constant, onVerified, explainSize } = context;
  const needed: Fd[] = [];
  const own = (fd: Fd): Fd => {
    needed.push(fd);
    return fd;
  };
  const { attach, btf } = program;
  const module = moduleOf(attach);
  try {
    const spec: ProgSpec = {
      name: program.name,
      type: PROGRAM_TYPES[program.type],
      license: compiled.config.license,
      insns: relocate(program, { mapFd: (map) => maps[map]!.value, constant }),
      attachTo: module === undefined ? undefined : own(openModuleBtf(module)),
      btf: btf && {
        fd: own(btfLoad(btf.types).fd),
        funcInfo: { records: btf.functions, recordSize: FUNC_INFO_BYTES },
      },
      ...btfTarget(attach),
    };
    if (onVerified !== undefined) return loadLogged(program, spec, compiled, onVerified);
    return loadVerified(program, spec, explainSize);
  } finally {
    for (const fd of needed) fd.close();
  }
}

/** struct bpf_func_info */
const FUNC_INFO_BYTES = 8;

const PROGRAM_TYPES: Readonly<Record<ProgramType, number>> = {
  tracing: ProgType.TRACING,
  raw_tracepoint: ProgType.RAW_TRACEPOINT,
  tracepoint: ProgType.TRACEPOINT,
  kprobe: ProgType.KPROBE,
  perf_event: ProgType.PERF_EVENT,
  xdp: ProgType.XDP,
};

/** What a program must say about its target when it is loaded. */
function btfTarget(target: AttachTarget): Pick<ProgSpec, "attachBtfId" | "expectedAttachType"> {
  switch (target.kind) {
    case "raw_tracepoint":
      if (target.btfId === undefined) return {};
      return { attachBtfId: target.btfId, expectedAttachType: AttachType.TRACE_RAW_TP };
    case "fentry":
      return {
        attachBtfId: target.btfId,
        expectedAttachType: target.returns ? AttachType.TRACE_FEXIT : AttachType.TRACE_FENTRY,
      };
    case "iter":
      return { attachBtfId: target.btfId, expectedAttachType: AttachType.TRACE_ITER };
    case "kprobe":
      return target.multi ? { expectedAttachType: AttachType.TRACE_KPROBE_MULTI } : {};
    case "uprobe":
      return target.multi ? { expectedAttachType: AttachType.TRACE_UPROBE_MULTI } : {};
    default:
      return {};
  }
}

function moduleOf(target: AttachTarget): string | undefined {
  return target.kind === "raw_tracepoint" || target.kind === "fentry" ? target.btfModule : undefined;
}

/**
 * Loads without a log, which is the fast way, and again with one when the kernel refuses. A log that did not fit hides
 * the reason and its own errno, so it gets more room each time.
 */
function loadVerified(program: Program, spec: ProgSpec, explainSize = true): Fd {
  const refusal = attempt(spec);
  if (!(refusal instanceof LoadError)) return refusal.fd;
  if (refusal.code === "E2BIG" && !explainSize) throw refusal;
  let logged = refusal;
  for (const logSize of LOG_SIZES) {
    const next = attempt({ ...spec, logLevel: 1, logSize });
    if (!(next instanceof LoadError)) return next.fd;
    logged = next;
    if (logged.code !== "ENOSPC") break;
  }
  throw loadFailure(program, logged, refusal.errno);
}

/** Loads with the verifier's statistics: what is asked for, unlike the reason for a refusal, gets the room that it was given. */
function loadLogged(program: Program, spec: ProgSpec, compiled: CompiledProgram, onVerified: VerifierListener): Fd {
  const { logSize } = compiled.config;
  const loaded = attempt({ ...spec, logLevel: STATISTICS, logSize });
  if (loaded instanceof LoadError) {
    if (loaded.code === "ENOSPC")
      throw new TrimmedLogError(
        `${program.name}_${compiled.programs.findIndex(({ name }) => name === program.name) + 1}`,
        logSize,
      );
    return loadVerified(program, spec);
  }
  onVerified(program, loaded.log.trimEnd());
  return loaded.fd;
}

/** BPF_LOG_STATS */
const STATISTICS = 4;

/** Loads once, but the verifier gives up with EAGAIN when a signal arrives, and then it is to be asked again. */
function attempt(spec: ProgSpec): LoadedProg | LoadError {
  for (let tries = 1; ; tries++) {
    try {
      return progLoad(spec);
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      if (error.code !== "EAGAIN" || tries === 10) return error;
    }
  }
}

const LOG_SIZES = [64 * 1024, 1024 * 1024, 16 * 1024 * 1024];

/** The BTF of a kernel module. */
function openModuleBtf(module: string): Fd {
  for (let id = getNextId("btf", 0); id !== null; id = getNextId("btf", id)) {
    const btf = getFdById("btf", id);
    try {
      const info = btfInfo(btf);
      if (info.kernel && info.name === module) return new Fd(btf.take(), `btf of ${module}`);
    } finally {
      btf.close();
    }
  }
  throw new Error(`no type information of kernel module ${module}: was it unloaded?`);
}

/** Opens one descriptor for each item; closes those opened so far when one fails. */
function allOrNone<Item, Opened extends Fd>(items: readonly Item[], open: (item: Item) => Opened): Opened[] {
  const opened: Opened[] = [];
  try {
    for (const item of items) opened.push(open(item));
    return opened;
  } catch (error) {
    for (const fd of opened) fd.close();
    throw error;
  }
}
