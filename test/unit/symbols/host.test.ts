import { describe, expect, it } from "vitest";
import { hostResolver } from "../../../harness/tracing/symbols/host.ts";

const resolver = hostResolver({ stack: () => [1n], userSymbol: () => undefined });

describe("the host's resolver", () => {
  it("knows root", () => {
    expect(resolver.username(0n)).toBe("root");
  });

  it("turns the kernel's clocks into the time of day", () => {
    const now = BigInt(Date.now()) * 1_000_000n;
    const minute = 60_000_000_000n;
    const monotonic = process.hrtime.bigint();
    const difference = resolver.realTime(monotonic, "monotonic") - now;
    expect(difference > -minute && difference < minute).toBe(true);
    // The boot clock also counts while the machine sleeps.
    expect(resolver.realTime(monotonic, "boot") <= resolver.realTime(monotonic, "monotonic") + minute).toBe(true);
    expect(resolver.realTime(5n, "realtime")).toBe(5n);
  });

  it("has a zone", () => {
    expect(resolver.zone.at(0).abbreviation).not.toBe("");
  });

  it("finds no cgroup for an impossible id", () => {
    expect(resolver.cgroupPath(1n << 62n, "no-such-hierarchy")).toBe("");
  });

  it("passes on what the session knows", () => {
    expect(resolver.stack(0, 0n, "raw")).toEqual([1n]);
    expect(resolver.userSymbol(0n, 1)).toBeUndefined();
  });
});
