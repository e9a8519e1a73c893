/** What an operation of the loop looks like to the programs that it fires, for running them outside of the kernel. */
import type { Btf } from "../compiler/btf/btf.ts";
import { SYSCALL_REGISTERS } from "../compiler/lower/args.ts";
import { syscallNumber } from "../compiler/syscalls.ts";
import { Memory, type World } from "./executed.ts";
import type { Operation } from "./programs.ts";

/** Arguments and results of the operations that are system calls; addresses are of nothing in particular. */
const CALLS: Partial<Record<Operation, { args: readonly number[]; result: number }>> = {
  getppid: { args: [], result: 1 },
  openat: { args: [-100, 0x1000, 0], result: 3 },
  read: { args: [3, 0x1000, 512], result: 512 },
};

const CONTEXT = 0x1000_0000n;
const REGISTERS = 0x1100_0000n;
const TASK = 0x1200_0000n;
const OTHER_TASK = 0x1300_0000n;
const TASK_SIZE = 1 << 16;
const PID = 4242;

/**
 * `type` is the program's, as in enum bpf_prog_type; `direction` that of the system call that it is for. In `memory` lies what earlier programs
 * have left.
 */
export function worldOf(
  operation: Operation,
  direction: "enter" | "exit",
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
  }
  const words = contextOf(operation, direction, type, memory);
  for (const [i, word] of words.entries()) memory.write(CONTEXT + BigInt(8 * i), 8, word);
  return {
    ...{ pid: PID, comm: "loop", text: "/dev/null", task: TASK, memory },
    context: type === "kprobe" ? REGISTERS : CONTEXT,
  };
}

function contextOf(operation: Operation, direction: "enter" | "exit", type: string, memory: Memory): bigint[] {
  const call = CALLS[operation];
  if (!call) {
    // sched_switch: the record ends in the name, the id and the priority of the next one
    if (type !== "tracepoint") return [0n, TASK, OTHER_TASK, 0n];
    return [0n, 0n, 0n, 0n, 0n, 0n, 0n, BigInt(PID) | (120n << 32n)];
  }
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  const number = BigInt(syscallNumber(arch, operation)!);
  const places = SYSCALL_REGISTERS[arch];
  memory.write(REGISTERS + BigInt(places.number), arch === "x64" ? 8 : 4, number);
  for (const [i, arg] of call.args.entries()) memory.write(REGISTERS + BigInt(places.arguments[i]!), 8, BigInt(arg));
  const told = direction === "enter" ? call.args.map(BigInt) : [BigInt(call.result)];
  if (type === "tracepoint") return [0n, number, ...told];
  return [REGISTERS, direction === "enter" ? number : BigInt(call.result)];
}
