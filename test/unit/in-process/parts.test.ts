/** The parts of in-process tracing that need no kernel. */
import { describe, expect, it } from "vitest";
import { manualName } from "../../../compiler/syscalls.ts";
import { CallMaps } from "../../../harness/in-process/calls.ts";
import { TraceError } from "../../../harness/in-process/errors.ts";
import { probeKey, scenarioOf, scenarioOfCommand } from "../../../harness/in-process/options.ts";
import { rows } from "../../../harness/in-process/own-script.ts";
import { poolSize, waitForWork } from "../../../harness/in-process/pool.ts";
import { checkedName, SyscallNames } from "../../../harness/in-process/syscall-names.ts";
import type { MapData } from "../../../harness/metrics/run-data.ts";

describe("names of system calls", () => {
  it.each([
    ["openat", "openat"],
    ["newfstat", "fstat"],
    ["fstat", "fstat"],
    ["newuname", "uname"],
    ["sendfile64", "sendfile"],
    ["renameat", "renameat"],
  ])("%s is %s", (written, name) => {
    expect(checkedName(written)).toBe(name);
    expect(manualName(written)).toBe(name);
  });

  it.each(["", "opn", "constructor", "__proto__", "OPENAT"])("%j is none", (name) => {
    expect(() => checkedName(name)).toThrow(TraceError);
  });

  it("belong to numbers", () => {
    const [x64, arm64] = [new SyscallNames("x64"), new SyscallNames("arm64")];
    expect([x64.of(5), x64.of(257), x64.of(9999)]).toEqual(["fstat", "openat", "syscall_9999"]);
    expect([arm64.of(80), arm64.of(56)]).toEqual(["fstat", "openat"]);
  });
});

it.each([
  [undefined, 4],
  ["8", 8],
  ["0", 1],
  ["-3", 1],
  ["many", 1],
  ["", 1],
  ["5000", 1024],
  ["12abc", 12],
])("libuv takes UV_THREADPOOL_SIZE=%s for %i threads", (setting, size) => {
  if (setting === undefined) delete process.env.UV_THREADPOOL_SIZE;
  expect(poolSize(setting)).toBe(size);
});

describe("threads of a pool", () => {
  const FUTEX = 202;
  const state = (address: number, operation: number, stack = 0x7f00_0000_0000): string =>
    `202 0x${address.toString(16)} 0x${operation.toString(16)} 0x0 0x0 0x0 0xffffffff 0x${stack.toString(16)} 0x7f0012345678\n`;
  const CONDITION = 0x566f9c8;

  it.each<[string, string[]]>([
    ["all on one condition", [state(CONDITION, 0x189), state(CONDITION, 0x189)]],
    ["on both groups of one condition", [state(CONDITION + 8, 0x189), state(CONDITION, 0x189)]],
    ["each on its stack", [state(0x7f00_0000_0040, 0x80), state(0x7e00_0000_0040, 0x80, 0x7e00_0000_0000)]],
    ["alone", [state(CONDITION, 0x189)]],
  ])("wait for work: %s", (_, states) => expect(waitForWork(states, FUTEX)).toBe(true));

  it.each<[string, string[]]>([
    ["one runs", [state(CONDITION, 0x189), "running\n"]],
    ["one reads", [state(CONDITION, 0x189), "0 0x5 0x7f 0x100 0x0 0x0 0x0 0x7f00 0x7f00\n"]],
    ["one waits for a mutex", [state(CONDITION, 0x189), state(CONDITION + 48, 0x80)]],
    ["one waits for another thing", [state(CONDITION, 0x189), state(CONDITION + 4096, 0x189)]],
    ["one is in no system call", [state(CONDITION, 0x189), "-1 0x7f00 0x7f00\n"]],
    ["one is gone", [state(CONDITION, 0x189), ""]],
  ])("do not all wait for work: %s", (_, states) => expect(waitForWork(states, FUTEX)).toBe(false));
});

describe("the options of trace()", () => {
  it("become a scenario", () => {
    const { probes, metrics } = scenarioOf({
      probes: [
        "begin { @a = 1; }",
        { bpftrace: "begin { @b = 1; }", params: ["x", 2], scope: "system" },
        { use: "files" },
      ],
      metrics: { c: { value: "@b", unit: "us" } },
    });
    expect(probes.map(({ source, scope }) => [source.text, scope]).slice(0, 2)).toEqual([
      ["begin { @a = 1; }", "workload"],
      ["begin { @b = 1; }", "system"],
    ]);
    expect(probes[1]!.params.positional).toEqual(["x", "2"]);
    expect(probes[2]!.origin).toEqual({ kind: "preset", preset: "files" });
    expect(metrics.map(({ name, unit }) => [name, unit])).toContainEqual(["c", "ns"]);
  });

  it.each(["", "line\n", "a: b # c\n  - d\n\ttab", '"quotes" and \\ and {{ }}', "ü😀", "- x\n...\n---\n"])(
    "keep a script as it is: %j",
    (text) => {
      const script = `begin { }\n// ${text}\n`;
      expect(scenarioOf({ probes: script }).probes[0]!.source.text).toBe(script);
    },
  );

  it("may hold one probe, or none", () => {
    expect(scenarioOf({}).probes).toEqual([]);
    expect(scenarioOf({ probes: [] }).probes).toEqual([]);
    expect(scenarioOf({ probes: { bpftrace: "begin { }" } }).probes).toHaveLength(1);
  });

  it("say how a command is run", () => {
    const { workload } = scenarioOfCommand(["a b", "$c"], { cwd: "/", env: { N: "1" }, timeout: "1.5s", user: 65534 });
    expect(workload).toMatchObject({
      command: { kind: "argv", argv: ["a b", "$c"] },
      cwd: "/",
      env: { N: "1" },
      timeoutMs: 1500,
      user: "65534",
    });
  });

  it.each<[string, Parameters<typeof scenarioOf>[0], string]>([
    ["a misspelt key", { probes: { bpftrce: "begin { }" } as never }, "did you mean `bpftrace`?"],
    ["a wrong type", { probes: 5 as never }, "options of trace()"],
    ["a bad metric", { metrics: { x: "sum(" } }, "options of trace()"],
    ["a bad name", { metrics: { "a b": "1" } }, "options of trace()"],
    ["a bad unit", { metrics: { x: { value: "1", unit: "lightyears" } } }, "options of trace()"],
  ])("refuse %s", (_, options, message) => {
    expect(() => scenarioOf(options)).toThrow(TraceError);
    expect(() => scenarioOf(options)).toThrow(message);
  });

  it("have a key by what has to be compiled", () => {
    expect(probeKey({ probes: "a", required: true })).toBe(probeKey({ probes: "a" }));
    expect(probeKey({ probes: "a" })).not.toBe(probeKey({ probes: "b" }));
    expect(probeKey({ probes: "a" })).not.toBe(probeKey({ metrics: { a: "1" } }));
  });
});

describe("what was counted", () => {
  const counts = (name: string, entries: [key: (bigint | string | boolean)[], count: number][]): MapData => ({
    name,
    kind: "count",
    keyed: true,
    entries: entries.map(([key, value]) => ({ key, value: { kind: "count", value: BigInt(value) } })),
  });
  /** Threads 10 and 11 of this process, 0 for all others; read is 0, write is 1, openat 257. */
  const counted = (servesRuntime: (descriptor: number) => boolean = () => false): CallMaps =>
    new CallMaps(
      [
        counts("@calls", [
          [[10n, 0n], 5],
          [[10n, 1n], 2],
          [[11n, 1n], 4],
          [[0n, 257n], 1],
        ]),
        counts("@transfers", [
          [[10n, 0n, 3n], 2],
          [[10n, 0n, 4n], 3],
          [[11n, 1n, 3n], 4],
          [[10n, 1n, 9n], 2],
        ]),
        counts("@internal", [[[9n], 1]]),
        counts("@opened", [
          [[10n, false, "a"], 1],
          [[11n, false, "a"], 2],
          [[11n, true, "a"], 3],
          [[0n, false, "a"], 4],
        ]),
        counts("@failed", [[[10n, false, "b", 2n], 1]]),
        { name: "@forks", kind: "count", keyed: false, entries: [{ key: [], value: { kind: "count", value: 2n } }] },
        counts("@executed", [[["/bin/sh"], 2]]),
      ],
      new SyscallNames("x64"),
      servesRuntime,
    );

  it("is what the chosen threads did, without the runtime's own transfers", () => {
    const three = (fd: number): boolean => fd === 3;
    expect(counted(three).of(() => true).syscalls).toEqual({ openat: 1, read: 3 });
    expect(counted().of((thread) => thread === 10).syscalls).toEqual({ read: 5 });
    expect(counted(three).of((thread) => thread === 11).syscalls).toEqual({});
    expect(counted().of((thread) => thread === 11).syscalls).toEqual({ write: 4 });
  });

  it("asks about each descriptor once, and not about those that the runtime made meanwhile", () => {
    const asked: number[] = [];
    const maps = counted((fd) => asked.push(fd) < 0);
    maps.of(() => true);
    maps.of(() => true);
    expect(asked.sort()).toEqual([3, 4]);
    expect([maps.isInternal(9), maps.isInternal(3)]).toEqual([true, false]);
  });

  it("has one entry for each file, seen from one place", () => {
    const { opened, failed } = counted().of(() => true);
    expect(opened).toEqual([
      { path: "a", fromHere: true, count: 3 },
      { path: "a", fromHere: false, count: 7 },
    ]);
    expect(failed).toEqual([{ path: "b", fromHere: true, count: 1, error: "No such file or directory" }]);
  });

  it("names processes and programs", () => {
    expect(counted().processes).toEqual({ started: 2, programs: { "/bin/sh": 2 } });
  });

  it("comes from maps of numbers only", () => {
    expect(() => rows([], "@x")).toThrow("there is no map @x");
    const text: MapData = {
      name: "@x",
      kind: "other",
      keyed: false,
      entries: [{ key: [], value: { kind: "other", text: "a" } }],
    };
    expect(() => rows([text], "@x")).toThrow("more than numbers");
  });
});
