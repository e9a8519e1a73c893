/**
 * What an event costs the program that is traced: nanoseconds that a getppid(2) takes longer than untraced. The loop runs
 * once in each round without a tracer, with us, with bpftrace, and with programs written by hand in C; a tracer whose map
 * does not hold every call of the loop has not measured what it should, and fails the benchmark.
 */
import type { Benchmark, Context, Detail, Result, Row } from "../benchmark.ts";
import { type Command, ProcessError, Running, run } from "../process.ts";
import { describePrograms, type ProgramSize } from "../program-size.ts";
import { buildLoop, buildRivals, LOOPING, type Loop, type Rivals } from "../programs.ts";
import { interleave } from "../rounds.ts";
import { median, summarise } from "../statistics.ts";
import { BPFTRACE, OURS, traceCommand, tracers } from "../tools.ts";

interface Case {
  name: string;
  script: string;
  /** The map whose values add up to the number of calls. */
  map: string;
  /** The same in C: the map, and the programs' names without the ending for where they attach. */
  c: { map: string; programs: string[] };
}

const ENTER = "tracepoint:syscalls:sys_enter_getppid";
const EXIT = "tracepoint:syscalls:sys_exit_getppid";

const CASES: readonly Case[] = [
  { name: "@ = count()", script: `${ENTER} { @ = count(); }`, map: "@", c: { map: "total", programs: ["count"] } },
  {
    name: "@[pid] = count()",
    script: `${ENTER} { @[pid] = count(); }`,
    map: "@",
    c: { map: "by_pid", programs: ["pid"] },
  },
  {
    name: "@[comm] = count()",
    script: `${ENTER} { @[comm] = count(); }`,
    map: "@",
    c: { map: "by_comm", programs: ["comm"] },
  },
  {
    name: "latency histogram by tid",
    script: `
      ${ENTER} { @start[tid] = nsecs; }
      ${EXIT} /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start[tid]); }
    `,
    map: "@ns",
    c: { map: "latency", programs: ["enter", "leave"] },
  },
];

/** Endings of the C programs' names, and what they attach to. */
const C_KINDS = [
  { ending: "tp", name: "C, tracepoint" },
  { ending: "btf", name: "C, tp_btf" },
] as const;

const UNTRACED = "untraced";

export const perEvent: Benchmark = {
  name: "per-event",
  title: "nanoseconds added to a getppid",
  async run(context) {
    const { cc } = context.tools;
    if (cc === undefined) return { rows: [], details: [] };
    const loop = (await buildLoop(cc, context))("getppid");
    const rivals = await buildRivals(cc, context);
    const result: Result = { rows: [], details: [] };
    for (const one of CASES) {
      const { rows, detail } = await measureCase(one, loop, rivals, context);
      result.rows.push(...rows);
      result.details.push(detail);
    }
    return result;
  },
};

async function measureCase(
  one: Case,
  loop: Loop,
  rivals: Rivals | undefined,
  context: Context,
): Promise<{ rows: Row[]; detail: Detail }> {
  const traced = contestants(one, loop, rivals, context);
  const untraced = { name: UNTRACED, command: loop.command, map: undefined };
  const progress = (text: string): void => context.progress(`${one.name}, ${text}`);
  const measured = await interleave(
    [untraced, ...traced].map(({ name, command, map }) => ({
      name,
      measure: () => measureLoop(command, map, loop, context.signal),
    })),
    context.quick ? 3 : 11,
    { ...context, progress },
  );
  const sizes = new Map<string, string[]>();
  for (const { name, command } of traced) sizes.set(name, sizeCells(await sizesOf(command, context.signal)));
  return {
    rows: rowsOf(one, measured, rivals !== undefined),
    detail: {
      title: one.name,
      columns: ["", "ns a call", "programs", "instructions", "verified", "JIT bytes"],
      rows: [...measured].map(([name, ns]) => [name, median(ns).toFixed(1), ...(sizes.get(name) ?? NO_SIZE)]),
    },
  };
}

interface Contestant {
  name: string;
  /** Runs the loop under a tracer. */
  command: Command;
  /** What the tracer calls its map. */
  map: string | undefined;
}

function contestants(
  { script, map, c }: Case,
  loop: Loop,
  rivals: Rivals | undefined,
  { tools }: Context,
): Contestant[] {
  const byScript = tracers(tools).map(({ name, start }) => ({
    name,
    command: traceCommand(start, script, "-f", "json", "-c", loop.command.join(" ")),
    map,
  }));
  if (rivals === undefined) return byScript;
  const byHand = C_KINDS.map(({ ending, name }) => {
    const programs = c.programs.map((program) => `${program}_${ending}`);
    return { name, command: rivals.tracer(c.map, programs, loop.command), map: "@" };
  });
  return [...byScript, ...byHand];
}

/** Nanoseconds a call. Makes sure that the tracer, if there is one, saw the calls. */
async function measureLoop(
  command: Command,
  map: string | undefined,
  loop: Loop,
  signal: AbortSignal,
): Promise<number> {
  const { stdout } = await run(command, signal);
  const { calls, nsPerCall } = loop.read(stdout);
  if (map === undefined) return nsPerCall;
  const seen = totalOf(map, stdout);
  if (seen < calls || seen > calls * 1.5) {
    throw new ProcessError(`${command.join(" ")}\n  counted ${seen} of ${calls} calls`);
  }
  return nsPerCall;
}

/** What a tracer has loaded; it is looked at while the loop runs, so this run is not measured. */
async function sizesOf(command: Command, signal: AbortSignal): Promise<ProgramSize[]> {
  const tracer = new Running(command, signal);
  await tracer.output(LOOPING);
  const sizes = describePrograms(tracer.pid);
  await tracer.finished;
  return sizes;
}

function rowsOf(one: Case, measured: ReadonlyMap<string, readonly number[]>, withC: boolean): Row[] {
  const untraced = measured.get(UNTRACED)!;
  const added = (name: string) => summarise(measured.get(name)!.map((ns, round) => ns - untraced[round]!));
  const common = { what: `added by ${one.name}`, unit: "ns", ours: added(OURS) } as const;
  const bpftrace = measured.has(BPFTRACE) ? { name: BPFTRACE, values: added(BPFTRACE) } : undefined;
  const c = withC ? C_KINDS.map(({ name }) => ({ name, values: added(name) })) : [];
  return [
    { ...common, rival: bpftrace, target: { kind: "ratio", max: 0.6 } },
    ...c.map((rival) => ({ ...common, rival, target: undefined })),
  ];
}

/** Adds up whatever numbers of events a map holds, as JSON output has it; 0 when it was not printed. */
export function totalOf(map: string, output: string): number {
  let total = 0;
  for (const line of output.split("\n")) {
    if (!line.startsWith("{")) continue;
    const { data } = JSON.parse(line) as { data?: Record<string, unknown> };
    if (data !== undefined && typeof data === "object" && map in data) total += sum(data[map]);
  }
  return total;
}

/** A number, counts by key, or a histogram's buckets. */
function sum(value: unknown): number {
  if (typeof value === "number") return value;
  if (Array.isArray(value)) return value.reduce((all: number, bucket: { count: number }) => all + bucket.count, 0);
  return Object.values(value as Record<string, unknown>).reduce((all: number, one) => all + sum(one), 0);
}

/** The cells of who has no programs. */
const NO_SIZE = ["", "", "", ""];

export function sizeCells(programs: readonly ProgramSize[]): string[] {
  const total = (of: (size: ProgramSize) => number): string =>
    String(programs.reduce((all, program) => all + of(program), 0));
  return [
    programs.map(({ type }) => type).join(", "),
    total(({ instructions }) => instructions),
    total(({ verified }) => verified),
    total(({ jitBytes }) => jitBytes),
  ];
}
