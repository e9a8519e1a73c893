/** `probewright doctor` as users start it: what it prints where, and its exit codes. */
import { describe, expect, it } from "vitest";
import { runAsNobody, runCli } from "../support/cli.ts";
import { describeKernel } from "../support/privileges.ts";

describe("doctor", () => {
  it("prints JSON whose verdict is the exit code", async () => {
    const { out, err, status } = await runCli(["doctor", "--json"]);
    const report = JSON.parse(out);
    expect(report).toMatchObject({ version: 1, findings: expect.any(Array) });
    expect(status).toBe(report.canTrace ? 0 : 3);
    expect(err).toBe("");
  });

  it("refuses options that it does not know", async () => {
    const { out, err, status } = await runCli(["doctor", "--frobnicate"]);
    expect({ out, status }).toEqual({ out: "", status: 2 });
    expect(err).toContain("--frobnicate");
  });
});

describeKernel("doctor on a machine that can trace", () => {
  it("says so, without colours where nobody would see them", async () => {
    const { out, err, status } = await runCli(["doctor"]);
    expect({ err, status }).toEqual({ err: "", status: 0 });
    expect(out).toMatch(/^Privileges\n {2}note {2}user/);
    expect(out).toMatch(/\nScenarios can run here.*\n$/);
    expect(out).not.toContain("\x1b");
  });

  it("lists every helper when asked", async () => {
    const { out } = await runCli(["doctor", "--all"]);
    expect(out.replace(/\s+/g, " ")).toContain("map_lookup_elem map_update_elem map_delete_elem");
  });

  it("exits with 3 for a user without privileges, with the remedy", async () => {
    const { out, status } = await runAsNobody(["doctor"]);
    expect(status).toBe(3);
    expect(out).toMatch(/MISS {2}CAP_BPF +no\n.*\n +-> run with sudo/);
    expect(out).toMatch(/\nScenarios cannot run here: \d+ things missing\.\n$/);
  });
});
