import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  Capability,
  Clock,
  clockGettime,
  effectiveCapabilities,
  FileSystem,
  fileSystemAt,
  gettid,
  hasCapability,
  memlockLimit,
  possibleCpus,
  schedGetaffinity,
  schedSetaffinity,
  setChildSubreaper,
} from "../../native/index.ts";
import { errorOf } from "./support/values.ts";

const status = (field: string): string =>
  readFileSync("/proc/thread-self/status", "utf8").match(new RegExp(`^${field}:\\s*(.*)$`, "m"))![1]!;

describe("questions to the kernel", () => {
  it("gettid", () => expect(String(gettid())).toBe(status("Pid")));

  it("capabilities", () => {
    expect(effectiveCapabilities()).toBe(BigInt(`0x${status("CapEff")}`));
    expect(hasCapability(Capability.SETUID)).toBe((BigInt(`0x${status("CapEff")}`) & 0x80n) !== 0n);
    expect(hasCapability(63)).toBe(false);
  });

  it.each([
    ["/proc", FileSystem.PROC],
    ["/sys", FileSystem.SYSFS],
    ["/nonexistent", null],
  ])("the file system at %s", (path, type) => expect(fileSystemAt(path)).toBe(type));

  it("a path through a file", () => {
    expect(errorOf(() => fileSystemAt("/proc/version/x"))).toMatchObject({ operation: "statfs", code: "ENOTDIR" });
  });

  it("the limit of locked memory", () => {
    const line = readFileSync("/proc/self/limits", "utf8").match(/Max locked memory\s+(\S+)\s+(\S+)/)!;
    const limit = (text: string): bigint | null => (text === "unlimited" ? null : BigInt(text));
    expect(memlockLimit()).toEqual({ soft: limit(line[1]!), hard: limit(line[2]!) });
  });

  it("clocks", () => {
    const before = process.hrtime.bigint();
    const now = clockGettime(Clock.MONOTONIC);
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(process.hrtime.bigint());
    expect(Math.abs(Number(clockGettime(Clock.REALTIME) / 1_000_000n) - Date.now())).toBeLessThan(1000);
  });

  it("a clock that does not exist", () => {
    expect(errorOf(() => clockGettime(999))).toMatchObject({ operation: "clock_gettime", code: "EINVAL" });
  });

  it("CPU affinity", () => {
    const all = schedGetaffinity();
    expect(all.length).toBeGreaterThan(0);
    expect(all.length).toBeLessThanOrEqual(possibleCpus());
    try {
      schedSetaffinity([all[0]!]);
      expect(schedGetaffinity()).toEqual([all[0]]);
    } finally {
      schedSetaffinity(all);
    }
    expect(schedGetaffinity()).toEqual(all);
  });

  it.each([
    ["no CPU at all", [], "EINVAL"],
    ["a CPU that does not exist", [8191], "EINVAL"],
  ])("refuses %s", (_, cpus, code) => expect(errorOf(() => schedSetaffinity(cpus)).code).toBe(code));

  it.each([-1, 8192, 0.5])("knows no CPU %d", (cpu) => expect(() => schedSetaffinity([cpu])).toThrow(RangeError));

  it("a thread that does not exist", () => {
    expect(errorOf(() => schedGetaffinity(0x3fff_ffff))).toMatchObject({
      operation: "sched_getaffinity",
      code: "ESRCH",
    });
  });

  it("being a subreaper", () => {
    setChildSubreaper(true);
    setChildSubreaper(false);
  });
});
