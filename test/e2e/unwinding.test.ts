/** dw_ustack on the command line: whose stacks are unwound, and how that is said. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Cli, runCli } from "../support/cli.ts";
import { describeKernel } from "../support/privileges.ts";
import { compileC } from "../support/traced.ts";

const PROGRAM = `
#include <stdio.h>
#include <unistd.h>
#define KEEP __attribute__((noinline, noclone))
KEEP int leaf(int n) { __asm__ volatile("" : : : "memory"); return n + 1; }
KEEP int inner(int n) { int m = leaf(n) * n; __asm__ volatile("" : : : "memory"); return m; }
int main(int count, char **args) {
  if (count > 1) {
    // Later on it must be known what was executed.
    for (int i = 0; args[1][0] == 'o' && args[1][1] == 'f' && i < 50; i++) { usleep(10000); inner(i); }
    return inner(count) == 0;
  }
  puts("ready");
  fflush(stdout);
  while (getchar() != EOF) inner(2);
  return 0;
}
`;

const QUIET = "config = { unstable_dw_ustack = enable }";
const STACK = /^\s*leaf\+0\n\s*inner\+\d+\n\s*main\+\d+\n(.*\n)*?\s*_start\+\d+\n/m;

const describeUnwound = process.arch === "x64" ? describeKernel : describe.skip;

describeUnwound("trace with dw_ustack", () => {
  let folder: string;
  let program: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "trace-"));
    program = compileC(folder, "program", PROGRAM, "-O2", "-fomit-frame-pointer");
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const script = (more = ""): string =>
    `${QUIET} uprobe:${program}:leaf { printf("%d %s\\n", pid, dw_ustack); ${more} }`;

  async function waiting(): Promise<ChildProcess> {
    const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    await once(child.stdout!, "data");
    return child;
  }

  it.each([
    ["nobody", [], "ERROR: dw_ustack requires a target process. Use -p, -c, or --dwarf-pid to specify one.\n"],
    ["a process that is not there", ["--dwarf-pid", "4194304"], "ERROR: there is no process 4194304\n"],
    ["a command that is not there", ["-c", "/nowhere/command"], "/nowhere/command"],
  ])("of %s is refused, and nothing is attached", async (_, options, err) => {
    const finished = await runCli(["trace", ...options, "-e", `${script()} BEGIN { printf("begun") }`]);
    expect(finished.status).toBe(2);
    expect(finished.err).toContain(err);
    if (options[0] !== "-c") expect(finished.out).toBe("");
  });

  it.each([
    ["a command", () => [`${program} once`]],
    ["a script that executes it", () => [executable("#!/bin/sh", `exec ${program} often`)]],
  ])("of %s", async (_, command) => {
    const finished = await runCli(["trace", "-c", ...command(), "-e", script()]);
    expect(finished.status).toBe(0);
    expect(finished.out.replace(/^.*?\d+ /s, "")).toMatch(STACK);
  });

  it("of processes that run already, and of no others", async () => {
    const [one, two, other] = [await waiting(), await waiting(), await waiting()];
    const cli = new Cli([
      "trace",
      "-p",
      String(one.pid),
      "--dwarf-pid",
      String(two.pid),
      "-e",
      script("@n++; if (@n == 1) { exit() }"),
    ]);
    await cli.saw("Attached 1 probe");
    one.stdin!.write("x");
    expect((await cli.finished).out).toMatch(STACK);

    const both = new Cli(["trace", ...[one, two].flatMap(({ pid }) => ["--dwarf-pid", String(pid)]), "-e", script()]);
    await both.saw("Attached 1 probe");
    for (const { stdin } of [one, other, two]) stdin!.write("x");
    for (const { pid } of [one, two]) await both.saw(`${pid} `);
    both.process.kill("SIGINT");
    const { out, err } = await both.finished;
    const stackOf = ({ pid }: ChildProcess): string => out.slice(out.indexOf(`${pid} `)).split(/^\d/m)[1]!;
    for (const child of [one, two]) expect(stackOf(child)).toMatch(STACK);
    expect(stackOf(other)).not.toMatch(STACK);
    expect(err).toContain("No DWARF unwind data available for this process");
  });

  function executable(...lines: string[]): string {
    const path = join(folder, "script");
    writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o755 });
    return path;
  }
});
