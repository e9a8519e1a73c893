/**
 * What every trace counts: system calls, files opened, processes started. The script that counts it in the kernel, and
 * the meaning of its maps. What happens in the calling process is told apart by thread, for libuv's pool may have worked
 * for others, and by descriptor, for some of it is the runtime talking to itself.
 */
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import type { CompiledProgram, ScopeFilter } from "../../compiler/program.ts";
import { syscallNumber } from "../../compiler/syscalls.ts";
import type { MapData } from "../metrics/run-data.ts";
import { strerror } from "../tracing/symbols/strerror.ts";
import { compileOwn, type Row, rows } from "./own-script.ts";
import type { SyscallNames } from "./syscall-names.ts";

/** Calls whose first argument is a descriptor by which the runtime may be talking to itself. */
const TRANSFERS = ["read", "readv", "recvmsg", "sendmsg", "write", "writev"] as const;
const OPENS = ["open", "openat", "openat2", "creat"] as const;

const probes = (direction: "enter" | "exit", calls: readonly string[]): string =>
  calls.map((call) => `tracepoint:syscalls:sys_${direction}_${call}`).join(", ");

/** Parameter 1: the process whose threads are told apart; 0 for none. -100 is AT_FDCWD. */
const SCRIPT = `
config = { missing_probes = "ignore"; max_strlen = 448; max_map_keys = 16384 }
let @calls = percpuhash(4096);
let @transfers = percpuhash(4096);
let @internal = hash(1024);
let @pipe = hash(1024);
let @path = hash(4096);
let @below = hash(4096);

tracepoint:syscalls:sys_enter_* {
  @calls[pid == $1 ? tid : 0, args.__syscall_nr] = count();
}
${probes("enter", TRANSFERS)} /pid == $1/ {
  @transfers[tid, args.__syscall_nr, args.fd] = count();
}
tracepoint:syscalls:sys_exit_eventfd2 /pid == $1 && args.ret >= 0/ {
  @internal[(int32)args.ret] = 1;
}
tracepoint:syscalls:sys_enter_pipe2 /pid == $1/ { @pipe[tid] = args.fildes; }
tracepoint:syscalls:sys_exit_pipe2 /@pipe[tid]/ {
  if (args.ret == 0) {
    @internal[*uptr(@pipe[tid])] = 1;
    @internal[*uptr(@pipe[tid] + 1)] = 1;
  }
  delete(@pipe, tid);
}

tracepoint:syscalls:sys_enter_openat, tracepoint:syscalls:sys_enter_openat2 {
  @path[tid] = args.filename;
  @below[tid] = (int32)args.dfd != -100;
}
tracepoint:syscalls:sys_enter_open { @path[tid] = args.filename; }
tracepoint:syscalls:sys_enter_creat { @path[tid] = args.pathname; }
${probes("exit", OPENS)} /@path[tid]/ {
  if (args.ret >= 0) {
    @opened[pid == $1 ? tid : 0, @below[tid], str(@path[tid])] = count();
  } else {
    @failed[pid == $1 ? tid : 0, @below[tid], str(@path[tid]), -args.ret] = count();
  }
  delete(@path, tid);
  delete(@below, tid);
}

rawtracepoint:sched_process_fork /args.child.pid == args.child.tgid/ { @forks = count(); }
tracepoint:sched:sched_process_exec { @executed[str(args.filename)] = count(); }
`;

export function compileCalls(facts: KernelFacts, scope: ScopeFilter, process: number): CompiledProgram {
  return compileOwn("calls", SCRIPT, facts, { scope, parameters: [String(process)] });
}

/** How many of each kind, by name. */
export type Counts = Readonly<Record<string, number>>;

export interface OpenedFile {
  /** As the program gave it. */
  readonly path: string;
  /** A relative path is seen from the working directory of the calling process, and not from somewhere unknown. */
  readonly fromHere: boolean;
  readonly count: number;
}

export interface FailedOpen extends OpenedFile {
  /** `No such file or directory` */
  readonly error: string;
}

/** What was counted of some threads. */
export interface Calls {
  readonly syscalls: Counts;
  readonly opened: readonly OpenedFile[];
  readonly failed: readonly FailedOpen[];
}

export interface Processes {
  /** Processes that came into being; threads are none. */
  readonly started: number;
  /** By the path of the program, those that replaced another in the same process included. */
  readonly programs: Counts;
}

/** The maps of the script at one moment. `thread` is 0 outside of the calling process. */
export class CallMaps {
  readonly #calls: readonly Row[];
  readonly #transfers: readonly Row[];
  readonly #opened: readonly Row[];
  readonly #failed: readonly Row[];
  /** Whether a descriptor of the calling process is one over which the runtime talks to itself. */
  readonly isInternal: (descriptor: number) => boolean;
  readonly processes: Processes;
  readonly #names: SyscallNames;

  /** `servesRuntime` is asked, once for each, about descriptors that are open when the counting is over. */
  constructor(maps: readonly MapData[], names: SyscallNames, servesRuntime: (descriptor: number) => boolean) {
    this.#calls = rows(maps, "@calls");
    this.#transfers = rows(maps, "@transfers");
    this.#opened = rows(maps, "@opened");
    this.#failed = rows(maps, "@failed");
    // Eventfds and pipes that Node made meanwhile, which it makes for itself only. They may be closed again by now.
    const made = new Set(rows(maps, "@internal").map(({ key }) => Number(key[0])));
    this.isInternal = remembered((descriptor) => made.has(descriptor) || servesRuntime(descriptor));
    this.processes = {
      started: rows(maps, "@forks")[0]?.value ?? 0,
      programs: tally(rows(maps, "@executed").map(({ key, value }) => [String(key[0]), value])),
    };
    this.#names = names;
  }

  /** What the chosen threads did, without what went over the runtime's own descriptors. */
  of(wanted: (thread: number) => boolean): Calls {
    const chosen = ({ key }: Row): boolean => wanted(Number(key[0]));
    const internal = this.#transfers.filter((row) => chosen(row) && this.isInternal(Number(row.key[2])));
    const named =
      (sign: 1 | -1) =>
      (row: Row): [string, number] => [this.#names.of(Number(row.key[1])), sign * row.value];
    return {
      syscalls: tally([...this.#calls.filter(chosen).map(named(1)), ...internal.map(named(-1))]),
      opened: merged(this.#opened.filter(chosen).map(openedFile)),
      failed: merged(
        this.#failed.filter(chosen).map((row) => ({ ...openedFile(row), error: strerror(BigInt(row.key[3]!)) })),
      ),
    };
  }

  /** The descriptors that the chosen threads handed to a call. */
  descriptorsOf(
    call: (typeof TRANSFERS)[number],
    wanted: (thread: number) => boolean,
    facts: KernelFacts,
  ): Set<number> {
    const number = syscallNumber(facts.arch, call);
    const chosen = this.#transfers.filter(({ key }) => wanted(Number(key[0])) && key[1] === number);
    return new Set(chosen.map(({ key }) => Number(key[2])));
  }
}

function openedFile({ key, value }: Row): OpenedFile {
  const [thread, below, path] = key;
  return { path: String(path), fromHere: thread !== 0 && below === 0, count: value };
}

/** One entry for each file, in the order of their paths: several threads may have opened it. */
function merged<File extends OpenedFile>(files: readonly File[]): File[] {
  const found = new Map<string, File>();
  for (const file of files) {
    const key = JSON.stringify({ ...file, count: undefined });
    found.set(key, { ...file, count: file.count + (found.get(key)?.count ?? 0) });
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Sums by name, in the order of the names, without those that come to nothing. */
function tally(entries: readonly (readonly [name: string, count: number])[]): Counts {
  const sums = new Map<string, number>();
  for (const [name, count] of entries) sums.set(name, (sums.get(name) ?? 0) + count);
  return Object.fromEntries([...sums].filter(([, sum]) => sum !== 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function remembered(test: (descriptor: number) => boolean): (descriptor: number) => boolean {
  const known = new Map<number, boolean>();
  return (descriptor) => {
    const answer = known.get(descriptor) ?? test(descriptor);
    known.set(descriptor, answer);
    return answer;
  };
}
