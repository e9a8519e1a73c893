/** Children that are held on their way to their first instruction: what they have mapped then, and that they notice nothing. */
import { chmodSync, closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readMappings } from "../../harness/tracing/facts/processes.ts";
import { releaseToEntry } from "../../harness/tracing/unwind/run-to-entry.ts";
import { readable, type SpawnSpec, spawnStopped } from "../../native/index.ts";
import { describeKernel } from "../support/privileges.ts";
import { compileC } from "../support/traced.ts";

interface Followed {
  /** Files mapped as code at each point at which it was held. */
  seen: string[][];
  code: number | null;
  signal: string | null;
  printed: string;
  /** Where it could not be released. */
  failure: unknown;
}

/** Runs a child to its end. `at` is called at each point with its process id, and with its number. */
async function follow(
  argv: SpawnSpec["argv"],
  at: (pid: number, point: number) => void = () => {},
  spec: Partial<SpawnSpec> = {},
): Promise<Followed> {
  using child = spawnStopped({ argv, env: { PATH: "/usr/bin:/bin" }, stdout: "pipe", ...spec });
  const printed = text(readable(child.stdout!));
  const ended = child.wait();
  const seen: string[][] = [];
  let failure: unknown;
  try {
    await releaseToEntry(child, () => {
      seen.push(codeOf(child.pid));
      at(child.pid, seen.length);
    });
  } catch (error) {
    failure = error;
  }
  const { code, signal } = await ended;
  return { seen, code, signal, printed: await printed, failure };
}

function codeOf(pid: number): string[] {
  const code = readMappings(pid).filter(({ executable, path }) => executable && path.startsWith("/"));
  return [...new Set(code.map(({ path }) => basename(path)))];
}

const LOADER = expect.stringMatching(/^ld-/);
const LIBC = expect.stringMatching(/^libc[.-]/);
const TRACER = ["grep", "TracerPid", "/proc/self/status"] as const;

// Elsewhere nobody is held.
const describeHeld = process.arch === "x64" ? describeKernel : describe.skip;

describeHeld("the way of a child to its first instruction", () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-test-"));
    chmodSync(folder, 0o755);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("has the program and its loader first, then all libraries", async () => {
    const { seen, ...end } = await follow(TRACER);
    expect(seen).toHaveLength(2);
    expect(seen[0]).toEqual(["grep", LOADER]);
    expect(seen[1]).toEqual(expect.arrayContaining(["grep", LOADER, LIBC]));
    expect(end).toEqual({ code: 0, signal: null, printed: "TracerPid:\t0\n", failure: undefined });
  });

  it.each([
    ["one that ends at once", ["true"], 0],
    ["one that fails", ["sh", "-c", "exit 7"], 7],
    ["one that executes another", ["sh", "-c", "exec sh -c 'exit 8'"], 8],
    ["one that forks", ["sh", "-c", "(exit 9); exit $?"], 9],
  ] as const)("%s", async (_, argv, code) => {
    expect(await follow(argv)).toMatchObject({ seen: { length: 2 }, code, signal: null });
  });

  it("of a script is its interpreter's", async () => {
    const script = join(folder, "script");
    writeFileSync(script, "#!/usr/bin/env sh\nexit 5\n", { mode: 0o755 });
    expect(await follow([script])).toMatchObject({
      seen: [["env", LOADER], expect.arrayContaining(["env", LIBC])],
      code: 5,
    });
  });

  it("of another user's process", async () => {
    expect(await follow(TRACER, undefined, { uid: 65534, gid: 65534 })).toMatchObject({
      seen: { length: 2 },
      printed: "TracerPid:\t0\n",
    });
  });

  it("ends before it has begun where there is no program", async () => {
    const failed = await follow([join(folder, "nothing")]);
    expect(failed).toMatchObject({ seen: [], code: 127, failure: { stage: "exec", code: "ENOENT" } });
  });

  it.each([
    [1, "SIGKILL"],
    [2, "SIGKILL"],
    [1, "SIGTERM"],
    [2, "SIGTERM"],
  ] as const)("ends where it is killed at point %i by %s", async (point, signal) => {
    const { code, signal: by } = await follow(["sleep", "60"], (pid, at) => at === point && process.kill(pid, signal));
    expect({ code, by }).toEqual({ code: null, by: signal });
  });

  it("waits while it is stopped", async () => {
    const begin = performance.now();
    const end = await follow(TRACER, (pid, point) => {
      if (point !== 1) return;
      process.kill(pid, "SIGSTOP");
      setTimeout(() => process.kill(pid, "SIGCONT"), 100);
    });
    expect(end).toMatchObject({ seen: { length: 2 }, code: 0, printed: "TracerPid:\t0\n" });
    expect(performance.now() - begin).toBeGreaterThan(95);
  });

  it("goes on alone when looking at it fails", async () => {
    const end = await follow(TRACER, () => {
      throw new Error("no look");
    });
    expect(end).toMatchObject({ failure: new Error("no look"), code: 0, printed: "TracerPid:\t0\n" });
  });

  it("leaves the program's code as it was", async () => {
    let before: Buffer | undefined;
    using child = spawnStopped({ argv: ["sleep", "60"], env: { PATH: "/usr/bin:/bin" }, stdout: "null" });
    await releaseToEntry(child, () => {
      before ??= codeBytes(child.pid);
    });
    expect(codeBytes(child.pid).equals(before!)).toBe(true);
    child.kill("SIGKILL");
    await child.wait();
  });

  describe("with programs of its own", () => {
    it("has one point where a program is linked statically", async () => {
      const program = compileC(folder, "static", "int main(void) { return 6; }", "-static");
      expect(await follow([program])).toMatchObject({ seen: [["static"]], code: 6 });
    });

    it("takes along what is forked before the first instruction", async () => {
      const library = compileC(
        folder,
        "forks.so",
        `#include <sys/wait.h>
        #include <unistd.h>
        int result = 33;
        __attribute__((constructor)) static void forks(void) {
          int status;
          pid_t pid = fork();
          if (pid == 0) return;
          waitpid(pid, &status, 0);
          result = WIFEXITED(status) ? WEXITSTATUS(status) + 1 : 99;
        }`,
        ...["-shared", "-fPIC"],
      );
      const program = compileC(folder, "forked", "extern int result; int main(void) { return result; }", library);
      expect(await follow([program], undefined, { env: {} })).toMatchObject({ seen: { length: 2 }, code: 34 });
    });
  });
});

/** The code of the program itself. */
function codeBytes(pid: number): Buffer {
  const { start, end } = readMappings(pid).find(({ executable }) => executable)!;
  const bytes = Buffer.alloc(Number(end - start));
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    readSync(memory, bytes, 0, bytes.length, Number(start));
  } finally {
    closeSync(memory);
  }
  return bytes;
}
