import { describe, expect, it } from "vitest";
import {
  type Fingerprint,
  fingerprintDifferences,
  fingerprintId,
  hostFingerprint,
} from "../../../harness/baseline/fingerprint.ts";
import { temporaryTree } from "../../support/temporary.ts";

const X86 = `processor	: 0
vendor_id	: GenuineIntel
cpu family	: 6
model		: 85
model name	: Xeon Test
stepping	: 4
flags		: fpu vme sse2

processor	: 1
flags		: fpu vme sse2
`;
const ARM = `processor	: 0
Features	: fp asimd
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x3
CPU part	: 0xd0c
CPU revision	: 1
`;

describe("the fingerprint", () => {
  it("tells this machine", () => {
    const here = hostFingerprint("1.2.3", "cgroup");
    expect(here).toMatchObject({ tool: "1.2.3", scope: "cgroup" });
    for (const [name, value] of Object.entries(here)) expect(value, name).toBeTruthy();
    expect(hostFingerprint("1.2.3", "cgroup")).toEqual(here);
  });

  it("reads an x86 machine", () => {
    const root = temporaryTree({
      "proc/cpuinfo": X86,
      "sys/devices/system/cpu/vulnerabilities/meltdown": "Mitigation: PTI\n",
      "sys/devices/system/cpu/vulnerabilities/l1tf": "Not affected\n",
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    });
    expect(hostFingerprint("1", "tree", root)).toMatchObject({
      cpu: "Xeon Test (6/85/4)",
      cores: 2,
      mitigations: "l1tf: Not affected; meltdown: Mitigation: PTI",
      governor: "powersave",
      scope: "tree",
    });
  });

  it("reads an arm64 machine", () => {
    const root = temporaryTree({ "proc/cpuinfo": ARM });
    expect(hostFingerprint("1", "cgroup", root)).toMatchObject({
      cpu: "0x41/8/0x3/0xd0c/1",
      cores: 1,
      governor: "none",
      mitigations: "unknown",
    });
  });

  it("does not depend on the order of the flags", () => {
    const flags = (text: string) => hostFingerprint("1", "cgroup", temporaryTree({ "proc/cpuinfo": text })).cpuFlags;
    expect(flags(X86.replaceAll("fpu vme sse2", "sse2 fpu vme"))).toBe(flags(X86));
    expect(flags(X86.replaceAll("sse2", "sse3"))).not.toBe(flags(X86));
  });

  const base: Fingerprint = {
    arch: "x64",
    cpu: "A",
    cpuFlags: "f",
    cores: 4,
    kernel: "6.1",
    mitigations: "m",
    governor: "none",
    libc: "glibc 2.36",
    tool: "1.0",
    scope: "cgroup",
  };

  it.each<[Partial<Fingerprint>, string]>([
    [{ arch: "arm64" }, "architecture x64 -> arm64"],
    [{ cpu: "B" }, "CPU A -> B"],
    [{ cpuFlags: "g" }, "CPU features f -> g"],
    [{ cores: 8 }, "CPUs 4 -> 8"],
    [{ kernel: "6.2" }, "kernel 6.1 -> 6.2"],
    [{ mitigations: "n" }, "mitigations"],
    [{ governor: "performance" }, "frequency governor none -> performance"],
    [{ libc: "glibc 2.38" }, "libc glibc 2.36 -> glibc 2.38"],
    [{ tool: "1.1" }, "probewright 1.0 -> 1.1"],
    [{ scope: "tree" }, "scope cgroup -> tree"],
  ])("differs with %j", (change, expected) => {
    expect(fingerprintDifferences(base, { ...base, ...change })).toEqual([expected]);
    expect(fingerprintId({ ...base, ...change })).not.toBe(fingerprintId(base));
  });

  it("has an id that the order of its parts does not change", () => {
    const reversed = Object.fromEntries(Object.entries(base).reverse()) as unknown as Fingerprint;
    expect(fingerprintId(reversed)).toBe(fingerprintId(base));
    expect(fingerprintDifferences(base, reversed)).toEqual([]);
  });
});
