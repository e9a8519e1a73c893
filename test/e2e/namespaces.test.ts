/** Tracing in containers and out of them: PID namespaces of the tracer's own, mount namespaces of what is traced. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { describeKernel } from "../support/privileges.ts";
import { compileC, hasCompiler } from "../support/traced.ts";

const BIN = join(import.meta.dirname, "../../bin/probewright.js");
const PROGRAM = `
#include <unistd.h>
__attribute__((noinline)) void inner(void) { usleep(1000); }
int main(void) { for (;;) inner(); }
`;

/** A shell line in namespaces of its own; `$TRACE` is the command. */
function inside(line: string, ...namespaces: string[]): string {
  const env = { ...process.env, TRACE: `${process.execPath} ${BIN} trace -q` };
  const options = { env, encoding: "utf8", timeout: 60_000 } as const;
  const { stdout, stderr } = spawnSync("unshare", ["--fork", "--kill-child", ...namespaces, "sh", "-c", line], options);
  expect(stderr).toBe("");
  return stdout.trim();
}

describeKernel("namespaces", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pw-ns-"));
    if (hasCompiler) compileC(folder, "spin", PROGRAM);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const IN_PIDS = ["--pid", "--mount-proc"];

  it("processes have the numbers of the tracer's own namespace, and those of the first on request", () => {
    const script = "begin { print((pid, pid(curr_ns), pid(init) > 1, tid == pid)); }";
    expect(inside(`exec $TRACE -e '${script}'`, ...IN_PIDS)).toBe("(1, 1, true, true)");
  });

  it.runIf(hasCompiler)("-p, -c and stacks go by these numbers", () => {
    const script = `tracepoint:syscalls:sys_enter_clock_nanosleep { print((pid, comm)); print(ustack(8)); exit(); }`;
    const byPid = inside(`${folder}/spin & $TRACE -p $! -e '${script}'; kill $!`, ...IN_PIDS);
    expect(byPid).toMatch(/^\(2, spin\)\n.*\bmain\+\d+\n/s);
    const byCommand = inside(
      `$TRACE -c ${folder}/spin -e 'tracepoint:syscalls:sys_enter_clock_nanosleep /pid == cpid/ { print(comm); exit(); }'`,
      ...IN_PIDS,
    );
    expect(byCommand).toBe("spin");
  });

  it("the processes of a workload are counted where no cgroup can tell them", () => {
    const file = join(folder, "scenario.yml");
    const script = "tracepoint:syscalls:sys_enter_openat { @[comm] = count(); }";
    const probes = `[{ bpftrace: '${script}' }]`;
    const assertion = `'@["cat"] > 2'`;
    const head = "version: 1\nname: opens\nworkload: { shell: 'cat /etc/hostname; true' }\nruns: { count: 1 }\n";
    writeFileSync(file, `${head}probes: ${probes}\nassert: [${assertion}]\n`);
    expect(inside(`${process.execPath} ${BIN} run ${file}`, ...IN_PIDS, "--cgroup")).toMatch(/^✓ opens /);
  });

  it.runIf(hasCompiler)("files of a process in a mount namespace are found where it sees them", async () => {
    const setup = `mount -t tmpfs none ${folder} && cp /proc/self/fd/9 ${folder}/hidden && chmod +x ${folder}/hidden && exec ${folder}/hidden`;
    const child = spawn("unshare", ["--mount", "sh", "-c", `exec 9<${folder}/spin; ${setup}`], { stdio: "inherit" });
    const comm = (): string => readFileSync(`/proc/${child.pid}/comm`, "utf8").trim();
    try {
      while (comm() !== "hidden") await new Promise((resolve) => setTimeout(resolve, 10));
      const script = `uprobe:${folder}/hidden:inner { print(ustack(2)); exit(); }`;
      const { out, err } = await runCli(["trace", "-q", "-p", String(child.pid), "-e", script]);
      expect(err).toBe("");
      expect(out).toMatch(/\binner\+0\n\s+main\+\d+\n/);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
