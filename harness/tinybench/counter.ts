/** Runs a task once more, as tinybench would, and counts each of its iterations alone: hooks are not counted. */
import type { Bench, Fn, FnOptions, Task } from "tinybench";
import { TraceError } from "../in-process/errors.ts";
import { FunctionTracer } from "../in-process/function-tracer.ts";
import type { TraceOptions } from "../in-process/options.ts";
import { countersOf, type KernelCounters, meanCounters, SWITCH_SCRIPT, TRANSFER_SCRIPT } from "./counters.ts";

/** What makes up a task. */
export interface TaskParts {
  readonly fn: Fn;
  readonly options: FnOptions;
}

export interface CountingLimits {
  readonly iterations: number;
  readonly timeMs: number;
}

/** Iterations that are run before the first one is counted, so that what is only done once is done. */
const UNCOUNTED = 2;

export class TaskCounter {
  readonly #tracer: FunctionTracer;
  readonly #options: TraceOptions;

  private constructor(tracer: FunctionTracer) {
    this.#tracer = tracer;
    this.#options = {
      probes: [
        { bpftrace: TRANSFER_SCRIPT, params: [tracer.process] },
        { bpftrace: SWITCH_SCRIPT, params: [tracer.thread], scope: "system" },
      ],
    };
  }

  /** Throws TraceUnavailableError where the machine does not permit tracing. */
  static async open(): Promise<TaskCounter> {
    const counter = new TaskCounter(await FunctionTracer.open({ cost: true }));
    try {
      // Compiles and attaches, which is not to be taken from the time of the first task.
      await counter.#tracer.trace(() => undefined, counter.#options);
      return counter;
    } catch (error) {
      counter.close();
      throw error;
    }
  }

  /** Throws TraceError, and whatever the task and its hooks throw. */
  async count(bench: Bench, task: Task, { fn, options }: TaskParts, limits: CountingLimits): Promise<KernelCounters> {
    await bench.setup(task, "run");
    try {
      await options.beforeAll?.call(task, "run");
      try {
        return meanCounters(await this.#iterations(task, fn, options, limits));
      } finally {
        await options.afterAll?.call(task, "run");
      }
    } finally {
      await bench.teardown(task, "run");
    }
  }

  close(): void {
    this.#tracer.close();
  }

  async #iterations(
    task: Task,
    fn: Fn,
    { beforeEach, afterEach }: FnOptions,
    { iterations, timeMs }: CountingLimits,
  ): Promise<KernelCounters[]> {
    const counted: KernelCounters[] = [];
    const deadline = performance.now() + timeMs;
    for (let i = 0; counted.length < iterations; i++) {
      if (counted.length > 0 && performance.now() > deadline) break;
      await beforeEach?.call(task, "run");
      try {
        if (i < UNCOUNTED) {
          await fn.call(task);
          continue;
        }
        const trace = await this.#tracer.trace(() => fn.call(task), this.#options);
        if (trace.unattributed === undefined) counted.push(countersOf(trace));
        else if (performance.now() > deadline && counted.length === 0)
          throw new TraceError(`${task.name} cannot be counted: ${trace.unattributed.reason}`);
      } finally {
        await afterEach?.call(task, "run");
      }
    }
    return counted;
  }
}
