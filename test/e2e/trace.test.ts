import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { getNextId, type ObjectKind } from "../../native/index.ts";
import { Cli, type Finished, runAsNobody, runCli } from "../support/cli.ts";
import { describeKernel } from "../support/privileges.ts";

const trace = (...args: string[]): Promise<Finished> => runCli(["trace", ...args]);
const HELLO = 'BEGIN { printf("hello\\n"); exit(); }';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trace-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // a zombie is not alive, though it can be signalled
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("trace, without the kernel", () => {
  it.each([
    { args: ["-V"], out: /^bpftrace v\d+\.\d+ compatible: probewright \d+\.\d+\.\d+\n$/ },
    { args: ["--help"], out: /^probewright trace - runs a bpftrace program\n.*--dry-run/s },
    { args: ["--fmt", "-e", "BEGIN{exit();}"], out: /^BEGIN \{\n +exit\(\);\n\}\n$/ },
    { args: ["--emit", "ast", "-e", "BEGIN { exit(); }"], out: /^\{\n.*"exit"/s },
    { args: ["--emit", "tokens", "-e", "BEGIN { exit(); }"], out: /^1:1 +attach-point +BEGIN\n1:7 +\{ +\{\n/ },
    { args: ["--emit", "types", "-e", "BEGIN { @ = 1; }"], out: /^@: int8\nbegin\n/ },
    { args: ["--emit", "ir-opt", "-e", "BEGIN { @ = 1; }"], out: /^program begin .*\n\nfn begin\(v0\)\nb0:\n/ },
    { args: ["--emit", "bytes", "-e", "BEGIN { @ = 1; }"], out: /^begin: ([0-9a-f]{16})+\n$/ },
    { args: ["--emit", "ir,asm", "-e", "BEGIN { exit(); }"], out: /^\/\/ ir\n.*\n\/\/ asm\n.*exit/s },
  ])("$args", async ({ args, out }) => {
    const finished = await trace(...args);
    expect(finished.out).toMatch(out);
    expect(finished).toMatchObject({ status: 0, err: "" });
  });

  it.each([
    { what: "no script", args: [], err: "ERROR: a script is needed\nHINT: -e 'PROGRAM', a file name, or" },
    {
      what: "a missing file",
      args: ["/nowhere/x.bt"],
      err: "ERROR: failed to open file '/nowhere/x.bt': No such file or directory\n",
    },
    {
      what: "a missing list of functions",
      args: ["--traceable-functions", "/nowhere", "-e", HELLO],
      err: "ERROR: --traceable-functions: cannot read '/nowhere': No such file or directory\n",
    },
    {
      what: "a folder in place of a list of functions",
      args: ["--traceable-functions=/", "-e", HELLO],
      err: "ERROR: --traceable-functions: '/' is a directory\n",
    },
    { what: "an unknown option", args: ["--unsave", "-e", "x"], err: "HINT: did you mean --unsafe?\n" },
    { what: "an unknown option, with the usage", args: ["-Z", "-e", "x"], err: "\nUSAGE:\n" },
    {
      what: "an option for what is not to be had",
      args: ["--aot", "x", "-e", "x"],
      err: "ERROR: there is no --aot here\n",
    },
    {
      what: "a syntax error",
      args: ["-e", "BEGIN { @ = }"],
      err: "stdin:1:13-14: ERROR: expected an expression",
    },
    {
      what: "an unknown name",
      args: ["-e", "BEGIN { @ = pids }"],
      err: "BEGIN { @ = pids }\n            ~~~~\nHINT: did you mean `pid`?\n",
    },
    { what: "a process that is not there", args: ["-p", "4194304", "-e", HELLO], err: "there is no process 4194304" },
    { what: "a command that is not there", args: ["-c", "no-such-command", "-e", HELLO], err: "no-such-command" },
  ])("refuses $what with status 2", async ({ args, err }) => {
    const finished = await trace(...args);
    expect(finished).toMatchObject({ status: 2, out: "", err: expect.stringContaining(err) });
  });

  const LIMIT = 'BEGIN { print((getopt("limit", 10, "how many"), getopt("all"))); exit(); }';

  it.each([
    { script: LIMIT, asked: ["--help"], err: "HINT: expected program options:\n--limit: how many\n--all\n" },
    { script: LIMIT, asked: ["--limit=20", "--help"], err: /^HINT: expected program options:\n/ },
    { script: HELLO, asked: ["--help"], err: "HINT: the script has no named parameters\n" },
    { script: LIMIT, asked: ["--help", "--most"], status: 2, err: /^ERROR: unexpected .* --most\nHINT: .*\n--limit:/ },
    { script: "BEGIN { pids }", asked: ["--help"], status: 2, err: /ERROR: Unknown identifier: 'pids'/ },
  ])("$script -- $asked", async ({ script, asked, status = 1, err }) => {
    const finished = await trace("-e", script, "--", ...asked);
    expect(finished).toMatchObject({ status, out: "" });
    if (typeof err === "string") expect(finished.err).toBe(err);
    else expect(finished.err).toMatch(err);
  });

  it("warns of a BPFTRACE_COLOR that says nothing", async () => {
    const { PATH } = process.env;
    const { err } = await runCli(["trace", "-e", "BEGIN {"], "", { env: { PATH, BPFTRACE_COLOR: "red" } });
    expect(err).toMatch(/^WARNING: BPFTRACE_COLOR: expecting auto, always, never, got red\n/);
  });

  it.each([
    { env: { FORCE_COLOR: "1" }, coloured: true },
    { env: { NO_COLOR: "1" }, coloured: false },
    { env: {}, coloured: false },
  ])("colours diagnostics off a terminal: $env", async ({ env, coloured }) => {
    const { PATH } = process.env;
    const { err } = await runCli(["trace", "-e", "BEGIN {"], "", { env: { PATH, ...env } });
    expect(err.includes("\x1b[")).toBe(coloured);
  });
});

/** Until the process, which has filled a pipe, gets no further with its writing. */
async function stuck(pid: number): Promise<void> {
  const written = (): number => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))![1]);
  let before: number;
  let now = 0;
  do {
    await new Promise((resolve) => setTimeout(resolve, 200));
    [before, now] = [now, written()];
  } while (now < PIPE_BYTES || now !== before);
}

const PIPE_BYTES = 65_536;

describeKernel("trace", () => {
  // What the tool leaves in the kernel

  const KINDS: readonly ObjectKind[] = ["prog", "map", "link"];

  /** The BPF objects that a process holds, such as `prog 12`. */
  function objectsOf(pid: number): string[] {
    return readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
      const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8");
      return KINDS.flatMap((kind) => {
        const id = new RegExp(`^${kind}_id:\\s+(\\d+)$`, "m").exec(info)?.[1];
        return id === undefined ? [] : [`${kind} ${id}`];
      });
    });
  }

  function allObjects(): string[] {
    return KINDS.flatMap((kind) => {
      const all: string[] = [];
      for (let id = getNextId(kind, 0); id !== null; id = getNextId(kind, id)) all.push(`${kind} ${id}`);
      return all;
    });
  }

  /** The kernel frees in the background. */
  async function remaining(objects: readonly string[]): Promise<string[]> {
    for (let i = 0; ; i++) {
      const all = new Set(allObjects());
      const left = objects.filter((object) => all.has(object));
      if (left.length === 0 || i === 40) return left;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Processes with the text in their command line. */
  function processesWith(text: string): string[] {
    return readdirSync("/proc").filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(text);
      } catch {
        return false; // it has ended meanwhile
      }
    });
  }

  const running: Cli[] = [];
  function start(...args: string[]): Cli {
    const cli = new Cli(["trace", ...args]);
    running.push(cli);
    return cli;
  }
  afterEach(async () => {
    for (const { process: child, finished } of running.splice(0)) {
      child.kill("SIGKILL");
      await finished;
    }
  });

  // Scripts and their parameters

  it("runs a script and answers 0", async () => {
    expect(await trace("-e", HELLO)).toEqual({ status: 0, out: "hello\n\n\n", err: "Attached 1 probe\n" });
  });

  it("answers what the script gives to exit()", async () => {
    expect(await trace("-q", "-e", "BEGIN { exit(7); }")).toMatchObject({ status: 7, err: "" });
  });

  it("reads a script from a file with a shebang, and from standard input", async () => {
    const path = file("hello.bt", `#!/usr/bin/env -S probewright trace\n${HELLO}\n`);
    expect(await trace(path)).toMatchObject({ status: 0, out: "hello\n\n\n" });
    expect(await runCli(["trace", "-"], HELLO)).toMatchObject({ status: 0, out: "hello\n\n\n" });
  });

  it("hands positional parameters on", async () => {
    const script = 'BEGIN { printf("%d %s\\n", $1, str($2)); exit(); }';
    expect(await trace("-q", "-e", script, "42", "two words")).toMatchObject({ status: 0, out: "42 two words\n\n\n" });
  });

  it("takes settings from the environment", async () => {
    const env = { PATH: process.env.PATH, BPFTRACE_PRINT_MAPS_ON_EXIT: "0" };
    expect((await runCli(["trace", "-q", "-e", "BEGIN { @ = 1; exit(); }"], "", { env })).out).toBe("\n\n");
  });

  it("prints maps and aggregates at the end, in text and in JSON", async () => {
    const script = "BEGIN { @a[1] = 2; @b = count(); exit(); }";
    expect((await trace("-e", script)).out).toBe("\n\n@a[1]: 2\n@b: 1\n");
    expect((await trace("-f", "json", "-e", script)).out).toBe(
      [
        '{"type": "attached_probes", "count": 1, "data": {"probes": 1}}',
        '{"type": "map", "data": {"@a": {"1": 2}}}',
        '{"type": "map", "data": {"@b": 1}}',
        "",
      ].join("\n"),
    );
  });

  it("needs no exit() where there are only begin and end", async () => {
    const script = 'BEGIN { printf("b\\n"); } END { printf("e\\n"); }';
    expect(await trace("-e", script)).toEqual({ status: 0, out: "b\ne\n\n\n", err: "Attached 2 probes\n" });
  });

  it("ends when iterators are done that nothing else waits beside, and gives them their end after exit()", async () => {
    const { out, status } = await trace("-q", "-e", "iter:task { @[ctx.task.comm] = count(); print(comm); exit(3); }");
    expect(status).toBe(3);
    expect(out).toContain("@[bpftrace]: ");
    expect(out.match(/^bpftrace$/gm)!.length).toBeGreaterThan(1);
  });

  it("runs no iterator after exit() in begin", async () => {
    expect((await trace("-q", "-e", "begin { exit(); } iter:task { @ = count(); }")).out.trim()).toBe("");
  });

  it("ends with exit(), and not when all is detached", async () => {
    const { out } = await trace("-e", "interval:us:50 { @++; if (@ == 3) { exit(); } }");
    expect(out).toBe("\n\n@: 3\n");
  });

  it.each([
    ["set", "@a[1] = 5", "5"],
    ["added to", "@a[1]++", "1"],
    ["counted", "@a[1] = count()", "1"],
    ["a thread's", "@a[tid] = 5; delete(@a, tid); @a[1] = 5", "5"],
  ])("a map begins anew when it was cleared: %s", async (_, change, value) => {
    const script = `begin { ${change}; ${change}; clear(@a); } interval:ms:300 { ${change}; exit(); }`;
    const { out } = await trace("-q", "-e", script);
    expect(out.trim()).toBe(`@a[1]: ${value}`);
  });

  it("takes many new keys from a program that runs with interrupts off", async () => {
    const loop = "for ($i : 0..2000) { @a[$i] = count(); @b[$i] = 1; @c[$i] = tseries($i, 1h, 3); }";
    const script = `interval:ms:1 { ${loop} print(len(@a) + len(@b) + len(@c)); clear(@a); clear(@b); clear(@c); exit(); }`;
    expect(await trace("-q", "-e", script)).toMatchObject({ out: "6000\n\n\n", err: "" });
  });

  it("tells at the end what maps lack: where there was no room, and where the kernel had no memory", async () => {
    const full = await trace("-q", "-e", "config = { max_map_keys = 1 } begin { @[1] = 1; @[2] = 1; }");
    expect(full.err).toMatch(/^WARNING: Map full; can't update element. @ lost 1 update; give it more room/);
    const loop = "for ($i : 0..500) { @[$i] = ($i, (int64)1); }";
    const { err } = await trace("-q", "-e", `config = { max_map_keys = 3000000 } interval:ms:1 { ${loop} exit(); }`);
    expect(err).toMatch(/^WARNING: \d+ entries of maps were lost: the kernel had no memory for them at that moment; /);
  });

  it("tells of mistakes while the script runs, and with -k of what could not be read", async () => {
    const script = "begin { $z = 0; print(7 / $z); @[1] = 1; print(@[2]); print(*uptr((int32 *)5)); clear(@); }";
    const warning = (where: string, text: string) => `stdin:1:${where}: WARNING: ${text}`;
    const division = warning("23-29", "Divide or modulo by 0 detected. This can lead to unexpected results.");
    const plain = await trace("-q", "-e", script);
    expect(plain).toMatchObject({ out: "1\n0\n0\n\n\n", err: expect.stringContaining(division) });
    expect(plain.err).not.toContain("helper");
    const { err } = await trace("-q", "-k", "-e", script);
    expect(err).toContain(warning("48-52", "Can't lookup map element because it does not exist."));
    expect(err).toContain("Additional Info - helper: map_lookup_elem, retcode: 0\n");
    expect(err).toContain("WARNING: Bad address\nAdditional Info - helper: probe_read_user, retcode: -14\n");
    expect((await trace("-q", "--no-warnings", "-e", script)).err).toBe("");
  });

  it("verifies but attaches nothing in a dry run", async () => {
    expect(await trace("--dry-run", "-e", HELLO)).toEqual({ status: 0, out: "", err: "" });
  });

  it("says what the verifier found with -v, and that its log found no room", async () => {
    const script = "BEGIN { exit(); }";
    expect((await trace("-v", "-e", script)).err).toMatch(/^begin \(begin\): .*processed \d+ insns/);
    const { PATH } = process.env;
    const small = await runCli(["trace", "-v", "-e", script], "", { env: { PATH, BPFTRACE_LOG_SIZE: "2" } });
    expect(small).toMatchObject({
      status: 2,
      err: expect.stringMatching(/^WARNING: Kernel log seems to be trimmed: 2 /),
    });
    expect(small.err).toContain(
      "ERROR: Error loading BPF program for begin_1. Error code: -28 (No space left on device).",
    );
  });

  it("goes by bpftrace's name, by which scripts leave out their tracer", async () => {
    expect((await trace("-e", "BEGIN { print(comm); }")).out).toBe("bpftrace\n\n\n");
  });

  it("runs only the probes that the filter takes, and begin and end", async () => {
    const script =
      'BEGIN { printf("b\\n"); } interval:ms:1 { printf("no\\n"); } interval:ms:20 { exit(); } END { printf("e\\n"); }';
    const finished = await trace("--probe-filter", ":20$", "-e", script);
    expect(finished).toEqual({ status: 0, out: "b\ne\n\n\n", err: "Attached 3 probes\n" });
  });

  it("says when nothing is left to attach", async () => {
    const finished = await trace("--probe-filter", "nothing", "-e", "interval:ms:1 { exit(); }");
    expect(finished).toEqual({ status: 2, out: "", err: "No probes to attach\n" });
  });

  it("prints what the kernel offers", async () => {
    const { out } = await trace("--info");
    expect(out).toMatch(/^ {2}btf: yes$/m);
    expect(out).toMatch(/^ {2}loop: (yes|no)$/m);
  });

  it("counts every matched probe, though one program serves them all", async () => {
    const script = "tracepoint:syscalls:sys_enter_* { @ = count(); } interval:ms:20 { exit(); }";
    const { err, status } = await trace("-e", script);
    expect(status).toBe(0);
    expect(Number(/^Attached (\d+) probes$/m.exec(err)?.[1])).toBeGreaterThan(300);
  });

  // Commands and processes

  it("traces a command from its first instruction, and knows its process id", async () => {
    const script = "tracepoint:syscalls:sys_enter_execve /pid == cpid/ { @execs = count(); }";
    const { out, err, status } = await trace("-e", script, "-c", "/bin/echo from the command");
    expect(out).toBe("from the command\n\n\n@execs: 1\n");
    expect(err).toBe("Attached 1 probe\n");
    expect(status).toBe(0);
  });

  it("does not make the command's status its own", async () => {
    expect(await trace("-v", "-e", "END { }", "-c", "false")).toMatchObject({
      status: 0,
      err: expect.stringContaining("the command exited with status 1"),
    });
  });

  it("refuses a command that cannot be executed", async () => {
    const path = file("not-executable", "");
    expect(await trace("-e", HELLO, "-c", path)).toMatchObject({ status: 2, err: expect.stringContaining("EACCES") });
  });

  it("ends the command when the script ends first", async () => {
    const script = 'tracepoint:syscalls:sys_enter_execve /pid == cpid/ { printf("pid %d\\n", pid); exit(); }';
    const { out, status } = await trace("-e", script, "-c", "sleep 100");
    expect(status).toBe(0);
    expect(alive(Number(/pid (\d+)/.exec(out)?.[1]))).toBe(false);
  });

  it("kills a command that does not want to end", async () => {
    const path = file("stubborn", "trap '' TERM\necho $$ ready\nwhile :; do sleep 0.05; done\n");
    const cli = start("-e", "interval:s:100 { }", "-c", `sh ${path}`);
    await cli.saw("ready");
    cli.process.kill("SIGINT");
    expect((await cli.finished).status).toBe(0);
    expect(alive(Number(/(\d+) ready/.exec(cli.out)?.[1]))).toBe(false);
  });

  it("ends with the process of -p", async () => {
    const other = spawn("sh", ["-c", "read x; exit"], { stdio: ["pipe", "ignore", "ignore"] });
    const cli = start("-p", String(other.pid), "-e", 'END { printf("over\\n"); }');
    await cli.saw("Attached 1 probe");
    other.stdin?.end("\n");
    expect(await cli.finished).toMatchObject({ status: 0, out: "over\n\n\n" });
  });

  // Where the output goes

  it("writes the output into a file, and leaves standard output to the command", async () => {
    const path = join(folder, "output");
    const finished = await trace("-o", path, "-e", 'END { printf("traced\\n"); }', "-c", "echo direct");
    expect(finished).toMatchObject({ status: 0, out: "direct\n" });
    expect(readFileSync(path, "utf8")).toBe("traced\n\n\n");
  });

  it.each([
    {
      what: "a file that cannot be made",
      path: "/nowhere/out",
      status: 2,
      err: "ERROR: failed to open output file '/nowhere/out': No such file or directory\n",
    },
    { what: "a full disk", path: "/dev/full", status: 4, err: "cannot write the output: ENOSPC" },
  ])("reports $what", async ({ path, status, err }) => {
    expect(await trace("-o", path, "-e", HELLO)).toMatchObject({ status, err: expect.stringContaining(err) });
  });

  const packets = (path: string): string[] => [
    "-e",
    `rawtracepoint:netif_receive_skb { _ = skboutput("${path}", args.skb, args.skb.len, 0); }`,
  ];
  /** A command that sends a packet to nobody. */
  const send = (): string =>
    `bash ${file("send.sh", "dd if=/dev/zero bs=9000 count=1 status=none > /dev/udp/127.0.0.1/9\n")}`;

  it("writes packets into a file", async () => {
    const path = join(folder, "sent.pcap");
    expect(await trace(...packets(path), "-c", send())).toMatchObject({ status: 0, err: "Attached 1 probe\n" });
    expect(statSync(path).size).toBeGreaterThan(9000);
  });

  it("makes that file the property of the user who called sudo", async () => {
    const path = join(folder, "user.pcap");
    const env = { PATH: process.env.PATH, SUDO_UID: "65534", SUDO_GID: "65534", SUDO_USER: "nobody" };
    expect(await runCli(["trace", ...packets(path), "-c", "true"], "", { env })).toMatchObject({ status: 0 });
    expect(statSync(path)).toMatchObject({ uid: 65_534, gid: 65_534 });
  });

  it("tells of packets that found no room", async () => {
    const env = { ...process.env, BPFTRACE_PERF_RB_PAGES: "1" };
    const { status, err } = await runCli(["trace", ...packets(join(folder, "few.pcap")), "-c", send()], "", { env });
    expect(err).toMatch(
      /WARNING: \d+ packets? (was|were) lost: they come faster than can be written; give them more room/,
    );
    expect(status).toBe(0);
  });

  it("says which file for packets cannot be written", async () => {
    const err = "ERROR: cannot write packets to '/nowhere/a.pcap': No such file or directory\n";
    expect(await trace(...packets("/nowhere/a.pcap"))).toMatchObject({ status: 2, out: "", err });
  });

  it("ends quietly when its reader has seen enough", async () => {
    const cli = start("-e", 'interval:ms:5 { printf("tick\\n"); }');
    await cli.saw("tick");
    cli.process.stdout?.destroy();
    expect(await cli.finished).toMatchObject({ status: 0, err: "Attached 1 probe\n" });
  });

  it("says when all is attached, to a test that asks for it", async () => {
    const env = { PATH: process.env.PATH, __BPFTRACE_NOTIFY_PROBES_ATTACHED: "1" };
    const { out } = await runCli(["trace", "-q", "-e", HELLO], "", { env });
    expect(out).toBe("__BPFTRACE_NOTIFY_PROBES_ATTACHED\nhello\n\n\n");
  });

  it("reports events that were lost because the reader does not read", async () => {
    const cli = start("-e", 'interval:us:50 { unroll(50) { printf("%s %s\\n", str($1), str($1)); } }', "x".repeat(60));
    cli.process.stdout?.pause();
    await cli.saw("Lost ");
    expect(cli.err).toMatch(/^Lost [1-9]\d* events$/m);
  });

  // Signals

  it.each(["SIGINT", "SIGTERM"] as const)("%s ends the trace in order", async (signal) => {
    const script = 'interval:ms:5 { @ = count(); } END { printf("end\\n"); }';
    const cli = start("-e", script);
    await cli.saw("Attached 2 probes");
    await new Promise((resolve) => setTimeout(resolve, 100));
    cli.process.kill(signal);
    const { out, status } = await cli.finished;
    expect(out).toMatch(/^end\n\n\n@: [1-9]\d*\n$/);
    expect(status).toBe(0);
  });

  it("hears Ctrl-C in a flood of events, its own among them", async () => {
    const cli = start(
      "-e",
      'tracepoint:raw_syscalls:sys_enter { printf("%d %s\\n", pid, comm); } END { printf("over\\n"); }',
    );
    await cli.saw("\n");
    await new Promise((resolve) => setTimeout(resolve, 200));
    cli.process.kill("SIGINT");
    const { status, out } = await cli.finished;
    expect(status).toBe(0);
    expect(out.endsWith("over\n\n\n")).toBe(true);
  }, 20_000);

  it("hears Ctrl-C although its reader does not read, and the second one kills", async () => {
    const cli = new Cli(["trace", "-e", 'interval:us:50 { printf("%s\\n", str($1)); }', "x".repeat(60)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.push(cli);
    cli.process.stdout?.pause();
    await cli.saw("Attached 1 probe");
    await stuck(cli.process.pid!);
    cli.process.kill("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(cli.process.exitCode).toBe(null);
    cli.process.kill("SIGINT");
    cli.process.stdout?.resume();
    expect((await cli.finished).status).toBe("SIGINT");
  });

  it("leaves nothing behind when it is killed", async () => {
    const script = `tracepoint:syscalls:sys_enter_nanosleep { @[pid] = count(); }
      tracepoint:sched:sched_process_exit { @exits = count(); }
      interval:ms:50 { printf("pid %d\\n", cpid); }`;
    const cli = start("-e", script, "-c", "sleep 100");
    await cli.saw("pid ");
    const child = Number(/pid (\d+)/.exec(cli.out)?.[1]);
    const objects = objectsOf(cli.process.pid!);
    expect(alive(child)).toBe(true);
    for (const kind of KINDS) expect(objects).toContainEqual(expect.stringMatching(`^${kind} `));
    expect(allObjects()).toEqual(expect.arrayContaining(objects));
    cli.process.kill("SIGKILL");
    await cli.finished;
    expect(await remaining(objects)).toEqual([]);
    expect(alive(child)).toBe(false);
  });

  it("leaves no command behind when a script is refused", async () => {
    const command = "sleep 98765.4321";
    expect((await trace("-e", "tracepoint:no:such { }", "-c", command)).status).toBe(2);
    expect(processesWith(command)).toEqual([]);
  });

  it("tells an ordinary user what is missing, with status 3", async () => {
    const { status, err } = await runAsNobody(["trace", "-e", HELLO]);
    expect(err).toMatch(/^ERROR: .*(EPERM|EACCES).*HINT: /s);
    expect(status).toBe(3);
  });

  it("gives the command to the user who called sudo", async () => {
    const env = { PATH: process.env.PATH, SUDO_UID: "65534", SUDO_GID: "65534", SUDO_USER: "nobody" };
    const { out } = await runCli(["trace", "-e", "END { }", "-c", "id -u"], "", { env });
    expect(out).toBe("65534\n\n\n");
  });

  it("starts the script's interpreter by its first line", () => {
    const path = file("script.bt", `#!/usr/bin/env -S probewright trace -q\n${HELLO}\n`);
    spawnSync("chmod", ["+x", path]);
    const bin = join(folder, "bin");
    spawnSync("mkdir", ["-p", bin]);
    spawnSync("ln", ["-sf", join(process.cwd(), "bin/probewright.js"), join(bin, "probewright")]);
    const env = { PATH: `${bin}:${process.env.PATH}` };
    expect(spawnSync(path, { env, encoding: "utf8" })).toMatchObject({ status: 0, stdout: "hello\n\n\n" });
  });
});
