/**
 * The steps around the runs: setup, before, after, teardown. They run one after the other, are not traced, and a step
 * that fails makes the measurement worthless: what it was to prepare or to check is not as the scenario says.
 */
import { constants } from "node:os";
import type { ExitStatus } from "../../native/index.ts";
import type { Step } from "../config/scenario.ts";
import { type LaunchContext, type Launched, launch, release } from "./launch.ts";
import { commandText, milliseconds, type Problem, processList, type Role, roleName } from "./problems.ts";
import type { Cell, Scope } from "./scope.ts";
import { within } from "./within.ts";

/** How long we listen after a step's end for what it still has to say; a daemon that it started may hold the pipe open. */
const OUTPUT_PATIENCE_MS = 100;

export type StepsOutcome =
  | { readonly kind: "ok" | "interrupted" }
  | { readonly kind: "failed"; readonly problem: Problem };

/** Runs steps in order up to the first that fails. Children that outlive their step are put into `lingering`. */
export async function runSteps(
  context: LaunchContext,
  role: Role,
  steps: readonly Step[],
  cell: Cell,
  interrupt: AbortSignal,
  lingering: Launched[],
): Promise<StepsOutcome> {
  for (const step of steps) {
    if (interrupt.aborted) return { kind: "interrupted" };
    const outcome = await runStep(context, role, step, cell, interrupt, lingering);
    if (outcome.kind !== "ok") return outcome;
  }
  return { kind: "ok" };
}

/** Ends what steps have left running, gives up their pipes, and removes their scope. Answers what the user should know. */
export async function closeScope(scope: Scope, lingering: readonly Launched[]): Promise<string[]> {
  const { inside, outside } = scope.support.survivors();
  const left = [...inside, ...outside];
  const warnings = left.length > 0 ? [`killed what the steps left running: ${processList(left)}`] : [];
  const stuck = [...(await scope.workload.empty()), ...(await scope.support.empty())];
  if (stuck.length > 0) return [...warnings, `these processes cannot be killed: ${processList(stuck)}`];
  for (const { child, exited } of lingering) {
    await exited;
    child.close();
  }
  await scope.close();
  return warnings;
}

async function runStep(
  context: LaunchContext,
  role: Role,
  step: Step,
  cell: Cell,
  interrupt: AbortSignal,
  lingering: Launched[],
): Promise<StepsOutcome> {
  const { clock } = context.host;
  const launched = launch(context, role, step, cell);
  if (!("child" in launched)) return { kind: "failed", problem: launched };
  // Its pipes stay open to the end of the scenario: a server that setup started would die of a closed one.
  lingering.push(launched);
  const problem = release(launched, context);
  if (problem !== undefined) return { kind: "failed", problem };

  const waited = await within(clock, step.timeoutMs, interrupt, launched.exited);
  if (waited.kind !== "done") {
    launched.child.kill("SIGKILL", "group");
    await launched.exited;
    if (waited.kind === "interrupted") return { kind: "interrupted" };
  }
  await within(clock, OUTPUT_PATIENCE_MS, interrupt, launched.child.outputEnded);
  if (waited.kind === "timeout") return failure(launched, `did not end within ${milliseconds(step.timeoutMs)}`);
  const status = statusOf(waited.value.status);
  return status === 0 ? { kind: "ok" } : failure(launched, endText(waited.value.status));
}

function failure({ role, step, output }: Launched, how: string): StepsOutcome {
  const message = `${roleName(role)} \`${commandText(step.command)}\` ${how}`;
  return { kind: "failed", problem: { kind: "hook-failed", message, output } };
}

/** As a shell counts: the exit code, or 128 plus the number of the signal. */
export function statusOf({ code, signal }: ExitStatus): number {
  if (code !== null) return code;
  const realTime = /^SIGRTMIN\+(\d+)$/.exec(signal!);
  return 128 + (realTime ? 34 + Number(realTime[1]) : constants.signals[signal!]);
}

export function endText({ code, signal }: ExitStatus): string {
  return code !== null ? `ended with status ${code}` : `was killed by ${signal}`;
}
