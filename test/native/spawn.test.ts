import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type ExitStatus,
  Fd,
  killProcessGroup,
  pidfdOpen,
  pidfdSendSignal,
  pollWait,
  readable,
  type SpawnSpec,
  type StoppedProcess,
  setChildSubreaper,
  spawnStopped,
  tryWait,
  waitExit,
  writable,
} from "../../native/index.ts";
import { NOBODY, publicCopy } from "../support/public-copy.ts";
import { CGROUP2, makeCgroup, type TestCgroup } from "./support/cgroup.ts";
import { expectNoLeaks } from "./support/leaks.ts";
import { ADDON_SCRIPT, addonScript } from "./support/script.ts";
import { errorOf } from "./support/values.ts";

const ENV = { PATH: "/usr/bin:/bin" };
const root = process.getuid?.() === 0;
const required = process.env.REQUIRE_KERNEL === "1";

/** Runs to the end: what was written to its output, and how it ended. */
async function run(spec: Partial<SpawnSpec> & Pick<SpawnSpec, "argv">): Promise<{ output: string; exit: ExitStatus }> {
  using child = spawnStopped({ env: ENV, stdout: "pipe", ...spec });
  const output = child.stdout === undefined ? Promise.resolve("") : text(readable(child.stdout));
  child.release();
  const exit = await child.wait();
  return { output: await output, exit };
}

const shell = (script: string, spec: Partial<SpawnSpec> = {}): Promise<{ output: string; exit: ExitStatus }> =>
  run({ argv: ["sh", "-c", script], ...spec });

/** A field of /proc/PID/status. */
const status = (pid: number, field: string): string =>
  readFileSync(`/proc/${pid}/status`, "utf8")
    .match(new RegExp(`^${field}:\\s*(.*)$`, "m"))![1]!
    .trim();

describe.each([true, false])("spawning with clone3: %s", (clone3) => {
  expectNoLeaks();

  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-spawn-"));
    chmodSync(folder, 0o755);
    for (const name of ["first", "second"]) mkdirSync(join(folder, name));
    const file = (name: string, mode: number, content: string): void => {
      writeFileSync(join(folder, name), content);
      chmodSync(join(folder, name), mode);
    };
    file("first/tool", 0o644, "#!/bin/sh\necho first\n");
    file("second/tool", 0o755, "#!/bin/sh\necho second\n");
    file("first/locked", 0o644, "#!/bin/sh\n");
    file("no-interpreter", 0o755, "#!/nonexistent/interpreter\n");
    file("no-shebang", 0o755, "echo hello\n");
    file("secret", 0o700, "#!/bin/sh\necho secret\n");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  let left: StoppedProcess[];
  beforeEach(() => {
    left = [];
  });
  const reapAll = async (): Promise<void> => {
    for (const child of left.splice(0)) {
      if (child.pidfd.closed) continue;
      child.kill("SIGKILL");
      await child.wait().catch(() => undefined); // the test may have waited already
      child.close();
    }
  };
  afterEach(reapAll);

  /** A child that is cleaned up whatever happens. */
  const start = (spec: Partial<SpawnSpec> & Pick<SpawnSpec, "argv">): StoppedProcess => {
    const child = spawnStopped({ env: ENV, clone3, ...spec });
    left.push(child);
    return child;
  };

  describe("a stopped child", () => {
    it("has run nothing", async () => {
      const marker = join(folder, "marker");
      const child = start({ argv: ["touch", marker] });
      await setTimeout(50);
      expect(child.tryWait()).toBe(null);
      expect(existsSync(marker)).toBe(false);
      child.release();
      expect((await child.wait()).code).toBe(0);
      expect(existsSync(marker)).toBe(true);
      child.close();
    });

    it("is a child of ours in its own process group", () => {
      const child = start({ argv: ["true"] });
      expect(Number(status(child.pid, "PPid"))).toBe(process.pid);
      expect(stat(child.pid)).toMatchObject({ group: child.pid });
      expect(stat(child.pid).session).not.toBe(child.pid);
    });

    it.each([
      ["none", false, false],
      ["group", true, false],
      ["session", true, true],
    ] as const)("is isolated by %s", (isolation, ownGroup, ownSession) => {
      const child = start({ argv: ["true"], isolation });
      const { group, session } = stat(child.pid);
      expect({ ownGroup: group === child.pid, ownSession: session === child.pid }).toEqual({ ownGroup, ownSession });
    });

    it("has nothing open but its streams and the line to us", () => {
      const extra = openSync("/dev/null", "r");
      const child = start({ argv: ["true"], stdin: "pipe", stdout: "pipe", stderr: "null" });
      expect(readdirSync(`/proc/${child.pid}/fd`)).toEqual(["0", "1", "2", "3"]);
      expect(readlinkSync(`/proc/${child.pid}/fd/2`)).toBe("/dev/null");
      closeSync(extra);
    });

    it("has no signal blocked, ignored or handled", () => {
      const child = start({ argv: ["true"] });
      for (const field of ["SigBlk", "SigIgn", "SigCgt"]) expect(BigInt(`0x${status(child.pid, field)}`)).toBe(0n);
    });

    it("is small, however large its parent", () => {
      const ballast = Buffer.alloc(64 << 20, 1);
      const child = start({ argv: ["true"] });
      expect(Number.parseInt(status(child.pid, "VmRSS"), 10)).toBeLessThan(8 << 10);
      expect(ballast.length).toBe(64 << 20);
    });

    it("ends by a signal", async () => {
      const child = start({ argv: ["true"] });
      expect(child.kill("SIGTERM")).toBe(true);
      expect(await child.wait()).toMatchObject({ code: null, signal: "SIGTERM" });
      expect(child.kill("SIGTERM")).toBe(false);
      expect(errorOf(() => child.release())).toMatchObject({
        operation: "release of a stopped process",
        code: "EPIPE",
      });
      child.close();
    });

    it("exits without running anything when it is given up", async () => {
      const child = start({ argv: ["true"] });
      using pidfd = pidfdOpen(child.pid);
      child.close();
      expect(await waitExit(pidfd)).toMatchObject({ code: 127, signal: null });
    });

    it("is released once", () => {
      const child = start({ argv: ["true"] });
      child.release();
      expect(errorOf(() => child.release()).code).toBe("EBADF");
    });

    it("gives a pidfd that is readable when it has ended", async () => {
      const child = start({ argv: ["true"] });
      expect(pollWait(child.pidfd, 20)).toBe(false);
      child.release();
      expect(pollWait(child.pidfd, 5000)).toBe(true);
      expect(child.tryWait()).toMatchObject({ code: 0 });
      child.close();
    });
  });

  describe("a command", () => {
    it("gets its arguments and its whole environment", async () => {
      const env = { PATH: "/usr/bin", EMPTY: "", NAME: "a=b c" };
      expect((await run({ argv: ["env"], env, clone3 })).output).toBe("PATH=/usr/bin\nEMPTY=\nNAME=a=b c\n");
      const args = ["printf", "[%s]", "", "two words", "ü"] as const;
      expect((await run({ argv: [...args], clone3 })).output).toBe("[][two words][ü]");
    });

    it("runs in its folder", async () => {
      expect((await run({ argv: ["pwd"], cwd: folder, clone3 })).output).toBe(`${realpathSync(folder)}\n`);
      expect((await run({ argv: ["./second/tool"], cwd: folder, clone3 })).output).toBe("second\n");
    });

    it.each([
      ["the first that may be executed", "first:second", "second\n"],
      ["relative folders, from its own", "nowhere:second", "second\n"],
      ["an empty entry as its own folder", ":second", "second\n"],
    ])("is looked up in PATH: %s", async (_, path, output) => {
      const absolute = path.startsWith("first") ? path.replaceAll(/(\w+)/g, (name) => join(folder, name)) : path;
      const spec = { argv: ["tool"], env: { PATH: absolute }, cwd: folder, clone3 } as const;
      expect((await run({ ...spec, argv: ["tool"] })).output).toBe(output);
    });

    it("is looked up in a usual PATH when there is none", async () => {
      expect((await run({ argv: ["true"], env: {}, clone3 })).exit.code).toBe(0);
    });

    it.each([
      ["exit 0", 0, null],
      ["exit 3", 3, null],
      ["exit 255", 255, null],
      ["kill -KILL $$", null, "SIGKILL"],
      ["kill -SEGV $$", null, "SIGSEGV"],
      ["kill -40 $$", null, "SIGRTMIN+6"],
    ])("ends: %s", async (script, code, signal) => {
      expect((await shell(script, { clone3 })).exit).toMatchObject({ code, signal });
    });

    it("costs what it uses and not what we are", async () => {
      const ballast = Buffer.alloc(64 << 20, 1);
      const { usage } = (await run({ argv: ["true"], clone3 })).exit;
      expect(usage.maxRssKiB).toBeGreaterThan(100);
      expect(usage.maxRssKiB).toBeLessThan(8 << 10);
      expect(usage.minorFaults).toBeGreaterThan(10);
      expect(usage.minorFaults).toBeLessThan(5000);
      expect(ballast.length).toBe(64 << 20);
    });

    it("is charged for time, memory and switches", async () => {
      const script =
        "x=; for i in 1 2 3 4 5 6 7 8 9; do x=$x$(head -c 100000 /dev/zero | tr '\\0' x); done; sleep 0.01";
      const { usage } = (await shell(script, { clone3 })).exit;
      expect(usage.userTimeUs + usage.systemTimeUs).toBeGreaterThan(1000);
      expect(usage.userTimeUs + usage.systemTimeUs).toBeLessThan(30_000_000);
      expect(usage.voluntarySwitches).toBeGreaterThan(0);
      expect(usage.maxRssKiB).toBeGreaterThan(900);
    });
  });

  describe("streams", () => {
    it("are pipes", async () => {
      const child = start({ argv: ["sh", "-c", "cat; echo error >&2"], stdin: "pipe", stdout: "pipe", stderr: "pipe" });
      const [output, errors] = [text(readable(child.stdout!)), text(readable(child.stderr!))];
      child.release();
      writable(child.stdin!).end("hello");
      expect(await output).toBe("hello");
      expect(await errors).toBe("error\n");
      expect((await child.wait()).code).toBe(0);
      child.close();
    });

    it("are of type pipe, so that /dev/stdout can be opened", async () => {
      expect((await shell("echo through > /dev/stdout", { clone3 })).output).toBe("through\n");
    });

    it("carry more than a pipe holds", async () => {
      expect((await run({ argv: ["head", "-c", "1000000", "/dev/zero"], clone3 })).output.length).toBe(1_000_000);
    });

    it("end when the child has closed them, even if it lives on", async () => {
      const child = start({ argv: ["sh", "-c", "exec >&-; sleep 100"], stdout: "pipe" });
      child.release();
      expect(await text(readable(child.stdout!))).toBe("");
      expect(child.tryWait()).toBe(null);
      child.killGroup("SIGKILL");
      await child.wait();
      child.close();
    });

    it("go to descriptors, also swapped, also twice to the same", async () => {
      const file = join(folder, `out-${clone3}`);
      const out = openSync(file, "w");
      await shell("echo one; echo two >&2", { stdout: out, stderr: out, clone3 });
      await shell("echo three >&2", { stdout: "null", stderr: out, clone3 });
      closeSync(out);
      expect(readFileSync(file, "utf8")).toBe("one\ntwo\nthree\n");
      const child = start({ argv: ["true"], stdin: "null", stdout: 2, stderr: 1 });
      const link = (pid: number | "self", fd: number): string => readlinkSync(`/proc/${pid}/fd/${fd}`);
      expect([link(child.pid, 1), link(child.pid, 2)]).toEqual([link("self", 2), link("self", 1)]);
    });

    it("take an Fd, which stays ours", async () => {
      const out = new Fd(openSync(join(folder, "fd"), "w"), "file");
      await shell("echo x", { stdout: out, clone3 });
      expect(out.closed).toBe(false);
      closeSync(out.take());
    });

    it("read nothing when null", async () => {
      expect((await run({ argv: ["cat"], clone3 })).output).toBe("");
    });
  });

  describe("what goes wrong before the release", () => {
    const failure = (spec: Partial<SpawnSpec>): Error => errorOf(() => start({ argv: ["true"], ...spec }));

    it("a command that PATH does not have", () => {
      expect(failure({ argv: ["no-such-command"] })).toMatchObject({
        name: "SpawnError",
        stage: "exec",
        message: "spawn: exec failed: ENOENT (no such file or directory) for command no-such-command",
      });
    });

    it("an empty command", () => expect(failure({ argv: [""] })).toMatchObject({ stage: "exec", code: "ENOENT" }));

    it.each([
      ["a folder that does not exist", { cwd: "/nonexistent" }, "chdir", "ENOENT"],
      ["a folder that is a file", { cwd: "/etc/passwd" }, "chdir", "ENOTDIR"],
      ["a stream that is not open", { stdout: 999_999 }, "stdio", "EBADF"],
      ["a cgroup that does not exist", { cgroup: "/nonexistent" }, "cgroup", "ENOENT"],
      ["a cgroup that is a file", { cgroup: "/etc/passwd" }, "cgroup", "ENOTDIR"],
      ["too many groups", { groups: new Array(70_000).fill(1) }, "setgroups", root ? "EINVAL" : "EPERM"],
    ] as [string, Partial<SpawnSpec>, string, string][])("%s", (_, spec, stage, code) => {
      expect(failure(spec)).toMatchObject({ name: "SpawnError", operation: `spawn: ${stage}`, stage, code });
    });

    it("a cgroup that is an ordinary folder", () => {
      expect(failure({ cgroup: "/tmp" })).toMatchObject({
        stage: "cgroup",
        object: { cgroup: "/tmp", command: "true" },
      });
    });

    it("names the folder", () => {
      expect(failure({ cwd: "/nonexistent" }).message).toBe(
        "spawn: chdir failed: ENOENT (no such file or directory) for cwd /nonexistent, command true",
      );
    });

    it.each([
      ["an argument with NUL", { argv: ["true", "a\0b"] as const }],
      ["a variable with NUL", { env: { A: "\0" } }],
    ])("%s", (_, spec) => expect(() => start({ argv: ["true"], ...spec })).toThrow("without NUL"));

    it.each([-5, 1.5])("a stream with the number %d", (stdin) => {
      expect(() => start({ argv: ["true"], stdin })).toThrow(RangeError);
    });

    it("leaves no process behind", () => {
      const children = (): string => readFileSync(`/proc/self/task/${process.pid}/children`, "utf8");
      const before = children();
      failure({ cwd: "/nonexistent" });
      expect(children()).toBe(before);
    });
  });

  describe("what goes wrong at the exec", () => {
    it.each([
      ["a file that does not exist", "/nonexistent/command", "ENOENT"],
      ["a file that is not executable", "first/tool", "EACCES"],
      ["a folder", "first", "EACCES"],
      ["a path through a file", "first/tool/x", "ENOENT"],
      ["a script whose interpreter is missing", "no-interpreter", "ENOENT"],
      ["a script without its first line", "no-shebang", "ENOEXEC"],
    ])("%s", async (_, file, code) => {
      const child = start({ argv: [file.startsWith("/") ? file : join(folder, file)] });
      expect(errorOf(() => child.release())).toMatchObject({ name: "SpawnError", stage: "exec", code });
      expect(await child.wait()).toMatchObject({ code: 127 });
      child.close();
    });

    it("a command that may nowhere be executed", () => {
      const child = start({ argv: ["locked"], env: { PATH: `${join(folder, "first")}:/usr/bin` } });
      expect(errorOf(() => child.release())).toMatchObject({ stage: "exec", code: "EACCES" });
    });

    it("too large an environment", () => {
      const child = start({ argv: ["true"], env: { PATH: "/usr/bin", LARGE: "x".repeat(1 << 20) } });
      expect(errorOf(() => child.release())).toMatchObject({ stage: "exec", code: "E2BIG" });
    });

    it("death while it waited to be released", async () => {
      const child = start({ argv: ["true"] });
      child.kill("SIGKILL");
      await child.wait();
      expect(errorOf(() => child.release()).code).toBe("EPIPE");
      child.close();
    });
  });

  describe("signals", () => {
    it("reach a whole process group", async () => {
      const child = start({ argv: ["sh", "-c", "sleep 100 & sleep 100 & wait"], stdout: "pipe" });
      const closed = text(readable(child.stdout!));
      child.release();
      await setTimeout(50);
      expect(child.killGroup("SIGTERM")).toBe(true);
      expect((await child.wait()).signal).toBe("SIGTERM");
      expect(await closed).toBe(""); // all who held the pipe are gone
      child.close();
    });

    it("find nobody in a group that is gone", async () => {
      const child = start({ argv: ["true"] });
      child.release();
      await child.wait();
      expect(child.killGroup("SIGTERM")).toBe(false);
      child.close();
    });

    it.each([0, 1, -1, 1.5, Number.NaN])("never reach the group %d", (group) => {
      expect(() => killProcessGroup(group, "SIGKILL")).toThrow(RangeError);
    });

    it("that do not exist are refused", () => {
      const child = start({ argv: ["true"] });
      expect(errorOf(() => pidfdSendSignal(child.pidfd, 999))).toMatchObject({ code: "EINVAL" });
    });

    it("0 only asks", () => expect(start({ argv: ["true"] }).kill(0)).toBe(true));
  });

  describe.runIf(root)("as another user", () => {
    it("drops user, group and further groups, and with them all privileges", async () => {
      const { output } = await shell(
        "id -u; id -g; id -G; grep -E '^(Uid|Gid|CapEff|CapPrm|CapAmb)' /proc/self/status",
        {
          ...NOBODY,
          clone3,
        },
      );
      expect(output.split("\n")).toEqual([
        "65534",
        "65534",
        "65534",
        "Uid:\t65534\t65534\t65534\t65534",
        "Gid:\t65534\t65534\t65534\t65534",
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "",
      ]);
    });

    it("takes further groups", async () => {
      expect((await run({ argv: ["id", "-G"], ...NOBODY, groups: [65534, 7, 9], clone3 })).output).toBe("65534 7 9\n");
      expect((await run({ argv: ["id", "-G"], ...NOBODY, groups: [], clone3 })).output).toBe("65534\n");
    });

    it("is in effect before the exec, which that user must be allowed", () => {
      const child = start({ argv: [join(folder, "secret")], ...NOBODY });
      expect(status(child.pid, "Uid")).toMatch(/^65534\b/);
      expect(errorOf(() => child.release())).toMatchObject({ stage: "exec", code: "EACCES" });
    });

    it("enters the folder while it still may", async () => {
      const locked = join(folder, `locked-${clone3}`);
      mkdirSync(locked, { mode: 0o700 });
      expect((await run({ argv: ["true"], cwd: locked, ...NOBODY, clone3 })).exit.code).toBe(0);
    });

    it("may not become somebody else from there", async () => {
      const { folder, node } = publicCopy();
      const script = `${addonScript(folder)} console.log(spawnTrue({ uid: 1 }));`;
      const addon = spawn(node, ["-e", script], { ...NOBODY, cwd: folder });
      const closed = once(addon, "close");
      expect(await text(addon.stdout)).toBe("setuid EPERM\n");
      await closed;
    });

    it("gains no privileges when told so", () => {
      const child = start({ argv: ["true"], noNewPrivs: true, ...NOBODY });
      expect(status(child.pid, "NoNewPrivs")).toBe("1");
      expect(status(start({ argv: ["true"], ...NOBODY }).pid, "NoNewPrivs")).toBe("0");
    });
  });

  it.runIf(root)("loads at the same addresses when told so", async () => {
    expect((await run({ argv: ["cat", "/proc/self/personality"], noAslr: true, clone3 })).output).toBe("00040000\n");
    expect((await run({ argv: ["cat", "/proc/self/personality"], clone3 })).output).toBe("00000000\n");
  });

  describe.runIf(root && (CGROUP2 !== undefined || required))("in a cgroup", () => {
    const inCgroup = async (use: (cgroup: TestCgroup, members: () => string) => unknown): Promise<void> => {
      const cgroup = makeCgroup();
      try {
        await use(cgroup, () => readFileSync(join(cgroup.path, "cgroup.procs"), "utf8"));
      } finally {
        await reapAll();
        await cgroup.remove();
      }
    };

    it("is there from the start, and with it all that it forks", () =>
      inCgroup(async ({ path, name }, members) => {
        const child = start({ argv: ["sh", "-c", "cat /proc/self/cgroup"], stdout: "pipe", cgroup: path });
        expect(members()).toBe(`${child.pid}\n`);
        const output = text(readable(child.stdout!));
        child.release();
        expect(await output).toContain(`0::${name}\n`);
      }));

    it("by a descriptor, as another user", () =>
      inCgroup(({ path }, members) => {
        const fd = new Fd(openSync(path, "r"), "cgroup");
        const child = start({ argv: ["true"], cgroup: fd, uid: 65534, gid: 65534 });
        expect(members()).toBe(`${child.pid}\n`);
        expect(fd.closed).toBe(false);
        closeSync(fd.take());
      }));

    it("that is frozen, a release says that it takes too long", () =>
      inCgroup(({ path }) => {
        const child = start({ argv: ["true"], cgroup: path });
        writeFileSync(join(path, "cgroup.freeze"), "1");
        expect(errorOf(() => child.release(50))).toMatchObject({ code: "ETIMEDOUT", object: { command: "true" } });
        writeFileSync(join(path, "cgroup.freeze"), "0");
      }));

    it("that has been removed", () =>
      inCgroup(async (cgroup) => {
        const fd = new Fd(openSync(cgroup.path, "r"), "cgroup");
        rmdirSync(cgroup.path);
        const error = errorOf(() => start({ argv: ["true"], cgroup: fd }));
        closeSync(fd.take());
        expect(error).toMatchObject({ stage: "cgroup", code: expect.stringMatching(/ENOENT|ENODEV/) });
      }));
  });

  describe("when the parent dies", () => {
    // the orphans come to us, so that we can see how they ended
    beforeEach(() => setChildSubreaper(true));
    afterEach(() => setChildSubreaper(false));

    const orphan = async (options: string, release: boolean): Promise<ExitStatus> => {
      const script = `${ADDON_SCRIPT} const child = spawnStopped(["sleep", "100"], { clone3: ${clone3}, ${options} });
        ${release ? "release(child);" : ""} console.log(child.pid); setInterval(() => {}, 1000);`;
      const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
      const pid = Number((await once(parent.stdout, "data"))[0]);
      using pidfd = pidfdOpen(pid);
      const gone = once(parent, "close");
      parent.kill("SIGKILL");
      await gone;
      const released = release && options === "";
      if (released) {
        await setTimeout(50);
        expect(tryWait(pidfd)).toBe(null);
        pidfdSendSignal(pidfd, "SIGTERM");
      }
      return await waitExit(pidfd);
    };

    it("a stopped child exits", async () => expect(await orphan("", false)).toMatchObject({ code: 127 }));

    it("a running child is killed when told so", async () => {
      expect(await orphan("killOnParentDeath: true", true)).toMatchObject({ signal: "SIGKILL" });
    });

    it("a running child lives on otherwise", async () => {
      expect(await orphan("", true)).toMatchObject({ signal: "SIGTERM" });
    });
  });
});

/** Fields of /proc/PID/stat. */
function stat(pid: number): { group: number; session: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return { group: Number(fields[2]), session: Number(fields[3]) };
}
