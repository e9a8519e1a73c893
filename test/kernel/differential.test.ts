import { execFileSync, spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { describeKernel } from "../support/privileges.ts";

/**
 * The same script on the same workload leaves the same maps behind, here and with the bpftrace that is installed. The
 * scripts keep to what every bpftrace since 0.17 understands.
 */
const BPFTRACE = "bpftrace";

/** Scripts that end by themselves, without a workload. */
const PLAIN: string[] = [
  // Arithmetic and its precedence
  "@x = 1 + 2 * 3",
  "@x = (1 + 2) * 3",
  "@x = 7 - 10",
  "@x = 100 / 7; @y = 100 % 7",
  "@x = 1 << 10 | 3; @y = 0xff & ~0xf; @z = 6 ^ 3",
  "@x = 1 << 2 + 1; @y = 5 & 3 == 3",
  "$a = 6; @x = $a - 1 - 2; @y = $a / 2 / 3; @z = $a >> 1",
  "$a = 10; @x = -$a; @y = !$a; @z = !!$a",
  "$a = 3; $b = 4; @x = $a < $b; @y = $a >= $b; @z = $a == 3 && $b != 3 || 0",
  "$a = 5; @x = $a++; @y = $a; @z = ++$a; @w = $a--; @v = --$a",
  "$a = 2; $a += 3; $a *= 4; $a -= 1; $a |= 32; $a &= 59; $a ^= 1; $a <<= 2; $a >>= 1; @x = $a",
  "$a = 17; $a /= 3; @x = $a; $b = 17; $b %= 5; @y = $b",
  "$a = (uint64)1 << 40; @x = $a; @y = (uint32)$a; @z = (uint8)511",
  "@x = 0x7fffffffffff; @y = 1000000 * 1000000",
  "@x = 1 ? 2 : 3; $a = 0; @y = $a ? 2 : 3",
  '$a = 5; @x = $a > 3 ? "big" : "small"',
  // Control flow
  "if (1) { @x = 1 } else { @x = 2 }",
  "$a = 5; if ($a < 3) { @x = 1 } else if ($a < 6) { @x = 2 } else { @x = 3 }",
  "$i = 0; while ($i < 10) { $i++; @x = sum($i) }",
  "$i = 0; while ($i < 100) { $i++; if ($i == 3) { continue } if ($i > 7) { break } @x[$i] = 1 }",
  "$i = 0; while ($i < 5) { $j = 0; while ($j < 4) { @x[$i, $j] = $i * $j; $j++ } $i++ }",
  "$a = 0; unroll (5) { $a += 2 } @x = $a",
  "@x = 1; return; @x = 2",
  "@x = 1; if (pid) { return; } @x = 2",
  // Maps
  "@x = 5; @y = @x + 1",
  "@x++; @x++; @y--",
  "@x += 5; @x -= 2",
  "@x[1] = 2; @x[2] = 3; @y = @x[1] + @x[2] + @x[3]",
  '@x["a"] = 1; @x["b"] = 2; @x["a"] = 3',
  '@x[1, "a"] = 1; @x[2, "b"] = 2; @y = @x[1, "a"]',
  '@x["hello"]++; @x["hello"]++; @x["world"]++',
  "@x[1] = 5; @x[2] = 6; delete(@x[1])",
  '@x = "text"; @y[1] = "one"; @y[2] = "two"',
  "@x = 1; @y = 1; clear(@x)",
  "@x[1] = 1; @x[2] = 2; zero(@x)",
  "@x[1, 2, 3] = 6; @y = @x[1, 2, 3]",
  "@x = (1, 2); @y = @x.1",
  '$t = (1, "two", 3); @x = $t.0; @y = $t.1; @z = $t.2',
  "@x[-1] = -5; @y = @x[-1]",
  // Aggregations
  "@x = count(); @x = count(); @x = count()",
  "@x[1] = count(); @x[1] = count(); @x[2] = count()",
  "@x = sum(5); @x = sum(7); @y[1] = sum(-3)",
  "@x = min(5); @x = min(3); @x = min(9); @y = max(5); @y = max(3); @y = max(9)",
  "@x = avg(10); @x = avg(20); @y[1] = avg(7)",
  "@x = stats(10); @x = stats(20); @y[3] = stats(1)",
  "@x = hist(0); @x = hist(1); @x = hist(2); @x = hist(3); @x = hist(1000); @x = hist(1024)",
  "@x[1] = hist(5); @x[2] = hist(100000)",
  "$i = 0; while ($i < 20) { @x = hist($i); $i++ }",
  "@x = hist(0x3fffffff)",
  "@x = lhist(5, 0, 100, 10); @x = lhist(99, 0, 100, 10); @x = lhist(100, 0, 100, 10)",
  "$i = 0; while ($i < 20) { @x = lhist($i, 5, 15, 2); $i++ }",
  "@x[1] = lhist(3, 0, 10, 1); @x[2] = lhist(7, 0, 10, 1)",
  // Strings
  '@x = "a" == "a"; @y = "a" != "b"',
  '$s = "hello"; @x = $s == "hello"; @y = $s == "hellp"; @z = $s != "hello"',
  '$s = "hello"; if ($s == "hello") { @x[$s] = 1 }',
  "@x = str($1); @y = $2; @z = $#",
  "@x = sizeof((uint8)1); @y = sizeof((uint64)1)",
  "@x = pid == tid; @y = pid > 0; @z = uid; @w = gid",
  "@x = nsecs > 0; @y = elapsed >= 0; @z = cpu < 1024",
];

/** Scripts in which time passes as `@ts` says, for a bpftrace that has time series. */
const WITH_A_CLOCK: string[] = [
  "@x = tseries($i, 100ms, 5)",
  '@x = tseries($i % 10, 100ms, 5, "avg"); @y = tseries($i % 10, 100ms, 5, "sum")',
  '@x = tseries($i % 10, 100ms, 5, "min"); @y = tseries((uint64)($i % 7), 100ms, 20, "max")',
  "@x = tseries(40 - $i, 1us, 3); @y = tseries($i, 7ms, 100); @z = tseries($i, 1h, 2)",
  '@x[$i % 3] = tseries($i, 100ms, 9); @y["k", $i % 5] = tseries($i, 200ms, 3, "sum")',
  "if ($i % 13 == 0) { @x[$i % 2] = tseries($i, 50ms, 30) }",
];

/** Scripts that watch a command; only what the command does counts. */
const WATCHING: string[] = [
  // A path is read when the call returns: only then is its page sure to be in memory.
  "tracepoint:syscalls:sys_enter_openat /pid == cpid/ { @p[tid] = args->filename; } tracepoint:syscalls:sys_exit_openat /@p[tid]/ { @[str(@p[tid])] = count(); delete(@p[tid]); }",
  "tracepoint:syscalls:sys_enter_openat /pid == cpid/ { @[args->dfd, args->flags, args->mode] = count(); }",
  "tracepoint:syscalls:sys_exit_openat /pid == cpid/ { @[args->ret] = count(); @x = max(args->ret); }",
  "tracepoint:syscalls:sys_exit_read /pid == cpid && args->ret > 100/ { @bytes = sum(args->ret); @sizes = hist(args->ret); }",
  "tracepoint:syscalls:sys_enter_read /pid == cpid/ { @[args->fd] = sum(args->count); }",
  "tracepoint:syscalls:sys_enter_write /pid == cpid/ { @[args->fd, args->count] = count(); }",
  "tracepoint:syscalls:sys_enter_close /pid == cpid && args->fd == 3/ { @ = count(); @l = lhist(args->fd, 0, 10, 1); }",
  "tracepoint:syscalls:sys_enter_mmap /pid == cpid/ { @[args->prot] = count(); @len = stats(args->len); }",
  "tracepoint:syscalls:sys_exit_mmap /pid == cpid && args->ret > 0/ { @mapped = count(); }",
  "tracepoint:raw_syscalls:sys_enter /pid == cpid && args->id != 3/ { @[args->id] = count(); }",
  "tracepoint:raw_syscalls:sys_exit /pid == cpid && args->id != 3/ { @[args->id, (uint64)(args->ret < 0)] = count(); }",
  "tracepoint:syscalls:sys_enter_exit_group /pid == cpid/ { @[comm] = count(); @code = args->error_code; }",
  "tracepoint:sched:sched_process_exec /pid == cpid/ { @[str(args->filename)] = count(); @c = comm; }",
  "tracepoint:sched:sched_process_exit /pid == cpid/ { @[args->comm] = count(); @same = args->pid == cpid; }",
  "tracepoint:syscalls:sys_enter_newfstatat /pid == cpid/ { @start[tid] = nsecs; } tracepoint:syscalls:sys_exit_newfstatat /@start[tid]/ { @n = count(); delete(@start[tid]); }",
  "tracepoint:syscalls:sys_enter_read, tracepoint:syscalls:sys_enter_write /pid == cpid/ { @[probe] = count(); }",
  "tracepoint:syscalls:sys_enter_pread64 /pid == cpid/ { @[args->pos] = sum(args->count); }",
];

const CLOCK = { BPFTRACE_DUMMY_TS_MAP: "@ts" };

// Some calls differ because the two start the command differently: what the child does before its exec is its parent's affair.
const COMMAND = "/bin/cat /etc/hostname";

/** What is left in the maps, as bpftrace prints it in JSON. */
function mapsOf(output: string): Record<string, unknown> {
  const maps: Record<string, unknown> = {};
  for (const line of output.split("\n")) {
    if (!line.startsWith("{")) continue;
    const { type, data } = JSON.parse(line) as { type: string; data: Record<string, unknown> };
    if (["map", "hist", "stats", "tseries"].includes(type)) Object.assign(maps, data);
  }
  return maps;
}

/** bpftrace 0.17 has no truth values; since then they are printed as words. */
function withNumbers(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, v) => (typeof v === "boolean" ? Number(v) : v));
}

function rival(script: string, args: string[], env = {}): Record<string, unknown> {
  const options = { encoding: "utf8", env: { ...process.env, ...env } } as const;
  const result = spawnSync(BPFTRACE, ["-f", "json", "-e", script, ...args], options);
  if (result.error) throw result.error;
  return mapsOf(result.stdout);
}

async function ours(script: string, args: string[], env = {}): Promise<Record<string, unknown>> {
  const result = await runCli(["trace", "-f", "json", "-e", script, ...args], "", { env: { ...process.env, ...env } });
  expect(result.err.replace(UNREACHABLE, "")).toBe("");
  return mapsOf(result.out);
}

/** What is said about a statement behind `return`, and the only thing that may be said. */
const UNREACHABLE = /^stdin:[\d:-]+: WARNING: Unreachable statement\.\n.*\n *~+\nCODE: unreachable\n/;

/** As [0, 27]; undefined if there is none. */
function installedVersion(): [number, number] | undefined {
  try {
    const text = execFileSync(BPFTRACE, ["--version"], { encoding: "utf8" });
    const [, major, minor] = /v(\d+)\.(\d+)/.exec(text) ?? [];
    return [Number(major), Number(minor)];
  } catch {
    return undefined;
  }
}

const version = installedVersion();
const knowsTimeSeries = version !== undefined && (version[0] > 0 || version[1] >= 24);

describeKernel("beside bpftrace", () => {
  if (version === undefined) {
    it("needs bpftrace", () => {
      console.warn("*** bpftrace is not installed: the differential tests did not run ***");
      expect(process.env.REQUIRE_KERNEL).not.toBe("1");
    });
    return;
  }

  it.each(PLAIN)("%s", async (body) => {
    // A block that returns early is ended by the clock.
    const end = body.includes("return") ? "} interval:ms:20 { exit() }" : "exit() }";
    const script = `BEGIN { ${body}${/[}]$/.test(body) ? "" : ";"} ${end}`;
    const parameters = body.includes("$#") ? ["text", "42"] : [];
    const expected = rival(script, parameters);
    expect(Object.keys(expected)).not.toEqual([]);
    expect(withNumbers(await ours(script, parameters))).toEqual(withNumbers(expected));
  });

  it.each(knowsTimeSeries ? WITH_A_CLOCK : [])("%s", async (body) => {
    const tick = `$i = @i; ${body}; @ts += (uint64)10ms; @i++;`;
    const script = `BEGIN { @ts = (uint64)1s; @i = 0; } interval:ms:1 { if (@i < 80) { ${tick} } else { exit(); } }`;
    const expected = rival(script, [], CLOCK);
    expect(Object.keys(expected)).not.toEqual([]);
    expect(await ours(script, [], CLOCK)).toEqual(expected);
  });

  it.each(WATCHING)("%s", async (script) => {
    const expected = rival(script, ["-c", COMMAND]);
    expect(withNumbers(await ours(script, ["-c", COMMAND]))).toEqual(withNumbers(expected));
  });
});
