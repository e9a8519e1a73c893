/** The verdicts of a comparison: all metrics and histograms of all scenarios are decided together. */

import type { Look } from "../stats/multiplicity.ts";
import { type Candidate, type Decision, decide, type Evidence, type PValues } from "../stats/paired.ts";
import { type Evaluation, evaluate } from "./evaluate.ts";
import type { PairedScenario } from "./measure.ts";

/** A scenario between its looks. */
export class Trial {
  readonly paired: PairedScenario;
  readonly looks: readonly Look[];
  readonly #seed: number;
  /** The p-values of each tested subject at each look; where it was not tested then, nothing spoke against chance. */
  readonly #histories = new Map<string, PValues[]>();
  #looked = 0;
  #evaluation: Evaluation | undefined;

  constructor(paired: PairedScenario, looks: readonly Look[], seed: number) {
    this.paired = paired;
    this.looks = looks;
    this.#seed = seed;
  }

  /** The pairs that the next look needs; undefined after the last. */
  get wanted(): number | undefined {
    return this.looks[this.#looked]?.pairs;
  }

  /** What the latest look saw; undefined before the first. */
  get evaluation(): Evaluation | undefined {
    return this.#evaluation;
  }

  /** Looks at the pairs that there are by now. */
  look(): void {
    this.#evaluation = evaluate(this.paired, this.#seed);
    for (const [id, { p }] of this.evidence()) {
      const history = this.#histories.get(id) ?? new Array<PValues>(this.#looked).fill(NOTHING);
      history[this.#looked] = p;
      this.#histories.set(id, history);
    }
    this.#looked++;
  }

  /** The evidence on everything that is judged and left to chance. */
  evidence(): Map<string, Evidence> {
    const evidence = new Map<string, Evidence>();
    for (const { head, comparison, judged } of this.#evaluation?.metrics ?? [])
      if (judged && comparison?.kind === "tested") evidence.set(metricId(head.name), comparison.evidence);
    for (const { map, script, metric, outcome } of this.#evaluation?.shifts ?? [])
      if (metric !== undefined && outcome.kind === "tested") evidence.set(shiftId(map, script), outcome.evidence);
    return evidence;
  }

  candidates(): [id: string, candidate: Candidate][] {
    return [...this.evidence()].map(([id, evidence]) => {
      const history = [...this.#histories.get(id)!];
      for (let i = 0; i < this.#looked; i++) history[i] ??= NOTHING;
      return [id, { evidence, history, looks: this.looks }];
    });
  }
}

const NOTHING: PValues = { worse: 1, better: 1 };

export function metricId(name: string): string {
  return `metric ${name}`;
}

export function shiftId(map: string, script: string): string {
  return `shift ${map} ${script}`;
}

/** The decisions on each trial, by the ids of its subjects. */
export type Decisions = ReadonlyMap<Trial, ReadonlyMap<string, Decision>>;

export function decideAll(trials: readonly Trial[]): Decisions {
  const candidates = trials.flatMap((trial) => trial.candidates().map(([id, candidate]) => ({ trial, id, candidate })));
  const decisions = decide(candidates.map(({ candidate }) => candidate));
  const all = new Map<Trial, Map<string, Decision>>(trials.map((trial) => [trial, new Map()]));
  for (const [i, { trial, id }] of candidates.entries()) all.get(trial)!.set(id, decisions[i]!);
  return all;
}
