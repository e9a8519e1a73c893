/** What errors and warnings say, where tools and people know the words from bpftrace. */
import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../../../compiler/diagnostics.ts";
import { checkScript } from "../../support/check.ts";

const shown = ({ severity, message, span, help }: Diagnostic): string => {
  const { column } = span.source.position(span.start);
  const end = span.source.position(span.end).column;
  return `${column}-${end} ${severity}: ${message}${help === undefined ? "" : ` | ${help}`}`;
};

describe("mistakes", () => {
  it.each<[string, string]>([
    ['begin { debugf("%d %d %d %d", 1, 2, 3, 4) }', "16-29 error: cannot use more than 3 conversion specifiers"],
    [
      'begin { debugf("%c", 1) }',
      "16-20 error: Invalid format specifier for `debugf`: c | the kernel knows %d, %u, %x, %p and %s",
    ],
    [
      'begin { debugf("%.3s", "a") }',
      "16-22 error: the kernel does not understand `%.3s` | give a width as a number, and no precision",
    ],
    ['begin { debugf("%s", 1) }', "22-23 error: `%s` does not take a value of type int8"],
    ['begin { debugf("\u00e9") }', "16-19 error: the kernel prints ASCII only | print other text with printf()"],
    ["begin { pids }", "9-13 error: Unknown identifier: 'pids' | did you mean `pid`?"],
    ["begin { prontf(1) }", "9-15 error: Unknown function: 'prontf' | did you mean `printf`?"],
    [
      "macro double(x) { x * 2 } begin { print(doubl(1)) }",
      "41-46 error: Unknown function: 'doubl' | did you mean `double`?",
    ],
    ["macro limit() { 2 } begin { print(limt) }", "35-39 error: Unknown identifier: 'limt' | did you mean `limit`?"],
    ["begin { print(sizof(1)) }", "15-20 error: Unknown function: 'sizof' | did you mean `sizeof`?"],
    ["begin { print(is_st(1)) }", "15-20 error: Unknown function: 'is_st' | did you mean `is_str`?"],
    ["begin { unroll (2) { brek; } }", "22-26 error: Unknown identifier: 'brek' | did you mean `break`?"],
    [
      "enum color { RED, GREEN } begin { print(GREN) }",
      "41-45 error: Unknown identifier: 'GREN' | did you mean `GREEN`?",
    ],
    ["#define LIMIT 10\nbegin { print(LIMT) }", "15-19 error: Unknown identifier: 'LIMT' | did you mean `LIMIT`?"],
    [
      "#define TWICE(x) ((x) * 2)\nbegin { print(TWISE(1)) }",
      "15-20 error: Unknown function: 'TWISE' | did you mean `TWICE`?",
    ],
    [
      "struct node { int size; } begin { print(offsetof(struct node, sise)) }",
      "63-67 error: struct node has no field `sise` | did you mean `size`?",
    ],
    [
      "struct node { int size; } begin { $x = (struct nodee *)0 }",
      "41-55 error: unknown type `struct nodee` | did you mean `struct node`?",
    ],
    ["begin { $a = 1; print($b) }", "23-25 error: undefined variable `$b` | assign it first"],
    ["begin { $a = 1; print($A) }", "23-25 error: undefined variable `$A` | did you mean `$a`?"],
    ['begin { let $x: strng = "a" }', "17-22 error: unknown type `strng` | did you mean `string`?"],
    ["begin { let $x: buffr[4] }", "17-25 error: unknown type `buffr` | did you mean `buffer`?"],
    ["begn {}", "1-5 error: Invalid probe type: begn | did you mean `begin`?"],
    ["END_ {}", "1-5 error: Invalid probe type: END_ | did you mean `end`?"],
    [
      "begin { $x = (struct task_strct *)0 }",
      "15-34 error: unknown type `struct task_strct` | did you mean `struct task_struct`?",
    ],
    ["begin { $x = (uint9)0 }", "15-20 error: unknown type `uint9` | did you mean `uint8`?"],
    [
      "tracepoint:sched:sched_switch { print(args.common_pid) }",
      "44-54 error: BPF programs cannot read the fields that all tracepoints have, such as `common_pid` | `tid` is the same number",
    ],
    [
      "tracepoint:syscalls:sys_enter_read { print(args.common_type) }",
      "49-60 error: BPF programs cannot read the fields that all tracepoints have, such as `common_type`",
    ],
    ["begin { print(5 / 0) }", "15-20 error: division by zero"],
    ['begin { print((getopt("n", 1), getopt("n", 2))) }', "32-46 error: --n has another default elsewhere"],
    ['begin { print((getopt("n"), getopt("n", 0))) }', "29-43 error: --n has another default elsewhere"],
    ["begin { print(1 << 64) }", "15-22 error: `<<` moves by 0 to 63 bits, not by 64"],
    ["begin { print(1 >> -1) }", "15-22 error: `>>` moves by 0 to 63 bits, not by -1"],
    ["begin { unroll ($n) { } }", "17-19 error: undefined variable `$n` | assign it first"],
    ["begin { let $x: uint8 = 300 }", "25-28 error: `$x` is declared as uint8, which cannot hold 300"],
    ["begin { print(kstack(-1)) }", "22-24 error: kstack([int limit]): limit cannot be negative, -1 given"],
    ["begin { print(kstack(1025)) }", "22-26 error: kstack([int limit]): limit shouldn't exceed 1024, 1025 given"],
    ["begin { if (syscall_name(1) > 1) { } }", "13-28 error: cannot compare syscall_name with int8"],
    ["begin { print((int64)strerror(1)) }", "15-33 error: cannot cast strerror to int64"],
    ['begin { printf("%d", signal_name(1)) }', "22-36 error: `%d` does not take a value of type signal_name"],
    [
      "rawtracepoint:xyzxyz {}",
      "1-21 error: Probe has no valid attach points. | nothing is called so; where that is expected, `config = { missing_probes = warn }` permits it",
    ],
    ["nope:x {}", "1-5 error: Invalid probe type: nope | known ones:"],
    ["begin { unroll (0) { } }", "17-18 error: unroll minimum value is 1"],
    ["begin { unroll (101) { } }", "17-20 error: unroll maximum value is 100"],
    [
      'begin { system("x") }',
      "9-15 error: system() is unsafe. To use you need the --unsafe flag | it can change the system",
    ],
    [
      "begin { @a[1] = 1; @a = 2 }",
      "20-22 error: @a used as a map without an explicit key (scalar map), previously used with an explicit key (non-scalar map)",
    ],
    [
      "begin { @a = 1; @a[1] = 2 }",
      "17-22 error: @a used as a map with an explicit key (non-scalar map), previously used without an explicit key (scalar map)",
    ],
    [
      'begin { @a[1, "hi"] = 2; @a[1, 2] = 3 }',
      "26-34 error: Argument mismatch for @a: trying to access with arguments: '(int8,int8)' when map expects arguments: '(int8,string[3])'",
    ],
    ["begin { @a = 1; len(@a) }", "21-23 error: call to len() expects a map with explicit keys (non-scalar map)"],
    [
      "begin { @a = 1; has_key(@a, 1) }",
      "25-27 error: call to has_key() expects a map with explicit keys (non-scalar map)",
    ],
    [
      "begin { @a = 1; delete(@a, 1) }",
      "24-26 error: call to delete() expects a map with explicit keys (non-scalar map)",
    ],
    [
      "begin { @a = 1; find(@a, 1, $x) }",
      "22-24 error: call to find() expects a map with explicit keys (non-scalar map)",
    ],
    [
      "struct s { int x[4]; }; begin { $s = (struct s *)1; $s.x[5] }",
      "58-59 error: the index 5 is out of bounds for array of size 4",
    ],
    ['begin { kaddr("nonesuch") }', "9-26 error: Failed to resolve kernel symbol: nonesuch"],
    ["t:syscalls:nonsense {}", "1-20 error: No matches for tracepoint syscalls:nonsense."],
    ["rawtracepoint:nons:sys_enter {}", "1-29 error: No matches for rawtracepoint nons:sys_enter."],
    ["rawtracepoint:sys_ente {}", "1-23 error: Probe has no valid attach points. | did you mean `sys_enter`?"],
    ["t:nonsense:* {}", "1-13 error: Probe has no valid attach points. | nothing matches its wildcards;"],
    [
      "begin { @a = count(); @b = @a }",
      "28-30 error: Map value 'count' cannot be assigned from one map to another | for its number, write `(int64)`",
    ],
    ["begin { @a = hist(1); @b = @a }", "28-30 error: Map value 'hist' cannot be assigned from one map to another"],
    [
      'begin { strftime("%M", nsecs(monotonic)) }',
      "24-40 error: strftime() can not take a monotonic timestamp | that clock stands",
    ],
    ['begin { strftime("%M", -1) }', "24-26 error: strftime() does not accept negative timestamps"],
    [
      "enum e { a = 1, b } begin { print((enum e)3) }",
      "35-44 error: Enum: e doesn't contain a variant value of 3 | it has a, b",
    ],
    ['begin { $x = "foo"; print($x[4]) }', "30-31 error: the index 4 is out of bounds for array of size 4"],
    ["profile:10 {}", "1-11 error: Invalid rate of profile probe. Minimum is 1000 or 1us. Found: 10 nanoseconds"],
    ["interval:us:0 {}", "1-14 error: `0` is no positive number for a period"],
    [
      "begin { print(sizeof({ @a = 1; 1 })) }",
      "24-30 error: Map assignments not allowed inside of typeof, typeinfo or sizeof | what is asked about is never run",
    ],
    ["begin { let $b: typeof({ @a[1] = 1; 1 }) = 1 }", "26-35 error: Map assignments not allowed inside of typeof"],
    [
      "struct B { int a; }; struct F { struct B *b; } begin { print(offsetof(struct F, b.a)) }",
      "83-84 error: struct B * has no field `a`",
    ],
    ["begin { print(buf(curtask)) }", "15-27 error: buf() expects a length argument for type struct task_struct *"],
    ["begin { print(@x) }", "15-17 error: Undefined map: @x | nothing is ever stored in it"],
    ["begin { @start = 1; print(@strat) }", "27-33 error: Undefined map: @strat | did you mean `@start`?"],
    ["begin { @start[1] = 1; delete(@stat, 1) }", "31-36 error: Undefined map: @stat | did you mean `@start`?"],
    [
      "config = { unstable_tseries=error } begin { @ = tseries(1, 1s, 5) }",
      "49-66 error: tseries() is switched off by the setting `unstable_tseries` | set it to `enable`",
    ],
    ["config = { bad=raw } begin {}", "12-19 error: bad: not a known configuration option"],
    [
      "config = { max_strlens=1 } begin {}",
      "12-25 error: max_strlens: not a known configuration option | did you mean `max_strlen`?",
    ],
    ["config = { BAD=1 } begin {}", "12-17 error: BAD: not a known configuration option"],
    ["config = { vmlinux=1 } begin {}", "12-21 error: vmlinux: can only be set as an environment variable"],
    ["config = { max_probes=perf } begin {}", "23-27 error: max_probes: expecting a number, got perf"],
    ["config = { max_probes=0 } begin {}", "23-24 error: max_probes: expecting a number from 1 to 4294967295, got 0"],
    ['config = { log_size="x" } begin {}', "21-24 error: log_size: expecting a number, got x"],
    ["config = { perf_rb_pages=x } begin {}", "26-27 error: perf_rb_pages: expecting a number, got x"],
    [
      'config = { license="Potato" } begin {}',
      "20-28 error: Invalid value for license. Found: Potato. Valid values: Dual MIT/GPL, Dual BSD/GPL, Dual MPL/GPL, GPL and additional rights, GPL v2, GPL",
    ],
    [
      "config = { stack_mode=foo } begin {}",
      "23-26 error: Invalid value for stack_mode. Found: foo. Valid values: bpftrace, raw, perf, build_id",
    ],
    [
      "config = { print_maps_on_exit=3 } begin {}",
      "31-32 error: Invalid value for print_maps_on_exit. Found: 3. Valid values: 0, 1, true, false",
    ],
  ])("%s", (script, message) => {
    const first = checkScript(script)
      .diagnostics.filter(({ severity }) => severity === "error")
      .map(shown)[0];
    expect(first?.slice(0, message.length)).toBe(message);
  });
});

describe("a mistake that is reported once", () => {
  it.each([
    ["begin { kstack($n) }", "16-18 error: undefined variable `$n` | assign it first"],
    ["begin { ustack(raw, $n); }", "21-23 error: undefined variable `$n` | assign it first"],
    ["begin { kstack(1025); }", "16-20 error: kstack([int limit]): limit shouldn't exceed 1024, 1025 given"],
    ["begin { @[kstack($n)] = count(); }", "18-20 error: undefined variable `$n` | assign it first"],
  ])("%s", (script, message) => {
    expect(checkScript(script).diagnostics.map(shown)).toEqual([message]);
  });
});

describe("warnings", () => {
  it.each<[string, string]>([
    ["begin { print(@x); if (@x) {} }", "15-17 warning: Nothing is ever stored in @x: it reads as 0"],
    [
      "kprobe:vfs_read { print(str(arg0, 2000)) }",
      "35-39 warning: only 1024 bytes are kept, as max_strlen says | set more: `config = { max_strlen = 2000 }`",
    ],
    [
      "kprobe:vfs_read { print(str(arg0, 9999999)) }",
      "35-42 warning: only 1024 bytes are kept, as max_strlen says | set more: `config = { max_strlen = 1048576 }`",
    ],
    ["begin { @xy = @yx }", "15-18 warning: Nothing is ever stored in @yx: it reads as 0 | did you mean `@xy`?"],
    ["begin { exit(); print(1); }", "17-25 warning: Unreachable statement."],
    ["begin { return; print(1); }", "17-25 warning: Unreachable statement."],
    ["begin { return; print(1); print(2); }", "17-25 warning: Unreachable statement."],
    ["begin { while (1) { break; print(1); } }", "28-36 warning: Unreachable statement."],
    ["begin { unroll (2) { continue; print(1); } }", "32-40 warning: Unreachable statement."],
    ["begin { if (pid) { return; } else { exit(); } print(1); }", "47-55 warning: Unreachable statement."],
    ["begin { { exit(); } print(1); }", "21-29 warning: Unreachable statement."],
    ["begin { pid; }", "9-12 warning: Return value discarded. | write `_ = ...` if that is intended"],
    ['begin { strlen("a"); }', "9-20 warning: Return value discarded. | write `_ = ...` if that is intended"],
    ["begin { { 1 } }", "11-12 warning: Return value discarded. | write `_ = ...` if that is intended"],
    ["begin { @a = 1; @a }", "17-19 warning: Return value discarded. | write `_ = ...` if that is intended"],
    ["begin { print($2) }", "15-17 warning: Positional parameter $2 is empty or not provided. | it counts as 0"],
    [
      "begin { @a = stats(1); print(@a, 5) }",
      "24-36 warning: print()'s top and div arguments are ignored when used on stats() maps.",
    ],
    ["let @a = percpuhash(1); begin {}", "5-7 warning: Unused map: @a | remove its declaration"],
    ["config = { strlen=64 } begin {}", "12-21 warning: strlen has been renamed, please use max_strlen"],
    [
      "config = { symbol_source=dwarf } begin {}",
      "12-31 warning: symbol_source is deprecated and has no effect | leave it out",
    ],
    ["config = { missing_probes=warn } t:a:b {} begin {}", "34-39 warning: No matches for tracepoint a:b. Skipping."],
  ])("%s", (script, message) => {
    expect(checkScript(script).diagnostics.map(shown)[0]).toBe(message);
  });

  it.each([
    "begin { if (pid) { exit(); } print(1); }",
    "begin { _ = pid; $a = 1; $a++; --$a; @b[1]++; delete(@b, 1); delete(@b[1]); }",
    'begin { pid > 1 ? printf("a") : exit(); _ = { 1 } }',
    "begin { print($#); print(str($2)) }",
    "begin { if (pid) { return; } else { print(2); } print(1); }",
    "begin { while (pid) { return; } print(1); }",
    "begin { print(1); exit(); }",
    "begin { print(1); return; } end { print(2); }",
    "begin { if comptime (1 == 2) { return; } else { exit(); } print(1); }",
  ])("none: %s", (script) => {
    expect(checkScript(script).diagnostics).toEqual([]);
  });

  it.each([
    "enum e { a = 1, b } begin { print((enum e)2); print((enum e)pid) }",
    'begin { $x = "foo"; print($x[3]); print($x[pid]) }',
    "profile:1us {} interval:ns:1000 {}",
    "begin { @a = count(); @b = 1; @b = @a; @c = (uint64)@a; $d = @a }",
    "begin { print(sizeof({ $a = 1; $a })) }",
    "uprobe:/bin/example:main { print(macaddr(arg0)) }",
  ])("and accepts %s", (script) => {
    expect(checkScript(script).diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  it("say twice that a probe is left out, what is missing and what becomes of its block", () => {
    const script = "config = { missing_probes=warn } t:a:b {} begin {}";
    expect(checkScript(script).diagnostics.map(({ message }) => message)).toEqual([
      "No matches for tracepoint a:b. Skipping.",
      "Probe has no valid attach points. It is being removed which may cause issues with program behavior.",
    ]);
  });
});
