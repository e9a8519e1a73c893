/** What `-l` prints for a pattern and for a script. */
import { describe, expect, it } from "vitest";
import { Btf } from "../../../compiler/btf/btf.ts";
import { resolve } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import type { KernelFacts } from "../../../compiler/kernel-facts.ts";
import { type ListOptions, listBlocks, listMatches } from "../../../compiler/sema/listing.ts";
import { Source } from "../../../compiler/source.ts";
import { at, BtfBuilder, INT_SIGNED } from "../../support/btf-builder.ts";
import { fakeFacts, TARGET_PID } from "../../support/fake-facts.ts";

interface Listed {
  lines: string[];
  warnings: string[];
}

function list(search: string, more: Partial<ListOptions> = {}): Listed {
  const warnings: string[] = [];
  const warn = (message: string, help?: string): void => {
    warnings.push(help === undefined ? message : `${message}; ${help}`);
  };
  const options = { facts: fakeFacts(), targetPid: undefined, verbose: false, warn, ...more };
  return { lines: [...listMatches(search, options)], warnings };
}

function lines(search: string, more?: Partial<ListOptions>): string[] {
  const listed = list(search, more);
  expect(listed.warnings).toEqual([]);
  return listed.lines;
}

const verbose = { verbose: true };

describe("patterns", () => {
  it.each<[string, string[]]>([
    ["tracepoint:sched:sched_switch", ["tracepoint:sched:sched_switch"]],
    ["t:sched:*wake*", ["tracepoint:sched:sched_wakeup"]],
    ["T:sched:*wake*", ["tracepoint:sched:sched_wakeup"]],
    ["t:*:sched_w*", ["tracepoint:sched:sched_wakeup"]],
    ["t:sched_w*", ["tracepoint:sched:sched_wakeup"]],
    ["t::sched_w*", ["tracepoint:sched:sched_wakeup"]],
    ["t:block:", ["tracepoint:block:block_rq_complete"]],
    [" t:block:* ", ["tracepoint:block:block_rq_complete"]],
    ["rawtracepoint:sched_w*", ["rawtracepoint:vmlinux:sched_wakeup"]],
    ["rt:vmlinux:*_wakeup", ["rawtracepoint:vmlinux:sched_wakeup"]],
    [
      "software:*faults",
      ["alignment-", "emulation-", "", "major-", "minor-", "page-"].map((f) => `software:${f}faults:`),
    ],
    ["s:cs", ["software:cs:"]],
    ["s:cs:", ["software:cs:"]],
    ["s:cs:100", ["software:cs:"]],
    ["h:cache*", ["hardware:cache-misses:", "hardware:cache-references:"]],
    ["interval:*", ["interval:hz:", "interval:ms:", "interval:s:", "interval:us:"]],
    ["profile", ["profile:hz:", "profile:ms:", "profile:s:", "profile:us:"]],
    ["self:*", ["self:signal:SIGUSR1"]],
    ["iter:task*", ["iter:task", "iter:task_file"]],
    ["kprobe:vfs_*", ["kprobe:vfs_read", "kprobe:vfs_write"]],
    ["kretprobe:vfs_r*", ["kretprobe:vfs_read"]],
    ["k:nf_tables:*", ["kprobe:nf_tables:nf_tables_newtable"]],
    ["k:*:vfs_read", ["kprobe:vmlinux:vfs_read"]],
    ["fentry:*", ["fentry:vmlinux:tcp_reset", "fentry:vmlinux:vfs_read"]],
    ["fexit:vmlinux:vfs*", ["fexit:vmlinux:vfs_read"]],
    ["uprobe:/bin/example:work_*", ["uprobe:/bin/example:work_fast", "uprobe:/bin/example:work_slow"]],
    ["uretprobe:example:main", ["uretprobe:/bin/example:main"]],
    ["u:/lib/*:*", ["uprobe:/lib/libexample.so.1:example_call"]],
    ["u:*:main", ["uprobe:/bin/example:main", "uprobe:/opt/cplus:main"]],
    [
      "u:/opt/cplus:cpp:a::*",
      [
        "uprobe:/opt/cplus:cpp:a::b",
        "uprobe:/opt/cplus:cpp:a::c",
        "uprobe:/opt/cplus:cpp:a::operator()",
        "uprobe:/opt/cplus:cpp:a::operator+",
      ],
    ],
    [
      "usdt:/bin/example:st*",
      ["example:start", "example:step", "other:step"].map((name) => `usdt:/bin/example:${name}`),
    ],
    ["U:example:other:*", ['usdt:/bin/example:other:"quoted"', "usdt:/bin/example:other:step"]],
    ["usdt:/bin/ex*:example:start", ["usdt:/bin/example:example:start"]],
    ["usdt:call", ["usdt:/lib/libexample.so.1:example:call"]],
    ["usdt:*:example:c*", ["usdt:/lib/libexample.so.1:example:call"]],
    ['u:/opt/cplus:cpp:"a::b(int)"', ["uprobe:/opt/cplus:cpp:a::b(int)"]],
  ])("%s", (pattern, expected) => {
    expect(lines(pattern)).toEqual(expected);
  });

  it("are lists, in their order", () => {
    expect(lines("s:cs,t:block:*, u:/bin/example:main")).toEqual([
      "software:cs:",
      "tracepoint:block:block_rq_complete",
      "uprobe:/bin/example:main",
    ]);
  });

  it("leave a comma in parentheses alone", () => {
    expect(list("u:/opt/cplus:cpp:f(int, int)").warnings).toEqual(["nothing matches 'u:/opt/cplus:cpp:f(int, int)'"]);
  });
});

describe("types that are left open", () => {
  it.each<[string, string[]]>([
    ["*vfs_read*", ["fentry:vmlinux:vfs_read", "kprobe:vfs_read"]],
    ["*:*vfs_read", ["fentry:vmlinux:vfs_read", "kprobe:vfs_read"]],
    ["k*:vfs_read", ["kprobe:vfs_read"]],
    ["*sched_w*", ["rawtracepoint:vmlinux:sched_wakeup", "tracepoint:sched:sched_wakeup"]],
    ["*:sched:sched_w*", ["tracepoint:sched:sched_wakeup"]],
    [
      "*ware:c*s",
      [
        "hardware:cache-misses:",
        "hardware:cache-references:",
        "hardware:cpu-cycles:",
        "hardware:cycles:",
        "software:context-switches:",
        "software:cpu-migrations:",
        "software:cs:",
      ],
    ],
    ["*:/bin/example:main", ["uprobe:/bin/example:main"]],
    ["u*:/bin/example:main", ["uprobe:/bin/example:main"]],
    ["*:/bin/example:*rt", ["usdt:/bin/example:example:start"]],
    ["*:/bin/example:other:step", ["usdt:/bin/example:other:step"]],
  ])("%s", (pattern, expected) => {
    expect(lines(pattern)).toEqual(expected);
  });

  it("stand for each event once, and for no programs", () => {
    const types = new Set(lines("*").map((line) => line.split(":", 1)[0]));
    expect([...types]).toEqual(["fentry", "hardware", "iter", "kprobe", "rawtracepoint", "software", "tracepoint"]);
  });

  it("stand for the programs of a process, too", () => {
    const all = lines("*", { targetPid: TARGET_PID });
    expect(all).toContain("uprobe:/bin/example:main");
    expect(all).toContain("usdt:/bin/example:example:start");
  });
});

describe("arguments", () => {
  it.each<[string, string[]]>([
    [
      "t:sched:sched_process_fork",
      [
        "tracepoint:sched:sched_process_fork",
        "    __data_loc char[] parent_comm",
        "    pid_t parent_pid",
        "    __data_loc char[] child_comm",
        "    pid_t child_pid",
      ],
    ],
    [
      "t:sched:sched_wakeup",
      ["tracepoint:sched:sched_wakeup", "    char comm[16]", "    pid_t pid", "    int prio", "    int target_cpu"],
    ],
    [
      "t:block:*",
      [
        "tracepoint:block:block_rq_complete",
        "    dev_t dev",
        "    sector_t sector",
        "    unsigned int nr_sector",
        "    int error",
        "    unsigned short ioprio",
        "    char rwbs[10]",
        "    __rel_loc char[] cmd",
      ],
    ],
    [
      "t:syscalls:sys_enter_close",
      ["tracepoint:syscalls:sys_enter_close", "    int __syscall_nr", "    unsigned int fd"],
    ],
    [
      "rt:sched_switch",
      [
        "rawtracepoint:vmlinux:sched_switch",
        "    bool preempt",
        "    struct task_struct * prev",
        "    struct task_struct * next",
        "    unsigned int prev_state",
      ],
    ],
    ["fentry:tcp_reset", ["fentry:vmlinux:tcp_reset", "    struct sock * sk"]],
    ["fexit:tcp_reset", ["fexit:vmlinux:tcp_reset", "    struct sock * sk", "    long int retval"]],
    ["kprobe:tcp_reset", ["kprobe:tcp_reset", "    struct sock * arg0"]],
    ["kretprobe:tcp_reset", ["kretprobe:tcp_reset", "    long int retval"]],
    ["it:task", ["iter:task", "    struct bpf_iter_meta * meta", "    struct task_struct * task"]],
    // Without type information, there is nothing to be told.
    ["kprobe:do_nanosleep", ["kprobe:do_nanosleep"]],
    ["s:cs", ["software:cs:"]],
    ["u:/bin/example:main", ["uprobe:/bin/example:main"]],
    ["usdt:/bin/example:start", ["usdt:/bin/example:example:start", "    int32 arg0", "    uint64 arg1"]],
    ["usdt:/bin/example:other:*quoted*", ['usdt:/bin/example:other:"quoted"']],
    [
      "usdt:python3:*",
      ["usdt:/usr/bin/python3:python:function__entry", "    uint64 arg0", "    uint64 arg1", "    int32 arg2"],
    ],
    [
      "usdt:/opt/fractions:*",
      ["usdt:/opt/fractions:example:value", "    arg0: it is a floating-point number", "    int8 arg1"],
    ],
  ])("%s", (pattern, expected) => {
    expect(lines(pattern, verbose)).toEqual([expected.join("\n")]);
  });
});

describe("types of the kernel", () => {
  function withModule(): KernelFacts {
    const kernel = new BtfBuilder();
    const int = kernel.int("int", 4, INT_SIGNED);
    kernel.struct("file", 4, [at(0, "f_flags", int)]);
    kernel.struct("inode", 4, [at(0, "i_mode", int)]);
    kernel.enum("modes", { READ: 1, WRITE: 2 });
    const pointer = kernel.ptr(int);
    const module = new BtfBuilder(kernel);
    module.struct("nft_rule", 8, [at(0, "handle", pointer)]);
    module.struct("nft_rule", 4, [at(0, "other", int)]);
    const btf = Btf.parse(kernel.build());
    return fakeFacts({ btf, modules: { nf_tables: Btf.parse(module.build(), btf) } });
  }

  it.each<[string, string[]]>([
    ["struct file", ["struct file"]],
    ["struct  fil*", ["struct file"]],
    ["struct *ode,enum mod*", ["struct inode", "enum modes"]],
    ["struct nft_*", ["struct nft_rule"]],
  ])("%s", (pattern, expected) => {
    expect(lines(pattern, { facts: withModule() })).toEqual(expected);
  });

  it.each<[string, string]>([
    ["struct file", "vmlinux: struct file {\n\tint f_flags;\n};\n"],
    ["enum modes", "vmlinux: enum modes {\n\tREAD = 1,\n\tWRITE = 2,\n};\n"],
    ["struct nft_rule", "nf_tables: struct nft_rule {\n\tint *handle;\n};\n"],
  ])("%s, with its members", (pattern, expected) => {
    expect(lines(pattern, { ...verbose, facts: withModule() })).toEqual([expected]);
  });

  it("are listed beside probes", () => {
    expect(lines("kprobe:vfs_read,struct sock")).toEqual(["kprobe:vfs_read", "struct sock"]);
  });
});

describe("what is not there", () => {
  it.each<[string, string[]]>([
    ["t:sched:sched_swich", ["nothing matches 't:sched:sched_swich'; did you mean `tracepoint:sched:sched_switch`?"]],
    ["t:nothing:*", ["nothing matches 't:nothing:*'"]],
    ["t:a:b:c", ["nothing matches 't:a:b:c'"]],
    ["*nothing*", ["nothing matches '*nothing*'"]],
    ["begin", ["nothing matches 'begin'"]],
    ["nothing", [expect.stringMatching(/^nothing matches 'nothing'/)]],
    ["tracepont:sched:*", ["nothing matches 'tracepont:sched:*'; did you mean `tracepoint`?"]],
    ["what:ever", [expect.stringMatching(/^nothing matches 'what:ever'; probe types: .*tracepoint/)]],
    ["s:cs,t:no:no", ["nothing matches 't:no:no'"]],
    ["struct fil", ["nothing matches 'struct fil'; did you mean `file`?"]],
    ["union *", ["nothing matches 'union *'"]],
    ["u:/bin/nothing:main", ["uprobe target file '/bin/nothing' does not exist or is not executable"]],
    ["usdt:/bin/nothing:a", ["usdt target file '/bin/nothing' does not exist or is not executable"]],
    ["usdt:/bin/example:a:b:c", ["nothing matches 'usdt:/bin/example:a:b:c'"]],
    ["usdt:/bin/example:example:stat", [expect.stringMatching(/did you mean `usdt:\/bin\/example:example:start`/)]],
    ["u:/bin/example:mian", [expect.stringMatching(/did you mean `uprobe:\/bin\/example:main`/)]],
    ["u:/bin/example:d:main", ["nothing matches 'u:/bin/example:d:main'"]],
    ["u:/bin/example:main+4", [expect.stringMatching(/^nothing matches/)]],
  ])("%s", (pattern, expected) => {
    expect(list(pattern).warnings).toEqual(expected);
  });

  it("is not looked for where the kernel does not permit it", () => {
    const facts = fakeFacts({ features: { kprobe: false, fentry: false } });
    const doctor = "`probewright doctor` says what it has to be built with";
    expect(list("kprobe:*", { facts })).toEqual({ lines: [], warnings: [`this kernel takes no kprobes; ${doctor}`] });
    expect(list("fexit:*", { facts })).toEqual({
      lines: [],
      warnings: [`this kernel takes no programs on its functions; ${doctor}`],
    });
    expect(lines("*sched_w*", { facts })).toHaveLength(2);
  });

  it("is not known without type information", () => {
    const facts = fakeFacts({ btf: undefined });
    expect(lines("kprobe:vfs_read", { ...verbose, facts })).toEqual(["kprobe:vfs_read"]);
    expect(lines("rt:sched_w*", { ...verbose, facts })).toEqual(["rawtracepoint:vmlinux:sched_wakeup"]);
    expect(list("struct file", { facts }).lines).toEqual([]);
    expect(list("fentry:*", { facts }).lines).toEqual([]);
  });
});

describe("scripts", () => {
  function ofScript(text: string, more: Partial<ListOptions> = {}): string[] {
    const diags = new Diagnostics();
    const facts = fakeFacts();
    const resolved = resolve(new Source("test.bt", text), facts, diags, { parameters: ["/bin/example"] });
    expect(diags.items).toEqual([]);
    const warn = (): never => expect.unreachable();
    return [...listBlocks(resolved!.blocks, { facts, targetPid: undefined, verbose: false, warn, ...more })];
  }

  it.each<[string, string[]]>([
    ["begin {} end {} t:sched:sched_wakeup {}", ["tracepoint:sched:sched_wakeup"]],
    ["interval:s:1, i:1s, profile:hz:99 {}", ["interval:s:", "interval:us:", "profile:hz:"]],
    ["software:faults:10, h:cycles {}", ["software:faults:", "hardware:cycles:"]],
    ["t:sched:*wake* {} t:sched:sched_wakeup {}", ["tracepoint:sched:sched_wakeup", "tracepoint:sched:sched_wakeup"]],
    [
      "uprobe:$1:work_fast+4, ur:/bin/example:main {}",
      ["uprobe:/bin/example:work_fast+4", "uretprobe:/bin/example:main"],
    ],
    ["usdt:example:start, usdt:$1:other:step {}", ["usdt:/bin/example:example:start", "usdt:/bin/example:other:step"]],
    // What the blocks do is not looked at.
    ["kprobe:vfs_read { no_such_thing; }", ["kprobe:vfs_read"]],
    ["self:signal:SIGUSR1 {} test:one {}", ["self:signal:SIGUSR1", "test:one"]],
  ])("%s", (text, expected) => {
    expect(ofScript(text)).toEqual(expected);
  });

  it("with arguments", () => {
    expect(ofScript("kprobe:tcp_reset+4, fentry:tcp_reset {} i:s:1 {}", verbose)).toEqual([
      "kprobe:tcp_reset+4\n    struct sock * arg0",
      "fentry:vmlinux:tcp_reset\n    struct sock * sk",
      "interval:s:",
    ]);
  });
});
