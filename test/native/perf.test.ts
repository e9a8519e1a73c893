import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  type Fd,
  type MapFd,
  MapType,
  mapCreate,
  mapLookup,
  openFds,
  PerfSoftware,
  PerfType,
  ProgType,
  perfDisable,
  perfEnable,
  perfEventOpen,
  perfIoctlSetBpf,
  perfReadCounter,
  progLoad,
} from "../../native/index.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import { entryOf } from "./support/elf.ts";
import { countInto, RETURN_ZERO } from "./support/instructions.ts";
import { expectNoLeaks } from "./support/leaks.ts";
import { errorOf, fromU64 } from "./support/values.ts";

const PAGE_FAULTS = { type: PerfType.SOFTWARE, config: PerfSoftware.PAGE_FAULTS, pid: 0, name: "faults" };
const UPROBE_PMU = "/sys/bus/event_source/devices/uprobe/type";

const load = (type: number, insns = RETURN_ZERO): Fd => progLoad({ type, insns, license: "GPL", name: "p" }).fd;
const counter = (): MapFd => mapCreate({ type: MapType.ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, name: "count" });

function count(map: MapFd): bigint {
  const value = new Uint8Array(8);
  mapLookup(map, new Uint8Array(4), value);
  return fromU64(value)[0]!;
}

/** Touches fresh pages. */
function fault(): void {
  const memory = Buffer.allocUnsafeSlow(4 << 20);
  for (let at = 0; at < memory.length; at += 4096) memory[at] = 1;
}

/** The kernel gives memory out in pages so large that hardly any is missed. */
const hasLargePages = readFileSync("/sys/kernel/mm/transparent_hugepage/enabled", "utf8").includes("[always]");

function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

function tracepointId(name: string): number {
  return Number(readFileSync(`/sys/kernel/tracing/events/${name}/id`, "utf8"));
}

describeKernel("perf events", () => {
  expectNoLeaks();

  it.skipIf(hasLargePages)("count", () => {
    using event = perfEventOpen(PAGE_FAULTS);
    fault();
    const { value, timeEnabledNs, timeRunningNs } = perfReadCounter(event);
    expect(value).toBeGreaterThan(500n);
    expect(timeEnabledNs).toBeGreaterThan(0n);
    expect(timeRunningNs).toBe(timeEnabledNs);
  });

  it("start disabled, are enabled and disabled", () => {
    using event = perfEventOpen({ ...PAGE_FAULTS, disabled: true });
    fault();
    expect(perfReadCounter(event).value).toBe(0n);
    perfEnable(event);
    fault();
    const { value } = perfReadCounter(event);
    expect(value).toBeGreaterThan(0n);
    perfDisable(event);
    fault();
    expect(perfReadCounter(event).value).toBeLessThan(value + 100n);
  });

  it("run a program at every overflow", () => {
    using map = counter();
    using prog = load(ProgType.PERF_EVENT, countInto(map));
    using event = perfEventOpen({ ...PAGE_FAULTS, samplePeriod: 1 });
    perfIoctlSetBpf(event, prog);
    fault();
    expect(count(map)).toBeGreaterThan(500n);
    event.close();
    const seen = count(map);
    fault();
    expect(count(map)).toBe(seen);
  });

  it("sample at a frequency", () => {
    using map = counter();
    using prog = load(ProgType.PERF_EVENT, countInto(map));
    using event = perfEventOpen({
      type: PerfType.SOFTWARE,
      config: PerfSoftware.CPU_CLOCK,
      sampleFreq: 1000,
      pid: 0,
    });
    perfIoctlSetBpf(event, prog);
    spin(patient(100));
    expect(count(map)).toBeGreaterThan(20n);
    expect(count(map)).toBeLessThan(BigInt(patient(500)));
  });

  it("run a program at a tracepoint", () => {
    using map = counter();
    using prog = load(ProgType.TRACEPOINT, countInto(map));
    using event = perfEventOpen({
      type: PerfType.TRACEPOINT,
      config: tracepointId("sched/sched_process_exec"),
      samplePeriod: 1,
      cpu: 0,
    });
    perfIoctlSetBpf(event, prog);
    perfEnable(event);
    spawnSync("true");
    expect(count(map)).toBeGreaterThanOrEqual(1n);
  });

  it.runIf(existsSync(UPROBE_PMU))("name a file in the uprobe PMU", () => {
    const { path, offset } = entryOf("/usr/bin/true");
    using map = counter();
    using prog = load(ProgType.KPROBE, countInto(map));
    const type = Number(readFileSync(UPROBE_PMU, "utf8"));
    using event = perfEventOpen({ type, config: 0, config1: path, config2: offset, cpu: 0, name: "uprobe" });
    perfIoctlSetBpf(event, prog);
    spawnSync(path);
    expect(count(map)).toBe(1n);
  });

  describe("refuse", () => {
    it.each([
      ["an unknown type", { type: 9999, config: 0, pid: 0 }, "ENOENT"],
      ["no task and no CPU", { ...PAGE_FAULTS, pid: -1, cpu: -1 }, "EINVAL"],
      ["a task that does not exist", { ...PAGE_FAULTS, pid: 0x3fff_ffff }, "ESRCH"],
      ["a CPU that does not exist", { ...PAGE_FAULTS, pid: -1, cpu: 100_000 }, "EINVAL"],
      ["a tracepoint that does not exist", { type: PerfType.TRACEPOINT, config: 0xffff, pid: 0 }, "EINVAL"],
      ["a frequency beyond the limit", { ...PAGE_FAULTS, sampleFreq: 100_000_000 }, "EINVAL"],
    ])("%s", (_, spec, code) => {
      expect(errorOf(() => perfEventOpen(spec))).toMatchObject({ operation: "perf_event_open", code });
      expect(openFds()).toEqual([]);
    });

    it("a period and a frequency together", () => {
      expect(() => perfEventOpen({ ...PAGE_FAULTS, samplePeriod: 1, sampleFreq: 1 })).toThrow(RangeError);
    });

    it("a program of another type", () => {
      using prog = load(ProgType.RAW_TRACEPOINT);
      using event = perfEventOpen({ ...PAGE_FAULTS, samplePeriod: 1 });
      expect(errorOf(() => perfIoctlSetBpf(event, prog))).toMatchObject({
        operation: "PERF_EVENT_IOC_SET_BPF",
        code: "EINVAL",
        object: { descriptor: "perf event faults", program: "program p" },
      });
    });

    it("two programs on one event", () => {
      using prog = load(ProgType.PERF_EVENT);
      using event = perfEventOpen({ ...PAGE_FAULTS, samplePeriod: 1 });
      perfIoctlSetBpf(event, prog);
      expect(errorOf(() => perfIoctlSetBpf(event, prog))).toMatchObject({ code: "EEXIST" });
    });

    it("calls on what is no event", () => {
      using map = counter();
      for (const call of [perfEnable, perfDisable]) expect(errorOf(() => call(map)).code).toBe("ENOTTY");
      expect(errorOf(() => perfReadCounter(map)).code).toBe("EINVAL");
    });
  });
});
