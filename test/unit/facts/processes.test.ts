/** What processes have mapped, as a /proc of the test's own tells it. */
import { linkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mappedFiles, reachablePath } from "../../../harness/tracing/facts/processes.ts";
import { temporaryTree } from "../../support/temporary.ts";

const line = (path: string, inode: number, { mode = "r-xp", device = "08:01" } = {}): string =>
  `55f683ebd000-55f683ec1000 ${mode} 00004000 ${device} ${inode}                    ${path}\n`;

/** Processes by their mappings; those whose id is at least 100 have file systems of their own. */
function processes(maps: Readonly<Record<number, string>>): string {
  const files = Object.entries(maps).map(([pid, text]) => [`proc/${pid}/maps`, text]);
  const others = Object.keys(maps).filter((pid) => Number(pid) >= 100);
  const root = temporaryTree({
    ...Object.fromEntries(files),
    ...Object.fromEntries(["self", ...others].map((pid) => [`proc/${pid}/ns/mnt`, pid])),
    ...Object.fromEntries(Object.keys(maps).map((pid) => [`proc/${pid}/ns`, undefined])),
  });
  const same = Object.keys(maps).filter((pid) => Number(pid) < 100);
  for (const pid of same) linkSync(join(root, "proc/self/ns/mnt"), join(root, `proc/${pid}/ns/mnt`));
  return root;
}

describe("mapped files", () => {
  it("are those that hold code, each once", () => {
    const program = line("/bin/program", 1) + line("/bin/program", 1, { mode: "rw-p" }) + line("/bin/program", 1);
    const root = processes({ 7: program + line("/lib/data", 2, { mode: "r--p" }) + line("[vdso]", 0) + line("", 0) });
    expect(mappedFiles(7, root)).toEqual(["/bin/program"]);
  });

  it("of all processes, or of one", () => {
    const root = processes({
      7: line("/bin/b", 1) + line("/lib/c", 2),
      8: line("/bin/a", 3) + line("/lib/c", 2),
      9: "",
    });
    expect(mappedFiles(undefined, root)).toEqual(["/bin/a", "/bin/b", "/lib/c"]);
    expect(mappedFiles(8, root)).toEqual(["/bin/a", "/lib/c"]);
    expect(mappedFiles(9, root)).toEqual([]);
    expect(mappedFiles(10, root)).toEqual([]);
  });

  it("are not those that were deleted", () => {
    expect(mappedFiles(7, processes({ 7: line("/bin/gone (deleted)", 1) }))).toEqual([]);
  });

  it("are reached through processes that have file systems of their own", () => {
    const root = processes({ 100: line("/bin/a", 1) });
    expect(mappedFiles(100, root)).toEqual(["/proc/100/root/bin/a"]);
    expect(reachablePath(100, "/bin/a", root)).toBe("/proc/100/root/bin/a");
  });

  it("that are the same file are there once, by a path of our own if there is one", () => {
    const libc = line("/lib/libc.so", 5);
    expect(mappedFiles(undefined, processes({ 7: libc, 100: libc }))).toEqual(["/lib/libc.so"]);
    expect(mappedFiles(undefined, processes({ 99: libc, 100: line("/other/libc.so", 5) }))).toEqual(["/lib/libc.so"]);
    expect(mappedFiles(undefined, processes({ 100: libc, 101: libc }))).toEqual(["/proc/100/root/lib/libc.so"]);
  });

  it("of two file systems may have the same number", () => {
    const root = processes({ 7: line("/a", 5) + line("/b", 5, { device: "08:02" }) });
    expect(mappedFiles(undefined, root)).toEqual(["/a", "/b"]);
  });
});
