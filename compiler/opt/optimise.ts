/**
 * The optimiser's passes in order. Each works in place on one function and tells whether it changed anything.
 */
import type { IrFunction, IrProgram } from "../ir/ir.ts";
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
  run(fn: IrFunction): boolean;
}

/** Repeated while one of them finds something: each makes work for the others. */
const cleaning: readonly Pass[] = [
  { name: "params", run: removeParams },
  { name: "simplify", run: simplify },
  { name: "gvn", run: mergeEqualValues },
  { name: "conditions", run: decideConditions },
  { name: "threading", run: threadJumps },
  { name: "blocks", run: tidyBlocks },
  { name: "dead-stores", run: removeDeadStores },
  { name: "dce", run: removeDeadCode },
];

/** Once, when there is nothing left to find. */
const finishing: readonly Pass[] = [
  { name: "sink", run: sinkComputations },
  { name: "keys", run: shareKeys },
  { name: "stores", run: storeEarly },
];

/** Hardly any function needs more than three rounds; what is left behind after so many is correct all the same. */
const MAX_ROUNDS = 8;

/** Called after every pass, for dumps and for the verifier. */
export type AfterPass = (pass: Pass, fn: IrFunction, changed: boolean) => void;

/** Optimises all functions of a program in place. */
export function optimise(program: IrProgram, after: AfterPass = () => {}): void {
  for (const fn of program.functions) optimiseFunction(fn, after);
}

export function optimiseFunction(fn: IrFunction, after: AfterPass = () => {}): void {
  const run = (pass: Pass): boolean => {
    const changed = pass.run(fn);
    after(pass, fn, changed);
    return changed;
  };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const changes = cleaning.map(run);
    if (!changes.includes(true)) break;
  }
  finishing.forEach(run);
}
