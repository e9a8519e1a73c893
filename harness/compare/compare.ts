/**
 * A comparison from two names of commits to its result: checked out, built, loaded, run in pairs until it is clear or
 * there have been enough, decided, and cleaned up, whatever happens in between.
 */
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { Diagnostics } from "../../compiler/diagnostics.ts";
import { fingerprintId } from "../baseline/fingerprint.ts";
import { encodeNumber } from "../baseline/values.ts";
import { ExitCode } from "../cli/exit-code.ts";
import type { Scenario } from "../config/scenario.ts";
import { diagnosticResult } from "../report/build.ts";
import { exitCodeOf } from "../report/exit-code.ts";
import {
  type ComparisonResult,
  RESULT_SCHEMA,
  type ScenarioResult,
  type SideResult,
  type SuiteResult,
} from "../report/result.ts";
import type { Host } from "../runner/host.ts";
import { type SuiteHost, type SuiteOutcome, summaryOf } from "../runner/suite.ts";
import { resolveUser, type User, UserError } from "../runner/users.ts";
import { planLooks } from "../stats/multiplicity.ts";
import { Random } from "../stats/random.ts";
import { build } from "./build.ts";
import { Checkouts, type SideName } from "./checkouts.ts";
import { decideAll, Trial } from "./decide.ts";
import { CompareError, InterruptedError } from "./error.ts";
import { type Commit, Repository, type WorkingChanges } from "./git.ts";
import { MOST_PAIRS } from "./limits.ts";
import { type Candidates, loadSides, prepareSides } from "./load.ts";
import { PairedScenario, type Step } from "./measure.ts";
import { newResult, pairedResult, removedResult, type Where } from "./result.ts";
import type { Side } from "./side.ts";

export interface CompareOptions {
  /** A branch, a tag, a commit. */
  readonly base: string;
  /** Likewise; undefined: the working tree as it is, uncommitted and untracked files included. */
  readonly head?: string;
  /** Scenario files and folders, as the user wrote them; none: those of the configuration, else `scenarios`. */
  readonly paths: readonly string[];
  /** Only scenarios whose name contains this. */
  readonly filter?: string;
  /** Pairs of runs at first; where it is unclear there are more, up to the scenario's `runs.max`. */
  readonly pairs: number;
  /** Determines the order of the runs. */
  readonly seed: number;
  /** Scenarios whose programs are not there are invalid, and not skipped. */
  readonly requireAll?: boolean;
  readonly interrupt: AbortSignal;
  readonly abandon: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export type Progress =
  | { readonly kind: "checking-out" | "building"; readonly side: SideName }
  | { readonly kind: "running"; readonly scenario: Scenario; readonly step: Step };

export interface CompareHost extends Omit<SuiteHost, "runner"> {
  /** One for each side: what a compiler has learnt of the binaries of one side is not true of the other's. */
  readonly runner: Readonly<Record<SideName, Host>>;
}

/**
 * Compares. The result has diagnostics and no scenarios when there are mistakes in files of the head. Throws
 * CompareError, and what runSuite throws. Nothing stays of the checkouts.
 */
export async function compare(options: CompareOptions, host: CompareHost): Promise<SuiteOutcome> {
  const startedAt = new Date();
  const start = host.runner.head.clock.now();
  const comparison = new Comparison(options, host, { fingerprint: host.machine, recordedAt: startedAt.toISOString() });
  const interrupted = (): boolean => options.interrupt.aborted;
  try {
    await comparison.execute();
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
  }
  const diagnostics = comparison.diags.items.map(diagnosticResult);
  const scenarios = comparison.results();
  const result: SuiteResult = {
    schema: RESULT_SCHEMA,
    kind: "compare",
    comparison: comparison.described,
    tool: { name: "probewright", version: host.machine.tool },
    startedAt: startedAt.toISOString(),
    durationNs: encodeNumber(host.runner.head.clock.now() - start),
    exitCode: exitCodeOf(scenarios, diagnostics, interrupted()),
    summary: summaryOf(scenarios),
    machine: { id: fingerprintId(host.machine), ...host.machine },
    diagnostics,
    scenarios,
  };
  return { result, diagnostics: comparison.diags.items, recorded: new Map() };
}

class Comparison {
  readonly diags = new Diagnostics();
  described: ComparisonResult | undefined;
  readonly #options: CompareOptions;
  readonly #host: CompareHost;
  readonly #where: Where;
  readonly #user: User | undefined;
  #candidates: Candidates | undefined;
  #trials: readonly Trial[] = [];

  constructor(options: CompareOptions, host: CompareHost, where: Where) {
    this.#options = options;
    this.#host = host;
    this.#where = where;
    this.#user = callerOf(host.runner.head);
  }

  async execute(): Promise<void> {
    const { base, head, interrupt } = this.#options;
    const repository = await Repository.open(realpathSync("."), this.#user, interrupt);
    const commits = { base: await repository.commit(base), head: await repository.commit(head ?? "HEAD") };
    const changes = head === undefined ? await repository.workingChanges() : undefined;
    this.described = this.#describe(commits, changes);
    const checkouts = await Checkouts.create(repository, this.#user);
    try {
      for (const side of SIDES) {
        this.#options.onProgress?.({ kind: "checking-out", side });
        await checkouts.checkOut(side, commits[side]);
      }
      if (changes !== undefined) checkouts.overlay("head", changes);
      await this.#inCheckouts(repository, checkouts);
    } finally {
      await checkouts.remove();
    }
  }

  #describe(commits: Readonly<Record<SideName, Commit>>, changes: WorkingChanges | undefined): ComparisonResult {
    const { base, head, seed, pairs } = this.#options;
    const describe = (name: string, { hash, subject }: Commit, changed: number): SideResult => {
      return { name, commit: hash, subject, changes: changed };
    };
    const changed = changes === undefined ? 0 : changes.present.length + changes.removed.length;
    return {
      base: describe(base, commits.base, 0),
      head: describe(head ?? "working tree", commits.head, changed),
      seed,
      pairs,
      notes: (changes?.nested ?? []).map((path) => `${path} is a repository of its own and was left out`),
    };
  }

  async #inCheckouts(repository: Repository, checkouts: Checkouts): Promise<void> {
    const { base, head } = {
      base: this.#side("base", repository, checkouts),
      head: this.#side("head", repository, checkouts),
    };
    // Where the base has nothing yet, there is at least a place.
    mkdirSync(base.folder, { recursive: true });
    if (!existsSync(head.folder))
      throw new CompareError(`the folder ${repository.prefix} is not in the head`, ExitCode.invalidInput);
    const candidates = await loadSides(
      { base, head },
      {
        paths: this.#options.paths.map(userPath),
        filter: this.#options.filter,
        config: this.#host.config,
        repositoryRoot: repository.root,
      },
      this.diags,
    );
    if (candidates === undefined) return;
    this.described?.notes.push(...candidates.notes);
    const { scenarios } = candidates;
    if (scenarios.some(({ head }) => head.workload.user !== undefined)) checkouts.admitOthers();
    for (const side of [base, head]) {
      if (side === base && scenarios.every((scenario) => scenario.base === undefined)) continue;
      this.#options.onProgress?.({ kind: "building", side: side.name });
      const { runner } = this.#host;
      await build(side.name, candidates.build[side.name], runner[side.name], this.#user, this.#options.interrupt);
    }
    const contests = await prepareSides({ base, head }, scenarios, this.#host.runner, this.diags);
    if (contests === undefined) return;
    this.#candidates = candidates;
    const { seed, pairs, interrupt, abandon, requireAll = false, onProgress } = this.#options;
    this.#trials = contests.map((contestants) => {
      const { scenario } = contestants.find(({ side }) => side === head)!.prepared;
      const paired = new PairedScenario(contestants, Random.for(seed, `order\n${scenario.name}`), {
        repositoryRoot: repository.root,
        interrupt,
        abandon,
        requireAll,
        onProgress: (scenario, step) => onProgress?.({ kind: "running", scenario, step }),
      });
      const alone = contestants.length === 1;
      const most = alone ? pairs : Math.max(pairs, Math.min(scenario.runs.max, MOST_PAIRS));
      return new Trial(paired, planLooks(pairs, most), seed);
    });
    await this.#runTrials();
  }

  #side(name: SideName, repository: Repository, checkouts: Checkouts): Side {
    const root = checkouts.root(name);
    return { name, root, folder: join(root, repository.prefix) };
  }

  /** Round by round: every scenario first, then those again that are unclear. */
  async #runTrials(): Promise<void> {
    let open = this.#trials;
    while (open.length > 0 && !this.#options.interrupt.aborted) {
      for (const trial of open) {
        if (this.#options.interrupt.aborted) return;
        await trial.paired.takePairs(trial.wanted!);
        // An interruption between two looks leaves what the last one saw.
        if (trial.paired.end.kind === "measured" && trial.paired.isPaired) trial.look();
      }
      const decisions = decideAll(this.#trials);
      open = open.filter((trial) => {
        const unclear = [...decisions.get(trial)!.values()].some(({ wantsMore }) => wantsMore);
        return trial.paired.end.kind === "measured" && unclear;
      });
    }
  }

  /** The results so far: all of them, unless the user has interrupted. */
  results(): ScenarioResult[] {
    if (this.#candidates === undefined) return [];
    const { scenarios, removed } = this.#candidates;
    const decisions = decideAll(this.#trials);
    const { kind } = this.#host.runner.head.scopes;
    const results = this.#trials.map((trial, i) =>
      trial.paired.isPaired
        ? pairedResult(trial, decisions.get(trial)!, this.#where, scenarios[i]!.notes)
        : newResult(trial),
    );
    return [...results, ...removed.map((scenario) => removedResult(scenario, kind))];
  }
}

const SIDES: readonly SideName[] = ["base", "head"];

/** As whom git and builds run. */
function callerOf({ users }: Host): User | undefined {
  try {
    return resolveUser(undefined, users);
  } catch (error) {
    if (error instanceof UserError) throw new CompareError(error.message, ExitCode.invalidInput);
    throw error;
  }
}

/** A path as the user wrote it, relative to where the user is. It may exist in the other commit only. */
function userPath(path: string): string {
  const absolute = existsSync(path) ? realpathSync(path) : resolve(path);
  return relative("", absolute) || ".";
}
