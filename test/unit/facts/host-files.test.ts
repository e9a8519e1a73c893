/** Where headers are looked for. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostFiles } from "../../../harness/tracing/facts/host-files.ts";

const ARCH = process.arch === "arm64" ? "arm64" : "x86";

describe("folders with headers", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-headers-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const make = (...folders: string[]): void => {
    for (const name of folders) mkdirSync(join(folder, name), { recursive: true });
  };
  const found = (environment: NodeJS.ProcessEnv): string[] =>
    hostFiles([], environment)
      .includePaths.filter((path) => path.startsWith(folder))
      .map((path) => path.slice(folder.length + 1));

  it("are those that are given, then those of the system", () => {
    const { includePaths } = hostFiles(["mine"], { BPFTRACE_KERNEL_SOURCE: "/nowhere" });
    expect(includePaths[0]).toBe("mine");
    expect(includePaths.at(-1)).toBe("/usr/include");
  });

  it("are those of a kernel's source and build, in the order of its own build", () => {
    const inside = [`arch/${ARCH}/include`, "include", `arch/${ARCH}/include/uapi`, "include/uapi"];
    make(...inside.map((name) => `source/${name}`));
    make(`build/arch/${ARCH}/include/generated/uapi`, "build/include/generated/uapi");
    const environment = {
      BPFTRACE_KERNEL_SOURCE: join(folder, "source"),
      BPFTRACE_KERNEL_BUILD: join(folder, "build"),
    };
    expect(found(environment)).toEqual([
      `source/arch/${ARCH}/include`,
      `build/arch/${ARCH}/include/generated`,
      "source/include",
      "build/include",
      `source/arch/${ARCH}/include/uapi`,
      `build/arch/${ARCH}/include/generated/uapi`,
      "source/include/uapi",
      "build/include/generated/uapi",
    ]);
    expect(hostFiles([], environment).hasKernelHeaders).toBe(true);
  });

  it("are none of a kernel that is not there", () => {
    expect(hostFiles([], { BPFTRACE_KERNEL_SOURCE: join(folder, "nowhere") }).hasKernelHeaders).toBe(false);
  });
});
