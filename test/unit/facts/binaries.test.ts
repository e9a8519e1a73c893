/** Which file a name means: executables by $PATH, libraries by the linker's cache or the usual directories. */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findBinary, parseLibraryCache } from "../../../harness/tracing/facts/binaries.ts";
import { temporaryTree } from "../../support/temporary.ts";

const X64 = 0x0303;
const X86 = 0x0003;

/** An ld.so.cache with these libraries. */
function cache(libraries: [flags: number, name: string, path: string][], prefix = ""): Buffer {
  const entries = Buffer.alloc(48 + libraries.length * 24);
  entries.write("glibc-ld.so.cache1.1", "latin1");
  entries.writeUInt32LE(libraries.length, 20);
  let strings = "";
  libraries.forEach(([flags, name, path], i) => {
    const at = 48 + i * 24;
    entries.writeInt32LE(flags, at);
    entries.writeUInt32LE(entries.length + strings.length, at + 4);
    strings += `${name}\0`;
    entries.writeUInt32LE(entries.length + strings.length, at + 8);
    strings += `${path}\0`;
  });
  return Buffer.concat([Buffer.from(prefix), entries, Buffer.from(strings)]);
}

const LIBC = "/odd/place/libc.so.6";
const LIBRARIES: [number, string, string][] = [
  [X86, "libc.so.6", "/lib32/libc.so.6"],
  [X64, "libc.so.6", LIBC],
  [X64, "libcap.so.2", "/lib/libcap.so.2"],
];

function find(name: string, arch: "x64" | "arm64" = "x64"): string | undefined {
  const root = temporaryTree({
    "usr/bin/tool": "",
    "usr/bin/not-executable": "",
    "opt/bin/tool": "",
    "usr/bin/directory/inside": "",
    [LIBC]: "",
    "lib32/libc.so.6": "",
    "lib/libcap.so.2": "",
    "usr/lib/libplain.so": "",
    "lib/aarch64-linux-gnu/libarm.so": "",
    "etc/ld.so.cache": cache(LIBRARIES),
  });
  for (const file of ["usr/bin/tool", "opt/bin/tool"]) chmodSync(join(root, file), 0o755);
  return findBinary(name, { arch, path: "/nowhere::/opt/bin:/usr/bin", root });
}

describe("names", () => {
  it.each<[string, string | undefined]>([
    ["tool", "/opt/bin/tool"],
    ["/usr/bin/tool", "/usr/bin/tool"],
    ["/usr/bin/nope", undefined],
    ["/usr/bin", undefined],
    ["not-executable", undefined],
    ["directory", undefined],
    ["libc", LIBC],
    ["libc.so", LIBC],
    ["libc.so.6", LIBC],
    ["libca", undefined],
    ["libcap", "/lib/libcap.so.2"],
    ["libplain", "/usr/lib/libplain.so"],
    ["libplain.so", "/usr/lib/libplain.so"],
    ["libarm", undefined],
    ["nope", undefined],
    ["", undefined],
    ["a\0b", undefined],
  ])("%j", (name, path) => expect(find(name)).toBe(path));

  it("on another processor", () => {
    expect(find("libarm", "arm64")).toBe("/lib/aarch64-linux-gnu/libarm.so");
    expect(find("libc", "arm64")).toBeUndefined();
  });

  it("without a cache", () => {
    const root = temporaryTree({ "usr/lib64/libx.so": "" });
    expect(findBinary("libx", { arch: "x64", path: "", root })).toBe("/usr/lib64/libx.so");
  });
});

describe("the linker's cache", () => {
  it.each([
    ["alone", ""],
    ["behind an old one", "ld.so-1.7.0\0\0\0\0\0"],
  ])("%s", (_, prefix) => {
    expect(parseLibraryCache(cache(LIBRARIES, prefix), X64).map((l) => l.path)).toEqual([LIBC, "/lib/libcap.so.2"]);
  });

  const good = cache(LIBRARIES);
  it.each<[string, Buffer]>([
    ["empty", Buffer.alloc(0)],
    ["something else", Buffer.from("hello")],
    ["only a header's beginning", good.subarray(0, 30)],
  ])("none: %s", (_, file) => expect(parseLibraryCache(file, X64)).toEqual([]));

  it("survives truncation at every byte", () => {
    for (let length = 0; length < good.length; length++) {
      const found = parseLibraryCache(good.subarray(0, length), X64);
      expect(found.length).toBeLessThanOrEqual(2);
    }
  });
});
