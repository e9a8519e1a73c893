/**
 * One scenario on both sides: both are set up, and then take turns, pair by pair. What a side leaves behind between two
 * rounds of pairs is torn down and set up again.
 */
import type { Scenario } from "../config/scenario.ts";
import type { Enlargement } from "../runner/growth.ts";
import type { Host } from "../runner/host.ts";
import type { PreparedScenario } from "../runner/prepare.ts";
import type { Problem } from "../runner/problems.ts";
import type { ScenarioRun } from "../runner/run-scenario.ts";
import {
  type ControlRun,
  type MeasuredRun,
  type RunKind,
  type ScenarioEnd,
  ScenarioSession,
} from "../runner/session.ts";
import type { Random } from "../stats/random.ts";
import type { SideName } from "./checkouts.ts";
import { firstSides } from "./order.ts";
import { relocate } from "./relocate.ts";
import { inFolder, type Side } from "./side.ts";

export interface Contestant {
  readonly side: Side;
  readonly host: Host;
  readonly prepared: PreparedScenario;
}

export interface MeasureOptions {
  /** The root of the user's repository, as whose the paths of both sides appear. */
  readonly repositoryRoot: string;
  readonly interrupt: AbortSignal;
  readonly abandon: AbortSignal;
  readonly requireAll: boolean;
  readonly onProgress: (scenario: Scenario, step: Step) => void;
}

export interface Step {
  readonly side: SideName;
  readonly kind: RunKind | "setup" | "teardown";
  /** From 1; of runs the number of the pair. */
  readonly index: number;
  readonly count: number;
}

interface Record {
  readonly runs: MeasuredRun[];
  readonly control: ControlRun[];
  readonly warnings: Set<string>;
  enlarged: readonly Enlargement[];
}

/** A scenario with the runs that it has had so far. A scenario that the base does not have is run on the head alone. */
export class PairedScenario {
  readonly scenario: Scenario;
  readonly #contestants: readonly Contestant[];
  readonly #random: Random;
  readonly #options: MeasureOptions;
  readonly #records: { readonly [S in SideName]: Record } = { base: emptyRecord(), head: emptyRecord() };
  /** Until it has been measured, only an interruption can keep it from that. */
  #end: ScenarioEnd = { kind: "interrupted" };
  #durationNs = 0n;

  constructor(contestants: readonly Contestant[], random: Random, options: MeasureOptions) {
    this.scenario = contestants.find(({ side }) => side.name === "head")!.prepared.scenario;
    this.#contestants = contestants;
    this.#random = random;
    this.#options = options;
  }

  /** Both sides have it. */
  get isPaired(): boolean {
    return this.#contestants.length > 1;
  }

  get pairs(): number {
    return this.#records.head.runs.length;
  }

  get end(): ScenarioEnd {
    return this.#end;
  }

  /** The runs of one side, as if it had been run alone. */
  run(name: SideName): ScenarioRun {
    const { runs, control, warnings, enlarged } = this.#records[name];
    const contestant = this.#contestants.find(({ side }) => side.name === name);
    return {
      scenario: contestant?.prepared.scenario ?? this.scenario,
      scope: this.#contestants[0]!.host.scopes.kind,
      end: this.#end,
      runs,
      control,
      warnings: [...warnings],
      enlarged,
      durationNs: this.#durationNs,
    };
  }

  /** Makes pairs until there are `wanted`, unless a run fails, or the user interrupts: then `end` says so. */
  async takePairs(wanted: number): Promise<void> {
    const { clock } = this.#contestants[0]!.host;
    const start = clock.now();
    const benches = this.#contestants.map((contestant) => new Bench(contestant, this.#records, this.#options));
    try {
      this.#end = await this.#allRuns(benches, wanted);
    } finally {
      for (const bench of benches.reverse()) await bench.close();
      // Of a pair that was cut in two the first half has nothing to be compared with.
      const complete = Math.min(...this.#contestants.map(({ side }) => this.#records[side.name].runs.length));
      for (const { side } of this.#contestants) this.#records[side.name].runs.length = complete;
      this.#durationNs += clock.now() - start;
    }
  }

  async #allRuns(benches: readonly Bench[], wanted: number): Promise<ScenarioEnd> {
    const { warmup, control } = this.scenario.runs;
    const first = this.pairs === 0;
    for (const bench of benches) {
      const end = await bench.open();
      if (end.kind !== "measured") return end;
    }
    for (let index = 1; index <= warmup; index++) {
      for (const bench of benches) {
        const end = await bench.run("warmup", index, warmup);
        if (end.kind !== "measured") return end;
      }
    }
    const from = this.pairs;
    for (const [i, side] of firstSides(wanted - from, this.#random).entries()) {
      const order = benches[0]!.name === side ? benches : benches.toReversed();
      for (const bench of order) {
        const end = await bench.run("run", from + i + 1, wanted);
        if (end.kind !== "measured") return end;
      }
    }
    // They show what the probes cost, which one side is enough for.
    for (let index = 1; first && index <= control; index++) {
      const end = await benches.at(-1)!.run("control", index, control);
      if (end.kind !== "measured") return end;
    }
    return { kind: "measured" };
  }
}

function emptyRecord(): Record {
  return { runs: [], control: [], warnings: new Set(), enlarged: [] };
}

/** One side in a round of pairs. */
class Bench {
  readonly name: SideName;
  readonly #side: Side;
  readonly #scenario: Scenario;
  readonly #session: ScenarioSession;
  readonly #record: Record;
  readonly #options: MeasureOptions;

  constructor(
    { side, host, prepared }: Contestant,
    records: { readonly [S in SideName]: Record },
    options: MeasureOptions,
  ) {
    this.name = side.name;
    this.#side = side;
    this.#scenario = prepared.scenario;
    this.#record = records[side.name];
    this.#options = options;
    const { interrupt, abandon, requireAll } = options;
    const onSteps = (kind: "setup" | "teardown"): void => this.#progress(kind, 1, 1);
    this.#session = new ScenarioSession(prepared, host, { interrupt, abandon, requireAll, onSteps });
  }

  async open(): Promise<ScenarioEnd> {
    return this.#attributed(await inFolder(this.#side.folder, () => this.#session.open()));
  }

  async run(kind: RunKind, index: number, count: number): Promise<ScenarioEnd> {
    this.#progress(kind, index, count);
    const end = await inFolder(this.#side.folder, () => this.#session.run(kind));
    const run = this.#session.runs.pop();
    if (run !== undefined) this.#record.runs.push(relocate(run, this.#side.root, this.#options.repositoryRoot));
    return this.#attributed(end);
  }

  async close(): Promise<void> {
    await inFolder(this.#side.folder, () => this.#session.close());
    const { control, warnings, enlarged } = this.#session;
    this.#record.control.push(...control);
    for (const warning of warnings) this.#record.warnings.add(`${this.name}: ${warning}`);
    this.#record.enlarged = enlarged.length > 0 ? enlarged : this.#record.enlarged;
  }

  #progress(kind: Step["kind"], index: number, count: number): void {
    this.#options.onProgress(this.#scenario, { side: this.name, kind, index, count });
  }

  /** Says on which side it was. */
  #attributed(end: ScenarioEnd): ScenarioEnd {
    if (end.kind !== "invalid") return end;
    return { ...end, problems: end.problems.map((problem) => ofSide(problem, this.name)) };
  }
}

/** A problem of one side. */
function ofSide(problem: Problem, side: SideName): Problem {
  return { ...problem, message: `on the ${side}, ${problem.message}` };
}
