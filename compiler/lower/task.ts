/**
 * Tasks: the current one's ids and name, and members of others. In programs that the kernel gives typed pointers the current
 * task is one of them, whose members are loaded: a single helper call finds the task, and all else about it is for nothing.
 */
import type { VReg } from "../ir/ir.ts";
import { isSince } from "../kernel-facts.ts";
import { integer } from "../sema/types.ts";
import type { Lowering } from "./lowering.ts";
import type { Place } from "./place.ts";

/** The ids of a task, as the kernel counts them or as somebody in a PID namespace does. */
export interface Task {
  process: VReg;
  thread: VReg;
}

/**
 * The current task's ids as the tracer counts, who may be in a PID namespace (in a container, as a rule): whatever it is given
 * or looks for in /proc goes by these. Tasks outside of its namespace have none, which is 0.
 */
export function visibleTask(l: Lowering): Task {
  const { b, facts } = l;
  if (facts.inFirstPidNamespace || !facts.features.nsPidTgid) return currentTask(l);
  const ids = b.once("visible ids", () => {
    const { base } = l.slot(8, "visible ids");
    b.store(base, 0, 8, { imm: 0n });
    const namespace = [l.hostConstant("pidns_dev"), l.hostConstant("pidns_ino")];
    b.call("get_ns_current_pid_tgid", [...namespace, base, { imm: 8n }]);
    return b.load(base, 0, 8);
  });
  return {
    process: b.once("visible process", () => b.alu("rsh", ids, { imm: 32n })),
    thread: b.once("visible thread", () => b.extend(ids, 4, false)),
  };
}

/** The same as the kernel itself counts. */
export function currentTask(l: Lowering): Task {
  const { b } = l;
  const [process, thread] = [ownMember(l, "tgid"), ownMember(l, "pid")];
  if (process && thread) {
    const load = ({ base, offset }: Place) => b.load(base, offset, 4, { invariant: true });
    return { process: load(process), thread: load(thread) };
  }
  const ids = b.call("get_current_pid_tgid", [], { pure: true });
  return {
    process: b.once("process", () => b.alu("rsh", ids, { imm: 32n })),
    thread: b.once("thread", () => b.extend(ids, 4, false)),
  };
}

export function taskOf(l: Lowering, task: VReg): Task {
  return {
    process: kernelField(l, task, "task_struct", "tgid", 4),
    thread: kernelField(l, task, "task_struct", "pid", 4),
  };
}

/** The current task's name, where it can be read in place: sixteen bytes, those behind its end zero. */
export function ownName(l: Lowering): Place | undefined {
  // Before 5.17 the end of a longer name stayed behind a shorter one.
  return isSince(l.facts, 5, 17) ? ownMember(l, "comm") : undefined;
}

/** Whether a program gets the current task as a typed pointer: all do that run on events. */
export function hasTypedTask({ program, facts }: Lowering): boolean {
  return program.type !== "xdp" && program.type !== "raw_tracepoint" && facts.features.currentTaskBtf;
}

function ownMember(l: Lowering, name: string): Place | undefined {
  const field = hasTypedTask(l) ? fieldOf(l, "task_struct", name) : undefined;
  if (!field) return undefined;
  const base = l.b.call("get_current_task_btf", [], { pure: true });
  return { base, offset: field.offset, space: "bpf", context: true };
}

/** A member of a kernel object, through a helper: it may be any address. */
export function kernelField(l: Lowering, object: VReg, struct: string, name: string, size: 4 | 8): VReg {
  return l.read({ base: object, offset: offsetOf(l, struct, name), space: "kernel" }, integer(size, false));
}

/** The same of an object that the verifier knows by its type. */
export function typedField(l: Lowering, object: VReg, struct: string, name: string, size: 4 | 8): VReg {
  return l.b.load(object, offsetOf(l, struct, name), size);
}

function offsetOf(l: Lowering, struct: string, name: string): number {
  const field = fieldOf(l, struct, name);
  if (!field) throw new Error(`the kernel's type information has no ${struct}.${name}`);
  return field.offset;
}

/** Where a member lies in a struct of the kernel, if it has both. */
export function fieldOf(l: Lowering, struct: string, name: string) {
  const btf = l.facts.btf();
  const id = btf?.find(struct, "struct");
  return btf && id !== undefined ? btf.field(id, name) : undefined;
}
