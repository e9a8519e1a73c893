/** The doctor on the machine that the tests run on. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { doctor } from "../../harness/doctor/doctor.ts";
import { canTrace } from "../../harness/doctor/finding.ts";
import { openFds } from "../../native/index.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";

describeKernel("the doctor as root", () => {
  it("agrees that the kernel tests can run", () => {
    const missing = doctor().filter((finding) => finding.status === "missing");
    expect(missing).toEqual([]);
  });

  it("is quick, and leaves nothing open", () => {
    const before = openFds().length;
    const start = performance.now();
    doctor();
    expect(performance.now() - start).toBeLessThan(patient(2000));
    expect(openFds().length).toBe(before);
  });

  it("changes nothing in the kernel", () => {
    const states = (): string[] =>
      ["/sys/kernel/tracing/events/enable", "/sys/kernel/tracing/set_event", "/proc/sys/kernel/bpf_stats_enabled"].map(
        (path) => readFileSync(path, "utf8"),
      );
    const before = states();
    doctor();
    expect(states()).toEqual(before);
  });
});

describeKernel("the doctor as nobody", () => {
  beforeAll(() => process.seteuid!(65534));
  afterAll(() => process.seteuid!(0));

  it("finds what is missing, each with its remedy", () => {
    const findings = doctor();
    expect(canTrace(findings)).toBe(false);
    const missing = findings.filter((finding) => finding.status === "missing");
    expect(missing.map((finding) => finding.id)).toEqual(expect.arrayContaining(["cap-bpf", "cap-perfmon", "tracefs"]));
    for (const finding of missing) expect(finding.remedy, finding.id).toMatch(/sudo|root/);
  });
});
