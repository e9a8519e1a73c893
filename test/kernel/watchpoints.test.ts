/** Watchpoints: each access by each thread of the process is seen, and none by another process. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { breakpointsFire } from "../../native/index.ts";
import { describeKernel } from "../support/privileges.ts";
import { compileC, hasCompiler, type TraceOptions, trace } from "../support/traced.ts";

/**
 * The variable has a value from the start: of others, the kernel's zeros are a write as well. One thread that is there from the
 * start, another one that comes later: 20 writes and 20 reads by each, and 20 calls.
 */
const PROGRAM = `
#include <pthread.h>
#include <unistd.h>
volatile unsigned long watched[2] = {1, 1};
__attribute__((noinline)) void called(void) { __asm__ volatile("nop"); }
static void *work(void *unused) {
  for (int i = 0; i < 20; i++) {
    watched[0] = i;
    (void)watched[0];
    watched[1] = i;
    called();
  }
  return unused;
}
int main(void) {
  pthread_t thread;
  work(0);
  usleep(1000);
  pthread_create(&thread, 0, work, 0);
  pthread_join(thread, 0);
  return 0;
}
`;

const facts = hostFacts();

describeKernel("watchpoints", () => {
  let folder: string;
  let program: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pw-watch-"));
    if (hasCompiler) program = compileC(folder, "watched", PROGRAM, "-no-pie", "-pthread");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const address = (symbol: string): number => facts.elfSymbols(program)!.symbol(symbol)!.address;
  const code = (): number => facts.elfSymbols(program)!.functions("called")[0]!.address;

  async function run(script: string, options: TraceOptions = {}): Promise<string> {
    const { output, health } = await trace(script, [program], options);
    expect(health).toMatchObject({ lostEvents: 0, missedRuns: [] });
    return output.trim();
  }

  it.runIf(hasCompiler && breakpointsFire() === false)(
    "say that the processor does not announce anything",
    async () => {
      const attempt = run(`watchpoint:${address("watched")}:8:w { @ = count(); }`);
      await expect(attempt).rejects.toThrow(/^Unable to attach probe: watchpoint:\d+:8:w: the processor does not say/);
    },
  );

  describe.runIf(hasCompiler && breakpointsFire() === true)("where the processor has them", () => {
    it.each([
      ["w", 40],
      ["rw", 80],
    ])("%s", async (mode, hits) => {
      expect(await run(`watchpoint:${address("watched")}:8:${mode} { @ = count(); }`)).toBe(`@: ${hits}`);
    });

    it("x, with a stack, registers and ids", async () => {
      const script = `w:${code()}:8:x { @[reg("ip") == ${code()}, pid == cpid, ustack(1)] = count(); }`;
      expect(await run(script)).toMatch(/^@\[true, true, \n\s+called\+0\n\]: 40$/);
    });

    it("leave other processes out that have the same address", async () => {
      const other = spawn("/bin/sh", ["-c", `while true; do ${program}; done`]);
      try {
        expect(await run(`w:${address("watched")}:8:w { @[pid == cpid] = count(); }`)).toBe("@[true]: 40");
      } finally {
        other.kill("SIGKILL");
      }
    });

    it("on the kernel's addresses need no process", async () => {
      const script = `w:0x${facts.kernelSymbol("jiffies")!.toString(16)}:8:w { @ = count(); }`;
      expect(await run(script, { oneProcess: false, everywhere: true })).toMatch(/^@: \d+$/);
    });

    it("are four at a time", async () => {
      const script = [0, 1, 2, 3, 4].map((i) => `w:${address("watched") + i}:1:w { @ = count(); }`).join(" ");
      await expect(run(script)).rejects.toThrow(/^Unable to attach probe: watchpoint:\d+:1:w: cannot watch address 0x/);
      await expect(run(script)).rejects.toMatchObject({ cause: { help: expect.stringContaining("four addresses") } });
    });
  });
});
