/** Every case is also printed and parsed again: see roundTrip. */
import { describe, expect, it } from "vitest";
import { expressionOf, parseClean, roundTrip, shape, shapeOfStatement, shapeOfType, statementOf } from "./support.ts";

describe("expressions", () => {
  it.each<[string, string]>([
    // Single things
    ["5ms", "5000000"],
    ['"a\\n"', '"a\\n"'],
    ["true", "true"],
    ["pid", "pid"],
    ["$x", "$x"],
    ["$1", "param1"],
    ["$#", "param0"],
    ["@", "@"],
    ["@x", "@x"],
    ["@x[1]", "@x[1]"],
    ["@x[1, comm]", "@x[(tuple 1 comm)]"],
    ["@x[(1, comm)]", "@x[(tuple 1 comm)]"],
    ["@x[(1,)]", "@x[(tuple 1)]"],
    ["@[pid]", "@[pid]"],
    ["@x[1][2]", "@x[1][2]"],
    // Precedence, loosest to tightest
    ["1 || 2 && 3", "(|| 1 (&& 2 3))"],
    ["1 && 2 | 3", "(&& 1 (| 2 3))"],
    ["1 | 2 ^ 3", "(| 1 (^ 2 3))"],
    ["1 ^ 2 & 3", "(^ 1 (& 2 3))"],
    ["1 & 2 == 3", "(& 1 (== 2 3))"],
    ["1 != 2 < 3", "(!= 1 (< 2 3))"],
    ["1 >= 2 << 3", "(>= 1 (<< 2 3))"],
    ["1 >> 2 + 3", "(>> 1 (+ 2 3))"],
    ["1 - 2 * 3", "(- 1 (* 2 3))"],
    ["1 * -2", "(* 1 (- 2))"],
    ["!1 + ~2", "(+ (! 1) (~ 2))"],
    ["(1 || 2) && 3", "(&& (|| 1 2) 3)"],
    ["(1 | 2) == 3", "(== (| 1 2) 3)"],
    ["(1 + 2) << 3", "(<< (+ 1 2) 3)"],
    ["1 - (2 - 3)", "(- 1 (- 2 3))"],
    ["1 - 2 - 3", "(- (- 1 2) 3)"],
    ["1 / 2 / 3", "(/ (/ 1 2) 3)"],
    ["1 % 2 * 3", "(* (% 1 2) 3)"],
    ["1 == 2 == 3", "(== (== 1 2) 3)"],
    ["1 < 2 <= 3", "(<= (< 1 2) 3)"],
    ["-$x.y", "(- $x.y)"],
    ["*$p.x[1]", "(* $p.x[1])"],
    ["(*$p).x", "(* $p).x"],
    ["- -1", "(- (- 1))"],
    ["-(-1)", "(- (- 1))"],
    ["- --$x", "(- (-- $x))"],
    ["+1", "(+ 1)"],
    ["**$p", "(* (* $p))"],
    ["&$x", "(& $x)"],
    ["&@x", "(& @x)"],
    ["a * *b", "(* a (* b))"],
    // Ternaries
    ["1 ? 2 : 3", "(? 1 2 3)"],
    ["1 ? 2 : 3 ? 4 : 5", "(? 1 2 (? 3 4 5))"],
    ["1 ? 2 ? 3 : 4 : 5", "(? 1 (? 2 3 4) 5)"],
    ["(1 ? 2 : 3) ? 4 : 5", "(? (? 1 2 3) 4 5)"],
    ["1 || 2 ? 3 : 4", "(? (|| 1 2) 3 4)"],
    ["1 + (2 ? 3 : 4)", "(+ 1 (? 2 3 4))"],
    ["$x ?: 5", "(? $x = 5)"],
    ["$x ?: $y ?: 5", "(? $x = (? $y = 5))"],
    ["if (1) { 2 } else { 3 }", "(if 1 {2} {3})"],
    ["if 1 { 2 } else if 3 { f(); 4 } else { 5 }", "(if 1 {2} (if 3 {f(); 4} {5}))"],
    ["if 1 { 2 } else { if 3 { 4 } else { 5 } }", "(if 1 {2} {(if 3 {4} {5})})"],
    ["if (if 1 { 2 } else { 3 }) { 4 } else { 5 }", "(if (if 1 {2} {3}) {4} {5})"],
    ["(if 1 { 2 } else { 3 }) + 4", "(+ (if 1 {2} {3}) 4)"],
    // Increments
    ["$x++", "($x ++)"],
    ["++$x", "(++ $x)"],
    ["@x[1]--", "(@x[1] --)"],
    ["--@x", "(-- @x)"],
    ["$x++ + ++$y", "(+ ($x ++) (++ $y))"],
    ["$x++ - --$y", "(- ($x ++) (-- $y))"],
    // Access
    ["a.b.c", "a.b.c"],
    ["args->x", "args->x"],
    ["args.x", "args.x"],
    ["a.b->c", "a.b->c"],
    ["a.if.struct", "a.if.struct"],
    ["a[1][2].b", "a[1][2].b"],
    ["$t.0", "$t.0"],
    ["$t.0.1", "$t.0.1"],
    ["$t . 0 . 1", "$t.0.1"],
    ["@x[1].0", "@x[1].0"],
    ["(1, 2).0", "(tuple 1 2).0"],
    ["(1).0", "1.0"],
    ["f(1).a", "f(1).a"],
    ["(a + b).c", "(+ a b).c"],
    ["curtask.comm", "curtask.comm"],
    // Calls
    ["f()", "f()"],
    ["f(1, $x, @y)", "f(1, $x, @y)"],
    ["f!(1)", "f(1)"],
    ["f (1)", "f(1)"],
    ["f({ 1 })", "f({1})"],
    ["f({ g(); })", "f({g();})"],
    ["f({ 1 } + 2 * 3)", "f((+ {1} (* 2 3)))"],
    ["f({ $x }.1, { g(); })", "f({$x}.1, {g();})"],
    ["f({ 1 } == 1 ? 2 : 3)", "f((? (== {1} 1) 2 3))"],
    ["f(typeof(x))", "f(<typeof(x)>)"],
    ["f(struct x *)", "f(<struct x*>)"],
    ["f(uint64, int8*)", "f(<uint64>, <int8*>)"],
    ["f((uint64))", "f(uint64)"],
    ["f(x[4])", "f(x[4])"],
    ["f(!x)", "f((! x))"],
    ["a != (b)", "(!= a b)"],
    // Parentheses
    ["(1)", "1"],
    ["((1))", "1"],
    ["()", "(tuple)"],
    ["(1,)", "(tuple 1)"],
    ["(1, 2)", "(tuple 1 2)"],
    ["(1, 2,)", "(tuple 1 2)"],
    ["(1, (2, 3))", "(tuple 1 (tuple 2 3))"],
    ["(a=1, b=2)", "(record a=1 b=2)"],
    ["(a = 1)", "(record a=1)"],
    ["(a = (b = 1), c = 2).a", "(record a=(record b=1) c=2).a"],
    ["(a == 1)", "(== a 1)"],
    // Casts
    ["(uint64)$x", "(cast uint64 $x)"],
    ["(uint64)-1", "(cast uint64 (- 1))"],
    ["(uint64)$x + 1", "(+ (cast uint64 $x) 1)"],
    ["(uint64)($x + 1)", "(cast uint64 (+ $x 1))"],
    ["(uint64)$x.y", "(cast uint64 $x.y)"],
    ["((uint64)$x).y", "(cast uint64 $x).y"],
    ["(struct foo *)arg0", "(cast struct foo* arg0)"],
    ["(struct foo**)arg0", "(cast struct foo** arg0)"],
    ["((struct foo *)arg0)->x", "(cast struct foo* arg0)->x"],
    ["*(struct foo *)arg0", "(* (cast struct foo* arg0))"],
    ["(union u)x", "(cast union u x)"],
    ["(enum e)1", "(cast enum e 1)"],
    ["(int8[8])x", "(cast int8[8] x)"],
    ["(uint8[])x", "(cast uint8[] x)"],
    ["(int32*[4])x", "(cast int32*[4] x)"],
    ["(int32[4]*)x", "(cast int32[4]* x)"],
    ["(int8[2][3])x", "(cast int8[2][3] x)"],
    ["(string[64])x", "(cast string[64] x)"],
    ["(typeof(x))y", "(cast typeof(x) y)"],
    ["(typeof($x) *)arg0", "(cast typeof($x)* arg0)"],
    ["(typeof(struct a))-1", "(cast typeof(<struct a>) (- 1))"],
    ["(size_t)-1", "(cast size_t (- 1))"],
    ["(foo)bar", "(cast foo bar)"],
    ["(foo *)-1", "(cast foo* (- 1))"],
    ["(a)-b", "(cast a (- b))"],
    ["(uint8)(uint16)1", "(cast uint8 (cast uint16 1))"],
    ["(bool)if 1 { 2 } else { 3 }", "(cast bool (if 1 {2} {3}))"],
    // What looks like a cast
    ["(cpu) - 1", "(- cpu 1)"],
    ["(pid) * 2", "(* pid 2)"],
    ["(arg0) & 1", "(& arg0 1)"],
    ["(FLAG) & 1", "(& FLAG 1)"],
    ["(nsecs) - @start[tid]", "(- nsecs @start[tid])"],
    ["($x) - 1", "(- $x 1)"],
    ["(a * b)", "(* a b)"],
    ["(a[4])", "a[4]"],
    ["(x) == 1", "(== x 1)"],
    ["(x) ? 1 : 2", "(? x 1 2)"],
    ["(x).y", "x.y"],
    ["(typeof(x), 1)", "(tuple <typeof(x)> 1)"],
    // Operators on types
    ["sizeof(x)", "(sizeof x)"],
    ["sizeof(uint64)", "(sizeof <uint64>)"],
    ["sizeof(struct task_struct)", "(sizeof <struct task_struct>)"],
    ["sizeof(foo *)", "(sizeof <foo*>)"],
    ["sizeof(foo[4])", "(sizeof <foo[4]>)"],
    ["sizeof((foo[4]))", "(sizeof foo[4])"],
    ["sizeof((uint64))", "(sizeof uint64)"],
    ["sizeof(comm)", "(sizeof comm)"],
    ["sizeof($x.y)", "(sizeof $x.y)"],
    ["sizeof(1 + 2)", "(sizeof (+ 1 2))"],
    ["sizeof(typeof(x))", "(sizeof <typeof(x)>)"],
    ["sizeof(*$p)", "(sizeof (* $p))"],
    ["sizeof", "sizeof"],
    ["offsetof(struct a, b)", "(offsetof <struct a> b)"],
    ["offsetof(struct a, b.c.d)", "(offsetof <struct a> b.c.d)"],
    ["offsetof(*curtask, comm)", "(offsetof (* curtask) comm)"],
    ["typeof(x) == typeof(y)", "(== <typeof(x)> <typeof(y)>)"],
    ["typeinfo(x).base_type", "(typeinfo x).base_type"],
    ["typeinfo(struct a)", "(typeinfo <struct a>)"],
    ["comptime (1 + 2)", "(comptime (+ 1 2))"],
    ["comptime f(x) + 1", "(+ (comptime f(x)) 1)"],
    // Blocks
    ["{ 1 }", "{1}"],
    ["{ let $a = 1; $a }", "{let $a = 1; $a}"],
    ["{ { 1 } }", "{{1}}"],
    ["({ 1 }) + 2", "(+ {1} 2)"],
    ["{ if 1 { 2 } else { 3 } }", "{(if 1 {2} {3})}"],
    ["{ if 1 { f(); } 2 }", "{if 1 {f();}; 2}"],
    ["{ if 1 { f() } 2 }", "{if 1 {f();}; 2}"],
    ["{ $x = 1; $x++ }", "{$x = 1; ($x ++)}"],
    // Words that are no keywords here
    ["config + import + macro", "(+ (+ config import) macro)"],
    ["and", "and"],
  ])("%s", (text, expected) => {
    const { expression, script } = expressionOf(text);
    expect(shape(expression)).toBe(expected);
    roundTrip(script);
  });
});

describe("statements", () => {
  it.each<[string, string]>([
    ["f();", "f()"],
    ["f()", "f()"],
    ["1;", "1"],
    ["$x", "$x"],
    ["$1", "param1"],
    ["$x = 1;", "$x = 1"],
    ["$x = 1", "$x = 1"],
    ["@x = count();", "@x = count()"],
    ["@ = count()", "@ = count()"],
    ["@x[1, 2] = 3;", "@x[(tuple 1 2)] = 3"],
    ["$x.y = 1;", "$x.y = 1"],
    ["_ = f();", "_ = f()"],
    ["_ == 1;", "(== _ 1)"],
    ["$x += 1;", "$x += 1"],
    ["$x -= 1;", "$x -= 1"],
    ["$x *= 2;", "$x *= 2"],
    ["$x /= 2;", "$x /= 2"],
    ["$x %= 2;", "$x %= 2"],
    ["@x &= 1;", "@x &= 1"],
    ["@x |= 1;", "@x |= 1"],
    ["@x ^= 1;", "@x ^= 1"],
    ["@x[1] <<= 1;", "@x[1] <<= 1"],
    ["@x[1] >>= 1;", "@x[1] >>= 1"],
    ["$x = -1;", "$x = (- 1)"],
    ["$x=-1;", "$x = (- 1)"],
    ["$x=&$y;", "$x = (& $y)"],
    ["$x++;", "($x ++)"],
    ["++@x[1];", "(++ @x[1])"],
    ["*$x;", "(* $x)"],
    ["delete(@x[1]);", "delete(@x[1])"],
    ["delete(@x, 1);", "delete(@x, 1)"],
    ["let $x;", "let $x"],
    ["let $x", "let $x"],
    ["let $x = 1;", "let $x = 1"],
    ["let $x: uint64;", "let $x: uint64"],
    ["let $x : struct foo * = arg0;", "let $x: struct foo* = arg0"],
    ["let $x : string[16];", "let $x: string[16]"],
    ["let $x : typeof($y) = 1;", "let $x: typeof($y) = 1"],
    ["if (1) { f(); }", "if 1 {f();}"],
    ["if (1) { f() }", "if 1 {f();}"],
    ["if 1 { f() }", "if 1 {f();}"],
    ["if pid == 1 { f() }", "if (== pid 1) {f();}"],
    ["if (pid) == 1 { f() }", "if (== pid 1) {f();}"],
    ["if (x) { f() }", "if x {f();}"],
    ["if (uint64)$x { f() }", "if (cast uint64 $x) {f();}"],
    ["if ((1, 2)) { }", "if (tuple 1 2) {}"],
    ["if comptime (1 != 2) { }", "if (comptime (!= 1 2)) {}"],
    ["if (1) { } else { f() }", "if 1 {} else {f();}"],
    ["if 1 { } else if 2 { } else { }", "if 1 {} else {if 2 {} else {};}"],
    ["if 1 { } else { if 2 { } }", "if 1 {} else {if 2 {};}"],
    ["if 1 { 2 } else { 3 }", "if 1 {2;} else {3;}"],
    ["if 1 { { 2 } } else { if 3 { 4 } else { 5 } }", "if 1 {{2;};} else {if 3 {4;} else {5;};}"],
    ["if 1 { };", "if 1 {}"],
    ["while (1) { break; }", "while 1 {break;}"],
    ["while $x < 5 { continue }", "while (< $x 5) {continue;}"],
    ["while(1){break}", "while 1 {break;}"],
    ["unroll (3) { f(); }", "unroll 3 {f();}"],
    ["unroll($1) { }", "unroll param1 {}"],
    ["unroll 3 { }", "unroll 3 {}"],
    ["for ($kv : @x) { f($kv.0); }", "for $kv : @x {f($kv.0);}"],
    ["for $kv : @x { }", "for $kv : @x {}"],
    ["for ($i : 0..10) { }", "for $i : 0..10 {}"],
    ["for ($i : $a..ncpus) { }", "for $i : $a..ncpus {}"],
    ["for ($i : (1 + 2)..($x * 2)) { }", "for $i : (+ 1 2)..(* $x 2) {}"],
    ["for ($i : 1 + 2..$x * 2) { }", "for $i : (+ 1 2)..(* $x 2) {}"],
    ["for $i : f(1)..$t.0.1 { }", "for $i : f(1)..$t.0.1 {}"],
    ["return;", "return"],
    ["return", "return"],
    ["return 1 + 2;", "return (+ 1 2)"],
    ["{ f(); }", "{f();}"],
    ["{ f() }", "{f();}"],
    ["{ { } }", "{{};}"],
    ["({ 1 });", "{1}"],
    ["({ 1 }).0;", "{1}.0"],
    ["(if 1 { 2 } else { 3 });", "(if 1 {2} {3})"],
    ['import "a/b.bt";', 'import "a/b.bt"'],
    ["import(1);", "import(1)"],
    ["(1, 2);", "(tuple 1 2)"],
    ["(a = 1);", "(record a=1)"],
  ])("%s", (text, expected) => {
    const { statement, script } = statementOf(text);
    expect(shapeOfStatement(statement)).toBe(expected);
    roundTrip(script);
  });

  it.each<[string, string]>([
    ["f(); g(); h()", "{f(); g(); h();}"],
    ["if 1 { } f()", "{if 1 {}; f();}"],
    ["if 1 { } -1", "{if 1 {}; (- 1);}"],
    ["if 1 { } (2)", "{if 1 {}; 2;}"],
    ["{ } *$x", "{{}; (* $x);}"],
    ["while (1) { } while (2) { };;", "{while 1 {}; while 2 {};}"],
    ["unroll (2) { } for ($x : @y) { } $z++", "{unroll 2 {}; for $x : @y {}; ($z ++);}"],
    [";;f();;", "{f();}"],
    ["", "{}"],
  ])("a block of %s", (text, expected) => {
    const script = parseClean(`BEGIN { ${text} }`);
    expect(shape(script.probes[0]!.body)).toBe(expected);
    roundTrip(script);
  });
});

describe("probes", () => {
  /** `name=provider(part|part)`, with quoted parts in quotes and the numbers of the parameters in braces. */
  function points(text: string): string {
    const script = parseClean(`${text} { }`);
    roundTrip(script);
    return script.probes[0]!.attachPoints.map(({ name, provider, parts }) => {
      const list = parts.map((p) => {
        const parameters = p.parameters.map((x) => `{${x.index}@${x.start}-${x.end}}`).join("");
        return (p.quoted ? `"${p.text}"` : p.text) + parameters;
      });
      return `${name ? `${name.text}=` : ""}${provider.text}(${list.join("|")})`;
    }).join(" ");
  }

  it.each<[string, string]>([
    ["BEGIN", "BEGIN()"],
    ["end", "end()"],
    ["kprobe:vfs_read", "kprobe(vfs_read)"],
    ["kprobe:ext4:f*", "kprobe(ext4|f*)"],
    ["kprobe:f+0x10", "kprobe(f+0x10)"],
    ["k:a,kr:b", "k(a) kr(b)"],
    ["kfunc:a, kretfunc:b ,fentry:c", "kfunc(a) kretfunc(b) fentry(c)"],
    ["kprobe:a,\nkprobe:b,", "kprobe(a) kprobe(b)"],
    ["tracepoint:syscalls:sys_enter_*", "tracepoint(syscalls|sys_enter_*)"],
    ["tracepoint:xhci-hcd:*", "tracepoint(xhci-hcd|*)"],
    ["interval:s:1", "interval(s|1)"],
    ["interval:1s", "interval(1s)"],
    ["profile:hz:99", "profile(hz|99)"],
    ["hardware:cache-misses:1e6", "hardware(cache-misses|1e6)"],
    ["hardware:cycles:", "hardware(cycles|)"],
    ["watchpoint:0x10000000:8:rw", "watchpoint(0x10000000|8|rw)"],
    ["uprobe:/bin/bash:readline", "uprobe(/bin/bash|readline)"],
    ['uprobe:/bin/bash:"foo::bar(int)"', 'uprobe(/bin/bash|"foo::bar(int)")'],
    ['uprobe:/bin/bash:cpp:"a b::c(int, {char})"', 'uprobe(/bin/bash|cpp|"a b::c(int, {char})")'],
    ['uprobe:"a\\"b\\\\c":f', 'uprobe("a"b\\c"|f)'],
    ['uprobe:"":f', 'uprobe(""|f)'],
    ["uprobe:/a/x.out@file.c:12", "uprobe(/a/x.out|@|file.c|12)"],
    ["uprobe:/a/x.out@file.c:12:3", "uprobe(/a/x.out|@|file.c|12|3)"],
    ['uprobe:"/a@b":f', 'uprobe("/a@b"|f)'],
    ['uprobe:/a:"@"', 'uprobe(/a|"@")'],
    ["usdt:./x:ns:probe", "usdt(./x|ns|probe)"],
    ["usdt:*:loop", "usdt(*|loop)"],
    ["usdt:/a/[bc]*/x:loop", "usdt(/a/[bc]*/x|loop)"],
    ["iter:task_file:/sys/fs/bpf/files", "iter(task_file|/sys/fs/bpf/files)"],
    ["*:vfs_*", "*(vfs_*)"],
    ["name=kprobe:f", "name=kprobe(f)"],
    ["kprobe:$1", "kprobe($1{1@0-2})"],
    ["uprobe:/a/$1/b$23:f$2", "uprobe(/a/$1/b$23{1@3-5}{23@7-10}|f$2{2@1-3})"],
    ['uprobe:"$1":$2', 'uprobe("$1"|$2{2@0-2})'],
    ['uprobe:"a a"$1"b":f', 'uprobe("a a$1b"{1@3-5}|f)'],
    ["test:name", "test(name)"],
    ["self:signal:SIGUSR1", "self(signal|SIGUSR1)"],
    ["bench:x", "bench(x)"],
    ["config:x", "config(x)"],
  ])("%s", (text, expected) => expect(points(text)).toBe(expected));

  it.each<[string, string]>([
    ["/pid == 1/", "(== pid 1)"],
    ["/ pid / 2 == 1 /", "(== (/ pid 2) 1)"],
    ["/@x[1] / 2/", "(/ @x[1] 2)"],
    ["/@start[tid]/", "@start[tid]"],
    ["/(a / b) / (c / d)/", "(/ (/ a b) (/ c d))"],
    ['/comm == "a/b"/', '(== comm "a/b")'],
    ["/ *$p == 1 /", "(== (* $p) 1)"],
    ["/ !@x /", "(! @x)"],
    ["/1/ // comment\n", "1"],
    ["/1/ /* { */", "1"],
    ["/ /* a */ 1 /", "1"],
    ["/{ 1 }/", "{1}"],
    ["/f({ 1 / 2 }) / 2/", "(/ f({(/ 1 2)}) 2)"],
    ["/if pid { 1 } else if tid { 2 } else { 3 }/", "(if pid {1} (if tid {2} {3}))"],
    ["/1 ? 2 : 3/", "(? 1 2 3)"],
    ["\n/\n1\n/\n", "1"],
  ])("kprobe:f %s { }", (text, expected) => {
    const script = parseClean(`kprobe:f ${text} { f(); }`);
    expect(shape(script.probes[0]!.predicate!)).toBe(expected);
    roundTrip(script);
  });

  it.each(["kprobe:f/pid/{}", "BEGIN/pid/{}", "n=i:s:1/pid/{}"])("a predicate directly behind %s", (text) => {
    expect(shape(parseClean(text).probes[0]!.predicate!)).toBe("pid");
  });
});

describe("other items", () => {
  it.each<[string, string]>([
    ["macro m() { 1 }", "m() {1}"],
    ["macro m { f(); }", "m() {f();}"],
    ["macro m($a, b, @c) { $a + b }", "m($a, b, @c) {(+ $a b)}"],
    ["macro m(x) { let $x = x; $x + 1 }", "m(x) {let $x = x; (+ $x 1)}"],
    ["macro m(a, b) { (a*)b }", "m(a, b) {(cast a* b)}"],
    ["macro m(a, b) { (a)b }", "m(a, b) {(cast a b)}"],
    ["macro m() { if 1 { 2 } else { 3 } }", "m() {(if 1 {2} {3})}"],
    ["macro m() { if 1 { 2 } else { 3; } }", "m() {if 1 {2;} else {3;};}"],
    ["macro m() { }", "m() {}"],
  ])("%s", (text, expected) => {
    const script = parseClean(text);
    const { name, parameters, body } = script.macros[0]!;
    expect(`${name.text}(${parameters.map(shape).join(", ")}) ${shape(body)}`).toBe(expected);
    roundTrip(script);
  });

  it("functions", () => {
    const script = parseClean("fn f($a : int32, $b: struct x *) : int64 { return $a; } fn g() : void { }");
    const [f, g] = script.functions;
    expect(f!.name.text).toBe("f");
    expect(f!.parameters.map((p) => `${p.variable.name}: ${shapeOfType(p.type)}`)).toEqual([
      "$a: int32",
      "$b: struct x*",
    ]);
    expect(shapeOfType(f!.returnType)).toBe("int64");
    expect(shape(f!.body)).toBe("{return $a;}");
    expect(g!.parameters).toEqual([]);
    roundTrip(script);
  });

  it.each<[string, string]>([
    ["config = { }", ""],
    ["config = { a = 1 }", "a=1"],
    ["config = { a = 1; }", "a=1"],
    ['config={a=0x10;b="x y";c=perf;d=true}', 'a=16 b="x y" c=perf d=true'],
    ["config = { stack_mode=perf;\n max_map_keys=2\n}", "stack_mode=perf max_map_keys=2"],
  ])("%s", (text, expected) => {
    const script = parseClean(text);
    const entries = script.config!.entries.map(({ name, value }) => {
      return `${name.text}=${value.kind === "string" ? JSON.stringify(value.value) : value.value}`;
    });
    expect(entries.join(" ")).toBe(expected);
    roundTrip(script);
  });

  it("imports and map declarations", () => {
    const script = parseClean('import "a.bt"; import "b";let @x = hash(10); let @ = lruhash(0x10) BEGIN { }');
    expect(script.imports.map((i) => i.path.value)).toEqual(["a.bt", "b"]);
    const declarations = script.mapDeclarations.map((d) => `${d.map.name} ${d.mapType.text} ${shape(d.maxEntries)}`);
    expect(declarations).toEqual(["@x hash 10", "@ lruhash 16"]);
    expect(script.probes).toHaveLength(1);
    roundTrip(script);
  });

  it.each<[string, string, string]>([
    ["#include <linux/fs.h>", "include", "#include <linux/fs.h>"],
    ["#define A 1\n", "define", "#define A 1"],
    ["# define A \\\n 1\n", "define", "# define A \\\n 1"],
    ["#ifdef A", "other", "#ifdef A"],
    ["struct a { int x; struct { int y; } z; };", "struct", "struct a { int x; struct { int y; } z; };"],
    ["union u { int x; }", "union", "union u { int x; }"],
    ["enum { A, B = 2 };", "enum", "enum { A, B = 2 };"],
    ["typedef struct { int x; } t;", "typedef", "typedef struct { int x; } t;"],
    ["typedef unsigned long long u64;", "typedef", "typedef unsigned long long u64;"],
    ["struct a;", "struct", "struct a;"],
  ])("%s", (text, form, kept) => {
    const script = parseClean(`${text}\nBEGIN { }`);
    expect(script.definitions.map((d) => [d.form, d.text])).toEqual([[form, kept]]);
    roundTrip(script);
  });

  it("an empty script", () => {
    expect(roundTrip(parseClean(""))).toBe("");
    expect(roundTrip(parseClean(" \n// only a comment\n\n"))).toBe("// only a comment\n");
  });

  it("every node has the span of its text", () => {
    const text = "k:f /pid==1/ { @x[1, 2] = (uint64)args.a + f($x, 1); }";
    const { probes } = parseClean(text);
    const [{ attachPoints, predicate, body }] = [probes[0]!];
    const spanned = (n: { span: { start: number; end: number } }): string => text.slice(n.span.start, n.span.end);
    expect(spanned(probes[0]!)).toBe(text);
    expect(spanned(attachPoints[0]!)).toBe("k:f");
    expect(spanned(attachPoints[0]!.parts[0]!)).toBe("f");
    expect(spanned(predicate!)).toBe("pid==1");
    const [assignment] = body.statements;
    expect(assignment?.kind).toBe("assignment");
    if (assignment?.kind !== "assignment" || assignment.value.kind !== "binary") return;
    expect(spanned(assignment)).toBe("@x[1, 2] = (uint64)args.a + f($x, 1)");
    expect(spanned(assignment.target!)).toBe("@x[1, 2]");
    expect(spanned(assignment.value)).toBe("(uint64)args.a + f($x, 1)");
    expect(spanned(assignment.value.left)).toBe("(uint64)args.a");
    expect(spanned(assignment.value.right)).toBe("f($x, 1)");
  });
});
