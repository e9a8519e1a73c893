/**
 * The optimiser's passes in order. Each works in place on one function and tells whether it changed anything.
 */
import { removeUnreachable } from "../ir/cfg.ts";
import type { IrFunction, IrProgram } from "../ir/ir.ts";

export interface Pass {
  name: string;
  run(fn: IrFunction): boolean;
}

const pipeline: readonly Pass[] = [{ name: "unreachable", run: removeUnreachable }];

/** Called after every pass, for dumps and for the verifier. */
export type AfterPass = (pass: Pass, fn: IrFunction, changed: boolean) => void;

/** Optimises all functions of a program in place. */
export function optimise(program: IrProgram, after: AfterPass = () => {}): void {
  for (const fn of program.functions) optimiseFunction(fn, after);
}

export function optimiseFunction(fn: IrFunction, after: AfterPass = () => {}): void {
  for (const pass of pipeline) after(pass, fn, pass.run(fn));
}
