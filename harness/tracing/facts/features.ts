/**
 * What the running kernel can do, found by trying it: distributions carry features back to old versions, and leave out
 * others. Each question loads a program of a few instructions, some 0.1 ms, when it is first asked, and the answer
 * holds as long as the process lives.
 */
import { assemble } from "../../../compiler/asm/assemble.ts";
import type { HelperName } from "../../../compiler/asm/helpers.ts";
import {
  atomicFetch,
  call,
  callLocal,
  exit,
  type Instruction,
  imm,
  label,
  ldImm64,
  mayGoto,
  mov64,
  R0,
  R1,
  R2,
  R3,
  R6,
  R10,
  sdiv64,
  st,
} from "../../../compiler/asm/instructions.ts";
import type { Features } from "../../../compiler/kernel-facts.ts";
import {
  AttachType,
  type Fd,
  LoadError,
  linkCreate,
  type MapSpec,
  MapType,
  mapCreate,
  type ProgSpec,
  ProgType,
  progLoad,
  rawTracepointOpen,
  SysError,
} from "../../../native/index.ts";
import { relocate } from "../relocate.ts";

/** How a question to the kernel ends: a refusal for lack of privileges says nothing about the kernel. */
export type Answer = "yes" | "no" | "denied";

/** The questions; tests answer them without a kernel. */
export interface Prober {
  /** Whether a program of this type may call the helper; `attachBtfId` as below. */
  helper(name: HelperName, progType: number, attachBtfId?: number): Answer;
  /** Whether a program on entry to the kernel function of this BTF id may call it. */
  helperOnEntry(name: HelperName, attachBtfId: number): Answer;
  /** Whether programs of this type can be loaded; `attachBtfId` is the tracepoint's type for TRACING ones. */
  program(progType: number, attachBtfId?: number): Answer;
  /** Whether maps of this type can be created. */
  map(mapType: number): Answer;
  /** Whether the verifier accepts instructions of this set. */
  instructions(set: InstructionSet): Answer;
  /** Whether a program that goes on in another one may also call a function of its own. */
  callsBesideTailCalls(): Answer;
  /** Whether a program can be attached to the kernel function of this BTF id; attaches one for a moment. */
  fentry(attachBtfId: number): Answer;
  /** Whether a program can be run for each object by the iterator function of this BTF id. */
  iterator(attachBtfId: number): Answer;
  /** Whether one link can attach a program to many functions. */
  multiLink(kind: "kprobe" | "uprobe"): Answer;
}

export type InstructionSet = keyof typeof SAMPLES;

/** What only the kernel's own files say. */
export interface KernelPlaces {
  /** The type of a tracepoint that a tp_btf program can attach to. */
  tracepoint(): number | undefined;
  /** The type of a function that an fentry program can attach to. */
  kernelFunction(): number | undefined;
  /** Perf has events of kprobes. */
  hasKprobes(): boolean;
}

/** The features by the prober's answers. */
export function lazyFeatures(prober: Prober, places: KernelPlaces): Features {
  const helper = (name: HelperName) => (): Answer => prober.helper(name, ProgType.RAW_TRACEPOINT);
  const questions: Record<keyof Features, () => Answer> = {
    tpBtf: () => {
      const id = places.tracepoint();
      return id === undefined ? "no" : prober.program(ProgType.TRACING, id);
    },
    ringbuf: () => prober.map(MapType.RINGBUF),
    loop: helper("loop"),
    forEachMapElem: helper("for_each_map_elem"),
    currentTaskBtf: helper("get_current_task_btf"),
    ktimeBoot: helper("ktime_get_boot_ns"),
    ktimeTai: helper("ktime_get_tai_ns"),
    ancestorCgroupId: helper("get_current_ancestor_cgroup_id"),
    nsPidTgid: helper("get_ns_current_pid_tgid"),
    lookupPercpuElem: helper("map_lookup_percpu_elem"),
    atomicFetch: () => prober.instructions("fetching atomics"),
    mayGoto: () => prober.instructions("may_goto"),
    cpuV4: () => prober.instructions("cpu v4"),
    callsBesideTailCalls: () => prober.callsBesideTailCalls(),
    kprobe: () => (places.hasKprobes() ? prober.program(ProgType.KPROBE) : "no"),
    fentry: () => {
      const id = places.kernelFunction();
      return id === undefined ? "no" : prober.fentry(id);
    },
    uprobeMulti: () => prober.multiLink("uprobe"),
    kprobeMulti: () => prober.multiLink("kprobe"),
    attachCookie: () => prober.helper("get_attach_cookie", ProgType.KPROBE),
    overrideReturn: () => prober.helper("override_return", ProgType.KPROBE),
    writeUser: helper("probe_write_user"),
  };
  const features = {} as Features;
  for (const name of Object.keys(questions) as (keyof Features)[]) {
    const answer = once(questions[name]);
    Object.defineProperty(features, name, { enumerable: true, get: () => answer() === "yes" });
  }
  return features;
}

export function once<T>(compute: () => T): () => T {
  let known: { value: T } | undefined;
  return () => {
    known ??= { value: compute() };
    return known.value;
  };
}

/** A program that the verifier accepts only with that set. */
const SAMPLES = {
  // *(u64 *)(r10 - 8) = 0; r1 = 1; r1 = fetch_add(r10 - 8, r1); return 0
  "fetching atomics": [
    st(8, R10, -8, imm(0)),
    mov64(R1, imm(1)),
    atomicFetch("add", 8, R10, -8, R1),
    mov64(R0, imm(0)),
    exit(),
  ],
  // r0 = 6; r2 = -2; r0 s/= r2; return 0
  "cpu v4": [mov64(R0, imm(6)), mov64(R2, imm(-2)), sdiv64(R0, R2), mov64(R0, imm(0)), exit()],
  // r0 = 0; may_goto end; end: return 0
  may_goto: [mov64(R0, imm(0)), mayGoto("end"), mov64(R0, imm(0)), label("end"), exit()],
} as const satisfies Record<string, readonly Instruction[]>;

/**
 * Only a JIT can do both, and not each: the verifier refuses such a program where there is none that can.
 * r6 = r1; f(); tail_call(r6, map, 0); return 0; f: return 0
 */
const CALL_AND_TAIL_CALL: readonly Instruction[] = [
  mov64(R6, R1),
  callLocal("f"),
  mov64(R1, R6),
  ldImm64(R2, { map: 0 }),
  mov64(R3, imm(0)),
  call("tail_call"),
  mov64(R0, imm(0)),
  exit(),
  label("f"),
  mov64(R0, imm(0)),
  exit(),
];

const NOTHING: readonly Instruction[] = [mov64(R0, imm(0)), exit()];

/** Asks the running kernel, and each question only once in a process. */
export const kernelProber: Prober = remembering({
  helper(name, progType, attachBtfId) {
    return callable(specOf(progType, callOf(name), { attachBtfId }));
  },

  helperOnEntry(name, attachBtfId) {
    const spec = specOf(ProgType.TRACING, callOf(name), { attachBtfId });
    return callable({ ...spec, expectedAttachType: AttachType.TRACE_FENTRY });
  },

  program(progType, attachBtfId) {
    return attempt(() => load(specOf(progType, NOTHING, { attachBtfId })));
  },

  map(mapType) {
    return attempt(() => mapCreate(specOfMap(mapType)));
  },

  instructions(set) {
    return attempt(() => load(specOf(ProgType.RAW_TRACEPOINT, SAMPLES[set])));
  },

  callsBesideTailCalls() {
    return attempt(() => {
      const map = mapCreate(specOfMap(MapType.PROG_ARRAY));
      try {
        return load(specOf(ProgType.RAW_TRACEPOINT, CALL_AND_TAIL_CALL, { map }));
      } finally {
        map.close();
      }
    });
  },

  fentry(attachBtfId) {
    const spec = { ...specOf(ProgType.TRACING, NOTHING, { attachBtfId }), expectedAttachType: AttachType.TRACE_FENTRY };
    return attempt(() => {
      const prog = load(spec);
      try {
        return rawTracepointOpen(null, prog);
      } finally {
        prog.close();
      }
    });
  },

  iterator(attachBtfId) {
    const spec = { ...specOf(ProgType.TRACING, NOTHING, { attachBtfId }), expectedAttachType: AttachType.TRACE_ITER };
    return attempt(() => load(spec));
  },

  multiLink(kind) {
    const attachType = kind === "kprobe" ? AttachType.TRACE_KPROBE_MULTI : AttachType.TRACE_UPROBE_MULTI;
    const spec = { ...specOf(ProgType.KPROBE, NOTHING), expectedAttachType: attachType };
    let prog: Fd;
    try {
      prog = load(spec);
    } catch (error) {
      return refusal(error);
    }
    // A kernel that knows the link looks at where it is to go, and that is nowhere.
    const [found, target] =
      kind === "kprobe"
        ? [["ESRCH", "ENOENT"], { kind: "kprobe-multi", at: { symbols: ["probewright_no_such_function"] } } as const]
        : [["EBADF"], { kind: "uprobe-multi", path: "/", offsets: new BigUint64Array(1) } as const];
    try {
      linkCreate(prog, null, attachType, target).close();
      return "yes";
    } catch (error) {
      return error instanceof SysError && found.includes(error.code) ? "yes" : refusal(error);
    } finally {
      prog.close();
    }
  },
});

function callOf(name: HelperName): readonly Instruction[] {
  return [call(name), mov64(R0, imm(0)), exit()];
}

/** Whether a program may make the call that is its first instruction. */
function callable(spec: ProgSpec): Answer {
  try {
    load({ ...spec, logLevel: 1, logSize: 8192 }).close();
    return "yes";
  } catch (error) {
    // With a helper that it knows, the verifier gets as far as its arguments, which are nonsense.
    if (error instanceof LoadError && error.log !== "") return NO_SUCH_HELPER.test(error.log) ? "no" : "yes";
    return refusal(error);
  }
}

/** The verifier's words for a helper that it does not know, or not in this program type; by age. */
const NO_SUCH_HELPER = /invalid func |unknown func |cannot use helper /;

function attempt(open: () => Fd): Answer {
  try {
    open().close();
    return "yes";
  } catch (error) {
    return refusal(error);
  }
}

function refusal(error: unknown): Answer {
  if (!(error instanceof SysError)) throw error;
  // Not EACCES, by which the verifier refuses.
  return error.code === "EPERM" ? "denied" : "no";
}

/** Loads a program; again when a signal came, for which the verifier gives up with EAGAIN. */
function load(spec: ProgSpec): Fd {
  for (let tries = 1; ; tries++) {
    try {
      return progLoad(spec).fd;
    } catch (error) {
      if (!(error instanceof SysError) || error.code !== "EAGAIN" || tries === 10) throw error;
    }
  }
}

/** What a probing program is about: what it is to be attached to, and the one map that it names. */
interface Subject {
  attachBtfId?: number | undefined;
  map?: Fd;
}

function specOf(type: number, code: readonly Instruction[], { attachBtfId, map }: Subject = {}): ProgSpec {
  const name = "probe";
  const assembled = assemble(code);
  if (!assembled.ok) throw new Error("a probing program is too long");
  const insns = relocate({ ...assembled, name }, { mapFd: () => map!.value, constant: () => 0n });
  const expectedAttachType = type === ProgType.TRACING ? AttachType.TRACE_RAW_TP : undefined;
  return { type, insns, license: "GPL", name, expectedAttachType, attachBtfId };
}

/** The smallest map of each type that the kernel takes. */
function specOfMap(type: number): MapSpec {
  const usual = { type, keySize: 4, valueSize: 4, maxEntries: 1, name: "probe" };
  // Whole pages, a power of two of them, on machines of any page size.
  return type === MapType.RINGBUF ? { ...usual, keySize: 0, valueSize: 0, maxEntries: 65_536 } : usual;
}

function remembering(prober: Prober): Prober {
  const answers = new Map<string, Answer>();
  const remember = (question: string, ask: () => Answer): Answer => {
    const known = answers.get(question) ?? ask();
    answers.set(question, known);
    return known;
  };
  return {
    helper: (name, type, id) => remember(`helper ${name} ${type} ${id}`, () => prober.helper(name, type, id)),
    helperOnEntry: (name, id) => remember(`helper ${name} on ${id}`, () => prober.helperOnEntry(name, id)),
    program: (type, id) => remember(`program ${type} ${id}`, () => prober.program(type, id)),
    map: (type) => remember(`map ${type}`, () => prober.map(type)),
    callsBesideTailCalls: () => remember("calls beside tail calls", () => prober.callsBesideTailCalls()),
    instructions: (set) => remember(`instructions ${set}`, () => prober.instructions(set)),
    fentry: (id) => remember(`fentry ${id}`, () => prober.fentry(id)),
    iterator: (id) => remember(`iterator ${id}`, () => prober.iterator(id)),
    multiLink: (kind) => remember(`link ${kind}`, () => prober.multiLink(kind)),
  };
}
