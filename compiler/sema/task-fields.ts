/**
 * Fields of tracepoints that are plain members of a task which the raw tracepoint of the same name passes. A block that reads
 * no others is served by that one, which costs less. The kernel does not say where a record's fields come from, so
 * this is a table of those that have always come from there; names, types and sizes are held against the running kernel's.
 */
import type { KernelFacts } from "../kernel-facts.ts";
import { type Argument, type Arguments, argumentsOf } from "./args.ts";
import { sizeOf } from "./layout.ts";

/** The position of a task among the tracepoint's arguments, and the member. */
type Origin = readonly [position: number, member: string];

const WOKEN = { comm: [0, "comm"], pid: [0, "pid"], prio: [0, "prio"] } as const;

const ORIGINS: Readonly<Record<string, Readonly<Record<string, Origin>>>> = {
  sched_switch: {
    prev_comm: [1, "comm"],
    prev_pid: [1, "pid"],
    prev_prio: [1, "prio"],
    next_comm: [2, "comm"],
    next_pid: [2, "pid"],
    next_prio: [2, "prio"],
  },
  sched_waking: WOKEN,
  sched_wakeup: WOKEN,
  sched_wakeup_new: WOKEN,
  sched_process_exit: WOKEN,
  sched_process_fork: { parent_pid: [0, "pid"], child_pid: [1, "pid"] },
  sched_process_exec: { pid: [0, "pid"] },
};

/** The arguments `wanted` of `sched:event`, found in tasks; undefined when one of them is not. */
export function taskFields(
  event: string,
  wanted: ReadonlySet<string>,
  record: () => Arguments | undefined,
  facts: KernelFacts,
): Arguments | undefined {
  const origins = Object.hasOwn(ORIGINS, event) ? ORIGINS[event]! : {};
  if (wanted.size === 0 || ![...wanted].every((name) => Object.hasOwn(origins, name))) return undefined;
  const found = [...wanted].map((name) => fieldOf(event, origins[name]!, record()?.get(name), facts));
  const list = found.filter((argument) => argument !== undefined);
  return list.length === found.length ? argumentsOf(`tracepoint:sched:${event}`, list, 0) : undefined;
}

function fieldOf(
  event: string,
  [position, member]: Origin,
  argument: Argument | undefined,
  facts: KernelFacts,
): Argument | undefined {
  const btf = facts.btf();
  const param = btf?.tracepoint(event)?.params[position];
  const task = btf && param && btf.pointee(param.type);
  if (!btf || !argument || argument.source.from !== "record" || task === undefined) return undefined;
  const field = task === btf.find("task_struct", "struct") ? btf.field(task, member) : undefined;
  if (!field || btf.sizeOf(field.type) !== sizeOf(argument.type)) return undefined;
  return { ...argument, source: { from: "member", index: position, offset: field.offset } };
}
