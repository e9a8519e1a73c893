/**
 * Attaches programs to their events. Each kind of target is a row in a table; a row opens descriptors, and closing
 * those detaches, so that the kernel itself cleans up after a killed process.
 */
import { readFileSync } from "node:fs";
import type { AttachTarget } from "../../compiler/program.ts";
import {
  AttachType,
  breakpointsFire,
  type Fd,
  type IteratorTarget,
  linkCreate,
  type PerfEventSpec,
  PerfSoftware,
  PerfType,
  perfEnable,
  perfEventOpen,
  perfIoctlSetBpf,
  rawTracepointOpen,
} from "../../native/index.ts";
import { attachKernelPlaces, attachUserPlaces } from "./attach-places.ts";
import { onlineCpus } from "./cpus.ts";
import { CapabilityError, errnoOf } from "./facts/capability-error.ts";
import { once } from "./facts/features.ts";
import { findTracefs } from "./facts/tracefs.ts";
import type { LoadedProgram } from "./loader.ts";

/** A probe could not be attached. */
export class AttachError extends Error {
  override readonly name = "AttachError";
  /** The script's probes that stay without events. */
  readonly probes: readonly string[];

  constructor(probes: readonly string[], cause: unknown) {
    const [first, ...others] = probes;
    const names = others.length === 0 ? first : `${first} and ${others.length} more`;
    super(`Unable to attach probe: ${names}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.probes = probes;
  }
}

export interface AttachOptions {
  /** Sampling and counting events fire only in this process and what it starts from then on, uprobes only in itself. */
  pid?: number;
}

/** Attaches one program. The answer's descriptors keep it attached; there are none for begin and end programs. */
export function attachProgram(loaded: LoadedProgram, options: AttachOptions = {}): Fd[] {
  const target = loaded.program.attach;
  const opened: Fd[] = [];
  try {
    // the row for target.kind takes targets of that kind, which the compiler cannot see through the lookup
    const attacher = ATTACHERS[target.kind] as Attacher<AttachTarget>;
    attacher(target, {
      prog: loaded.fd,
      name: loaded.program.name,
      options,
      own: (fd) => {
        opened.push(fd);
        return fd;
      },
    });
    return opened;
  } catch (error) {
    for (const fd of opened) fd.close();
    throw new AttachError(loaded.program.probes, error);
  }
}

/**
 * The order in which to attach programs, so that several on one event run in the order of the script: of some events the
 * kernel calls the program first that came last.
 */
export function attachOrder(programs: readonly LoadedProgram[]): LoadedProgram[] {
  const isReversed = ({ program: { attach } }: LoadedProgram) =>
    attach.kind === "uprobe" || attach.kind === "fentry" || (attach.kind === "kprobe" && !attach.returns);
  return [...programs.filter((p) => !isReversed(p)), ...programs.filter(isReversed).reverse()];
}

interface Attachment {
  prog: Fd;
  name: string;
  options: AttachOptions;
  /** Puts a descriptor among those that keep the program attached. */
  own(fd: Fd): Fd;
}

type Attacher<Target> = (target: Target, attachment: Attachment) => void;
type Kind = AttachTarget["kind"];
type TargetOf<K extends Kind> = AttachTarget extends infer T
  ? T extends { kind: infer TK }
    ? K extends TK
      ? T
      : never
    : never
  : never;

const nothing = (): void => {};

const ATTACHERS: { readonly [K in Kind]: Attacher<TargetOf<K>> } = {
  begin: nothing,
  end: nothing,
  signal: nothing,
  bench: nothing,
  test: nothing,

  raw_tracepoint({ tracepoint, btfId }, { prog, own }) {
    own(rawTracepointOpen(btfId === undefined ? tracepoint : null, prog));
  },

  fentry(_, { prog, own }) {
    own(rawTracepointOpen(null, prog));
  },

  // Of each CPU, and not of threads: so nobody has to know which there are, and which are still to come.
  watchpoint({ address, length, mode }, { name, prog, own }) {
    const at = BigInt(address);
    const bytes = mode === "x" ? INSTRUCTION_BYTES : length;
    const breakpoint = { kind: BREAKPOINTS[mode], address: at, length: bytes };
    if (breakpointsFire() === false) {
      const help = "some virtual machines take breakpoints and never announce them";
      throw new CapabilityError("the processor does not say what happens to addresses that it watches", help);
    }
    const spec = { type: PerfType.BREAKPOINT, config: 0, samplePeriod: 1, breakpoint, name };
    try {
      for (const cpu of onlineCpus()) onEvent({ prog, own }, { ...spec, cpu });
    } catch (error) {
      const help = BREAKPOINT_REFUSALS[errnoOf(error) ?? ""];
      if (help === undefined) throw error;
      throw new CapabilityError(`cannot watch address 0x${at.toString(16)}`, help, error);
    }
  },

  // The link alone runs nothing: it is what a session goes through (iteration.ts).
  iter({ iterator }, { prog, own, options }) {
    const over = options.pid === undefined || !OF_TASKS.has(iterator) ? OVER[iterator] : { pid: options.pid };
    try {
      own(linkCreate(prog, null, AttachType.TRACE_ITER, { kind: "iter", ...(over && { over }) }));
    } catch (error) {
      if (options.pid === undefined || errnoOf(error) !== "E2BIG") throw error;
      throw new CapabilityError("this kernel cannot go through one process only", "that came with Linux 6.1", error);
    }
  },

  uprobe(target, { prog, own, options }) {
    attachUserPlaces(target, { prog, own, pid: options.pid });
  },

  kprobe(target, { prog, own }) {
    try {
      attachKernelPlaces(target, { prog, own, pid: undefined });
    } catch (error) {
      if (errnoOf(error) !== "EILSEQ") throw error;
      const help = "try a different offset: a probe replaces the beginning of an instruction";
      throw new CapabilityError("no instruction begins there", help, error);
    }
  },

  // one event on one CPU is enough: the kernel calls a tracepoint's programs wherever it fires
  tracepoint({ category, name }, attachment) {
    const id = Number(readFileSync(`${tracefs()}/events/${category}/${name}/id`, "utf8"));
    const event = { type: PerfType.TRACEPOINT, config: id, samplePeriod: 1, name: `${category}:${name}` };
    onEvent(attachment, { ...event, cpu: firstCpu() });
  },

  interval({ periodNs }, attachment) {
    onEvent(attachment, { ...CPU_CLOCK, samplePeriod: periodNs, cpu: firstCpu() });
  },

  profile({ period }, attachment) {
    const rate = "hz" in period ? { sampleFreq: period.hz } : { samplePeriod: period.ns };
    onEachCpu(attachment, { ...CPU_CLOCK, ...rate });
  },

  perf_counter(target, attachment) {
    const isSoftware = target.class === "software";
    const type = isSoftware ? PerfType.SOFTWARE : PerfType.HARDWARE;
    try {
      onEachCpu(attachment, { type, config: target.config, samplePeriod: target.period, name: attachment.name });
    } catch (error) {
      if (isSoftware || !NO_COUNTER.has(errnoOf(error) ?? "")) throw error;
      const help = "virtual machines have them where they were given some; `software:` events are there everywhere";
      throw new CapabilityError("the processor's counters are not to be had here", help, error);
    }
  },
};

/** HW_BREAKPOINT_* */
const BREAKPOINTS = { r: 1, w: 2, rw: 3, x: 4 } as const;

/** What the kernel wants to hear of instructions, on all processors: sizeof(long). */
const INSTRUCTION_BYTES = 8;

/** Why the kernel sets no breakpoint. */
const BREAKPOINT_REFUSALS: Readonly<Record<string, string>> = {
  ENOSPC: "the processor watches four addresses at a time, in all that are traced or debugged; end other watchpoints",
  EINVAL: "the kernel lets nobody watch its own entry code, nor what lies across a boundary",
  EOPNOTSUPP: "this machine has no hardware breakpoints; some virtual machines do not",
  ENOENT: "this kernel has no hardware breakpoints",
};

/** Iterators that one process has objects of. */
const OF_TASKS: ReadonlySet<string> = new Set(["task", "task_file", "task_vma"]);

/** What has to be said to some iterators for them to go through everything. */
const OVER: Readonly<Record<string, IteratorTarget>> = { cgroup: { cgroups: "descendants" } };

/** What the kernel says of a counter that the processor does not have. */
const NO_COUNTER: ReadonlySet<string> = new Set(["ENOENT", "EOPNOTSUPP"]);

const CPU_CLOCK = { type: PerfType.SOFTWARE, config: PerfSoftware.CPU_CLOCK, name: "cpu-clock" };

/** Opens an event with the program in place before the first one can happen. */
function onEvent({ prog, own }: Pick<Attachment, "prog" | "own">, spec: PerfEventSpec): void {
  const event = own(perfEventOpen({ ...spec, disabled: true }));
  perfIoctlSetBpf(event, prog);
  perfEnable(event);
}

function onEachCpu(attachment: Attachment, spec: PerfEventSpec): void {
  const { pid } = attachment.options;
  const task = pid === undefined ? {} : { pid, inherit: true };
  for (const cpu of onlineCpus()) onEvent(attachment, { ...spec, ...task, cpu });
}

function firstCpu(): number {
  return onlineCpus()[0] ?? 0;
}

const tracefs = once(() => findTracefs());
