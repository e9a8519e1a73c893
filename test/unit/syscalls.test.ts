/** Spot checks of the system call tables; test/kernel compares them with a running kernel's own. */
import { describe, expect, it } from "vitest";
import { syscallNumber, syscalls } from "../../compiler/syscalls.ts";

describe("numbers by the tracepoint's name", () => {
  it.each([
    ["read", 0, 63],
    ["write", 1, 64],
    ["open", 2, undefined],
    ["newstat", 4, undefined],
    ["newfstat", 5, 80],
    ["mmap", 9, 222],
    ["rt_sigreturn", 15, 139],
    ["sendfile64", 40, 71],
    ["clone", 56, 220],
    ["execve", 59, 221],
    ["exit", 60, 93],
    ["newuname", 63, 160],
    ["getppid", 110, 173],
    ["gettid", 186, 178],
    ["getdents64", 217, 61],
    ["fadvise64", 221, undefined],
    ["fadvise64_64", undefined, 223],
    ["exit_group", 231, 94],
    ["openat", 257, 56],
    ["newfstatat", 262, 79],
    ["umount", 166, 39],
    ["sync_file_range", 277, 84],
    ["accept4", 288, 242],
    ["getrandom", 318, 278],
    ["bpf", 321, 280],
    ["statx", 332, 291],
    ["rseq", 334, 293],
    ["kexec_file_load", 320, 294],
    ["uretprobe", 335, undefined],
    ["arm64_personality", undefined, 92],
    ["pidfd_send_signal", 424, 424],
    ["clone3", 435, 435],
    ["openat2", 437, 437],
    ["futex_waitv", 449, 449],
    ["cachestat", 451, 451],
    ["mseal", 462, 462],
    ["file_setattr", 469, 469],
    ["rseq_slice_yield", 471, 471],
  ])("%s", (name, x64, arm64) => {
    expect([syscallNumber("x64", name), syscallNumber("arm64", name)]).toEqual([x64, arm64]);
  });

  // Names of headers, 32-bit calls, and properties that every object has.
  it.each(["fstat", "umount2", "socketcall", "stat64", "-", "", "constructor", "toString", "READ"])("no %j", (name) => {
    expect([syscallNumber("x64", name), syscallNumber("arm64", name)]).toEqual([undefined, undefined]);
  });
});

it.each(["x64", "arm64"] as const)("no number of %s has two names", (arch) => {
  const numbers = [...syscalls(arch).values()];
  expect(new Set(numbers).size).toBe(numbers.length);
});
