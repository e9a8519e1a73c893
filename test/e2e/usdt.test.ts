/** A scenario about a program that marks places itself, and prepares what it passes only while somebody listens. */
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { describeKernel } from "../support/privileges.ts";
import { temporaryTree } from "../support/temporary.ts";
import { compileC, hasCompiler } from "../support/traced.ts";

const SERVER = `
#include "marks.h"
static volatile unsigned short listeners __asm__("listeners") __attribute__((used, section(".probes")));
static void serve(int request) {
  if (listeners) MARK("server", "request", "listeners", "-4@%0", "r"(request));
}
int main(void) {
  for (int i = 1; i <= 10; i++) serve(i);
  if (listeners) MARK("server", "done", "listeners", "-4@$10");
  return 0;
}
`;

const SCENARIO = `version: 1
name: requests
workload: { command: [./server] }
runs: { warmup: 0, count: 2, control: 0 }
probes:
  - bpftrace: |
      usdt:./server:server:request { @requests = count(); @work = sum(arg0); }
      usdt:./server:* { @by_place[probe, arg0 >= 10] = count(); }
metrics:
  requests: "@requests"
  work: "@work"
  places: len(@by_place)
assert: [requests == 10, work == 55, places == 3]
`;

describeKernel("a scenario with USDT probes", () => {
  describe.runIf(hasCompiler && process.arch === "x64")("of a compiled program", () => {
    const project = (scenario: string): string => {
      const folder = temporaryTree({ "package.json": "{}", "test.yml": scenario });
      compileC(folder, "server", SERVER, `-I${resolve(import.meta.dirname, "../support")}`);
      return folder;
    };

    it("counts what the workload does, run by run", async () => {
      const { status, out, err } = await runCli(["run", "test.yml"], "", { cwd: project(SCENARIO) });
      expect({ status, err }).toEqual({ status: 0, err: "" });
      for (const line of ["requests == 10: 10", "work == 55: 55", "places == 3: 3"])
        expect(out).toContain(`✓ ${line}\n`);
    });

    it("says in the scenario's file what is wrong with a probe, and runs nothing", async () => {
      const folder = project(SCENARIO.replace("arg0", "arg7").replace("server:request", "server:reqest"));
      const { status, err } = await runCli(["run", "test.yml"], "", { cwd: folder });
      expect(status).toBe(2);
      expect(err).toContain("error[no-such-probe]: No matches for usdt ./server:server:reqest.\n  test.yml:7:7");
      expect(err).toContain("help: did you mean `./server:server:request`?");
    });

    it("is refused where the probe has no such argument", async () => {
      const folder = project(SCENARIO.replace("sum(arg0)", "sum(arg7)"));
      const { status, err } = await runCli(["run", "test.yml"], "", { cwd: folder });
      expect(status).toBe(2);
      expect(err).toContain("error[argument-index]: usdt:./server:server:request has 1 argument, no `arg7`\n");
    });
  });
});
