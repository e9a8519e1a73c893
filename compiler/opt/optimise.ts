/**
 * The optimiser's passes in order. Each works in place on one function and tells whether it changed anything.
 */
import { Shape } from "../ir/cfg.ts";
import { type IrFunction, type IrProgram, partsOf } from "../ir/ir.ts";
import { tidyBlocks } from "./blocks.ts";
import { decideConditions } from "./conditions.ts";
import { removeDeadCode } from "./dce.ts";
import { removeDeadStores } from "./dead-stores.ts";
import { storeEarly } from "./early-stores.ts";
import { mergeEqualValues } from "./gvn.ts";
import { shareKeys } from "./keys.ts";
import { removeParams } from "./params.ts";
import { simplify } from "./simplify.ts";
import { sinkComputations } from "./sink.ts";
import { threadJumps } from "./threading.ts";

export interface Pass {
  name: string;
  /** `shape` is the function's when the pass begins and again when it ends. */
  run(fn: IrFunction, shape: Shape): boolean;
  /** Whether its changes, other ways through the function, show the other passes something new. */
  reveals: boolean;
}

const blocks: Pass = { name: "blocks", run: tidyBlocks, reveals: true };

/** Repeated while one of them reveals something. */
const cleaning: readonly Pass[] = [
  { name: "params", run: removeParams, reveals: false },
  { name: "gvn", run: mergeEqualValues, reveals: false },
  { name: "simplify", run: simplify, reveals: false },
  { name: "conditions", run: decideConditions, reveals: true },
  { name: "threading", run: threadJumps, reveals: true },
  blocks,
  { name: "dead-stores", run: removeDeadStores, reveals: false },
  { name: "dce", run: removeDeadCode, reveals: false },
];

/** Once, when there is nothing left to find. */
const finishing: readonly Pass[] = [
  { name: "sink", run: sinkComputations, reveals: false },
  { name: "keys", run: shareKeys, reveals: false },
  { name: "stores", run: storeEarly, reveals: false },
];

/** Hardly any function needs more than three rounds; what is left behind after so many is correct all the same. */
const MAX_ROUNDS = 8;

/** Called after every pass, for dumps and for the verifier. */
export type AfterPass = (pass: Pass, fn: IrFunction, changed: boolean) => void;

/** Optimises all functions of a program in place. */
export function optimise(program: IrProgram, after: AfterPass = () => {}): void {
  for (const fn of partsOf(program).flat()) optimiseFunction(fn, after);
}

export function optimiseFunction(fn: IrFunction, after: AfterPass = () => {}): void {
  const shape = new Shape(fn);
  const run = (pass: Pass): boolean => {
    const changed = pass.run(fn, shape);
    after(pass, fn, changed);
    return changed && pass.reveals;
  };
  // What lowering leaves behind is a graph of many small blocks.
  run(blocks);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (!cleaning.map(run).includes(true)) break;
  }
  finishing.forEach(run);
}
