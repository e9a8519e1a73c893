/**
 * Ten typical scripts: what an event costs the program that is traced, with us, with bpftrace, and with the program that
 * somebody who writes tools with libbpf would write for it, on tracepoints, on tp_btf for the scheduler, and on a uprobe.
 * A tracer is started, the loop is run when it has attached, and the tracer is interrupted: so it may live in a root
 * directory of its own. One whose map does not hold every event has not measured what it should, and fails the benchmark.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Benchmark, Context, Row } from "../benchmark.ts";
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
  text: string;
  /** The map that tells how many events there were: what its values add up to, for each operation. */
  map: string;
  perOperation: number;
  /** Whether others cause such events as well. */
  shared?: boolean;
  c: { map: string; programs: readonly string[] };
}

const ENTER = "tracepoint:syscalls:sys_enter_";
const EXIT = "tracepoint:syscalls:sys_exit_";
const ONCE = { map: "@", perOperation: 1 };
/** Bytes of each read. */
const READ_SIZE = 512;

export const SCRIPTS: readonly Script[] = [
  {
    ...{ name: "calls by process", operation: "getppid", ...ONCE, c: { map: "by_pid", programs: ["pid_tp"] } },
    text: `${ENTER}getppid { @[pid] = count(); }`,
  },
  {
    ...{ name: "opens by path", operation: "openat", ...ONCE, c: { map: "by_path", programs: ["path_tp"] } },
    text: `${ENTER}openat { @[str(args->filename)] = count(); }`,
  },
  {
    ...{ name: "opens by one command", operation: "openat", ...ONCE, c: { map: "total", programs: ["name_tp"] } },
    text: `${ENTER}openat /comm == "loop"/ { @ = count(); }`,
  },
  {
    ...{ name: "sizes of reads", operation: "read", ...ONCE, c: { map: "latency", programs: ["size_tp"] } },
    text: `${EXIT}read /args->ret > 0/ { @ = hist(args->ret); }`,
  },
  {
    ...{ name: "sizes asked for, linear", operation: "read", ...ONCE, c: { map: "latency", programs: ["linear_tp"] } },
    text: `${ENTER}read { @ = lhist(args->count, 0, 4096, 256); }`,
  },
  {
    ...{ name: "bytes read by command", operation: "read", map: "@", perOperation: READ_SIZE },
    ...{ text: `${EXIT}read { @[comm] = sum(args->ret); }`, c: { map: "by_comm", programs: ["sum_tp"] } },
  },
  {
    ...{ name: "reads by process and file", operation: "read", ...ONCE },
    ...{ text: `${ENTER}read { @[pid, args->fd] = count(); }`, c: { map: "by_pid_and_fd", programs: ["fd_tp"] } },
  },
  {
    ...{ name: "latency by thread", operation: "getppid", map: "@ns", perOperation: 1 },
    text: `${ENTER}getppid { @start[tid] = nsecs; }
      ${EXIT}getppid /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start[tid]); }`,
    c: { map: "latency", programs: ["enter_tp", "leave_tp"] },
  },
  {
    ...{ name: "switches to a thread", operation: "switch", map: "@", perOperation: 2, shared: true },
    text: "tracepoint:sched:sched_switch { @[args->next_pid] = count(); }",
    c: { map: "by_next", programs: ["switch_btf"] },
  },
  {
    ...{ name: "calls of a function", operation: "call", ...ONCE, c: { map: "total", programs: ["call_uprobe"] } },
    text: "uprobe:PROGRAM:work { @ = count(); }",
  },
];

const C = "C";
const UNTRACED = "untraced";

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

interface Measurement {
  nsPerCall: number;
  programs: readonly ProgramSize[];
}

interface Result {
  script: Script;
  /** Nanoseconds that each contestant adds. */
  added: ReadonlyMap<string, Summary>;
  programs: ReadonlyMap<string, readonly ProgramSize[]>;
}

async function measure(script: Script, loop: Loop, rivals: Rivals | undefined, context: Context): Promise<Result> {
  const { signal, tools, quick } = context;
  const text = script.text.replace("PROGRAM", `/proc/${process.pid}/root${loop.program}`);
  const contestants = [
    { name: UNTRACED, measure: async () => ({ ...(await runLoop(loop, signal)), programs: [] }) },
    ...tracers(tools).map(({ name, start }) => ({
      name,
      measure: () => traced(traceCommand(start, text, "-f", "json"), script, loop, signal),
    })),
  ];
  if (rivals) {
    const command = rivals.tracer(script.c.map, script.c.programs, loop.command);
    contestants.push({ name: C, measure: () => tracedByHand(command, script, loop, signal) });
  }
  const progress = (step: string): void => context.progress(`${script.name}, ${step}`);
  const measured: ReadonlyMap<string, readonly Measurement[]> = await interleave<Measurement>(
    contestants,
    quick ? 3 : 11,
    { ...context, progress },
  );
  const untraced = measured.get(UNTRACED)!;
  const tracing = [...measured].filter(([name]) => name !== UNTRACED);
  return {
    script,
    added: new Map(
      tracing.map(([name, rounds]) => [
        name,
        summarise(rounds.map(({ nsPerCall }, i) => (nsPerCall - untraced[i]!.nsPerCall) / eventsOf(script))),
      ]),
    ),
    programs: new Map(tracing.map(([name, rounds]) => [name, rounds[0]!.programs])),
  };
}

/** Of each operation; a sum is no number of events. */
function eventsOf({ operation }: Script): number {
  return operation === "switch" ? 2 : 1;
}

async function runLoop(loop: Loop, signal: AbortSignal): Promise<{ calls: number; nsPerCall: number }> {
  return loop.read((await run(loop.command, signal)).stdout);
}

async function traced(command: Command, script: Script, loop: Loop, signal: AbortSignal): Promise<Measurement> {
  const tracer = new Running(command, signal);
  const programs = await loaded(tracer, signal);
  const { calls, nsPerCall } = await runLoop(loop, signal);
  tracer.interrupt();
  const { stdout } = await tracer.finished;
  expectAll(command, script, calls, totalOf(script.map, stdout));
  return { nsPerCall, programs };
}

async function tracedByHand(command: Command, script: Script, loop: Loop, signal: AbortSignal): Promise<Measurement> {
  const tracer = new Running(command, signal);
  const programs = await loaded(tracer, signal);
  const { stdout } = await tracer.finished;
  const { calls, nsPerCall } = loop.read(stdout);
  expectAll(command, script, calls, totalOf("@", stdout));
  return { nsPerCall, programs };
}

/** The programs of a tracer once it has any, and has had time to attach them. */
async function loaded(tracer: Running, signal: AbortSignal): Promise<ProgramSize[]> {
  let ended = false;
  tracer.finished.then(
    () => (ended = true),
    () => (ended = true),
  );
  while (!ended) {
    const programs = describePrograms(tracer.pid);
    await sleep(programs.length > 0 ? ATTACHING_MS : POLL_MS, undefined, { signal });
    if (programs.length === 0) continue;
    // More may have come since; one that runs the loop itself may have ended.
    const later = describePrograms(tracer.pid);
    return later.length > 0 ? later : programs;
  }
  await tracer.finished;
  throw new ProcessError("a tracer ended before it had attached");
}

const POLL_MS = 20;
const ATTACHING_MS = 500;

function expectAll(command: Command, { perOperation, shared }: Script, calls: number, seen: number): void {
  const expected = calls * perOperation;
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
      return theirs ? [added.get(OURS)!.median / theirs.median] : [];
    });
    if (ratios.length < results.length) return [];
    const ours = { ...summarise(ratios), median: of(ratios) };
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
    columns: ["", "added ns", "programs", "instructions", "verified", "JIT bytes"],
    rows: results.flatMap(({ script, added, programs }) =>
      [...added].map(([name, { median }]) => [
        `${script.name}: ${name}`,
        median.toFixed(1),
        ...sizeCells(programs.get(name) ?? []),
      ]),
    ),
  };
}
