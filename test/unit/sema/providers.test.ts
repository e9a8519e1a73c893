/** Attach points: what each stands for, and what is said about those that stand for nothing. */
import { describe, expect, it } from "vitest";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import type { KernelFacts } from "../../../compiler/kernel-facts.ts";
import { resolveProbes } from "../../../compiler/sema/probes.ts";
import type { ResolveContext, ResolvedProbe, UsdtEvent } from "../../../compiler/sema/providers/provider.ts";
import { contextNeeds } from "../../../compiler/sema/units.ts";
import { Source } from "../../../compiler/source.ts";
import { parse } from "../../../compiler/syntax/parser.ts";
import { fakeFacts, TARGET_PID } from "../../support/fake-facts.ts";

const resolveDefaults = {
  facts: fakeFacts(),
  parameters: [],
  missingProbes: "error",
  maxProbes: 1024,
  unsafe: false,
  targetPid: undefined,
  hasProcess: true,
  command: undefined,
  mode: "trace",
  probeFilter: () => true,
} as const;

interface Resolved {
  probes: ResolvedProbe[];
  messages: string[];
}

function resolve(text: string, more: Partial<ResolveContext> = {}, facts: KernelFacts = fakeFacts()): Resolved {
  const diags = new Diagnostics();
  const script = parse(new Source("test.bt", text), diags);
  const blocks = resolveProbes(script.probes, contextNeeds, { ...resolveDefaults, facts, diags, ...more });
  const messages = diags.items.map(({ severity, code, message }) => `${severity}[${code}]: ${message}`);
  return { probes: blocks.flatMap(({ probes }) => probes), messages };
}

function names(text: string, more?: Partial<ResolveContext>): string[] {
  const { probes, messages } = resolve(text, more);
  expect(messages).toEqual([]);
  return probes.map(({ name }) => name);
}

const EXAMPLE = "/bin/example";

describe("usdt", () => {
  it.each<[string, string[]]>([
    ["usdt:/bin/example:example:start {}", ["usdt:/bin/example:example:start"]],
    ["U:/bin/example:example:start {}", ["usdt:/bin/example:example:start"]],
    ["usdt:example:start {}", ["usdt:/bin/example:example:start"]],
    ["usdt:/bin/example::start {}", ["usdt:/bin/example:example:start"]],
    ["usdt:/bin/example:step {}", ["usdt:/bin/example:example:step", "usdt:/bin/example:other:step"]],
    ["usdt:/bin/example:other:st* {}", ["usdt:/bin/example:other:step"]],
    ["usdt:/bin/example:*:*t {}", ["usdt:/bin/example:example:start"]],
    ["usdt:/bin/example:o*r:step {}", ["usdt:/bin/example:other:step"]],
    ["usdt:/bin/exam*:start {}", ["usdt:/bin/example:example:start"]],
    ["usdt:*:call {}", ["usdt:/lib/libexample.so.1:example:call"]],
    ["usdt:libexample:call {}", ["usdt:/lib/libexample.so.1:example:call"]],
    ['usdt:/bin/example:other:"\\"quoted\\"" {}', ['usdt:/bin/example:other:"quoted"']],
    [
      "usdt:/bin/example:* {}",
      ["example:start", "example:step", "other:step", 'other:"quoted"'].map((name) => `usdt:/bin/example:${name}`),
    ],
  ])("%s", (text, expected) => expect(names(text)).toEqual(expected));

  it.each([
    ["usdt:call {}"],
    ["usdt::call {}"],
    ["usdt:::c* {}"],
    ["usdt::example:call {}"],
    ["usdt:*:example:call {}"],
    ["usdt:*/libexample*:call {}"],
  ])("may leave the binary to -p: %s", (text) => {
    expect(names(text, { targetPid: TARGET_PID })).toEqual(["usdt:/lib/libexample.so.1:example:call"]);
  });

  it.each([["usdt:call {}"], ["usdt::example:call {}"], ["usdt:::c* {}"]])("or to -c: %s", (text) => {
    const command = "/lib/libexample.so.1";
    expect(names(text, { command })).toEqual(["usdt:/lib/libexample.so.1:example:call"]);
  });

  const eventOf = (text: string): UsdtEvent => {
    const [probe] = resolve(text).probes;
    if (probe?.event.kind !== "usdt") throw new Error(`${text} is no USDT probe`);
    return probe.event;
  };

  it("have all places of their name, in the file and as addresses, and the file offset of their semaphore", () => {
    const places = ({ places }: UsdtEvent) =>
      places.map(({ offset, address, semaphore }) => [offset, address, semaphore]);
    expect(places(eventOf("usdt:/bin/example:example:step {}"))).toEqual([
      [0x1210, 0x401210, 0],
      [0x1310, 0x401310, 0],
    ]);
    expect(places(eventOf("usdt:/bin/example:other:step {}"))).toEqual([[0x1330, 0x401330, 0x2010]]);
  });

  it("have the addresses of symbols as far behind the probed instruction as they are, or plain where nothing moves", () => {
    const [inFile] = eventOf("usdt:/bin/example:other:step {}").places;
    const at = { symbol: undefined, base: "ip", index: undefined, displacement: 0x404014 - 0x401330 };
    expect(inFile!.arguments()).toEqual([{ size: 4, signed: false, source: { from: "memory", at } }]);
    const [inLibrary] = eventOf("usdt:libexample:call {}").places;
    expect(inLibrary!.arguments().map(({ source }) => source)).toEqual([
      { from: "memory", at: { ...at, displacement: 0x404010 - 0x402110 } },
      { from: "nowhere", reason: "it is at an address that is relative to `counter` and to a register" },
      { from: "memory", at: { ...at, displacement: 0x404020 - 0x402110 } },
      { from: "nowhere", reason: "it is at `nothing`, which the file does not tell the address of" },
    ]);
  });

  it.each<[string, string]>([
    ["usdt {}", "attach-point-form]: usdt probe type requires 2 or 3 arguments, found 0"],
    ["usdt:example {}", "attach-point-form]: usdt probe type requires 2 or 3 arguments, found 1"],
    ["usdt:example:a:b:c {}", "attach-point-form]: usdt probe type requires 2 or 3 arguments, found 4"],
    ["usdt:example: {}", "attach-point-form]: usdt probe must have a target function or wildcard"],
    ["usdt:example:a: {}", "attach-point-form]: usdt probe must have a target function or wildcard"],
    ["usdt::a:b {}", "attach-point-form]: usdt probe must specify at least path or pid to probe."],
    ["usdt:/bin/nothing:a {}", "no-such-binary]: usdt target file '/bin/nothing' does not exist or is not executable"],
    ["usdt:example:nothing {}", "no-such-probe]: No matches for usdt /bin/example:nothing."],
    ["usdt:example:other:start {}", "no-such-probe]: No matches for usdt /bin/example:other:start."],
    ["usdt:example:nothing* {}", "no-probe]: Probe has no valid attach points."],
    ["usdt:/opt/cplus:* {}", "no-probe]: Probe has no valid attach points."],
  ])("%s is refused", (text, message) => expect(resolve(text).messages[0]).toContain(message));

  it("are refused where a place is in no part of the file that is loaded, and left out of patterns", () => {
    const facts = fakeFacts({ loadedFrom: 0x1200 });
    const { messages } = resolve("usdt:/bin/example:start {}", {}, facts);
    expect(messages).toEqual([
      "error[probe-place]: usdt:/bin/example:example:start lies in no part of the file that is loaded",
    ]);
    const { probes } = resolve("usdt:/bin/example:st* {}", {}, facts);
    expect(probes.map(({ name }) => name)).toEqual(["usdt:/bin/example:example:step", "usdt:/bin/example:other:step"]);
  });
});

describe("uprobes", () => {
  it.each<[string, string[]]>([
    ["uprobe:/bin/example:main {}", ["uprobe:/bin/example:main"]],
    ["u:/bin/example:main {}", ["uprobe:/bin/example:main"]],
    ["uretprobe:/bin/example:main {}", ["uretprobe:/bin/example:main"]],
    ["ur:example:main {}", ["uretprobe:/bin/example:main"]],
    ["uprobe:/bin/example:work_* {}", ["uprobe:/bin/example:work_fast", "uprobe:/bin/example:work_slow"]],
    ["uprobe:/bin/example:*ai* {}", ["uprobe:/bin/example:main"]],
    ["uprobe:/bin/*:main {}", ["uprobe:/bin/example:main"]],
    ["uprobe:*:example_call {}", ["uprobe:/lib/libexample.so.1:example_call"]],
    ["uprobe:libexample:example_call {}", ["uprobe:/lib/libexample.so.1:example_call"]],
    ['uprobe:/bin/example:"main" {}', ["uprobe:/bin/example:main"]],
    ["uprobe:/bin/example:main+4 {}", ["uprobe:/bin/example:main+4"]],
    ["uprobe:/bin/example:main+0x10 {}", ["uprobe:/bin/example:main+16"]],
    ["uprobe:/bin/example:main+0 {}", ["uprobe:/bin/example:main"]],
    ["uprobe:/bin/example:0x401104 {}", ["uprobe:/bin/example:4198660"]],
    [
      "uprobe:/bin/example:main, uretprobe:/bin/example:main {}",
      ["uprobe:/bin/example:main", "uretprobe:/bin/example:main"],
    ],
  ])("%s", (text, expected) => expect(names(text)).toEqual(expected));

  it("have the place of their instruction in the file, and the address that the file gives it", () => {
    const [probe] = resolve("uprobe:/bin/example:main+4 {}").probes;
    expect(probe!.event).toMatchObject({
      kind: "uprobe",
      path: EXAMPLE,
      symbol: "main",
      offset: 0x1104,
      address: 0x401104,
    });
  });

  it("take an address for what it is", () => {
    const [probe] = resolve("uprobe:/bin/example:0x401104 {}").probes;
    expect(probe!.event).toMatchObject({ symbol: "main", offset: 0x1104, address: 0x401104 });
  });

  it.each<[string, string[]]>([
    ["a::b", ["_ZN1a1bEi", "_ZN1a1bEP1c"]],
    ["a::b(int)", ["_ZN1a1bEi"]],
    ["a::b(*)", ["_ZN1a1bEi", "_ZN1a1bEP1c"]],
    ["a::*", ["_ZN1a1bEi", "_ZN1a1bEP1c", "_ZNK1a1cEv", "_ZN1aclEv", "_ZN1aplEi"]],
    ["a::c", ["_ZNK1a1cEv"]],
    ["a::c+4", ["_ZNK1a1cEv+4"]],
    ["a::operator()", ["_ZN1aclEv"]],
    ["a::operator+", ["_ZN1aplEi"]],
    ["f", ["_Z1fPFviE"]],
    ["main", ["main"]],
  ])("know functions by their C++ names: %s", (name, symbols) => {
    expect(names(`uprobe:/opt/cplus:cpp:"${name}" {}`)).toEqual(symbols.map((s) => `uprobe:/opt/cplus:cpp:${s}`));
  });

  it.each<[string]>([["uprobe:main {}"], ["uprobe:/bin/example:main {}"]])("may leave the binary to -p: %s", (text) => {
    expect(names(text, { targetPid: TARGET_PID })).toEqual(["uprobe:/bin/example:main"]);
    expect(names(text, { command: "example" })).toEqual(["uprobe:/bin/example:main"]);
  });

  it("share no program where the load address matters", () => {
    const alone = (text: string) => (resolve(text).probes[0]!.event as { alone: boolean }).alone;
    expect(alone('uprobe:/bin/example:main { uaddr("counter") }')).toBe(true);
    expect(alone("uprobe:/bin/example:main { arg0 }")).toBe(false);
  });

  it("warn of the middle of an instruction with --unsafe", () => {
    const { probes, messages } = resolve("uprobe:/bin/example:main+2 {}", { unsafe: true });
    expect(probes.map(({ name }) => name)).toEqual(["uprobe:/bin/example:main+2"]);
    expect(messages[0]).toContain("Unsafe uprobe in the middle of the instruction: /bin/example:main+2");
  });

  it("of --unsafe go anywhere", () => {
    const { probes, messages } = resolve("uprobe:/bin/example:0x400010 {} uprobe:/bin/example:_init {}", {
      unsafe: true,
    });
    expect(messages).toEqual([]);
    expect(probes.map(({ event }) => event.kind === "uprobe" && event.offset)).toEqual([0x10, 0x1000]);
  });

  it.each<[string, string]>([
    ["uprobe:/bin/nothing:main {}", "no-such-binary]: uprobe target file '/bin/nothing' does not exist"],
    ["uprobe:/bin/example:nothing {}", "no-such-function]: No matches for uprobe /bin/example:nothing."],
    ["uprobe:/bin/example:nothing* {}", "no-probe]: Probe has no valid attach points."],
    ["uretprobe:/bin/example:nothing {}", "no-such-function]: No matches for uretprobe /bin/example:nothing."],
    ["uprobe:/bin/example:main+32 {}", "probe-place]: Offset outside the function bounds ('main' size is 32)"],
    ["uprobe:/bin/example:_init {}", "probe-place]: Could not determine boundary for _init (symbol has size 0)."],
    [
      "uprobe:/bin/example:main+2 {}",
      "probe-place]: Could not add uprobe into middle of instruction: /bin/example:main+2",
    ],
    ["uprobe:/bin/example:0x401102 {}", "probe-place]: Could not add uprobe into middle of instruction"],
    ["uprobe:/bin/example:10 {}", "probe-place]: Could not resolve address: /bin/example:0xa"],
    ["uprobe:/bin/*:10 {}", "attach-point-form]: Cannot use wildcards with absolute address"],
    ["uprobe:/bin/example:main+x {}", "attach-point-form]: `x` is no offset"],
    ["uretprobe:/bin/example:main+4 {}", "attach-point-form]: Offset not allowed"],
    ["uretprobe:/bin/example:0x401104 {}", "probe-place]: uretprobes cannot be attached at function offset."],
    ["uprobe:main {}", "attach-point-form]: uprobe probe type requires 2 or 3 arguments, found 1"],
    ["uprobe:/bin/example: {}", "attach-point-form]: uprobe should be attached to a function or an address"],
    ['uprobe:"":main {}', "attach-point-form]: uprobe should have a target"],
    ['uprobe:/opt/cplus:cpp:"a::d" {}', "no-such-function]: No matches for uprobe /opt/cplus:cpp:a::d."],
    ['uprobe:/opt/cplus:cpp:"a::b(long)" {}', "no-such-function]: No matches for uprobe /opt/cplus:cpp:a::b(long)."],
    ['uprobe:/opt/cplus:"a::b" {}', "no-such-function]: No matches for uprobe /opt/cplus:a::b."],
    ['uprobe:/opt/cplus:rust:"a::b" {}', "attach-point-form]: unsupported language type: rust"],
    ["uprobe:/bin/example:rust:main {}", "attach-point-form]: unsupported language type: rust"],
    ["uprobe:/bin/example@main.c:12 {}", "no-debug-information]: No DWARF debug info found for '/bin/example'"],
    [
      "uprobe:/bin/example@main.c {}",
      "attach-point-form]: Invalid uprobe arguments, expected format: uprobe:TARGET@FILE:LINE[:COL]",
    ],
    [
      "uprobe:/bin/example@main.c:1:2:3 {}",
      "attach-point-form]: uprobe probes are written uprobe:binary:function[+offset]",
    ],
    ["uprobe:/bin/example@main.c:x {}", "attach-point-form]: Invalid line number: invalid integer: x"],
    ["uprobe:/bin/example@main.c:1:x {}", "attach-point-form]: Invalid column number: invalid integer: x"],
    ["uprobe:/bin/*@main.c:1 {}", "attach-point-form]: Cannot use wildcards with source code location"],
    ["uretprobe:/bin/example@main.c:1 {}", "attach-point-form]: Source code location not allowed"],
  ])("%s is refused", (text, message) => {
    const { probes, messages } = resolve(text);
    expect(probes).toEqual([]);
    expect(messages).toEqual([expect.stringContaining(message)]);
  });

  it("need a process that is there to stand for a binary", () => {
    expect(resolve("uprobe:main {}", { targetPid: 1 }).messages[0]).toContain("the file of process 1 cannot be told");
  });
});

describe("what is missing", () => {
  const text = "uprobe:/bin/example:nothing {} tracepoint:none:none {}";
  it.each<[ResolveContext["missingProbes"], string[]]>([
    ["error", ["error[no-such-function]", "error[no-such-tracepoint]"]],
    ["warn", ["warning[no-such-function]", "warning[no-probe]", "warning[no-such-tracepoint]", "warning[no-probe]"]],
    ["ignore", []],
  ])("%s", (missingProbes, expected) => {
    const { messages, probes } = resolve(text, { missingProbes });
    expect(messages.map((message) => message.slice(0, message.indexOf(":")))).toEqual(expected);
    expect(probes).toEqual([]);
  });
});

describe("kprobes", () => {
  it.each<[string, string[]]>([
    ["kprobe:vfs_read {}", ["kprobe:vfs_read"]],
    ["k:vfs_read+4 {}", ["kprobe:vfs_read+4"]],
    ["kr:vmlinux:vfs_read {}", ["kretprobe:vmlinux:vfs_read"]],
    ["kprobe:vfs_* {}", ["kprobe:vfs_read", "kprobe:vfs_write"]],
    ["kprobe:vmlinux:vfs_r* {}", ["kprobe:vmlinux:vfs_read"]],
    ["kprobe:nf_*:nf_tables_newtable {}", ["kprobe:nf_tables:nf_tables_newtable"]],
    ["kprobe:nf_tables:nf_tables_newtable {}", ["kprobe:nf_tables:nf_tables_newtable"]],
  ])("%s", (text, expected) => expect(names(text)).toEqual(expected));

  it("of a pattern share one link where the kernel has such links", () => {
    const multi = (text: string, kprobeMulti: boolean) =>
      resolve(text, {}, fakeFacts({ features: { kprobeMulti } })).probes.map(
        ({ event }) => event.kind === "kprobe" && event.multi,
      );
    expect(multi("kprobe:vfs_* {}", true)).toEqual([true, true]);
    expect(multi("kprobe:vfs_* {}", false)).toEqual([false, false]);
    expect(multi("kprobe:vmlinux:vfs_* {}", true)).toEqual([false, false]);
    expect(multi("kprobe:vfs_read {}", true)).toEqual([false]);
  });

  it("go by address with --unsafe", () => {
    const { probes, messages } = resolve("kprobe:0xffffffff81000010 {}", { unsafe: true });
    expect(messages).toEqual([]);
    expect(probes[0]!.event).toMatchObject({ symbol: "", offset: 0xffff_ffff_8100_0010n });
  });

  it.each<[string, string]>([
    ["kprobe:vfs_read+x {}", "attach-point-form]: Invalid offset"],
    ["kretprobe:vfs_read+4 {}", "attach-point-form]: Offset not allowed"],
    ["kprobe:0x1234 {}", "unsafe]: Probing by address requires --unsafe"],
    ["kprobe:nothing:vfs_read {}", "specified module nothing in probe kprobe:nothing:vfs_read is not loaded."],
    ["kprobe:nothing* {}", "no-probe]: Probe has no valid attach points."],
  ])("%s is refused", (text, message) => {
    expect(resolve(text).messages).toEqual([expect.stringContaining(message)]);
  });

  it("warn of what cannot be traced, and try it with --unsafe", () => {
    const warning = expect.stringContaining("nothing is not traceable");
    expect(resolve("kprobe:nothing {}").messages).toEqual([warning, expect.stringContaining("No matches for kprobe")]);
    const { probes, messages } = resolve("kprobe:nothing {}", { unsafe: true });
    expect(messages).toEqual([warning]);
    expect(probes.map(({ name }) => name)).toEqual(["kprobe:nothing"]);
  });
});

describe("fentry and fexit", () => {
  it.each<[string, string]>([
    ["fentry:vfs_read {}", "fentry:vmlinux:vfs_read"],
    ["f:vmlinux:vfs_read {}", "fentry:vmlinux:vfs_read"],
    ["kfunc:vfs_read {}", "fentry:vmlinux:vfs_read"],
    ["kretfunc:vfs_r* {}", "fexit:vmlinux:vfs_read"],
    ["fr:vfs_read {}", "fexit:vmlinux:vfs_read"],
  ])("%s", (text, expected) => expect(names(text)).toEqual([expected]));

  it("have typed arguments, and a result at the return", () => {
    const of = (text: string) => resolve(text).probes[0]!.arguments()!;
    expect(of("fentry:vfs_read {}").names()).toEqual(["file", "buf", "count", "pos"]);
    expect(of("fentry:vfs_read {}").result).toBeUndefined();
    expect(of("fexit:vfs_read {}").result).toMatchObject({
      type: { kind: "integer" },
      source: { from: "raw", index: 4 },
    });
  });

  it.each<[string, string]>([
    ["fentry:nothing {}", "no-such-function]: No matches for fentry nothing."],
    ["fentry:do_nanosleep {}", "No matches for fentry do_nanosleep."],
    ["fentry:bpf:1:prog {}", "unsupported]: fentry probes on BPF programs are not supported yet"],
  ])("%s is refused", (text, message) => {
    expect(resolve(text).messages).toEqual([expect.stringContaining(message)]);
  });

  it("need type information", () => {
    const { messages } = resolve("fentry:vfs_read {}", {}, fakeFacts({ btf: undefined }));
    expect(messages[0]).toContain("need the kernel's type information");
  });
});

describe("probes of the tool itself", () => {
  it("listen to signals", () => {
    expect(names("self:signal:SIGUSR1 {}")).toEqual(["self:signal:SIGUSR1"]);
    expect(resolve("self:signal:SIGTERM {}").messages[0]).toContain("SIGTERM is not a supported signal");
    expect(resolve("self:timer:SIGUSR1 {}").messages[0]).toContain("timer is not a supported trigger");
  });

  it.each<[ResolveContext["mode"], string[]]>([
    ["trace", ["begin", "interval:s:1", "end"]],
    ["bench", ["begin", "bench:a", "end"]],
    ["test", ["begin", "test:a", "end"]],
  ])("count in the mode %s", (mode, expected) => {
    const { probes } = resolve("begin {} bench:a {} test:a {} interval:s:1 {} end {}", { mode });
    expect(probes.filter(({ idle }) => !idle).map(({ name }) => name)).toEqual(expected);
  });

  it.each<[RegExp, string[]]>([
    [/s:1/, ["begin", "interval:s:1", "end"]],
    [/^interval/, ["begin", "interval:s:1", "interval:ms:2", "end"]],
    [/nothing/, ["begin", "end"]],
  ])("are no business of a filter: %s", (filter, expected) => {
    const probeFilter = (name: string): boolean => filter.test(name);
    const { probes } = resolve("begin {} bench:a {} interval:s:1, interval:ms:2 {} end {}", { probeFilter });
    expect(probes.filter(({ idle }) => !idle).map(({ name }) => name)).toEqual(expected);
  });

  it("have names of their own", () => {
    expect(resolve("bench:a {} bench:a {}").messages[0]).toContain("`bench:a` is used twice");
    expect(resolve("bench:a {} test:a {}").messages).toEqual([]);
  });
});

describe("parameters in attach points", () => {
  it.each<[string, string[], string[]]>([
    ["i:ms:$1 {}", ["5"], ["interval:ms:5"]],
    ["BEG$1 {}", ["IN"], ["begin"]],
    ["$1 {}", ["i:ms:1"], ["interval:ms:1"]],
    ["$1, end {}", ["begin"], ["begin", "end"]],
    ["uprobe:$1 {}", ["/bin/example:work_fast"], ["uprobe:/bin/example:work_fast"]],
  ])("%s with %j", (text, parameters, expected) => expect(names(text, { parameters })).toEqual(expected));

  it("without a value leave nothing", () => {
    expect(resolve("$1 {}").messages[0]).toContain("Invalid probe type: ");
  });
});

describe("raw tracepoints", () => {
  it.each([
    ["rawtracepoint:sys_enter {}", ["rawtracepoint:vmlinux:sys_enter"]],
    ["rawtracepoint:vmlinux:sys_enter {}", ["rawtracepoint:vmlinux:sys_enter"]],
    ["rawtracepoint:vmlinu*:sys_enter {}", ["rawtracepoint:vmlinux:sys_enter"]],
    ["rt:*:sys_enter {}", ["rawtracepoint:vmlinux:sys_enter"]],
  ])("%s", (text, expected) => expect(names(text)).toEqual(expected));
});

describe("system calls that others follow", () => {
  const ENTER = "tracepoint:syscalls:sys_enter_";
  it.each([
    [`${ENTER}openat {}`, ["tracepoint"]],
    [`${ENTER}openat { $a = args.filename; } ${ENTER}connect {}`, ["tracepoint", "tracepoint"]],
    [`${ENTER}openat {} tracepoint:syscalls:sys_exit_openat {}`, ["tracepoint", "tracepoint"]],
    [`${ENTER}openat {} tracepoint:syscalls:sys_exit_read {}`, ["tracepoint", "syscall"]],
    [`${ENTER}read {}`, ["syscall"]],
    // What runs for all calls anyway serves these as well.
    [`${ENTER}openat {} ${ENTER}read {}`, ["syscall", "syscall"]],
    [`${ENTER}openat {} tracepoint:raw_syscalls:sys_enter {}`, ["syscall", "syscall"]],
    [`${ENTER}openat {} ${ENTER}openat {} ${ENTER}execve {} ${ENTER}connect {}`, Array(4).fill("tracepoint")],
    [`${`${ENTER}openat {} `.repeat(5)}`, Array(5).fill("syscall")],
  ])("%s", (text, kinds) => expect(resolve(text).probes.map(({ event }) => event.kind)).toEqual(kinds));

  it("keep their ids and the types of their arguments", () => {
    const served = (text: string) => resolve(text).probes[0]!;
    const own = served(`${ENTER}openat {}`);
    const raw = served(`${ENTER}openat {} ${ENTER}read {}`);
    expect(own.id).toBe(raw.id);
    for (const name of raw.arguments()!.names()) {
      expect(own.arguments()!.get(name)!.type).toEqual(raw.arguments()!.get(name)!.type);
    }
  });
});

describe("tracepoints of the scheduler", () => {
  const OLD = fakeFacts({ features: { tpBtf: false } });
  const OTHER_SIZE = fakeFacts({ tracepoints: { "sched:sched_wakeup": ["char comm[32]", "int pid"] } });
  it.each([
    ["sched_switch { $a = args.next_pid; }", "raw"],
    ["sched_switch { $a = args.prev_comm; $b = args->next_pid; }", "raw"],
    ["sched_switch /args.prev_pid > 0/ {}", "raw"],
    ["sched_wakeup { $a = args.comm; $b = args.pid; }", "raw"],
    ["sched_process_fork { $a = args.child_pid; $b = args.parent_pid; }", "raw"],
    ["sched_switch { $a = args.prev_state; }", "tracepoint"],
    // A member that this kernel's tasks do not have.
    ["sched_switch { $a = args.next_prio; }", "tracepoint"],
    ["sched_switch { $a = args.next_pid; $b = kstack; }", "tracepoint"],
    ["sched_switch { $a = args.next_pid; $b = args; }", "tracepoint"],
    ["sched_wakeup { $a = args.target_cpu; }", "tracepoint"],
    ["sched_process_fork { $a = args.child_comm; }", "tracepoint"],
    ["sched_process_exec { $a = args.old_pid; }", "tracepoint"],
    ["sched_switch { $a = args.next_pid; }", "tracepoint", OLD],
    ["sched_switch { $a = args.next_pid; }", "tracepoint", fakeFacts({ btf: undefined })],
    ["sched_wakeup { $a = args.comm; }", "tracepoint", OTHER_SIZE],
    ["sched_wakeup { $a = args.pid; }", "raw", OTHER_SIZE],
  ] as const)("%s is served by the %s one", (text, kind, facts = fakeFacts()) => {
    const { probes, messages } = resolve(`tracepoint:sched:${text}`, {}, facts);
    expect([messages, probes.map(({ event }) => event.kind)]).toEqual([[], [kind]]);
  });
});

describe("iterators", () => {
  it.each<[string, string[]]>([
    ["iter:task {}", ["iter:task"]],
    ["it:task_file {}", ["iter:task_file"]],
    ["iter:task, iter:task_file {}", ["iter:task", "iter:task_file"]],
    ["iter:task {} iter:task {}", ["iter:task", "iter:task"]],
    ["config = { missing_probes = ignore } iter:no {}", []],
  ])("%s", (text, expected) => {
    const missingProbes = text.includes("ignore") ? "ignore" : "error";
    expect(names(text, { missingProbes })).toEqual(expected);
  });

  it.each([
    ["iter:tasks {}", "error[no-such-iterator]: No matches for iter tasks."],
    ["iter:task__safe_trusted {}", "error[no-such-iterator]: No matches for iter task__safe_trusted."],
    ["iter: {}", "error[no-such-iterator]: No matches for iter ."],
    ["iter:task* {}", "error[attach-point-form]: iter probe type does not support wildcards"],
    ["iter:bpf_map_elem {}", "error[unsupported]: iter:bpf_map_elem goes through one of the kernel's maps"],
    ["iter:task:pin {}", "error[unsupported]: iterators cannot be pinned to a file yet"],
    ["iter:task:* {}", "error[attach-point-form]: iter probe type does not support wildcards"],
    ["iter {}", "error[attach-point-form]: iter probes are written iter:object"],
  ])("%s", (text, message) => expect(resolve(text).messages).toEqual([message]));

  it("suggests those that the kernel has", () => {
    const diags = new Diagnostics();
    const script = parse(new Source("test.bt", "iter:taks {}"), diags);
    resolveProbes(script.probes, contextNeeds, { ...resolveDefaults, diags });
    expect(diags.errors[0]!.help).toBe("did you mean `task`?");
  });

  it("need type information", () => {
    const { messages } = resolve("iter:task {}", {}, fakeFacts({ btf: undefined }));
    expect(messages).toEqual(["error[kernel-feature]: iter probes need the kernel's type information (BTF)"]);
  });
});

describe("watchpoints", () => {
  it.each<[string, string]>([
    ["watchpoint:0x10000000:8:w {}", "watchpoint:0x10000000:8:w"],
    ["w:4096:1:rw {}", "watchpoint:4096:1:rw"],
    ["w:0xffffffff82000000:4:w {}", "watchpoint:0xffffffff82000000:4:w"],
    ["w:0x401103:1:x {}", "watchpoint:0x401103:1:x"],
    ["w:0x401103:8:x {}", "watchpoint:0x401103:8:x"],
  ])("%s", (text, name) => expect(names(text)).toEqual([name]));

  const needsProcess = "error[attach-point-form]: a watchpoint on an address of user space needs a process";
  it.each([
    ["w:0x1000:8 {}", "watchpoint probes are written watchpoint:address:length:mode"],
    ["w:1b:8:w {}", "Invalid function/address argument: `1b` is no address"],
    ["w:main+arg0:8:w {}", "Invalid function/address argument: `main+arg0` is no address"],
    ["w:0x10000000000000000:8:w {}", "Invalid function/address argument: `0x10000000000000000` is no address"],
    ["w:0x0:8:w {}", "watchpoint must be attached to a non-zero address"],
    ["w:0x1000:9:w {}", "Invalid length argument: `9`"],
    ["w:0x1000:8a:w {}", "Invalid length argument: `8a`"],
    ["w:0x1000::w {}", "Invalid length argument: ``"],
    ["w:0x1004:8:w {}", "watchpoint address 0x1004 is no multiple of its length 8"],
    ...["r", "rx", "wx", "rwx", "xx", "b", ""].map((mode) => [
      `w:0x1000:8:${mode} {}`,
      `watchpoint mode \`${mode}\` is none of w, rw, x`,
    ]),
  ])("%s: %s", (text, message) => expect(resolve(text!).messages).toEqual([`error[attach-point-form]: ${message}`]));

  it("of reads alone are there on arm64, and begin anywhere", () => {
    const facts = fakeFacts({ arch: "arm64" });
    expect(resolve("w:0x1000:8:r {} w:0x1001:8:w {}", {}, facts).messages).toEqual([]);
  });

  it("of user space need a process, of the kernel none", () => {
    expect(resolve("w:0x1000:8:w {}", { hasProcess: false }).messages).toEqual([needsProcess]);
    expect(resolve("w:0xffffffff82000000:8:w {}", { hasProcess: false }).messages).toEqual([]);
  });
});

describe("the number of probes", () => {
  it("is limited", () => {
    const { messages } = resolve("uprobe:/bin/example:work_* {}", { maxProbes: 1 });
    expect(messages).toEqual(["error[too-many-probes]: the script has 2 probes, and the limit is 1"]);
  });
});

describe("providers that are not there", () => {
  it.each([["uprob:/bin/example:p {}", "Invalid probe type: uprob"]])("%s", (text, message) =>
    expect(resolve(text).messages[0]).toContain(message),
  );
});
