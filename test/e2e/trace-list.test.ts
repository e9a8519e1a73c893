/** `trace -l`: which probes there are, where, and with which arguments. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Finished, runCli } from "../support/cli.ts";
import { describeKernel } from "../support/privileges.ts";

const trace = (...args: string[]): Promise<Finished> => runCli(["trace", ...args]);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trace-list-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe("trace -l, without the kernel", () => {
  const main = `uprobe:${process.execPath}:main`;

  it.each([
    { what: "a pattern", args: ["software:*-switches"], out: "software:context-switches:\n" },
    { what: "several", args: ["s:cs,i:hz"], out: "software:cs:\ninterval:hz:\n" },
    { what: "a type that is left open", args: ["*ware:cs"], out: "software:cs:\n" },
    { what: "functions of a program", args: [main], out: `${main}\n` },
    {
      what: "the program of a script",
      args: ["-e", "BEGIN { } software:faults:10 { what_is_this }"],
      out: "software:faults:\n",
    },
    { what: "a script's parameter", args: ["-e", "software:$1:10 { }", "cs"], out: "software:cs:\n" },
    { what: "listed functions", args: ["--traceable-functions", "FILE", "k:*"], out: "kprobe:one\nkprobe:two\n" },
  ])("$what", async ({ args, out }) => {
    const list = file("functions", "two\none\none\n");
    const finished = await trace("-l", ...args.map((arg) => (arg === "FILE" ? list : arg)));
    expect(finished).toEqual({ status: 0, out, err: "" });
  });

  it("a file is a script, and what looks like one is said to be missing", async () => {
    const script = file("probes.bt", "interval:ms:100 { } profile:hz:99 { }");
    expect(await trace("-l", script)).toEqual({ status: 0, out: "interval:ms:\nprofile:hz:\n", err: "" });
    expect(await runCli(["trace", "-l", "-"], "software:cs:1 { }")).toMatchObject({ out: "software:cs:\n" });
    const missing = await trace("-l", "no-such-script.bt");
    expect(missing).toMatchObject({ status: 0, out: "" });
    expect(missing.err).toContain(
      "WARNING: It appears that 'no-such-script.bt' is a filename but the file does not exist. " +
        "Treating 'no-such-script.bt' as a search pattern.\n",
    );
  });

  it.each([
    { args: ["software:cz"], err: "WARNING: nothing matches 'software:cz'\n" },
    { args: ["what:ever"], err: "HINT: probe types: " },
    {
      args: ["uprobe:/nowhere:*"],
      err: "WARNING: uprobe target file '/nowhere' does not exist or is not executable\n",
    },
    { args: ["--no-warnings", "what:ever"], err: "" },
  ])("finds nothing, which is no failure: $args", async ({ args, err }) => {
    const finished = await trace("-l", ...args);
    expect(finished).toMatchObject({ status: 0, out: "" });
    expect(finished.err).toContain(err);
    if (err === "") expect(finished.err).toBe("");
  });

  it.each([
    { args: ["-e", "software:faults {"], err: /ERROR: this block is not closed/ },
    { args: ["-e", "softwear:faults { }"], err: /ERROR: Invalid probe type: softwear/ },
    {
      args: ["software:*", "hardware:*"],
      err: /ERROR: there is no file 'software:\*' to have parameters\nHINT: several patterns/,
    },
    { args: ["-p", "4194304"], err: /ERROR: there is no process 4194304/ },
    { args: ["-o", "/nowhere/list", "software:*"], err: /ERROR: failed to open output file '\/nowhere\/list'/ },
  ])("fails: $args", async ({ args, err }) => {
    const finished = await trace("-l", ...args);
    expect(finished).toMatchObject({ status: 2, out: "" });
    expect(finished.err).toMatch(err);
  });

  it("-o takes the list", async () => {
    const path = join(folder, "list");
    expect(await trace("-l", "-o", path, "interval:*")).toEqual({ status: 0, out: "", err: "" });
    expect(readFileSync(path, "utf8")).toBe("interval:hz:\ninterval:ms:\ninterval:s:\ninterval:us:\n");
  });

  it("ends quietly when nobody reads on, and not when the disk is full", () => {
    const list = file("many-functions", Array.from({ length: 200_000 }, (_, i) => `function_${i}\n`).join(""));
    const shell = (redirection: string): ReturnType<typeof spawnSync> =>
      spawnSync(
        "bash",
        [
          "-o",
          "pipefail",
          "-c",
          `"$0" bin/probewright.js trace -l --traceable-functions "$1" 'k:*' ${redirection}`,
          process.execPath,
          list,
        ],
        { encoding: "utf8" },
      );
    expect(shell("| head -n 1")).toMatchObject({ status: 0, stdout: "kprobe:function_0\n", stderr: "" });
    expect(shell("> /dev/full")).toMatchObject({
      status: 4,
      stderr: "ERROR: cannot write the output: No space left on device\n",
    });
  });

  it("the functions of a process: of its program, and of its libraries", async () => {
    const { pid } = process;
    const { out } = await trace("-l", "-p", String(pid), "u:*:main");
    expect(out.split("\n")).toContain(main);
  });
});

describeKernel("trace -l", () => {
  it.each([
    {
      args: ["tracepoint:raw_syscalls:*"],
      out: /^tracepoint:raw_syscalls:sys_enter\ntracepoint:raw_syscalls:sys_exit\n$/,
    },
    { args: ["*sched_switch"], out: /^rawtracepoint:vmlinux:sched_switch\ntracepoint:sched:sched_switch\n/m },
    {
      args: ["-v", "t:sched:sched_switch"],
      out: /^tracepoint:sched:sched_switch\n {4}char prev_comm\[16\]\n {4}pid_t prev_pid\n/,
    },
    { args: ["-v", "rt:sched_switch"], out: /\n {4}struct task_struct \* prev\n/ },
    { args: ["-v", "t:syscalls:sys_enter_openat"], out: /\n {4}const char \* filename\n/ },
    { args: ["-v", "struct task_struct"], out: /^vmlinux: struct task_struct \{\n.*\tpid_t tgid;\n/s },
    { args: ["struct task_struct,enum pid_type"], out: /^struct task_struct\nenum pid_type\n$/ },
    { args: ["-e", "t:xdp:mem_* { }"], out: /^tracepoint:xdp:mem_connect\ntracepoint:xdp:mem_disconnect\n$/ },
  ])("$args", async ({ args, out }) => {
    const finished = await trace("-l", ...args);
    expect(finished).toMatchObject({ status: 0, err: "" });
    expect(finished.out).toMatch(out);
  });

  it("all tracepoints are those of tracefs", async () => {
    const { out } = await trace("-l", "tracepoint:*");
    const events = readFileSync("/sys/kernel/tracing/available_events", "utf8").trim().split("\n");
    expect(out.trim().split("\n")).toEqual(events.map((name) => `tracepoint:${name}`).sort());
  });

  it("everything is listed once, and each type's own list is in it", async () => {
    const all = (await trace("-l")).out.trim().split("\n");
    expect(new Set(all).size).toBe(all.length);
    for (const type of ["rawtracepoint", "software", "hardware"]) {
      const { out } = await trace("-l", `${type}:*`);
      expect(all.filter((line) => line.startsWith(`${type}:`))).toEqual(out.trim().split("\n"));
    }
  });

  it("a program in a mount namespace of its own", async () => {
    const script =
      'mount -t tmpfs none /mnt && cp "$0" /mnt/program && exec /mnt/program -e "setInterval(() => {}, 1000); console.log(1)"';
    const child = spawn("unshare", ["--mount", "bash", "-c", script, process.execPath], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await new Promise((resolve) => child.stdout.once("data", resolve));
      const { out } = await trace("-l", "-p", String(child.pid), "u:*:main");
      expect(out).toContain(`uprobe:/proc/${child.pid}/root/mnt/program:main\n`);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
