/** `probewright/tinybench` on tasks whose counts are known exactly. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Bench, type Fn, type FnOptions } from "tinybench";
import { describe, expect, it } from "vitest";
import { TraceError } from "../../harness/in-process/errors.ts";
import {
  type KernelBench,
  type KernelCounterOptions,
  type KernelCounters,
  withKernelCounters,
} from "../../harness/tinybench.ts";
import { openFds } from "../../native/index.ts";
import { describeKernel } from "../support/privileges.ts";

/** So short that a test is quick, and with enough iterations to count. */
const SHORT = { time: 5, iterations: 5, warmup: false, throws: true } as const;

/** All that are asked for are counted, however busy the machine is. */
const TWENTY: KernelCounterOptions = { iterations: 20, time: 30_000 };

const bench = (options: KernelCounterOptions = TWENTY): KernelBench =>
  withKernelCounters(new Bench({ name: "test", ...SHORT }), options);

async function countersOf(fn: Fn, options?: FnOptions): Promise<KernelCounters> {
  const [task] = await bench().add("task", fn, options).run();
  return (task as KernelBench["tasks"][number]).result.kernel!;
}

const sink = openSync("/dev/null", "w");
const source = openSync("/dev/zero", "r");

describeKernel("kernel counters of a task", () => {
  it.each<[string, Fn, Record<string, number>, Partial<KernelCounters>]>([
    ["that does nothing", () => undefined, {}, { bytesRead: 0, bytesWritten: 0 }],
    ["that asks for its parent", () => process.ppid, { getppid: 1 }, {}],
    [
      "that writes three times",
      () => {
        for (let i = 0; i < 3; i++) writeSync(sink, "12345");
      },
      { write: 3 },
      { bytesWritten: 15, bytesRead: 0 },
    ],
    [
      "that reads twice",
      () => {
        for (let i = 0; i < 2; i++) readSync(source, Buffer.alloc(1000));
      },
      { read: 2 },
      { bytesRead: 2000, bytesWritten: 0 },
    ],
    [
      "that reads at a position",
      () => void readSync(source, Buffer.alloc(100), 0, 100, 0),
      { pread64: 1 },
      { bytesRead: 100 },
    ],
    [
      "that writes three times in libuv's pool",
      async () => {
        const file = await open("/dev/null", "w");
        for (let i = 0; i < 3; i++) await file.write("12345");
        await file.close();
      },
      { openat: 1, write: 3, close: 1 },
      { bytesWritten: 15, bytesRead: 0 },
    ],
  ])("%s", async (_, fn, names, counters) => {
    const kernel = await countersOf(fn);
    expect(kernel.syscallsByName).toMatchObject(names);
    expect(kernel).toMatchObject({ iterations: 20, ...counters });
    expect(kernel.probes.hits).toBeGreaterThan(0);
    expect(kernel.probes.ns).toBeGreaterThan(0);
  });

  it("adds up to the sum of all system calls", async () => {
    const { syscalls, syscallsByName } = await countersOf(() => writeSync(sink, "x"));
    expect(syscalls).toBeCloseTo(Object.values(syscallsByName).reduce((a, b) => a + b));
    expect(syscalls).toBeGreaterThanOrEqual(1);
    expect(syscalls).toBeLessThan(2);
  });

  it("is a mean where iterations differ", async () => {
    let i = 0;
    const { syscallsByName } = await countersOf(() => {
      if (i++ % 2 === 0) writeSync(sink, "x");
    });
    expect(syscallsByName.write).toBe(0.5);
  });

  it("counts waiting as time off the CPU, and as a switch", async () => {
    const { offCpuNs, contextSwitches } = await countersOf(() => sleep(10));
    expect(offCpuNs).toBeGreaterThan(8e6);
    expect(offCpuNs).toBeLessThan(100e6);
    expect(contextSwitches).toBeGreaterThanOrEqual(1);
    const busy = await countersOf(() => undefined);
    expect(busy.offCpuNs).toBeLessThan(1e6);
  });

  it("counts page faults as the kernel accounts them to the process", async () => {
    const accounted: number[] = [];
    const { pageFaults } = await countersOf(() => {
      const before = process.resourceUsage().minorPageFault;
      // more than the C library keeps for itself, so that it comes from the kernel each time
      new Uint8Array(40 * 1024 * 1024).fill(1);
      accounted.push(process.resourceUsage().minorPageFault - before);
    });
    const counted = accounted.slice(-20);
    const mean = counted.reduce((a, b) => a + b) / counted.length;
    expect(mean).toBeGreaterThan(10);
    expect(pageFaults / mean).toBeGreaterThan(0.98);
    expect(pageFaults / mean).toBeLessThan(1.05);
  });

  it("counts child processes", async () => {
    const { syscallsByName, bytesWritten } = await countersOf(() => execFileSync("/bin/echo", ["12345"]));
    expect(syscallsByName.execve).toBe(1);
    // libuv writes a byte to itself in the forked child, before that becomes another program
    expect([6, 7]).toContain(bytesWritten);
  });

  it("leaves hooks out, and calls them as tinybench does", async () => {
    const calls: string[] = [];
    const hook = (name: string) => () => {
      calls.push(name);
      writeSync(sink, "hook");
    };
    const wrapped = withKernelCounters(new Bench({ ...SHORT, setup: hook("setup"), teardown: hook("teardown") }), {
      iterations: 3,
    });
    wrapped.add("task", () => writeSync(sink, "x"), {
      beforeAll: hook("beforeAll"),
      beforeEach: hook("beforeEach"),
      afterEach: hook("afterEach"),
      afterAll: hook("afterAll"),
    });
    await wrapped.run();
    expect(wrapped.tasks[0]!.result.kernel).toMatchObject({ bytesWritten: 1, syscallsByName: { write: 1 } });
    const again = calls.slice(calls.lastIndexOf("setup"));
    // two iterations to warm up, three that count
    const each = Array.from({ length: 5 }, () => ["beforeEach", "afterEach"]).flat();
    expect(again).toEqual(["setup", "beforeAll", ...each, "afterAll", "teardown"]);
  });

  it("does not prolong the times", async () => {
    const plain = new Bench({ time: 100, iterations: 1000, warmup: true });
    const counted = withKernelCounters(new Bench({ time: 100, iterations: 1000, warmup: true }), { iterations: 5 });
    for (const one of [plain, counted]) one.add("write", () => writeSync(sink, "x"));
    await plain.run();
    await counted.run();
    const [without, with_] = [plain, counted].map(({ tasks }) => {
      const { result } = tasks[0]!;
      return result.state === "completed" ? result.latency.p50 : Number.NaN;
    }) as [number, number];
    expect(with_ / without).toBeLessThan(1.5);
  });

  it("shows them in the table, beside the times", async () => {
    const wrapped = bench().add("writes", () => void writeSync(sink, "12345"));
    await wrapped.run();
    const [row] = wrapped.table();
    expect(row).toMatchObject({ "Task name": "writes", "Read (B)": "0.0", "Written (B)": "5.0" });
    expect(Object.keys(row!)).toEqual(
      expect.arrayContaining([
        "Latency avg (ns)",
        "Syscalls",
        "Page faults",
        "Switches",
        "Off CPU (ns)",
        "Probes (ns)",
      ]),
    );
    expect(wrapped.table(({ name }) => ({ only: name }))).toEqual([{ only: "writes" }]);
  });

  it("has them in JSON", async () => {
    const wrapped = bench().add("writes", () => void writeSync(sink, "12345"));
    await wrapped.run();
    const { name, tasks } = JSON.parse(JSON.stringify(wrapped));
    expect(name).toBe("test");
    expect(tasks).toMatchObject([
      { name: "writes", state: "completed", latency: { mean: expect.any(Number) }, kernel: { bytesWritten: 5 } },
    ]);
    expect(JSON.parse(JSON.stringify(wrapped.results))[0].kernel.syscallsByName.write).toBe(1);
  });

  it("keeps several tasks apart, and forgets them on reset", async () => {
    const wrapped = bench()
      .add("one", () => writeSync(sink, "1"))
      .add("two", async () => void (await readFile("/etc/hostname")))
      .add("three", () => closeSync(openSync("/dev/null", "r"))) as KernelBench;
    await wrapped.run();
    expect(wrapped.tasks.map(({ result }) => result.kernel!.bytesWritten)).toEqual([1, 0, 0]);
    expect(wrapped.getTask("three")!.result.kernel!.syscallsByName).toMatchObject({ openat: 1, close: 1 });
    wrapped.reset();
    expect(wrapped.results.map(({ kernel }) => kernel)).toEqual([undefined, undefined, undefined]);
    expect(wrapped.table()[0]).toMatchObject({ Syscalls: "n/a" });
    await wrapped.run();
    expect(wrapped.tasks.map(({ result }) => result.kernel!.bytesWritten)).toEqual([1, 0, 0]);
  });

  it.each(["bench", "task"] as const)(
    "counts one iteration at a time, whatever runs with concurrency %s",
    async (concurrency) => {
      const options = concurrency === "task" ? { concurrency, threshold: 3 } : { concurrency };
      const wrapped = withKernelCounters(new Bench({ ...SHORT, ...options }), { iterations: 10 });
      for (const name of ["a", "b"])
        wrapped.add(name, async () => {
          const file = await open("/dev/null", "w");
          await file.write("123");
          await file.close();
        });
      await wrapped.run();
      for (const { kernel } of wrapped.results)
        expect(kernel).toMatchObject({ bytesWritten: 3, syscallsByName: { write: 1 } });
    },
  );

  it("stops after its time, but counts once", async () => {
    const wrapped = bench({ iterations: 1000, time: 1 }).add("slow", () => sleep(20)) as KernelBench;
    await wrapped.run();
    expect(wrapped.results[0]!.kernel!.iterations).toBe(1);
  });

  it("counts no task that has failed", async () => {
    const wrapped = withKernelCounters(new Bench({ ...SHORT, throws: false })).add("fails", () => {
      throw new Error("no");
    }) as KernelBench;
    await wrapped.run();
    expect(wrapped.results[0]).toMatchObject({ state: "errored" });
    expect(wrapped.results[0]).not.toHaveProperty("kernel");
    expect(wrapped.table()[0]).toMatchObject({ Error: "no", Syscalls: "n/a" });
  });

  it("passes on what a task throws while it is counted", async () => {
    let isMeasured = false;
    const wrapped = bench().add("tires", () => {
      if (isMeasured) throw new RangeError("too often");
    });
    wrapped.addEventListener("cycle", () => {
      isMeasured = true;
    });
    await expect(wrapped.run()).rejects.toThrow(new RangeError("too often"));
    expect(isMeasured).toBe(true);
    expect(openFds()).toEqual([]);
  });

  it("leaves nothing attached", async () => {
    await bench()
      .add("nothing", () => undefined)
      .run();
    expect(openFds()).toEqual([]);
  });
});

describe("withKernelCounters", () => {
  it("comes before the tasks", () => {
    expect(() => withKernelCounters(new Bench().add("task", () => 1))).toThrow(TraceError);
  });

  it("has no runSync()", () => {
    expect(() => withKernelCounters(new Bench()).runSync()).toThrow("call run() in place of runSync()");
  });

  it.each([[{ iterations: 0 }], [{ iterations: Number.NaN }], [{ time: -1 }]])("refuses %j", (options) => {
    expect(() => withKernelCounters(new Bench(), options)).toThrow(RangeError);
  });

  it("refuses a second task of the same name, as tinybench does", () => {
    const wrapped = withKernelCounters(new Bench()).add("a", () => 1);
    expect(() => wrapped.add("a", () => 2)).toThrow('Task "a" already exists');
  });
});
