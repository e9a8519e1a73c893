import { describe, expect, it } from "vitest";
import { findHierarchy } from "../../../harness/runner/cgroups.ts";
import { discover } from "../../../harness/runner/discover.ts";
import { childEnvironment } from "../../../harness/runner/environment.ts";
import { OutputCapture, outputText } from "../../../harness/runner/output.ts";
import { commandText, milliseconds, processList } from "../../../harness/runner/problems.ts";
import { statusOf } from "../../../harness/runner/steps.ts";
import { resolveUser, type UserDatabase } from "../../../harness/runner/users.ts";
import { within } from "../../../harness/runner/within.ts";
import { FakeClock } from "../../support/fake-host.ts";
import { temporaryTree } from "../../support/temporary.ts";

describe("captured output", () => {
  const capture = (limit: number, ...chunks: string[]) => {
    const output = new OutputCapture(limit);
    for (const chunk of chunks) output.append(Buffer.from(chunk));
    return output.read();
  };

  it.each<[string, number, string[], { head: string; tail: string; cut: number }]>([
    ["nothing", 4, [], { head: "", tail: "", cut: 0 }],
    ["less than the limit", 4, ["ab"], { head: "ab", tail: "", cut: 0 }],
    ["exactly head and tail", 4, ["abcdefgh"], { head: "abcdefgh", tail: "", cut: 0 }],
    ["one byte too many", 4, ["abcdefghi"], { head: "abcd", tail: "fghi", cut: 1 }],
    ["many small chunks", 2, [..."abcdefghij"], { head: "ab", tail: "ij", cut: 6 }],
    ["chunks across the limit", 4, ["abc", "defg", "hijkl"], { head: "abcd", tail: "ijkl", cut: 4 }],
    ["a character across the limit, uncut", 2, ["aäb"], { head: "aäb", tail: "", cut: 0 }],
  ])("of %s", (_, limit, chunks, expected) => {
    expect(capture(limit, ...chunks)).toEqual(expected);
  });

  it("says in the text what is missing", () => {
    expect(outputText({ head: "ab", tail: "yz", cut: 22 })).toBe("ab\n[... 22 bytes not kept ...]\nyz");
  });

  it("does not grow with what is printed", () => {
    const output = new OutputCapture(1000);
    for (let i = 0; i < 10_000; i++) output.append(new Uint8Array(100).fill(65));
    expect(output.read()).toMatchObject({ cut: 998_000 });
  });
});

describe("the user", () => {
  const db = (more: Partial<UserDatabase> = {}): UserDatabase => ({
    passwd: "root:x:0:0:root:/root:/bin/bash\nann:x:1001:1002:Ann:/home/ann:/bin/zsh\n#broken\nbob:x:1003:1003:::\n",
    group: "root:x:0:\nusers:x:100:bob,ann\nwheel:x:10:ann\nbroken\n",
    uid: 0,
    env: {},
    ...more,
  });

  it.each<[string, string | undefined, Partial<UserDatabase>, object | undefined]>([
    ["of root's own", undefined, {}, undefined],
    [
      "who called sudo",
      undefined,
      { env: { SUDO_UID: "1001" } },
      { name: "ann", uid: 1001, gid: 1002, groups: [1002, 100, 10], home: "/home/ann", shell: "/bin/zsh" },
    ],
    [
      "who called sudo and is in no file",
      undefined,
      { env: { SUDO_UID: "5", SUDO_GID: "6", SUDO_USER: "x" } },
      { name: "x", uid: 5, gid: 6, groups: [6] },
    ],
    ["root who called sudo", undefined, { env: { SUDO_UID: "0" } }, undefined],
    ["with stale sudo variables, not root", undefined, { uid: 1001, env: { SUDO_UID: "1003" } }, undefined],
    ["with a strange SUDO_UID", undefined, { env: { SUDO_UID: "-1" } }, undefined],
    ["by name", "bob", {}, { name: "bob", uid: 1003, gid: 1003, groups: [1003, 100], home: "/", shell: "/bin/sh" }],
    ["by name, before sudo", "bob", { env: { SUDO_UID: "1001" } }, { name: "bob" }],
    ["by number", "1001", {}, { name: "ann", uid: 1001 }],
    ["by an unknown number", "4242", {}, { name: "4242", uid: 4242, gid: 4242, groups: [4242] }],
    ["that we are already", "ann", { uid: 1001 }, undefined],
    ["root by name", "root", { env: { SUDO_UID: "1001" } }, undefined],
  ])("%s", (_, wanted, more, expected) => {
    const user = resolveUser(wanted, db(more));
    if (expected === undefined) expect(user).toBeUndefined();
    else expect(user).toMatchObject(expected);
  });

  it.each<[string, Partial<UserDatabase>, string]>([
    ["nosuch", {}, "there is no user `nosuch` in /etc/passwd"],
    ["12345678901", {}, "there is no user `12345678901` in /etc/passwd"],
    ["ann", { uid: 1003 }, "running as user ann (uid 1001) needs root; this process is uid 1003"],
  ])("%s is refused", (wanted, more, message) => {
    expect(() => resolveUser(wanted, db(more))).toThrow(message);
  });
});

describe("the environment", () => {
  it("is the caller's, then the scenario's, then the marker", () => {
    const caller = { A: "caller", B: "caller", NONE: undefined, SUDO_UID: "1" };
    expect(childEnvironment(caller, undefined, { B: "own", PROBEWRIGHT_SCOPE: "forged" }, "mark")).toEqual({
      A: "caller",
      B: "own",
      SUDO_UID: "1",
      PROBEWRIGHT_SCOPE: "mark",
    });
  });
});

describe("the cgroup hierarchy", () => {
  it.each<[string, string, object | undefined]>([
    [
      "is found",
      "41 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw",
      { mount: "/sys/fs/cgroup", root: "/" },
    ],
    ["may have spaces", "41 31 0:38 /a\\040b /mnt/x\\040y rw - cgroup2 none rw", { mount: "/mnt/x y", root: "/a b" }],
    ["is not version 1", "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu", undefined],
    ["may be missing", "", undefined],
  ])("%s", (_, mountinfo, expected) => {
    expect(findHierarchy(mountinfo)).toEqual(expected);
  });
});

describe("waiting", () => {
  const never = new Promise<never>(() => undefined);
  const NEVER = new AbortController().signal;

  it("answers what came", async () => {
    expect(await within(new FakeClock(), 10, NEVER, Promise.resolve(7))).toEqual({ kind: "done", value: 7 });
  });
  it("gives up after its time", async () => {
    const clock = new FakeClock();
    const start = clock.now();
    expect(await within(clock, 3_600_000, NEVER, never)).toEqual({ kind: "timeout" });
    expect(clock.now() - start).toBe(3_600_000_000_000n);
  });
  it("gives up at once when interrupted", async () => {
    expect(await within(new FakeClock(), 10, AbortSignal.abort(), never)).toEqual({ kind: "interrupted" });
  });
  it("fails as the promise does", async () => {
    await expect(within(new FakeClock(), 10, NEVER, Promise.reject(new Error("no")))).rejects.toThrow("no");
  });
});

describe("words", () => {
  it.each([
    [["ls", "-l", "/a b"], "ls -l '/a b'"],
    [["echo", "it's"], `echo 'it'\\''s'`],
    [["x", "y".repeat(200)], `x ${"y".repeat(115)}...`],
  ])("a command: %j", (argv, expected) => {
    expect(commandText({ kind: "argv", argv: argv as [string, ...string[]] })).toBe(expected);
  });
  it.each([
    [5, "5 ms"],
    [1500, "1.5 s"],
    [60_000, "60 s"],
  ])("a time: %d", (ms, expected) => {
    expect(milliseconds(ms)).toBe(expected);
  });
  it("many processes", () => {
    const process = (pid: number) => ({ pid, parent: 1, session: 1, startTime: "", command: "x", zombie: false });
    const list = [1, 2, 3, 4, 5, 6, 7].map(process);
    expect(processList(list)).toBe("x (pid 1), x (pid 2), x (pid 3), x (pid 4), x (pid 5) and 2 more");
  });
  it.each([
    [{ code: 3, signal: null }, 3],
    [{ code: null, signal: "SIGTERM" as const }, 143],
    [{ code: null, signal: "SIGRTMIN+1" as NodeJS.Signals }, 163],
  ])("a status: %j", (end, expected) => {
    expect(statusOf({ ...end, usage: {} as never })).toBe(expected);
  });
});

describe("discovery", () => {
  const scenario = "version: 1\nname: x\nworkload: { command: [a] }\n";

  it("takes files as they are, and searches folders for scenarios", () => {
    const root = temporaryTree({
      "b.yml": scenario,
      "a/one.yaml": "scenarios: []\n",
      "broken.yml": "metrics: [\n",
      "compose.yml": "version: 3\nservices: {}\n",
      "notes.txt": scenario,
      "presets/p.yml": scenario,
      "node_modules/x.yml": scenario,
      ".hidden/x.yml": scenario,
    });
    expect(discover([root, `${root}/notes.txt`, `${root}/b.yml`])).toEqual([
      `${root}/a/one.yaml`,
      `${root}/b.yml`,
      `${root}/broken.yml`,
      `${root}/notes.txt`,
    ]);
  });

  it.each<[string, string, string]>([
    ["is not there", "nowhere", "there is no file or folder"],
    ["holds none", "empty", "there are no scenarios (*.yml) below"],
  ])("complains about a path that %s", (_, path, message) => {
    const root = temporaryTree({ empty: undefined });
    expect(() => discover([`${root}/${path}`])).toThrow(message);
  });
});
