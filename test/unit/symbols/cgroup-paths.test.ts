import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CgroupHierarchy, cgroupHierarchies, cgroupPath } from "../../../harness/tracing/symbols/cgroup-paths.ts";

describe("hierarchies", () => {
  it.each<[string, string, [string, string][]]>([
    ["version 2", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", [["unified", "/sys/fs/cgroup"]]],
    [
      "mounted twice",
      "cgroup /a/pids cgroup rw 0 0\ncgroup2 /a cgroup2 rw 0 0\ncgroup /b/pids cgroup rw 0 0\ncgroup2 /b cgroup2 rw 0 0",
      [
        ["unified", "/a"],
        ["pids", "/a/pids"],
      ],
    ],
    [
      "both versions",
      [
        "tmpfs /sys/fs/cgroup tmpfs rw 0 0",
        "cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0",
        "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw 0 0",
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0",
      ].join("\n"),
      [
        ["unified", "/sys/fs/cgroup/unified"],
        ["cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct"],
        ["pids", "/sys/fs/cgroup/pids"],
      ],
    ],
    ["a path with a space", "x /a\\040b cgroup2 rw 0 0", [["unified", "/a b"]]],
    ["none", "proc /proc proc rw 0 0\n\n", []],
  ])("%s", (_, mounts, expected) => {
    expect(cgroupHierarchies(mounts).map(({ name, root }) => [name, root])).toEqual(expected);
  });
});

describe("paths", () => {
  let base = "";
  let hierarchies: CgroupHierarchy[] = [];
  const inode = (path: string): bigint => statSync(join(base, path), { bigint: true }).ino;

  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), "cgroups-"));
    mkdirSync(join(base, "v2/user.slice/é"), { recursive: true });
    mkdirSync(join(base, "memory/a/b"), { recursive: true });
    hierarchies = [
      { name: "unified", root: join(base, "v2") },
      { name: "memory", root: join(base, "memory") },
    ];
  });
  afterAll(() => rmSync(base, { recursive: true }));

  it.each([
    ["v2", "", "unified:/"],
    ["v2/user.slice", "*", "unified:/user.slice"],
    ["v2/user.slice/é", "uni*", "unified:/user.slice/\xc3\xa9"],
    ["memory/a/b", "*m*", "memory:/a/b"],
    ["memory/a/b", "unified", ""],
    ["memory/a/b", "mem.ry", ""],
    ["memory/a/b", "mem", ""],
  ])("%s, filtered by %j", (path, filter, expected) => {
    expect(cgroupPath(hierarchies, inode(path), filter)).toBe(expected);
  });

  it("of an id in several hierarchies are joined", () => {
    const twice = [
      { name: "unified", root: join(base, "v2") },
      { name: "cpu", root: join(base, "v2") },
    ];
    expect(cgroupPath(twice, inode("v2/user.slice"), "")).toBe("unified:/user.slice,cpu:/user.slice");
  });

  it("of an unknown id, or in a hierarchy that is gone, are empty", () => {
    expect(cgroupPath(hierarchies, 1n << 60n, "")).toBe("");
    expect(cgroupPath([{ name: "unified", root: join(base, "gone") }], 5n, "")).toBe("");
  });
});
