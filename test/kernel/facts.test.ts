/** What we believe of the running kernel, against the kernel itself. */
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { helperSpec } from "../../compiler/asm/helpers.ts";
import { Btf } from "../../compiler/btf/btf.ts";
import { syscallNumber } from "../../compiler/syscalls.ts";
import { findHierarchy } from "../../harness/runner/cgroups.ts";
import { CapabilityError } from "../../harness/tracing/facts/capability-error.ts";
import { kernelProber } from "../../harness/tracing/facts/features.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { openFds, ProgType, perfDisable, perfEnable, perfEventOpen, perfReadCounter } from "../../native/index.ts";
import { KernelMemory } from "../support/kernel-memory.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";

const facts = hostFacts();

describeKernel("the kernel's type information", () => {
  const btf = facts.btf()!;

  it("opens in a few milliseconds", () => {
    const bytes = readFileSync("/sys/kernel/btf/vmlinux");
    const times = Array.from({ length: 7 }, () => {
      const start = performance.now();
      Btf.parse(bytes);
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(patient(10));
  });

  it("can be read to the last type", () => {
    let structs = 0;
    for (let id = 0; id < btf.typeCount; id++) {
      const type = btf.type(id);
      btf.sizeOf(id);
      expect(btf.format(id, "x")).not.toBe("");
      if (type.kind !== "struct" && type.kind !== "union") continue;
      structs++;
      expect(btf.definition(id)).toMatch(/\}/);
      for (const field of btf.fields(id)) {
        if (field.bits) expect(field.bits.offset + field.bits.size).toBeLessThanOrEqual(field.size * 8);
        expect(field.offset + field.size).toBeLessThanOrEqual(type.size);
      }
    }
    expect(structs).toBeGreaterThan(1000);
  });

  // The user-space ABI cannot change, so these hold for any kernel.
  it.each([
    ["struct __kernel_timespec", 16],
    ["struct sockaddr_in6", 28],
    ["struct stat", facts.arch === "x64" ? 144 : 128],
    ["struct iovec", 16],
    ["unsigned long", 8],
    ["pid_t", 4],
  ])("%s has %i bytes", (spelling, size) => expect(btf.sizeOf(btf.findSpelling(spelling)!)).toBe(size));

  it.each([
    ["sched_switch", ["bool preempt", "struct task_struct *prev", "struct task_struct *next"]],
    ["sys_enter", ["struct pt_regs *regs", "long int id"]],
    ["sys_exit", ["struct pt_regs *regs", "long int ret"]],
  ])("tracepoint %s", (name, params) => {
    const found = btf.tracepoint(name)!.params.map((p) => btf.format(p.type, p.name));
    expect(found.slice(0, params.length)).toEqual(params);
  });

  it("finds enumerators and functions", () => {
    expect(btf.enumerator("BPF_PROG_TYPE_RAW_TRACEPOINT")?.value).toBe(17n);
    expect(btf.enumerator("BPF_MAP_TYPE_RINGBUF")?.value).toBe(27n);
    expect(btf.func("vfs_read")?.proto.params.length).toBe(4);
  });
});

describeKernel("tracepoints", () => {
  it("each listed one has a format that makes sense", () => {
    const names = facts.tracepoints();
    expect(names.length).toBeGreaterThan(500);
    for (const name of names) {
      const [category, event] = name.split(":");
      const format = facts.tracepointFormat(category!, event!)!;
      expect(format.id, name).toBeGreaterThan(0);
      expect(format.fields.slice(0, 4).map((f) => f.name)).toEqual([
        "common_type",
        "common_flags",
        "common_preempt_count",
        "common_pid",
      ]);
      let end = 0;
      for (const field of format.fields) {
        expect(field.name, name).toMatch(/^\w+$/);
        expect(field.type, `${name} ${field.name}`).toMatch(/^\w[\w *()[\],]*$/);
        expect(field.offset, `${name} ${field.name}`).toBeGreaterThanOrEqual(end);
        end = field.offset + field.size;
        if (field.count !== undefined && field.count > 0)
          expect(field.size % field.count, `${name} ${field.name}`).toBe(0);
      }
    }
  });
});

describeKernel("system calls", () => {
  const listTracepoints = (): string[] =>
    readdirSync(join(facts.tracefs(), "events/syscalls"))
      .filter((name) => name.startsWith("sys_enter_"))
      .map((name) => name.slice("sys_enter_".length));

  it("each with a tracepoint has a number", () => {
    const listed = listTracepoints();
    expect(listed.length).toBeGreaterThan(300);
    expect(listed.filter((name) => syscallNumber(facts.arch, name) === undefined)).toEqual([]);
  });

  it("the numbers are those that the kernel uses", () => {
    const listed = listTracepoints();
    const numbers = listed.map((name): [string, number] => [`sys_${name}`, syscallNumber(facts.arch, name)!]);
    expect(Object.fromEntries(kernelSyscalls(listed))).toEqual(Object.fromEntries(numbers));
  });

  /**
   * What the kernel has noted for each of its tracepoints: open a file of the event, and follow the pointers from our
   * own descriptor to the event's { char *name; int syscall_nr; ... }.
   */
  function kernelSyscalls(listed: readonly string[]): Map<string, number> {
    const btf = facts.btf()!;
    const memory = new KernelMemory();
    /** The address of a member, or what a pointer member holds. */
    const member = (at: bigint, struct: string, name: string): bigint =>
      at + BigInt(btf.field(btf.find(struct, "struct")!, name)!.offset);
    const follow = (at: bigint, struct: string, name: string): bigint => memory.pointer(member(at, struct, name));
    const found = new Map<string, number>();
    try {
      const table = follow(follow(memory.currentTask(), "task_struct", "files"), "files_struct", "fdt");
      const descriptors = follow(table, "fdtable", "fd");
      for (const event of listed) {
        const fd = openSync(join(facts.tracefs(), `events/syscalls/sys_enter_${event}/enable`), "r");
        try {
          const inode = follow(memory.pointer(descriptors + BigInt(fd * 8)), "file", "f_inode");
          const call = follow(follow(inode, "inode", "i_private"), "trace_event_file", "event_call");
          const metadata = follow(call, "trace_event_call", "data");
          const name = memory.text(follow(metadata, "syscall_metadata", "name"));
          found.set(name, memory.read(member(metadata, "syscall_metadata", "syscall_nr")).getInt32(0, true));
        } finally {
          closeSync(fd);
        }
      }
      return found;
    } finally {
      memory.close();
    }
  }
});

describeKernel("symbols", () => {
  it.each(["schedule", "vfs_read", "do_exit"])("%s is found both ways", (name) => {
    const address = facts.kernelSymbol(name)!;
    expect(address).toBeGreaterThan(0xffff_0000_0000_0000n);
    expect(facts.symbolTable().resolve(address + 1n)).toMatchObject({ name, offset: 1, module: undefined });
  });

  it("unknown ones are undefined", () => expect(facts.kernelSymbol("no_such_symbol_here")).toBeUndefined());
});

describeKernel("features", () => {
  const [major, minor] = facts.version;
  const atLeast = (a: number, b: number): boolean => major > a || (major === a && minor >= b);

  it.each(["loop", "for_each_map_elem", "get_current_task_btf", "ktime_get_boot_ns", "ktime_get_tai_ns"] as const)(
    "%s is there since its release",
    (name) => {
      const [a, b] = helperSpec(name).since;
      if (atLeast(a, b)) expect(kernelProber.helper(name, ProgType.RAW_TRACEPOINT)).toBe("yes");
    },
  );

  it("a helper of other program types is not there", () => {
    expect(kernelProber.helper("get_netns_cookie", ProgType.RAW_TRACEPOINT)).toBe("no");
    expect(kernelProber.helper("override_return", ProgType.RAW_TRACEPOINT)).toBe("no");
  });

  it("map and program types", () => {
    expect([kernelProber.map(1), kernelProber.map(27), kernelProber.map(9999)]).toEqual([
      "yes",
      atLeast(5, 8) ? "yes" : "no",
      "no",
    ]);
    expect([kernelProber.program(ProgType.RAW_TRACEPOINT), kernelProber.program(9999)]).toEqual(["yes", "no"]);
  });

  it.each([
    ["ringbuf", [5, 8]],
    ["atomicFetch", [5, 12]],
    ["cpuV4", [6, 6]],
    ["tpBtf", [5, 5]],
    ["lookupPercpuElem", [5, 19]],
    ["callsBesideTailCalls", [6, 0]],
  ] as const)("%s since its release", (feature, [a, b]) => {
    if (atLeast(a, b)) expect(facts.features[feature]).toBe(true);
  });

  it("all together take little time, and leave nothing open", () => {
    const before = openFds().length;
    const start = performance.now();
    const fresh = { ...hostFacts().features };
    expect(performance.now() - start).toBeLessThan(patient(1000));
    expect(Object.values(fresh).every((value) => typeof value === "boolean")).toBe(true);
    expect(openFds().length).toBe(before);
  });
});

describeKernel("processors and cgroups", () => {
  it("as many as /proc/stat or more", () => {
    const online = readFileSync("/proc/stat", "utf8").match(/^cpu\d+/gm)!.length;
    expect(facts.possibleCpus).toBeGreaterThanOrEqual(online);
  });

  it("the root cgroup has the id 1, version 1 has none", () => {
    const { mount } = findHierarchy(readFileSync("/proc/self/mountinfo", "utf8"))!;
    expect(facts.cgroupId(mount)).toBe(1n);
    expect(facts.cgroupId("")).toBe(1n);
    expect(facts.cgroupId(join(mount, "no-such-cgroup"))).toBeUndefined();
    expect(facts.cgroupId(join(mount, "cgroup.procs"))).toBeUndefined();
    expect(facts.cgroupId("/proc")).toBeUndefined();
  });
});

describeKernel("functions of a library", () => {
  it("lie where the kernel says they are called", () => {
    const path = facts.binaries("libc", { pid: undefined, anyFile: false })[0]!;
    const target = facts.elfSymbols(path)!.functions("getppid")[0]!;
    const type = Number(readFileSync("/sys/bus/event_source/devices/uprobe/type", "utf8"));
    const event = perfEventOpen({ type, config: 0, config1: path, config2: target.offset, pid: 0, disabled: true });
    try {
      perfEnable(event);
      for (let i = 0; i < 10; i++) void process.ppid;
      perfDisable(event);
      expect(perfReadCounter(event).value).toBe(10n);
    } finally {
      event.close();
    }
  });
});

describeKernel("without privileges", () => {
  const NOBODY = 65534;
  beforeAll(() => process.seteuid!(NOBODY));
  afterAll(() => process.seteuid!(0));

  it("tracepoints are an error with a remedy", () => {
    const fresh = hostFacts();
    expect(() => fresh.tracepoints()).toThrow(CapabilityError);
    expect(() => fresh.tracepoints()).toThrow(/^tracepoints may not be read: .*EACCES/);
  });

  it("symbols are hidden or found, never zero", () => {
    let address: bigint | undefined;
    try {
      address = hostFacts().kernelSymbol("schedule");
    } catch (error) {
      expect(error).toBeInstanceOf(CapabilityError);
      return;
    }
    expect(address).toBeGreaterThan(0n);
  });

  it("type information is for everyone", () => expect(hostFacts().btf()).toBeDefined());
});
