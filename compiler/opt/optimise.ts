/** The optimiser's passes in their order. */
import type { IrProgram } from "../ir/ir.ts";

export function optimise(_program: IrProgram): void {}
