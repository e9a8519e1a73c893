import { describe, expect, it, test } from "vitest";
import { typeName } from "../../../compiler/sema/types.ts";
import { checkScript, errorsOf } from "../../support/check.ts";

/** The types of a script's maps, as `name[key]: value`. */
function maps(text: string, parameters: string[] = []): string {
  const { typed, diagnostics } = checkScript(text, parameters);
  expect(diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  return [...typed!.maps.values()]
    .map((m) => `${m.name}${m.keyed ? `[${typeName(m.key)}]` : ""}: ${typeName(m.value)}`)
    .join("; ");
}

function begin(body: string): string {
  return `begin { ${body} }`;
}

describe("types of values", () => {
  test.each([
    ["@x = 1", "@x: int8"],
    ["@x = 1000", "@x: int16"],
    ["@x = 0xffffffff", "@x: int64"],
    ["@x = 18446744073709551615", "@x: uint64"],
    ["@x = -1", "@x: int8"],
    ["@x = true", "@x: bool"],
    ['@x = "abc"', "@x: string[4]"],
    ['@x = "abc"; @x = "abcdef"', "@x: string[7]"],
    ["@x = (1, true)", "@x: (int8,bool)"],
    ['@x = (1, "a"); @x = (1000, "abc")', "@x: (int16,string[4])"],
    ["@x = pid", "@x: uint32"],
    ["@x = nsecs", "@x: uint64"],
    ["@x = comm", "@x: string[16]"],
    ["@x = str(arg0)", "@x: unknown"],
    ["@x = (uint8)300", "@x: uint8"],
    ["@x = (uint32)1 + (uint32)2", "@x: uint64"],
    ["@x = (int8)100 + 100", "@x: int64"],
    ["@x = (uint8)1; @x = 300", "@x: uint16"],
    ["@x = pid + tid", "@x: uint64"],
    ["@x = pid - tid", "@x: int64"],
    ["@x = pid + 1", "@x: uint64"],
    ["@x = pid + -1", "@x: int64"],
    ["@x = pid > 1", "@x: bool"],
    ["@x = !pid", "@x: bool"],
    ["@x = ~(uint8)5", "@x: uint8"],
    ["@x = ~5", "@x: uint64"],
    ["let $a: uint8 = 5; $a = pid; @x = $a", "@x: uint8"],
    ["let $a: string = comm; @x = $a", "@x: string[16]"],
    ['let $a: string; $a = "ab"; @x = $a', "@x: string[3]"],
    ["@x = 1; @x = pid", "@x: uint32"],
    ["@x = -1; @x = pid", "@x: int64"],
    ["@x++", "@x: int64"],
    ["@x += 1", "@x: int64"],
    ["@x = count()", "@x: count"],
    ["@x = hist(1, 3)", "@x: hist"],
    ["@x = tseries(1, 100ms, 20)", "@x: tseries"],
    ['@x[pid] = tseries(-5, 1s, 1000000, "min")', "@x[uint32]: tseries"],
    ["@x[1] = 1; @x[pid] = 2", "@x[uint32]: int8"],
    ["@x[pid, comm] = 1", "@x[(uint32,string[16])]: int8"],
    ['@x[1, "a"] = 1; @x[2, "abc"] = 1', "@x[(int8,string[4])]: int8"],
    ["$a = 1; $a = 1000; @x = $a", "@x: int16"],
    ["$a = (uint8)255; $a++; @x = $a", "@x: uint64"],
    ["@x = pid > 1 ? 1 : 1000", "@x: int16"],
    ['@x = pid > 1 ? "a" : "bbb"', "@x: string[4]"],
    ["@x = sizeof(pid)", "@x: uint64"],
    ["@x = { let $a = 5; $a + 1 }", "@x: int64"],
    ["@a = count(); @x = (int64)@a", "@a: count; @x: int64"],
    ["@a = sum(5); if (@a > 3) { @x = 1 }", "@a: sum; @x: int8"],
  ])("%s", (body, expected) => {
    if (expected.endsWith("unknown")) expect(errorsOf(begin(body))).not.toEqual([]);
    else expect(maps(begin(body))).toBe(expected);
  });

  it("takes numbers and texts from positional parameters", () => {
    expect(maps(begin("@a = $1; @b = $2; @c = $3; @d = $#; @e = str($1)"), ["70000", "abc"])).toBe(
      "@a: int32; @b: string[4]; @c: int8; @d: int8; @e: string[6]",
    );
  });

  it.each([
    ["5ms", "int32"],
    ["1_000", "int16"],
    ["2e3", "int16"],
    ["-0x5", "int8"],
    ["+5", "int8"],
    ["010", "int8"],
    ["1UL", "string[4]"],
    ["1e", "string[3]"],
    ["08", "string[3]"],
    ["99999999999999999999", "string[21]"],
    ["-9223372036854775809", "string[21]"],
  ])("the parameter %s is of type %s", (text, type) => {
    expect(maps(begin("@a = $1"), [text])).toBe(`@a: ${type}`);
  });

  it("joins the types of a map over all probes", () => {
    expect(maps("begin { @x[1] = 1 } end { @x[pid] = 100000 }")).toBe("@x[uint32]: int32");
  });
});

describe("errors", () => {
  test.each([
    ["begin { @x = pids }", "unknown-builtin 1:14"],
    ["begin { @x = foo(1) }", "unknown-function 1:14"],
    ["begin { $x++ }", "undefined-variable 1:9"],
    ["begin { if (1) { $x = 1 } @y = $x }", "undefined-variable 1:32"],
    ["begin { @a[1] = 1; @a = 2 }", "map-key 1:20"],
    ['begin { @a[1] = 1; @a["x"] = 2 }', "map-key 1:23"],
    ["begin { @a = 1; @a[1] = 2 }", "map-key 1:17"],
    ["begin { @a[1, 2] = 1; @a[3] = 2 }", "map-key 1:26"],
    ['begin { @a = 1; @a = "x" }', "map-value 1:17"],
    ["begin { @a = count(); @a = 1 }", "map-value 1:23"],
    ["begin { @a = count(); @a = sum(1) }", "map-value 1:23"],
    ["begin { @a = hist(1); @a = hist(1, 3) }", "map-value 1:23"],
    ['begin { $a = 1; $a = "x" }', "variable-type 1:22"],
    ["begin { count() }", "aggregate-value 1:9"],
    ["begin { $a = hist(1) }", "aggregate-value 1:14"],
    ["begin { $a = (1, count()) }", "aggregate-value 1:18"],
    ["begin { @a[count()] = 1 }", "aggregate-value 1:12"],
    ["begin { if (max(1)) { exit() } }", "aggregate-value 1:13"],
    ["begin { print(sum(1)) }", "aggregate-value 1:15"],
    ["begin { @a = 1 + count() }", "aggregate-value 1:18"],
    ["begin { @a[1] = hist(1); for ($kv : @a) { exit() } }", "loop-map 1:37"],
    ["begin { let $a; print($a) }", "unresolved-type 1:23"],
    ["begin { let $a; let $b; $b = $a; $a = $b; }", "unresolved-type 1:30"],
    ["begin { @a = hist(1); @b = @a }", "aggregate-value 1:28"],
    ["begin { @a = count(1) }", "argument-count 1:14"],
    ["begin { @a = sum() }", "argument-count 1:14"],
    ['begin { @a = sum("x") }', "integer-expected 1:18"],
    ["begin { @a = lhist(1, 10, 5, 1) }", "argument-range 1:14"],
    ["begin { @a = lhist(1, 0, 10, 0) }", "argument-range 1:30"],
    ["begin { @a = lhist(1, 0, pid, 1) }", "constant-expected 1:26"],
    ["begin { @a = lhist(1, 0, 100000, 1) }", "argument-range 1:14"],
    ["begin { @a = hist(1, 9) }", "argument-range 1:22"],
    ["begin { @a = tseries(1, 1s) }", "argument-count 1:14"],
    ["begin { @a = tseries(1, 0, 5) }", "argument-range 1:25"],
    ["begin { @a = tseries(1, -1, 5) }", "argument-range 1:25"],
    ["begin { @a = tseries(1, 200d, 5) }", "argument-range 1:25"],
    ["begin { @a = tseries(1, 1s, 0) }", "argument-range 1:29"],
    ["begin { @a = tseries(1, 1s, 1000001) }", "argument-range 1:29"],
    ["begin { @a = tseries(1, 1s, pid) }", "constant-expected 1:29"],
    ['begin { @a = tseries(1, 1s, 5, "mean") }', "argument-range 1:32"],
    ["begin { @a = tseries(1, 1s, 5, comm) }", "literal-expected 1:32"],
    ['begin { @a = tseries("x", 1s, 5) }', "integer-expected 1:22"],
    ["begin { @a = tseries(1, 1s, 5); @a = tseries(1, 2s, 5) }", "map-value 1:33"],
    ['begin { @a = tseries(1, 1s, 5); @a = tseries(1, 1s, 5, "sum") }', "map-value 1:33"],
    ["begin { $a = tseries(1, 1s, 5) }", "aggregate-value 1:14"],
    ["begin { tseries(1, 1s, 5) }", "aggregate-value 1:9"],
    ["begin { @a[1] = tseries(1, 1s, 5); print(@a[1]) }", "aggregate-value 1:42"],
    ["begin { @a[1] = tseries(1, 1s, 5); delete(@a, 1) }", "map-value 1:43"],
    ["begin { @a[1] = tseries(1, 1s, 5); delete(@a[1]) }", "map-value 1:43"],
    ["begin { @a = tseries(1, 1s, 5); delete(@a) }", "map-value 1:40"],
    ["begin { @a[1] = tseries(1, 1s, 5); if (has_key(@a, 1)) { exit() } }", "map-value 1:48"],
    ["begin { @a[1] = tseries(1, 1s, 5); $v = 1; if (find(@a, 1, $v)) { exit() } }", "map-value 1:53"],
    ['begin { @a = "x" + 1 }', "operand-type 1:14"],
    ['begin { @a = "x" < "y" }', "operand-type 1:14"],
    ['begin { @a = 1 == "y" }', "operand-type 1:19"],
    ["begin { @a = 5 / 0 }", "division-by-zero 1:14"],
    ["begin { @a = 5 % 0 }", "division-by-zero 1:14"],
    ["begin { @a = 1 << 64 }", "constant-overflow 1:14"],
    ["begin { @a = 1 >> -1 }", "constant-overflow 1:14"],
    ["begin { @a = pid / 0 }", "division-by-zero 1:14"],
    ["begin { @a = 0xffffffffffffffff * 2 }", "constant-overflow 1:14"],
    ['begin { if ("x") { exit() } }', "condition-type 1:13"],
    ['begin { $s = "hello"; @a = $s[6] }', "index-range 1:31"],
    ["begin { @a = *true }", "dereference 1:15"],
    ["begin { @a = pid.x }", "field-access 1:18"],
    ["begin { @a = (1, 2).2 }", "tuple-access 1:14"],
    ["begin { @a = pid[0] }", "index-access 1:14"],
    ['begin { printf("%d") }', "format-arguments 1:9"],
    ['begin { debugf("%f", 1) }', "format-conversion 1:16"],
    ['begin { debugf("%d", "a") }', "format-type 1:22"],
    ["begin { debugf(comm) }", "literal-expected 1:16"],
    ['begin { printf("%d", 1, 2) }', "format-arguments 1:9"],
    ['begin { printf("%d", "x") }', "format-type 1:22"],
    ['begin { printf("%f", 1) }', "format-conversion 1:16"],
    ["begin { printf(comm) }", "literal-expected 1:16"],
    ["begin { clear(1) }", "map-expected 1:15"],
    ["begin { delete(@x, 1) }", "undefined-map 1:16"],
    ["begin { @x[1] = 1; delete(@x) }", "map-key 1:27"],
    ["begin { print(@x) }", "undefined-map 1:15"],
    ["begin { print(@x); clear(@x) }", "undefined-map 1:15"],
    ["begin { for ($kv : @x) { print(1) } }", "undefined-map 1:20"],
    ["begin { unroll (0) { exit() } }", "unroll-count 1:17"],
    ["begin { unroll (pid) { exit() } }", "constant-expected 1:17"],
    ["begin { break; }", "loop-control 1:9"],
    ["begin { @x = args.foo }", "wrong-probe 1:14"],
    ["begin { @x = (uint7)5 }", "unknown-type 1:15"],
    ['begin { @x = (uint8)"a" }', "cast 1:14"],
    ['begin { @x = 1 > 0 ? 1 : "a" }', "ternary-type 1:26"],
    ["begin { let $a = 1; let $a = 2; }", "duplicate-variable 1:25"],
    ["begin { let $a: uint8 = comm; }", "variable-type 1:25"],
    ["begin { let $a: uint8 = 256; }", "variable-type 1:25"],
    ["begin { let $a: uint16 = -1; }", "variable-type 1:26"],
    ["begin { let $a: uint8; $a = 300; }", "variable-type 1:29"],
    ['begin { let $a: string[3] = "abcdef"; }', "variable-type 1:29"],
    ["begin { let $a: int32*; $a = (int64*)0; }", "variable-type 1:30"],
    ["begin { let $a: void*; $a = (int64*)0; }", undefined],
    ["begin { let $x = 1; if ($x) { let $x = 2; } }", "duplicate-variable 1:35"],
    ["begin { $i = 3; for ($i : 0..3) { print($i); } }", "duplicate-variable 1:22"],
    ["begin { { let $y = 2; } { let $y = pid; } }", undefined],
    ["begin { @x = exit() }", "void-value 1:9"],
    ["begin { $x = exit() }", "void-value 1:14"],
    ["nope:x { exit() }", "unknown-probe-type 1:1"],
    ["tracepoint:a { exit() }", "attach-point-form 1:1"],
    ["tracepoint:syscalls:sys_enter_opena { exit() }", "no-such-tracepoint 1:1"],
    ["tracepoint:nothing:* { exit() }", "no-probe 1:1"],
    ["interval:x:1 { exit() }", "attach-point-form 1:1"],
    ["interval:s:0 { exit() }", "attach-point-form 1:1"],
    ["software:fault:1 { exit() }", "unknown-event 1:1"],
    ["tracepoint:syscalls:sys_enter_openat { @x = args.filenam }", "unknown-field 1:50"],
    ["config = { max_strlens = 5 } begin { exit() }", "unknown-config 1:12"],
    ["config = { max_strlen = abc } begin { exit() }", "config-value 1:25"],
    ['begin { @x = nsecs("x") }', "argument-type 1:20"],
  ])("%s", (text, expected) => {
    expect(errorsOf(text)[0]).toBe(expected);
  });

  it("a wildcard may match nothing where another attach point does", () => {
    expect(errorsOf("begin, tracepoint:nothing:* { exit() }")).toEqual([]);
  });

  it("reports several at once, each once", () => {
    expect(errorsOf("begin { @a = 1; @a[1] = 2; print(@a[pid]) }")).toEqual(["map-key 1:17", "map-key 1:34"]);
    expect(errorsOf('begin { debugf("%f", 1) }')).toEqual(["format-conversion 1:16"]);
    expect(errorsOf("begin { @a = pids; @b = foo(); $c++; }")).toEqual([
      "unknown-builtin 1:14",
      "unknown-function 1:25",
      "undefined-variable 1:32",
    ]);
  });

  test.each([
    ["begin { @x = pids }", "did you mean `pid`?"],
    ["begin { @x = cout() }", "did you mean `count`?"],
    ["tracepoint:syscalls:sys_enter_opena { exit() }", "did you mean `syscalls:sys_enter_openat`?"],
    ["tracepoint:syscalls:sys_enter_openat { @x = args.filenam }", "did you mean `filename`?"],
    ["tracepoin:a:b { exit() }", "did you mean `tracepoint`?"],
    ["begin { $count = 1; @x = $coutn }", "did you mean `$count`?"],
  ])("%s suggests a name", (text, help) => {
    expect(checkScript(text).diagnostics[0]?.help).toContain(help);
  });
});

describe("warnings", () => {
  const warningsOf = (text: string) =>
    checkScript(begin(text)).diagnostics.map(({ code, span }) => `${code} ${span.start - "begin { ".length}`);

  test.each([
    ["$c = (uint64)1; $d = (int64)-1; $c = $d", []],
    ["$c = nsecs; $d = (int64)-1; $c = $d", ["integer-conversion 5"]],
    ["$b = -1; let $a: uint16 = $b", ["integer-conversion 26"]],
    ["let $a: uint8 = (uint16)300", ["integer-conversion 16"]],
    ["let $a: uint16 = (uint16)-1", []],
    ["let $a: uint64 = pid", []],
    ["let $a: uint8 = 255; $a += 1; $a++", []],
    ["@x = -1; @x = nsecs", ["integer-conversion 14"]],
    ["@x[-1] = 1; @x[nsecs] = 1", ["integer-conversion 15"]],
    ["$a = (1, -1); $a = (1, nsecs)", ["integer-conversion 23"]],
    ["@x[tid] = nsecs; $d = nsecs - @x[tid]", []],
    ["$a = (int64)-5; @ = nsecs > $a", ["sign-mismatch 20"]],
    ["@ = nsecs / -2", ["sign-mismatch 4"]],
    ["$a = (int64)-5; @ = pid > $a", []],
    ["@ = nsecs > 5 && nsecs % 10 == 1", []],
    ["print(str(curtask.comm, 2000)); print(str((int8*)curtask, 1024))", []],
    ["print(str((int8*)curtask, 1025))", ["length-cut 26"]],
    ["print(buf((int8*)curtask, 1024)); print(buf((int8*)curtask, 1025))", ["length-cut 60"]],
  ])("%s", (body, expected) => {
    expect(warningsOf(body)).toEqual(expected);
  });
});

describe("probes", () => {
  const names = (text: string) => checkScript(text).typed!.units.flatMap((u) => u.probes.map((p) => p.name));

  it("expands wildcards", () => {
    const found = names("tracepoint:syscalls:sys_enter_* { @ = count() }");
    expect(found.length).toBeGreaterThan(2);
    expect(found).toContain("tracepoint:syscalls:sys_enter_openat");
  });

  it("puts probes whose arguments agree into one unit", () => {
    expect(checkScript("tracepoint:syscalls:sys_enter_* { @[probe] = count() }").typed!.units).toHaveLength(1);
  });

  test.each([
    ["interval:s:1 { exit() }", { kind: "interval", periodNs: 1_000_000_000 }],
    ["interval:100ms { exit() }", { kind: "interval", periodNs: 100_000_000 }],
    ["interval:1500 { exit() }", { kind: "interval", periodNs: 1500 }],
    ["profile:hz:99 { exit() }", { kind: "profile", period: { hz: 99 } }],
    ["profile:us:10 { exit() }", { kind: "profile", period: { ns: 10_000 } }],
    ["software:faults:7 { exit() }", { kind: "perf-counter", class: "software", config: 2, period: 7 }],
    ["software:cs { exit() }", { kind: "perf-counter", class: "software", config: 3, period: 1000 }],
    ["hardware:cycles: { exit() }", { kind: "perf-counter", class: "hardware", config: 0, period: 1_000_000 }],
  ])("%s", (text, event) => {
    expect(checkScript(text).typed!.units[0]!.probes[0]!.event).toEqual(event);
  });

  test.each([
    ["interval:s:1", "interval:s:1"],
    ["i:1s", "interval:us:1000000"],
    ["interval:1500", "interval:us:1"],
    ["p:5ms", "profile:us:5000"],
    ["profile:hz:99", "profile:hz:99"],
  ])("%s is called %s", (point, name) => {
    expect(checkScript(`${point} { exit() }`).typed!.units[0]!.probes[0]!.name).toBe(name);
  });
});

describe("map declarations", () => {
  test.each([
    ["let @a = hash(5); begin { @a[1] = 1 }", undefined],
    ["let @a = hash(2 * 8); begin { @a[1] = 1 }", undefined],
    ["#define N 7\nlet @a = lruhash(N); begin { @a[1] = 1 }", undefined],
    ["enum e { N = 7 };\nlet @a = lruhash(N + 1); begin { @a[1] = 1 }", undefined],
    ["let @a = percpuhash(5); begin { @a[1] = count() }", undefined],
    ["let @a = hsah(5); begin { @a[1] = 1 }", "map-type 1:10"],
    ["let @a = percpuarray(5); begin { @a[1] = 1 }", "map-type 1:10"],
    ["let @a = hash(0); begin { @a[1] = 1 }", "argument-range 1:15"],
    ["let @a = hash(-1); begin { @a[1] = 1 }", "argument-range 1:15"],
    ["let @a = hash(5000000000); begin { @a[1] = 1 }", "argument-range 1:15"],
    ["let @a = hash(pid); begin { @a[1] = 1 }", "constant-expected 1:15"],
    ['let @a = hash("x"); begin { @a[1] = 1 }', "constant-expected 1:15"],
    ["let @a = percpuhash(5); begin { @a[1] = 1 }", "map-type 1:10"],
    ["let @a = hash(5); begin { @a[1] = count() }", "map-type 1:10"],
    ["let @a = hash(5); let @a = hash(6); begin { @a[1] = 1 }", "duplicate-map 1:23"],
  ])("%s", (text, expected) => {
    expect(errorsOf(text)[0]).toBe(expected);
  });
});

describe("questions about types", () => {
  test.each([
    ["$a = (int16)1; let $b: typeof($a) = 2; @x = $b", "@x: int16"],
    ["$a = (int16)1; @x = sizeof($a)", "@x: uint64"],
    ["@x = (typeof((uint8)1))300", "@x: uint8"],
    ['@k["abc"] = 1; let $k: typeof(@k) = "a"; @x = $k', "@k[string[4]]: int8; @x: string[4]"],
    ["if comptime is_integer(1) { @x = 1 } else { @x = nonsense() }", "@x: int8"],
    ['if comptime is_str("a") { @x = 1 } else { @y = 1 }', "@x: int8"],
    ['@x = comptime is_ptr(1) ? nonsense() : "no"', "@x: string[3]"],
    ['let $a; if comptime is_str($a) { @x = 1 } else { @y = 1 } $a = "s"', "@x: int8"],
    ["@x = typeinfo((int16)1).full_type", "@x: string[6]"],
    ["@x = comptime (1 + 2)", "@x: int8"],
  ])("%s", (body, expected) => {
    expect(maps(begin(body))).toBe(expected);
  });

  test.each([
    ["begin { @x = comptime pid }", "not-constant 1:23"],
    ["begin { @x = (string[3])comm }", "cast 1:14"],
    ['begin { @x = comm + "b" }', "operand-type 1:14"],
    ["begin { @x = kfunc_allowed(comm) }", "literal-expected 1:28"],
    ["begin { @x = str($1 + 9) }", undefined],
    ["begin { @a[1] = 2; find(@a, 1, $v) }", "undefined-variable 1:32"],
    ["begin { @a[1] = 2; let $v; find(@a, 1, $v) }", undefined],
    ['begin { @x = getopt("n", 1) + getopt("n", 0x1) } end { @y = (getopt("f"), getopt("f", false)) }', undefined],
    ['begin { @x = getopt("n", "a") } end { @y = getopt("n", "b") }', "parameter-default 1:44"],
    ["begin { @x = str($1 + -1) }", "argument-range 1:23"],
    ["begin { @x = str(comm, -1) }", "argument-range 1:24"],
    ['begin { @x = str(comm, "1") }', "integer-expected 1:24"],
    ["begin { @x = str($1 + pid) }", "constant-expected 1:23"],
    ["begin { if comptime (pid == 1) { exit() } }", "not-constant 1:22"],
    ["begin { @x = typeof(1) }", "type-as-value 1:14"],
    ["begin { let $x: nope = 1; }", "unknown-type 1:17"],
    ['begin { fail("a %d %s", 1, "b") }', "fail 1:9"],
    ["begin { fail(comm) }", "literal-expected 1:14"],
    ['begin { fail("%d", pid) }', "constant-expected 1:20"],
    ['begin { if (0) { fail("never") } exit() }', undefined],
    ['begin { if (1) { exit() } else { fail("never") } }', undefined],
    ['begin { if comptime (1 == 2) { fail("never") } exit() }', undefined],
    ['begin { static_assert(1 == 2, "wrong") }', "fail 13:5"],
    ['begin { static_assert(sizeof(uint64) == 8, "right"); exit() }', undefined],
  ])("%s", (text, expected) => {
    expect(errorsOf(text)[0]).toBe(expected);
  });
});

describe("types from C", () => {
  const script = (definitions: string, body: string): string => `${definitions}\nbegin { ${body} }`;
  test.each([
    ["struct s { int a; char b[4]; };", "@x = ((struct s *)0).b", "@x: string[4]"],
    ["struct s { unsigned char a; };", "@x = ((s *)0).a", "@x: uint8"],
    ["typedef struct { short a; } t;", "@x = ((t *)0).a", "@x: int16"],
    ["struct s { struct { int a; }; };", "@x = ((struct s *)0).a", "@x: int32"],
    ["struct s { unsigned a : 3; };", "@x = ((struct s *)0).a", "@x: uint32"],
    ["struct s { int (*f)(void); };", "@x = ((struct s *)0).f", "@x: void *"],
    ["struct s { int a[3]; };", "@x = ((struct s *)0).a[1]", "@x: int32"],
    ["enum e { A = 1, B };", "@x = B", "@x: enum e"],
    ["enum e { A = 1, B };", "@x = A; @x = B", "@x: enum e"],
    ["enum e { A = 1, B };", "@x = A + B", "@x: int8"],
    ["#define N 300", "@x = N", "@x: int16"],
    ['#define S "abc"', "@x = S", "@x: string[4]"],
    ["#define ADD(a, b) ((a) + (b))", "@x = ADD(1, 2)", "@x: int8"],
  ])("%s %s", (definitions, body, expected) => {
    expect(maps(script(definitions, body))).toBe(expected);
  });
});
