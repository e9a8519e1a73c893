/**
 * Tracing a command: the runner's way, once. It is started stopped in a scope of its own, so that its first instruction is
 * counted and nothing of it is left behind.
 */
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import type { CompiledProgram, ScopeFilter } from "../../compiler/program.ts";
import type { Host, TraceResult } from "../runner/host.ts";
import { outputText } from "../runner/output.ts";
import { type PreparedScenario, prepare } from "../runner/prepare.ts";
import type { Problem } from "../runner/problems.ts";
import { traceProblems } from "../runner/tracing-problems.ts";
import { runWorkload, type WorkloadRun } from "../runner/workload.ts";
import { hostFacts } from "../tracing/facts/host-facts.ts";
import { problemError, traceFailure } from "./availability.ts";
import { CallMaps, compileCalls } from "./calls.ts";
import { TraceError } from "./errors.ts";
import { guestHost } from "./guest-host.ts";
import { type CommandOptions, scenarioOfCommand } from "./options.ts";
import { CommandTrace } from "./result.ts";
import { SyscallNames } from "./syscall-names.ts";

interface Tools {
  readonly facts: KernelFacts;
  readonly host: Host;
  readonly calls: CompiledProgram;
}

let tools: Promise<Tools> | undefined;

/** Throws TraceUnavailableError and TraceError; a command that fails is no error. */
export async function traceCommand(
  argv: readonly [string, ...string[]],
  options: CommandOptions,
): Promise<CommandTrace> {
  const scenario = scenarioOfCommand(argv, options);
  try {
    tools ??= openTools();
    const { facts, host, calls } = await tools;
    const prepared = prepareOne({ ...scenario, workload: { ...scenario.workload, expectExit: undefined } }, host);
    const run = await runOnce(prepared, [calls, ...prepared.scripts.map(({ program }) => program)], host);
    return result(run, prepared, facts);
  } catch (error) {
    throw traceFailure(error);
  }
}

async function openTools(): Promise<Tools> {
  const facts = hostFacts();
  const host = await guestHost(facts);
  return { facts, host, calls: compileCalls(facts, host.scopes.kind satisfies ScopeFilter, 0) };
}

function prepareOne(scenario: Parameters<typeof prepare>[0][number], host: Host): PreparedScenario {
  const diags = new Diagnostics();
  const prepared = prepare([scenario], host, diags)?.[0];
  if (prepared === undefined) throw new TraceError(renderDiagnostics(diags.errors));
  if (prepared.unsupported !== undefined) throw problemError(prepared.unsupported);
  return prepared;
}

type Traced = WorkloadRun & { readonly trace: TraceResult };

async function runOnce(
  { scenario, user }: PreparedScenario,
  programs: readonly CompiledProgram[],
  host: Host,
): Promise<Traced> {
  const scope = host.scopes.open();
  try {
    const tracing = host.tracer.load(programs, scope.workload.cgroup);
    try {
      const context = { host, user, workload: scenario.workload, scope, interrupt: NEVER };
      const run = await runWorkload(context, tracing);
      const [problem] = [...run.problems, ...holes(run)];
      if (problem !== undefined) throw problemError(problem);
      return run as Traced;
    } finally {
      tracing.close();
    }
  } finally {
    await scope.workload.empty();
    await scope.close();
  }
}

const NEVER = new AbortController().signal;

/** What is missing from the numbers. */
function holes({ trace, unattached }: WorkloadRun): Problem[] {
  if (trace === undefined) return [];
  const full = trace.fullMaps.map(
    ({ map, failed }): Problem => ({
      kind: "map-full",
      message: `the map ${map} was full: ${failed} entries had no room`,
      help: "give it more, with `config = { max_map_keys = 100000 }` at the head of the script",
    }),
  );
  return [...traceProblems(trace, unattached), ...full];
}

function result(
  { trace, free, status, output }: Traced,
  { scenario }: PreparedScenario,
  facts: KernelFacts,
): CommandTrace {
  const [counted = [], ...own] = trace.maps;
  const maps = new CallMaps(counted, new SyscallNames(facts.arch), () => false);
  const end = {
    exitCode: status?.code ?? null,
    signal: status?.signal ?? null,
    stdout: output === undefined ? "" : outputText(output.stdout),
    stderr: output === undefined ? "" : outputText(output.stderr),
  };
  const data = {
    ...maps.of(() => true),
    processes: maps.processes,
    unattributed: undefined,
    durationNs: Number(free.get("duration") ?? 0),
    maps: own.flat(),
    printed: trace.output,
    free,
  };
  return new CommandTrace(end, data, scenario);
}
