/** The scopes with a switch, on the kernel: who is let through, and when. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CompileOptions, compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { SCOPE_SWITCH } from "../../../compiler/program.ts";
import { Source } from "../../../compiler/source.ts";
import { plainMaps, rows } from "../../../harness/in-process/own-script.ts";
import { hostFacts } from "../../../harness/tracing/facts/host-facts.ts";
import { loadSession, type Session } from "../../../harness/tracing/session.ts";
import { gettid } from "../../../native/index.ts";
import { describeKernel } from "../../support/privileges.ts";

const OPENS = "tracepoint:syscalls:sys_enter_openat { @opens[pid, tid] = count(); }";

function start(script: string, options: CompileOptions): Session {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", script), hostFacts(), diags, options);
  if (program === undefined) throw new Error(diags.errors.map(({ message }) => message).join("\n"));
  const session = loadSession(program);
  session.attach();
  return session;
}

/** Switches on for the caller while `work` runs. */
async function during(session: Session, work: () => unknown): Promise<void> {
  const { scope } = scopes.get(session)!;
  const memory = session.scopeSwitch;
  memory.setBigUint64(SCOPE_SWITCH.process, BigInt(process.pid), true);
  memory.setBigUint64(SCOPE_SWITCH.id, BigInt(scope === "thread" ? gettid() : process.pid), true);
  try {
    await work();
  } finally {
    memory.setBigUint64(SCOPE_SWITCH.id, 0n, true);
  }
}
const scopes = new Map<Session, { scope: string }>();

const openTimes = (times: number): void => {
  for (let i = 0; i < times; i++) closeSync(openSync("/dev/null", "r"));
};

describeKernel("a scope with a switch", () => {
  describe.each(["process", "thread"] as const)("%s", (scope) => {
    let session: Session;
    beforeAll(() => {
      session = start(OPENS, { scope });
      scopes.set(session, { scope });
    });
    afterAll(() => session.close());

    const opens = (): [string, number][] =>
      rows(plainMaps(session), "@opens").map(({ key, value }) => [key[0] === process.pid ? "own" : "other", value]);

    it("lets nothing through while it is off", () => {
      session.reset();
      openTimes(3);
      expect(opens()).toEqual([]);
    });

    it("lets exactly the calls between on and off through", async () => {
      session.reset();
      openTimes(1);
      await during(session, () => openTimes(3));
      openTimes(1);
      expect(opens()).toEqual([["own", 3]]);
    });

    it("is off after a reset", async () => {
      await during(session, () => {
        session.reset();
        openTimes(3);
      });
      expect(opens()).toEqual([]);
    });

    it("lets child processes and theirs through", async () => {
      session.reset();
      await during(session, () => execFileSync("/bin/sh", ["-c", "/bin/true; /bin/true"]));
      const children = opens().filter(([who]) => who === "other");
      // each of the three opens the loader's cache and the C library
      expect(children.map(([, count]) => count)).toEqual([2, 2, 2]);
    });

    it("leaves out children from before, also those of an earlier time", async () => {
      const earlier = spawn("/bin/sh", ["-c", "while read line; do : < /dev/null; done"]);
      session.reset();
      let later: ReturnType<typeof spawn> | undefined;
      await during(session, () => {
        later = spawn("/bin/sh", ["-c", "read line; while read line; do : < /dev/null; done"]);
      });
      session.reset();
      await during(session, async () => {
        for (const child of [earlier, later!]) child.stdin!.write("a\nb\nc\n");
        await sleep(100);
      });
      for (const child of [earlier, later!]) {
        child.stdin!.end();
        await once(child, "exit");
      }
      expect(opens().filter(([who]) => who === "other")).toEqual([]);
    });

    it("forgets processes that have ended", async () => {
      session.reset();
      await during(session, () => execFileSync("/bin/true"));
      const before = session.scopeSwitch.getBigUint64(SCOPE_SWITCH.forks, true);
      expect(before).toBeGreaterThan(0n);
      session.reset();
      expect(session.scopeSwitch.getBigUint64(SCOPE_SWITCH.forks, true)).toBe(0n);
    });
  });

  it("of a process lets all its threads through, one of a thread only its own and those it starts", async () => {
    const [whole, own] = (["process", "thread"] as const).map((scope) => {
      const session = start(OPENS, { scope });
      scopes.set(session, { scope });
      return session;
    }) as [Session, Session];
    try {
      const code = `const { parentPort } = require("node:worker_threads"); const fs = require("node:fs");
        parentPort.on("message", () => { for (let i = 0; i < 5; i++) fs.closeSync(fs.openSync("/dev/zero")); parentPort.postMessage("done"); });`;
      const earlier = new Worker(code, { eval: true });
      await once(earlier, "online");
      let later: Worker | undefined;
      const work = async (): Promise<void> => {
        later = new Worker(code, { eval: true });
        await once(later, "online");
        for (const worker of [earlier, later]) {
          worker.postMessage("go");
          await once(worker, "message");
        }
        // by a thread of libuv's pool, which was there before
        await (await open("/dev/null")).close();
      };
      await during(whole, () => during(own, work));
      const threads = (session: Session): number[] =>
        rows(plainMaps(session), "@opens")
          .map(({ value }) => value)
          .sort((a, b) => a - b);
      const [all, some] = [threads(whole), threads(own)];
      expect(all).toContain(5);
      // the new thread reads files when it starts, then opens its five
      expect(some.length).toBeGreaterThan(0);
      expect(some.length).toBe(all.length - 2);
      await Promise.all([earlier.terminate(), later!.terminate()]);
    } finally {
      whole.close();
      own.close();
    }
  });

  it("stops what watches the whole system, and clocks too", async () => {
    const session = start(
      `${OPENS} interval:ms:1 { @ticks = count(); }
       tracepoint:syscalls:sys_enter_getppid { @mine[in_workload()] = count(); }`,
      { scope: "system", workload: "process" },
    );
    scopes.set(session, { scope: "process" });
    try {
      const other = spawn("/bin/sh", ["-c", "while read line; do : < /dev/null; done"]);
      openTimes(3);
      await sleep(20);
      expect(plainMaps(session).flatMap(({ entries }) => entries)).toEqual([]);
      await during(session, async () => {
        other.stdin!.write("a\nb\n");
        process.ppid;
        await sleep(50);
      });
      const maps = plainMaps(session);
      expect(rows(maps, "@opens").some(({ key, value }) => key[0] === other.pid && value === 2)).toBe(true);
      expect(rows(maps, "@ticks")[0]!.value).toBeGreaterThan(10);
      expect(rows(maps, "@mine")).toContainEqual({ key: [1], value: 1 });
      other.stdin!.end();
      await once(other, "exit");
    } finally {
      session.close();
    }
  });

  it("belongs to programs that were compiled with it", () => {
    const session = start(OPENS, { scope: "system" });
    expect(() => session.scopeSwitch).toThrow("not compiled with a scope that has a switch");
    session.close();
  });
});
