/**
 * No test of the addon may leave a descriptor open, neither one that an Fd owns nor one behind its back. Only kinds that
 * the addon makes are looked at: the test runner opens and closes files of its own meanwhile.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect } from "vitest";
import { openFds } from "../../../native/index.ts";

const OURS = /bpf|btf|perf|pidfd|^pipe:|^socket:|cgroup|\/dev\/null/;

/** The descriptors of this process that could be the addon's, as `number -> target`. */
export function descriptors(): string[] {
  return readdirSync("/proc/self/fd")
    .map((fd) => `${fd} -> ${target(fd)}`)
    .filter((line) => OURS.test(line.slice(line.indexOf("> ") + 2)))
    .sort();
}

function target(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "gone"; // the descriptor that readdir itself used
  }
}

/** Makes every test of the enclosing describe fail that leaves something open. */
export function expectNoLeaks(): void {
  let before: string[];
  beforeEach(() => {
    before = descriptors();
  });
  afterEach(async () => {
    // watched descriptors close in the event loop
    await setImmediate();
    await setImmediate();
    const left = openFds();
    for (const fd of left) fd.close(); // so that only the test at fault fails
    expect(left.map((fd) => fd.label)).toEqual([]);
    expect(descriptors()).toEqual(before);
  });
}
