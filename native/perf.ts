/** perf events: counters, and the hooks that PERF_EVENT, TRACEPOINT and KPROBE programs attach to. */
import { binding } from "./addon.ts";
import { check, type ErrorObject } from "./errors.ts";
import { adopt, type Fd } from "./fd.ts";

/** Bits of perf_event_attr's flag word, by their positions. */
const FLAG_BITS = {
  disabled: 0,
  inherit: 1,
  pinned: 2,
  exclusive: 3,
  excludeUser: 4,
  excludeKernel: 5,
  excludeHv: 6,
  excludeIdle: 7,
  mmap: 8,
  comm: 9,
  enableOnExec: 12,
  task: 13,
  watermark: 14,
  sampleIdAll: 18,
  mmap2: 23,
  commExec: 24,
} as const;

export type PerfFlag = keyof typeof FLAG_BITS;

export interface PerfEventSpec extends Partial<Record<PerfFlag, boolean>> {
  /** A PerfType, or a dynamic PMU's number. */
  type: number;
  /** The event: PerfSoftware, PerfHardware, a tracepoint's id, a PMU's own encoding. */
  config: number | bigint;
  /** A string is passed by address, as the kprobe and uprobe PMUs take a symbol or a path. */
  config1?: number | bigint | string;
  config2?: number | bigint;
  /** Overflow every so many events; at most one of the two. */
  samplePeriod?: number | bigint;
  /** Overflow so many times a second. */
  sampleFreq?: number | bigint;
  sampleType?: number | bigint;
  /** Wakes who polls after so many events; with `watermark`, when so many bytes of records are there. */
  wakeupEvents?: number;
  /** For PerfType.BREAKPOINT: HW_BREAKPOINT_* kind, address and length, in place of config1 and config2. */
  breakpoint?: { kind: number; address: bigint; length: number };
  /** A task; -1, the default, means all tasks on `cpu`. */
  pid?: number;
  /** -1, the default, means any CPU that the task runs on. */
  cpu?: number;
  group?: Fd;
  /** What the event is called in errors and leak reports. */
  name?: string;
}

/** perf_event_open(2), close-on-exec, reading as value, time enabled and time running. */
export function perfEventOpen(spec: PerfEventSpec): Fd {
  if (spec.samplePeriod !== undefined && spec.sampleFreq !== undefined) {
    throw new RangeError("a perf event has a period or a frequency, not both");
  }
  let attrFlags = spec.sampleFreq === undefined ? 0n : FREQ;
  for (const [name, bit] of Object.entries(FLAG_BITS)) if (spec[name as PerfFlag]) attrFlags |= 1n << BigInt(bit);
  const config1 = spec.breakpoint?.address ?? spec.config1 ?? 0;
  const { pid = -1, cpu = -1 } = spec;
  const result = binding().perfEventOpen({
    type: spec.type,
    config: BigInt(spec.config),
    config1: typeof config1 === "string" ? config1 : BigInt(config1),
    config2: BigInt(spec.breakpoint?.length ?? spec.config2 ?? 0),
    samplePeriod: BigInt(spec.samplePeriod ?? spec.sampleFreq ?? 0),
    sampleType: BigInt(spec.sampleType ?? 0),
    attrFlags,
    wakeupEvents: spec.wakeupEvents ?? 0,
    bpType: spec.breakpoint?.kind ?? 0,
    pid,
    cpu,
    groupFd: spec.group?.value ?? -1,
    openFlags: CLOEXEC,
  });
  const name = spec.name ?? `${spec.type}:${spec.config}`;
  return adopt(result, "perf_event_open", `perf event ${name}`, { event: name, pid, cpu });
}

/** Attaches a program to an event. Closing the event detaches it. */
export function perfIoctlSetBpf(event: Fd, prog: Fd): void {
  const object = { ...about(event), program: prog.label };
  check(binding().perfIoctl(event.value, IOC_SET_BPF, prog.value), "PERF_EVENT_IOC_SET_BPF", object);
}

export function perfEnable(event: Fd): void {
  check(binding().perfIoctl(event.value, IOC_ENABLE, 0), "PERF_EVENT_IOC_ENABLE", about(event));
}

export function perfDisable(event: Fd): void {
  check(binding().perfIoctl(event.value, IOC_DISABLE, 0), "PERF_EVENT_IOC_DISABLE", about(event));
}

export interface PerfCount {
  value: bigint;
  timeEnabledNs: bigint;
  /** Less than timeEnabledNs when the counter had to share the hardware: scale the value by their ratio. */
  timeRunningNs: bigint;
}

export function perfReadCounter(event: Fd): PerfCount {
  const counter = new BigUint64Array(3);
  check(binding().perfRead(event.value, counter), "read of a perf event", about(event));
  return { value: counter[0]!, timeEnabledNs: counter[1]!, timeRunningNs: counter[2]! };
}

/** Whether breakpoints of the processor ever fire; undefined where that cannot be tried, because all are taken or there are none. */
export function breakpointsFire(): boolean | undefined {
  const answer = binding().breakpointsFire();
  return answer < 0 ? undefined : answer === 1;
}

const FREQ = 1n << 10n;
const CLOEXEC = 8;
const IOC_ENABLE = 0x2400;
const IOC_DISABLE = 0x2401;
const IOC_SET_BPF = 0x40042408;

function about(event: Fd): ErrorObject {
  return { descriptor: event.label };
}
