import { describe, expect, it } from "vitest";
import { exit, ldImm64, R1 } from "../../../compiler/asm/instructions.ts";
import type { HostConstant } from "../../../compiler/program.ts";
import { parseCpuList } from "../../../harness/tracing/cpus.ts";
import { hostConstants, kernelDevice, loadsPerRun } from "../../../harness/tracing/host-constants.ts";
import { ringBufferBytes } from "../../../harness/tracing/kernel-maps.ts";
import { compiled, program } from "../../support/compiled.ts";

describe("hostConstants", () => {
  it("answers for what the session is about", () => {
    const constant = hostConstants({ scopeCgroup: { id: 77n, level: 3 }, workloadPid: 12, targetPid: 13 });
    const names: HostConstant[] = ["scope_cgroup_id", "scope_cgroup_level", "cpid", "target_pid"];
    expect(names.map(constant)).toEqual([77n, 3n, 12n, 13n]);
  });

  it("has 0 for processes that there are none of", () => {
    expect(hostConstants({})("cpid")).toBe(0n);
  });

  it("refuses to guess a cgroup", () => {
    expect(() => hostConstants({})("scope_cgroup_id")).toThrow("was given none");
  });

  it("gives every program of a session the same start", () => {
    const constant = hostConstants({});
    expect(constant("start_time_boot")).toBe(constant("start_time_boot"));
  });
});

describe("kernelDevice", () => {
  it.each([
    { what: "an anonymous device", dev: 4n, kernel: 4n },
    { what: "sda1", dev: 0x801n, kernel: (8n << 20n) | 1n },
    { what: "a large minor number", dev: (0x12n << 20n) | 0x34n, kernel: 0x1234n },
    { what: "a large major number", dev: (0x1000n << 32n) | (0x5n << 8n), kernel: 0x1005n << 20n },
  ])("packs $what as the kernel does", ({ dev, kernel }) => {
    expect(kernelDevice(dev)).toBe(kernel);
  });
});

describe("loadsPerRun", () => {
  it.each<{ constant: HostConstant; expected: boolean }>([
    { constant: "cpid", expected: true },
    { constant: "start_time_boot", expected: true },
    { constant: "scope_cgroup_id", expected: false },
  ])("$constant: $expected", ({ constant, expected }) => {
    const programs = [program({ kind: "begin" }, [ldImm64(R1, { constant }), exit()])];
    expect(loadsPerRun(compiled({ programs }))).toBe(expected);
  });
});

describe("parseCpuList", () => {
  it.each([
    { list: "0\n", cpus: [0] },
    { list: "0-2,8", cpus: [0, 1, 2, 8] },
  ])("$list", ({ list, cpus }) => {
    expect(parseCpuList(list)).toEqual(cpus);
  });

  it.each(["", "3-1", "a"])("refuses %j", (list) => {
    expect(() => parseCpuList(list)).toThrow("not a list of CPUs");
  });
});

describe("ringBufferBytes", () => {
  it.each([
    { available: 64 * 1024 * 1024, often: true, bytes: 8 * 1024 * 1024 },
    { available: 64 * 1024 * 1024, often: false, bytes: 1024 * 1024 },
    { available: 20_000, often: true, bytes: 1024 * 1024 },
    { available: 0, often: false, bytes: 256 * 1024 },
  ])("$available KiB to spare, often $often", ({ available, often, bytes }) => {
    expect(ringBufferBytes(available, often)).toBe(bytes);
  });
});
