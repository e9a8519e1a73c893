/** The plan of a scenario: setup, warm-up, measured runs, control runs, teardown. */
import type { Scenario } from "../config/scenario.ts";
import type { Enlargement } from "./growth.ts";
import type { Host } from "./host.ts";
import type { PreparedScenario } from "./prepare.ts";
import type { ScopeKind } from "./scope.ts";
import { type ControlRun, type MeasuredRun, type RunKind, type ScenarioEnd, ScenarioSession } from "./session.ts";

export interface ScenarioRun {
  readonly scenario: Scenario;
  readonly scope: ScopeKind;
  readonly end: ScenarioEnd;
  /** Complete only if the scenario was measured. */
  readonly runs: readonly MeasuredRun[];
  readonly control: readonly ControlRun[];
  readonly warnings: readonly string[];
  /** Maps that had to be made larger. */
  readonly enlarged: readonly Enlargement[];
  readonly durationNs: bigint;
}

/** What a scenario is doing now. */
export type Phase = RunKind | "setup" | "teardown";

export interface RunOptions {
  /** Ends what is running and leads to the teardown. */
  readonly interrupt: AbortSignal;
  /** Cuts short the teardown too. */
  readonly abandon: AbortSignal;
  /** A scenario that would be skipped is invalid instead. */
  readonly requireAll?: boolean;
  /** `index` counts from 1 within its phase. */
  readonly onProgress?: (phase: Phase, index: number, count: number) => void;
}

export async function runScenario(prepared: PreparedScenario, host: Host, options: RunOptions): Promise<ScenarioRun> {
  const start = host.clock.now();
  const session = new ScenarioSession(prepared, host, {
    ...options,
    onSteps: (role) => options.onProgress?.(role, 1, 1),
  });
  let end: ScenarioEnd;
  try {
    end = await session.open();
    if (end.kind === "measured") end = await allRuns(session, prepared.scenario, options);
  } finally {
    await session.close();
  }
  return {
    scenario: prepared.scenario,
    scope: host.scopes.kind,
    end,
    runs: session.runs,
    control: session.control,
    warnings: [...new Set(session.warnings)],
    enlarged: session.enlarged,
    durationNs: host.clock.now() - start,
  };
}

async function allRuns(session: ScenarioSession, { runs }: Scenario, { onProgress }: RunOptions): Promise<ScenarioEnd> {
  const phases: [RunKind, number][] = [
    ["warmup", runs.warmup],
    ["run", runs.count],
    ["control", runs.control],
  ];
  for (const [kind, total] of phases) {
    for (let index = 1; index <= total; index++) {
      onProgress?.(kind, index, total);
      const end = await session.run(kind);
      if (end.kind !== "measured") return end;
    }
  }
  return { kind: "measured" };
}
