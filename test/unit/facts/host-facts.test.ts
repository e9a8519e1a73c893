/** The host's facts from trees made of plain files: what is asked, what is missing, and that nothing is read twice. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CapabilityError } from "../../../harness/tracing/facts/capability-error.ts";
import type { Answer, Prober } from "../../../harness/tracing/facts/features.ts";
import { hostFacts } from "../../../harness/tracing/facts/host-facts.ts";
import { isAtLeast, parseVersion } from "../../../harness/tracing/facts/version.ts";
import { SysError } from "../../../native/index.ts";
import { BtfBuilder } from "../../support/btf-builder.ts";
import { buildElf } from "../../support/elf-builder.ts";
import { temporaryTree } from "../../support/temporary.ts";

const FORMAT = 'name: sched_switch\nID: 372\nformat:\n\tfield:int x;\toffset:8;\tsize:4;\tsigned:1;\n\nprint fmt: ""\n';

function prober(answer: Answer, asked: string[] = []): Prober {
  const note = (question: string): Answer => {
    asked.push(question);
    return answer;
  };
  return {
    helper: (name) => note(`helper ${name}`),
    helperOnEntry: (name) => note(`helper ${name} on entry`),
    program: (type, id) => note(`program ${type} ${id}`),
    map: (type) => note(`map ${type}`),
    instructions: (set) => note(set),
    callsBesideTailCalls: () => note("calls beside tail calls"),
    fentry: (id) => note(`fentry ${id}`),
    iterator: (id) => note(`iterator ${id}`),
    multiLink: (kind) => note(`link ${kind}`),
  };
}

const never = prober("no");

describe("tracepoints", () => {
  const events = { "sys/kernel/tracing/events/sched/sched_switch/format": FORMAT };

  it("come from the list", () => {
    const root = temporaryTree({ ...events, "sys/kernel/tracing/available_events": "sched:sched_switch\nb:c\n" });
    expect(hostFacts({ root }).tracepoints()).toEqual(["sched:sched_switch", "b:c"]);
  });

  it("come from the directories where there is no list", () => {
    const root = temporaryTree({ ...events, "sys/kernel/tracing/events/enable": "0" });
    expect(hostFacts({ root }).tracepoints()).toEqual(["sched:sched_switch"]);
  });

  it("come from debugfs where tracefs is only there", () => {
    const root = temporaryTree({
      "sys/kernel/tracing": undefined,
      "sys/kernel/debug/tracing/available_events": "a:b\n",
      "sys/kernel/debug/tracing/events": undefined,
    });
    expect(hostFacts({ root }).tracepoints()).toEqual(["a:b"]);
    expect(hostFacts({ root }).tracefs()).toBe(join(root, "sys/kernel/debug/tracing"));
  });

  it("are read once", () => {
    const root = temporaryTree(events);
    const facts = hostFacts({ root });
    const first = facts.tracepointFormat("sched", "sched_switch");
    rmSync(join(root, "sys"), { recursive: true });
    expect(facts.tracepointFormat("sched", "sched_switch")).toBe(first);
    expect(first).toMatchObject({ id: 372, fields: [{ name: "x" }] });
  });

  it.each([
    ["sched", "nope"],
    ["nope", "sched_switch"],
    ["..", "sched_switch"],
    ["sched/sched_switch", "."],
    ["sched", "../sched/sched_switch"],
    ["", ""],
    ["sched", "sched_switch\0"],
  ])("%j:%j does not exist", (category, name) => {
    expect(hostFacts({ root: temporaryTree(events) }).tracepointFormat(category, name)).toBeUndefined();
  });

  it.each([
    ["no directory", {}],
    ["an empty directory", { "sys/kernel/tracing": undefined }],
    ["a file in its place", { "sys/kernel/tracing": "" }],
  ])("without tracefs, %s: the remedy is to mount it", (_, files) => {
    const facts = hostFacts({ root: temporaryTree(files) });
    for (const ask of [() => facts.tracepoints(), () => facts.tracepointFormat("a", "b"), () => facts.tracefs()]) {
      const error = thrown(ask);
      expect(error).toBeInstanceOf(CapabilityError);
      expect(error).toBeInstanceOf(SysError);
      expect(error).toMatchObject({
        message: expect.stringMatching(/^tracefs is not mounted: /),
        help: "run as root: mount -t tracefs none /sys/kernel/tracing",
      });
    }
  });
});

describe("type information", () => {
  const base = new BtfBuilder();
  const int = base.int("int", 4);
  const module = new BtfBuilder(base);
  const own = module.typedef("own_t", int);
  const tree = { "sys/kernel/btf/vmlinux": base.build(), "sys/kernel/btf/my_module": module.build() };

  it("of the kernel and of a module", () => {
    const facts = hostFacts({ root: temporaryTree(tree) });
    expect(facts.btf()?.find("int")).toBe(int);
    expect(facts.btf("vmlinux")).toBe(facts.btf());
    expect(facts.btf("my_module")?.find("own_t")).toBe(own);
    expect(facts.btf("my_module")).toBe(facts.btf("my_module"));
  });

  it.each(["nope", "../btf/vmlinux", "", "."])("none of a module %j", (name) => {
    expect(hostFacts({ root: temporaryTree(tree) }).btf(name)).toBeUndefined();
  });

  it("of another file, if that is asked for", () => {
    const root = temporaryTree({ "sys/kernel/btf/vmlinux": "garbage", other: base.build() });
    expect(hostFacts({ root, typeInformation: join(root, "other") }).btf()).toBeDefined();
  });

  it("none of a kernel built without", () => {
    expect(hostFacts({ root: temporaryTree() }).btf()).toBeUndefined();
    expect(hostFacts({ root: temporaryTree() }).btf("x")).toBeUndefined();
  });

  it("that is damaged is an error, not an absence", () => {
    const facts = hostFacts({ root: temporaryTree({ "sys/kernel/btf/vmlinux": "garbage, but long enough" }) });
    expect(() => facts.btf()).toThrow(/not BTF/);
  });
});

describe("features", () => {
  it("are asked for when needed, and once", () => {
    const asked: string[] = [];
    const facts = hostFacts({ root: temporaryTree(), prober: prober("yes", asked) });
    expect(asked).toEqual([]);
    expect([facts.features.loop, facts.features.loop, facts.features.ringbuf]).toEqual([true, true, true]);
    expect(asked).toEqual(["helper loop", "map 27"]);
  });

  it("all have a question", () => {
    const asked: string[] = [];
    const facts = hostFacts({ root: temporaryTree(), prober: prober("yes", asked) });
    const { tpBtf, fentry, kprobe, ...others } = { ...facts.features };
    // Without type information and perf's events there is nothing to attach to, whatever the kernel says.
    expect({ tpBtf, fentry, kprobe }).toEqual({ tpBtf: false, fentry: false, kprobe: false });
    expect(Object.values(others).every((value) => value)).toBe(true);
    expect(new Set(asked).size).toBe(Object.keys(others).length);
  });

  it("that were denied are not there", () => {
    const { features } = hostFacts({ root: temporaryTree(), prober: prober("denied") });
    expect(Object.values({ ...features }).some((value) => value)).toBe(false);
  });

  it("tp_btf is tried on a tracepoint's type", () => {
    const b = new BtfBuilder();
    const id = b.tracepoint("sys_enter", []);
    const asked: string[] = [];
    const facts = hostFacts({
      root: temporaryTree({ "sys/kernel/btf/vmlinux": b.build() }),
      prober: prober("yes", asked),
    });
    expect(facts.features.tpBtf).toBe(true);
    expect(asked).toEqual([`program 26 ${id}`]);
  });

  it("fentry is tried on a function that is there for that", () => {
    const b = new BtfBuilder();
    const id = b.func("bpf_fentry_test1", b.proto(b.int("int", 4), []));
    const asked: string[] = [];
    const root = temporaryTree({ "sys/kernel/btf/vmlinux": b.build() });
    expect(hostFacts({ root, prober: prober("yes", asked) }).features.fentry).toBe(true);
    expect(asked).toEqual([`fentry ${id}`]);
  });

  it("kprobes are events of perf", () => {
    const root = temporaryTree({ "sys/bus/event_source/devices/kprobe/type": "8\n" });
    expect(hostFacts({ root, prober: prober("yes", []) }).features.kprobe).toBe(true);
    expect(hostFacts({ root, prober: prober("no", []) }).features.kprobe).toBe(false);
  });
});

describe("processors", () => {
  it.each([
    ["0", 1],
    ["0-3\n", 4],
    ["0-3,8-11\n", 8],
  ])("possible: %j", (list, count) => {
    const root = temporaryTree({ "sys/devices/system/cpu/possible": list });
    expect(hostFacts({ root }).possibleCpus).toBe(count);
  });

  it.each(["x64", "arm64"])("%s", (arch) => expect(hostFacts({ arch }).arch).toBe(arch));

  it.each(["riscv64", "ia32"])("%s cannot trace", (arch) => {
    expect(() => hostFacts({ arch })).toThrow(CapabilityError);
    expect(() => hostFacts({ arch })).toThrow(`no tracing on processors of type ${arch}`);
  });
});

describe("versions", () => {
  it.each<[string, string, readonly number[]]>([
    ["6.18.44-fc-v657", "", [6, 18, 44]],
    ["5.15.0-91-generic", "#101-Ubuntu SMP", [5, 15, 0]],
    ["6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)", [6, 1, 76]],
    ["6.8", "", [6, 8, 0]],
    ["6.12-rc3", "", [6, 12, 0]],
  ])("%s %s", (release, build, expected) => {
    expect(parseVersion(release, build)).toEqual(expected);
    expect(hostFacts({ release, build }).version).toEqual(expected);
  });

  it.each(["", "next", "6", "v6.1"])("%j is none", (release) =>
    expect(() => parseVersion(release)).toThrow(/not a kernel/),
  );

  it.each<[[number, number, number], [number, number], boolean]>([
    [[5, 8, 0], [5, 8], true],
    [[5, 10, 0], [5, 8], true],
    [[6, 1, 0], [5, 8], true],
    [[5, 7, 19], [5, 8], false],
    [[4, 19, 0], [5, 8], false],
  ])("%j is at least %j: %s", (version, release, expected) => expect(isAtLeast(version, release)).toBe(expected));
});

describe("binaries", () => {
  const library = buildElf({ symbols: [{ name: "malloc", address: 0x401000 }] });

  it("have functions, or are undefined", () => {
    const root = temporaryTree({ "lib/libx.so": library, "bin/script": "#!/bin/sh\n" });
    const facts = hostFacts({ root, prober: never });
    expect(facts.elfSymbols("/lib/libx.so")!.functions()).toEqual([
      { name: "malloc", address: 0x401000, offset: 0x1000, size: 16 },
    ]);
    for (const path of ["/bin/script", "/nope", "/bin"]) expect(facts.elfSymbols(path)).toBeUndefined();
  });

  it("are read once", () => {
    const root = temporaryTree({ "lib/libx.so": library });
    const facts = hostFacts({ root });
    const first = facts.elfSymbols("/lib/libx.so");
    mkdirSync(join(root, "other"));
    writeFileSync(join(root, "lib/libx.so"), "");
    expect(facts.elfSymbols("/lib/libx.so")).toBe(first);
  });
});

it("an archive's entry is found by a path from here, as any file is", () => {
  const root = temporaryTree({ "a.zip": "" });
  const here = process.cwd();
  process.chdir(root);
  try {
    const binaries = (name: string) => hostFacts().binaries(name, { pid: undefined, anyFile: false });
    expect(binaries("./a.zip!/lib/x.so")).toEqual(["./a.zip!/lib/x.so"]);
    expect(binaries("./b.zip!/lib/x.so")).toEqual([]);
  } finally {
    process.chdir(here);
  }
});

describe("functions that can be traced", () => {
  function machine(): string {
    const b = new BtfBuilder();
    b.func("typed", b.proto(0, []));
    return temporaryTree({
      "sys/kernel/btf/vmlinux": b.build(),
      "sys/kernel/tracing/events": undefined,
      "sys/kernel/tracing/available_filter_functions": "listed\nother [mod]\nrcu_read_lock\n__rcu_read_unlock\n",
      list: "mine\nhers [mod]\nrcu_mine\n",
    });
  }

  it.each<[string, string | undefined, boolean]>([
    ["typed", undefined, true],
    ["typed", "vmlinux", true],
    ["typed", "mod", false],
    ["listed", undefined, true],
    ["other", undefined, true],
    ["other", "mod", true],
    ["other", "vmlinux", false],
    ["nope", undefined, false],
  ])("%s in %s: %s", (name, module, expected) => {
    expect(hostFacts({ root: machine() }).isTraceable(name, module)).toBe(expected);
  });

  it("are those of a list, if there is one", () => {
    const root = machine();
    const facts = hostFacts({ root, traceableFunctions: join(root, "list") });
    expect(facts.kernelFunctions()).toEqual([
      { name: "mine", module: "vmlinux" },
      { name: "hers", module: "mod" },
    ]);
    expect(["typed", "listed", "mine", "hers"].map((name) => facts.isTraceable(name, undefined))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it("are those with symbols where there is no list, but for code that the kernel made itself", () => {
    const root = temporaryTree({
      "sys/kernel/tracing/events": undefined,
      "proc/kallsyms": [
        "ffffffff81000000 T compiled",
        "ffffffff81000010 D data",
        "ffffffff81000020 t other\t[mod]",
        "ffffffffc0000000 t bpf_prog_6deef7357e7b4530\t[bpf]",
        "ffffffffc0000100 t ftrace_trampoline\t[__builtin__ftrace]\n",
      ].join("\n"),
    });
    expect(hostFacts({ root }).kernelFunctions()).toEqual([
      { name: "compiled", module: "vmlinux" },
      { name: "other", module: "mod" },
    ]);
  });
});

it("symbols come from /proc/kallsyms", () => {
  const facts = hostFacts({ root: temporaryTree({ "proc/kallsyms": "ffffffff81000000 T _text\n" }) });
  expect(facts.kernelSymbol("_text")).toBe(0xffffffff81000000n);
  expect(facts.kernelSymbol("nope")).toBeUndefined();
  expect(facts.symbolTable().resolve(0xffffffff81000002n)).toEqual({ name: "_text", offset: 2, module: undefined });
});

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
