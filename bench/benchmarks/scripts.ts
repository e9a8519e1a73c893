/**
 * Ten typical scripts: what an event costs the program that is traced, with us, with bpftrace, and with the program that
 * somebody who writes tools with libbpf would write for it, on tracepoints, on tp_btf for the scheduler, and on a uprobe.
 * Six are the one-liners of bpftrace's tutorial that are about events (where they are on kprobes, on the system call), three
 * are of its tools, and one counts the calls of a function.
 * A tracer is started, the loop is run when it has attached, and the tracer is interrupted: so it may live in a root
 * directory of its own. One that has not told of every event has not measured what it should, and fails the benchmark.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { type Benchmark, type Context, quotient, type Row } from "../benchmark.ts";
import { worldOf } from "../events.ts";
import { type Executed, execute, Memory } from "../executed.ts";
import { loadedCode, programName } from "../loaded-code.ts";
import { type Command, ProcessError, Running, run } from "../process.ts";
import { describePrograms, type ProgramSize } from "../program-size.ts";
import { buildLoop, buildRivals, type Loop, type Operation, type Rivals } from "../programs.ts";
import { interleave } from "../rounds.ts";
import { median, type Summary, summarise } from "../statistics.ts";
import { BPFTRACE, OURS, traceCommand, tracers } from "../tools.ts";
import { sizeCells, totalOf } from "./per-event.ts";

export interface Script {
  name: string;
  operation: Operation;
  /** In the spelling that bpftrace understood from its beginnings; `PROGRAM` is the loop's executable. */
  probes: readonly { at: string; body: string }[];
  /** How many events each operation is. */
  events: number;
  /** The map whose values add up to the number of events, or lines of output, of which each operation has one. */
  told: { map: string } | { lines: RegExp };
  /** Whether others cause such events as well. */
  shared?: boolean;
  c: { map: string; programs: readonly string[] };
}

const ENTER = "tracepoint:syscalls:sys_enter_";
const EXIT = "tracepoint:syscalls:sys_exit_";
const ANY_CALL = "tracepoint:raw_syscalls:sys_enter";
const SWITCH = "tracepoint:sched:sched_switch";
const COUNTED = { events: 1, told: { map: "@" } };
const PRINTED = { events: 1, told: { lines: /\/dev\/null/ } };
const SWITCHES = { operation: "switch", events: 2, shared: true } as const;

export const SCRIPTS: readonly Script[] = [
  {
    ...{ name: "opens, printed", operation: "open", ...PRINTED, c: { map: "opened", programs: ["print_tp"] } },
    probes: [{ at: `${ENTER}openat`, body: '{ printf("%s %s\\n", comm, str(args->filename)); }' }],
  },
  {
    ...{ name: "system calls by program", operation: "getppid", shared: true },
    ...{ ...COUNTED, c: { map: "by_comm", programs: ["any_comm_tp"] } },
    probes: [{ at: ANY_CALL, body: "{ @[comm] = count(); }" }],
  },
  {
    ...{ name: "sizes of a program's reads", operation: "read" },
    ...{ ...COUNTED, c: { map: "latency", programs: ["exit_size_tp"] } },
    probes: [{ at: `${EXIT}read`, body: '/comm == "loop"/ { @ = hist(args->ret); }' }],
  },
  {
    ...{ name: "sizes of reads, linear", operation: "read" },
    ...{ ...COUNTED, c: { map: "latency", programs: ["exit_linear_tp"] } },
    probes: [{ at: `${EXIT}read`, body: "{ @ = lhist(args->ret, 0, 2000, 200); }" }],
  },
  {
    ...{ name: "latency of reads by program", operation: "read" },
    ...{ ...COUNTED, c: { map: "latency_by_comm", programs: ["enter_read_tp", "exit_read_tp"] } },
    probes: [
      { at: `${ENTER}read`, body: "{ @start[tid] = nsecs; }" },
      {
        at: `${EXIT}read`,
        body: "/@start[tid]/ { @[comm] = hist(nsecs - @start[tid]); delete(@start[tid]); }",
      },
    ],
  },
  {
    ...{ name: "stacks of switches", ...SWITCHES, told: { map: "@" }, c: { map: "by_stack", programs: ["stack_btf"] } },
    probes: [{ at: SWITCH, body: "{ @[kstack] = count(); }" }],
  },
  {
    ...{ name: "opensnoop", operation: "open" },
    ...{ ...PRINTED, c: { map: "opened", programs: ["enter_open_tp", "exit_open_tp"] } },
    probes: [
      { at: `${ENTER}openat`, body: "{ @filename[tid] = args->filename; }" },
      {
        at: `${EXIT}openat`,
        body: `/@filename[tid]/ {
          $ret = args->ret;
          $fd = $ret >= 0 ? $ret : -1;
          $errno = $ret >= 0 ? 0 : - $ret;
          printf("%-6d %-16s %4d %3d %s\\n", pid, comm, $fd, $errno, str(@filename[tid]));
          delete(@filename[tid]);
        }`,
      },
    ],
  },
  {
    ...{ name: "runqlat", ...SWITCHES, told: { map: "@usecs" } },
    c: { map: "latency", programs: ["wakeup_btf", "wakeup_new_btf", "run_btf"] },
    probes: [
      {
        at: "tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new",
        body: "{ @qtime[args->pid] = nsecs; }",
      },
      {
        at: SWITCH,
        body: `{
          if (args->prev_state == 0) { @qtime[args->prev_pid] = nsecs; }
          $ns = @qtime[args->next_pid];
          if ($ns) { @usecs = hist((nsecs - $ns) / 1000); }
          delete(@qtime[args->next_pid]);
        }`,
      },
    ],
  },
  {
    ...{ name: "syscount", operation: "getppid", shared: true, events: 1, told: { map: "@process" } },
    c: { map: "by_comm", programs: ["any_both_tp"] },
    probes: [{ at: ANY_CALL, body: "{ @syscall[args->id] = count(); @process[comm] = count(); }" }],
  },
  {
    ...{ name: "calls of a function", operation: "call", ...COUNTED, c: { map: "total", programs: ["call_uprobe"] } },
    probes: [{ at: "uprobe:PROGRAM:work", body: "{ @ = count(); }" }],
  },
];

const C = "C";
const UNTRACED = "untraced";
/** Our probes of a script, in which nothing is done: what an event costs before any program begins with its work. */
const EMPTY = "empty blocks";

export const scripts: Benchmark = {
  name: "scripts",
  title: "nanoseconds that ten typical scripts add to an event",
  async run(context) {
    const { cc } = context.tools;
    if (cc === undefined) return { rows: [], details: [] };
    const loops = await buildLoop(cc, context);
    const rivals = await buildRivals(cc, context);
    const results: Result[] = [];
    for (const script of SCRIPTS) results.push(await measure(script, loops(script.operation), rivals, context));
    return { rows: [...results.flatMap(rowsOf), ...overall(results)], details: [detail(results)] };
  },
};

interface Tracing {
  name: string;
  command: Command;
  /** How many events it has told of, by its output; undefined for one that tells of none. */
  events: ((stdout: string) => number) | undefined;
}

/** A contestant's programs, and what they execute for an event. */
interface Loaded {
  programs: readonly ProgramSize[];
  executed: Executed | undefined;
}

interface Result {
  script: Script;
  /** Nanoseconds that each contestant adds. */
  added: ReadonlyMap<string, Summary>;
  /** As it was the first time: it is the same in every round. */
  loaded: ReadonlyMap<string, Loaded>;
}

async function measure(script: Script, loop: Loop, rivals: Rivals | undefined, context: Context): Promise<Result> {
  const { signal, tools, quick } = context;
  const program = `/proc/${process.pid}/root${loop.program}`;
  const text = (bodies: boolean): string =>
    script.probes.map(({ at, body }) => `${at.replace("PROGRAM", program)} ${bodies ? body : "{}"}`).join("\n");
  const { told } = script;
  const format = "map" in told ? ["-f", "json"] : [];
  const tracing: Tracing[] = tracers(tools).map(({ name, start }) => ({
    ...{ name, command: traceCommand(start, text(true), ...format), events: (stdout) => eventsIn(stdout, told) },
  }));
  tracing.push({ name: EMPTY, command: traceCommand(tools.ours, text(false)), events: undefined });
  if (rivals) {
    const command = rivals.attached(script.c.map, script.c.programs, loop.program);
    const inC = "map" in told ? { map: "@" } : told;
    tracing.push({ name: C, command, events: (stdout) => eventsIn(stdout, inC) });
  }
  const progress = (step: string): void => context.progress(`${script.name}, ${step}`);
  const loaded = new Map<string, Loaded>();
  const measured = await interleave(
    [
      { name: UNTRACED, measure: async () => (await runLoop(loop, signal)).nsPerCall },
      ...tracing.map((tracer) => ({ name: tracer.name, measure: () => traced(tracer, script, loop, loaded, context) })),
    ],
    quick ? 3 : 7,
    { ...context, progress },
  );
  const without = measured.get(UNTRACED)!;
  const added = new Map(
    tracing.map(({ name }) => {
      const times = measured.get(name)!;
      return [name, summarise(times.map((nsPerCall, i) => (nsPerCall - without[i]!) / script.events))];
    }),
  );
  return { script, added, loaded };
}

function eventsIn(stdout: string, told: Script["told"]): number {
  if ("map" in told) return totalOf(told.map, stdout);
  return stdout.split("\n").filter((line) => told.lines.test(line)).length;
}

async function runLoop(loop: Loop, signal: AbortSignal): Promise<{ calls: number; nsPerCall: number }> {
  return loop.read((await run(loop.command, signal)).stdout);
}

/** What a call of the loop takes while it is traced. What the tracer loads for that is looked at in the first round. */
async function traced(
  { name, command, events }: Tracing,
  script: Script,
  loop: Loop,
  loaded: Map<string, Loaded>,
  { signal, tools: { bpftool } }: Context,
): Promise<number> {
  const tracer = new Running(command, signal);
  const programs = await attached(tracer, signal);
  if (!loaded.has(name)) {
    loaded.set(name, { programs, executed: bpftool === undefined ? undefined : executedBy(programs, script, bpftool) });
  }
  const { calls, nsPerCall } = await runLoop(loop, signal);
  tracer.interrupt();
  const { stdout } = await tracer.finished;
  if (events) expectAll(command, script, calls, events(stdout));
  return nsPerCall;
}

/** What the programs execute for one event that is not the first, all together. */
function executedBy(programs: readonly ProgramSize[], { operation }: Script, bpftool: string): Executed {
  const memory = new Memory();
  const loaded = programs
    .map(({ id, type }) => ({ id, type, name: programName(bpftool, id) }))
    .filter(({ name }) => !NEVER_RUN.test(name))
    .map(({ id, type, name }) => ({ code: loadedCode(bpftool, id), type, name }));
  const event = (): Executed[] =>
    loaded.map(({ code, type, name }) => execute(code, worldOf(operation, name, type, hostFacts().btf(), memory)));
  event();
  const all = event();
  return {
    instructions: all.reduce((sum, { instructions }) => sum + instructions, 0),
    calls: all.flatMap(({ calls }) => calls),
  };
}

/** Programs for events of which the loop causes none: no process is born in it. */
const NEVER_RUN = /wakeup_ne/;

/**
 * The programs of a tracer once it has attached them: it has some, and for a while the same ones. Before that it may try out what the kernel
 * offers, with programs that are gone at once.
 */
async function attached(tracer: Running, signal: AbortSignal): Promise<ProgramSize[]> {
  let ended = false;
  tracer.finished.then(
    () => (ended = true),
    () => (ended = true),
  );
  for (let before = "", same = 0; !ended; ) {
    await sleep(POLL_MS, undefined, { signal });
    const programs = describePrograms(tracer.pid);
    const now = programs.map(({ id }) => id).join();
    same = now === before ? same + 1 : 0;
    before = now;
    if (programs.length > 0 && same >= SETTLED_POLLS) return programs;
  }
  await tracer.finished;
  throw new ProcessError("a tracer ended before it had attached");
}

const POLL_MS = 50;
const SETTLED_POLLS = 12;

function expectAll(command: Command, { events, shared }: Script, calls: number, seen: number): void {
  const expected = calls * events;
  if (seen >= expected && (shared || seen <= expected * 1.5)) return;
  throw new ProcessError(`${command.join(" ")}\n  counted ${seen} of ${expected}`);
}

function rowsOf({ script, added }: Result): Row[] {
  const common = { what: script.name, unit: "ns", ours: added.get(OURS)!, target: undefined } as const;
  return [BPFTRACE, C].flatMap((name) => {
    const values = added.get(name);
    return values ? [{ ...common, rival: { name, values } }] : [];
  });
}

/** What is asked of all ten together. */
function overall(results: readonly Result[]): Row[] {
  const row = (what: string, rival: string, of: (ratios: readonly number[]) => number, max: number): Row[] => {
    const ratios = results.flatMap(({ added }) => {
      const theirs = added.get(rival);
      return theirs ? [quotient(added.get(OURS)!.median, theirs.median)] : [];
    });
    if (ratios.length < results.length) return [];
    const ours = { ...summarise(ratios), median: ratios.some(Number.isNaN) ? Number.NaN : of(ratios) };
    return [{ what, unit: "x", ours, rival: undefined, target: { kind: "value", max } }];
  };
  return [
    ...row("ten scripts against bpftrace, median", BPFTRACE, median, 0.6),
    ...row("ten scripts against bpftrace, worst", BPFTRACE, (ratios) => Math.max(...ratios), 1),
    ...row("ten scripts against C, median", C, median, 1),
  ];
}

function detail(results: readonly Result[]) {
  return {
    title: "ten typical scripts",
    columns: ["", "added ns", "executed", "calls", "programs", "instructions", "verified", "JIT bytes"],
    rows: results.flatMap(({ script, added, loaded }) =>
      [...added].map(([name, { median }]) => {
        const { programs, executed } = loaded.get(name)!;
        return [
          `${script.name}: ${name}`,
          median.toFixed(1),
          String(executed?.instructions ?? ""),
          String(executed?.calls.length ?? ""),
          ...sizeCells(programs),
        ];
      }),
    ),
  };
}
