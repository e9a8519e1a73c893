/**
 * Ten typical scripts: what an event costs the program that is traced, with us, with bpftrace, and with the program that
 * somebody who writes tools with libbpf would write for it, on tracepoints, on tp_btf for the scheduler, and on a uprobe.
 * A tracer is started, the loop is run when it has attached, and the tracer is interrupted: so it may live in a root
 * directory of its own. One whose map does not hold every event has not measured what it should, and fails the benchmark.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import type { Benchmark, Context, Row } from "../benchmark.ts";
import { worldOf } from "../events.ts";
import { type Executed, execute, Memory } from "../executed.ts";
import { loadedCode } from "../loaded-code.ts";
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
  /** The map that tells how many events there were, if there is one. */
  map: string | undefined;
}

interface Measurement {
  nsPerCall: number;
  programs: readonly ProgramSize[];
  executed: Executed | undefined;
}

interface Result {
  script: Script;
  /** Nanoseconds that each contestant adds. */
  added: ReadonlyMap<string, Summary>;
  /** Each contestant's programs, and what they execute. */
  loaded: ReadonlyMap<string, Pick<Measurement, "programs" | "executed">>;
}

async function measure(script: Script, loop: Loop, rivals: Rivals | undefined, context: Context): Promise<Result> {
  const { signal, tools, quick } = context;
  const text = script.text.replace("PROGRAM", `/proc/${process.pid}/root${loop.program}`);
  const tracing: Tracing[] = tracers(tools).map(({ name, start }) => ({
    ...{ name, map: script.map, command: traceCommand(start, text, "-f", "json") },
  }));
  const empty = text.replace(/( \/[^{]*\/)? \{[^}]*\}/g, " {}");
  tracing.push({ name: EMPTY, map: undefined, command: traceCommand(tools.ours, empty, "-f", "json") });
  if (rivals) {
    const command = rivals.attached(script.c.map, script.c.programs, loop.program);
    tracing.push({ name: C, map: "@", command });
  }
  const untraced = async () => ({ ...(await runLoop(loop, signal)), programs: [], executed: undefined });
  const progress = (step: string): void => context.progress(`${script.name}, ${step}`);
  const measured: ReadonlyMap<string, readonly Measurement[]> = await interleave<Measurement>(
    [
      { name: UNTRACED, measure: untraced },
      ...tracing.map((tracer) => ({ name: tracer.name, measure: () => traced(tracer, script, loop, context) })),
    ],
    quick ? 3 : 7,
    { ...context, progress },
  );
  const without = measured.get(UNTRACED)!;
  const rounds = [...measured].filter(([name]) => name !== UNTRACED);
  return {
    script,
    added: new Map(
      rounds.map(([name, list]) => [
        name,
        summarise(list.map(({ nsPerCall }, i) => (nsPerCall - without[i]!.nsPerCall) / eventsOf(script))),
      ]),
    ),
    loaded: new Map(rounds.map(([name, list]) => [name, list[0]!])),
  };
}

/** Of each operation; a sum is no number of events. */
function eventsOf({ operation }: Script): number {
  return operation === "switch" ? 2 : 1;
}

async function runLoop(loop: Loop, signal: AbortSignal): Promise<{ calls: number; nsPerCall: number }> {
  return loop.read((await run(loop.command, signal)).stdout);
}

async function traced(
  { command, map }: Tracing,
  script: Script,
  loop: Loop,
  { signal, tools: { bpftool } }: Context,
): Promise<Measurement> {
  const tracer = new Running(command, signal);
  const programs = await loaded(tracer, signal);
  const executed = bpftool === undefined ? undefined : executedBy(programs, script, bpftool);
  const { calls, nsPerCall } = await runLoop(loop, signal);
  tracer.interrupt();
  const { stdout } = await tracer.finished;
  if (map !== undefined) expectAll(command, script, calls, totalOf(map, stdout));
  return { nsPerCall, programs, executed };
}

/** What the programs execute for one event that is not the first, all together. */
function executedBy(programs: readonly ProgramSize[], { operation, text }: Script, bpftool: string): Executed {
  const direction = text.includes(ENTER) ? "enter" : "exit";
  const memory = new Memory();
  const loaded = programs.map(({ id, type }) => ({ code: loadedCode(bpftool, id), type }));
  const event = (): Executed[] =>
    loaded.map(({ code, type }) => execute(code, worldOf(operation, direction, type, hostFacts().btf(), memory)));
  event();
  const all = event();
  return {
    instructions: all.reduce((sum, { instructions }) => sum + instructions, 0),
    calls: all.flatMap(({ calls }) => calls),
  };
}

/**
 * The programs of a tracer once it has attached them: it has some, and for a while the same ones. Before that it may try out what the kernel
 * offers, with programs that are gone at once.
 */
async function loaded(tracer: Running, signal: AbortSignal): Promise<ProgramSize[]> {
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
