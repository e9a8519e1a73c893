/** What an operation of the loop looks like to the programs that it fires, for running them outside of the kernel. */
import type { Btf } from "../compiler/btf/btf.ts";
import { SYSCALL_REGISTERS } from "../compiler/lower/args.ts";
import { syscallNumber } from "../compiler/syscalls.ts";
import { Memory, type World } from "./executed.ts";
import type { Operation } from "./programs.ts";

/** Arguments and results of the operations that are system calls; addresses are of nothing in particular. */
const CALLS: Partial<Record<Operation, { call: string; args: readonly number[]; result: number }>> = {
  getppid: { call: "getppid", args: [], result: 1 },
  open: { call: "openat", args: [-100, 0x1000, 0], result: 3 },
  read: { call: "read", args: [3, 0x1000, 512], result: 512 },
};

const CONTEXT = 0x1000_0000n;
const REGISTERS = 0x1100_0000n;
const TASK = 0x1200_0000n;
const OTHER_TASK = 0x1300_0000n;
const TASK_SIZE = 1 << 16;
const PID = 4242;
const INTERRUPTIBLE = 1n;

/**
 * `program` is the name of the program, which says what it is for; `type` is its type, as in enum bpf_prog_type. In `memory` lies what
 * earlier programs have left.
 */
export function worldOf(
  operation: Operation,
  program: string,
  type: string,
  btf: Btf | undefined,
  memory = new Memory(),
): World {
  for (const place of [CONTEXT, REGISTERS, TASK, OTHER_TASK]) memory.zeros(place, TASK_SIZE);
  const task = btf?.find("task_struct", "struct");
  const offset = (name: string) => (btf && task !== undefined ? btf.field(task, name)?.offset : undefined);
  for (const place of [TASK, OTHER_TASK]) {
    for (const name of ["pid", "tgid"]) memory.write(place + BigInt(offset(name) ?? 0), 4, BigInt(PID));
    memory.text(place + BigInt(offset("comm") ?? 0), "loop", 16);
    memory.write(place + BigInt(offset("__state") ?? 0), 4, INTERRUPTIBLE);
  }
  const words = contextOf(operation, program, type, memory);
  for (const [i, word] of words.entries()) memory.write(CONTEXT + BigInt(8 * i), 8, word);
  return {
    ...{ pid: PID, comm: "loop", text: "/dev/null", task: TASK, memory },
    context: type === "kprobe" ? REGISTERS : CONTEXT,
  };
}

function contextOf(operation: Operation, program: string, type: string, memory: Memory): bigint[] {
  const call = CALLS[operation];
  if (!call) return type === "tracepoint" ? recordOf(program) : /wakeup/.test(program) ? [TASK] : SWITCHED;
  const enters = !/exit/.test(program);
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  const number = BigInt(syscallNumber(arch, call.call)!);
  const places = SYSCALL_REGISTERS[arch];
  memory.write(REGISTERS + BigInt(places.number), arch === "x64" ? 8 : 4, number);
  for (const [i, arg] of call.args.entries()) memory.write(REGISTERS + BigInt(places.arguments[i]!), 8, BigInt(arg));
  const told = enters ? call.args.map(BigInt) : [BigInt(call.result)];
  if (type === "tracepoint") return [0n, number, ...told];
  return [REGISTERS, enters ? number : BigInt(call.result)];
}

/** What sched_switch hands over: whether it is a preemption, the two tasks, and the state of the first. */
const SWITCHED = [0n, TASK, OTHER_TASK, INTERRUPTIBLE];

/** The record of a tracepoint of the scheduler: a name takes two words, then come the id and the priority. */
function recordOf(program: string): bigint[] {
  const task = [0n, 0n, BigInt(PID) | (120n << 32n)];
  return /wakeup/.test(program) ? [0n, ...task, 0n] : [0n, ...task, INTERRUPTIBLE, ...task];
}
