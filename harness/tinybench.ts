/**
 * `probewright/tinybench`: what a benchmark's tasks do in the kernel, beside the times that they take. Times are measured
 * first, as ever and with nothing attached that could prolong them; then each task runs some more iterations to be counted.
 */
import { writeSync } from "node:fs";
import type { Bench, ConsoleTableConverter, Fn, FnOptions, Task, TaskResult } from "tinybench";
import { TraceError, TraceUnavailableError } from "./in-process/errors.ts";
import { TaskCounter, type TaskParts } from "./tinybench/counter.ts";
import type { KernelCounters } from "./tinybench/counters.ts";
import { kernelColumns } from "./tinybench/table.ts";

export type { Counts } from "./in-process/calls.ts";
export { TraceError, TraceUnavailableError } from "./in-process/errors.ts";
export type { KernelCounters } from "./tinybench/counters.ts";

export interface KernelCounterOptions {
  /** Iterations of each task that are counted. Default: 100. */
  iterations?: number;
  /** After so many milliseconds a task is counted no further, though at least once. Default: 1000. */
  time?: number;
  /** Fail where the machine does not permit tracing, in place of a warning and empty columns. */
  required?: boolean;
}

/** A task's result with its counters, once the task has run; without them where nothing could be counted. */
export type KernelTaskResult = TaskResult & { kernel?: KernelCounters };

export interface KernelTask extends Task {
  get result(): Task["result"] & { kernel?: KernelCounters };
}

/** What withKernelCounters makes of a Bench. */
export interface KernelBench extends Bench {
  get results(): Readonly<KernelTaskResult>[];
  get tasks(): KernelTask[];
  getTask(name: string): KernelTask | undefined;
  /** Measures and counts. Rejects with TraceError when the counts cannot be trusted. */
  run(): Promise<KernelTask[]>;
  /** For JSON.stringify: every task with its name, times and counters. */
  toJSON(): { name: string | undefined; tasks: ({ name: string } & KernelTaskResult)[] };
}

const DEFAULTS = { iterations: 100, time: 1000 };

/**
 * Adds counters to every task of a Bench, which must not have any yet: `withKernelCounters(new Bench()).add(...)`. They are in
 * `task.result.kernel`, in the table and in JSON. Counting is asynchronous, so there is no runSync().
 */
export function withKernelCounters(bench: Bench, options: KernelCounterOptions = {}): KernelBench {
  if (bench.tasks.length > 0)
    throw new TraceError("withKernelCounters() comes before the tasks: wrap the Bench first, then add to it");
  const limits = {
    iterations: checked("iterations", options.iterations ?? DEFAULTS.iterations),
    timeMs: checked("time", options.time ?? DEFAULTS.time),
  };
  const counted = bench as KernelBench;
  const parts = new WeakMap<Task, TaskParts>();
  const counters = new WeakMap<Task, KernelCounters>();
  const { add, run, table } = bench;

  const count = async (): Promise<void> => {
    const tasks = bench.tasks.filter(({ result }) => result.state === "completed");
    const counter = await openCounter(options.required);
    try {
      for (const task of tasks) {
        const kernel = await counter?.count(bench, task, parts.get(task)!, limits);
        if (kernel !== undefined) counters.set(task, kernel);
      }
    } finally {
      counter?.close();
    }
  };

  return Object.assign(counted, {
    add(name: string, fn: Fn, fnOptions: FnOptions = {}) {
      add.call(bench, name, fn, fnOptions);
      const task = bench.getTask(name)!;
      parts.set(task, { fn, options: fnOptions });
      task.addEventListener("reset", () => counters.delete(task));
      const times = (): Task["result"] => Reflect.get(Object.getPrototypeOf(task) as object, "result", task);
      Object.defineProperty(task, "result", {
        get: () => {
          const kernel = counters.get(task);
          return kernel === undefined ? times() : { ...times(), kernel };
        },
      });
      return counted;
    },
    async run() {
      const tasks = (await run.call(bench)) as KernelTask[];
      await count();
      return tasks;
    },
    runSync() {
      throw new TraceError("counting is asynchronous: call run() in place of runSync()");
    },
    table(convert?: ConsoleTableConverter) {
      const rows = table.call(bench, convert);
      if (convert !== undefined) return rows;
      return rows.map((row, i) => ({ ...row, ...kernelColumns(counters.get(bench.tasks[i]!)) }));
    },
    toJSON: () => ({ name: bench.name, tasks: counted.tasks.map((task) => ({ name: task.name, ...task.result })) }),
  });
}

function checked(name: string, value: number): number {
  if (!(value > 0)) throw new RangeError(`\`${name}\` is a number above 0, not ${value}`);
  return value;
}

/** Undefined where the machine does not permit tracing; that is said loudly. */
async function openCounter(required: boolean | undefined): Promise<TaskCounter | undefined> {
  try {
    return await TaskCounter.open();
  } catch (error) {
    if (!(error instanceof TraceUnavailableError) || required || process.env.PROBEWRIGHT_REQUIRED === "1") throw error;
    writeSync(
      2,
      `\n*** probewright: kernel counters are MISSING, since nothing can be traced here: ${error.message} ***\n\n`,
    );
    return undefined;
  }
}
