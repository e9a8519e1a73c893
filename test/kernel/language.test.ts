import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { isAtLeast } from "../../harness/tracing/facts/version.ts";
import { describeKernel } from "../support/privileges.ts";
import { leaveOutIfTooNew, runScript } from "../support/run-script.ts";
import { trace } from "../support/traced.ts";

/** What the body of a `begin` probe prints, line by line, with ` | ` between them. */
function printed(body: string, parameters: string[] = []): string {
  return lines(`begin { ${body} }`, parameters);
}

function lines(script: string, parameters: string[] = []): string {
  return runScript(script, parameters)
    .split("\n")
    .filter((line) => line !== "")
    .join(" | ");
}

/** What an older kernel lacks it says so (test/unit/sema/old-kernels.test.ts); all else it does as well. */
function expectPrinted(body: string, expected: string, parameters: string[] = []): void {
  leaveOutIfTooNew(`begin { ${body} }`);
  expect(printed(body, parameters)).toBe(expected);
}

const { version, features } = hostFacts();

// The expected lines are those of bpftrace 0.27.
describeKernel("the language in the kernel", () => {
  describe("loops", () => {
    it.each([
      ["for ($i : 0..3) { print($i) }", "0 | 1 | 2"],
      ["for ($i : 3..0) { print($i) }", ""],
      ["$n = 2; for ($i : -1..$n) { print($i) }", "-1 | 0 | 1"],
      ["for ($i : 0..10) { if ($i == 2) { continue } if ($i == 4) { break } print($i) }", "0 | 1 | 3"],
      ["$s = 0; for ($i : 1..101) { $s += $i } print($s)", "5050"],
      ["$i = 0; while ($i < 100000) { $i++ } print($i)", "100000"],
      ["$n = 0; while (1) { $n++; if ($n > 70000) { break } } print($n)", "70001"],
      ["$s = 0; for ($i : 0..1000) { $s++; if ($s > 500) { @[$s & 1] = count() } }", "@[0]: 250 | @[1]: 250"],
      ["@m[1] = 7; $v = 0; for ($i : 0..1) { find(@m, 1, $v) } print($v); clear(@m)", "7"],
      ["for ($i : 0..2) { for ($j : 0..2) { print(($i, $j)) } }", "(0, 0) | (0, 1) | (1, 0) | (1, 1)"],
      ["for ($i : 0..5) { if ($i == 1) { return } print($i) } print(9)", "0"],
      ["$a = 5; for ($i : 0..$a) { $a-- } print($a)", "0"],
      // A search is a loop within the loop, and looks at texts on the stack of the outer one.
      [
        '$a = (int64)5; $u = (uint64)7; $arr = (uint8[8])(int64)1; let $w: uint64 = 8; $p = &$w; for ($i : 0..4) { $a += $i; if (strcontains("", "ab")) { break; } $w = $u + 1; @k[2] = $arr[$u ^ (*$p ^ *$p)]; } print($a)',
        "11 | @k[2]: 0",
      ],
      ['$t = "x"; for ($i : 0..2) { $t = $i == 1 ? "one" : "zero" } print($t)', "one"],
      ["@m[5] = 6; for ($kv : @m) { print($kv); print($kv.0); print($kv.1) }", "(5, 6) | 5 | 6 | @m[5]: 6"],
      ['@m["k", 2] = "v"; for ($kv : @m) { print($kv) } clear(@m)', "((k, 2), v)"],
      ["@c[1] = count(); @c[1] = count(); for ($kv : @c) { print($kv.1) } clear(@c)", "2"],
      ["@m[1] = 1; @m[2] = 2; $n = 0; for ($kv : @m) { $n += $kv.1; break } print($n < 3); clear(@m)", "true"],
    ])("%s", (body, expected) => expectPrinted(body, expected));
  });

  // Kernels that go through plain loops round by round see numbers in variables only.
  it.skipIf(!features.mayGoto && !features.loop)("a loop whose end is in a tuple", () => {
    expect(printed('$t = (0, "a"); while ($t.0 < 5000) { $t = ($t.0 + 1, "b") } print($t)')).toBe("(5000, b)");
  });

  it("str() keeps no more than max_strlen, and shows what it cut for that", () => {
    const values = ["str(@s)", "str(@s, 3)", "str(@s, 5)", "str(@s, 6)", 'str("hello world")', "@s"];
    const script = `config = { max_strlen = 5 } begin { @s = "hello world"; ${values.map((v) => `print(${v});`).join(" ")} clear(@s) }`;
    expect(lines(script)).toBe("hello.. | he | hell | hello.. | hello world | @s: hello world");
  });

  it("numbers of sockets, in a raw tracepoint", async () => {
    const script = "rawtracepoint:inet_sock_set_state { @[socket_cookie(args.sk) > 0] = count(); }";
    leaveOutIfTooNew(script);
    const connect = 'require("net").connect(1, "127.0.0.1").on("error", () => {})';
    const { output } = await trace(script, [process.execPath, "-e", connect]);
    expect(output).toMatch(/^@\[true\]: [1-9]\d*\n$/m);
    expect(output).not.toContain("false");
  });

  it.each([
    "rawtracepoint:sched_switch { @[args.prev] = count(); @b[args.prev, args.next] = sum(1); @c[args.prev.mm] = nsecs; @d[ctx] = 1 }",
    "rawtracepoint:sched_switch { $i = @n; $p = args.prev + $i; @[$p] = args.prev & 7; @h = hist((uint64)args.prev / 4096) }",
    "rawtracepoint:sched_switch { @[ksym(args.prev)] = count(); @e = (args.prev, 1) == (args.next, 1); @r = (a=ctx) == (a=ctx) }",
    "tracepoint:sched:sched_process_exec { @[args.filename] = count(); @b[args.filename, 1] = nsecs; @c = (uint64)args.filename * 3 }",
  ])("pointers that the verifier knows are numbers, too: %s", async (script) => {
    leaveOutIfTooNew(script);
    const { output } = await trace(script, [process.execPath, "-e", "0"]);
    expect(output).toMatch(/^@/m);
  });

  it.each([
    ["print(@x + 1); if (@x) { print(2) }", "1"],
    ["print(@x[1]); $a = @y[1, comm]; print(($a, @z))", "0 | (0, 0)"],
    ["@t = (@n + 1, @u); @n = @n + 2; @u = @n; @a = @b; @b = @a", "@a: 0 | @b: 0 | @n: 2 | @t: (1, 0) | @u: 2"],
    ["@sum[1] = @sum[1] + 5; @sum[1] = @sum[1] * 2 - @sum[2]", "@sum[1]: 10"],
    ["@x[1] = @x[2]", "@x[1]: 0"],
    ["@a = @x; @b[@y] = @z[2]", "@a: 0 | @b[0]: 0"],
  ])("maps have numbers where nothing else is said: %s", (body, expected) => expect(printed(body)).toBe(expected));

  it.each([
    ["nothing more", "", "nothing more"],
    ["%s has %d%%, %x", '"one", -1, 255', "one has -1%, ff"],
    ["[%5d|%-5d|%05u]", "12, 34, (uint64)56", "[   12|34   |00056]"],
    ["%lld %u", "1 << 40, (uint32)-1", "1099511627776 4294967295"],
    ["%p", "(uint64)0x1234", "0x1234"],
    ["%s %s", '"a", str_concat("b", "c")', "a bc"],
  ])("debugf() writes %s into the trace buffer", (format, values, expected) => {
    const mark = `${process.pid}-${Math.random()}:`;
    const script = `begin { debugf("${mark}${format}"${values === "" ? "" : `, ${values}`}) }`;
    leaveOutIfTooNew(script);
    runScript(script);
    const lines = readFileSync("/sys/kernel/tracing/trace", "utf8").split("\n");
    expect(lines.filter((line) => line.includes(mark)).map((line) => line.split(mark)[1])).toEqual([expected]);
  });

  describe("args as a whole", () => {
    const EXEC = ["tracepoint:sched:sched_process_exec", "filename pid old_pid"] as const;

    it.each([
      [...EXEC, "print(args)"],
      [...EXEC, "$x = args; print($x)"],
      [...EXEC, "@ = args; $x = @; print($x)"],
      [...EXEC, "@[args] = 1; for ($kv : @) { print($kv.0) }"],
      [...EXEC, "let $x: typeof((a = 1, b = args)) = (a = 1, b = args); print($x.b)"],
      ["tracepoint:syscalls:sys_exit_execve", "__syscall_nr ret", "print(args)"],
      ["tracepoint:raw_syscalls:sys_exit", "id ret", "@ = args; $x = @; print($x)"],
      ["rawtracepoint:sys_exit", "regs ret", "$x = (args, 1); print($x.0)"],
    ])("%s has %s: %s", async (probe, fields, body) => {
      const names = fields.split(" ");
      const shown = `printf("{ ${names.map((name) => `.${name} = %s`).join(", ")} }\\n"`;
      // The probe sees all processes, and others would write to the same map.
      const script = `${probe} /comm == "true"/ { ${body}; ${shown}, ${names.map((name) => `args.${name}`).join(", ")}); }`;
      leaveOutIfTooNew(script);
      const lines = (await trace(script, ["/bin/true"])).output.split("\n").filter((line) => line.startsWith("{"));
      expect(lines.length).toBeGreaterThan(1);
      for (let i = 0; i + 1 < lines.length; i += 2) expect(lines[i]).toBe(lines[i + 1]);
    });
  });

  // Every way through twenty conditions leaves another number, of which the verifier could keep a million apart.
  it("many conditions in a row", () => {
    const conditions = Array.from({ length: 20 }, (_, i) => `if (rand >= 0) { $x += ${2 ** i} }`).join(" ");
    const expected = "1048576 | @h: | [1M, 2M)";
    expect(printed(`$x = 1; ${conditions} if ($x > 5) { print($x) } @h = hist($x)`)).toContain(expected);
  });

  describe("strings and bytes", () => {
    it.each([
      ['$s = "hello"; print(strlen($s)); print(strlen("")); print(strlen(comm) > 0)', "5 | 0 | true"],
      ['$s = "hello world"; print(strcontains($s, "wor")); print(strcontains($s, "word"))', "true | false"],
      ['$s = "hello world"; print(strstr($s, "o")); print(strstr($s, "xyz")); print(strstr($s, ""))', "4 | -2 | 0"],
      ['$s = "aaab"; $n = "aab"; print(strstr($s, $n))', "1"],
      ['$s = "abc"; print(strncmp($s, "abd", 2)); print(strncmp($s, "abd", 3))', "0 | 1"],
      ['$s = "ab"; print(str_concat($s, "cd")); print(strlen(str_concat($s, $s)))', "abcd | 4"],
      ['print(buf("hello", 3)); printf("%rx|%rh", buf("ab", 2), buf("ab", 2))', "hel | \\x61\\x62|61 62"],
      ["print(bswap((uint16)0x1234)); print(bswap((uint32)1)); print(bswap((uint8)7))", "13330 | 16777216 | 7"],
      [
        'print(ntop(0x0100007f)); print(ntop(pton("::1"))); print((uint32)pton("127.0.0.1"))',
        "127.0.0.1 | ::1 | 16777343",
      ],
      ['print(pton("10.0.0.1")); print((int8[])"hi"); $a = (int8[4])5; print($a[0])', "[10,0,0,1] | [104,105,0] | 5"],
      ['$a = buf("hi", 2); $b = buf("ho", 2); print($a == $a); print($a == $b)', "true | false"],
      ["print(str($1)); print(str($2, 2)); print($3)", "abc | de | 7"],
      ["$n = 3; print(str($1, $n)); @[str($2, $n), str($2, 2)] = 1", "ab | @[de, de]: 1"],
      [
        "print(str($1 + 1)); print(str($1 + 1 + 1)); print(str($2 + ($3 - 5))); print(strlen(str($1 + 3))); print(strlen(str($1 + 9)))",
        "bc | c | f | 0 | 0",
      ],
    ])("%s", (body, expected) => expectPrinted(body, expected, ["abc", "def", "7"]));
  });

  describe("maps and values", () => {
    it.each([
      ["@m[1] = 1; @m[2] = 1; print(len(@m)); clear(@m)", "2"],
      ["@t = (1, 2); @t = (@t.1, @t.0); print(@t); clear(@t)", "@t: (2, 1)"],
      ['@s = "xyz"; @s = str_concat("a", @s); print(@s); clear(@s)', "@s: axyz"],
      // What is made of itself would grow for ever.
      [
        '@s = "a"; for ($i : 0..50) { @s = str_concat(@s, "bcdefghijklmnopqrstuvwxyz") } print(strlen(@s)); clear(@s)',
        "1023",
      ],
      ['$s = ""; for ($i : 0..2000) { $s = str_concat("b", $s) } print(strlen($s))', "1023"],
      [
        '@t[0] = (1, ("ab", true)); print(@t[0]); @t[1] = (2, (str_concat("ab", @t[0].1.0), true)); print(@t[1]); clear(@t)',
        "(1, (ab, true)) | (2, (abab, true))",
      ],
      ["@a = { $n = 4; avg($n) }; @a = { @b = count(); avg(6) }; print(@a)", "@a: 5 | @a: 5 | @b: 1"],
      ['$s = (string[3])"ab"; print($s)', "ab"],
      ['$v = (1, "ab"); print($v == (1, str_concat("ab", "cdefghij"))); print($v == (1, "ab"))', "false | true"],
      ["$a = (uint8)5; print(*$a); print(*($a + 8)); print(sizeof(*$a))", "0 | 0 | 8"],
      [
        "@m[1] = 7; $v = 0; print(find(@m, 1, $v)); print($v); print(find(@m, 2, $v)); print($v); clear(@m)",
        "true | 7 | false | 7",
      ],
      ["@m[1] = 7; print(has_key(@m, 1)); print(delete(@m, 1)); print(delete(@m, 1))", "true | true | false"],
      ['$r = (a = 1, b = "x"); print($r); print($r.b)', "{ .a = 1, .b = x } | x"],
      ["$t = (1, (2, 3)); print($t.1.0); print($t[1]); print((1, 2) == (1, 2))", "2 | (2, 3) | true"],
      ["$a = 1; $p = &$a; print(*$p); $a = 7; print(*$p)", "1 | 7"],
      ["let $a: uint64 = 5; $p = &$a; @p = $p; $a = 9; print(*@p); clear(@p)", "9"],
      [
        "$a = (int64)5; $p = &$a; if (pid == 0) { $p = (int64*)0 } $a += 2; print(*$p); $q = (int64*)0; print(*$q)",
        "7 | 0",
      ],
      [
        "let $a: uint64 = 0x0102030405060708; $i = pid ? 3 : 0; print(((uint8*)&$a)[$i]); print(*((uint8*)&$a + $i))",
        "5 | 5",
      ],
      [
        "@n = (int64)1; $p = &@n; @n = 5; @n++; print(*$p); delete(@n); print(*$p); @n += 3; print(*$p); clear(@n)",
        "6 | 0 | 3",
      ],
      ["let $a: uint64 = 1; $p = &$a; for ($i : 0..3) { $a += *$p } print($a); print(*$p)", "8 | 8"],
      ["@m[1] = 2; let $a: uint64 = 1; $p = &$a; for ($kv : @m) { $a = (uint64)$kv.1; print(*$p) } clear(@m)", "2"],
      ["@m[1] = 2; let $a: int64 = 1; $p = &$a; find(@m, 1, $a); print(*$p); clear(@m)", "2"],
      [
        "let $a: uint64 = 1; let $b: uint64 = 2; $p = pid ? &$a : &$b; $a = 7; print(*$p); $p = pid ? &$b : &$a; print(*$p)",
        "7 | 2",
      ],
      ["for ($i : 0..2) { let $y: int64 = $i; $p = &$y; print(*$p) }", "0 | 1"],
      ['$s = "hello"; $t = (1, $s); $p = &$t; $s = "bye"; $t = (2, $s); print((*$p).1)', "bye"],
      ['$n = 9; print(buf("hi", 9)); printf("%rh", buf("hi", $n))', "hi\\x00 | 68 69 00"],
      [
        "$a = (uint8[8])(int64)5; $b = (uint8[8])(int64)5; print($a == $b); $b = (uint8[8])(int64)(1 << 56); print($a != $b)",
        "true | true",
      ],
      ["@p = (int32*)0x32; @p++; print(@p); clear(@p)", "@p: 0x36"],
      [
        "print(strerror(2)); print(signal_name(9)); print(syscall_name(1))",
        "No such file or directory | Killed | write",
      ],
      [
        "$n = 3 - 1; print(strerror(-$n)); print(strerror(41)); print(signal_name(65)); print(syscall_name(-1))",
        "No such file or directory | Unknown error | N/A | Unknown syscall",
      ],
      // Between the numbers that have a name are some that have none.
      [
        '$n = pid < 0 ? 1 : 41; print((strerror($n) == strerror(134), strerror($n) == strerror($n + 17), strerror($n) == "Unknown error", strerror($n + 1) == "Unknown error"))',
        "(true, true, true, false)",
      ],
      [
        "$n = pid < 0 ? 1 : 400; @[syscall_name($n)] = count(); @[syscall_name($n + 10)] = count(); @[syscall_name(-$n)] = count(); print(@); clear(@)",
        "@[Unknown syscall]: 3",
      ],
      [
        '$n = 1; print(syscall_name($n) == "write"); print(strerror($n) != "Success"); print(signal_name($n) == "Hangup")',
        "true | true | true",
      ],
      [
        '$n = 1; $s = "write"; print($s == syscall_name($n)); print(syscall_name($n) == syscall_name(2))',
        "true | false",
      ],
      [
        '$n = 1; print(strlen(signal_name($n))); print(strcontains(strerror($n), "not")); print(str_concat(syscall_name($n), "x"))',
        "6 | true | writex",
      ],
      [
        '$s = syscall_name(1); $s = "a"; print($s); @s = "b"; @s = signal_name(9); print(@s); clear(@s)',
        "a | @s: Killed",
      ],
      [
        '@k[syscall_name(1)] = 1; @k["x"] = 2; for ($kv : @k) { if ($kv.0 == "write") { print($kv.1) } } clear(@k)',
        "1",
      ],
      ['$a = (syscall_name(1), 1); print($a == ("write", 1)); print(($a.0, 2) == $a)', "true | false"],
      ["print(kstack(0)); print(len(ustack(0)))", "0"],
      ["print(has_cpid)", "false"],
      ["@ = count(); @ = count(); print(@ > 1); print((int64)@ + 1); clear(@)", "true | 3"],
      [
        "print((uint8)255 + 1); print(-7 / 2); print(-7 % 3); print(7 >> 1); print(~(uint8)1)",
        "256 | -3 | -1 | 3 | 254",
      ],
      ["@x = 1; @y[1] = 2; delete(@x)", "@y[1]: 2"],
      ["@ = { let $a = 100; avg($a) }", "@: 100"],
      ["print(nsecs(sw_tai) - nsecs(boot) > 1000000000000000000)", "true"],
      ["print(probetype)", "special"],
      ["let $t: struct task_struct *= curtask; print($t.pid == tid)", "true"],
      ["@s = 0; print(delete(@s)); print(delete(@s)); @s = 5; print(delete(@s))", "true | false | true"],
      ["@c = count(); @h = hist(5); print(delete(@c)); delete(@h)", "true"],
      ['$s = (string[30])comm; print($s == comm); print(sizeof($s)); print((string[9])"ab")', "true | 30 | ab"],
      ['$e = ""; print((bool)comm); print((bool)$e); print((bool)"x")', "true | false | true"],
      ['print("a" + "b"); @s = "x" + "y" + "z"; print(@s)', "ab | @s: xyz | @s: xyz"],
      [
        'print(ntop(5) == ntop(5)); print(ntop(5) == ntop(6)); print(ntop(5) == ntop(pton("::1")))',
        "true | false | false",
      ],
      ["$a = kstack(2); print($a == $a); print($a != $a)", "true | false"],
      [
        'print(kfunc_exist("bpf_task_from_pid")); print(kfunc_allowed("bpf_task_from_pid"))',
        `${isAtLeast(version, [6, 2])} | false`,
      ],
      [
        '$n = 2; print(memcmp("abc", "abd", $n)); print(memcmp("abc", "abd", 3)); print(memcmp("a\0b", "a\0a", 3))',
        "0 | -1 | 1",
      ],
      ["$a = 5; $b = 6; print(memcmp(&$a, &$b, 1)); $c = curtask; print(memcmp($c, $c, 64))", "-1 | 0"],
      ['print(strlen(probe)); print(strcontains(probe, "eg"))', "5 | true"],
      ['print(str("abc", 2)); print(str("abc", 9)); print(str("abc"))', "ab | abc | abc"],
      [
        '$s = "hello"; print(str($s, 3)); print(str($s, 1)); print(str($s, 6)); print(str($s, 99))',
        "he | hello | hello",
      ],
      [
        '$s = "hello"; $n = 3; print(str($s, $n)); $n = 0; print(strlen(str($s, $n))); $n = -1; print(str($s, $n))',
        "he | 0 | hello",
      ],
      ['$n = 3; print(str("hello", $n)); @s = "hello"; print(str(str(@s, 5), $n)); clear(@s)', "he | he"],
      ["@[str(strerror(2), 4), str(probe), strerror(13) == str(strerror(13))] = 1", "@[No , begin, true]: 1"],
      ["print((strcap(comm), strcap(pcomm)))", "(16, 16)"],
      [
        "$v = (uint64)0x6261; $p = (int8[2]*)&$v; print((*$p, $p[0], *$p == (int8[2])(uint16)0x6261))",
        "([97,98], [97,98], true)",
      ],
      ["print(str(curtask.comm, 3) == str(comm, 3))", "true"],
      [
        '$r = (a=1, b=("x", 2)); $s = (b=("x", 2), a=(int64)1); print(($r == $s, $r != (a=2, b=("x", 2))))',
        "(true, true)",
      ],
      [
        "$p = &@n; @n = 1; print((($p, 1) == (&@n, 1), (c=$p) == (c=&@k))); @k = 2; clear(@n); clear(@k)",
        "(true, false)",
      ],
      ['$s = "abc"; print($s == "abc\\0d")', "true"],
      [
        "@s = sum((uint64)5); @s = sum(-9); @m = max((uint64)5); @m = max(-3); @n = min((uint64)5); @n = min(-3); @a[1] = avg((uint64)5); @a[1] = avg(-9); if (@s < 0) { print(1) }",
        "1 | @a[1]: -2 | @m: 5 | @n: -3 | @s: -4",
      ],
      ["@x = 100; print(@x, 5); print(@x, 5, 7); clear(@x)", "@x: 100 | @x: 14"],
      ["$z = 0; print(7 / $z); print(7 % $z); $a = 5; $a /= $z; print($a)", "1 | 1 | 1"],
      ["$a = (int8[4])5; $i = 9; if (pid) { $i = 6; } print($a[$i])", "5"],
      [
        "@l = lhist(7, 0, 10, 5)",
        "@l: | [5, 10)                1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|",
      ],
    ])("%s", (body, expected) => expectPrinted(body, expected));
  });

  describe("time series, 30 ms from number to number", () => {
    /** Keys and values, with what is above and below the diagrams left out. */
    const drawn = (series: string): string => {
      const body = `@ts = (uint64)1s; $i = 0; while ($i < 50) { $i++; @ts += (uint64)30ms; ${series} } clear(@ts);`;
      const lines = runScript(`begin { ${body} }`, [], { dummy_ts_map: "@ts" }).split("\n");
      const shown = lines.flatMap((line) => /^@.*|[|*] (-?\d+|-)$/.exec(line)?.slice(0, 2) ?? []);
      return shown.filter((text) => text && !text.startsWith("|") && !text.startsWith("*")).join(" ");
    };
    it.each([
      ["@ = tseries($i, 100ms, 4);", "@: 43 46 49 50"],
      ['@ = tseries($i, 100ms, 4, "sum");', "@: 166 135 144 50"],
      ['@ = tseries($i, 100ms, 4, "avg");', "@: 41 45 48 50"],
      ['@ = tseries($i - 45, 100ms, 4, "min");', "@: -5 -1 2 5"],
      ['@ = tseries((uint64)$i, 100ms, 4, "max");', "@: 43 46 49 50"],
      ['if ($i % 7 == 0) { @["x", $i % 3] = tseries($i, 1s, 3); }', "@[x, 0]: 21 42 @[x, 1]: 28 49 @[x, 2]: 14 35"],
      ["if ($i % 20 == 0) { @ = tseries($i, 100ms, 7); }", "@: 20 - - - - - 40"],
    ])("%s", (series, expected) => expect(drawn(series)).toBe(expected));
  });
});
